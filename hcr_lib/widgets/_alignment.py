"""Step through the alignment of a network's outputs with a text."""

import functools
from collections.abc import Callable

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from hcr_lib import ctc
from hcr_lib._validate import ensure_choice
from hcr_lib.handwriting import draw_char
from hcr_lib.handwriting import writer as handwriting_of
from hcr_lib.labels import BYCLASS
from hcr_lib.widgets import _demo

Network = Callable[[np.ndarray], npt.ArrayLike]

#: Meanings of the shade of a cell of the lattice.
SHADES = {
    "output": "the network's probability of this symbol at this step",
    "posterior": "the share of all paths to this text that come through here (posterior)",
}
LONGEST = 12  # characters of a text
WRITERS = 320  # of the bundled sample
_NARROW = 112  # columns of lesson 04's strips
_ASIDE, _GAP, _CAPTION = 44, 12, 30  # left and right of the lattice, and the height of a line of words
_WIDTH, _WIDEST, _ROW = 840, 60, 26  # of the lattice, of one of its steps, and the height of a state
_NARROWEST = 480  # for the words
_BAND = (255, 236, 190)  # behind the present step


def alignment_demo(
    log_probs: npt.ArrayLike,
    classes: str,
    text: str | None = None,
    strip: npt.ArrayLike | None = None,
    *,
    network: Network | None = None,
) -> ipywidgets.VBox:
    """Show the alignment of a network's outputs with a text, as `alignment_picture` does, step by step or playing.

    Any other text can be typed, to see how improbable it is; by default it is that of `hcr_lib.ctc.greedy`.

    Parameters
    ----------
    log_probs, classes, text, strip
        As for `alignment_picture`.
    network : callable, optional
        Takes a strip, uint8 of shape (28, width), and returns its `log_probs`. With it one's own number can be typed: a
        synthetic writer writes it (see `written_strip`), and the network reads it.
    """
    given = np.asarray(log_probs), strip
    text = ctc.greedy(given[0], classes) if text is None else text

    @functools.lru_cache(maxsize=8)
    def written(number: str, writer: int) -> tuple[np.ndarray, np.ndarray | None]:
        if not number:
            return given
        if unknown := sorted({*number} - ({*classes} & {*BYCLASS})):
            raise ValueError(f"expected characters of {classes}; got {', '.join(map(repr, unknown))}. Leave that out.")
        own = written_strip(number, writer)
        return np.asarray(network(own)), own

    steps = len(given[0]) - 1
    step = _demo.control("step", (0, steps, 1), 0, tip="How far the path is drawn: one column of the lattice a step.")
    play = ipywidgets.Play(max=steps, interval=400, show_repeat=False, layout=_demo.ALIGNED, tooltip="Step by step.")
    ipywidgets.jslink((play, "value"), (step, "value"))  # in the browser: no step waits for the one before
    own = {
        "number": _demo.control(
            "number", ipywidgets.Text("", continuous_update=False, placeholder="such as 2026"),
            tip=f"A synthetic writer writes it, and the network reads it: at most {LONGEST} characters.",
        ),
        "writer": _demo.control("writer", (0, WRITERS - 1, 1), 0, tip="Whose hand your number is written in."),
    }  # fmt: skip
    controls = {
        **({"number": own["number"]} if network else {}),
        "text": _demo.control(
            "text", ipywidgets.Text(text, continuous_update=False), tip="What the path has to read, likely or not."
        ),
        "shade": _demo.control(
            "shade", [("output", "output"), ("all paths", "posterior")], tip="What the grey of a cell means."
        ),
        **({"writer": own["writer"]} if network else {}),
        "step": step,
        "play": play,
    }

    def paint(text: str, step: int, shade: str, number: str = "", writer: int = 0) -> bytes:
        log_probs, strip = written(number, writer)
        return alignment_picture(log_probs, classes, text, step, strip=strip, shade=shade)

    def read(_change: dict) -> None:
        log_probs, _ = written(own["number"].value, own["writer"].value)
        with demo.held():
            step.value, step.max = 0, len(log_probs) - 1
            play.max = step.max
            controls["text"].value = ctc.greedy(log_probs, classes) if own["number"].value else text

    for control in own.values():
        # Before the demo observes it, and paints; what went wrong here goes wrong there, too, and is said.
        control.observe(lambda change: demo.carefully(lambda: read(change)), names="value")
    demo = _demo.Demo("Alignment demo", paint, controls, beside="text")
    demo.controls["reset"].on_click(lambda _button: play.set_trait("playing", False))
    return demo


def written_strip(text: str, writer: int = 0) -> np.ndarray:
    """Return characters by one synthetic writer side by side, as lesson 04 sets digits: each cut to its ink, with gaps.

    Parameters
    ----------
    text : str
        1 to 12 digits and letters.
    writer : int
        Number of the writer, from 0; also decides the gaps, of 0 to 6 columns.

    Returns
    -------
    ndarray of uint8, shape (28, width)
        White ink on black; at least 112 columns, and a multiple of 4.

    Examples
    --------
    >>> written_strip("47").shape
    (28, 112)
    """
    if not 1 <= len(text) <= LONGEST:
        raise ValueError(f"expected 1 to {LONGEST} characters; got {len(text)}. Type a shorter one.")
    rng = np.random.default_rng(writer)
    parts = [np.zeros((28, 2), "uint8")]
    for char in text:
        image = draw_char(char, handwriting_of(writer), rng)
        parts += [image[:, image.any(axis=0)], np.zeros((28, rng.integers(0, 7)), "uint8")]
    strip = np.hstack(parts)
    return np.pad(strip, ((0, 0), (0, max(_NARROW - strip.shape[1], -strip.shape[1] % 4))))


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
