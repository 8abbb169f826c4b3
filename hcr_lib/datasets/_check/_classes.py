"""The labels on their own: whether they fit the class string, and how often each class comes."""

from collections.abc import Iterator

import numpy as np

from hcr_lib.datasets._check._report import Fault

UNEVEN = 5.0  #: largest class against smallest: from here on worth a note
LOPSIDED = 100.0  #: and from here on a fault. EMNIST ByClass and the A-Z file, uneven by nature, reach 20 to 60


def classes_missing(labels: np.ndarray, classes: str) -> Iterator[Fault]:
    """Compare the labels with the class string."""
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


def imbalance(labels: np.ndarray, classes: str) -> tuple[list[Fault], list[Fault]]:
    """Say how uneven the classes are that have images: as a fault, as a note, or not at all.

    The effective number of classes is the exponential of the entropy of their shares: ten equal classes count as
    ten, one large class with nine tiny ones as little more than one.
    """
    counts = np.bincount(labels[(labels >= 0) & (labels < len(classes))], minlength=len(classes))
    present = np.flatnonzero(counts)
    if len(present) < 2:
        return [], []
    largest, smallest = counts.argmax(), present[counts[present].argmin()]
    ratio = counts[largest] / counts[smallest]
    if ratio < UNEVEN:
        return [], []
    share = counts[present] / counts.sum()
    effective = np.exp(-(share * np.log(share)).sum())
    finding = Fault(
        "imbalance",
        f"classes should be of like size; {classes[largest]} has {counts[largest]:,} images, {classes[smallest]} "
        f"{counts[smallest]:,} ({ratio:.0f} times fewer). The {len(present)} classes count for {effective:.0f} equal "
        f"ones, and always answering {classes[largest]} is right {share.max():.0%} of the time. Judge a reader by its "
        "accuracy in each class; balance or weight the classes before training.",
        np.flatnonzero(labels == smallest),
    )
    return ([finding], []) if ratio > LOPSIDED else ([], [finding])
