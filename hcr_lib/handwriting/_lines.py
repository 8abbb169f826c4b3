"""Characters one after the other: words on a line, and the ligatures that join their letters."""

import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import gaussian_filter1d

from hcr_lib import pen
from hcr_lib.handwriting._allographs import STEP
from hcr_lib.handwriting._characters import CAP_HEIGHT, Strokes, direction, write_char
from hcr_lib.handwriting._style import Style

LIGATURE = -1  #: owner of the points between two joined letters

MOST_NESTED = 0.35 * CAP_HEIGHT  #: the most by which one character reaches under or over its neighbour
ROOM_FOR_LIGATURE = 10.0  #: additional distance between letters, for a writer who joins them all

_RIGHT, _DOWN = np.array([1.0, 0.0]), np.array([0.0, 1.0])
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

    def render(self, half_width: float, margin: int = 40) -> tuple[np.ndarray, np.ndarray]:
        """Draw it on a page of its own, and each character alone on the same page: the truth about who owns which ink.

        Parameters
        ----------
        half_width : float
            Of the pen.
        margin : int
            Paper around the points, in pixels.

        Returns
        -------
        ink : ndarray of float32, shape (height, width)
        alone : ndarray of float32, shape (len(text), height, width)
            Without ligatures; blank paper for blanks.

        Examples
        --------
        >>> ink, alone = write_line("I am", Style(), np.random.default_rng(0)).render(4)
        >>> alone.shape == (4, *ink.shape), bool(alone[1].any())
        (True, False)
        """
        points = np.concatenate(self.strokes)
        offset, (width, height) = margin - points.min(axis=0), np.ptp(points, axis=0)
        shape = int(height) + 2 * margin, int(width) + 2 * margin
        parts = [
            [stroke[owners == k] + offset for stroke, owners in zip(self.strokes, self.owners, strict=True)]
            for k in range(len(self.text))
        ]
        ink = pen.render_page([stroke + offset for stroke in self.strokes], shape, half_width)
        return ink, np.stack([pen.render_page(part, shape, half_width) for part in parts])

    def moved(self, offset: npt.ArrayLike, turn: np.ndarray) -> "Writing":
        """Return a copy transformed by a 2 x 2 matrix, then moved by `offset`."""
        return Writing(self.text, [stroke @ turn + offset for stroke in self.strokes], self.owners)


_Letter = tuple[str, int, Strokes]  # a character, its index in the text, and its strokes in their place


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
    style, rng
        As for `write_char`.

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
            word.append((char, place, strokes))
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
        draw < style.joining and one.islower() and other.islower() and _can_join(one, its_own, other, its, style.slant)
        for draw, ((one, _, its_own), (other, _, its)) in zip(rng.random(len(word) - 1), pairwise(word), strict=True)
    ]
    strokes, owners = [], []
    later = []  # added when the word is written
    for (char, place, body), from_before, to_next in zip(word, [False, *joins], [*joins, False], strict=True):
        if from_before or to_next:
            body, delayed = _split_delayed(char, body)
            later += [(stroke, place) for stroke in delayed]
        if from_before:
            one, bridge, other = _join(strokes.pop(), body[0])
            strokes.append(np.concatenate([one, bridge, other]))
            # `_join` may have left out the last points of `one`.
            owners[-1] = np.repeat(
                np.append(owners[-1][: len(one)], [LIGATURE, place]),
                np.append(np.ones(len(one), int), [len(bridge), len(other)]),
            )
            body = body[1:]
        strokes += body
        owners += [np.full(len(stroke), place) for stroke in body]
    strokes += [stroke for stroke, _ in later]
    return strokes, owners + [np.full(len(stroke), place) for stroke, place in later]


def _split_delayed(char: str, strokes: Strokes) -> tuple[Strokes, Strokes]:
    """Split a letter's strokes into its body and its delayed strokes: dots and bars, added once the word is written."""
    if char == "o":  # left where its ring is highest, or it would look like an a
        [ring] = strokes
        half = len(ring) // 2
        return [ring[: half + int(ring[half:, 1].argmin()) + 1]], []
    if char in "ijx":
        return strokes[:1], strokes[1:]
    if char in "fqtz" and len(strokes) > 1:
        bar = min(range(len(strokes)), key=lambda number: np.ptp(strokes[number][:, 1]))
        return strokes[:bar] + strokes[bar + 1 :], [strokes[bar]]
    return strokes, []


def _can_join(char: str, strokes: Strokes, other: str, others: Strokes, slant: float) -> bool:
    """Return whether a ligature may lead from one letter to another: not from its left, nor from a descender."""
    if char == "f" and len(strokes) > 1:  # its foot is no place to go on from: an f would look like a t
        return False
    body, _ = _split_delayed(char, strokes)
    end, start = body[-1][-1], _split_delayed(other, others)[0][0][0]
    if end[1] < -0.3 * CAP_HEIGHT and start[1] > -0.15 * CAP_HEIGHT:  # down a whole letter: an o would look like an a
        return False
    upright = np.concatenate([stroke @ [1, slant] for stroke in body])
    left, right = upright.min(), upright.max()
    on_the_left = end @ [1, slant] < left + 0.35 * (right - left) and right - left > 0.25 * CAP_HEIGHT
    return char == "o" or (not on_the_left and end[1] < 0.2 * CAP_HEIGHT)


def _join(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join the last stroke of a letter and the first of the next, where they stand: into one path, split in three.

    Return `before` with a rounded end, the ligature, and `after` with a rounded beginning.
    """
    down = before[-1, 1] - before[-min(4, len(before)), 1]
    if len(before) > 9 and down > 2 * STEP:
        before = before[:-3]  # the last bit of a stem is left to the ligature, which turns there
    after = _led_over_the_top(after)
    bridge = _bridge(before, after)
    path = np.concatenate([before, bridge, after])
    smooth = gaussian_filter1d(path, 1.5, axis=0, mode="nearest")
    # Only the joints are smoothed, so the letters keep their corners.
    place = np.arange(len(path))
    near = sum(
        np.exp(-(((place - joint) / 2.5) ** 2)) for joint in (len(before) - 0.5, len(before) + len(bridge) - 0.5)
    )
    path = path + np.minimum(near, 1)[:, None] * (smooth - path)
    return np.split(path, [len(before), len(before) + len(bridge)])


def _led_over_the_top(path: np.ndarray) -> np.ndarray:
    """Enter a bowl that begins on its right, as in a or c, at its top: the pen retraces its beginning."""
    top = 0
    while top + 1 < len(path) and path[top + 1, 1] <= path[top, 1]:
        top += 1
    return np.concatenate([path[top:0:-1], path]) if path[top, 0] < path[0, 0] else path


def _bridge(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return a curve from the end of one stroke to the beginning of another, without these two points."""
    start, stop = before[-1], after[0]
    distance = max(float(np.hypot(*(stop - start))), STEP)
    leave, arrive = direction(before), -direction(after[::-1])
    rise = (start[1] - stop[1]) / CAP_HEIGHT
    if start[1] < -0.3 * CAP_HEIGHT and rise < 0.3:  # from the top of an o to the top of an n: a hammock
        leave = 0.4 * leave + 0.8 * _RIGHT + 0.5 * _DOWN
    else:
        leave = 0.6 * leave + 0.6 * _RIGHT
    if arrive @ _DOWN > 0.3:  # a stem: climb to it; a tall one is the back of a loop
        arrive = np.array([0.35, -0.7]) if rise < 0.6 else np.array([-0.5, -0.35])
    curve = CubicHermiteSpline([0, 1], [start, stop], [leave * distance, arrive * distance])
    return curve(np.linspace(0, 1, max(3, round(1.2 * distance / STEP)) + 2))[1:-1]
