"""check_dataset finds each planted fault, names it, and keeps quiet about data that is right."""

import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from hcr_lib import datasets
from hcr_lib.datasets import _check
from hcr_lib.datasets._check import _copies, _label_errors
from hcr_lib.labels import ALNUM, BALANCED, BYCLASS, DIGITS, LETTERS, same_shape
from hcr_lib.research import mixed_emnist


@pytest.fixture(scope="module")
def sound():
    """Return data without fault that the check has not made its reference from."""
    return datasets.load("bundled", "val")


def swapped(images, labels, classes):
    return images, np.select([labels == 4, labels == 8], [8, 4], labels), classes


def lopsided(images, labels, classes):
    kept = np.concatenate([np.repeat(np.flatnonzero(labels == 0), 20), np.flatnonzero(labels == 3)[:1]])
    kept = np.concatenate([kept, np.flatnonzero((labels != 0) & (labels != 3))])
    return images[kept], labels[kept], classes


def again(images, labels, classes, other_label=False):
    copied = np.arange(0, len(images), 50)
    return (
        np.concatenate([images, images[copied]]),
        np.concatenate([labels, (labels[copied] + other_label) % len(classes)]),
        classes,
    )


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
    "labels-swapped": swapped,
    "imbalance": lopsided,
    "duplicates": again,
    "label-conflict": lambda images, labels, classes: again(images, labels, classes, other_label=True),
}


@pytest.mark.parametrize("classes", [DIGITS, LETTERS, ALNUM, BALANCED])
def test_sound_data_raises_no_alarm(sound, classes):
    report = datasets.check_dataset(sound.merge_classes(classes), datasets.load("bundled", "train"))
    assert report.ok, report
    assert "no fault found" in repr(report)


@pytest.mark.parametrize("classes", [DIGITS, LETTERS, ALNUM])
@pytest.mark.parametrize("fault", PLANTED)
def test_each_planted_fault_is_named(sound, fault, classes):
    folded = sound.merge_classes(classes)
    report = datasets.check_dataset(PLANTED[fault](folded.images.copy(), folded.labels.copy(), classes))
    assert fault in report.codes
    assert fault in repr(report)


@pytest.mark.parametrize(
    "fault", [*_check.TURNS, "inverted", "range", "class-missing", "blank", "labels-swapped", "duplicates"]
)
def test_one_fault_is_not_taken_for_others(sound, fault):
    folded = sound.merge_classes(ALNUM)
    assert datasets.check_dataset(PLANTED[fault](folded.images.copy(), folded.labels, ALNUM)).codes == {fault}


def test_two_faults_at_once_are_both_named(sound):
    folded = sound.merge_classes(LETTERS)
    report = datasets.check_dataset((255 - folded.images.swapaxes(1, 2), folded.labels, LETTERS))
    assert report.codes == {"transposed", "inverted"}


def test_emnist_letters_that_still_count_from_one(sound):
    letters = sound.merge_classes(LETTERS)
    report = datasets.check_dataset((letters.images, letters.labels + 1, LETTERS))
    assert report.codes >= {"label-range", "labels-shifted"}
    assert "Subtract 1" in repr(report)


@pytest.mark.parametrize("dtype", ["uint8", "float32", "bool"])
def test_ink_from_0_to_1_is_the_wrong_range_whatever_its_type(sound, dtype):
    digits = sound.merge_classes(DIGITS)
    assert "range" in datasets.check_dataset(((digits.images > 127).astype(dtype), digits.labels, DIGITS)).codes


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 256.0])
def test_values_no_image_has_are_the_wrong_range(sound, wrong):
    images = sound.images.astype("float32")
    images[0, 0, 0] = wrong
    assert "range" in datasets.check_dataset((images, sound.labels, sound.classes)).codes


def test_indices_point_to_the_images_concerned(sound):
    digits = sound.merge_classes(DIGITS)
    images = digits.images.copy()
    images[[3, 5]] = 255 - images[[3, 5]]
    images[8] = 0
    faults = {fault.code: fault for fault in datasets.check_dataset((images, digits.labels, DIGITS)).faults}
    assert faults.keys() == {"inverted", "blank"}
    assert faults["inverted"].indices.tolist() == [3, 5]
    assert faults["blank"].indices.tolist() == [8]


def test_images_in_two_splits_are_found(sound):
    digits = sound.merge_classes(DIGITS)
    train, test = digits.take(np.arange(60)), digits.take(np.arange(50, 100))
    (fault,) = (fault for fault in datasets.check_dataset(test, train).faults if fault.code == "shared-images")
    assert fault.indices.tolist() == list(range(10))


def test_a_vote_of_two_classes_or_of_few_images_stays_silent(sound):
    two = sound.only("01").images.swapaxes(1, 2), sound.only("01").labels, sound.classes
    assert datasets.check_dataset(two).codes == {"class-missing"}


def test_no_images_are_a_fault_not_a_crash():
    assert datasets.check_dataset((np.zeros((0, 28, 28), "uint8"), np.zeros(0, int), DIGITS)).codes == {"shape"}


# --- classes and the report -------------------------------------------------------------------------------------------


def test_the_two_labels_that_were_swapped_are_named(sound):
    report = datasets.check_dataset(swapped(sound.images, sound.labels, sound.classes))
    fault = report["labels-swapped"]
    assert "4 looks like 8, and 8 like 4" in fault.message
    assert set(sound.labels[fault.indices]) == {4, 8}


def test_mild_imbalance_is_a_note_with_its_figures(sound):
    digits = sound.merge_classes(DIGITS)
    few = np.flatnonzero((digits.labels != 3) | (np.cumsum(digits.labels == 3) <= 2))
    report = datasets.check_dataset(digits.take(few))
    assert report.ok
    assert "3 2 (" in report["imbalance"].message
    assert "Good to know:" in repr(report)


def test_copies_that_the_set_knows_of_are_no_fault(sound):
    """Such as those that `balance` makes."""
    repeated = sound.take(np.arange(len(sound)).repeat(2))
    assert datasets.check_dataset(repeated).ok
    assert "duplicates" in datasets.check_dataset((repeated.images, repeated.labels, repeated.classes)).codes


def test_one_image_under_look_alike_labels_is_no_conflict(sound):
    zero = sound.only("0")
    images = np.concatenate([sound.images, zero.images])
    labels = np.concatenate([sound.labels, np.full(len(zero), BYCLASS.index("O"))])
    assert datasets.check_dataset((images, labels, BYCLASS)).codes == {"duplicates"}


def test_examples_show_each_copy_beside_its_original(sound):
    fault = datasets.check_dataset(again(sound.images, sound.labels, sound.classes))["duplicates"]
    shown = fault.examples(6)
    assert shown.shape == (6, 28, 28)
    assert np.array_equal(shown[0::2], shown[1::2])
    assert np.array_equal(shown[0], sound.images[0])


def test_examples_of_other_faults_are_the_images_concerned(sound):
    images = sound.images.copy()
    images[[3, 5]] = 255 - images[[3, 5]]
    report = datasets.check_dataset((images, sound.labels, sound.classes))
    assert np.array_equal(report["inverted"].examples(), images[[3, 5]])
    turned = datasets.check_dataset((sound.images.swapaxes(1, 2), sound.labels, sound.classes))
    assert turned["transposed"].examples(4).shape == (4, 28, 28)
    assert datasets.check_dataset((images.reshape(-1, 784), sound.labels, sound.classes))["shape"].examples().size == 0


def test_a_report_is_also_a_table_and_a_lookup(sound):
    report = datasets.check_dataset(again(255 - sound.images, sound.labels, sound.classes))
    frame = report.to_frame()
    assert frame["code"].tolist() == ["inverted", "duplicates"]
    assert (frame["kind"] == "fault").all()
    assert frame["images"].tolist() == [len(report[code].indices) for code in frame["code"]]
    assert report["duplicates"].to_frame().columns.tolist() == ["index", "duplicate_of"]
    assert "inverted" in report
    assert "blank" not in report
    with pytest.raises(KeyError):
        report["blank"]


# --- copies -----------------------------------------------------------------------------------------------------------


def jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file))


def moved(image, down, right):
    return np.pad(image, 2)[2 - down : 30 - down, 2 - right : 30 - right]


def retouched(image):
    image = image.copy()
    image[9, 12] = 255 - image[9, 12]
    return image


CHANGES = {
    "moved": lambda image: moved(image, 1, -1),
    "moved by two": lambda image: moved(image, 0, 2),
    "blurred": lambda image: ndimage.gaussian_filter(image.astype(float), 0.6).round().astype("uint8"),
    "compressed": lambda image: jpeg(image, 80),
    "retouched": retouched,
    "dimmed": lambda image: (0.8 * image).round().astype("uint8"),
}


@pytest.fixture(scope="module")
def learn():
    return datasets.load("bundled", "train")


@pytest.mark.parametrize("change", CHANGES)
def test_changed_copies_are_found_within_a_set_and_across_splits(sound, learn, change):
    chosen = np.arange(0, len(sound), 20)
    copies = np.stack([CHANGES[change](image) for image in sound.images[chosen]])
    within = _copies.near_copies(np.concatenate([sound.images, copies]), None)
    across = _copies.near_copies(np.concatenate([learn.images[:2000], copies]), sound)
    for (found,), start in (within, len(sound)), (across, 2000):
        assert not found.note
        original = dict(zip(found.indices.tolist(), found.details["duplicate_of"].tolist(), strict=True))
        assert np.mean([original.get(start + place) == index for place, index in enumerate(chosen)]) > 0.85
        assert sum(index < start for index in original) <= 0.005 * start


def test_different_writings_are_not_called_copies(sound, learn):
    """Not even of the plainest characters."""
    for findings in (_copies.near_copies(learn.images, None), _copies.near_copies(sound.images, learn)):
        assert all(finding.note for finding in findings)
    plain = learn.only("1Il").images
    found = _copies.near_copies(plain, None)
    assert sum(len(finding.indices) for finding in found) < 0.02 * len(plain)


def test_a_copy_in_a_crowd_of_look_alikes_is_found(learn):
    """Where honest 1s lie close together, a moved copy is still closer."""
    ones = learn.only("1Il").images
    (found,) = _copies.near_copies(np.concatenate([ones, [moved(image, 1, 1) for image in ones[:20]]]), None)
    assert not found.note
    assert np.isin(np.arange(len(ones), len(ones) + 20), found.indices).mean() > 0.9


@given(st.integers(0, 200), st.integers(-2, 2), st.integers(-2, 2))
def test_the_descriptor_does_not_change_when_ink_moves(sound, number, down, right):
    image = sound.images[number].copy()
    image[[0, 1, -2, -1]] = image[:, [0, 1, -2, -1]] = 0  # so that none is pushed over the edge
    (before, after), _ = _copies._descriptors(np.stack([image, moved(image, down, right)]))
    assert np.allclose(before, after, atol=1e-4)


# --- doubtful labels --------------------------------------------------------------------------------------------------


def test_wrong_labels_are_found_and_most_that_is_found_is_wrong(learn):
    rng = np.random.default_rng(0)
    some = learn.merge_classes(ALNUM).sample(2500, rng)
    spoiled = rng.random(len(some)) < 0.03
    given_labels = np.where(spoiled, rng.integers(0, len(ALNUM), len(some)), some.labels)
    spoiled = same_shape(ALNUM)[given_labels, some.labels] == 0
    (fault,) = _label_errors.doubtful_labels(some.images, given_labels, ALNUM, seed=0)
    assert not fault.note
    assert spoiled[fault.indices].mean() > 0.6
    assert np.isin(np.flatnonzero(spoiled), fault.indices).mean() > 0.5
    assert spoiled[fault.indices[:20]].mean() > 0.8, "the most doubtful come first"
    found = fault.indices[spoiled[fault.indices]]
    suggested = fault.details["suggested"][spoiled[fault.indices]]
    assert (same_shape(ALNUM)[suggested, some.labels[found]] > 0).mean() > 0.7
    assert np.array_equal(fault.details["given"], given_labels[fault.indices])


def test_labels_of_one_shape_are_never_doubted(learn):
    """Random case in 62 classes: an o called O may be either."""
    rng = np.random.default_rng(0)
    some = learn.only("0Oo1lI2Zz5Ss3478").sample(800, rng)
    shapes = same_shape(BYCLASS)
    drawn = np.array([rng.choice(np.flatnonzero(shapes[label])) for label in some.labels])
    assert all(finding.note for finding in _label_errors.doubtful_labels(some.images, drawn, BYCLASS, seed=0))


def test_the_same_seed_gives_the_same_report(sound):
    digits = sound.only(DIGITS).merge_classes(DIGITS)
    first, second = (repr(datasets.check_dataset(digits, thorough=True, seed=3)) for _ in range(2))
    assert first == second


# --- sources ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_pens(learn):
    """Return digits and letters, the same again with a broader and softer pen, and the two sources."""
    thin = learn.merge_classes(ALNUM).sample(3000, np.random.default_rng(0))
    broad = ndimage.gaussian_filter(ndimage.grey_dilation(thin.images, (1, 2, 2)).astype(float), (0, 0.6, 0.6))
    return thin, replace(thin, images=broad.round().astype("uint8"))


def with_sources(parts):
    images, labels = (np.concatenate([getattr(part, name) for part in parts]) for name in ("images", "labels"))
    return (images, labels, parts[0].classes), np.repeat(["thin pen", "broad pen"], [len(part) for part in parts])


def test_digits_from_one_source_and_letters_from_another_are_a_fault(two_pens):
    thin, broad = two_pens
    arrays, sources = with_sources([thin.only(DIGITS), broad.only(LETTERS)])
    fault = datasets.check_dataset(arrays, sources=sources)["source-shortcut"]
    assert "every one of 0123456789 comes from thin pen" in fault.message
    assert "every one of ABCDE...XYZ comes from broad pen" in fault.message
    assert "above all by" in fault.message
    assert "source-shortcut" in datasets.check_dataset(arrays, sources=sources).codes


def test_a_set_that_knows_its_sources_is_asked_itself(two_pens):
    thin, broad = (pen.take(np.arange(1000)) for pen in two_pens)
    parts = [replace(part, source=name, origins=None) for part, name in ((thin.only(DIGITS), "thin"), (broad, "broad"))]
    whole = datasets.combine(*parts)
    assert "source-shortcut" in datasets.check_dataset(whole, thorough=True).codes


def test_two_pens_with_the_same_classes_are_only_a_note(two_pens):
    arrays, sources = with_sources([two_pens[0].take(slice_of(2000, 0)), two_pens[1].take(slice_of(2000, 1))])
    report = datasets.check_dataset(arrays, sources=sources)
    assert report.ok
    assert "within one class" in report["source-shortcut"].message


def test_two_sources_that_nobody_can_tell_apart_are_only_a_note(two_pens):
    """The class tells the source, but the image does not."""
    thin, _ = two_pens
    arrays, sources = with_sources([thin.only(DIGITS), thin.only(LETTERS)])
    report = datasets.check_dataset(arrays, sources=sources)
    assert report.ok
    assert "source-shortcut" in report


def test_sources_by_lot_are_not_worth_a_word(two_pens):
    thin, _ = two_pens
    sources = np.random.default_rng(1).choice(["a", "b", "c"], len(thin))
    assert "source-shortcut" not in datasets.check_dataset(thin, sources=sources)


def test_sources_must_be_one_an_image(sound):
    with pytest.raises(ValueError, match="sources must name one source an image"):
        datasets.check_dataset(sound, sources=["pad", "scanner"])


def slice_of(number, half):
    return np.arange(half, number, 2)


# --- sound data, and data of every kind -------------------------------------------------------------------------------


@pytest.mark.parametrize("classes", [DIGITS, BYCLASS])
def test_sound_data_raises_no_alarm_in_the_thorough_check_either(sound, learn, classes):
    report = datasets.check_dataset(sound.merge_classes(classes), learn.merge_classes(classes), thorough=True)
    assert report.ok, report


@pytest.mark.parametrize("number", [1, 2, 30])
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_sets_too_small_to_judge_are_not_judged(sound, number, dtype):
    images = sound.images[:number].astype(dtype)
    images[0] = 0
    sources = np.array(["a", "b"])[np.arange(number) % 2]
    report = datasets.check_dataset((images, sound.labels[:number], BYCLASS), sound, thorough=True, sources=sources)
    assert report.codes >= {"blank", "class-missing"}


def test_labels_outside_the_classes_do_not_trip_the_thorough_check(sound):
    some = sound.take(np.arange(400))
    labels = np.where(some.labels == 3, -7, some.labels)
    report = datasets.check_dataset((some.images, labels, some.classes), thorough=True, sources=labels.astype(str))
    assert "label-range" in report.codes


REAL = ["mnist", "merged", "known", "az"]


def real_part(name, part, folder):
    """Return a part of a set, or of EMNIST with cases merged or known."""
    if name in ("merged", "known"):
        return mixed_emnist.load(folder, part, case=name)
    return datasets.load(name, part, data_dir=folder)


@pytest.mark.real_data
@pytest.mark.parametrize("name", REAL)
def test_real_data_raises_no_alarm(name, real_data):
    """A sample, for the sake of time; the full training parts were checked once by hand."""
    train, val = (real_part(name, part, real_data) for part in ("train", "val"))
    rng = np.random.default_rng(0)
    train, val = (part.sample(min(len(part), 1000), rng) for part in (train, val))
    report = datasets.check_dataset(train, val, thorough=True)
    assert report.ok, report


@pytest.mark.real_data
def test_the_shortcut_of_mixing_mnist_and_emnist_letters_is_found(real_data):
    digits = datasets.load("mnist", "val", data_dir=real_data).merge_classes(ALNUM)
    letters = real_part("merged", "val", real_data).only(LETTERS).sample(5000, np.random.default_rng(0))
    arrays, sources = with_sources([digits, letters])
    report = datasets.check_dataset(arrays, sources=sources)
    assert "source-shortcut" in report.codes


@pytest.fixture(scope="module", params=["mnist", "merged", "az"])
def real(request, real_data):
    return real_part(request.param, "val", real_data)


@pytest.mark.real_data
@pytest.mark.parametrize("fault", PLANTED)
def test_faults_planted_in_real_data_are_named(fault, real):
    report = datasets.check_dataset(PLANTED[fault](real.images.copy(), real.labels.copy(), real.classes))
    assert fault in report.codes
