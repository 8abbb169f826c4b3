"""From a line reader's scores to text: the best path, or a search together with what is known of the language.

A line reader answers for each step of a line with log probabilities, array_like of float of shape (steps,
1 + len(classes)): column 0 is the blank of `hcr_lib.ctc`, which derives and tests what is done here quickly.

References
----------
A. Graves, N. Jaitly, "Towards end-to-end speech recognition with recurrent neural networks", ICML 2014.
A. Y. Hannun, A. L. Maas, D. Jurafsky, A. Y. Ng, "First-pass large vocabulary continuous speech recognition using
bi-directional recurrent DNNs", 2014 (arXiv 1408.2873), for the language's probability and the reward of each character.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hcr_lib import ctc
from hcr_lib.language import Language

#: How much the language counts beside the scores, an exponent; and what each character earns, since each that is read
#: makes a text less probable: a logarithm. `hcr_lib.research.line_language` compares others.
WEIGHT, REWARD = 0.6, 1.2
WIDTH = 16  #: prefixes kept after each step
LEAST = 1e-4  #: a step's characters below this probability are not tried
SURE = 0.999  #: steps where the blank has more than this are all taken as blanks
FAR = 1e-6  #: prefixes are dropped that have less than this share of the best one's probability
ALTERNATIVES = 3


@dataclass(frozen=True)
class Place:
    """A character of a text that was read, and where.

    Attributes
    ----------
    char : str
    start, stop : int
        The steps of its own on the most probable path; blanks around it are in none.
    confidence : float
        The network's probability of the character where it was surest of it, blanks left out.
    alternatives : list of (str, float)
        Other characters but the space, and their probabilities there, the likeliest first. Where the language decided,
        they may be likelier than `char`.
    """

    char: str
    start: int
    stop: int
    confidence: float
    alternatives: list[tuple[str, float]]


def best_path(log_probs: npt.ArrayLike, classes: str) -> str:
    """Return the text of the most probable path, as `hcr_lib.ctc.greedy` does.

    Examples
    --------
    >>> best_path(np.log([[0.1, 0.8, 0.1], [0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.2, 0.7, 0.1]]), "AB")
    'AA'
    """
    best = ctc.ensure_log_probs(log_probs, classes).argmax(axis=1)
    new = np.concatenate([[True], best[1:] != best[:-1]]) & (best > 0)
    return "".join([classes[k - 1] for k in best[new].tolist()])


def search(
    log_probs: npt.ArrayLike,
    classes: str,
    language: Language | None = None,
    *,
    n: int = 1,
    weight: float = WEIGHT,
    reward: float = REWARD,
    width: int = WIDTH,
    least: float = LEAST,
    sure: float = SURE,
    far: float = FAR,
) -> list[tuple[str, float]]:
    """Return the best texts of a line by prefix beam search, with what the language says of each character.

    The score of a text is::

        log P(text | scores) + weight * log P(text | language) + reward * characters

    It grows character by character, so that the language decides which prefixes are kept, not only among those left.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
    classes : str
        Of a single case or of both; a space stands between words.
    language : hcr_lib.language.Language, optional
        Without it, `weight` and `reward` do not count, and texts and scores are those of `hcr_lib.ctc.beam_search`, up
        to what the other parameters leave out.
    n : int
        How many texts, at most `width`.
    width : int
        How many prefixes are kept after each step.
    least, sure, far : float
        Probabilities: characters below `least` are not tried; steps whose blank is above `sure` are passed over;
        prefixes below `far` times the best one are dropped. With 0, 1 and 0 nothing is left out.

    Returns
    -------
    list of (str, float)
        Texts and scores, the best first.

    Raises
    ------
    ValueError
        If shapes do not fit, rows are not log probabilities, or `n` or `width` is below 1.

    Examples
    --------
    >>> from hcr_lib.language import CharacterModel, Language, Lexicon
    >>> words = Lexicon(["the", "cat"])
    >>> language = Language(words, CharacterModel(words))
    >>> scores = np.log(np.full((3, 5), 0.01) + [[0, 0, 0, 0, 0.95], [0, 0, 0.45, 0.5, 0], [0, 0.95, 0, 0, 0]])
    >>> best_path(scores, "ehkt"), search(scores, "ehkt")[0][0], search(scores, "ehkt", language)[0][0]
    ('tke', 'tke', 'the')
    """
    if not 1 <= n <= width:
        raise ValueError(f"n must be at least 1 and at most the width, {width}; got {n}.")
    rows = np.exp(ctc.ensure_log_probs(log_probs, classes))
    bonus = math.exp(reward) if language else 1.0
    # text -> probabilities of its paths that end in a blank, and in its last character, both times its language's; and
    # the place in the language behind it. They are divided by the best at each step, lest they vanish.
    beam = {"": (1.0, 0.0, language.start if language else None)}
    scale, passing = 0.0, False
    tried = rows[:, 1:] >= np.minimum(least, rows.max(axis=1, keepdims=True))
    for row, columns in zip(rows, tried, strict=True):
        blank = float(row[0])
        if blank > sure:
            if not passing:
                beam = {text: (in_blank + in_char, 0.0, node) for text, (in_blank, in_char, node) in beam.items()}
            passing = True
            continue
        passing = False
        likely = sorted(((float(row[k + 1]), classes[k]) for k in np.flatnonzero(columns).tolist()), reverse=True)
        again = {char: score for score, char in likely}
        grown = {
            text: [(in_blank + in_char) * blank, in_char * again.get(text[-1:], 0.0), node]
            for text, (in_blank, in_char, node) in beam.items()
        }
        # A text that ends below the `width` best so far will not be kept: the language need not be asked about it.
        leaders = heapq.nlargest(width, [in_blank + in_char for in_blank, in_char, _ in grown.values()])[::-1]
        leaders = [0.0] * (width - len(leaders)) + leaders
        for text, (in_blank, in_char, node) in beam.items():
            either, last = in_blank + in_char, text[-1:]
            for score, char in likely:
                ends, place, longer = (in_blank if char == last else either) * score * bonus, node, text + char
                known = grown.get(longer)
                if known is None and ends <= leaders[0]:
                    continue
                if node is not None:
                    probability, place = node.after.get(char) or language.step(node, char)
                    ends *= probability**weight
                if known is not None:
                    known[1] += ends
                elif ends > leaders[0]:
                    grown[longer] = [0.0, ends, place]
                    heapq.heapreplace(leaders, ends)
        best = max(in_blank + in_char for in_blank, in_char, _ in grown.values())
        scale += math.log(best)
        kept = heapq.nlargest(width, [item for item in grown.items() if sum(item[1][:2]) > best * far], key=_total)
        beam = {text: (in_blank / best, in_char / best, node) for text, (in_blank, in_char, node) in kept}
    found = []
    for text, (in_blank, in_char, node) in beam.items():
        ended = 1.0 if node is None else language.end(node) ** weight
        found.append((text, scale + math.log((in_blank + in_char) * ended)))
    return heapq.nlargest(n, found, key=lambda item: item[1])


def masked_path(log_probs: npt.ArrayLike, classes: str, allowed: npt.ArrayLike) -> str | None:
    """Return the text of the most probable path whose characters fit a mask: Viterbi (1967) over place and character.

    A path is at a place of the mask, in a character that is allowed there or in the blank behind it. It goes on to the
    next place, from a character to the same one again only through a blank.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
    classes : str
    allowed : array_like of bool, shape (n, len(classes))
        From `hcr_lib.masks.allowed`.

    Returns
    -------
    str or None
        n characters; None if the line has too few steps for so many.

    Examples
    --------
    >>> scores = np.log([[0.1, 0.5, 0.3, 0.1], [0.7, 0.1, 0.1, 0.1], [0.1, 0.5, 0.3, 0.1]])
    >>> best_path(scores, "O0A"), masked_path(scores, "O0A", [[True, False, True], [False, True, False]])
    ('OO', 'O0')
    """
    log_probs, allowed = ctc.ensure_log_probs(log_probs, classes), np.asarray(allowed, dtype=bool)
    places, columns = allowed.shape
    # Of the best paths that are in each character of each place, and in the blank behind each place (row 0: before the
    # first), the log probability, and which characters they have come through.
    inside, through = np.full((places, columns), -np.inf), np.zeros((places, columns, places), int)
    behind, passed = np.full(places + 1, -np.inf), np.zeros((places + 1, places), int)
    behind[0] = 0.0
    place, column = np.arange(places), np.arange(columns)
    for row in log_probs:
        first = inside.argmax(axis=1)
        best = inside[place, first]
        others = inside.copy()
        others[place, first] = -np.inf
        second = others.argmax(axis=1)
        # From a place to the next: out of its likeliest character, or of the second if that one is to be read again.
        leaves = np.where(column == first[:, None], second[:, None], first[:, None])[:-1]
        direct = np.full((places, columns), -np.inf)
        direct[1:] = np.where(column == first[:, None], others[place, second][:, None], best[:, None])[:-1]
        entering = np.maximum(direct, behind[:-1, None])
        via_blank = behind[:-1, None] >= direct
        texts = np.broadcast_to(passed[:-1, None], through.shape).copy()
        texts[1:][~via_blank[1:]] = through[place[:-1, None], leaves][~via_blank[1:]]
        texts[place, :, place] = column
        stays = inside >= entering
        resting = best > behind[1:]
        passed[1:] = np.where(resting[:, None], through[place, first], passed[1:])
        behind[1:] = np.maximum(best, behind[1:])
        behind += row[0]
        through = np.where(stays[..., None], through, texts)
        inside = np.where(allowed, np.maximum(inside, entering) + row[1:], -np.inf)
    last = inside[-1].argmax()
    if max(inside[-1, last], behind[-1]) == -np.inf:
        return None
    text = through[-1, last] if inside[-1, last] > behind[-1] else passed[-1]
    return "".join(classes[k] for k in text.tolist())


def _total(item: tuple[str, list]) -> float:
    return item[1][0] + item[1][1]


def locate(log_probs: npt.ArrayLike, text: str, classes: str) -> list[Place]:
    """Return where each character of a text lies in the line, and which others it might be.

    Parameters
    ----------
    log_probs : array_like of float, shape (steps, 1 + len(classes))
    text, classes : str

    Raises
    ------
    ValueError
        As `hcr_lib.ctc.best_alignment`, whose path is taken.

    Examples
    --------
    >>> scores = np.log([[0.1, 0.8, 0.1], [0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.2, 0.2, 0.6]])
    >>> [(place.char, place.start, place.stop, round(place.confidence, 2)) for place in locate(scores, "AB", "AB")]
    [('A', 0, 1, 0.89), ('B', 2, 4, 0.89)]
    """
    states = ctc.best_alignment(log_probs, text, classes)
    scores = np.exp(np.asarray(log_probs, dtype="float64"))[:, 1:]
    places = []
    for number, char in enumerate(text):
        start, stop = np.searchsorted(states, [2 * number + 1, 2 * number + 2]).tolist()
        column = classes.index(char)
        row = scores[start + scores[start:stop, column].argmax()]
        row = row / row.sum()
        others = [k for k in np.argsort(row)[::-1].tolist() if k != column and classes[k] != " "][:ALTERNATIVES]
        rest = [(classes[k], float(row[k])) for k in others]
        places.append(Place(char, start, stop, float(row[column]), rest))
    return places
