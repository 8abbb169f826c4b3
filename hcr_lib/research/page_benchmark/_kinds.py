"""The tasks: how a page of each kind is made, how it is to be read, and what counts as right."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from hcr_lib import images, metrics
from hcr_lib.language import ENGLISH
from hcr_lib.recognizer import Reading
from hcr_lib.research.page_benchmark import _drawings, _sheets, _texts
from hcr_lib.research.page_benchmark._hands import Hands

Answer = Reading | images.ImageError


@dataclass(frozen=True, eq=False)
class Task:
    """A picture to be read, and what stands in it."""

    picture: _sheets.Picture
    text: str = ""
    mask: str | None = None
    sheet: _sheets.Sheet | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of page.

    Attributes
    ----------
    make : callable
        Takes `Hands` and a generator, returns a `Task`.
    score : callable
        Takes a task and the answer to it, returns how much is right, and of how much.
    measure : str
        What is counted, in words.
    reach : float
        The share that we want.
    alphabet, lexicon
        As for the reader; its mode is "auto".
    words : bool
        Whether the answer is right or wrong as a whole, so that it tells what confidence means.
    """

    make: Callable[[Hands, np.random.Generator], Task]
    score: Callable[[Task, Answer], tuple[int, int]]
    measure: str
    reach: float
    alphabet: str = "alnum"
    lexicon: str | None = None
    words: bool = True


def _text_of(answer: Answer) -> str:
    return "" if isinstance(answer, images.ImageError) else answer.text


def exact(task: Task, answer: Answer) -> tuple[int, int]:
    """Count a picture as right if its whole text is."""
    return int(_text_of(answer) == task.text), 1


def characters(task: Task, answer: Answer) -> tuple[int, int]:
    """Count characters; blanks and line breaks do not matter, and each edit that is needed is one wrong."""
    truth, read = ("".join(text.split()) for text in (task.text, _text_of(answer)))
    wrong = round(len(truth) * metrics.character_error_rate([truth], [read]))
    return max(0, len(truth) - wrong), len(truth)


def lines(task: Task, answer: Answer) -> tuple[int, int]:
    r"""Count lines that are right to the letter, in their order; lines that are not there count as wrong ones.

    Examples
    --------
    >>> task = Task(_sheets.Picture(np.zeros((1, 1), "uint8")), "MILK\nEGGS\nBREAD")
    >>> lines(task, Reading("MILK\nEGES\nBREAD\nI", 1.0, []))
    (2, 4)
    """
    truth, read = task.text.split("\n"), _text_of(answer).split("\n")
    same = difflib.SequenceMatcher(None, truth, read, autojunk=False).get_matching_blocks()
    return sum(block.size for block in same), max(len(truth), len(read))


def direction(task: Task, answer: Answer) -> tuple[int, int]:
    """Count a page as upright if its characters, as they were read, follow one another the way they were written."""
    if isinstance(answer, images.ImageError):
        return 0, 1
    boxes = np.array([each.box for each in answer.characters], float).reshape(-1, 4)
    steps = np.diff((boxes[:, :2] + boxes[:, 2:]) / 2, axis=0)
    if not len(steps):
        return 0, 1
    # A step to the next line goes far, but there are few of them.
    steps /= np.maximum(np.hypot(*steps.T), 1e-9)[:, None]
    angle = np.radians(task.picture.turned)
    return int(np.median(steps, axis=0) @ [np.cos(angle), np.sin(angle)] > 0.7), 1


def refused(task: Task, answer: Answer) -> tuple[int, int]:
    """Count a picture that was refused: nothing in it is writing."""
    return int(isinstance(answer, images.ImageError)), 1


def accepted(task: Task, answer: Answer) -> tuple[int, int]:
    """Count a picture that was not refused: it holds writing."""
    return int(not isinstance(answer, images.ImageError)), 1


def _scan(sheet: _sheets.Sheet, rng: np.random.Generator, mask: str | None = None) -> Task:
    return Task(_sheets.scanned(sheet, rng), sheet.text, mask, sheet)


def _line(text: Callable[[np.random.Generator], str], paper: str = "plain", touching: float = 0.0) -> Callable:
    """Return a maker of pages with one line of writing."""

    def make(hands: Hands, rng: np.random.Generator) -> Task:
        line = hands.write(text(rng), rng, touching=touching)
        return _scan(_sheets.write_on([line], rng, paper=paper), rng)

    return make


def _code(hands: Hands, rng: np.random.Generator) -> Task:
    text, mask = _texts.code(rng)
    return _scan(_sheets.write_on([hands.write(text, rng)], rng), rng, mask)


def _paper(paper: str) -> Callable:
    """Return a maker of pages of one to three lines on ruled or squared paper."""

    def make(hands: Hands, rng: np.random.Generator) -> Task:
        return _scan(_page(hands, rng, (1, 3), paper=paper), rng)

    return make


def _page(hands: Hands, rng: np.random.Generator, number: tuple[int, int], **how) -> _sheets.Sheet:
    """Return a sheet of so many lines, at least and at most."""
    texts = [_texts.item(rng) for _ in range(rng.integers(number[0], number[1] + 1))]
    return _sheets.write_on(hands.write_lines(texts, rng), rng, **how)


def _boxed(hands: Hands, rng: np.random.Generator) -> Task:
    return _scan(_sheets.write_in_boxes(hands.write(_texts.word(rng), rng), rng), rng)


def _columns(hands: Hands, rng: np.random.Generator) -> Task:
    number = 2 * int(rng.integers(3, 7))
    texts = [_texts.word(rng) for _ in range(number)]
    return _scan(_sheets.write_on(hands.write_lines(texts, rng), rng, columns=2), rng)


def _list(hands: Hands, rng: np.random.Generator) -> Task:
    return _scan(_page(hands, rng, (3, 10)), rng)


def _turned(hands: Hands, rng: np.random.Generator) -> Task:
    sheet = _page(hands, rng, (3, 6))
    return Task(_sheets.turned(sheet, rng), sheet.text, sheet=sheet)


def _photograph(hands: Hands, rng: np.random.Generator) -> Task:
    paper = str(rng.choice(_sheets.PAPERS, p=[0.7, 0.2, 0.1]))
    sheet = _page(hands, rng, (2, 6), paper=paper, shape=(12, 16))
    return Task(_sheets.photographed(sheet, rng), sheet.text, sheet=sheet)


def _not_writing(hands: Hands, rng: np.random.Generator) -> Task:
    return Task(_drawings.drawing(rng) if rng.random() < 0.6 else _drawings.nothing(rng))


def _writing(hands: Hands, rng: np.random.Generator) -> Task:
    """Return any of the other pages, or a single character."""
    makers = [_code, _list, _boxed, _photograph, _turned, _paper("ruled"), _line(_texts.sentence), _line(_texts.word)]
    single = _line(lambda own: str(own.choice(list("ABCDEFGHIKMNPRSTUVWXYZ23456789"))))
    return [*makers, single][rng.integers(len(makers) + 1)](hands, rng)


KINDS = {
    "codes": Kind(_code, exact, "codes right, with their mask", 0.95),
    "sentences": Kind(
        _line(_texts.sentence), exact, "small-letter sentences right", 0.9, alphabet="byclass", lexicon=ENGLISH
    ),
    "formats": Kind(_line(_texts.formatted), exact, "dates, prices, phone numbers right", 0.85, alphabet="text"),
    "ruled": Kind(_paper("ruled"), characters, "characters right on ruled paper", 0.9),
    "squared": Kind(_paper("squared"), characters, "characters right on squared paper", 0.9),
    "boxed": Kind(_boxed, characters, "characters right in the boxes of a form", 0.9),
    "touching": Kind(_line(_texts.word, touching=0.6), characters, "characters right of touching letters", 0.9),
    "lists": Kind(_list, lines, "lines of lists right", 0.95, words=False),
    "columns": Kind(_columns, lines, "lines of lists in two columns right", 0.95, words=False),
    "orientation": Kind(_turned, direction, "pages turned the right way up", 0.97, words=False),
    "photographs": Kind(_photograph, characters, "characters right on photographed sheets", 0.9, words=False),
    "blank": Kind(_not_writing, refused, "pictures without writing refused", 0.9, words=False),
    "writing": Kind(_writing, accepted, "pictures of writing not refused", 0.99, words=False),
}
