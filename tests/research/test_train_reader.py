"""How the reader's training data is put together and trained on: near-duplicates out, sources in proportion."""

import hashlib
import json
import zipfile

import numpy as np
import pytest

from hcr_lib import datasets, images, labels
from hcr_lib._tf import keras
from hcr_lib.datasets import CANDIDATE, NOT_CONSIDERED, RULED_OUT
from hcr_lib.labels import TEXT
from hcr_lib.networks import models
from hcr_lib.research import train_reader

SAMPLE = datasets.load("bundled", "train").sample(120, np.random.default_rng(0)).images


class TestNearDuplicates:
    def test_the_same_stroke_normalised_twice_is_found_and_strangers_are_not(self):
        test, strangers = SAMPLE[:60], SAMPLE[60:]
        # Another normalisation of the same ink: scaled up with soft edges, then through the recipe again.
        copies = np.stack([images.to_mnist(np.kron(image, np.ones((3, 3), "uint8"))) for image in test[:15]])
        found = train_reader.near_duplicates(np.concatenate([strangers, copies]), test)
        assert found.dtype == bool
        assert not found[:60].any()
        assert found[60:].mean() > 0.85

    def test_only_the_nearest_of_several_counts(self):
        crowd = np.repeat(SAMPLE[:1], 3, axis=0)
        assert train_reader.near_duplicates(crowd, SAMPLE[:5]).sum() == 1

    def test_chunks_leave_no_seam(self):
        many = np.resize(SAMPLE[20:], (2100, 28, 28))
        many[2050] = SAMPLE[7]
        assert np.flatnonzero(train_reader.near_duplicates(many, SAMPLE[:20])).tolist() == [2050]

    def test_blank_images_are_no_duplicates(self):
        assert not train_reader.near_duplicates(np.zeros((2, 28, 28), "uint8"), SAMPLE[:5]).any()


class TestNormalisedImages:
    def test_is_the_recipe_and_is_remembered(self, tmp_path, monkeypatch):
        cache = tmp_path / "new folder" / "cache.npz"
        normalised = train_reader.normalised_images(SAMPLE[:5], cache)
        assert np.array_equal(normalised, images.to_mnist_batch(SAMPLE[:5]))
        assert [path.name for path in cache.parent.iterdir()] == ["cache.npz"]
        monkeypatch.setattr(images, "to_mnist_batch", lambda stored: pytest.fail("worked out anew"))
        assert np.array_equal(train_reader.normalised_images(SAMPLE[:5], cache), normalised)

    def test_other_images_are_worked_out_anew_be_they_more_or_as_many(self, tmp_path):
        cache = tmp_path / "cache.npz"
        train_reader.normalised_images(SAMPLE[:5], cache)
        assert len(train_reader.normalised_images(SAMPLE[:7], cache)) == 7
        others = train_reader.normalised_images(SAMPLE[7:14], cache)
        assert np.array_equal(others, images.to_mnist_batch(SAMPLE[7:14]))

    def test_without_a_cache(self):
        assert len(train_reader.normalised_images(SAMPLE[:3], None)) == 3


def strokes_of(texts: str, writers: str) -> datasets.StrokeDataset:
    """Return made-up strokes: of a mark a dot, of anything else two bars that cross, 300 high."""
    cross, dot = [[[0, 0], [200, 300]], [[200, 0], [0, 300]]], [[[0, 0], [4, 6]]]
    drawings = [cross if char.isalnum() else dot for char in texts]
    strokes = [np.array(stroke, "int16") for drawing in drawings for stroke in drawing]
    return datasets.StrokeDataset(
        np.concatenate(strokes),
        np.cumsum([0, *(len(stroke) for stroke in strokes)]),
        np.cumsum([0, *(len(drawing) for drawing in drawings)]),
        np.array(list(texts)),
        np.array(list(writers)),
    )


class TestPenImages:
    def test_each_character_is_drawn_with_each_pen_and_of_none_but_the_classes(self):
        drawn = train_reader.pen_images(strokes_of("x.|y", "1122"), [(3, 5), (15, 20)])
        assert sorted(drawn.chars) == sorted("x.y" * 2)
        assert drawn.classes == TEXT
        assert drawn.chars[:3].tolist() == drawn.chars[3:].tolist()
        letters = np.isin(drawn.chars, ["x", "y"])
        thin, thick = (drawn.images[half][letters[:3]].mean() for half in (slice(3), slice(3, 6)))
        assert thin < thick
        assert (drawn.targets != NOT_CONSIDERED).all()

    def test_of_one_person_no_more_than_the_most(self, monkeypatch):
        monkeypatch.setattr(train_reader, "MOST_OF_A_WRITER", 3)
        drawn = train_reader.pen_images(strokes_of("a" * 9 + "bc", "1" * 9 + "22"), [(10, 10)])
        assert sorted(drawn.chars) == list("aaabc")
        assert len(train_reader.pen_images(strokes_of("a" * 9, "1" * 9), [(10, 10)], limit=2)) == 2

    def test_a_dot_is_as_large_as_the_pen_and_a_letter_fills_the_pad(self):
        dot, cross = strokes_of(".", "1")[0], strokes_of("x", "1")[0]
        drawn = [train_reader.drawn(dot, ".", (15.0, 15.0), (0, k)) for k in range(9)]
        assert all((image > 127).sum() > 200 for image in drawn), "a blot, and no stroke of a pen"
        inked = [(train_reader.drawn(cross, "x", (20.0, 20.0), (0, k)) > 127).sum() for k in range(20)]
        assert np.ptp(inked) > 20, "some letters are as large as they were written, with thicker strokes"

    def test_it_is_remembered_and_the_same_every_time(self, tmp_path, monkeypatch):
        strokes = strokes_of("a.b", "112")
        first = train_reader.pen_images(strokes, [(3, 20)], tmp_path)
        assert np.array_equal(train_reader.pen_images(strokes, [(3, 20)]).images, first.images)
        monkeypatch.setattr(train_reader, "drawn", lambda *_: pytest.fail("drawn anew"))
        assert np.array_equal(train_reader.pen_images(strokes, [(3, 20)], tmp_path).images, first.images)


def test_a_network_of_fewer_classes_hands_on_what_it_knows():
    few, more = models.compact_cnn(62, 2), models.compact_cnn(80, 2)
    fresh = more.layers[-1].get_weights()
    train_reader.take_over(more, few)
    ink = SAMPLE[:5, ..., None] / np.float32(255)
    answers = np.asarray(more(ink))[:, :62]
    np.testing.assert_allclose(answers / answers.sum(axis=1, keepdims=True), np.asarray(few(ink)), atol=1e-5)
    assert np.array_equal(more.layers[-1].get_weights()[0][:, 62:], fresh[0][:, 62:])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a little of each source, all of it synthetic; MNIST is replaced for as long as it lives."""
    folder, load = tmp_path_factory.mktemp("data"), datasets.load
    np.savez(
        folder / "emnist.npz",
        images=SAMPLE[:8],
        chars=np.array(list("AAAB77OO")),
        case_chars=np.array(list("Aa?B77?o")),
        split=np.array(["train", "train", "train", "val", "train", "train", "val", "test"]),
    )
    unipen = strokes_of("ab.&7|xy", "11223344")
    np.savez(
        folder / "unipen_chars.npz",
        points=unipen.points * np.array([1, -1], "int16"),
        stroke_offsets=unipen.stroke_offsets,
        sample_offsets=unipen.sample_offsets,
        labels=unipen.texts,
        writer=unipen.writers.astype(int),
        split=np.repeat(["train", "dev"], [6, 2]),
    )
    mnist = {
        "train": (SAMPLE[20:60], np.resize(np.arange(10), 40)),
        "test": (np.concatenate([SAMPLE[4:5], SAMPLE[60:69]]), np.arange(10)),  # the first is EMNIST's first 7, too
    }

    def little(name, split, data_dir=None):
        return datasets.Dataset(*mnist[split], labels.DIGITS, "made up") if name == "mnist" else load(name, split)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train_reader, "load", little)
        patch.setenv("HCR_DATA_DIR", str(folder))
        yield folder


@pytest.fixture(scope="module")
def parts(folder):
    return train_reader.training_data(folder)


def test_a_later_phase_wants_the_weights_it_goes_on_from(capsys, tmp_path):
    with pytest.raises(SystemExit):
        train_reader.main(["--out", str(tmp_path), "--phase", "gentle"])
    assert "--phase gentle goes on from a training; name its weights with --start" in capsys.readouterr().err


def test_without_data_it_says_what_is_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        train_reader.main(["--out", str(tmp_path / "out")])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m hcr_lib.research.train_reader: emnist.npz was not found in")


def test_what_was_only_tried_out_is_not_shipped(capsys, tmp_path):
    with pytest.raises(SystemExit):
        train_reader.main(["--out", str(tmp_path), "--limit", "8", "--ship"])
    assert "not shipped" in capsys.readouterr().err


def train(out, *options):
    """Train a tiny network; return its record and its weights."""
    train_reader.main(["--out", str(out), "--width", "2", "--first", "1", "--limit", "40", *options])
    with zipfile.ZipFile(out / "reader.keras") as archive:
        record = json.loads(archive.read("record.json"))
    trained = keras.saving.load_model(out / "reader.keras")
    return record, np.concatenate([values.ravel() for values in trained.get_weights()])


@pytest.fixture(scope="module")
def trained(folder, tmp_path_factory, uncompiled):
    """Return a folder, and the record and the weights of what was trained into it."""
    out = tmp_path_factory.mktemp("out")
    return out, *train(out)


class TestPhases:
    """The whole training, an epoch a phase, on next to nothing."""

    def test_the_record_says_what_was_trained(self, trained):
        out, record, _ = trained
        assert (record["width"], record["first"], record["start"]) == (2, 1, None)
        assert record["phases"] == {phase.name: 1 for phase in train_reader.PHASES}
        history = (out / "history.csv").read_text(encoding="utf-8").splitlines()
        assert [line.split(",")[-1] for line in history] == ["phase", *record["phases"]]

    def test_what_is_done_is_taken_up_but_not_after_other_weights(self, trained):
        out, _, first = trained
        folders = sorted(path.name for path in out.glob("checkpoint-*"))
        assert np.array_equal(train(out)[1], first)
        assert sorted(path.name for path in out.glob("checkpoint-*")) == folders

        begun = hashlib.sha256((out / "reader.keras").read_bytes()).hexdigest()
        start = ["--phase", "settle", "--start", str(out / "reader.keras"), "--share", "0.5"]
        record, further = train(out, *start)
        assert (record["phases"], record["start"], record["share"]) == ({"settle": 1}, "reader.keras", 0.5)
        assert record["start_sha256"] == begun
        assert not np.array_equal(further, first)
        assert len(list(out.glob("checkpoint-settle-*"))) == 2


class TestTrainingData:
    def of(self, part, source):
        return part.only(sources=source)

    def test_the_digit_that_mnists_test_set_holds_too_is_left_out(self, parts):
        train, _ = parts
        assert "".join(self.of(train, "emnist").chars) == "Aa7"  # the second 7

    def test_a_letter_of_unknown_case_may_be_either(self, parts):
        train, validation = parts
        for part, either in ((train, "Aa"), (validation, "Oo")):
            [row] = self.of(part, "emnist, case unknown").targets
            assert "".join(np.array(list(TEXT))[row == CANDIDATE]) == either
            assert (row[:62][row[:62] != CANDIDATE] == RULED_OUT).all()

    def test_known_case_is_one_candidate_among_all(self, parts):
        train, validation = parts
        for part, text in ((train, "Aa7"), (validation, "B")):
            known = self.of(part, "emnist")
            assert "".join(known.chars) == text
            assert known.targets[:, :62].tolist() == (1 + np.eye(62)[known.labels]).tolist()

    def test_whoever_labelled_digits_and_letters_never_asked_for_marks(self, parts):
        train, validation = parts
        for part in (train, validation):
            unipen = part.origins.each_name == "unipen"
            assert (part.targets[~unipen, 62:] == NOT_CONSIDERED).all()
            assert (part.targets[unipen] != NOT_CONSIDERED).all()

    def test_the_people_to_choose_by_are_others_than_those_to_learn_from(self, parts):
        train, validation = parts
        assert sorted(self.of(train, "unipen").chars) == sorted("ab.&7" * len(train_reader.PENS))
        assert sorted(self.of(validation, "unipen").chars) == list("xy")

    def test_an_mnist_digit_is_never_asked_whether_it_is_a_letter(self, parts):
        targets = self.of(parts[0], "mnist").targets
        assert (targets[:, 10:] == NOT_CONSIDERED).all()
        assert (np.sort(targets[:, :10]) == [RULED_OUT] * 9 + [CANDIDATE]).all()

    def test_nothing_of_mnists_test_set_or_of_emnists_is_trained_on(self, parts):
        train, validation = parts
        assert set(validation.origins.names) == {"emnist", "emnist, case unknown", "unipen"}
        held = {image.tobytes() for image in images.to_mnist_batch(np.concatenate([SAMPLE[7:8], SAMPLE[60:69]]))}
        own = self.of(train, ["emnist", "emnist, case unknown", "mnist"])
        assert not held & {image.tobytes() for image in own.images}

    def test_a_limit_holds_for_each_source(self, folder):
        train, _ = train_reader.training_data(folder, limit=3)
        assert len(self.of(train, "mnist")) == len(self.of(train, "synthetic")) == 3

    @pytest.mark.parametrize("phase", train_reader.PHASES, ids=lambda phase: phase.name)
    def test_sources_are_drawn_in_proportion_and_rare_classes_more_often_than_they_occur(self, phase):
        blank, label = np.zeros((100, 28, 28), "uint8"), np.array([0] * 90 + [1] * 10)
        train = datasets.combine(*(datasets.Dataset(blank, label, TEXT, name) for name in [*phase.sources, "else"]))
        drawn = train_reader.sampling_weights(train, phase).reshape(-1, 100)
        for own, (source, share) in zip(drawn, phase.sources.items(), strict=False):
            assert own.mean() == pytest.approx(share)
            assert own[-1] / own[0] == pytest.approx(1 if source in phase.natural else 9**phase.balance)
        assert not drawn[-1].any(), "a source that is not named is not drawn"
