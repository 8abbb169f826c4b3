"""What is refused, and whether the message says what was expected, what was found and what to do."""

import numpy as np
import pytest

from hcr_lib import _validate


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((2, 28, 28)), r"shape \(height, width\); got shape \(2, 28, 28\).*image\[0\]"),
        (np.zeros(5), r"got shape \(5,\)"),
        (np.zeros((0, 5)), "at least one pixel"),
        (np.full((2, 2), 255, "uint8"), "from 255 to 255. Divide 8-bit images by 255"),
        (np.full((2, 2), -0.1), "between 0 .paper. and 1"),
        (np.array([[0, np.nan]]), "from nan to nan"),
        (np.array([[0, np.inf]]), "from 0 to inf"),
        (np.ma.array(np.zeros((2, 2)), mask=[[0, 1], [1, 0]]), r"2 masked entries.*image\.filled"),
    ],
)
def test_images_that_are_no_ink(image, message):
    with pytest.raises(ValueError, match=message):
        _validate.ensure_gray_image(image)


def test_ink_comes_back_as_a_float_copy():
    ink = np.eye(3)
    checked = _validate.ensure_gray_image(ink)
    checked[:] = 0
    assert checked.dtype == np.float32
    assert ink.trace() == 3, "the caller's array stays as it was"


def test_a_float32_image_is_not_changed_behind_the_callers_back():
    ink = np.eye(3, dtype="float32")
    _validate.ensure_gray_image(ink)[:] = 0
    assert ink.trace() == 3


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((28, 28), "uint8"), r"images\[None\]"),
        (np.zeros((3, 28, 27), "uint8"), r"shape \(n, 28, 28\); got shape \(3, 28, 27\)"),
        (np.zeros((3, 28, 28)), "must be uint8 .*got float64"),
        (np.ma.array(np.zeros((1, 28, 28), "uint8"), mask=True), "784 masked entries"),
    ],
)
def test_stored_images_of_another_form(images, message):
    with pytest.raises(ValueError, match=message):
        _validate.ensure_uint8_images(images)


@pytest.mark.parametrize(
    ("labels", "length", "message"),
    [
        ([0, 10], None, "between 0 and 9; got 0 to 10.*EMNIST"),
        ([-1], None, "got -1"),
        ([0.0, 1.0], None, "whole numbers; got float64"),
        (["a"], None, "to_labels"),
        (np.eye(10), None, "argmax"),
        ([1, 2], 3, "expected 3, got 2"),
        (np.ma.array([1, 2], mask=[0, 1]), None, "1 masked entries"),
    ],
)
def test_labels_that_do_not_fit(labels, length, message):
    with pytest.raises(ValueError, match=message):
        _validate.ensure_labels(labels, 10, length=length)


def test_a_masked_array_that_hides_nothing_is_an_array():
    assert _validate.ensure_labels(np.ma.array([1, 2], mask=False), 10).tolist() == [1, 2]


def test_no_labels_are_labels():
    empty = _validate.ensure_labels([], 10)
    assert (empty.shape, empty.dtype) == ((0,), np.int64)


def test_a_choice_names_all_choices():
    assert _validate.ensure_choice("a", "ab", name="letter") == "a"
    with pytest.raises(ValueError, match="letter must be one of a, b; got 'c'"):
        _validate.ensure_choice("c", "ab", name="letter")
