"""How long the steps of reading take. Left out unless asked for::

    pytest tests/benchmarks -n 0 --benchmark-enable

The table that it prints is for people: it depends on the machine. What is asserted are ratios of times measured side by
side, with room to spare, so that a step that became many times slower is seen on any machine.
"""

import timeit

import numpy as np
import pytest

from hcr_lib import datasets, handwriting, images, pen
from hcr_lib.networks import models
from hcr_lib.recognizer import BATCH, Recognizer

STROKES = pen.scale_to(handwriting.write_char("B", handwriting.Style(), np.random.default_rng(0)))
PAGE = np.uint8(255 * (1 - pen.render(STROKES)))
STORED = np.resize(datasets.load("bundled", "test").images[:40], (BATCH, 28, 28))


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    reader = Recognizer.load()
    reader.predict(STORED)  # the first call compiles
    return reader


def seconds(function, *arguments) -> float:
    """Return the shortest of five runs: what disturbs a run makes it longer, never shorter."""
    return min(timeit.repeat(lambda: function(*arguments), number=1, repeat=5))


@pytest.mark.parametrize("number", [1, BATCH])
def test_predict(benchmark, reader, number):
    benchmark(reader.predict, STORED[:number])


def test_read_a_character(benchmark, reader):
    benchmark(reader.read, PAGE)


def test_to_mnist(benchmark):
    benchmark(images.to_mnist, PAGE)


def test_render(benchmark):
    benchmark(pen.render, STROKES)


def test_one_image_is_read_many_times_faster_than_by_model_predict(reader):
    model = models.compact_cnn(62, reader.record["width"], first=2)
    one = STORED[:1, ..., None] / np.float32(255)
    model.predict(one, verbose=0)
    assert seconds(reader.predict, STORED[:1]) < seconds(lambda: model.predict(one, verbose=0)) / 3


def test_images_are_cheaper_by_the_batch(reader):
    assert seconds(reader.predict, STORED) < BATCH * seconds(reader.predict, STORED[:1])


def test_pictures_are_cheaper_by_the_dozen(reader):
    pages = [PAGE] * 24
    together = seconds(lambda: list(reader.read_all(pages)))
    assert together < 1.2 * seconds(lambda: [reader.read(page) for page in pages])


def test_a_photograph_costs_as_much_as_its_pixels():
    photo = np.kron(PAGE, np.ones((4, 4), "uint8"))
    assert seconds(images.to_mnist, photo) < 3 * 16 * seconds(images.to_mnist, PAGE)


def test_drawing_costs_as_much_as_its_points():
    assert seconds(pen.render, STROKES * 10) < 3 * 10 * seconds(pen.render, STROKES)
