"""A drawing pad that shows the feature maps of a convolutional network."""

from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
import numpy.typing as npt

from hcr_lib import images, pen
from hcr_lib._validate import ensure_uint8_images
from hcr_lib.widgets import _demo
from hcr_lib.widgets._pad import DrawingPad

if TYPE_CHECKING:
    from hcr_lib._tf import keras

SHOWN = 8  # maps side by side
_TILE, _GAP, _ASIDE = 76, 6, 150


class FeaturePad(_demo.Panel, ipywidgets.HBox):
    """A drawing pad, and beside it the `feature_picture` of the drawing, renewed while one draws."""

    def __init__(self, model: "keras.Model", classes: str) -> None:
        super().__init__("FeaturePad (run this cell to draw)")
        self.guard.alts = ["The drawing as the network sees it, its kernels, and its strongest feature maps"]
        self._model, self._classes, self.pad = model, classes, DrawingPad(live=True)
        side = ipywidgets.VBox([self.message, self.picture], layout={"min_width": "200px", "flex": "1 1 0"})
        self.children, self.layout = [self.pad, side, self.guard], {"flex_flow": "row wrap", "grid_gap": "24px"}
        self.pad.observe(lambda _change: self.carefully(self.show), names="strokes")
        self.carefully(self.show)

    def replay(self, strokes: pen.Drawing) -> None:
        """Put stored strokes on the pad, as if they had just been drawn; needs no browser."""
        self.pad.replay(strokes)

    def show(self) -> None:
        """Show the maps of the drawing."""
        drawn = self.pad.strokes
        stored = images.ink_to_mnist(self.pad.ink()) if drawn else np.zeros((images.SIZE, images.SIZE), "uint8")
        self.picture.value = feature_picture(self._model, stored, self._classes)
        self.message.value = "" if drawn else "Draw on the pad."


def feature_picture(model: "keras.Model", stored: npt.ArrayLike, classes: str) -> bytes:
    """Return a network's feature maps of one image, as a PNG: kernels, their maps, and maps before and after pooling.

    Of each kind the eight with the strongest responses are shown, the strongest first. In a kernel, dark responds to
    ink and light to paper; in a map, dark is a strong response.

    Parameters
    ----------
    model : keras.Model
        Its first layers are convolutions, one or more, and then a pooling: `hcr_lib.networks.models.seed_cnn`, say.
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
    side, best = _ASIDE - 24, int(answer.argmax())
    read = f"read as {classes[best]}, {answer[best]:.0%}" if stored.any() else ""
    left = [_demo.caption("what the network sees", _ASIDE, anchor="lm"), _demo.tile(stored, side)]
    left.append(_demo.caption(read, _ASIDE, anchor="lm", size=15))
    right = []
    for title, (maps, strength) in rows.items():
        order = np.argsort(-np.maximum(strength, 0).mean(axis=(0, 1)), kind="stable")[:SHOWN]
        row = _demo.join((_demo.tile(each, _TILE) for each in maps.transpose(2, 0, 1)[order]), _GAP)
        right += [_demo.caption(title, row.width, anchor="lm"), row]
    return _demo.png(_demo.join(_demo.join(column, down=True) for column in (left, right)))


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
    """Scale maps to [0, 1]: below zero is no response."""
    positive = np.maximum(maps, 0)
    return positive / max(positive.max(), 1e-9)
