"""What to show the networks of a picture: its lines, and candidates for characters cut out of them."""

from __future__ import annotations

import functools
import math
import os
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage

from hcr_lib import images, page, segment
from hcr_lib.language import Lexicon
from hcr_lib.line_reader import LineReader, LineReading, Look
from hcr_lib.recognizer._reading import LineRead

#: Of a picture, images of lines with at most so many columns together are read as wholes, some 1,300 characters, and at
#: most so many candidates are cut out besides, so that a page takes a few seconds: one of 800 characters took 2.7.
MOST_COLUMNS, MOST_CUTS = 40_000, 600
BROKEN = 4  #: a single character falls into at most this many components


@dataclass(frozen=True)
class Request:
    """How pictures are to be read: the parameters of `Recognizer.read`, checked."""

    mode: str
    reader: str
    lexicon: Lexicon | None
    masks: tuple[str, ...]
    line_reader: LineReader | None  # none where nothing is read as a line
    of_ink: bool = False  # whether the pictures are ink, and nothing else is to be found out about them


@dataclass
class Word:
    """A word to be read: its candidates, and where their images begin in the batch."""

    candidates: list[segment.Candidate]
    line: int = 0
    first: int = 0


@dataclass
class Plan:
    """What to show the networks of a picture."""

    words: list[Word]
    lines: list[segment.Component]  # the ink of each line; none if it is known to be a character
    whole: Word | None = None  # all of it as a single character, if that is what it might be
    one_word: bool = False  # whether the picture was said to hold one
    is_writing: bool = False  # whether it was said to hold some, or is an image of a data set
    place: np.ndarray = field(default_factory=lambda: np.eye(3))  # where the ink is in the picture: `page.on_picture`
    blanks: list[list[float]] = field(default_factory=list)  # x of the gaps between the words of each line
    crossed_out: list[segment.Box] = field(default_factory=list)
    looks: list[Future[Look]] = field(default_factory=list)  # what the network for lines says of each
    readings: list[tuple[LineReading, LineRead]] = field(default_factory=list)  # of the lines, each as a whole
    uncut: set[int] = field(default_factory=set)  # numbers of lines that are not read in any other way

    def to_cut(self) -> list[Word]:
        """Return what is to be read character by character."""
        return [*(word for word in self.words if word.line not in self.uncut), *filter(None, [self.whole])]

    def on_picture(self, box: segment.Box) -> segment.Box:
        """Return where a box of the ink is in the picture."""
        return page.on_picture(self.place, box)


def make_plan(picture: Any, request: Request) -> Plan | images.ImageError:
    """Decide what to show the networks, or return what is wrong with a picture."""
    try:
        if request.of_ink:
            images.bounding_box(picture)  # raises an error if there is none
            return _words(picture, request)
        if isinstance(picture, str | os.PathLike):
            gray, (width, height) = images.open_gray(picture)
        else:
            gray = images.to_gray(picture)
            width, height = picture.size if isinstance(picture, Image.Image) else np.shape(picture)[1::-1]
        ink, place = _prepared(gray, request)
        plan = _words(ink, request)
        if request.line_reader:
            _ensure_readable(plan.lines)
    except ValueError as error:  # another one than an ImageError: an array that is no picture
        return error if isinstance(error, images.ImageError) else images.ImageError(str(error))
    # Joined writing that is cut is a drawing, too.
    plan.is_writing = not request.line_reader or request.mode == "word" or max(ink.shape) <= 2 * images.SIZE
    plan.place = np.diag([width / gray.shape[1], height / gray.shape[0], 1.0]) @ place
    return plan


def _ensure_readable(lines: list[segment.Component]) -> None:
    """Raise an ImageError if lines are too long to be read in a few seconds."""
    columns = sum(images.line_width(line.height, line.width) for line in lines)
    if columns > MOST_COLUMNS:
        raise images.ImageError(
            f"the picture holds {len(lines)} lines, more writing than is read at once; expected some 30 lines of 40 "
            f"characters, or {100 * MOST_COLUMNS / columns:.0f} % of what is there. Crop it into parts."
        )


def _prepared(gray: np.ndarray, request: Request) -> tuple[np.ndarray, np.ndarray]:
    """Return the ink of a page, flat and upright, and where it is in the picture; one character or word stays as is."""
    if request.mode in ("char", "word"):
        ink = images.flatten(gray)
        return page.without_print(ink) if request.mode == "word" else ink, np.eye(3)

    def certainty(line: segment.Component) -> float:
        scores = request.line_reader.look(line).scores
        return float((np.exp(scores) * scores).sum(axis=1).mean())  # the negative entropy of what it says of a step

    return page.prepare(gray, certainty if request.line_reader else None)


def _words(ink: np.ndarray, request: Request) -> Plan:
    """Return the words of a page with their candidates, and all of it as one character if it might be one."""
    mode, masked = request.mode, bool(request.masks)
    # Only a mask says how many characters there are: without one, letters that are cut into pieces read as other words.
    propose = functools.partial(segment.candidates, touching=masked)
    found = segment.lines(ink) if mode == "page" or (mode == "auto" and max(ink.shape) > 2 * images.SIZE) else []
    if crossed_out := _crossed_out(found):
        plan = _words(_erased(ink, crossed_out), request)
        plan.crossed_out += [word.box for word in crossed_out]
        return plan
    number = sum(len(line.components) for line in found)
    if mode == "char" or (mode == "auto" and number < 2):
        ink = images.remove_specks(ink)
        x0, y0, x1, y1 = images.bounding_box(ink)
        alone = segment.Component((x0, y0, x1, y1), ink[y0:y1, x0:x1])
        return Plan(
            [Word([segment.Candidate(0, 1, alone, 0.0)])], [segment.with_faint_ink(line, ink) for line in found]
        )
    whole = None
    if mode == "auto" and number <= BROKEN:  # a K whose arms miss its stem, or a short word?
        everything = segment.whole(found)
        letters = [segment.holds_letters(line, found) for line in found]
        compact = everything.component.width <= segment.WIDEST * everything.component.height
        whole = Word([everything]) if compact and not masked else None
        if len(found) > 1 and not (all(letters) if compact else any(letters)):
            return Plan([Word([everything])], [])  # a T whose bar misses its stem, a colon, a wide equals sign
    if mode == "word" or (mode == "auto" and len(found) == 1 and (whole or len(segment.words(found[0])) == 1)):
        line = segment.one_line(ink)
        return Plan([Word(propose(line))], [segment.with_faint_ink(line, ink)], whole, one_word=mode == "word")
    widest = math.inf if masked else segment.widest_gap(found)  # a mask says where the blanks are
    split = [[line] if masked else segment.words(line, found) for line in found]
    return Plan(
        [Word(propose(word), row) for row, words in enumerate(split) for word in words],
        [segment.with_faint_ink(line, ink) for line in found],
        whole,
        blanks=[[x for _, x in segment.blanks(line, widest)] for line in found],
    )


def _crossed_out(lines: list[segment.Line]) -> list[segment.Component]:
    """Return the words that were crossed out; none, if no other would be left."""
    widest = segment.widest_gap(lines)
    places = [[place for place, _ in segment.blanks(line, widest)] for line in lines]
    words = [
        segment.join(word.components)
        for line, own in zip(lines, places, strict=True)
        for word in segment.split(line, own)
    ]
    crossed_out = [word for word in words if page.is_crossed_out(word)]
    return crossed_out if len(crossed_out) < len(words) else []


def _erased(ink: np.ndarray, words: list[segment.Component]) -> np.ndarray:
    """Return ink without some words."""
    ink = ink.copy()
    for word in words:
        x0, y0, x1, y1 = word.box
        ink[y0:y1, x0:x1][ndimage.binary_dilation(word.ink > 0, iterations=2)] = 0  # with their faint edges
    return ink
