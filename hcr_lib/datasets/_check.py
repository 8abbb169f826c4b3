"""Name what is wrong with a data set before a network learns it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._sources import load
from hcr_lib.datasets._splits import fingerprints

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
MIN_CLASSES = 3  #: nor is a vote of fewer classes


@dataclass(frozen=True, eq=False)
class Fault:
    """One thing that is wrong.

    Parameters
    ----------
    code : str
        Its name, for programs, such as ``"transposed"``.
    message : str
        What was expected, what was found, what to do; for people.
    indices : ndarray of int64
        The images concerned; empty where it is the set as a whole.
    """

    code: str
    message: str
    indices: np.ndarray = field(default_factory=lambda: np.zeros(0, "int64"))


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What `check_dataset` found; prints as a list of sentences."""

    source: str
    faults: list[Fault]

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.faults

    @property
    def codes(self) -> set[str]:
        """The names of the faults."""
        return {fault.code for fault in self.faults}

    def __repr__(self) -> str:
        if self.ok:
            return f"{self.source}: no fault found"
        lines = "".join(f"\n- {fault.code}: {fault.message}" for fault in self.faults)
        return f"{self.source}: {len(self.faults)} fault{'s' * (len(self.faults) > 1)}{lines}"


def check_dataset(dataset: Dataset | tuple[npt.ArrayLike, npt.ArrayLike, str], other: Dataset | None = None) -> Report:
    """Look for the faults that real data sets arrive with.

    Parameters
    ----------
    dataset : Dataset or tuple
        A data set, or raw ``(images, labels, classes)`` that a `Dataset` would refuse.
    other : Dataset, optional
        Another split, to be searched for the same images.

    Returns
    -------
    Report
        Its faults carry these codes: ``shape``, ``range``, ``inverted``, ``blank``, ``label-range``,
        ``class-missing``, ``class-doubled``, ``transposed`` (or another turn: ``mirrored``, ``upside-down``,
        ``rotated``, ``rotated-left``, ``rotated-right``), ``labels-shifted``, ``shared-images``.

    Notes
    -----
    Orientation and labels are judged by the mean image of each class, which is compared with the
    handwriting that ships; the classes vote, so an unusual hand or a symmetric character raises no alarm.
    The vote needs at least three classes with five images each.

    Examples
    --------
    >>> frames = np.zeros((3, 28, 28), "uint8"); frames[:, 4:24, 12:16] = 1
    >>> check_dataset((frames, [1, 1, 0], "01"))
    raw arrays: 1 fault
    - range: images must run from 0 to 255; got uint8 from 0 to 1. Multiply by 255 before rounding to uint8.
    """
    if isinstance(dataset, Dataset):
        images, labels, classes, source = dataset.images, dataset.labels, dataset.classes, dataset.source
    else:
        images, labels, classes = np.asarray(dataset[0]), np.asarray(dataset[1]), dataset[2]
        source = "raw arrays"
    shape_fault = _shape(images, labels)
    if shape_fault is not None:
        return Report(source, [shape_fault])
    faults = list(_classes(labels, classes))
    pixels, range_faults = _range(images)
    faults += range_faults
    if pixels is not None:
        pixels, ink_faults = _polarity(pixels)
        faults += ink_faults
        faults += _fit(pixels, labels, classes)
    if other is not None:
        faults += _shared(images, other)
    return Report(source, faults)


def _shape(images: np.ndarray, labels: np.ndarray) -> Fault | None:
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) == 0:
        return Fault(
            "shape", f"images must have shape (n, 28, 28) with n at least 1; got {images.shape}. Reshape them."
        )
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        return Fault(
            "shape",
            f"labels must be whole numbers with shape ({len(images)},); got {labels.dtype} with shape {labels.shape}.",
        )
    return None


def _classes(labels: np.ndarray, classes: str) -> Iterator[Fault]:
    outside = np.flatnonzero((labels < 0) | (labels >= len(classes)))
    if len(outside):
        found = f"{labels.min()} to {labels.max()}"
        hint = " Do they count from 1? Subtract 1." if labels.min() == 1 and labels.max() == len(classes) else ""
        yield Fault("label-range", f"labels must run from 0 to {len(classes) - 1}; got {found}.{hint}", outside)
    missing = [char for label, char in enumerate(classes) if not np.any(labels == label)]
    if missing:
        yield Fault(
            "class-missing",
            f"every class should have images; none of {' '.join(missing)}. Was a part of the data lost, "
            "or is the class string too long?",
        )
    doubled = sorted({char for char in classes if classes.count(char) > 1})
    if doubled:
        concerned = np.flatnonzero(np.isin(labels, [k for k, char in enumerate(classes) if char in doubled]))
        yield Fault(
            "class-doubled",
            f"every character should be one class; {' '.join(doubled)} stands twice in {classes!r}. Give it one label.",
            concerned,
        )


def _range(images: np.ndarray) -> tuple[np.ndarray | None, list[Fault]]:
    """Return the images as float32 in 0 .. 255, as far as that can be guessed, and what was wrong."""
    low, high = float(images.min()), float(images.max())
    if images.dtype == np.uint8 and high > 1:
        return images, []
    found = f"got {images.dtype} from {low:g} to {high:g}"
    if not (low >= 0 and high <= 255):  # written so that NaN is caught as well
        return None, [Fault("range", f"images must run from 0 to 255; {found}. Were they standardised? Undo it.")]
    if high > 1:
        return images, [Fault("range", f"images must be uint8; {found}. Use images.round().astype('uint8').")]
    if high == 0:
        return images, []  # nothing but paper: `blank` says so
    remedy = "Multiply by 255 before rounding to uint8."
    return images * np.float32(255), [Fault("range", f"images must run from 0 to 255; {found}. {remedy}")]


def _polarity(images: np.ndarray) -> tuple[np.ndarray, list[Fault]]:
    """Return the images white on black, and what was wrong with their ink."""
    frame = np.ones((28, 28), bool)
    frame[1:-1, 1:-1] = False
    brightness = images[:, frame].mean(axis=1)
    inverted = np.flatnonzero(brightness > 127)
    faults = []
    if len(inverted):
        share = f"{len(inverted):,} of {len(images):,}"
        faults.append(
            Fault(
                "inverted", f"ink must be white on black; {share} images are dark on light. Use 255 - image.", inverted
            )
        )
        images = images.copy()
        images[inverted] = 255 - images[inverted]
    blank = np.flatnonzero(images.reshape(len(images), -1).max(axis=1) == 0)
    if len(blank):
        faults.append(Fault("blank", f"every image needs ink; {len(blank):,} have none. Leave them out.", blank))
    return images, faults


def _fit(images: np.ndarray, labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Compare class means with those of the bundled handwriting: as they are, turned, and one label off."""
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


def _shared(images: np.ndarray, other: Dataset) -> list[Fault]:
    if images.dtype != np.uint8:
        return []
    shared = np.flatnonzero(np.isin(fingerprints(images), fingerprints(other.images)))
    if len(shared) == 0:
        return []
    return [
        Fault(
            "shared-images",
            f"splits must not share images; {len(shared):,} are also in {other!r}. Leave them out of one: "
            "numpy.delete(numpy.arange(len(dataset)), fault.indices).",
            shared,
        )
    ]


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
