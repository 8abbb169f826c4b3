"""Data sets of TensorFlow Datasets, converted: upright, with characters for labels."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from hcr_lib import labels
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import DataError

#: What tfds calls a data set -> its characters, in label order. For most parts of EMNIST it knows no names.
KNOWN = {
    "mnist": labels.DIGITS,
    "emnist/byclass": labels.BYCLASS,
    "emnist/bymerge": labels.BALANCED,
    "emnist/balanced": labels.BALANCED,
    "emnist/letters": labels.LETTERS,
    "emnist/digits": labels.DIGITS,
    "emnist/mnist": labels.DIGITS,
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
    name = "" if info is None else "/".join(filter(None, (info.name, info.config_name)))
    source = source or name or "TensorFlow Datasets"
    if isinstance(examples, Mapping) and "image" not in examples:
        raise DataError(
            f"expected the examples of one split; got several: {', '.join(map(str, examples))}. "
            "Give one of them, such as examples['train']."
        )
    classes = classes or KNOWN.get(name) or _class_names(info)
    if not classes:
        raise DataError(
            f"from_tfds needs to know which characters the labels of {name or 'this data set'} stand for; give "
            "classes, such as classes='0123456789', or info, from tfds.load(..., with_info=True)."
        )
    if isinstance(examples, Mapping) or (isinstance(examples, tuple) and np.ndim(examples[0]) >= 3):
        examples = [examples]  # everything in one batch, as batch_size=-1 gives it
    pairs = [_pair(example, number) for number, example in enumerate(examples)]
    if not pairs:
        raise DataError(f"{source} holds no examples; expected at least one. Is it exhausted? Load it again.")
    images, numbers = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    if name.startswith("emnist/") if transposed is None else transposed:
        images = np.ascontiguousarray(images.swapaxes(1, 2))
    first = int(name == "emnist/letters") if first_label is None else first_label
    try:
        return Dataset(images, numbers.astype("int64") - first, classes, source)
    except ValueError as error:
        raise DataError(f"{source} cannot be used: {error}") from error


def _pair(example: Any, number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the images (n, 28, 28) and labels (n,) of an example or a batch."""
    try:
        image, label = (example["image"], example["label"]) if isinstance(example, Mapping) else example
    except (KeyError, TypeError, ValueError) as error:
        found = ", ".join(map(str, example)) if isinstance(example, Mapping) else type(example).__name__
        raise DataError(
            f"expected examples with 'image' and 'label', or pairs of them; example {number} is {found}."
        ) from error
    image, label = np.asarray(image), np.asarray(label)
    shapes = [(*label.shape, 28, 28), (*label.shape, 28, 28, 1)]
    if image.dtype != np.uint8 or image.shape not in shapes or label.dtype.kind not in "iu" or label.ndim > 1:
        raise DataError(
            f"expected images of uint8, shape (28, 28) or (28, 28, 1), with a whole number each, or batches of them; "
            f"example {number} has {image.dtype}, shape {image.shape}, and {label.dtype} labels of shape "
            f"{label.shape}. Give the examples as tfds loads them, before they are scaled, resized or one-hot encoded."
        )
    return image.reshape(-1, 28, 28), label.reshape(-1)


def _class_names(info: Any) -> str | None:
    """Return the names of the classes, if each is a single character."""
    names = getattr(info.features["label"], "names", None) if info is not None and "label" in info.features else None
    return "".join(names) if names and all(len(name) == 1 for name in names) else None
