"""The Dataset itself: what it refuses, and what its methods keep true."""

import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import datasets
from hcr_lib.datasets._origins import Origins
from hcr_lib.labels import ALNUM, BYCLASS, CLASS_SETS, DIGITS, LETTERS


def made_up(labels, classes=DIGITS, writers=None, source="made up", mark=0):
    """Return a Dataset whose images can be told apart: image k carries k in its first pixel, and `mark` in the next."""
    images = np.zeros((len(labels), 28, 28), "uint8")
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(labels)), mark
    return datasets.Dataset(images, np.array(labels, "int64"), classes, source, writers)


def same(one, other):
    """Say whether two sets agree in everything."""
    return (
        np.array_equal(one.images, other.images)
        and np.array_equal(one.labels, other.labels)
        and (one.classes, one.source) == (other.classes, other.source)
        and (one.writers is None) == (other.writers is None)
        and (one.writers is None or np.array_equal(one.writers, other.writers))
        and one.provenance.equals(other.provenance)
    )


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
        ({"writers": ["ann"]}, r"one entry per image, shape \(3,\); got \(1,\)"),
        ({"origins": ["a.png"]}, r"origins must have one entry per image, shape \(3,\); got \(1,\)"),
        ({"origins": Origins.of("pad", 2)}, r"origins must have one entry per image, shape \(3,\); got \(2,\)"),
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


@given(some_labels, st.data())
def test_taking_from_what_was_taken_is_taking_once(labels, data):
    whole = made_up(labels, writers=[f"writer {label}" for label in labels])
    first = data.draw(st.lists(st.integers(0, len(labels) - 1))) if labels else []
    second = data.draw(st.lists(st.integers(0, len(first) - 1))) if first else []
    assert same(whole.take(first).take(second), whole.take(np.array(first, int)[second]))


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


def test_only_by_writer_and_source():
    pad, photos = made_up([0, 1, 1], writers=["ann", "bob", "ann"]), made_up([1], writers=["ann"], source="photos")
    both = datasets.combine(pad, photos)
    assert pad.only(writers="ann").images[:, 0, 0].tolist() == [0, 2]
    assert pad.only("1", writers=["ann", "bob"]).images[:, 0, 0].tolist() == [1, 2]
    assert len(both.only(sources="photos")) == len(both.only(writers="photos: ann")) == 1
    assert same(both.only(), both)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"chars": "A"}, "'A'"),
        ({"writers": "eve"}, "writers must be among ann, bob; got eve"),
        ({"sources": ["made up", "web"]}, "sources must be among made up; got web"),
    ],
)
def test_only_refuses_what_is_not_there(wish, words):
    with pytest.raises(ValueError, match=words):
        made_up([0, 1], writers=["ann", "bob"]).only(**wish)


def test_only_by_writer_needs_writers():
    with pytest.raises(ValueError, match="has none"):
        made_up([0]).only(writers="ann")


@pytest.mark.parametrize("target", [DIGITS, LETTERS, ALNUM, BYCLASS])
def test_fold_sends_each_character_to_itself_else_to_its_capital_else_nowhere(target):
    folded = made_up(range(62), BYCLASS).merge_classes(target)
    sources = [BYCLASS[k] for k in folded.images[:, 0, 0]]
    for source, char in zip(sources, folded.chars, strict=True):
        assert char == (source if source in target else source.upper())
    assert set(BYCLASS) - set(sources) == {
        char for char in BYCLASS if char not in target and char.upper() not in target
    }


some_classes = st.one_of(
    st.sampled_from(list(CLASS_SETS.values())), st.lists(st.sampled_from(BYCLASS), min_size=1, unique=True).map("".join)
)


@given(some_classes, some_classes, st.sampled_from([None, "upper", "lower"]))
def test_relabel_goes_one_way_for_each_character_and_guesses_none(source, target, merged):
    for label, char in enumerate(source):
        one = made_up([label], source)
        case_lost = char.isupper() and char.lower() not in source and char.lower() in target
        if case_lost and merged is None:
            with pytest.raises(ValueError, match=f"case of {re.escape(char)} is not known"):
                one.relabel(target)
        elif case_lost and merged == "lower":
            assert one.relabel(target, merged=merged).chars.item() == char.lower()
        elif char in target or char.upper() in target:
            assert one.relabel(target, merged=merged).chars.item() == (char if char in target else char.upper())
        else:
            with pytest.raises(ValueError, match=f"no class for {re.escape(char)}.*merge_classes"):
                one.relabel(target, merged=merged)


@given(some_classes, some_classes)
def test_relabel_and_fold_agree_where_both_may(source, target):
    whole = made_up(range(len(source)), source)
    try:
        assert same(whole.relabel(target), whole.merge_classes(target))
    except ValueError:
        assert len(whole.merge_classes(target)) < len(whole) or set(target) - set(source)


@pytest.mark.parametrize("fine", CLASS_SETS.values())
@pytest.mark.parametrize("coarse", CLASS_SETS.values())
def test_there_and_back_merges_the_same_letters(fine, coarse):
    if not set(coarse) <= set(fine):
        return
    whole = made_up(range(len(fine)), fine).merge_classes(coarse).merge_classes(coarse)
    there = made_up(range(len(fine)), fine).take(whole.images[:, 0, 0]).relabel(coarse)
    back = there.relabel(fine, merged="upper")
    assert same(back.relabel(coarse), there)
    assert back.only(DIGITS).chars.tolist() == there.only(DIGITS).chars.tolist() if DIGITS[0] in coarse else True


@given(some_labels, st.integers(0, 12) | st.none(), st.booleans())
def test_balanced_gives_each_character_as_many_and_says_what_it_copied(labels, per_class, copy):
    whole = made_up(labels)
    present = whole.counts[whole.counts > 0]
    wanted = per_class if per_class is not None else present.min() if len(present) else 0
    if not copy and (present < wanted).any():
        with pytest.raises(ValueError, match=r"too few of.*copy=True"):
            whole.balanced(per_class, rng=np.random.default_rng(0))
        return
    even = whole.balanced(per_class, rng=np.random.default_rng(0), copy=copy)
    assert (even.counts[present.index] == wanted).all()
    assert len(even) == wanted * len(present)
    pixels, times = np.unique(even.images[:, 0, 0], return_counts=True)
    assert even.copies.sum() == len(even) - len(pixels)
    for label in np.unique(even.labels):
        uses = times[np.isin(pixels, np.flatnonzero(np.array(labels) == label))]
        assert uses.max() <= -(-wanted // present.iloc[list(present.index).index(DIGITS[label])])


def test_importing_it_waits_for_no_heavy_library():
    script = (
        "import sys; from hcr_lib import datasets;"
        "print(*sorted({'pandas', 'scipy', 'skimage', 'sklearn', 'PIL', 'tensorflow', 'keras'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout == "\n"


def test_images_labels_and_classes_alone_make_a_data_set():
    own = datasets.Dataset(np.zeros((2, 28, 28), "uint8"), [1, 0], "AB")
    assert own.origin(1) == "own arrays, image 1"
