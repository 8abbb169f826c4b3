"""The list of what ships, ``data/manifest.toml``: each file with its SHA-256, origin, licence and command."""

import hashlib
import json
import re
from pathlib import Path

from hcr_lib._paths import shipped


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
    manifest = shipped("manifest.toml")
    target = manifest.with_name(name)
    target.write_bytes(content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content), **facts}
    table = f'[files."{name}"]\n' + "".join(f"{key} = {_toml(item)}\n" for key, item in entry.items())
    text = manifest.read_text(encoding="utf-8")
    old = re.compile(rf'\[files\."{re.escape(name)}"\]\n(?:[^\[\n].*\n)*')
    text = old.sub(lambda _: table, text) if old.search(text) else f"{text.rstrip()}\n\n{table}"
    manifest.write_text(text, encoding="utf-8")
    return target


def _toml(item: object) -> str:
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{key} = {_toml(inner)}" for key, inner in item.items()) + " }"
    return json.dumps(item)  # for strings, numbers and lists the two notations agree
