"""Classical methods for single characters, and a small ladder of them with two networks.

Each method is a function from a training set, and settings, to a `Classifier`. First used in notebook 03.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from hcr_lib import metrics
from hcr_lib.datasets import Dataset, load
from hcr_lib.labels import DIGITS

if TYPE_CHECKING:
    import pandas as pd


class Classifier(NamedTuple):
    """A fitted method.

    Attributes
    ----------
    predict : callable
        From uint8 images (n, 28, 28) to labels (n,).
    parameters : int
        How many numbers it stores.
    """

    predict: Callable[[np.ndarray], np.ndarray]
    parameters: int


def pixels(images: np.ndarray) -> np.ndarray:
    """Flatten stored images to rows of float32 ink in [0, 1], shape (n, 784)."""
    return images.reshape(len(images), -1) / np.float32(255)


def least_squares(train: Dataset, ridge: float) -> Classifier:
    r"""Fit one layer of weights to targets of +1 (this class) and -1 (all others) by squared error.

    Notes
    -----
    The weights have a closed form, :math:`(X^T X + r I)^{-1} X^T Y`: no steps, no learning rate. The ridge `r` keeps
    weights small where hardly any ink ever is. The first rung of LeCun et al., "Gradient-based learning applied to
    document recognition" (1998).
    """
    inputs = _with_bias(pixels(train.images)).astype("float64")
    targets = 2.0 * np.eye(len(train.classes))[train.labels] - 1
    weights = np.linalg.solve(inputs.T @ inputs + ridge * np.eye(inputs.shape[1]), inputs.T @ targets)
    return Classifier(lambda images: (_with_bias(pixels(images)) @ weights).argmax(axis=1), weights.size)


def _with_bias(inputs: np.ndarray) -> np.ndarray:
    """Append a column of ones, whose weight is the bias."""
    return np.hstack([inputs, np.ones((len(inputs), 1), inputs.dtype)])


def softmax_regression(train: Dataset, C: float) -> Classifier:
    """Fit the same layer of weights by cross-entropy; a smaller `C` regularises more strongly."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, tol=1e-3, max_iter=200).fit(pixels(train.images), train.labels)
    return Classifier(lambda images: model.predict(pixels(images)), model.coef_.size + model.intercept_.size)


def nearest_neighbours(train: Dataset, k: int) -> Classifier:
    """Take a vote among the `k` nearest training images (Euclidean distance); nearer ones win a tie."""
    from sklearn.neighbors import NearestNeighbors

    inputs = pixels(train.images)
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(inputs)
    vote = 1 - 1e-3 * np.arange(k)  # slightly less for each neighbour than for the one before
    classes = np.arange(len(train.classes))

    def predict(images: np.ndarray) -> np.ndarray:
        labels = train.labels[index.kneighbors(pixels(images), return_distance=False)]
        return np.argmax((labels[:, :, None] == classes).transpose(0, 2, 1) @ vote, axis=1)

    return Classifier(predict, inputs.size)


def gaussian_svm(train: Dataset, C: float, gamma: float) -> Classifier:
    """Fit a support vector machine with a Gaussian kernel, one for each pair of classes (Cortes and Vapnik, 1995)."""
    from sklearn.svm import SVC

    model = SVC(C=C, gamma=gamma, cache_size=2000).fit(pixels(train.images), train.labels)
    return Classifier(
        lambda images: model.predict(pixels(images)),
        model.support_vectors_.size + model.dual_coef_.size + model.intercept_.size,
    )


def select(
    fit: Callable[..., Classifier], grid: Sequence[dict[str, Any]], train: Dataset, validation: Dataset
) -> tuple[dict[str, Any], Classifier]:
    """Fit a method with each of several settings and keep the ones that validate best.

    Parameters
    ----------
    fit : callable
        From a training set and keyword arguments to a `Classifier`.
    grid : sequence of dict
        The keyword arguments to try; of equally good ones the first is kept.
    train, validation : Dataset

    Returns
    -------
    dict, Classifier
        The chosen settings and what was fitted with them.
    """
    fitted = [(settings, fit(train, **settings)) for settings in grid]
    return max(fitted, key=lambda each: int(np.sum(each[1].predict(validation.images) == validation.labels)))


#: (name, description, method, settings to select from) of the classical rungs of `small_ladder` ...
_CLASSICAL = (
    ("linear", "linear, squared error", least_squares, [{"ridge": 10.0}, {"ridge": 100.0}]),
    ("softmax", "softmax regression", softmax_regression, [{"C": 0.1}, {"C": 1.0}]),
    ("knn", "nearest neighbours", nearest_neighbours, [{"k": 1}, {"k": 3}]),
    ("svm", "SVM, Gaussian kernel", gaussian_svm, [{"C": 10.0, "gamma": 0.02}]),
)
#: ... and (name, description, function of `hcr_lib.networks.models`, its arguments, epochs) of its two networks.
_NETWORKS = (
    ("mlp", "two layers, 100 wide", "mlp", {"hidden": 100}, 15),
    ("cnn", "convolutions", "compact_cnn", {"width": 8}, 6),
)


def small_ladder(seed: int = 0) -> pd.DataFrame:
    """Fit six methods to the bundled synthetic digits, split by writer.

    Parameters
    ----------
    seed : int
        For the two networks; the other methods are deterministic.

    Returns
    -------
    DataFrame
        A row for each rung, from the simplest up: rung, what, error, low and high (95 % Wilson interval),
        test_images, seconds, parameters; for `hcr_lib.plots.show_ladder`. Settings are selected on the validation
        writers.

    Notes
    -----
    The test set is small, so the intervals are wide: neighbouring rungs may swap places with another seed.
    """
    import pandas as pd

    from hcr_lib._tf import keras
    from hcr_lib.networks import models
    from hcr_lib.training import fit

    train, validation, test = (load("bundled", part).merge_classes(DIGITS) for part in ("train", "val", "test"))
    rows = []

    def add(name: str, what: str, predictions: np.ndarray, seconds: float, parameters: int) -> None:
        wrong, total = int(np.sum(predictions != test.labels)), len(test)
        low, high = metrics.wilson_interval(wrong, total)
        rows.append((name, what, wrong / total, low, high, total, round(seconds, 1), parameters))

    for name, what, method, grid in _CLASSICAL:
        start = time.process_time()
        _, classifier = select(method, grid, train, validation)
        add(name, what, classifier.predict(test.images), time.process_time() - start, classifier.parameters)
    for name, what, build, size, epochs in _NETWORKS:
        keras.utils.set_random_seed(seed)
        model = getattr(models, build)(len(DIGITS), **size)
        history = fit(model, train, validation, epochs=epochs, batch_size=32, seed=seed, progress=False).history
        predictions = np.asarray(model(test.images[..., None] / np.float32(255))).argmax(axis=1)
        add(name, what, predictions, float(history["seconds"].sum()), model.count_params())
    columns = ["rung", "what", "error", "low", "high", "test_images", "seconds", "parameters"]
    return pd.DataFrame(rows, columns=columns)
