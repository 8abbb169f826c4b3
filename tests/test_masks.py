"""Masks and formats by name: what they stand for, and what is refused."""

import numpy as np
import pytest

from hcr_lib import labels, masks


def spelled(mask: str, classes: str = labels.TEXT) -> list[str]:
    """Return the characters that may stand at each place."""
    return ["".join(np.array(list(classes))[row]) for row in masks.allowed(mask, classes)]


def test_signs_and_what_stands_for_itself():
    letters = labels.LETTERS + labels.LETTERS.lower()
    assert spelled("LDA-") == [letters, labels.DIGITS, labels.BYCLASS, "-"]
    assert spelled(r"\L\D7") == ["L", "D", "7"]
    assert spelled("no", labels.ALNUM) == ["N", "O"], "where there is one case, it stands for both"


def test_formats_by_name_beside_masks_and_each_once():
    assert masks.expand(["postcode", "DDDDD", "L D"]) == ("DDDDD", "L D")
    assert {len(spelled(mask, labels.TEXT + " ")) for mask in masks.expand("amount")} == {*range(4, 12)}
    assert masks.expand(None) == ()


@pytest.mark.parametrize("given", ["", "   ", ["LD", ""], "D" * 101])
def test_without_signs_or_endless_it_is_no_mask(given):
    with pytest.raises(ValueError, match=r"a sign for each character, 1 to 100; got .* name a format: date, amount"):
        masks.expand(given)


@pytest.mark.parametrize(("mask", "classes"), [("D,DD", labels.ALNUM), ("date", labels.BYCLASS), ("LD", labels.DIGITS)])
def test_what_the_classes_lack_is_named(mask, classes):
    with pytest.raises(ValueError, match=r"asks for '.', which is not among the classes .*alphabet 'text'"):
        masks.check(mask, classes)
