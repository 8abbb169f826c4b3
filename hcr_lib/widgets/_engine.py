"""What the pads do without a browser: strokes that arrive piece by piece, what is read of them, and the text so far."""

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from hcr_lib import images, language, pen

if TYPE_CHECKING:
    from hcr_lib.recognizer import Reading, Recognizer

LARGEST, WIDEST = 2_000, 100  #: pixels across or down, and of half a pen: as much as `save_drawing` takes
MOST_POINTS = 5_000  #: of a drawing, as of `save_drawing`; a person's has some hundreds
MOST_KEPT = 25_000  #: points that a browser may have sent before it begins anew: what was undone, it may redo
DOT = 1.2  #: widths of the pen: what is nowhere longer is a dot
SHOWN = 12  #: characters whose images fit beside a pad
MOST_LETTERS = 100  #: of which the browser learns
LONGEST_TEXT = 1_000  #: of the text so far, in characters
SUGGESTIONS = 3

Strokes = list[list[list[float]]]


class OutOfStepError(ValueError):
    """The browser speaks of strokes that never arrived here: it has to send all of them again."""


class Inbox:
    """Strokes as they arrive from a browser, each point once.

    The browser numbers its strokes. A message holds the points that are new, ``more``, a list of (number, points), and
    the numbers of the strokes that the drawing now consists of, ``drawing``; so undo and redo send no points at all.
    ``session`` names the numbering: another one begins at 0, with nothing known.

    Examples
    --------
    >>> inbox = Inbox()
    >>> inbox.take({"session": "a", "more": [[0, [[1, 2]]]], "drawing": [0]})
    [[[1.0, 2.0]]]
    >>> inbox.take({"session": "a", "more": [[0, [[3, 4]]], [1, [[5, 6]]]], "drawing": [0, 1]})
    [[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0]]]
    >>> inbox.take({"session": "a", "more": [], "drawing": [1]})
    [[[5.0, 6.0]]]
    """

    def __init__(self) -> None:
        self._session: Any = None
        self._known: Strokes = []

    def take(self, message: dict[str, Any]) -> Strokes:
        """Return the drawing after a message.

        Raises
        ------
        OutOfStepError
            If it builds on strokes that are not known here.
        ValueError
            If it holds no strokes, or too many points.
        """
        if message.get("session") != self._session:
            self._session, self._known = message.get("session"), []
        known = self._known
        for number, points in message["more"]:
            if not 0 <= number <= len(known):
                raise OutOfStepError(f"stroke {number} continues one that never came; {len(known)} are known.")
            if number == len(known):
                known.append([])
            array = np.asarray(points, dtype="float64").reshape(-1, 2)
            if not np.isfinite(array).all() or np.abs(array).max(initial=0) > 2 * LARGEST:
                raise ValueError(f"points must lie within {2 * LARGEST:,} pixels of the pad's corner.")
            known[number] += array.round(1).tolist()
        if sum(map(len, known)) > MOST_KEPT:
            raise ValueError(f"a pad keeps at most {MOST_KEPT:,} points. Run its cell again.")
        if not all(0 <= number < len(known) for number in message["drawing"]):
            raise OutOfStepError("the drawing holds strokes that never came.")
        drawing = [list(known[number]) for number in message["drawing"]]
        ensure_drawable(drawing)
        return drawing


def ensure_drawable(strokes: Strokes) -> None:
    """Raise a ValueError if a drawing has more points than are read."""
    if (points := sum(map(len, strokes))) > MOST_POINTS:
        raise ValueError(
            f"The drawing has {points:,} points, more than the {MOST_POINTS:,} that are read. Undo, or clear the pad."
        )


@dataclass(frozen=True)
class Guess:
    """What a pad says of a drawing.

    Attributes
    ----------
    text : str
        What was read, corrections included; without them it is that of the reading.
    notice : str
        What is to be said besides: that the drawing is no writing, or more than one character.
    letters : list of dict
        For each character ``char``, ``share``, ``box`` (x0, y0, x1, y1 on the pad) and ``rivals``, (char, share) each.
    seen : ndarray of uint8, shape (height, width), or None
        What the network sees, white ink on black: of several characters side by side, or of a whole line.
    reading : Reading or None
        None if nothing was read.
    """

    text: str = ""
    notice: str = ""
    letters: list[dict[str, Any]] = field(default_factory=list)
    seen: np.ndarray | None = None
    reading: "Reading | None" = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as what travels to the browser: plain values, the picture's bytes in base64."""
        plain = {"reading": self.text, "notice": self.notice, "letters": self.letters[:MOST_LETTERS], "seen": None}
        if self.seen is not None:
            height, width = self.seen.shape
            packed = base64.b64encode(np.ascontiguousarray(self.seen)).decode()
            plain["seen"] = {"width": width, "height": height, "ink": packed}
        return plain


def guess(
    recognizer: "Recognizer",
    strokes: Strokes,
    shape: tuple[int, int],
    half_width: float = pen.HALF_WIDTH,
    mode: str = "auto",
    *,
    settled: bool = True,
) -> Guess:
    """Read a drawing.

    Its strokes are rendered by `hcr_lib.pen` and read as the ink they are. No drawing is no guess.

    Parameters
    ----------
    recognizer : Recognizer
        Anything with its `read_ink` and `predict`.
    strokes : list of list of [x, y]
    shape : (int, int)
        Height and width of the pad.
    half_width : float
    mode : str
        As for `Recognizer.read`.
    settled : bool
        Whether the pen is lifted. While it moves, nobody knows yet whether it is no writing, or several characters.
    """
    if not any(strokes):
        return Guess()
    found = _guess(recognizer, strokes, shape, half_width, mode, settled=settled)
    return found if settled else replace(found, notice="")


def _guess(
    recognizer: "Recognizer", strokes: Strokes, shape: tuple[int, int], half_width: float, mode: str, *, settled: bool
) -> Guess:
    ensure_drawable(strokes)
    x0, y0, x1, y1 = pen.bounds(strokes)
    ink = pen.render_page(strokes, shape, half_width)
    if max(x1 - x0, y1 - y0) < 2 * DOT * half_width:
        return Guess(notice="A dot. Draw a letter or a digit.")
    try:
        reading = recognizer.read_ink(ink, mode)
    except images.BlankImageError:
        return Guess(notice="The drawing lies off the pad.")
    except images.NoWritingError:
        if mode != "char":
            return Guess(notice="That looks like no letters or digits.", seen=images.to_line(ink))
        reading, stored = None, images.ink_to_mnist(ink)
        [shares] = recognizer.predict(stored[None], normalised=True)
        first, *others = ((recognizer.classes[k], float(shares[k])) for k in shares.argsort()[::-1][: 1 + SUGGESTIONS])
        letters = [_letter(*first, images.bounding_box(ink), others)]
    notice = "That looks like no letter or digit." if reading is None else ""
    if mode == "char" and settled and (several := _several(recognizer, ink)):
        notice = f"That looks like several characters: {several}. Draw one, or choose to read words."
    if reading is None:
        return Guess(first[0], notice, letters, stored)
    if reading.reader == "cut":
        seen = np.hstack([one.image for one in reading.characters[:SHOWN]])
    else:
        seen = images.to_line(ink)
    letters = [_letter(one.char, one.confidence, one.box, one.alternatives) for one in reading.characters]
    return Guess(reading.text, notice, letters, seen, reading)


def _several(recognizer: "Recognizer", ink: np.ndarray) -> str:
    """Return the text of a drawing if it is read as several characters beside each other, else nothing."""
    try:
        text = recognizer.read_ink(ink, "auto", reader="cut").text
    except images.ImageError:
        return ""
    return text if len(text) > 1 and "\n" not in text else ""


def _letter(char: str, share: float, box: Iterable[int], rivals: Iterable[tuple[str, float]]) -> dict[str, Any]:
    shares = [[other, round(float(each), 4)] for other, each in rivals]
    return {"char": char, "share": round(float(share), 4), "box": [int(edge) for edge in box], "rivals": shares}


def corrected(found: Guess, corrections: Iterable[tuple[list[int], str]]) -> Guess:
    """Return a guess whose letters are what a person said: each in the place of a box that was corrected.

    After more was drawn, a box counts as the same if the two share more than half of what they cover together.
    """
    letters = [dict(letter) for letter in found.letters]
    for box, char in corrections:
        for letter in letters:
            if letter["char"] != char and _overlap(box, letter["box"]) > 0.5:
                others = [pair for pair in letter["rivals"] if pair[0] != char]
                rivals = [[letter["char"], letter["share"]], *others]
                letter |= {"char": char, "share": 1.0, "rivals": rivals[:SUGGESTIONS]}
    spelled = iter([letter["char"] for letter in letters])
    if len(letters) != sum(not char.isspace() for char in found.text):
        return replace(found, letters=letters, text="".join(spelled))  # a lexicon had added or removed some
    text = "".join(char if char.isspace() else next(spelled) for char in found.text)
    return replace(found, letters=letters, text=text)


def _overlap(one: list[int], other: list[int]) -> float:
    """Return what two boxes share, as a part of what they cover together."""
    width, height = (max(0, min(one[k + 2], other[k + 2]) - max(one[k], other[k])) for k in (0, 1))
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (one, other)]
    return width * height / max(1, sum(areas) - width * height)


@dataclass(frozen=True)
class Text:
    """The text so far, and how it goes on.

    Attributes
    ----------
    so_far : str
        What was accepted.
    reading : str
        What is on the pad.
    whole_words : bool
        Whether what is on the pad is a word, behind which a space belongs, and not a character.
    capitals : bool
        Whether there are no small letters.

    Examples
    --------
    >>> text = Text("good ", "mor", whole_words=True)
    >>> text.completions()[0], text.accepted(), text.completed("morning")
    ('morning', 'good mor ', 'good morning ')
    >>> text = Text("HEL", "L", capitals=True)
    >>> text.accepted(), text.completions()[0]
    ('HELL', 'HELLO')
    >>> Text("good ").following(), Text("good ").followed_by("to")
    (['for', 'to', 'and'], 'good to ')
    """

    so_far: str = ""
    reading: str = ""
    whole_words: bool = False
    capitals: bool = False

    @property
    def _words(self) -> list[str]:
        return f"{self.so_far}{self.reading}".replace("\n", " ").split(" ")

    def accepted(self) -> str:
        """Return the text with what is on the pad."""
        return f"{self.so_far}{self.reading}" + (" " if self.whole_words and self.reading else "")

    def completed(self, word: str) -> str:
        """Return the text with a word in the place of the one being written."""
        whole = f"{self.so_far}{self.reading}"
        return f"{whole.removesuffix(self._words[-1])}{word} "

    def followed_by(self, word: str) -> str:
        """Return the text with what is on the pad and one more word."""
        return f"{self.so_far}{self.reading}".rstrip(" ") + f" {word} "

    def completions(self) -> list[str]:
        """Return likely ends of the word being written."""
        *others, beginning = self._words
        return self._spelled(
            language.suggest(beginning, others[-1] if others else "", SUGGESTIONS) if beginning else []
        )

    def following(self) -> list[str]:
        """Return words that are likely after it, or after the last one if none is being written."""
        before = next((word for word in reversed(self._words) if word), "")
        return self._spelled(language.suggest("", before, SUGGESTIONS))

    def _spelled(self, words: list[str]) -> list[str]:
        return [word.upper() for word in words] if self.capitals else words
