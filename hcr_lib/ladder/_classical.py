"""The rungs below the networks: each is a function from a training part, and settings, to a `Reader`."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from hcr_lib.datasets import Dataset
from hcr_lib.ladder._parts import Answers, Parts, pixels


class Reader(NamedTuple):
    """A function from stored images (n, 28, 28) to labels (n,), and how many numbers it keeps."""

    read: Callable[[np.ndarray], np.ndarray]
    parameters: int


@dataclasses.dataclass(frozen=True)
class Classical:
    """A method, and the settings to choose from.

    Attributes
    ----------
    fit : callable
        From a training part and keyword arguments to a `Reader`.
    settings : sequence of dict
        The keyword arguments to try; the ones that validate best are kept, the first of equals.
    subset : int, optional
        Choose with so many training images, then fit on all of them; with all of them at once by default.
    """

    fit: Callable[..., Reader]
    settings: Sequence[dict[str, Any]]
    subset: int | None = None

    def answers(self, parts: Parts) -> Answers:
        """Choose the settings on validation, then answer the test."""
        start = time.process_time()
        few = parts.train
        if self.subset is not None and self.subset < len(few):
            few = few.sample(self.subset, np.random.default_rng(0))
        best = None
        for settings in self.settings:
            reader = self.fit(few, **settings)
            val = reader.read(parts.val.images)
            right = np.sum(val == parts.val.labels)
            if best is None or right > best[0]:
                best = right, settings, reader, val
        _, settings, reader, val = best
        if few is not parts.train:
            reader = self.fit(parts.train, **settings)
            val = reader.read(parts.val.images)
        seconds = time.process_time() - start
        notes = {"chosen": settings} | ({"chosen_with": len(few)} if few is not parts.train else {})
        return Answers(val, reader.read(parts.test.images), seconds, reader.parameters, notes)


def least_squares(train: Dataset, ridge: float) -> Reader:
    r"""Fit one layer of weights to targets of +1 (this class) and -1 by squared error.

    Notes
    -----
    The weights have a closed form, :math:`(X^T X + r I)^{-1} X^T Y`: no steps, no learning rate. The ridge `r` keeps
    weights small where hardly any ink ever is. The first rung of LeCun et al., "Gradient-based learning applied to
    document recognition" (1998).
    """
    ink = _with_one(pixels(train.images)).astype("float64")
    targets = 2.0 * np.eye(len(train.classes))[train.labels] - 1
    weights = np.linalg.solve(ink.T @ ink + ridge * np.eye(ink.shape[1]), ink.T @ targets)
    return Reader(lambda images: (_with_one(pixels(images)) @ weights).argmax(axis=1), weights.size)


def _with_one(ink: np.ndarray) -> np.ndarray:
    """Add a column of ones: its weight is the bias."""
    return np.hstack([ink, np.ones((len(ink), 1), ink.dtype)])


def softmax_regression(train: Dataset, C: float) -> Reader:
    """Fit the same layer of weights by cross-entropy; a smaller `C` keeps them smaller."""
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, tol=1e-3, max_iter=200).fit(pixels(train.images), train.labels)
    return Reader(lambda images: model.predict(pixels(images)), model.coef_.size + model.intercept_.size)


def nearest_neighbours(train: Dataset, k: int) -> Reader:
    """Ask the `k` most similar training images (Euclidean distance of pixels); of equal votes, the nearer ones win."""
    from sklearn.neighbors import NearestNeighbors

    ink = pixels(train.images)
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(ink)
    vote = 1 - 1e-3 * np.arange(k)  # hardly less for the second nearest than for the nearest
    classes = np.arange(len(train.classes))

    def read(images: np.ndarray) -> np.ndarray:
        labels = train.labels[index.kneighbors(pixels(images), return_distance=False)]
        return np.argmax((labels[:, :, None] == classes).transpose(0, 2, 1) @ vote, axis=1)

    return Reader(read, ink.size)


def gaussian_svm(train: Dataset, C: float, gamma: float) -> Reader:
    """Fit a support vector machine with a Gaussian kernel, one for each pair of classes (Cortes and Vapnik, 1995)."""
    from sklearn.svm import SVC

    model = SVC(C=C, gamma=gamma, cache_size=2000).fit(pixels(train.images), train.labels)
    return Reader(
        lambda images: model.predict(pixels(images)),
        model.support_vectors_.size + model.dual_coef_.size + model.intercept_.size,
    )
