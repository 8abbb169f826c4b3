"""The sheet of paper on the desk: its four sides are found, and it is flattened."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from hcr_lib.page._picture import reduced, transformed

SMALLEST_PAGE = 100  #: pixels: a smaller picture shows no desk
SHEET_SIDE = 300  #: pictures are reduced to about this to find the sheet
CLOSED = 0.04  #: of that side: writing is thinner
EDGE = 0.12  #: of the logarithm of brightness, from pixel to pixel: a clear edge of the paper
SHEET_LINES = 5  #: that are tried for each side
SHEET_AREA = 0.2  #: of the picture's, which a sheet covers at least
SIDE_SEEN = 0.75  #: of a side must be an edge


def flattened(gray: np.ndarray, corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what lies between four corners as seen from above, and where it is in the picture."""
    edge = 1.5 * max(1, round(max(gray.shape) / SHEET_SIDE))  # so far from the corners the desk may still show
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    width, height = max(lengths[0], lengths[2]), max(lengths[1], lengths[3])
    size = round(width - 2 * edge), round(height - 2 * edge)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]]) - edge
    place = _homography(flat, corners)
    return transformed(gray, place, size), place


def _homography(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the matrix that maps four points to four others, in homogeneous coordinates."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows, float), target.ravel()), 1).reshape(3, 3)


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
    small = reduced(gray, factor)
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
