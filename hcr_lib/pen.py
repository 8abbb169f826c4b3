"""Rendering pen strokes: the drawing pad's, stored ones and those of the synthetic writers.

A *stroke* is an array of shape (n, 2): x to the right, y down. A *drawing* is a list of strokes.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PAD = 400  #: side of the square pad that stroke coordinates usually refer to
HALF_WIDTH = 10.0  #: a medium pen on that pad
MOST_PIXELS = 20_000_000  #: of a page
MOST_POINTS = 100_000  #: of a drawing; a page full of handwriting has some 10,000

_MOST_PAINTED = 300_000_000  # pixels under the pen, counted each time it passes: a few seconds
_SUPERSAMPLING = 2  # drawn twice as large, then averaged: smooth edges
_NIB_CORNERS = 9  # half of the round nib, as a polygon

Drawing = Sequence[npt.ArrayLike]
HalfWidth = float | Sequence[npt.ArrayLike]


def _checked(strokes: Drawing) -> list[np.ndarray]:
    """Return the strokes as float64 (n, 2) arrays, without empty ones."""
    arrays = []
    for number, stroke in enumerate(strokes):
        array = np.asarray(stroke, dtype="float64")
        if array.size == 0:
            continue
        if array.ndim != 2 or array.shape[1] != 2 or not np.isfinite(array).all():
            raise ValueError(
                f"a stroke must be finite points of shape (n, 2): x right, y down; stroke {number} has shape "
                f"{array.shape}. A drawing is a list of strokes, also when there is only one."
            )
        arrays.append(array)
    return arrays


def bounds(strokes: Drawing) -> tuple[float, float, float, float]:
    """Return (x0, y0, x1, y1) of all points.

    Raises
    ------
    ValueError
        If there are no points at all.
    """
    arrays = _checked(strokes)
    if not arrays:
        raise ValueError("the drawing is empty; expected at least one point. Draw something first.")
    points = np.concatenate(arrays)
    (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def scale_to(strokes: Drawing, size: int | tuple[int, int] = PAD, margin: float = 60.0) -> list[np.ndarray]:
    """Scale a drawing, aspect kept, and centre it on a pad.

    Parameters
    ----------
    strokes : sequence of array_like, each of shape (n, 2)
        In any unit.
    size : int or (int, int)
        Side of a square pad, or height and width, in pixels.
    margin : float
        Paper left free on each side of the direction that fills the pad, in pixels.

    Returns
    -------
    list of ndarray of float64, each of shape (n, 2)

    Examples
    --------
    >>> scale_to([[[0, 0], [1, 2]]], size=100, margin=10)[0].tolist()
    [[30.0, 10.0], [70.0, 90.0]]
    """
    x0, y0, x1, y1 = bounds(strokes)
    pad = np.broadcast_to(size, 2)[::-1]  # width and height, as points are x and y
    extents = zip(pad - 2 * margin, (x1 - x0, y1 - y0), strict=True)
    scale = min((room / extent for room, extent in extents if extent > 1e-9), default=1.0)  # a point has no size
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return [(stroke - middle) * scale + pad / 2 for stroke in _checked(strokes)]


def render(strokes: Drawing, size: int = PAD, half_width: HalfWidth = HALF_WIDTH) -> np.ndarray:
    """Draw strokes with a round pen on a square pad.

    Parameters
    ----------
    strokes : sequence of array_like, each of shape (n, 2)
        In pixels of the pad. A single point gives a dot.
    size : int
        Side of the pad, in pixels.
    half_width : float, or sequence of array_like, each of shape (n,)
        Half the width of the pen, in pixels: one number, or one for each point of each stroke, for varying pressure.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Ink in [0, 1]; no strokes give blank paper.

    Raises
    ------
    ValueError
        If a pen has no width or is wider than the page, the widths do not fit the strokes, or there is more to draw
        than a hand could: above `MOST_PIXELS`, `MOST_POINTS`, or with too wide a pen for so many points.

    Examples
    --------
    >>> ink = render([[[10, 50], [90, 50]]], size=100, half_width=5)
    >>> float(ink[50, 50]), float(ink[20, 50])
    (1.0, 0.0)
    >>> wedge = render([[[10, 50], [90, 50]]], size=100, half_width=[[2, 20]])
    >>> float(wedge[40, 20]), float(wedge[40, 80])
    (0.0, 1.0)
    """
    return render_page(strokes, (size, size), half_width)


def render_page(strokes: Drawing, shape: tuple[int, int], half_width: HalfWidth = HALF_WIDTH) -> np.ndarray:
    """Draw strokes on a page of (height, width) pixels; as `render` otherwise."""
    from PIL import Image, ImageDraw  # here, because loading stored strokes must not wait for it

    height, width = shape
    if not (min(shape) > 0 and height * width <= MOST_PIXELS):
        raise ValueError(f"a page must have 1 to {MOST_PIXELS:,} pixels; got {height} x {width}. Take a smaller one.")
    drawn = _with_radii(strokes, half_width, max(shape))
    page = Image.new("L", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
    draw = ImageDraw.Draw(page).polygon
    for points, radii in drawn:
        for outline in _outlines(points * _SUPERSAMPLING, radii * _SUPERSAMPLING).tolist():
            draw(outline, fill=255)
    return np.asarray(page.reduce(_SUPERSAMPLING), dtype="float32") / 255


def _with_radii(strokes: Drawing, half_width: HalfWidth, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pair each stroke with the pen's half-width at each of its points; refuse what would take minutes to draw."""
    arrays = _checked(strokes)
    if np.isscalar(half_width):
        radii = [np.full(len(points), float(half_width)) for points in arrays]
    else:
        radii = [np.asarray(each, dtype="float64") for each in half_width if np.size(each)]
    if [each.shape for each in radii] != [points.shape[:1] for points in arrays]:
        raise ValueError(
            f"half_width must be one number, or one for each point of each stroke; got {len(radii)} rows of "
            f"{[len(each) for each in radii]} numbers for strokes of {[len(points) for points in arrays]} points."
        )
    every = np.concatenate([*radii, np.ones(0)])
    if not ((every > 0) & (every <= side)).all():
        raise ValueError(
            f"half_width must be more than 0 and at most {side} pixels, the longer side of the page; "
            f"got {every.min():g} to {every.max():g}."
        )
    if len(every) > MOST_POINTS:
        raise ValueError(f"a drawing must have at most {MOST_POINTS:,} points; got {len(every):,}. Keep every tenth.")
    ways = sum(float(np.hypot(*np.diff(points, axis=0).T).sum()) for points in arrays)
    widest = every.max(initial=0)
    if 2 * widest * (ways + 2 * widest * len(every)) > _MOST_PAINTED:
        raise ValueError(
            f"a pen of half-width {widest:g} is too wide for {len(every):,} points on a way of {ways:.3g} pixels. "
            "Take a thinner pen, or bring the drawing to the page with hcr_lib.pen.scale_to."
        )
    return list(zip(arrays, radii, strict=True))


def _outlines(points: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Return the area that a round nib sweeps from point to point, as polygons of shape (segments, 2 * corners).

    Each is a stadium: a semicircle behind its start, a semicircle in front of its end, and straight lines between.
    """
    if len(points) == 1:
        points, radii = np.repeat(points, 2, axis=0), np.repeat(radii, 2)
    dx, dy = np.diff(points, axis=0).T
    # From the right of the pen's way through its back to the left, then the same round its front.
    around = np.arctan2(dy, dx)[:, None] + np.linspace(np.pi / 2, 3 * np.pi / 2, _NIB_CORNERS)
    nib, centres, radii = np.stack([np.cos(around), np.sin(around)], axis=2), points[:, None], radii[:, None, None]
    corners = [centres[:-1] + radii[:-1] * nib, centres[1:] - radii[1:] * nib]
    return np.concatenate(corners, axis=1).reshape(len(nib), -1)
