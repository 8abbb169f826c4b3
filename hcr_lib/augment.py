"""Augmentation: new training images by writing the old ones a little differently.

Batched TensorFlow operations, made for ``tf.data`` (shuffle, then batch, then augment). `Augment` draws for each image
how much of each change it gets; `apply` makes the changes. Both take ink of shape (batch, 28, 28, 1) in [0, 1].

There are no flips: a mirrored b is a d. Rotations stay small: a 6 on its head is a 9.

The pixel work is compiled by XLA, as Keras compiles a network: a few loops over the pixels instead of dozens, each
of which would read and write the whole batch. The first batch of a new size waits a moment for the compiler.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from hcr_lib._tf import tf

#: Elastic bending is decided at this many points in each direction, and smooth between them.
GRID = 6

_compiled = tf.function(jit_compile=True, autograph=False, reduce_retracing=True)


@dataclasses.dataclass(frozen=True)
class Augment:
    """How far each change may go; every image draws its own amounts between none and these limits.

    Calling it with a batch and a `seed` of two integers returns the changed batch, the same for the same seed.

    Attributes
    ----------
    rotation : float
        Degrees, either way.
    shear : float
        Slant: horizontal shift for every pixel of height.
    scale : float
        Stretch in x and in y, independently: 0.1 is from 0.9 to 1.1.
    shift : float
        Pixels, in x and in y.
    elastic : float
        Strength of the smooth random bending, in pixels (one standard deviation).
    thicken, thin : float
        Pixels added to, or taken from, both sides of every stroke.
    blur : float
        Standard deviation of the blur, in pixels.
    share : float
        How many of the images are changed at all, from 0 to 1; which, is drawn. Whatever moves pixels also softens
        them a little: a network that never meets an untouched image may take its sharpness for a sign of something.

    Raises
    ------
    ValueError
        If a limit is negative, or so large that the result would no longer be an image.

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
        for name, amount in dataclasses.asdict(self).items():
            most = {"scale": 0.9, "thicken": 1.0, "thin": 1.0, "share": 1.0}.get(name, float("inf"))
            if not 0 <= amount <= most:
                raise ValueError(f"{name} must be a limit between 0 (no change) and {most:g}; got {amount}.")

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
        """Draw the amounts of `count` images, each evenly between its limits: the arguments of `apply`."""
        low_to_high = tf.random.stateless_uniform((8, count), seed, -1.0, 1.0)
        zero_to_one = (low_to_high + 1) / 2
        stroke = self.thin + self.thicken
        return {
            "rotation": self.rotation * low_to_high[0],
            "shear": self.shear * low_to_high[1],
            "scale_x": 1 + self.scale * low_to_high[2],
            "scale_y": 1 + self.scale * low_to_high[3],
            "shift_x": self.shift * low_to_high[4],
            "shift_y": self.shift * low_to_high[5],
            "elastic": self.elastic,
            "thicken": stroke * zero_to_one[6] - self.thin if stroke else 0.0,
            "blur": self.blur * zero_to_one[7] if self.blur else 0.0,
        }


def apply(
    ink: npt.ArrayLike,
    *,
    rotation: npt.ArrayLike = 0.0,
    shear: npt.ArrayLike = 0.0,
    scale_x: npt.ArrayLike = 1.0,
    scale_y: npt.ArrayLike = 1.0,
    shift_x: npt.ArrayLike = 0.0,
    shift_y: npt.ArrayLike = 0.0,
    elastic: npt.ArrayLike = 0.0,
    thicken: npt.ArrayLike = 0.0,
    blur: npt.ArrayLike = 0.0,
    seed: tuple[int, int] | tf.Tensor = (0, 0),
) -> tf.Tensor:
    """Change images by the given amounts: one number for all of them, or one for each, shape (batch,).

    In this order, about the middle of the image: rotate, slant, stretch, shift, bend, change the strokes' width, blur.

    Parameters
    ----------
    ink : array_like of float, shape (batch, height, width, 1)
        In [0, 1]; outside is paper.
    rotation : array_like of float
        Degrees, counter-clockwise.
    shear : array_like of float
        Slant to the right: horizontal shift for every pixel of height.
    scale_x, scale_y : array_like of float
        Stretch: 1.1 is a tenth wider, or taller.
    shift_x, shift_y : array_like of float
        Pixels, to the right and down.
    elastic : array_like of float
        Strength of the smooth bending, in pixels (one standard deviation).
    thicken : array_like of float
        Pixels added to both sides of every stroke, at most 1; negative: taken from them, at most 1.
    blur : array_like of float
        Standard deviation of the blur, in pixels.
    seed : two integers
        Which way the smooth bending goes; nothing else is random here.

    Returns
    -------
    tensor of float32, shape (batch, height, width, 1)

    Examples
    --------
    >>> ink = np.zeros((1, 28, 28, 1)); ink[0, 10, 5] = 1.0
    >>> np.argwhere(apply(ink, shift_x=3.0)).tolist()
    [[0, 10, 8, 0]]
    """
    ink = tf.cast(ink, "float32")
    bending = None
    if _asked(elastic):
        noise = tf.random.stateless_normal((tf.shape(ink)[0], 2, GRID, GRID), seed)
        bending = noise * tf.reshape(tf.cast(elastic, "float32"), (-1, 1, 1, 1))
    moves = map(_per_image, (rotation, shear, scale_x, scale_y, shift_x, shift_y))
    size = ink.shape[1], ink.shape[2]
    ink = _sample(ink, size[1], *_sources(tf.shape(ink)[0], size, *moves, bending))
    if _asked(thicken):
        ink = _change_stroke_width(ink, _per_image(thicken)[..., None])
    if _asked(blur):
        ink = _soften(ink, _per_image(blur)[..., None])
    return ink


def _asked(amount: npt.ArrayLike) -> bool:
    """Say whether a change is wanted at all; what is left out costs no time."""
    return tf.is_tensor(amount) or bool(np.any(amount))


def _per_image(amount: npt.ArrayLike) -> tf.Tensor:
    """Shape one amount, or one for each image, so that it goes with (batch, height, width)."""
    return tf.reshape(tf.cast(amount, "float32"), (-1, 1, 1))


@functools.cache
def _between_points(size: int) -> np.ndarray:
    """Weights, float32 (size, GRID), that lay a smooth curve (cubic spline) through values at GRID points."""
    return ndimage.zoom(np.eye(GRID, dtype="float32"), (size / GRID, 1), order=3, mode="nearest", grid_mode=True)


@_compiled
def _sources(
    count: tf.Tensor,
    size: tuple[int, int],
    rotation: tf.Tensor,
    shear: tf.Tensor,
    scale_x: tf.Tensor,
    scale_y: tf.Tensor,
    shift_x: tf.Tensor,
    shift_y: tf.Tensor,
    bending: tf.Tensor | None,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Say for every pixel of the result where in the original it comes from: undo the last change first.

    All moves make one position, so that nothing is resampled, and blurred, twice. Source of the elastic part: Simard,
    Steinkraus and Platt, "Best practices for convolutional neural networks" (2003); theirs smooths noise with a
    Gaussian, ours stretches a coarse grid of noise, which is as smooth.

    Returns
    -------
    first : tensor of int32
        Number of the upper left of the four pixels around that position, counted through all framed images.
    right_share, bottom_share : tensor of float32
        How far it is from there to the right and down, between 0 and 1.
    """
    height, width = size
    x = tf.range(width, dtype="float32")[None, None, :] - (width - 1) / 2
    y = tf.range(height, dtype="float32")[None, :, None] - (height - 1) / 2
    if bending is not None:
        field = tf.einsum("yi,bcij,xj->cbyx", _between_points(height), bending, _between_points(width))
        x, y = x - field[0], y - field[1]
    y = (y - shift_y) / scale_y
    x = (x - shift_x) / scale_x + shear * y
    angle = rotation * (math.pi / 180)
    cos, sin = tf.cos(angle), tf.sin(angle)
    x, y = cos * x - sin * y + (width - 1) / 2, sin * x + cos * y + (height - 1) / 2

    # A frame of paper, one pixel wide, will lie around each image, so that the outside needs no test.
    x, y = tf.clip_by_value(x + 1, 0.0, width + 0.999), tf.clip_by_value(y + 1, 0.0, height + 0.999)
    left, top = tf.floor(x), tf.floor(y)
    image = tf.range(count)[:, None, None]
    first = (image * (height + 2) + tf.cast(top, "int32")) * (width + 2) + tf.cast(left, "int32")
    return first, x - left, y - top


@_compiled
def _sample(ink: tf.Tensor, width: int, first: tf.Tensor, right_share: tf.Tensor, bottom_share: tf.Tensor) -> tf.Tensor:
    """Mix four neighbouring pixels of framed images: the one with number `first`, those to its right and below.

    Not one function with `_sources`: the compiler makes fast vector loops of arithmetic, but only where no pixel is
    looked up in between.
    """
    flat = tf.reshape(tf.pad(ink[..., 0], ((0, 0), (1, 1), (1, 1))), (-1,))

    def pixel(offset: int) -> tf.Tensor:
        return tf.gather(flat, first + offset)

    upper = pixel(0) * (1 - right_share) + pixel(1) * right_share
    lower = pixel(width + 2) * (1 - right_share) + pixel(width + 3) * right_share
    return (upper * (1 - bottom_share) + lower * bottom_share)[..., None]


@_compiled
def _change_stroke_width(ink: tf.Tensor, thicken: tf.Tensor) -> tf.Tensor:
    """Move every edge outwards by `thicken` pixels, or inwards if it is negative.

    The largest value in a 3 x 3 neighbourhood widens strokes by one pixel on each side, the smallest one
    narrows them; part of the way between image and result is part of a pixel.
    """
    wide, narrow = _neighbours(tf.maximum, ink, 0.0), _neighbours(tf.minimum, ink, 1.0)
    return tf.where(thicken > 0, ink + thicken * (wide - ink), ink - thicken * (narrow - ink))


def _neighbours(combine: Callable, ink: tf.Tensor, outside: float) -> tf.Tensor:
    """Combine each pixel with the one above and below, then each result with the one to its left and right."""
    above_below = tf.pad(ink, ((0, 0), (1, 1), (0, 0), (0, 0)), constant_values=outside)
    ink = combine(combine(above_below[:, :-2], above_below[:, 2:]), ink)
    left_right = tf.pad(ink, ((0, 0), (0, 0), (1, 1), (0, 0)), constant_values=outside)
    return combine(combine(left_right[:, :, :-2], left_right[:, :, 2:]), ink)


@_compiled
def _soften(ink: tf.Tensor, sigma: tf.Tensor) -> tf.Tensor:
    """Soften with a Gaussian of `sigma` pixels, cut to 3 x 3: a 3-tap filter, down and then across."""
    # Three taps (s, 1 - 2 s, s) have the variance 2 s, so s = sigma^2 / 2.
    side = tf.minimum(sigma**2 / 2, 1 / 3)
    padded = tf.pad(ink, ((0, 0), (1, 1), (0, 0), (0, 0)))
    ink = side * (padded[:, :-2] + padded[:, 2:]) + (1 - 2 * side) * ink
    padded = tf.pad(ink, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return side * (padded[:, :, :-2] + padded[:, :, 2:]) + (1 - 2 * side) * ink
