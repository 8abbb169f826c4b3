"""Connectionist temporal classification (CTC): learning and reading text without alignments.

A network reads a line of writing as a sequence of time steps. At each it predicts a character, or the *blank*:
"nothing new". A sequence of such predictions is a **path**; it *collapses* to a text when repeats are merged and blanks
removed, and many paths collapse to the same text. The probability of a text is the sum over all of them, which the
forward algorithm computes without listing them; its negative logarithm is the loss that trains the network.

Everything here is NumPy, written to be read, and slow; Keras has the same loss for training. Lesson 04 derives it.

A network's output is passed as log probabilities of shape (steps, 1 + len(classes)): column 0 is the blank, column
k + 1 is ``classes[k]``. In figures and paths the blank is written ``-``.

References
----------
A. Graves, S. Fernández, F. Gomez, J. Schmidhuber, "Connectionist temporal classification: labelling unsegmented
sequence data with recurrent neural networks", ICML 2006.
"""

import heapq
from collections.abc import Iterator
from itertools import groupby, pairwise, product

import numpy as np
import numpy.typing as npt

BLANK = "-"  #: how the blank is written
_NEVER = -np.inf  # the log probability of the impossible


def collapse(path: str) -> str:
    """Return the text of a path: merge repeats, then remove blanks.

    Examples
    --------
    >>> collapse("--33-8-8"), collapse("3388")
    ('388', '38')
    """
    return "".join(char for char, _ in groupby(path) if char != BLANK)


def interleave(text: str) -> str:
    """Return the states of a text in order: a blank before, between and after its characters.

    Examples
    --------
    >>> interleave("38")
    '-3-8-'
    """
    return BLANK + "".join(char + BLANK for char in text)


def alignments(text: str, steps: int) -> list[str]:
    """List all paths of a given length that collapse to a text; only for short ones, as their number explodes.

    They are in alphabetical order; there are none if the text is too long.

    Examples
    --------
    >>> alignments("38", 3)
    ['-38', '3-8', '338', '38-', '388']
    >>> alignments("33", 3), alignments("33", 2)
    (['3-3'], [])
    """
    if BLANK in text:
        raise ValueError(f"{BLANK!r} stands for the blank and cannot be part of the text; got {text!r}.")
    paths = map("".join, product(sorted({BLANK, *text}), repeat=steps))
    return [path for path in paths if path and collapse(path) == text]


def log_softmax(scores: npt.ArrayLike) -> np.ndarray:
    """Convert scores to log probabilities along the last axis; float64 of the same shape.

    Examples
    --------
    >>> np.exp(log_softmax([0.0, np.log(3)])).round(2).tolist()
    [0.25, 0.75]
    """
    scores = np.asarray(scores, dtype="float64")
    return scores - np.logaddexp.reduce(scores, axis=-1, keepdims=True)


def ensure_log_probs(log_probs: npt.ArrayLike, classes: str) -> np.ndarray:
    """Return log probabilities of shape (steps, 1 + len(classes)) as float64; anything else is refused.

    Raises
    ------
    ValueError
        If the shape is another, or the probabilities of a row do not add up to 1.
    """
    log_probs = np.asarray(log_probs, dtype="float64")
    if log_probs.ndim != 2 or log_probs.shape[1] != 1 + len(classes) or len(log_probs) == 0:
        hint = " Did you pass a batch? Try log_probs[0]." if log_probs.ndim == 3 else ""
        raise ValueError(
            f"log_probs must have one row per step, at least one, and a column for the blank and each class, shape "
            f"(steps, {1 + len(classes)}); got shape {log_probs.shape}.{hint}"
        )
    with np.errstate(invalid="ignore"):  # NaN is refused below, with a message
        sums = np.logaddexp.reduce(log_probs, axis=1)
    if not np.allclose(sums, 0, atol=1e-3):
        raise ValueError(
            "log_probs must hold logarithms of probabilities that add up to 1 in each row; got rows that add up to "
            f"{np.exp(sums.min()):.3g} to {np.exp(sums.max()):.3g}. Use ctc.log_softmax on a network's scores, or "
            "np.log on its probabilities."
        )
    return log_probs


def forward(log_probs: npt.ArrayLike, text: str, classes: str) -> np.ndarray:
    """Return the forward variables: for each step and state, the probability of all partial paths that end there.

    From a state a path may stay, go on to the next, or skip the blank between two *different* characters. So each
    value is the sum of at most three of the step before, times the network's probability of its state: equations 5 to 8
    of Graves et al. 2006.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
        Column 0 is the blank.
    text, classes : str

    Returns
    -------
    ndarray of float64, shape (steps, 2 * len(text) + 1)
        Logarithms; the states are those of `interleave`.

    Raises
    ------
    ValueError
        If shapes do not fit, rows are not log probabilities, or the text has a character outside `classes`.
    """
    emitted, skips = _emissions(log_probs, text, classes)
    alpha = np.full_like(emitted, _NEVER)
    alpha[0, :2] = emitted[0, :2]  # a path begins with the blank or the first character
    for step in range(1, len(emitted)):
        alpha[step] = np.logaddexp.reduce(_arriving(alpha[step - 1], skips)) + emitted[step]
    return alpha


def loss(log_probs: npt.ArrayLike, text: str, classes: str) -> float:
    """Return the negative log probability of a text: the CTC loss of one line.

    Parameters are those of `forward`. Infinite where no path of this length collapses to the text.

    Examples
    --------
    >>> even = np.log(np.full((3, 3), 1 / 3))  # three steps; blank, A and B equally likely
    >>> round(float(np.exp(-loss(even, "AB", "AB"))) * 27)  # of the 27 paths
    5
    >>> loss(even, "AABB", "AB")
    inf
    """
    # A path ends in the last character or in the blank behind it.
    return -float(np.logaddexp.reduce(forward(log_probs, text, classes)[-1, -2:]))


def posterior(log_probs: npt.ArrayLike, text: str, classes: str) -> np.ndarray:
    """Return the posterior probability of each state at each step, given the text: its share of the text's paths.

    The backward variables are the forward variables of the reversed line. The gradient of the loss with respect to the
    scores before the softmax is the softmax minus this posterior, summed over the states of each class: equations 9 to
    16 of Graves et al. 2006.

    Parameters, errors and the shape are those of `forward`; it is an error too if no path collapses to the text. Each
    row adds up to 1.
    """
    emitted, _ = _emissions(log_probs, text, classes)
    before = forward(log_probs, text, classes)
    after = forward(np.asarray(log_probs)[::-1], text[::-1], classes)[::-1, ::-1]
    total = np.logaddexp.reduce(before[-1, -2:])
    _ensure_possible(total, text, len(emitted))
    # Both sums count the step itself. Where it is impossible, -inf minus -inf would be NaN.
    once = np.where(np.isfinite(emitted), emitted, 0)
    return np.exp(before + after - once - total)


def best_alignment(log_probs: npt.ArrayLike, text: str, classes: str) -> np.ndarray:
    """Return the most probable path that collapses to a text (Viterbi 1967): `forward` with max for sum.

    Parameters and errors are those of `posterior`.

    Returns
    -------
    ndarray of int64, shape (steps,)
        The state at each step, as an index into those of `interleave`.

    Examples
    --------
    >>> scores = log_softmax([[0, 9, 0], [9, 0, 0], [0, 0, 9], [0, 0, 9]])
    >>> "".join(interleave("AB")[state] for state in best_alignment(scores, "AB", "AB"))
    'A-BB'
    """
    emitted, skips = _emissions(log_probs, text, classes)
    best = np.where(np.arange(emitted.shape[1]) < 2, emitted[0], _NEVER)
    came_by = np.zeros(emitted.shape, int)  # how many states further back the path was at the step before
    for step in range(1, len(emitted)):
        arriving = _arriving(best, skips)
        came_by[step] = arriving.argmax(axis=0)
        best = arriving.max(axis=0) + emitted[step]
    state = max(range(len(best))[-2:], key=best.__getitem__)
    _ensure_possible(best[state], text, len(emitted))
    path = [state]
    for back in came_by[:0:-1]:
        path.append(path[-1] - back[path[-1]])
    return np.array(path[::-1])


def greedy(log_probs: npt.ArrayLike, classes: str) -> str:
    """Return the text of the most probable path: the best prediction of each step, collapsed.

    Fast, and nearly always good enough; but the most probable path need not belong to the most probable text.

    Examples
    --------
    >>> scores = np.log([[0.6, 0.4], [0.6, 0.4]])  # blank, A
    >>> greedy(scores, "A"), beam_search(scores, "A")[0][0]  # 0.36 for no text, 0.64 for A
    ('', 'A')
    """
    best = ensure_log_probs(log_probs, classes).argmax(axis=1)
    return "".join(classes[k - 1] for k, _ in groupby(best) if k > 0)


def beam_search(log_probs: npt.ArrayLike, classes: str, width: int = 8) -> list[tuple[str, float]]:
    """Return the most probable texts by prefix beam search: extend them step by step, and keep the best few.

    Each prefix carries two sums: over its paths that end in a blank, and over those that end in its last character.
    Only after a blank does the same character count as a second one (A. Graves, N. Jaitly, "Towards end-to-end speech
    recognition with recurrent neural networks", ICML 2014).

    Parameters
    ----------
    log_probs, classes
        As for `forward`.
    width : int
        How many prefixes are kept after each step, at least 1. If none is dropped, the result is exact.

    Returns
    -------
    list of (str, float)
        At most `width` texts and their log probabilities, the most probable first. These are lower bounds: the paths
        of dropped prefixes are missing from them.

    Examples
    --------
    >>> scores = np.log([[0.6, 0.4], [0.6, 0.4]])
    >>> [(text, round(float(np.exp(p)), 2)) for text, p in beam_search(scores, "A")]
    [('A', 0.64), ('', 0.36)]
    """
    if width < 1:
        raise ValueError(f"width must be at least 1: how many prefixes are kept after each step; got {width}.")
    beam = {"": (0.0, _NEVER)}  # text -> log probability of its paths that end (in a blank, in its last character)
    for row in ensure_log_probs(log_probs, classes):
        grown: dict[str, npt.ArrayLike] = {}
        for text, (in_blank, in_char) in beam.items():
            for longer, ends in _grow(text, in_blank, in_char, row, classes):
                grown[longer] = np.logaddexp(grown.get(longer, _NEVER), ends)
        found = [item for item in grown.items() if max(item[1]) > _NEVER]
        beam = dict(heapq.nlargest(width, found, key=lambda item: np.logaddexp(*item[1])))
    return [(text, float(np.logaddexp(*ends))) for text, ends in beam.items()]


def _grow(
    text: str, in_blank: float, in_char: float, row: np.ndarray, classes: str
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Extend all paths of a prefix by one step; yield each text they reach and how: (in a blank, in a character)."""
    either = np.logaddexp(in_blank, in_char)
    yield text, (either + row[0], _NEVER)
    for char, score in zip(classes, row[1:], strict=True):
        if text.endswith(char):
            yield text, (_NEVER, in_char + score)  # the same character goes on
            yield text + char, (_NEVER, in_blank + score)  # a second one, after a blank
        else:
            yield text + char, (_NEVER, either + score)


def _arriving(before: np.ndarray, skips: np.ndarray) -> np.ndarray:
    """Return what arrives at each state from itself, from the one before it, and by a skip; shape (3, states)."""
    arriving = np.full((3, len(before)), _NEVER)
    arriving[0] = before
    arriving[1, 1:] = before[:-1]
    arriving[2, 2:] = np.where(skips[2:], before[:-2], _NEVER)
    return arriving


def _emissions(log_probs: npt.ArrayLike, text: str, classes: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the log probability of each state, (steps, states), and which states a skip may reach.

    These are characters that differ from the one before the blank.
    """
    log_probs = ensure_log_probs(log_probs, classes)
    unknown = sorted(set(text) - set(classes))
    if unknown:
        raise ValueError(f"text may only hold the characters {classes!r}; got {', '.join(unknown)} in {text!r}.")
    columns = np.zeros(2 * len(text) + 1, int)
    columns[1::2] = [classes.index(char) + 1 for char in text]
    skips = np.zeros(len(columns), bool)
    skips[2:] = columns[2:] != columns[:-2]
    return log_probs[:, columns], skips


def _ensure_possible(log_probability: float, text: str, steps: int) -> None:
    if np.isneginf(log_probability):
        fewest = len(text) + sum(one == other for one, other in pairwise(text))
        raise ValueError(
            f"no path of {steps} steps collapses to {text!r}; expected at least {fewest} steps (equal neighbours need "
            "a blank between them), and a probability above 0 on the way."
        )
