"""How many images a second augmentation gives, beside Keras' older way of doing the same.

The times are taken in turns and the shortest of each kept: what disturbs a run makes it longer, never shorter. What is
asserted are their ratios::

    pytest tests/benchmarks/test_augment.py --benchmark-enable -s
"""

import time
from collections.abc import Callable

import numpy as np
import pytest

from hcr_lib import handwriting, images, legacy, pen
from hcr_lib._tf import tf
from hcr_lib.augment import Augment

BATCH, BATCHES, TURNS = 128, 20, 15
PAGE = 1 - pen.render(pen.fit(handwriting.write_char("B", handwriting.Style(), np.random.default_rng(0))))
IMAGES = np.tile(images.to_mnist(np.uint8(255 * PAGE))[..., None] / np.float32(255), (BATCH * BATCHES, 1, 1, 1))


def by_the_generator() -> Callable[[], None]:
    """Run a few batches through Keras' generator; it is slow, and as slow for each."""
    batches = legacy.generator().flow(IMAGES, batch_size=BATCH, seed=0)
    return lambda: next(batches)


def in_the_pipeline(augment: Augment) -> Callable[[], None]:
    """Run all batches through `tf.data`, as `hcr_lib.training.fit` does."""
    seeds = tf.data.Dataset.range(BATCHES, output_type=tf.int32)
    batches = tf.data.Dataset.from_tensor_slices(IMAGES.reshape(BATCHES, BATCH, 28, 28, 1))
    changed = tf.data.Dataset.zip(batches, seeds).map(
        lambda ink, seed: augment(ink, tf.stack([0, seed])), num_parallel_calls=2
    )
    return lambda: [None for _ in changed.prefetch(2)]


NOTHING_MORE = {"elastic": 0.0, "thicken": 0.0, "thin": 0.0, "blur": 0.0}


@pytest.fixture(scope="module")
def seconds() -> dict[str, float]:
    """Seconds for an image by each way: the shortest of many turns."""
    ways = {
        "ImageDataGenerator": (by_the_generator(), BATCH),
        "the same, batched": (in_the_pipeline(legacy.equivalent()), len(IMAGES)),
        "with slant": (in_the_pipeline(Augment(**NOTHING_MORE)), len(IMAGES)),
        "with elastic bending": (in_the_pipeline(Augment(**NOTHING_MORE | {"elastic": 0.6})), len(IMAGES)),
        "everything": (in_the_pipeline(Augment()), len(IMAGES)),
    }
    shortest = dict.fromkeys(ways, float("inf"))
    for turn in range(1 + TURNS):
        for name, (run, number) in ways.items():
            start = time.perf_counter()
            run()
            if turn:  # the first one compiles
                shortest[name] = min(shortest[name], (time.perf_counter() - start) / number)
    print()
    for name, needed in shortest.items():
        print(f"{name:22} {1 / needed:9,.0f} images/s  {shortest['ImageDataGenerator'] / needed:5.1f} x")
    return shortest


@pytest.mark.parametrize(
    ("way", "times"), [("the same, batched", 20), ("with slant", 20), ("with elastic bending", 5)]
)  # fmt: skip
def test_many_times_as_many_images_as_the_generator(seconds, way, times):
    assert seconds["ImageDataGenerator"] > times * seconds[way]
