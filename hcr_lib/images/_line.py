"""From the ink of a word or a line to the form that the line reader was trained on."""

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images._form import bounding_box, crop, resize

LINE_HEIGHT = 48  #: of a line's image, in pixels
LINE_MARGIN = 2  #: paper left free above and below the ink, and at least on either side
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
    ink = ensure_gray_image(ink)
    x0, y0, x1, y1 = bounding_box(ink)
    ink = ink[y0:y1, x0:x1]
    if ink.shape[1] > SLOPE_SHOWS * ink.shape[0]:
        ink = crop(_level(ink))
    height, width = ink.shape
    scale = (LINE_HEIGHT - 2 * LINE_MARGIN) / max(height, width / LONGEST)
    ink = resize(ink, scale * height, scale * width)
    above = (LINE_HEIGHT - ink.shape[0]) // 2
    line = np.pad(ink, ((above, LINE_HEIGHT - ink.shape[0] - above), (2 * LINE_MARGIN,) * 2))
    return np.rint(255 * line).astype("uint8")


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
