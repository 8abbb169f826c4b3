"""Sliders over a synthetic writer's style, on a word of your choice."""

import re
from dataclasses import replace

import ipywidgets
import numpy as np
from PIL import Image

from hcr_lib import pen
from hcr_lib.handwriting import CAP_HEIGHT, Style, draw_char, press, write
from hcr_lib.handwriting import writer as style_of
from hcr_lib.labels import BYCLASS
from hcr_lib.widgets import _demo

#: A slider for each of these fields of `Style`: lowest, highest, step.
SLIDERS = {
    "slant": (-0.6, 1.0, 0.05),
    "width": (0.5, 2.0, 0.05),
    "x_height": (30.0, 80.0, 1.0),
    "roundness": (0.0, 1.6, 0.05),
    "speed": (0.0, 1.0, 0.05),
    "closure": (-25.0, 25.0, 1.0),
    "tremor": (0.0, 4.0, 0.1),
    "pen": (1.5, 16.0, 0.5),
    "pressure": (0.0, 0.3, 0.01),
    "spacing": (-5.0, 60.0, 1.0),
    "joining": (0.0, 1.0, 0.05),
}
#: What each of them is, in the words of `Style`.
TIPS = dict(re.findall(r"(?m)^ +(\w+)  +(\w.*)$", Style.__doc__ or ""))
LONGEST = 40  # characters of a text
WRITERS = 320  # of the bundled sample
_PLAIN = -1  # in their place; None would leave the dropdown blank
_WIDTH, _MARGIN = 900, 24  # of the picture, in pixels
_CAPITAL = 72  # height of a capital, while the text fits
_ABOVE, _BELOW = 112, 56  # paper on either side of the baseline, while the writing stays on it
_TILE, _GAP = 60, 5
_RULES = {0.0: (150, 185, 220), 1.0: (215, 228, 240)}  # the baseline, and the height of capitals


def writer_demo(word: str = "Handwriting 47") -> ipywidgets.VBox:
    """Show a word as a synthetic writer writes it, with sliders for the style.

    "writer" chooses a writer of the bundled sample, and the sliders move to that writer's style. "write it again" gives
    another copy by the same hand. The picture comes from `writer_picture`; any other text can be typed.
    """
    people = [("plain style", _PLAIN), *((f"w{number:03d}", number) for number in range(WRITERS))]
    number = ipywidgets.BoundedIntText(max=2**31 - 1)
    copy = _demo.control("copy", number, tip="Each number is another copy by the same hand.")
    person = _demo.control("writer", people, tip="Move the sliders to this writer's style.")

    def style(number: int) -> Style:
        return Style() if number == _PLAIN else style_of(number)

    def follow(change: dict) -> None:
        demo.put(**{field: getattr(style(change["new"]), field) for field in SLIDERS})

    person.observe(follow, names="value")  # before the demo observes it: the sliders move first
    controls = {
        "text": _demo.control("text", word, tip=f"Digits, letters and spaces, at most {LONGEST}."),
        "writer": person,
        "copy": copy,
        "again": _demo.button("write it again", lambda: demo.put(copy=copy.value + 1), "One more by the same hand."),
        **{
            field: _demo.control(field.replace("_", "-"), limits, getattr(Style(), field), tip=TIPS.get(field, field))
            for field, limits in SLIDERS.items()
        },
    }
    demo = _demo.Demo(
        "Writer demo",
        lambda text, writer, copy, **fields: writer_picture(text, replace(style(writer), **fields), copy),
        controls,
        beside="text",
    )
    return demo


def writer_picture(text: str, style: Style, seed: int = 0) -> bytes:
    """Return a text in one writer's hand, dark on ruled paper, as a PNG.

    Below stand the first characters as 28 x 28 images, each another copy.

    Parameters
    ----------
    text : str
        Digits, letters and spaces, at most 40 characters.
    style : hcr_lib.handwriting.Style
        The writer's.
    seed : int
        Number of the copy.

    Raises
    ------
    ValueError
        If there is nothing to write, too much, or a character that the writers do not know.
    """
    if unknown := sorted(set(text) - set(BYCLASS + " ")):
        raise ValueError(f"expected digits, letters and spaces; got {', '.join(map(repr, unknown))}. Leave that out.")
    if not text.strip() or len(text) > LONGEST:
        raise ValueError(f"expected a text of 1 to {LONGEST} characters; got {len(text.strip())}. Type another one.")
    chars = text.replace(" ", "")[: _WIDTH // (_TILE + _GAP)]
    images = (draw_char(char, style, np.random.default_rng([seed, 1, n])) for n, char in enumerate(chars))
    words = _demo.caption("the same hand once more, as 28 x 28 images", _WIDTH, anchor="lm")
    row = _demo.join((_demo.tile(image, _TILE) for image in images), _GAP)
    return _demo.png(_demo.join((_line(text, style, np.random.default_rng([seed, 0])), words, row), down=True))


def _line(text: str, style: Style, rng: np.random.Generator) -> Image.Image:
    """Write one line on ruled paper."""
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
    sheet = _demo.Sheet(_WIDTH, height)
    for share, colour in _RULES.items():
        y = round(baseline - share * scale * CAP_HEIGHT)
        sheet.draw.line((0, y, _WIDTH, y), fill=colour)
    # Ink covers the rules: both are mixed by the strength of the ink.
    sheet.image.paste((20, 24, 60), (0, 0), Image.fromarray((255 * ink).astype("uint8")))
    return sheet.image
