"""One character by one writer: pen strokes, different in every copy, and images as the bundled sample has them."""

import math

import numpy as np

from hcr_lib import images, pen
from hcr_lib._validate import ensure_choice
from hcr_lib.handwriting._allographs import STEP, allographs, stroke_width_factors
from hcr_lib.handwriting._style import Style

CAP_HEIGHT = 100.0  #: height of a capital in the strokes that `write` returns
X_HEIGHT = 50.0  #: height of an x in the skeletons
SAMPLE = "synthetic.npz"  #: the bundled sample of isolated characters, in data/
_PAD, _MARGIN = 160, 20  # the size of characters before they are scaled down to 28 x 28

# How much each term of `_warp` displaces x and y. Writers differ most in how high a character's waist sits, and little
# in what would make a ring a triangle.
_BENDS = np.array([[1.0, 1.0, 0.5, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5, 2.5, 1.0]])

Strokes = list[np.ndarray]


def _warp(points: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return a smooth displacement of about `size` at each of `points`."""
    low, high = points.min(axis=0), points.max(axis=0)
    # From -1 to 1 across the character; a thin stem counts as half a square wide, or it would be bent too much.
    u, v = (2 * (points - (low + high) / 2) / np.maximum(high - low, X_HEIGHT)).T
    terms = np.stack([u, v, u * v, u * u, v * v, v**3 - v])
    return (rng.normal(0, size, (2, len(terms))) * _BENDS) @ terms


def write_char(char: str, style: Style, rng: np.random.Generator) -> Strokes:
    """Write one character; no two copies are the same.

    Parameters
    ----------
    char : str
        One of the 62 digits and letters.
    style : Style
    rng : numpy.random.Generator
        Source of the variation from copy to copy.

    Returns
    -------
    list of ndarray of float64, each of shape (n, 2)
        x to the right, y DOWN: the baseline is y = 0, a capital reaches up to about y = -100.

    Raises
    ------
    ValueError
        If `char` is not a single digit or letter.

    Examples
    --------
    >>> strokes = write_char("t", Style(), np.random.default_rng(0))
    >>> [stroke.shape[1] for stroke in strokes]  # stem and bar
    [2, 2]
    """
    ways = allographs()[ensure_choice(char, allographs(), name="a character to write")]
    own = np.random.default_rng([style.habit, ord(char)])  # of this writer's preference and distortion
    weights = np.array([way.weight for way in ways])
    preferred = int(own.choice(len(weights), p=weights / weights.sum()))
    # Now and then a writer uses another allograph.
    allograph = ways[preferred] if rng.random() > 0.08 else ways[int(rng.integers(len(ways)))]

    points = np.concatenate(allograph.strokes)
    number = len(points)
    # This writer's own version, then this copy of it.
    small = np.sqrt(np.ptp(points, axis=0).max() / CAP_HEIGHT)  # small letters are distorted less
    for generator, size in (own, style.bend * small), (rng, style.sloppiness * small):
        points = points + _warp(points, size, generator).T + generator.normal(0, 0.25 * size, (number, 2))
    if char.islower():
        # The x-height moves; ascenders still end at the height of a capital.
        heights = [-CAP_HEIGHT, 0, style.x_height, CAP_HEIGHT]
        raised = np.interp(points[:, 1], [-CAP_HEIGHT, 0, X_HEIGHT, CAP_HEIGHT], heights)
        points = np.stack([points[:, 0] * style.x_height / X_HEIGHT, raised], axis=1)

    slant = style.slant + rng.normal(0, 0.04)
    across = style.width * np.exp(rng.normal(0, 0.05))
    angle = style.drift + rng.normal(0, style.rotation)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    affine = np.array([[across, 0], [slant, 1]]) @ np.diag([1, -1]) @ turn * np.exp(rng.normal(0, 0.04))

    strokes, start = [], 0
    for skeleton, (polygon, curve, hasty) in zip(allograph.strokes, allograph.bases, strict=True):
        own_points = points[start : start + len(skeleton)]
        if start:
            own_points = own_points + rng.normal(0, 0.8 * style.sloppiness, 2)  # the pen lands a little off
        start += len(skeleton)
        smooth = (1 - style.roundness) * polygon + style.roundness * curve
        path = ((1 - style.speed) * smooth + style.speed * hasty) @ own_points
        path = _end_stroke(path, skeleton, style, rng)
        strokes.append((path + _tremor(len(path), style.tremor, rng)) @ affine)
    return strokes


def _tremor(number: int, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return low-frequency noise along a stroke, shape (number, 2)."""
    along = np.arange(number)[:, None] * STEP
    waves = rng.uniform(15, 60, (1, 4))
    phases = rng.uniform(0, 2 * np.pi, (2, 1, 4))
    return (np.sin(2 * np.pi * along / waves + phases).sum(axis=2) * (size / 2)).T


def _end_stroke(path: np.ndarray, skeleton: np.ndarray, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Let the ends of a closed stroke miss or cross each other, and other strokes overshoot or stop short."""
    width, height = np.ptp(skeleton, axis=0)
    if len(path) < 6 or width + height < 20:  # a dot
        return path
    if np.hypot(*(skeleton[0] - skeleton[-1])) < 0.3 * min(width, height):
        steps = round((style.closure + rng.normal(0, 3)) / STEP)
        if steps < 0:
            return path[: max(len(path) + steps, len(path) // 2)]
        return np.concatenate([path, path[1 : 1 + steps] + path[-1] - path[0]])
    begin, end = style.overshoot + rng.normal(0, 2, 2)
    path = _overshoot(_overshoot(path[::-1], begin)[::-1], end)
    flick = style.hook * rng.random()
    if flick <= 3:
        return path
    # Up and to the right, towards the next character, from wherever the pen was going.
    steps, away = np.linspace(0, 1, 4)[1:, None], np.array([0.6, 0.5])
    return np.concatenate([path, path[-1] + flick * (steps * (1 - steps) * direction(path) + steps**2 * away)])


def _overshoot(path: np.ndarray, length: float) -> np.ndarray:
    """Extend a path straight on, or shorten it where `length` is negative."""
    if length < 0:
        return path[: max(len(path) + round(length / STEP), 4)]
    return np.concatenate([path, path[-1:] + length * direction(path)])


def direction(path: np.ndarray) -> np.ndarray:
    """Return the direction in which a path ends, a unit vector."""
    along = path[-1] - path[-min(3, len(path))]
    return along / max(np.hypot(*along), 1e-9)


def press(strokes: Strokes, style: Style, rng: np.random.Generator) -> list[np.ndarray]:
    """Return half the stroke width at each point of each stroke, for `hcr_lib.pen.render`.

    The hand presses harder in one copy than in the next, now more and now less on the way, and lightens as it leaves
    the paper.

    Parameters
    ----------
    strokes : list of ndarray of float64, each of shape (n, 2)
        As `write_char` or `hcr_lib.handwriting.write` returns them.
    style : Style
        Its `pen` is the width, its `pressure` how unevenly it is pressed.
    rng : numpy.random.Generator

    Returns
    -------
    list of ndarray of float64, each of shape (n,)
        Half-widths, in the unit of the strokes.
    """
    copy = rng.normal(0, style.pressure)
    widths = []
    for stroke in strokes:
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(stroke, axis=0).T))])
        waves, phases = rng.uniform(60, 200, 2), rng.uniform(0, 2 * np.pi, 2)
        uneven = np.sin(2 * np.pi * along[:, None] / waves + phases).sum(axis=1) * (style.pressure / 2)
        lifted = min(0.7, 4 * style.pressure * rng.random()) * np.exp((along - along[-1]) / 12.0)
        widths.append(style.pen * np.exp(copy + uneven) * (1 - lifted))
    return widths


def draw_char(char: str, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Write one character and normalise it to an MNIST image, like a drawing of the pad.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White ink (255) on black paper (0).
    """
    strokes = write_char(char, style, rng)
    widths = press(strokes, style, rng)
    scale = stroke_width_factors()[char] * (_PAD - 2 * _MARGIN) / CAP_HEIGHT
    ink = pen.render(pen.scale_to(strokes, _PAD, _MARGIN), _PAD, [scale * width for width in widths])
    return images.ink_to_mnist(ink)


def split_by_writer(writers: np.ndarray) -> np.ndarray:
    """Return the part each image belongs to, by the names of their writers, such as ``"w003"``.

    A writer is in one part only: ``"train"`` for six writers in eight, ``"val"`` and ``"test"`` for one each.

    Examples
    --------
    >>> split_by_writer(np.array(["w000", "w006", "w007", "w008"])).tolist()
    ['train', 'val', 'test', 'train']
    """
    parts = np.array(["train"] * 6 + ["val", "test"])
    return parts[[int(name[1:]) % len(parts) for name in writers]]
