"""Write arrays to a file that is whole or not there at all."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write a compressed NumPy archive beside `path`, then put it in its place in one step.

    Raises
    ------
    OSError
        If the folder is missing or cannot be written to; what lay at `path` is then untouched.
    """
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as folder:
        whole = Path(folder, "whole.npz")
        np.savez_compressed(whole, **arrays)
        os.replace(whole, path)
