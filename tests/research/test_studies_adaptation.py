"""The study of adaptation: drawings are dealt fairly, rivals do what they say, and errors are counted by person."""

import numpy as np
import pytest

from hcr_lib import records
from hcr_lib.adaptation import STRENGTH
from hcr_lib.labels import BYCLASS
from hcr_lib.research.studies import adaptation
from hcr_lib.research.studies.adaptation import Drawings, bias_only, cache, compared, deals, last_layer, nearest_mean


@pytest.fixture(scope="module")
def data():
    """Two people; ten drawings each of 0, 1 and 2, and three of 3, which are too few."""
    labels = np.tile(np.repeat([0, 1, 2, 3], [10, 10, 10, 3]), 2)
    rng = np.random.default_rng(0)
    features = np.insert(np.eye(4)[labels] + rng.normal(0, 0.2, (66, 4)), 0, 1, axis=1)
    return Drawings(features, labels, np.repeat(["7", "8"], 33))


def test_what_is_judged_was_not_learned_from_and_is_the_same_for_any_number(data):
    for one, five in zip(deals(data, 1, range(2)), deals(data, 5, range(2)), strict=True):
        assert (one.person, one.seed) == (five.person, five.seed)
        assert np.array_equal(one.held_out, five.held_out)
        assert {*one.own} <= {*five.own}
        assert not {*five.own} & {*five.held_out}
        assert {*data.writers[five.own]} == {*data.writers[five.held_out]} == {five.person}
        assert np.bincount(data.labels[five.own]).tolist() == [5, 5, 5]
    first = next(deals(data, 5, range(1), first=True))
    assert first.own.tolist() == [*range(5), *range(10, 15), *range(20, 25)]


def test_every_method_learns_what_a_layer_that_knows_nothing_cannot(data):
    deal = next(deals(data))
    own, new = data.features[deal.own], data.features[deal.held_out]
    weights = np.zeros((5, len(BYCLASS)))
    for method in (last_layer(weights, 0.3), nearest_mean(weights, 0.6, 2.0), cache(weights, 3.0, 5.0)):
        assert adaptation.misread(method(own, data.labels[deal.own], new), data.labels[deal.held_out]) < 0.2
    scores = bias_only(weights, 1.0)(own, data.labels[deal.own], new)
    assert np.ptp(scores, axis=0).max() < 1e-9, "whatever is drawn"
    assert scores[0, :3].min() > scores[0, 3:].max()


def test_the_nearest_mean_leaves_what_was_not_shown_its_probability(data):
    weights = np.random.default_rng(1).normal(size=(5, len(BYCLASS)))
    logs = nearest_mean(weights, 0.6, 2.0)(data.features[:10], data.labels[:10], data.features[10:20])
    shares = np.exp(logs)
    scores = np.exp(data.features[10:20] @ weights)
    assert np.allclose(shares.sum(axis=1), 1)
    assert np.allclose(shares[:, 1:], (scores / scores.sum(axis=1, keepdims=True))[:, 1:])


def test_people_count_alike_however_much_they_wrote():
    row = compared({"a": [0.4, 0.2], "b": [0.1, 0.1]}, {"a": [0.1, 0.1], "b": [0.1, 0.1]})
    assert (row["before"], row["after"], row["falls"]) == (0.2, 0.1, 0.5)
    assert (row["least fall of a deal"], row["greatest"]) == (0.3333, 0.6)
    assert (row["people"], row["better"]) == (2, 1)
    assert row["low"] <= row["falls"] <= row["high"]


def test_the_strength_is_what_the_record_chose_on_training_people():
    record = records.read("adaptation")
    assert record["constants"]["last layer"] == [STRENGTH]
    tuning = record["tuning"]["last layer"]
    assert min(tuning, key=tuning.get) == str(STRENGTH)
