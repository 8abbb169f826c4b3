r"""What the writer of a picture was asked for: a mask, a sign for each character, or a format by name.

In a mask, L stands for a letter, D for a digit and A for either; any other sign, a blank among them, stands for
itself, and so do these three behind a backslash: ``LLDDD`` is a code, ``D.DD`` a price, ``\A-DD`` begins with an A.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable

import numpy as np

SIGNS = {"L": str.isalpha, "D": str.isdigit, "A": str.isalnum}
#: Masks by name. Who expects another format writes it as a mask, or as several.
FORMATS = {
    "date": ("DD.DD.DDDD", "D.DD.DDDD", "DD.D.DDDD", "D.D.DDDD", "DD.DD.DD", "DD/DD/DDDD", "DDDD-DD-DD"),
    "amount": tuple(
        "D" * digits + point + "DD" + currency for digits in range(1, 5) for point in ",." for currency in ("", " LLL")
    ),
    "phone": tuple(
        f"{country}{area}{between}{'D' * digits}"
        for country in ("", "+DD ")
        for area in ("DDD", "DDDD")
        for between in " -/"
        for digits in range(4, 8)
    ),
    "postcode": ("DDDDD",),
}
LONGEST = 100  #: signs of a mask


def expand(given: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return the masks that are meant: a format's where it is named, all of them where there are several.

    Raises
    ------
    ValueError
        If one is empty, or longer than `LONGEST`.

    Examples
    --------
    >>> expand("LLDDD"), expand(["postcode", "LDD"]), expand(None)
    (('LLDDD',), ('DDDDD', 'LDD'), ())
    """
    if given is None:
        return ()
    named = [given] if isinstance(given, str) else list(given)
    found = [mask for name in named for mask in FORMATS.get(name, (name,))]
    for mask in found:
        if not 1 <= len(mask.strip()) <= LONGEST:
            raise ValueError(
                f"a mask has a sign for each character, 1 to {LONGEST}; got {mask[:20]!r}. Write for example LLDDD for "
                f"two letters and three digits, or name a format: {', '.join(FORMATS)}."
            )
    return tuple(dict.fromkeys(" ".join(mask.split()) for mask in found))


def check(given: str | Iterable[str] | None, classes: str) -> tuple[str, ...]:
    """Return the masks that are meant, see `expand`, if the classes have what they ask for; else raise a ValueError."""
    found = expand(given)
    for mask in found:
        allowed(mask.replace(" ", ""), classes)
    return found


@functools.lru_cache(maxsize=64)
def allowed(mask: str, classes: str) -> np.ndarray:
    r"""Return which of the classes may stand at each place of a mask.

    Parameters
    ----------
    mask, classes : str

    Returns
    -------
    ndarray of bool, shape (n, len(classes))
        A row for each character of the text.

    Raises
    ------
    ValueError
        If the mask asks for a character that is not among the classes.

    Examples
    --------
    >>> allowed("LD", "A7").astype(int).tolist(), allowed(r"\L", "AL").astype(int).tolist()
    ([[1, 0], [0, 1]], [[0, 1]])
    """
    rows = []
    for sign in re.findall(r"\\.|[^\\]|\\$", mask):
        if sign in SIGNS:
            row = [SIGNS[sign](char) for char in classes]
        else:
            row = [char == sign[-1] for char in classes]
            if not any(row):  # of one case only
                row = [char == sign[-1].upper() for char in classes]
        if not any(row):
            raise ValueError(
                f"the mask {mask!r} asks for {sign[-1]!r}, which is not among the classes {classes!r}. Marks are read "
                "with the alphabet 'text'."
            )
        rows.append(row)
    return np.array(rows, dtype=bool).reshape(-1, len(classes))
