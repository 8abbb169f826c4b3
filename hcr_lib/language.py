"""How letters follow one another in words: the pair counts behind `hcr_lib.decode.in_context`.

``python -m hcr_lib.language WORDLIST`` counts them anew and rewrites ``data/letter_pairs.csv``.
"""

from __future__ import annotations

import functools
import sys
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from hcr_lib._manifest import ship
from hcr_lib._paths import shipped
from hcr_lib.labels import LETTERS

FILE = "letter_pairs.csv"
EDGE = " "  #: stands for the beginning and the end of a word
SYMBOLS = EDGE + LETTERS
#: Added to every count: a pair that no word of the list has is rare, not impossible.
SMOOTHING = 5


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


@functools.cache
def transitions() -> np.ndarray:
    """Return the probability of each symbol after each other one, float64 of shape (27, 27); rows add up to 1."""
    pairs = np.loadtxt(shipped(FILE), delimiter=",", skiprows=1, usecols=range(1, len(SYMBOLS) + 1)) + SMOOTHING
    pairs[0, 0] = 0  # a word has letters
    return pairs / pairs.sum(axis=1, keepdims=True)


def main(word_list: str) -> None:
    """Count the pairs of a word list, one word a line, and write them."""
    pairs = count_pairs(Path(word_list).read_text(encoding="utf-8").splitlines())
    rows = [",".join(["", *SYMBOLS])]
    rows += [",".join([symbol, *map(str, row)]) for symbol, row in zip(SYMBOLS, pairs, strict=True)]
    ship(
        FILE,
        ("\n".join(rows) + "\n").encode(),
        origin="counts of letter pairs in the English word list SCOWL (Debian's wamerican 2020.12.07), each word once",
        licence="SCOWL's: use, copy and distribute freely with its notice; Copyright 2000-2011 Kevin Atkinson",
        command="python -m hcr_lib.language WORDLIST",
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
