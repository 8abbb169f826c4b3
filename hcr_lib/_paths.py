"""Where shipped data is found, where fetched data is kept, and how any file is written: whole or not at all."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

MINE = "mine.py"  #: what a learner wrote, in the folder of their working copies


def shipped(name: str) -> Path:
    """Return the path of a file that ships with the course, in a checkout or in a wheel.

    Raises
    ------
    FileNotFoundError
        If it is in neither place.
    """
    here = Path(__file__).resolve().parent
    candidates = [here.parent / "data" / name, here / "_data" / name]
    for path in candidates:
        if path.is_file():
            return path
    raise FileNotFoundError(
        f"{name} ships with the course but was not found; looked for {' and '.join(map(str, candidates))}. "
        "Install the package again, or restore the file with git."
    )


def user_data_dir() -> Path:
    """Return the folder of fetched data: ``HCR_DATA_DIR``, or a cache folder of the user's own.

    The folder need not exist yet.
    """
    chosen = os.environ.get("HCR_DATA_DIR")
    return Path(chosen).expanduser() if chosen else cache_dir()


def cache_dir() -> Path:
    """Return the cache folder of the user's own; it need not exist yet."""
    import pooch  # with what it needs for the network it takes longer to import than a picture to read

    return Path(pooch.os_cache("hcr_lib"))


def replace_whole(path: Path, content: bytes | Callable[[BinaryIO], None]) -> Path:
    """Write a file so that at any time its old or its new content is there, never a part of either.

    The content goes to a new file of a random name in the same folder, which then takes the place of `path`: an
    interrupted or failed write leaves `path` as it was. A callable gets the new file, open for binary writing, such as
    ``lambda file: np.savez(file, x=x)``. The folder is made if it does not exist.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     replace_whole(Path(folder, "notes", "a.txt"), b"whole").read_text()
    'whole'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    unfinished = Path(name)
    try:
        with open(handle, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
        umask = os.umask(0)
        os.umask(umask)
        unfinished.chmod(0o666 & ~umask)  # temporary files are private, others are as the user has them made
        os.replace(unfinished, path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path
