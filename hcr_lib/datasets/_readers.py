"""Read the files handwriting is published in; whatever is wrong with one ends in one clear `DataError`."""

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from hcr_lib._paths import user_data_dir
from hcr_lib.datasets._errors import DataError, MissingDataError

GZIP_MAGIC = b"\x1f\x8b"
#: What damaged data makes zipfile, gzip and NumPy raise; a header can even end in Python's own parser.
DAMAGE = (
    *(OSError, EOFError, RuntimeError, ValueError, TypeError, SyntaxError, MemoryError, OverflowError),
    *(struct.error, tokenize.TokenError, zipfile.BadZipFile, zlib.error),
)
AGAIN = "Delete it and get it again."
#: Compressed data may always unpack to this many bytes, and to more only up to `MOST_EXPANSION` times its own size:
#: handwriting packs about eightfold; a file made to fill the memory (a zip bomb), a thousandfold.
ALWAYS_ALLOWED, MOST_EXPANSION = 1 << 28, 100


@contextmanager
def intact(where: Path | str, kind: str) -> Iterator[None]:
    """Turn whatever damaged data raises into one `DataError`, which says that `where` is not an intact `kind`."""
    try:
        yield
    except DataError:
        raise
    except DAMAGE as error:
        raise DataError(f"{where} is not an intact {kind} ({error or type(error).__name__}). {AGAIN}") from error


def expanded(path: str | Path | None) -> Path:
    """Return `path`, or the folder of fetched data, with ``~`` replaced by the home folder."""
    try:
        return user_data_dir() if path is None else Path(path).expanduser()
    except RuntimeError as error:
        raise DataError(f"{path or 'HCR_DATA_DIR'!r} cannot be found: {error} Write the folder out.") from error


def ensure_file(path: Path) -> Path:
    """Return `path` if it is a file with something in it."""
    try:
        if path.is_dir():
            raise DataError(f"{path} is a directory; expected a file. Give the file inside it.")
        if not path.exists():
            raise MissingDataError(f"{path} does not exist. Check the spelling, and the folder it should be in.")
        if not path.is_file():
            raise DataError(f"{path} is a device or a pipe; expected a file.")
        if path.stat().st_size == 0:
            raise DataError(f"{path} is empty (0 bytes). {AGAIN}")
        with path.open("rb"):
            return path
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def ensure_plausible(unpacked: int, packed: int, where: Path | str) -> None:
    """Refuse data that unpacks to far more than handwriting does."""
    if unpacked > max(ALWAYS_ALLOWED, MOST_EXPANSION * packed):
        raise DataError(
            f"{where} unpacks {packed:,} bytes to {unpacked:,} or more; handwriting is expected to grow at most "
            f"{MOST_EXPANSION}-fold. {AGAIN}"
        )


def unpacked(content: bytes, where: str) -> bytes:
    """Return what a gzip file of this content holds; `content` itself, if it is none (its name does not matter)."""
    if not content.startswith(GZIP_MAGIC):
        return content
    with intact(where, "gzip file"):
        stream = zlib.decompressobj(wbits=31)  # 31: with the header and the checksum of gzip
        found = stream.decompress(content, 1 + max(ALWAYS_ALLOWED, MOST_EXPANSION * len(content)))
        ensure_plausible(len(found), len(content), where)
        if not stream.eof:
            raise EOFError("it was cut short")
        return found


def read_idx(content: bytes, where: str) -> np.ndarray:
    """Read the content of an idx file of bytes, compressed with gzip or not; errors call it `where`."""
    content = unpacked(content, where)
    with intact(where, "idx file of bytes"):
        magic, dimensions = struct.unpack(">3sB", content[:4])
        if magic != b"\0\0\x08" or dimensions not in (1, 2, 3):
            raise ValueError(
                f"it must begin with 00 00 08 and the number of dimensions, 1 to 3, not {content[:4].hex(' ')}"
            )
        shape = struct.unpack_from(f">{dimensions}I", content, 4)
        return np.frombuffer(content, "uint8")[4 + 4 * dimensions :].reshape(shape)  # refuses any other length


def idx_bytes(array: np.ndarray) -> bytes:
    """Return an array of bytes as the content of an idx file; the inverse of `read_idx`.

    >>> idx_bytes(np.array([[7, 8]], "uint8")).hex(" ")
    '00 00 08 02 00 00 00 01 00 00 00 02 07 08'
    """
    if array.dtype != np.uint8:
        raise DataError(f"idx files are written of uint8 arrays only; got {array.dtype}.")
    return struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def read_npz(path: Path, keys: Sequence[str], optional: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Read named arrays from a NumPy archive; those that are `optional` may be missing, pickled objects are refused."""
    with intact(path, ".npz archive of plain arrays"), zipfile.ZipFile(ensure_file(path)) as archive:
        found = {member.filename.removesuffix(".npy"): member for member in archive.infolist()}
        if not found.keys() >= set(keys):
            raise DataError(
                f"{path} must hold the arrays {', '.join(keys)}; found {', '.join(found) or 'none'}. "
                f"Another file of the same name? Put the right one in its place."
            )
        return {key: _read_npy(archive, found[key], path) for key in (*keys, *optional) if key in found}


def _read_npy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> np.ndarray:
    ensure_plausible(member.file_size, member.compress_size, f"{path}: {member.filename}")
    with archive.open(member) as stream:
        array = np.lib.format.read_array(stream, allow_pickle=False)
        if stream.read(1):
            raise ValueError(f"{member.filename} holds more than its header promises")
        return array


@contextmanager
def opened_zip_member(path: Path, suffix: str) -> Iterator[IO[bytes]]:
    """Open the one member of a zip file whose name ends in `suffix`; see `zip_member`."""
    with (
        intact(path, "zip file"),
        zipfile.ZipFile(ensure_file(path)) as archive,
        archive.open(zip_member(archive, suffix, path)) as stream,
    ):
        yield stream


def zip_member(archive: zipfile.ZipFile, suffix: str, where: Path | str) -> str:
    """Return the name of the one member of an open zip file that ends in `suffix`; `where` names the file in errors."""
    names = [name for name in archive.namelist() if name.endswith(suffix) and not name.startswith("__MACOSX")]
    if len(names) != 1:
        raise DataError(
            f"{where} must hold one file named *{suffix}; found {', '.join(names) or 'none'} "
            f"among {len(archive.namelist())} members."
        )
    return names[0]
