"""Reading whole lines, joined or not: the line's image, a network with CTC, and a search of the likeliest text."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from hcr_lib import ctc, images, labels, line_decoding, masks, segment
from hcr_lib._paths import shipped
from hcr_lib.language import Language, Lexicon, english, english_pairs
from hcr_lib.networks import inference

WEIGHTS = "line_reader.tflite"
RIVALS = 4  #: best texts of a search that are looked at: some differ from the first in nothing but blanks around it
#: How likely a blank stands where a gap is as wide as those between words. The network knows nothing of a page's other
#: lines, and the language little of numbers behind words.
PARTED = 0.9
STEP = 4  #: columns of a line's image that the network takes for one step


@dataclass(frozen=True)
class LineReading:
    """The text of a line.

    Attributes
    ----------
    text : str
    places : list of (hcr_lib.line_decoding.Place, box)
        Its characters without the blanks, and where they are in the picture of the ink: (x0, y0, x1, y1).
    scores : ndarray of float32, shape (steps, 1 + len(classes))
        The network's log probabilities.
    classes : str
    score, margin : float
        Of the search, if the text was found by one, and by how much that is more than what the best other text has.
    """

    text: str
    places: list[tuple[line_decoding.Place, segment.Box]]
    scores: np.ndarray
    classes: str
    score: float = 0.0
    margin: float = np.inf

    @functools.cached_property
    def probability(self) -> float:
        """What the network gives the text, whatever the language says of it; all texts together have 1."""
        return float(np.exp(self.log_probability(self.text)))

    def log_probability(self, text: str) -> float:
        """Return what the network gives a text, whatever the language says of it.

        A letter that the classes lack counts as its other case; any other character is left out. Minus infinity if
        nothing is left, or more than the line has steps for.
        """
        forms = ((char, char.upper(), char.lower()) for char in text)
        spelled = "".join(next((form for form in each if form in self.classes), "") for each in forms)
        return -ctc.loss(self.scores, spelled, self.classes) if spelled else -np.inf


@dataclass(frozen=True)
class Look:
    """What the network said of a line, before any text is chosen.

    Attributes
    ----------
    component : hcr_lib.segment.Component
    scores : ndarray of float32, shape (steps, 1 + len(classes))
    width : int
        Of the line's image.
    origin : function
        From columns of that image to a box of the component: see `hcr_lib.images.place_line`.
    marks : list of (str, box)
        Marks that the network saw, and the alphabet lacks: the character, and where it is in the picture of the ink.
    """

    component: segment.Component
    scores: np.ndarray
    width: int
    origin: Callable[[float, float], segment.Box]
    marks: list[tuple[str, segment.Box]]


class LineReader:
    """Reads lines of ink with the network that ships.

    Parameters
    ----------
    classes : str
        The characters it may answer with. Letters of the other case count for their own; marks that are not among them
        are passed over, and so is everything else that `classes` rules out.
    lexicon : Lexicon, optional
        Words to expect; others come through as well.
    network : hcr_lib.networks.inference.LineNetwork, optional
        Another network than the one that ships.
    """

    def __init__(self, classes: str, lexicon: Lexicon | None = None, network: inference.LineNetwork | None = None):
        self._network = network or shipped_network()
        known = self._network.record["classes"]
        self._classes = "".join(char for char in known if char in classes or char == " ")
        self._folding = labels.merge_matrix(known, self._classes)
        self._ignored = [k for k, char in enumerate(known) if not char.isalnum() and char not in self._classes]  # marks
        self._blank = 1 + self._classes.index(" ")
        self.lexicon = lexicon
        self._language = _language(lexicon)

    def log_probs(self, line: np.ndarray) -> np.ndarray:
        """Return log probabilities among the classes for the image of a line.

        Parameters
        ----------
        line : ndarray of uint8, shape (48, w)
            As `hcr_lib.images.to_line` makes it.

        Returns
        -------
        ndarray of float32, shape (steps, 1 + classes)
            Column 0 is the blank. All are finite, so that any text that fits has a probability.
        """
        return self._among_classes(np.exp(self._network(line)))

    def _among_classes(self, given: np.ndarray) -> np.ndarray:
        """Turn the network's probabilities into log probabilities among the classes: see `log_probs`."""
        blank, chars = given[:, :1], given[:, 1:]
        passed_over = chars[:, self._ignored].sum(axis=1, keepdims=True)
        scores = np.hstack([blank + passed_over, chars @ self._folding]) + 1e-9
        return np.log(scores / scores.sum(axis=1, keepdims=True))

    def look(self, component: segment.Component, blanks: Iterable[float] = ()) -> Look:
        """Show the network the ink of a line, of which `component` also says where it is on the page.

        Parameters
        ----------
        component : hcr_lib.segment.Component
        blanks : iterable of float
            Where words are parted, as far as gaps can tell: in pixels from the left of the page.

        Raises
        ------
        hcr_lib.images.BlankImageError
            If there is no ink.
        """
        line, origin = images.place_line(component.ink)
        given = np.exp(self._network(line))
        likeliest, marks = given.argmax(axis=1) - 1, []
        edges = [0, *(np.flatnonzero(np.diff(likeliest)) + 1).tolist(), len(likeliest)]
        for start, stop in pairwise(edges):
            if likeliest[start] in self._ignored:
                x0, y0, x1, y1 = origin(STEP * start, STEP * stop)
                x, y = component.box[:2]
                marks.append((self._network.record["classes"][likeliest[start]], (x0 + x, y0 + y, x1 + x, y1 + y)))
        scores = self._among_classes(given)
        left, _, right, _ = images.bounding_box(component.ink)
        for x in blanks:
            across = (x - component.box[0] - left) / (right - left)
            column = 2 * images.LINE_MARGIN + across * (line.shape[1] - 4 * images.LINE_MARGIN)
            row = scores[min(int(column / STEP), len(scores) - 1)]
            row += np.log(1 - PARTED)
            row[self._blank] = np.log(np.exp(row[self._blank]) + PARTED)
        return Look(component, scores, line.shape[1], origin, marks)

    def decode(self, look: Look) -> LineReading:
        """Find the likeliest text for what the network said of a line, and the place of each character."""
        found = line_decoding.search(look.scores, self._classes, self._language, n=RIVALS)
        texts = [" ".join(text.split()) for text, _ in found]
        rivals = [score for text, (_, score) in zip(texts, found, strict=True) if text != texts[0]]
        margin = found[0][1] - rivals[0] if rivals else np.inf
        return replace(self.place(look, texts[0]), score=found[0][1], margin=margin)

    def under_mask(self, look: Look, mask: str) -> str | None:
        """Find the text of a line's likeliest path that fits a mask of `hcr_lib.masks`; None if there is no room."""
        return line_decoding.masked_path(look.scores, self._classes, masks.allowed(mask, self._classes))

    def place(self, look: Look, text: str) -> LineReading:
        """Find where each character of a text lies in a line."""
        found = line_decoding.locate(look.scores, text, self._classes) if text else []
        middles = [STEP * (each.start + each.stop) / 2 for each in found]
        edges = [0, *[(one + other) / 2 for one, other in pairwise(middles)], look.width]
        x, y = look.component.box[:2]
        places = []
        for each, (left, right) in zip(found, pairwise(edges), strict=False):
            if each.char != " ":
                x0, y0, x1, y1 = look.origin(left, right)
                places.append((each, (x0 + x, y0 + y, x1 + x, y1 + y)))
        return LineReading(text, places, look.scores, self._classes)

    def log_probability(self, look: Look, text: str) -> float:
        """Return what the network gives a text: see `LineReading.log_probability`."""
        return LineReading(text, [], look.scores, self._classes).log_probability(text)

    def score(self, reading: LineReading, text: str) -> float:
        """Return what a text would have scored in the search, as `LineReading.score`."""
        weighed = line_decoding.WEIGHT * self._language.log_probability(text) + line_decoding.REWARD * len(text)
        return reading.log_probability(text) + weighed

    def read(self, component: segment.Component) -> LineReading:
        """Read the ink of a line; errors as of `look`."""
        return self.decode(self.look(component))


@functools.cache
def shipped_network() -> inference.LineNetwork:
    """Load the network that ships, once."""
    return inference.load_line_network(shipped(WEIGHTS))


@functools.lru_cache(maxsize=4)
def _language(lexicon: Lexicon | None) -> Language:
    # A person's own list is of names or codes, and says nothing of sentences.
    return Language(lexicon, pairs=english_pairs() if lexicon is not None and lexicon is english() else None)
