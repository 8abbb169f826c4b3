"""Records of results on real handwriting, written by commands of `hcr_lib.research` and read by the lessons.

Real images do not ship with the course; the results do, as JSON files in ``data/results/``. Each names the command
that reproduces it.
"""

import json
from typing import TYPE_CHECKING, Any

from hcr_lib import _paths

if TYPE_CHECKING:
    import pandas as pd


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


def reader_errors() -> "pd.DataFrame":
    """Return every row of the record "reader" as an error rate, the worst first.

    Returns
    -------
    DataFrame
        Columns `name` (the set, the alphabet, and for words and lines the reader: "cut", "line" or "auto"), `reader`
        (None for single characters), and `wrong`, the characters misread, in percent. Rows that count the same
        readings in another way, or used a lexicon, are left out.
    """
    import pandas as pd  # here, because reading a record must not wait for it

    rows = pd.DataFrame(read("reader")["rows"])
    rows = rows[~rows["alphabet"].str.contains("counted as") & rows["lexicon"].isna()]
    names = rows["set"] + ", " + rows["alphabet"] + (", " + rows["reader"]).fillna("")
    wrong = 100 * rows["score"].where(rows["measure"].str.contains("error"), 1 - rows["score"])
    table = pd.DataFrame({"name": names, "reader": rows["reader"], "wrong": wrong})
    return table.sort_values("wrong", ascending=False, ignore_index=True)
