"""Labels and characters: there and back, and the ways between class sets."""

import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import labels

NAMES = list(labels.CLASS_SETS)


@pytest.mark.parametrize("name", NAMES)
def test_every_class_set_holds_each_character_once_in_label_order(name):
    chars = labels.classes(name)
    assert len(set(chars)) == len(chars)
    assert labels.to_labels(chars, chars).tolist() == list(range(len(chars)))


def test_the_47_balanced_classes_are_those_of_emnist():
    assert labels.BALANCED == labels.ALNUM + "abdefghnqrt"


@given(st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), st.text(labels.classes(name)))))
def test_characters_survive_the_round_trip(case):
    name, text = case
    chars = labels.classes(name)
    assert "".join(labels.to_chars(labels.to_labels(text, chars), chars)) == text


def test_an_unknown_class_set_names_the_known_ones():
    with pytest.raises(ValueError, match=r"class set must be one of digits, .*, text; got 'x'"):
        labels.classes("x")


def test_unknown_characters_are_named():
    with pytest.raises(ValueError, match="got 'a', 'é'"):
        labels.to_labels("1aé", labels.ALNUM)


@pytest.mark.parametrize("wrong", [[-1], [36], [1.5], [[1, 2]], ["A"]])
def test_labels_out_of_range_or_of_another_kind_are_refused(wrong):
    with pytest.raises(ValueError, match="labels must"):
        labels.to_chars(wrong, labels.ALNUM)


def test_emnist_letters_stand_for_the_alphabet():
    moved = labels.emnist_letters_to_alnum(np.arange(1, 27, dtype="uint8"))
    assert "".join(labels.to_chars(moved, labels.ALNUM)) == string.ascii_uppercase
    with pytest.raises(ValueError, match="labelled 1 to 26; got 10 to 35"):
        labels.emnist_letters_to_alnum(moved)


@pytest.mark.parametrize("target", NAMES)
def test_folding_adds_up_cases_and_masks_the_rest(target):
    source, goal = labels.classes("text"), labels.classes(target)
    fold = labels.merge_matrix(source, goal)
    assert set(np.unique(fold)) <= {0, 1}
    assert (fold.sum(axis=1) <= 1).all(), "no source counts twice"
    assert fold.any(axis=0).all(), "every target has a source"
    for char, row in zip(source, fold, strict=True):
        homes = "".join(np.array(list(goal))[row > 0])
        assert homes == (char if char in goal else char.upper() if char.upper() in goal else "")


def test_folding_onto_itself_changes_nothing():
    assert np.array_equal(labels.merge_matrix(labels.ALNUM, labels.ALNUM), np.eye(36))


def test_looking_alike_is_mutual():
    alike = labels.same_shape(labels.BYCLASS)
    assert np.array_equal(alike, alike.T)
    assert alike.diagonal().all()
    for group in labels.SHAPE_EQUIVALENT:
        rows = labels.to_labels(group, labels.BYCLASS)
        assert alike[np.ix_(rows, rows)].all(), group
