"""What the figures show, read back from their Axes: titles, frames, pixels, bars and curves."""

from types import SimpleNamespace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from hcr_lib import metrics, plots

mpl.use("Agg")

IMAGES = np.random.default_rng(0).integers(0, 256, (5, 28, 28), dtype="uint8")


@pytest.fixture(autouse=True)
def _clean_up():
    with mpl.rc_context():
        yield
    plt.close("all")


def framed(ax):
    return all(spine.get_visible() for spine in ax.spines.values())


def test_every_picture_carries_its_own_image_and_title_and_only_mistakes_are_framed():
    axes = plots.show_images(IMAGES, [4, 1, 2, 3, 0], [9, 1, 2, 3, 0])
    assert [ax.get_title() for ax in axes] == ["4 read as 9", *(f"{k} read as {k}" for k in (1, 2, 3, 0))]
    assert [framed(ax) for ax in axes] == [True, False, False, False, False]
    for ax, image in zip(axes, IMAGES, strict=True):
        np.testing.assert_allclose(ax.images[0].get_array(), image / 255, rtol=1e-6)


def test_ink_is_black_on_white_in_hard_pixels():
    shown = plots.show_images(IMAGES)[0].images[0]
    assert (shown.get_cmap().name, shown.get_clim(), shown.get_interpolation()) == ("gray_r", (0, 1), "nearest")
    assert shown.to_rgba(np.array([0.0, 1.0]))[:, :3].tolist() == [[1, 1, 1], [0, 0, 0]]


def test_stored_images_and_ink_look_the_same():
    stored, ink = plots.show_images(IMAGES)[0], plots.show_images(IMAGES / 255)[0]
    np.testing.assert_allclose(stored.images[0].get_array(), ink.images[0].get_array(), rtol=1e-6)


def test_labels_become_characters():
    titles = [ax.get_title() for ax in plots.show_images(IMAGES, range(5), classes="VWXYZ")]
    assert titles == list("VWXYZ")
    titles = [ax.get_title() for ax in plots.show_images(IMAGES, list("abcde"), list("abcdE"))]
    assert titles[-1] == "e read as E"


@pytest.mark.parametrize(("n", "columns"), [(1, 10), (3, 2), (5, 5)])
def test_a_picture_for_each_image_and_nothing_in_the_cells_left_over(n, columns):
    axes = plots.show_images(IMAGES[:n], columns=columns)
    assert axes.shape == (n,)
    assert sum(bool(ax.images) for ax in axes[0].figure.axes) == n
    assert axes[0].figure.get_figwidth() == plots.WIDTH


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((IMAGES, [1, 2]), "labels must have one entry per image: expected 5, got 2"),
        ((IMAGES, range(5), [1]), "predictions must have one entry per image: expected 5, got 1"),
        ((IMAGES, None, range(5)), "without labels"),
        ((IMAGES[0],), r"images\[None\]"),
        ((IMAGES[:0],), "at least 1"),
        ((IMAGES.astype("float32"),), "Divide 8-bit images by 255"),
    ],
)
def test_what_does_not_fit_together_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.show_images(*arguments)


def test_steps_keep_their_order_and_tell_their_size():
    axes = plots.show_steps({"page": np.zeros((40, 30)), "stored": IMAGES[0]})
    assert [(ax.get_title(), ax.get_xlabel()) for ax in axes] == [("page", "40 x 30"), ("stored", "28 x 28")]
    with pytest.raises(ValueError, match="got none"):
        plots.show_steps({})


def test_strokes_are_drawn_with_y_down_and_numbered():
    ax = plots.show_strokes([[[0, 0], [10, 20]], [[5, 5]]])
    assert ax.yaxis_inverted()
    assert ax.lines[0].get_xydata().tolist() == [[0, 0], [10, 20]]
    assert [text.get_text() for text in ax.texts] == ["1", "2"]


def test_counts_are_the_bars():
    counts = pd.Series([3, 0, 5], index=list("ABC"))
    ax = plots.show_counts(SimpleNamespace(counts=counts))
    assert [bar.get_height() for bar in ax.patches] == [3, 0, 5]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == list("ABC")
    assert ax.get_title() == "8 images in 3 classes"


def test_confusion_shades_shares_of_the_row_and_counts_only_mistakes():
    labels, read = [0, 0, 0, 0, 1], [0, 0, 0, 2, 1]
    ax = plots.show_confusion(metrics.confusion(labels, read, 3), "4A9")
    shades = ax.collections[0].get_array().reshape(3, 3)
    np.testing.assert_allclose(shades, [[0.75, 0, 0.25], [0, 1, 0], [0, 0, 0]])  # no 9: a blank row, not NaN
    assert [(text.get_text(), *text.get_position()) for text in ax.texts] == [("1", 2.5, 0.5)]
    assert (ax.get_xlabel()[:7], ax.get_ylabel()) == ("read as", "true")
    assert [tick.get_text() for tick in ax.get_yticklabels()] == list("4A9")
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        plots.show_confusion(np.eye(3), "AB")


def test_calibration_bars_are_how_often_it_was_right():
    ax = plots.show_calibration([0, 0, 1], [[0.95, 0.05], [0.85, 0.15], [0.85, 0.15]])
    bars = [(bar.get_x(), bar.get_height()) for bar in ax.patches]
    np.testing.assert_allclose(bars, [(0.8, 0.5), (0.9, 1.0)])
    assert [text.get_text() for text in ax.texts] == ["2", "1"]


def test_a_window_is_framed_in_each_copy_and_its_size_stands_below():
    axes = plots.show_windows(IMAGES[0] / 255, {"near": (2, 3, 7, 8), "far": (0, 0, 28, 28)})
    assert [ax.get_title() for ax in axes] == ["near", "far"]
    assert [ax.get_xlabel() for ax in axes] == ["5 x 5", "28 x 28"]
    assert axes[0].patches[0].get_bbox().bounds == (1.5, 2.5, 5, 5)
    for ax in axes:
        np.testing.assert_allclose(ax.images[0].get_array(), IMAGES[0] / 255, rtol=1e-6)


RUNG = {"what": "linear", "error": 0.1, "low": 0.09, "high": 0.12, "published": 0.12, "source": "LeCun 1998"}


def drawn(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def test_the_ladder_shows_ours_with_its_interval_and_what_was_published():
    ours_alone = {"what": "ours", "error": 0.004, "low": 0.003, "high": 0.006, "published": None, "source": None}
    ax = plots.show_ladder([RUNG, ours_alone])
    assert drawn(ax, "ours").get_xydata().tolist() == [[0.1, 0], [0.004, 1]]
    assert drawn(ax, "published").get_xdata()[0] == 0.12 and np.isnan(drawn(ax, "published").get_xdata()[1])
    assert drawn(ax, "published").get_fillstyle() == "none" != drawn(ax, "ours").get_fillstyle()
    assert [bar.tolist() for bar in ax.collections[0].get_segments()] == [
        [[0.09, 0], [0.12, 0]],
        [[0.003, 1], [0.006, 1]],
    ]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["linear", "ours"]
    said = [text.get_text() for text in ax.texts]
    assert said == ["ours", "10.00 %", "0.40 %", "published (open)", "12.00 % LeCun 1998", ""]
    assert (ax.get_xscale(), ax.get_legend()) == ("log", None)
    assert ax.get_ylim()[0] > ax.get_ylim()[1], "the first row is on top"


def test_a_ladder_may_be_incomplete():
    ax = plots.show_ladder([{"what": "published only", "published": 0.05, "source": "somebody"}, RUNG])
    assert np.isnan(drawn(ax, "ours").get_xdata()[0])
    without = pd.DataFrame([RUNG])[["what", "error", "low", "high"]]
    assert [text.get_text() for text in plots.show_ladder(without).texts] == ["ours", "10.00 %"]
    with pytest.raises(ValueError, match="at least one method"):
        plots.show_ladder([])


def test_no_error_at_all_is_drawn_at_the_edge_of_the_logarithm():
    ax = plots.show_ladder([RUNG, {"what": "perfect", "error": 0.0, "low": 0.0, "high": 0.02}])
    left, right = ax.get_xlim()
    assert 0 < left < 0.02 and right > 0.12
    assert drawn(ax, "ours").get_xdata()[1] == left
    assert "0.00 %" in [text.get_text() for text in ax.texts]


def test_reading_boxes_lie_round_the_characters():
    page = np.zeros((40, 60))
    found = [SimpleNamespace(char="4", box=(5, 10, 20, 30)), SimpleNamespace(char="2", box=(30, 10, 50, 30))]
    ax = plots.show_reading(page, SimpleNamespace(text="42", characters=found))
    assert ax.get_title() == "42"
    assert [box.get_bbox().bounds for box in ax.patches] == [(4.5, 9.5, 15, 20), (29.5, 9.5, 20, 20)]
    assert [text.get_text() for text in ax.texts] == ["4", "2"]


def test_only_use_style_touches_the_settings_and_axes_given_are_used():
    before = dict(mpl.rcParams)
    _, ax = plt.subplots()
    assert plots.show_confusion(np.eye(2, dtype=int), "AB", ax=ax) is ax
    assert dict(mpl.rcParams) == before
    plots.use_style()
    assert mpl.rcParams["figure.figsize"] == [plots.WIDTH, 3.0]
    assert mpl.rcParams["image.cmap"] == "gray_r"


def test_wide_strips_stand_close_together():
    square, wide = (plots.show_images(np.zeros((8, 28, width)), list("abcdefgh"), columns=4) for width in (28, 112))
    assert wide[0].figure.get_figheight() < 0.6 * square[0].figure.get_figheight()
