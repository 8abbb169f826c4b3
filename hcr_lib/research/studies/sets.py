"""What is in the sets of handwriting, real and synthetic: counts, pens, shapes, copies, and what `check_dataset` says.

Read in lesson 01.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import images
from hcr_lib.datasets import Dataset, MissingDataError, Report, check_dataset, load
from hcr_lib.research import mixed_emnist
from hcr_lib.research.deskew import slant

MIXED = {"EMNIST, case merged": "merged", "EMNIST, case known": "known"}  #: views of `mixed_emnist`
SETS = ("bundled", "mnist", *MIXED, "az")
MEASURED = 5_000  #: training images that pens and shapes are measured on
SEED = 1


def study(data_dir: Path) -> dict[str, Any]:
    """Describe every set that lies in `data_dir`, and the one that ships.

    Counts are those of whole sets, so that they can be compared with what others publish. Everything that is
    estimated is estimated from training images.

    Returns
    -------
    dict
        ``sets`` is a list with one dictionary a set; ``missing`` names those that are not here.
    """
    found, missing = [], []
    for name in SETS:
        try:
            parts = {part: _load(name, part, data_dir) for part in ("all", "train", "test")}
        except MissingDataError:
            missing.append(name)
        else:
            found.append({"name": name, **count(parts["all"]), **measure(parts["train"]), **check(parts)})
    return {"measured_on": MEASURED, "sets": found, "missing": missing}


def _load(name: str, part: str, data_dir: Path) -> Dataset:
    if name in MIXED:
        return mixed_emnist.load(data_dir, part, case=MIXED[name])
    return load(name, part, data_dir=data_dir)


def count(dataset: Dataset) -> dict[str, Any]:
    """Count images, classes, writers and exact copies.

    Examples
    --------
    >>> few = Dataset(np.zeros((4, 28, 28), "uint8"), [0, 0, 0, 1], "AB", "nowhere")
    >>> found = count(few)
    >>> found["imbalance"], found["commonest"], found["copies"]
    (3.0, 0.75, 3)
    """
    counts = dataset.counts
    present = counts[counts > 0]
    different = len(np.unique(dataset.images.reshape(len(dataset), -1).view("V784")))
    return {
        "source": dataset.source,
        "images": len(dataset),
        "classes": len(dataset.classes),
        "writers": None if dataset.writers is None else len(np.unique(dataset.writers)),
        "counts": counts.to_dict(),
        "imbalance": round(float(present.max() / present.min()), 2),  # largest class over smallest
        "commonest": round(float(counts.max() / counts.sum()), 4),  # accuracy of always predicting it
        "copies": len(dataset) - different,
    }


def measure(dataset: Dataset, number: int = MEASURED) -> dict[str, Any]:
    """Measure pen and shape of `number` images drawn at random: mean and standard deviation of each.

    ``ink`` is the share of the image that is ink, ``stroke`` the width of the pen in pixels, ``slant`` the tangent of
    the lean to the right, ``aspect`` the width of the character over its height.
    """
    drawn = dataset.sample(min(number, len(dataset)), np.random.default_rng(SEED))
    ink = drawn.images[drawn.images.reshape(len(drawn), -1).any(axis=1)] / np.float32(255)
    boxes = np.array([images.bounding_box(page, level=page.max() / 2) for page in ink])
    values = {
        "ink": ink.mean(axis=(1, 2)),
        "stroke": np.array([images.stroke_width(page >= images.THRESHOLD * page.max()) for page in ink]),
        "slant": slant(ink),
        "aspect": (boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1]),
    }
    return {name: {"mean": round(float(v.mean()), 3), "std": round(float(v.std()), 3)} for name, v in values.items()}


def check(parts: dict[str, Dataset]) -> dict[str, Any]:
    """Return what `check_dataset` finds in the training part, then with the test part beside it.

    Seconds are the processor's, all its cores together, so that a busy machine does not count as a slow check.
    """
    quick, quick_seconds = _timed(lambda: check_dataset(parts["train"]))
    thorough, thorough_seconds = _timed(lambda: check_dataset(parts["train"], parts["test"], thorough=True))
    return {
        "quick": {"seconds": quick_seconds, **_findings(quick)},
        "thorough": {"seconds": thorough_seconds, **_findings(thorough)},
    }


def _timed(run: Callable[[], Report]) -> tuple[Report, float]:
    started = time.process_time()
    report = run()
    return report, round(time.process_time() - started, 1)


def _findings(report: Report) -> dict[str, Any]:
    return {
        kind: [{"code": one.code, "images": len(one.indices), "message": one.message} for one in found]
        for kind, found in (("faults", report.faults), ("notes", report.notes))
    }
