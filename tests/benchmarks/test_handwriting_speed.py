"""How long the synthetic writers take; see test_speed.py for how to run it and what it is worth."""

import timeit

import numpy as np

from hcr_lib.handwriting import draw_char as draw
from hcr_lib.handwriting import writer
from hcr_lib.research.sample import make_sample

STYLE = writer(0)


def test_draw_char(benchmark):
    generator = np.random.default_rng(0)
    benchmark(lambda: draw("B", STYLE, generator))


def test_ten_thousand_characters(benchmark):
    sample = benchmark.pedantic(make_sample, args=(162, 320), rounds=1)
    assert len(sample) > 10_000


def test_the_cost_grows_with_the_number_of_characters():
    def seconds(per_class):
        return min(timeit.repeat(lambda: make_sample(per_class, 40), number=1, repeat=3))

    few, many = seconds(2), seconds(16)
    assert many < 1.3 * 8 * few
