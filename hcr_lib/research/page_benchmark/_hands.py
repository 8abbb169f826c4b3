"""By whom the pages are written: people of UNIPEN whom no network has seen, or the course's synthetic writers."""

from __future__ import annotations

import functools
import string
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from hcr_lib import pen
from hcr_lib.datasets import StrokeDataset, load_strokes
from hcr_lib.handwriting import CAP_HEIGHT, Writing, random_style, write_char

USUAL = 0.3  #: how far a character's height may be from what is expected of this person, as a natural logarithm

Strokes = list[np.ndarray]
Glyph = Callable[[str], Strokes]  #: draws a character; capitals are 1 high, the baseline is at y = 0, which grows down

#: Heights of characters, capitals and digits being 1: what a person's size is known by.
_HEIGHTS = dict.fromkeys("acemnorsuvwxz", 0.58) | dict.fromkeys("gpqyj", 0.95) | dict.fromkeys("bdfhkl", 1.0)
#: How far characters reach below the baseline, as a share of their own height ...
_BELOW = dict.fromkeys("gpqy", 0.4) | {"j": 0.3, ",": 0.6, ";": 0.25, "(": 0.1, ")": 0.1, "/": 0.05, "Q": 0.05}
#: ... or where their middle is, in heights of a capital above it.
_MIDDLE = dict.fromkeys("-=+~", 0.42) | dict.fromkeys("'\"", 0.9)
#: The marks that `_texts` needs, for writers who have none: capitals are 1 high.
_MARKS = {
    ".": [[[0, -0.02], [0.02, 0]]], ",": [[[0.05, -0.05], [0.05, 0.03], [0, 0.15]]], "-": [[[0, -0.4], [0.35, -0.42]]],
    "/": [[[0, 0.05], [0.4, -1.05]]], "+": [[[0, -0.4], [0.5, -0.4]], [[0.25, -0.65], [0.25, -0.15]]],
}  # fmt: skip


class Hands(Protocol):
    """Many people, of whom one writes each text."""

    origin: str  #: whose writing it is, for the record

    def write(self, text: str, rng: np.random.Generator, *, touching: float = 0.0) -> Writing:
        """Let one of them write a line.

        Parameters
        ----------
        text : str
        rng : numpy.random.Generator
            Decides who writes, and how.
        touching : float
            The share of letters that touch the one before.

        Returns
        -------
        Writing
            Capitals are about 1 high, the baseline begins at (0, 0), y grows down.
        """
        ...

    def write_lines(self, lines: list[str], rng: np.random.Generator) -> list[Writing]:
        """Let one of them write several lines."""
        ...


class _Hands:
    """What both kinds of people share: setting characters on a line."""

    def _glyphs(self, chars: set[str], rng: np.random.Generator) -> Glyph:
        raise NotImplementedError

    def write(self, text: str, rng: np.random.Generator, *, touching: float = 0.0) -> Writing:
        [line] = self._lines([text], rng, touching)
        return line

    def write_lines(self, lines: list[str], rng: np.random.Generator) -> list[Writing]:
        return self._lines(lines, rng, 0.0)

    def _lines(self, lines: list[str], rng: np.random.Generator, touching: float) -> list[Writing]:
        glyph = self._glyphs({*"".join(lines)} - {" "}, rng)
        gap, blank = rng.uniform(0.08, 0.28), rng.uniform(0.4, 0.8)
        return [_set(line, glyph, rng, gap, blank, touching) for line in lines]


def _set(text: str, glyph: Glyph, rng: np.random.Generator, gap: float, blank: float, touching: float = 0.0) -> Writing:
    """Set characters on a line, `gap` apart and words `blank` more; those that touch overlap by a trace of ink."""
    line, x, before = Writing(text, [], []), 0.0, None
    for place, char in enumerate(text):
        if char == " ":
            x, before = x + blank * np.exp(rng.normal(0, 0.1)), None
            continue
        body = [stroke + np.array([0, rng.normal(0, 0.02)]) for stroke in glyph(char)]
        left, _, right, _ = pen.bounds(body)
        if before is not None and rng.random() < touching:
            shift = _contact(before, body)
        else:
            shift = x - left + max(0.02, gap + rng.normal(0, 0.04))
        body = [stroke + np.array([shift, 0]) for stroke in body]
        line.strokes.extend(body)
        line.owners.extend(np.full(len(stroke), place) for stroke in body)
        x, before = right + shift, body
    return line


def _contact(before: Strokes, body: Strokes) -> float:
    """Return how far a character has to move to the right so that it just touches the one before."""
    bands = 40  # of a twentieth of a capital's height, from one above the top to two below
    right, left = np.full(bands, -np.inf), np.full(bands, np.inf)
    for strokes, edge, further in ((before, right, np.maximum), (body, left, np.minimum)):
        points = np.concatenate([dense(stroke, 0.02) for stroke in strokes])
        band = np.clip(points[:, 1] * 20 + 30, 1, bands - 2).astype(int)
        further.at(edge, band, points[:, 0])
    for shift in (-1, 1):  # a little higher or lower is contact, too
        left = np.minimum(left, np.roll(left, shift))
    away = (left - right)[np.isfinite(left) & np.isfinite(right)]
    if away.size:
        return -float(away.min())
    return pen.bounds(before)[2] - pen.bounds(body)[0]


def dense(stroke: np.ndarray, step: float) -> np.ndarray:
    """Return points of a stroke at most `step` apart.

    Examples
    --------
    >>> dense(np.array([[0.0, 0.0], [1.0, 0.0]]), 0.5).tolist()
    [[0.0, 0.0], [0.5, 0.0], [1.0, 0.0]]
    """
    if len(stroke) < 2:
        return stroke
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
    at = np.union1d(way, np.linspace(0, way[-1], int(np.ceil(way[-1] / step)) + 1))
    return np.stack([np.interp(at, way, column) for column in stroke.T], axis=1)


class SyntheticHands(_Hands):
    """The course's synthetic writers, a new one for each page; marks are simple strokes."""

    origin = "synthetic writers of hcr_lib.handwriting, one for each page"

    def _glyphs(self, chars: set[str], rng: np.random.Generator) -> Glyph:
        style = random_style(rng)

        def glyph(char: str) -> Strokes:
            if char in _MARKS:
                return [np.array(stroke) * np.exp(rng.normal(0, 0.08)) for stroke in _MARKS[char]]
            return [stroke / CAP_HEIGHT for stroke in write_char(char, style, rng)]

        return glyph


class UnipenHands(_Hands):
    """UNIPEN's development people: nothing was trained on them. What one never wrote is taken from another."""

    origin = "characters by UNIPEN's development people, set on lines"

    def __init__(self, letters: StrokeDataset):
        known = [k for k, char in enumerate(letters.texts) if len(char) == 1 and char != " "]
        self._letters = letters.take(known)
        texts, writers = self._letters.texts, self._letters.writers
        heights = np.array([np.ptp(np.concatenate(strokes)[:, 1]) for strokes in self._letters])
        expected = np.array([_HEIGHTS.get(c, 1.0 if c in string.digits + string.ascii_uppercase else 0) for c in texts])
        self._own: dict[str, dict[str, np.ndarray]] = {}
        self._cap: dict[str, float] = {}
        for writer in np.unique(writers):
            rows = np.flatnonzero(writers == writer)
            sized = rows[expected[rows] > 0]
            if len(sized) < 10:
                continue
            self._cap[writer] = cap = float(np.median(heights[sized] / expected[sized]))
            # The same person wrote other sheets larger or smaller; and a few labels are wrong: a 1 that lies, a dot.
            odd = (expected[rows] > 0) & (
                np.abs(np.log(np.maximum(heights[rows], 1) / np.maximum(expected[rows], 0.1) / cap)) > USUAL
            )
            rows = rows[~odd]
            self._own[writer] = {char: rows[texts[rows] == char] for char in np.unique(texts[rows])}

    @classmethod
    def load(cls, data_dir: Path) -> UnipenHands:
        """Read the characters of the development people from a folder with UNIPEN's packs."""
        return cls(load_strokes("unipen-chars", "val", data_dir=data_dir))

    def _glyphs(self, chars: set[str], rng: np.random.Generator) -> Glyph:
        # One of the people who wrote most of these characters; the rest is another's.
        order = [str(writer) for writer in rng.permutation(list(self._own))]
        order.sort(key=lambda writer: -len(chars & self._own[writer].keys()))

        def glyph(char: str) -> Strokes:
            writer = next(who for who in order if char in self._own[who])
            index = rng.choice(self._own[writer][char])
            return _on_baseline(char, [stroke / self._cap[writer] for stroke in self._letters[index]])

        return glyph


def _on_baseline(char: str, body: Strokes) -> Strokes:
    """Put a character where it stands on a line: of UNIPEN's, only the size is known."""
    x0, y0, _, y1 = pen.bounds(body)
    foot = _BELOW.get(char, 0.0) * (y1 - y0) if char not in _MIDDLE else (y1 - y0) / 2 - _MIDDLE[char]
    return [stroke - [x0, y1 - foot] for stroke in body]


@functools.cache
def hands(data_dir: Path) -> Hands:
    """Return UNIPEN's development people if their strokes lie in `data_dir`, else synthetic writers."""
    return UnipenHands.load(data_dir) if (data_dir / "unipen_chars.npz").is_file() else SyntheticHands()
