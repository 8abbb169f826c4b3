"""What a Keras model is made of: the shape, parameters, cost and receptive field of each of its layers.

Nothing is computed with images here; it is arithmetic with kernel sizes, strides and paddings. First used in
notebook 03.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from hcr_lib._tf import keras


# What is known of kinds of layers, by their names in Keras. A value of the output depends on a window of the input ...
_CONVOLUTIONS = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D"}
_POOLINGS = {"MaxPooling2D", "AveragePooling2D"}
# ... on all of it (a dense layer at every place of a map is treated so, too) ...
_RECURRENT = {"LSTM", "GRU", "Bidirectional"}
_GLOBAL = {"Dense", "GlobalAveragePooling2D", "GlobalMaxPooling2D"} | _RECURRENT
# ... or, with any other kind, on the one value at its place. These change the places:
_REARRANGING = {"Permute", "Reshape"}
# These have a factor for each map or channel, which costs next to nothing beside a convolution:
_SCALING = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "PReLU"}


class ReceptiveField(NamedTuple):
    """The rows (or columns) of the image that the values of a layer depend on.

    Value number ``p`` depends on `size` of them, from ``start + p * stride`` on; some may lie outside, in the padding.
    """

    start: int = 0
    size: int = 1
    stride: int = 1

    def through(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> ReceptiveField:
        """Return the receptive field of a layer on top of this one.

        Examples
        --------
        >>> ReceptiveField().through(5).through(5)
        ReceptiveField(start=0, size=9, stride=1)
        >>> ReceptiveField().through(2, stride=2).through(3, padding=1)
        ReceptiveField(start=-2, size=6, stride=2)
        """
        size = self.size + (kernel - 1) * dilation * self.stride
        return ReceptiveField(self.start - padding * self.stride, size, self.stride * stride)

    def joined(self, other: ReceptiveField) -> ReceptiveField:
        """Return the receptive field where two branches meet, as in a sum of both."""
        start = min(self.start, other.start)
        return ReceptiveField(start, max(self.start + self.size, other.start + other.size) - start, self.stride)


#: Down and across; None where each value depends on the whole image.
Fields = tuple[ReceptiveField | None, ReceptiveField | None]


@dataclass(frozen=True)
class LayerFacts:
    """One layer of a network.

    Attributes
    ----------
    kind, name : str
        Its class, such as ``"Conv2D"``, and its name in the model.
    shape : tuple of int
        Of its output for one image: (rows, columns, maps), or (values,).
    parameters : int
    multiply_adds : int
        Multiplications, each followed by an addition, for one image. Normalisation, ReLU and pooling are left out:
        beside convolutions and dense layers they cost next to nothing.
    rows, columns : ReceptiveField or None
        None where each value depends on every pixel.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    rows: ReceptiveField | None
    columns: ReceptiveField | None

    def sees(self, row: int, column: int, side: int = 28) -> tuple[int, int, int, int]:
        """Return the receptive field of one value of a map as a box (x0, y0, x1, y1) in pixels; the ends are exclusive.

        Parameters
        ----------
        row, column : int
            Where the value is in its map.
        side : int
            Rows and columns of the image; what lies beyond is padding, and cut off.
        """
        if self.rows is None or len(self.shape) != 3:
            return 0, 0, side, side
        x, y = self.columns.start + column * self.columns.stride, self.rows.start + row * self.rows.stride
        return max(0, x), max(0, y), min(side, x + self.columns.size), min(side, y + self.rows.size)


def layers(model: keras.Model) -> list[LayerFacts]:
    """Return the facts about each layer of a network, from the image to the answer, without the input.

    Where rows and columns are rearranged (Permute, Reshape), receptive fields keep their size, but the place of a
    value no longer tells where its field lies.

    Parameters
    ----------
    model : keras.Model
        Built for images (rows, columns, maps) of one size; branches may part and meet again.

    Raises
    ------
    ValueError
        If images may have any size, or the cost or the receptive field of a layer's kind is not known here.
    """
    size = model.inputs[0].shape[1:]
    if None in size:
        raise ValueError(f"expected a network for images of one size; this one takes {size}, where None is any size.")
    sequential = type(model).__name__ == "Sequential"  # adding to one calls its layers anew, each time on other tensors
    last: Fields = ReceptiveField(), ReceptiveField()
    fields = {id(model.inputs[0]): last}
    found = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "InputLayer":
            continue
        inputs = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
        below = last if sequential else functools.reduce(_meet, [fields[id(tensor)] for tensor in inputs])
        given, shape = tuple(inputs[0].shape[1:]), tuple(layer.output.shape[1:])
        last = fields[id(layer.output)] = _receptive_fields(layer, below, given, shape)
        cost = _multiply_adds(layer, given, shape)
        found.append(LayerFacts(kind, layer.name, shape, layer.count_params(), cost, *last))
    return found


def table(model: keras.Model) -> pd.DataFrame:
    """Return the layers of a network as a table.

    Returns
    -------
    DataFrame
        Columns `layer`, `output`, `parameters`, `multiply-adds` and `sees`: the part of the image, in pixels, that
        one value of the output depends on.
    """
    import pandas as pd

    height, width, *_ = model.inputs[0].shape[1:]
    rows = []
    for one in layers(model):
        everything = one.rows is None
        sees = "everything" if everything else f"{min(one.rows.size, height)} x {min(one.columns.size, width)}"
        rows.append((one.kind, one.shape, one.parameters, one.multiply_adds, sees))
    return pd.DataFrame(rows, columns=["layer", "output", "parameters", "multiply-adds", "sees"])


def multiply_adds(model: keras.Model) -> int:
    """Return the multiplications, each followed by an addition, of all convolutions and dense layers for one image."""
    return sum(one.multiply_adds for one in layers(model))


def _meet(these: Fields, those: Fields) -> Fields:
    """Return the receptive fields where two branches meet."""
    if None in (*these, *those):
        return None, None
    return tuple(one.joined(other) for one, other in zip(these, those, strict=True))


def _receptive_fields(layer: keras.Layer, below: Fields, given: tuple, shape: tuple) -> Fields:
    """Return the receptive fields of a layer's output, from those of its input."""
    kind = type(layer).__name__
    if None in below or kind in _GLOBAL:
        return None, None
    if kind == "ZeroPadding2D":
        return tuple(field.through(1, padding=before) for field, (before, _) in zip(below, layer.padding, strict=True))
    if kind not in _CONVOLUTIONS | _POOLINGS:
        if len(given) == len(shape) == 3 and given[:2] != shape[:2] and kind not in _REARRANGING:
            raise ValueError(
                f"the receptive field of a {kind} is not known here; expected maps to change their size by pooling or "
                "strides."
            )
        return below
    kernels = layer.pool_size if kind in _POOLINGS else layer.kernel_size
    dilations = (1, 1) if kind in _POOLINGS else layer.dilation_rate
    fields = []
    for axis, (field, kernel, dilation) in enumerate(zip(below, kernels, dilations, strict=True)):
        stride = layer.strides[axis]
        missing = (shape[axis] - 1) * stride + (kernel - 1) * dilation + 1 - given[axis]
        padding = max(0, missing) // 2 if layer.padding == "same" else 0
        fields.append(field.through(kernel, stride, padding, dilation))
    return tuple(fields)


def _multiply_adds(layer: keras.Layer, given: tuple, shape: tuple) -> int:
    """Return the cost of a layer: each weight of its kernels is used once at every place, or step of a sequence."""
    kind = type(layer).__name__
    if kind in _SCALING or not layer.count_params():
        return 0
    if kind not in _CONVOLUTIONS | _RECURRENT | {"Dense"}:
        known = ", ".join(sorted(_CONVOLUTIONS | _RECURRENT | _SCALING | {"Dense"}))
        raise ValueError(f"the cost of a {kind} is not known here; expected layers with parameters among {known}.")
    places = given[0] if kind in _RECURRENT else math.prod(shape[:-1])
    return places * sum(math.prod(weight.shape) for weight in layer.weights if "kernel" in weight.name)
