"""The renderer: what a stroke looks like, wherever it comes from."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib import pen

POINTS = st.lists(st.tuples(st.floats(-500, 500), st.floats(-500, 500)), min_size=1, max_size=8)
DRAWINGS = st.lists(POINTS, min_size=1, max_size=4)


def test_a_single_point_is_a_round_dot():
    ink = pen.render([[[50, 50]]], size=100, half_width=20)
    assert ink[50, 50] == 1
    assert ink.sum() == pytest.approx(np.pi * 20**2, rel=0.06)
    assert ink[31, 31] == 0, "the nib is round, not square"


def test_no_strokes_are_blank_paper():
    for nothing in ([], [[]], [np.empty((0, 2))]):
        ink = pen.render(nothing, size=50)
        assert (ink.shape, ink.dtype, ink.max()) == ((50, 50), np.float32, 0)


@pytest.mark.parametrize("half_width", [1, 4, 10, 18])
@pytest.mark.parametrize("angle", [0, 30, 45, 90])
def test_the_line_is_as_wide_as_the_pen(half_width, angle):
    along = 150 * np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    ink = pen.render([[200 - along, 200 + along]], half_width=half_width)
    covered = 300 * 2 * half_width + np.pi * half_width**2
    assert ink.sum() / covered * 2 * half_width == pytest.approx(2 * half_width, abs=1)


def test_x_is_right_and_y_is_down():
    ink = pen.render_page([[[70, 10]]], (50, 100), half_width=3)
    assert ink.shape == (50, 100)
    assert ink[10, 70] == 1


@given(DRAWINGS, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_neither_the_order_of_strokes_nor_their_direction_matters(drawing, random):
    other = [stroke[::-1] for stroke in drawing]
    random.shuffle(other)
    assert np.abs(pen.render(drawing, 100, 5) - pen.render(other, 100, 5)).mean() < 0.002


@given(DRAWINGS)
@settings(max_examples=25)
def test_ink_lies_between_zero_and_one_also_when_strokes_leave_the_page(drawing):
    ink = pen.render(drawing, 60, 4)
    assert 0 <= ink.min() <= ink.max() <= 1


@given(DRAWINGS)
def test_fit_keeps_the_aspect_and_the_margins(drawing):
    fitted = pen.scale_to(drawing, size=400, margin=60)
    before, after = np.concatenate([np.array(stroke) for stroke in drawing]), np.concatenate(fitted)
    extent, fitted_extent = np.ptp(before, axis=0), np.ptp(after, axis=0)
    np.testing.assert_allclose((after.max(axis=0) + after.min(axis=0)) / 2, 200, atol=1e-6)
    if extent.max() > 1e-6:
        assert fitted_extent.max() == pytest.approx(280)
        np.testing.assert_allclose(fitted_extent * extent.max(), extent * 280, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("drawing", "bounds"), [([[[0, 0], [10, 2]]], (20, 34, 180, 66)), ([[[1, 1], [2, 9]]], (96.25, 20, 103.75, 80))]
)
def test_a_drawing_fits_a_pad_of_any_shape(drawing, bounds):
    assert pen.bounds(pen.scale_to(drawing, (100, 200), 20)) == pytest.approx(bounds)


def test_a_single_point_is_centred():
    assert pen.scale_to([[[3, 4]]], size=100)[0].tolist() == [[50, 50]]


@pytest.mark.parametrize("draw", [pen.render, pen.scale_to, pen.bounds])
@pytest.mark.parametrize("stroke", [[[0, np.nan]], [[np.inf, 1]], [[1, 2, 3]], [1, 2]])
def test_what_is_no_stroke_is_refused(draw, stroke):
    with pytest.raises(ValueError, match=r"finite points of shape \(n, 2\).*stroke 1 has shape.*list of strokes"):
        draw([[[0, 0], [9, 9]], stroke])


@pytest.mark.parametrize("half_width", [0, -1, np.nan])
def test_a_pen_needs_a_width(half_width):
    with pytest.raises(ValueError, match="half_width must be more than 0"):
        pen.render([[[1, 1]]], half_width=half_width)


def test_an_empty_drawing_has_no_bounds():
    with pytest.raises(ValueError, match=r"empty; expected at least one point. Draw something"):
        pen.bounds([])


def test_a_width_for_each_point_is_the_pen_pressed_more_and_less():
    line = [[[20, 50], [180, 50]]]
    same = pen.render(line, 200, [[6, 6]])
    np.testing.assert_array_equal(same, pen.render(line, 200, 6))
    wedge = pen.render(line, 200, [[2, 14]])
    widths = wedge.sum(axis=0)[30:170]
    assert (np.diff(widths) > -1).all(), "it only widens"
    assert widths[0] == pytest.approx(4, abs=2)
    assert widths[-1] == pytest.approx(26, abs=3)


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ([[3, 3, 3]], "one for each point"),
        ([[3, 3], [3]], "one for each point"),
        ([[3, 0]], "more than 0 and at most 100 pixels"),
    ],
)
def test_widths_that_do_not_fit_the_strokes_are_refused(widths, message):
    with pytest.raises(ValueError, match=message):
        pen.render([[[0, 0], [9, 9]]], 100, widths)


LONG = np.random.default_rng(0).uniform(0, 400, (50_000, 2))


@pytest.mark.parametrize(
    ("strokes", "shape", "half_width", "message"),
    [
        ([[[1, 1]]], (40, 10**9), 5, r"1 to 20,000,000 pixels; got 40 x 1000000000"),
        ([[[1, 1]]], (0, 40), 5, "1 to 20,000,000 pixels"),
        ([[[1, 1]]], (400, 400), 10_000, "at most 400 pixels, the longer side of the page; got 10000"),
        ([[[1, 1]]], (400, 400), [[np.inf]], "at most 400 pixels"),
        ([np.zeros((1_000_000, 2))], (400, 400), 5, "at most 100,000 points; got 1,000,000"),
        ([LONG], (400, 400), 100, r"half-width 100 is too wide for 50,000 points"),
    ],
)
def test_more_than_a_hand_could_draw_is_refused_at_once(strokes, shape, half_width, message):
    start = time.perf_counter()
    with pytest.raises(ValueError, match=message):
        pen.render_page(strokes, shape, half_width)
    assert time.perf_counter() - start < 1


def test_a_page_full_of_writing_with_a_wide_pen_is_no_more_than_that():
    way = np.stack([np.linspace(0, 300 * 2 * np.pi, 10_000), np.zeros(10_000)], axis=1)
    way = 500 + 450 * np.stack([np.sin(1.01 * way[:, 0]), np.cos(way[:, 0])], axis=1)
    assert pen.render_page([way], (1000, 1000), 10).max() == 1
