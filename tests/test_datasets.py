"""The Dataset itself: what it refuses, and what its methods keep true."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import datasets
from hcr_lib.labels import ALNUM, BYCLASS, DIGITS, LETTERS


def made_up(labels, classes=DIGITS, writers=None):
    """Return a Dataset whose images can be told apart: image k carries k in its first two pixels."""
    images = np.zeros((len(labels), 28, 28), "uint8")
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(labels)) % 256, np.arange(len(labels)) // 256
    return datasets.Dataset(images, np.array(labels, "int64"), classes, "made up", writers)


some_labels = st.lists(st.integers(0, 9), max_size=50)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images": np.zeros((3, 28, 28))}, "must be uint8.*got float64.*255"),
        ({"images": np.zeros((3, 784), "uint8")}, r"shape \(n, 28, 28\); got shape \(3, 784\)"),
        ({"labels": [0, 1]}, "expected 3, got 2"),
        ({"labels": [0, 1, 10]}, "between 0 and 9; got 0 to 10"),
        ({"labels": [-1, 0, 1]}, "between 0 and 9; got -1 to 1"),
        ({"labels": np.eye(3, dtype=int)}, "argmax"),
        ({"labels": ["0", "1", "2"]}, "to_labels"),
        ({"classes": "0123456780"}, "each character once; 0 appears again"),
        ({"classes": ""}, "one character a label"),
        ({"writers": ["ann"]}, r"one entry an image, shape \(3,\); got \(1,\)"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_remedy(change, words):
    fitting = {"images": np.zeros((3, 28, 28), "uint8"), "labels": [0, 1, 2], "classes": DIGITS, "source": "made up"}
    with pytest.raises(ValueError, match=words):
        datasets.Dataset(**(fitting | change))


def test_it_cannot_be_changed_by_assignment():
    with pytest.raises(AttributeError):
        made_up([1]).labels = np.array([2])


def test_repr_says_how_many_of_what_from_where():
    assert repr(made_up([0, 1, 1], writers=["ann", "bob", "ann"])) == (
        "<Dataset: 3 images of 10 classes '0123456789' by 2 writers, from made up>"
    )


@given(some_labels)
def test_counts_add_up_and_name_every_class(labels):
    counts = made_up(labels).counts
    assert "".join(counts.index) == DIGITS
    assert counts.sum() == len(labels)
    assert all(counts[char] == labels.count(int(char)) for char in DIGITS)


@given(some_labels, st.data())
def test_take_keeps_image_label_and_writer_together(labels, data):
    whole = made_up(labels, writers=[f"writer {label}" for label in labels])
    indices = data.draw(st.lists(st.integers(0, len(labels) - 1))) if labels else []
    taken = whole.take(indices)
    assert taken.images[:, 0, 0].tolist() == indices
    assert "".join(taken.chars) == "".join(str(labels[k]) for k in indices)
    assert taken.writers.tolist() == [f"writer {labels[k]}" for k in indices]


def test_take_accepts_a_mask():
    assert made_up([1, 2, 3]).take([True, False, True]).labels.tolist() == [1, 3]


@given(some_labels, st.data())
def test_sample_draws_different_images_and_the_seed_decides(labels, data):
    n = data.draw(st.integers(0, len(labels)))
    first, again = (made_up(labels).sample(n, np.random.default_rng(5)) for _ in range(2))
    assert len(np.unique(first.images[:, 0, 0])) == len(first) == n
    assert np.array_equal(first.images, again.images)


def test_sample_says_when_there_are_too_few():
    with pytest.raises(ValueError, match="between 0 and the 2 images there are; got 3"):
        made_up([0, 1]).sample(3, np.random.default_rng(0))


def test_only_keeps_the_class_string():
    kept = made_up([0, 1, 2, 1]).only("12")
    assert (kept.labels.tolist(), kept.classes) == ([1, 2, 1], DIGITS)


def test_only_refuses_a_character_that_is_no_class():
    with pytest.raises(ValueError, match="'A'"):
        made_up([0]).only("A")


@pytest.mark.parametrize("target", [DIGITS, LETTERS, ALNUM, BYCLASS])
def test_fold_sends_each_character_to_itself_else_to_its_capital_else_nowhere(target):
    folded = made_up(range(62), BYCLASS).fold(target)
    sources = [BYCLASS[k] for k in folded.images[:, 0, 0]]
    for source, char in zip(sources, folded.chars, strict=True):
        assert char == (source if source in target else source.upper())
    assert set(BYCLASS) - set(sources) == {
        char for char in BYCLASS if char not in target and char.upper() not in target
    }


def test_combine_puts_one_behind_the_other_and_keeps_writers_only_if_all_are_known():
    named, unnamed = made_up([1, 2], writers=["ann", "bob"]), made_up([3])
    assert datasets.combine(named, unnamed).labels.tolist() == [1, 2, 3]
    assert datasets.combine(named, unnamed).writers is None
    assert datasets.combine(named, named).writers.tolist() == ["ann", "bob"] * 2
    assert datasets.combine(named, named).source == "made up"


def test_combine_refuses_different_classes():
    with pytest.raises(ValueError, match=r"same classes.*fold"):
        datasets.combine(made_up([0]), made_up([0], LETTERS))
    with pytest.raises(ValueError, match="got none"):
        datasets.combine()


def test_importing_it_waits_for_no_heavy_library():
    script = (
        "import sys; from hcr_lib import datasets;"
        "print(*sorted({'pandas', 'scipy', 'skimage', 'sklearn', 'PIL', 'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"
