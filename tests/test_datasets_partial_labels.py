"""Partial labels: which classes an image may show is known after every change of a data set."""

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib.labels import ALNUM, BYCLASS, DIGITS
from hcr_lib.research.mixed_emnist import labelled_among

BLANK = np.zeros((3, 28, 28), "uint8")
DIGIT = datasets.Dataset(BLANK, [0, 1, 2], DIGITS, "digits")
LETTER = datasets.Dataset(BLANK, [10, 11, 35], ALNUM, "letters, case unknown")  # A, B, Z


def candidates(data: datasets.Dataset) -> list[str]:
    """Return the characters that each image may show."""
    return ["".join(np.array(list(data.classes))[row == datasets.CANDIDATE]) for row in data.targets]


def considered(data: datasets.Dataset) -> list[str]:
    return ["".join(np.array(list(data.classes))[row != datasets.NOT_CONSIDERED]) for row in data.targets]


def test_a_plain_label_is_the_one_candidate_among_all_classes():
    assert DIGIT.label_mask is None
    assert candidates(DIGIT) == list("012")
    assert considered(DIGIT) == [DIGITS] * 3


def test_a_letter_of_unknown_case_may_be_either():
    either = LETTER.relabel(BYCLASS, merged="either")
    assert candidates(either) == ["Aa", "Bb", "Zz"]
    assert considered(either) == [BYCLASS] * 3
    assert "".join(either.chars) == "ABZ"


def test_where_every_case_is_known_nothing_becomes_partial():
    assert DIGIT.relabel(BYCLASS, merged="either").label_mask is None


def test_a_digit_labelled_among_digits_says_nothing_of_letters():
    among = labelled_among(DIGIT.relabel(BYCLASS), DIGITS)
    assert candidates(among) == list("012")
    assert considered(among) == [DIGITS] * 3


def test_a_label_outside_the_characters_it_was_chosen_among_is_refused():
    with pytest.raises(ValueError, match=r"the image's own label among them.*at the own labels \["):
        labelled_among(DIGIT, "01")


def test_merging_the_classes_merges_their_candidates():
    either = LETTER.relabel(BYCLASS, merged="either")
    for merged in (either.merge_classes(ALNUM), either.relabel(ALNUM)):
        assert candidates(merged) == list("ABZ")
        assert considered(merged) == [ALNUM] * 3
    among = labelled_among(DIGIT.relabel(BYCLASS), DIGITS).merge_classes(ALNUM)
    assert considered(among) == [DIGITS] * 3


def test_taking_and_sampling_keep_each_images_candidates():
    either = LETTER.relabel(BYCLASS, merged="either")
    assert candidates(either.take([2, 0])) == ["Zz", "Aa"]
    assert candidates(either.take([False, True, False])) == ["Bb"]
    assert candidates(either.only("A")) == ["Aa"]
    parts = datasets.split(either, (0.5, 0.5), np.random.default_rng(0))
    assert sorted(chars for part in parts for chars in candidates(part)) == ["Aa", "Bb", "Zz"]


def test_combined_with_plain_labels_each_keeps_its_own():
    both = datasets.combine(LETTER.relabel(BYCLASS, merged="either"), labelled_among(DIGIT.relabel(BYCLASS), DIGITS))
    whole = datasets.combine(both, DIGIT.relabel(BYCLASS))
    assert candidates(whole) == ["Aa", "Bb", "Zz", *"012", *"012"]
    assert considered(whole) == [BYCLASS] * 3 + [DIGITS] * 3 + [BYCLASS] * 3
    assert datasets.combine(DIGIT, DIGIT).label_mask is None


def test_a_file_keeps_them(tmp_path):
    either = LETTER.relabel(BYCLASS, merged="either")
    for data in (either, DIGIT):
        data.save(tmp_path / "data.npz")
        again = datasets.Dataset.load_file(tmp_path / "data.npz")
        assert (again.label_mask is None) == (data.label_mask is None)
        assert np.array_equal(again.targets, data.targets)


@pytest.mark.parametrize(
    ("mask", "words"),
    [
        (np.ones((3, 9), "uint8"), r"shape \(3, 10\); got \(3, 9\)"),
        (np.ones((3, 10), "uint8"), "own label"),
        (3 * np.ones((3, 10), "uint8"), r"hold 2 for candidates.*got \[3\]"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused(mask, words):
    with pytest.raises(ValueError, match=words):
        datasets.Dataset(BLANK, [0, 1, 2], DIGITS, "digits", label_mask=mask)
