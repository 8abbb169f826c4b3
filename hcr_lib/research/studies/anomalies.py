"""Three rungs of the ladder that stand in the wrong place: one training each, judged by the validation images."""

from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import metrics
from hcr_lib._tf import keras
from hcr_lib.augment import Augment
from hcr_lib.networks import models
from hcr_lib.research.ladder import Parts
from hcr_lib.research.ladder._rungs import AFFINE, DENSE, DENSE_LONG, PLAIN
from hcr_lib.research.networks import lenet5
from hcr_lib.training import fit

BENDS = (0.5, 0.7, 0.9, 1.2)  #: pixels, at most


def study(data_dir: Path) -> dict[str, Any]:
    """Train each once, seed 0, on MNIST, and return the share of the validation images that it reads wrong."""
    parts = Parts.load("mnist", data_dir)
    trainings = {
        "mlp300: 12 epochs, as on the ladder": (models.mlp, {"hidden": 300}, DENSE),
        **{f"lenet5: {epochs} epochs": (lenet5, {}, PLAIN | {"epochs": epochs}) for epochs in (8, 20)},
        "mlp800: affine": (models.mlp, {"hidden": 800}, DENSE_LONG | {"augment": Augment.only(**AFFINE)}),
    }
    for bend in BENDS:
        changed = Augment.only(elastic=bend, shift=1.0)
        trainings[f"mlp800: elastic, {bend}"] = models.mlp, {"hidden": 800}, DENSE_LONG | {"augment": changed}
    errors = {"mlp300: trained as in the 1990s, 6 epochs": error(as_in_the_1990s(parts), parts.val)}
    for name, (build, size, settings) in trainings.items():
        keras.utils.set_random_seed(0)
        network = build(10, **size)
        fit(network, parts.train, parts.val, seed=0, progress=False, **settings)
        errors[name] = error(network, parts.val)
    return {"validation_errors": errors}


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
