"""Characters one after the other: words on a line."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from hcr_lib.handwriting._characters import CAP_HEIGHT, Strokes, write_char
from hcr_lib.handwriting._ligatures import can_join, join, split_delayed
from hcr_lib.handwriting._style import Style

LIGATURE = -1  #: owner of the points between two joined letters

MOST_NESTED = 0.35 * CAP_HEIGHT  #: the most by which one character reaches under or over its neighbour
ROOM_FOR_LIGATURE = 10.0  #: additional distance between letters, for a writer who joins them all

_BAND = 10.0  # outlines are compared in bands of this height ...
_BANDS = 48  # ... from half as many above the baseline to half as many below


@dataclass(frozen=True, eq=False)
class Writing:
    """Strokes, and the character that each of their points belongs to.

    Attributes
    ----------
    text : str
        Including blanks and line breaks.
    strokes : list of ndarray of float64, each of shape (n, 2)
        In the order they were written: x to the right, y down.
    owners : list of ndarray of int64, each of shape (n,)
        For each point the index of its character in `text`, or `LIGATURE` between two joined letters.

    Examples
    --------
    >>> writing = write_line("I am", Style(), np.random.default_rng(0))
    >>> writing.boxes().shape
    (4, 4)
    >>> bool(np.isnan(writing.boxes()[1]).all())  # the blank
    True
    """

    text: str
    strokes: Strokes
    owners: list[np.ndarray]

    def boxes(self, margin: float = 0.0) -> np.ndarray:
        """Return the bounding box of each character.

        Parameters
        ----------
        margin : float
            Added on every side; half the width of the pen makes it the box of the ink.

        Returns
        -------
        ndarray of float64, shape (len(text), 4)
            x0, y0, x1, y1; NaN for blanks and line breaks.
        """
        low = np.full((len(self.text), 2), np.inf)
        high = -low
        for stroke, owners in zip(self.strokes, self.owners, strict=True):
            own = owners != LIGATURE
            np.minimum.at(low, owners[own], stroke[own])
            np.maximum.at(high, owners[own], stroke[own])
        boxes = np.concatenate([low - margin, high + margin], axis=1)
        return np.where(np.isfinite(boxes), boxes, np.nan)

    def moved(self, offset: npt.ArrayLike, turn: np.ndarray) -> "Writing":
        """Return a copy transformed by a 2 x 2 matrix, then moved by `offset`."""
        return Writing(self.text, [stroke @ turn + offset for stroke in self.strokes], self.owners)


class _Letter(NamedTuple):
    """A character in its place, in a word and in the text."""

    char: str
    place: int
    strokes: Strokes


def write(text: str, style: Style, rng: np.random.Generator) -> Strokes:
    """Write words on one line, and return the strokes alone: see `write_line`.

    Examples
    --------
    >>> strokes = write("No 7", Style(), np.random.default_rng(0))
    >>> bool(strokes[0][:, 0].mean() < strokes[-1][:, 0].mean())
    True
    """
    return write_line(text, style, rng).strokes


def write_line(text: str, style: Style, rng: np.random.Generator) -> Writing:
    """Write words on one line, and keep which stroke belongs to which character.

    Characters are spaced by the distance of their ink at each height (kerning) and by their extents: most writers let
    an A slip a little under the roof of a T. Letters may touch, or be joined by ligatures; bars and dots of joined
    letters follow when the word is written.

    Parameters
    ----------
    text : str
        Digits, letters and blanks.
    style : Style
    rng : numpy.random.Generator
        Source of the variation from copy to copy.

    Returns
    -------
    Writing
        x to the right, y DOWN: the baseline starts at (0, 0), capitals are about 100 high.

    Raises
    ------
    ValueError
        If a character of `text` is not a digit, a letter or a blank.
    """
    line = Writing(text, [], [])
    edge = 0.0  # where the next character may begin, were the writing upright
    sway = np.zeros(2)  # how much too low and how much too large, changing slowly
    for found in re.finditer(r" +|[^ ]+", text):
        if found[0].startswith(" "):
            edge += style.blank * float(np.exp(rng.normal(0, 0.12, len(found[0]))).sum())
            continue
        word: list[_Letter] = []
        outline = np.full(_BANDS, -np.inf)  # how far the word's ink reaches to the right, band by band
        for place, char in enumerate(found[0], start=found.start()):
            sway = 0.8 * sway + rng.normal(0, 0.6, 2)
            height = edge * style.drift + style.wobble * sway[0] + rng.normal(0, style.sloppiness)
            size = np.exp(0.01 * style.wobble * sway[1])
            strokes = [size * stroke + [0, height] for stroke in write_char(char, style, rng)]
            aside = np.array([_shift(strokes, outline, edge, style, rng), 0])
            strokes = [stroke + aside for stroke in strokes]
            outline = np.maximum(outline, _sides(strokes)[1])
            edge = max(edge, (np.concatenate(strokes) @ [1, style.slant]).max())
            word.append(_Letter(char, place, strokes))
        edge += 2 * style.pen + style.spacing
        strokes, owners = _joined(word, style, rng)
        line.strokes.extend(strokes)
        line.owners.extend(owners)
    return line


def _sides(strokes: Strokes) -> tuple[np.ndarray, np.ndarray]:
    """Return the left and right edges of strokes in each band; infinite where there is no ink."""
    x, y = np.concatenate(strokes).T
    band = np.clip((y / _BAND + _BANDS / 2).astype(int), 1, _BANDS - 2)
    left, right = np.full(_BANDS, np.inf), np.full(_BANDS, -np.inf)
    for up_or_down in (-1, 0, 1):  # ink a little higher or lower is close, too
        np.maximum.at(right, band + up_or_down, x)
    np.minimum.at(left, band, x)
    return left, right


def _shift(strokes: Strokes, outline: np.ndarray, edge: float, style: Style, rng: np.random.Generator) -> float:
    """Return the distance to the right by which a character has to move to stand beside the word's last one."""
    upright = np.concatenate(strokes) @ [1, style.slant]
    apart = edge - upright.min()  # side by side
    uneven, touching, overlap = rng.normal(0, 0.2), rng.random(), rng.random()
    if np.isinf(outline).all():  # nothing stands before it
        return apart
    left, _ = _sides(strokes)
    nested = float((outline - left).max())  # as close as the ink allows
    nested = min(max(nested, apart - MOST_NESTED), apart)
    if touching < style.touching * (1 - style.joining):
        return nested + 2 * style.pen * overlap
    gap = 2 * style.pen + style.spacing * np.exp(uneven) + ROOM_FOR_LIGATURE * style.joining
    return apart + style.nesting * (nested - apart) + gap


def _joined(word: list[_Letter], style: Style, rng: np.random.Generator) -> tuple[Strokes, list[np.ndarray]]:
    """Return a word's strokes in the order of the pen, joined where this writer joins letters, and their owners."""
    joins = [
        draw < style.joining
        and one.char.islower()
        and other.char.islower()
        and can_join(one.char, one.strokes, other.char, other.strokes, style.slant)
        for draw, (one, other) in zip(rng.random(len(word) - 1), pairwise(word), strict=True)
    ]
    strokes, owners = [], []
    later = []  # added when the word is written
    for letter, from_before, to_next in zip(word, [False, *joins], [*joins, False], strict=True):
        body, rest = split_delayed(letter.char, letter.strokes) if from_before or to_next else (letter.strokes, [])
        later += [(stroke, letter.place) for stroke in rest]
        if from_before:
            one, bridge, other = join(strokes.pop(), body[0])
            strokes.append(np.concatenate([one, bridge, other]))
            # `join` may have left out the last points of `one`.
            owners[-1] = np.repeat(
                np.append(owners[-1][: len(one)], [LIGATURE, letter.place]),
                np.append(np.ones(len(one), int), [len(bridge), len(other)]),
            )
            body = body[1:]
        strokes += body
        owners += [np.full(len(stroke), letter.place) for stroke in body]
    strokes += [stroke for stroke, _ in later]
    return strokes, owners + [np.full(len(stroke), place) for stroke, place in later]
