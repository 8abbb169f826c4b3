"""A trained network in NumPy: the forward pass, and nothing else.

Reading needs no gradients, so it needs no TensorFlow either, which takes seconds to import. Every function here takes
and returns float32 arrays of shape (n, height, width, channels) or (n, features), as Keras' layers do, and gives their
results; `Network` chains them as a weight file says (`hcr_lib.networks.weights`).

Any order in memory will do; the quickest is (height, width, n, channels). Whatever moves over a picture then moves long
stretches of numbers that lie side by side: all images' channels at once.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

#: Images that go through all layers together: few enough for what lies between two layers to stay in the cache.
CHUNK = 16
#: Numbers that a thread keeps room for between two steps, at most.
SCRATCH = 1 << 20
#: With fewer channels than this the detour of `convolve_3x3` costs more than it saves.
ENOUGH_CHANNELS = 8

_ALL = {"data_format": "channels_last"}
#: What a chain may be made of, by the names that Keras gives: the options that are honoured ...
OPTIONS: dict[str, tuple[str, ...]] = {
    "Activation": ("activation",),
    "AveragePooling2D": ("pool_size", "strides", "padding"),
    "BatchNormalization": ("epsilon",),
    "Conv2D": ("strides", "padding", "activation"),
    "Dense": ("activation",),
    "DepthwiseConv2D": ("strides", "padding", "activation"),
    "Dropout": (),
    "Flatten": (),
    "GlobalAveragePooling2D": (),
    "MaxPooling2D": ("pool_size", "strides", "padding"),
    "ReLU": (),
    "Softmax": (),
}
#: ... and those that must have the one value that is understood here.
FIXED: dict[str, dict[str, Any]] = {
    "AveragePooling2D": _ALL,
    "BatchNormalization": {"axis": -1},
    "Conv2D": _ALL | {"dilation_rate": [1, 1], "groups": 1},
    "DepthwiseConv2D": _ALL | {"dilation_rate": [1, 1], "depth_multiplier": 1},
    "Flatten": _ALL,
    "GlobalAveragePooling2D": _ALL | {"keepdims": False},
    "MaxPooling2D": _ALL,
    "ReLU": {"max_value": None, "negative_slope": 0.0, "threshold": 0.0},
    "Softmax": {"axis": -1},
}
PADDINGS = ("same", "valid")


def _empty(*shape: int) -> np.ndarray:
    """Return memory for an array of float32."""
    return np.empty(shape, "float32")


def relu(values: np.ndarray) -> np.ndarray:
    """Replace what is below 0 by 0, in place."""
    return np.maximum(values, 0, out=values)


def softmax(values: np.ndarray) -> np.ndarray:
    """Turn the last axis into probabilities, which add up to 1.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0, 1000.0, 1000.0]])).tolist()
    [[0.0, 0.0, 0.5, 0.5]]
    """
    powers = np.exp(values - values.max(axis=-1, keepdims=True))  # of 1000 alone it would overflow
    return powers / powers.sum(axis=-1, keepdims=True)


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "linear": lambda values: values,
    "relu": relu,
    "softmax": softmax,
    "tanh": np.tanh,
}


def convolve(
    images: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | float = 0.0,
    *,
    strides: Sequence[int] = (1, 1),
    padding: str = "same",
    memory: Callable[..., np.ndarray] = _empty,
) -> np.ndarray:
    """Move filters over images: all windows at once, as one multiplication of matrices.

    Written by hand, this takes seven loops. Here every window becomes a row of one large matrix, every filter a column
    of another, and their product holds each window's sum with each filter.

    Parameters
    ----------
    images : ndarray of float32, shape (n, height, width, channels)
    kernel : ndarray of float32, shape (rows, columns, channels, filters)
    bias : ndarray of float32, shape (filters,), or 0
    strides : two int
        Steps down and across.
    padding : {"same", "valid"}
        A frame of zeros, so that with steps of 1 the size stays; or none.
    memory : callable
        From a shape to an array of float32, in which the result is put.

    Returns
    -------
    ndarray of float32, shape (n, new height, new width, filters)

    Examples
    --------
    >>> edge = np.zeros((1, 3, 4, 1), "float32"); edge[:, :, 2:] = 1
    >>> convolve(edge, np.array([-1, 1], "float32").reshape(1, 2, 1, 1), padding="valid")[0, :, :, 0]
    array([[0., 1., 0.],
           [0., 1., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    places = _places(images, kernel.shape[:2], strides, padding)
    # One column for each window, written row by row: so what is copied lies side by side.
    columns = np.stack([place.transpose(3, 1, 2, 0) for place in places])
    windows, filters = columns.reshape(kernel[..., 0].size, -1).T, kernel.reshape(-1, kernel.shape[-1])
    result = np.matmul(windows, filters, out=memory(len(windows), filters.shape[1]))
    result += bias
    return result.reshape(*columns.shape[2:], kernel.shape[-1]).transpose(2, 0, 1, 3)


def _places(
    images: np.ndarray, size: Sequence[int], strides: Sequence[int], padding: str, fill: float = 0.0
) -> list[np.ndarray]:
    """List for each place in a window, row by row, what all windows see there: (n, new height, new width, channels)."""
    if padding == "same":
        count, height, width, channels = images.shape
        above, below = _frame(height, size[0], strides[0])
        left, right = _frame(width, size[1], strides[1])
        page = np.full((above + height + below, left + width + right, count, channels), fill, "float32")
        page[above : above + height, left : left + width] = images.transpose(1, 2, 0, 3)
        images = page.transpose(2, 0, 1, 3)
    lasts = [length - part for length, part in zip(images.shape[1:3], size, strict=True)]  # where windows may begin
    return [
        images[:, row : row + lasts[0] + 1 : strides[0], column : column + lasts[1] + 1 : strides[1]]
        for row in range(size[0])
        for column in range(size[1])
    ]


def _frame(length: int, size: int, stride: int) -> tuple[int, int]:
    """Return how much to add before and after, so that windows begin at every `stride`-th place."""
    missing = max(0, (-(-length // stride) - 1) * stride + size - length)
    return missing // 2, missing - missing // 2


# Winograd's transforms for 4 x 4 results of a 3 x 3 filter: of the picture, of the filter and back. One-dimensional:
# result = BACK @ ((KERNEL @ filter) * (PICTURE @ six pixels)), which is 6 multiplications instead of 4 x 3 = 12.
_PICTURE = np.array(
    [[4, 0, -5, 0, 1, 0], [0, -4, -4, 1, 1, 0], [0, 4, -4, -1, 1, 0],
     [0, -2, -1, 2, 1, 0], [0, 2, -1, -2, 1, 0], [0, 4, 0, -5, 0, 1]], "float32",
)  # fmt: skip
_KERNEL = np.array([[6, 0, 0], [-4, -4, -4], [-4, 4, -4], [1, 2, 4], [1, -2, 4], [0, 0, 24]]) / 24
_BACK = np.array([[1, 1, 1, 1, 1, 0], [0, 1, -1, 2, -2, 0], [0, 1, 1, 4, 4, 0], [0, 1, -1, 8, -8, 1]], "float32")


def transform_kernel(kernel: np.ndarray) -> np.ndarray:
    """Prepare 3 x 3 filters for `convolve_3x3`, once and for all images.

    Parameters
    ----------
    kernel : ndarray of float32, shape (3, 3, channels, filters)

    Returns
    -------
    ndarray of float32, shape (36, channels, filters)
    """
    return np.einsum("ai,bj,ijcf->abcf", _KERNEL, _KERNEL, kernel).reshape(36, *kernel.shape[2:]).astype("float32")


def convolve_3x3(
    images: np.ndarray,
    transformed: np.ndarray,
    bias: np.ndarray | float = 0.0,
    *,
    padding: str = "same",
    memory: Callable[..., np.ndarray] = _empty,
) -> np.ndarray:
    """Do what `convolve` does with 3 x 3 filters and steps of 1, with a quarter of its multiplications.

    Neighbouring windows share most of their pixels. Winograd's algorithm computes 4 x 4 results at once from the 6 x 6
    pixels they see: 36 multiplications for each channel and filter, where the definition has 16 x 9 = 144. What it
    costs are additions before and after, for each channel but not for each pair of channel and filter, and a rounding
    error of about a millionth.

    Parameters
    ----------
    images : ndarray of float32, shape (n, height, width, channels)
    transformed : ndarray of float32, shape (36, channels, filters)
        From `transform_kernel`.
    bias, padding, memory
        As for `convolve`.

    Returns
    -------
    ndarray of float32, shape (n, new height, new width, filters)

    References
    ----------
    A. Lavin, S. Gray, "Fast algorithms for convolutional neural networks" (2016).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> images, kernel = rng.random((2, 7, 9, 3), "float32"), rng.random((3, 3, 3, 5), "float32")
    >>> bool(np.allclose(convolve_3x3(images, transform_kernel(kernel)), convolve(images, kernel), atol=1e-4))
    True
    """
    (count, height, width, channels), filters = images.shape, transformed.shape[-1]
    margin = 1 if padding == "same" else 0
    height, width = height + 2 * margin - 2, width + 2 * margin - 2  # of the result
    down, across = -(-height // 4), -(-width // 4)  # tiles
    page = _SCRATCH("page", 4 * down + 2, 4 * across + 2, count, channels)
    page.fill(0)
    page[margin : margin + images.shape[1], margin : margin + images.shape[2]] = images.transpose(1, 2, 0, 3)
    # Six rows of the page at a time, then six columns of what became of them; neighbours share two.
    rows = _SCRATCH("strips", down, 6, 4 * across + 2, count * channels)
    for tile in range(down):
        six = page[4 * tile : 4 * tile + 6]
        np.matmul(_PICTURE, six.reshape(6, -1), out=rows[tile].reshape(6, -1))
    seen = _SCRATCH("seen", 6, 6, down, across, count * channels)
    for tile in range(across):
        six = rows[:, :, 4 * tile : 4 * tile + 6]
        np.matmul(_PICTURE, six, out=seen[:, :, :, tile].transpose(2, 0, 1, 3))
    products = _SCRATCH("products", 36, down * across * count, filters)
    np.matmul(seen.reshape(36, -1, channels), transformed, out=products)
    products[7] += bias  # on its way back, number 7 is added once to each of the 4 x 4 results
    # Back to 4 x 4 in the same two steps, the second of which puts the tiles side by side.
    strips = np.matmul(_BACK, products.reshape(6, -1), out=_SCRATCH("strips", 4, products.size // 6))
    strips = strips.reshape(4, 6, down, across, -1).transpose(2, 0, 3, 1, 4)
    results = np.matmul(_BACK, strips, out=memory(down, 4, across, 4, count * filters))
    return results.reshape(4 * down, 4 * across, count, filters)[:height, :width].transpose(2, 0, 1, 3)


class _Scratch(threading.local):
    """Memory for what lies between two steps, kept by each thread: new memory takes as long to get as to fill."""

    def __init__(self):
        self._kept: dict[str, np.ndarray] = {}

    def __call__(self, name: str, *shape: int) -> np.ndarray:
        """Return an array of float32 that holds anything, until the same name is asked for again."""
        size = math.prod(shape)
        if size > SCRATCH:
            return np.empty(shape, "float32")
        if name not in self._kept or self._kept[name].size < size:
            self._kept[name] = np.empty(size, "float32")
        return self._kept[name][:size].reshape(shape)


_SCRATCH = _Scratch()
#: Where a chain of layers puts the results of its convolutions: the next one has read them before it writes its own.
_RESULTS = functools.partial(_SCRATCH, "results")


def convolve_depthwise(
    images: np.ndarray,
    kernel: np.ndarray,
    bias: np.ndarray | float = 0.0,
    *,
    strides: Sequence[int] = (1, 1),
    padding: str = "same",
) -> np.ndarray:
    """Move over each channel a filter of its own: kernel of shape (rows, columns, channels, 1), else as `convolve`."""
    places = _places(images, kernel.shape[:2], strides, padding)
    weights = kernel.reshape(len(places), -1)
    return sum(place * weight for place, weight in zip(places, weights, strict=True)) + bias


def max_pool(images: np.ndarray, size: Sequence[int], strides: Sequence[int], padding: str = "valid") -> np.ndarray:
    """Keep the largest value of every window.

    Examples
    --------
    >>> max_pool(np.arange(16.0).reshape(1, 4, 4, 1), (2, 2), (2, 2))[0, :, :, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    # Place by place in the window: a few comparisons of large arrays, instead of many of small ones.
    return functools.reduce(np.maximum, _places(images, size, strides, padding, fill=-np.inf))


def average_pool(images: np.ndarray, size: Sequence[int], strides: Sequence[int], padding: str = "valid") -> np.ndarray:
    """Average every window; the frame of "same" does not count."""
    return sum(_places(images, size, strides, padding)) / sum(
        _places(np.ones_like(images[:1, :, :, :1]), size, strides, padding)
    )


def fold(
    gamma: np.ndarray | float, beta: np.ndarray | float, mean: np.ndarray, variance: np.ndarray, epsilon: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return what is left of batch normalisation after training: a factor and a summand for each channel.

    gamma * (x - mean) / sqrt(variance + epsilon) + beta is the same as x * factor + summand.
    """
    factor = gamma / np.sqrt(variance + epsilon)
    return factor, beta - mean * factor


class Network:
    """A chain of layers, from images to probabilities.

    Batch normalisation right after a convolution or a dense layer costs nothing: its factor goes into the kernel and
    its summand into the bias (`fold`).

    Parameters
    ----------
    layers : sequence of dict
        For each layer its ``kind``, the options that `OPTIONS` names for the kind, and the names of its ``weights``.
        `hcr_lib.networks.weights.save` makes them from a Keras model.
    arrays : sequence of ndarray
        All weights, layer by layer, as ``model.get_weights`` orders them.

    Raises
    ------
    ValueError
        If a layer is of an unknown kind, or the weights are not as many as the layers name.
    """

    def __init__(self, layers: Sequence[Mapping[str, Any]], arrays: Sequence[np.ndarray]):
        remaining, chain = list(arrays), []
        for layer in layers:
            if layer["kind"] not in OPTIONS:
                raise ValueError(f"a layer must be one of {', '.join(OPTIONS)}; got {layer['kind']!r}.")
            names = layer["weights"]
            if len(remaining) < len(names):
                raise ValueError(f"the layers need more weights than the {len(arrays)} that there are.")
            own, remaining = dict(zip(names, remaining, strict=False)), remaining[len(names) :]
            if layer["kind"] == "BatchNormalization":
                scale = fold(
                    own.get("gamma", 1.0), own.get("beta", 0.0), own["moving_mean"], own["moving_variance"],
                    layer["epsilon"],
                )  # fmt: skip
                if chain and "kernel" in chain[-1][1] and chain[-1][0]["activation"] == "linear":
                    chain[-1] = chain[-1][0], _scaled(*chain[-1], *scale)
                else:
                    chain.append((layer, dict(zip(("factor", "summand"), scale, strict=True))))
            elif layer["kind"] == "MaxPooling2D" and chain and chain[-1][0]["kind"] == "ReLU":
                chain.insert(-1, (layer, own))  # the larger of two is as large in either order, with less to do in this
            else:
                chain.append((layer, own))
        if remaining:
            raise ValueError(f"the layers need fewer weights than the {len(arrays)} that there are.")
        self._steps = [step for layer, own in chain for step in _steps(layer, own)]

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the network's answers.

        Parameters
        ----------
        images : ndarray of shape (n, height, width)
            Ink: uint8 up to 255, or float32 up to 1.

        Returns
        -------
        ndarray of float32, shape (n, classes)
        """
        chunks = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)] or [images]
        # Chunks side by side use the cores better than one multiplication spread over all of them, which besides
        # comes to a standstill as soon as another program wants a core.
        with _ONE_AT_A_TIME, _libraries().limit(limits=1):
            if len(chunks) == 1:
                return self._answers(images)
            with ThreadPoolExecutor(cpu_count()) as pool:
                return np.concatenate(list(pool.map(self._answers, chunks)))

    def _answers(self, images: np.ndarray) -> np.ndarray:
        values = images[..., None] / np.float32(255) if images.dtype == np.uint8 else images[..., None]
        for step in self._steps:
            values = step(values)
        return values.copy()  # the next images are computed in the same memory


#: The number of threads of a matrix multiplication is a setting of the whole process.
_ONE_AT_A_TIME = threading.Lock()
_libraries = functools.cache(ThreadpoolController)


def _scaled(
    layer: Mapping[str, Any], own: Mapping[str, np.ndarray], factor: np.ndarray, summand: np.ndarray
) -> dict[str, np.ndarray]:
    """Put a factor and a summand for each output into a layer's weights."""
    per_output = factor[:, None] if layer["kind"] == "DepthwiseConv2D" else factor
    return {"kernel": own["kernel"] * per_output, "bias": own.get("bias", 0.0) * factor + summand}


def _steps(layer: Mapping[str, Any], own: Mapping[str, np.ndarray]) -> list[Callable[[np.ndarray], np.ndarray]]:
    """Return the functions that do what a layer does, one after the other."""
    kernel, bias = own.get("kernel"), own.get("bias", np.float32(0))
    activation = ACTIVATIONS[layer.get("activation", "linear")]
    places = {key: layer[key] for key in ("strides", "padding") if key in layer}
    match layer["kind"]:
        case "Conv2D":
            if kernel.shape[:2] == (3, 3) and layer["strides"] == [1, 1] and min(kernel.shape[2:]) >= ENOUGH_CHANNELS:
                kernel = transform_kernel(kernel)
                return [lambda x: convolve_3x3(x, kernel, bias, padding=layer["padding"], memory=_RESULTS), activation]
            return [lambda x: convolve(x, kernel, bias, **places, memory=_RESULTS), activation]
        case "DepthwiseConv2D":
            return [lambda x: convolve_depthwise(x, kernel, bias, **places), activation]
        case "Dense":
            return [lambda x: x @ kernel + bias, activation]
        case "BatchNormalization":
            return [lambda x: x * own["factor"] + own["summand"]]
        case "MaxPooling2D":
            return [lambda x: max_pool(x, layer["pool_size"], **places)]
        case "AveragePooling2D":
            return [lambda x: average_pool(x, layer["pool_size"], **places)]
        case "GlobalAveragePooling2D":
            return [lambda x: x.mean(axis=(1, 2))]
        case "Flatten":
            return [lambda x: x.reshape(len(x), math.prod(x.shape[1:]))]
        case "ReLU":
            return [relu]
        case "Softmax":
            return [softmax]
        case "Activation":
            return [activation]
        case _:  # dropout is for training
            return []
