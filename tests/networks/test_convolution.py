"""Convolution as one product of matrices: the definition, signal processing and Keras agree with it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate

from hcr_lib._tf import tf
from hcr_lib.networks import convolution

sides = st.integers(1, 5)


def by_definition(images, kernels, biases):
    """Seven loops: over images, rows, columns and kernels here, over the values of a window in the sum."""
    height, width, _, count = kernels.shape
    rows, columns = images.shape[1] - height + 1, images.shape[2] - width + 1
    result = np.empty((len(images), rows, columns, count))
    for n, row, column, kernel in np.ndindex(result.shape):
        window = images[n, row : row + height, column : column + width]
        result[n, row, column, kernel] = (window * kernels[..., kernel]).sum() + biases[kernel]
    return result


def random(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


@settings(max_examples=30)
@given(sides, sides, st.integers(5, 8), st.integers(5, 8), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2))
def test_is_the_sum_over_each_window(height, width, rows, columns, channels, count, number):
    images, kernels = random(0, number, rows, columns, channels), random(1, height, width, channels, count)
    biases = random(2, count)
    result = convolution.convolve(images, kernels, biases, padding="valid")
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, by_definition(images, kernels, biases), atol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (3, 3), (5, 3), (2, 4)], ids=str)
def test_padding_keeps_the_size_and_lies_where_keras_has_it(size):
    images, kernels = random(0, 2, 9, 8, 3), random(1, *size, 3, 4)
    expected = tf.nn.conv2d(images, kernels, strides=1, padding="SAME").numpy()
    np.testing.assert_allclose(convolution.convolve(images, kernels), expected, atol=1e-4)


def test_is_what_signal_processing_calls_correlation():
    image, kernel = random(0, 9, 8), random(1, 3, 2)
    ours = convolution.convolve(image[None, :, :, None], kernel[:, :, None, None], padding="valid")
    np.testing.assert_allclose(ours[0, :, :, 0], correlate(image, kernel, "valid"), atol=1e-5)


def test_whole_numbers_do_not_overflow():
    image = np.full((1, 3, 3, 1), 255, "uint8")
    assert convolution.convolve(image, np.ones((3, 3, 1, 1), "uint8"), padding="valid").item() == 9 * 255


@pytest.mark.parametrize(
    ("shape", "options", "message"),
    [
        ((1, 5, 5, 4), {}, r"kernels for 2 channels do not fit images of shape \(1, 5, 5, 4\)"),
        ((1, 2, 5, 2), {"padding": "valid"}, "window shape cannot be larger"),
        ((1, 5, 5, 2), {"padding": "full"}, "padding must be one of same, valid; got 'full'"),
    ],
)
def test_what_does_not_fit_is_refused(shape, options, message):
    with pytest.raises(ValueError, match=message):
        convolution.convolve(np.ones(shape), np.ones((3, 3, 2, 1)), **options)
