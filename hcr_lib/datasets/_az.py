"""The Kaggle A-Z file: read in a stream, checked, turned into bytes once and kept so.

It is 700 MB of text: 372,450 rows of 785 numbers, a label 0-25 and 784 pixels, without a header.
"""

import gzip
import hashlib
import os
import warnings
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._readers import AGAIN, BROKEN_ARCHIVE, GZIP_MAGIC, ensure_file, zip_member

PIXELS = 28 * 28
ZERO = np.uint8(ord("0"))  #: digits have the codes from here on; commas and line ends come before
BLOCK = 1 << 20  #: bytes of text turned into numbers at a time
AHEAD = 16  #: blocks in memory at a time
CACHE_FROM = 16 << 20  #: smaller files are read anew each time: that takes less than a second
MEMBERS = ("images", "labels")

Arrays = tuple[np.ndarray, np.ndarray]


def read_az(path: Path) -> Arrays:
    """Read letters in the layout of the Kaggle A-Z file; a large file is read once and then comes from its cache.

    The cache is an uncompressed ``.npz`` beside the file or, where that folder cannot be written to, in the
    user's own cache folder. It holds for the file as it was: name, size and both times of its last change. (A
    checksum of 700 MB would take longer than all the rest.) A cache that is out of date or damaged, every byte
    being under a checksum, is made anew. Processes that want one at the same time wait for the first, and it
    appears under its name only when complete.

    Parameters
    ----------
    path : Path
        A ``.csv`` file, plain, compressed with gzip, or the only ``.csv`` in a zip file.

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
    from filelock import FileLock  # here, because what is cached needs none

    for cache in caches:
        try:
            cache.parent.mkdir(parents=True, exist_ok=True)
            lock = FileLock(cache.with_suffix(".lock")).acquire()
        except OSError:  # this folder cannot be written to; perhaps the next
            continue
        with lock:
            if (found := _load(cache, stamp)) is None:  # else another process was faster
                found = read_az_csv(path)
                _save(cache, stamp, found)
            return found
    return read_az_csv(path)


def read_az_csv(path: Path) -> Arrays:
    """Read the text itself, without a cache; see `read_az`."""
    from tqdm.auto import tqdm  # here, because loading other data must not wait for it

    images, labels = np.empty((0, PIXELS), "uint8"), []
    with (
        _opened(path) as (stream, position),
        tqdm(total=path.stat().st_size, unit="B", unit_scale=True, desc=path.name, leave=False, delay=1) as bar,
    ):
        for text, plain in _parsed_ahead(_blocks(stream)):
            start = len(images)
            if start == 0:
                _check_first_row(text, path)
            table = _checked(_parse_any(text, path, start) if plain is None else plain, path, start)
            # Grown in place: a list of blocks would be in memory twice when it is joined at the end.
            images.resize((start + len(table), PIXELS), refcheck=False)
            images[start:] = table[:, 1:]
            labels.append(table[:, 0].copy())
            bar.update(position() - bar.n)
    if not labels:
        _check_first_row(b"", path)
    return images.reshape(-1, 28, 28), np.concatenate(labels)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[IO[bytes], Callable[[], int]]]:
    """Open the text inside whatever it is packed in; with it comes a way to tell the place in the file on disk."""
    kind = "readable"
    try:
        with ensure_file(path).open("rb") as file:
            if path.suffix.lower() == ".zip":
                kind = "an intact zip file"
                with zipfile.ZipFile(file) as archive, archive.open(zip_member(archive, ".csv", path)) as stream:
                    yield stream, file.tell
            elif file.peek(2).startswith(GZIP_MAGIC):
                kind = "intact gzip data"
                with gzip.open(file) as stream:
                    yield stream, file.tell
            else:
                yield file, file.tell
    except BROKEN_ARCHIVE as error:
        raise DataError(f"{path} is not {kind} ({error}). {AGAIN}") from error


def _blocks(stream: IO[bytes]) -> Iterator[bytes]:
    """Cut a stream into blocks of whole lines; blank ones are left out."""
    while text := stream.read(BLOCK):
        text += stream.readline(BLOCK)  # to the end of the line; what has no such end is passed on to be refused
        if not text.isspace():
            yield text


def _parsed_ahead(blocks: Iterator[bytes]) -> Iterator[tuple[bytes, np.ndarray | None]]:
    """Yield each block with what `_parse_plain` makes of it, in their order, while the next ones are being parsed."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # NumPy computes outside Python's lock
        waiting = deque()
        for text in blocks:
            waiting.append((text, pool.submit(_parse_plain, text)))
            if len(waiting) == AHEAD:
                text, parsed = waiting.popleft()
                yield text, parsed.result()
        for text, parsed in waiting:
            yield text, parsed.result()


def _checked(table: np.ndarray, path: Path, start: int) -> np.ndarray:
    """Return parsed rows, uint8 (rows, 785), if they begin with letters; `start` is the number of the first row."""
    letters = table[:, 0]
    if letters.max() > 25:
        row = int(np.argmax(letters > 25))
        raise DataError(
            f"{path} must label its letters 0 (A) to 25 (Z); found {letters[row]} in row {start + row} "
            "(rows count from 0)."
        )
    return table


def _parse_any(text: bytes, path: Path, start: int) -> np.ndarray:
    """Read rows with pyarrow, which knows spaces, blank lines and the line ends of every system."""
    import pyarrow as pa
    from pyarrow import csv

    names = [str(column) for column in range(1 + PIXELS)]
    try:
        table = csv.read_csv(
            pa.BufferReader(text),
            read_options=csv.ReadOptions(column_names=names, block_size=len(text), use_threads=False),
            parse_options=csv.ParseOptions(quote_char=False),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.uint8()), null_values=[]),
        )
        return table.combine_chunks().to_batches()[0].to_tensor().to_numpy()
    except ValueError as error:  # pyarrow's ArrowInvalid is one
        raise DataError(
            f"{path} must hold whole numbers from 0 to 255, {1 + PIXELS} in every row; {_first_fault(text, start)} "
            "(rows count from 0). If the file was cut short, get it again."
        ) from error


def _parse_plain(text: bytes) -> np.ndarray | None:
    """Read rows of nothing but digits, commas and line ends; None if there is anything else, or any fault.

    Some three times as fast as pyarrow, because here all columns are alike: numbers of one to three digits, mostly one.
    """
    padded = np.frombuffer(b",,,," + text, "uint8")  # so that there is something four characters before any other
    codes = padded[4:]
    ends = np.flatnonzero(codes < ZERO)  # every number ends at a comma or at the end of its line
    rows, rest = divmod(len(ends), 1 + PIXELS)
    line_ends = ends[PIXELS :: 1 + PIXELS]
    regular = rows and not rest and ends[-1] == len(text) - 1 and codes.max() <= ord("9")
    if not regular or (codes[line_ends] != ord("\n")).any() or np.count_nonzero(codes == ord(",")) != PIXELS * rows:
        return None
    numbers = padded[3:].take(ends)
    if numbers.min() < ZERO:
        return None
    numbers -= ZERO
    longer = np.flatnonzero(padded[2:].take(ends) >= ZERO)
    ends = ends[longer]
    hundreds = padded[1:].take(ends)
    longest = hundreds >= ZERO
    large = numbers[longer] + np.uint16(10) * (padded[2:].take(ends) - ZERO)
    large += np.uint16(100) * ((hundreds - ZERO) * longest)
    if large.max(initial=0) > 255 or (padded.take(ends[longest]) >= ZERO).any():
        return None
    numbers[longer] = large
    return numbers.reshape(rows, 1 + PIXELS)


def _first_fault(text: bytes, start: int) -> str:
    """Say which row of a block that could not be parsed is to blame, and why."""
    for row, line in enumerate((line for line in text.splitlines() if line), start):
        cells = line.decode("utf-8", "replace").split(",")
        if len(cells) != 1 + PIXELS:
            return f"row {row} has {len(cells)}"
        for column, cell in enumerate(cells):
            if not (cell.strip().isdecimal() and int(cell) <= 255):
                return f"found {cell[:20]!r} in row {row}, column {column}"
    return f"found otherwise in or after row {start}"


def _check_first_row(text: bytes, path: Path) -> None:
    first = text[: text.find(b"\n") + 1 or None].decode("utf-8-sig", "replace").strip()
    cells = first.split(",")
    if not all(_is_number(cell) for cell in cells):
        raise DataError(
            f"{path} must start with a row of numbers, a label and {PIXELS} pixels; found {first[:40]!r}. "
            "If that is a header, delete that line."
        )
    if len(cells) != 1 + PIXELS:
        raise DataError(f"{path} must have {1 + PIXELS} columns, a label and {PIXELS} pixels; found {len(cells)}.")


def _is_number(cell: str) -> bool:
    return cell.strip().lstrip("-").replace(".", "", 1).isdecimal()


def _stamp(path: Path) -> str:
    """Return what changes whenever the file does."""
    facts = path.stat()
    return f"{path.name} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"


def _cache_paths(path: Path) -> list[Path]:
    """Return where the cache of a file may lie, the best place first."""
    import pooch

    number = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
    return [path.with_name(f".{path.name}.npz"), Path(pooch.os_cache("hcr_lib")) / f"az-{number}.npz"]


def _load(cache: Path, stamp: str) -> Arrays | None:
    """Return what a cache holds; None if there is none, it is damaged, or it belongs to the file as it once was."""
    try:
        with cache.open("rb") as file, np.lib.npyio.NpzFile(file) as arrays:
            if str(arrays["stamp"]) != stamp:
                return None
            found = tuple(arrays[name] for name in MEMBERS)
    except Exception:  # of a damaged file NumPy complains in a dozen ways; whatever it is, the cache can be made anew
        return None
    count = len(found[-1])
    return found if [array.shape for array in found] == [(count, 28, 28), (count,)] else None


def _save(cache: Path, stamp: str, arrays: Arrays) -> None:
    """Write a cache, whole or not at all; the caller holds its lock."""
    unfinished = cache.with_suffix(".part")
    try:
        with unfinished.open("wb") as file:
            np.savez(file, stamp=stamp, **dict(zip(MEMBERS, arrays, strict=True)))
        os.replace(unfinished, cache)
    except OSError as error:  # no space left, or another program holds the old one open
        warnings.warn(f"{cache} could not be written ({error}); the file will be read anew next time.", stacklevel=3)
    finally:
        unfinished.unlink(missing_ok=True)
