"""Classical methods for single characters, and a small ladder of them with two networks.

Each method is a function from its settings to a pipeline of scikit-learn, whose `fit` and `predict` take stored images,
uint8 of shape (n, 28, 28). First used in notebook 03.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from hcr_lib import metrics
from hcr_lib.datasets import Dataset, load
from hcr_lib.labels import DIGITS

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline  # for types alone: scikit-learn changes the environment when it is imported


def least_squares(ridge: float) -> Pipeline:
    """Fit one layer of weights to targets of +1 (this class) and -1 (all others) by squared error.

    Notes
    -----
    The weights have a closed form: no steps, no learning rate. The ridge keeps weights small where hardly any ink ever
    is. The first rung of LeCun et al., "Gradient-based learning applied to document recognition" (1998).
    """
    from sklearn.linear_model import RidgeClassifier
    from sklearn.preprocessing import PolynomialFeatures

    return _on_ink(PolynomialFeatures(1), RidgeClassifier(alpha=ridge, fit_intercept=False))  # 1 is for the bias


def softmax_regression(C: float) -> Pipeline:
    """Fit the same layer of weights by cross-entropy; a smaller `C` regularises more strongly."""
    from sklearn.linear_model import LogisticRegression

    return _on_ink(LogisticRegression(C=C, tol=1e-3, max_iter=200))


def nearest_neighbours(k: int) -> Pipeline:
    """Take a vote among the `k` nearest training images (Euclidean distance); nearer ones win a tie."""
    from sklearn.neighbors import KNeighborsClassifier

    votes = 1 - 1e-3 * np.arange(k)  # slightly less for each neighbour than for the one before
    return _on_ink(KNeighborsClassifier(k, algorithm="brute", weights=lambda near: np.tile(votes, (len(near), 1))))


def gaussian_svm(C: float, gamma: float) -> Pipeline:
    """Fit a support vector machine with a Gaussian kernel, one for each pair of classes (Cortes and Vapnik, 1995)."""
    from sklearn.svm import SVC

    return _on_ink(SVC(C=C, gamma=gamma, cache_size=2000))


def _on_ink(*steps: Any) -> Pipeline:
    """Return a pipeline that begins with rows of float32 ink in [0, 1], shape (n, 784)."""
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    return make_pipeline(FunctionTransformer(lambda images: images.reshape(len(images), -1) / np.float32(255)), *steps)


def parameters(fitted: Pipeline) -> int:
    """Return how many numbers a fitted method stores: its weights, or the training images that it keeps."""
    method = fitted[-1]
    if hasattr(method, "n_samples_fit_"):
        return method.n_samples_fit_ * method.n_features_in_
    found = (getattr(method, name, None) for name in ("support_vectors_", "dual_coef_", "coef_", "intercept_"))
    return sum(values.size for values in found if isinstance(values, np.ndarray))


def select(
    method: Callable[..., Pipeline], grid: Sequence[dict[str, Any]], train: Dataset, validation: Dataset
) -> tuple[dict[str, Any], Pipeline]:
    """Fit a method with each of several settings; return the ones that validate best, and what was fitted with them.

    Of equally good settings the first are kept.
    """
    fitted = [(settings, method(**settings).fit(train.images, train.labels)) for settings in grid]
    return max(fitted, key=lambda each: each[1].score(validation.images, validation.labels))


#: (name, description, method, settings to select from) of the classical rungs of `small_ladder` ...
_CLASSICAL = (
    ("linear", "linear, squared error", least_squares, [{"ridge": 10.0}, {"ridge": 100.0}]),
    ("softmax", "softmax regression", softmax_regression, [{"C": 0.1}, {"C": 1.0}]),
    ("knn", "nearest neighbours", nearest_neighbours, [{"k": 1}, {"k": 3}]),
    ("svm", "SVM, Gaussian kernel", gaussian_svm, [{"C": 10.0, "gamma": 0.02}]),
)
#: ... and (name, description, function of `hcr_lib.networks.models`, its arguments) of its two networks ...
_NETWORKS = (
    ("mlp", "two layers, 100 wide", "mlp", {"hidden": 100}),
    ("cnn", "convolutions", "compact_cnn", {"width": 8}),
)
#: ... which are trained alike.
_TRAINING = {"epochs": 8, "batch_size": 32, "learning_rate": 5e-3}


def small_ladder(seed: int = 0) -> pd.DataFrame:
    """Fit six methods to the bundled synthetic digits, split by writer; `seed` is for the two networks among them.

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
    from hcr_lib._tf import keras
    from hcr_lib.networks import models
    from hcr_lib.training import fit

    train, validation, test = (load("bundled", part).merge_classes(DIGITS) for part in ("train", "val", "test"))
    rows = []

    def add(name: str, what: str, predictions: np.ndarray, seconds: float, stored: int) -> None:
        wrong, total = int(np.sum(predictions != test.labels)), len(test)
        low, high = metrics.wilson_interval(wrong, total)
        rows.append((name, what, wrong / total, low, high, total, round(seconds, 1), stored))

    for name, what, method, grid in _CLASSICAL:
        start = time.process_time()
        _, classifier = select(method, grid, train, validation)
        predictions = classifier.predict(test.images)
        add(name, what, predictions, time.process_time() - start, parameters(classifier))
    for name, what, build, size in _NETWORKS:
        keras.utils.set_random_seed(seed)
        model = getattr(models, build)(len(DIGITS), **size)
        history = fit(model, train, validation, seed=seed, progress=False, **_TRAINING).history
        predictions = np.asarray(model(test.images[..., None] / np.float32(255))).argmax(axis=1)
        add(name, what, predictions, float(history["seconds"].sum()), model.count_params())
    columns = ["rung", "what", "error", "low", "high", "test_images", "seconds", "parameters"]
    return pd.DataFrame(rows, columns=columns)
