"""Which word follows another."""

from __future__ import annotations

import functools
import importlib.resources
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping

import numpy as np


class WordPairs:
    """How often one word follows another.

    Parameters
    ----------
    counts : mapping of str to float
        Two words with a blank between them, and how often they occur, a number above 0; case does not matter.

    Examples
    --------
    >>> pairs = WordPairs({"is late": 3, "is it": 1, "it is": 2})
    >>> pairs.share("is", "l"), pairs.share("is", "late", whole=True), pairs.share("was", "l")
    (0.75, 0.75, None)
    >>> pairs.following("is"), pairs.following("is", beginning="i")
    (['late', 'it'], ['it'])
    """

    def __init__(self, counts: Mapping[str, float]) -> None:
        folded: Counter[str] = Counter()
        for pair, count in counts.items():
            folded[pair.lower()] += count
        self._pairs = sorted(folded)
        self._sums = np.cumsum([0.0, *map(folded.__getitem__, self._pairs)])

    def share(self, before: str, word: str, *, whole: bool = False) -> float | None:
        """Return the share of the words after `before` that begin with `word`, or are it; None if none is known."""
        all_of_them = self._sum(f"{before} ")
        if not all_of_them:
            return None
        return (self._sum(f"{before} {word}", "\0") if whole else self._sum(f"{before} {word}")) / all_of_them

    def _sum(self, beginning: str, end: str = "\U0010ffff") -> float:
        first = bisect_left(self._pairs, beginning)
        return float(self._sums[bisect_left(self._pairs, beginning + end, first)] - self._sums[first])

    def following(self, before: str, n: int = 3, beginning: str = "") -> list[str]:
        """Return the at most `n` most frequent words after another, in small letters; of those with a `beginning`."""
        pair = f"{before} {beginning}".lower()
        first, last = bisect_left(self._pairs, pair), bisect_left(self._pairs, f"{pair}\U0010ffff")
        best = np.argsort(-np.diff(self._sums[first : last + 1]), kind="stable")[:n].tolist()
        return [self._pairs[first + k].partition(" ")[2] for k in best]


@functools.cache
def english_pairs() -> WordPairs:
    """Return the pairs of English words of the package symspellpy, 240,000, with their frequencies in books.

    Examples
    --------
    >>> english_pairs().following("good", 2)
    ['for', 'to']
    """
    import symspellpy  # here, since few readings have a lexicon

    file = importlib.resources.files(symspellpy).joinpath("frequency_bigramdictionary_en_243_342.txt")
    rows = (line.rpartition(" ") for line in file.read_text(encoding="utf-8-sig").splitlines())
    return WordPairs({pair: float(count) for pair, _, count in rows})
