"""Ruled lines, squares and the boxes of forms: long thin lines are found by their votes, and erased."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images import THRESHOLD
from hcr_lib.page._picture import reduced, weighted_median

FAINT, PALE = 0.05, 0.35  #: ink as faint as the first may be part of a rule; one paler than the second may have holes
STEEPEST = 0.07  #: of a rule: its rise over its run
PARALLEL = 0.015  #: how far a rule's slope may be from that of the others
FAN = 6  #: so many rules show whether they are parallel, or spread
LONG = 3.5  #: in heights of the writing: no stroke of a letter is as long as a rule
ALONE = 4.5  #: so long is a rule that nothing else in the picture says is one
MARGIN = 6.0  #: so long must be an upright line that is no side of a box
SHORT = 1.5  #: what is as long may be the side of two boxes
SPANNING = 1.8  #: so long must a line be that goes from edge to edge of the picture
MOSTLY_BARE = 0.5  #: so much of a rule that does not go from edge to edge
COVERED, BARE = 0.9, 0.25  #: a rule has ink along so much of its length, and is nothing but a rule along so much
MOST_RULES = 100  #: in each direction; squares of 5 mm make 59 on A4
GIVE_UP = 30  #: so many likely lines in a row that are none: the rest, which are less likely, are none either
FINDING_SIDE = 1200  #: pictures are reduced to this to find rules; they are erased at full size
SIDES_SEEN = 0.7  #: so many of the sides of equally wide boxes must be seen; the others may be hidden by writing
TEETH = 0.12, 0.7  #: heights of the short sides between the characters of a comb, in heights of the writing
Line = np.polynomial.Polynomial


@dataclass(frozen=True, eq=False)
class _Rule:
    """A long thin line, nearly level: y = curve(x) from `start` to `stop`."""

    curve: Line
    start: int
    stop: int
    thickness: float
    bare: float = 1.0  #: the share of its columns where there is nothing but the rule

    @property
    def length(self) -> int:
        return self.stop - self.start

    @property
    def middle(self) -> float:
        return float(self.curve((self.start + self.stop) / 2))

    def enlarged(self, factor: int) -> _Rule:
        """Return it as it is in a picture that many times as large."""
        half = (factor - 1) / 2  # pixels of the larger picture from the edge of a small one to its middle
        curve = factor * self.curve(Line([-half / factor, 1 / factor])) + half
        return _Rule(curve, self.start * factor, self.stop * factor, self.thickness * factor, self.bare)


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
        Ink in [0, 1], as `hcr_lib.images.to_ink` makes it; lines may rise by up to 4 degrees and bend a little.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Where there is no rule, `ink` itself.

    Notes
    -----
    A rule is a long line of short runs of ink: in each of its columns, the ink is no taller than the rule is thick.
    Such runs vote for straight lines (the Hough transform [1]_), a parabola is fitted to those near a line that got
    many, and what is long, thin and nowhere interrupted is a rule. It is erased column by column, but not where the run
    is taller, because a stroke crosses there, nor where it is darker than the rule elsewhere. A line is long by
    comparison with the writing that is left without it, so the bar of a single large T is none. Sides of boxes
    are shorter; they are looked for between two rules.

    References
    ----------
    .. [1] R. O. Duda, P. E. Hart, "Use of the Hough transformation to detect lines and curves in pictures" (1972).

    Examples
    --------
    >>> page = np.zeros((80, 400), "float32"); page[20:60, 100:104] = page[20:60, 150:154] = 1  # two stems ...
    >>> page[50:52] = 0.8                                                            # ... on a rule
    >>> without = remove_rules(page)
    >>> float(without[:, :100].max()), bool((without[:, 100:104] == page[:, 100:104]).all())
    (0.0, True)
    """
    ink = ensure_gray_image(ink, copy=False)
    level = _long_lines(ink)
    if not level:
        return ink
    upright = _long_lines(np.ascontiguousarray(ink.T))
    squares = _evenly_spaced(level, ink.shape[1]), _evenly_spaced(upright, ink.shape[0])
    if min(squares) > 0 and max(squares) < 1.15 * min(squares):
        return _without(np.ascontiguousarray(_without(ink, level).T), upright).T
    height = _writing_height(_without(ink, level))
    if height is None:  # nothing is left: empty paper if there are many rules, else a dash
        return _without(ink, level) if len(level) > 2 else ink
    thin = [rule for rule in level if rule.thickness <= height / 4]
    across = [rule for rule in thin if rule.length >= SPANNING * height and _spans(rule, ink.shape[1])]
    long = [rule for rule in thin if rule.length >= LONG * height and (rule.bare >= MOSTLY_BARE or rule in across)]
    if not across:  # the bars of two large T may be one stroke
        long = [rule for rule in long if rule.length >= ALONE * height or any(_alike(rule, other) for other in long)]
    long += [rule for rule in across if rule not in long and len(across) > 1]
    short = [rule for rule in thin if rule not in long and rule.length >= SHORT * height and rule.bare >= MOSTLY_BARE]
    cleaned = np.ascontiguousarray(_without(ink, long).T)
    sides, boxed = _sides(cleaned, long, height)
    if not sides and short:  # two or three boxes are shorter than any other rule
        sides, boxed = _sides(cleaned, short, height, combs=False)
        cleaned = np.ascontiguousarray(_without(cleaned.T, boxed).T)
    margin = [rule for rule in upright if rule.length >= MARGIN * height and _spans(rule, ink.shape[0])]
    if not long and not boxed and not sides and not margin:
        return ink
    return _without(cleaned, sides + margin).T


def _alike(rule: _Rule, other: _Rule) -> bool:
    """Return whether another line begins and ends where this one does."""
    slack = 0.1 * rule.length
    return rule is not other and abs(rule.start - other.start) < slack and abs(rule.stop - other.stop) < slack


def _spans(rule: _Rule, width: int) -> bool:
    """Return whether a line goes from edge to edge of a picture."""
    return rule.start <= 0.02 * width + 3 and rule.stop >= 0.98 * width - 3


def _evenly_spaced(rules: list[_Rule], width: int) -> float:
    """Return the distance between lines from edge to edge that are evenly spaced; 0 for fewer than three, or others."""
    places = np.sort([rule.middle for rule in rules if _spans(rule, width)])
    if len(places) < 3:
        return 0.0
    apart = np.diff(places)
    pitch = float(np.median(apart))
    steps = apart / pitch
    return pitch if (np.abs(steps - np.rint(steps).clip(1)) < 0.15).mean() >= 0.75 else 0.0


def _writing_height(ink: np.ndarray) -> float | None:
    """Return the height above which half of the ink lies, component by component; None for a blank page."""
    numbered, count = ndimage.label(ink >= THRESHOLD, structure=np.ones((3, 3)))
    if not count:
        return None
    heights = np.array([rows.stop - rows.start for rows, _ in ndimage.find_objects(numbered)])
    tallest = weighted_median(heights, np.bincount(numbered.ravel())[1:])
    return tallest if tallest > 4 else None


def _long_lines(ink: np.ndarray, shortest: float | None = None) -> list[_Rule]:
    """Find long thin lines that are nearly level, whether rules or not."""
    factor = -(-max(ink.shape) // FINDING_SIDE)
    ink = reduced(ink, factor)
    height, width = ink.shape
    thickest = 6 + max(ink.shape) / 400
    shortest = max(60, 0.15 * width) if shortest is None else shortest / factor
    # Along a faint rule, grain has eaten holes; along a dark one, holes are gaps between strokes.
    mask = (ink >= FAINT) | (ndimage.uniform_filter1d(ink * (ink < PALE), 9, axis=1) >= FAINT)
    runs = _Runs.of(mask)
    thin = runs.take(runs.length <= thickest)
    if len(thin.x) < BARE * shortest:
        return []
    slopes, middle = np.linspace(-STEEPEST, STEEPEST, 41), width / 2
    votes = np.stack([_votes(thin.centre - slope * (thin.x - middle), height) for slope in slopes])
    peaks = (ndimage.maximum_filter(votes, (9, 7), mode="constant") == votes) & (votes >= BARE * shortest)
    places = np.argwhere(peaks)
    places = places[np.argsort(-votes[peaks], kind="stable")]
    places = places[_likely(mask, thin, places[:, 1] - slopes[places[:, 0]] * middle, slopes[places[:, 0]], shortest)]
    thin = thin.take(np.argsort(thin.centre, kind="stable"))
    centre = thin.centre
    found: list[_Rule] = []
    known = np.zeros((0, 2, 3))  # three points of each that was found
    failures, failed, ends = 0, np.zeros((0, 2)), np.array([0, width])
    for slope, row in places:
        line = Line([row - slopes[slope] * middle, slopes[slope]])
        if (np.abs(failed - line(ends)) < 4).all(axis=1).any():
            continue
        away = known[:, 1] - line(known[:, 0])
        if ((np.abs(away).min(axis=1) < thickest) | (np.ptp(np.sign(away), axis=1) > 0)).any():
            continue  # it is a rule that was found before, or crosses one, which rules do not
        reach = abs(slopes[slope]) * middle + thickest
        first, last = np.searchsorted(centre, [row - reach, row + reach])
        rule = _traced(line, thin.take(slice(first, last)), mask)
        if rule is None or rule.length < shortest:
            failures += 1
            if failures == GIVE_UP:
                break
            failed = np.append(failed, [line(ends)], axis=0)
            continue
        failures = 0
        found.append(rule)
        points = np.linspace(rule.start, rule.stop, 3)
        known = np.concatenate([known, [[points, rule.curve(points)]]])
        if len(found) == MOST_RULES:
            break
    if not found:
        return []
    slopes = np.array([(rule.curve(rule.stop) - rule.curve(rule.start)) / rule.length for rule in found])
    usual = weighted_median(slopes, np.array([rule.length for rule in found]) ** 2.0)
    middles = np.array([rule.middle for rule in found])
    near = np.abs(slopes - usual) < 3 * PARALLEL
    if near.sum() >= FAN:  # seen from aside, the next rule rises a little more, and so on
        usual = np.polyval(np.polyfit(middles[near], slopes[near], 1), middles)
    slopes = slopes - usual
    return [rule.enlarged(factor) for rule, slope in zip(found, slopes, strict=True) if abs(slope) < PARALLEL]


def _likely(mask: np.ndarray, thin: _Runs, starts: np.ndarray, slopes: np.ndarray, shortest: float) -> np.ndarray:
    """Return which lines may be rules: a quick look whether a long enough part is ink, and has enough thin runs."""
    height, width = mask.shape
    columns, length = np.arange(width), min(width, int(shortest))
    rows = np.rint(starts[:, None] + slopes[:, None] * columns).astype(int)
    inside = (rows >= 0) & (rows < height)
    rows = rows.clip(0, height - 1)
    runs = np.zeros_like(mask)
    runs[np.rint(thin.centre).astype(int), thin.x] = True
    shares = []
    for picture, wide in ((mask, 3), (runs, 5)):
        along = ndimage.maximum_filter1d(picture, wide, axis=0)[rows, columns] & inside
        total = np.pad(np.cumsum(along, axis=1), ((0, 0), (1, 0)))
        shares.append((total[:, length:] - total[:, :-length]) / length)
    return ((shares[0] >= COVERED - 0.05) & (shares[1] >= BARE)).any(axis=1)


def _votes(places: np.ndarray, size: int) -> np.ndarray:
    """Count how many runs lie on each of `size` lines, or beside it."""
    rows = np.rint(places).astype(int)
    counts = np.bincount(rows[(rows >= 0) & (rows < size)], minlength=size)
    return np.convolve(counts, np.ones(3, int), "same")


def _traced(line: Line, thin: _Runs, mask: np.ndarray) -> _Rule | None:
    """Follow a line that many runs voted for; None if it is not one all along."""
    centre, fitted = thin.centre, line.coef[::-1]  # NumPy's older way to write a polynomial is quicker
    for reach in (4.0, 2.5, 1.5):
        near = np.abs(centre - np.polyval(fitted, thin.x)) <= reach
        if near.sum() < 20:
            return None
        x = thin.x[near].astype(float)
        fitted = np.polyfit(x, centre[near], 2 if np.ptp(x) > 100 else 1)
    own = thin.take(np.abs(centre - np.polyval(fitted, thin.x)) <= 1.0)
    curve = Line(fitted[::-1])
    if not len(own.x):
        return None
    own = own.take(np.abs(own.length - np.median(own.length)) <= 1)  # what was printed is equally thick all along
    columns = np.arange(mask.shape[1])
    rows = np.rint(curve(columns)).astype(int)
    inside = (rows >= 0) & (rows < mask.shape[0])
    covered = inside & mask[rows.clip(0, mask.shape[0] - 1), columns]
    bare = np.zeros(len(columns), bool)
    bare[own.x] = True
    start, stop = _stretch(covered, bare)
    own = own.take((own.x >= start) & (own.x < stop))
    if not len(own.x):
        return None
    return _Rule(curve, start, stop, float(np.median(own.length)), float(bare[start:stop].mean()))


def _stretch(covered: np.ndarray, bare: np.ndarray) -> tuple[int, int]:
    """Return the longest part of a line that is ink nearly all along, and nothing but a rule for much of it."""
    gap = max(6, len(covered) // 50)
    closed = ndimage.binary_closing(np.pad(covered, gap), np.ones(gap))[gap:-gap]
    best = 0, 0
    for (part,) in ndimage.find_objects(ndimage.label(closed)[0]):
        good = covered[part].mean() >= COVERED and bare[part].mean() >= BARE
        if good and part.stop - part.start > best[1] - best[0]:
            best = part.start, part.stop
    return best


def _sides(
    turned: np.ndarray, level: list[_Rule], height: float, *, combs: bool = True
) -> tuple[list[_Rule], list[_Rule]]:
    """Find sides of boxes and teeth of combs, in a picture whose rows are columns; and the rules they are on."""
    level = sorted(level, key=lambda rule: rule.middle)
    found, closed = [], []
    for k, upper in enumerate(level):
        for lower in level[k + 1 :]:
            shared = min(upper.stop, lower.stop) - max(upper.start, lower.start)
            apart = lower.middle - upper.middle
            if shared < 0.9 * max(upper.length, lower.length) or not 0.8 * height <= apart <= 3 * height:
                continue
            top, bottom = round(upper.middle), round(lower.middle)
            sides = _long_lines(np.ascontiguousarray(turned[:, top:bottom]), shortest=0.85 * apart)
            sides = [_Rule(side.curve(Line([-top, 1])), top, bottom, side.thickness) for side in sides]
            regular = _regular(np.array([side.middle for side in sides]), upper, height)
            if regular is not None:
                places, pitch = regular
                found += [side for side in sides if np.abs(places - side.middle).min() < 0.15 * pitch]
                closed += [upper, lower]
            break
    for rule in level if combs else ():
        if rule not in closed and (teeth := _teeth(turned, rule, height)):
            found += teeth
            closed.append(rule)
    return found, closed


def _teeth(turned: np.ndarray, rule: _Rule, height: float) -> list[_Rule]:
    """Find the short sides of a comb: upright lines from a rule upwards, all as tall, in equal distances."""
    foot = round(rule.middle - rule.thickness)
    first = max(0, round(foot - 1.2 * height))
    if foot - first < TEETH[1] * height:
        return []
    band = turned[:, first:foot][:, ::-1] >= 2 * FAINT  # from the rule upwards
    band = np.pad(ndimage.binary_closing(band, np.ones((1, 3))) | band, ((0, 0), (0, 1)))
    near = 4  # so close to the rule a side may begin
    reach = np.where(band[:, :near].any(axis=1), near + np.argmin(band[:, near:], axis=1), 0)
    tall = (reach >= TEETH[0] * height) & (reach <= TEETH[1] * height)
    numbered, count = ndimage.label(tall)
    if count < 3:
        return []
    teeth = [(part.start, part.stop, float(np.median(reach[part]))) for (part,) in ndimage.find_objects(numbered)]
    teeth = np.array([each for each in teeth if each[1] - each[0] <= 0.25 * height])
    if len(teeth) < 3:
        return []
    regular = _regular(teeth[:, :2].mean(axis=1) - 0.5, rule, height)
    if regular is None:
        return []
    places, pitch = regular
    own = np.abs(places - teeth[:, :2].mean(axis=1)[:, None]).min(axis=1) < 0.12 * pitch
    if not own.any():
        return []
    size, thickness = float(np.median(teeth[own, 2])), float(np.median(teeth[own, 1] - teeth[own, 0]))
    return [_Rule(Line([place]), round(foot - size - 2), foot + 1, thickness) for place in places]


def _regular(places: np.ndarray, rule: _Rule, height: float) -> tuple[np.ndarray, float] | None:
    """Return where the sides of equally wide boxes on a rule are, and how wide a box is, given some of the sides."""
    most, best = 1, None
    for number in range(2, 1 + int(rule.length / (0.5 * height))):
        pitch = rule.length / number
        steps = (places - rule.start) / pitch
        near = np.abs(steps - np.rint(steps)) < 0.15
        own = np.unique(np.rint(steps[near])).size
        if own > most and own >= SIDES_SEEN * (number + 1):
            most = own
            width, first = np.polyfit(np.rint(steps[near]), places[near], 1)
            best = first + width * np.arange(number + 1), float(width)
    return best


def _without(ink: np.ndarray, rules: list[_Rule]) -> np.ndarray:
    """Erase rules where nothing but a rule is."""
    if not rules:
        return ink
    ink = ink.copy()
    runs = _Runs.of(ink >= FAINT)
    runs = runs.take(np.argsort(runs.centre, kind="stable"))
    centre = runs.centre
    for rule in rules:
        ends = rule.curve(np.array([rule.start, (rule.start + rule.stop) / 2, rule.stop]))
        slack = 2 * rule.thickness + 5
        first, last = np.searchsorted(centre, [ends.min() - slack, ends.max() + slack])
        near = runs.take(slice(first, last))
        near = near.take((near.x >= rule.start) & (near.x < rule.stop))
        place = rule.curve(near.x)
        near = near.take((near.top - 1.5 <= place) & (place <= near.stop + 0.5))
        near = near.take(near.length <= 2 * rule.thickness + 2)
        if not len(near.x):
            continue
        thickness = np.median(near.length)
        near = near.take(near.length <= thickness + max(1.5, 0.3 * thickness))
        offsets = np.arange(near.length.max())[:, None]
        peaks = ink[np.minimum(near.top + offsets, near.stop - 1), near.x].max(axis=0)
        # A bar of the writing that lies on the rule is darker than the rule is elsewhere, for more than a speck.
        level = float(np.median(peaks))
        darker = np.zeros(ink.shape[1], bool)
        darker[near.x[peaks > level + max(0.2, 0.3 * level)]] = True
        near = near.take(~ndimage.binary_opening(darker, np.ones(3))[near.x])
        for offset in range(-1, near.length.max(initial=0) + 1):  # one pixel more on either side: its faint edges
            own = near.take(near.top + offset <= near.stop)
            ink[(own.top + offset).clip(0, ink.shape[0] - 1), own.x] = 0
    return ink
