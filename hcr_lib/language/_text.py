"""Which character follows in a line of text: known words, unknown ones, marks and figures together."""

from __future__ import annotations

import functools
import math
import string
from dataclasses import dataclass, field

from hcr_lib.language._characters import END, MOST_KEPT, CharacterModel, english_characters
from hcr_lib.language._lexicon import Lexicon
from hcr_lib.language._pairs import WordPairs

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
