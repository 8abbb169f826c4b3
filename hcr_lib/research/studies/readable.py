"""How readable real characters are to the shipped reader, each of the 62 shown equally often.

What to hold ``read_by_reader`` of the study `synthetic` against, whose sample is balanced: EMNIST's validation images,
as many of each character, cases merged in the predictions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import images
from hcr_lib.recognizer import Recognizer
from hcr_lib.research import mixed_emnist
from hcr_lib.research.studies import _real_writers

PER_CLASS = 60  # a few letters have only some thirty


def study(data_dir: Path) -> dict[str, Any]:
    """Draw the images and read them."""
    part, rng = mixed_emnist.load(data_dir, "val", case="known"), np.random.default_rng(0)
    shown = part.take(
        np.concatenate([rng.permutation(np.flatnonzero(part.labels == k))[:PER_CLASS] for k in range(62)])
    )
    predicted = Recognizer.load("byclass").predict(images.to_mnist_batch(shown.images), normalised=True)
    return {
        "EMNIST, our validation part": _real_writers.share(_real_writers.merged_hits(predicted, shown.chars, "alnum"))
    }
