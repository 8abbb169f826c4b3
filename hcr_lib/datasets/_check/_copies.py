"""Copies of images: exact ones by checksum, near ones by a descriptor that survives moving and blurring."""

import numpy as np

from hcr_lib.datasets._check._report import Fault
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._splits import fingerprints
from hcr_lib.labels import same_shape

TOLERATED = 0.001  #: share of copies that even well-kept collections hold; up to here a note

# Near copies. All lengths are shares of the length of the image, taken as a list of 784 numbers.
FREQUENCIES = 4  #: the descriptor keeps waves with at most this many periods across the image
PERIOD = 32  #: a little more than 28, so that ink moved off one side does not meet the other
DIMENSIONS = 16  #: of the search tree; the main axes of the descriptors, with 90 % of their variance
RADIUS = 0.1  #: copies lie at most this far apart there: blurred by 0.8 pixels 0.06, JPEG at quality 50 0.1
CROWD = 8  #: as many neighbours within RADIUS, and the character is so plain that honest ones look like copies
DIFFERENT = 0.08  #: what may remain between an image and its copy: JPEG at quality 75 leaves 0.07
DIFFERENT_IN_CROWD = 0.03  #: two people's 1s come as close as 0.05; moved or retouched copies stay below 0.01
BLURS = (0.0, 0.5, 0.7, 0.9)  #: a copy may be blurred this much (standard deviation, pixels)
RETOUCHED = 2  #: pixels that may be altogether different
CHUNK = 4096  #: images or pairs worked on at a time


def duplicates(
    images: np.ndarray, labels: np.ndarray, classes: str, known: np.ndarray
) -> tuple[list[Fault], list[Fault]]:
    """Find images that come again, pixel by pixel; those that are `known` to be copies are only asked their label."""
    first = _first(fingerprints(images))
    inked = images.reshape(len(images), -1).any(axis=1)
    copies = np.flatnonzero((first != np.arange(len(images))) & inked)
    faults, notes = [], []
    unknown = copies[~known[copies]]
    if len(unknown):
        finding = Fault(
            "duplicates",
            f"every image should come once; exact copies of an earlier one: {_share(unknown, images)}. Leave them out: "
            "numpy.delete(numpy.arange(len(labels)), fault.indices).",
            unknown,
            {"twin": first[unknown]},
            twins=images,
        )
        (faults if len(unknown) > TOLERATED * len(images) else notes).append(finding)
    both = labels[copies], labels[first[copies]]
    valid = np.all([(label >= 0) & (label < len(classes)) for label in both], axis=0)
    copies, given, earlier = copies[valid], both[0][valid], both[1][valid]
    conflicting = same_shape(classes)[given, earlier] == 0
    if conflicting.any():
        copies, example = copies[conflicting], np.flatnonzero(conflicting)[0]
        faults.append(
            Fault(
                "label-conflict",
                f"one image needs one label; {len(copies):,} are called something else than their exact copy, such as "
                f"{classes[given[example]]} and {classes[earlier[example]]}. Look at them: fault.examples().",
                copies,
                {"twin": first[copies]},
                twins=images,
            )
        )
    return faults, notes


def shared(images: np.ndarray, other: Dataset) -> list[Fault]:
    """Find images that are in another split as well, pixel by pixel."""
    if images.dtype != np.uint8:
        return []
    both = _first(np.concatenate([fingerprints(other.images), fingerprints(images)]))[len(other) :]
    indices = np.flatnonzero(both < len(other))
    if len(indices) == 0:
        return []
    return [
        Fault(
            "shared-images",
            f"splits must not share images; {len(indices):,} are also in {other!r}. Leave them out of one: "
            "numpy.delete(numpy.arange(len(dataset)), fault.indices).",
            indices,
            {"twin": both[indices]},
            twins=other.images,
        )
    ]


def near_duplicates(images: np.ndarray) -> tuple[list[Fault], list[Fault]]:
    """Find images that are a changed copy of an earlier one."""
    unique = np.flatnonzero(_first(fingerprints(images)) == np.arange(len(images)))
    copies, twins, rest = _near(images[unique], None)
    return _near_copies(
        "near-duplicates", "every image should come once", "of an earlier one", images, unique[copies],
        unique[twins], rest, images,
    )  # fmt: skip


def near_shared(images: np.ndarray, other: Dataset) -> tuple[list[Fault], list[Fault]]:
    """Find images that are a changed copy of one in another split."""
    new = np.flatnonzero(~np.isin(fingerprints(images.astype("uint8")), fingerprints(other.images)))
    copies, twins, rest = _near(images[new], other.images)
    return _near_copies(
        "near-shared", "splits must not share images", f"of one in {other!r}", images, new[copies], twins, rest,
        other.images,
    )  # fmt: skip


def _near_copies(code, wanted, where, images, copies, twins, rest, twin_images) -> tuple[list[Fault], list[Fault]]:
    if len(copies) == 0:
        return [], []
    finding = Fault(
        code,
        f"{wanted}; moved, blurred, compressed or retouched copies {where}: {_share(copies, images)}. Look at them: "
        "fault.examples(), and leave them out: numpy.delete(numpy.arange(len(labels)), fault.indices).",
        copies,
        {"twin": twins, "difference": rest},
        twins=twin_images,
    )
    return ([finding], []) if len(copies) > TOLERATED * len(images) else ([], [finding])


def _share(indices: np.ndarray, images: np.ndarray) -> str:
    return f"{len(indices):,} of {len(images):,} ({len(indices) / len(images):.2%})"


def _first(marks: np.ndarray) -> np.ndarray:
    """Return where each mark comes first: ndarray of int64, shape (n,)."""
    _, first, group = np.unique(marks, return_index=True, return_inverse=True)
    return first[group]


def _near(images: np.ndarray, others: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pair each image with the one that it is a near copy of: an earlier one, or one of `others`.

    A tree of descriptors proposes neighbours; the pixels decide.

    Returns
    -------
    copies, twins : ndarray of int64, shape (k,)
    rest : ndarray of float32, shape (k,)
        How much of each copy remains unexplained; the smallest first.
    """
    from scipy.spatial import cKDTree  # here, because loading data must not wait for it

    nothing = np.zeros(0, "int64"), np.zeros(0, "int64"), np.zeros(0, "float32")
    within = others is None
    theirs = images if within else others
    if len(images) == 0 or len(theirs) == 0:
        return nothing
    places, centres = _descriptors(images)
    their_places, their_centres = (places, centres) if within else _descriptors(theirs)
    all_places = places if within else np.concatenate([their_places, places])
    mean = all_places.mean(axis=0)
    spread = all_places[:: 1 + len(all_places) // 20_000] - mean
    axes = np.linalg.eigh(spread.T @ spread)[1][:, -DIMENSIONS:]
    tree = cKDTree((all_places - mean) @ axes)
    # Of both sets together, so that a crowd is seen even if there are only few others. One more: an image finds itself.
    distances, near = tree.query((places - mean) @ axes, k=CROWD + 1, distance_upper_bound=RADIUS, workers=-1)
    limit = np.where(np.isfinite(distances[:, -1]), DIFFERENT_IN_CROWD, DIFFERENT)
    copies, column = np.nonzero(np.isfinite(distances))
    twins = near[copies, column]
    wanted = twins < (copies if within else len(theirs))
    copies, twins = copies[wanted], twins[wanted]
    likely = np.linalg.norm(places[copies] - their_places[twins], axis=1) < RADIUS
    copies, twins = copies[likely], twins[likely]
    if len(copies) == 0:
        return nothing
    rest = np.concatenate(
        [
            _remainder(images[i], theirs[j], centres[i] - their_centres[j])
            for i, j in zip(_chunks(copies), _chunks(twins), strict=True)
        ]
    )
    order = np.argsort(rest, kind="stable")
    order = order[rest[order] <= limit[copies[order]]]
    _, best = np.unique(copies[order], return_index=True)
    order = order[np.sort(best)]
    return copies[order], twins[order], rest[order]


def _descriptors(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Describe each image by its longest waves, seen from its centre of mass, so that it may be moved or blurred.

    Returns
    -------
    descriptors : ndarray of float32, shape (n, d)
        Of length 1.
    centres : ndarray of float32, shape (n, 2)
        Row and column of the centre of mass.
    """
    steps = np.arange(-FREQUENCIES, FREQUENCIES + 1)
    waves = np.array([(u, v) for u in steps for v in steps if (u, v) > (0, 0) and u * u + v * v <= FREQUENCIES**2])
    turn = 2j * np.pi / PERIOD
    axis = np.arange(28)
    phase = np.exp(-turn * (waves[:, :1, None] * axis[:, None] + waves[:, 1:, None] * axis)).reshape(len(waves), -1)
    basis = np.concatenate([phase.real, phase.imag]).T.astype("float32")
    descriptors, centres = [], []
    for chunk in _chunks(images):
        ink = chunk.astype("float32")
        total = np.maximum(ink.sum(axis=(1, 2)), 1.0)
        centre = np.stack([ink.sum(axis=2) @ axis, ink.sum(axis=1) @ axis], axis=1) / total[:, None]
        seen = ink.reshape(len(ink), -1) @ basis
        seen = (seen[:, : len(waves)] + 1j * seen[:, len(waves) :]) * np.exp(turn * centre @ waves.T)
        seen = np.concatenate([seen.real, seen.imag], axis=1)
        descriptors.append((seen / np.maximum(np.linalg.norm(seen, axis=1, keepdims=True), 1e-6)).astype("float32"))
        centres.append(centre.astype("float32"))
    return np.concatenate(descriptors), np.concatenate(centres)


def _remainder(images: np.ndarray, others: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Say how much two images differ after the one was moved, dimmed and blurred to fit the other: 0 for copies."""
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


def _chunks(array: np.ndarray) -> list[np.ndarray]:
    return [array[start : start + CHUNK] for start in range(0, len(array), CHUNK)]
