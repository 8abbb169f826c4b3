"""The state of a training on disk, so that a killed one can go on."""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from pathlib import Path

import numpy as np

from hcr_lib._paths import replace_whole
from hcr_lib._tf import keras
from hcr_lib.training._callbacks import AveragedWeights, History

FILE = "checkpoint.npz"


def crc32(*arrays: np.ndarray) -> int:
    """Return a checksum of the contents of arrays."""
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array), total)
    return total


def network_checksum(model: keras.Model) -> int:
    """Return a checksum of a network's configuration, without the numbers that Keras appends to names."""
    text = json.dumps(model.get_config(), sort_keys=True, default=str)
    return zlib.crc32(re.sub(r'_\d+"', '"', text).encode())


class Checkpoint(keras.callbacks.Callback):
    """Saves after each epoch all that a training needs to end as if it had never been stopped.

    It is one file that is replaced whole, so a kill at any time leaves a usable one, and processes that share a
    folder do each other no harm: the same training has the same states. (`keras.callbacks.BackupAndRestore` writes
    its files in place, deletes them at the end, and takes up whatever training it finds.)
    """

    def __init__(self, folder: Path, run: dict, model: keras.Model, history: History, averaged: AveragedWeights | None):
        super().__init__()
        self._file = folder / FILE
        self._run = json.loads(json.dumps(run, default=np.generic.item))  # as it will come back from the file
        self._history, self._averaged, self._weights = history, averaged, len(model.weights)
        self._variables = [*model.variables, *model.optimizer.variables, *(averaged.other_weights if averaged else ())]

    def restore(self) -> None:
        """Bring network, optimizer and history to the saved state, if there is one.

        Raises
        ------
        ValueError
            If the file is damaged or holds another training.
        """
        if not self._file.exists():
            return
        try:
            with np.load(self._file, allow_pickle=False) as arrays:
                record = json.loads(str(arrays["record"]))
                run, rows = record["run"], record["history"]
                if run == self._run:
                    for number, variable in enumerate(self._variables):
                        variable.assign(arrays[f"variable_{number}"])
                    self._history.best_weights = [arrays[f"best_{number}"] for number in range(self._weights)]
        except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise ValueError(
                f"{self._file} should be a checkpoint, but it is damaged ({error}). Delete it to start afresh."
            ) from error
        if run != self._run:
            raise ValueError(
                f"{self._file} is the checkpoint of another training: {run}; expected {self._run}. "
                "Choose another checkpoint_dir, or delete the file to start afresh."
            )
        self._history.rows[:] = rows
        if self._averaged:
            self._averaged.in_model = True

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        record = json.dumps({"run": self._run, "history": self._history.rows})
        arrays = {f"variable_{number}": variable.numpy() for number, variable in enumerate(self._variables)}
        arrays |= {f"best_{number}": weights for number, weights in enumerate(self._history.best_weights)}
        replace_whole(self._file, lambda file: np.savez(file, record=np.array(record), **arrays))
