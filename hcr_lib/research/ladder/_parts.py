"""What a rung of the ladder is given, and what it predicts."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib.datasets import Dataset, load


@dataclasses.dataclass(frozen=True)
class Parts:
    """Three parts of one data set: to learn from, to choose by, to report."""

    train: Dataset
    val: Dataset
    test: Dataset

    @classmethod
    def load(cls, name: str, data_dir: Path | None = None) -> Parts:
        """Load the three parts of a data set that has a name."""
        return cls(*(load(name, part, data_dir=data_dir) for part in ("train", "val", "test")))

    def merge_classes(self, classes: str) -> Parts:
        """Keep only the images of some classes, relabelled for them."""
        return Parts(*(part.merge_classes(classes) for part in self._all))

    def changed(self, change: Callable[[np.ndarray], np.ndarray]) -> Parts:
        """Return the same characters, all their images changed in the same way."""
        return Parts(*(dataclasses.replace(part, images=change(part.images)) for part in self._all))

    def first(self, number: int) -> Parts:
        """Keep only so many images of the training part and a tenth as many of the others, to try things out."""
        few = max(1, number // 10)
        return Parts(
            *(part.take(np.arange(min(n, len(part)))) for part, n in zip(self._all, (number, few, few), strict=True))
        )

    @property
    def _all(self) -> tuple[Dataset, Dataset, Dataset]:
        return self.train, self.val, self.test


@dataclasses.dataclass(frozen=True)
class Predictions:
    """What one model predicted, and what it took.

    Attributes
    ----------
    val, test : ndarray of int, shape (n,)
        The labels predicted for the validation and test images.
    seconds : float
        Training, the choice of settings included: of networks on the clock; of other methods the processor's, all its
        cores together, so that a busy machine does not count.
    parameters : int
        How many numbers it stores.
    notes : dict
        What was chosen, and on what grounds.
    """

    val: np.ndarray
    test: np.ndarray
    seconds: float
    parameters: int
    notes: dict[str, Any] = dataclasses.field(default_factory=dict)
