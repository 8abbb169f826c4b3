"""Records of what was measured on real handwriting: written by a command, read by the lessons.

Real images never ship with the course; what was found with them does, as JSON files in ``data/results/``. Each names
the command that makes it again.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from hcr_lib import _paths

_VERSIONS = ("numpy", "scikit-learn", "keras", "tensorflow")


def read(name: str) -> dict[str, Any]:
    """Return a record by its name, such as ``"reader"``.

    Raises
    ------
    ValueError
        If there is no such record (the message names those there are), or it is damaged.

    Examples
    --------
    >>> read("reader")["command"]
    'python -m hcr_lib.scorecard'
    """
    path = _path(name)
    if not exists(name):
        known = ", ".join(sorted(path.stem for path in path.parent.glob("*.json")))
        raise ValueError(f"there is no record called {name!r}; expected one of {known or 'none so far'}.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no longer JSON ({error}). Restore it with git.") from error


def exists(name: str) -> bool:
    """Say whether there is a record of that name."""
    return _path(name).is_file()


def _path(name: str) -> Path:
    return _paths.shipped("manifest.toml").parent / "results" / f"{name}.json"


def write(name: str, command: str, **findings: Any) -> dict[str, Any]:
    """Write a record: what was found, and the command, the day and the machine it was found with.

    Parameters
    ----------
    name : str
        The file becomes ``data/results/NAME.json``; one of that name is replaced at once or not at all.
    command : str
        What to type to measure it again.
    **findings
        Numbers, texts, lists and dictionaries of them.

    Returns
    -------
    dict
        The record.
    """
    record = {
        "command": command,
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        "versions": {package: metadata.version(package) for package in _VERSIONS},
        **findings,
    }
    folder = _paths.results_dir()
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}.part"
    unfinished.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(unfinished, folder / f"{name}.json")
    return record
