"""Labels that may know less than a network does: how they are written, and how answers are held against them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcr_lib._tf import keras, tf
from hcr_lib._validate import ensure_labels, ensure_uint8_images
from hcr_lib.datasets import Dataset

#: The marks of a target: this class is right; this one was in question; this one was never asked about.
RIGHT, ASKED, NOT_ASKED = 2, 1, 0


def mark(labels: npt.ArrayLike, num_classes: int, asked: npt.ArrayLike | None = None) -> np.ndarray:
    """Write labels as marks, so that a label may also say which classes were in question at all.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
    num_classes : int
    asked : array_like of int, optional
        Classes in question; all of them by default.

    Returns
    -------
    ndarray of uint8, shape (n, num_classes)
        2 for the right class, 1 for the others in question, 0 elsewhere.

    Examples
    --------
    >>> mark([1], 4, asked=[0, 1, 2]).tolist()
    [[1, 2, 1, 0]]
    """
    labels = ensure_labels(labels, num_classes)
    marks = np.full((len(labels), num_classes), NOT_ASKED, "uint8")
    marks[:, slice(None) if asked is None else np.asarray(asked)] = ASKED
    marks[np.arange(len(labels)), labels] = RIGHT
    return marks


@keras.saving.register_keras_serializable("hcr_lib")
def marked_crossentropy(marks: tf.Tensor, probabilities: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    r"""Cross-entropy for labels that know less than the network does.

    .. math:: -\log \frac{\sum_{right} p}{\sum_{right\ or\ asked} p}

    With one right class and all in question this is the ordinary cross-entropy. A letter whose case nobody wrote
    down has two right classes: their probabilities add up. An MNIST digit, which was never going to be a letter,
    is asked only *which* digit it is, so the network cannot learn that whatever looks like MNIST must be a digit.

    Parameters
    ----------
    marks : tensor of uint8, shape (n, num_classes)
        As `mark` writes them.
    probabilities : tensor of float, shape (n, num_classes)
    smoothing : float
        This share of every label is spread evenly over the classes in question, so that a network is not pushed to
        be surer than a label can be (Szegedy and others 2016). A class that was not asked about gets nothing.

    Returns
    -------
    tensor of float32, shape (n,)
    """
    probabilities = tf.cast(probabilities, "float32") + 1e-7
    marks = tf.cast(marks, "uint8")
    in_question = marks != NOT_ASKED
    right = tf.reduce_sum(tf.where(marks == RIGHT, probabilities, 0.0), axis=-1)
    asked = tf.reduce_sum(tf.where(in_question, probabilities, 0.0), axis=-1)
    log_right = tf.math.log(right)
    if smoothing:
        number = tf.reduce_sum(tf.cast(in_question, "float32"), axis=-1)
        log_any = tf.reduce_sum(tf.where(in_question, tf.math.log(probabilities), 0.0), axis=-1) / number
        log_right = (1 - smoothing) * log_right + smoothing * log_any
    return tf.math.log(asked) - log_right


@keras.saving.register_keras_serializable("hcr_lib")
def accuracy(marks: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Say for each image whether the likeliest class in question is a right one; float32 of shape (n,)."""
    marks = tf.cast(marks, "uint8")
    best = tf.argmax(tf.where(marks != NOT_ASKED, tf.cast(probabilities, "float32"), -1.0), axis=-1)
    return tf.cast(tf.gather(marks, best, axis=-1, batch_dims=1) == RIGHT, "float32")


def images_and_marks(data: Dataset | tuple[np.ndarray, np.ndarray], num_classes: int, name: str) -> tuple:
    """Return images uint8 (n, 28, 28) and marks uint8 (n, num_classes)."""
    if isinstance(data, Dataset):
        if len(data.classes) != num_classes:
            raise ValueError(
                f"{name} has {len(data.classes)} classes and the model {num_classes} outputs; they must agree. "
                f"Build the model with num_classes={len(data.classes)}."
            )
        data = data.images, mark(data.labels, num_classes)
    if not (isinstance(data, tuple | list) and len(data) == 2):
        raise ValueError(f"{name} must be a Dataset or a pair (images, marks); got {type(data).__name__}.")
    images, marks = data
    images = ensure_uint8_images(images, name=f"{name} images")
    if np.shape(marks) != (len(images), num_classes) or len(images) == 0:
        raise ValueError(
            f"{name} needs marks of shape ({len(images)}, {num_classes}) and at least one image; got {np.shape(marks)}."
        )
    marks = np.asarray(marks, dtype="uint8")
    if marks.max() > RIGHT or not (marks == RIGHT).any(axis=1).all():
        raise ValueError(
            f"{name} marks must be {RIGHT} for a right class, {ASKED} for others in question, {NOT_ASKED} elsewhere, "
            f"with a right class in every row; got values {np.unique(marks)[:5].tolist()}. "
            "Make them with hcr_lib.training.mark."
        )
    return images, marks
