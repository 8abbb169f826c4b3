"""A drawing pad that shows what a convolutional network makes of the drawing on its way to an answer."""

import html
import threading
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import ImageDraw

from hcr_lib import images, pen
from hcr_lib._validate import ensure_uint8_images
from hcr_lib.widgets import _demo
from hcr_lib.widgets._pad import DrawingPad

if TYPE_CHECKING:
    from hcr_lib._tf import keras

SHOWN = 8  # maps side by side
_TILE, _GAP, _LINE, _ASIDE = 76, 6, 24, 150
_BLANK = np.zeros((images.SIZE, images.SIZE), "uint8")


class FeaturePad(ipywidgets.HBox):
    """A drawing pad, and beside it the feature maps of the drawing, renewed whenever the pen lifts.

    Parameters
    ----------
    model : keras.Model
        A trained network whose first layers are convolutions, such as `hcr_lib.networks.models.seed_cnn`.
    classes : str
        The characters of its outputs.

    Attributes
    ----------
    pad : DrawingPad
    picture : ipywidgets.Image
        From `feature_picture`.
    """

    def __init__(self, model: "keras.Model", classes: str) -> None:
        self._model, self._classes = model, classes
        self.pad = DrawingPad()
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self.message = ipywidgets.HTML()
        side = ipywidgets.VBox([self.picture, self.message])
        super().__init__([self.pad, side], layout={"flex_flow": "row wrap", "grid_gap": "24px"})
        # JupyterLab calls observers in a thread of their own, also while a cell is running.
        self._one_at_a_time = threading.Lock()
        self.pad.observe(self._look, names="strokes")
        self._look()

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return "FeaturePad (run this cell to draw)"

    def replay(self, strokes: pen.Drawing) -> None:
        """Put stored strokes on the pad, as if someone had just drawn them; needs no browser."""
        self.pad.replay(strokes)

    def _look(self, _change: dict | None = None) -> None:
        """Show the drawing's maps. What fails must be said here, for Jupyter hides an observer's errors."""
        with self._one_at_a_time:
            try:
                stored = images.ink_to_mnist(self.pad.ink()) if self.pad.strokes else _BLANK
                self.picture.value = feature_picture(self._model, stored, self._classes)
                self.message.value = "" if self.pad.strokes else "Draw on the pad."
            except Exception as error:
                self.message.value = html.escape(str(error) or type(error).__name__)


def feature_picture(model: "keras.Model", stored: npt.ArrayLike, classes: str) -> bytes:
    """Return what a network makes of one image, as a PNG: kernels, their maps, and maps before and after pooling.

    Of each kind the eight with the strongest answers are shown, the strongest first. In a kernel, dark asks for ink
    and light for paper; in a map, dark is a strong answer.

    Parameters
    ----------
    model : keras.Model
        Its first layers are convolutions, one or more, and then a pooling.
    stored : array_like of uint8, shape (28, 28)
    classes : str
        The characters of its outputs.

    Raises
    ------
    ValueError
        If the network does not begin with convolutions and a pooling, or has other classes.
    """
    stored = ensure_uint8_images(np.asarray(stored)[None])[0]
    kernels, first, before, after, answer = _maps(model, stored)
    if len(answer) != len(classes):
        raise ValueError(f"classes must have a character for each of {len(answer)} outputs; got {len(classes)}.")
    rows = {
        "kernels of the first convolution": (0.5 + kernels / (2 * np.abs(kernels).max()), first),
        "what they answer": (_scaled(first), first),
        "strongest maps before pooling": (_scaled(before), before),
        "the same after pooling": (_scaled(after), before),
    }
    width = _ASIDE + SHOWN * (_TILE + _GAP)
    sheet = _demo.blank_sheet(width, len(rows) * (_TILE + _LINE + 4))
    drawing = ImageDraw.Draw(sheet)
    _demo.text(drawing, (4, _LINE // 2), "what the network sees", anchor="lm")
    _demo.put_tile(sheet, stored, 4, _LINE, _ASIDE - 24)
    best = int(answer.argmax())
    if stored.any():
        verdict = f"read as {classes[best]}, {answer[best]:.0%}"
        _demo.text(drawing, (4, _LINE + _ASIDE - 6), verdict, size=15, anchor="lm")
    for number, (title, (maps, strength)) in enumerate(rows.items()):
        top = number * (_TILE + _LINE + 4)
        _demo.text(drawing, (_ASIDE, top + _LINE // 2), title, anchor="lm")
        order = np.argsort(-np.maximum(strength, 0).mean(axis=(0, 1)), kind="stable")[:SHOWN]
        for place, chosen in enumerate(order):
            _demo.put_tile(sheet, maps[:, :, chosen], _ASIDE + place * (_TILE + _GAP), top + _LINE, _TILE)
    return _demo.to_bytes(sheet)


def _maps(model: "keras.Model", stored: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return kernels and maps, each of shape (rows, columns, number), and the probabilities."""
    from hcr_lib._tf import keras  # here, because TensorFlow takes seconds to load

    kinds = keras.layers.Conv2D, keras.layers.MaxPooling2D
    convolution, pooling = (next((layer for layer in model.layers if isinstance(layer, kind)), None) for kind in kinds)
    if convolution is None or pooling is None or convolution.kernel.shape[2] != 1:
        raise ValueError(f"the network must begin with convolutions and a pooling; {model.name} does not.")
    outputs = [convolution.output, pooling.input, pooling.output, model.outputs[0]]
    ink = stored[None, :, :, None].astype("float32") / 255
    maps = [np.asarray(each)[0] for each in keras.Model(model.inputs[0], outputs)(ink, training=False)]
    return np.asarray(convolution.kernel)[:, :, 0], *maps


def _scaled(maps: np.ndarray) -> np.ndarray:
    """Bring maps to [0, 1]: what is below zero is no answer."""
    positive = np.maximum(maps, 0)
    return positive / max(positive.max(), 1e-9)
