"""One data set, one file: everything a `Dataset` holds as a ``.npz`` archive of plain arrays."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib._paths import replace_whole
from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._origins import Collection, Origins
from hcr_lib.datasets._readers import expanded, read_npz

FORMAT = "hcr_lib data set 1"
OPTIONAL = {"writers": "writers known", "label_mask": "partial labels"}  #: array -> what the record calls it


def write(path: str | Path, fields: Mapping[str, Any]) -> None:
    """Write the fields of a `Dataset` to a file, whole or not at all."""
    origins = fields["origins"]
    record = {
        "format": FORMAT,
        "classes": fields["classes"],
        "source": fields["source"],
        "sources": [collection._asdict() for collection in origins.sources],
        **{known: fields[name] is not None for name, known in OPTIONAL.items()},
    }
    arrays = {
        "record": np.array(json.dumps(record)),
        **{name: fields[name] for name in ("images", "labels", *OPTIONAL) if fields[name] is not None},
        "origin_sources": origins.numbers,
        "origin_rows": origins.rows,
    }
    replace_whole(_npz(path), lambda file: np.savez_compressed(file, **arrays))


def read(path: str | Path) -> dict[str, Any]:
    """Return the fields of the data set that `write` put into a file."""
    path = _npz(path)
    arrays = read_npz(path, ["record", "images", "labels", "origin_sources", "origin_rows"], list(OPTIONAL))
    try:
        record = json.loads(str(arrays["record"]))
        if record["format"] != FORMAT:
            raise ValueError(f"its format is {record['format']!r}, not {FORMAT!r}")
        collections = tuple(
            Collection(
                str(each["name"]),
                None if each["files"] is None else tuple(map(str, each["files"])),
                int(each["checksum"]),
            )
            for each in record["sources"]
        )
        return {
            "images": arrays["images"],
            "labels": arrays["labels"],
            "classes": record["classes"],
            "source": str(record["source"]),
            "origins": Origins(collections, arrays["origin_sources"], arrays["origin_rows"]),
            **{name: arrays[name] for name, known in OPTIONAL.items() if record.get(known)},
        }
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(f"{path} is no data set that Dataset.save wrote: {error}. Save it again.") from error


def _npz(path: str | Path) -> Path:
    path = expanded(path)
    if path.suffix != ".npz":
        raise ValueError(f"a saved data set ends in .npz; got {path.name!r}.")
    return path
