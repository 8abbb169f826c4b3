"""What is written, before any ink is seen: words and their frequencies, and which characters follow one another.

Four things build on each other. `Lexicon` holds words with frequencies, and knows how much of them begins with a
prefix. `WordPairs` knows which word follows another. `CharacterModel` gives the probabilities of the next letter of any
word, known or not. `Language` mixes them into the probability of the next character of a line of text, which
`hcr_lib.line_decoding` searches together with a network's scores.

Case does not count in words and letters; how a word's case may run is a matter of `Language`.
"""

from __future__ import annotations

import functools
import gzip
import importlib.resources
import json
import math
import os
import re
import stat
import string
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
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

LETTERS = string.ascii_lowercase + "'"  #: of a character model; every other character ends a word
END = ""  #: stands for the end of a word among them
_BITS = 5  # for each of the symbols: letters, and 0 for the edge of a word

#: How likely a word is none of the lexicon, before a letter of it is read.
OPEN_SHARE = 0.3
#: How much the word before has to say in which word of the lexicon follows, where it is known. Chosen on 285 lines of
#: UNIPEN's development people and 156 sentences composed of their characters, by a script that was not kept: together
#: with the width of the search, 16 prefixes instead of 12, it took 7.04 % of wrong characters to 6.96, and 130 right
#: sentences, with 0.5, to 133.
PAIRED = 0.7
#: The open vocabulary's share after such a word, beside elsewhere: names are seldom in the middle of a sentence.
AFTER_KNOWN = 0.3
#: How likely each kind of character is after others outside of words; a "letter" is followed so once its word is over.
#: These, the marks and the capitals are rounded from what UNIPEN's training people wrote.
FOLLOWS = {
    "start": {"letter": 0.9, "digit": 0.055, "mark": 0.044, "space": 0.001},
    "letter": {"digit": 0.001, "mark": 0.1, "space": 0.899},
    "digit": {"letter": 0.01, "digit": 0.5, "mark": 0.13, "space": 0.36},
    "mark": {"letter": 0.12, "digit": 0.15, "mark": 0.08, "space": 0.65},
}
#: Shares of the marks after each kind of character, and of any other mark.
MARKS = {
    "start": {'"': 0.13, "(": 0.1, "$": 0.09, "=": 0.09},
    "letter": {".": 0.41, ",": 0.28, "'": 0.11, "-": 0.06, "?": 0.03},
    "digit": {".": 0.26, "-": 0.21, ")": 0.12, "/": 0.11, ",": 0.1, "%": 0.07, ":": 0.05},
    "mark": {".": 0.08, ",": 0.08, '"': 0.07, "-": 0.07},
}
RARE_MARK = 0.015
#: How dates, times, prices and telephone numbers are spelled. D is a digit; d, m, h and y are those that begin a day, a
#: month, an hour and a year; the rest stands for itself. Each group is as likely as the others.
FIGURES = (
    ("dD.mD.ycDD", "D.D.ycDD", "dD.D.ycDD", "D.mD.ycDD", "dD/mD/ycDD", "mD/dD/ycDD", "ycDD-mD-dD", "dD.mD.DD"),
    ("D,DD", "DD,DD", "DDD,DD", "DDDD,DD", "D.DD", "DD.DD", "DDD.DD", "DDDD.DD", "D,DDD", "DD,DDD", "$D.DD", "$DD.DD"),
    ("0DDD", "+DD", "0DDD/DDDD", "0DDD/DDDDD", "0DDD/DDDDDD", "DDD-DDDD", "DDD-DDD-DDDD", "DDDD-D", "DDDD-DD", "(DDD)"),
    ("D:mD", "hD:DD", "D%", "DD%"),
)
_FIGURE_SIGNS = {"D": string.digits, "d": "0123", "m": "01", "h": "012", "y": "12", "c": "09"}  # years: 19.., 20..
#: How likely a word is such a figure, before it is read: of 300 made-up figures 0.03 read 250 and 0.1 253; people's
#: lines and words are read alike with both (a script that was not kept).
FIGURE_SHARE = 0.1

#: The probability of a capital at the beginning of a word, after one, after more than one, and after a small letter.
CAPITAL = {"": 0.25, "U": 0.25, "UU": 0.98, "l": 0.005}
#: How likely a word of the open vocabulary is spelled like no other, and with which letters: names and codes.
ODD_SHARE, ODD_LETTER, ODD_END = 0.05, 0.85 / 26, 0.15
#: How often a line ends behind the word I, beside elsewhere: a lone bar there is a number. Of 67 that UNIPEN's training
#: people wrote none did, of 33 lone 1 six.
I_AT_END = 0.015
RAREST = 1e-4  #: nothing is impossible
MOST_KEPT = 50_000  #: answers remembered


#: What matches this is read like any word, and never suggested: the frequencies are those of films.
COARSE = re.compile(
    "asshole|bastard|bitch|cunt|fuck|nigg|piss|porn|pussy|shit|slut|whor"
    "|^(arse|ass|cocks?|dicks?|fags?|faggot.*|rap(e|ed|es|ing|ist.*)|sex|sexy|tits?)$"
)


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


def suggest(beginning: str, before: str = "", n: int = 3) -> list[str]:
    """Return the at most `n` likeliest English words that go on with a beginning, spelled as it is.

    A word's probability is a mixture, as in `Language`: of how often it follows the word before, for a share of
    `PAIRED` where that one is known, and of how often it occurs at all. Marks before the beginning stay.

    Parameters
    ----------
    beginning : str
        What there is of the word. Of it alone, in capitals, or with a capital at its beginning, the words are, too;
        nothing else than letters and apostrophes has no suggestions. If it is empty, the words are those after
        `before`, and none without it.
    before : str
        The word before, in any case.

    Examples
    --------
    >>> suggest("tha", n=2), suggest("THA", n=1), suggest("Tha", n=1), suggest("4")
    (['that', 'than'], ['THAT'], ['That'], [])
    >>> suggest("mor", "good", 1), suggest("", "good", 2)
    (['morning'], ['for', 'to'])
    """
    pairs, lexicon, known = english_pairs(), english(), before.strip(string.punctuation).lower()
    if not beginning:
        words = pairs.following(known, 2 * n) if known else []
        return [word for word in words if not COARSE.search(word)][:n]
    letters = beginning.lstrip("\"'(")
    if not letters or not {*letters.lower()} <= {*LETTERS}:
        return []
    words = {word.lower(): 0.0 for word in lexicon.completions(letters, 8 * n)}
    words |= dict.fromkeys(pairs.following(known, 8 * n, letters), 0.0)
    for word in words:
        paired = pairs.share(known, word, whole=True) if known else None
        share = lexicon.share(word)
        words[word] = share if paired is None else PAIRED * paired + (1 - PAIRED) * share
    longer = [
        word
        for word in words
        if word != letters.lower() and ("'" in letters or not word.endswith("'s")) and not COARSE.search(word)
    ]
    best = sorted(longer, key=words.__getitem__, reverse=True)[:n]
    if letters.isupper() and len(letters) > 1:
        best = [word.upper() for word in best]
    return [beginning + word[len(letters) :] for word in best]


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


@dataclass(slots=True)
class Node:
    """A place in a text: all that the probability of the next character depends on. See `Language`.

    Attributes
    ----------
    kind : str
        What comes before: a key of `FOLLOWS`.
    case : str
        A key of `CAPITAL`.
    run, context : str
        What there is of the word so far, in small letters: for the lexicon, and for the character model.
    share : float
        Of the lexicon that begins with the run.
    open : float
        How likely the word is one of the open vocabulary.
    odd : float
        How likely it is then spelled like no other.
    before : str
        The word before, in small letters, if the lexicon knows it.
    figure : str
        What there is of a date, a price or the like: see `FIGURES`.
    figures : float
        How likely it is one.
    after : dict
        The probabilities of next characters that were asked for, and the places behind them.
    """

    kind: str = "start"
    case: str = ""
    run: str = ""
    context: str = ""
    share: float = 1.0
    open: float = 1.0
    odd: float = ODD_SHARE
    before: str = ""
    figure: str = ""
    figures: float = 0.0
    after: dict[str, tuple[float, Node]] = field(default_factory=dict, repr=False)


@functools.lru_cache(maxsize=1000)
def _sort_of(char: str, before: str) -> tuple[str, str, float]:
    """Return the small letter of a character, its kind, and how often it is meant where its kind is: after another."""
    if char == " ":
        return char, "space", 1.0
    if char.isalpha():
        return char.lower(), "letter", 1.0
    return (char, "digit", 0.1) if char.isdigit() else (char, "mark", MARKS[before].get(char, RARE_MARK))


@functools.lru_cache(maxsize=MOST_KEPT)
def _figures(begun: str, *, whole: bool = False) -> float:
    """Return the share of figures that begin with a text, or are it."""
    share = 0.0
    for group in FIGURES:
        for form in group:
            if len(begun) == len(form) if whole else len(begun) <= len(form):
                signs = [_FIGURE_SIGNS.get(sign, sign) for sign in form[: len(begun)]]
                if all(char in sign for char, sign in zip(begun, signs, strict=True)):
                    share += 1 / (len(FIGURES) * len(group) * math.prod(map(len, signs)))
    return share


class Language:
    """The probability of the next character of a line, given the text so far: an open vocabulary, and known words.

    A word is with probability `open_share` one of the open vocabulary, spelled by a character model; otherwise it comes
    from the lexicon. So the next character has the probability

        open * P(char | letters before) + (1 - open) * share of words that go on with it / share of those left

    where ``open`` begins as `open_share` and becomes, by Bayes' rule, what the letters so far make of it: certain once
    no word begins with them. In the same way a small part of the open vocabulary, `ODD_SHARE`, is spelled like nothing
    else, all letters equally likely. So a name costs what its first letters are unusual, and costs it once.

    Words may stand between marks and have 's behind them. After a mark that the lexicon does not go on with, another
    word may begin, as in ``pitter-patter``. A capital may begin a word or go through all of it; others are rare. Dates,
    prices and the like have forms of their own, `FIGURES`.

    Parameters
    ----------
    lexicon : Lexicon, optional
        Without one, or with an empty one, there is the character model alone.
    characters : CharacterModel, optional
        By default `english_characters`.
    open_share : float
        From 0 to 1.
    pairs : WordPairs, optional
        Then which words of the lexicon are likely depends on the word before, for a share of `PAIRED`.

    Attributes
    ----------
    start : Node
        The beginning of a line, and of each word.

    Examples
    --------
    >>> words = Lexicon({"the": 90, "cat": 10})
    >>> language = Language(words, CharacterModel(words))
    >>> language.log_probability("the cat") > language.log_probability("tke cat") > language.log_probability("tKe c!t")
    True
    """

    def __init__(
        self,
        lexicon: Lexicon | None = None,
        characters: CharacterModel | None = None,
        open_share: float = OPEN_SHARE,
        pairs: WordPairs | None = None,
    ) -> None:
        if not 0 <= open_share <= 1:
            raise ValueError(f"open_share must be from 0 to 1; got {open_share}.")
        self.lexicon = lexicon or None
        self.characters = characters or english_characters()
        self.open_share = open_share if self.lexicon else 1.0
        self.pairs = pairs if self.lexicon else None
        self._begin()

    def _begin(self) -> None:
        """Forget all answers."""
        self.start = Node(open=self.open_share, figures=FIGURE_SHARE)
        self._starts = {"": self.start}
        self._made = 0

    def _start(self, before: str) -> Node:
        """Return the place behind a word and a blank."""
        if self.pairs is None:
            return self.start
        if before not in self._starts:
            known = bool(before) and self.pairs.share(before, "") is not None
            self._starts[before] = Node(
                open=self.open_share * (AFTER_KNOWN if known else 1), before=before, figures=FIGURE_SHARE
            )
        return self._starts[before]

    def _share(self, before: str, word: str, *, whole: bool = False) -> float:
        """Return how much of the lexicon begins with `word`, or is it, after the word before."""
        found = self.lexicon.share(word) if whole else self.lexicon.prefix_share(word)
        paired = self.pairs.share(before, word, whole=whole) if before else None
        return found if paired is None else (1 - PAIRED) * found + PAIRED * paired

    def step(self, node: Node, char: str) -> tuple[float, Node]:
        """Return the probability of a character at a place, above 0, and the place behind it.

        Answers are remembered in `node`; when there are many, what was remembered is dropped.
        """
        answer = node.after.get(char)
        if answer is None:
            self._made += 1
            if self._made > MOST_KEPT:
                self._begin()
            answer = node.after[char] = self._step(node, char)
        return answer

    def log_probability(self, text: str) -> float:
        """Return the natural logarithm of the probability of a text and of its end."""
        node, total = self.start, 0.0
        for char in text:
            probability, node = self.step(node, char)
            total += math.log(probability)
        return total + math.log(self.end(node))

    def end(self, node: Node) -> float:
        """Return the probability that a text ends at a place."""
        return self.step(node, " ")[0] * (I_AT_END if node.context == "i" else 1)

    def _step(self, node: Node, char: str) -> tuple[float, Node]:
        """Return the answer of `step`: either the text is at a figure of some known form, or it goes on otherwise."""
        other, place = self._go_on(node, char)
        if not node.figures:
            return other, place
        longer = node.figure + char
        spelled = _figures(node.figure, whole=True) if char == " " else _figures(longer)
        of_figure = node.figures * spelled / _figures(node.figure)
        probability = of_figure + (1 - node.figures) * other
        if char != " ":
            place.figure, place.figures = longer, of_figure / probability
        return probability, place

    def _go_on(self, node: Node, char: str) -> tuple[float, Node]:
        folded, kind, part = _sort_of(char, node.kind)
        follows, letters = FOLLOWS[node.kind], self.characters.following(node.context)
        letter, other = letters.get(folded, 0.0), follows.get(kind, 0.0) * part
        if node.kind == "letter":
            spelled, strange = letter + letters[END] * other, ODD_LETTER * (kind == "letter") + ODD_END * other
        else:
            spelled, strange = (other * letter, other * ODD_LETTER) if kind == "letter" else (other, other)
        unknown = (1 - node.odd) * spelled + node.odd * strange
        known = reached = 0.0
        longer = node.run + folded
        if node.open < 1:
            reached = self._share(node.before, longer) if kind != "space" else 0.0
            if node.run:
                known = (
                    reached + self._share(node.before, node.run, whole=True) * other * (kind != "letter")
                ) / node.share
            else:
                known = reached * follows["letter"] + other * (kind != "letter")
        by_open, by_lexicon = node.open * unknown, (1 - node.open) * known
        probability = max(by_open + by_lexicon, RAREST)
        if kind == "space":
            return probability, self._start(node.run)
        case = node.case if kind == "digit" or char == "'" else ""
        if char != char.swapcase():
            capital = CAPITAL[node.case]
            probability *= capital if char.isupper() else 1 - capital
            case = "l" if char.islower() else "UU" if node.case.startswith("U") else "U"
        context = node.context + folded if kind == "letter" or (char == "'" and node.context) else ""
        place = Node("letter" if context else kind, case, context=context)
        if context and unknown > 0:
            place.odd = node.odd * strange / unknown
        if reached > 0:
            place.run, place.share, place.before = longer, reached, node.before
            place.open = by_open / (by_open + by_lexicon)
        elif not context:
            place.open = self.open_share  # after a mark or a digit another word may begin
        return probability, place
