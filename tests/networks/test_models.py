"""The networks: sizes known from elsewhere, probabilities, the order of columns, and that each can learn at all."""

import numpy as np
import pytest

from hcr_lib import ctc, datasets, labels
from hcr_lib._tf import keras
from hcr_lib.networks import models
from hcr_lib.research import networks

BUILDERS = [
    models.linear,
    models.mlp,
    networks.lenet5,
    models.seed_cnn,
    models.seed_crnn,
    models.compact_cnn,
    networks.tiny_cnn,
    networks.quick_cnn,
]
each_network = pytest.mark.parametrize("build", BUILDERS, ids=lambda build: build.__name__)


@pytest.fixture(autouse=True)
def _first_weights():
    keras.utils.set_random_seed(0)


@pytest.fixture(scope="module")
def batch() -> tuple[np.ndarray, np.ndarray]:
    """One image of every third of 36 characters, as ink, with its label."""
    train = datasets.load("bundled", "train").merge_classes(labels.ALNUM)
    first = [int(np.flatnonzero(train.labels == label)[0]) for label in range(0, 36, 3)]
    return train.images[first][..., None].astype("float32") / 255, train.labels[first]


@pytest.mark.parametrize(
    ("model", "count"),
    [
        (lambda: models.linear(10), 28 * 28 * 10 + 10),
        (lambda: models.mlp(10), (28 * 28 + 1) * 300 + (300 + 1) * 10),
        (lambda: networks.lenet5(10), 61_706),  # counted with every map of the second convolution joined
        (lambda: models.seed_cnn(36), 167_300),  # the first project this course grew from states it
        (lambda: models.seed_crnn(36), 795_556),  # and so does the third
    ],
    ids=["linear", "mlp", "lenet5", "seed_cnn", "seed_crnn"],
)
def test_number_of_parameters(model, count):
    assert model().count_params() == count


def test_the_network_that_ships_fits_in_five_megabytes_with_two_bytes_a_weight():
    assert 2 * models.compact_cnn(62).count_params() < 5e6
    assert models.compact_cnn(62, width=8).count_params() < models.compact_cnn(62).count_params() / 10


@each_network
@pytest.mark.parametrize("num_classes", [10, 36, 62])
def test_ends_in_probabilities_of_the_classes_asked_for(build, num_classes):
    model = build(num_classes)
    ink = np.random.default_rng(0).random((5, 28, 28, 1), dtype="float32")
    probabilities = np.asarray(model(ink, training=False))
    assert model.input_shape == (None, 28, 28, 1)
    assert probabilities.shape == (5, num_classes)
    assert probabilities.min() >= 0
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)


@each_network
def test_comes_uncompiled(build):
    assert not build(10).compiled


@pytest.mark.parametrize("build", [*BUILDERS[:3], *BUILDERS[5:]], ids=lambda build: build.__name__)
def test_learns_one_batch_by_heart(build, batch):
    """A network that cannot even do this has a mistake in it, whatever its score on a large set.

    The two of student projects are left out: lessons 03 and 04 train them on thousands of images.
    """
    ink, truth = batch
    model = build(36)
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)  # or the step is traced twice
    for step in range(1, 61):
        model.train_on_batch(ink, truth)
        if step % 5 == 0 and np.array_equal(np.asarray(model(ink, training=False)).argmax(axis=1), truth):
            return
    pytest.fail("12 images were not learned in 60 steps")


def test_pooling_of_the_first_seed_leaves_512_numbers():
    flatten = next(layer for layer in models.seed_cnn().layers if isinstance(layer, keras.layers.Flatten))
    assert flatten.input.shape[1:] == (4, 4, 32)
    assert flatten.output.shape[1:] == (512,)


@pytest.fixture(scope="module")
def sequence():
    """Return a function from one picture (28, 28) to what the first LSTM of the CRNN is given, (7, 448)."""
    model = models.seed_crnn()
    recurrent = next(layer for layer in model.layers if isinstance(layer, keras.layers.Bidirectional))
    inner = keras.Model(model.inputs[0], recurrent.input)
    return lambda ink: np.asarray(inner(ink[None, ..., None], training=False))[0]


@pytest.mark.parametrize("row", [1, 14, 26])
@pytest.mark.parametrize("step", range(7))
def test_steps_of_the_sequence_run_from_left_to_right_whatever_the_row(sequence, row, step):
    paper, dot = np.zeros((2, 28, 28), "float32")
    dot[row, 4 * step + 1] = 1.0  # inside the four columns of this step
    changed = set(np.flatnonzero((np.abs(sequence(dot) - sequence(paper)) > 1e-6).any(axis=1)).tolist())
    assert step in changed
    assert changed <= {step - 1, step, step + 1}, "two convolutions of 3 see no further than the neighbours"


def test_a_step_of_the_sequence_holds_its_column_from_top_to_bottom(sequence):
    paper, dot = np.zeros((2, 28, 28), "float32")
    dot[1, 13] = 1.0  # at the top
    difference = (sequence(dot) - sequence(paper)).reshape(7, 7, 64)  # step, row, feature
    rows = np.flatnonzero(np.abs(difference).max(axis=(0, 2)) > 1e-6)
    assert rows.max() <= 1


STEPS = 16  #: of a line of 64 columns


def targets(texts: list[str]) -> np.ndarray:
    """Return texts as the loss wants them: class k as k + 1, filled up with 0, which is the blank as well."""
    columns = np.zeros((len(texts), STEPS), "int32")
    for row, text in zip(columns, texts, strict=True):
        row[: len(text)] = [labels.DIGITS.index(char) + 1 for char in text]
    return columns


class TestLineReader:
    @pytest.mark.parametrize(("width", "steps"), [(48, 12), (96, 24), (50, 12)])
    def test_a_step_is_four_columns_of_any_width(self, width, steps):
        model = models.line_reader(10, width=2, units=3)
        scores = np.asarray(model(np.random.default_rng(0).random((2, 48, width, 1), dtype="float32")))
        assert scores.shape == (2, steps, 11)
        assert scores.min() < 0, "no probabilities: the loss wants scores"

    def test_learns_one_batch_by_heart(self):
        """One of them has two equal digits side by side, which only a blank keeps apart."""
        texts = ["07", "4", "88"]
        train = datasets.load("bundled", "train")
        glyphs = [train.images[np.flatnonzero(train.chars == char)[0]] for char in labels.DIGITS]
        ink = np.zeros((len(texts), 48, 4 * STEPS, 1), "float32")
        for line, text in zip(ink, texts, strict=True):
            line[10:38, 4 : 4 + 28 * len(text), 0] = np.hstack([glyphs[int(char)] for char in text]) / 255
        model = models.line_reader(10, width=4, units=32)
        model.compile(keras.optimizers.Adam(2e-2, global_clipnorm=2.0), keras.losses.CTC(), jit_compile=False)
        model.optimizer.build(model.trainable_variables)  # or the step is traced twice
        for step in range(1, 201):
            model.train_on_batch(ink, targets(texts))
            if step % 20 == 0:
                scores = np.asarray(model(ink, training=False))
                if [ctc.greedy(ctc.log_softmax(row), labels.DIGITS) for row in scores] == texts:
                    return
        pytest.fail("three lines were not learned in 200 steps")

    def test_its_loss_is_the_course_s_own(self):
        """Keras' loss, on scores before the softmax and texts filled up with the blank, is `hcr_lib.ctc.loss`."""
        texts = ["7", "3117", "0123456789", "88"]
        scores = np.random.default_rng(0).normal(0, 3, (len(texts), STEPS, 11)).astype("float32")
        found = keras.losses.CTC(reduction="none")(targets(texts), scores)
        expected = [
            ctc.loss(ctc.log_softmax(row), text, labels.DIGITS) for row, text in zip(scores, texts, strict=True)
        ]
        np.testing.assert_allclose(found, expected, rtol=1e-4)
