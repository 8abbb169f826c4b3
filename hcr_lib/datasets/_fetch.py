"""Fetch real handwriting on request: verified by SHA-256, safe against interruption and against company."""

import os
from dataclasses import dataclass
from pathlib import Path

from hcr_lib import _paths
from hcr_lib.datasets._errors import DataError


@dataclass(frozen=True)
class Remote:
    """A published file: its name in the data folder, what it must be, where it is offered."""

    file: str
    sha256: str
    size: int
    addresses: tuple[str, ...]

    def by_hand(self, folder: Path) -> str:
        """Return the sentence that tells how to get the file without us."""
        return (
            f"By hand: download one of {' , '.join(self.addresses)} and save it as {folder / self.file} "
            f"({self.size:,} bytes, SHA-256 {self.sha256})."
        )


MNIST = Remote(
    "mnist.npz",
    "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    11_490_434,
    (
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "https://s3.amazonaws.com/img-datasets/mnist.npz",
    ),
)
EMNIST = Remote(
    "emnist.zip",
    "fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    561_753_932,
    (
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
)
REMOTES = {"mnist": MNIST, "emnist-letters": EMNIST, "emnist-balanced": EMNIST, "emnist-byclass": EMNIST}

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


def fetch(name: str, *, data_dir: str | Path | None = None, progress: bool = True) -> Path:
    """Bring a real data set onto this machine, unless it is there already.

    Parameters
    ----------
    name : str
        ``mnist`` (11 MB), or ``emnist-letters``, ``-balanced``, ``-byclass`` (one archive for all, 562 MB).
    data_dir : path, optional
        Where to keep it; else ``HCR_DATA_DIR``, else a cache folder of your own.
    progress : bool
        Show a bar.

    Returns
    -------
    Path
        The verified file. It appears under its name only when complete: an interrupted download leaves nothing
        that could be taken for it. Several processes may fetch into one folder: the first downloads, the others
        wait for it (an empty ``.lock`` file beside it is how).

    Raises
    ------
    DataError
        If no address offers the right file, or another file of that name is in the way. The message says how
        to get it by hand.
    """
    folder = Path(data_dir).expanduser() if data_dir is not None else _paths.user_data_dir()
    if name in INSTRUCTIONS:
        raise DataError(INSTRUCTIONS[name].format(folder=folder))
    if name not in REMOTES:
        raise DataError(f"only {', '.join(REMOTES)} can be fetched; got {name!r}.")
    return fetch_file(REMOTES[name], folder, progress=progress)


def fetch_file(remote: Remote, folder: Path, *, progress: bool) -> Path:
    """Fetch one file into `folder`; see `fetch`."""
    from filelock import FileLock  # here, because loading must not wait for them

    path = folder / remote.file
    if path.is_file():
        return _verified(path, remote)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{remote.file}.lock"):
            if path.is_file():  # another process was faster
                return _verified(path, remote)
            return _download(remote, path, progress=progress)
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
            fault = _fault(unfinished, remote)
            if fault is None:
                os.replace(unfinished, path)
                return path
            failures.append(f"{address}: {fault}")
    finally:
        unfinished.unlink(missing_ok=True)
    tried = "\n  ".join(failures)
    raise DataError(f"{remote.file} could not be fetched:\n  {tried}\n{remote.by_hand(path.parent)}")


def _verified(path: Path, remote: Remote) -> Path:
    fault = _fault(path, remote)
    if fault is not None:
        raise DataError(
            f"{path} is not the published {remote.file}: {fault}. Move it away or delete it, then fetch again. "
            f"{remote.by_hand(path.parent)}"
        )
    return path


def _fault(path: Path, remote: Remote) -> str | None:
    """Say what is wrong with a file; None if nothing is."""
    import pooch

    found = pooch.file_hash(str(path), alg="sha256")
    if found == remote.sha256:
        return None
    size = path.stat().st_size
    with path.open("rb") as stream:
        if b"<html" in stream.read(1024).lower():
            return "a web page, not the file"
    if size < remote.size:
        return f"cut short, {size:,} of {remote.size:,} bytes"
    return f"expected SHA-256 {remote.sha256}, found {found} ({size:,} bytes)"
