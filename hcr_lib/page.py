"""From a picture to flat paper: the sheet on the desk, the way up, and rules and boxes that are no writing.

What is found here is found by geometry alone, without a network: long straight edges, long thin lines, rows of ink.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images import THRESHOLD

FAINT = 0.1  #: ink as faint as this may be part of a rule
STEEPEST = 0.07  #: of a rule: its rise over its run
LONG = 4.0  #: in heights of the writing: no stroke of a letter is as long as a rule
SPANNING = 1.8  #: so long must a line be that goes from edge to edge of the picture
COVERED, BARE = 0.85, 0.35  #: a rule has ink along so much of its length, and is nothing but a rule along so much
MOST_RULES = 150  #: in each direction


@dataclass(frozen=True)
class _Rule:
    """A long thin line, nearly level: y = polynomial(x) from `start` to `stop`."""

    curve: np.polynomial.Polynomial
    start: int
    stop: int
    thickness: float
    level: float  #: how dark it is

    @property
    def length(self) -> int:
        return self.stop - self.start

    @property
    def middle(self) -> float:
        return float(self.curve((self.start + self.stop) / 2))


@dataclass(frozen=True)
class _Runs:
    """The runs of ink in the columns of a picture: column `x`, from row `top` to `stop` - 1."""

    x: np.ndarray
    top: np.ndarray
    stop: np.ndarray

    @classmethod
    def of(cls, mask: np.ndarray) -> _Runs:
        padded = np.zeros((mask.shape[1], mask.shape[0] + 2), "int8")
        padded[:, 1:-1] = mask.T
        change = np.diff(padded, axis=1)
        x, top = np.nonzero(change == 1)
        return cls(x, top, np.nonzero(change == -1)[1])

    def take(self, which: np.ndarray) -> _Runs:
        return _Runs(self.x[which], self.top[which], self.stop[which])

    @property
    def length(self) -> np.ndarray:
        return self.stop - self.top

    @property
    def centre(self) -> np.ndarray:
        return (self.top + self.stop - 1) / 2


def remove_rules(ink: npt.ArrayLike) -> np.ndarray:
    """Erase ruled lines, squares and the boxes of forms, and leave the strokes that cross them.

    Parameters
    ----------
    ink : array_like of float, shape (height, width)
        Ink in [0, 1], as `hcr_lib.images.to_ink` makes it; lines may rise by up to 4 in 57 (4 degrees) and bend a little.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Where there is no rule, `ink` itself.

    Notes
    -----
    A rule is a long line of short runs of ink: in each of its columns, the ink is no taller than the rule is thick. Such
    runs vote for straight lines (the Hough transform [1]_), a parabola is fitted to those near a line that got many, and
    what is long, thin and nowhere interrupted is a rule. It is erased column by column, but not where the run is
    taller, because a stroke crosses there, nor where it is darker than the rule elsewhere. A line is long by comparison
    with the writing that is left without it, so the bar of a single large T is none. Sides of boxes are shorter; they
    are looked for between two rules.

    References
    ----------
    .. [1] R. O. Duda, P. E. Hart, "Use of the Hough transformation to detect lines and curves in pictures" (1972).

    Examples
    --------
    >>> page = np.zeros((80, 400)); page[20:60, 100:104] = page[20:60, 150:154] = 1  # two stems ...
    >>> page[50:52] = 0.8                                                            # ... on a rule
    >>> without = remove_rules(page)
    >>> float(without[:, :100].max()), bool((without[:, 100:104] == page[:, 100:104]).all())
    (0.0, True)
    """
    ink = ensure_gray_image(ink, copy=False)
    level = _long_lines(ink)
    upright = _long_lines(np.ascontiguousarray(ink.T))
    trial = _without(_without(ink, level).T, upright).T if level or upright else ink
    height = _writing_height(trial)
    if height is None:  # nothing is left: empty paper if these are many, else a dash
        return trial if len(level) + len(upright) > 2 else ink
    level = [rule for rule in level if _is_rule(rule, ink.shape[1], height)]
    upright = [rule for rule in upright if _is_rule(rule, ink.shape[0], height)]
    cleaned = _without(ink, level)
    turned = np.ascontiguousarray(cleaned.T)
    return _without(turned, upright + _sides(turned, level)).T


def _is_rule(rule: _Rule, width: int, height: float) -> bool:
    """Return whether a line is too long and too thin for a stroke, given the writing's height."""
    spans = rule.start <= 0.02 * width + 3 and rule.stop >= 0.98 * width - 3
    return rule.length >= (SPANNING if spans else LONG) * height and rule.thickness <= height / 4


def _writing_height(ink: np.ndarray) -> float | None:
    """Return the height above which half of the ink lies, component by component; None for a blank page."""
    numbered, count = ndimage.label(ink >= THRESHOLD, structure=np.ones((3, 3)))
    if not count:
        return None
    heights = np.array([rows.stop - rows.start for rows, _ in ndimage.find_objects(numbered)])
    mass = np.bincount(numbered.ravel())[1:]
    order = np.argsort(heights)
    total = np.cumsum(mass[order])
    tallest = heights[order][np.searchsorted(total, total[-1] / 2)]
    return float(tallest) if tallest > 4 else None


def _long_lines(ink: np.ndarray) -> list[_Rule]:
    """Find long thin lines that are nearly level, whether rules or not."""
    height, width = ink.shape
    thickest = 6 + max(ink.shape) / 400
    mask = ink >= FAINT
    runs = _Runs.of(mask)
    thin = runs.take(runs.length <= thickest)
    shortest = max(40, 0.15 * width)
    if len(thin.x) < BARE * shortest:
        return []
    slopes = np.linspace(-STEEPEST, STEEPEST, 41)
    middle = width / 2
    votes = np.stack([_votes(thin.centre - slope * (thin.x - middle), height) for slope in slopes])
    found: list[_Rule] = []
    open_places = ndimage.maximum_filter(votes, (9, 7), mode="constant") == votes
    places = np.argwhere(open_places & (votes >= BARE * shortest))
    places = places[np.argsort(-votes[tuple(places.T)])][: 3 * MOST_RULES]
    order = np.argsort(thin.x, kind="stable")
    thin = thin.take(order)
    for slope, row in places:
        line = np.polynomial.Polynomial([row - slopes[slope] * middle, slopes[slope]])
        if any(abs(rule.curve(middle) - line(middle)) < thickest and _crosses(rule, line, thickest) for rule in found):
            continue
        rule = _traced(line, thin, mask, ink)
        if rule is not None and rule.length >= shortest:
            found.append(rule)
            if len(found) == MOST_RULES:
                break
    return found


def _votes(places: np.ndarray, size: int) -> np.ndarray:
    """Count how many runs lie on each of `size` lines, or beside it."""
    rows = np.rint(places).astype(int)
    counts = np.bincount(rows[(rows >= 0) & (rows < size)], minlength=size)
    return np.convolve(counts, np.ones(3, int), "same")


def _crosses(rule: _Rule, line: np.polynomial.Polynomial, distance: float) -> bool:
    """Return whether a line is a rule that was found before, over most of its length."""
    places = np.linspace(rule.start, rule.stop, 9)
    return float(np.median(np.abs(rule.curve(places) - line(places)))) < distance


def _traced(line: np.polynomial.Polynomial, thin: _Runs, mask: np.ndarray, ink: np.ndarray) -> _Rule | None:
    """Follow a line that many runs voted for; None if it is not one all along."""
    width = mask.shape[1]
    curve = line
    for reach in (4.0, 2.5, 1.5):
        near = np.abs(thin.centre - curve(thin.x)) <= reach
        if near.sum() < 20:
            return None
        curve = np.polynomial.Polynomial.fit(thin.x[near], thin.centre[near], 2 if np.ptp(thin.x[near]) > 100 else 1)
    near = np.abs(thin.centre - curve(thin.x)) <= 1.5
    own = thin.take(near)
    rows = np.rint(curve(np.arange(width))).astype(int)
    inside = (rows >= 1) & (rows < mask.shape[0] - 1)
    rows = rows.clip(1, max(1, mask.shape[0] - 2))
    columns = np.arange(width)
    covered = inside & (mask[rows, columns] | mask[rows - 1, columns] | mask[rows + 1, columns])
    bare = np.zeros(width, bool)
    bare[own.x] = True
    start, stop = _stretch(covered, bare)
    if stop - start < 30:
        return None
    own = own.take((own.x >= start) & (own.x < stop))
    peaks = ink[np.rint(own.centre).astype(int), own.x]
    return _Rule(curve, start, stop, float(np.median(own.length)), float(np.median(peaks)))


def _stretch(covered: np.ndarray, bare: np.ndarray) -> tuple[int, int]:
    """Return the longest part of a line that is ink nearly all along, and nothing but a rule for much of it."""
    gap = max(6, len(covered) // 50)
    closed = ndimage.binary_closing(np.pad(covered, gap), np.ones(gap)) [gap:-gap] if covered.any() else covered
    numbered, count = ndimage.label(closed)
    best = 0, 0
    for (part,) in ndimage.find_objects(numbered):
        length = part.stop - part.start
        good = covered[part].mean() >= COVERED and bare[part].mean() >= BARE
        if good and length > best[1] - best[0]:
            best = part.start, part.stop
    return best


def _sides(turned: np.ndarray, level: list[_Rule]) -> list[_Rule]:
    """Find the sides of boxes, lines from one rule to the next, in a picture whose rows are columns."""
    return []


def _without(ink: np.ndarray, rules: list[_Rule]) -> np.ndarray:
    """Erase rules where nothing but a rule is."""
    if not rules:
        return ink
    ink = ink.copy()
    runs = _Runs.of(ink >= FAINT)
    for rule in rules:
        near = runs.take((runs.x >= rule.start) & (runs.x < rule.stop))
        place = rule.curve(near.x)
        near = near.take((near.top - 1.5 <= place) & (place <= near.stop + 0.5) & (near.length <= 1.5 * rule.thickness + 1))
        if not len(near.x):
            continue
        peaks = np.max([ink[np.minimum(near.top + k, near.stop - 1), near.x] for k in range(near.length.max())], axis=0)
        # A bar of the writing that lies on the rule is darker than the rule is elsewhere, for more than a speck.
        darker = np.zeros(ink.shape[1], bool)
        darker[near.x[peaks > rule.level + max(0.2, 0.3 * rule.level)]] = True
        darker = ndimage.binary_opening(darker, np.ones(3))
        near = near.take(~darker[near.x])
        for k in range(-1, near.length.max(initial=0) + 1):
            # One pixel more on either side: too faint to be part of the run.
            rows = (near.top + k).clip(0, ink.shape[0] - 1)
            own = (near.top + k <= near.stop)
            ink[rows[own], near.x[own]] = 0
    return ink
