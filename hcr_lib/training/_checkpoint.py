"""The state of a training on disk, so that a killed one can go on."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from pathlib import Path

import numpy as np

from hcr_lib.training._trainer import Trainer


def crc32(*arrays: np.ndarray) -> int:
    """Sum up the contents of arrays in one number, to tell data from other data."""
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array), total)
    return total


class Checkpoint:
    """The state of a run in a folder; every file is replaced whole, so a kill at any time leaves a usable one."""

    def __init__(self, folder: Path, run: dict):
        self.folder = folder
        self.run = json.loads(json.dumps(run, default=np.generic.item))  # as it will come back from the file
        folder.mkdir(parents=True, exist_ok=True)

    def restore(self, trainer: Trainer) -> tuple[list[dict], list[np.ndarray] | None]:
        notes = self.folder / "run.json"
        if not notes.is_file():
            return [], None
        try:
            saved = json.loads(notes.read_text(encoding="utf-8"))
            if saved["run"] == self.run:
                return saved["history"], self._set_state(trainer, self.folder / saved["file"])
        except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{self.folder} should hold a checkpoint, but it is damaged ({error}). Delete it to start afresh."
            ) from error
        raise ValueError(
            f"{self.folder} holds the checkpoint of another run: {saved['run']}; expected {self.run}. "
            "Choose another checkpoint_dir, or delete this one to start afresh."
        )

    def _set_state(self, trainer: Trainer, file: Path) -> list[np.ndarray]:
        """Bring `trainer` to a saved state; return the best weights so far."""
        with np.load(file, allow_pickle=False) as arrays:
            for name, variable in trainer.state().items():
                variable.assign(arrays[name])
            return [arrays[f"best_{i}"] for i in range(len(trainer.model.weights))]

    def save(self, trainer: Trainer, history: list[dict], best: list[np.ndarray]) -> None:
        arrays = {name: variable.numpy() for name, variable in trainer.state().items()}
        arrays |= {f"best_{i}": values for i, values in enumerate(best)}
        file = self.folder / f"epoch-{len(history):03}.npz"
        np.savez(file.with_suffix(".part.npz"), **arrays)
        os.replace(file.with_suffix(".part.npz"), file)
        notes = self.folder / "run.json"
        text = json.dumps({"run": self.run, "file": file.name, "history": history}, indent=1)
        notes.with_suffix(".part").write_text(text, encoding="utf-8")
        os.replace(notes.with_suffix(".part"), notes)
        for old in self.folder.glob("epoch-*.npz"):
            if old != file:
                old.unlink()
