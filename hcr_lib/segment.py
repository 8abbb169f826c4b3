"""From a page to lines to pieces of writing: find the ink that hangs together, and put it in reading order.

A *piece* is the smallest unit: a blob of connected ink, together with what stands above or below it (the dot of
an i). Whether two neighbouring pieces are one broken letter or two letters is not decided here: `candidates`
proposes both, and `hcr_lib.decode.best_path` lets the reader choose.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images import THRESHOLD, bounding_box

#: Blobs smaller than this share of the line height, both ways, are dust.
DUST = 0.07
#: Pieces are merged outright when they share this much of the narrower one's width: a dot and its stem.
OVERLAP = 0.45
#: Blobs smaller than this share of the line height, both ways, are dots, and belong to the piece below them.
DOT = 0.4
#: Blobs lower and narrower than this are bars: of a broken E or T, where they stand over a piece; else hyphens.
BAR = 0.25, 0.9
#: A gap this wide, in line heights, separates words.
WORD_GAP = 0.55
#: A character is hardly ever wider than this, in line heights.
WIDEST = 1.5
#: Gaps up to this, in line heights, may lie inside one broken letter.
WIDEST_BREAK = 0.22
#: At most this many pieces make one character.
MOST_PIECES = 3

Box = tuple[int, int, int, int]  # x0, y0, x1, y1; x1 and y1 are one past the last pixel


@dataclass(frozen=True, eq=False)
class Piece:
    """Some connected ink: where it is, and its pixels without those of its neighbours.

    Attributes
    ----------
    box : tuple of int
        (x0, y0, x1, y1) on the page.
    ink : ndarray of float32, shape (y1 - y0, x1 - x0)
    """

    box: Box
    ink: np.ndarray

    @property
    def width(self) -> int:
        """Width in pixels."""
        return self.box[2] - self.box[0]

    @property
    def height(self) -> int:
        """Height in pixels."""
        return self.box[3] - self.box[1]

    @property
    def middle(self) -> float:
        """Half-way between top and bottom, in pixels from the top of the page."""
        return (self.box[1] + self.box[3]) / 2


@dataclass(frozen=True)
class Line:
    """Pieces from left to right, and the height of the writing."""

    pieces: list[Piece]
    height: float


def join(pieces: Sequence[Piece]) -> Piece:
    """Put pieces into one, each pixel where it was."""
    boxes = np.array([piece.box for piece in pieces])
    x0, y0 = boxes[:, :2].min(axis=0)
    x1, y1 = boxes[:, 2:].max(axis=0)
    ink = np.zeros((y1 - y0, x1 - x0), "float32")
    for piece in pieces:
        left, top, right, bottom = piece.box
        window = ink[top - y0 : bottom - y0, left - x0 : right - x0]
        np.maximum(window, piece.ink, out=window)
    return Piece((int(x0), int(y0), int(x1), int(y1)), ink)


def blobs(ink: npt.ArrayLike) -> list[Piece]:
    """Return every blob of connected ink (touching corners count), in no particular order."""
    ink = ensure_gray_image(ink)
    # Soft edges belong to the blob they surround, so the outlines are found a little below the threshold.
    mask = ink >= 0.75 * THRESHOLD
    if not mask.any():
        return []
    x, y, right, bottom = bounding_box(mask)  # most of a picture is paper
    ink = ink[y:bottom, x:right]
    numbered, _ = ndimage.label(mask[y:bottom, x:right], structure=np.ones((3, 3)))
    found = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(numbered), start=1):
        own = np.where(numbered[rows, columns] == number, ink[rows, columns], 0)
        if own.max() >= THRESHOLD:
            found.append(Piece((x + columns.start, y + rows.start, x + columns.stop, y + rows.stop), own))
    return found


def lines(ink: npt.ArrayLike) -> list[Line]:
    """Find the lines of writing, from top to bottom; dust is left out.

    Parameters
    ----------
    ink : array_like of float, shape (height, width)
        Ink in [0, 1], as `hcr_lib.images.to_ink` makes it.

    Returns
    -------
    list of Line
        Empty for a blank page.

    Notes
    -----
    Blobs at least half as tall as the writing found the lines: each joins the line whose middle lies nearest, or
    starts a new one more than 0.7 heights away. Smaller blobs (dots, bars, commas) join the nearest line after that.

    Examples
    --------
    >>> page = np.zeros((60, 50)); page[5:20, 5:9] = 1; page[5:20, 15:30] = 1; page[35:50, 5:9] = 1
    >>> [[piece.box[0] for piece in line.pieces] for line in lines(page)]
    [[5, 15], [5]]
    """
    found = _without_dust(blobs(ink))
    if not found:
        return []
    height = _writing_height(found)
    tall = sorted((blob for blob in found if blob.height >= 0.5 * height), key=lambda blob: blob.box[0])
    groups: list[list[Piece]] = []
    for blob in tall:
        # A line of writing may climb, so its place is that of its last few blobs, not of all.
        nearest = min(groups, key=lambda group: abs(_place(group) - blob.middle), default=None)
        if nearest is not None and abs(_place(nearest) - blob.middle) <= 0.7 * height:
            nearest.append(blob)
        else:
            groups.append([blob])
    for blob in found:
        if blob.height < 0.5 * height:
            min(groups, key=lambda group: _distance(group, blob)).append(blob)
    groups.sort(key=lambda group: np.mean([blob.middle for blob in group]))
    return [_stack(group) for group in groups]


def one_line(ink: npt.ArrayLike) -> Line | None:
    """Take a picture for a single word, however much it climbs; None for a blank page.

    Crumbs of the lines above and below are left out: blobs that the edge of the picture cuts and that lie off
    the line through the others.

    Examples
    --------
    >>> page = np.zeros((60, 50)); page[20:40, 5:9] = 1; page[20:40, 15:30] = 1; page[55:, 5:9] = 1
    >>> len(one_line(page).pieces)
    2
    """
    found = _without_dust(blobs(ink))
    if not found:
        return None
    height = _writing_height(found)
    bottom = np.shape(ink)[0]
    centre = np.array([[(blob.box[0] + blob.box[2]) / 2, blob.middle] for blob in found])
    mass = np.array([blob.ink.sum() for blob in found])
    slope = 0.0
    # Fewer than four, or a column of them, say nothing about a slope.
    if sum(blob.height >= 0.5 * height for blob in found) >= 4 and np.ptp(centre[:, 0]) > height:
        slope = float(np.polyfit(*centre.T, 1, w=np.sqrt(mass))[0])
    level = centre[:, 1] - slope * centre[:, 0]
    order = np.argsort(level)
    middle = level[order][np.searchsorted(np.cumsum(mass[order]), mass.sum() / 2)]
    kept = [
        blob
        for blob, place in zip(found, level, strict=True)
        if abs(place - middle) <= 0.7 * height or not (blob.box[1] == 0 or blob.box[3] == bottom)
    ]
    return _stack(kept)


def _without_dust(found: list[Piece]) -> list[Piece]:
    limit = DUST * _writing_height(found) if found else 0
    return [blob for blob in found if max(blob.width, blob.height) >= limit]


def _place(group: Sequence[Piece]) -> float:
    return float(np.mean([blob.middle for blob in group[-3:]]))


def _distance(group: Sequence[Piece], blob: Piece) -> float:
    """Return how far a small blob is from the nearest blob of a line; sideways counts half."""
    x0, y0, x1, y1 = blob.box
    return min(
        max(other.box[0] - x1, x0 - other.box[2], 0) / 2 + max(other.box[1] - y1, y0 - other.box[3], 0)
        for other in group
    )


def _writing_height(pieces: Sequence[Piece]) -> float:
    """Return the height above which half of the ink lies: that of the letters, whatever the number of dots."""
    order = sorted(pieces, key=lambda piece: piece.height)
    mass = np.cumsum([piece.ink.sum() for piece in order])
    return float(order[int(np.searchsorted(mass, mass[-1] / 2))].height)


def _stack(group: Sequence[Piece]) -> Line:
    """Order the blobs of a line from left to right, joining those that stand above one another.

    A dot joins the nearest piece, even when a slant has carried it past the edge; a bar joins the piece it stands
    over. What joins none, like the hyphen of a double name, is punctuation, which no class set holds: it is left out.
    """
    height = _writing_height(group)
    small = {blob: reach for blob in group if (reach := _reach(blob, height)) is not None}
    stacked: list[Piece] = []
    for blob in sorted((blob for blob in group if blob not in small), key=lambda blob: blob.box[0] + blob.box[2]):
        # Slanted writing may put one letter between a bar and its stem, so the last two pieces are looked at.
        shares = [(_overlap(piece, blob), index) for index, piece in enumerate(stacked)][-2:]
        share, index = max(shares, default=(0.0, 0))
        if share >= OVERLAP:
            stacked[index] = join([stacked[index], blob])
        else:
            stacked.append(blob)
    for blob, reach in small.items():
        away = [max(blob.box[0] - piece.box[2], piece.box[0] - blob.box[2]) for piece in stacked]
        nearest = int(np.argmin(away))
        if away[nearest] <= reach:
            stacked[nearest] = join([stacked[nearest], blob])
    return Line(stacked, height)


def _reach(blob: Piece, height: float) -> float | None:
    """Return how far from its piece a dot or a bar may stand, in pixels; None for anything larger."""
    if max(blob.width, blob.height) < DOT * height:
        return 0.15 * height
    if blob.height < BAR[0] * height and blob.width < BAR[1] * height:
        return 0.05 * height
    return None


def _overlap(first: Piece, second: Piece) -> float:
    """Return the shared width as a share of the narrower piece's."""
    shared = min(first.box[2], second.box[2]) - max(first.box[0], second.box[0])
    return max(0, shared) / min(first.width, second.width)


def words(line: Line) -> list[Line]:
    """Part a line where the gaps are wide: wider than `WORD_GAP`, and than 2.5 times the usual gap of the line."""
    pieces = line.pieces
    gaps = [max(0, right.box[0] - left.box[2]) for left, right in pairwise(pieces)]
    usual = float(np.median(gaps)) if gaps else 0.0
    parted, current = [], pieces[:1]
    for gap, piece in zip(gaps, pieces[1:], strict=True):
        if gap > max(WORD_GAP * line.height, 2.5 * usual):
            parted.append(Line(current, line.height))
            current = []
        current.append(piece)
    return [*parted, Line(current, line.height)]


@dataclass(frozen=True)
class Candidate:
    """Neighbouring pieces `start` to `stop` - 1 of a line, which might be one character."""

    start: int
    stop: int
    piece: Piece
    gap: float  #: widest gap inside, in line heights


def candidates(line: Line) -> list[Candidate]:
    """Propose which neighbouring pieces might be one character.

    Every piece alone is a candidate. So are two or three neighbours, if the gaps between them are narrow enough for
    a broken letter and the whole is not wider than a letter.
    """
    proposed = []
    for start, first in enumerate(line.pieces):
        gap, joined = 0.0, first
        proposed.append(Candidate(start, start + 1, first, 0.0))
        for stop in range(start + 2, min(start + MOST_PIECES, len(line.pieces)) + 1):
            last = line.pieces[stop - 1]
            gap = max(gap, (last.box[0] - joined.box[2]) / line.height)
            joined = join([joined, last])
            if gap > WIDEST_BREAK or joined.width > WIDEST * line.height:
                break
            proposed.append(Candidate(start, stop, joined, gap))
    return proposed


def whole(line: Line) -> Candidate:
    """Take all pieces of a line for one character that has come apart; its gap may be negative, an overlap."""
    gaps = [(right.box[0] - left.box[2]) / line.height for left, right in pairwise(line.pieces)]
    return Candidate(0, len(line.pieces), join(line.pieces), max(gaps, default=0.0))
