"""Words to expect, and how frequent they are."""

from __future__ import annotations

import functools
import gzip
import importlib.resources
import json
import os
import stat
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import compress, repeat
from pathlib import Path

import numpy as np

ENGLISH = "english"  #: names the list of `english`, where a file of words could be named
LONGEST_WORD = 100  #: of a lexicon, in characters
MOST_BYTES = 50_000_000  #: of a file of words: some five million
#: Frequencies are raised to this power. Counted are film subtitles; other texts, and above all words that are written
#: one by one, hold rare words more often.
TEMPER = 0.5
POSSESSIVE = 0.03  #: how often a word of a lexicon is followed by 's


class Lexicon:
    """Words to expect, with frequencies; a million of them are searched quickly.

    Parameters
    ----------
    entries : iterable of str, or mapping of str to float
        At most `LONGEST_WORD` characters each; case does not matter. A mapping gives each its frequency, a number
        above 0; otherwise all are equally frequent. An entry of several words, such as ``New York``, also stands for
        each of its words; where a reader cuts a line into words, as a whole it is found where it was read as one.

    Attributes
    ----------
    entries : list of str
        As given, single blanks inside; those of several words are followed by their words.

    Raises
    ------
    ValueError
        If an entry is too long, or a frequency is no number above 0.

    Examples
    --------
    >>> words = Lexicon({"the": 60, "then": 20, "Theo": 15, "cat": 5})
    >>> round(words.share("the"), 2), round(words.share("THEN"), 2), words.share("dog")
    (0.41, 0.24, 0.0)
    >>> words.completions("th", 2), "Cat" in words, "ca" in words
    (['the', 'then'], True, False)
    """

    def __init__(self, entries: Iterable[str] | Mapping[str, float] = ()) -> None:
        counts = entries.values() if isinstance(entries, Mapping) else repeat(1.0)
        entries = list(entries)
        longest = max(entries, key=len, default="")
        if len(longest) > LONGEST_WORD:
            raise ValueError(
                f"a lexicon's entries have at most {LONGEST_WORD} characters; got {len(longest)} in "
                f"{longest[:20]!r}... Write one word a line."
            )
        letters = "".join(entries)
        if "" in entries or letters.split() != [letters]:  # otherwise nothing is to be split: most lists, and quickly
            split = [(entry.split(), count) for entry, count in zip(entries, counts, strict=False)]
            whole = [([" ".join(parts), *parts] if len(parts) > 1 else parts, count) for parts, count in split]
            entries = [entry for spelled, _ in whole for entry in spelled]
            counts = [count for spelled, count in whole for _ in spelled]
        self.entries: list[str] = entries
        self._frequencies = np.fromiter(counts, "float64", len(entries))
        right = np.isfinite(self._frequencies) & (self._frequencies > 0)
        if not right.all():
            wrong = int(right.argmin())
            raise ValueError(
                f"a lexicon's frequencies must be numbers above 0; got {self._frequencies[wrong]} for "
                f"{entries[wrong]!r}. Leave out what never occurs."
            )
        self._found: dict[tuple[int, str], tuple[np.ndarray, np.ndarray]] = {}

    def __len__(self) -> int:
        return len(self.entries)

    def __contains__(self, word: str) -> bool:
        words, folded = self._sorted[0], word.lower()
        place = bisect_left(words, folded)
        return place < len(words) and words[place] == folded

    @functools.cached_property
    def _plain(self) -> list[str]:
        return [entry.replace(" ", "") for entry in self.entries]

    @functools.cached_property
    def upper(self) -> list[str]:
        """The entries without blanks, in capitals."""
        return [word.upper() for word in self._plain]

    def of_length(self, length: int, classes: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of the words of `length` characters, and their classes, -1 for none: one row a word."""
        if (length, classes) not in self._found:
            positions = np.flatnonzero(self._lengths == length)
            letters = "".join([self._plain[k] for k in positions])
            codes = np.frombuffer(letters.encode("utf-32-le", "surrogatepass"), "uint32")
            known, place = np.unique(codes, return_inverse=True)
            columns = np.array(columns_of("".join(map(chr, known)), classes), int)
            self._found[length, classes] = positions, columns[place].reshape(-1, length)
        return self._found[length, classes]

    @functools.cached_property
    def _lengths(self) -> np.ndarray:
        return np.array(list(map(len, self._plain)), dtype=int)

    @functools.cached_property
    def _sorted(self) -> tuple[list[str], np.ndarray, np.ndarray]:
        """The single words in small letters, sorted; their weights; the share of all weight before each, and 1.

        A word that is there in two cases is there twice.
        """
        words = list(map(str.lower, self.entries))
        single = np.array([" " not in word for word in words], bool)
        words, weights = list(compress(words, single)), self._frequencies[single] ** TEMPER
        if weights.size and np.ptp(weights) > 0:
            order = sorted(range(len(words)), key=words.__getitem__)
            words, weights = [words[k] for k in order], weights[order]
        else:  # a million words are sorted in half a second so, and in four times that with their frequencies
            words.sort()
        sums = np.concatenate([[0.0], np.cumsum(weights)])
        return words, weights, sums / max(sums[-1], 1e-300)

    def prefix_share(self, prefix: str) -> float:
        """Return the share, from 0 to 1, of the words that begin with `prefix`, weighted by their tempered frequencies.

        Two binary searches among sorted words give the range, and cumulative sums its weight: a million words cost
        hardly more than a thousand. Tempered by `TEMPER`; of a word itself this includes what 's may follow.
        """
        words, _, sums = self._sorted
        prefix = prefix.lower()
        first = bisect_left(words, prefix)
        found = float(sums[bisect_left(words, prefix + "\U0010ffff", first)] - sums[first])
        for ending in ("'", "'s"):
            if prefix.endswith(ending):
                found += POSSESSIVE * self._share_of_entry(prefix.removesuffix(ending))
        return found

    def share(self, word: str) -> float:
        """Return the share, from 0 to 1, of one word, 0 if it is not there; those of all words add up to 1.

        Part of each goes to the same word with 's, which is known as well.
        """
        word = word.lower()
        found = (1 - POSSESSIVE) * self._share_of_entry(word)
        return found + (POSSESSIVE * self._share_of_entry(word[:-2]) if word.endswith("'s") else 0.0)

    def _share_of_entry(self, word: str) -> float:
        words, _, sums = self._sorted
        first = bisect_left(words, word)
        return float(sums[bisect_right(words, word, first)] - sums[first])

    def completions(self, prefix: str, n: int = 5) -> list[str]:
        """Return the at most `n` most frequent words that begin with `prefix`, as spelled in the lexicon."""
        words, weights, _ = self._sorted
        prefix = prefix.lower()
        first = bisect_left(words, prefix)
        last = bisect_left(words, prefix + "\U0010ffff", first)
        best = np.argsort(-weights[first:last], kind="stable")[: 4 * n].tolist()  # in up to four cases
        return list(dict.fromkeys(self._spelling[words[first + k]] for k in best))[:n]

    @functools.cached_property
    def _spelling(self) -> dict[str, str]:
        return {entry.lower(): entry for entry in reversed(self.entries)}  # of several, the first

    def spelling(self, word: str) -> str | None:
        """Return an entry as it was given, whatever the case of `word`; None if it is not there.

        Examples
        --------
        >>> Lexicon(["New York"]).spelling("NEW YORK"), Lexicon(["McCoy"]).spelling("MCCOY")
        ('New York', 'McCoy')
        """
        return self._spelling.get(word.lower())

    def sample(self, n: int, rng: np.random.Generator) -> list[str]:
        """Draw `n` words at random, by their frequencies as they were given: what a reader without eyes would say."""
        shares = self._frequencies / self._frequencies.sum()
        return [self.entries[k] for k in rng.choice(len(self.entries), size=n, p=shares)]


def columns_of(word: str, classes: str) -> list[int]:
    """Return the class of each character of a word, blanks left out: itself, else its other case; -1 for neither."""
    column = {char: k for k, char in enumerate(classes)}
    return [
        next((column[form] for form in (char, char.upper(), char.lower()) if form in column), -1)
        for char in word
        if not char.isspace()
    ]


@functools.cache
def english() -> Lexicon:
    """Return the English words of the package pyspellchecker, 160,000, with their frequencies in film subtitles.

    "the" and "you" are the most frequent; two thirds come from a word list, and share the lowest frequency.

    Examples
    --------
    >>> len(english()) > 20_000, english().completions("handw", 2)
    (True, ['handwriting', 'handwritten'])
    """
    import spellchecker  # here, since few readings have a lexicon

    # Its own way to the frequencies builds what corrects spelling as well, which takes longer than reading a page.
    packed = importlib.resources.files(spellchecker).joinpath("resources", "en.json.gz").read_bytes()
    return Lexicon(json.loads(gzip.decompress(packed)))


def read_lexicon(name: str | os.PathLike) -> Lexicon:
    """Read words to expect from a file, or by the name of a list.

    Parameters
    ----------
    name : {"english"} or path
        A UTF-8 text of at most 50 MB, an entry a line: a word or several, and after a tab, if you like, how often it
        occurs. Case does not matter.

    Raises
    ------
    ValueError
        If the file is missing, holds no words, or is no such text; the message says what was expected.
    """
    if name == ENGLISH:
        return english()
    try:
        found = os.stat(name)
        if not stat.S_ISREG(found.st_mode) or found.st_size > MOST_BYTES:
            raise ValueError(f"it is no regular file of at most {MOST_BYTES // 1_000_000} MB")
        text = Path(name).read_text(encoding="utf-8-sig")  # Windows marks a file's beginning
        lines = text.splitlines()
        lexicon = Lexicon(_frequencies(lines) if "\t" in text else lines)
    except (OSError, ValueError) as error:  # a UnicodeDecodeError is a ValueError
        raise ValueError(
            f"the lexicon {name} cannot be read ({error}); expected UTF-8 text, a word a line, or {ENGLISH!r}."
        ) from error
    if not lexicon.entries:
        raise ValueError(f"the lexicon {name} holds no words; expected a word a line.")
    return lexicon


def _frequencies(lines: Iterable[str]) -> dict[str, float]:
    """Return the counts of lines of words, some with a tab and a number; a line without one counts 1."""
    counts: Counter[str] = Counter()
    for line in lines:
        entry, _, count = line.strip().partition("\t")
        try:
            counts[entry] += float(count or 1)
        except ValueError:
            raise ValueError(f"after a tab comes how often a word occurs, a number; got {line[:40]!r}") from None
    return counts
