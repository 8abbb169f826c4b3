"""Stroke-width factors of synthetic characters, fitted to real ones: ``stroke_width`` in ``glyphs.json``.

People write an o smaller than an M; brought to one size, its stroke is the thicker one. So the ink of each class of
EMNIST's training images is compared with the bundled sample's. ``ink`` is how many times as much ink a real image
holds: 1 where the factor fits. ``stroke_width`` is the factor that would fit better, for the next edition of the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import images
from hcr_lib.datasets import load
from hcr_lib.handwriting import stroke_width_factors
from hcr_lib.labels import BYCLASS
from hcr_lib.research import mixed_emnist

PER_CLASS = 250


def study(data_dir: Path) -> dict[str, Any]:
    """Compare the classes' ink; geometric means, because ink varies by factors."""
    real, bundled = mixed_emnist.load(data_dir, "train", case="known"), load("bundled", "all")
    ratio = {}
    for char in BYCLASS:
        stored = images.to_mnist_batch(real.images[real.chars == char][:PER_CLASS])
        ratio[char] = np.exp(_log_ink(stored) - _log_ink(bundled.images[bundled.chars == char]))
    wanted = {char: factor * ratio[char] for char, factor in stroke_width_factors().items()}
    middle = np.exp(np.mean(np.log(list(wanted.values()))))  # how thick the pen is on the whole is the writer's affair
    return {
        "ink": {char: round(float(times), 3) for char, times in ratio.items()},
        "stroke_width": {char: round(float(factor / middle), 2) for char, factor in wanted.items()},
    }


def _log_ink(stored: np.ndarray) -> float:
    return float(np.log(stored.mean(axis=(1, 2))).mean())
