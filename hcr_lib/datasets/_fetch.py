"""Fetch real handwriting on request: verified by SHA-256, safe against interruption and against company."""

import os
from collections.abc import Callable
from pathlib import Path

from hcr_lib import _paths
from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._remote import EMNIST, EMNIST_ARCHIVES, EMNIST_MEMBERS, MNIST, Published, Remote, verified

FETCHED = ("mnist", "emnist-letters", "emnist-balanced", "emnist-byclass")

#: What cannot be fetched by a plain address, and what to do instead; {folder} is the data folder.
INSTRUCTIONS = {
    "bundled": "The bundled sample ships with the course; there is nothing to fetch: load('bundled').",
    "az": (
        "Kaggle asks for an account, so the A-Z file is not fetched for you. Download 'A_Z Handwritten Data.csv' "
        "(or the zip it comes in) from "
        "https://www.kaggle.com/datasets/sachinpatel21/az-handwritten-alphabets-in-csv-format and either put it into "
        "{folder}, or give its path: load('.../A_Z Handwritten Data.csv')."
    ),
    "emnist-mixed": (
        "The mixed EMNIST file is not published; it comes with the project's evaluation data. "
        "Set HCR_DATA_DIR to the folder that holds emnist.npz, or use emnist-balanced or emnist-byclass instead."
    ),
}
INSTRUCTIONS["emnist-mixed-case"] = INSTRUCTIONS["emnist-mixed"]


def fetch(name: str, *, data_dir: str | Path | None = None, progress: bool = True, whole_archive: bool = False) -> Path:
    """Bring a real data set onto this machine, unless it is there already.

    Parameters
    ----------
    name : str
        ``mnist`` (11 MB), ``emnist-letters`` (36 MB), ``emnist-balanced`` (33 MB), or ``emnist-byclass`` (203 MB).
    data_dir : path, optional
        Where to keep it; else ``HCR_DATA_DIR``, else a cache folder of your own.
    progress : bool
        Show a bar.
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
    each time it is found or loaded again. NIST publishes none for the files in EMNIST's archive; ours are
    those that two people published who extracted them. An interrupted EMNIST file is continued by the next
    call, from a hidden ``.part`` file. Several processes may fetch into one folder: the first downloads, the
    others wait for it (an empty ``.lock`` file is how).
    """
    folder = Path(data_dir).expanduser() if data_dir is not None else _paths.user_data_dir()
    if name in INSTRUCTIONS:
        raise DataError(INSTRUCTIONS[name].format(folder=folder))
    if name not in FETCHED:
        raise DataError(f"only {', '.join(FETCHED)} can be fetched; got {name!r}.")
    if name == "mnist":
        return fetch_file(MNIST, folder, progress=progress)
    if whole_archive:
        return fetch_file(EMNIST, folder, progress=progress)
    members = [member for file, member in EMNIST_MEMBERS.items() if file.startswith(f"{name}-")]
    return fetch_emnist(members, EMNIST, folder, progress=progress)


def fetch_file(remote: Remote, folder: Path, *, progress: bool) -> Path:
    """Fetch one file into `folder`; see `fetch`."""
    path = folder / remote.file

    def found() -> Path | None:
        return verified(path, remote, remote.by_hand(folder)) if path.is_file() else None

    return _once(found, lambda: _download(remote, path, progress=progress), remote, folder)


def fetch_emnist(members: list[Published], archive: Remote, folder: Path, *, progress: bool) -> Path:
    """Fetch members of EMNIST's archive into `folder`, unless the archive lies there; see `fetch`."""
    by_hand = archive.by_hand(folder)

    def found() -> Path | None:
        for place in (folder, folder / "gzip"):  # the second is what unpacking the archive by hand makes
            here = [verified(place / m.file, m, by_hand) for m in members if (place / m.file).is_file()]
            if len(here) == len(members):
                return place
        whole = next((folder / file for file in EMNIST_ARCHIVES if (folder / file).is_file()), None)
        return verified(whole, archive, by_hand) if whole else None

    def download() -> Path:
        from hcr_lib.datasets._members import fetch_members  # here, because loading must not wait for requests

        fetch_members(members, archive, folder, progress=progress)
        return folder

    return _once(found, download, archive, folder)


def _once(found: Callable[[], Path | None], download: Callable[[], Path], remote: Remote, folder: Path) -> Path:
    """Return what is found in `folder`, or else download it, one process at a time."""
    from filelock import FileLock  # here, because loading must not wait for it

    path = found()  # without the lock: a folder that is shared may be read-only
    if path is not None:
        return path
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{remote.file}.lock"):
            return found() or download()  # another process may have been faster
    except OSError as error:
        raise DataError(
            f"{folder} cannot be written to ({error}). Set HCR_DATA_DIR to a folder of your own."
        ) from error


def _download(remote: Remote, path: Path, *, progress: bool) -> Path:
    import pooch

    unfinished = path.with_name(f".{path.name}.part")
    download = pooch.HTTPDownloader(progressbar=progress, timeout=30)
    failures = []
    try:
        for address in remote.addresses:
            try:
                download(address, str(unfinished), None)
            except OSError as error:  # every network error of requests is one
                failures.append(f"{address}: {error}")
                continue
            fault = remote.fault(unfinished)
            if fault is None:
                os.replace(unfinished, path)
                return path
            failures.append(f"{address}: {fault}")
    finally:
        unfinished.unlink(missing_ok=True)
    tried = "\n  ".join(failures)
    raise DataError(f"{remote.file} could not be fetched:\n  {tried}\n{remote.by_hand(path.parent)}")
