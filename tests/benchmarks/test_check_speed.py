"""How long it takes to search a large set for copies. Left out unless asked for, like its neighbours::

pytest tests/benchmarks/test_check_speed.py -n 0 --benchmark-enable
"""

import timeit

import numpy as np
import pytest
from scipy import ndimage

from hcr_lib import datasets
from hcr_lib.datasets import _check
from hcr_lib.datasets._check import _copies

NUMBER = 200_000
QUARTER_TURNS = 4


@pytest.fixture(scope="module")
def many() -> np.ndarray:
    """Return different images in number: the bundled ones turned, mirrored, broadened, slanted."""
    images = datasets.load("bundled", "all").images
    forms = [images, ndimage.grey_dilation(images, (1, 2, 2)), ndimage.grey_dilation(images, (1, 1, 3))]
    turned = [np.rot90(form, turn, axes=(1, 2)) for form in forms for turn in range(QUARTER_TURNS)]
    both = [side for form in turned for side in (form, form[:, :, ::-1])]
    return np.concatenate(both)[:NUMBER]


def seconds(function, *arguments) -> float:
    """Return the shortest of three runs: what disturbs a run makes it longer, never shorter."""
    return min(timeit.repeat(lambda: function(*arguments), number=1, repeat=3))


def compare_all(images: np.ndarray) -> np.ndarray:
    """The obvious way: the distance of every pair, in every position moved by up to a pixel."""
    pixels = images.reshape(len(images), -1).astype("float32")
    power = (pixels**2).sum(axis=1)
    best = np.full((len(images), len(images)), np.inf, "float32")
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            moved = np.roll(images, (down, right), axis=(1, 2)).reshape(len(images), -1).astype("float32")
            np.minimum(best, power[:, None] + power - 2 * pixels @ moved.T, out=best)
    return best


def test_near_duplicates_of_a_large_set(benchmark, many):
    benchmark.pedantic(_copies.near_copies, [many, None], rounds=1)


def test_the_quick_check_of_sixty_thousand(benchmark, many):
    arrays = many[:60_000], np.arange(60_000) % 10, "0123456789"
    benchmark.pedantic(_check.check_dataset, [arrays], rounds=3)


def test_the_search_is_many_times_faster_than_comparing_all(many):
    some = many[:: len(many) // 5000][:5000]
    assert 3 * seconds(_copies.near_copies, some, None) < seconds(compare_all, some)


def test_ten_times_the_images_take_far_less_than_a_hundred_times_as_long(many):
    few, more = (many[:: len(many) // number][:number] for number in (3_000, 30_000))
    assert seconds(_copies.near_copies, more, None) < 40 * seconds(_copies.near_copies, few, None)
