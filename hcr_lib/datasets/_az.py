"""The Kaggle A-Z file: read row by row, checked, turned into bytes once and kept so.

It is 700 MB of text: 372,450 rows of 785 numbers, a label 0-25 and 784 pixels, without a header.
"""

import gzip
import hashlib
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from hcr_lib import _paths
from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._locks import locked
from hcr_lib.datasets._readers import GZIP_MAGIC, ensure_file, ensure_plausible, intact, opened_zip_member, read_npz

ROW = np.dtype([("label", "u1"), ("image", "u1", (28, 28))])
LONGEST = 1 << 14  #: bytes in a line: four times what a row needs
CACHE_FROM = 16 << 20  #: smaller files are read anew each time: that takes less than a second

Arrays = tuple[np.ndarray, np.ndarray]


def read_az(path: Path) -> Arrays:
    """Read letters in the layout of the Kaggle A-Z file: plain, compressed with gzip, or the only ``.csv`` in a zip.

    A large file is read once and then comes from its cache: an uncompressed ``.npz`` beside the file or, where that
    folder cannot be written to, in the user's own cache folder. It holds for the file as it was: name, size and both
    times of its last change. (A checksum of 700 MB would take longer than all the rest.) A cache that is out of date
    or damaged, every byte being under a checksum, is made anew. Of several processes that want one, the first makes it.

    Returned are uint8 images and labels. The `DataError` names the row with a header, another length, or a value out of
    range.
    """
    if ensure_file(path).stat().st_size < CACHE_FROM:
        return read_az_csv(path)
    stamp = _stamp(path)
    for cache in _cache_paths(path):
        with suppress(OSError):  # this folder cannot be written to; perhaps the next
            if (found := _load(cache, stamp)) is None:
                with locked(cache):
                    if (found := _load(cache, stamp)) is None:  # else another process was faster
                        found = read_az_csv(path)
                        _save(cache, stamp, found)
            return found
    return read_az_csv(path)


def read_az_csv(path: Path) -> Arrays:
    """Read the text itself, without a cache; see `read_az`."""
    from tqdm.auto import tqdm  # here, because loading other data must not wait for it

    size, unpacked, row = path.stat().st_size, 0, 0

    def rows() -> Iterator[bytes]:
        nonlocal unpacked, row
        for line in iter(lambda: stream.readline(LONGEST), b""):
            unpacked += len(line)
            ensure_plausible(unpacked, size, path)
            bar.update(file.tell() - bar.n)
            if not line.isspace():
                row += 1
                yield line.removeprefix(b"\xef\xbb\xbf")  # the byte order mark of some editors

    bar = tqdm(total=size, unit="B", unit_scale=True, desc=path.name, leave=False, delay=1)
    with bar, path.open("rb") as file, _text(file, path) as stream:
        try:
            with warnings.catch_warnings(action="error"):  # where there is no row at all, NumPy only warns
                table = np.loadtxt(rows(), ROW, comments=None, delimiter=",", ndmin=1)
            labels = table["label"].copy()
            if labels.max() > 25:
                row = 1 + (labels > 25).argmax()
                raise ValueError(f"its label is {labels.max()}")
        except DataError:
            raise
        except (ValueError, Warning) as error:
            found = re.sub(r" at row \d+(?=, column)|( at row|;|: \").*", "", str(error))
            raise DataError(
                f"{path} must hold rows of 785 whole numbers, a label from 0 (A) to 25 (Z) and 784 pixels from 0 to "
                f"255, separated by commas; row {row} (counted from 1) is not like that: {found}. If the first line "
                "is a header, delete that line; if the file was cut short, get it again."
            ) from error
    return np.ascontiguousarray(table["image"]), labels


@contextmanager
def _text(file: IO[bytes], path: Path) -> Iterator[IO[bytes]]:
    """Open the text inside whatever it is packed in."""
    if path.suffix.lower() == ".zip":
        with opened_zip_member(path, ".csv") as stream:
            yield stream
    elif file.peek(2).startswith(GZIP_MAGIC):
        with intact(path, "gzip file"), gzip.open(file) as stream:
            yield stream
    else:
        yield file


def _stamp(path: Path) -> str:
    """Return what changes whenever the file does."""
    facts = path.stat()
    return f"{path.name} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _cache_paths(path: Path) -> list[Path]:
    """Return where the cache of a file may lie, the best place first."""
    number = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return [path.with_name(f".{path.name}.npz"), _paths.cache_dir() / f"az-{number}.npz"]


def _load(cache: Path, stamp: str) -> Arrays | None:
    """Return what a cache holds; None if there is none, it is damaged, or it belongs to the file as it once was."""
    try:
        stored, images, labels = read_npz(cache, ["stamp", "images", "labels"]).values()
    except DataError:
        return None
    fits = str(stored) == stamp and images.shape == (labels.size, 28, 28) and labels.ndim == 1
    return (images, labels) if fits else None


def _save(cache: Path, stamp: str, arrays: Arrays) -> None:
    """Write a cache; the caller holds its lock."""
    try:
        _paths.replace_whole(cache, lambda file: np.savez(file, stamp=stamp, images=arrays[0], labels=arrays[1]))
    except OSError as error:  # no space left, or another program holds the old one open
        warnings.warn(f"{cache} could not be written ({error}); the file will be read anew next time.", stacklevel=3)
