"""The augmentation of older tutorials, Keras' ``ImageDataGenerator``, and the same changes in today's form.

Keras keeps the class for old code only. It works on one image at a time, in Python and SciPy; `hcr_lib.augment` works
on a whole batch at once. Lesson 02 shows both side by side.

What the generator means by its numbers is not always what they are called:

* ``zoom_range`` is how much of the picture is seen, so a *larger* number makes the writing *smaller*;
* ``shear`` is an angle in degrees, and stretches the writing a little as well;
* ``height_shift_range`` moves the picture *sideways*, against its direction and before everything else, and
  ``width_shift_range`` moves it up and down: Keras swaps the axes once more than it should;
* what comes in from outside repeats the picture's edge (``fill_mode="nearest"``), where `hcr_lib.augment` has paper;
* random numbers come from NumPy's global state, which ``flow(seed=...)`` sets for the whole program.
"""

from __future__ import annotations

import math

from hcr_lib._tf import keras, tf
from hcr_lib.augment import Augment

#: The recipe that many tutorials share, as arguments of ``ImageDataGenerator``.
RECIPE = {"rotation_range": 10, "zoom_range": 0.1, "width_shift_range": 0.1, "height_shift_range": 0.1}


def generator(**settings: float) -> keras._legacy.preprocessing.image.ImageDataGenerator:
    """Make Keras' generator with the recipe of the tutorials.

    Parameters
    ----------
    **settings
        Arguments of ``ImageDataGenerator`` that replace those in `RECIPE` or are added to them.

    Examples
    --------
    >>> generator(rotation_range=15).rotation_range
    15
    """
    return tf.keras.preprocessing.image.ImageDataGenerator(**RECIPE | settings)


def equivalent(size: int = 28) -> Augment:
    """Return today's form of the recipe: nothing but rotation, stretch and shift, for images of `size` pixels.

    >>> equivalent().rotation, equivalent().scale, round(equivalent().shift, 3)
    (10, 0.1, 2.8)
    """
    nothing = dict.fromkeys(("shear", "elastic", "thicken", "thin", "blur"), 0.0)
    limits = {"rotation": RECIPE["rotation_range"], "scale": RECIPE["zoom_range"]}
    return Augment(**limits, shift=RECIPE["width_shift_range"] * size, **nothing)


def amounts(
    theta: float = 0.0, tx: float = 0.0, ty: float = 0.0, shear: float = 0.0, zx: float = 1.0, zy: float = 1.0
) -> dict[str, float]:
    """Translate one of the generator's transforms into the arguments of `hcr_lib.augment.apply`.

    Parameters
    ----------
    theta, tx, ty, shear, zx, zy : float
        As ``ImageDataGenerator.apply_transform`` takes them, and ``get_random_transform`` draws them.

    Returns
    -------
    dict
        rotation, shear, scale_x, scale_y, shift_x, shift_y.

    Examples
    --------
    >>> moved = amounts(tx=3.0, zx=2.0)
    >>> moved["shift_x"], moved["scale_x"]
    (-1.5, 0.5)
    """
    # Theirs says where a pixel comes from: rotation(shift(shear(zoom(pixel)))). Ours says where it goes, so
    # everything is inverted, and the shift, which for us comes last, passes through shear and zoom.
    slant = math.tan(math.radians(shear))
    scale_x, scale_y = 1 / zx, 1 / (zy * math.cos(math.radians(shear)))
    return {
        "rotation": theta, "shear": -slant, "scale_x": scale_x, "scale_y": scale_y,
        "shift_x": -scale_x * (tx + slant * ty), "shift_y": -scale_y * ty,
    }  # fmt: skip
