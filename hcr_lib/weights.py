"""Weight files: plain arrays with a description, no pickle, nothing that runs when it is read."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import keras


def save(model: keras.Model, path: str | os.PathLike, record: dict[str, Any]) -> None:
    """Write a model's weights in half precision, with a record of what they are.

    Half precision keeps three significant digits, which moves no probability by more than a few thousandths, and
    halves the file. The file is written under another name first, so that it is whole or not there at all.

    Parameters
    ----------
    model : keras.Model
    path : path
        Ends in ``.npz``.
    record : dict
        At least ``model`` (a function of `hcr_lib.models`), ``width`` and ``classes``; anything JSON can hold.
    """
    path = Path(path)
    arrays = {f"{number:03} {weight.path}": weight.numpy() for number, weight in enumerate(model.weights)}
    arrays = {name: values.astype("float16") for name, values in arrays.items()}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, record=np.array(json.dumps(record)), **arrays)
    os.replace(part, path)


def load(path: str | os.PathLike) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read a weight file.

    Returns
    -------
    record : dict
    arrays : list of ndarray of float32
        In the order of ``model.set_weights``.

    Raises
    ------
    ValueError
        If it is not such a file, or damaged.
    FileNotFoundError
        If there is none.
    """
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            record = json.loads(str(file["record"]))
            arrays = [file[name].astype("float32") for name in sorted(set(file.files) - {"record"})]
        if missing := {"model", "width", "classes"} - record.keys():
            raise ValueError(f"its record lacks {', '.join(sorted(missing))}")
    except Exception as error:  # zip, zlib, NumPy and JSON each have their own for a damaged file
        raise ValueError(
            f"{path} is not a weight file of this course, or is damaged; expected an .npz written by "
            "hcr_lib.weights.save. Restore it with git, or train it again: python -m hcr_lib.train_reader."
        ) from error
    return record, arrays
