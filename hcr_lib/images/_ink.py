"""From brightness to ink: which of the two tones is paper, light that falls off, and the grain of the paper."""

from __future__ import annotations

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcr_lib.images._open import BlankImageError, to_gray


def to_ink(image: Image.Image | npt.ArrayLike) -> np.ndarray:
    """Turn a picture into ink: 0 is paper and 1 is the pen, whichever of the two was darker.

    Uneven light is flattened (a smooth surface through the paper is subtracted), the darkest ink becomes 1, and what
    is no stronger than the grain of the paper becomes 0.

    Parameters
    ----------
    image
        As for `to_gray`, as are the shape and the range of what is returned.

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
    return flatten(to_gray(image))


def flatten(gray: np.ndarray) -> np.ndarray:
    """Turn brightness, as `to_gray` returns it, into ink: see `to_ink`."""
    if gray.size < 4 or np.ptp(gray) < 0.04:
        raise blank(gray)
    # Light, polarity and grain are judged on a grid of some 100 x 100 points: as exact, and quick for any size.
    step = max(1, round((gray.size / 10_000) ** 0.5))
    level = _without_slope(gray[::step, ::step])
    if bright := _paper_is_bright(level):
        level = 1 - level
    darkness = 1 - gray if bright else gray
    coarse, paper = darkness[::step, ::step], level < otsu(level)
    # Each round finds more of the paper, and feels less of the ink's faint edges.
    for _ in range(4):
        light = _fit_surface(coarse, paper)
        rest = coarse - _surface(light, *coarse.shape)
        before, paper = paper, rest < 0.5 * otsu(rest)
        if np.array_equal(paper, before):  # so would be all that follow
            break
    surface = _surface(light, *darkness.shape)
    ink = np.subtract(darkness, surface, out=surface)  # here and below in place: large pictures are slow
    # The full darkness is typical of the ink's own pixels, so that one dead pixel does not set the scale.
    strokes = ink[ink > otsu(ink)]
    full = float(np.percentile(strokes, 75)) if strokes.size else 0.0
    grain = 1.4826 * float(np.median(np.abs(rest[paper]))) if paper.any() else 0.0
    if full < max(0.05, 5 * grain):
        raise blank(gray)
    ink /= full
    np.clip(ink, 0, 1, out=ink)
    ink *= ink >= max(0.08, 3 * grain / full)
    return ink


def blank(gray: np.ndarray) -> BlankImageError:
    """Return the error for a picture without ink."""
    height, width = gray.shape
    return BlankImageError(
        f"no ink found in a picture of {width} x {height} pixels; expected writing that stands out from its paper. "
        "Draw or photograph it with more contrast."
    )


def _without_slope(gray: np.ndarray) -> np.ndarray:
    """Remove the slope of the light: a lamp at one side can leave the far paper darker than the ink near it.

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
    """Return the threshold that splits `values` into the two most compact groups.

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
