"""Fetch real handwriting on request: verified by SHA-256, whole or not at all, by one process at a time."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from hcr_lib import _paths
from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._locks import locked
from hcr_lib.datasets._published import Published, Source
from hcr_lib.datasets._readers import DAMAGE, expanded, zip_member
from hcr_lib.datasets._sources import SOURCES

#: Seconds without a byte after which a server counts as dead.
TIMEOUT = 30


def fetch(name: str, *, data_dir: str | Path | None = None, progress: bool = True, whole_archive: bool = False) -> Path:
    """Bring a real data set onto this machine, unless it is there already.

    Parameters
    ----------
    name : str
        ``mnist`` (11 MB), ``emnist-letters`` (36 MB), ``emnist-balanced`` (33 MB), or ``emnist-byclass`` (203 MB).
    data_dir : path, optional
        Where to keep it; else ``HCR_DATA_DIR``, else a cache folder of your own.
    progress : bool
        Show a bar for each file.
    whole_archive : bool
        Download EMNIST's whole archive (562 MB, all its parts). Otherwise only the four files of the part you
        name are read out of it, which needs a server that offers byte ranges.

    Returns
    -------
    Path
        The verified file; for the files of an EMNIST part, the folder they lie in.

    Raises
    ------
    DataError
        If no address offers the right file, or another file of that name is in the way. The message says how
        to get it by hand.

    Notes
    -----
    A file appears under its name only when complete and verified: its SHA-256 must be the published one, now and
    each time it is found or loaded again. Several processes may fetch into one folder: the first downloads, the
    others wait for it.
    """
    folder = expanded(data_dir)
    if name not in SOURCES:
        fetched = ", ".join(source.name for source in SOURCES.values() if source.file is not None)
        raise DataError(f"only {fetched} can be fetched; got {name!r}.")
    source = SOURCES[name]
    if source.file is None:
        raise DataError(source.how_to_get(folder))
    members = source.file.file.endswith(".zip") and not whole_archive
    get = _fetch_members if members else _fetch_file
    try:
        path = _found(source, folder, members=members)  # without the lock: a folder that is shared may be read-only
        if path is None:
            with locked(folder / source.file.file):  # another process may have been faster
                path = _found(source, folder, members=members) or get(source, folder, progress)
        return path
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written to ({error}). Set HCR_DATA_DIR to a folder of your own."
        ) from error


def _found(source: Source, folder: Path, *, members: bool) -> Path | None:
    """Return where the data set lies already, verified; None where it does not."""
    remedy = source.how_to_get(folder)
    for place in (folder, folder / "gzip") if members else ():
        here = [member for member in source.members.values() if (place / member.file).is_file()]
        for member in here:
            member.verified(place / member.file, remedy)
        if len(here) == len(source.members):
            return place
    path = next((folder / name for name in source.file_names if (folder / name).is_file()), None)
    return path and source.file.verified(path, remedy)


def _fetch_file(source: Source, folder: Path, progress: bool) -> Path:
    """Download the file that a data set is published in."""
    import requests  # here, because loading must not wait for what it needs for the network

    def download(address: str) -> None:
        with requests.get(address, stream=True, timeout=TIMEOUT) as answer:
            answer.raise_for_status()
            _write(source.file, answer.raw, folder, progress)

    _first_that_works(source, folder, download)
    return folder / source.file.file


def _fetch_members(source: Source, folder: Path, progress: bool) -> Path:
    """Read the members of a data set out of a remote zip archive by byte ranges; whole ones are not fetched again."""
    import requests
    from remotezip import RemoteZip

    def download(address: str) -> None:
        with requests.Session() as session:
            session.headers["Accept-Encoding"] = "identity"  # a range of the file, not of a compressed copy of it
            session.hooks["response"].append(_refuse_longer_range)
            with RemoteZip(address, session=session, timeout=TIMEOUT) as archive:
                for member in source.members.values():
                    if not (folder / member.file).is_file():
                        with archive.open(zip_member(archive, member.file, address)) as stream:
                            _write(member, stream, folder, progress)

    _first_that_works(source, folder, download)
    return folder


def _refuse_longer_range(answer: Any, **_: Any) -> None:
    """Refuse a range longer than the one asked for, before remotezip reads it into memory."""
    first, _, last = answer.request.headers["Range"].removeprefix("bytes=").partition("-")
    asked = int(last) - int(first) + 1 if first else int(last)
    given = re.match(r"bytes (\d+)-(\d+)/", answer.headers.get("Content-Range", ""))
    if given and int(given[2]) - int(given[1]) >= asked:
        raise ValueError(f"the server sends more than the {asked:,} bytes it was asked for")


def _first_that_works(source: Source, folder: Path, download: Callable[[str], None]) -> None:
    """Try the addresses in turn; if none works, the `DataError` names what went wrong with each."""
    import requests
    from remotezip import RangeNotSupported, RemoteZipError
    from urllib3.exceptions import HTTPError

    failures, rangeless = [], False
    # Of OSErrors, only those of requests: the others come from our own disk.
    faults = (requests.RequestException, HTTPError, RemoteZipError, *(each for each in DAMAGE if each is not OSError))
    for address in source.file.addresses:
        try:
            return download(address)
        except faults as error:
            failures.append(f"{address}: {error or type(error).__name__}")
            rangeless |= isinstance(error, RangeNotSupported)
    whole = f"To download the whole archive ({source.file.size:,} bytes): fetch(..., whole_archive=True). "
    tried = "\n  ".join(failures)
    raise DataError(
        f"{source.title} could not be fetched:\n  {tried}\n{whole if rangeless else ''}{source.how_to_get(folder)}"
    )


def _write(published: Published, stream: BinaryIO, folder: Path, progress: bool) -> None:
    """Write what `stream` gives into `folder`, if that is what was published; no more is taken of it."""
    from tqdm.auto import tqdm

    def copy(file: BinaryIO) -> None:
        sha256, head, size = hashlib.sha256(), b"", 0
        with tqdm(total=published.size, desc=published.file, unit="B", unit_scale=True, disable=not progress) as bar:
            while size <= published.size and (content := stream.read(1 << 16)):
                file.write(content)
                sha256.update(content)
                head, size = head or content[:1024], size + len(content)
                bar.update(len(content))
        if (fault := published.fault(sha256.hexdigest(), size, head)) is not None:
            raise DataError(fault)

    _paths.replace_whole(folder / published.file, copy)
