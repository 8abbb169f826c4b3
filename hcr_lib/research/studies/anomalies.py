"""Three rungs of the ladder that stand in the wrong place: one training each, with one setting changed."""

from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import metrics
from hcr_lib._tf import keras
from hcr_lib.augment import Augment
from hcr_lib.networks import models
from hcr_lib.research.ladder import Parts
from hcr_lib.research.ladder._rungs import AFFINE, ELASTIC
from hcr_lib.research.networks import lenet5
from hcr_lib.training import fit

DISTORTIONS = {
    "affine": AFFINE,
    "elastic 1.2": ELASTIC,
    "elastic 0.7": {"elastic": 0.7, "shift": 1.0},
    "affine and elastic 1.2": AFFINE | {"elastic": 1.2},
}


def study(data_dir: Path) -> dict[str, Any]:
    """Train each once, seed 0, on MNIST, and return the share of the test images that it reads wrong."""
    parts = Parts.load("mnist", data_dir)
    errors = {"mlp300: trained as in the 1990s, 6 epochs": error(as_in_the_1990s(parts), parts.test)}
    keras.utils.set_random_seed(0)
    network = lenet5(10)
    fit(network, parts.train, parts.val, epochs=20, batch_size=128, learning_rate=2e-3, seed=0)
    errors["lenet5: 20 epochs"] = error(network, parts.test)
    for name, limits in DISTORTIONS.items():
        keras.utils.set_random_seed(0)
        network = models.mlp(10, hidden=800)
        settings = {"epochs": 15, "batch_size": 128, "learning_rate": 1e-3, "augment": Augment.only(**limits)}
        fit(network, parts.train, parts.val, seed=0, **settings)
        errors[f"mlp800: 15 epochs, {name}"] = error(network, parts.test)
    return {"errors": errors}


def as_in_the_1990s(parts: Parts, epochs: int = 6) -> keras.Model:
    """Train two layers with tanh, squared error to targets of -1 and 1, and plain steps."""
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Flatten(), keras.layers.Dense(300, "tanh"), keras.layers.Dense(10, "tanh")]
    network = keras.Sequential([keras.Input((28, 28, 1)), *layers])
    network.compile(keras.optimizers.SGD(0.05), "mse")
    targets = 2 * np.eye(10, dtype="float32")[parts.train.labels] - 1
    network.fit(parts.train.images[..., None] / np.float32(255), targets, batch_size=32, epochs=epochs, verbose=0)
    return network


def error(network: keras.Model, part: Any) -> float:
    """Return the share of a part that a network reads wrong."""
    scores = network.predict(part.images[..., None] / np.float32(255), batch_size=500, verbose=0)
    return round(1 - metrics.accuracy(part.labels, scores.argmax(axis=1)), 4)
