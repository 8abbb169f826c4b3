"""One renderer for every stroke: the drawing pad's, stored ones and the synthetic writers'.

A *stroke* is an array of shape (n, 2): x to the right, y down. A *drawing* is a list of strokes.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

PAD = 400  #: side of the square pad that stroke coordinates usually refer to
HALF_WIDTH = 10.0  #: a medium pen on that pad

_SUPERSAMPLING = 2  # drawn twice as large, then averaged: smooth edges
_STAMP_SIDES = 16  # the round nib of the pen, as a polygon

Drawing = Sequence[npt.ArrayLike]


def _checked(strokes: Drawing) -> list[np.ndarray]:
    """Return the strokes as float64 (n, 2) arrays; empty strokes are dropped."""
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


def fit(strokes: Drawing, size: int = PAD, margin: float = 60.0) -> list[np.ndarray]:
    """Scale a drawing, aspect kept, and centre it on a square pad.

    Parameters
    ----------
    strokes : sequence of array_like, each of shape (n, 2)
        In any unit.
    size : int
        Side of the pad, in pixels.
    margin : float
        Paper left free on each side of the longer direction, in pixels.

    Returns
    -------
    list of ndarray of float64, each of shape (n, 2)

    Examples
    --------
    >>> fit([[[0, 0], [1, 2]]], size=100, margin=10)[0].tolist()
    [[30.0, 10.0], [70.0, 90.0]]
    """
    x0, y0, x1, y1 = bounds(strokes)
    extent = max(x1 - x0, y1 - y0)
    scale = (size - 2 * margin) / extent if extent > 0 else 1.0
    middle = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
    return [(stroke - middle) * scale + size / 2 for stroke in _checked(strokes)]


def render(strokes: Drawing, size: int = PAD, half_width: float = HALF_WIDTH) -> np.ndarray:
    """Draw strokes with a round pen on a square pad.

    Parameters
    ----------
    strokes : sequence of array_like, each of shape (n, 2)
        In pixels of the pad. A single point gives a dot.
    size : int
        Side of the pad, in pixels.
    half_width : float
        Half the width of the pen, in pixels.

    Returns
    -------
    ndarray of float32, shape (size, size)
        Ink in [0, 1]; no strokes give blank paper.

    Examples
    --------
    >>> ink = render([[[10, 50], [90, 50]]], size=100, half_width=5)
    >>> float(ink[50, 50]), float(ink[20, 50])
    (1.0, 0.0)
    """
    return render_page(strokes, (size, size), half_width)


def render_page(strokes: Drawing, shape: tuple[int, int], half_width: float = HALF_WIDTH) -> np.ndarray:
    """Draw strokes on a page of (height, width) pixels; as `render` otherwise."""
    if not half_width > 0:
        raise ValueError(f"half_width must be more than 0 pixels; got {half_width}.")
    height, width = shape
    page = Image.new("L", (width * _SUPERSAMPLING, height * _SUPERSAMPLING))
    draw = ImageDraw.Draw(page)
    radius = half_width * _SUPERSAMPLING
    angles = np.arange(_STAMP_SIDES) * (2 * np.pi / _STAMP_SIDES)
    nib = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    for stroke in _checked(strokes):
        points = stroke * _SUPERSAMPLING
        for centre in points:
            draw.polygon((centre + nib).ravel().tolist(), fill=255)
        for start, end in pairwise(points):
            along = end - start
            length = np.hypot(*along)
            if length > 0:
                side = np.array([-along[1], along[0]]) * (radius / length)
                draw.polygon(np.concatenate([start + side, end + side, end - side, start - side]).tolist(), fill=255)
    page = page.reduce(_SUPERSAMPLING)
    return np.asarray(page, dtype="float32") / 255
