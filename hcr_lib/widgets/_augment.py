"""Sliders over the limits of augmentation."""

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

from hcr_lib._validate import ensure_uint8_images
from hcr_lib.datasets import Dataset
from hcr_lib.widgets import _demo

#: A slider for each limit of `hcr_lib.augment.Augment`: where it starts, highest, step, and what stands beside it.
LIMITS = {
    "rotation": (10.0, 180.0, 1.0, "rotation"),
    "shear": (0.2, 1.0, 0.05, "shear"),
    "scale": (0.12, 0.6, 0.02, "scale"),
    "shift": (1.5, 10.0, 0.5, "shift"),
    "elastic": (0.6, 2.0, 0.1, "elastic"),
    "thicken": (0.8, 1.0, 0.1, "thicken"),
    "thin": (0.4, 1.0, 0.1, "thin"),
    "blur": (0.6, 2.0, 0.1, "blur"),
}
ROWS, DRAWS = 5, 8
_TILE, _GAP, _ASIDE, _HEAD = 88, 6, 26, 28


class _AugmentationDemo(_demo.Demo):
    """Originals and draws, with a slider for each limit."""

    def __init__(self, images: np.ndarray) -> None:
        self._images = images
        sliders = {
            name: _demo.slider(value, 0.0, high, step, label) for name, (value, high, step, label) in LIMITS.items()
        }
        self.draw = ipywidgets.BoundedIntText(0, min=0, max=2**31 - 1, description="draw", **_demo.LOOK)
        self.again = ipywidgets.Button(description="another draw", **_demo.BUTTON)
        self.none = ipywidgets.Button(description="all to none", **_demo.BUTTON)
        self.usual = ipywidgets.Button(description="as this course trains", **_demo.BUTTON)
        rows = list(sliders.values())
        columns = [rows[:4], rows[4:], [self.draw, self.again, self.none, self.usual]]
        super().__init__("Augmentation demo", {**sliders, "seed": self.draw}, columns)
        self.again.on_click(lambda _button: self.put(seed=self.draw.value + 1))
        self.none.on_click(lambda _button: self.put(**dict.fromkeys(LIMITS, 0.0)))
        self.usual.on_click(lambda _button: self.put(**{name: value for name, (value, *_) in LIMITS.items()}))

    def paint(self, *, seed: int, **limits: float) -> bytes:
        """Return the picture."""
        return augmentation_picture(self._images, limits, seed)


def augmentation_demo(images: Dataset | npt.ArrayLike) -> ipywidgets.VBox:
    """Show what augmentation makes of images, with a slider for how far each change may go.

    "another draw" rolls the dice again with the same limits. The picture comes from `augmentation_picture`.

    Parameters
    ----------
    images : Dataset, or array_like of uint8, shape (n, 28, 28)
        The first five are shown.
    """
    return _AugmentationDemo(_first(images))


def _first(images: Dataset | npt.ArrayLike) -> np.ndarray:
    """Return the images of the first column."""
    images = ensure_uint8_images(images.images if isinstance(images, Dataset) else images)
    if not len(images):
        raise ValueError("augmentation needs at least one image; got none.")
    return images[:ROWS]


def augmentation_picture(images: Dataset | npt.ArrayLike, limits: dict[str, float], seed: int = 0) -> bytes:
    """Return images and what augmentation draws from each, as a PNG: originals in the first column.

    Parameters
    ----------
    images : Dataset, or array_like of uint8, shape (n, 28, 28)
        The first five are shown.
    limits : dict of str to float
        Fields of `hcr_lib.augment.Augment`; what is missing keeps its usual limit.
    seed : int
        The same seed gives the same draws. With other limits it gives the same draws, gone further or less far.

    Raises
    ------
    ValueError
        If there is no image, or a limit is out of range.
    """
    from hcr_lib.augment import Augment  # here, because TensorFlow takes seconds to load

    images = _first(images)
    copies = np.repeat(images, DRAWS, axis=0)[..., None] / np.float32(255)
    drawn = np.asarray(Augment(**limits)(copies, (seed, 0)))[..., 0].clip(0, 1)
    drawn = drawn.reshape(len(images), DRAWS, *images.shape[1:])

    left = _TILE + _ASIDE
    sheet = _demo.blank_sheet(left + DRAWS * (_TILE + _GAP) - _GAP, _HEAD + len(images) * (_TILE + _GAP))
    drawing = ImageDraw.Draw(sheet)
    _demo.text(drawing, (_TILE // 2, _HEAD // 2), "original")
    words = f"{DRAWS} draws from each"
    _demo.text(drawing, (left, _HEAD // 2), words, anchor="lm")
    middle = _TILE + _ASIDE // 2
    drawing.line((middle, _HEAD, middle, sheet.height - _GAP), fill=_demo.GREY)
    for row, (original, others) in enumerate(zip(images, drawn, strict=True)):
        y = _HEAD + row * (_TILE + _GAP)
        _demo.put_tile(sheet, original, 0, y, _TILE)
        for column, image in enumerate(others):
            _demo.put_tile(sheet, image, left + column * (_TILE + _GAP), y, _TILE)
    return _demo.to_bytes(sheet)
