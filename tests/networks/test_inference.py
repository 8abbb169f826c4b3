"""Networks on LiteRT: they give Keras' answers, to one image or many, and a damaged file is refused."""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from hcr_lib import _paths, ctc, datasets, line_reader
from hcr_lib._tf import keras
from hcr_lib.labels import DIGITS, TEXT
from hcr_lib.networks import inference, models
from hcr_lib.recognizer import WEIGHTS
from hcr_lib.research import export_reader

STORED = datasets.load("bundled", "test").images[::40]
#: The same float32 arithmetic in another order: some 1e-6 for the reader; batch normalisation is folded into kernels.
LIKE_KERAS = 1e-5


def by_keras(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return np.asarray(model(images[..., None] / np.float32(255), training=False))


@pytest.fixture(scope="module")
def shipped() -> inference.Network:
    return inference.load(_paths.shipped(WEIGHTS))


def test_the_two_files_that_ship_give_the_same_answers_and_have_one_record(shipped):
    trained = _paths.shipped(export_reader.TRAINED)
    np.testing.assert_allclose(shipped(STORED), by_keras(keras.saving.load_model(trained), STORED), atol=LIKE_KERAS)
    with zipfile.ZipFile(trained) as archive:
        record = json.loads(archive.read(inference.RECORD))
    assert shipped.record == {**record, "sha256": shipped.record["sha256"]}


class TestNetwork:
    @pytest.mark.parametrize("number", [0, 1, inference.BATCH, inference.BATCH + 1, 3 * inference.BATCH - 1])
    def test_images_of_any_number_keep_their_order(self, shipped, number):
        images = np.resize(STORED, (number, 28, 28))
        answers = shipped(images)
        assert (answers.shape, answers.dtype) == ((number, len(TEXT)), np.float32)
        for image, answer in zip(images, answers, strict=True):
            np.testing.assert_allclose(shipped(image[None])[0], answer, atol=1e-6)

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_ink_as_a_fraction_is_the_same(self, shipped, dtype):
        np.testing.assert_allclose(shipped(STORED.astype(dtype) / 255), shipped(STORED), atol=1e-6)

    def test_answers_stay_when_others_are_asked_for(self, shipped):
        first = shipped(STORED[:3])
        kept = first.copy()
        shipped(STORED[3:6])
        np.testing.assert_array_equal(first, kept)

    def test_several_threads_may_ask(self, shipped):
        parts = [STORED[:number] for number in (1, 5, inference.BATCH + 2, 2)] * 5
        expected = [shipped(part) for part in parts]
        with ThreadPoolExecutor(4) as pool:
            for answers, alone in zip(pool.map(shipped, parts), expected, strict=True):
                np.testing.assert_array_equal(answers, alone)

    @pytest.mark.parametrize("shape", [(28, 28), (2, 28, 27), (2, 28, 28, 1)])
    def test_images_of_another_shape_are_refused(self, shipped, shape):
        with pytest.raises(ValueError, match=r"expected images of shape \(n, 28, 28\); got"):
            shipped(np.zeros(shape, "uint8"))


def with_record(model: bytes, classes: str) -> bytes:
    file = io.BytesIO(model)
    with zipfile.ZipFile(file, "a") as archive:
        record = {"classes": classes, "sha256": hashlib.sha256(model).hexdigest()}
        archive.writestr(inference.RECORD, json.dumps(record))
    return file.getvalue()


#: Its weights are in half precision in both files; LiteRT unpacks them to float32.
LIKE_KERAS_OF_LINES = 3e-3


def line_of(images: np.ndarray) -> np.ndarray:
    """Return characters side by side, as a line for the line reader."""
    return np.pad(np.hstack(images), ((10, 10), (4, 4)))


@pytest.fixture(scope="module")
def lines() -> inference.LineNetwork:
    return inference.load_line_network(_paths.shipped(line_reader.WEIGHTS))


class TestLineNetwork:
    def test_the_two_files_that_ship_give_the_same_answers_at_any_width(self, lines):
        trained = _paths.shipped("line_reader.keras")
        model = keras.saving.load_model(trained)
        for number in (3, 1):
            line = line_of(STORED[:number])
            found = lines(line)
            line = np.pad(line, ((0, 0), (0, -line.shape[1] % 16)))
            expected = ctc.log_softmax(by_keras(model, line[None])[0])
            assert (found.shape, found.dtype) == ((line.shape[1] // 4, 1 + len(lines.record["classes"])), np.float32)
            np.testing.assert_allclose(np.exp(found), np.exp(expected), atol=LIKE_KERAS_OF_LINES)
        with zipfile.ZipFile(trained) as archive:
            record = json.loads(archive.read(inference.RECORD))
        assert lines.record == {**record, "sha256": lines.record["sha256"]}

    @pytest.mark.parametrize("dtype", ["float32", "float64"])
    def test_ink_as_a_fraction_is_the_same(self, lines, dtype):
        line = line_of(STORED[:3])
        np.testing.assert_allclose(lines(line.astype(dtype) / 255), lines(line), atol=1e-5)

    def test_answers_stay_when_others_are_asked_for_and_several_threads_may_ask(self, lines):
        asked = [line_of(STORED[k : k + number]) for k, number in enumerate((1, 4, 2, 1, 3))] * 2
        expected = [lines(line) for line in asked]
        kept = [answer.copy() for answer in expected]
        with ThreadPoolExecutor(4) as pool:
            for answer, alone in zip(pool.map(lines, asked), kept, strict=True):
                np.testing.assert_array_equal(answer, alone)
        for answer, copy in zip(expected, kept, strict=True):
            np.testing.assert_array_equal(answer, copy)

    @pytest.mark.parametrize("shape", [(28, 28), (1, 48, 32), (48,), (48, 32, 1)])
    def test_lines_of_another_shape_are_refused(self, lines, shape):
        with pytest.raises(ValueError, match=r"expected a line of shape \(48, width\); got"):
            lines(np.zeros(shape, "uint8"))

    def test_a_damaged_file_or_one_of_the_other_kind_is_refused(self, lines, tmp_path):
        content, path = _paths.shipped(line_reader.WEIGHTS).read_bytes(), tmp_path / "damaged.tflite"
        size = zipfile.ZipFile(io.BytesIO(content)).getinfo(inference.RECORD).header_offset
        half, model = size // 2, content[:size]
        damages = [b"", content[:half], model, content[:-1]]
        damages += [content[:half] + bytes([content[half] ^ 1]) + content[half + 1 :]]
        damages += [with_record(model, DIGITS), _paths.shipped(WEIGHTS).read_bytes()]
        for damaged in damages:
            path.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"damaged.tflite is damaged, or .* Restore it with git, or make it"):
                inference.load_line_network(path)
        with pytest.raises(ValueError, match=r"line_reader.tflite is damaged, or is no reader of this course"):
            inference.load(_paths.shipped(line_reader.WEIGHTS))
        path.write_bytes(with_record(model, lines.record["classes"]))
        np.testing.assert_array_equal(
            inference.load_line_network(path)(line_of(STORED[:1])), lines(line_of(STORED[:1]))
        )
        with pytest.raises(FileNotFoundError, match=r"nothing\.tflite"):
            inference.load_line_network(tmp_path / "nothing.tflite")


class TestDamage:
    """Whatever is changed in a file, it is refused in a sentence that names it and says what to do."""

    @pytest.fixture
    def refused(self, tmp_path):
        def refused(content: bytes) -> None:
            path = tmp_path / "damaged.tflite"
            path.write_bytes(content)
            with pytest.raises(ValueError, match=r"damaged.tflite is damaged, or .* Restore it with git, or make it"):
                inference.load(path)

        return refused

    @pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04", b"PK\x05\x06" + bytes(18)])
    def test_foreign_files(self, refused, content):
        refused(content)

    def test_any_changed_or_missing_byte(self, refused):
        """Of the bytes of the zip archive some say nothing, such as dates; all that are read are checked."""
        content = _paths.shipped(WEIGHTS).read_bytes()
        size = zipfile.ZipFile(io.BytesIO(content)).getinfo(inference.RECORD).header_offset
        for place in np.random.default_rng(0).integers(0, size, 20):
            refused(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        for length in (size // 2, size, len(content) - 1):
            refused(content[:length])

    def test_a_model_without_a_record_or_with_another_number_of_classes(self, refused):
        content = _paths.shipped(WEIGHTS).read_bytes()
        model = content[: zipfile.ZipFile(io.BytesIO(content)).getinfo(inference.RECORD).header_offset]
        refused(model)
        refused(with_record(model, DIGITS))
        inference.Network(model, {})  # it is the record that does not fit

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_weights_that_are_not_finite(self, refused, shipped, value):
        content = _paths.shipped(WEIGHTS).read_bytes()
        model = content[: zipfile.ZipFile(io.BytesIO(content)).getinfo(inference.RECORD).header_offset]
        last_bias = keras.saving.load_model(_paths.shipped(export_reader.TRAINED)).get_weights()[-1]
        damaged = np.append(last_bias[:-1], np.float32(value))
        assert model.count(last_bias.tobytes()) == 1
        refused(with_record(model.replace(last_bias.tobytes(), damaged.tobytes()), shipped.record["classes"]))

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"nothing\.tflite"):
            inference.load(tmp_path / "nothing.tflite")


def test_reading_imports_no_tensorflow_and_says_nothing():
    code = (
        "import sys, numpy as np; from hcr_lib.recognizer import Recognizer;"
        "page = np.full((90, 60), 255, 'uint8'); page[10:80, 26:34] = 0;"
        "found = Recognizer.load('digits').read(page).text;"
        "print(found, sorted({'tensorflow', 'keras', 'pandas'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (answer.stdout.split(" ", 1), answer.stderr) == (["1", "[]\n"], "")


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """A small network in Keras' format."""
    model, rng = models.compact_cnn(10, 4), np.random.default_rng(0)
    model.set_weights([rng.uniform(0.1, 0.5, values.shape) for values in model.get_weights()])  # also variances
    return export_reader.save(
        model, tmp_path_factory.mktemp("export") / "small.keras", {"classes": DIGITS, "note": "ä"}
    )


class TestExport:
    """A trained network becomes the file that is read with."""

    def test_it_reads_like_the_model_and_keeps_the_record(self, trained):
        export_reader.main([str(trained), "--out", str(trained.with_suffix(".tflite"))])
        network, model = inference.load(trained.with_suffix(".tflite")), keras.saving.load_model(trained)
        np.testing.assert_allclose(network(STORED), by_keras(model, STORED), atol=LIKE_KERAS)
        assert (network.record["classes"], network.record["note"]) == (DIGITS, "ä")
        assert {path.name for path in trained.parent.iterdir()} == {"small.keras", "small.tflite"}

    def test_weights_are_rounded_to_half_precision_and_can_be_trained_further(self, trained):
        model = keras.saving.load_model(trained)
        for values in model.get_weights():
            assert values.dtype == np.float32
            np.testing.assert_array_equal(values.astype("float16"), values)
        model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
        assert np.isfinite(model.train_on_batch(STORED[..., None] / np.float32(255), np.zeros(len(STORED))))

    @pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 1e6])
    def test_weights_that_are_not_finite_and_negative_variances_are_refused(self, tmp_path, value):
        model = models.compact_cnn(10, 2)
        variance = next(weight for weight in model.weights if weight.path.endswith("moving_variance"))
        variance.assign(np.full(variance.shape, value))
        message = "no negative variances; got -1 in .*moving_variance" if value < 0 else "finite weights and answers in"
        with pytest.raises(ValueError, match=message):
            export_reader.save(model, tmp_path / "bad.keras", {"classes": DIGITS})
        assert list(tmp_path.iterdir()) == []
