"""Divide images into training, validation and test, so that no image and no writer is in two of them."""

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from hcr_lib.datasets._dataset import Dataset


def split(
    dataset: Dataset, fractions: Sequence[float], rng: np.random.Generator, *, by_writer: bool = False
) -> tuple[Dataset, ...]:
    """Divide a data set at random into parts that share nothing.

    Parameters
    ----------
    dataset : Dataset
    fractions : sequence of float
        One positive share a part; together 1.
    rng : numpy.random.Generator
    by_writer : bool
        False divides each class on its own, so every part has the same mix of classes. True keeps all
        images of a writer in one part, which is what a score on *new* writers needs; shares and mix
        are then as near as whole writers allow.

    Returns
    -------
    tuple of Dataset
        As many as `fractions`; every image is in exactly one.

    Raises
    ------
    ValueError
        If the fractions do not add up to 1, or the writers are needed and not known.

    Examples
    --------
    >>> blank = Dataset(np.zeros((10, 28, 28), "uint8"), [0, 1] * 5, classes="01", source="nowhere")
    >>> [len(part) for part in split(blank, (0.6, 0.4), np.random.default_rng(0))]
    [6, 4]
    """
    shares = np.asarray(fractions, float)
    if shares.ndim != 1 or not (shares > 0).all() or not math.isclose(shares.sum(), 1.0, abs_tol=1e-6):
        raise ValueError(
            f"fractions must be positive and add up to 1, such as (0.8, 0.1, 0.1); got {tuple(fractions)}."
        )
    edges = np.cumsum(shares)[:-1]
    if by_writer:
        part = _parts_by_writer(dataset, edges, rng)
    else:
        part = np.zeros(len(dataset), "int64")
        for label in range(len(dataset.classes)):
            members = rng.permutation(np.flatnonzero(dataset.labels == label))
            cuts = np.round(edges * len(members)).astype(int)
            for number, group in enumerate(np.split(members, cuts)):
                part[group] = number
    return tuple(dataset.take(part == number) for number in range(len(shares)))


def fingerprints(images: np.ndarray) -> np.ndarray:
    """Return a 64-bit checksum of every image: ndarray of uint64, shape (n,).

    It depends on the pixels alone, so it is the same in every file, on every machine, with every NumPy.
    """
    images = np.ascontiguousarray(images)
    digests = b"".join(blake2b(image.data, digest_size=8).digest() for image in images)
    return np.frombuffer(digests, ">u8").astype("uint64")


def by_content(images: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """Let every image choose its part by its own checksum.

    For published files that bring no validation part. The division never changes, agrees between a file and
    any excerpt of it, and puts identical images together. The price: shares are met as by
    drawing lots, not exactly.

    Returns
    -------
    ndarray of int64, shape (n,)
        The part, 0 to ``len(fractions) - 1``, of each image.
    """
    position = fingerprints(images) / 2.0**64
    return np.searchsorted(np.cumsum(fractions)[:-1], position, side="right")


def _parts_by_writer(dataset: Dataset, edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    if dataset.writers is None:
        raise ValueError(f"by_writer needs to know who wrote each image; {dataset!r} has no writers.")
    names, writer = np.unique(dataset.writers, return_inverse=True)
    order = rng.permutation(len(names))
    sizes = np.bincount(writer, minlength=len(names))[order]
    middles = (np.cumsum(sizes) - sizes / 2) / max(len(dataset), 1)  # where each writer lies between 0 and 1
    part = np.empty(len(names), "int64")
    part[order] = np.searchsorted(edges, middles, side="right")
    return part[writer]
