"""Splits share no image and no writer, and keep the mix of classes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import datasets
from hcr_lib.datasets import _splits

fractions = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(lambda parts: [p / sum(parts) for p in parts])


@st.composite
def sets(draw):
    labels = np.array(draw(st.lists(st.integers(0, 3), max_size=60)), "int64")
    writers = [f"writer {number}" for number in draw(st.lists(st.integers(0, 9), min_size=len(labels), max_size=60))]
    images = np.zeros((len(labels), 28, 28), "uint8")
    images[:, 0, 0] = np.arange(len(labels))  # its number, to follow it
    return datasets.Dataset(images, labels, "0123", "made up", writers[: len(labels)])


@given(sets(), fractions, st.booleans(), st.integers(0, 3))
def test_every_image_lands_in_exactly_one_part(whole, shares, by_writer, seed):
    parts = datasets.split(whole, shares, np.random.default_rng(seed), by_writer=by_writer)
    numbers = np.concatenate([part.images[:, 0, 0] for part in parts])
    assert len(parts) == len(shares)
    assert sorted(numbers.tolist()) == list(range(len(whole)))


@given(sets(), fractions)
def test_every_class_is_shared_out_alike(whole, shares):
    parts = datasets.split(whole, shares, np.random.default_rng(0))
    for part, share in zip(parts, shares, strict=True):
        assert np.all(np.abs(part.counts - share * whole.counts) <= 1)


@given(sets(), fractions)
def test_no_writer_is_in_two_parts(whole, shares):
    parts = datasets.split(whole, shares, np.random.default_rng(0), by_writer=True)
    writers = [writer for part in parts for writer in set(part.writers)]
    assert len(writers) == len(set(writers))


def test_the_seed_decides():
    whole = datasets.Dataset(np.arange(90).astype("uint8").repeat(784).reshape(90, 28, 28), [0] * 90, "0", "made up")
    first, again, other = (
        datasets.split(whole, (0.5, 0.5), np.random.default_rng(seed))[0].images[:, 0, 0] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("wrong", [(0.5, 0.4), (1.2, -0.2), (), (0.5, 0.5, 0.0)])
def test_fractions_must_be_positive_and_add_up_to_one(wrong):
    whole = datasets.Dataset(np.zeros((1, 28, 28), "uint8"), [0], "0", "made up")
    with pytest.raises(ValueError, match="add up to 1"):
        datasets.split(whole, wrong, np.random.default_rng(0))


def test_by_writer_needs_writers():
    whole = datasets.Dataset(np.zeros((1, 28, 28), "uint8"), [0], "0", "made up")
    with pytest.raises(ValueError, match="has no writers"):
        datasets.split(whole, (0.5, 0.5), np.random.default_rng(0), by_writer=True)


def test_by_content_depends_on_the_image_alone():
    images = np.random.default_rng(0).integers(0, 256, (2000, 28, 28), "uint8")
    parts = _splits.by_content(images, (0.8, 0.1, 0.1))
    assert np.array_equal(_splits.by_content(images[::-3], (0.8, 0.1, 0.1)), parts[::-3])
    assert np.allclose(np.bincount(parts) / 2000, (0.8, 0.1, 0.1), atol=0.03)


def test_fingerprints_are_the_same_on_every_machine():
    assert [hex(number) for number in _splits.fingerprints(np.zeros((1, 28, 28), "uint8"))] == ["0x51952685996be59f"]


def test_fingerprints_tell_images_apart_and_see_through_memory_order():
    images = np.random.default_rng(0).integers(0, 256, (50, 28, 28), "uint8")
    assert len(set(_splits.fingerprints(images))) == 50
    turned = np.ascontiguousarray(images.swapaxes(1, 2)).swapaxes(1, 2)
    assert np.array_equal(_splits.fingerprints(turned), _splits.fingerprints(images))


@given(sets(), fractions, st.integers(0, 3))
def test_copies_stay_in_one_part_however_they_came_about(whole, shares, seed):
    rng = np.random.default_rng(seed)
    copied = datasets.combine(whole, whole.balanced(9, rng=rng, copy=True))
    parts = datasets.split(copied, shares, rng)
    numbers = [number for part in parts for number in set(part.images[:, 0, 0].tolist())]
    assert len(numbers) == len(set(numbers))
    assert sum(map(len, parts)) == len(copied)


def test_copies_are_torn_apart_on_request():
    whole = datasets.Dataset(np.arange(50, dtype="uint8").repeat(784).reshape(50, 28, 28), [0] * 50, "0", "made up")
    doubled = datasets.combine(whole, whole)
    parts = datasets.split(doubled, (0.5, 0.5), np.random.default_rng(0), copies_together=False)
    assert set.intersection(*(set(part.images[:, 0, 0].tolist()) for part in parts))
