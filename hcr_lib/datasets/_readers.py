"""Read the files handwriting is published in; whatever is wrong with one ends in one clear `DataError`."""

import gzip
import io
import math
import struct
import tokenize
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hcr_lib.datasets._errors import DataError, MissingDataError

#: Third byte of an idx file -> how its numbers are stored.
IDX_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
IDX_CODES = {np.dtype(kind).newbyteorder("="): code for code, kind in IDX_TYPES.items()}
GZIP_MAGIC = b"\x1f\x8b"
#: What NumPy and zipfile raise of their own; a damaged header can end in NumPy's tokenizer.
DAMAGED = (zipfile.BadZipFile, zlib.error, tokenize.TokenError)
#: What reading on in a damaged zip or gzip file can end in; zipfile says of unknown methods "not implemented".
BROKEN_ARCHIVE = (OSError, EOFError, NotImplementedError, RuntimeError, zipfile.BadZipFile, zlib.error)
AGAIN = "Delete it and get it again."


def ensure_file(path: Path) -> Path:
    """Return `path` if it is a file with something in it."""
    if path.is_dir():
        raise DataError(f"{path} is a directory; expected a file. Give the file inside it.")
    if not path.exists():
        raise MissingDataError(f"{path} does not exist. Check the spelling, and the folder it should be in.")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty (0 bytes). {AGAIN}")
    return path


def read_bytes(path: Path) -> bytes:
    """Return the whole content of a file that exists and is not empty."""
    try:
        return ensure_file(path).read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Check its permissions.") from error


def read_idx(path: Path) -> np.ndarray:
    """Read an idx file, plain or compressed with gzip (told apart by content, not by name).

    Returns
    -------
    ndarray
        Shape and type as the file's header says, in the machine's byte order; bytes cannot be written to.

    Raises
    ------
    DataError
        If the header or the length does not fit, or the compressed data is damaged.
    """
    return parse_idx(read_bytes(path), str(path))


def parse_idx(content: bytes, where: str) -> np.ndarray:
    """Read idx data, plain or compressed with gzip; `where` names it in errors."""
    if content.startswith(GZIP_MAGIC):
        content = _gunzip(content, where)
    if len(content) < 4 or content[:2] != b"\0\0" or content[2] not in IDX_TYPES or content[3] == 0:
        raise DataError(
            f"{where} is not an idx file: it must begin with 00 00, a type byte and the number of dimensions; "
            f"found {content[:4].hex(' ') or 'nothing'}. {AGAIN}"
        )
    dtype, dimensions = np.dtype(IDX_TYPES[content[2]]), content[3]
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise DataError(f"{where} ends inside its header: expected {start} bytes, found {len(content)}. {AGAIN}")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise DataError(
            f"{where} has the wrong length: its header promises shape {shape}, so {expected:,} bytes; "
            f"found {len(content):,}. {AGAIN}"
        )
    array = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)  # the largest files are half a gigabyte


def idx_bytes(array: np.ndarray) -> bytes:
    """Return `array` as the content of an idx file; the inverse of `parse_idx`.

    Raises
    ------
    ValueError
        If idx cannot hold the type of the array.

    Examples
    --------
    >>> idx_bytes(np.array([[7, 8]], "uint8")).hex(" ")
    '00 00 08 02 00 00 00 01 00 00 00 02 07 08'
    """
    code = IDX_CODES.get(array.dtype.newbyteorder("="))
    if code is None or array.ndim == 0:
        raise ValueError(
            f"idx holds arrays of {', '.join(map(str, IDX_CODES))} with at least one dimension; "
            f"got {array.dtype} with shape {array.shape}."
        )
    header = struct.pack(f">4B{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    return header + array.astype(IDX_TYPES[code]).tobytes()


def read_npz(path: Path, keys: Sequence[str]) -> dict[str, np.ndarray]:
    """Read named arrays from a NumPy archive; pickled objects are refused.

    Raises
    ------
    DataError
        If it is no such archive, is damaged, or lacks one of `keys`.
    """
    content = read_bytes(path)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [member.filename.removesuffix(".npy") for member in archive.infolist()]
        missing = [key for key in keys if key not in found]
        if missing:
            raise DataError(
                f"{path} must hold the arrays {', '.join(keys)}; found {', '.join(found) or 'none'}. "
                f"Another file of the same name? Put the right one in its place."
            )
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {key: arrays[key] for key in keys}
    except DataError:
        raise
    except (ValueError, SyntaxError, OSError, EOFError, RuntimeError, *DAMAGED) as error:
        raise DataError(f"{path} is not an intact .npz archive of plain arrays ({error}). {AGAIN}") from error


def read_zip_member(path: Path, suffix: str) -> bytes:
    """Return the one member of a zip file whose name ends in `suffix`; nothing is extracted to disk.

    Raises
    ------
    DataError
        If the archive or the member is damaged, or not exactly one member fits.
    """
    try:
        with zipfile.ZipFile(ensure_file(path)) as archive:
            return archive.read(zip_member(archive, suffix, path))
    except BROKEN_ARCHIVE as error:
        raise DataError(f"{path} is not an intact zip file ({error}). {AGAIN}") from error


def zip_member(archive: zipfile.ZipFile, suffix: str, where: Path | str) -> str:
    """Return the name of the one member of an open zip file that ends in `suffix`; `where` names the file in errors."""
    names = [name for name in archive.namelist() if name.endswith(suffix) and not name.startswith("__MACOSX")]
    if len(names) != 1:
        raise DataError(
            f"{where} must hold one file named *{suffix}; found {', '.join(names) or 'none'} "
            f"among {len(archive.namelist())} members."
        )
    return names[0]


def _gunzip(content: bytes, where: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where} is not intact gzip data ({error}). {AGAIN}") from error
