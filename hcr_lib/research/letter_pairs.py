"""Count English letter pairs again: ``python -m hcr_lib.research.letter_pairs WORDLIST``.

Any list will do, one word a line; ``data/letter_pairs.csv`` is rewritten. `hcr_lib.decode` reads it.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hcr_lib.decode import EDGE, LETTER_PAIRS, SYMBOLS
from hcr_lib.research.manifest import ship


def count_pairs(words: Iterable[str]) -> np.ndarray:
    """Count which symbol follows which, each word once; accents and case are dropped, odd words left out.

    Returns
    -------
    ndarray of int64, shape (27, 27)
        Rows: first of the pair; columns: second. Symbol 0 is the edge of a word.

    Examples
    --------
    >>> pairs = count_pairs(["ab", "Ac"])
    >>> int(pairs[0, 1]), int(pairs[1, 2]), int(pairs[2, 0])
    (2, 1, 1)
    """
    position = {symbol: k for k, symbol in enumerate(SYMBOLS)}
    pairs = np.zeros((len(SYMBOLS), len(SYMBOLS)), "int64")
    for word in words:
        plain = unicodedata.normalize("NFKD", word.strip()).encode("ascii", "ignore").decode().upper()
        if plain and all(char in position and char != EDGE for char in plain):
            walk = [0, *(position[char] for char in plain), 0]
            np.add.at(pairs, (walk[:-1], walk[1:]), 1)
    return pairs


def main(word_list: str) -> None:
    """Count the pairs of a word list, one word a line, and write them."""
    pairs = count_pairs(Path(word_list).read_text(encoding="utf-8").splitlines())
    rows = [",".join(["", *SYMBOLS])]
    rows += [",".join([symbol, *map(str, row)]) for symbol, row in zip(SYMBOLS, pairs, strict=True)]
    ship(
        LETTER_PAIRS,
        ("\n".join(rows) + "\n").encode(),
        origin="counts of letter pairs in the English word list SCOWL (Debian's wamerican 2020.12.07), each word once",
        licence="SCOWL's: use, copy and distribute freely with its notice; Copyright 2000-2011 Kevin Atkinson",
        command="python -m hcr_lib.research.letter_pairs WORDLIST",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
