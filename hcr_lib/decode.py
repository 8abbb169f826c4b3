"""From scores to text: the likeliest character, a format, a path through the components, a word of a lexicon.

`probabilities` are array_like of float of shape (n, len(classes)) throughout: one row a character, one column a class.
Another shape, or NaN, is a ValueError.
"""

from __future__ import annotations

import functools
import string
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from hcr_lib import masks
from hcr_lib._paths import shipped
from hcr_lib.labels import LETTERS
from hcr_lib.language import Lexicon
from hcr_lib.language import columns_of as columns_of
from hcr_lib.segment import Candidate

#: How likely words of each shape are before a single letter is read. See `in_context`.
WORD_SHAPES = {"UPPER": 0.3, "lower": 0.355, "Title": 0.25, "digits": 0.09, "mixed": 0.005}
TRUST = 0.9  #: how far the network's confidence in one character is trusted, beside that in its context: an exponent

LETTER_PAIRS = "letter_pairs.csv"
EDGE = " "  #: stands for the beginning and the end of a word
SYMBOLS = EDGE + LETTERS  #: of the letter pairs
#: Added to every count (additive smoothing): a pair that no word of the list contains is rare, not impossible.
SMOOTHING = 5

GAP_COST, JOINT_COST = 15.0, 0.3  #: of joining components: for each line height of gap, and for each joint
CUT_COST = 1.0  #: of each side of a character that is cut through ink
APART_COST = 2.0  #: of a gap, for each line height, when a whole picture might be one character

_FLOOR = 1e-6  # no score is certain: log(0) would let one misread character veto a word


def _checked(probabilities: npt.ArrayLike, classes: str) -> np.ndarray:
    scores = np.asarray(probabilities, dtype="float64")
    if scores.ndim != 2 or scores.shape[1] != len(classes):
        raise ValueError(
            f"probabilities must have a row a character and a column a class, shape (n, {len(classes)}); "
            f"got shape {scores.shape}."
        )
    if np.isnan(scores).any():
        raise ValueError("probabilities must be numbers; got NaN. Check the weights and the images they came from.")
    return scores


def argmax(probabilities: npt.ArrayLike, classes: str) -> str:
    """Read each character on its own.

    Examples
    --------
    >>> argmax([[0.9, 0.1], [0.2, 0.8]], "AB")
    'AB'
    """
    return "".join(classes[k] for k in _checked(probabilities, classes).argmax(axis=1))


def with_mask(probabilities: npt.ArrayLike, classes: str, mask: str) -> str:
    """Read characters of a known format: in ``LLDDD`` two letters, then three digits.

    Parameters
    ----------
    probabilities
        Or any other scores of which more is better, such as log probabilities.
    mask : str
        n signs, see `hcr_lib.masks`. If it has another length, or asks for something the classes lack, that is a
        ValueError.

    Examples
    --------
    >>> scores = [[0.6, 0.4], [0.6, 0.4]]  # twice "more like a 0 than an O"
    >>> with_mask(scores, "0O", "LD")
    'O0'
    """
    scores, allowed = _checked(probabilities, classes), masks.allowed(mask, classes)
    if len(allowed) != len(scores):
        raise ValueError(f"the mask must have one sign a character: {len(scores)} are there, {mask!r} has {len(mask)}.")
    chosen = [max(np.flatnonzero(may), key=row.__getitem__) for row, may in zip(scores, allowed, strict=True)]
    return "".join(classes[k] for k in chosen)


def in_context(probabilities: npt.ArrayLike, classes: str) -> np.ndarray:
    """Weigh the characters of a word by their context: what kind of word it is, and which letters follow each other.

    One isolated circle may be 0, O or o. In a word there is context: most words are all capitals, all small letters,
    a capital and then small letters, or all digits; and some letters follow one another far more often than others.
    By Bayes' rule each shape's probability is its prior (`WORD_SHAPES`) times what the characters say; within a
    shape of letters, the forward-backward algorithm (L. R. Rabiner, "A tutorial on hidden Markov models and selected
    applications in speech recognition", 1989) adds up all spellings, weighted by English letter pairs. The scores of
    every character are then averaged over the shapes. A code such as AB12 survives, since no pure shape explains it.
    Characters other than A-Z, a-z and digits belong to no pure shape; one that is more likely such a mark than not is
    left as it is, and those around it are weighed as if it were not there: ``don't`` is a word of small letters.

    Returns
    -------
    ndarray of float64, shape (n, len(classes))
        Rows add up to 1. A single character has no context and stays as it is.

    Examples
    --------
    >>> scores = np.array([[0.55, 0.45, 0.0], [0.0, 0.0, 1.0]])  # a circle, then certainly an N
    >>> argmax(scores, "0ON"), argmax(in_context(scores, "0ON"), "0ON")
    ('0N', 'ON')
    """
    scores = np.maximum(_checked(probabilities, classes), _FLOOR)
    scores /= scores.sum(axis=1, keepdims=True)
    kinds = string.digits, string.ascii_uppercase, string.ascii_lowercase
    digit, upper, lower = (np.array([char in kind for char in classes]) for kind in kinds)
    plain = scores[:, digit | upper | lower].sum(axis=1) > 0.5
    if plain.sum() < len(plain):
        weighed = scores.copy()
        weighed[plain] = in_context(scores[plain], classes) if plain.any() else scores[plain]
        return weighed
    if len(scores) < 2:
        return scores
    scores = scores**TRUST
    scores /= scores.sum(axis=1, keepdims=True)
    title = np.vstack([upper, *[lower] * (len(scores) - 1)])
    shapes = {"UPPER": upper, "lower": lower, "Title": title, "digits": digit, "mixed": True}
    posteriors, evidences = [], []
    for shape, allowed in shapes.items():
        masked = np.where(allowed, scores, 0)
        sums = masked.sum(axis=1)
        if not sums.all():
            continue  # the class set has no such characters
        if shape in ("digits", "mixed"):
            posterior, evidence = masked / sums[:, None], float(np.log(sums).sum())
        else:
            posterior, evidence = _spelled(masked, classes)
        posteriors.append(posterior)
        evidences.append(np.log(WORD_SHAPES[shape]) + evidence)
    # Only the ratios of the evidences matter; those of a long word would overflow without their logarithms.
    shares = np.exp(np.array(evidences) - max(evidences))
    return np.tensordot(shares / shares.sum(), posteriors, axes=1)


@functools.cache
def transitions() -> np.ndarray:
    """Return the probability of each of `SYMBOLS` (column) after each other (row), float64 of shape (27, 27)."""
    pairs = np.loadtxt(shipped(LETTER_PAIRS), delimiter=",", skiprows=1, usecols=range(1, len(SYMBOLS) + 1)) + SMOOTHING
    pairs[0, 0] = 0  # no word is empty
    return pairs / pairs.sum(axis=1, keepdims=True)


def _spelled(scores: np.ndarray, classes: str) -> tuple[np.ndarray, float]:
    """Weigh letters by their neighbours: the forward-backward algorithm.

    `scores` has at most one case of a letter in each row. Returns the posterior of the same shape, and the
    log evidence: how much likelier the row of letters is than one whose letters know nothing of each other.
    """
    letter = np.array([SYMBOLS.find(char.upper()) for char in classes])  # -1 for digits, whose scores are 0 here
    emission = np.zeros((len(scores), len(SYMBOLS)))
    np.add.at(emission.T, letter[letter > 0], scores.T[letter > 0])
    # In units of 1 / 26, the chance of a letter when all are equally likely, so that evidence compares with "mixed".
    step = transitions() * (len(SYMBOLS) - 1)
    forward, backward, evidence = np.zeros_like(emission), np.zeros_like(emission), 0.0
    arriving = step[0]  # from the edge of the word
    for i, row in enumerate(emission):
        forward[i] = row * arriving
        evidence += float(np.log(forward[i].sum()))
        forward[i] /= forward[i].sum()
        arriving = forward[i] @ step
    evidence += float(np.log(forward[-1] @ step[:, 0]))
    leaving = step[:, 0]  # to the edge
    for i in reversed(range(len(emission))):
        backward[i] = leaving / leaving.sum()
        leaving = step @ (emission[i] * backward[i])
    posterior = forward * backward
    posterior /= posterior.sum(axis=1, keepdims=True)
    # Back from letters to classes: where a letter has a score, its case here is the one with that score.
    return np.where((scores > 0) & (letter > 0), posterior[:, letter], 0), evidence


def best_path(candidates: Sequence[Candidate], confidences: npt.ArrayLike) -> list[int]:
    """Choose the candidates that cover a line once, left to right, with the highest total score.

    A candidate's score is its log confidence, counted once for each component it covers (so that joining is not
    favoured just for making fewer characters), less what its gaps and cuts cost. The best way to each boundary is the
    best over the last candidate of the best way to where that one starts: dynamic programming, as in Viterbi (1967).

    Parameters
    ----------
    candidates : sequence of hcr_lib.segment.Candidate
    confidences : array_like of float, shape (n,)
        The reader's highest probability for each.

    Returns
    -------
    list of int
        Positions in `candidates`, left to right. If no way through them covers every component, that is a ValueError.
    """
    confidences = np.asarray(confidences, dtype="float64")
    if confidences.shape != (len(candidates),) or not np.isfinite(confidences).all():
        raise ValueError(
            f"confidences must be one finite number for each of {len(candidates)} candidates; got {confidences}."
        )
    end = max((candidate.stop for candidate in candidates), default=0)
    scores = _path_scores(candidates, confidences)
    best = [0.0] + [-np.inf] * end
    came_by = [-1] * (end + 1)
    for index in sorted(range(len(candidates)), key=lambda i: candidates[i].stop):
        candidate = candidates[index]
        score = best[candidate.start] + scores[index]
        if score > best[candidate.stop]:
            best[candidate.stop], came_by[candidate.stop] = score, index
    path = []
    while end:
        if came_by[end] < 0:
            raise ValueError(f"candidates must cover every component; none leads from the start to number {end}.")
        path.append(came_by[end])
        end = candidates[came_by[end]].start
    return path[::-1]


def masked_path(
    candidates: Sequence[Candidate], probabilities: npt.ArrayLike, allowed: npt.ArrayLike
) -> tuple[list[int], float] | None:
    """Choose the candidates that cover a line once and are as many as a mask has signs: `best_path` under a mask.

    How sure the reader is of a candidate then depends on its place: it is the highest probability among the classes
    that the mask allows there.

    Parameters
    ----------
    candidates : sequence of k hcr_lib.segment.Candidate
    probabilities : array_like of float, shape (k, classes)
    allowed : array_like of bool, shape (n, classes)
        From `hcr_lib.masks.allowed`.

    Returns
    -------
    path : list of int
        n positions in `candidates`, left to right.
    score : float
        Of the path.
        Instead of both, None if no path of n candidates covers every component.
    """
    allowed = np.asarray(allowed, dtype=bool)
    confidences = np.where(allowed[:, None], np.asarray(probabilities), 0).max(axis=2)  # (n, k)
    scores = [_path_scores(candidates, row) for row in confidences]
    end = max((candidate.stop for candidate in candidates), default=0)
    best = {
        (0, 0): (0.0, -1)
    }  # (components covered, signs read) -> the score of the best way there, its last candidate
    for index in sorted(range(len(candidates)), key=lambda i: candidates[i].stop):
        start, stop = candidates[index].start, candidates[index].stop
        for place in range(len(allowed)):
            if (start, place) in best:
                score = best[start, place][0] + float(scores[place][index])
                if score > best.get((stop, place + 1), (-np.inf, -1))[0]:
                    best[stop, place + 1] = score, index
    if (end, len(allowed)) not in best:
        return None
    total, path = best[end, len(allowed)][0], []
    for place in range(len(allowed), 0, -1):
        path.append(best[end, place][1])
        end = candidates[path[-1]].start
    return path[::-1], total


def _path_scores(candidates: Sequence[Candidate], confidences: np.ndarray) -> np.ndarray:
    """Return what each candidate adds to the score of a path that takes it."""
    covered = np.array([each.stop - each.start for each in candidates])
    gaps = np.array([max(0.0, each.gap) for each in candidates])
    cuts = np.array([each.cuts for each in candidates])
    return (
        covered * np.log(np.maximum(confidences, _FLOOR))
        - GAP_COST * gaps
        - JOINT_COST * (covered - 1)
        - CUT_COST * cuts
    )


def is_one_character(whole: float, parts: npt.ArrayLike, gap: float) -> bool:
    """Return whether a few components are one character that has come apart, rather than a short word.

    They are if the reader is surer of the `whole` than, on average, of the `parts`: its highest probabilities for all
    components together, and for each character of the best path. It must be surer by more the wider the `gap` is, the
    widest between two components, in line heights.

    Examples
    --------
    >>> is_one_character(0.95, [0.9, 0.7], gap=0.0), is_one_character(0.95, [0.9, 0.7], gap=0.2)
    (True, False)
    """
    average = float(np.mean(np.log(np.maximum(parts, _FLOOR))))
    return bool(np.log(max(whole, _FLOOR)) - APART_COST * max(gap, 0.0) >= average)


def closest_word(
    probabilities: npt.ArrayLike, classes: str, lexicon: Lexicon | Iterable[str], cutoff: float = 0.6
) -> str | None:
    """Find the word of a lexicon that the scores support best.

    Words of the right length are scored character by character, by their summed log probabilities. If none of
    them comes near what was read, the nearest word of any length by edit distance is taken.

    Parameters
    ----------
    lexicon : hcr_lib.language.Lexicon, or iterable of str
    cutoff : float
        Least normalised edit similarity, from 0 to 1, between the word and what was read.

    Returns
    -------
    str or None
        The word as the lexicon spells it; None if nothing is near. A name that is not on the list must not be
        forced into one that is.

    Examples
    --------
    >>> scores = np.full((3, 26), 0.01); scores[[0, 1, 2], [2, 0, 19]] = 0.7  # reads "CAT"
    >>> closest_word(scores, string.ascii_uppercase, ["dog", "cat", "cart"])
    'cat'
    >>> closest_word(scores, string.ascii_uppercase, ["zebra"]) is None
    True
    """
    from rapidfuzz import distance, process  # here, since few readings have a lexicon

    lexicon = lexicon if isinstance(lexicon, Lexicon) else Lexicon(lexicon)
    scores = np.log(np.maximum(_checked(probabilities, classes), _FLOOR))
    read, similarity = argmax(probabilities, classes).upper(), distance.Levenshtein.normalized_similarity
    positions, columns = lexicon.of_length(len(scores), classes)
    if len(positions):
        totals = np.where(columns < 0, -np.inf, scores[np.arange(len(scores)), columns]).sum(axis=1)
        best = positions[totals.argmax()]
        if np.isfinite(totals.max()) and similarity(lexicon.upper[best], read) >= cutoff:
            return lexicon.entries[best]
    match = process.extractOne(read, lexicon.upper, scorer=similarity, score_cutoff=cutoff)
    return lexicon.entries[match[2]] if match else None
