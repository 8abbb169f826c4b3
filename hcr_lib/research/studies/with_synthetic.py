"""Does synthetic handwriting help a reader that has real data? Trained with it and without it, judged by people.

Two networks like the one that ships, from the same first weights, take as many steps on the sources of
`hcr_lib.research.train_reader` - its first phase, shortened - once without the synthetic sample; all that for each of
`SEEDS`. Both read the same drawings and photographs; McNemar's test says whether the pictures that only one of them reads could
differ so much by chance.
"""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import metrics
from hcr_lib.labels import BYCLASS
from hcr_lib.research.studies import _people
from hcr_lib.research.train_reader import PHASES, draw_weights, training_data

EPOCHS = 4
SEEDS = (0, 1)


def study(data_dir: Path) -> dict[str, Any]:
    """Train both and compare what they read."""
    cache = os.environ.get("HCR_CACHE")  # a folder of images in form, as `train_reader` leaves it
    train, validation = training_data(data_dir, Path(cache) if cache else None)
    pictures = _people.pens(data_dir) | {"photographed characters": _people.photographs(data_dir)}
    rows = []
    for seed in SEEDS:
        with_it = _answers(train, validation, pictures, seed, leave_out=())
        without = _answers(train, validation, pictures, seed, leave_out=("synthetic",))
        rows += _compared(pictures, with_it, without, seed)
    return {"network": "compact_cnn", "epochs": EPOCHS, "rows": rows}


def _compared(pictures: dict, with_it: dict, without: dict, seed: int) -> list[dict[str, Any]]:
    rows = []
    for name, shown in pictures.items():
        for alphabet in ("digits", "letters", "alnum", "byclass"):
            first = _people.hits(with_it[name], shown.chars, alphabet)
            second = _people.hits(without[name], shown.chars, alphabet)
            compared = metrics.mcnemar(np.ones(len(first), int), first.astype(int), second.astype(int))
            rows.append(
                {
                    "seed": seed,
                    "set": name,
                    "alphabet": alphabet,
                    "count": len(first),
                    "with": round(float(first.mean()), 4),
                    "without": round(float(second.mean()), 4),
                    "p_value": round(compared.p_value, 4),
                }
            )
    return rows


def _answers(
    train: dict, validation: dict, pictures: dict, seed: int, leave_out: tuple[str, ...]
) -> dict[str, np.ndarray]:
    from hcr_lib._tf import keras
    from hcr_lib.augment import Augment
    from hcr_lib.networks import models
    from hcr_lib.training import fit

    phase = PHASES[0]
    sources = {name: share for name, share in phase.sources.items() if name not in leave_out}
    phase = dataclasses.replace(phase, sources=sources)
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(seed)
    model = models.compact_cnn(len(BYCLASS), first=2)
    fit(
        model,
        (train["images"], train["marks"]),
        (validation["images"][:5000], validation["marks"][:5000]),
        epochs=EPOCHS,
        learning_rate=phase.learning_rate,
        augment=Augment(**phase.augment),
        weights=draw_weights(train, phase),
        seed=seed,
        keep="last",
    )
    return {name: _people.probabilities(model, shown.images) for name, shown in pictures.items()}
