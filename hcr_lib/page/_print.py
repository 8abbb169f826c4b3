"""What is on the page and is no handwriting: a form's labels, and pieces of lines at the edge of the picture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from hcr_lib import segment
from hcr_lib.images import THRESHOLD
from hcr_lib.page._picture import weighted_median

LEVEL, TIGHT = 0.03, 0.3  #: printed capitals differ by so little, and are no farther apart; in their heights
SMALLEST_PRINT = 5  #: pixels
SMALLER = 0.95  #: of the height of the writing is that of print
WHOLE = 0.85  #: of the usual height: what is less tall at the edge of a picture is a piece of a line
LEFT = 0.1  #: of the ink must be left besides what was printed


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
    usual = weighted_median(heights[inside], mass[inside])
    tall = inside & (heights >= 0.7 * usual)
    top, bottom = boxes[tall, 1].min(), boxes[tall, 3].max()
    beside = np.minimum(boxes[:, 3], bottom) - np.maximum(boxes[:, 1], top)
    out = above & below & (boxes[:, 2] - boxes[:, 0] < 0.3 * usual)
    for edge in (above & ~below, below & ~above):
        line = edge & (beside < 0.5 * heights)
        if (
            line.any() and weighted_median(heights[line], mass[line]) < WHOLE * usual
        ):  # else a picture that was cropped tightly
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
