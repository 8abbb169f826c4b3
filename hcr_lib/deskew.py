"""Deskewing: take the lean out of handwriting, so that a method without any idea of shape need not learn it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcr_lib._validate import ensure_uint8_images

#: The most that is taken out: 45 degrees. A dash has hardly any height, so its "lean" says nothing.
MOST = 1.0


def slant(ink: np.ndarray) -> np.ndarray:
    """Return how far each character leans to the right: the tangent of the angle, from second moments.

    Parameters
    ----------
    ink : ndarray of float, shape (n, height, width)
        Any unit; more is more ink.

    Returns
    -------
    ndarray of float, shape (n,)
        Pixels to the right for every pixel up; 0 for a blank image.

    Notes
    -----
    How far right the ink lies, as a straight line of how far up it lies: its covariance with the row, divided by the
    variance of the row.

    Examples
    --------
    >>> backslash = np.eye(5)
    >>> slant(np.stack([backslash, backslash[::-1]])).round(2).tolist()
    [-1.0, 1.0]
    """
    down, right = _from_the_middle(ink)
    return -(ink * down * right).sum(axis=(1, 2)) / np.maximum((ink * down**2).sum(axis=(1, 2)), 1e-6)


def deskew(images: npt.ArrayLike) -> np.ndarray:
    """Shift the rows of each image sideways, the more the farther from the middle of the ink, until it stands upright.

    Parameters
    ----------
    images : array_like of uint8, shape (n, 28, 28)
        0 is paper and 255 is full ink. Row 0 is the top.

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28)
        The ink's middle stays where it was. What is pushed past an edge is dropped; the gap is filled with paper.

    Notes
    -----
    As in the experiments of LeCun et al. [1]_: the second moments say how far the ink leans (`slant`), and shearing
    makes it vertical. Between pixels the ink is interpolated along the row. First used in notebook 03.

    References
    ----------
    .. [1] Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document recognition",
       Proceedings of the IEEE 86 (1998), 2278-2324.

    Examples
    --------
    >>> slash = 255 * np.eye(28, dtype="uint8")[None, :, ::-1]
    >>> np.unique(deskew(slash)[0].nonzero()[1]).tolist()
    [13, 14]
    """
    images = ensure_uint8_images(images)
    return np.concatenate([_deskewed(part) for part in np.array_split(images, max(1, len(images) // 2000))])


def _deskewed(images: np.ndarray) -> np.ndarray:
    ink = images.astype("float32")
    width = ink.shape[2]
    down = _from_the_middle(ink)[0][:, :, 0]
    lean = np.clip(slant(ink), -MOST, MOST)
    # Row by row: the ink that belongs at column x stands at column x + shift, between two pixels.
    shift = -lean[:, None] * down
    whole = np.floor(shift).astype(int)
    part = (shift - whole)[:, :, None]
    framed = np.pad(ink, ((0, 0), (0, 0), (1, 1)))  # a column of paper on either side, for what lies outside
    left = np.arange(width) + whole[:, :, None] + 1

    def column(number: np.ndarray) -> np.ndarray:
        return np.take_along_axis(framed, np.clip(number, 0, width + 1), axis=2)

    upright = (1 - part) * column(left) + part * column(left + 1)
    return upright.round().astype("uint8")


def _from_the_middle(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far down and right each pixel is from its image's centre of mass; both broadcast with `ink`."""
    rows, columns = np.arange(ink.shape[1], dtype="float32"), np.arange(ink.shape[2], dtype="float32")
    total = np.maximum(ink.sum(axis=(1, 2)), 1e-6)
    down = rows - ((ink.sum(axis=2) @ rows) / total)[:, None]
    right = columns - ((ink.sum(axis=1) @ columns) / total)[:, None]
    return down[:, :, None], right[:, None, :]
