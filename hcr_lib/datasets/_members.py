"""Fetch single members out of a remote zip archive by HTTP range requests; remotezip and zipfile read the zip.

Imported only when something is fetched: loading must not wait for requests.
"""

import io
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import requests
from remotezip import PartialBuffer, RangeNotSupported, RemoteFetcher, RemoteZip, RemoteZipError
from tqdm.auto import tqdm
from urllib3.exceptions import HTTPError

from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._readers import zip_member
from hcr_lib.datasets._remote import Published, Remote

#: Seconds without a byte after which a server counts as dead.
TIMEOUT = 30
CHUNK = 1 << 16
#: What a damaged zip can bring forth in zipfile.
DAMAGE = (zipfile.BadZipFile, zlib.error, struct.error, ValueError, NotImplementedError, RuntimeError)
#: What makes the next address worth a try. Other OSErrors come from our own disk.
FAULTS = (requests.RequestException, HTTPError, RemoteZipError, EOFError, *DAMAGE)


def fetch_members(members: Sequence[Published], archive: Remote, folder: Path, *, progress: bool) -> None:
    """Fetch those `members` of a remote zip archive that do not lie in `folder` yet.

    Parameters
    ----------
    members : sequence of Published
        What to fetch; each is checked by the zip's CRC-32 and by its own SHA-256, then appears under its name.
    archive : Remote
        Where the zip lies; its addresses are tried in order.
    folder : Path
        Exists, and is locked by the caller.
    progress : bool
        Show a bar for each member.

    Raises
    ------
    DataError
        If no address has it all. Whole members stay, and what came of the next one waits in a hidden ``.part``
        file, from where the next call goes on.
    """
    failures, rangeless = [], False
    for address in archive.addresses:
        try:
            _fetch_from(address, members, folder, progress=progress)
            return
        except FAULTS as error:
            failures.append(f"{address}: {_reason(error)}")
            rangeless |= isinstance(error, RangeNotSupported)
    whole = f"To download the whole archive ({archive.size:,} bytes): fetch(..., whole_archive=True). "
    tried = "\n  ".join(failures)
    raise DataError(
        f"{', '.join(member.file for member in members)} could not be fetched out of the remote {archive.file}:\n"
        f"  {tried}\n{whole if rangeless else ''}{archive.by_hand(folder)}"
    )


def _reason(error: BaseException) -> str:
    """Say in one line what went wrong; requests and urllib3 wrap errors in errors."""
    while error.args and isinstance(error.args[0], Exception):
        error = error.args[0]
    return str(error.args[0] if isinstance(error, HTTPError) and error.args else error) or type(error).__name__


def _fetch_from(address: str, members: Sequence[Published], folder: Path, *, progress: bool) -> None:
    with requests.Session() as session:
        session.headers["Accept-Encoding"] = "identity"  # a range of the file, not of a compressed copy of it
        fetcher = _Fetcher(address, session)
        with RemoteZip(address, fetcher=lambda *_args, **_options: fetcher) as remote:
            for member in members:
                if not (folder / member.file).is_file():
                    _fetch_one(remote, fetcher, member, folder, progress=progress)


def _fetch_one(remote: RemoteZip, fetcher: "_Fetcher", member: Published, folder: Path, *, progress: bool) -> None:
    part, unpacked = folder / f".{member.file}.part", folder / f".{member.file}.unpacked"
    resumed = part.exists()
    fetcher.part = part
    name = zip_member(remote, member.file, fetcher.address)
    bar = tqdm(total=member.size, desc=member.file, unit="B", unit_scale=True, disable=not progress)
    try:
        with bar, remote.open(name) as source, unpacked.open("wb") as target:
            while chunk := source.read(CHUNK):
                target.write(chunk)
                bar.update(len(chunk))
        fault = member.fault(unpacked)
        if fault is not None:
            raise zipfile.BadZipFile(f"{name}: {fault}")
        os.replace(unpacked, folder / member.file)
        fetcher.forget()
    except DAMAGE:
        fetcher.forget()
        if not resumed:
            raise
        _fetch_one(remote, fetcher, member, folder, progress=progress)  # what was kept may be to blame: from the start
    finally:
        fetcher.close()
        unpacked.unlink(missing_ok=True)


class _Fetcher(RemoteFetcher):
    """Byte ranges of a remote file; a member's bytes are kept in `part`, and never asked for twice."""

    def __init__(self, address: str, session: requests.Session) -> None:
        super().__init__(address, session, timeout=TIMEOUT)
        self.address = address
        self.part: Path | None = None
        self._kept: _Kept | None = None
        self._size = _size(address, session)

    def fetch(self, data_range: tuple[int, int | None], stream: bool = False) -> PartialBuffer:
        """Return the bytes of a range, its end included; remotezip streams members, and reads the rest at once."""
        start, end = data_range
        if end is None:  # the last -start bytes, for servers that cannot count from the end
            start, end = max(0, self._size + start), self._size - 1
        if not stream:
            return super().fetch((start, end))

        def rest(kept: int) -> PartialBuffer:
            answer = super(_Fetcher, self).fetch((start + kept, end), stream=True)
            if answer.tell() != start + kept:
                raise RemoteZipError(f"asked for the bytes from {start + kept:,} on, got those from {answer.tell():,}")
            return answer

        size = end - start + 1
        self._kept = _Kept(self.part, size, rest)
        return PartialBuffer(self._kept, start, size, stream=True)

    def close(self) -> None:
        """Let go of the part file; its bytes stay for another time."""
        if self._kept:
            self._kept.close()

    def forget(self) -> None:
        """Remove the part file."""
        self.close()
        self.part.unlink(missing_ok=True)


def _size(address: str, session: requests.Session) -> int:
    """Return the length of a remote file; refuse one that cannot be read in parts, before its body is sent."""
    with session.get(address, headers={"Range": "bytes=0-0"}, stream=True, timeout=TIMEOUT) as answer:
        answer.raise_for_status()
        total = answer.headers.get("Content-Range", "").rpartition("/")[2]
        if answer.status_code == 206 and total.isdigit():
            return int(total)
        if b"<html" in next(answer.iter_content(1024), b"").lower():
            raise RemoteZipError("a web page, not the archive")
        raise RangeNotSupported("the server offers no byte ranges, only the whole archive")


class _Kept(io.RawIOBase):
    """A stream whose bytes go through a file: first those it holds already, then the rest, which it keeps."""

    def __init__(self, path: Path, size: int, rest: Callable[[int], PartialBuffer]) -> None:
        self._file = path.open("a+b", buffering=0)
        if path.stat().st_size > size:
            self._file.truncate(0)  # of another archive
        self._file.seek(0)
        self._size = size
        self._position = 0
        self._open_rest = rest
        self._rest: PartialBuffer | None = None

    def read(self, size: int) -> bytes:
        """Return `size` bytes, fewer only at the end of the range."""
        wanted = min(size, self._size - self._position)
        content = self._file.read(wanted) if self._rest is None else b""
        while len(content) < wanted:
            if self._rest is None:
                self._rest = self._open_rest(self._position + len(content))
            fresh = self._rest.read(wanted - len(content))
            if not fresh:
                missing = self._size - self._position - len(content)
                raise EOFError(f"the connection ended early, bytes missing: {missing:,}")
            self._file.write(fresh)
            content += fresh
        self._position += len(content)
        return content

    def tell(self) -> int:
        """Return how many bytes of the range were read."""
        return self._position

    def close(self) -> None:
        """Close the file and the connection."""
        if not self.closed:
            self._file.close()
            if self._rest is not None:
                self._rest.close()
        super().close()
