"""The reader: pictures in, text out. The one path that notebooks, widgets and the command line share.

picture -> ink -> pieces -> candidates in MNIST's form -> network -> path -> text
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcr_lib import decode, images, labels, segment
from hcr_lib._paths import shipped
from hcr_lib._validate import ensure_choice, ensure_uint8_images
from hcr_lib.networks import inference

ALPHABETS = ("digits", "letters", "alnum", "byclass")
MODES = ("auto", "char", "word", "page")
WEIGHTS = "reader.tflite"
BATCH = 256  #: images shown to the network together, when many pictures are read
CHUNK = 64  #: pictures read together, at most; only their ink is held in memory
ALTERNATIVES = 3
BROKEN = 4  #: a single character falls into at most this many pieces


@dataclass(frozen=True)
class Character:
    """One character read.

    Attributes
    ----------
    char : str
    confidence : float
        Between 0 and 1.
    box : tuple of int
        (x0, y0, x1, y1) in pixels of the picture; x1 and y1 are one past the last.
    alternatives : list of (str, float)
        The next likeliest characters.
    """

    char: str
    confidence: float
    box: tuple[int, int, int, int]
    alternatives: list[tuple[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Reading:
    """What a picture says.

    Attributes
    ----------
    text : str
        Words are parted by spaces, lines by line breaks.
    confidence : float
        Geometric mean of the characters' confidences.
    characters : list of Character
    """

    text: str
    confidence: float
    characters: list[Character]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain lists and numbers, ready for JSON; confidences rounded to four places."""
        plain = asdict(self)
        plain["confidence"] = round(self.confidence, 4)
        for character in plain["characters"]:
            character["confidence"] = round(character["confidence"], 4)
            character["box"] = list(character["box"])
            character["alternatives"] = [[char, round(share, 4)] for char, share in character["alternatives"]]
        return plain


@dataclass
class _Word:
    """A word on its way: its candidates, and where their images stand in the batch."""

    candidates: list[segment.Candidate]
    scale: tuple[float, float]  # pixels of the picture per pixel of the ink, across and down
    line: int
    maybe_one: bool = False  # the last candidate is the whole of it, which might be a single character
    first: int = 0


class Recognizer:
    """Reads pictures of handwriting. Build it with `Recognizer.load`.

    Attributes
    ----------
    classes : str
        The characters it may answer with.
    """

    def __init__(self, network: Callable[[np.ndarray], np.ndarray], record: dict[str, Any], alphabet: str):
        self._network = network
        self.record = record
        self.alphabet = ensure_choice(alphabet, ALPHABETS, name="alphabet")
        self.classes = labels.classes(alphabet)
        self._known = record["classes"]
        self._folding = labels.merge_matrix(self._known, self.classes)
        # A character alone: all answers are equally likely beforehand. The network has two classes for a letter and
        # one for a digit, so adding up would give every letter twice a digit's chance; among 36, a circle is as often
        # a 0 as an O. (In words it is not: there letters keep what they have.)
        self._averaging = self._folding / np.maximum(self._folding.sum(axis=0), 1)
        self._alike = labels.same_shape(self._known)

    def __repr__(self) -> str:
        return f"<Recognizer of {len(self.classes)} classes, alphabet {self.alphabet!r}>"

    @classmethod
    def load(cls, alphabet: str = "alnum", *, path: str | os.PathLike | None = None) -> Recognizer:
        """Load the reader that ships with the course.

        Parameters
        ----------
        alphabet : {"alnum", "digits", "letters", "byclass"}
            What it may answer with: 36 digits and capitals, 10, 26, or all 62 with exact case. One network knows
            the 62; the others add up its probabilities, or mask them.
        path : path, optional
            Another trained reader, written by `hcr_lib.research.export_reader`.

        Raises
        ------
        ValueError
            If the alphabet is unknown or the file damaged.
        FileNotFoundError
            If there is no such file.
        """
        ensure_choice(alphabet, ALPHABETS, name="alphabet")
        network = _network(os.fspath(path or shipped(WEIGHTS)))
        return cls(network, network.record, alphabet)

    def with_alphabet(self, alphabet: str) -> Recognizer:
        """Return a reader of another alphabet that shares this one's network."""
        return Recognizer(self._network, self.record, alphabet)

    def predict(self, stored: npt.ArrayLike, *, normalised: bool = False) -> np.ndarray:
        """Classify stored images of single characters.

        Parameters
        ----------
        stored : array_like of uint8, shape (n, 28, 28)
            White ink (255) on black paper (0).
        normalised : bool
            Whether they went through `hcr_lib.images.to_mnist` already; otherwise that happens here.

        Returns
        -------
        ndarray of float32, shape (n, len(classes))
            Probabilities; rows add up to 1.
        """
        stored = ensure_uint8_images(stored)
        if not normalised:
            stored = images.to_mnist_batch(stored)
        return self._alone(self._scores(stored))

    def _alone(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores of the network's classes into probabilities of the answers, for characters without company."""
        answers = scores @ self._averaging
        return answers / np.maximum(answers.sum(axis=1, keepdims=True), 1e-12)

    def _scores(self, stored: np.ndarray) -> np.ndarray:
        """Return what the network says of images in form, among the characters that the alphabet has room for."""
        scores = self._network(stored) * self._folding.any(axis=1)
        return scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)

    def read(
        self,
        image: Image.Image | npt.ArrayLike | str | os.PathLike,
        mode: str = "auto",
        lexicon: Sequence[str] | None = None,
    ) -> Reading:
        """Read a picture.

        Parameters
        ----------
        image : PIL.Image.Image, array_like or path
            Any size and either polarity, see `hcr_lib.images.to_gray`.
        mode : {"auto", "char", "word", "page"}
            One character; one word, cut at its gaps; lines of words. "auto" looks how many lines and pieces
            there are.
        lexicon : sequence of str, optional
            Words to expect; what resembles none of them stays as read.

        Raises
        ------
        hcr_lib.images.ImageError
            If there is no ink, or the file is no picture.
        """
        [answer] = self.read_all([image], mode, lexicon)
        if isinstance(answer, images.ImageError):
            raise answer
        return answer

    def read_all(
        self,
        pictures: Iterable[Image.Image | npt.ArrayLike | str | os.PathLike],
        mode: str = "auto",
        lexicon: Sequence[str] | None = None,
    ) -> Iterator[Reading | images.ImageError]:
        """Read many pictures, batched; memory does not grow with their number.

        Parameters
        ----------
        pictures : iterable
            As for `read`.
        mode, lexicon
            As for `read`.

        Yields
        ------
        Reading or hcr_lib.images.ImageError
            In the order of the pictures; an error, returned and not raised, where one could not be read.
        """
        ensure_choice(mode, MODES, name="mode")
        planned, batch = [], []
        for picture in pictures:
            words = _plan(picture, mode)
            for word in words if isinstance(words, list) else []:
                word.first = len(batch)
                batch += [images.ink_to_mnist(candidate.piece.ink) for candidate in word.candidates]
            planned.append(words)
            if len(planned) == CHUNK or len(batch) >= BATCH:  # a page of text fills a batch by itself
                yield from self._readings(planned, batch, lexicon)
                planned, batch = [], []
        yield from self._readings(planned, batch, lexicon)

    def _readings(
        self, planned: list[list[_Word] | images.ImageError], batch: list[np.ndarray], lexicon: Sequence[str] | None
    ) -> Iterator[Reading | images.ImageError]:
        """Show the network what was planned, and read."""
        scores = self._scores(np.array(batch, dtype="uint8").reshape(-1, images.SIZE, images.SIZE))
        for words in planned:
            yield words if isinstance(words, images.ImageError) else self._reading(words, scores, lexicon)

    def _reading(self, words: list[_Word], scores: np.ndarray, lexicon: Sequence[str] | None) -> Reading:
        characters, text = [], ""
        for number, word in enumerate(words):
            own = scores[word.first : word.first + len(word.candidates)]
            # A bar that may be 1, I or l is still surely one character: for the cut, characters alike count together.
            sure = (own @ self._alike).max(axis=1)
            if word.maybe_one:
                *parts, whole = word.candidates
                path = decode.best_path(parts, sure[:-1])
                if decode.is_one_character(sure[-1], sure[path], whole.gap):
                    path = [len(parts)]
            else:
                path = decode.best_path(word.candidates, sure)
            # The word's shape is a matter of exact case, also when the answer will merge the cases.
            likely = decode.in_context(own[path], self._known)
            likely = self._alone(likely) if len(words) == len(path) == 1 else likely @ self._folding
            spelled = decode.argmax(likely, self.classes)
            known = decode.closest_word(likely, self.classes, lexicon) if lexicon else None
            if number:
                text += "\n" if word.line != words[number - 1].line else " "
            text += known or spelled
            for index, row in zip(path, likely, strict=True):
                order = row.argsort()[::-1]
                rest = [(self.classes[k], float(row[k])) for k in order[1 : 1 + ALTERNATIVES]]
                box = _scaled(word.candidates[index].piece.box, word.scale)
                characters.append(Character(self.classes[order[0]], float(row[order[0]]), box, rest))
        confidence = float(np.exp(np.mean(np.log([max(each.confidence, 1e-12) for each in characters]))))
        return Reading(text, confidence, characters)


def _scaled(box: segment.Box, scale: tuple[float, float]) -> tuple[int, int, int, int]:
    across, down = scale
    return round(box[0] * across), round(box[1] * down), round(box[2] * across), round(box[3] * down)


def _plan(picture: Any, mode: str) -> list[_Word] | images.ImageError:
    """Decide what to show the network: the words of a picture with their candidates, or what is wrong with it."""
    try:
        if isinstance(picture, str | os.PathLike):
            picture = images.open_image(picture)
        ink = images.to_ink(picture)
        if mode == "auto":
            mode = _guess_mode(ink)
        if mode == "char":
            ink = images.remove_specks(ink)
            x0, y0, x1, y1 = images.bounding_box(ink)
            whole = segment.Piece((x0, y0, x1, y1), ink[y0:y1, x0:x1])
            groups = [(0, [segment.Candidate(0, 1, whole, 0.0)])]
        elif mode == "page":
            groups = [
                (number, segment.candidates(word))
                for number, line in enumerate(segment.lines(ink))
                for word in segment.words(line)
            ]
        else:
            line = segment.one_line(ink)
            groups = [(0, segment.candidates(line))]
            if mode == "char or word":
                groups[0][1].append(segment.whole(line))
    except images.ImageError as error:
        return error
    width, height = picture.size if isinstance(picture, Image.Image) else np.shape(picture)[1::-1]
    scale = width / ink.shape[1], height / ink.shape[0]
    return [_Word(candidates, scale, number, maybe_one=mode == "char or word") for number, candidates in groups]


def _guess_mode(ink: np.ndarray) -> str:
    """Tell a single character from a word, and a word from a page; "char or word" leaves it to the network."""
    line = segment.one_line(ink)
    if max(ink.shape) <= 2 * images.SIZE or line is None or len(line.pieces) == 1:
        return "char"
    whole = segment.join(line.pieces)
    if len(line.pieces) <= BROKEN and whole.width <= segment.WIDEST * whole.height:
        return "char or word"  # a K whose arms miss its stem, or a short word?
    lines = segment.lines(ink)
    return "page" if len(lines) > 1 or len(segment.words(lines[0])) > 1 else "word"


#: Readers of several alphabets share one network.
_network = functools.lru_cache(maxsize=4)(inference.load)
