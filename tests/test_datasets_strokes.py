"""Pen strokes: what a `StrokeDataset` refuses, draws and renders, and UNIPEN's prepared files."""

import re

import numpy as np
import pytest

from hcr_lib import datasets, pen, plots
from hcr_lib.datasets import StrokeDataset

# A cross of two strokes by writer 1, a dot by writer 2, a bar by writer 1.
FIELDS = {
    "points": np.array([[0, 0], [9, 9], [9, 0], [0, 9], [4, 4], [2, 0], [2, 5], [2, 9]], "int16"),
    "stroke_offsets": np.array([0, 2, 4, 5, 8]),
    "sample_offsets": np.array([0, 2, 3, 4]),
    "texts": np.array(["x", ".", "I"]),
    "writers": np.array(["1", "2", "1"]),
    "separable": np.array([True, False, True]),
}


def content(dataset):
    return [
        (text, [stroke.tolist() for stroke in strokes]) for text, strokes in zip(dataset.texts, dataset, strict=True)
    ]


WHOLE = content(StrokeDataset(**FIELDS))


def test_samples_are_drawings():
    marks = StrokeDataset(**FIELDS)
    assert WHOLE[0] == ("x", [[[0, 0], [9, 9]], [[9, 0], [0, 9]]])
    assert [len(strokes) for _, strokes in WHOLE] == [2, 1, 1]
    assert [stroke.tolist() for stroke in marks[-1]] == WHOLE[2][1] == [[[2, 0], [2, 5], [2, 9]]]
    assert pen.render(pen.scale_to(marks[1])).max() == 1
    assert len(plots.show_strokes(marks[0]).lines) == 2
    for number in (3, -4):
        with pytest.raises(IndexError, match="3 texts"):
            marks[number]


@pytest.mark.parametrize("rows", [[2, 0, 0], [1], [], [True, False, True], [-1]])
def test_what_is_taken_is_whole(rows):
    taken = StrokeDataset(**FIELDS).take(rows)
    expected = np.arange(3)[np.array(rows, dtype=None if rows else int)]
    assert content(taken) == [WHOLE[k] for k in expected]
    assert taken.separable.tolist() == FIELDS["separable"][expected].tolist()
    assert taken.writers.tolist() == FIELDS["writers"][expected].tolist()


def test_a_sample_is_drawn_without_repetition():
    marks = StrokeDataset(**FIELDS)
    assert sorted(marks.sample(3, np.random.default_rng(0)).texts) == [".", "I", "x"]
    assert content(marks.sample(2, np.random.default_rng(1))) == content(marks.sample(2, np.random.default_rng(1)))
    with pytest.raises(ValueError, match="n must lie between 0 and the 3"):
        marks.sample(4, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"points": np.zeros((8, 3))}, "points must be finite numbers of shape (p, 2)"),
        ({"points": np.full((8, 2), np.nan)}, "points must be finite"),
        ({"points": np.full((8, 2), "1")}, "got <U1 of shape (8, 2)"),
        ({"stroke_offsets": [0, 2, 4, 5, 9]}, "stroke_offsets must rise from 0 to the 8 points"),
        ({"stroke_offsets": [0, 2, 2, 5, 8]}, "Leave out what has no points"),
        ({"stroke_offsets": [0.0, 2.0, 4.0, 5.0, 8.0]}, "stroke_offsets must be whole numbers"),
        ({"sample_offsets": [1, 2, 3, 4]}, "sample_offsets must rise from 0 to the 4 strokes"),
        ({"sample_offsets": [0, 2, 4]}, "one entry more than there are texts, 4; got 3"),
        ({"writers": np.array(["1", "2"])}, "writers must be str of shape (3,)"),
        ({"writers": np.array([1, 2, 1])}, "writers must be str of shape (3,), one for each text; got int64"),
        ({"separable": np.array([0, 1, 1])}, "separable must be bool"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(changed, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        StrokeDataset(**{**FIELDS, **changed})


def test_images_keep_texts_and_writers_of_the_classes_asked_for():
    images = StrokeDataset(**FIELDS).to_images("Ix")
    assert ("".join(images.chars), images.writers.tolist()) == ("xI", ["1", "1"])
    assert images.images[1][:, :10].max() == 0 < images.images[0][:, :10].max(), "a cross is wider than a bar"


def saved(folder, **changed):
    """Write a prepared file of the three marks, whose y grows upwards, and a fourth by somebody in ``dev``."""
    fields = {
        "points": np.concatenate([FIELDS["points"] * [1, -1], [[0, 0]]]).astype("int16"),
        "stroke_offsets": np.array([0, 2, 4, 5, 8, 9]),
        "sample_offsets": np.array([0, 2, 3, 4, 5]),
        "labels": np.array(["x", ".", "I", ","]),
        "writer": np.array([1, 2, 1, 3]),
        "split": np.array(["train", "train", "train", "dev"]),
    }
    np.savez(folder / "unipen_chars.npz", **{**fields, **changed})


def test_prepared_strokes_come_by_part_with_y_down(tmp_path):
    saved(tmp_path)
    assert content(datasets.load_strokes("unipen-chars", data_dir=tmp_path)) == WHOLE
    val = datasets.load_strokes("unipen-chars", "val", data_dir=tmp_path)
    assert (val.texts.tolist(), val.writers.tolist()) == ([","], ["3"])
    assert len(datasets.load_strokes("unipen-chars", "all", data_dir=tmp_path)) == 4


def test_strokes_that_cannot_be_loaded_say_why(tmp_path):
    with pytest.raises(datasets.MissingDataError, match=r"10\.5281/zenodo\.1195803.*read_unipen"):
        datasets.load_strokes("unipen-words", data_dir=tmp_path)
    with pytest.raises(datasets.DataError, match="holds strokes, not images: load_strokes"):
        datasets.load("unipen-words")
    assert not any(name.startswith("unipen") for name in datasets.names()), "names are what load knows"
    saved(tmp_path, stroke_offsets=np.array([0, 2, 4, 5, 8, 99]))
    with pytest.raises(datasets.DataError, match="is not the prepared unipen-chars: stroke_offsets"):
        datasets.load_strokes("unipen-chars", data_dir=tmp_path)
    (tmp_path / "unipen_chars.npz").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(datasets.DataError, match="is not the prepared"):
        datasets.load_strokes("unipen-chars", data_dir=tmp_path)


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["unipen-chars", "unipen-lines"])
def test_nobody_is_in_two_parts(name, real_data):
    train, val = (datasets.load_strokes(name, part, data_dir=real_data) for part in ("train", "val"))
    assert not set(train.writers) & set(val.writers)
    assert len(train) > 4 * len(val) or name == "unipen-chars"
    assert len(train) + len(val) == len(datasets.load_strokes(name, "all", data_dir=real_data))
