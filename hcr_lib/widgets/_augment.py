"""Sliders over the limits of augmentation."""

import ipywidgets
import numpy as np
import numpy.typing as npt

from hcr_lib._validate import ensure_uint8_images
from hcr_lib.datasets import Dataset
from hcr_lib.widgets import _demo

ROWS, DRAWS = 5, 8
_TILE, _GAP, _ASIDE, _HEAD = 88, 6, 26, 28


def augmentation_demo(images: Dataset | npt.ArrayLike) -> ipywidgets.VBox:
    """Show augmented copies of images, with a slider for each limit.

    "another draw" draws anew with the same limits. The picture comes from `augmentation_picture`.

    Parameters
    ----------
    images : Dataset, or array_like of uint8, shape (n, 28, 28)
        The first five are shown.
    """
    from hcr_lib.augment import LIMITS  # here, because TensorFlow takes seconds to load

    images = _first(images)
    sliders = [(name, _demo.slider(each.default, 0.0, each.highest, each.step, name)) for name, each in LIMITS.items()]
    draw = _demo.copies("draw")
    buttons = {
        "again": _demo.button("another draw", lambda: demo.put(seed=draw.value + 1)),
        "none": _demo.button("all to none", lambda: demo.put(**dict.fromkeys(LIMITS, 0.0))),
        "usual": _demo.button(
            "as this course trains", lambda: demo.put(**{name: each.default for name, each in LIMITS.items()})
        ),
    }
    demo = _demo.Demo(
        "Augmentation demo",
        lambda seed, **limits: augmentation_picture(images, limits, seed),
        dict(sliders[:4]), dict(sliders[4:]), {"seed": draw, **buttons},
    )  # fmt: skip
    return demo


def _first(images: Dataset | npt.ArrayLike) -> np.ndarray:
    """Return the images of the first column."""
    images = ensure_uint8_images(images.images if isinstance(images, Dataset) else images)
    if not len(images):
        raise ValueError("augmentation needs at least one image; got none.")
    return images[:ROWS]


def augmentation_picture(images: Dataset | npt.ArrayLike, limits: dict[str, float], seed: int = 0) -> bytes:
    """Return images and augmented copies of each, as a PNG: originals in the first column.

    Parameters
    ----------
    images : Dataset, or array_like of uint8, shape (n, 28, 28)
        The first five are shown.
    limits : dict of str to float
        Fields of `hcr_lib.augment.Augment`; a missing one keeps its default.
    seed : int
        The same seed gives the same draws; with other limits they go further or less far.

    Raises
    ------
    ValueError
        If there is no image, or a limit is out of range.
    """
    from hcr_lib.augment import Augment

    images = _first(images)
    copies = np.repeat(images, DRAWS, axis=0)[..., None] / np.float32(255)
    drawn = np.asarray(Augment(**limits)(copies, (seed, 0)))[..., 0].clip(0, 1)
    drawn = drawn.reshape(len(images), DRAWS, *images.shape[1:])

    left = _TILE + _ASIDE
    sheet = _demo.Sheet(left + DRAWS * (_TILE + _GAP) - _GAP, _HEAD + len(images) * (_TILE + _GAP))
    sheet.text(_TILE // 2, _HEAD // 2, "original")
    sheet.text(left, _HEAD // 2, f"{DRAWS} draws from each", anchor="lm")
    middle = _TILE + _ASIDE // 2
    sheet.draw.line((middle, _HEAD, middle, sheet.image.height - _GAP), fill=_demo.GREY)
    for row, (original, others) in enumerate(zip(images, drawn, strict=True)):
        y = _HEAD + row * (_TILE + _GAP)
        sheet.tile(original, 0, y, _TILE)
        sheet.row(others, left, y, _TILE, _GAP)
    return sheet.png()
