"""What a few drawings of a person's own bring, simulated on UNIPEN's people: `hcr_lib.adaptation` and its rivals.

Each person's drawings of a character are dealt at random into at most five to learn from and some to judge by; several
deals are averaged. Constants are chosen on training people, whose hands the network has seen: they still profit, since
nobody's o looks like everybody's 0. What is reported is of development people, whom it has not. The person is the unit:
intervals are by bootstrap over people.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from hcr_lib.adaptation import STRENGTH, AdaptiveNetwork, refit
from hcr_lib.datasets import load_strokes
from hcr_lib.labels import BYCLASS

SHOTS, SEEDS = 5, range(5)
LEAST = 6  #: drawings of a character, or it is not used: five to learn from, and one
HELD_OUT = 9  #: of a character, at most
FEW, FLUENT = 24, 45  #: characters with so many drawings that a person must have, and has who wrote nearly all 62
TUNING_PEOPLE = 16
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)
OTHERS = 1500  #: drawings by others that an adapted reader is judged by
WRONG = (0.05, 0.1, 0.2)  #: shares of wrong labels
DRAWS = 2000  #: of the bootstrap

Method = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


class Drawings(NamedTuple):
    """Drawings in the order of writing: their features (n, m), labels in `BYCLASS` and writers, both (n,)."""

    features: np.ndarray
    labels: np.ndarray
    writers: np.ndarray


class Deal(NamedTuple):
    """A person's drawings: the numbers of those to learn from, sorted by character, and of those to judge by."""

    person: str
    seed: int
    own: np.ndarray
    held_out: np.ndarray


def drawings(network: AdaptiveNetwork, part: str, data_dir: Path, fewest: int, most_people: int | None) -> Drawings:
    """Draw what people wrote who have drawings enough of at least `fewest` characters, the most diligent first."""
    strokes = load_strokes("unipen-chars", part, data_dir=data_dir)
    strokes = strokes.take(np.isin(strokes.texts, list(BYCLASS)))
    rng, chosen = np.random.default_rng(0), {}
    for person in np.unique(strokes.writers):
        own = np.flatnonzero(strokes.writers == person)
        chars, counts = np.unique(strokes.texts[own], return_counts=True)
        if (counts >= LEAST).sum() >= fewest:
            each = [rng.permutation(own[strokes.texts[own] == char])[: LEAST - 1 + HELD_OUT] for char in chars]
            chosen[person] = np.sort(np.concatenate(each))
    people = sorted(chosen, key=lambda person: -len(chosen[person]))[:most_people]
    images = strokes.take(np.concatenate([chosen[person] for person in people])).to_images()
    return Drawings(network.features(images.images), images.labels, images.writers)


def deals(data: Drawings, shots: int = SHOTS, seeds: range = SEEDS, first: bool = False) -> Iterator[Deal]:
    """Deal each person's drawings; however many are learned from, those to judge by are the same.

    With `first`, the first drawings of each character are learned from, and the later ones judge.
    """
    for person in np.unique(data.writers):
        own = np.flatnonzero(data.writers == person)
        for seed in seeds:
            rng = np.random.default_rng([seed, int(person)])
            taken, held_out = [], []
            for label in range(len(BYCLASS)):
                rows = own[data.labels[own] == label]
                if len(rows) >= LEAST:
                    rows = rows if first else rng.permutation(rows)
                    taken.append(rows[:shots])
                    held_out.append(rows[LEAST - 1 :])
            yield Deal(str(person), seed, np.concatenate(taken), np.concatenate(held_out))


def last_layer(weights: np.ndarray, strength: float) -> Method:
    """Return the method of `hcr_lib.adaptation`: the last layer, held back to what it was."""
    return lambda own, labels, features: features @ refit(weights, own, labels, strength)


def bias_only(weights: np.ndarray, strength: float) -> Method:
    """Return the method that learns how likely each character is, whatever is drawn: nothing but the bias."""

    def method(own: np.ndarray, labels: np.ndarray, features: np.ndarray) -> np.ndarray:
        scores, bias = own @ weights, np.zeros(weights.shape[1])
        written = np.eye(weights.shape[1])[labels].sum(axis=0)
        for _ in range(300):
            shares = special.softmax(scores + bias, axis=1).sum(axis=0)
            bias -= 0.5 * (shares - written + strength * bias) / (strength + written.max())
        return features @ weights + bias

    return method


def nearest_mean(weights: np.ndarray, weight: float, sharpness: float) -> Method:
    """Return the method that mixes the network's log probabilities with those of the nearest class mean."""

    def method(own: np.ndarray, labels: np.ndarray, features: np.ndarray) -> np.ndarray:
        known = np.unique(labels)
        means = np.stack([own[labels == label].mean(axis=0) for label in known])
        distances = np.square(features[:, None] - means).sum(axis=2)
        logs = special.log_softmax(features @ weights, axis=1)
        among = special.logsumexp(logs[:, known], axis=1, keepdims=True)  # what others have stays theirs
        mixed = (1 - weight) * logs[:, known] + weight * special.log_softmax(-sharpness * distances, axis=1)
        logs[:, known] = special.log_softmax(mixed, axis=1) + among
        return logs

    return method


def cache(weights: np.ndarray, weight: float, sharpness: float) -> Method:
    """Return the method that adds to each character what its drawings resemble: R. Zhang et al., Tip-Adapter, 2022."""

    def unit(features: np.ndarray) -> np.ndarray:
        return features[:, 1:] / np.linalg.norm(features[:, 1:], axis=1, keepdims=True)

    def method(own: np.ndarray, labels: np.ndarray, features: np.ndarray) -> np.ndarray:
        alike = np.exp(sharpness * (unit(features) @ unit(own).T - 1))
        return special.log_softmax(features @ weights, axis=1) + weight * alike @ np.eye(weights.shape[1])[labels]

    return method


#: The rivals, with the constants that are tried.
METHODS: dict[str, tuple[Callable[..., Method], list[tuple[float, ...]]]] = {
    "bias only": (bias_only, [(1.0,), (10.0,)]),
    "nearest mean, mixed in": (nearest_mean, [(0.3, 0.5), (0.6, 0.5), (0.6, 2.0)]),
    "cache": (cache, [(3.0, 5.0), (3.0, 20.0), (10.0, 20.0)]),
    "last layer": (last_layer, [(strength,) for strength in STRENGTHS]),
}


def errors(data: Drawings, method: Method, dealt: list[Deal], wrong: float = 0.0) -> dict[str, list[float]]:
    """Return the share misread of each person's held-out drawings, deal by deal; some labels may be made wrong."""
    found: dict[str, list[float]] = {}
    for deal in dealt:
        labels = data.labels[deal.own].copy()
        rng = np.random.default_rng(deal.seed)
        spoiled = rng.random(len(labels)) < wrong
        labels[spoiled] = rng.permutation(labels)[spoiled]
        scores = method(data.features[deal.own], labels, data.features[deal.held_out])
        found.setdefault(deal.person, []).append(misread(scores, data.labels[deal.held_out]))
    return found


def misread(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of drawings that get another score highest."""
    return float((scores.argmax(axis=1) != labels).mean())


def compared(before: dict[str, list[float]], after: dict[str, list[float]]) -> dict[str, Any]:
    """Return the mean errors over people, by how much they fall (a share), and the interval of that."""
    pairs = np.array([[np.mean(before[person]), np.mean(after[person])] for person in before])
    drawn = pairs[np.random.default_rng(0).integers(len(pairs), size=(DRAWS, len(pairs)))].mean(axis=1)
    low, high = np.percentile(1 - drawn[:, 1] / drawn[:, 0], [2.5, 97.5])
    first, last = pairs.mean(axis=0)
    by_deal = np.mean([list(part.values()) for part in (before, after)], axis=1)
    falls = 1 - by_deal[1] / by_deal[0]
    figures = {"before": first, "after": last, "falls": 1 - last / first, "low": low, "high": high}
    figures |= {"least fall of a deal": falls.min(), "greatest": falls.max()}
    better = {"people": len(pairs), "better": int((pairs[:, 1] < pairs[:, 0]).sum())}
    return {name: round(float(figure), 4) for name, figure in figures.items()} | better


def study(data_dir: Path) -> dict[str, Any]:
    """Choose constants on training people, and measure on development people."""
    network = AdaptiveNetwork.load()
    weights = network.weights[:, : len(BYCLASS)]  # the marks, which are last, are not asked for
    train = drawings(network, "train", data_dir, FLUENT, TUNING_PEOPLE)
    dealt = list(deals(train, seeds=range(1)))
    tuning: dict[str, dict[str, float]] = {}
    for name, (make, constants) in METHODS.items():
        tuning[name] = {}
        for each in constants:
            shares = errors(train, make(weights, *each), dealt)
            tuning[name][" ".join(map(str, each))] = round(float(np.mean(list(shares.values()))), 4)
            print(name, each, tuning[name][" ".join(map(str, each))], flush=True)
    chosen = {name: METHODS[name][1][int(np.argmin(list(tuning[name].values())))] for name in METHODS}

    dev = drawings(network, "val", data_dir, FEW, None)
    dealt = list(deals(dev))
    shipped = errors(dev, lambda own, labels, features: features @ weights, dealt)
    method = last_layer(weights, STRENGTH)
    started = time.process_time()
    adapted = errors(dev, method, dealt)
    seconds = (time.process_time() - started) / len(dealt)
    letters = {person: len(np.unique(dev.labels[deal.own])) for person, deal in {d.person: d for d in dealt}.items()}
    fluent = [person for person, number in letters.items() if number >= FLUENT]
    first = list(deals(dev, seeds=range(1), first=True))
    unadapted = errors(dev, lambda own, labels, features: features @ weights, first)
    rivals = {name: errors(dev, METHODS[name][0](weights, *chosen[name]), dealt) for name in METHODS}
    return {
        "tuning people": len(np.unique(train.writers)),
        "tuning": tuning,
        "constants": {name: list(each) for name, each in chosen.items()},
        "five of each": compared(shipped, adapted),
        "of those who wrote nearly all 62": compared(*(_of(fluent, part) for part in (shipped, adapted))),
        "people": [
            {"characters": letters[p], "before": round(np.mean(shipped[p]), 4), "after": round(np.mean(adapted[p]), 4)}
            for p in sorted(letters, key=lambda p: -np.mean(shipped[p]))
        ],
        "methods": {name: compared(shipped, part) for name, part in rivals.items()},
        "methods, nearly all 62": {
            name: compared(_of(fluent, shipped), _of(fluent, part)) for name, part in rivals.items()
        },
        "shots": {str(n): compared(shipped, errors(dev, method, list(deals(dev, n)))) for n in (1, 2, 3)}
        | {str(SHOTS): compared(shipped, adapted)},
        "the first five of each": compared(unadapted, errors(dev, method, first)),
        "wrong labels": {str(wrong): compared(shipped, errors(dev, method, dealt, wrong)) for wrong in WRONG},
        "everyone else": everyone_else(dev, weights),
        "seconds of a processor": round(seconds, 2),
    }


def _of(people: list[str], found: dict[str, list[float]]) -> dict[str, list[float]]:
    return {person: found[person] for person in people}


def everyone_else(data: Drawings, weights: np.ndarray) -> dict[str, Any]:
    """Return how the readers that learned one hand read the other people's drawings: what was forgotten."""
    before, after = {}, {}
    for deal in deals(data, seeds=range(1)):
        others = np.flatnonzero(data.writers != deal.person)
        others = np.random.default_rng(0).choice(others, min(OTHERS, len(others)), replace=False)
        learned = refit(weights, data.features[deal.own], data.labels[deal.own])
        for part, layer in ((before, weights), (after, learned)):
            part[deal.person] = [misread(data.features[others] @ layer, data.labels[others])]
    return compared(before, after)
