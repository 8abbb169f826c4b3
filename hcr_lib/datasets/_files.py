"""One data set, one file: everything a `Dataset` holds as a ``.npz`` archive of plain arrays."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._origins import Origins, Source
from hcr_lib.datasets._readers import read_npz

if TYPE_CHECKING:
    from hcr_lib.datasets._dataset import Dataset

FORMAT = "hcr_lib data set 1"
ARRAYS = ("images", "labels", "writers", "origin_sources", "origin_rows")


def write(path: str | Path, dataset: Dataset) -> None:
    """Write `dataset` beside `path`, then put it in its place in one step, so that no half of it is ever found there.

    Raises
    ------
    ValueError
        If `path` does not end in ``.npz``.
    OSError
        If the folder is missing or cannot be written to; what lay at `path` is then untouched.
    """
    path = _npz(path)
    record = {
        "format": FORMAT,
        "classes": dataset.classes,
        "source": dataset.source,
        "writers known": dataset.writers is not None,
        "partial labels": dataset.label_mask is not None,
        "sources": [asdict(source) for source in dataset.origins.sources],
    }
    writers = np.zeros(0, "<U1") if dataset.writers is None else dataset.writers
    arrays = dict(
        zip(
            ARRAYS,
            (dataset.images, dataset.labels, writers, dataset.origins.numbers, dataset.origins.rows),
            strict=True,
        )
    )
    if dataset.label_mask is not None:
        arrays["label_mask"] = dataset.label_mask
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as folder:
        whole = Path(folder, "whole.npz")
        np.savez_compressed(whole, record=np.array(json.dumps(record)), **arrays)
        os.replace(whole, path)


def read(path: str | Path) -> dict[str, Any]:
    """Return the fields of the data set that `write` put into a file.

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataError
        If it is damaged, or holds something else.
    """
    path = _npz(path)
    arrays = read_npz(path, ["record", *ARRAYS])
    try:
        record = json.loads(str(arrays["record"]))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']!r}, not {FORMAT!r}")
        sources = tuple(
            Source(entry["name"], None if entry["files"] is None else tuple(entry["files"]), entry["checksum"])
            for entry in record["sources"]
        )
        return {
            "images": arrays["images"],
            "labels": arrays["labels"],
            "classes": record["classes"],
            "source": record["source"],
            "writers": arrays["writers"] if record["writers known"] else None,
            "origins": Origins(sources, arrays["origin_sources"], arrays["origin_rows"]),
            "label_mask": read_npz(path, ["label_mask"])["label_mask"] if record.get("partial labels") else None,
        }
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is no data set that Dataset.save wrote: {error}. Save it again.") from error


def _npz(path: str | Path) -> Path:
    path = Path(path).expanduser()
    if path.suffix != ".npz":
        raise ValueError(f"a saved data set ends in .npz; got {path.name!r}.")
    return path
