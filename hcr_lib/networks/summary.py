"""What a network is made of: the shape, weights, cost and view of every layer, read off a Keras model.

Nothing is computed with images here; it is arithmetic on kernel sizes, strides and paddings. First used in notebook 03.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import pandas as pd

    from hcr_lib._tf import keras

_POOL = {"MaxPooling2D", "AveragePooling2D"}
_CONVOLVE = {"Conv2D", "DepthwiseConv2D", "SeparableConv2D"}
_MIX = {"Dense", "LSTM", "GRU", "Bidirectional", "GlobalAveragePooling2D", "GlobalMaxPooling2D"}
_REARRANGE = {"Permute", "Reshape"}
_GATES = {"LSTM": 4, "GRU": 3}
_SCALE = {"BatchNormalization", "LayerNormalization", "GroupNormalization", "PReLU"}  # a factor a map: cheap


class Window(NamedTuple):
    """Which rows (or columns) of the picture the values of a layer see.

    Value number ``p`` sees ``size`` of them, from ``first + p * step`` on; some may lie outside, in the padding.
    """

    first: int = 0
    size: int = 1
    step: int = 1

    def through(self, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> Window:
        """Return what is seen through a kernel on top of this layer.

        Examples
        --------
        >>> Window().through(5).through(5)
        Window(first=0, size=9, step=1)
        >>> Window().through(2, stride=2).through(3, padding=1)
        Window(first=-2, size=6, step=2)
        """
        reach = (kernel - 1) * dilation
        return Window(self.first - padding * self.step, self.size + reach * self.step, self.step * stride)

    def joined(self, other: Window) -> Window:
        """Return what is seen where two branches meet, as in a sum of both."""
        first = min(self.first, other.first)
        return Window(first, max(self.first + self.size, other.first + other.size) - first, self.step)


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
    rows, columns : Window or None
        The receptive field; None once every value sees every pixel.
    """

    kind: str
    name: str
    shape: tuple[int, ...]
    parameters: int
    multiply_adds: int
    rows: Window | None
    columns: Window | None

    def sees(self, row: int, column: int, side: int = 28) -> tuple[int, int, int, int]:
        """Return the box (x0, y0, x1, y1) of pixels that one value of a map sees; the ends are exclusive.

        Parameters
        ----------
        row, column : int
            The value's place in its map.
        side : int
            Of the picture; what a window has beyond it is padding, and cut off.
        """
        if self.rows is None or len(self.shape) != 3:
            return 0, 0, side, side
        spans = []
        for window, place in ((self.columns, column), (self.rows, row)):
            start = window.first + place * window.step
            spans.append((max(0, start), min(side, start + window.size)))
        (x0, x1), (y0, y1) = spans
        return x0, y0, x1, y1


def layers(model: keras.Model) -> list[LayerFacts]:
    """Take a network apart, from the picture to the answer.

    Parameters
    ----------
    model : keras.Model
        Built from a picture (rows, columns, maps); branches may part and meet again.

    Returns
    -------
    list of LayerFacts
        A layer each, without the input. Where rows and columns are rearranged (Permute, Reshape), the windows remain
        as large as they were, but the place of a value no longer says where its window lies.

    Raises
    ------
    ValueError
        If pictures may have any size, or a layer is of a kind whose cost, or whose view, is not known here.
    """
    size = model.inputs[0].shape[1:]
    if None in size:
        raise ValueError(f"expected a network for pictures of one size; this one takes {size}, where None is any size.")
    in_a_row = type(model).__name__ == "Sequential"  # adding to one calls its layers anew, each time on other tensors
    last = Window(), Window()
    seen = {id(model.inputs[0]): last}
    found = []
    for layer in model.layers:
        kind = type(layer).__name__
        if kind == "InputLayer":
            continue
        given = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
        windows = last if in_a_row else functools.reduce(_meet, [seen[id(tensor)] for tensor in given])
        inside, shape = tuple(given[0].shape[1:]), tuple(layer.output.shape[1:])
        last = seen[id(layer.output)] = _view(layer, windows, inside, shape)
        cost = _multiply_adds(layer, inside, shape)
        found.append(LayerFacts(kind, layer.name, shape, layer.count_params(), cost, *last))
    return found


def table(model: keras.Model) -> pd.DataFrame:
    """Return the layers of a network as a table: what each gives, holds, costs and sees.

    Returns
    -------
    DataFrame
        Columns `layer`, `output`, `parameters`, `multiply-adds` and `sees`: the part of the picture, in pixels, that
        one value of the output depends on.
    """
    import pandas as pd

    size = model.inputs[0].shape[1:3]
    rows = [
        (facts.kind, facts.shape, facts.parameters, facts.multiply_adds, _words(facts, size)) for facts in layers(model)
    ]
    return pd.DataFrame(rows, columns=["layer", "output", "parameters", "multiply-adds", "sees"])


def multiply_adds(model: keras.Model) -> int:
    """Return what one image costs: the multiplications of all convolutions and dense layers."""
    return sum(facts.multiply_adds for facts in layers(model))


def _words(facts: LayerFacts, size: tuple[int, int]) -> str:
    """Say how large the receptive field is, in a picture of so many rows and columns."""
    if facts.rows is None:
        return "everything"
    return f"{min(facts.rows.size, size[0])} x {min(facts.columns.size, size[1])}"


def _meet(these: tuple, those: tuple) -> tuple[Window | None, Window | None]:
    """Return what is seen where two branches meet."""
    if None in (*these, *those):
        return None, None
    return tuple(one.joined(other) for one, other in zip(these, those, strict=True))


def _view(layer: keras.Layer, windows: tuple, inside: tuple, shape: tuple) -> tuple[Window | None, Window | None]:
    """Return what one value of the layer's output sees, given what one of its input sees."""
    kind = type(layer).__name__
    if None in windows or kind in _MIX:
        return None, None
    if kind == "ZeroPadding2D":
        return tuple(
            window.through(1, padding=before) for window, (before, _) in zip(windows, layer.padding, strict=True)
        )
    if kind not in _CONVOLVE | _POOL:
        if len(inside) == len(shape) == 3 and inside[:2] != shape[:2] and kind not in _REARRANGE:
            raise ValueError(
                f"what a {kind} sees is not known here; expected maps to change their size by pooling or strides."
            )
        return windows
    kernels = layer.pool_size if kind in _POOL else layer.kernel_size
    dilations = (1, 1) if kind in _POOL else layer.dilation_rate
    views = []
    for axis, (window, kernel, dilation) in enumerate(zip(windows, kernels, dilations, strict=True)):
        stride = layer.strides[axis]
        over = (shape[axis] - 1) * stride + (kernel - 1) * dilation + 1 - inside[axis]
        padding = max(0, over) // 2 if layer.padding == "same" else 0
        views.append(window.through(kernel, stride, padding, dilation))
    return tuple(views)


def _multiply_adds(layer: keras.Layer, inside: tuple, shape: tuple) -> int:
    """Return the multiplications of one layer for one image."""
    kind = type(layer).__name__
    if kind == "Dense":
        return layer.kernel.shape[0] * math.prod(shape)
    if kind == "Conv2D":
        return shape[0] * shape[1] * math.prod(layer.kernel.shape)
    if kind == "DepthwiseConv2D":
        return math.prod(shape) * math.prod(layer.kernel_size)
    if kind == "SeparableConv2D":
        kernels = layer.depthwise_kernel, layer.pointwise_kernel
        return shape[0] * shape[1] * sum(math.prod(kernel.shape) for kernel in kernels)
    if kind == "Bidirectional":
        both = layer.forward_layer, layer.backward_layer
        return sum(_multiply_adds(one, inside, shape) for one in both)
    if kind in _GATES:
        return inside[0] * _GATES[kind] * layer.units * (inside[1] + layer.units)
    if layer.count_params() and kind not in _SCALE:
        known = ", ".join(sorted(_CONVOLVE | _SCALE | _GATES.keys() | {"Dense", "Bidirectional"}))
        raise ValueError(f"the cost of a {kind} is not known here; expected layers with weights among {known}.")
    return 0
