"""The rungs below the networks: a method of `hcr_lib.baselines`, and the settings to select from."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from hcr_lib import baselines
from hcr_lib.research.ladder._parts import Parts, Predictions


@dataclasses.dataclass(frozen=True)
class Classical:
    """A method, and the settings to select from.

    Attributes
    ----------
    fit : callable
        From keyword arguments to what is to be fitted, such as `hcr_lib.baselines.gaussian_svm`.
    settings : sequence of dict
        The keyword arguments to try; the ones that validate best are kept, the first of equals.
    subset : int, optional
        Select with this many training images, then fit on all of them; with all of them at once by default.
    """

    fit: Callable[..., Pipeline]
    settings: Sequence[dict[str, Any]]
    subset: int | None = None

    def predictions(self, parts: Parts) -> Predictions:
        """Select the settings on validation, then predict the test part."""
        start = time.process_time()
        few = parts.train
        if self.subset is not None and self.subset < len(few):
            few = few.sample(self.subset, np.random.default_rng(0))
        settings, classifier = baselines.select(self.fit, self.settings, few, parts.val)
        if few is not parts.train:
            classifier = self.fit(**settings).fit(parts.train.images, parts.train.labels)
        seconds = time.process_time() - start
        notes = {"chosen": settings} | ({"chosen_with": len(few)} if few is not parts.train else {})
        val, test = (classifier.predict(part.images) for part in (parts.val, parts.test))
        return Predictions(val, test, seconds, baselines.parameters(classifier), notes)
