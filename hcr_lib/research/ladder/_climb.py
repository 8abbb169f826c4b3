"""Climb: measure rungs one after the other, and write each to the record as soon as it is done."""

from __future__ import annotations

import dataclasses
import datetime
import statistics
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import metrics, records
from hcr_lib._validate import ensure_choice
from hcr_lib.research import manifest
from hcr_lib.research.deskew import deskew
from hcr_lib.research.ladder._classical import Classical
from hcr_lib.research.ladder._networks import Committee, Network
from hcr_lib.research.ladder._parts import Parts, Predictions
from hcr_lib.research.ladder._rungs import RUNGS, Rung, rung

COMMAND = "python -m hcr_lib.research.ladder"
PROTOCOL = (
    "MNIST, official split; the last 5,000 training images are validation, everything is chosen on them, and a model "
    "meets the test once. error: mean over the seeds; low and high: 95 % Wilson interval of the median seed's. "
    "seconds: training and the choice of settings, for each seed; of networks on the clock, of other methods the "
    "processor's."
)


def climb(
    names: Sequence[str] | None = None,
    *,
    data_dir: Path | None = None,
    out: Path,
    seeds: int | None = None,
    limit: int | None = None,
    progress: bool = False,
) -> Iterator[dict[str, Any]]:
    """Measure rungs of the ladder on MNIST and yield a row for each.

    Parameters
    ----------
    names : sequence of str, optional
        Rungs, measured in this order; all of them, from the lowest up, by default.
    data_dir : path, optional
        Where MNIST lies; else as for `hcr_lib.datasets.load`.
    out : path
        Trained networks and checkpoints are kept here; what is finished is not trained again.
    seeds : int, optional
        Train each network so many times; as the table says by default.
    limit : int, optional
        Use so many training images, a tenth as many others, and one epoch, to try things out. Nothing is kept.
    progress : bool
        Show a bar with the time left while a network trains.

    Yields
    ------
    dict
        As written to ``data/results/ladder.json``.
    """
    chosen = RUNGS if names is None else [rung(ensure_choice(name, rung_names(), name="rungs")) for name in names]
    parts = Parts.load("mnist", data_dir)
    if limit is None:
        for one in chosen:
            yield record(row(one, measure(one, parts, out, seeds, progress), parts))
        return
    with tempfile.TemporaryDirectory() as folder:
        for one in map(_short, chosen):
            yield row(one, measure(one, parts.first(limit), Path(folder), seeds or 1, progress), parts.first(limit))


def rung_names() -> list[str]:
    """Return the names of all rungs, from the lowest up."""
    return [one.name for one in RUNGS]


def measure(one: Rung, parts: Parts, out: Path, seeds: int | None = None, progress: bool = False) -> list[Predictions]:
    """Return the predictions of a rung: one for each seed of a network, else one."""
    parts = parts.changed(deskew) if one.deskewed else parts
    numbers = range(seeds or one.seeds)
    match one.method:
        case Classical():
            return [one.method.predictions(parts)]
        case Network():
            return [one.method.predictions(parts, seed, out / one.name, progress) for seed in numbers]
        case Committee():
            return [one.method.predictions(parts, numbers, out / one.method.folder, progress)]


def row(one: Rung, measured: Sequence[Predictions], parts: Parts) -> dict[str, Any]:
    """Return the predictions of a rung as a row of the record; errors are shares of the test images."""
    total = len(parts.test)
    wrong = [int(np.sum(each.test != parts.test.labels)) for each in measured]
    low, high = metrics.wilson_interval(total - statistics.median_low(wrong), total)
    return {
        "rung": one.name,
        "what": one.what,
        "error": round(statistics.mean(wrong) / total, 6),
        "low": round(1 - high, 6),
        "high": round(1 - low, 6),
        "test_images": total,
        "errors": [round(count / total, 6) for count in wrong],
        "val_accuracy": [round(metrics.accuracy(parts.val.labels, each.val), 4) for each in measured],
        "seconds": [round(each.seconds, 1) for each in measured],
        "parameters": measured[0].parameters,
        "published": one.published,
        "source": one.source,
        "settings": settings(one),
        "notes": [each.notes for each in measured],
    }


def settings(one: Rung) -> dict[str, Any]:
    """Return how a rung was fitted, in words and numbers that JSON can hold."""
    match one.method:
        case Classical(fit=fit):
            return {"fit": fit.__name__}
        case Committee(member=member, input_transforms=transforms):
            return dataclasses.asdict(member) | {"input_transforms": list(transforms)}
    return dataclasses.asdict(one.method)


def record(new: dict[str, Any]) -> dict[str, Any]:
    """Write a row to the record, in place of an earlier one of its rung; rows stand in the order of the table."""
    rows = records.read("ladder")["rows"] if (manifest.results_dir() / "ladder.json").is_file() else []
    new = new | {"date": datetime.date.today().isoformat()}
    kept = {each["rung"]: each for each in [*rows, new]}
    manifest.record("ladder", COMMAND, protocol=PROTOCOL, rows=[kept[name] for name in rung_names() if name in kept])
    return new


def _short(one: Rung) -> Rung:
    """Return a rung whose networks train for one epoch."""
    match one.method:
        case Network():
            return dataclasses.replace(one, method=_one_epoch(one.method))
        case Committee():
            member = _one_epoch(one.method.member)
            return dataclasses.replace(one, method=dataclasses.replace(one.method, member=member))
    return one


def _one_epoch(network: Network) -> Network:
    return dataclasses.replace(network, fit=network.fit | {"epochs": 1})
