"""Deskewing: what leans stands up, what stands stays, nothing wraps round."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib.deskew import deskew, slant


def bar(lean: float, middle: float = 13.5, width: float = 3.0) -> np.ndarray:
    """Draw a soft bar, uint8 (1, 28, 28), that goes `lean` pixels to the right for every pixel up."""
    image = np.zeros((1, 28, 28))
    for row in range(4, 24):
        centre = middle - lean * (row - 13.5)
        image[0, row] = np.clip((width + 1) / 2 - abs(np.arange(28) - centre), 0, 1)
    return (255 * image).round().astype("uint8")


leans = st.floats(-0.8, 0.8)


@given(leans, st.floats(12, 15))
def test_a_sheared_bar_comes_back_upright(lean, middle):
    crooked = bar(lean, middle)
    assert slant(crooked / 255)[0] == pytest.approx(lean, abs=0.02)
    straight = deskew(crooked)
    assert slant(straight / 255)[0] == pytest.approx(0, abs=0.03)
    assert np.abs(straight.astype(int) - bar(0, middle)).max() < 0.35 * 255  # soft edges, a little softer


@given(leans)
def test_no_ink_is_lost_or_moved_as_a_whole(lean):
    crooked = bar(lean)
    straight = deskew(crooked)
    assert int(straight.sum()) == pytest.approx(int(crooked.sum()), rel=0.01)
    columns = np.arange(28)
    middle = [image.sum(axis=(0, 1)) @ columns / image.sum() for image in (crooked, straight)]
    assert middle[0] == pytest.approx(middle[1], abs=0.1)


def test_what_stands_upright_stays_as_it_is():
    assert (deskew(bar(0)) == bar(0)).all()


def test_blank_paper_stays_blank_and_order_is_kept():
    images = np.concatenate([np.zeros((1, 28, 28), "uint8"), bar(0.5), bar(-0.5)])
    together = deskew(images)
    assert not together[0].any()
    assert (together[1:] == np.concatenate([deskew(bar(0.5)), deskew(bar(-0.5))])).all()


def test_many_images_are_done_in_parts_without_a_seam():
    many = np.repeat(bar(0.4), 4001, axis=0)
    assert (deskew(many) == deskew(bar(0.4))).all()


def test_a_dash_is_not_torn_apart():
    dash = np.zeros((1, 28, 28), "uint8")
    dash[0, 13, 4:14] = dash[0, 14, 14:24] = 255
    assert deskew(dash)[0].any(axis=1).nonzero()[0].tolist() == [13, 14]
    assert np.ptp(deskew(dash)[0].any(axis=0).nonzero()[0]) > 15


@pytest.mark.parametrize("wrong", [np.zeros((28, 28), "uint8"), np.zeros((1, 28, 28))])
def test_other_shapes_and_types_are_refused(wrong):
    with pytest.raises(ValueError, match="images must"):
        deskew(wrong)
