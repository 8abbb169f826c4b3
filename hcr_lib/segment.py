"""From a page to lines, words and candidate characters: connected components of ink, put in reading order.

What a `Component` holds is the smallest unit: one connected component, or several that stand above one another (an i
and its dot). Whether two neighbours are one broken letter or two letters is not decided here: `candidates` proposes
both, and `hcr_lib.decode.best_path` lets the reader choose.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images import THRESHOLD, ImageError, bounding_box, stroke_width

# Shares are of the line height, unless they are of a letter.
DUST = 0.07  #: components smaller than this share, both ways, are left out
DOT = 0.4  #: components smaller than this share, both ways, belong to the component below them
BAR = 0.25, 0.9  #: lower and narrower ones are bars: of a broken E or T, where they stand over another; else hyphens
OVERLAP = 0.45  #: of the narrower component's width: those that share this much are merged, a dot and its stem
INTERLOCKED, NEAR = 0.5, 3.0  #: of a line's components: those that stand so far in another line, so near, are its own
SLENDER, HOVERS = 0.6, 0.6  #: a lone bar no wider than this share of its height, so close over another, is its dot
BESIDE = 0.5  #: of the smaller component's height: those that share this much stand beside each other, a g and an l
#: What is cut is parted into words by gaps wider than this, and than so many times the usual gap. Of composed sentences
#: and lists by UNIPEN's development people that missed 7 of 612 blanks, and took 5 of 3,454 gaps inside words for one,
#: by a script that was not kept.
PARTED = 0.3, 2.5
#: Beyond doubt are gaps that are wider than the usual one by so much, more the fewer there are to compare, and by so
#: many times what narrow ones are narrower, up to the last of these. Chosen on composed lists (0.3 % of the blanks
#: missed, before this rule 34 %) and words (1 % of the gaps taken for one) of UNIPEN's development people.
WORD_GAP, FEW_GAPS, UNEVEN, MOST = 0.25, 1.0, 4.0, 1.0
NARROW, USUAL = 0.08, 0.5  #: so many gaps are narrower than a narrow one, and than the usual one
WIDEST = 1.5  #: a character is hardly ever wider than this
WIDEST_BREAK = 0.22  #: gaps up to this may lie inside one broken letter
MOST_COMPONENTS = 3  #: of one character
NARROWEST = 0.2  #: of the pieces of letters that touch
#: Stroke widths: letters touch where a column holds at most so much ink, and so much less than the columns beside it.
THIN, DEEP = 1.8, 0.5
#: Between two columns is white paper this wide, from top to bottom; each has so many lines at least, most of them wider
#: than a number of two digits, and those of the right one begin below each other.
GUTTER, COLUMN_LINES, COLUMN_WIDTH, FLUSH = 1.5, 3, 1.8, 0.4
NOISE = 4000  #: a picture with more components than this is noise; a full page of writing has some 2,000
TINY_NOISE = 200  #: so is one with more than this many, half of which are no taller than 4 pixels

Box = tuple[int, int, int, int]  # x0, y0, x1, y1; x1 and y1 are one past the last pixel


@dataclass(frozen=True, eq=False)
class Component:
    """A connected component of ink, or a group of them: where it is, and its pixels without those of its neighbours."""

    box: Box  #: on the page
    ink: np.ndarray  #: float32 of shape (y1 - y0, x1 - x0)

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
    """Components from left to right, the height of the writing in pixels, and marks that are part of no character."""

    components: list[Component]
    height: float
    marks: list[Component] = field(default_factory=list)  #: commas, hyphens, dots that belong to nothing

    @property
    def ink(self) -> Component:
        """All of it, marks as well."""
        return join([*self.components, *self.marks])


def with_faint_ink(line: Line, ink: npt.ArrayLike) -> Component:
    """Return the ink of a line as it is on the page, without what belongs to neighbours, and dust.

    The components of a line end where the ink is faint; a thin stroke that joins two letters may be no more than that.

    Parameters
    ----------
    line : Line
    ink : array_like of float, shape (height, width)
        The page that the line was found on.
    """
    own = line.ink
    x0, y0, x1, y1 = own.box
    around = np.array(ink[y0:y1, x0:x1], "float32")
    others = (around >= 0.75 * THRESHOLD) & (own.ink == 0)
    if others.any():
        around[ndimage.binary_dilation(others, iterations=2) & (own.ink == 0)] = 0
    return Component(own.box, around)


def join(components: Sequence[Component]) -> Component:
    """Put components into one, each pixel where it was."""
    x0, y0, x1, y1 = _around(component.box for component in components)
    ink = np.zeros((y1 - y0, x1 - x0), "float32")
    for component in components:
        left, top, right, bottom = component.box
        window = ink[top - y0 : bottom - y0, left - x0 : right - x0]
        np.maximum(window, component.ink, out=window)
    return Component((x0, y0, x1, y1), ink)


def _around(boxes: Iterable[Box]) -> Box:
    """Return the smallest box around several."""
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    return min(lefts), min(tops), max(rights), max(bottoms)


def components(ink: npt.ArrayLike, *, dust: float = 0.0) -> list[Component]:
    """Return the connected components of ink (touching corners connect), in no particular order.

    Parameters
    ----------
    ink : array_like of float, shape (height, width)
        Ink in [0, 1], as `hcr_lib.images.to_ink` makes it.
    dust : float
        Components smaller than this share of the writing's height, both ways, are left out.

    Raises
    ------
    hcr_lib.images.ImageError
        If there are so many, or so many tiny ones, that the picture is noise.
    """
    ink = ensure_gray_image(ink)
    # Soft edges belong to the component they surround, so the outlines are found a little below the threshold.
    mask = ink >= 0.75 * THRESHOLD
    if not mask.any():
        return []
    x, y, right, bottom = bounding_box(mask)  # most of a picture is paper
    ink = ink[y:bottom, x:right]
    numbered, count = ndimage.label(mask[y:bottom, x:right], structure=np.ones((3, 3)))
    if count > 10 * NOISE:
        raise _noise(count)
    windows = ndimage.find_objects(numbered)
    sizes = np.array([[side.stop - side.start for side in window] for window in windows])
    chosen = np.flatnonzero(np.bincount(numbered[ink >= THRESHOLD], minlength=count + 1)[1:])  # dark at some pixel
    if dust and chosen.size:
        mass = np.bincount(numbered.ravel(), ink.ravel())[1:]
        limit = dust * _median(sizes[chosen, 0], mass[chosen])
        chosen = chosen[sizes[chosen].max(axis=1) >= limit]
    if len(chosen) > NOISE or (len(chosen) > TINY_NOISE and np.median(sizes[chosen, 0]) <= 4):
        raise _noise(len(chosen))
    found = []
    for number in chosen:
        rows, columns = windows[number]
        own = np.where(numbered[rows, columns] == number + 1, ink[rows, columns], 0)
        found.append(Component((x + columns.start, y + rows.start, x + columns.stop, y + rows.stop), own))
    return found


def _noise(count: int) -> ImageError:
    return ImageError(
        f"the picture holds {count:,} separate marks: noise, or writing too small to read; expected at most {NOISE:,} "
        "characters, each at least 10 pixels tall. Crop it to the writing, or scan it again."
    )


def lines(ink: npt.ArrayLike) -> list[Line]:
    """Find the lines of writing, from top to bottom, column by column; none on a blank page. Dust is left out.

    `ink` and errors are those of `components`.

    Notes
    -----
    Components at least half as tall as the writing found the lines. From left to right, each joins the line whose
    middle lies nearest, at most 0.7 heights away, or that has a letter beside it; else it starts a new one. Smaller
    ones (dots, bars, commas) join the nearest line after that.

    Lists in two columns are parted by a gutter. A table whose second column holds short numbers, or numbers that end
    below each other, has a gutter too, but is read row by row, as people do.

    Examples
    --------
    >>> page = np.zeros((60, 50)); page[5:20, 5:9] = 1; page[5:20, 15:30] = 1; page[35:50, 5:9] = 1
    >>> [[component.box[0] for component in line.components] for line in lines(page)]
    [[5, 15], [5]]
    """
    return _in_columns(components(ink, dust=DUST))


def _in_columns(found: list[Component]) -> list[Line]:
    """Put components into lines, one column after the other."""
    if not found:
        return []
    height = _writing_height(found)
    found = sorted(found, key=lambda each: each.box[0])
    lefts, _, rights, _ = np.transpose([each.box for each in found])
    gutters = lefts[1:] - np.maximum.accumulate(rights)[:-1]
    for place in np.argsort(-gutters, kind="stable"):
        if gutters[place] < GUTTER * height:
            break
        left, right = _in_lines(found[: place + 1]), _in_lines(found[place + 1 :])
        if _are_columns([line.ink.box for line in left], [line.ink.box for line in right], height):
            return [*_in_columns(found[: place + 1]), *_in_columns(found[place + 1 :])]
    return _in_lines(found)


def _are_columns(left: list[Box], right: list[Box], height: float) -> bool:
    """Return whether lines on the two sides of a gutter are to be read one side after the other: see `lines`."""
    if min(len(left), len(right)) < COLUMN_LINES or _shared(_around(left), _around(right), axis=1) < BESIDE:
        return False
    widths = [np.median([x1 - x0 for x0, _, x1, _ in side]) for side in (left, right)]
    starts = np.array([box[0] for box in right])
    flush = np.median(np.abs(starts - np.median(starts))) <= FLUSH * height
    return bool(min(widths) >= COLUMN_WIDTH * height and flush)


def _in_lines(found: Sequence[Component]) -> list[Line]:
    """Put components into lines, as if there were but one column."""
    height = _writing_height(found)
    tall = sorted((each for each in found if each.height >= 0.5 * height), key=lambda each: each.box[0])
    groups: list[list[Component]] = []
    ends = np.empty((len(tall), 3, 4))  # the boxes of the last three of each group, or fewer, the last repeated
    for each in tall:
        # A line of writing may climb, so its place is that of its last few components, not of all.
        last = ends[: len(groups)]
        sizes = np.minimum([len(group) for group in groups], 3)
        middles = np.where(np.arange(3) < sizes[:, None], last[..., 1::2].mean(axis=2), 0).sum(axis=1) / sizes
        away = np.abs(middles - each.middle)
        near = np.flatnonzero((away <= 0.7 * height) | (_beside(last, each.box).max(axis=1) >= BESIDE))
        if near.size:
            chosen = int(near[away[near].argmin()])
        else:
            chosen = len(groups)
            groups.append([])
        groups[chosen].append(each)
        known = [other.box for other in groups[chosen][-3:]]
        ends[chosen] = known + known[-1:] * (3 - len(known))
    groups = _interlocked(groups, height)
    boxes = np.array([each.box for group in groups for each in group])
    owners = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    for each in (each for each in found if each.height < 0.5 * height):
        x0, y0, x1, y1 = each.box
        across = np.maximum(boxes[:, 0] - x1, x0 - boxes[:, 2]).clip(0)
        away = across / 2 + np.maximum(boxes[:, 1] - y1, y0 - boxes[:, 3]).clip(0)
        nearest = owners[away == away.min()].min()
        groups[nearest].append(each)
        boxes, owners = np.vstack([boxes, each.box]), np.append(owners, nearest)
    groups.sort(key=lambda group: np.mean([each.middle for each in group]))
    return [_stack(group) for group in groups]


def _interlocked(groups: list[list[Component]], height: float) -> list[list[Component]]:
    """Join lines that stand in each other: the tall letters of a line of small ones, or the long dot of an i."""
    groups = sorted(groups, key=len)
    boxes = [np.array([each.box for each in group]) for group in groups]
    tops, bottoms = (np.array([pick(box[:, side]) for box in boxes]) for pick, side in ((np.min, 1), (np.max, 3)))
    for k, group in enumerate(groups[:-1]):
        close = (tops[k + 1 :] < bottoms[k] + HOVERS * height) & (bottoms[k + 1 :] > tops[k])
        inside = {
            other: max(_inside(boxes[k], boxes[other], height), _hovers(boxes[k], boxes[other], height))
            for other in (k + 1 + np.flatnonzero(close)).tolist()
        }
        if inside and max(inside.values()) >= INTERLOCKED:
            taken = max(inside, key=inside.__getitem__)
            groups[taken] += group
            boxes[taken] = np.vstack([boxes[taken], boxes[k]])
            group.clear()
    return [sorted(group, key=lambda each: each.box[0]) for group in groups if group]


def _inside(group: np.ndarray, line: np.ndarray, height: float) -> float:
    """Return how much of their height the boxes of a group share with a line where it is near, on average.

    The share is of the smaller height: the box's, or that of the line there.
    """
    aside = np.maximum(line[:, 0] - group[:, None, 2], group[:, None, 0] - line[:, 2])
    near = aside <= NEAR * height
    top, bottom = np.where(near, line[:, 1], np.inf).min(axis=1), np.where(near, line[:, 3], -np.inf).max(axis=1)
    shared = np.minimum(bottom, group[:, 3]) - np.maximum(top, group[:, 1])
    return float(np.mean(np.maximum(shared, 0) / np.minimum(abs(bottom - top), group[:, 3] - group[:, 1])))


def _hovers(group: np.ndarray, line: np.ndarray, height: float) -> bool:
    """Return whether a group is but a bar over a bar of a line, as the long dot of an i is."""
    slender, [bar, *others] = _slender(line), group
    if others or not _slender(group).any() or not slender.any():
        return False
    below = line[slender]
    aside = np.maximum(below[:, 0] - bar[2], bar[0] - below[:, 2])
    return bool(((aside <= HOVERS * height) & (abs(below[:, 1] - bar[3]) <= HOVERS * height)).any())


def _slender(boxes: np.ndarray) -> np.ndarray:
    return boxes[:, 2] - boxes[:, 0] <= SLENDER * (boxes[:, 3] - boxes[:, 1])


def one_line(ink: npt.ArrayLike) -> Line | None:
    """Take a picture for a single word, however much it climbs; None for a blank page. Errors as of `components`.

    Crumbs of the lines above and below are left out: components that the edge of the picture cuts and that lie off
    the line through the others.

    Examples
    --------
    >>> page = np.zeros((60, 50)); page[20:40, 5:9] = 1; page[20:40, 15:30] = 1; page[55:, 5:9] = 1
    >>> len(one_line(page).components)
    2
    """
    found = components(ink, dust=DUST)
    if not found:
        return None
    height = _writing_height(found)
    bottom = np.shape(ink)[0]
    centre = np.array([[(each.box[0] + each.box[2]) / 2, each.middle] for each in found])
    mass = np.array([each.ink.sum() for each in found])
    slope = 0.0
    # Fewer than four, or a column of them, say nothing about a slope.
    if sum(each.height >= 0.5 * height for each in found) >= 4 and np.ptp(centre[:, 0]) > height:
        slope = float(np.polyfit(*centre.T, 1, w=np.sqrt(mass))[0])
    level = centre[:, 1] - slope * centre[:, 0]
    middle = _median(level, mass)
    near = abs(level - middle) <= 0.7 * height
    whole = [each.box[1] > 0 and each.box[3] < bottom for each in found]  # not cut by the edge of the picture
    return _stack([found[k] for k in np.flatnonzero(near | whole)])


def _shared(first: Box, second: Box, axis: int) -> float:
    """Return the width (axis 0) or the height (1) that two boxes share, as a share of the smaller one's."""
    (start, end), (other_start, other_end) = first[axis::2], second[axis::2]
    return max(0, min(end, other_end) - max(start, other_start)) / min(end - start, other_end - other_start)


def _beside(boxes: np.ndarray, box: Box) -> np.ndarray:
    """Return the share of the smaller one's height that boxes have in common with one; 0 for a letter of two lines."""
    heights, height = boxes[..., 3] - boxes[..., 1], box[3] - box[1]
    common = np.minimum(boxes[..., 3], box[3]) - np.maximum(boxes[..., 1], box[1])
    unequal = np.maximum(heights, height) > 2.5 * np.minimum(heights, height)
    return np.where(unequal, 0, common.clip(0) / np.minimum(heights, height))


def _writing_height(components: Sequence[Component]) -> float:
    """Return the height above which half of the ink lies: that of the letters, whatever the number of dots."""
    return _median(*np.transpose([(each.height, each.ink.sum()) for each in components]))


def _median(values: np.ndarray, mass: np.ndarray) -> float:
    """Return the value below which half of the mass lies."""
    order = np.argsort(values, kind="stable")
    cumulative = np.cumsum(mass[order])
    return float(values[order][np.searchsorted(cumulative, cumulative[-1] / 2)])


def _stack(group: Sequence[Component]) -> Line:
    """Order the components of a line from left to right, joining those that stand above one another.

    A dot joins the nearest component, even when a slant has carried it past the edge; a bar joins what it stands over.
    What joins none, like the hyphen of a double name, is a mark: it is no part of a character.
    """
    height = _writing_height(group)
    small = {each: reach for each in group if (reach := _reach(each, height)) is not None}
    stacks: list[list[Component]] = []
    boxes: list[Box] = []
    marks: list[Component] = []
    for each in sorted((each for each in group if each not in small), key=lambda each: each.box[0] + each.box[2]):
        # Slanted writing may put one letter between a bar and its stem, so the last two stacks are looked at.
        last = range(max(0, len(boxes) - 2), len(boxes))
        share, index = max(((_shared(boxes[index], each.box, axis=0), index) for index in last), default=(0.0, 0))
        if share < OVERLAP:
            index = len(stacks)
            stacks.append([])
            boxes.append(each.box)
        stacks[index].append(each)
        boxes[index] = _around([boxes[index], each.box])
    for each, reach in small.items():
        lefts, _, rights, _ = np.transpose(boxes)
        away = np.maximum(each.box[0] - rights, lefts - each.box[2])
        nearest = int(away.argmin())
        if away[nearest] <= reach:
            stacks[nearest].append(each)
            boxes[nearest] = _around([boxes[nearest], each.box])
        else:
            marks.append(each)
    return Line([stack[0] if len(stack) == 1 else join(stack) for stack in stacks], height, marks)


def _reach(component: Component, height: float) -> float | None:
    """Return how far from its component a dot or a bar may stand, in pixels; None for anything larger."""
    if max(component.width, component.height) < DOT * height:
        return 0.15 * height
    if component.height < BAR[0] * height and component.width < BAR[1] * height:
        return 0.05 * height
    return None


def words(line: Line, lines: Sequence[Line] = ()) -> list[Line]:
    """Split a line into words at its wide gaps, given all lines by the same person, or this one alone.

    Gaps are wide from a share of the line height on, and from so many times the usual gap: `PARTED`.
    """
    usual = np.concatenate([np.maximum(_gaps(each)[0], 0) for each in lines or [line]])
    share, times = PARTED
    wide = np.flatnonzero(_gaps(line)[0] > max(share, times * np.median(usual) if usual.size else 0)) + 1
    return split(line, wide.tolist())


def split(line: Line, places: Iterable[int]) -> list[Line]:
    """Split a line before the components at some places."""
    ends = pairwise([0, *places, len(line.components)])
    return [Line(line.components[start:stop], line.height) for start, stop in ends]


def blanks(line: Line, widest: float | None = None) -> list[tuple[int, float]]:
    """Find where a line is parted into words beyond doubt: at gaps that are clearly wider than the usual one.

    The line reader sees blanks itself, and is told of these; what is cut has nothing but its gaps, and `words`.

    Parameters
    ----------
    line : Line
    widest : float, optional
        Of the gaps inside words, as `widest_gap` finds it for all lines of a page; else for this one alone.

    Returns
    -------
    list of (int, float)
        The index of the component behind each blank, and where the middle of the gap is, in pixels from the left.

    Examples
    --------
    >>> page = np.zeros((60, 120)); page[5:55, 5:20] = page[5:55, 24:40] = page[5:55, 44:60] = page[5:55, 100:115] = 1
    >>> blanks(one_line(page))
    [(3, 80.0)]
    """
    widths, middles = _gaps(line)
    widest = widest_gap([line]) if widest is None else widest
    return [(int(k) + 1, float(middles[k])) for k in np.flatnonzero(widths > widest)]


def widest_gap(lines: Sequence[Line]) -> float:
    """Return how wide gaps inside words may be, in heights of the line, to judge by all gaps in one person's lines.

    The more gaps there are, the clearer is which of them are wide.
    """
    known = np.sort(np.concatenate([_gaps(line)[0] for line in lines] or [[]]))
    if not known.size:
        return np.inf
    narrow, usual = (float(known[int(share * (len(known) - 1))]) for share in (NARROW, USUAL))
    return usual + max(WORD_GAP + FEW_GAPS / len(known), min(MOST, UNEVEN * (usual - narrow)))


def _gaps(line: Line) -> tuple[np.ndarray, np.ndarray]:
    """Return how wide the gaps between neighbours are, in heights of the line, and where their middles are, in pixels.

    A gap is below 0 where they overlap. Where there is a mark in it, only the wider side counts.
    """
    gaps = []
    for left, right in pairwise(line.components):
        inside = sorted(mark.box for mark in line.marks if left.box[2] <= mark.box[0] < right.box[0])
        ends = np.maximum.accumulate([left.box[2], *(box[2] for box in inside)])
        starts = [*(box[0] for box in inside), right.box[0]]
        gaps.append(max((start - end, (start + end) / 2) for start, end in zip(starts, ends, strict=True)))
    widths, middles = np.reshape(gaps, (-1, 2)).T
    return widths / line.height, middles


def holds_letters(line: Line, lines: Sequence[Line]) -> bool:
    """Return whether one of a few `lines` has letters, rather than a dot or a bar of a character that has come apart.

    Letters are at least half as tall as those of the other lines, and taller than the pen is wide.
    """
    tallest = max(component.height for component in line.components)
    pen = max(stroke_width(component.ink >= THRESHOLD) for component in line.components)
    return tallest > 1.8 * pen and 2 * tallest >= max(each.height for other in lines for each in other.components)


@dataclass(frozen=True)
class Candidate:
    """Neighbouring components `start` to `stop` - 1 of a line, joined, which might be one character."""

    start: int
    stop: int
    component: Component
    gap: float  #: widest gap inside, in line heights
    cuts: int = 0  #: how many of its two sides cut through ink


def candidates(line: Line, *, touching: bool = False) -> list[Candidate]:
    """Propose which neighbouring components might be one character.

    Every component alone is a candidate. So are two or three neighbours, if the gaps between them are narrow enough
    for a broken letter and the whole is not wider than a letter.

    Parameters
    ----------
    line : Line
    touching : bool
        Whether letters may touch. Then each component falls into its `pieces`, which are what `Candidate.start` and
        `stop` count, and neighbouring pieces are proposed as well.
    """
    parts, owners = [], []
    for number, component in enumerate(line.components):
        own = pieces(component, line.height) if touching else [component]
        parts += own
        owners += [number] * len(own)
    proposed = []
    for start, joined in enumerate(parts):
        gap = 0.0
        for stop in range(start + 1, len(parts) + 1):
            if stop > start + 1:
                gap = max(gap, (parts[stop - 1].box[0] - joined.box[2]) / line.height)
                joined = join([joined, parts[stop - 1]])
            first, last = owners[start], owners[stop - 1]
            intact = owners[start:stop] == [first] * owners.count(first)  # a component as it is, however wide
            too_wide = joined.width > WIDEST * line.height
            if gap > WIDEST_BREAK or last - first >= MOST_COMPONENTS or (too_wide and first != last):
                break
            if intact or not too_wide:
                beyond = owners[start - 1] if start else None, owners[stop] if stop < len(owners) else None
                proposed.append(Candidate(start, stop, joined, gap, (first == beyond[0]) + (last == beyond[1])))
    return proposed


def pieces(component: Component, height: float) -> list[Component]:
    """Cut a component where two letters may touch: over-segmentation.

    It is cut in the valleys of its projection profile that are not much deeper in ink than the pen is wide. That cuts
    letters as well, an M into three; which pieces belong together is left to the scores (R. G. Casey, E. Lecolinet, "A
    survey of methods and strategies in character segmentation", 1996).

    Parameters
    ----------
    component : Component
    height : float
        Of the line, in pixels.

    Returns
    -------
    list of Component
        From left to right, at least one.

    Examples
    --------
    >>> ink = np.zeros((60, 80), "float32"); ink[:, :6] = ink[:, 37:43] = ink[:, -6:] = 1  # three stems ...
    >>> ink[54:] = 1  # ... and a line below
    >>> [piece.width for piece in pieces(Component((0, 0, 80, 60), ink), 60)]
    [21, 37, 22]
    """
    narrowest = max(2, round(NARROWEST * height))
    if component.width < 2 * narrowest:
        return [component]
    pen = stroke_width(component.ink >= THRESHOLD)
    profile = ndimage.uniform_filter1d(component.ink.sum(axis=0), max(1, round(pen / 2)))
    lowest = ndimage.minimum_filter1d(profile, 2 * narrowest + 1)
    valleys, count = ndimage.label((profile <= lowest + 1e-3) & (profile <= THIN * pen))
    cuts = []
    for valley in range(1, count + 1):
        column = round(float(np.flatnonzero(valleys == valley).mean()))
        beside = profile[max(0, column - 2 * narrowest) : column], profile[column : column + 2 * narrowest]
        inside = narrowest <= column <= component.width - narrowest
        if inside and min(map(np.max, beside)) >= profile[column] + DEEP * pen:
            cuts.append(column)
    edges = [0, *cuts, component.width]
    x0, y0, _, y1 = component.box
    return [Component((x0 + left, y0, x0 + right, y1), component.ink[:, left:right]) for left, right in pairwise(edges)]


def whole(lines: Sequence[Line]) -> Candidate:
    """Take everything on a page for one character that has come apart.

    Its gap is the widest between neighbours on a line, or between lines; it may be negative, an overlap.
    """
    height = max(line.height for line in lines)
    gaps = [right.box[0] - left.box[2] for line in lines for left, right in pairwise(line.components)]
    rows = [_around(component.box for component in line.components) for line in lines]
    gaps += [below[1] - above[3] for above, below in pairwise(rows)]
    everything = [component for line in lines for component in line.components]
    return Candidate(0, len(everything), join(everything), max(gaps, default=0.0) / height)
