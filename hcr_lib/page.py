"""From a picture to flat paper: the sheet on the desk, the way up, and rules and boxes that are no writing.

What is found here is found by geometry: long straight edges, long thin lines, rows of ink. Only which way is up is a
reader's to say, whose opinion is handed in as a function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from hcr_lib import images, segment
from hcr_lib._validate import ensure_gray_image
from hcr_lib.images import THRESHOLD

FAINT, PALE = 0.05, 0.35  #: ink as faint as the first may be part of a rule; one paler than the second may have holes
#: Only pictures like those of a camera are looked at for a sheet on a desk: so many pixels high at least, and at most
#: so many times as long as high. In a crop of one line, letters can look like the edges of a sheet.
SMALLEST_PHOTOGRAPH, LONGEST_PHOTOGRAPH = 300, 2.2
STRIP = 6  #: a picture so many times as long as high was cut out around a line, and lies as it was cut
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

SMALLEST_PAGE = 100  #: pixels: a smaller picture shows no desk
SHEET_SIDE = 300  #: pictures are reduced to about this to find the sheet
CLOSED = 0.04  #: of that side: writing is thinner
EDGE = 0.12  #: of the logarithm of brightness, from pixel to pixel: a clear edge of the paper
SHEET_LINES = 5  #: that are tried for each side
SHEET_AREA = 0.2  #: of the picture's, which a sheet covers at least
SIDE_SEEN = 0.75  #: of a side must be an edge
FEW = 6  #: a page of three words has at least so many components
STEEP = 15  #: degrees that lines of writing may rise or fall
SHOWS = 2.0  #: degrees; what is less steep is read as well as it is
CLEAR_GAIN = 1.15  #: so much sharper must the profile of the lines be after they were levelled
ALONG = 0.65  #: of the neighbours lie along the lines, beyond doubt
SURE = -0.025  #: a line that the reader is as sure of is not upside down (it was below -0.05 on those that were)
USUAL = 0.01  #: so much surer must a reader be to turn a page
LEVEL, TIGHT = 0.03, 0.3  #: printed capitals differ by so little, and are no farther apart; in their heights
SMALLEST_PRINT = 5  #: pixels
SMALLER = 0.95  #: of the height of the writing is that of print
WHOLE = 0.85  #: of the usual height: what is less tall at the edge of a picture is a piece of a line
LEFT = 0.1  #: of the ink must be left besides what was printed
CROSSED = 1.3  #: times as wide as tall is a word that may be crossed out, at least
WAVY = 0.03  #: heights of the word that the stroke may leave a straight line
MIDDLE = 0.13  #: heights that the stroke may be from the middle of the ink
UNBROKEN = 0.985  #: of the stroke is ink
BARE_END = 0.1  #: heights of the word: so far the stroke stands out at each end, half of it at least
LETTERS = 3  #: widths of the pen: what is no taller is a dash
LOOKED_AT = 15  #: heights of a line are enough to tell which way is up

Line = np.polynomial.Polynomial
Score = Callable[[segment.Component], float]


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
    tallest = _median(heights, np.bincount(numbered.ravel())[1:])
    return tallest if tallest > 4 else None


def _reduced(picture: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of squares of `factor` x `factor` pixels; what is left at the right and below is dropped."""
    if factor == 1:
        return picture
    height, width = (side // factor for side in picture.shape)
    columns = picture[: height * factor, : width * factor].reshape(height, factor, -1).mean(axis=1)
    return columns.reshape(height, width, factor).mean(axis=2)


def _long_lines(ink: np.ndarray, shortest: float | None = None) -> list[_Rule]:
    """Find long thin lines that are nearly level, whether rules or not."""
    factor = -(-max(ink.shape) // FINDING_SIDE)
    ink = _reduced(ink, factor)
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
    usual = _median(slopes, np.array([rule.length for rule in found]) ** 2.0)
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


def _median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the value below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


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


def prepare(gray: np.ndarray, score: Score | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Turn a picture into the ink of a flat page, the right way up, without rules.

    Parameters
    ----------
    gray : ndarray of float32, shape (height, width)
        As `hcr_lib.images.to_gray` returns it.
    score : callable, optional
        Takes the ink of a line, returns how sure a reader is of it, the more the higher. Without it, pages are not
        turned, other than by a few degrees.

    Returns
    -------
    ink : ndarray of float32, shape (height, width)
        Of the page, which may have another shape than the picture.
    place : ndarray of float64, shape (3, 3)
        Where the page is in the picture, in homogeneous coordinates: see `on_picture`.

    Raises
    ------
    hcr_lib.images.BlankImageError
        If there is no ink but rules.
    """
    place = np.eye(3)
    short, long = sorted(gray.shape)
    photograph = short >= SMALLEST_PHOTOGRAPH and long <= LONGEST_PHOTOGRAPH * short
    corners = find_sheet(gray) if photograph else None
    if corners is not None:
        try:
            flat, place = _flattened(gray, corners)
            ink = images.flatten(flat)
        except images.BlankImageError:  # nothing is on the sheet; it may be a label beside the writing
            corners, place = None, np.eye(3)
    if corners is None:
        ink = images.flatten(gray)
    if max(ink.shape) < SMALLEST_PAGE:
        return ink, place
    ink = without_print(remove_rules(ink))
    if not (ink >= THRESHOLD).any():
        raise images.BlankImageError(
            f"nothing but rules was found in a picture of {gray.shape[1]} x {gray.shape[0]} pixels; expected writing "
            "that stands out from its paper. Draw or photograph it with more contrast."
        )
    ink, turn = _upright(ink, score)
    return ink, place @ turn


def without_print(ink: np.ndarray) -> np.ndarray:
    """Leave out pieces of lines that the edge of a picture cuts off, and what a form has printed beside the writing.

    Parameters
    ----------
    ink : ndarray of float32, shape (height, width)
        Level lines.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Where there is nothing to leave out, `ink` itself. So it is where nothing else would be left.

    Notes
    -----
    Printed capitals are as tall as each other and stand on one level, to the pixel, close together, as no hand writes.
    Such a row is a label if a colon follows, or if it is all that there is on its line; what stands before a label
    belongs to it. Printed small letters are taken for writing.
    """
    numbered, count = ndimage.label(ink >= 0.75 * THRESHOLD, structure=np.ones((3, 3)))
    if not 1 < count <= segment.NOISE:
        return ink
    windows = ndimage.find_objects(numbered)
    boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in windows])
    mass = np.bincount(numbered.ravel())[1:]
    cut = _cut_off(boxes, mass, ink.shape[0])
    out = cut.copy()
    out[~cut] = _printed(boxes[~cut])
    if not out.any() or mass[~out].sum() < LEFT * mass[~cut].sum():
        out = cut
    if not out.any() or out.all():
        return ink
    ink = ink.copy()
    for number in np.flatnonzero(out):
        rows, columns = (slice(max(0, side.start - 1), side.stop + 1) for side in windows[number])
        own = numbered[rows, columns]
        ink[rows, columns][(own == 0) | (own == number + 1)] = 0
    return ink


def _cut_off(boxes: np.ndarray, mass: np.ndarray, height: int) -> np.ndarray:
    """Return which components are pieces of lines above or below the picture, or of a rule at its side."""
    heights = boxes[:, 3] - boxes[:, 1]
    above, below = boxes[:, 1] <= 1, boxes[:, 3] >= height - 1
    inside = ~(above | below)
    if not inside.any() or inside.all():
        return np.zeros(len(boxes), bool)
    usual = _median(heights[inside], mass[inside])
    tall = inside & (heights >= 0.7 * usual)
    top, bottom = boxes[tall, 1].min(), boxes[tall, 3].max()
    beside = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top)
    out = above & below & (boxes[:, 2] - boxes[:, 0] < 0.3 * usual)
    for edge in (above & ~below, below & ~above):
        line = edge & (beside < 0.5 * heights)
        if line.any() and _median(heights[line], mass[line]) < WHOLE * usual:  # else a picture that was cropped tightly
            out |= line
    return out


def _printed(boxes: np.ndarray) -> np.ndarray:
    """Return which components are printed labels: see `without_print`."""
    left, top, right, bottom = boxes.T
    heights = bottom - top
    labels, rows = np.zeros(len(boxes), bool), []
    order, free = np.argsort(left, kind="stable"), heights >= SMALLEST_PRINT
    for first in order:
        if not free[first]:
            continue
        size, slack = heights[first], max(1.0, LEVEL * heights[first])
        same = free & (np.abs(bottom - bottom[first]) <= slack) & (np.abs(top - top[first]) <= slack)
        row = [first]
        for k in order[same[order]]:
            if k != first and -1 <= left[k] - right[row[-1]] <= TIGHT * size:
                row.append(k)
        free[row] = False
        end = right[row[-1]]
        if len(row) < 2 or end - left[first] < 1.5 * size:
            continue
        on_line = np.minimum(bottom, bottom[first]) - np.maximum(top, top[first]) > 0.3 * np.minimum(heights, size)
        small = np.maximum(heights, right - left) <= 0.4 * size
        dots = on_line & small & (left >= end) & (left <= end + size)
        if np.count_nonzero(dots) == 2 and np.ptp(left[dots]) <= 2 and np.ptp(top[dots]) > heights[dots].max():
            labels |= on_line & (left <= left[dots].max())
        elif len(row) >= 3:
            level = (np.abs(bottom - bottom[first]) <= slack) & (np.abs(top - top[first]) <= slack)
            rows.append((level, on_line))
    printed = np.any([labels, *(level for level, _ in rows)], axis=0)
    hand = heights[~printed & (heights >= SMALLEST_PRINT)]
    for level, on_line in rows:  # without a colon, only where nothing else stands on the line
        alone = not (on_line & ~printed & (heights >= SMALLEST_PRINT)).any()
        if alone and hand.size and np.median(heights[level]) < SMALLER * np.median(hand):
            labels |= on_line
    return labels


def is_crossed_out(word: segment.Component) -> bool:
    """Return whether a word was crossed out by a long stroke through its middle, nearly straight.

    Parameters
    ----------
    word : hcr_lib.segment.Component
        The ink of a whole word, level within some ten degrees. One that is not much wider than tall is never crossed
        out, since the bar of an H is no such stroke.

    Returns
    -------
    bool

    Notes
    -----
    The stroke is ink without gaps, along one of many straight lines through the middle of the ink, and at both ends of
    the word there is nothing but it. Joined letters go up and down, so they leave such a line, and few words begin and
    end with a bar: of 752 words by UNIPEN's development people and 407 on composed lists, none is taken for crossed
    out, of 345 in their lines two are; with a stroke drawn through them that sticks out at both ends, 1 % is missed.

    Examples
    --------
    >>> stems = np.zeros((40, 120), "float32"); stems[:, 10:14] = stems[:, 60:64] = stems[:, 110:114] = 1
    >>> is_crossed_out(segment.Component((0, 0, 120, 40), stems))
    False
    >>> stems[18:21] = 1
    >>> is_crossed_out(segment.Component((0, 0, 120, 40), stems))
    True
    """
    height, width = word.ink.shape
    ink = word.ink >= 0.75 * THRESHOLD
    pen = images.stroke_width(ink)
    if width < CROSSED * height or height < LETTERS * pen:
        return False
    end = max(2, round(BARE_END * height))
    if max(np.median(column) for column in (ink[:, :end].sum(axis=0), ink[:, -end:].sum(axis=0))) > 1.7 * pen:
        return False
    reach = max(1, round(WAVY * height))
    mask = ndimage.maximum_filter1d(ink, 2 * reach + 1, axis=0)
    columns = np.arange(width)
    middle = float(word.ink.sum(axis=1) @ np.arange(height) / word.ink.sum())  # not of the box: a g reaches far below
    places = middle + np.linspace(-1, 1, 15) * MIDDLE * height
    slopes = np.linspace(-0.6, 0.6, 25) * height / width  # it may begin above and end below
    line = places[:, None, None] + slopes[:, None] * (columns - width / 2)
    covered = mask[np.rint(line).astype(int).clip(0, height - 1), columns]
    return bool(covered.mean(axis=2).max() >= UNBROKEN)


def on_picture(place: np.ndarray, box: segment.Box) -> segment.Box:
    """Return the smallest box in the picture around a box on the page, given where the page is.

    Examples
    --------
    >>> on_picture(np.diag([2.0, 2.0, 1.0]), (1, 2, 3, 4))
    (2, 4, 6, 8)
    """
    x0, y0, x1, y1 = box
    x, y, size = place @ np.array([[x0, x1, x1, x0], [y0, y0, y1, y1], [1, 1, 1, 1]], float)
    x, y = x / size, y / size
    return round(x.min()), round(y.min()), round(x.max()), round(y.max())


def _flattened(gray: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what lies between four corners as seen from above, and where it is in the picture."""
    edge = 1.5 * max(1, round(max(gray.shape) / SHEET_SIDE))  # so far from the corners the desk may still show
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = max(lengths[0], lengths[2]), max(lengths[1], lengths[3])
    size = round(width - 2 * edge), round(height - 2 * edge)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - edge
    place = _homography(flat, corners)
    return _transformed(gray, place, size), place


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the matrix that maps four points to four others, in homogeneous coordinates."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows, float), target.ravel()), 1).reshape(3, 3)


def _transformed(image: np.ndarray, place: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture of (width, height) `size` whose pixels come from where `place` says; beyond the edge it is 0."""
    data = (place / place[2, 2]).ravel()[:8].tolist()
    picture = Image.fromarray(np.ascontiguousarray(image, "float32"))
    return np.asarray(picture.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR))


def _upright(ink: np.ndarray, score: Score | None) -> tuple[np.ndarray, np.ndarray]:
    """Turn a page so that its lines run from left to right, and return where it was; short texts stay as they are.

    Characters of a line are nearer to one another than lines are, so most nearest neighbours lie along the lines
    (L. O'Gorman, "The document spectrum for page layout analysis", 1993). Lines are level where the profile of the
    rows is sharpest (W. Postl, "Detection of linear oblique structures and skew scan in digitized documents", 1986).
    Which of the two ways is up, a reader says who is shown the longest lines.
    """
    if max(ink.shape) > STRIP * min(ink.shape):
        return ink, np.eye(3)
    factor = -(-max(ink.shape) // 1600)  # thin strokes fall apart in a smaller picture
    small = _reduced(ink, factor)
    boxes = _letters(small)
    if len(boxes) < FEW:
        return ink, np.eye(3)
    quarters = (0,)
    if score is not None:
        quarters = (0,) if _share_of_level_neighbours(boxes) > ALONG else (0, 1)
    # A single line that was found in spite of its slope is levelled by the line reader, which blurs it less.
    lone = len(segment.lines(ink)) == 1
    tilts = [0.0 if lone and not quarter else _tilt(np.rot90(small, quarter)) for quarter in quarters]
    tried = [_turned(ink, quarter, tilt) for quarter, tilt in zip(quarters, tilts, strict=True)]
    if score is None or (lone and quarters == (0,)):  # one line says too little about which way is up
        return tried[0]
    found = []
    for page, place in tried:
        lines = segment.lines(page)
        if sum(len(segment.words(line)) for line in lines) < 3:
            if quarters == (0,):
                return page, place
            if found:  # too little to turn a page for
                continue
        lines = [line for line in lines if len(line.components) > 2]
        longest = [_shown(line) for line in sorted(lines, key=lambda line: -len(line.components))[:2]]
        if not longest:
            continue
        sure = np.mean([score(line) for line in longest])
        found.append((sure, page, place))
        if sure > SURE:
            break
        down = [segment.Component(line.box, np.ascontiguousarray(line.ink[::-1, ::-1])) for line in longest]
        height, width = page.shape
        half_turn = np.array([[-1.0, 0, width], [0, -1, height], [0, 0, 1]])
        found.append((np.mean([score(line) for line in down]) - USUAL, page[::-1, ::-1], place @ half_turn))
    if not found:
        return tried[0]
    _, page, place = max(found, key=lambda each: each[0])
    return np.ascontiguousarray(page), place


def _letters(ink: np.ndarray) -> np.ndarray:
    """Return the boxes (x0, y0, x1, y1) of components that are not much smaller than most of the ink's."""
    numbered, count = ndimage.label(ink >= 0.75 * THRESHOLD, structure=np.ones((3, 3)))
    if count < FEW:
        return np.zeros((0, 4))
    windows = ndimage.find_objects(numbered)
    boxes = np.array([[x.start, y.start, x.stop, y.stop] for y, x in windows], float)
    sizes = np.maximum(boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1])
    usual = _median(sizes, np.bincount(numbered.ravel())[1:])
    return boxes[(sizes >= 0.4 * usual) & (sizes > 4)]


def _share_of_level_neighbours(boxes: np.ndarray) -> float:
    """Return how many of the boxes have the nearest other box beside them, rather than above or below."""
    chosen = boxes[:: -(-len(boxes) // 300)]
    left = np.maximum(chosen[:, None, 0] - boxes[:, 2], boxes[:, 0] - chosen[:, None, 2])
    above = np.maximum(chosen[:, None, 1] - boxes[:, 3], boxes[:, 1] - chosen[:, None, 3])
    away = np.hypot(left.clip(0), above.clip(0))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    offsets = np.abs(middles - ((chosen[:, :2] + chosen[:, 2:]) / 2)[:, None])
    away = away + 0.1 * np.hypot(*np.moveaxis(offsets, -1, 0))
    away[(offsets == 0).all(axis=2)] = np.inf  # itself
    nearest = away.argmin(axis=1)
    dx, dy = np.moveaxis(offsets[np.arange(len(chosen)), nearest], -1, 0)
    return float((dx > dy).mean())


def _tilt(ink: np.ndarray) -> float:
    """Return by how many degrees lines of writing fall from left to right; 0 unless that is clear."""
    y, x = np.nonzero(ink >= THRESHOLD)
    step = -(-len(x) // 20_000)
    y, x = y[::step].astype("float32"), x[::step].astype("float32")

    def sharpness(degrees: float) -> float:
        angle = np.radians(degrees)
        rows = np.rint(y * np.cos(angle) - x * np.sin(angle)).astype(int)
        counts = np.bincount(rows - rows.min())
        return float(np.sum(counts.astype(float) ** 2))

    coarse = np.arange(-STEEP, STEEP + 1)
    found = [sharpness(degrees) for degrees in coarse]
    best = int(np.argmax(found))
    fine = coarse[best] + np.arange(-0.75, 1, 0.25)
    degrees = float(fine[np.argmax([sharpness(each) for each in fine])])
    clear = abs(degrees) >= SHOWS and abs(coarse[best]) < STEEP and found[best] >= CLEAR_GAIN * found[STEEP]
    return degrees if clear else 0.0


def _turned(ink: np.ndarray, quarter: int, tilt: float) -> tuple[np.ndarray, np.ndarray]:
    """Return a page after quarter turns against the clock, and one by some degrees more; and where it was."""
    height, width = ink.shape
    place = np.array([[0.0, -1, width], [1, 0, 0], [0, 0, 1]]) if quarter else np.eye(3)
    page = np.rot90(ink, quarter)
    if not tilt:
        return np.ascontiguousarray(page), place
    height, width = page.shape
    cos, sin = np.cos(np.radians(tilt)), np.sin(np.radians(tilt))
    size = round(abs(width * cos) + abs(height * sin)), round(abs(width * sin) + abs(height * cos))
    turn = np.array([[cos, -sin], [sin, cos]])
    start = np.array([width, height]) / 2 - turn @ (np.array(size) / 2)
    turn = np.vstack([np.column_stack([turn, start]), [0, 0, 1]])
    return _transformed(page, turn, size), place @ turn


def _shown(line: segment.Line) -> segment.Component:
    """Return as much of a line as is needed to tell which way is up."""
    whole = line.ink
    x0, y0, x1, y1 = whole.box
    width = min(x1 - x0, round(LOOKED_AT * line.height))
    return segment.Component((x0, y0, x0 + width, y1), whole.ink[:, :width])


def find_sheet(gray: np.ndarray) -> np.ndarray | None:
    """Find the sheet of paper that lies on something darker.

    Parameters
    ----------
    gray : ndarray of float, shape (height, width)
        Brightness in [0, 1], as `hcr_lib.images.to_gray` makes it. The sheet may lie up to 25 degrees askew, and be
        seen from aside; one side of it may lie outside of the picture.

    Returns
    -------
    ndarray of float64, shape (4, 2), or None
        x and y of the corners, from the upper left one clockwise. None where no edge of a sheet is seen: then the paper
        fills the picture.

    Notes
    -----
    Writing is closed over. Where it gets brighter towards the middle, points vote for straight lines, for each of the
    four sides by themselves (the Hough transform, with the direction of the gradient [1]_). Of all quadrilaterals of
    the lines with most votes, and of the picture's own sides, the one is taken whose sides are edges nearly all along.

    References
    ----------
    .. [1] D. H. Ballard, "Generalizing the Hough transform to detect arbitrary shapes" (1981).
    """
    if min(gray.shape) < SMALLEST_PAGE:
        return None
    step = max(1, max(gray.shape) // 64)
    coarse = gray[step // 2 :: step, step // 2 :: step]
    ring = np.concatenate([coarse[0], coarse[-1], coarse[:, 0], coarse[:, -1]])
    if (ring < 0.85 * np.percentile(coarse, 90)).mean() < 0.25:  # paper along most of the picture's sides
        return None
    jumps = np.abs(np.diff(np.log(ndimage.grey_closing(coarse, (5, 5)) + 0.02), axis=0)) > 0.5 * EDGE
    if np.count_nonzero(jumps.any(axis=0)) < 0.2 * coarse.shape[1]:  # the light falls off, but nowhere at once
        return None
    factor = max(1, round(max(gray.shape) / SHEET_SIDE))
    small = _reduced(gray, factor)
    height, width = small.shape
    size = 2 * round(CLOSED * max(small.shape) / 2) + 1
    smooth = ndimage.gaussian_filter(ndimage.grey_closing(small, (size, size)), 1.0)
    light = np.log(smooth + 0.02)  # of an edge in the shadow, the contrast is the same
    steps = np.gradient(light, axis=1), np.gradient(light, axis=0)
    sides = [_edges(sign * step) for step in (steps[0], steps[1].T) for sign in (1, -1)]
    sides[2:] = [side[:, [1, 0, 2]] for side in sides[2:]]  # they were found in the transposed picture
    borders = [(1, 0, 0), (1, 0, width - 1), (0, 1, 0), (0, 1, height - 1)]
    sides = [np.concatenate([side, [border]]) for side, border in zip(sides, borders, strict=True)]
    choices = np.indices([len(side) for side in sides]).reshape(4, -1)  # one line for each side
    left, right, top, bottom = (side[choice] for side, choice in zip(sides, choices, strict=True))
    pairs = (left, top), (top, right), (right, bottom), (bottom, left)
    corners = np.stack([_crossing(*pair) for pair in pairs], axis=1)  # (quadrilaterals, 4, 2)
    best = _best_sheet(corners, steps)
    if best is None:
        return None
    inside = Image.new("1", (width, height))
    ImageDraw.Draw(inside).polygon([tuple(corner) for corner in best], fill=1)
    # What lies within is paper, not bright ink on a dark page.
    if np.median(small[np.asarray(inside)]) < 0.5 * np.percentile(coarse, 90):
        return None
    return (best + 0.5) * factor - 0.5


def _edges(step: np.ndarray) -> np.ndarray:
    """Return the likeliest lines along which a picture gets brighter from left to right: a x + b y = c in each row."""
    height, width = step.shape
    y, x = np.nonzero(step > EDGE / 4)
    weight = np.minimum(step[y, x], EDGE)
    slopes = np.linspace(-0.48, 0.48, 49)
    votes = np.zeros((len(slopes), width + 2))
    for row, slope in zip(votes, slopes, strict=True):
        place = np.rint(x - slope * (y - height / 2)).astype(int)
        inside = (place >= 0) & (place < width)
        row[1:-1] = np.bincount(place[inside], weight[inside], minlength=width)
    votes = votes[:, :-2] + votes[:, 1:-1] + votes[:, 2:]
    lines = []
    for _ in range(SHEET_LINES):
        row, place = np.unravel_index(votes.argmax(), votes.shape)
        if votes[row, place] < 0.2 * height * EDGE:
            break
        slope, start = _fitted(x, y - height / 2, weight, slopes[row], place)
        lines.append((1.0, -slope, start - slope * height / 2))
        reach = 4 + np.abs(slopes - slopes[row])[:, None] * height / 8
        votes[np.abs(np.arange(width) - place) <= reach] = 0
    return np.array(lines).reshape(-1, 3)


def _fitted(x: np.ndarray, y: np.ndarray, weight: np.ndarray, slope: float, place: float) -> tuple[float, float]:
    """Fit x = slope * y + place to the points near a first guess, by least squares."""
    for reach in (3.0, 1.5):
        near = np.abs(x - slope * y - place) <= reach
        if near.sum() < 10:
            break
        slope, place = np.polyfit(y[near], x[near], 1, w=np.sqrt(weight[near]))
    return float(slope), float(place)


def _crossing(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return where lines a x + b y = c cross, row by row."""
    (a, b, c), (d, e, f) = first.T, second.T
    size = a * e - b * d
    size = np.where(np.abs(size) < 1e-9, 1e-9, size)
    return np.stack([(c * e - b * f) / size, (a * f - c * d) / size], axis=1)


def _best_sheet(corners: np.ndarray, steps: tuple[np.ndarray, np.ndarray]) -> np.ndarray | None:
    """Return the corners of the quadrilateral whose sides are edges; None if none has three such sides."""
    height, width = steps[0].shape
    following = np.roll(corners, -1, axis=1)
    along = following - corners  # clockwise, y growing down: what is to the right of it is inside
    lengths = np.hypot(*np.moveaxis(along, -1, 0))
    inwards = np.stack([-along[..., 1], along[..., 0]], axis=-1) / np.maximum(lengths, 1e-9)[..., None]
    area = np.sum(corners[..., 0] * following[..., 1] - corners[..., 1] * following[..., 0], axis=1) / 2
    turns = along[..., 0] * np.roll(along[..., 1], -1, 1) - along[..., 1] * np.roll(along[..., 0], -1, 1)
    usable = (turns > 0).all(axis=1) & (area > SHEET_AREA * height * width)
    if not usable.any():
        return None
    corners, along, lengths, inwards, area = (each[usable] for each in (corners, along, lengths, inwards, area))
    points = corners[:, :, None] + along[:, :, None] * np.linspace(0.02, 0.98, 40)[:, None]
    x, y = np.rint(points[..., 0]).astype(int), np.rint(points[..., 1]).astype(int)
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    x, y = x.clip(0, width - 1), y.clip(0, height - 1)
    step = steps[0][y, x] * inwards[:, :, None, 0] + steps[1][y, x] * inwards[:, :, None, 1]
    seen = np.clip(step / EDGE, 0, 1) * inside
    support = seen.sum(axis=2) / np.maximum(inside.sum(axis=2), 10)
    clear = (np.where(inside, step > EDGE / 3, 0).sum(axis=2) / np.maximum(inside.sum(axis=2), 10)) >= SIDE_SEEN
    enough = clear.sum(axis=1) >= 3
    if not enough.any():
        return None
    score = np.where(clear, 0.5 + support, 0).sum(axis=1) + 0.5 * area / (height * width)
    return corners[np.where(enough, score, -1).argmax()]
