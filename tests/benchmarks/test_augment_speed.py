"""Images a second through augmentation, beside Keras' older way of doing the same: its ``ImageDataGenerator``.

The times are taken in turns and the shortest of each kept: what disturbs a run makes it longer, never shorter. What is
asserted are their ratios::

    pytest tests/benchmarks/test_augment_speed.py -n 0 --benchmark-enable -s
"""

import time
from collections.abc import Callable

import numpy as np
import pytest

from hcr_lib import handwriting, images, pen
from hcr_lib._tf import tf
from hcr_lib.augment import Augment

BATCH, TURNS = 512, 60
PAGE = 1 - pen.render(pen.scale_to(handwriting.write_char("B", handwriting.Style(), np.random.default_rng(0))))
IMAGES = np.tile(images.to_mnist(np.uint8(255 * PAGE))[..., None] / np.float32(255), (BATCH, 1, 1, 1))


def by_the_generator() -> Callable[[], object]:
    """Ask Keras' generator for a batch."""
    generator = tf.keras.preprocessing.image.ImageDataGenerator(
        rotation_range=10, zoom_range=0.1, width_shift_range=0.1, height_shift_range=0.1
    )
    batches = generator.flow(IMAGES, batch_size=128, seed=0)
    return lambda: next(batches)


def batched(augment: Augment) -> Callable[[], object]:
    """Augment a batch as a data pipeline does it, by a graph."""
    graph, ink, seed = tf.function(augment), tf.constant(IMAGES), tf.constant([1, 2])
    return lambda: graph(ink, seed)


NOTHING_MORE = {"elastic": 0.0, "thicken": 0.0, "thin": 0.0, "blur": 0.0}


@pytest.fixture(scope="module")
def seconds() -> dict[str, float]:
    """Seconds for an image by each way: the shortest of many turns."""
    ways = {
        "ImageDataGenerator": (by_the_generator(), 128),
        "the same, batched": (batched(Augment.only(rotation=10, scale=0.1, shift=2.8)), BATCH),
        "with slant": (batched(Augment(**NOTHING_MORE)), BATCH),
        "with elastic bending": (batched(Augment(**NOTHING_MORE | {"elastic": 0.6})), BATCH),
        "everything": (batched(Augment()), BATCH),
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
