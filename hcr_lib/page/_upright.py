"""Which way a page is up: its lines run from left to right, are level, and are not upside down."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from hcr_lib import segment
from hcr_lib.images import THRESHOLD
from hcr_lib.page._picture import reduced, transformed, weighted_median

STRIP = 6  #: a picture so many times as long as high was cut out around a line, and lies as it was cut
FEW = 6  #: a page of three words has at least so many components
STEEP = 15  #: degrees that lines of writing may rise or fall
SHOWS = 2.0  #: degrees; what is less steep is read as well as it is
CLEAR_GAIN = 1.15  #: so much sharper must the profile of the lines be after they were levelled
ALONG = 0.65  #: of the neighbours lie along the lines, beyond doubt
SURE = -0.025  #: a line that the reader is as sure of is not upside down (it was below -0.05 on those that were)
USUAL = 0.01  #: so much surer must a reader be to turn a page
LOOKED_AT = 15  #: heights of a line are enough to tell which way is up
Score = Callable[[segment.Component], float]


def turn_upright(ink: np.ndarray, score: Score | None) -> tuple[np.ndarray, np.ndarray]:
    """Turn a page so that its lines run from left to right, and return where it was; short texts stay as they are.

    Characters of a line are nearer to one another than lines are, so most nearest neighbours lie along the lines
    (L. O'Gorman, "The document spectrum for page layout analysis", 1993). Lines are level where the profile of the
    rows is sharpest (W. Postl, "Detection of linear oblique structures and skew scan in digitized documents", 1986).
    Which of the two ways is up, a reader says who is shown the longest lines.
    """
    if max(ink.shape) > STRIP * min(ink.shape):
        return ink, np.eye(3)
    factor = -(-max(ink.shape) // 1600)  # thin strokes fall apart in a smaller picture
    small = reduced(ink, factor)
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
    usual = weighted_median(sizes, np.bincount(numbered.ravel())[1:])
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
    return transformed(page, turn, size), place @ turn


def _shown(line: segment.Line) -> segment.Component:
    """Return as much of a line as is needed to tell which way is up."""
    whole = line.ink
    x0, y0, x1, y1 = whole.box
    width = min(x1 - x0, round(LOOKED_AT * line.height))
    return segment.Component((x0, y0, x0 + width, y1), whole.ink[:, :width])
