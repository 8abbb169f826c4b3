"""Batches that a network is trained on, made from a data set while it trains."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hcr_lib._tf import tf
from hcr_lib.datasets import Dataset


def draw_order(number: int, weights: np.ndarray | None, seed: int, epoch: int) -> np.ndarray:
    """Draw the order of an epoch's images: a permutation, or with replacement in proportion to their weights."""
    return np.random.default_rng((seed, epoch)).choice(number, number, replace=weights is not None, p=weights)


def stream_batches(
    data: Dataset,
    batch_size: int,
    *,
    epochs: Iterable[int] = (0,),
    order: Callable[[int], np.ndarray] | None = None,
    augment: Callable | None = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """Stream batches of float32 ink (n, 28, 28, 1) and label masks uint8 (n, classes), epoch after epoch.

    Images are gathered by index, a batch at a time, so that a shuffle of a million is as good as one of a hundred. All
    epochs are one stream: the first batch of an epoch is made while the network still trains on the epoch before.

    Parameters
    ----------
    order : callable, optional
        From the number of an epoch to the indices of its images; by default each image once, as they stand.
    augment : callable, optional
        From (ink, seed) to ink; the second number of the seed counts the batches since the first epoch.
    """
    images, targets = data.images, data.targets
    steps = -(-len(data) // batch_size)

    def gather():
        for epoch in epochs:
            rows = np.arange(len(data)) if order is None else order(epoch)
            for step in range(steps):
                batch = rows[step * batch_size : (step + 1) * batch_size]
                yield images[batch], targets[batch], (seed, epoch * steps + step)

    signature = (
        tf.TensorSpec((None, *images.shape[1:]), "uint8"),
        tf.TensorSpec((None, targets.shape[1]), "uint8"),
        tf.TensorSpec((2,), "int32"),
    )

    def prepare(stored, targets, seed):
        ink = tf.cast(stored[..., None], "float32") / 255
        return (augment(ink, seed) if augment else ink), targets

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    batches = batches.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(2)
    # All is set by hand, so there is nothing for TensorFlow to tune. Its tuner is a thread that wakes at ever longer
    # intervals, and dropping an iterator waits for it: seconds after a short training.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
