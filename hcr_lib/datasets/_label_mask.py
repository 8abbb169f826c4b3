"""Label masks: which classes an image may show, and among which its label was chosen (partial labels)."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

#: The entries of a label mask: a class that the image may show, one that was considered and ruled out, and one that
#: was never considered.
CANDIDATE, RULED_OUT, NOT_CONSIDERED = 2, 1, 0


def ensure_label_mask(mask: npt.ArrayLike, labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return `mask` as uint8 of shape (n, num_classes), in which each label is a candidate."""
    array = np.asarray(mask)
    if array.shape != (len(labels), num_classes):
        raise ValueError(f"label_mask must have shape ({len(labels)}, {num_classes}); got {array.shape}.")
    own = array[np.arange(len(labels)), labels]
    if not np.isin(array, (CANDIDATE, RULED_OUT, NOT_CONSIDERED)).all() or not (own == CANDIDATE).all():
        raise ValueError(
            f"label_mask must hold {CANDIDATE} for candidates, the image's own label among them, {RULED_OUT} for other "
            f"classes considered, {NOT_CONSIDERED} elsewhere; got {np.unique(array)[:5].tolist()}, and at the own "
            f"labels {np.unique(own)[:5].tolist()}."
        )
    return array.astype("uint8")


def map_classes(mask: np.ndarray | None, labels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Bring a label mask to other classes: each as likely as the likeliest of the old ones that stand for it.

    Without a mask, the old labels are the one candidate. `matrix`, bool of shape (old, new), says which new classes an
    old one stands for.
    """
    if mask is None:
        return np.where(matrix[labels], CANDIDATE, RULED_OUT).astype("uint8")
    mapped = np.full((len(labels), matrix.shape[1]), NOT_CONSIDERED, "uint8")
    for old, new in np.argwhere(matrix):
        np.maximum(mapped[:, new], mask[:, old], out=mapped[:, new])
    return mapped
