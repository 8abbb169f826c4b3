"""Which letter follows others in a word, known or not."""

from __future__ import annotations

import functools
import string

import numpy as np

from hcr_lib.language._lexicon import Lexicon, english

LETTERS = string.ascii_lowercase + "'"  #: of a character model; every other character ends a word
END = ""  #: stands for the end of a word among them
_BITS = 5  # for each of the symbols: letters, and 0 for the edge of a word
MOST_KEPT = 50_000  #: answers remembered


class CharacterModel:
    """The next letter of a word, known or not, by those before it: an n-gram model with Witten-Bell smoothing.

    Each context of letters remembers which ones followed it in the words of a lexicon. The more *different* ones did,
    the likelier is one that has not yet: with T of them in a total weight N, the shorter context gets T / (N + T) of
    the say. At the bottom all symbols are equally likely, so that nothing is impossible.

    Parameters
    ----------
    lexicon : Lexicon
        Words of characters beyond a-z and the apostrophe are left out; a word weighs its tempered frequency, in units
        of the rarest.
    order : int
        How many letters an n-gram has, 1 to 7: the next one and those before it.

    References
    ----------
    I. H. Witten, T. C. Bell, "The zero-frequency problem: estimating the probabilities of novel events in adaptive text
    compression", IEEE Transactions on Information Theory 37 (4), 1991.

    Examples
    --------
    >>> model = CharacterModel(Lexicon(["queen", "quick", "quite", "cat"]))
    >>> after_q = model.following("q")
    >>> max(after_q, key=after_q.get), after_q["u"] > 0.5, after_q["z"] > 0, round(sum(after_q.values()), 6)
    ('u', True, True, 1.0)
    """

    def __init__(self, lexicon: Lexicon, order: int = 5) -> None:
        if not 1 <= order <= 7:
            raise ValueError(f"order must be from 1 to 7 letters; got {order}.")
        self._before = order - 1
        words, weights, _ = lexicon._sorted
        weights = np.rint(weights / weights.min(initial=np.inf)).clip(1, 65_535).astype("int64")
        text = "\n".join(["", *words, ""])
        table = np.zeros(128, "int64")
        table[[ord(letter) for letter in LETTERS]] = 1 + np.arange(len(LETTERS))
        spelled = np.frombuffer(text.encode("ascii", "replace"), "uint8")
        symbols, edges = table[spelled], spelled == ord("\n")
        word = np.cumsum(edges) - 1 - edges  # that each position belongs to: an edge ends one
        strange = np.zeros(len(words) + 1, bool)
        strange[word[(symbols == 0) & ~edges]] = True
        # A key holds a context, its last letter first, and what follows: sorted, those of one ending lie together.
        keys, inside = np.zeros(len(symbols), "int64"), np.ones(len(symbols), bool)
        for back in range(1, order):
            before = np.zeros_like(symbols)
            before[back:] = symbols[:-back]
            inside &= before > 0
            keys = keys << _BITS | np.where(inside, before, 0)
        keys = keys << _BITS | symbols
        kept = (word >= 0) & ~strange[word]  # the very first edge ends none
        # Sorted together with their weights in the lowest bits: several times as quick as sorting their places.
        keys = keys[kept] << 16 | weights[word[kept]]
        keys.sort()
        self._keys, self._weights = keys >> 16, (keys & 65_535).astype("float32")
        self._known: dict[str, tuple[np.ndarray, dict[str, float]]] = {}

    def following(self, context: str) -> dict[str, float]:
        """Return the probability of each of `LETTERS`, and of `END`, after the beginning of a word in small letters.

        Examples
        --------
        >>> model = CharacterModel(Lexicon(["a"]))
        >>> round(model.following("")["a"], 2), round(model.following("a")[END], 2)
        (0.95, 0.95)
        """
        return self._after(("\n" * self._before + context)[len(context) :])[1]

    def _after(self, context: str) -> tuple[np.ndarray, dict[str, float]]:
        """Return the distribution behind a context, as an array and as a dictionary; remembered."""
        if context not in self._known:
            number = len(LETTERS) + 1
            below = self._after(context[1:])[0] if context else np.full(number, 1 / number)
            code = functools.reduce(lambda code, char: code << _BITS | LETTERS.find(char) + 1, reversed(context), 0)
            room = _BITS * (self._before - len(context) + 1)
            first, last = np.searchsorted(self._keys, [code << room, (code + 1) << room])
            seen = np.bincount(self._keys[first:last] & (1 << _BITS) - 1, self._weights[first:last], number)
            different = np.count_nonzero(seen)
            shares = (seen + different * below) / (seen.sum() + different) if different else below
            if len(self._known) >= MOST_KEPT:
                self._known.clear()  # so that memory stays flat
            self._known[context] = shares, dict(zip((END, *LETTERS), shares.tolist(), strict=True))
        return self._known[context]


@functools.cache
def english_characters() -> CharacterModel:
    """Return the character model of `english`, made once, in a quarter of a second."""
    return CharacterModel(english())
