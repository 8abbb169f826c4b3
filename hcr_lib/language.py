"""A bigram model of English letters: the transition probabilities behind `hcr_lib.decode.in_context`."""

from __future__ import annotations

import functools

import numpy as np

from hcr_lib._paths import shipped
from hcr_lib.labels import LETTERS

FILE = "letter_pairs.csv"
EDGE = " "  #: stands for the beginning and the end of a word
SYMBOLS = EDGE + LETTERS
#: Added to every count (additive smoothing): a pair that no word of the list contains is rare, not impossible.
SMOOTHING = 5


@functools.cache
def transitions() -> np.ndarray:
    """Return the probability of each symbol (column) after each other (row), float64 of shape (27, 27)."""
    pairs = np.loadtxt(shipped(FILE), delimiter=",", skiprows=1, usecols=range(1, len(SYMBOLS) + 1)) + SMOOTHING
    pairs[0, 0] = 0  # no word is empty
    return pairs / pairs.sum(axis=1, keepdims=True)
