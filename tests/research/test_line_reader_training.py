"""What the line reader learns from, and its training: planned and rendered alike every time, and resumable."""

import hashlib
import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pytest

from hcr_lib import handwriting, images, labels, pen
from hcr_lib._tf import keras, tf
from hcr_lib.datasets import StrokeDataset
from hcr_lib.labels import BYCLASS
from hcr_lib.research import line_samples, train_line_reader
from hcr_lib.research.line_samples import CLASSES, STEP, WIDTHS, Batch, Sample

MARKS = labels.MARKS + labels.LINE_MARKS
SIZES = dict.fromkeys(line_samples.EPOCH, 12)
STYLE = handwriting.Style()
WORDS = ["on", "10", "Ada", "glad", "minute", "HANDS", "letter", "4711", "summer", "quick", "balloon", "it"]


def pack(path, texts, writers, drawn=None) -> None:
    """Write made-up strokes in the form of UNIPEN's packs, those of writers above 2 as development people's."""
    rng = np.random.default_rng(0)
    drawings = [
        handwriting.write(text, handwriting.writer(int(who)), rng)
        for text, who in zip(drawn or texts, writers, strict=True)
    ]
    strokes = [np.rint(5 * stroke * [1, -1]).astype("int16") for drawing in drawings for stroke in drawing]
    np.savez(
        path,
        points=np.concatenate(strokes),
        stroke_offsets=np.cumsum([0, *map(len, strokes)]),
        sample_offsets=np.cumsum([0, *map(len, drawings)]),
        labels=np.array(texts),
        writer=np.array(writers),
        split=np.where(np.array(writers) > 2, "dev", "train"),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a little of each source, all of it synthetic."""
    folder = tmp_path_factory.mktemp("data")
    writers = [1, 2, 3]
    pack(folder / "unipen_words.npz", WORDS * 3, np.repeat(writers, len(WORDS)))
    pack(folder / "unipen_lines.npz", ["".join(WORDS[k : k + 3]) for k in range(9)], np.repeat(writers, 3))
    shown = BYCLASS + "x" * len(MARKS)  # nobody made up writes marks
    pack(folder / "unipen_chars.npz", [*BYCLASS, *MARKS] * 3, np.repeat(writers, len(shown)), [*shown] * 3)
    glyphs = np.zeros((62, 28, 28), "uint8")
    for glyph, char in zip(glyphs, BYCLASS, strict=True):
        strokes = pen.scale_to(handwriting.write_char(char, handwriting.Style(), np.random.default_rng(0)))
        glyph[:] = images.ink_to_mnist(pen.render(strokes))
    np.savez(
        folder / "emnist.npz",
        images=glyphs,
        chars=np.array(list(BYCLASS.upper())),
        case_chars=np.array(list(BYCLASS)),
        split=np.full(62, "train"),
    )
    return folder


@pytest.fixture(scope="module")
def known(folder):
    return line_samples.material(folder)


def fewest_steps(text: str) -> int:
    return len(text) + sum(one == other for one, other in pairwise(text))


def test_words_whose_letters_stand_apart_are_cut_and_others_left_out():
    bar, dot = [[0, 0], [0, 9]], [[0, -3], [1, -2]]
    drawings = {"li": [bar, bar, dot], "ll": [bar, [[0, 4], [9, 4]]], "l": [bar]}  # the second: two bars that cross
    right = {"li": [0, 5, 5], "ll": [0, 0], "l": [0]}
    strokes = [
        np.add(stroke, [x, 0]) for text in drawings for stroke, x in zip(drawings[text], right[text], strict=True)
    ]
    words = StrokeDataset(
        np.concatenate(strokes),
        np.cumsum([0, *map(len, strokes)]),
        np.cumsum([0, *map(len, drawings.values())]),
        texts=np.array(list(drawings)),
        writers=np.array(["1", "2", "3"]),
    )
    letters = line_samples.cut_words(words)
    assert [(str(char), len(drawn)) for char, drawn in zip(letters.texts, letters, strict=True)] == [("l", 1), ("i", 2)]
    assert letters.writers.tolist() == ["1", "1"]
    assert len(line_samples.cut_words(words.take([1, 2]))) == 0
    both = line_samples.concatenated(words, letters)
    assert [str(text) for text in both.texts] == ["li", "ll", "l", "l", "i"]
    for number, one in enumerate([*words, *letters]):
        assert all(np.array_equal(a, b) for a, b in zip(both[number], one, strict=True))


class TestMaterial:
    def test_development_people_and_texts_beyond_the_classes_are_left_out(self, known, folder, tmp_path):
        assert set(known.words.writers) == set(known.chars) == {"1", "2"}
        assert sorted(known.words.texts) == sorted(WORDS * 2)
        pack(tmp_path / "unipen_words.npz", ["on", "ab" * 101, "it"], [1, 1, 3])
        shutil.copy(folder / "unipen_lines.npz", tmp_path)
        with np.load(folder / "unipen_chars.npz") as file:
            fields = dict(file)
        fields["labels"] = np.where(fields["labels"] == "x", "§", fields["labels"])
        np.savez(tmp_path / "unipen_chars.npz", **fields)
        shutil.copy(folder / "emnist.npz", tmp_path)
        other = line_samples.Material.load(tmp_path)
        assert other.words.texts.tolist() == ["on"], "an endless one is left out as well"
        assert "x" not in other.chars["1"]
        assert "§" not in other.chars["1"]

    def test_texts_of_several_lines_are_split_where_the_pen_returned(self, folder, tmp_path):
        def page(*lines):
            written = [(k, handwriting.write(line, STYLE, rng)) for k, line in enumerate(lines)]
            return [stroke + np.array([0, 250 * k]) for k, strokes in written for stroke in strokes]

        rng = np.random.default_rng(0)
        drawings = [page("Ada 10", "minute"), page("hands"), page("letter summer"), page("glad", "4711", "quick")]
        texts = ["Ada 10\nminute", "hands", "letter\nsummer", "glad\n4711\nquick"]
        strokes = [stroke for drawing in drawings for stroke in drawing]
        ends = [np.cumsum([0, *map(len, runs)]) for runs in (strokes, drawings)]
        pages = StrokeDataset(np.concatenate(strokes), *ends, np.array(texts), np.array(list("abcd")))
        lines = line_samples.single_lines(pages)
        assert lines.texts.tolist() == ["Ada 10", "minute", "hands", "glad", "4711", "quick"], "no return, no lines"
        assert "".join(lines.writers) == "aabddd"
        assert [max(stroke[:, 1].max() for stroke in lines[k]) // 250 for k in range(6)] == [0, 1, 0, 0, 1, 2]


class TestPlan:
    def test_it_is_the_same_every_time_and_another_for_another_epoch(self, known):
        assert line_samples.plan(known, 7, SIZES) == line_samples.plan(known, 7, SIZES)
        assert line_samples.plan(known, 7, SIZES) != line_samples.plan(known, 8, SIZES)

    def test_batches_have_a_width_that_their_texts_have_steps_for(self, known):
        batches = line_samples.plan(known, 0, dict.fromkeys(SIZES, 150))
        assert {batch.width for batch in batches} <= set(WIDTHS)
        for batch in batches:
            assert 0 < len(batch.samples) <= WIDTHS[batch.width]
            for sample in batch.samples:
                assert set(sample.text) <= set(CLASSES)
                assert fewest_steps(sample.text) <= batch.width // STEP
        kinds = [sample.kind for batch in batches for sample in batch.samples]
        assert {*kinds} == {*SIZES}

    def test_the_first_two_batches_show_keras_that_widths_vary(self, known):
        for seed in range(8):
            first, second, *_ = line_samples.plan(known, seed, dict.fromkeys(SIZES, 60))
            assert first.width != second.width

    def test_every_word_comes_once_before_any_comes_twice(self, known):
        batches = line_samples.plan(known, 0, {**SIZES, "words": 2 * len(WORDS) + 4})
        planned = [sample.index for batch in batches for sample in batch.samples if sample.kind == "words"]
        assert np.bincount(planned).max() <= 2
        few = line_samples.plan(known, 0, {**dict.fromkeys(SIZES, 0), "words": 5})
        planned = [sample.index for batch in few for sample in batch.samples]
        assert len(planned) == len(set(planned)) == 5


class TestRendering:
    @pytest.mark.parametrize("kind", list(SIZES))
    def test_a_batch_is_one_width_of_ink_on_paper_and_the_same_every_time(self, folder, kind):
        text = {"words": WORDS[4], "lines": "1", "phrases": f"{WORDS[1]} {WORDS[2]}"}.get(kind, "Ada 10")
        batch = Batch(240, 3, [Sample(kind, 4, text, (1, 2)), Sample(kind, 1, "it", (11,))])
        pictures, texts = line_samples.render_batch(batch, folder)
        again, _ = line_samples.render_batch(batch, folder)
        other, _ = line_samples.render_batch(batch._replace(seed=4), folder)
        assert (pictures.shape, pictures.dtype) == ((2, 48, 240, 1), np.uint8)
        assert (texts.shape, texts.dtype) == ((2, 60), np.int32)
        np.testing.assert_array_equal(pictures, again)
        assert not np.array_equal(pictures, other), "each time it is drawn another way"
        assert "".join(CLASSES[k - 1] for k in texts[0] if k) == text
        for picture in pictures:
            assert 0.002 < (picture > 100).mean() < 0.6

    @pytest.mark.real_data
    def test_real_people_s_lines_are_rendered_alike(self, real_data):
        batches = line_samples.plan(line_samples.material(real_data), 0, dict.fromkeys(SIZES, 20))
        for batch in [*{batch.width: batch for batch in batches}.values()][:2]:
            pictures, texts = line_samples.render_batch(batch, real_data)
            np.testing.assert_array_equal(line_samples.render_batch(batch, real_data)[0], pictures)
            assert pictures.shape == (len(batch.samples), 48, batch.width, 1)
            assert [fewest_steps(sample.text) <= texts.shape[1] for sample in batch.samples] == [True] * len(pictures)


def test_readers_without_eyes_are_told_as_such():
    rates = train_line_reader.baselines(["eel", "tee"], ["EEE", "eeb"])
    assert list(rates) == ["always blank", "always 'E'", "words at random"]
    assert rates["always blank"] == 1
    assert rates["always 'E'"] == pytest.approx(4 / 6)
    assert 0 < rates["words at random"] <= 1


def test_what_development_people_wrote_is_drawn_as_the_reader_sees_it(folder):
    strokes = line_samples.load_strokes("unipen-words", "val", data_dir=folder)
    pictures, texts = train_line_reader.watched(strokes, 8, 300)
    assert (pictures.shape, pictures.dtype) == ((8, 48, 300, 1), np.uint8)
    assert set(texts) <= set(WORDS)
    assert (pictures.max(axis=(1, 2, 3)) > 200).all()
    np.testing.assert_array_equal(train_line_reader.watched(strokes, 8, 300)[0], pictures)


def test_the_best_path_of_scores_before_the_softmax():
    scores = np.full((5, 1 + len(CLASSES)), -5.0)
    for step, char in enumerate("AA-AB"):
        scores[step, 0 if char == "-" else 1 + CLASSES.index(char)] = 3
    assert train_line_reader.best_path(scores) == "AAB"


class TestTraining:
    """All of it on next to nothing: without compiling, which takes longer, and with threads that render at once."""

    @pytest.fixture(scope="class")
    def train(self, folder, known):
        """Return a function that trains and returns history, record and weights; the material is loaded by then."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HCR_DATA_DIR", str(folder))
            patch.setattr(line_samples, "WIDTHS", {48: 2, 96: 4})
            patch.setattr(train_line_reader, "WATCHED_WIDTH", 48)
            pool = train_line_reader.concurrent.futures
            patch.setattr(pool, "ProcessPoolExecutor", lambda workers, context: ThreadPoolExecutor(workers))

            def train(out, *options):
                tiny = ["--width", "2", "--units", "4", "--limit", "1", "--epochs", "2", "--workers", "1"]
                train_line_reader.main(["--out", str(out), *tiny, *options])
                with zipfile.ZipFile(out / "line_reader.keras") as archive:
                    record = json.loads(archive.read("record.json"))
                history = json.loads((out / "history.json").read_text(encoding="utf-8"))
                model = keras.saving.load_model(out / "line_reader.keras")
                return history, record, np.concatenate([values.ravel() for values in model.get_weights()])

            tf.config.run_functions_eagerly(True)
            yield train
            tf.config.run_functions_eagerly(False)

    @pytest.fixture(scope="class")
    def trained(self, train, tmp_path_factory):
        out = tmp_path_factory.mktemp("whole")
        return out, *train(out)

    def test_the_record_says_what_was_trained(self, trained):
        out, history, record, _ = trained
        assert [row["epoch"] for row in history] == [1, 2]
        assert (record["classes"], record["width"], record["units"], record["epochs"]) == (CLASSES, 2, 4, 2)
        assert record["dev_error"] == history[-1]["dev_error"]
        assert np.isfinite([row["loss"] for row in history]).all()
        assert {path.name for path in out.iterdir()} == {"checkpoint.keras", "history.json", "line_reader.keras"}

    def test_one_may_go_on_from_trained_weights(self, train, trained, tmp_path):
        out, _, _, weights = trained
        start = out / "line_reader.keras"
        history, record, same = train(tmp_path, "--start", str(start), "--peak", "0", "--epochs", "1")
        assert [row["epoch"] for row in history] == [1]
        assert record["start_sha256"] == hashlib.sha256(start.read_bytes()).hexdigest()
        assert np.mean(same == weights) > 0.8, "at a rate of 0 only what batch normalisation remembers has changed"

    def test_one_that_was_stopped_goes_on_to_the_same_weights(self, train, trained, tmp_path, monkeypatch):
        _, history, _, weights = trained
        rendered, epochs = train_line_reader.rendered, []

        def stopped(*arguments):
            epochs.append(arguments)
            if len(epochs) == 2:
                raise KeyboardInterrupt
            return rendered(*arguments)

        monkeypatch.setattr(train_line_reader, "rendered", stopped)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path)
        monkeypatch.setattr(train_line_reader, "rendered", rendered)
        # The history may be an epoch ahead, if the process ended before the checkpoint was in place.
        ahead = json.loads((tmp_path / "history.json").read_text(encoding="utf-8"))
        assert len(ahead) == 1
        ahead.append({**ahead[0], "epoch": 2, "step": 2 * ahead[0]["step"]})
        (tmp_path / "history.json").write_text(json.dumps(ahead), encoding="utf-8")
        resumed, _, same = train(tmp_path)
        assert [row["epoch"] for row in resumed] == [1, 2]
        assert [row["loss"] for row in resumed] == pytest.approx([row["loss"] for row in history], rel=1e-3)
        assert np.abs(same - weights).mean() < 1e-4, "dropout goes on as well"


def test_without_data_it_says_what_is_missing(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit) as stopped:
        train_line_reader.main(["--out", str(tmp_path / "out")])
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("python -m hcr_lib.research.train_line_reader: unipen-words is not on this machine")


def test_what_was_only_tried_out_is_not_shipped(capsys, tmp_path):
    with pytest.raises(SystemExit):
        train_line_reader.main(["--out", str(tmp_path), "--limit", "8", "--ship"])
    assert "not shipped" in capsys.readouterr().err
