"""Where the data that ships lies, and where fetched data is kept."""

import os
from pathlib import Path


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


def results_dir() -> Path:
    """Return the folder of recorded results, ``data/results`` of a checkout."""
    return Path(__file__).resolve().parent.parent / "data" / "results"


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
