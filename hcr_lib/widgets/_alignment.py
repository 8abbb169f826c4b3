"""Step through the way a network's sayings become a text."""

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from hcr_lib import ctc
from hcr_lib._validate import ensure_choice
from hcr_lib.widgets import _demo

#: What the shade of a cell of the lattice can mean.
SHADES = {
    "said": "how sure the network is of this sign at this step",
    "shared": "the share of all paths to this text that come through here (posterior)",
}
LONGEST = 12  # characters of a text
_ASIDE, _GAP, _CAPTION = 44, 12, 30  # left and right of the lattice, and the height of a line of words
_WIDTH, _WIDEST, _ROW = 840, 60, 26  # of the lattice, of one of its steps, and the height of a state
_NARROWEST = 480  # for the words
_BAND = (255, 236, 190)  # behind the present step


class _AlignmentDemo(_demo.Demo):
    """The lattice, with a slider over its steps."""

    def __init__(self, log_probs: np.ndarray, classes: str, text: str, strip: np.ndarray | None) -> None:
        self._log_probs, self._classes, self._strip = log_probs, classes, strip
        self.step = _demo.slider(0, 0, len(log_probs) - 1, 1, "step")
        self.text = ipywidgets.Text(text, description="text", continuous_update=False, **_demo.LOOK)
        options = [("what it says", "said"), ("all paths", "shared")]
        self.shade = ipywidgets.Dropdown(options=options, description="shade", **_demo.LOOK)
        controls = {"step": self.step, "text": self.text, "shade": self.shade}
        super().__init__("Alignment demo", controls, [[control] for control in controls.values()])

    def paint(self, *, text: str, step: int, shade: str) -> bytes:
        """Return the picture."""
        return alignment_picture(self._log_probs, self._classes, text, step, strip=self._strip, shade=shade)


def alignment_demo(
    log_probs: npt.ArrayLike, classes: str, text: str | None = None, strip: npt.ArrayLike | None = None
) -> ipywidgets.VBox:
    """Show how the steps of a network are aligned with a text, with a slider over the steps.

    Any other text can be typed: the network then has to be read against its will, and the price is shown. The
    picture comes from `alignment_picture`.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
        Column 0 is the blank, as in `hcr_lib.ctc`.
    classes : str
    text : str, optional
        The text at first; what `hcr_lib.ctc.greedy` reads by default.
    strip : array_like of uint8, shape (height, width), optional
        The line the network has read.
    """
    log_probs = np.asarray(log_probs)
    read = ctc.greedy(log_probs, classes)
    return _AlignmentDemo(log_probs, classes, read if text is None else text, strip)


def alignment_picture(
    log_probs: npt.ArrayLike,
    classes: str,
    text: str,
    step: int,
    *,
    strip: npt.ArrayLike | None = None,
    shade: str = "said",
) -> bytes:
    """Return the lattice of steps and signs, with the likeliest path to a text up to one step, as a PNG.

    Each column is a step and each row a sign of the text, with blanks between. The path goes from the top left to the
    bottom right; below stand its signs, and what they collapse to so far.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
    classes : str
    text : str
        At most 12 characters.
    step : int
        From 0; the path is drawn up to here.
    strip : array_like of uint8, shape (height, width), optional
        White ink on black, shown above the lattice, drawn as ink on paper.
    shade : {"said", "shared"}
        What makes a cell dark: see `SHADES`.

    Raises
    ------
    ValueError
        If no path of so many steps collapses to the text, or a setting is out of range.
    """
    ensure_choice(shade, SHADES, name="shade")
    log_probs = np.asarray(log_probs, dtype="float64")
    if len(text) > LONGEST:
        raise ValueError(f"expected a text of at most {LONGEST} characters; got {len(text)}. Type a shorter one.")
    states = ctc.best_alignment(log_probs, text, classes)
    if not 0 <= step < len(states):
        raise ValueError(f"step must lie between 0 and {len(states) - 1}; got {step}.")
    wide = min(_WIDEST, _WIDTH // len(states))  # a step
    ink = np.zeros((0, wide * len(states)), "uint8") if strip is None else _scaled(strip, wide * len(states))
    top = len(ink) + _CAPTION
    foot = top + _ROW * (2 * len(text) + 1)
    sheet = _demo.blank_sheet(max(_ASIDE + wide * len(states) + _GAP, _NARROWEST), foot + _ROW + 3 * _CAPTION)
    drawing = ImageDraw.Draw(sheet)
    left = _ASIDE + step * wide
    drawing.rectangle((left, 0, left + wide - 1, foot + _ROW), fill=_BAND)
    if len(ink):
        sheet.paste("black", (_ASIDE, 0), Image.fromarray(ink))
    _demo.text(drawing, (_ASIDE, top - _CAPTION // 2), f"shade: {SHADES[shade]}", anchor="lm")
    _put_lattice(drawing, _cells(log_probs, classes, text, shade), ctc.interleave(text), states[: step + 1], top, wide)
    for number, line in enumerate(_words(log_probs, classes, text, states, step)):
        middle = foot + _ROW + number * _CAPTION + _CAPTION // 2
        _demo.text(drawing, (_ASIDE, middle), line, size=13 if number else 18, anchor="lm")
    return _demo.to_bytes(sheet)


def _scaled(strip: npt.ArrayLike, width: int) -> np.ndarray:
    """Bring a strip of writing to a width, uint8."""
    strip = np.asarray(strip)
    if strip.ndim != 2 or strip.dtype != np.uint8:
        raise ValueError(f"strip must be uint8 of shape (height, width); got {strip.dtype} of shape {strip.shape}.")
    height = round(strip.shape[0] * width / strip.shape[1])
    return np.asarray(Image.fromarray(strip).resize((width, height), Image.Resampling.NEAREST))


def _cells(log_probs: np.ndarray, classes: str, text: str, shade: str) -> np.ndarray:
    """Return how dark each cell is, from 0 to 1, shape (steps, states)."""
    if shade == "shared":
        return ctc.posterior(log_probs, text, classes)
    return np.exp(log_probs[:, [(ctc.BLANK + classes).index(sign) for sign in ctc.interleave(text)]])


def _put_lattice(
    drawing: ImageDraw.ImageDraw, cells: np.ndarray, signs: str, path: np.ndarray, top: int, wide: int
) -> None:
    """Draw the lattice, the path through it, and below each step of the path its sign."""

    def middle(step: int, state: int) -> tuple[float, float]:
        return _ASIDE + (step + 0.5) * wide, top + (state + 0.5) * _ROW

    for state, sign in enumerate(signs):
        _demo.text(drawing, (_ASIDE // 2, middle(0, state)[1]), sign, size=16)
        for step, share in enumerate(cells[:, state]):
            x, y = middle(step, state)
            box = x - wide / 2 + 2, y - _ROW / 2 + 2, x + wide / 2 - 3, y + _ROW / 2 - 3
            drawing.rectangle(box, fill=(round(255 - 200 * float(share)),) * 3, outline=_demo.GREY)
    points = [middle(step, state) for step, state in enumerate(path)]
    drawing.line(points, fill=_demo.RED, width=3)
    for x, y in points:
        drawing.ellipse((x - 5, y - 5, x + 5, y + 5), fill="white", outline=_demo.RED, width=3)
    for step, state in enumerate(path):
        _demo.text(drawing, (middle(step, 0)[0], top + (len(signs) + 0.5) * _ROW), signs[state], 16, fill=_demo.RED)


def _words(log_probs: np.ndarray, classes: str, text: str, states: np.ndarray, step: int) -> list[str]:
    """Say what the path collapses to so far, what the network says now, and how likely it all is."""
    path = "".join(ctc.interleave(text)[state] for state in states)
    columns = [(ctc.BLANK + classes).index(sign) for sign in path]
    alone = float(np.exp(log_probs[np.arange(len(path)), columns].sum()))
    best = int(log_probs[step].argmax())
    said = (ctc.BLANK + classes)[best].replace(ctc.BLANK, "blank")
    together = float(np.exp(-ctc.loss(log_probs, text, classes)))
    return [
        f"so far: {ctc.collapse(path[: step + 1]) or '(nothing)'}",
        f"step {step}: the network is surest of {said} ({np.exp(log_probs[step, best]):.0%})",
        f"this path alone: {alone:.2g};  all paths to {text!r} together: {together:.2g}",
    ]
