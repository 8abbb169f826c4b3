"""Sliders over a synthetic writer's style, on a word of your choice."""

from dataclasses import replace

import ipywidgets
import numpy as np
from PIL import Image

from hcr_lib import pen
from hcr_lib.handwriting import CAP_HEIGHT, Style, draw_char, press, write
from hcr_lib.handwriting import writer as style_of
from hcr_lib.labels import BYCLASS
from hcr_lib.widgets import _demo

#: A slider for each of these fields of `Style`: lowest, highest, step, label.
SLIDERS = {
    "slant": (-0.6, 1.0, 0.05, "slant"),
    "width": (0.5, 2.0, 0.05, "width"),
    "x_height": (30.0, 80.0, 1.0, "x-height"),
    "roundness": (0.0, 1.6, 0.05, "roundness"),
    "speed": (0.0, 1.0, 0.05, "speed"),
    "closure": (-25.0, 25.0, 1.0, "closure"),
    "tremor": (0.0, 4.0, 0.1, "tremor"),
    "pen": (1.5, 16.0, 0.5, "pen"),
    "pressure": (0.0, 0.3, 0.01, "pressure"),
    "spacing": (-5.0, 60.0, 1.0, "spacing"),
    "joining": (0.0, 1.0, 0.05, "joining"),
}
LONGEST = 40  # characters of a text
WRITERS = 320  # of the bundled sample
_PLAIN = -1  # in their place; None would leave the dropdown blank
_WIDTH, _MARGIN = 900, 24  # of the picture, in pixels
_CAPITAL = 72  # height of a capital, while the text fits
_ABOVE, _BELOW = 112, 56  # paper on either side of the baseline, while the writing stays on it
_TILE, _GAP, _CAPTION = 60, 5, 28
_RULES = {0.0: (150, 185, 220), 1.0: (215, 228, 240)}  # the baseline, and the height of capitals


class _WriterDemo(_demo.Demo):
    """The picture of a word with a slider for each field of the style."""

    def __init__(self, word: str) -> None:
        self._shown = _PLAIN
        sliders = [
            (field, _demo.slider(getattr(Style(), field), low, high, step, label))
            for field, (low, high, step, label) in SLIDERS.items()
        ]
        people = [("plain style", _PLAIN), *((f"w{number:03d}", number) for number in range(WRITERS))]
        copy = _demo.copies("copy")
        first = {
            "text": ipywidgets.Text(word, description="text", **_demo.LOOK),
            "writer": _demo.dropdown(people, "writer"),
            "copy": copy,
            "again": _demo.button("write it again", lambda: self.put(copy=copy.value + 1)),
        }
        super().__init__("Writer demo", None, first, dict(sliders[:6]), dict(sliders[6:]))

    def paint(self, *, text: str, writer: int, copy: int, **fields: float) -> bytes:
        """Return the picture, after moving the sliders to another writer's style; other fields are the writer's own."""
        style = Style() if writer == _PLAIN else style_of(writer)
        if writer != self._shown:
            self._shown = writer
            self._set(**{field: getattr(style, field) for field in SLIDERS})
            fields = {field: self.controls[field].value for field in SLIDERS}
        return writer_picture(text, replace(style, **fields), copy)


def writer_demo(word: str = "Handwriting 47") -> ipywidgets.VBox:
    """Show a word as a synthetic writer writes it, with sliders for the style.

    "writer" chooses a writer of the bundled sample, and the sliders move to that writer's style. "write it again" gives
    another copy by the same hand. The picture comes from `writer_picture`.

    Parameters
    ----------
    word : str
        The text at first: digits, letters and spaces.
    """
    return _WriterDemo(word)


def writer_picture(text: str, style: Style, seed: int = 0, *, stored: bool = True) -> bytes:
    """Return a text in one writer's hand, dark on ruled paper, as a PNG.

    Parameters
    ----------
    text : str
        Digits, letters and spaces, at most 40 characters.
    style : hcr_lib.handwriting.Style
        The writer's.
    seed : int
        Number of the copy: the same seed gives the same picture.
    stored : bool
        Add the first characters below as 28 x 28 images, each another copy.

    Raises
    ------
    ValueError
        If there is nothing to write, too much, or a character that the writers do not know.
    """
    _check(text)
    ink, (top, baseline) = _line(text, style, np.random.default_rng([seed, 0]))
    foot = ink.shape[0] + _CAPTION
    sheet = _demo.Sheet(_WIDTH, foot + _TILE + _MARGIN if stored else ink.shape[0])
    for share, colour in _RULES.items():
        y = round(baseline + share * (top - baseline))
        sheet.draw.line((0, y, _WIDTH, y), fill=colour)
    # Ink covers the rules: both are mixed by the strength of the ink.
    colour = Image.new("RGB", ink.shape[::-1], (20, 24, 60))
    sheet.image.paste(colour, mask=Image.fromarray((255 * ink).astype("uint8")))
    if stored:
        sheet.text(_MARGIN, foot - _CAPTION // 2, "the same hand once more, as 28 x 28 images", anchor="lm")
        chars = text.replace(" ", "")[: (_WIDTH - 2 * _MARGIN + _GAP) // (_TILE + _GAP)]
        images = (draw_char(char, style, np.random.default_rng([seed, 1, n])) for n, char in enumerate(chars))
        sheet.row(images, _MARGIN, foot, _TILE, _GAP)
    return sheet.png()


def _check(text: str) -> None:
    """Raise one clear sentence where `text` cannot be written."""
    unknown = sorted(set(text) - set(BYCLASS) - {" "})
    if unknown:
        raise ValueError(
            f"the writers know digits, the letters A to Z and a to z, and spaces; "
            f"got {', '.join(map(repr, unknown))}. Leave that out."
        )
    if not text.strip() or len(text) > LONGEST:
        raise ValueError(f"expected a text of 1 to {LONGEST} characters; got {len(text.strip())}. Type another one.")


def _line(text: str, style: Style, rng: np.random.Generator) -> tuple[np.ndarray, tuple[float, float]]:
    """Return one line of ink as wide as the picture, and the heights of its capitals and its baseline."""
    strokes = write(text, style, rng)
    widths = press(strokes, style, rng)
    x0, y0, x1, y1 = pen.bounds(strokes)
    # The scale is fixed, so that a wider hand looks wider; only what would leave the paper is made to fit.
    scale = min(_CAPITAL / CAP_HEIGHT, (_WIDTH - 2 * _MARGIN) / (x1 - x0 + 2 * style.pen))
    edge = 2 * style.pen
    baseline = max(_ABOVE, scale * (edge - y0))
    height = round(baseline + max(_BELOW, scale * (edge + y1)))
    shift = np.array([_MARGIN - scale * min(0.0, x0 - style.pen), baseline])
    ink = pen.render_page([stroke * scale + shift for stroke in strokes], (height, _WIDTH), [scale * w for w in widths])
    return ink, (baseline - scale * CAP_HEIGHT, baseline)
