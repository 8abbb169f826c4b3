"""Sliders over the limits of augmentation."""

import ipywidgets
import numpy as np
import numpy.typing as npt

from hcr_lib._validate import ensure_uint8_images
from hcr_lib.datasets import Dataset
from hcr_lib.widgets import _demo

#: What each limit of `hcr_lib.augment.Augment` is.
TIPS = {
    "rotation": "Degrees, to either side.",
    "shear": "Slant to either side, in pixels for every pixel of height.",
    "scale": "Stretch, in x and y independently: 0.1 is from 0.9 to 1.1.",
    "shift": "Pixels, in x and y independently.",
    "elastic": "Smooth displacement, in pixels.",
    "thicken": "Pixels added to both sides of every stroke.",
    "thin": "Pixels taken from both sides of every stroke.",
    "blur": "Standard deviation of the blur, in pixels.",
}
ROWS, DRAWS = 5, 8
_TILE, _GAP, _ASIDE, _HEAD = 88, 6, 26, 22


def augmentation_demo(images: Dataset | npt.ArrayLike) -> ipywidgets.VBox:
    """Show the `augmentation_picture` of images, with a slider for each limit.

    "another draw" draws anew with the same limits.
    """
    from hcr_lib.augment import LIMITS, Augment  # here, because TensorFlow takes seconds to load

    images = _first(images)
    usual = {name: getattr(Augment(), name) for name in LIMITS}
    draw = _demo.control("draw", ipywidgets.BoundedIntText(max=2**31 - 1), tip="Each number is a draw of its own.")
    controls = {
        **{
            name: _demo.control(name, (0.0, *LIMITS[name].limits[name]), usual[name], tip=TIPS[name]) for name in LIMITS
        },
        "seed": draw,
        "again": _demo.button("another draw", lambda: demo.put(seed=draw.value + 1), "Draw anew, the limits the same."),
        "none": _demo.button("all to none", lambda: demo.put(**dict.fromkeys(LIMITS, 0.0)), "Show the originals."),
        "usual": _demo.button(
            "as this course trains", lambda: demo.put(**usual), "Set the limits that our networks were trained with."
        ),
    }
    demo = _demo.Demo(
        "Augmentation demo", lambda seed, **limits: augmentation_picture(images, limits, seed), controls, beside="usual"
    )
    return demo


def _first(images: Dataset | npt.ArrayLike) -> np.ndarray:
    """Return the images of the first column."""
    images = ensure_uint8_images(images.images if isinstance(images, Dataset) else images)
    if not len(images):
        raise ValueError("augmentation needs at least one image; got none.")
    return images[:ROWS]


def augmentation_picture(images: Dataset | npt.ArrayLike, limits: dict[str, float], seed: int = 0) -> bytes:
    """Return images and augmented copies of each, as a PNG: originals in the first column.

    The first five images are shown. The same seed gives the same draws; with other limits they go further or less far.
    Limits are fields of `hcr_lib.augment.Augment`; a missing one keeps its default.
    """
    from hcr_lib.augment import Augment

    images = _first(images)
    copies = np.repeat(images, DRAWS, axis=0)[..., None] / np.float32(255)
    drawn = np.asarray(Augment(**limits)(copies, (seed, 0)))[..., 0].clip(0, 1)
    drawn = drawn.reshape(len(images), DRAWS, *images.shape[1:])
    left = [_demo.caption("original", _TILE, _HEAD), *(_demo.tile(image, _TILE) for image in images)]
    right = [_demo.join((_demo.tile(copy, _TILE) for copy in copies), _GAP) for copies in drawn]
    right = [_demo.caption(f"{DRAWS} draws from each", right[0].width, _HEAD, "lm"), *right]
    return _demo.png(_demo.join((_demo.join(column, _GAP, down=True) for column in (left, right)), _ASIDE))
