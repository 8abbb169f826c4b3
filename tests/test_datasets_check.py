"""check_dataset finds each planted fault, names it, and keeps quiet about data that is right."""

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib.datasets import _check
from hcr_lib.labels import ALNUM, BALANCED, DIGITS, LETTERS


@pytest.fixture(scope="module")
def sound():
    """Return data without fault that the check has not made its reference from."""
    return datasets.load("bundled", "val")


PLANTED = {
    "transposed": lambda images, labels, classes: (images.swapaxes(1, 2), labels, classes),
    "mirrored": lambda images, labels, classes: (images[:, :, ::-1], labels, classes),
    "upside-down": lambda images, labels, classes: (images[:, ::-1], labels, classes),
    "rotated": lambda images, labels, classes: (images[:, ::-1, ::-1], labels, classes),
    "rotated-left": lambda images, labels, classes: (np.rot90(images, axes=(1, 2)), labels, classes),
    "rotated-right": lambda images, labels, classes: (np.rot90(images, -1, axes=(1, 2)), labels, classes),
    "inverted": lambda images, labels, classes: (255 - images, labels, classes),
    "labels-shifted": lambda images, labels, classes: (images, (labels + 1) % len(classes), classes),
    "label-range": lambda images, labels, classes: (images, np.where(labels == 3, 1000, labels), classes),
    "class-doubled": lambda images, labels, classes: (images, labels, classes[:-1] + classes[0]),
    "class-missing": lambda images, labels, classes: (images[labels != 3], labels[labels != 3], classes),
    "range": lambda images, labels, classes: (images / 255, labels, classes),
    "blank": lambda images, labels, classes: (images * (np.arange(len(images)) != 7)[:, None, None], labels, classes),
    "shape": lambda images, labels, classes: (images.reshape(-1, 784), labels, classes),
}


@pytest.mark.parametrize("classes", [DIGITS, LETTERS, ALNUM, BALANCED])
def test_sound_data_raises_no_alarm(sound, classes):
    report = datasets.check_dataset(sound.fold(classes), datasets.load("bundled", "train"))
    assert report.ok, report
    assert "no fault found" in repr(report)


@pytest.mark.parametrize("classes", [DIGITS, LETTERS, ALNUM])
@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_is_named(sound, fault, classes):
    folded = sound.fold(classes)
    report = datasets.check_dataset(PLANTED[fault](folded.images.copy(), folded.labels.copy(), classes))
    assert fault in report.codes
    assert fault in repr(report)


@pytest.mark.parametrize("fault", [*_check.TURNS, "inverted", "range", "class-missing", "blank"])
def test_one_fault_is_not_taken_for_others(sound, fault):
    folded = sound.fold(ALNUM)
    assert datasets.check_dataset(PLANTED[fault](folded.images.copy(), folded.labels, ALNUM)).codes == {fault}


def test_two_faults_at_once_are_both_named(sound):
    folded = sound.fold(LETTERS)
    report = datasets.check_dataset((255 - folded.images.swapaxes(1, 2), folded.labels, LETTERS))
    assert report.codes == {"transposed", "inverted"}


def test_emnist_letters_that_still_count_from_one(sound):
    letters = sound.fold(LETTERS)
    report = datasets.check_dataset((letters.images, letters.labels + 1, LETTERS))
    assert report.codes >= {"label-range", "labels-shifted"}
    assert "Subtract 1" in repr(report)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_ink_from_0_to_1_is_the_wrong_range_whatever_its_type(sound, dtype):
    digits = sound.fold(DIGITS)
    assert "range" in datasets.check_dataset(((digits.images > 127).astype(dtype), digits.labels, DIGITS)).codes


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 256.0])
def test_values_no_image_has_are_the_wrong_range(sound, wrong):
    images = sound.images.astype("float32")
    images[0, 0, 0] = wrong
    assert "range" in datasets.check_dataset((images, sound.labels, sound.classes)).codes


def test_indices_point_to_the_images_concerned(sound):
    digits = sound.fold(DIGITS)
    images = digits.images.copy()
    images[[3, 5]] = 255 - images[[3, 5]]
    images[8] = 0
    faults = {fault.code: fault for fault in datasets.check_dataset((images, digits.labels, DIGITS)).faults}
    assert faults.keys() == {"inverted", "blank"}
    assert faults["inverted"].indices.tolist() == [3, 5]
    assert faults["blank"].indices.tolist() == [8]


def test_images_in_two_splits_are_found(sound):
    digits = sound.fold(DIGITS)
    train, test = digits.take(np.arange(60)), digits.take(np.arange(50, 100))
    (fault,) = (fault for fault in datasets.check_dataset(test, train).faults if fault.code == "shared-images")
    assert fault.indices.tolist() == list(range(10))


def test_a_vote_of_two_classes_or_of_few_images_stays_silent(sound):
    two = sound.only("01").images.swapaxes(1, 2), sound.only("01").labels, sound.classes
    assert datasets.check_dataset(two).codes == {"class-missing"}


def test_no_images_are_a_fault_not_a_crash():
    assert datasets.check_dataset((np.zeros((0, 28, 28), "uint8"), np.zeros(0, int), DIGITS)).codes == {"shape"}


@pytest.fixture(scope="module", params=["mnist", "emnist-mixed", "az"])
def real(request, real_data):
    return datasets.load(request.param, "val", data_dir=real_data)


@pytest.mark.real_data
@pytest.mark.parametrize("fault", PLANTED)
def test_faults_planted_in_real_data_are_named(fault, real):
    report = datasets.check_dataset(PLANTED[fault](real.images.copy(), real.labels.copy(), real.classes))
    assert fault in report.codes
