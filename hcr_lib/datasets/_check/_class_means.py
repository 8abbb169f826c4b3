"""Whether the labels fit the images: each class's mean image is compared with that of the bundled handwriting."""

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from hcr_lib.datasets._check._report import Fault
from hcr_lib.datasets._sources import load
from hcr_lib.labels import BYCLASS, same_shape

#: Ways in which a whole set can be turned: what undoes it (tried on the class means), and the remedy.
TURNS = {
    "transposed": (lambda mean: mean.T, "Swap rows and columns: images.swapaxes(1, 2). EMNIST is stored that way."),
    "mirrored": (lambda mean: mean[:, ::-1], "Mirror it back: images[:, :, ::-1]."),
    "upside-down": (lambda mean: mean[::-1], "Flip it back: images[:, ::-1]."),
    "rotated": (lambda mean: mean[::-1, ::-1], "Turn it by 180 degrees: images[:, ::-1, ::-1]."),
    "rotated-left": (lambda mean: np.rot90(mean, -1), "Turn it right: numpy.rot90(images, -1, axes=(1, 2))."),
    "rotated-right": (lambda mean: np.rot90(mean), "Turn it left: numpy.rot90(images, axes=(1, 2))."),
}
MARGIN = 0.05  #: how much better (mean correlation) another interpretation of the set must fit to be reported
MIN_IMAGES = 5  #: a class with fewer images has no mean worth comparing
MIN_IMAGES_SWAPPED = 10  #: a class with fewer cannot be called swapped
MIN_CLASSES = 3  #: fewer classes make no majority


def orientation_and_order(images: np.ndarray, labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Compare class means with the bundled handwriting: as they are, turned, one label off, two labels swapped."""
    means = _means(images, labels, len(classes), MIN_IMAGES)
    reference = np.array([_reference().get(char, np.full((28, 28), np.nan)) for char in classes]).reshape(-1, 784)

    def correlations(undo) -> np.ndarray:
        """Row: a class's mean image. Column: the character it is compared with. NaN where there is none."""
        return np.array([undo(mean) for mean in means]).reshape(-1, 784) @ reference.T / 784

    plain = correlations(lambda mean: mean)
    if np.isfinite(plain.diagonal()).sum() < MIN_CLASSES:
        return
    fits = {"": plain, **{turn: correlations(undo) for turn, (undo, _) in TURNS.items()}}
    scores = {
        (turn, shift): np.nanmean(fit.diagonal(shift)) if np.isfinite(fit.diagonal(shift)).any() else 0.0
        for turn, fit in fits.items()
        for shift in (0, -1, 1)  # a label off by one lies beside the diagonal
    }
    turn, shift = max(scores, key=scores.__getitem__)
    if scores[turn, shift] < scores["", 0] + MARGIN:
        yield from _swapped(plain, labels, classes)
        return
    evidence = "class means fit the bundled handwriting with correlation "
    evidence += f"{scores['', 0]:.2f} as they are, {scores[turn, shift]:.2f} corrected"
    if turn:
        found = f"these are {turn.replace('-', ' ')} ({evidence})"
        yield Fault(turn, f"images must stand upright; {found}. {TURNS[turn][1]}")
    if shift:
        found, remedy = f"these are off by one ({evidence})", "Add" if shift > 0 else "Subtract"
        yield Fault("labels-shifted", f"label k must stand for classes[k]; {found}. {remedy} 1.")


def _swapped(correlations: np.ndarray, labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Find pairs of classes that each look like the other, unless they are characters of one shape."""
    rare = np.array([np.count_nonzero(labels == label) < MIN_IMAGES_SWAPPED for label in range(len(classes))])
    gain = correlations - correlations.diagonal()[:, None]  # how much better each class fits another character
    both = np.nan_to_num(np.triu(np.minimum(gain, gain.T)), nan=0)
    both[rare[:, None] | rare | (same_shape(classes) > 0)] = 0
    while (worst := both.max()) > MARGIN:
        a, b = (int(label) for label in np.unravel_index(both.argmax(), both.shape))
        both[[a, b]] = both[:, [a, b]] = 0  # a class is swapped once
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
    return dict(zip(BYCLASS, _means(bundled.images, bundled.labels, len(BYCLASS), 1), strict=True))


def _means(images: np.ndarray, labels: np.ndarray, num_classes: int, least: int) -> np.ndarray:
    """Return each class's mean image, standardised so that the mean of a product is a correlation; NaN if too few."""
    means = np.full((num_classes, 28, 28), np.nan)
    for label in range(num_classes):
        members = images[labels == label]
        if len(members) >= least:
            mean = members.mean(axis=0)
            means[label] = (mean - mean.mean()) / max(float(mean.std()), 1e-6)
    return means
