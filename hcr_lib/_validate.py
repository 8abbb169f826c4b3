"""Validation of arguments; each error states what was expected, what was received, and what to do."""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt


def ensure_unmasked(values: npt.ArrayLike, *, name: str) -> npt.ArrayLike:
    """Return `values`; a masked array with hidden entries is refused, since NumPy would silently uncover them."""
    if np.ma.is_masked(values):
        raise ValueError(
            f"{name} must be a plain array; got one with {np.ma.count_masked(values)} masked entries. "
            f"Fill them with {name}.filled(0), or leave them out."
        )
    return values


def ensure_gray_image(image: npt.ArrayLike, *, name: str = "image", copy: bool = True) -> np.ndarray:
    """Return `image` as float32 ink in [0, 1] with shape (height, width); without `copy`, the array itself if it is so.

    Raises
    ------
    ValueError
        If it has another number of dimensions, no pixels, or leaves [0, 1].
    """
    array = np.asarray(ensure_unmasked(image, name=name))
    if array.ndim != 2:
        hint = f" Did you pass a batch? Try {name}[0]." if array.ndim == 3 else ""
        raise ValueError(f"{name} must have shape (height, width); got shape {array.shape}.{hint}")
    if array.size == 0:
        raise ValueError(f"{name} must hold at least one pixel; got shape {array.shape}.")
    array = array.astype("float32", copy=copy)
    low, high = float(array.min()), float(array.max())
    if not (low >= 0.0 and high <= 1.0):  # written so that NaN is refused as well
        raise ValueError(
            f"{name} must hold ink between 0 (paper) and 1 (full ink); "
            f"got values from {low:g} to {high:g}. Divide 8-bit images by 255 first."
        )
    return array


def ensure_uint8_images(images: npt.ArrayLike, *, size: tuple[int, int] = (28, 28), name: str = "images") -> np.ndarray:
    """Return `images` as uint8 with shape (n, rows, columns); other types are refused, not converted."""
    array = np.asarray(ensure_unmasked(images, name=name))
    if array.ndim != 3 or array.shape[1:] != size:
        hint = f" For a single image use {name}[None]." if array.shape == size else ""
        raise ValueError(f"{name} must have shape (n, {size[0]}, {size[1]}); got shape {array.shape}.{hint}")
    if array.dtype != np.uint8:
        raise ValueError(
            f"{name} must be uint8 between 0 (paper) and 255 (ink); got {array.dtype}. "
            f"For ink in [0, 1] use (255 * {name}).round().astype('uint8')."
        )
    return array


def ensure_labels(
    labels: npt.ArrayLike, num_classes: int, *, length: int | None = None, name: str = "labels"
) -> np.ndarray:
    """Return `labels` as int64 with shape (n,), each between 0 and `num_classes` - 1."""
    array = np.asarray(ensure_unmasked(labels, name=name))
    if array.ndim != 1:
        hint = " Undo one-hot labels with .argmax(axis=1)." if array.ndim == 2 else ""
        raise ValueError(f"{name} must have shape (n,); got shape {array.shape}.{hint}")
    if array.size and not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name} must be whole numbers; got {array.dtype}. "
            "Turn characters into labels with hcr_lib.labels.to_labels."
        )
    if length is not None and len(array) != length:
        raise ValueError(f"{name} must have one entry per image: expected {length}, got {len(array)}.")
    if array.size and (array.min() < 0 or array.max() >= num_classes):
        raise ValueError(
            f"{name} must lie between 0 and {num_classes - 1}; got {array.min()} to {array.max()}. "
            "EMNIST letters count from 1: see hcr_lib.labels.emnist_letters_to_alnum."
        )
    return array.astype("int64")


def ensure_choice(value: str, choices: Iterable[str], *, name: str) -> str:
    """Return `value` if it is one of `choices`; the error names them all."""
    known: Sequence[str] = list(choices)
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}; got {value!r}.")
    return value
