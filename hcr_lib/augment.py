"""Augmentation: new training images by writing the old ones a little differently.

Batched TensorFlow operations, made for ``tf.data`` (shuffle, then batch, then augment). Each takes ink of shape
(batch, 28, 28, 1) in [0, 1] and a `seed` of two integers, and gives the same result for the same seed.

There are no flips: a mirrored b is a d. Rotations stay small: a 6 on its head is a 9.
"""

from __future__ import annotations

import dataclasses

from hcr_lib._tf import tf


@dataclasses.dataclass(frozen=True)
class Augment:
    """How far each change may go; every image draws its own amounts between none and these limits.

    Calling it with a batch and a seed returns the changed batch.

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

    def __post_init__(self) -> None:
        for name, amount in dataclasses.asdict(self).items():
            most = {"scale": 0.9, "thicken": 1.0, "thin": 1.0}.get(name, float("inf"))
            if not 0 <= amount <= most:
                raise ValueError(f"{name} must be a limit between 0 (no change) and {most:g}; got {amount}.")

    def __call__(self, ink: tf.Tensor, seed: tuple[int, int] | tf.Tensor) -> tf.Tensor:
        """Return a changed copy of `ink`, float32 (batch, 28, 28, 1) in [0, 1]."""
        seeds = tf.random.split(seed, 3)
        ink = bend(ink, self, seeds[0])
        ink = change_stroke_width(ink, self.thin, self.thicken, seeds[1])
        return blur(ink, self.blur, seeds[2])


def bend(ink: tf.Tensor, amount: Augment, seed: tf.Tensor) -> tf.Tensor:
    """Rotate, slant, stretch, shift and bend elastically, in one resampling so that nothing blurs twice.

    For every pixel of the result, compute where in the original it comes from; then mix the four pixels there.
    Source of the elastic part: Simard, Steinkraus and Platt, "Best practices for convolutional neural networks"
    (2003); theirs smooths noise with a Gaussian, ours stretches a coarse grid of noise, which is as smooth.
    """
    batch, height, width = tf.shape(ink)[0], ink.shape[1], ink.shape[2]
    seeds = tf.random.split(seed, 2)
    low_to_high = tf.random.stateless_uniform((6, batch, 1, 1), seeds[0], -1.0, 1.0)
    angle = low_to_high[0] * (amount.rotation * 3.14159265 / 180)
    shear = low_to_high[1] * amount.shear
    stretch_x, stretch_y = 1 + low_to_high[2] * amount.scale, 1 + low_to_high[3] * amount.scale
    shift_x, shift_y = low_to_high[4] * amount.shift, low_to_high[5] * amount.shift

    y = tf.reshape(tf.range(height, dtype="float32") - (height - 1) / 2, (1, height, 1))
    x = tf.reshape(tf.range(width, dtype="float32") - (width - 1) / 2, (1, 1, width))
    cos, sin = tf.cos(angle), tf.sin(angle)
    from_x = (cos * x + sin * y) / stretch_x + shear * y - shift_x
    from_y = (cos * y - sin * x) / stretch_y - shift_y

    coarse = tf.random.stateless_normal((batch, 6, 6, 2), seeds[1], stddev=amount.elastic)
    field = tf.image.resize(coarse, (height, width), method="bicubic")
    from_x = from_x + field[..., 0] + (width - 1) / 2
    from_y = from_y + field[..., 1] + (height - 1) / 2
    return _sample(ink, from_x, from_y)


def _sample(ink: tf.Tensor, x: tf.Tensor, y: tf.Tensor) -> tf.Tensor:
    """Read `ink` at fractional positions, mixing the four nearest pixels; outside is paper."""
    height, width = ink.shape[1], ink.shape[2]
    padded = tf.pad(ink[..., 0], ((0, 0), (1, 1), (1, 1)))  # a frame of paper, so that the outside needs no test
    x = tf.clip_by_value(x + 1, 0.0, width + 0.999)
    y = tf.clip_by_value(y + 1, 0.0, height + 0.999)
    left, top = tf.floor(x), tf.floor(y)
    right_share, bottom_share = x - left, y - top
    first = tf.cast(top, "int32") * (width + 2) + tf.cast(left, "int32")
    flat = tf.reshape(padded, (-1, (height + 2) * (width + 2)))

    def pixel(offset: int) -> tf.Tensor:
        return tf.gather(flat, first + offset, batch_dims=1)

    upper = pixel(0) * (1 - right_share) + pixel(1) * right_share
    lower = pixel(width + 2) * (1 - right_share) + pixel(width + 3) * right_share
    return (upper * (1 - bottom_share) + lower * bottom_share)[..., None]


def change_stroke_width(ink: tf.Tensor, thin: float, thicken: float, seed: tf.Tensor) -> tf.Tensor:
    """Move every edge outwards by up to `thicken` or inwards by up to `thin` pixels.

    The largest value in a 3 x 3 neighbourhood widens strokes by one pixel on each side, the smallest one
    narrows them; part of the way between image and result is part of a pixel.
    """
    draw = tf.random.stateless_uniform((tf.shape(ink)[0], 1, 1, 1), seed, -thin, thicken)
    wide, narrow = tf.nn.max_pool2d(ink, 3, 1, "SAME"), -tf.nn.max_pool2d(-ink, 3, 1, "SAME")
    return tf.where(draw > 0, ink + draw * (wide - ink), ink - draw * (narrow - ink))


def blur(ink: tf.Tensor, sigma: float, seed: tf.Tensor) -> tf.Tensor:
    """Soften with a Gaussian of up to `sigma` pixels, cut to 3 x 3: a 3-tap filter, down and then across."""
    spread = tf.random.stateless_uniform((tf.shape(ink)[0], 1, 1, 1), seed, 0.0, sigma)
    # Three taps (s, 1 - 2 s, s) have the variance 2 s, so s = sigma^2 / 2.
    side = tf.minimum(spread**2 / 2, 1 / 3)
    padded = tf.pad(ink, ((0, 0), (1, 1), (0, 0), (0, 0)))
    ink = side * (padded[:, :-2] + padded[:, 2:]) + (1 - 2 * side) * ink
    padded = tf.pad(ink, ((0, 0), (0, 0), (1, 1), (0, 0)))
    return side * (padded[:, :, :-2] + padded[:, :, 2:]) + (1 - 2 * side) * ink
