"""Normal forms: what leans stands up, what stands stays, nothing wraps round; every width becomes the one asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib.research.deskew import deskew, slant, stretch


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


def edges(image: np.ndarray) -> tuple[float, float]:
    """Return where a line of full ink begins and ends, to a fraction of a pixel: its rim counts by how dark it is."""
    row = image[13] / 255
    inked = row.nonzero()[0]
    return inked[0] + 1 - row[inked[0]], inked[-1] + row[inked[-1]]


@given(st.integers(1, 20), st.integers(0, 7), st.integers(6, 26))
def test_characters_of_every_width_become_as_wide_as_asked_and_stand_in_the_middle(before, left, width):
    image = np.zeros((1, 28, 28), "uint8")
    image[0, 4:24, left : left + before] = 255
    wide = stretch(image, width)[0]
    # Between two columns ink fades over one of the old pixels, which is now so much wider.
    start, end = edges(wide)
    assert end - start == pytest.approx(width, abs=max(1.0, width / before))
    assert start + end == pytest.approx(28, abs=0.1)
    assert wide.any(axis=1).nonzero()[0].tolist() == list(range(4, 24))


def test_a_pale_rim_does_not_count_as_width():
    image = np.zeros((1, 28, 28), "uint8")
    image[0, 4:24, 10:18] = 255
    rimmed = image.copy()
    rimmed[0, 4:24, [9, 18]] = 30
    assert np.abs(stretch(rimmed, 16).astype(int) - stretch(image, 16)).max() <= 30


def test_blank_paper_has_no_width_to_change():
    assert not stretch(np.zeros((2, 28, 28), "uint8"), 12).any()


@pytest.mark.parametrize("width", [0, 29])
def test_a_width_that_is_none_is_refused(width):
    with pytest.raises(ValueError, match=f"1 to 28; got {width}"):
        stretch(bar(0), width)
