"""Augmentation: new training images by writing the old ones a little differently.

Batched TensorFlow operations, made for ``tf.data`` (shuffle, then batch, then augment). `Augment` draws for each image
how much of each change it gets; `apply` makes the changes: first `MOVES`, which say where each pixel comes from, then
`REPAINTS`, which change pixels in place. There are no flips: a mirrored b is a d. Rotations stay small: a 6 on its head
is a 9.

The pixel work is compiled by XLA, as Keras compiles a network: a few loops over the pixels instead of dozens, each
of which would read and write the whole batch. The first batch of a new size waits a moment for the compiler.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._tf import tf

#: The elastic displacement is drawn at this many points in each direction, and smooth between them.
GRID = 6

_compiled = tf.function(jit_compile=True, autograph=False, reduce_retracing=True)


class Operation(NamedTuple):
    """One kind of change: an entry here, and its limits in `Augment`, are all it takes."""

    # A move turns x and y in the result, in pixels from the middle, into what they were; a repaint turns ink into ink.
    # Both take the amounts too, tensors of shape (batch, 1, 1).
    function: Callable
    limits: dict[str, tuple[float, float]]  # fields of `Augment`: highest value and step of their sliders
    amounts: tuple[str, ...]  # arguments of `apply`
    neutral: float = 0.0  # the amount that changes nothing
    both_ways: bool = True  # or from neutral up to the first limit, and down to the second, if there is one
    most: float = 1000.0  # the farthest from neutral; beyond this, positions in float32 cease to be finite
    # Normal noise of this shape for each image is the last argument of the function; the amount is then the limit.
    noise: tuple[int, ...] = ()


def _rotate(x: tf.Tensor, y: tf.Tensor, rotation: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    angle = rotation * (math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    return cos * x - sin * y, sin * x + cos * y


@functools.cache
def _spline_weights(size: int) -> np.ndarray:
    """Return weights, float32 (size, GRID), that lay a smooth curve (cubic spline) through values at GRID points."""
    return ndimage.zoom(np.eye(GRID, dtype="float32"), (size / GRID, 1), order=3, mode="nearest", grid_mode=True)


def _bend(x: tf.Tensor, y: tf.Tensor, elastic: tf.Tensor, noise: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Displace smoothly: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks" (2003)."""
    # Theirs smooths noise with a Gaussian; ours stretches a coarse grid of noise, which is as smooth.
    rows, columns = _spline_weights(y.shape[1]), _spline_weights(x.shape[2])
    field = tf.einsum("yi,bcij,xj->cbyx", rows, noise * elastic[..., None], columns)
    return x - field[0], y - field[1]


@_compiled
def _change_stroke_width(ink: tf.Tensor, thicken: tf.Tensor) -> tf.Tensor:
    """Move every edge outwards by `thicken` pixels, or inwards if it is negative, by part of a 3 x 3 dilation."""
    thicken = thicken[..., None]
    wide, narrow = _neighbours(tf.maximum, ink, 0.0), _neighbours(tf.minimum, ink, 1.0)
    return tf.where(thicken > 0, ink + thicken * (wide - ink), ink - thicken * (narrow - ink))


def _neighbours(combine: Callable, ink: tf.Tensor, outside: float) -> tf.Tensor:
    """Combine each pixel with the one above and below, then each result with the one to its left and right."""
    above_below = tf.pad(ink, ((0, 0), (1, 1), (0, 0), (0, 0)), constant_values=outside)
    ink = combine(combine(above_below[:, :-2], above_below[:, 2:]), ink)
    left_right = tf.pad(ink, ((0, 0), (0, 0), (1, 1), (0, 0)), constant_values=outside)
    return combine(combine(left_right[:, :, :-2], left_right[:, :, 2:]), ink)


@_compiled
def _blur(ink: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Blur with a Gaussian of `sigma` pixels, cut to 3 x 3: a 3-tap filter, down and then across."""
    # Three taps (s, 1 - 2 s, s) have the variance 2 s, so s = sigma^2 / 2.
    side = tf.minimum(sigma[..., None] ** 2 / 2, 1 / 3)
    padded = tf.pad(ink, ((0, 0), (1, 1), (0, 0), (0, 0)))
    ink = side * (padded[:, :-2] + padded[:, 2:]) + (1 - 2 * side) * ink
    padded = tf.pad(ink, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return side * (padded[:, :, :-2] + padded[:, :, 2:]) + (1 - 2 * side) * ink


#: Changes of position about the middle of the image, in the order in which they are made.
MOVES = (
    Operation(_rotate, {"rotation": (180.0, 1.0)}, ("rotation",)),
    Operation(lambda x, y, shear: (x + shear * y, y), {"shear": (1.0, 0.05)}, ("shear",)),
    Operation(
        lambda x, y, scale_x, scale_y: (x / scale_x, y / scale_y),
        {"scale": (0.6, 0.02)}, ("scale_x", "scale_y"), neutral=1.0, most=0.9,
    ),
    Operation(
        lambda x, y, shift_x, shift_y: (x - shift_x, y - shift_y), {"shift": (10.0, 0.5)}, ("shift_x", "shift_y")
    ),
    Operation(_bend, {"elastic": (2.0, 0.1)}, ("elastic",), both_ways=False, noise=(2, GRID, GRID)),
)  # fmt: skip

#: Changes in place, in the order in which they are made, after all moves.
REPAINTS = (
    Operation(
        _change_stroke_width, {"thicken": (1.0, 0.1), "thin": (1.0, 0.1)}, ("thicken",), both_ways=False, most=1.0
    ),
    Operation(_blur, {"blur": (2.0, 0.1)}, ("blur",), both_ways=False),
)

OPERATIONS = MOVES + REPAINTS
LIMITS = {name: operation for operation in OPERATIONS for name in operation.limits}


@dataclasses.dataclass(frozen=True)
class Augment:
    """How far each change may go; every image draws its own amounts between none and these limits.

    Calling it with a batch and a `seed` of two integers returns the changed batch, the same for the same seed.

    Attributes
    ----------
    rotation : float
        Degrees, clockwise and counter-clockwise.
    shear : float
        Slant to either side, in pixels for every pixel of height.
    scale : float
        Stretch, in x and y independently: a limit of 0.1 means amounts from 0.9 to 1.1.
    shift : float
        Pixels, in x and y independently.
    elastic : float
        Smooth displacement, in pixels (one standard deviation).
    thicken, thin : float
        Pixels added to both sides of every stroke, or taken from them.
    blur : float
        Standard deviation of the blur, in pixels.
    share : float
        How many of the images are changed at all, from 0 to 1, chosen at random. Whatever moves pixels also softens
        them a little: a network that never meets an untouched image may take its sharpness for a sign of something.

    Raises
    ------
    ValueError
        If a limit is negative, not a number, or so large that the result would no longer be an image.

    Examples
    --------
    >>> batch = tf.zeros((2, 28, 28, 1))
    >>> Augment()(batch, (1, 2)).shape
    TensorShape([2, 28, 28, 1])
    """

    rotation: float = 10.0
    shear: float = 0.2
    scale: float = 0.12
    shift: float = 1.5
    elastic: float = 0.6
    thicken: float = 0.8
    thin: float = 0.4
    blur: float = 0.6
    share: float = 1.0

    def __post_init__(self) -> None:
        for name, limit in vars(self).items():
            most = LIMITS[name].most if name in LIMITS else 1.0
            if not 0 <= limit <= most:
                raise ValueError(f"{name} must be a limit between 0 (no change) and {most:g}; got {limit}.")

    @classmethod
    def only(cls, **limits: float) -> Augment:
        """Return an augmentation that makes the named changes and no other: ``Augment.only(rotation=10.0)``."""
        return cls(**dict.fromkeys(LIMITS, 0.0) | limits)

    def __call__(self, ink: tf.Tensor, seed: tuple[int, int] | tf.Tensor) -> tf.Tensor:
        """Return a changed copy of `ink`, float32 (batch, 28, 28, 1) in [0, 1]."""
        seeds = tf.random.split(seed, 2)
        count = tf.shape(ink)[0]
        changed = apply(ink, **self.draw(count, seeds[0]), seed=seeds[1])
        if self.share == 1:
            return changed
        chosen = tf.random.stateless_uniform((count, 1, 1, 1), tf.random.split(seed, 3)[2]) < self.share
        return tf.where(chosen, changed, tf.cast(ink, "float32"))

    def draw(self, count: int | tf.Tensor, seed: tuple[int, int] | tf.Tensor) -> dict[str, tf.Tensor | float]:
        """Draw the amounts of `count` images, each uniformly between its limits: the arguments of `apply`."""
        number = sum(len(operation.amounts) for operation in OPERATIONS if not operation.noise)
        rows, drawn = iter(tf.unstack(tf.random.stateless_uniform((number, count), seed, -1.0, 1.0))), {}
        for operation in OPERATIONS:
            limits = [getattr(self, name) for name in operation.limits]
            for name in operation.amounts:
                # Each amount has a row of its own, used or not: another limit then changes no other amount.
                u = 1.0 if operation.noise else next(rows)
                away = limits[0] * u if operation.both_ways else sum(limits) * ((u + 1) / 2) - sum(limits[1:])
                drawn[name] = operation.neutral + away if any(limits) else operation.neutral
        return drawn


def apply(ink: npt.ArrayLike, *, seed: tuple[int, int] | tf.Tensor = (0, 0), **amounts: npt.ArrayLike) -> tf.Tensor:
    """Change images by the given amounts: one number for all of them, or one for each, shape (batch,).

    In this order, about the middle of the image: rotate, slant, stretch, shift, bend, change the stroke width, blur.

    Parameters
    ----------
    ink : array_like of float, shape (batch, height, width, 1)
        In [0, 1]; outside is paper.
    seed : two integers
        Decides the smooth displacement; nothing else is random here.
    rotation, shear, scale_x, scale_y, shift_x, shift_y, elastic, thicken, blur : float
        In the units of `Augment`: counter-clockwise, to the right and down are positive, and scales are 1 where nothing
        is stretched. A negative `thicken` makes strokes thinner.

    Returns
    -------
    tensor of float32, shape (batch, height, width, 1)

    Raises
    ------
    ValueError
        If an amount is not a number, or out of range.

    Examples
    --------
    >>> ink = np.zeros((1, 28, 28, 1)); ink[0, 10, 5] = 1.0
    >>> np.argwhere(apply(ink, shift_x=3.0)).tolist()
    [[0, 10, 8, 0]]
    """
    known = [name for operation in OPERATIONS for name in operation.amounts]
    if unknown := sorted(amounts.keys() - set(known)):
        raise TypeError(f"an amount must be one of {', '.join(known)}; got {', '.join(unknown)}.")
    ink = tf.cast(ink, "float32")
    count, size = tf.shape(ink)[0], (ink.shape[1], ink.shape[2])
    moves, repaints = ([_arguments(each, amounts, count, seed) for each in some] for some in (MOVES, REPAINTS))
    ink = _sample(ink, size[1], *_sources(count, size, moves))
    for repaint, given in zip(REPAINTS, repaints, strict=True):
        ink = repaint.function(ink, *given) if given else ink
    return ink


def _arguments(operation: Operation, amounts: dict, count: tf.Tensor, seed: tuple[int, int] | tf.Tensor) -> list:
    """Return what an operation's function takes; nothing if it may be left out. Refuse what no limit allows."""
    given = [amounts.get(name, operation.neutral) for name in operation.amounts]
    # What only a running graph knows stays None; it was drawn between limits.
    values = [tf.get_static_value(amount) if tf.is_tensor(amount) else np.asarray(amount) for amount in given]
    high = operation.neutral + operation.most
    low = operation.neutral - (operation.most if operation.both_ways or len(operation.limits) > 1 else 0.0)
    for name, value in zip(operation.amounts, values, strict=True):
        if value is not None and not ((value > low - 1e-6) & (value < high + 1e-6)).all():  # rounded
            raise ValueError(f"{name} must lie between {low:g} and {high:g}; got {value}.")
    idle = all(value is not None and (value == operation.neutral).all() for value in values)
    # Moves by nothing cost next to nothing, and to leave them out would compile another graph for each combination.
    if idle and (operation.noise or operation in REPAINTS):
        return []
    noise = [tf.random.stateless_normal((count, *operation.noise), seed)] if operation.noise else []
    return [tf.reshape(tf.cast(amount, "float32"), (-1, 1, 1)) for amount in given] + noise


@_compiled
def _sources(
    count: tf.Tensor, size: tuple[int, int], arguments: list[list[tf.Tensor]]
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Return for every pixel of the result where in the original it comes from: undo the last move first.

    All moves make one position, so that nothing is resampled, and blurred, twice. It is given as the number of the
    upper left of the four pixels around it, counted through all framed images, and the shares of those right and below.
    """
    height, width = size
    x = tf.range(width, dtype="float32")[None, None, :] - (width - 1) / 2
    y = tf.range(height, dtype="float32")[None, :, None] - (height - 1) / 2
    for move, given in zip(reversed(MOVES), reversed(arguments), strict=True):
        if given:
            x, y = move.function(x, y, *given)
    x, y = x + (width - 1) / 2, y + (height - 1) / 2

    # A frame of paper, one pixel wide, will lie around each image, so that the outside needs no test.
    x, y = tf.clip_by_value(x + 1, 0.0, width + 0.999), tf.clip_by_value(y + 1, 0.0, height + 0.999)
    left, top = tf.floor(x), tf.floor(y)
    image = tf.range(count)[:, None, None]
    first = (image * (height + 2) + tf.cast(top, "int32")) * (width + 2) + tf.cast(left, "int32")
    return first, x - left, y - top


@_compiled
def _sample(ink: tf.Tensor, width: int, first: tf.Tensor, right_share: tf.Tensor, bottom_share: tf.Tensor) -> tf.Tensor:
    """Interpolate four neighbouring pixels of framed images: the one with number `first`, those right of it and below.

    Not one function with `_sources`: the compiler makes fast vector loops of arithmetic, but only where no pixel is
    looked up in between.
    """
    flat = tf.reshape(tf.pad(ink[..., 0], ((0, 0), (1, 1), (1, 1))), (-1,))

    def pixel(offset: int) -> tf.Tensor:
        return tf.gather(flat, first + offset)

    upper = pixel(0) * (1 - right_share) + pixel(1) * right_share
    lower = pixel(width + 2) * (1 - right_share) + pixel(width + 3) * right_share
    return (upper * (1 - bottom_share) + lower * bottom_share)[..., None]
