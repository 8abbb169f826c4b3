"""The recipe step by step: whole it is `to_mnist`, and leaving a step out undoes what the step is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib import images, pen
from hcr_lib.handwriting import random_style, write_char

NINE = list(images.STEPS)


# Drawn by hand, so that these tests do not change with the synthetic writers.
STROKES = {
    "1": [[[0, 0], [4, 100]]],
    "3": [[[0, 0], [60, 0], [30, 40], [60, 70], [30, 100], [0, 90]]],
    "5": [[[50, 0], [5, 0], [0, 45], [40, 45], [55, 70], [40, 100], [0, 95]]],
    "7": [[[0, 0], [70, 0], [55, 100]]],
    "i": [[[0, 0]], [[0, 30], [0, 100]]],
}


def drawing(char="5", half_width=7.0, margin=90, size=300, strokes=None):
    """A character as ink on a page, off its middle."""
    strokes = pen.scale_to(strokes or STROKES[char], size, margin)
    return pen.render([stroke + np.array([25, -30]) for stroke in strokes], size, half_width)


def photograph(ink, fall=0.5):
    """Dark ink on paper, with the light falling off to one corner, and grain."""
    down, across = np.mgrid[0 : 1 : ink.shape[0] * 1j, 0 : 1 : ink.shape[1] * 1j]
    light = 0.9 - fall / 2 * (down + across)
    grain = np.random.default_rng(0).normal(0, 0.01, ink.shape)
    return (255 * (light * (1 - 0.6 * ink) + grain).clip(0, 1)).round().astype("uint8")


def stored(picture, **settings):
    return images.trace(picture, **settings)["28 x 28"]


@settings(deadline=None, max_examples=40)
@given(
    st.sampled_from("0147BRgij"), st.integers(0, 10_000), st.floats(1.0, 16.0), st.integers(40, 130), st.integers(0, 2)
)
def test_with_every_step_it_is_to_mnist(char, seed, half_width, margin, kind):
    rng = np.random.default_rng(seed)
    strokes = write_char(char, random_style(rng), rng)
    ink = drawing(half_width=half_width, margin=margin, strokes=strokes)
    picture = (ink, 1 - ink, photograph(ink))[kind]
    np.testing.assert_array_equal((255 * stored(picture)).round(), images.to_mnist(picture))


@pytest.mark.parametrize("off", [*NINE, None])
def test_a_trace_is_ink_and_the_last_picture_is_28_by_28(off):
    steps = images.trace(photograph(drawing()), off=[off] if off else [])
    assert list(steps) == ["picture", *NINE[:-1], "28 x 28"]
    for step in steps.values():
        assert step.dtype == np.float32 and step.min() >= 0 and step.max() <= 1
    assert steps["28 x 28"].shape == (28, 28)


def test_without_flat_light_the_dark_corner_becomes_ink():
    photo = photograph(drawing(), fall=1.2)
    flat, fallen = images.trace(photo)["threshold"], images.trace(photo, off=["light"])["threshold"]
    assert flat[-60:, -60:].max() == 0 < fallen[-60:, -60:].mean()


def test_without_polarity_dark_ink_becomes_a_hole_and_light_ink_stays():
    ink = drawing()
    np.testing.assert_array_equal(stored(ink, off=["polarity"]), stored(ink))
    holes = images.trace(1 - ink, off=["polarity"])["threshold"]
    assert holes[0, 0] == 1
    np.testing.assert_array_equal(holes == 1, ink < 1 - images.THRESHOLD)


def test_without_a_threshold_greys_stay():
    ink = drawing()
    faint = np.where(np.indices(ink.shape)[1] < 20, 0.2, ink)  # a smudge along the left edge
    cut, kept = (images.trace(faint, off=off) for off in ([], ["threshold"]))
    assert cut["threshold"][:, :20].max() == 0 < kept["threshold"][:, :20].min()
    assert kept["crop"].shape[1] > cut["crop"].shape[1]
    assert set(np.unique(cut["threshold"])) == {0, 1}
    with pytest.raises(ValueError, match="between 0 and 1"):
        images.trace(ink, threshold=1.5)


def test_the_level_of_the_threshold_counts():
    soft = np.clip(drawing(half_width=12) * 0.5 + drawing(half_width=4) * 0.5, 0, 1)  # a faint halo
    wide, narrow = (images.trace(soft, threshold=level)["threshold"].sum() for level in (0.3, 0.7))
    assert wide > 1.5 * narrow


def test_without_removing_specks_the_crop_reaches_to_them():
    dusty = drawing()
    dusty[5:9, 5:9] = dusty[-9:-5, -9:-5] = 1
    clean, dirty = (images.trace(dusty, off=off)["crop"] for off in ([], ["specks"]))
    assert max(clean.shape) < 200 < min(dirty.shape)


def test_without_the_crop_the_character_gets_small():
    whole, small = stored(drawing()), stored(drawing(), off=["crop"])
    assert 0 < (small > 0.5).sum() < 0.5 * (whole > 0.5).sum()
    assert images.trace(drawing(), off=["crop"])["crop"].shape == drawing().shape
    # Without the crop nor the centre, it stays where it was on the page: up and to the right.
    rows, columns = np.nonzero(stored(drawing(), off=["crop", "centre"]))
    assert rows.mean() < 13 and columns.mean() > 14


def test_without_the_crop_a_thin_line_keeps_the_pen_that_its_size_needs():
    """Scaled to 20 pixels, the page is lower than the widened pen."""
    page = np.zeros((10, 400))
    page[4:6, 10:390] = 1
    assert np.ptp(np.flatnonzero(stored(page, off=["crop"]).any(axis=1))) >= 1


def test_without_aspect_the_character_fills_a_square():
    one = drawing("1", half_width=5)
    assert images.trace(one)["box"].shape[1] < 15
    assert images.trace(one, off=["aspect"])["box"].shape == (20, 20)


def test_without_the_box_there_is_no_margin():
    assert max(images.trace(drawing())["stroke"].shape) == 20
    filled = stored(drawing(), off=["box"])
    assert np.ptp(np.flatnonzero(filled.any(axis=1))) == 27


def test_without_stroke_width_a_thin_pen_stays_thin_and_a_normal_one_is_as_before():
    thin = drawing(half_width=1.5)
    assert stored(thin, off=["stroke"]).sum() < 0.7 * stored(thin).sum()
    normal = drawing(half_width=12)
    np.testing.assert_array_equal(stored(normal, off=["stroke"]), stored(normal))


def test_without_centring_the_box_is_in_the_middle_instead_of_the_ink():
    def middle(image):
        return np.array([(axis * image).sum() / image.sum() for axis in np.indices(image.shape)])

    seven = drawing("7", half_width=9)
    assert np.abs(middle(stored(seven)) - 13.5).max() < 0.6
    assert np.abs(middle(stored(seven, off=["centre"])) - 13.5).max() > 0.6


@pytest.mark.parametrize("off", [[first, second] for first in NINE for second in NINE if first < second])
def test_switches_work_together(off):
    assert stored(photograph(drawing("i", half_width=2)), off=off).max() > 0


def test_blank_paper_and_unknown_steps_are_refused():
    with pytest.raises(images.BlankImageError):
        images.trace(np.ones((50, 50)))
    with pytest.raises(ValueError, match=r"a step of the recipe must be one of light, .*; got 'cropp'"):
        images.trace(drawing(), off=["cropp"])


# --- the recipe without each step


def test_ablation_is_the_recipe_whole_and_without_each_step():
    drawings = [photograph(drawing(char)) for char in "357i"] + [1 - drawing("1", 3)]
    without = images.ablation(drawings)
    assert list(without) == ["whole recipe", *NINE]
    np.testing.assert_array_equal(without["whole recipe"], [images.to_mnist(one) for one in drawings])
    for step in NINE:
        assert (without[step].dtype, without[step].shape) == (np.uint8, (5, 28, 28))
        np.testing.assert_array_equal(without[step], [(255 * stored(one, off=[step])).round() for one in drawings])


def test_only_the_steps_asked_for_are_left_out():
    assert list(images.ablation(iter([drawing()]), steps=["crop"])) == ["whole recipe", "crop"]
    assert images.ablation([])["light"].shape == (0, 28, 28)


def test_a_drawing_without_ink_becomes_a_blank_image():
    without = images.ablation([np.ones((50, 50)), drawing()], steps=["light"])
    assert all(not both[0].any() and both[1].any() for both in without.values())


def test_an_unknown_step_cannot_be_left_out():
    with pytest.raises(ValueError, match="a step of the recipe"):
        images.ablation([drawing()], steps=["blur"])
