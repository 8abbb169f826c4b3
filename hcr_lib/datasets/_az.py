"""The Kaggle A-Z file: read in blocks, checked, turned into bytes once and kept so.

It is 700 MB of text: 372,450 rows of 785 numbers, a label 0-25 and 784 pixels, without a header.
"""

import gzip
import hashlib
import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from hcr_lib import _paths
from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._locks import locked
from hcr_lib.datasets._readers import GZIP_MAGIC, ensure_file, ensure_plausible, intact, opened_zip_member, read_npz

PIXELS = 28 * 28
ROWS = 1_000  #: rows turned into numbers at a time
LONGEST = 1 << 14  #: bytes in a line: four times what a row needs
CACHE_FROM = 16 << 20  #: smaller files are read anew each time: that takes less than a second
START = f"rows of a label and {PIXELS} pixels; it must start with a row of numbers, found"

Arrays = tuple[np.ndarray, np.ndarray]


def read_az(path: Path) -> Arrays:
    """Read letters in the layout of the Kaggle A-Z file: plain, compressed with gzip, or the only ``.csv`` in a zip.

    A large file is read once and then comes from its cache: an uncompressed ``.npz`` beside the file or, where that
    folder cannot be written to, in the user's own cache folder. It holds for the file as it was: name, size and both
    times of its last change. (A checksum of 700 MB would take longer than all the rest.) A cache that is out of date
    or damaged, every byte being under a checksum, is made anew. Of several processes that want one, the first makes it.

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28)
    labels : ndarray of uint8, shape (n,)

    Raises
    ------
    DataError
        If there is a header, a row of another length, or a value out of range; the message names the row.
    """
    if ensure_file(path).stat().st_size < CACHE_FROM:
        return read_az_csv(path)
    stamp, caches = _stamp(path), _cache_paths(path)
    for cache in caches:
        if (found := _load(cache, stamp)) is not None:
            return found
    for cache in caches:
        try:
            with locked(cache):
                if (found := _load(cache, stamp)) is None:  # else another process was faster
                    found = read_az_csv(path)
                    _save(cache, stamp, found)
                return found
        except OSError:  # this folder cannot be written to; perhaps the next
            continue
    return read_az_csv(path)


def read_az_csv(path: Path) -> Arrays:
    """Read the text itself, without a cache; see `read_az`."""
    from tqdm.auto import tqdm  # here, because loading other data must not wait for it

    images, labels, size, unpacked = np.empty((0, PIXELS), "uint8"), [], path.stat().st_size, 0
    bar = tqdm(total=size, unit="B", unit_scale=True, desc=path.name, leave=False, delay=1)
    with bar, path.open("rb") as file, _text(file, path) as stream:
        lines = iter(lambda: stream.readline(LONGEST), b"")
        while block := list(itertools.islice(lines, ROWS)):
            unpacked += sum(map(len, block))
            ensure_plausible(unpacked, size, path)
            start = len(images)
            table = _parse([line for line in block if not line.isspace()], path, start)
            # Grown in place: a list of blocks would be in memory twice when it is joined at the end.
            images.resize((start + len(table), PIXELS), refcheck=False)
            images[start:] = table[:, 1:]
            labels.append(table[:, 0].copy())
            bar.update(file.tell() - bar.n)
    if not len(images):
        raise DataError(f"{path} must hold {START} blank lines.")
    return images.reshape(-1, 28, 28), np.concatenate(labels)


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


def _parse(lines: list[bytes], path: Path, start: int) -> np.ndarray:
    """Return the numbers of these rows, uint8 (rows, 785); `start` is the number of the first, for errors."""
    if not lines:
        return np.zeros((0, 1 + PIXELS), "uint8")
    if start == 0:
        lines[0] = lines[0].removeprefix(b"\xef\xbb\xbf")  # the byte order mark of some editors
    try:
        with warnings.catch_warnings(action="error"):  # of numbers such as 0.5, which NumPy still rounds
            table = np.loadtxt(lines, "uint8", comments=None, delimiter=",", ndmin=2)
        if table.shape[1] == 1 + PIXELS and table[:, 0].max() <= 25:
            return table
    except (ValueError, OverflowError, Warning):
        pass  # found by `_first_fault`, as other labels and lengths are
    raise DataError(
        f"{path} must hold {_first_fault(lines, start)} (rows and columns count from 0). If the first line is a "
        "header, delete that line; if the file was cut short, get it again."
    )


def _first_fault(lines: list[bytes], start: int) -> str:
    """Return what was expected where these rows cannot be used, and what was found there."""
    for row, line in enumerate(lines, start):
        cells = line.decode("utf-8", "replace").strip().split(",")
        if row == 0 and not cells[0].strip().isdecimal():
            return f"{START} {line[:40]!r}"
        if len(cells) != 1 + PIXELS:
            return f"{1 + PIXELS} columns in every row; row {row} has {len(cells)}"
        for column, cell in enumerate(cells):
            if not (cell.strip().isdecimal() and int(cell) <= 255):
                return f"whole numbers from 0 to 255; found {cell[:20]!r} in row {row}, column {column}"
        if int(cells[0]) > 25:
            return f"labels from 0 (A) to 25 (Z); found {cells[0]} in row {row}"
    return f"rows of {1 + PIXELS} numbers; found otherwise in or after row {start}"


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
