"""Images and labels on their own: shape, range, polarity, labels against the class string, class sizes."""

from collections.abc import Iterator

import numpy as np

from hcr_lib.datasets._check._report import Fault

UNEVEN = 5.0  #: largest class against smallest: from here on worth a note
LOPSIDED = 100.0  #: and from here on a fault. EMNIST ByClass and the A-Z file, uneven by nature, reach 20 to 60


def shape(images: np.ndarray, labels: np.ndarray) -> Iterator[Fault]:
    """Find what keeps these arrays from being images and labels at all."""
    if images.ndim != 3 or images.shape[1:] != (28, 28) or len(images) == 0:
        yield Fault("shape", f"images must have shape (n, 28, 28) with n at least 1; got {images.shape}. Reshape them.")
    elif labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        wanted = f"labels must be whole numbers with shape ({len(images)},)"
        yield Fault("shape", f"{wanted}; got {labels.dtype} with shape {labels.shape}.")


def value_range(images: np.ndarray) -> tuple[np.ndarray | None, list[Fault]]:
    """Return the images scaled to 0 .. 255, as far as their range can be guessed, and what was wrong with it."""
    low, high = float(images.min()), float(images.max())
    if high == 0 <= low or (images.dtype == np.uint8 and high > 1):
        return images, []  # of nothing but paper, `polarity` tells
    pixels, wanted, remedy = images * np.float32(255), "run from 0 to 255", "Multiply by 255 before rounding to uint8."
    if not (low >= 0 and high <= 255):  # written so that NaN is caught as well
        pixels, remedy = None, "Were they standardised? Undo it."
    elif high > 1:
        pixels, wanted, remedy = images, "be uint8", "Use images.round().astype('uint8')."
    return pixels, [
        Fault("range", f"images must {wanted}; got {images.dtype} from {low:g} to {high:g}. {remedy}"),
    ]


def polarity(images: np.ndarray) -> tuple[np.ndarray, list[Fault]]:
    """Return the images white on black, and what was wrong with their ink."""
    frame = np.ones((28, 28), bool)
    frame[1:-1, 1:-1] = False
    inverted = np.flatnonzero(images[:, frame].mean(axis=1) > 127)
    faults = []
    if len(inverted):
        found = f"{len(inverted):,} of {len(images):,} images are dark on light"
        faults.append(Fault("inverted", f"ink must be white on black; {found}. Use 255 - image.", inverted))
        images = images.copy()
        images[inverted] = 255 - images[inverted]
    blank = np.flatnonzero(images.reshape(len(images), -1).max(axis=1) == 0)
    if len(blank):
        faults.append(Fault("blank", f"every image needs ink; {len(blank):,} have none. Leave them out.", blank))
    return images, faults


def class_string(labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Compare the labels with the class string."""
    if len(outside := np.flatnonzero((labels < 0) | (labels >= len(classes)))):
        found = f"{labels.min()} to {labels.max()}"
        hint = " Do they count from 1? Subtract 1." if labels.min() == 1 and labels.max() == len(classes) else ""
        yield Fault("label-range", f"labels must run from 0 to {len(classes) - 1}; got {found}.{hint}", outside)
    if missing := [classes[label] for label in np.setdiff1d(np.arange(len(classes)), labels)]:
        question = "Was a part of the data lost, or is the class string too long?"
        yield Fault("class-missing", f"every class should have images; none of {' '.join(missing)}. {question}")
    if doubled := sorted({char for char in classes if classes.count(char) > 1}):
        concerned = np.flatnonzero(np.isin(labels, [k for k, char in enumerate(classes) if char in doubled]))
        found = f"{' '.join(doubled)} stands twice in {classes!r}"
        yield Fault("class-doubled", f"every character should be one class; {found}. Give it one label.", concerned)


def imbalance(labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Compare the sizes of the classes that have images.

    The effective number of classes is the exponential of the entropy of their shares: ten equal classes count as
    ten, one large class with nine tiny ones as little more than one.
    """
    present, counts = np.unique(labels[(labels >= 0) & (labels < len(classes))], return_counts=True)
    if len(present) == 0 or (ratio := counts.max() / counts.min()) < UNEVEN:
        return
    largest, smallest = present[counts.argmax()], present[counts.argmin()]
    share = counts / counts.sum()
    effective = np.exp(-(share * np.log(share)).sum())
    yield Fault(
        "imbalance",
        f"classes should be of similar size; {classes[largest]} has {counts.max():,} images, {classes[smallest]} "
        f"{counts.min():,} ({ratio:.0f} times fewer). The {len(present)} classes count for {effective:.0f} equal "
        f"ones, and always answering {classes[largest]} is right {share.max():.0%} of the time. Judge a network by "
        "its accuracy in each class; balance or weight the classes before training.",
        np.flatnonzero(labels == smallest),
        note=bool(ratio <= LOPSIDED),
    )
