"""TensorFlow Datasets: its own made-up data, and what it gives of EMNIST, come out upright and as characters."""

import numpy as np
import pytest

from hcr_lib.datasets import DataError, from_tfds
from hcr_lib.labels import BALANCED, BYCLASS, DIGITS, LETTERS

UPRIGHT = np.random.default_rng(0).integers(0, 100, (26, 28, 28), "uint8")
UPRIGHT[:, 2, 20] = 255  # every image points to its upper right corner


@pytest.fixture(scope="module")
def tfds():
    return pytest.importorskip("tensorflow_datasets", reason="tensorflow-datasets is not installed")


# --- tfds itself ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("supervised", [False, True])
@pytest.mark.parametrize("form", ["one by one", "batched", "as numpy"])
def test_its_mock_data_come_out_as_they_are(tfds, supervised, form):
    with tfds.testing.mock_data(num_examples=25):
        loaded, info = tfds.load("mnist", split="train", with_info=True, as_supervised=supervised)
        pairs = [pair if supervised else (pair["image"], pair["label"]) for pair in tfds.as_numpy(loaded)]
        examples = {"one by one": loaded, "batched": loaded.batch(10), "as numpy": tfds.as_numpy(loaded)}[form]
        found = from_tfds(examples, info=info)
    assert np.array_equal(found.images, [image[..., 0] for image, _ in pairs])
    assert found.labels.tolist() == [label for _, label in pairs]
    assert (found.classes, found.source) == (DIGITS, "mnist")


@pytest.mark.parametrize(
    ("part", "classes"),
    [
        ("byclass", BYCLASS),
        ("bymerge", BALANCED),
        ("balanced", BALANCED),
        ("letters", LETTERS),
        ("digits", DIGITS),
        ("mnist", DIGITS),
    ],
)
def test_every_part_of_emnist_is_upright_and_has_its_characters(tfds, part, classes):
    import tensorflow as tf

    first = 1 if part == "letters" else 0
    numbers = np.arange(first, first + len(classes))
    stored = np.resize(UPRIGHT, (len(classes), 28, 28)).swapaxes(1, 2)[..., None]  # as NIST and tfds have them

    def as_dataset(self, *args, **kwargs):
        return tf.data.Dataset.from_tensor_slices({"image": stored, "label": numbers})

    with tfds.testing.mock_data(as_dataset_fn=as_dataset):
        loaded, info = tfds.load(f"emnist/{part}", split="test", with_info=True)
        found = from_tfds(loaded, info=info)
    assert "".join(found.chars) == found.classes == classes
    assert (found.images[:, 2, 20] == 255).all()
    assert (found.images[:, 20, 2] < 255).all()
    assert found.source == f"emnist/{part}"


def test_what_tfds_says_of_emnist_is_still_what_we_rely_on(tfds):
    info = tfds.builder("emnist/letters").info
    assert info.features["label"].num_classes == 37
    assert "tf.transpose" in info.description
    assert "rotated" not in tfds.builder("mnist").info.description


def test_classes_that_are_no_characters_are_refused(tfds):
    with tfds.testing.mock_data(num_examples=1):
        loaded, info = tfds.load("kmnist", split="train", with_info=True)
        with pytest.raises(DataError, match="which characters the labels of kmnist stand for; give classes"):
            from_tfds(loaded, info=info)


def test_several_splits_at_once_are_refused(tfds):
    with tfds.testing.mock_data(num_examples=1), pytest.raises(DataError, match="examples of one split; got several"):
        from_tfds(tfds.load("mnist"), DIGITS)


# --- anything that looks like it --------------------------------------------------------------------------------------


def test_everything_in_one_batch_is_read_too():
    whole = {"image": UPRIGHT[..., None], "label": np.arange(26)}
    for examples in (whole, (whole["image"], whole["label"]), [whole]):
        found = from_tfds(examples, LETTERS)
        assert np.array_equal(found.images, UPRIGHT)
        assert "".join(found.chars) == LETTERS


def test_without_info_the_reader_says_what_the_file_is_like():
    pairs = zip(UPRIGHT.swapaxes(1, 2), range(1, 27), strict=True)
    found = from_tfds(pairs, LETTERS, first_label=1, transposed=True, source="my letters")
    assert np.array_equal(found.images, UPRIGHT)
    assert "".join(found.chars) == LETTERS
    assert found.source == "my letters"
    assert found.origin(3) == "my letters, image 3"


@pytest.mark.parametrize(
    ("examples", "words"),
    [
        ([], "no examples"),
        ([(UPRIGHT[0] / 255, 0)], "example 0 has float64.*before they are scaled"),
        ([(UPRIGHT[0], 0), (np.zeros((105, 105, 3), "uint8"), 0)], r"example 1 has uint8, shape \(105, 105, 3\)"),
        ([(UPRIGHT[0], np.eye(10)[3])], r"labels of shape \(10,\).*one-hot"),
        ([(UPRIGHT, np.arange(25))], r"labels of shape \(25,\)"),
        ([{"text": "A"}], "'image' and 'label'.*example 0 is text"),
        ([7], "example 0 is int"),
        ([(UPRIGHT[0], 1.5)], "whole number each.*float64 labels"),
        ([(UPRIGHT[0], 26)], "between 0 and 9; got 26"),
    ],
)
def test_what_is_no_such_example_is_refused(examples, words):
    with pytest.raises(DataError, match=words):
        from_tfds(examples, DIGITS)


def test_classes_must_come_from_somewhere():
    with pytest.raises(DataError, match="give classes, such as"):
        from_tfds([(UPRIGHT[0], 0)])
