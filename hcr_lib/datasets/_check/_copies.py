"""Copies of images: exact ones by checksum, near ones by a descriptor that survives moving and blurring."""

from collections.abc import Iterator

import numpy as np

from hcr_lib.datasets._check._report import Fault
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._splits import fingerprints
from hcr_lib.labels import same_shape

TOLERATED = 0.001  #: share of copies that even well-kept collections hold; up to here a note

# Near-duplicates. All distances are relative to the norm of an image, taken as a vector of 784 numbers.
FREQUENCIES = 4  #: the descriptor keeps waves with at most this many periods across the image
PERIOD = 32  #: a little more than 28, so that ink moved off one side does not meet the other
DIMENSIONS = 16  #: of the search tree; the principal components of the descriptors, with 90 % of their variance
RADIUS = 0.1  #: copies lie at most this far apart there: blurred by 0.8 pixels 0.06, JPEG at quality 50 0.1
CROWD = 8  #: as many neighbours within RADIUS, and the character is so plain that honest images look like copies
DIFFERENT = 0.08  #: what may remain between an image and its copy: JPEG at quality 75 leaves 0.07
DIFFERENT_IN_CROWD = 0.03  #: two writers' 1s come as close as 0.05; moved or retouched copies stay below 0.01
BLURS = (0.0, 0.5, 0.7, 0.9)  #: a copy may be blurred this much (standard deviation, pixels)
RETOUCHED = 2  #: pixels that may be altogether different
CHUNK = 4096  #: images or pairs processed at a time

#: By whether they are exact, and of the same set.
CODES = {(1, 1): "duplicates", (1, 0): "shared-images", (0, 1): "near-duplicates", (0, 0): "near-shared"}


def exact_copies(images: np.ndarray, other: Dataset | None, known: np.ndarray | bool = False) -> list[Fault]:
    """Find exact copies of earlier images that are not `known` or, given another split, of its images."""
    originals = _first_equal(images, other)
    copies = np.flatnonzero((originals >= 0) & images.any(axis=(1, 2)) & ~np.asarray(known))
    return _found("exact", images, other, copies, {"duplicate_of": originals[copies]})


def near_copies(images: np.ndarray, other: Dataset | None) -> list[Fault]:
    """Find changed copies of earlier images or, given another split, of its images."""
    new = np.flatnonzero(_first_equal(images if other is None else images.astype("uint8"), other) < 0)
    if other is None:
        copies, originals, remainder = _near(images[new], 0)
        originals = new[originals]
    else:
        copies, originals, remainder = _near(np.concatenate([other.images, images[new]]), len(other))
    details = {"duplicate_of": originals, "difference": remainder}
    return _found("moved, blurred, compressed or retouched", images, other, new[copies], details)


def _found(kind: str, images: np.ndarray, other: Dataset | None, copies: np.ndarray, details: dict) -> list[Fault]:
    """Report copies, if there are any; exact ones in another split are always a fault, others from `TOLERATED` on."""
    wanted, where = "every image should come once", "an earlier one"
    if other is not None:
        wanted, where = "splits must not share images", f"one in {other!r}"
    code = CODES[kind == "exact", other is None]
    share = f"{len(copies):,} of {len(images):,} ({len(copies) / len(images):.2%})"
    fault = Fault(
        code,
        f"{wanted}; {kind} copies of {where}: {share}. Look at them: fault.examples(), and leave them out: "
        "numpy.delete(numpy.arange(len(labels)), fault.indices).",
        copies,
        details,
        note=len(copies) <= TOLERATED * len(images) and code != "shared-images",
        originals=images if other is None else other.images,
    )
    return [fault] if len(copies) else []


def label_conflicts(images: np.ndarray, labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Find exact copies with another label, unless the two characters have the same shape."""
    originals = _first_equal(images, None)
    valid = (labels >= 0) & (labels < len(classes))
    copies = np.flatnonzero((originals >= 0) & images.any(axis=(1, 2)) & valid & valid[originals])
    copies = copies[same_shape(classes)[labels[copies], labels[originals[copies]]] == 0]
    if len(copies):
        given, earlier = (classes[labels[index]] for index in (copies[0], originals[copies[0]]))
        yield Fault(
            "label-conflict",
            f"one image needs one label; {len(copies):,} have another label than their exact copy, such as "
            f"{given} and {earlier}. Look at them: fault.examples().",
            copies,
            {"duplicate_of": originals[copies]},
            originals=images,
        )


def _first_equal(images: np.ndarray, other: Dataset | None) -> np.ndarray:
    """Return the first equal image among the earlier ones or, given another split, among its images; -1 if none."""
    keys = fingerprints(images)
    before = np.arange(len(images)) if other is None else len(other)
    if other is not None:
        keys = np.concatenate([fingerprints(other.images), keys])
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    first = first[group][-len(images) :]
    return np.where(first < before, first, -1)


def _near(images: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair each image from `start` on with the one before `start` (if 0: with the earlier one) that it nearly copies.

    A tree of descriptors proposes neighbours; the pixels decide. Returned are the copies, counted from `start`, their
    originals, and how much of each copy remains unexplained, the smallest first.
    """
    from scipy.spatial import cKDTree  # here, because loading data must not wait for it
    from sklearn.decomposition import PCA

    if len(images) <= max(start, 1):
        return np.zeros(0, "int64"), np.zeros(0, "int64"), np.zeros(0, "float32")
    descriptors, centres = _descriptors(images)
    some = descriptors[:: 1 + len(images) // 20_000]
    reduced = PCA(min(DIMENSIONS, len(some))).fit(some).transform(descriptors)
    # Of both sets together, so that a crowd is seen even if `other` is small. One more: an image finds itself.
    distances, near = cKDTree(reduced).query(reduced[start:], k=CROWD + 1, distance_upper_bound=RADIUS, workers=-1)
    crowded = np.isfinite(distances[:, -1])
    copies, column = np.nonzero(np.isfinite(distances))
    originals = near[copies, column]
    wanted = originals < (start or copies)
    change = descriptors[start + copies[wanted]] - descriptors[originals[wanted]]
    wanted[wanted] = np.linalg.norm(change, axis=1) < RADIUS
    copies, originals = copies[wanted], originals[wanted]
    remainder = np.zeros(len(copies), "float32")
    for part in _chunks(len(copies)):
        copy, original = start + copies[part], originals[part]
        remainder[part] = _remainder(images[copy], images[original], centres[copy] - centres[original])
    order = np.argsort(remainder, kind="stable")
    order = order[remainder[order] <= np.where(crowded, DIFFERENT_IN_CROWD, DIFFERENT)[copies[order]]]
    _, best = np.unique(copies[order], return_index=True)
    order = order[np.sort(best)]
    return copies[order], originals[order], remainder[order]


def _descriptors(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Describe each image by its lowest frequencies, seen from its centre of mass, so that it may be moved or blurred.

    Returned are the descriptors, of length 1, and the row and column of each centre of mass.
    """
    steps = np.arange(-FREQUENCIES, FREQUENCIES + 1)
    waves = np.array([(u, v) for u in steps for v in steps if (v, u) > (0, 0) and u * u + v * v <= FREQUENCIES**2])
    descriptors = np.empty((len(images), 2 * len(waves)), "float32")
    centres = np.empty((len(images), 2), "float32")
    for part in _chunks(len(images)):
        ink = images[part].astype("float32")
        centre = np.stack([ink.sum(axis=2) @ np.arange(28), ink.sum(axis=1) @ np.arange(28)], axis=1)
        centre /= np.maximum(ink.sum(axis=(1, 2)), 1.0)[:, None]
        spectrum = np.fft.rfft2(ink, (PERIOD, PERIOD))[:, *waves.T]
        spectrum *= np.exp(2j * np.pi / PERIOD * centre @ waves.T)
        seen = np.concatenate([spectrum.real, spectrum.imag], axis=1)
        descriptors[part] = seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-6)
        centres[part] = centre
    return descriptors, centres


def _remainder(images: np.ndarray, others: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return how much two images differ after one was moved, dimmed and blurred to fit the other: 0 for copies."""
    from scipy import ndimage

    moves = np.rint(offsets).astype("int64").clip(-27, 27)
    padded = np.pad(others, ((0, 0), (28, 28), (28, 28)))
    rows, columns = (28 - moves[:, axis, None] + np.arange(28) for axis in (0, 1))
    moved = padded[np.arange(len(others))[:, None, None], rows[:, :, None], columns[:, None, :]]
    one, two = images.astype("float32"), moved.astype("float32")
    best = np.full(len(images), np.inf, "float32")
    for sharp, soft in ((one, two), (two, one)):
        target = soft.reshape(len(soft), -1)
        for blur in BLURS:
            blurred = ndimage.gaussian_filter(sharp, (0, blur, blur)) if blur else sharp
            blurred = blurred.reshape(len(target), -1)
            power = np.maximum((blurred**2).sum(axis=1), 1.0)
            gain = (blurred * target).sum(axis=1) / power
            error = (gain[:, None] * blurred - target) ** 2
            error.partition(784 - RETOUCHED, axis=1)
            length = np.maximum((target**2).sum(axis=1), 1.0)
            best = np.minimum(best, np.sqrt(error[:, :-RETOUCHED].sum(axis=1) / length))
    return best


def _chunks(number: int) -> list[slice]:
    return [slice(start, start + CHUNK) for start in range(0, number, CHUNK)]
