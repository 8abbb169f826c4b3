"""The study of 36 classes, on made-up data: what it mixes, what it scores, what it leaves for another day."""

import json

import numpy as np
import pytest

from hcr_lib import datasets, metrics
from hcr_lib.labels import ALNUM, DIGITS, LETTERS
from hcr_lib.research.ladder import Network
from hcr_lib.research.studies import letters36


@pytest.fixture
def made_up(monkeypatch, tmp_path, uncompiled):
    """Let both real sets be a few synthetic characters, and the networks be quick ones."""
    sample = datasets.load("bundled", "train").balanced(20, rng=np.random.default_rng(0)).merge_classes(ALNUM)
    part_of = np.array(["train"] * 5 + ["val", "test", "test"])[np.arange(len(sample)) % 8]

    unknown = np.repeat("?", len(sample))
    np.savez(tmp_path / "emnist.npz", images=sample.images, chars=sample.chars, case_chars=unknown, split=part_of)

    def load(name, split, data_dir=None):
        return sample.take(part_of == split).merge_classes(DIGITS)

    quick = {"epochs": 1, "batch_size": 64}
    monkeypatch.setattr(letters36, "load", load)
    monkeypatch.setattr(
        letters36,
        "NETWORKS",
        {"seed_cnn": Network("linear", quick), "compact_cnn": Network("linear", quick | {"epochs": 3})},
    )
    monkeypatch.setattr(
        letters36, "NAMES", tuple(f"{n}-{s}" for s in letters36.SOURCES for n in ("seed_cnn", "compact_cnn"))
    )
    monkeypatch.setenv("HCR_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("source", letters36.SOURCES)
def test_there_are_as_many_digits_as_letters_in_each_part(made_up, source, monkeypatch):
    monkeypatch.setattr(letters36, "TRAINED_ON", 50)
    parts = letters36.mixture(made_up, source)
    counts = letters36.count(parts)
    assert all(part["digits"] == part["letters"] > 0 for part in counts.values())
    assert counts["train"]["digits"] == 50
    assert parts.train.classes == ALNUM
    seen = [{image.tobytes() for image in part.images} for part in (parts.train, parts.val, parts.test)]
    assert not (seen[0] & seen[1] or seen[0] & seen[2] or seen[1] & seen[2])


def test_one_network_at_a_time_and_the_record_has_what_is_finished(made_up):
    first = letters36.some(made_up, ["seed_cnn-two-sources"])
    assert [(row["network"], row["sources"]) for row in first["rows"]] == [("seed_cnn", "two-sources")]
    assert first["compared"] == []
    second = letters36.some(made_up, ["compact_cnn-two-sources"])
    assert [row["network"] for row in second["rows"]] == ["seed_cnn", "compact_cnn"]
    assert second["rows"][0] == first["rows"][0]
    assert second["minutes"] == pytest.approx(sum(row["seconds"] for row in second["rows"]) / 60, abs=0.05)
    (compared,) = second["compared"]
    assert (compared["first"], compared["second"]) == ("compact_cnn", "seed_cnn")
    assert compared["only_first_right"] + compared["only_second_right"] > 0, "a longer training reads others"
    json.dumps(second)


def test_what_was_finished_beside_it_is_in_the_record_too(made_up, monkeypatch):
    trained, meanwhile = Network.trained, ["seed_cnn-two-sources"]

    def slow(self, *arguments):
        while meanwhile:  # another process trains this one while we are at ours
            letters36.some(made_up, [meanwhile.pop()])
        return trained(self, *arguments)

    monkeypatch.setattr(Network, "trained", slow)
    found = letters36.some(made_up, ["compact_cnn-two-sources"])
    assert [row["network"] for row in found["rows"]] == ["seed_cnn", "compact_cnn"]


def test_the_whole_study_has_both_mixtures(made_up):
    found = letters36.study(made_up)
    assert {(row["sources"], row["network"]) for row in found["rows"]} == {
        (source, network) for source in letters36.SOURCES for network in letters36.NETWORKS
    }
    assert set(found["images"]) == set(letters36.SOURCES)


def test_digits_letters_and_both_are_scored_apart(made_up):
    test = letters36.mixture(made_up, "one-source").test
    predictions = np.where(np.isin(test.chars, list(LETTERS)), (test.labels + 1) % 36, test.labels)
    found = letters36.scores(test, predictions)
    assert [found[name]["right"] for name in ("digits", "letters", "mixed")] == [1.0, 0.0, 0.5]
    low, high = metrics.wilson_interval(len(test) // 2, len(test))
    assert (found["mixed"]["low"], found["mixed"]["high"]) == (round(low, 4), round(high, 4))


def test_an_unknown_network_is_refused_by_the_names_there_are(tmp_path):
    with pytest.raises(ValueError, match=r"--only must be one of seed_cnn-two-sources, .*; got 'cnn'"):
        letters36.some(tmp_path, ["cnn"])
