"""Name what is wrong with a data set before a network learns it."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from hcr_lib.datasets._check._class_means import TURNS, orientation_and_order
from hcr_lib.datasets._check._copies import exact_copies, label_conflicts, near_copies
from hcr_lib.datasets._check._format import class_string, imbalance, polarity, shape, value_range
from hcr_lib.datasets._check._label_errors import doubtful_labels
from hcr_lib.datasets._check._report import Fault, Report
from hcr_lib.datasets._check._shortcut import source_shortcut
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
        False checks what takes a moment, whatever the size. True also searches for near-duplicates (all images),
        trains a small classifier to find label errors (10,000 images drawn with `seed`), and tests whether images
        give their source away: some ten seconds for a small set, a minute for 200,000 images.
    sources : array_like of str, shape (n,), optional
        Where each image comes from, if a `Dataset` does not know it itself; examined even if not `thorough`. There must
        be one an image.
    seed : int
        For the images drawn by the slow checks: the same seed gives the same report.

    Returns
    -------
    Report
        ``report.ok``, ``report.codes``, ``report["transposed"].indices``, ``.examples(10)``, ``report.to_frame()``.

    Notes
    -----
    Orientation and labels are judged by the mean image of each class, which is compared with the bundled handwriting;
    the classes vote, so an unusual hand or a symmetric character raises no alarm. The vote needs at least three
    classes with five images each. Characters of one shape (`labels.same_shape`: 0 and O) never count
    against a label. The last four checks of this table are those of `thorough`:

    ==================== ==========================================================================================
    shape, range         the arrays are not images with labels; pixels do not run from 0 to 255
    inverted, blank      black ink on white; no ink
    label-range          labels outside the class string
    class-missing        a class without images
    class-doubled        a character that is two classes
    transposed           or mirrored, upside-down, rotated, rotated-left, rotated-right
    labels-shifted       every label off by one
    labels-swapped       two classes that have each other's label
    imbalance            the largest class over 5 times the smallest: a note; over 100 times: a fault
    duplicates           more than 1 image in 1,000 is an exact copy of an earlier one (fewer: a note)
    label-conflict       one image under two labels
    shared-images        images that are also in `other`
    near-duplicates      moved, blurred, dimmed, compressed or retouched copies of an earlier image;
                         a note up to 1 in 1,000
    near-shared          such copies of images in `other`
    doubtful-labels      images that a classifier trained on the others assigns to another class, if there are more
                         of them than a clean set holds (else a note)
    source-shortcut      the source tells the class, and the sources can be distinguished by their images: a network
                         will learn the source (a note if only one of the two is true)
    ==================== ==========================================================================================

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
    source, known_copies = "raw arrays", False
    if isinstance(dataset, Dataset):
        source, known_copies = dataset.source, dataset.copies
        if sources is None and thorough:
            sources = dataset.origins.each_name
        dataset = dataset.images, dataset.labels, dataset.classes
    images, labels, classes = np.asarray(dataset[0]), np.asarray(dataset[1]), dataset[2]
    if findings := list(shape(images, labels)):
        return Report(source, findings)
    if sources is not None and np.shape(sources) != labels.shape:
        raise ValueError(f"sources must name one source an image, shape {labels.shape}; got {np.shape(sources)}.")

    findings += class_string(labels, classes)
    pixels, range_faults = value_range(images)
    findings += range_faults
    if pixels is not None:
        pixels, ink_faults = polarity(pixels)
        findings += ink_faults
        findings += orientation_and_order(pixels, labels, classes)
    findings += imbalance(labels, classes)
    findings += exact_copies(images, None, known_copies)
    findings += label_conflicts(images, labels, classes)
    if other is not None and images.dtype == np.uint8:
        findings += exact_copies(images, other)
    if thorough and pixels is not None:
        findings += near_copies(pixels, None)
        if other is not None:
            findings += near_copies(pixels, other)
        findings += doubtful_labels(pixels, labels, classes, seed)
    if sources is not None and pixels is not None:
        findings += source_shortcut(pixels, labels, classes, np.asarray(sources).astype(str), seed)
    return Report(source, [replace(finding, images=images) for finding in findings])
