"""Exercises of lesson 06: words."""

import string
from bisect import bisect_left
from collections.abc import Iterator, Sequence

import numpy as np

from hcr_lib.checks._exercise import Exercise
from hcr_lib.checks._function import FunctionExercise

Spans = Sequence[tuple[int, int]]


def best_path(spans: Spans, scores: Sequence[float]) -> list[int]:
    """Return the positions of the spans that cover all pieces once, with the highest sum of scores."""
    best = {0: (0.0, [])}
    for number, (start, stop) in enumerate(spans):
        if start in best:
            total, path = best[start][0] + scores[number], [*best[start][1], number]
            if stop not in best or total > best[stop][0]:
                best[stop] = total, path
    return best[max(best)][1]


def _spans(rng: np.random.Generator) -> Iterator[tuple]:
    # The worked example; a greedy choice that leads nowhere good; one that cannot be covered by the best span.
    yield [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)], [-0.5, -0.9, -0.7, -0.3, -0.1]
    yield [(0, 1)], [-2.0]
    yield [(0, 1), (0, 2), (2, 3)], [-0.1, -1.0, -1.0]
    yield [(0, 1), (1, 3), (2, 3)], [-0.5, -0.5, -0.1]  # no span stops at 2; the lesson's candidates have such starts
    for pieces in (4, 7, 9):
        spans = [(start, stop) for stop in range(1, pieces + 1) for start in range(max(0, stop - 3), stop)]
        yield spans, [float(-score) for score in rng.gamma(1.0, 1.0, len(spans)) * [b - a for a, b in spans]]


def _trusting(spans: Spans, scores: Sequence[float]) -> list[int]:
    """Raise KeyError at a span whose start no way has reached."""
    best = {0: (0.0, [])}
    for number, (start, stop) in enumerate(spans):
        total, path = best[start]
        if stop not in best or total + scores[number] > best[stop][0]:
            best[stop] = total + scores[number], [*path, number]
    return best[max(best)][1]


def _one_list(spans: Spans, scores: Sequence[float]) -> list[int]:
    """Append to the path of another boundary, which thereby changes, too."""
    best = {0: (0.0, [])}
    for number, (start, stop) in enumerate(spans):
        if start in best:
            total, path = best[start]
            if stop not in best or total + scores[number] > best[stop][0]:
                path.append(number)
                best[stop] = total + scores[number], path
    return best[max(best)][1]


def _greedy(spans: Spans, scores: Sequence[float]) -> list[int]:
    """Go to the best next span; raise ValueError where there is none."""
    path, at, end = [], 0, spans[-1][1]
    while at < end:
        path.append(max((n for n, (start, _) in enumerate(spans) if start == at), key=lambda n: scores[n]))
        at = spans[path[-1]][1]
    return path


def _one_list_trusting(spans: Spans, scores: Sequence[float]) -> list[int]:
    _trusting(spans, scores)  # which may raise
    return _one_list(spans, scores)


def _walk(choose, spans: Spans, scores: Sequence[float]) -> list[int]:
    """Go from left to right, at each boundary to the span that `choose` likes best; give up where there is none."""
    path, at, end = [], 0, max(stop for _, stop in spans)
    while at < end:
        open_to = [number for number, (start, _) in enumerate(spans) if start == at]
        if not open_to:
            break
        path.append(max(open_to, key=lambda number: choose(spans[number], scores[number])))
        at = spans[path[-1]][1]
    return path


def _last_way(spans: Spans, scores: Sequence[float]) -> list[int]:
    """Keep the last way to each boundary, not the best."""
    came_by = {stop: number for number, (_, stop) in enumerate(spans)}
    path, at = [], max(came_by)
    while at:
        path.append(came_by[at])
        at = spans[path[-1]][0]
    return path[::-1]


def _best_last_step(spans: Spans, scores: Sequence[float]) -> list[int]:
    """Take at each boundary the best span that ends there, whatever the way to its start costs."""
    path, at = [], max(stop for _, stop in spans)
    while at:
        ends = [number for number, (_, stop) in enumerate(spans) if stop == at]
        path.append(max(ends, key=lambda number: scores[number]))
        at = spans[path[-1]][0]
    return path[::-1]


def read_with_mask(scores: np.ndarray, classes: str, mask: str) -> str:
    """Return the likeliest character of each row that its sign allows: L a letter, D a digit."""
    text = ""
    for row, sign in zip(scores, mask, strict=True):
        allowed = [char.isalpha() if sign == "L" else char.isdigit() for char in classes]
        text += classes[int(np.where(allowed, row, -np.inf).argmax())]
    return text


def _masked(rng: np.random.Generator) -> Iterator[tuple]:
    doubles = np.array([[0.50, 0.40, 0.05, 0.05], [0.10, 0.10, 0.35, 0.45]])
    yield doubles, "0O1I", "LD"
    yield doubles, "0O1I", "DL"
    alnum = string.digits + string.ascii_uppercase
    for mask in ("LLDDD", "DDDDD", "LDLDL"):
        yield rng.dirichlet(np.ones(36), len(mask)), alnum, mask
        yield np.log(rng.dirichlet(np.ones(62), len(mask))), alnum + string.ascii_lowercase, mask


def _second_best(scores: np.ndarray, classes: str, mask: str) -> str:
    text = ""
    for row, sign in zip(scores, mask, strict=True):
        order = np.argsort(row)[::-1]
        likeliest = classes[order[0]]
        right = likeliest.isalpha() if sign == "L" else likeliest.isdigit()
        text += likeliest if right else classes[order[1]]
    return text


def edits(first: str, second: str) -> int:
    """Return the least number of characters to insert, delete or replace that turns one text into the other."""
    row = list(range(len(second) + 1))
    for i, char in enumerate(first, start=1):
        above, row = row, [i]
        for j, other in enumerate(second, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (char != other)))
    return row[-1]


def _text_pairs(rng: np.random.Generator) -> Iterator[tuple]:
    yield from (("MARLO", "MAIL"), ("HELLO", "HELO"), ("", "ABC"), ("ABC", ""), ("SAME", "SAME"), ("ABCDEF", "BCDEF"))
    yield from (("kitten", "sitting"), ("AB", "BA"), ("intention", "execution"), ("A", "B"))
    yield from (tuple("".join(rng.choice(list("ABC"), rng.integers(1, 9))) for _ in range(2)) for _ in range(6))


def _weighted_edits(first: str, second: str, replacing: int, aside: int = 1) -> int:
    row = [j * aside for j in range(len(second) + 1)]
    for i, char in enumerate(first, start=1):
        above, row = row, [i * aside]
        for j, other in enumerate(second, start=1):
            row.append(min(above[j] + aside, row[j - 1] + aside, above[j - 1] + replacing * (char != other)))
    return row[-1]


def _place_by_place(first: str, second: str) -> int:
    return sum(one != other for one, other in zip(first, second, strict=False)) + abs(len(first) - len(second))


def best_word(scores: np.ndarray, classes: str, words: Sequence[str], shares: Sequence[float], weight: float) -> str:
    """Return the word of the highest log score: of its characters, plus `weight` times the log of its share."""
    return words[int(np.argmax(_by_ink(scores, classes, words) + weight * np.log(shares)))]


def _by_ink(scores: np.ndarray, classes: str, words: Sequence[str]) -> np.ndarray:
    """Return the log probability of each word's characters."""
    places = np.arange(len(scores))
    return np.array([np.log(scores[places, [classes.index(char) for char in word]]).sum() for word in words])


def _words_and_shares(rng: np.random.Generator) -> Iterator[tuple]:
    cat = np.full((3, 26), 0.01)
    cat[[0, 1, 2], [2, 0, 19]] = 0.75  # reads CAT
    letters = string.ascii_uppercase
    yield cat, letters, ["DOG", "CAT"], [0.5, 0.5], 1.0
    yield cat, letters, ["CAT", "CAR"], [0.0001, 0.9999], 1.0  # all but the ink speaks for CAR
    yield cat, letters, ["CAT", "CAR"], [0.0001, 0.9999], 0.0
    yield cat, letters, ["CAT", "CAR"], [0.0001, 0.9999], 0.25
    unsure = cat.copy()
    unsure[2, [17, 19]] = 0.35, 0.40  # CAR, or CAT
    yield unsure, letters, ["CAT", "CAR"], [0.1, 0.9], 1.0
    for length, weight in ((3, 0.5), (4, 1.0), (5, 2.0), (5, 0.0), (6, 0.7), (4, 4.0)):
        words = ["".join(rng.choice(list(letters), length)) for _ in range(30)]
        yield rng.dirichlet(np.full(26, 2.0), length), letters, words, rng.dirichlet(np.full(30, 0.3)) + 1e-9, weight


def _likely(ink, share):
    """Return the rule that takes the word for which ink and share, each made into a number, sum up to the most."""

    def rule(scores, classes, words, shares, weight):
        logs = _by_ink(scores, classes, words)
        return words[int(np.argmax(ink(logs) + share(np.asarray(shares), weight)))]

    return rule


def _sum_of_probabilities(scores, classes, words, shares, weight):
    places = np.arange(len(scores))
    sums = [scores[places, [classes.index(char) for char in word]].sum() for word in words]
    return words[int(np.argmax(np.array(sums) + weight * np.log(shares)))]


def _all_summed(scores, classes, words, shares, weight):
    places = np.arange(len(scores))
    sums = [scores[places, [classes.index(char) for char in word]].sum() for word in words]
    return words[int(np.argmax(np.array(sums) + np.asarray(shares) ** weight))]


def completions(prefix: str, words: Sequence[str], counts: Sequence[float], n: int) -> list[str]:
    """Return the at most `n` words of highest count that begin with `prefix`; `words` are sorted."""
    first, last = bisect_left(words, prefix), bisect_left(words, prefix + "\uffff")
    return [words[k] for k in sorted(range(first, last), key=lambda k: -counts[k])[:n]]


def _lists(rng: np.random.Generator) -> Iterator[tuple]:
    words = ["a", "an", "ant", "bat", "the", "them", "then", "theory", "there", "zoo"]
    counts = [90, 40, 3, 8, 95, 20, 30, 4, 25, 2]
    yield "the", words, counts, 3
    yield "th", words, counts, 10
    yield "a", words, counts, 1
    yield "", words, counts, 2
    yield "q", words, counts, 3
    yield "zoo", words, counts, 3
    made = sorted({"".join(rng.choice(list("abc"), rng.integers(1, 6))) for _ in range(120)})
    for prefix in ("a", "ab", "ccc", "b"):
        yield prefix, made, rng.permutation(len(made)).tolist(), 3


def _ranked(keep, key):
    """Return a completion by another rule: which words are kept, and in which order."""

    def rule(prefix, words, counts, n):
        found = [k for k, word in enumerate(words) if keep(word, prefix)]
        return [words[k] for k in sorted(found, key=lambda k: key(counts[k]))[:n]]

    return rule


# 06.6: prototypes
def nearest_mean(features: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    """Return for each row of `new` the label whose drawings have the nearest mean."""
    known = np.unique(labels)
    means = np.stack([features[labels == label].mean(axis=0) for label in known])
    return known[np.square(new[:, None] - means).sum(axis=2).argmin(axis=1)]


def _drawings(rng: np.random.Generator) -> Iterator[tuple]:
    # A mean between two drawings, of which a third is nearer to one; labels with gaps; uneven numbers of drawings.
    yield np.array([[0.0, 0.0], [8.0, 0.0], [5.5, 0.0]]), np.array([3, 3, 7]), np.array([[7.5, 0.0], [4.1, 0.0]])
    for classes, drawings, size in ((3, 12, 2), (5, 25, 8), (9, 40, 16)):
        labels = rng.permutation(np.r_[np.arange(classes), rng.integers(classes, size=drawings - classes)]) * 4 + 1
        yield rng.normal(size=(drawings, size)), labels, rng.normal(size=(10, size))


def _nearest_drawing(features: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    return labels[np.square(new[:, None] - features).sum(axis=2).argmin(axis=1)]


def _most_alike(features: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    known = np.unique(labels)
    means = np.stack([features[labels == label].mean(axis=0) for label in known])
    return known[(new @ means.T).argmax(axis=1)]


# 06.7: where the last layer should go
def slope(
    weights: np.ndarray, shipped: np.ndarray, features: np.ndarray, labels: np.ndarray, strength: float
) -> np.ndarray:
    """Return the slope of the cost at `weights`: of the surprise, and of the distance from the shipped layer."""
    return _pull(weights, features, labels) + strength * (weights - shipped)


def _pull(weights: np.ndarray, features: np.ndarray, labels: np.ndarray, written: bool = True) -> np.ndarray:
    scores = features @ weights
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    return features.T @ (shares - written * np.eye(weights.shape[1])[labels])


def _layers(rng: np.random.Generator) -> Iterator[tuple]:
    for features, classes, drawings in ((1, 2, 1), (3, 4, 5), (6, 9, 20)):
        shipped = rng.normal(size=(features, classes))
        weights = shipped + rng.normal(size=shipped.shape)
        yield weights, shipped, rng.normal(size=(drawings, features)), rng.integers(classes, size=drawings), 3.0
    yield shipped.copy(), shipped, rng.normal(size=(20, 6)), rng.integers(9, size=20), 0.5


EXERCISES: dict[str, Exercise | FunctionExercise] = {
    "06.1": FunctionExercise(
        solution=best_path,
        inputs=_spans,
        hint="Keep, for each boundary, the best total so far and its path; start with {0: (0, [])}.",
        slips=[
            (
                lambda spans, scores: _walk(lambda span, score: score, spans, scores),
                "That takes the best next span at each boundary: greedy. A poor span may open the way to a good one.",
            ),
            (_greedy, "That takes the best next span at each boundary: greedy. It may lead where no span goes on."),
            (_trusting, "No span stops where one of the spans starts, so no way leads to it: pass over such a span."),
            *(
                (one, "The append changes the way to the span's start as well: make a new list, [*path, number].")
                for one in (_one_list, _one_list_trusting)
            ),
            (
                lambda spans, scores: _walk(lambda span, score: -span[1], spans, scores),
                "That takes every piece alone. Spans of several pieces may score higher.",
            ),
            (
                lambda spans, scores: _walk(lambda span, score: span[1], spans, scores),
                "That makes the fewest characters, whatever they score.",
            ),
            (_last_way, "That keeps the last way to each boundary: replace one only by a better total."),
            (
                _best_last_step,
                "That compares only the last spans. Compare totals: the best way to the span's start, plus its score.",
            ),
            (
                lambda spans, scores: best_path(spans, [-score for score in scores]),
                "That finds the path of the lowest total: scores are better the higher they are.",
            ),
            (
                lambda spans, scores: [spans[number] for number in best_path(spans, scores)],
                "The path is right; return the positions in the list, not the spans.",
            ),
            (lambda spans, scores: best_path(spans, scores)[::-1], "Right, but from right to left: turn it round."),
        ],
    ),
    "06.2": FunctionExercise(
        solution=read_with_mask,
        inputs=_masked,
        hint="For each row and sign: strike out what the sign forbids, then take the likeliest of what is left.",
        slips=[
            (
                lambda scores, classes, mask: "".join(classes[k] for k in scores.argmax(axis=1)),
                "That is the likeliest of each row; the mask has no say yet.",
            ),
            (
                lambda scores, classes, mask: read_with_mask(
                    scores, classes, mask.translate(str.maketrans("LD", "DL"))
                ),
                "The signs are exchanged: L stands for a letter, D for a digit.",
            ),
            (
                lambda scores, classes, mask: read_with_mask(scores, classes, mask[0] * len(mask)),
                "Every row has a sign of its own: zip the rows with the mask.",
            ),
            (_second_best, "The second best may be forbidden as well: choose among all that the sign allows."),
            (
                lambda scores, classes, mask: "".join(
                    classes[int(np.where([c.isalpha() if s == "L" else c.isdigit() for c in classes], row, 0).argmax())]
                    for row, s in zip(scores, mask, strict=True)
                ),
                "Log probabilities are below 0, so 0 is no low score: strike out with -np.inf.",
            ),
            (
                lambda scores, classes, mask: list(read_with_mask(scores, classes, mask)),
                "Right; now join the characters to one text.",
            ),
        ],
    ),
    "06.3": FunctionExercise(
        solution=best_word,
        inputs=_words_and_shares,
        hint="Score a word: add the logs of its characters' probabilities, and weight times the log of its share.",
        slips=[
            (
                _likely(lambda logs: logs, lambda shares, weight: 0),
                "That listens to the ink alone: add weight times the log of the share.",
            ),
            (
                _likely(lambda logs: 0 * logs, lambda shares, weight: np.log(shares)),
                "That is the commonest word, whatever was written: add the logs of its characters.",
            ),
            (
                _likely(lambda logs: logs, lambda shares, weight: np.log(shares)),
                "The weight has no say yet: multiply the log of the share by it.",
            ),
            (
                _likely(lambda logs: logs, lambda shares, weight: weight * shares),
                "Ink in logs, shares without: take the log of both, or a rare word costs next to nothing.",
            ),
            (
                _likely(np.exp, lambda shares, weight: weight * np.log(shares)),
                "The shares are in logs, the ink is not: add up the logs of the characters.",
            ),
            (
                _sum_of_probabilities,
                "All characters must be right, so probabilities multiply: add up their logs, not themselves.",
            ),
            (_all_summed, "That adds up probabilities: add up the logs of all of them, that of the share among them."),
            (
                _likely(lambda logs: -logs, lambda shares, weight: -weight * np.log(shares)),
                "That is the worst word: log probabilities are negative, and the highest is the best.",
            ),
        ],
    ),
    "06.4": FunctionExercise(
        solution=completions,
        inputs=_lists,
        hint="Words with the same beginning stand together: find where they begin and end, then sort them by counts.",
        slips=[
            (
                lambda prefix, words, counts, n: [word for word in words if word.startswith(prefix)][:n],
                "They begin right, but in alphabetical order: the most frequent come first.",
            ),
            (
                _ranked(lambda word, prefix: word.startswith(prefix), lambda count: count),
                "The rarest come first: sort by falling counts.",
            ),
            (
                _ranked(lambda word, prefix: prefix in word, lambda count: -count),
                "A completion begins with the prefix; it is not enough that it contains it.",
            ),
            (
                _ranked(lambda word, prefix: word.startswith(prefix) and word != prefix, lambda count: -count),
                "The prefix may be a word by itself, and is then among those that begin with it.",
            ),
            (
                lambda prefix, words, counts, n: completions(prefix, words, counts, len(words)),
                "Right and in order; return at most n of them.",
            ),
        ],
    ),
    "06.5": FunctionExercise(
        solution=edits,
        inputs=_text_pairs,
        hint="row[j] is the cheapest way from what there is of `first` to the first j characters of `second`.",
        slips=[
            (_place_by_place, "That compares place by place: one missing letter makes the whole tail wrong."),
            (
                lambda first, second: abs(len(first) - len(second)),
                "That is the difference in length; characters may differ, too.",
            ),
            (
                lambda first, second: _weighted_edits(first, second, replacing=2),
                "Replacing costs 1, not a deletion and an insertion.",
            ),
            (
                lambda first, second: _weighted_edits(first, second, replacing=1) + 1,
                "One too many: equal characters cost nothing, and from nothing to nothing takes no edit.",
            ),
            (
                lambda first, second: edits(first, second) / max(1, len(first)),
                "That is a rate; return the number of edits.",
            ),
            (
                lambda first, second: edits("".join(sorted(first)), "".join(sorted(second))),
                "Order counts: AB and BA are two edits apart.",
            ),
        ],
    ),
    "06.6": FunctionExercise(
        solution=nearest_mean,
        inputs=_drawings,
        hint="For each label in np.unique(labels): the mean of its rows. Then, for each new row, the nearest of these.",
        slips=[
            (_nearest_drawing, "That is the nearest *drawing*; take the mean of each character's drawings first."),
            (
                lambda features, labels, new: np.unique(labels).searchsorted(nearest_mean(features, labels, new)),
                "That is the place of the mean in your list; return the label that it belongs to.",
            ),
            (_most_alike, "A long mean has a large product with anything: take the least distance."),
            (
                lambda features, labels, new: np.array(
                    [
                        np.unique(labels)[
                            np.argmax(
                                [
                                    np.square(row - features[labels == label].mean(axis=0)).sum()
                                    for label in np.unique(labels)
                                ]
                            )
                        ]
                        for row in new
                    ]
                ),
                "That is the farthest: argmin, not argmax.",
            ),
        ],
    ),
    "06.7": FunctionExercise(
        solution=slope,
        inputs=_layers,
        hint="Probabilities minus what was written (1 for the true character), features.T @ that; then the pull back.",
        slips=[
            (
                lambda weights, shipped, features, labels, strength: _pull(weights, features, labels),
                "Nothing holds the layer back yet: add strength times (weights - shipped).",
            ),
            (
                lambda weights, shipped, features, labels, strength: (
                    _pull(weights, features, labels) + strength * weights
                ),
                "That pulls the layer towards 0; it should be pulled towards what it was when it shipped.",
            ),
            (
                lambda *given: -slope(*given),
                "Right, but for the sign: a step goes *against* the slope, so it is probabilities minus written.",
            ),
            (
                lambda weights, shipped, features, labels, strength: (
                    strength * (weights - shipped) - _pull(weights, features, labels)
                ),
                "The two parts pull the wrong way round: probabilities minus written, not written minus probabilities.",
            ),
            (
                lambda weights, shipped, features, labels, strength: (
                    _pull(weights, features, labels, written=False) + strength * (weights - shipped)
                ),
                "The labels have no say yet: subtract 1 from the probability of the character that was written.",
            ),
            (
                lambda weights, shipped, features, labels, strength: (
                    _pull(weights, features, labels) / len(labels) + strength * (weights - shipped)
                ),
                "That is the mean over the drawings; the cost is their sum.",
            ),
            (
                lambda weights, shipped, features, labels, strength: (
                    slope(shipped, shipped, features, labels, strength) + strength * (weights - shipped)
                ),
                "The probabilities are those of `weights`, not of the shipped layer.",
            ),
        ],
    ),
}
