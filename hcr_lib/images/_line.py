"""From the ink of a word or a line to the form that the line reader was trained on."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images._form import THRESHOLD, bounding_box, resize

LINE_HEIGHT = 48  #: of a line's image, in pixels
LINE_MARGIN = 2  #: paper left free above and below the ink; twice as much on either side
LONGEST = 40  #: a line longer than so many times its height is a dash, or ink of next to no height
SLOPE_SHOWS = 4  #: from so many times its height on, a line shows its slope; a word's may be that of its letters


def to_line(ink: npt.ArrayLike) -> np.ndarray:
    """Crop a line of ink, level it, and scale it to the height of the line reader's images, aspect kept.

    Parameters
    ----------
    ink : array_like of float, shape (height, width)
        Ink in [0, 1] of one line, without its neighbours.

    Returns
    -------
    ndarray of uint8, shape (LINE_HEIGHT, w)
        White ink (255) on black paper (0).

    Raises
    ------
    hcr_lib.images.BlankImageError
        If there is no ink.

    Examples
    --------
    >>> page = np.zeros((90, 200)); page[20:76, 10:180] = 1
    >>> to_line(page).shape
    (48, 142)
    """
    return place_line(ink)[0]


def line_width(height: int, width: int) -> int:
    """Return about how wide the image of a line will be whose ink is so high and wide: what reading it costs."""
    return round((LINE_HEIGHT - 2 * LINE_MARGIN) * width / max(height, width / LONGEST)) + 4 * LINE_MARGIN


def place_line(ink: npt.ArrayLike) -> tuple[np.ndarray, Callable[[float, float], tuple[int, int, int, int]]]:
    """Do as `to_line`, and also return where columns of the result come from.

    Returns
    -------
    line : ndarray of uint8, shape (LINE_HEIGHT, w)
    origin : callable
        Takes the first column and the one past the last, and returns the box (x0, y0, x1, y1) of the ink in `ink` that
        is shown there, or nearest to them if there is none.

    Examples
    --------
    >>> page = np.zeros((90, 200)); page[20:76, 10:60] = 1; page[30:76, 130:180] = 1
    >>> line, origin = place_line(page)
    >>> origin(0, 71), origin(71, line.shape[1])
    ((10, 20, 60, 76), (130, 30, 180, 76))
    """
    ink = ensure_gray_image(ink)
    x0, y0, x1, y1 = bounding_box(ink)
    cut = ink[y0:y1, x0:x1]
    if cut.shape[1] > SLOPE_SHOWS * cut.shape[0]:
        level = _level(cut)
        if level.max() >= THRESHOLD:  # a faint hair line, interpolated, is no ink any more: it stays as it was
            left, top, right, bottom = bounding_box(level)
            cut = level[top:bottom, left:right]
            x0, x1 = x0 + left, x0 + right
    height, width = cut.shape
    scale = (LINE_HEIGHT - 2 * LINE_MARGIN) / max(height, width / LONGEST)
    cut = resize(cut, scale * height, scale * width)
    above = (LINE_HEIGHT - cut.shape[0]) // 2
    line = np.pad(cut, ((above, LINE_HEIGHT - cut.shape[0] - above), (2 * LINE_MARGIN,) * 2))

    inked = ink >= THRESHOLD
    columns = np.flatnonzero(inked.any(axis=0))

    def origin(first: float, last: float) -> tuple[int, int, int, int]:
        left, right = (round(x0 + (column - 2 * LINE_MARGIN) / scale) for column in (first, last))
        shown = columns[(left <= columns) & (columns < right)]
        if not shown.size:
            shown = columns[[np.abs(columns - (left + right) / 2).argmin()]]
        rows = np.flatnonzero(inked[:, shown].any(axis=1))
        return int(shown[0]), int(rows[0]), int(shown[-1]) + 1, int(rows[-1]) + 1

    return np.rint(255 * line).astype("uint8"), origin


def _level(ink: np.ndarray) -> np.ndarray:
    """Shear a line vertically so that the straight line through its ink is level."""
    rows, columns = np.indices(ink.shape)
    mass = ink.sum()
    across = columns - (columns * ink).sum() / mass
    slope = float((across * rows * ink).sum() / (across**2 * ink).sum())
    reach = int(np.ceil(abs(slope) * ink.shape[1] / 2))
    ink = np.pad(ink, ((reach, reach), (0, 0)))
    middle = (ink.shape[1] - 1) / 2
    return np.clip(ndimage.affine_transform(ink, [[1, slope], [0, 1]], offset=[-slope * middle, 0], order=1), 0, 1)
