"""A reader learns one person's handwriting from a few drawings of each character, in a few seconds.

Up to its last layer, the network turns an image into 128 numbers, its features; the last layer turns these into a score
for each character. Only that layer is learned anew, and it is held back to what it was: a few drawings say much about
this hand, and nothing about everybody else's. `python -m hcr_lib.research.studies adaptation` measures what it brings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize, special

from hcr_lib._paths import shipped
from hcr_lib._validate import ensure_uint8_images
from hcr_lib.labels import TEXT, to_labels
from hcr_lib.recognizer import Recognizer

if TYPE_CHECKING:
    from hcr_lib.datasets import Dataset

#: How strongly the last layer is held back: of 0.3, 1, 3, 10 and 30, what reads UNIPEN's training people best.
STRENGTH = 1.0
BATCH = 64  #: images that go through the body together
STEPS = 100  #: of the search, at most; it needs some 70


class AdaptiveNetwork:
    """A network for characters in two parts: a body that stays as it is, and a last layer that can learn.

    Attributes
    ----------
    weights : ndarray of float, shape (1 + features, classes)
        Of the last layer; row 0 is its bias.
    classes : str
        The characters of its columns.
    """

    def __init__(self, body: Callable[[np.ndarray], np.ndarray], weights: np.ndarray, classes: str):
        self._body, self.weights, self.classes = body, weights, classes

    @classmethod
    def load(cls) -> AdaptiveNetwork:
        """Load the network that ships with the course, cut in front of its last layer."""
        from hcr_lib._tf import keras  # here: whoever only reads need not wait for TensorFlow

        model = keras.saving.load_model(shipped("reader.keras"))
        weights, bias = model.layers[-1].get_weights()
        layers = keras.Model(model.input, model.layers[-1].input)

        def body(ink: np.ndarray) -> np.ndarray:  # called, as `predict` takes a quarter of a second for one drawing
            return np.concatenate([np.asarray(layers(ink[k : k + BATCH])) for k in range(0, len(ink), BATCH)])

        return cls(body, np.vstack([bias, weights]), TEXT)

    def features(self, images: np.ndarray) -> np.ndarray:
        """Return what the body makes of normalised images: float, shape (n, 1 + features); column 0 is 1, for the bias.

        Parameters
        ----------
        images : ndarray of uint8, shape (n, 28, 28)
        """
        ink = ensure_uint8_images(images)[..., None] / np.float32(255)
        if not len(ink):  # oneDNN's convolutions do not take an empty batch
            return np.zeros((0, len(self.weights)))
        return np.insert(self._body(ink), 0, 1, axis=1)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes, float of shape (n, classes), as `Recognizer` asks for them."""
        return special.softmax(self.features(images) @ self.weights, axis=1)

    def adapted(self, drawings: Dataset, strength: float = STRENGTH) -> AdaptiveNetwork:
        """Return a network that has learned from drawings; this one stays as it is.

        Parameters
        ----------
        drawings : Dataset
            By one person, three to five of each character; no fewer of one than of another.
        strength : float
            How strongly the last layer is held back, more than 0: see `refit`.
        """
        labels = to_labels(drawings.chars, self.classes)
        weights = refit(self.weights, self.features(drawings.images), labels, strength)
        return AdaptiveNetwork(self._body, weights, self.classes)

    def reader(self, alphabet: str = "byclass") -> Recognizer:
        """Return a reader with this network for single characters; whole lines are read as ever."""
        return Recognizer(self, {"classes": self.classes}, alphabet)


def refit(weights: np.ndarray, features: np.ndarray, labels: np.ndarray, strength: float = STRENGTH) -> np.ndarray:
    r"""Return the last layer that explains drawings best and is not far from what it was.

    Parameters
    ----------
    weights : ndarray of float, shape (m, classes)
    features : ndarray of float, shape (n, m)
    labels : ndarray of int, shape (n,)
    strength : float

    Returns
    -------
    ndarray of float, shape (m, classes)

    Notes
    -----
    Softmax regression with a prior around the given weights :math:`W_0`: the :math:`W` with the least

    .. math:: -\sum_i \log \mathrm{softmax}(x_i W)_{y_i} + \frac{s}{2} \, \lVert W - W_0 \rVert^2

    That is convex: there is one best layer, and L-BFGS finds it. With infinite strength it is the old one. Source:
    C. Chelba, A. Acero, "Adaptation of maximum entropy capitalizer: little data can help a lot", EMNLP 2004.

    Examples
    --------
    >>> shipped, drawing = np.zeros((2, 2)), np.array([[1.0, 2.0]])  # a layer that says 0 and 1 are equally likely
    >>> scores = drawing @ refit(shipped, drawing, np.array([1]))  # after one drawing of a 1
    >>> bool(scores[0, 1] > scores[0, 0])
    True
    """
    from threadpoolctl import threadpool_limits  # here: whoever imports it changes the environment

    if not strength > 0:
        raise ValueError(f"strength must be more than 0, or nothing holds the layer back; got {strength}.")
    if not len(labels):
        raise ValueError("there is nothing to learn from; expected three to five drawings of each character.")
    written = np.eye(weights.shape[1])[labels]

    def cost(change: np.ndarray) -> tuple[float, np.ndarray]:
        logs = special.log_softmax(features @ (weights + change.reshape(weights.shape)), axis=1)
        slope = features.T @ (np.exp(logs) - written)
        return strength / 2 * change @ change - (logs * written).sum(), slope.ravel() + strength * change

    start, settings = np.zeros(weights.size), {"jac": True, "method": "L-BFGS-B", "options": {"maxiter": STEPS}}
    with threadpool_limits(1):  # threads that wait for each other made it thirty times slower on a busy machine
        change = optimize.minimize(cost, start, **settings).x
    return weights + change.reshape(weights.shape)
