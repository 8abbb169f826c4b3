"""The MNIST recipe for any drawing, scan or photograph.

A network trained on MNIST or EMNIST has only ever seen tidy characters: white ink on black,
20 pixels tall, centred by their ink. This module makes one of those out of whatever a person
hands in. The steps are small functions, so that notebook 02 can switch each on and off:

    open_image -> to_ink -> crop -> fit_box (with its stroke width) -> center_by_mass
"""

from __future__ import annotations

import functools
import io
import os
import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy import ndimage

from hcr_lib._validate import ensure_gray_image

SIZE = 28  #: side of a stored image, in pixels
BOX = 20  #: the longer side of the character inside it
MIN_STROKE = 2.2  #: strokes thinner than this (in pixels of the 20 x 20 box) are thickened to it
THRESHOLD = 0.4  #: ink above this share of the full darkness belongs to the character
MAX_PIXELS = 120_000_000  #: larger pictures are refused: they are scans of something else, or a trap
WORKING_SIDE = 2400  #: larger pictures are reduced to this side; handwriting stays dozens of pixels tall

_SUPERSAMPLING = 4  # the box is worked on at 80 x 80, so that edges stay smooth


class ImageError(ValueError):
    """A picture that cannot be read, in one clear sentence."""


class BlankImageError(ImageError):
    """A picture without any ink on it."""


def open_image(source: str | os.PathLike | bytes | BinaryIO) -> Image.Image:
    """Open a PNG, JPEG or other picture the way a person sees it.

    Parameters
    ----------
    source : path, bytes or binary file
        EXIF rotation is applied, so a phone held sideways does not matter.

    Returns
    -------
    PIL.Image.Image
        Fully read; the file is closed.

    Raises
    ------
    ImageError
        If there is no such file, it is a folder, empty, no picture, cut short, or too large.
    """
    name = source if isinstance(source, str | os.PathLike) else "the picture"
    if isinstance(source, str | os.PathLike):
        try:
            if (path := Path(source)).is_dir():
                raise ImageError(f"{name} is a folder; expected a picture. Name the files inside it.")
            source = path.read_bytes()
        except FileNotFoundError:
            raise ImageError(f"{name} was not found; expected a picture. Check the spelling of the path.") from None
        except OSError as error:
            raise ImageError(
                f"{name} could not be opened ({error.strerror}); expected a picture that you may read. "
                "Check the path and the file's permissions."
            ) from error
    if isinstance(source, bytes):
        if not source:
            raise ImageError(f"{name} is empty (0 bytes); expected a PNG or JPEG. Save or copy it again.")
        source = io.BytesIO(source)
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow grumbles about odd EXIF, and about large pictures
            # Only the header is read here: a picture too large to handle is refused before it fills the memory.
            picture = Image.open(source)
            width, height = picture.size
            if width * height <= MAX_PIXELS:
                picture.load()
                return ImageOps.exif_transpose(picture)
        size = f"{width} x {height} pixels"
    except Image.DecompressionBombError:  # refused by Pillow itself
        size = f"over {2 * Image.MAX_IMAGE_PIXELS // 1_000_000} million pixels"
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture; expected a PNG or JPEG. Open it in a viewer to check.") from None
    except Exception as error:  # on damaged files, decoders stumble in every way there is
        raise ImageError(
            f"{name} is damaged or cut short ({error}); expected a whole PNG or JPEG. Save or copy it again."
        ) from error
    raise ImageError(
        f"{name} is too large ({size}); expected at most {MAX_PIXELS // 1_000_000} million pixels. "
        "Crop it to the handwriting, or scale it down."
    )


def to_gray(image: Image.Image | npt.ArrayLike) -> np.ndarray:
    """Return the brightness of a picture: 0 is black, 1 is white.

    Parameters
    ----------
    image : PIL.Image.Image or array_like
        Any Pillow mode; or uint8 of shape (height, width), (height, width, 3) or (height, width, 4);
        or float in [0, 1] of shape (height, width). Transparent parts become paper: white behind
        dark ink, black behind light ink.

    Returns
    -------
    ndarray of float32, shape (height, width), in [0, 1]

    Raises
    ------
    ImageError
        If the shape or the type is another one, or there are no pixels.
    """
    if not isinstance(image, Image.Image):
        image = _picture_of_array(np.asarray(image))
    if 0 in image.size:
        raise ImageError(f"a picture needs at least one pixel; got {image.width} x {image.height}.")
    # Numbered colours, single bits and 16 bits cannot be averaged as they stand.
    if image.mode.startswith("I"):
        image = image.convert("I")
    elif image.has_transparency_data:
        image = image.convert("RGBA")
    elif image.mode in ("1", "P"):
        image = image.convert("L")
    if max(image.size) > WORKING_SIDE:
        image = image.reduce(-(-max(image.size) // WORKING_SIDE))
    if image.mode in ("I", "F"):  # 16 and 32 bit scans
        deep = np.nan_to_num(np.asarray(image, dtype="float32")).clip(0)
        return deep / max(float(deep.max()), 65535.0 if deep.max() > 255 else 255.0)
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"), dtype="float32") / 255
        light = np.asarray(image.convert("RGB").convert("L"), dtype="float32") / 255
        ink_is_light = alpha.min() < 1 and (alpha * light).sum() > 0.5 * alpha.sum()
        return light * alpha + (0.0 if ink_is_light else 1.0) * (1 - alpha)
    return np.divide(image.convert("L"), 255, dtype="float32")


def _picture_of_array(array: np.ndarray) -> Image.Image:
    if array.dtype == bool:
        array = array.astype("uint8") * 255
    if array.size == 0:
        raise ImageError(f"a picture needs at least one pixel; got shape {array.shape}.")
    if np.issubdtype(array.dtype, np.floating) and array.ndim == 2:
        array = (ensure_gray_image(array) * 255).round().astype("uint8")
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ImageError(
            "a picture must be uint8 with shape (height, width), (height, width, 3) or (height, width, 4), "
            f"or float in [0, 1] with shape (height, width); got {array.dtype} with shape {array.shape}."
        )
    return Image.fromarray(array)


def to_ink(image: Image.Image | npt.ArrayLike) -> np.ndarray:
    """Turn a picture into ink: 0 is paper and 1 is the pen, whichever of the two was darker.

    Uneven light is flattened (a smooth surface through the paper is subtracted), the darkest
    ink becomes 1, and what is no stronger than the grain of the paper becomes 0.

    Parameters
    ----------
    image : PIL.Image.Image or array_like
        As for `to_gray`.

    Returns
    -------
    ndarray of float32, shape (height, width), in [0, 1]

    Raises
    ------
    BlankImageError
        If nothing stands out from the paper.

    Examples
    --------
    >>> page = np.full((40, 40), 230, np.uint8)  # light paper ...
    >>> page[10:30, 18:22] = 40                  # ... dark ink
    >>> ink = to_ink(page)
    >>> float(ink[0, 0]), float(ink[20, 20])
    (0.0, 1.0)
    >>> bool(np.array_equal(ink, to_ink(255 - page)))
    True
    """
    gray = to_gray(image)
    if gray.size < 4 or np.ptp(gray) < 0.04:
        raise _blank(gray)
    # Light, polarity and grain are judged on a grid of some 100 x 100 points: as exact, and quick for any size.
    step = max(1, round((gray.size / 10_000) ** 0.5))
    level = _without_slope(gray[::step, ::step])
    if bright := _paper_is_bright(level):
        level = 1 - level
    darkness = np.subtract(1, gray, out=gray) if bright else gray  # here and below in place: large pictures are slow
    coarse, paper = darkness[::step, ::step], level < otsu(level)
    # Each round finds more of the paper, and feels less of the ink's faint edges.
    for _ in range(4):
        light = _fit_surface(coarse, paper)
        rest = coarse - _surface(light, *coarse.shape)
        before, paper = paper, rest < 0.5 * otsu(rest)
        if np.array_equal(paper, before):  # so would be all that follow
            break
    surface = _surface(light, *darkness.shape)
    ink = np.subtract(darkness, surface, out=surface)
    # The full darkness is typical of the ink's own pixels, so that one dead pixel does not set the scale.
    strokes = ink[ink > otsu(ink)]
    full = float(np.percentile(strokes, 75)) if strokes.size else 0.0
    grain = 1.4826 * float(np.median(np.abs(rest[paper]))) if paper.any() else 0.0
    if full < max(0.05, 5 * grain):
        raise _blank(gray)
    ink /= full
    np.clip(ink, 0, 1, out=ink)
    ink *= ink >= max(0.08, 3 * grain / full)
    return ink


def _blank(gray: np.ndarray) -> BlankImageError:
    height, width = gray.shape
    return BlankImageError(
        f"no ink found in a picture of {width} x {height} pixels; expected writing that stands out from its paper. "
        "Draw or photograph it with more contrast."
    )


def _without_slope(gray: np.ndarray) -> np.ndarray:
    """Take the slope of the light out: a lamp at one side can leave the far paper darker than the ink near it.

    The slope is that of straight lines through the medians of the columns and through those of the rows. Ink
    rarely covers half of either, so the medians are those of the paper, whichever its colour.
    """
    for axis in (0, 1):
        medians = np.median(gray, axis=axis)
        if medians.size > 1:
            place = np.linspace(-1, 1, medians.size, dtype="float32")
            slope = float(place @ (medians - medians.mean()) / (place @ place))
            gray = gray - np.expand_dims(slope * place, axis)
    return gray


def _paper_is_bright(level: np.ndarray) -> bool:
    """Paper is what there is more of, counting the outer frame as much as the whole."""
    bright = level > otsu(level)
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    return bool(frame.mean() + bright.mean() > 1)


_BORDERS = np.arange(129.0)  # of the 128 bins of a histogram, in bins


def otsu(values: np.ndarray) -> float:
    """Return the threshold that parts `values` into the two most compact groups.

    Source: N. Otsu, "A threshold selection method from gray-level histograms" (1979).

    Examples
    --------
    >>> 0.1 < otsu(np.array([0.1, 0.1, 0.1, 0.9])) < 0.9
    True
    """
    low, high = float(values.min()), float(values.max())
    bins = values.reshape(1, -1) - low
    bins *= 127.999 / (high - low or 1)
    counts = np.array(Image.fromarray(bins.astype("uint8")).histogram()[:128])  # Pillow counts faster than NumPy
    edges = _BORDERS * ((high - low) / 128) + low
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)
    above = below[-1] - below
    sums = np.cumsum(counts * centres)
    parted = (below > 0) & (above > 0)
    if not parted.any():
        return float(centres[0])
    mean_below = sums[parted] / below[parted]
    mean_above = (sums[-1] - sums[parted]) / above[parted]
    spread = below[parted] * above[parted] * (mean_above - mean_below) ** 2
    peak = spread.max()
    best = np.flatnonzero(np.abs(spread - peak) <= 1e-9 * peak + 1e-8)
    # Between two clear groups every threshold is as good; the middle one is the safest.
    return float(edges[1:][parted][best].mean())


def _fit_surface(values: np.ndarray, where: np.ndarray) -> np.ndarray:
    """Fit a quadratic surface to `values` at `where` by least squares; return its six coefficients."""
    points = np.flatnonzero(where)
    if points.size < 50:  # too little paper for six unknowns: call it level
        level = float(np.median(values[where])) if points.size else 0.0
        return np.array([level, 0, 0, 0, 0, 0])
    basis = _basis(*values.shape).take(points, axis=1)
    return np.linalg.lstsq(basis @ basis.T, basis @ values[where], rcond=None)[0]


@functools.lru_cache(maxsize=8)
def _basis(height: int, width: int) -> np.ndarray:
    """Return 1, x, x², y, y² and xy at every point of a picture, each from -1 to 1: shape (6, height * width)."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.stack([np.ones_like(x), x, x * x, y, y * y, x * y]).reshape(6, -1)


def _surface(coefficients: np.ndarray, height: int, width: int) -> np.ndarray:
    """Evaluate the surface of `_fit_surface` on a picture of `height` x `width`."""
    one, x, xx, y, yy, xy = coefficients.astype("float32")
    across = np.linspace(-1, 1, width, dtype="float32")
    down = np.linspace(-1, 1, height, dtype="float32")[:, None]
    surface = (one + x * across + xx * across**2) + (y * down + yy * down**2)
    surface += xy * down * across
    return surface


def bounding_box(ink: npt.ArrayLike, level: float = THRESHOLD) -> tuple[int, int, int, int]:
    """Return (x0, y0, x1, y1) of the ink above `level`; x1 and y1 are one past the last pixel.

    Raises
    ------
    BlankImageError
        If there is no ink above `level`.
    """
    mask = ensure_gray_image(ink) >= level
    if not mask.any():
        raise _blank(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def remove_specks(ink: npt.ArrayLike, share: float = 0.02) -> np.ndarray:
    """Erase blobs that hold less than `share` of all the ink: dust, and crumbs of a neighbour.

    The dot of an i holds some 10 % of its ink and stays.
    """
    ink = ensure_gray_image(ink)
    mask = ink >= THRESHOLD
    if not mask.any():
        return ink
    window = _rows_and_columns(mask)  # most of a picture is paper
    blobs, count = ndimage.label(mask[window], structure=np.ones((3, 3)))
    if count < 2:
        return ink
    weight = np.bincount(blobs.ravel(), weights=ink[window].ravel())
    weight[0] = 0
    keep = weight >= share * weight.sum()
    mask[window] = keep[blobs]
    # Soft edges belong to the nearest blob, so the kept ones are grown by a pixel or two before the rest goes.
    kept = ndimage.binary_dilation(mask, iterations=2)
    return np.where(kept, ink, 0).astype("float32")


def crop(ink: npt.ArrayLike, level: float = THRESHOLD) -> np.ndarray:
    """Cut the picture down to its ink.

    Examples
    --------
    >>> page = np.zeros((9, 9)); page[2:5, 3:5] = 1
    >>> crop(page).shape
    (3, 2)
    """
    ink = ensure_gray_image(ink)
    x0, y0, x1, y1 = bounding_box(ink, level)
    return ink[y0:y1, x0:x1]


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

    The aspect is kept. Strokes thinner than `min_stroke` are thickened to it: a hair line that shrinks to
    20 pixels fades to grey, and no training image had grey strokes. This step alone makes a ball pen and a
    marker look alike.

    Parameters
    ----------
    ink : array_like of float, shape (height, width)
        Ink in [0, 1], cropped.
    size : int
        Longer side of the result, in pixels.
    min_stroke : float
        Least stroke width in pixels of the result; 0 leaves the pen alone.

    Returns
    -------
    ndarray of float32, shape (height, width) with the longer side `size`
        Ink in [0, 1].
    """
    ink = ensure_gray_image(ink)
    fine = size * _SUPERSAMPLING
    mask = _resize(ink, fine) >= THRESHOLD
    missing = max(0.0, min_stroke * _SUPERSAMPLING - stroke_width(mask)) if min_stroke else 0.0
    if missing >= 1:
        # Leave room for the wider pen, then widen it: paper within `missing / 2` of the ink becomes ink.
        mask = np.pad(_resize(ink, round(fine - missing)) >= THRESHOLD, int(missing / 2) + 1)
        distance = ndimage.distance_transform_edt(~mask)
        soft = np.clip(missing / 2 + 0.5 - distance + 0.5, 0, 1)
        soft[mask] = 1
        return _resize(soft[_rows_and_columns(soft)], size)
    return _resize(mask.astype("float32")[_rows_and_columns(mask)] if mask.any() else ink, size)


def _rows_and_columns(values: np.ndarray) -> tuple[slice, slice]:
    inked = values > 0
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _resize(ink: np.ndarray, longer_side: int) -> np.ndarray:
    """Scale to a longer side, aspect kept; shrinking averages, growing interpolates."""
    height, width = ink.shape
    scale = longer_side / max(height, width)
    target = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    picture = Image.fromarray(np.ascontiguousarray(ink, dtype="float32")).resize(target, how)
    return np.clip(np.asarray(picture, dtype="float32"), 0, 1)


def center_by_mass(ink: npt.ArrayLike, size: int = SIZE) -> np.ndarray:
    """Put ink on a blank `size` x `size` page so that its centre of mass sits in the middle.

    Parameters
    ----------
    ink : array_like of float, shape (height, width), at most `size` each way
        Ink in [0, 1].

    Returns
    -------
    ndarray of float32, shape (size, size)
        Shifts are whole pixels. The ink stays whole: where centring would push it over an edge, it stops there.

    Notes
    -----
    MNIST was centred the same way [1]_, which is why a drawing that skips this step scores worse than it deserves.

    References
    ----------
    .. [1] Y. LeCun, C. Cortes, C. J. C. Burges, "The MNIST database of handwritten digits" (1998).

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
    ink = ink[_rows_and_columns(ink)]
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


def to_mnist(image: Image.Image | npt.ArrayLike, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Bring a picture of one character into the form of an MNIST image: the whole recipe.

    Parameters
    ----------
    image : PIL.Image.Image or array_like
        As for `to_gray`: any size, either polarity, photograph or drawing.
    min_stroke : float
        As for `fit_box`.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White ink (255) on black paper (0).

    Raises
    ------
    BlankImageError
        If there is no ink on it.

    Examples
    --------
    >>> page = np.full((300, 200), 255, np.uint8)
    >>> page[50:250, 90:110] = 0  # a big black 1 on white
    >>> one = to_mnist(page)
    >>> one.shape, one.dtype.name, bounding_box(one / 255)
    ((28, 28), 'uint8', (13, 4, 15, 24))
    """
    return ink_to_mnist(remove_specks(to_ink(image)), min_stroke=min_stroke)


def ink_to_mnist(ink: npt.ArrayLike, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Do the second half of the recipe, from ink on a page of any size to uint8 (28, 28)."""
    boxed = fit_box(crop(ink), min_stroke=min_stroke)
    return (center_by_mass(boxed) * 255).round().astype("uint8")


def to_mnist_batch(images: npt.ArrayLike, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Bring stored images of a data set into the same form as drawings; blank ones stay blank.

    Parameters
    ----------
    images : array_like of uint8, shape (n, height, width)
        White ink on black paper: no polarity is guessed.

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28)
    """
    stored = np.zeros((len(images), SIZE, SIZE), "uint8")
    for target, image in zip(stored, np.asarray(images), strict=True):
        peak = image.max()
        if peak:
            target[:] = ink_to_mnist(image / peak)
    return stored
