"""Step through the alignment of a network's outputs with a text."""

from functools import partial

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from hcr_lib import ctc
from hcr_lib._validate import ensure_choice
from hcr_lib.widgets import _demo

#: Meanings of the shade of a cell of the lattice.
SHADES = {
    "output": "the network's probability of this symbol at this step",
    "posterior": "the share of all paths to this text that come through here (posterior)",
}
LONGEST = 12  # characters of a text
_ASIDE, _GAP, _CAPTION = 44, 12, 30  # left and right of the lattice, and the height of a line of words
_WIDTH, _WIDEST, _ROW = 840, 60, 26  # of the lattice, of one of its steps, and the height of a state
_NARROWEST = 480  # for the words
_BAND = (255, 236, 190)  # behind the present step


def alignment_demo(
    log_probs: npt.ArrayLike, classes: str, text: str | None = None, strip: npt.ArrayLike | None = None
) -> ipywidgets.VBox:
    """Show the alignment of a network's outputs with a text, as `alignment_picture` does, with a slider over the steps.

    Any other text can be typed, to see how improbable it is; by default it is that of `hcr_lib.ctc.greedy`.
    """
    log_probs = np.asarray(log_probs)
    text = ctc.greedy(log_probs, classes) if text is None else text
    controls = {
        "step": _demo.control("step", (0, len(log_probs) - 1, 1), 0),
        "text": _demo.control("text", ipywidgets.Text(text, continuous_update=False)),
        "shade": _demo.control("shade", [("output", "output"), ("all paths", "posterior")]),
    }
    return _demo.Demo("Alignment demo", partial(alignment_picture, log_probs, classes, strip=strip), controls)


def alignment_picture(
    log_probs: npt.ArrayLike,
    classes: str,
    text: str,
    step: int,
    *,
    strip: npt.ArrayLike | None = None,
    shade: str = "output",
) -> bytes:
    """Return the lattice of steps and symbols, with the likeliest path to a text up to one step, as a PNG.

    Each column is a step and each row a symbol of the text, with blanks between. The path goes from the top left to the
    bottom right; below are its symbols, and the text they collapse to so far.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
        Column 0 is the blank, as in `hcr_lib.ctc`.
    classes : str
    text : str
        At most 12 characters.
    step : int
        From 0; the path is drawn up to here.
    strip : array_like of uint8, shape (height, width), optional
        The line that the network read, white ink on black; shown above the lattice, as ink on paper.
    shade : {"output", "posterior"}
        Of a cell: see `SHADES`.

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
    symbols, wide = ctc.interleave(text), min(_WIDEST, _WIDTH // len(states))  # a step
    ink = Image.new("L", (wide * len(states), 0))
    if strip is not None:
        strip = np.asarray(strip)
        if strip.ndim != 2 or strip.dtype != np.uint8:
            raise ValueError(f"strip must be uint8 of shape (height, width); got {strip.dtype} of shape {strip.shape}.")
        ink = ImageOps.scale(Image.fromarray(strip), ink.width / strip.shape[1], Image.Resampling.NEAREST)
    top = ink.height + _CAPTION
    foot = top + _ROW * len(symbols)
    sheet = _demo.Sheet(max(_ASIDE + ink.width + _GAP, _NARROWEST), foot + _ROW + 3 * _CAPTION)
    left = _ASIDE + step * wide
    sheet.draw.rectangle((left, 0, left + wide - 1, foot + _ROW), fill=_BAND)
    sheet.image.paste("black", (_ASIDE, 0), ink)
    sheet.text(_ASIDE, top - _CAPTION // 2, f"shade: {SHADES[shade]}", anchor="lm")

    def middle(step: int, state: float) -> tuple[float, float]:
        return _ASIDE + (step + 0.5) * wide, top + (state + 0.5) * _ROW

    for state, symbol in enumerate(symbols):
        sheet.text(_ASIDE // 2, middle(0, state)[1], symbol, size=16)
    for (column, state), share in np.ndenumerate(_cells(log_probs, classes, text, shade)):
        x, y = middle(column, state)
        box = x - wide / 2 + 2, y - _ROW / 2 + 2, x + wide / 2 - 3, y + _ROW / 2 - 3
        sheet.draw.rectangle(box, fill=(round(255 - 200 * float(share)),) * 3, outline=_demo.GREY)
    points = [middle(column, state) for column, state in enumerate(states[: step + 1])]
    sheet.draw.line(points, fill=_demo.RED, width=3)
    for (x, y), state in zip(points, states, strict=False):
        sheet.draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill="white", outline=_demo.RED, width=3)
        sheet.text(x, foot + _ROW / 2, symbols[state], size=16, fill=_demo.RED)
    for number, line in enumerate(_words(log_probs, classes, text, states, step)):
        y = foot + _ROW + number * _CAPTION + _CAPTION // 2
        sheet.text(_ASIDE, y, line, size=13 if number else 18, anchor="lm")
    return _demo.png(sheet.image)


def _cells(log_probs: np.ndarray, classes: str, text: str, shade: str) -> np.ndarray:
    """Return the shade of each cell, from 0 to 1, shape (steps, states)."""
    if shade == "posterior":
        return ctc.posterior(log_probs, text, classes)
    return np.exp(log_probs[:, [(ctc.BLANK + classes).index(symbol) for symbol in ctc.interleave(text)]])


def _words(log_probs: np.ndarray, classes: str, text: str, states: np.ndarray, step: int) -> list[str]:
    """Describe the text so far, the network's output at this step, and the probability of the path and the text."""
    path = "".join(ctc.interleave(text)[state] for state in states)
    alone = _cells(log_probs, classes, text, "output")[np.arange(len(path)), states].prod()
    likeliest = (ctc.BLANK + classes)[log_probs[step].argmax()].replace(ctc.BLANK, "blank")
    together = np.exp(-ctc.loss(log_probs, text, classes))
    return [
        f"so far: {ctc.collapse(path[: step + 1]) or '(nothing)'}",
        f"step {step}: the network is surest of {likeliest} ({np.exp(log_probs[step].max()):.0%})",
        f"this path alone: {alone:.2g};  all paths to {text!r} together: {together:.2g}",
    ]
