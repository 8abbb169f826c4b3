"""The decoding ladder of lesson 06: what each aid makes of one word, and what the weight of a language does to it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hcr_lib.widgets import _demo

Ladder = Mapping[str, Callable[[np.ndarray, float], str]]

WEIGHT, HEAVIEST = 0.6, 4.0  #: of the language at first, and at most
_TILE, _ROW, _LEFT, _RIGHT = 60, 34, 200, 236  # a character's square, a line of text, and what stands on either side
_SIZE = 15  # of words


def ladder_demo(samples: Sequence[tuple[str, npt.ArrayLike, npt.ArrayLike]], ladder: Ladder) -> _demo.Demo:
    """Show sliders for the rungs of a ladder and for the weight of the language, with the `ladder_picture` of a word.

    Parameters
    ----------
    samples : sequence of (str, images, scores)
        What was written, and the rest as for `ladder_picture`.
    ladder : mapping of str to callable
        As for `ladder_picture`.
    """
    samples = list(samples)
    if not samples or not ladder:
        raise ValueError(f"expected at least one word and one rung; got {len(samples)} and {len(ladder)}.")
    words = [(written, number) for number, (written, *_) in enumerate(samples)]
    controls = {
        "word": _demo.control("word", words, tip="The word that was written."),
        "rungs": _demo.control("rungs", (1, len(ladder), 1), 1, tip="How far up the ladder to go."),
        "weight": _demo.control(
            "weight", (0.0, HEAVIEST, 0.1), WEIGHT, tip="How much the language counts beside the ink."
        ),
    }

    def paint(word: int, rungs: int, weight: float) -> bytes:
        return ladder_picture(*samples[word], ladder, rungs, weight)

    return _demo.Demo("Ladder demo", paint, controls, beside="weight")


def ladder_picture(
    written: str,
    stored: npt.ArrayLike,
    scores: npt.ArrayLike,
    ladder: Ladder,
    rungs: int | None = None,
    weight: float = WEIGHT,
) -> bytes:
    """Return a word, cut into characters, and the text that each rung of a ladder makes of it, as a PNG.

    Parameters
    ----------
    written : str
        What it says; letters of a text that differ from it are red.
    stored : array_like of uint8, shape (n, 28, 28)
        Its characters.
    scores : array_like of float, shape (n, classes)
        Theirs.
    ladder : mapping of str to callable
        From the name of a rung to its function of (scores, weight), which returns the text.
    rungs : int, optional
        How many of the ladder's rungs are shown, from the first; by default all.
    weight : float
        What the functions are given.
    """
    stored, scores, names = np.asarray(stored), np.asarray(scores), list(ladder)
    rungs = len(names) if rungs is None else rungs
    if len(stored) != len(scores) or not 1 <= rungs <= len(names):
        raise ValueError(
            f"expected as many images as rows of scores, and 1 to {len(names)} rungs; got {len(stored)} images, "
            f"{len(scores)} rows and {rungs} rungs."
        )
    sheet = _demo.Sheet(_LEFT + _TILE * max(len(stored), len(written)) + _RIGHT, _TILE + 8 + _ROW * (rungs + 1))
    for place, ink in enumerate(stored):
        sheet.image.paste(_demo.tile(ink, _TILE), (_LEFT + place * _TILE, 0))
    before = None
    for number, name in enumerate(names[:rungs]):
        y, text = _TILE + 8 + (number + 0.5) * _ROW, ladder[name](scores, weight)
        sheet.text(_LEFT - 12, y, name, _SIZE, anchor="rm")
        for place, char in enumerate(text):
            same = written[place : place + 1] == char
            sheet.text(_LEFT + (place + 0.5) * _TILE, y, char, 22, fill=_demo.BLACK if same else _demo.RED)
        verdict = "right" if text == written else "wrong"
        changed = "" if before in (None, text) else ", changed by this rung"
        sheet.text(sheet.image.width - _RIGHT + 12, y, verdict + changed, _SIZE, anchor="lm")
        before = text
    sheet.text(_LEFT, sheet.image.height - _ROW / 2, f"written: {written}; weight {weight:.1f}", _SIZE, anchor="lm")
    return _demo.png(sheet.image)
