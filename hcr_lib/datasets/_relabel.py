"""Maps from one class string to another that guess no case and lose no class."""

from typing import Literal

import numpy as np

Case = Literal["upper", "lower", "either"]
NOWHERE, CASE_UNKNOWN = -1, -2


def relabelling(source: str, target: str, merged: Literal["upper", "lower"] | None = None) -> np.ndarray:
    """Return the target label of every source class.

    A character goes to itself, or to its capital where the target lacks it. The one thing that cannot be read
    off the class strings: a letter that `source` has as a capital only may stand for both of its cases,
    and a target with both then asks which. `merged` answers.

    Parameters
    ----------
    source, target : str
        Class strings, label order.
    merged : {"upper", "lower"}, optional
        What such a letter is taken for.

    Returns
    -------
    ndarray of int64, shape (len(source),)
        `NOWHERE` where the target has no such character, `CASE_UNKNOWN` where only `merged` could tell.

    Examples
    --------
    >>> relabelling("7aC", "0123456789AaC").tolist()
    [7, 11, 12]
    >>> relabelling("7A", "7Aa").tolist(), relabelling("7A", "7Aa", "lower").tolist()
    ([0, -2], [0, 2])
    """
    position = {char: label for label, char in enumerate(target)}

    def home(char: str) -> int:
        small = char.lower()
        if char.isupper() and small not in source and small in position:
            if merged is None:
                return CASE_UNKNOWN
            char = small if merged == "lower" else char
        return position.get(char, position.get(char.upper(), NOWHERE))

    return np.array([home(char) for char in source], "int64")
