"""The reader: pictures in, text out. The one path that notebooks, widgets and the command line share.

Two readers propose a text for each line, and the better is taken:

    picture -> ink -> lines -> network with CTC -> search with the language -> text             (line)
    picture -> ink -> components -> candidates in MNIST's form -> network -> path -> text       (cut)

The second is not asked where the first is so sure that nothing could be better.
"""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from hcr_lib import decode, images, labels, masks, page, segment
from hcr_lib._paths import shipped
from hcr_lib._validate import ensure_choice, ensure_uint8_images
from hcr_lib.language import Lexicon
from hcr_lib.line_reader import LineReader, LineReading, Look
from hcr_lib.networks import inference

ALPHABETS = ("digits", "letters", "alnum", "byclass", "text")
MODES = ("auto", "char", "word", "page")
READERS = ("auto", "cut", "line")
WEIGHTS = "reader.tflite"
BATCH = 256  #: images shown to the network together, when many pictures are read
CHUNK = 64  #: pictures read together, at most; only their ink is held in memory
ALTERNATIVES = 3
#: Of a picture, images of lines with at most so many columns together are read as wholes, some 1,300 characters, and at
#: most so many candidates are cut out besides, so that a page takes a few seconds: one of 800 characters took 2.7.
MOST_COLUMNS, MOST_CUTS = 40_000, 600
#: So much surer must the line reader be that what cutting takes for a single character is a short word. It may be much
#: less sure: of 102 such words of two or three letters by UNIPEN's development people it read 88, cutting none (with 0
#: it would have been left 66, with 0.1 52); of 352 single characters it took none for a word that cutting had right.
SURER = -0.5
#: So much less may what was cut score in the search of the line reader, and be taken: that it was cut so speaks for it.
#: Of 156 lines and 114 words by UNIPEN's development people where just one of the two was right, 2 takes the right one
#: 96 times in a hundred, 0 and 6 take it 94 and 89 times, and what the network alone finds more probable 87 times (by
#: the line reader of commit d8802fc and a script that was not kept).
CUT_SPEAKS = 2.0
#: An l is written as a bare bar or as a loop. It is a bar where the network finds an I at least this likely beside it.
BAR = 0.2
#: How much the score of a cut counts beside the line reader's log probability, where both judge texts under a mask: of
#: 390 codes, made as the page benchmark makes its own and by the same people, 0.5, 0.7, 1 and 2 read 366, 368, 363 and
#: 349; one of the two texts is right in 374 (a script that was not kept).
CUT_WEIGHT = 0.7
#: Log odds that a line's text is right: a constant, and what counts for it: by how much its score exceeds that of its
#: best rival in the search, and the square root of minus its log probability; without a line reader, the log odds that
#: all characters are right if each is as likely as it seems. By ``python -m hcr_lib.research.confidence --limit 250``.
ODDS = (-0.80, 0.82, -0.55)
CUT_ODDS = (-1.46, 0.87)
#: Under a mask: a constant, and what counts by how much the score exceeds that of the best rival. By the same command,
#: from codes made as the page benchmark makes its own.
MASK_ODDS = (0.81, 0.42)
MOST_MARGIN = 20.0
#: What is no writing: see `_is_drawing`. All were chosen on 80 pages each of the page benchmark's seeds 0 and 1, so
#: that none of the 160 pages of writing there, nor of 160 pictures each of three development sets, was refused. On
#: seeds 11 and 12 91.5 % of 200 pictures without writing were, no page of 200, and 0.5 % of 600 of those sets.
LONGEST_PATH = 5.0  #: few characters, each drawn with a longer path than so many sides of its box
HOLES = 2  #: more white than this is enclosed by a character: a B or an 8 has two holes
SMALLEST = 6  #: pixels: what is nowhere as tall is a rest of a rule, or a speck
WIDEST_ALONE = 2.2  #: heights: a lone character is no wider
UNSURE = 0.5  #: few characters, of which the reader is less sure on the average
FEW = 12
ZIGZAG = "MNUVWmnuvw"  #: three or more of these and no others, without lifting the pen, are a zigzag
BROKEN = 4  #: a single character falls into at most this many components


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
        The likeliest other characters. Where a lexicon or the language decided, they may be likelier than `char`.
    ink : ndarray
        What was read: the uint8 image that the network was shown; of a line that was read whole, the part of its ink.
    """

    char: str
    confidence: float
    box: tuple[int, int, int, int]
    alternatives: list[tuple[str, float]] = field(default_factory=list)
    ink: np.ndarray | None = field(default=None, repr=False, compare=False)

    @functools.cached_property
    def image(self) -> np.ndarray | None:
        """It in MNIST's form, white ink (255) on black paper (0): ndarray of uint8, shape (28, 28)."""
        return self.ink if self.ink is None or self.ink.dtype == np.uint8 else images.ink_to_mnist(self.ink)


@dataclass(frozen=True)
class Reading:
    """The text of a picture.

    Attributes
    ----------
    text : str
        Words are separated by spaces, lines by line breaks. A word of a lexicon is spelled as there; its characters
        are the same but for case, unless the lexicon added or removed some. Where a line was read as a whole and the
        alphabet has both cases, the case is the one that was read.
    confidence : float
        How likely it is that all of the text is right, from 0 to 1; of several lines, the product of theirs.
    characters : list of Character
    reader : {"cut", "line", "both"}
        Which of the two read it: each character by itself, whole lines, or some lines so and others so.
    marks : list of (str, box)
        Marks that the network for lines saw and that were left out, since the alphabet lacks them.
    crossed_out : list of box
        Where words were crossed out; they are left out.
    """

    text: str
    confidence: float
    characters: list[Character]
    reader: str = "cut"
    marks: list[tuple[str, tuple[int, int, int, int]]] = field(default_factory=list)
    crossed_out: list[tuple[int, int, int, int]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain lists and numbers, ready for JSON; confidences rounded to four places, no images."""
        characters = []
        for each in self.characters:
            plain = {"char": each.char, "confidence": round(each.confidence, 4), "box": list(each.box)}
            alternatives = [[char, round(share, 4)] for char, share in each.alternatives]
            characters.append({**plain, "alternatives": alternatives})
        plain = {"text": self.text, "confidence": round(self.confidence, 4), "reader": self.reader}
        marks = [{"char": char, "box": list(box)} for char, box in self.marks]
        crossed_out = [list(box) for box in self.crossed_out]
        return {**plain, "characters": characters, "marks": marks, "crossed_out": crossed_out}


@dataclass(frozen=True)
class _Request:
    """How pictures are to be read: the parameters of `Recognizer.read`, checked."""

    mode: str
    reader: str
    lexicon: Lexicon | None
    masks: tuple[str, ...]
    line_reader: LineReader | None  # none where nothing is read as a line
    of_ink: bool = False  # whether the pictures are ink, and nothing else is to be found out about them


@dataclass
class _Word:
    """A word to be read: its candidates, and where their images begin in the batch."""

    candidates: list[segment.Candidate]
    line: int = 0
    first: int = 0


@dataclass
class _Plan:
    """What to show the networks of a picture."""

    words: list[_Word]
    lines: list[segment.Component]  # the ink of each line; none if it is known to be a character
    whole: _Word | None = None  # all of it as a single character, if that is what it might be
    one_word: bool = False  # whether the picture was said to hold one
    is_writing: bool = False  # whether it was said to hold some, or is an image of a data set
    place: np.ndarray = field(default_factory=lambda: np.eye(3))  # where the ink is in the picture: `page.on_picture`
    blanks: list[list[float]] = field(default_factory=list)  # x of the gaps between the words of each line
    crossed_out: list[segment.Box] = field(default_factory=list)
    looks: list[Future[Look]] = field(default_factory=list)  # what the network for lines says of each
    readings: list[tuple[LineReading, _Line]] = field(default_factory=list)  # of the lines, each as a whole
    uncut: set[int] = field(default_factory=set)  # numbers of lines that are not read in any other way

    def to_cut(self) -> list[_Word]:
        """Return what is to be read character by character."""
        return [*(word for word in self.words if word.line not in self.uncut), *filter(None, [self.whole])]

    def on_picture(self, box: segment.Box) -> segment.Box:
        """Return where a box of the ink is in the picture."""
        return page.on_picture(self.place, box)


@dataclass
class _Line:
    """A line that was read."""

    text: str
    characters: list[Character]
    reader: str = "cut"
    evidence: tuple[float, ...] | None = None  # of the search, if there was one: see `line_evidence` and `ODDS`
    odds: tuple[float, ...] = ODDS

    @property
    def mean(self) -> float:
        """The geometric mean of its characters' confidences."""
        shares = [max(each.confidence, 1e-12) for each in self.characters]
        return float(np.exp(np.mean(np.log(shares)))) if shares else 0.0

    @property
    def confidence(self) -> float:
        """How likely it is that the text is right."""
        if len(self.characters) < 2:
            return self.mean
        if self.evidence is not None:
            return _sigmoid(self.odds, self.evidence)
        return _sigmoid(CUT_ODDS, cut_evidence(each.confidence for each in self.characters))


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
        # Where an l counts as an L, a bare bar must not: it is an I. (In words, the context says what a bar is. In
        # codes, which are what masks are for, there is none.)
        merged = self._known if "L" in self.classes and "l" not in self.classes else ""
        self._bar = [merged.index(char) for char in "Il"] if {*"Il"} <= {*merged} else None
        self._alike = labels.same_shape(self._known)

    def __repr__(self) -> str:
        return f"<Recognizer of {len(self.classes)} classes, alphabet {self.alphabet!r}>"

    @classmethod
    def load(cls, alphabet: str = "alnum", *, path: str | os.PathLike | None = None) -> Recognizer:
        """Load the reader that ships with the course.

        Parameters
        ----------
        alphabet : {"alnum", "digits", "letters", "byclass", "text"}
            What it may answer with: 36 digits and capitals, 10, 26, all 62 with exact case, or these and 30 marks, the
            last 12 of which (`hcr_lib.labels.LINE_MARKS`) only where lines are read as a whole. One network knows the
            other 80; smaller alphabets add up its probabilities, or mask them.
        path : path, optional
            Another trained reader, written by `hcr_lib.research.export_reader`.

        Raises
        ------
        ValueError
            If the alphabet is unknown or the file damaged.
        FileNotFoundError
            If there is no such file.
        """
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
            Whether they went through `hcr_lib.images.to_mnist` before; otherwise that happens here.

        Returns
        -------
        ndarray of float32, shape (n, len(classes))
            Probabilities; rows add up to 1.
        """
        stored = ensure_uint8_images(stored)
        stored = stored if normalised else images.to_mnist_batch(stored)
        return self._alone(self._scores(stored))

    def _alone(self, scores: np.ndarray) -> np.ndarray:
        """Turn scores of the network's classes into probabilities of the answers, for characters without context."""
        if self._bar:
            bars = np.ix_(scores[:, self._bar[0]] > BAR * scores[:, self._bar[1]], self._bar)
            scores = scores.copy()
            scores[bars] = scores[bars].sum(axis=1, keepdims=True) * [1, 0]
        answers = scores @ self._averaging
        return answers / np.maximum(answers.sum(axis=1, keepdims=True), 1e-12)

    def _scores(self, stored: np.ndarray) -> np.ndarray:
        """Return the network's probabilities of normalised images, among the characters that the alphabet has."""
        scores = self._network(stored) * self._folding.any(axis=1)
        return scores / np.maximum(scores.sum(axis=1, keepdims=True), 1e-12)

    def read(
        self,
        image: Image.Image | npt.ArrayLike | str | os.PathLike,
        mode: str = "auto",
        lexicon: Lexicon | Iterable[str] | None = None,
        reader: str = "auto",
        mask: str | Iterable[str] | None = None,
    ) -> Reading:
        """Read a picture.

        Parameters
        ----------
        image : PIL.Image.Image, array_like or path
            Any size and either polarity, see `hcr_lib.images.to_gray`.
        mode : {"auto", "char", "word", "page"}
            One character; one word; lines of words. "auto" looks how many lines and components there are.
        lexicon : iterable of str or hcr_lib.language.Lexicon, optional
            Words to expect; what resembles none of them stays as read.
        reader : {"auto", "cut", "line"}
            "cut" reads each character by itself, "line" a line as a whole, and joined writing as well. "auto" takes the
            likelier of their two texts. In mode "char" there is no line.
        mask : str or iterable of str, optional
            What each line has to look like, ``LLDDD`` for two letters and three digits, or one of several: see
            `hcr_lib.masks`. A lexicon is not asked then.

        Raises
        ------
        hcr_lib.images.ImageError
            If there is no ink, or none that looks like writing (a `hcr_lib.images.NoWritingError`), the file is no
            picture, or what stands in it has no room for the mask.
        ValueError
            If a mask asks for characters that the alphabet lacks.
        """
        [answer] = self.read_all([image], mode, lexicon, reader, mask)
        if isinstance(answer, images.ImageError):
            raise answer
        return answer

    def read_ink(
        self,
        ink: npt.ArrayLike,
        mode: str = "auto",
        lexicon: Lexicon | Iterable[str] | None = None,
        reader: str = "auto",
    ) -> Reading:
        """Read ink that is known to be nothing else, upright and on blank paper, as `hcr_lib.pen` renders strokes.

        No polarity, light, rules or slope are guessed, and what is no writing is refused in every mode.

        Parameters
        ----------
        ink : array_like of float, shape (height, width)
            In [0, 1], 0 is paper.
        mode, lexicon, reader
            As for `read`, as are the errors.

        Examples
        --------
        >>> from hcr_lib import pen
        >>> Recognizer.load("digits").read_ink(pen.render([[[200, 80], [200, 320]]]), "char").text
        '1'
        """
        ink = np.asarray(ink, dtype="float32")
        if ink.ndim != 2 or not (ink.size and np.isfinite(ink).all() and ink.min() >= 0 and ink.max() <= 1):
            raise ValueError(f"ink must be numbers from 0 to 1 of shape (height, width); got shape {ink.shape}.")
        [answer] = self._read_all([ink], replace(self._request(mode, lexicon, reader), of_ink=True))
        if isinstance(answer, images.ImageError):
            raise answer
        return answer

    def read_all(
        self,
        pictures: Iterable[Image.Image | npt.ArrayLike | str | os.PathLike],
        mode: str = "auto",
        lexicon: Lexicon | Iterable[str] | None = None,
        reader: str = "auto",
        mask: str | Iterable[str] | None = None,
    ) -> Iterator[Reading | images.ImageError]:
        """Read many pictures, batched, as `read` reads one; memory does not grow with their number.

        Yields a `Reading` for each in turn, or the ImageError, returned and not raised, where one could not be read.
        """
        return self._read_all(pictures, self._request(mode, lexicon, reader, mask))

    def _request(
        self,
        mode: str,
        lexicon: Lexicon | Iterable[str] | None,
        reader: str,
        mask: str | Iterable[str] | None = None,
    ) -> _Request:
        """Check the parameters of `read`."""
        ensure_choice(mode, MODES, name="mode")
        ensure_choice(reader, READERS, name="reader")
        if lexicon is not None and not isinstance(lexicon, Lexicon):
            lexicon = Lexicon(lexicon)
        line_reader = LineReader(self.classes, lexicon) if reader != "cut" and mode != "char" else None
        known = masks.check(mask, self.classes)
        return _Request(mode, reader, lexicon, known, line_reader)

    def _read_all(self, pictures: Iterable[Any], request: _Request) -> Iterator[Reading | images.ImageError]:
        """Read pictures as `read_all` does."""
        pictures = iter(pictures)
        beside = ThreadPoolExecutor(2)  # for the lines' network, which needs no Python while it works
        try:
            while plans := self._plans(pictures, request, beside):
                readable = [plan for plan in plans if isinstance(plan, _Plan)]
                for plan in readable:
                    self._read_lines(plan, request)
                words = [word for plan in readable for word in plan.to_cut()]
                batch = [images.ink_to_mnist(each.component.ink) for word in words for each in word.candidates]
                for word, end in zip(words, itertools.accumulate(len(word.candidates) for word in words), strict=True):
                    word.first = end - len(word.candidates)
                stored = np.array(batch, dtype="uint8").reshape(-1, images.SIZE, images.SIZE)
                scores = self._scores(stored)
                # A bar that may be 1, I or l is surely one character: for the cut, characters alike count together.
                sure = (scores @ self._alike).max(axis=1)
                for plan in plans:
                    if isinstance(plan, images.ImageError):
                        yield plan
                    elif request.masks:
                        yield self._masked(plan, stored, scores, request)
                    else:
                        cut = self._by_cuts(plan, stored, scores, sure, request.lexicon)
                        reading = _joined(self._better(plan, cut, request), plan)
                        yield reading if plan.is_writing or not _is_drawing(reading, plan) else _no_writing()
        finally:
            beside.shutdown(cancel_futures=True)

    def _plans(
        self, pictures: Iterator[Any], request: _Request, beside: ThreadPoolExecutor
    ) -> list[_Plan | images.ImageError]:
        """Decide what to show the networks of the next pictures, and begin to show the lines."""
        plans, shown = [], 0
        for picture in itertools.islice(pictures, CHUNK):
            plan = _plan(picture, request)
            plans.append(plan)
            if isinstance(plan, images.ImageError):
                continue
            if request.line_reader:
                pairs = itertools.zip_longest(plan.lines, plan.blanks, fillvalue=())
                plan.looks = [beside.submit(request.line_reader.look, line, blanks) for line, blanks in pairs]
            shown += sum(len(word.candidates) for word in plan.words)
            if shown >= BATCH:  # a page of text fills a batch by itself
                break
        return plans

    def _read_lines(self, plan: _Plan, request: _Request) -> None:
        """Read each line of a plan as a whole, and say which of them need not be cut."""
        cuts = 0
        for component, look in zip(plan.lines, plan.looks, strict=False):
            reading = request.line_reader.decode(look.result())
            line = self._as_line(reading, plan, component, request.lexicon)
            plan.readings.append((reading, line))
            sure = request.reader == "line" or _is_certain(reading, line, component)
            number = len(plan.readings) - 1
            if plan.whole is None and line.characters and not request.masks:
                cuts += sum(len(word.candidates) for word in plan.words if word.line == number and not sure)
                if sure or cuts > MOST_CUTS:
                    plan.uncut.add(number)

    def _as_line(
        self, reading: LineReading, plan: _Plan, component: segment.Component, lexicon: Lexicon | None
    ) -> _Line:
        """Turn what the line reader found into characters on the picture."""
        left, top = component.box[:2]
        characters = []
        for place, (x0, y0, x1, y1) in reading.places:
            seen = component.ink[y0 - top : y1 - top, x0 - left : x1 - left].copy()
            box = plan.on_picture((x0, y0, x1, y1))
            characters.append(Character(place.char, place.confidence, box, place.alternatives, seen))
        return _Line(self._spelled(reading.text, lexicon, plan.one_word), characters, "line")

    def _by_cuts(
        self, plan: _Plan, stored: np.ndarray, scores: np.ndarray, sure: np.ndarray, lexicon: Lexicon | None
    ) -> dict[int, _Line]:
        """Read the lines of a plan that are cut, character by character; keys are the lines' numbers."""
        words, paths = [word for word in plan.words if word.line not in plan.uncut], []
        for word in words:
            own = slice(word.first, word.first + len(word.candidates))
            paths.append([word.first + k for k in decode.best_path(word.candidates, sure[own])])
        if plan.whole is not None:
            first, [candidate] = plan.whole.first, plan.whole.candidates
            if decode.is_one_character(sure[first], sure[list(itertools.chain(*paths))], candidate.gap):
                words, paths = [plan.whole], [[first]]
        lines: dict[int, _Line] = {}
        for word, path in zip(words, paths, strict=True):
            # The word's shape is a matter of exact case, also when the answer will merge the cases.
            likely = decode.in_context(scores[path], self._known)
            likely = self._alone(likely) if len(plan.words) == len(path) == 1 else likely @ self._folding
            best = likely.argmax(axis=1).tolist()
            spelled = "".join(self.classes[k] for k in best)
            if lexicon and (known := decode.closest_word(likely, self.classes, lexicon)):
                spelled, columns = known, decode.columns_of(known, self.classes)
                best = columns if len(columns) == len(path) and -1 not in columns else best
            line = lines.setdefault(word.line, _Line("", []))
            line.text += f" {spelled}" if line.text else spelled
            for index, row, chosen in zip(path, likely, best, strict=True):
                box = plan.on_picture(word.candidates[index - word.first].component.box)
                line.characters.append(self._character(row, chosen, box, stored[index]))
        return lines

    def _better(self, plan: _Plan, cut: dict[int, _Line], request: _Request) -> list[_Line]:
        """Take of each line's two readings the better; the one as a whole if it was asked for."""
        if not plan.readings:
            return [cut[number] for number in sorted(cut)]
        lines, readings = plan.lines, plan.readings
        if plan.whole and len(cut) < len(lines):  # a single character, it seems
            lines = [segment.join(lines)]
            reading = request.line_reader.read(lines[0])
            readings = [(reading, self._as_line(reading, plan, lines[0], request.lexicon))]
        better = []
        for number, (component, (reading, by_lines)) in enumerate(zip(lines, readings, strict=True)):
            by_cuts, lead = cut.get(number), 0.0
            if by_cuts is not None and by_cuts.text != reading.text:
                lead = reading.score - request.line_reader.score(reading, by_cuts.text)
            taken = by_cuts is None or (
                by_lines.characters
                and (request.reader == "line" or _is_better(by_lines, by_cuts, lead, request.lexicon, component))
            )
            line, margin = by_lines if taken else by_cuts, reading.margin
            if not taken and lead:
                margin = -lead
            line.evidence = line_evidence(margin, reading.log_probability(line.text))
            better.append(line)
        return better

    def _masked(
        self, plan: _Plan, stored: np.ndarray, scores: np.ndarray, request: _Request
    ) -> Reading | images.ImageError:
        """Read the lines of a plan, each under the mask that fits it best."""
        lines = []
        for number, word in enumerate(plan.words):
            own = slice(word.first, word.first + len(word.candidates))
            looked = plan.looks[number].result() if plan.looks else None
            line = self._masked_line(plan, word, stored[own], self._alone(scores[own]), looked, request)
            if line is None:
                return images.ImageError(
                    f"what was found has no room for a text of the form {' or '.join(request.masks)}; expected a line "
                    "of that many characters. Crop the picture to it, or leave the mask out."
                )
            lines.append(line)
        return _joined(lines, plan)

    def _masked_line(
        self, plan: _Plan, word: _Word, stored: np.ndarray, likely: np.ndarray, looked: Look | None, request: _Request
    ) -> _Line | None:
        """Read a line under the mask that fits it best; None if it has room for none of them.

        Both readers propose a text for each mask, and each says how probable all of them are. Marks may be part of no
        component, so that where a mask has some the line reader decides alone.
        """
        line_reader, proposals = request.line_reader, {}
        for mask in request.masks:
            signs = mask.replace(" ", "")
            may_cut = looked is None or (request.reader != "line" and signs.isalnum())
            found = may_cut and decode.masked_path(word.candidates, likely, masks.allowed(signs, self.classes))
            if found:
                chars = iter(decode.with_mask(likely[found[0]], self.classes, signs))
                proposals["".join(" " if sign == " " else next(chars) for sign in mask)] = may_cut, mask
            if looked is not None and (text := line_reader.under_mask(looked, mask)):
                proposals[text] = may_cut, mask
        if not proposals:
            return None

        def weigh(text: str, may_cut: bool) -> tuple[float, list[int] | None]:
            path, by_cuts = self._cut_as(word, likely, text) if may_cut else (None, 0.0)
            return (line_reader.log_probability(looked, text) if looked else 0.0) + CUT_WEIGHT * by_cuts, path

        weighed = {text: weigh(text, may_cut) for text, (may_cut, _) in proposals.items()}
        text = max(weighed, key=lambda text: weighed[text][0])
        (score, path), (may_cut, mask) = weighed.pop(text), proposals[text]
        allowed = masks.allowed(mask.replace(" ", ""), self.classes)
        placed = looked and self._as_line(line_reader.place(looked, text), plan, looked.component, None)
        line = placed
        if path is not None:
            rows = likely[path] * allowed + 1e-12  # nothing else was written
            rows /= rows.sum(axis=1, keepdims=True)
            columns = decode.columns_of(text.replace(" ", ""), self.classes)
            characters = [
                self._character(row, column, plan.on_picture(word.candidates[index].component.box), stored[index])
                for index, row, column in zip(path, rows, columns, strict=True)
            ]
            line = _Line(text, characters, "cut")
        # A rival is another proposal, or another character in one place, as one of the readers sees it.
        rivals = [rival for rival, _ in weighed.values()]
        written = [at for at, char in enumerate(text) if char != " "]
        for each in (line, placed) if placed else (line,):
            for at, character, may in zip(written, each.characters, allowed, strict=True):
                others = [char for char, _ in character.alternatives if may[self.classes.index(char)]]
                rivals += [weigh(text[:at] + other + text[at + 1 :], may_cut)[0] for other in others[:1]]
        line.evidence, line.odds = (min(MOST_MARGIN, score - max(rivals, default=-math.inf)),), MASK_ODDS
        return line

    def _cut_as(self, word: _Word, likely: np.ndarray, text: str) -> tuple[list[int] | None, float]:
        """Return the path that cuts a word into the characters of a text, and its score; a low one without a path."""
        wanted = np.array([[char == other for other in self.classes] for char in text.replace(" ", "")])
        found = decode.masked_path(word.candidates, likely, wanted)
        return found or (None, len(wanted) * float(np.log(1e-6)))

    def _character(self, row: np.ndarray, chosen: int, box: segment.Box, stored: np.ndarray) -> Character:
        """Return a character that was cut out, from its probabilities and which of the classes was chosen."""
        others = [int(k) for k in row.argsort()[::-1] if k != chosen][:ALTERNATIVES]
        rest = [(self.classes[k], float(row[k])) for k in others]
        return Character(self.classes[chosen], float(row[chosen]), box, rest, stored)

    def _spelled(self, text: str, lexicon: Lexicon | None, one_word: bool) -> str:
        """Return a line's text as it is to be spelled.

        One word has no blanks but those of a lexicon's entry. Where the alphabet has but one case, words of a lexicon
        are spelled as there.
        """
        entries = lexicon or Lexicon()
        if one_word and entries.spelling(text) is None:
            text = text.replace(" ", "")
        if {*"Aa"} <= {*self.classes}:
            return text
        return entries.spelling(text) or " ".join(entries.spelling(word) or word for word in text.split(" "))


def line_evidence(margin: float, log_probability: float) -> tuple[float, float]:
    """Return what tells how likely a line's text is right: the margin of the search, and how improbable the text is."""
    return max(-MOST_MARGIN, min(MOST_MARGIN, margin)), math.sqrt(min(100.0, max(0.0, -log_probability)))


def cut_evidence(confidences: Iterable[float]) -> tuple[float]:
    """Return what tells how likely a text is right that was cut: the log odds of all its characters together."""
    together = math.prod(confidences)
    return (math.log(max(together, 1e-12) / max(1 - together, 1e-9)),)


def _sigmoid(odds: Iterable[float], evidence: Iterable[float]) -> float:
    """Return the probability of logistic regression: a constant, and a coefficient for each piece of evidence."""
    constant, *coefficients = odds
    return 1 / (1 + math.exp(-constant - math.fsum(c * e for c, e in zip(coefficients, evidence, strict=True))))


def _is_certain(reading: LineReading, by_lines: _Line, component: segment.Component) -> bool:
    """Return whether the line reader is so sure of a line that it need not be cut: no other text is as probable."""
    wide = component.width > segment.WIDEST * component.height
    return wide and len(by_lines.characters) > 1 and reading.probability > 0.5


def _is_better(
    by_lines: _Line, by_cuts: _Line, lead: float, lexicon: Lexicon | None, component: segment.Component
) -> bool:
    """Return whether a line's reading as a whole is better than what cutting gave.

    The first of these that applies decides:

    1. A single character is left to the network for characters, which has seen more of them.
    2. What cutting takes for a single character, and is no wider than one, is a short word if the line reader is surer
       by `SURER`, which is below 0. Both confidences are means of probabilities of characters.
    3. With a lexicon, cutting that found another word than those in it is wrong: the line reader searched its words
       together with the scores, and let others through only where the ink says so.
    4. The text that the line reader's search likes better, network and language together: it leads by `lead`, and has
       to by `CUT_SPEAKS`.
    """
    if len(by_lines.characters) == 1:
        return False
    if len(by_cuts.characters) == 1 and component.width <= segment.WIDEST * component.height:
        return by_lines.mean > by_cuts.mean + SURER
    if lexicon and not all(word in lexicon for word in by_cuts.text.split()):
        return True
    return lead >= CUT_SPEAKS or by_lines.text == by_cuts.text


def _joined(lines: list[_Line], plan: _Plan) -> Reading:
    """Put the lines of a plan together."""
    readers = {line.reader for line in lines}
    characters = [each for line in lines for each in line.characters]
    text, confidence = "\n".join(line.text for line in lines), math.prod(line.confidence for line in lines)
    marks = [(char, plan.on_picture(box)) for look in plan.looks for char, box in look.result().marks]
    marks = marks if any(line.reader == "line" or len(line.characters) > 1 for line in lines) else []
    reader = readers.pop() if len(readers) == 1 else "both"
    return Reading(text, confidence, characters, reader, marks, [plan.on_picture(box) for box in plan.crossed_out])


def _is_drawing(reading: Reading, plan: _Plan) -> bool:
    """Return whether a reading was made of ink that is no writing.

    It encloses more white, or for each character more was drawn than people need to write one: the length of the pen's
    path, which is the ink's area divided by the pen's width, in sides of the characters' boxes. Or it is too small, a
    single character too wide, a zigzag, or the reader has no idea what it is. `hcr_lib.research.page_benchmark` counts
    how many drawings that refuses, and how much writing.
    """
    number = len(reading.characters)
    if not number:
        return True
    components = plan.lines or [candidate.component for word in plan.words for candidate in word.candidates[:1]]
    if max(component.height for component in components) < SMALLEST:
        return True
    areas = [component.ink >= images.THRESHOLD for component in components]
    widths = [max(0.5, images.stroke_width(area)) for area in areas]
    counts = [len("".join(line.split())) for line in reading.text.split("\n")]
    holes = [_holes(area, width) for area, width in zip(areas, widths, strict=True)]
    if len(holes) != len(counts):  # all lines are one character
        holes, counts = [sum(holes)], [number]
    if any(each > HOLES * count for each, count in zip(holes, counts, strict=True)):
        return True
    if number > FEW:
        return False
    path = sum(area.sum() / width for area, width in zip(areas, widths, strict=True))
    size = math.sqrt(abs(np.linalg.det(plan.place[:2, :2])))  # pixels of the picture for each of the ink
    sides = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (each.box for each in reading.characters)]
    first, *others = components
    too_wide = number == 1 and not others and reading.text.isalnum() and first.width > WIDEST_ALONE * first.height
    zigzag = number > 2 and {*reading.text} <= {*ZIGZAG} and ndimage.label(areas[0], np.ones((3, 3)))[1] == 1
    unsure = np.mean([_sureness(each) for each in reading.characters]) < UNSURE
    return bool(path > LONGEST_PATH * max(1.0, float(np.median(sides)) / size) * number or too_wide or zigzag or unsure)


def _holes(area: np.ndarray, pen: float) -> int:
    """Return how many patches of paper ink encloses, those smaller than the pen's cross-section left out."""
    numbered, _ = ndimage.label(~np.pad(area, 1))  # 1 is what lies around it
    return int((np.bincount(numbered.ravel())[2:] >= pen**2).sum())


def _sureness(character: Character) -> float:
    """Return how sure a reader is of a character's shape: an O may also be a 0."""
    chars, shares = zip((character.char, character.confidence), *character.alternatives, strict=True)
    return float(labels.same_shape("".join(chars))[0] @ np.array(shares))


def _no_writing() -> images.NoWritingError:
    return images.NoWritingError(
        "no writing found in the picture, though there is ink; expected letters or digits. Crop it to the writing, or "
        "say that it is a single character or word (mode 'char' or 'word')."
    )


def _plan(picture: Any, request: _Request) -> _Plan | images.ImageError:
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


def _prepared(gray: np.ndarray, request: _Request) -> tuple[np.ndarray, np.ndarray]:
    """Return the ink of a page, flat and upright, and where it is in the picture; one character or word stays as is."""
    if request.mode in ("char", "word"):
        ink = images.flatten(gray)
        return page.without_print(ink) if request.mode == "word" else ink, np.eye(3)

    def certainty(line: segment.Component) -> float:
        scores = request.line_reader.look(line).scores
        return float((np.exp(scores) * scores).sum(axis=1).mean())  # the negative entropy of what it says of a step

    return page.prepare(gray, certainty if request.line_reader else None)


def _words(ink: np.ndarray, request: _Request) -> _Plan:
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
        return _Plan(
            [_Word([segment.Candidate(0, 1, alone, 0.0)])], [segment.with_faint_ink(line, ink) for line in found]
        )
    whole = None
    if mode == "auto" and number <= BROKEN:  # a K whose arms miss its stem, or a short word?
        everything = segment.whole(found)
        letters = [segment.holds_letters(line, found) for line in found]
        compact = everything.component.width <= segment.WIDEST * everything.component.height
        whole = _Word([everything]) if compact and not masked else None
        if len(found) > 1 and not (all(letters) if compact else any(letters)):
            return _Plan([_Word([everything])], [])  # a T whose bar misses its stem, a colon, a wide equals sign
    if mode == "word" or (mode == "auto" and len(found) == 1 and (whole or len(segment.words(found[0])) == 1)):
        line = segment.one_line(ink)
        return _Plan([_Word(propose(line))], [segment.with_faint_ink(line, ink)], whole, one_word=mode == "word")
    widest = math.inf if masked else segment.widest_gap(found)  # a mask says where the blanks are
    split = [[line] if masked else segment.words(line, found) for line in found]
    return _Plan(
        [_Word(propose(word), row) for row, words in enumerate(split) for word in words],
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


#: Readers of several alphabets share one network.
_network = functools.lru_cache(maxsize=4)(inference.load)
