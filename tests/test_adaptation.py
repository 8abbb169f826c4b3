"""A reader learns one hand: from a few drawings, held back to what it was."""

import numpy as np
import pytest
from scipy import special

from hcr_lib import datasets
from hcr_lib.adaptation import AdaptiveNetwork, refit
from hcr_lib.labels import BYCLASS, LETTERS, TEXT
from hcr_lib.recognizer import Recognizer


@pytest.fixture
def task():
    """A layer of four classes, and fifteen drawings of three of them that it has not seen."""
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(9, 4))
    labels = np.repeat([0, 1, 3], 5)
    return weights, rng.normal(size=(15, 9)) + np.eye(4)[labels] @ rng.normal(size=(4, 9)), labels


def cost(change, weights, features, labels, strength):
    """The cost as the docstring has it, in other words."""
    shares = special.softmax(features @ (weights + change), axis=1)[np.arange(len(labels)), labels]
    return strength / 2 * np.square(change).sum() - np.log(shares).sum()


@pytest.mark.parametrize("strength", [0.3, 30.0])
def test_no_layer_near_by_costs_less(task, strength):
    best = refit(*task, strength) - task[0]
    rng = np.random.default_rng(1)
    least = cost(best, *task, strength)
    assert least < cost(0 * best, *task, strength)
    assert all(cost(best + rng.normal(0, 0.03, best.shape), *task, strength) > least for _ in range(20))


def test_the_stronger_the_nearer_to_what_it_was(task):
    moved = [np.abs(refit(*task, strength) - task[0]).max() for strength in (0.1, 3, 100, 1e9)]
    assert moved == sorted(moved, reverse=True)
    assert moved[-1] < 1e-6 < 0.1 < moved[0]


def test_what_makes_no_sense_is_refused(task):
    weights, features, labels = task
    with pytest.raises(ValueError, match="strength must be more than 0"):
        refit(weights, features, labels, 0)
    with pytest.raises(ValueError, match="nothing to learn from"):
        refit(weights, features[:0], labels[:0])


class TestAdaptiveNetwork:
    """With a body that needs no TensorFlow: the mean ink of the image's quarters."""

    @pytest.fixture
    def network(self):
        def body(ink):
            return ink[..., 0].reshape(len(ink), 2, 14, 2, 14).mean(axis=(2, 4)).reshape(len(ink), 4)

        return AdaptiveNetwork(body, np.zeros((5, 62)), BYCLASS)

    @pytest.fixture
    def drawings(self):
        """An L is what has its ink at the lower left, an I at the upper right."""
        images = np.zeros((6, 28, 28), "uint8")
        images[:3, 14:, :14], images[3:, :14, 14:] = 255, 255
        return datasets.Dataset(images, [1, 1, 1, 0, 0, 0], "IL")

    def test_it_learns_what_was_drawn_and_the_old_one_stays(self, network, drawings):
        learned = network.adapted(drawings, strength=0.1)
        assert np.allclose(network(drawings.images), 1 / 62)
        shares = learned(drawings.images)
        assert np.allclose(shares.sum(axis=1), 1)
        assert "".join(learned.classes[k] for k in shares.argmax(axis=1)) == "LLLIII"

    def test_its_reader_reads_as_any_other(self, network, drawings):
        reader = network.adapted(drawings, strength=0.1).reader("letters")
        picture = np.full((60, 40), 255, "uint8")
        picture[5:55, 15:25] = 0
        assert reader.classes == LETTERS
        assert reader.predict(drawings.images, normalised=True).shape == (6, 26)
        assert len(reader.read(picture, "char").text) == 1


def test_the_networks_two_parts_make_the_reader_that_ships():
    """Loads TensorFlow."""
    network = AdaptiveNetwork.load()
    some = datasets.load("bundled", "test").take(range(80))
    ours, shipped = network.reader(), Recognizer.load("byclass")
    assert np.allclose(ours.predict(some.images), shipped.predict(some.images), atol=1e-4)
    assert network.features(some.images).shape == (80, 129)
    assert network(some.images[:0]).shape == (0, len(TEXT)), "words without candidates to cut"
