"""Data sets of TensorFlow Datasets, converted: upright, with characters for labels."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from hcr_lib import labels
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import DataError

#: What tfds calls a data set -> its characters, in label order, and the label of the first of them. For most parts
#: of EMNIST it knows no names; for "letters" it reckons with labels 0 to 36, of which 1 to 26 occur.
KNOWN = {
    "mnist": (labels.DIGITS, 0),
    "emnist/byclass": (labels.BYCLASS, 0),
    "emnist/bymerge": (labels.BALANCED, 0),
    "emnist/balanced": (labels.BALANCED, 0),
    "emnist/letters": (labels.LETTERS, 1),
    "emnist/digits": (labels.DIGITS, 0),
    "emnist/mnist": (labels.DIGITS, 0),
}


def from_tfds(
    examples: Iterable[Any],
    classes: str | None = None,
    *,
    info: Any = None,
    first_label: int | None = None,
    transposed: bool | None = None,
    source: str | None = None,
) -> Dataset:
    """Convert a data set of TensorFlow Datasets; anything that yields such examples will do.

    Parameters
    ----------
    examples : iterable
        What ``tfds.load(..., split="train")`` or ``tfds.as_numpy`` gives, batched or not: ``{"image": ...,
        "label": ...}`` or ``(image, label)``; images uint8 of shape (28, 28) or (28, 28, 1).
    classes : str, optional
        The characters in label order; needed where `info` does not tell them.
    info : tfds.core.DatasetInfo, optional
        What ``tfds.load(..., with_info=True)`` gives besides. It tells the classes of MNIST, of every part of
        EMNIST, and of any data set whose class names are single characters; and which way up the images are.
    first_label : int, optional
        The label of the first character; 0, but 1 for EMNIST's letters.
    transposed : bool, optional
        Whether rows and columns are swapped, as tfds leaves them in EMNIST alone.
    source : str, optional
        Where the images came from, as shown to the reader; else the name in `info`.

    Returns
    -------
    Dataset
        Upright, white on black, in the order of the examples.

    Raises
    ------
    DataError
        If the classes are not known, there is no example, or one is no such image or has another label.

    Examples
    --------
    >>> image = np.zeros((28, 28, 1), "uint8")
    >>> from_tfds([{"image": image, "label": 7}, {"image": image, "label": 1}], "0123456789")
    <Dataset: 2 images of 10 classes '0123456789', from TensorFlow Datasets>
    """
    config = getattr(info, "config_name", None)
    name = "" if info is None else f"{info.name}/{config}" if config else info.name
    known_classes, known_first = KNOWN.get(name, (_class_names(info), 0))
    classes, source = classes or known_classes, source or name or "TensorFlow Datasets"
    if not classes:
        raise DataError(
            f"from_tfds needs to know which characters the labels of {name or 'this data set'} stand for; give "
            "classes, such as classes='0123456789', or info, from tfds.load(..., with_info=True)."
        )
    batches = list(_batches(examples))
    if not batches:
        raise DataError(f"{source} holds no examples; expected at least one. Is it exhausted? Load it again.")
    images, numbers = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    if name.startswith("emnist/") if transposed is None else transposed:
        images = np.ascontiguousarray(images.swapaxes(1, 2))
    try:
        numbers = numbers.astype("int64") - (known_first if first_label is None else first_label)
        return Dataset(images, numbers, classes, source)
    except ValueError as error:
        raise DataError(f"{source} cannot be used: {error}") from error


def _batches(examples: Iterable[Any]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield images of shape (n, 28, 28) and labels of shape (n,), whatever form the examples have."""
    if isinstance(examples, Mapping) and "image" not in examples:
        raise DataError(
            f"expected the examples of one split; got several: {', '.join(map(str, examples))}. "
            "Give one of them, such as examples['train']."
        )
    if isinstance(examples, Mapping) or (isinstance(examples, tuple) and np.ndim(examples[0]) >= 3):
        examples = [examples]  # everything in one batch, as batch_size=-1 gives it
    for number, example in enumerate(getattr(examples, "as_numpy_iterator", examples.__iter__)()):
        try:
            pair = (example["image"], example["label"]) if isinstance(example, Mapping) else example
            image, label = map(np.asarray, pair)
        except (KeyError, TypeError, ValueError) as error:
            found = ", ".join(map(str, example)) if isinstance(example, Mapping) else type(example).__name__
            raise DataError(
                f"expected examples with 'image' and 'label', or pairs of them; example {number} is {found}."
            ) from error
        if image.shape[-3:] == (28, 28, 1):
            image = image[..., 0]
        fits = image.dtype == np.uint8 and image.shape == (*label.shape, 28, 28) and label.ndim <= 1
        if not fits or label.dtype.kind not in "iu":
            raise DataError(
                f"expected images of uint8, shape (28, 28) or (28, 28, 1), with a whole number each, or batches of "
                f"them; example {number} has {image.dtype}, shape {image.shape}, and {label.dtype} labels of shape "
                f"{label.shape}. Give the examples as tfds loads them, before they are scaled, resized or one-hot "
                "encoded."
            )
        yield image.reshape(-1, 28, 28), label.reshape(-1)


def _class_names(info: Any) -> str | None:
    """Return the names of the classes, if each is a single character."""
    names = getattr(info.features["label"], "names", None) if info is not None and "label" in info.features else None
    return "".join(names) if names and all(len(name) == 1 for name in names) else None
