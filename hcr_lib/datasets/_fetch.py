"""Fetch real handwriting on request: verified by SHA-256, whole or not at all, by one process at a time."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._locks import locked
from hcr_lib.datasets._published import Published, Source
from hcr_lib.datasets._readers import expanded, zip_member
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
    members = list(source.members.values()) if source.file.file.endswith(".zip") and not whole_archive else []
    try:
        path = _found(source, folder, members)  # without the lock: a folder that is shared may be read-only
        if path is None:
            with locked(folder / source.file.file):  # another process may have been faster
                path = _found(source, folder, members) or _download(source, folder, members, progress)
        return path
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written to ({error}). Set HCR_DATA_DIR to a folder of your own."
        ) from error


def _found(source: Source, folder: Path, members: list[Published]) -> Path | None:
    """Return where the data set lies already, verified; None where it does not."""
    remedy = f"Move it away or delete it, then fetch again. {source.how_to_get(folder)}"
    for place in (folder, folder / "gzip") if members else ():
        here = [member.verified(place / member.file, remedy) for member in members if (place / member.file).is_file()]
        if len(here) == len(members):
            return place
    path = next((folder / name for name in source.file_names if (folder / name).is_file()), None)
    return path and source.file.verified(path, remedy)


def _download(source: Source, folder: Path, members: list[Published], progress: bool) -> Path:
    """Try the addresses in turn; if none works, the `DataError` names what went wrong with each."""
    import pooch  # here, because loading must not wait for what it needs for the network

    pooch.get_logger().setLevel("WARNING")  # bars tell of downloads, where they are wanted
    failures = []
    for address in source.file.addresses:
        try:
            return (_get_members if members else _get_file)(source, address, folder, progress)
        except Exception as error:  # whatever is wrong with one address, the next may be better
            failures.append(f"{address}: {error or type(error).__name__}")
    whole = f"To download the whole archive ({source.file.size:,} bytes): fetch(..., whole_archive=True). "
    tried = "\n  ".join(failures)
    raise DataError(
        f"{source.title} could not be fetched:\n  {tried}\n{whole if members else ''}{source.how_to_get(folder)}"
    )


def _get_file(source: Source, address: str, folder: Path, progress: bool) -> Path:
    """Download the file that a data set is published in."""
    import pooch
    from tqdm.auto import tqdm

    file = source.file
    with tqdm(desc=file.file, total=file.size, unit="B", unit_scale=True, disable=not progress) as bar:
        _keep(file, address, folder, pooch.HTTPDownloader(bar, chunk_size=1 << 16, **_options(file)))
    return folder / file.file


def _get_members(source: Source, address: str, folder: Path, progress: bool) -> Path:
    """Read the members of a data set out of a remote zip archive by byte ranges; whole ones are not fetched again."""
    from remotezip import RemoteZip
    from tqdm.auto import tqdm

    def extract(member: Published, _address: str, path: str, _pooch: None) -> None:
        with (
            archive.open(zip_member(archive, member.file, address)) as found,
            tqdm.wrapattr(found, "read", member.size, desc=member.file, disable=not progress) as content,
            open(path, "wb") as file,
        ):
            shutil.copyfileobj(content, file)

    # A range of the file, not of a compressed copy of it.
    with RemoteZip(address, headers={"Accept-Encoding": "identity"}, **_options(source.file)) as archive:
        for member in source.members.values():
            if not (folder / member.file).is_file():
                _keep(member, address, folder, partial(extract, member))
    return folder


def _keep(published: Published, address: str, folder: Path, downloader: Callable[..., None]) -> None:
    """Download one file, which is verified before it gets its name."""
    import pooch

    pooch.retrieve(address, published.sha256, published.file, folder, downloader=downloader)
    (folder / published.file).chmod(0o644)  # pooch leaves it to its owner alone, and the folder may be shared


def _options(file: Published) -> dict[str, Any]:
    """Return what requests is to heed: how long to wait, and to hang up on what cannot be `file` or a part of it."""

    def check(answer: Any, **_: Any) -> None:
        if answer.status_code in (200, 206) and "text/html" in answer.headers.get("Content-Type", ""):
            raise ValueError("a web page, not the file")
        if int(answer.headers.get("Content-Length", 0)) > file.size:
            raise ValueError(f"too long: the server wants to send more than the {file.size:,} bytes of the file")

    return {"timeout": TIMEOUT, "hooks": {"response": check}}
