"""Write what ships: data files with their entries in ``data/manifest.toml``, and results in ``data/results``."""

import datetime
import hashlib
import json
import os
import platform
import re
from importlib import metadata
from pathlib import Path
from typing import Any

from hcr_lib import _paths

_VERSIONS = ("numpy", "scikit-learn", "keras", "tensorflow")


def results_dir() -> Path:
    """Return the folder of recorded results, ``data/results`` of a checkout."""
    return Path(__file__).resolve().parents[2] / "data" / "results"


def ship(name: str, content: bytes, **facts: object) -> Path:
    """Write a file to the folder of shipped data, and its table to the manifest; the others stay as they are.

    Parameters
    ----------
    name : str
    content : bytes
    **facts
        What else to note, after SHA-256 and size: shapes, origin, licence, command.

    Returns
    -------
    Path
        Of the file written.
    """
    manifest = _paths.shipped("manifest.toml")
    target = manifest.with_name(name)
    _paths.replace_whole(target, content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), **facts}
    table = f'[files."{name}"]\n' + "".join(f"{key} = {_toml(item)}\n" for key, item in entry.items())
    text = manifest.read_text(encoding="utf-8")
    old = re.compile(rf'\[files\."{re.escape(name)}"\]\n(?:[^\[\n].*\n)*')
    text = old.sub(lambda _: table, text) if old.search(text) else f"{text.rstrip()}\n\n{table}"
    _paths.replace_whole(manifest, text.encode())
    return target


def _toml(item: object) -> str:
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in item.items()) + " }"
    return json.dumps(item)  # for strings, numbers and lists the two notations agree


def record(name: str, command: str, **findings: Any) -> dict[str, Any]:
    """Write a record of results with the command, the date and the machine; see `hcr_lib.records.read`.

    Parameters
    ----------
    name : str
        The file is ``data/results/NAME.json``; an existing one is replaced whole.
    command : str
        What to type to reproduce it.
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
    text = json.dumps(record, indent=1, ensure_ascii=False) + "\n"
    _paths.replace_whole(results_dir() / f"{name}.json", text.encode())
    return record
