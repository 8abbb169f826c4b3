"""The trials behind lesson 03: which learning rate suits each of its two networks, by validation."""

from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import datasets, labels
from hcr_lib._tf import keras
from hcr_lib.checks import EXERCISES
from hcr_lib.networks import models
from hcr_lib.training import fit

RATES = (0.002, 0.005, 0.01)


def study(data_dir: Path) -> dict[str, Any]:
    """Train both with each rate and two seeds, on the bundled handwriting; return the best validation accuracies."""
    train, validation = (datasets.load("bundled", part).merge_classes(labels.ALNUM) for part in ("train", "val"))
    small, some = train.sample(2000, np.random.default_rng(0)), validation.sample(500, np.random.default_rng(0))
    settings, rows = {"epochs": 3, "batch_size": 32, "progress": False}, []
    for name, build in {"the project's": models.seed_cnn, "compact": EXERCISES["03.4"].solution}.items():
        for seed in (0, 1):
            for rate in RATES:
                keras.utils.set_random_seed(seed)
                network = build(36)
                found = fit(network, small, some, learning_rate=rate, seed=seed, **settings)
                best = round(float(found.history["val_accuracy"].max()), 4)
                rows.append({"network": name, "seed": seed, "learning_rate": rate, "val_accuracy": best})
    return {"rows": rows}
