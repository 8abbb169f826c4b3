"""Name what is wrong with a data set before a network learns it."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hcr_lib.datasets._check._classes import classes_missing, imbalance
from hcr_lib.datasets._check._copies import duplicates, near_duplicates, near_shared, shared
from hcr_lib.datasets._check._doubt import doubtful_labels
from hcr_lib.datasets._check._fit import TURNS, fit
from hcr_lib.datasets._check._pixels import polarity, shape, value_range
from hcr_lib.datasets._check._provenance import provenance
from hcr_lib.datasets._check._report import Fault, Report
from hcr_lib.datasets._dataset import Dataset

__all__ = ["TURNS", "Fault", "Report", "check_dataset"]


def check_dataset(
    dataset: Dataset | tuple[npt.ArrayLike, npt.ArrayLike, str],
    other: Dataset | None = None,
    *,
    thorough: bool = False,
    sources: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Report:
    """Look for the faults that real data sets arrive with.

    Parameters
    ----------
    dataset : Dataset or tuple
        A data set, or raw ``(images, labels, classes)`` that a `Dataset` would refuse.
    other : Dataset, optional
        Another split, to be searched for the same images.
    thorough : bool
        False looks at what takes a moment, whatever the size. True also searches for near copies (all images), trains
        a small reader to find doubtful labels (10,000 images drawn with `seed`), and asks whether images
        give their source away: some ten seconds for a small set, a minute for 200,000 images.
    sources : array_like of str, shape (n,), optional
        Where each image comes from, if a `Dataset` does not know it itself; examined even if not `thorough`.
    seed : int
        For the images drawn by the slow checks: the same seed, the same report.

    Returns
    -------
    Report
        ``report.ok``, ``report.codes``, ``report["transposed"].indices``, ``.examples(10)``, ``report.to_frame()``.

    Raises
    ------
    ValueError
        If `sources` does not name one source an image.

    Notes
    -----
    Quick:

    ==================== ==========================================================================================
    shape, range         the arrays are no images with labels; pixels do not run from 0 to 255
    inverted, blank      black ink on white; no ink
    label-range          labels outside the class string
    class-missing        a class without images
    class-doubled        a character that is two classes
    transposed           or mirrored, upside-down, rotated, rotated-left, rotated-right
    labels-shifted       every label off by one
    labels-swapped       two classes that bear each other's name
    imbalance            the largest class over 5 times the smallest: a note; over 100 times: a fault
    duplicates           more than 1 image in 1,000 is an exact copy of an earlier one (fewer: a note)
    label-conflict       one image under two labels
    shared-images        images that are also in `other`
    ==================== ==========================================================================================

    Thorough:

    ==================== ==========================================================================================
    near-duplicates      moved, blurred, dimmed, compressed or retouched copies of an earlier image;
                         a note up to 1 in 1,000
    near-shared          such copies of images of `other`
    doubtful-labels      pictures that a reader trained on the others calls something else, if there are more of
                         them than a clean set holds (else a note)
    source-shortcut      the source tells the class, and the images of the sources can be told apart: a network
                         will learn the source (a note if only one of the two is true)
    ==================== ==========================================================================================

    Orientation and labels are judged by the mean image of each class, which is compared with the handwriting that
    ships; the classes vote, so an unusual hand or a symmetric character raises no alarm. The vote needs at least three
    classes with five images each. Characters of one shape (`labels.same_shape`: 0 and O) never count
    against a label.

    Examples
    --------
    >>> frames = np.zeros((2, 28, 28), "uint8"); frames[:, 4:24, 12:16] = 1; frames[1, 4:8, 8:16] = 1
    >>> report = check_dataset((frames, [1, 0], "01"))
    >>> report
    raw arrays: 1 fault
    - range: images must run from 0 to 255; got uint8 from 0 to 1. Multiply by 255 before rounding to uint8.
    >>> report.ok, report.codes
    (False, {'range'})
    """
    if isinstance(dataset, Dataset):
        images, labels, classes, source = dataset.images, dataset.labels, dataset.classes, dataset.source
        copies = dataset.copies
        if sources is None and thorough:
            sources = np.array(dataset.origins.names)[dataset.origins.numbers]
    else:
        images, labels, classes = np.asarray(dataset[0]), np.asarray(dataset[1]), dataset[2]
        source = "raw arrays"
        copies = np.zeros(labels.shape, bool)
    shape_fault = shape(images, labels)
    if shape_fault is not None:
        return Report(source, [shape_fault])
    if sources is not None and np.shape(sources) != labels.shape:
        raise ValueError(f"sources must name one source an image, shape {labels.shape}; got {np.shape(sources)}.")

    faults = list(classes_missing(labels, classes))
    notes: list[Fault] = []

    def add(found: tuple[list[Fault], list[Fault]]) -> None:
        faults.extend(found[0])
        notes.extend(found[1])

    pixels, range_faults = value_range(images)
    faults += range_faults
    if pixels is not None:
        pixels, ink_faults = polarity(pixels)
        faults += ink_faults
        faults += fit(pixels, labels, classes)
    add(imbalance(labels, classes))
    add(duplicates(images, labels, classes, copies))
    if other is not None:
        faults += shared(images, other)
    if thorough and pixels is not None:
        add(near_duplicates(pixels))
        if other is not None:
            add(near_shared(pixels, other))
        add(doubtful_labels(pixels, labels, classes, seed))
    if sources is not None and pixels is not None:
        add(provenance(pixels, labels, classes, np.asarray(sources).astype(str), seed))
    return Report(
        source, [replace(fault, images=images) for fault in faults], [replace(note, images=images) for note in notes]
    )
