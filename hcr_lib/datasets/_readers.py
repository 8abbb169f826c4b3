"""Read the files handwriting is published in; whatever is wrong with one ends in one clear `DataError`."""

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hcr_lib.datasets._errors import DataError, MissingDataError


def ensure_file(path: Path) -> Path:
    """Return `path` if it is a file with something in it."""
    if path.is_dir():
        raise DataError(f"{path} is a directory; expected a file. Give the file inside it.")
    if not path.is_file():
        raise MissingDataError(f"{path} does not exist.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes). Delete it and get it again.")
    return path


def read_npz(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    """Read named arrays from a NumPy archive; pickled objects are refused.

    Raises
    ------
    DataError
        If it is no such archive, is damaged, or lacks one of `keys`.
    """
    ensure_file(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise DataError(f"{path} holds a single array; expected an .npz archive with {', '.join(keys)}.")
            missing = [key for key in keys if key not in archive.files]
            if missing:
                raise DataError(
                    f"{path} must hold the arrays {', '.join(keys)}; "
                    f"{', '.join(missing)} missing, found {', '.join(archive.files) or 'none'}."
                )
            return {key: archive[key] for key in keys}
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path} is not a readable .npz archive ({error}). Delete it and get it again.") from error
