"""How the reader's training data is put together: twins out, unknown case allowed for, sources in proportion."""

import dataclasses
import json
import shutil
import zipfile

import numpy as np
import pytest

from hcr_lib import datasets, images, labels
from hcr_lib._tf import keras
from hcr_lib.labels import BYCLASS
from hcr_lib.research import train_reader

SAMPLE = datasets.load("bundled", "train").sample(120, np.random.default_rng(0)).images


class TestTwins:
    def test_the_same_stroke_normalised_twice_is_found_and_strangers_are_not(self):
        test, strangers = SAMPLE[:60], SAMPLE[60:]
        # Another normalisation of the same ink: scaled up with soft edges, then through the recipe again.
        copies = np.stack([images.to_mnist(np.kron(image, np.ones((3, 3), "uint8"))) for image in test[:15]])
        found = train_reader.twins(np.concatenate([strangers, copies]), test)
        assert found.dtype == bool
        assert not found[:60].any()
        assert found[60:].mean() > 0.85

    def test_only_the_nearest_of_several_counts(self):
        crowd = np.repeat(SAMPLE[:1], 3, axis=0)
        assert train_reader.twins(crowd, SAMPLE[:5]).sum() == 1

    def test_chunks_leave_no_seam(self):
        many = np.resize(SAMPLE[20:], (2100, 28, 28))
        many[2050] = SAMPLE[7]
        assert np.flatnonzero(train_reader.twins(many, SAMPLE[:20])).tolist() == [2050]

    def test_blank_images_are_nobodys_twin(self):
        assert not train_reader.twins(np.zeros((2, 28, 28), "uint8"), SAMPLE[:5]).any()


class TestInForm:
    def test_is_the_recipe_and_is_remembered(self, tmp_path, monkeypatch):
        cache = tmp_path / "new folder" / "cache.npz"
        formed = train_reader.normalised_images(SAMPLE[:5], cache)
        assert np.array_equal(formed, images.to_mnist_batch(SAMPLE[:5]))
        assert [path.name for path in cache.parent.iterdir()] == ["cache.npz"]
        monkeypatch.setattr(images, "to_mnist_batch", lambda stored: pytest.fail("worked out anew"))
        assert np.array_equal(train_reader.normalised_images(SAMPLE[:5], cache), formed)

    def test_other_images_are_worked_out_anew_be_they_more_or_as_many(self, tmp_path):
        cache = tmp_path / "cache.npz"
        train_reader.normalised_images(SAMPLE[:5], cache)
        assert len(train_reader.normalised_images(SAMPLE[:7], cache)) == 7
        others = train_reader.normalised_images(SAMPLE[7:14], cache)
        assert np.array_equal(others, images.to_mnist_batch(SAMPLE[7:14]))

    def test_without_a_cache(self):
        assert len(train_reader.normalised_images(SAMPLE[:3], None)) == 3


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Training and validation data from a little of each source; all of it synthetic."""
    folder, load = tmp_path_factory.mktemp("data"), datasets.load
    np.savez(
        folder / "emnist.npz",
        images=SAMPLE[:8],
        chars=np.array(list("AAAB77OO")),
        case_chars=np.array(list("Aa?B77?o")),
        split=np.array(["train", "train", "train", "val", "train", "train", "val", "test"]),
    )
    mnist = {
        "train": (SAMPLE[20:60], np.resize(np.arange(10), 40)),
        "test": (np.concatenate([SAMPLE[4:5], SAMPLE[60:69]]), np.arange(10)),  # the first is EMNIST's first 7, too
    }

    def little(name, split, data_dir=None):
        return datasets.Dataset(*mnist[split], labels.DIGITS, "made up") if name == "mnist" else load(name, split)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_reader, "load", little)
        return train_reader.training_data(folder, None)


def test_a_later_phase_wants_the_weights_it_goes_on_from(capsys, tmp_path):
    with pytest.raises(SystemExit):
        train_reader.main(["--out", str(tmp_path), "--phase", "gentle"])
    assert "--phase gentle goes on from a training; name its weights with --start" in capsys.readouterr().err


class TestPhases:
    """A training of three phases, each of an epoch, on next to nothing."""

    @pytest.fixture(autouse=True)
    def little(self, parts, monkeypatch):
        monkeypatch.setattr(train_reader, "training_data", lambda data_dir, cache: parts)
        self.set_phases(monkeypatch)

    def set_phases(self, monkeypatch, **first):
        phases = [dataclasses.replace(phase, epochs=1) for phase in train_reader.PHASES]
        monkeypatch.setattr(train_reader, "PHASES", (dataclasses.replace(phases[0], **first), *phases[1:]))

    def train(self, out, *options):
        train_reader.main(["--out", str(out), "--width", "2", "--first", "1", *options])
        with zipfile.ZipFile(out / "reader.keras") as archive:
            record = json.loads(archive.read("record.json"))
        trained = keras.saving.load_model(out / "reader.keras")
        return record, np.concatenate([values.ravel() for values in trained.get_weights()])

    def test_what_is_done_is_taken_up_but_not_after_other_weights(self, tmp_path, monkeypatch):
        record, first = self.train(tmp_path)
        assert (record["width"], record["first"], record["start"]) == (2, 1, None)
        assert record["phases"] == {phase.name: 1 for phase in train_reader.PHASES}
        folders = sorted(path.name for path in tmp_path.glob("checkpoint-*"))
        assert np.array_equal(self.train(tmp_path)[1], first)
        assert sorted(path.name for path in tmp_path.glob("checkpoint-*")) == folders

        shutil.rmtree(next(tmp_path.glob("checkpoint-broad-*")))  # as its error message says, once it is another phase
        self.set_phases(monkeypatch, learning_rate=5e-2)
        assert not np.array_equal(self.train(tmp_path)[1], first)
        assert len(list(tmp_path.glob("checkpoint-natural-*"))) == 2

    def test_the_record_says_what_was_trained_and_from_what(self, tmp_path):
        self.train(tmp_path / "whole")
        start = str(tmp_path / "whole" / "reader.keras")
        record, _ = self.train(tmp_path / "last", "--phase", "natural", "--start", start, "--share", "0.5")
        assert (record["phases"], record["start"], record["share"]) == ({"natural": 1}, "reader.keras", 0.5)
        history = (tmp_path / "last" / "history.csv").read_text(encoding="utf-8").splitlines()
        assert len(history) == 2 and history[1].endswith(",natural")


class TestTrainingData:
    def of(self, part, source):
        return part["marks"][part["source"] == source]

    def test_the_digit_that_mnists_test_set_holds_too_is_left_out(self, parts):
        train, _ = parts
        assert len(self.of(train, "emnist")) == 3  # A, a and the second 7

    def test_a_letter_of_unknown_case_may_be_either(self, parts):
        train, validation = parts
        for marks, either in [
            (self.of(train, "emnist, case unknown"), "Aa"),
            (self.of(validation, "emnist, case unknown"), "Oo"),
        ]:
            [row] = marks
            assert "".join(np.array(list(BYCLASS))[row == 2]) == either
            assert (row[row != 2] == 1).all()

    def test_known_case_is_one_right_answer_among_all(self, parts):
        train, validation = parts
        for part, text in ((train, "Aa7"), (validation, "B")):
            marks = self.of(part, "emnist")
            assert "".join(labels.to_chars(marks.argmax(axis=1), BYCLASS)) == text
            assert marks.tolist() == (1 + np.eye(62)[marks.argmax(axis=1)]).tolist()

    def test_an_mnist_digit_is_never_asked_whether_it_is_a_letter(self, parts):
        marks = self.of(parts[0], "mnist")
        assert (marks[:, 10:] == 0).all()
        assert (np.sort(marks[:, :10]) == [1] * 9 + [2]).all()

    def test_nothing_of_mnists_test_set_or_of_emnists_is_trained_on(self, parts):
        train, validation = parts
        assert set(np.unique(validation["source"])) <= {"emnist", "emnist, case unknown"}
        held = {image.tobytes() for image in images.to_mnist_batch(np.concatenate([SAMPLE[7:8], SAMPLE[60:69]]))}
        own = train["source"] != "synthetic"
        assert not held & {image.tobytes() for image in train["images"][own]}

    @pytest.mark.parametrize("phase", train_reader.PHASES, ids=lambda phase: phase.name)
    def test_sources_are_drawn_in_proportion_and_rare_classes_more_often_than_they_occur(self, phase):
        label = np.array([0] * 90 + [1] * 10)
        train = {
            "marks": np.concatenate([1 + np.eye(62, dtype="uint8")[label]] * len(phase.sources)),
            "source": np.repeat(list(phase.sources), 100),
        }
        weights = train_reader.draw_weights(train, phase)
        for name, share in phase.sources.items():
            own = weights[train["source"] == name]
            assert own.mean() == pytest.approx(share)
            assert own[-1] / own[0] == pytest.approx(9**phase.balance)
