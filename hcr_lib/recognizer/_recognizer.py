"""The reader itself: plans are shown to the networks, and of the texts that they propose the better one is taken."""

from __future__ import annotations

import functools
import itertools
import math
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcr_lib import decode, images, labels, masks, segment
from hcr_lib._paths import shipped
from hcr_lib._validate import ensure_choice, ensure_uint8_images
from hcr_lib.language import Lexicon
from hcr_lib.line_reader import LineReader, LineReading, Look
from hcr_lib.networks import inference
from hcr_lib.recognizer._choice import is_better, is_certain
from hcr_lib.recognizer._plan import MOST_CUTS, Plan, Request, Word, make_plan
from hcr_lib.recognizer._reading import MASK_ODDS, MOST_MARGIN, Character, LineRead, Reading, line_evidence
from hcr_lib.recognizer._refusal import is_drawing, no_writing

ALPHABETS = ("digits", "letters", "alnum", "byclass", "text")
MODES = ("auto", "char", "word", "page")
READERS = ("auto", "cut", "line")
WEIGHTS = "reader.tflite"
BATCH = 256  #: images shown to the network together, when many pictures are read
CHUNK = 64  #: pictures read together, at most; only their ink is held in memory
ALTERNATIVES = 3
#: An l is written as a bare bar or as a loop. It is a bar where the network finds an I at least this likely beside it.
BAR = 0.2
#: How much the score of a cut counts beside the line reader's log probability, where both judge texts under a mask: of
#: 390 codes, made as the page benchmark makes its own and by the same people, 0.5, 0.7, 1 and 2 read 366, 368, 363 and
#: 349; one of the two texts is right in 374 (a script that was not kept).
CUT_WEIGHT = 0.7


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
    ) -> Request:
        """Check the parameters of `read`."""
        ensure_choice(mode, MODES, name="mode")
        ensure_choice(reader, READERS, name="reader")
        if lexicon is not None and not isinstance(lexicon, Lexicon):
            lexicon = Lexicon(lexicon)
        line_reader = LineReader(self.classes, lexicon) if reader != "cut" and mode != "char" else None
        known = masks.check(mask, self.classes)
        return Request(mode, reader, lexicon, known, line_reader)

    def _read_all(self, pictures: Iterable[Any], request: Request) -> Iterator[Reading | images.ImageError]:
        """Read pictures as `read_all` does."""
        pictures = iter(pictures)
        beside = ThreadPoolExecutor(2)  # for the lines' network, which needs no Python while it works
        try:
            while plans := self._plans(pictures, request, beside):
                readable = [plan for plan in plans if isinstance(plan, Plan)]
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
                        yield reading if plan.is_writing or not is_drawing(reading, plan) else no_writing()
        finally:
            beside.shutdown(cancel_futures=True)

    def _plans(
        self, pictures: Iterator[Any], request: Request, beside: ThreadPoolExecutor
    ) -> list[Plan | images.ImageError]:
        """Decide what to show the networks of the next pictures, and begin to show the lines."""
        plans, shown = [], 0
        for picture in itertools.islice(pictures, CHUNK):
            plan = make_plan(picture, request)
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

    def _read_lines(self, plan: Plan, request: Request) -> None:
        """Read each line of a plan as a whole, and say which of them need not be cut."""
        cuts = 0
        for component, look in zip(plan.lines, plan.looks, strict=False):
            reading = request.line_reader.decode(look.result())
            line = self._as_line(reading, plan, component, request.lexicon)
            plan.readings.append((reading, line))
            sure = request.reader == "line" or is_certain(reading, line, component)
            number = len(plan.readings) - 1
            if plan.whole is None and line.characters and not request.masks:
                cuts += sum(len(word.candidates) for word in plan.words if word.line == number and not sure)
                if sure or cuts > MOST_CUTS:
                    plan.uncut.add(number)

    def _as_line(
        self, reading: LineReading, plan: Plan, component: segment.Component, lexicon: Lexicon | None
    ) -> LineRead:
        """Turn what the line reader found into characters on the picture."""
        left, top = component.box[:2]
        characters = []
        for place, (x0, y0, x1, y1) in reading.places:
            seen = component.ink[y0 - top : y1 - top, x0 - left : x1 - left].copy()
            box = plan.on_picture((x0, y0, x1, y1))
            characters.append(Character(place.char, place.confidence, box, place.alternatives, seen))
        return LineRead(self._spelled(reading.text, lexicon, plan.one_word), characters, "line")

    def _by_cuts(
        self, plan: Plan, stored: np.ndarray, scores: np.ndarray, sure: np.ndarray, lexicon: Lexicon | None
    ) -> dict[int, LineRead]:
        """Read the lines of a plan that are cut, character by character; keys are the lines' numbers."""
        words, paths = [word for word in plan.words if word.line not in plan.uncut], []
        for word in words:
            own = slice(word.first, word.first + len(word.candidates))
            paths.append([word.first + k for k in decode.best_path(word.candidates, sure[own])])
        if plan.whole is not None:
            first, [candidate] = plan.whole.first, plan.whole.candidates
            if decode.is_one_character(sure[first], sure[list(itertools.chain(*paths))], candidate.gap):
                words, paths = [plan.whole], [[first]]
        lines: dict[int, LineRead] = {}
        for word, path in zip(words, paths, strict=True):
            # The word's shape is a matter of exact case, also when the answer will merge the cases.
            likely = decode.in_context(scores[path], self._known)
            likely = self._alone(likely) if len(plan.words) == len(path) == 1 else likely @ self._folding
            best = likely.argmax(axis=1).tolist()
            spelled = "".join(self.classes[k] for k in best)
            if lexicon and (known := decode.closest_word(likely, self.classes, lexicon)):
                spelled, columns = known, decode.columns_of(known, self.classes)
                best = columns if len(columns) == len(path) and -1 not in columns else best
            line = lines.setdefault(word.line, LineRead("", []))
            line.text += f" {spelled}" if line.text else spelled
            for index, row, chosen in zip(path, likely, best, strict=True):
                box = plan.on_picture(word.candidates[index - word.first].component.box)
                line.characters.append(self._character(row, chosen, box, stored[index]))
        return lines

    def _better(self, plan: Plan, cut: dict[int, LineRead], request: Request) -> list[LineRead]:
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
                and (request.reader == "line" or is_better(by_lines, by_cuts, lead, request.lexicon, component))
            )
            line, margin = by_lines if taken else by_cuts, reading.margin
            if not taken and lead:
                margin = -lead
            line.evidence = line_evidence(margin, reading.log_probability(line.text))
            better.append(line)
        return better

    def _masked(
        self, plan: Plan, stored: np.ndarray, scores: np.ndarray, request: Request
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
        self, plan: Plan, word: Word, stored: np.ndarray, likely: np.ndarray, looked: Look | None, request: Request
    ) -> LineRead | None:
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
            line = LineRead(text, characters, "cut")
        # A rival is another proposal, or another character in one place, as one of the readers sees it.
        rivals = [rival for rival, _ in weighed.values()]
        written = [at for at, char in enumerate(text) if char != " "]
        for each in (line, placed) if placed else (line,):
            for at, character, may in zip(written, each.characters, allowed, strict=True):
                others = [char for char, _ in character.alternatives if may[self.classes.index(char)]]
                rivals += [weigh(text[:at] + other + text[at + 1 :], may_cut)[0] for other in others[:1]]
        line.evidence, line.odds = (min(MOST_MARGIN, score - max(rivals, default=-math.inf)),), MASK_ODDS
        return line

    def _cut_as(self, word: Word, likely: np.ndarray, text: str) -> tuple[list[int] | None, float]:
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


def _joined(lines: list[LineRead], plan: Plan) -> Reading:
    """Put the lines of a plan together."""
    readers = {line.reader for line in lines}
    characters = [each for line in lines for each in line.characters]
    text, confidence = "\n".join(line.text for line in lines), math.prod(line.confidence for line in lines)
    marks = [(char, plan.on_picture(box)) for look in plan.looks for char, box in look.result().marks]
    marks = marks if any(line.reader == "line" or len(line.characters) > 1 for line in lines) else []
    reader = readers.pop() if len(readers) == 1 else "both"
    return Reading(text, confidence, characters, reader, marks, [plan.on_picture(box) for box in plan.crossed_out])


#: Readers of several alphabets share one network.
_network = functools.lru_cache(maxsize=4)(inference.load)
