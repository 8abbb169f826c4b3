"""What was read, and how likely it is right."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hcr_lib import images

#: Log odds that a line's text is right: a constant, and what counts for it: by how much its score exceeds that of its
#: best rival in the search, and the square root of minus its log probability; without a line reader, the log odds that
#: all characters are right if each is as likely as it seems. By ``python -m hcr_lib.research.confidence --limit 250``.
ODDS = (-0.80, 0.82, -0.55)
CUT_ODDS = (-1.46, 0.87)
#: Under a mask: a constant, and what counts by how much the score exceeds that of the best rival. By the same command,
#: from codes made as the page benchmark makes its own.
MASK_ODDS = (0.81, 0.42)
MOST_MARGIN = 20.0


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


@dataclass
class LineRead:
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
