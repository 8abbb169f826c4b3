"""The live ladder: a few rungs on the digits that ship with the course, in moments."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hcr_lib.labels import DIGITS
from hcr_lib.ladder._classical import Classical, gaussian_svm, least_squares, nearest_neighbours, softmax_regression
from hcr_lib.ladder._climb import row
from hcr_lib.ladder._networks import Network
from hcr_lib.ladder._parts import Parts
from hcr_lib.ladder._rungs import Rung

if TYPE_CHECKING:
    import pandas as pd

FIT = {"batch_size": 32, "learning_rate": 2e-3}

SMALL = (
    Rung("linear", "linear, squared error", Classical(least_squares, [{"ridge": 10.0}, {"ridge": 100.0}])),
    Rung("softmax", "softmax regression", Classical(softmax_regression, [{"C": 0.1}, {"C": 1.0}])),
    Rung("knn", "nearest neighbours", Classical(nearest_neighbours, [{"k": 1}, {"k": 3}])),
    Rung("svm", "SVM, Gaussian kernel", Classical(gaussian_svm, [{"C": 10.0, "gamma": 0.02}])),
    Rung("mlp", "two layers, 100 wide", Network("mlp", {**FIT, "epochs": 15}, size={"hidden": 100})),
    Rung("cnn", "convolutions", Network("compact_cnn", {**FIT, "epochs": 6}, size={"width": 8})),
)


def small(seed: int = 0) -> pd.DataFrame:
    """Climb six rungs on the synthetic digits that ship, divided by writer.

    Parameters
    ----------
    seed : int
        Of the two networks; the other methods leave nothing to chance.

    Returns
    -------
    DataFrame
        A row for each rung, from the lowest up: rung, what, error, low and high (95 % Wilson interval), test_images,
        seconds, parameters; for `hcr_lib.plots.show_ladder`. Settings were chosen on the validation writers.

    Notes
    -----
    The test is small, and so the intervals are wide: neighbouring rungs may change places with another seed.
    """
    import pandas as pd  # here, as everywhere below the lessons, so that nobody else waits for it

    parts = Parts.load("bundled").fold(DIGITS)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for one in SMALL:
            if isinstance(one.method, Network):
                answers = one.method.answers(parts, seed, Path(folder) / one.name)
            else:
                answers = one.method.answers(parts)
            rows.append(row(one, [answers], parts) | {"seconds": round(answers.seconds, 1)})
    columns = ["rung", "what", "error", "low", "high", "test_images", "seconds", "parameters"]
    return pd.DataFrame(rows)[columns]
