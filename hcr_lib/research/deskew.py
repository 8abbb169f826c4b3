"""Normal forms of handwriting: without its lean, or all of one width, so that this much need not be learned."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from hcr_lib._validate import ensure_uint8_images

#: The most that is taken out: 45 degrees. A dash has hardly any height, so its "lean" says nothing.
MOST = 1.0
#: Less than this, as a share of full ink, is no part of a character's width: scanners leave a pale rim.
RIM = 0.2


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

    def upright(ink: np.ndarray) -> np.ndarray:
        down = _from_the_middle(ink)[0][:, :, 0]
        return np.arange(ink.shape[2]) - (np.clip(slant(ink), -MOST, MOST)[:, None] * down)[:, :, None]

    return _moved_along_rows(images, upright)


def stretch(images: npt.ArrayLike, width: int) -> np.ndarray:
    """Stretch or squeeze each character sideways until it is `width` pixels wide; its height stays.

    Parameters
    ----------
    images : array_like of uint8, shape (n, 28, 28)
        0 is paper and 255 is full ink.
    width : int
        From 1 to 28.

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28)
        The character's left and right edge are equally far from those of the image.

    Raises
    ------
    ValueError
        If `width` is out of range.

    Notes
    -----
    Cireşan et al. [1]_ showed each network of their committee the digits in another width: networks that see
    differently err differently.

    References
    ----------
    .. [1] D. Cireşan, U. Meier, J. Schmidhuber, "Multi-column deep neural networks for image classification",
       CVPR 2012.

    Examples
    --------
    >>> bar = np.zeros((1, 28, 28), "uint8"); bar[:, 4:24, 3:7] = 255
    >>> np.unique(stretch(bar, 12)[0].nonzero()[1]).tolist() == list(range(7, 21))  # with half a pixel of rim
    True
    """
    if not 1 <= width <= 28:
        raise ValueError(f"width must be a number of pixels from 1 to 28; got {width}.")

    def as_wide(ink: np.ndarray) -> np.ndarray:
        inked = ink.max(axis=1) >= RIM * 255
        left = inked.argmax(axis=1)
        right = ink.shape[2] - inked[:, ::-1].argmax(axis=1)  # behind the last column with ink; blank: the whole image
        middle, per_pixel = (left + right - 1) / 2, (right - left) / width
        from_the_middle = np.arange(ink.shape[2]) - (ink.shape[2] - 1) / 2
        return (middle[:, None] + per_pixel[:, None] * from_the_middle)[:, None, :]

    return _moved_along_rows(images, as_wide)


def _moved_along_rows(images: npt.ArrayLike, sources: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Take the ink of each pixel from elsewhere in its row; `sources` says from which column, fractions included."""
    images = ensure_uint8_images(images)
    return np.concatenate([_gathered(part, sources) for part in np.array_split(images, max(1, len(images) // 2000))])


def _gathered(images: np.ndarray, sources: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    ink = images.astype("float32")
    column = np.broadcast_to(sources(ink), ink.shape)
    whole = np.floor(column).astype(int)
    part = column - whole  # of the way to the next column
    framed = np.pad(ink, ((0, 0), (0, 0), (1, 1)))  # a column of paper on either side, for what lies outside

    def at(number: np.ndarray) -> np.ndarray:
        return np.take_along_axis(framed, np.clip(number + 1, 0, ink.shape[2] + 1), axis=2)

    return ((1 - part) * at(whole) + part * at(whole + 1)).round().astype("uint8")


def _from_the_middle(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how far down and right each pixel is from its image's centre of mass; both broadcast with `ink`."""
    rows, columns = np.arange(ink.shape[1], dtype="float32"), np.arange(ink.shape[2], dtype="float32")
    total = np.maximum(ink.sum(axis=(1, 2)), 1e-6)
    down = rows - ((ink.sum(axis=2) @ rows) / total)[:, None]
    right = columns - ((ink.sum(axis=1) @ columns) / total)[:, None]
    return down[:, :, None], right[:, None, :]
