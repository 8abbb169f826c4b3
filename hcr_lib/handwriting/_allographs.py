"""The skeletons of ``glyphs.json``, and the paths of a pen through them."""

import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

STEP = 4.0  #: distance between points of the pen's path
REACH = 9.0  #: standard deviation with which a hasty pen smooths its path


@dataclass(frozen=True)
class Allograph:
    """One way to draw a character, ready to be distorted.

    Every path of the pen is linear in the points of the skeleton, so it is one matrix product once the points are
    known: each of `bases` has the shape (3, samples, points), for the polygon through the points, the smooth curve,
    and the smoothed curve of a pen that cuts corners.
    """

    weight: float
    strokes: tuple[np.ndarray, ...]
    bases: tuple[np.ndarray, ...]


def _parse_stroke(text: str) -> tuple[np.ndarray, list[int]]:
    """Parse ``"0,0 30,100! 62,0"``: the points, and the indices of those where a smooth segment starts or ends.

    Examples
    --------
    >>> points, corners = _parse_stroke("0,0 30,100! 62,0")
    >>> points.tolist(), corners
    ([[0.0, 0.0], [30.0, 100.0], [62.0, 0.0]], [0, 1, 2])
    """
    if not re.fullmatch(r"(-?\d+,-?\d+!?( |$)){2,}", text):
        raise ValueError(f"a stroke of a glyph needs two points, such as 30,100 or 30,100! (a corner); got {text!r}.")
    words = text.split()
    points = np.array([word.rstrip("!").split(",") for word in words], dtype="float64")
    inner = [k for k, word in enumerate(words) if word.endswith("!") and 0 < k < len(words) - 1]
    return points, [0, *inner, len(words) - 1]


def _bases(points: np.ndarray, corners: list[int]) -> np.ndarray:
    """Return the three matrices that turn a stroke's points into the path of the pen; see `Allograph`."""
    number = len(points)
    polygon, curve = [], []
    for first, last in pairwise(corners):
        span = slice(first, last + 1)
        lengths = np.hypot(*np.diff(points[span], axis=0).T)
        # Knots spaced by the square root of the distance keep a curve from looping between close points.
        knots = np.concatenate([[0.0], np.cumsum(np.sqrt(lengths))])
        at = np.linspace(0, knots[-1], max(2, math.ceil(lengths.sum() / STEP) + 1))
        if first:
            at = at[1:]  # the corner itself belongs to the segment before
        corner_to_corner = np.eye(number)[span]
        polygon.append(np.stack([np.interp(at, knots, column) for column in corner_to_corner.T], axis=1))
        curve.append(CubicSpline(knots, corner_to_corner, bc_type="natural")(at))
    polygon, curve = np.concatenate(polygon), np.concatenate(curve)
    margin = min(8, len(curve) - 1)
    # Continuing past the ends by reflection keeps the ends where they are.
    longer = np.pad(curve, ((margin, margin), (0, 0)), mode="reflect", reflect_type="odd")
    hasty = gaussian_filter1d(longer, REACH / STEP, axis=0)[margin : margin + len(curve)]
    return np.stack([polygon, curve, hasty])


@cache
def _skeletons() -> dict:
    """Read ``glyphs.json``, once."""
    text = resources.files("hcr_lib").joinpath("handwriting", "glyphs.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def allographs() -> dict[str, tuple[Allograph, ...]]:
    """Return the allographs of each character."""

    def parsed(weight: float, strokes: list[str], **_name: str) -> Allograph:
        skeletons = [_parse_stroke(stroke) for stroke in strokes]
        return Allograph(weight, tuple(points for points, _ in skeletons), tuple(_bases(*each) for each in skeletons))

    return {char: tuple(parsed(**way) for way in ways) for char, ways in _skeletons()["glyphs"].items()}


def stroke_width_factors() -> dict[str, float]:
    """Return the relative stroke width of each character once all are scaled to one size.

    People write an o smaller than an M, so an enlarged o has the thicker strokes. Fitted to EMNIST's training images.
    """
    return _skeletons()["stroke_width"]
