"""The studies of real writers: what is counted, what gives an image away, how a pen is drawn."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from hcr_lib import datasets, labels, pen
from hcr_lib._tf import keras
from hcr_lib.handwriting import Style, write_char
from hcr_lib.research.studies import _real_writers, readable, shortcut, synthetic, with_synthetic
from hcr_lib.research.train_reader import PHASES


def certain(chars: str) -> np.ndarray:
    """Return the probabilities of a network that says these characters and nothing else."""
    return np.eye(62, dtype="float32")[labels.to_labels(chars, labels.BYCLASS)]


class TestCounting:
    @pytest.mark.parametrize(
        ("alphabet", "hits"),
        [("digits", [True]), ("letters", [True, False]), ("alnum", [True, True, False])],
    )
    def test_each_alphabet_is_asked_about_its_own_characters(self, alphabet, hits):
        """A capital read in small letters is right; the small a is shown to nobody here, so it is not counted."""
        right = _real_writers.hits(certain("4bXa"), np.array(list("4BKa")), alphabet)
        assert right.tolist() == hits

    def test_exact_case_counts_among_62(self):
        assert _real_writers.hits(certain("bB"), np.array(list("BB")), "byclass").tolist() == [False, True]

    def test_small_letters_may_be_shown_as_their_capitals(self):
        assert _real_writers.merged_hits(certain("aB"), np.array(list("aC")), "alnum").tolist() == [True, False]

    def test_a_share_is_ready_for_a_record(self):
        found = _real_writers.share(np.array([True, True, False, True]))
        assert found == json.loads(json.dumps(found))
        assert (found["right"], found["count"]) == (0.75, 4)
        assert found["low"] < 0.75 < found["high"]


@pytest.fixture(scope="module")
def halves():
    """Two halves of the bundled handwriting, eight images a class each."""
    sample = datasets.load("bundled", "train")
    numbers = [np.flatnonzero(sample.labels == k)[:16] for k in range(62)]
    return (
        sample.take(np.concatenate([own[:8] for own in numbers])),
        sample.take(np.concatenate([own[8:] for own in numbers])),
    )


class TestDistinguished:
    def test_halves_of_one_set_cannot_be_distinguished(self, halves):
        assert synthetic.distinguished(*halves)["right"] < 0.6

    def test_a_softer_half_can_and_its_edges_give_it_away(self, halves):
        first, second = halves
        soft = gaussian_filter(second.images.astype("float32"), (0, 1, 1)).round().astype("uint8")
        found = synthetic.distinguished(first, replace(second, images=soft))
        cues = found["area_under_curve_of_each_cue"]
        assert found["right"] > 0.8
        assert next(iter(cues)) == "softness of the edges"
        assert cues["softness of the edges"] > 0.9
        assert json.loads(json.dumps(found)) == found

    def test_statistics_of_slant_shape_and_ink_point_the_right_way(self):
        leaning = np.zeros((2, 28, 28), "float32")
        for row in range(4, 24):
            leaning[0, row, 13:15] = 1
            leaning[1, row, 22 - row // 2 : 24 - row // 2] = 1
        shape = synthetic._shape(leaning)
        assert shape["slant"][0] == pytest.approx(0, abs=0.01)
        assert shape["slant"][1] == pytest.approx(0.5, abs=0.05), "to the right is positive"
        assert shape["log of width by height"][0] == pytest.approx(np.log(2 / 20))
        assert shape["log of ink"][0] == pytest.approx(np.log(40 / 784))


def test_the_shortcuts_pens_differ_as_they_are_called():
    strokes = pen.scale_to(write_char("S", Style(), np.random.default_rng(0)))
    drawn = {name: shortcut._straight(strokes, *look) for name, look in shortcut.PENS.items()}
    assert {(image.shape, image.dtype.name) for image in drawn.values()} == {((28, 28), "uint8")}
    assert drawn["thick"].sum() > 1.5 * drawn["thin"].sum()
    grey = {name: ((image > 25) & (image < 230)).sum() / (image > 25).sum() for name, image in drawn.items()}
    assert grey["thin, out of focus"] > grey["thin"] > grey["thick"], "its edges are soft"


@pytest.mark.usefixtures("uncompiled")
def test_both_networks_read_the_same_pictures_for_each_seed(halves):
    first, second = halves
    sources = np.array_split(np.arange(len(first)), len(PHASES[0].sources))
    train = datasets.combine(
        *(
            datasets.Dataset(first.images[rows], first.labels[rows], first.classes, name)
            for name, rows in zip(PHASES[0].sources, sources, strict=True)
        )
    ).take(np.arange(0, len(first), 8))
    shown = {"some pens": _real_writers.Pictures(second.images[::8], second.chars[::8])}
    rows = with_synthetic.compare(train, second.take(np.arange(20)), shown, seeds=(0,), epochs=1, width=2)
    assert {(row["seed"], row["set"]) for row in rows} == {(0, "some pens")}
    assert [row["alphabet"] for row in rows] == ["digits", "letters", "alnum", "byclass"]
    assert rows[-1]["count"] == 62
    assert keras.config.dtype_policy().name == "float32", "half precision is for the study alone"


def test_readable_shows_each_character_equally_often(halves, tmp_path):
    first, _ = halves
    merged = first.merge_classes(labels.ALNUM).chars
    split = np.repeat("val", len(first))
    np.savez(tmp_path / "emnist.npz", images=first.images, chars=merged, case_chars=first.chars, split=split)
    (found,) = readable.study(tmp_path).values()
    assert found["count"] == 8 * 62
    assert 0.8 < found["right"] < 1
