"""From arrays of images to the batches that a network learns from."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from hcr_lib._tf import tf


def draw_order(number: int, weights: np.ndarray | None, seed: int, epoch: int) -> np.ndarray:
    """Draw the order in which an epoch sees the images: each once, or by their weights."""
    return np.random.default_rng((seed, epoch)).choice(number, number, replace=weights is not None, p=weights)


def stream_batches(
    images: np.ndarray,
    marks: np.ndarray,
    orders: Iterable[np.ndarray],
    batch_size: int,
    augment: Callable | None = None,
    seed: tuple[int, int] = (0, 0),
) -> tf.data.Dataset:
    """Stream (ink, marks) batches, epoch after epoch, each in its own order, changed by `augment` on the way.

    Shuffle, then batch, then augment: images are gathered by number, a batch at a time, so that a shuffle is as good
    with a million images as with a hundred. While the last batch of an epoch is being learned, the first of the next
    is already made.
    """

    def gather():
        number = seed[1]
        for order in orders:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                yield images[rows], marks[rows], (seed[0], number)
                number += 1

    signature = (
        tf.TensorSpec((None, *images.shape[1:]), "uint8"),
        tf.TensorSpec((None, marks.shape[1]), "uint8"),
        tf.TensorSpec((2,), "int32"),
    )

    def prepare(stored, marks, seed):
        ink = tf.cast(stored[..., None], "float32") / 255
        return (augment(ink, seed) if augment else ink), marks

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    batches = batches.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(2)
    # Nothing is left for TensorFlow to tune. It would try in a thread of its own, at ever longer intervals, and
    # whoever drops the iterator may have to wait for that thread's next turn: seconds after a short training.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
