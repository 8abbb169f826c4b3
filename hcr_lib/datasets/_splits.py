"""Split images into training, validation and test, so that no image and no writer is in two of them."""

import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from hcr_lib.datasets._dataset import Dataset

PARTS = ("train", "val", "test")
FRACTIONS = (0.8, 0.1, 0.1)


def split(
    dataset: Dataset,
    fractions: Sequence[float],
    rng: np.random.Generator,
    *,
    by_writer: bool = False,
    copies_together: bool = True,
) -> tuple[Dataset, ...]:
    """Split a data set at random into parts that share nothing.

    Parameters
    ----------
    dataset : Dataset
    fractions : sequence of float
        One positive share a part; together 1.
    rng : numpy.random.Generator
    by_writer : bool
        False stratifies: each class is split on its own, so every part has the same mix of classes. True keeps all
        images of a writer in one part, which is what a score on *new* writers needs; shares and mix
        are then as near as whole writers allow.
    copies_together : bool
        Keep images of one origin (see `Dataset.copies`) in one part. False shows what happens otherwise:
        the network has memorised test images.

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
    part = _parts(dataset, fractions, rng, by_writer, copies_together)
    return tuple(dataset.take(part == number) for number in range(len(fractions)))


def fingerprints(images: np.ndarray) -> np.ndarray:
    """Return a 64-bit checksum of every image's pixels, the same on every machine: ndarray of uint64, shape (n,)."""
    digests = b"".join(blake2b(image, digest_size=8).digest() for image in np.ascontiguousarray(images))
    return np.frombuffer(digests, ">u8").astype("uint64")


def by_content(images: np.ndarray, fractions: Sequence[float]) -> np.ndarray:
    """Return the part of each image as its own checksum decides: int64 of shape (n,), from 0.

    The split never changes, agrees between a file and any excerpt of it, and puts identical images together. The
    price: shares are met approximately.
    """
    return np.searchsorted(np.cumsum(fractions)[:-1], fingerprints(images) / 2.0**64, side="right")


def own_part(dataset: Dataset, split: str) -> Dataset:
    """Return one part, "train", "val" or "test", of a data set that brings no parts, 80 / 10 / 10; or "all" of it.

    Where writers are known, none is in two parts: a tenth of them each, but at least one, makes ``test`` and ``val``;
    of two writers one makes ``test``, and a single one is all of ``train``. Checksums of their names decide which: the
    same on every machine. Otherwise each image's content decides.
    """
    if split == "all":
        return dataset
    if dataset.writers is None:
        return dataset.take(by_content(dataset.images, FRACTIONS) == PARTS.index(split))
    names = sorted(set(dataset.writers.tolist()), key=lambda name: blake2b(name.encode()).digest())
    tenth = max(1, round(len(names) * FRACTIONS[-1]))
    edges = np.cumsum([0, tenth * (len(names) > 1), tenth * (len(names) > 2), len(names)])
    first, end = edges[["test", "val", "train"].index(split) :][:2]
    return dataset.take(np.isin(dataset.writers, names[first:end]))


def _parts(
    dataset: Dataset, fractions: Sequence[float], rng: np.random.Generator, by_writer: bool, copies_together: bool
) -> np.ndarray:
    """Return the number of each image's part, int64 of shape (n,)."""
    shares = np.asarray(fractions, float)
    if shares.ndim != 1 or not (shares > 0).all() or not math.isclose(shares.sum(), 1.0, abs_tol=1e-6):
        raise ValueError(
            f"fractions must be positive and add up to 1, such as (0.8, 0.1, 0.1); got {tuple(fractions)}."
        )
    edges = np.cumsum(shares)[:-1]
    if by_writer:
        if dataset.writers is None:
            raise ValueError(f"by_writer needs to know who wrote each image; {dataset!r} has no writers.")
        _, writer, sizes = np.unique(dataset.writers, return_inverse=True, return_counts=True)
        return _deal(sizes, edges, rng)[writer]
    first = dataset.origins.first_seen if copies_together else np.arange(len(dataset))
    sizes = np.bincount(first, minlength=len(dataset))  # of an image with its copies; 0 for a copy
    part = np.zeros(len(dataset), "int64")
    for label in range(len(dataset.classes)):
        members = np.flatnonzero((dataset.labels == label) & (sizes > 0))
        part[members] = _deal(sizes[members], edges, rng)
    return part[first]


def _deal(sizes: np.ndarray, edges: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Lay groups of these sizes side by side in random order, cut at `edges`; return each group's part."""
    order = rng.permutation(len(sizes))
    ends = np.cumsum(sizes[order])
    middles = (ends - sizes[order] / 2) / max(sizes.sum(), 1)
    part = np.empty(len(sizes), "int64")
    part[order] = np.searchsorted(edges, middles, side="right")
    return part
