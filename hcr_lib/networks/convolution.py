"""A convolution as one product of matrices. First used in notebook 03, beside the loops that it replaces."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from hcr_lib._validate import ensure_choice


def convolve(
    images: np.ndarray, kernels: np.ndarray, biases: np.ndarray | float = 0.0, *, padding: str = "same"
) -> np.ndarray:
    """Slide kernels over images: all windows at once, as one product of two matrices (im2col).

    By definition this takes seven nested loops. Here each window becomes a row of one matrix and each kernel a column
    of another; their product holds the sum of every window with every kernel. As everywhere in deep learning, kernels
    are not flipped: in signal processing this is called cross-correlation.

    Parameters
    ----------
    images : array_like, shape (n, rows, columns, channels)
    kernels : array_like, shape (kernel rows, kernel columns, channels, kernels)
    biases : array_like of shape (kernels,), or float
    padding : {"same", "valid"}
        Surround the images with zeros, so that they keep their size; or leave out windows that would stick out.

    Returns
    -------
    ndarray of float32, shape (n, new rows, new columns, kernels)

    Raises
    ------
    ValueError
        If kernels and images differ in their number of channels, or a kernel does not fit into an image.

    References
    ----------
    K. Chellapilla, S. Puri and P. Simard, "High performance convolutional neural networks for document processing",
    IWFHR 2006.

    Examples
    --------
    >>> edge = np.zeros((1, 3, 4, 1)); edge[:, :, 2:] = 1
    >>> convolve(edge, np.array([-1, 1]).reshape(1, 2, 1, 1), padding="valid")[0, :, :, 0]
    array([[0., 1., 0.],
           [0., 1., 0.],
           [0., 1., 0.]], dtype=float32)
    """
    images, kernels = np.asarray(images, "float32"), np.asarray(kernels, "float32")
    ensure_choice(padding, ("same", "valid"), name="padding")
    *size, channels, _ = kernels.shape
    if images.shape[-1] != channels:
        raise ValueError(f"kernels for {channels} channels do not fit images of shape {images.shape}.")
    if padding == "same":  # an even kernel has one more row below than above, as in Keras
        images = np.pad(images, [(0, 0), *(((side - 1) // 2, side // 2) for side in size), (0, 0)])
    windows = sliding_window_view(images, size, axis=(1, 2))  # (n, new rows, new columns, channels, *size)
    # `tensordot` makes the two matrices: it flattens the axes that are summed over, and multiplies.
    return np.tensordot(windows, kernels, axes=((4, 5, 3), (0, 1, 2))) + np.asarray(biases, "float32")
