"""Records of results on real handwriting, written by commands of `hcr_lib.research` and read by the lessons.

Real images do not ship with the course; the results do, as JSON files in ``data/results/``. Each names the command
that reproduces it.
"""

import json
from typing import Any

from hcr_lib import _paths


def read(name: str) -> dict[str, Any]:
    """Return a record by its name, such as ``"reader"``.

    Raises
    ------
    ValueError
        If there is no such record (the message lists those there are), or it is damaged.

    Examples
    --------
    >>> read("reader")["command"]
    'python -m hcr_lib.research.scorecard'
    """
    path = _paths.shipped("manifest.toml").parent / "results" / f"{name}.json"
    if not path.is_file():
        known = ", ".join(sorted(path.stem for path in path.parent.glob("*.json")))
        raise ValueError(f"there is no record called {name!r}; expected one of {known or 'none so far'}.")
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no longer JSON ({error}). Restore it with git.") from error
