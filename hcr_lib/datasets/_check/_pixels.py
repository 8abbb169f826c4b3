"""The images themselves: their shape, their range, the colour of their ink."""

import numpy as np

from hcr_lib.datasets._check._report import Fault


def shape(images: np.ndarray, labels: np.ndarray) -> Fault | None:
    """Say what keeps these arrays from being images and labels at all."""
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


def value_range(images: np.ndarray) -> tuple[np.ndarray | None, list[Fault]]:
    """Return the images as numbers in 0 .. 255, as far as that can be guessed, and what was wrong."""
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


def polarity(images: np.ndarray) -> tuple[np.ndarray, list[Fault]]:
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
