"""From ink to the form of an MNIST image: specks, crop, box, stroke width and centre."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image
from hcr_lib.images._ink import blank
from hcr_lib.images._open import BlankImageError

SIZE = 28  #: side of a stored image, in pixels
BOX = 20  #: the longer side of the character inside it
MIN_STROKE = 2.2  #: strokes thinner than this (in pixels of the 20 x 20 box) are thickened to it
THRESHOLD = 0.4  #: ink above this share of the full darkness belongs to the character

_SPECK = 0.02  # share of all the ink
_SUPERSAMPLING = 4  # the box is worked on at 80 x 80, so that edges stay smooth


def bounding_box(ink: npt.ArrayLike, level: float = THRESHOLD) -> tuple[int, int, int, int]:
    """Return (x0, y0, x1, y1) of the ink above `level`; x1 and y1 are one past the last pixel.

    Raises
    ------
    BlankImageError
        If there is no ink above `level`.
    """
    mask = ensure_gray_image(ink, copy=False) >= level
    if not mask.any():
        raise blank(mask)
    rows, columns = _window(mask)
    return columns.start, rows.start, columns.stop, rows.stop


def remove_specks(ink: npt.ArrayLike) -> np.ndarray:
    """Erase connected components that hold less than 2 % of all the ink: dust, and crumbs of a neighbour.

    The dot of an i holds some 10 % of its ink and stays. Where nothing is erased, `ink` itself is returned.

    Raises
    ------
    BlankImageError
        If there are several components and none holds that much.
    """
    ink = ensure_gray_image(ink, copy=False)
    mask = ink >= THRESHOLD
    if not mask.any():
        return ink
    window = _window(mask)  # most of a picture is paper
    components, count = ndimage.label(mask[window], structure=np.ones((3, 3)))
    if count < 2:
        return ink
    weight = np.bincount(components.ravel(), weights=ink[window].ravel())
    weight[0] = 0
    keep = weight >= _SPECK * weight.sum()
    if not keep.any():
        raise BlankImageError(
            f"no single character found: the picture has {count} separate marks, none with {_SPECK:.0%} of the ink; "
            "expected one character. Crop it to the character, or read it as a page."
        )
    mask[window] = keep[components]
    # Soft edges belong to the nearest component, so the kept ones are grown by a pixel or two before the rest goes.
    return np.where(ndimage.binary_dilation(mask, iterations=2), ink, 0).astype("float32")


def crop(ink: npt.ArrayLike) -> np.ndarray:
    """Cut the picture down to its ink.

    Examples
    --------
    >>> page = np.zeros((9, 9)); page[2:5, 3:5] = 1
    >>> crop(page).shape
    (3, 2)
    """
    x0, y0, x1, y1 = bounding_box(ink)
    return ensure_gray_image(ink)[y0:y1, x0:x1]


def stroke_width(mask: npt.ArrayLike) -> float:
    """Estimate the width of the pen, in pixels.

    Inside a ribbon of width w, the distance to the nearest edge averages w / 4: it climbs from 0 to
    w / 2 and falls back. So the width is four times the average distance.

    Parameters
    ----------
    mask : array_like of bool, shape (height, width)
        True is ink.

    Examples
    --------
    >>> line = np.zeros((60, 60), bool); line[10:50, 20:28] = True
    >>> 6 < stroke_width(line) < 9
    True
    """
    mask = np.pad(np.asarray(mask, dtype=bool), 1)
    inside = ndimage.distance_transform_edt(mask)[mask]
    # A pixel's centre lies half a pixel nearer to the edge than the first paper pixel's centre does.
    return float(4 * (inside - 0.5).mean()) if inside.size else 0.0


def fit_box(ink: npt.ArrayLike, size: int = BOX, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Scale cropped ink until its longer side is `size`, and give a thin pen a normal width.

    The aspect is kept. A hair line that shrinks to 20 pixels fades to grey, and no training image had grey strokes;
    thickened, a ball pen and a marker look alike.

    Parameters
    ----------
    ink : array_like of float, shape (height, width)
        Ink in [0, 1], cropped.
    size : int
        Longer side of the result, in pixels.
    min_stroke : float
        Strokes thinner than this, in pixels of the result, are thickened to it; 0 leaves the pen alone.

    Returns
    -------
    ndarray of float32, shape (height, width) with the longer side `size`
    """
    ink = ensure_gray_image(ink)
    fine = size * _SUPERSAMPLING
    mask = scale_to(ink, fine) >= THRESHOLD
    missing = max(0.0, min_stroke * _SUPERSAMPLING - stroke_width(mask)) if min_stroke else 0.0
    if missing >= 1:
        # Leave room for the wider pen, then widen it: paper within `missing / 2` of the ink becomes ink.
        mask = np.pad(scale_to(ink, round(fine - missing)) >= THRESHOLD, int(missing / 2) + 1)
        distance = ndimage.distance_transform_edt(~mask)
        soft = np.clip(missing / 2 + 0.5 - distance + 0.5, 0, 1)
        soft[mask] = 1
        return scale_to(soft[_window(soft)], size)
    return scale_to(mask.astype("float32")[_window(mask)] if mask.any() else ink, size)


def _window(inked: np.ndarray) -> tuple[slice, slice]:
    """Return the rows and columns of what is not 0."""
    inside = (np.flatnonzero(inked.any(axis=axis)).tolist() for axis in (1, 0))
    return tuple(slice(indices[0], indices[-1] + 1) for indices in inside)


def scale_to(ink: np.ndarray, longer_side: int) -> np.ndarray:
    """Scale to a longer side, aspect kept."""
    scale = longer_side / max(ink.shape)
    return resize(ink, scale * ink.shape[0], scale * ink.shape[1])


def resize(ink: np.ndarray, height: float, width: float) -> np.ndarray:
    """Scale to a size in whole pixels; shrinking averages, growing interpolates."""
    size = max(1, round(width)), max(1, round(height))
    how = Image.Resampling.BOX if height < ink.shape[0] and width <= ink.shape[1] else Image.Resampling.BICUBIC
    picture = Image.fromarray(np.ascontiguousarray(ink, dtype="float32")).resize(size, how)
    return np.clip(np.asarray(picture, dtype="float32"), 0, 1)


def center_by_mass(ink: npt.ArrayLike, size: int = SIZE) -> np.ndarray:
    """Put ink on a blank `size` x `size` page so that its centre of mass sits in the middle.

    MNIST was centred the same way (Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits",
    1998), which is why a drawing that skips this step scores worse than it deserves.

    Parameters
    ----------
    ink : array_like of float, shape (height, width), at most `size` each way
        Ink in [0, 1].

    Returns
    -------
    ndarray of float32, shape (size, size)
        Shifts are whole pixels. The ink stays whole: where centring would push it over an edge, it stops there.

    Examples
    --------
    >>> corner = np.zeros((5, 5)); corner[0, 0] = 1.0
    >>> np.argwhere(center_by_mass(corner, size=5)).tolist()
    [[2, 2]]
    """
    ink = ensure_gray_image(ink)
    page = np.zeros((size, size), "float32")
    if ink.max() == 0:
        return page
    ink = ink[_window(ink)]
    if max(ink.shape) > size:
        raise ValueError(f"ink must fit on a page of {size} x {size}; got shape {ink.shape}. Call fit_box first.")
    corner = []
    for axis, length in enumerate(ink.shape):
        profile = ink.sum(axis=1 - axis)
        mean = float(profile @ np.arange(length) / profile.sum())
        corner.append(int(np.clip(round((size - 1) / 2 - mean), 0, size - length)))
    (top, left), (height, width) = corner, ink.shape
    page[top : top + height, left : left + width] = ink
    return page
