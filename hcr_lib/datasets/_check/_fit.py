"""Whether the labels fit the pictures: each class's mean image is compared with the handwriting that ships."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from hcr_lib.datasets._check._report import Fault
from hcr_lib.datasets._sources import load
from hcr_lib.labels import same_shape

#: How a set may lie on its side: what was done to it (its undoing is tried on the class means), and the remedy.
TURNS = {
    "transposed": (lambda mean: mean.T, "Swap rows and columns: images.swapaxes(1, 2). EMNIST is stored that way."),
    "mirrored": (lambda mean: mean[:, ::-1], "Mirror it back: images[:, :, ::-1]."),
    "upside-down": (lambda mean: mean[::-1], "Flip it back: images[:, ::-1]."),
    "rotated": (lambda mean: mean[::-1, ::-1], "Turn it by 180 degrees: images[:, ::-1, ::-1]."),
    "rotated-left": (lambda mean: np.rot90(mean, -1), "Turn it right: numpy.rot90(images, -1, axes=(1, 2))."),
    "rotated-right": (lambda mean: np.rot90(mean), "Turn it left: numpy.rot90(images, axes=(1, 2))."),
}
MARGIN = 0.05  #: how much better (mean correlation) another reading of the set must fit before we speak up
MIN_IMAGES = 5  #: a class mean of fewer images is not worth comparing
MIN_IMAGES_SWAPPED = 10  #: nor is the word of a single class with fewer
MIN_CLASSES = 3  #: nor is a vote of fewer classes


def fit(images: np.ndarray, labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Compare class means with those of the bundled handwriting: as they are, turned, one label off, two swapped."""
    means = {
        label: _standard(images[labels == label].mean(axis=0))
        for label in range(len(classes))
        if np.count_nonzero(labels == label) >= MIN_IMAGES
    }
    if len(means) < MIN_CLASSES:
        return
    reference = _reference()

    def score(undo, shift: int) -> tuple[float, int]:
        fits = [
            float((undo(mean) * reference[classes[label + shift]]).mean())
            for label, mean in means.items()
            if 0 <= label + shift < len(classes) and classes[label + shift] in reference
        ]
        return (float(np.mean(fits)), len(fits)) if fits else (0.0, 0)

    readings = {("", 0): (lambda mean: mean)}
    readings |= {("", shift): readings["", 0] for shift in (-1, 1)}
    readings |= {(turn, shift): undo for turn, (undo, _) in TURNS.items() for shift in (-1, 0, 1)}
    scores = {key: score(undo, key[1]) for key, undo in readings.items()}
    plain, voters = scores["", 0]
    if voters < MIN_CLASSES:
        return
    turn, shift = max(scores, key=lambda key: scores[key][0])
    best = scores[turn, shift][0]
    if best < plain + MARGIN:
        yield from _swapped(means, labels, classes)
        return
    evidence = f"class means fit the bundled handwriting with correlation {plain:.2f} as they are, {best:.2f} corrected"
    if turn:
        yield Fault(
            turn, f"images must stand upright; these are {turn.replace('-', ' ')} ({evidence}). {TURNS[turn][1]}"
        )
    if shift:
        yield Fault(
            "labels-shifted",
            f"label k must stand for classes[k]; these are off by one ({evidence}). "
            f"{'Add' if shift > 0 else 'Subtract'} 1.",
        )


def _swapped(means: dict[int, np.ndarray], labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Find pairs of classes that each look like the other. Characters of one shape are let off."""
    reference = _reference()
    known = [
        label
        for label in means
        if classes[label] in reference and np.count_nonzero(labels == label) >= MIN_IMAGES_SWAPPED
    ]
    if len(known) < 2:
        return
    alike = same_shape(classes)[np.ix_(known, known)] > 0
    correlation = np.array([[(means[a] * reference[classes[b]]).mean() for b in known] for a in known])
    gain = correlation - np.diag(correlation)[:, None]  # how much better each class fits another character's image
    both = np.where(alike, -1.0, np.minimum(gain, gain.T))
    both = np.triu(both)
    while (worst := both.max()) > MARGIN:
        first, second = np.unravel_index(both.argmax(), both.shape)
        both[[first, second]] = both[:, [first, second]] = -1.0  # a class is swapped once
        a, b = known[first], known[second]
        yield Fault(
            "labels-swapped",
            f"each class must look like its character; {classes[a]} looks like {classes[b]}, and {classes[b]} like "
            f"{classes[a]} (by {worst:.2f} in correlation, or more). Swap the two labels.",
            np.flatnonzero((labels == a) | (labels == b)),
        )


@lru_cache(maxsize=1)
def _reference() -> dict[str, np.ndarray]:
    """Return the standardised mean image of each character of the bundled handwriting."""
    bundled = load("bundled", "train")
    return {
        char: _standard(bundled.images[bundled.labels == label].mean(axis=0))
        for label, char in enumerate(bundled.classes)
    }


def _standard(mean: np.ndarray) -> np.ndarray:
    """Bring a mean image to mean 0 and variance 1, so that the mean of a product is a correlation."""
    mean = mean - mean.mean()
    return mean / max(float(mean.std()), 1e-6)
