"""Does synthetic handwriting help a reader that has real data? Trained with it and without it, judged by real writing.

Two networks like the one that ships, from the same first weights, take as many steps on the sources of
`hcr_lib.research.train_reader` - its first phase, shortened - once without the synthetic sample; all that for each of
`SEEDS`. Both read the same drawings and photographs; McNemar's test says whether the pictures that only one of them
reads could differ so much by chance.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import metrics
from hcr_lib.datasets import Dataset
from hcr_lib.labels import BYCLASS
from hcr_lib.research.studies import _real_writers
from hcr_lib.research.studies._real_writers import Pictures
from hcr_lib.research.train_reader import PHASES, sampling_weights, training_data

EPOCHS = 4
SEEDS = (0, 1)
WIDTH = 32  #: of the compact network


def study(data_dir: Path) -> dict[str, Any]:
    """Train both networks and compare what they read."""
    cache = os.environ.get("HCR_CACHE")  # a folder of normalised images, as `train_reader` leaves it
    train, validation = training_data(data_dir, Path(cache) if cache else None)
    pictures = _real_writers.pens(data_dir) | {"photographed characters": _real_writers.photographs(data_dir)}
    rows = compare(train, validation.take(np.arange(min(5000, len(validation)))), pictures)
    return {"network": "compact_cnn", "epochs": EPOCHS, "rows": rows}


def compare(
    train: Dataset,
    validation: Dataset,
    pictures: dict[str, Pictures],
    seeds: Sequence[int] = SEEDS,
    epochs: int = EPOCHS,
    width: int = WIDTH,
) -> list[dict[str, Any]]:
    """Train with and without the synthetic sample for each seed; return a row for each set of pictures and alphabet."""
    without = {name: share for name, share in PHASES[0].sources.items() if name != "synthetic"}
    rows = []
    for seed in seeds:
        first, second = (
            _probabilities(train, validation, pictures, sources, seed, epochs, width)
            for sources in (PHASES[0].sources, without)
        )
        for name, shown in pictures.items():
            for alphabet in ("digits", "letters", "alnum", "byclass"):
                hits = [_real_writers.hits(each[name], shown.chars, alphabet).astype(int) for each in (first, second)]
                row = {
                    "seed": seed, "set": name, "alphabet": alphabet, "count": len(hits[0]),
                    "with": round(float(hits[0].mean()), 4), "without": round(float(hits[1].mean()), 4),
                    "p_value": round(metrics.mcnemar(np.ones(len(hits[0]), int), *hits).p_value, 4),
                }  # fmt: skip
                rows.append(row)
    return rows


def _probabilities(
    train: Dataset,
    validation: Dataset,
    pictures: dict[str, Pictures],
    sources: dict[str, float],
    seed: int,
    epochs: int,
    width: int,
) -> dict[str, np.ndarray]:
    """Train a network on some of the sources and let it read the pictures."""
    from hcr_lib._tf import keras
    from hcr_lib.augment import Augment
    from hcr_lib.networks import models
    from hcr_lib.research.precision import half_precision
    from hcr_lib.training import fit

    phase = dataclasses.replace(PHASES[0], sources=sources)
    keras.utils.set_random_seed(seed)
    with half_precision(True):
        model = models.compact_cnn(len(BYCLASS), width, first=2)
    fit(
        model, train, validation,
        epochs=epochs, learning_rate=phase.learning_rate, augment=Augment(**phase.augment),
        sampling_weights=sampling_weights(train, phase), seed=seed, keep="last",
    )  # fmt: skip
    return {name: _real_writers.probabilities(model, shown.images) for name, shown in pictures.items()}
