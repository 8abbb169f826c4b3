"""Training can be repeated, interrupted and trusted: seeds, checkpoints, the chosen epoch, labels that know less."""

import json
import shutil

import numpy as np
import pytest

from hcr_lib import training
from hcr_lib._tf import keras, tf
from hcr_lib.augment import Augment
from hcr_lib.datasets import Dataset
from hcr_lib.training import fit, mark, marked_crossentropy

CLASSES = "-|o"
EPOCHS = 3


def pictures(n: int, seed: int, noise: int = 150) -> Dataset:
    """Draw a bar across, a bar down or a square, somewhere in the picture, on dirty paper."""
    rng = np.random.default_rng(seed)
    images = rng.integers(0, noise, (n, 28, 28), dtype="uint8")
    labels = rng.integers(0, 3, n)
    for image, label, (row, column) in zip(images, labels, rng.integers(4, 14, (n, 2)), strict=True):
        height, width = [(2, 10), (10, 2), (10, 10)][label]
        image[row : row + height, column : column + width] = 255
    return Dataset(images, labels, classes=CLASSES, source="bars")


TRAIN, VALIDATION = pictures(96, 0), pictures(60, 1)


def network(seed: int = 0) -> keras.Model:
    """Build a small network with everything that has a state of its own: batch normalisation and dropout."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(0.3),
            layers.Flatten(),
            layers.Dense(3, activation="softmax"),
        ],
        name="small",
    )


def train(model: keras.Model, **options) -> training.FitResult:
    settings = {"epochs": EPOCHS, "batch_size": 32, "progress": False, "augment": Augment()} | options
    return fit(model, TRAIN, VALIDATION, **settings)


def outcome(model: keras.Model, result: training.FitResult) -> list[np.ndarray]:
    return [result.history.drop(columns="seconds").to_numpy(), *model.get_weights()]


def same(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.fixture(scope="module")
def uninterrupted() -> list[np.ndarray]:
    model = network()
    return outcome(model, train(model))


def test_the_same_seed_gives_the_same_network(uninterrupted):
    model = network()
    assert same(outcome(model, train(model)), uninterrupted)


@pytest.mark.parametrize("change", ["order and augmentation", "first weights"])
def test_another_seed_gives_another_network(uninterrupted, change):
    model = network(seed=1 if change == "first weights" else 0)
    result = train(model, seed=1 if change == "order and augmentation" else 0)
    assert not same(outcome(model, result), uninterrupted)


def test_history_has_a_row_an_epoch_and_training_helps():
    result = train(network(), epochs=6, augment=None)
    columns = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy", "seconds"]
    assert result.history.columns.tolist() == columns
    assert result.history["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0]
    assert result.history["seconds"].gt(0).all()


def test_the_epoch_that_validates_best_is_kept_not_the_last_one():
    model = network()
    upside_down = Dataset(VALIDATION.images, (VALIDATION.labels + 1) % 3, classes=CLASSES, source="wrong labels")
    result = fit(model, TRAIN, upside_down, epochs=6, batch_size=32, progress=False, learning_rate=2e-2)
    scores = result.history["val_accuracy"]
    assert result.best_epoch == result.history["epoch"][scores.idxmax()]
    assert scores.iloc[-1] < scores.max(), "the better it learns, the worse it scores here"
    ink = VALIDATION.images[..., None].astype("float32") / 255
    read = np.asarray(model(ink, training=False)).argmax(axis=1)
    assert np.mean(read == upside_down.labels) == pytest.approx(scores.max(), abs=1e-6)


@pytest.fixture(scope="module")
def stopped_run(tmp_path_factory):
    """Return the folder of a run that was killed just after its second epoch."""
    folder = tmp_path_factory.mktemp("stopped") / "run"
    save = training._Checkpoint.save

    def save_and_stop(self, model, history, best):
        save(self, model, history, best)
        if len(history) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training._Checkpoint, "save", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(network(), checkpoint_dir=folder)
    return folder


class TestCheckpoints:
    @pytest.fixture
    def stopped(self, stopped_run, tmp_path):
        return shutil.copytree(stopped_run, tmp_path / "run")

    def test_going_on_ends_where_an_uninterrupted_run_does(self, stopped, uninterrupted):
        model = network()
        assert same(outcome(model, train(model, checkpoint_dir=stopped)), uninterrupted)

    def test_the_first_weights_of_the_new_process_do_not_matter(self, stopped, uninterrupted):
        model = network(seed=7)
        assert same(outcome(model, train(model, checkpoint_dir=stopped)), uninterrupted)

    def test_a_finished_run_is_not_trained_again(self, tmp_path, uninterrupted, monkeypatch):
        train(network(), checkpoint_dir=tmp_path)
        monkeypatch.setattr(training, "_batches", None)  # calling it would fail
        model = network()
        assert same(outcome(model, train(model, checkpoint_dir=tmp_path)), uninterrupted)

    def test_holds_one_whole_state_without_pickle(self, stopped):
        assert sorted(path.name for path in stopped.iterdir()) == ["epoch-002.npz", "run.json"]
        with np.load(stopped / "epoch-002.npz", allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)
        assert len(json.loads((stopped / "run.json").read_text(encoding="utf-8"))["history"]) == 2

    def test_half_written_files_of_a_killed_process_do_no_harm(self, stopped, uninterrupted):
        (stopped / "epoch-003.part.npz").write_bytes(b"half")
        (stopped / "run.part").write_text("{", encoding="utf-8")
        model = network()
        assert same(outcome(model, train(model, checkpoint_dir=stopped)), uninterrupted)
        assert sorted(path.name for path in stopped.iterdir()) == ["epoch-003.npz", "run.json"]

    @pytest.mark.parametrize(
        "options",
        [{"seed": 1}, {"epochs": 5}, {"batch_size": 16}, {"learning_rate": 1e-3}],
        ids=["seed", "epochs", "batch_size", "learning_rate"],
    )
    def test_of_another_run_is_refused(self, stopped, options):
        with pytest.raises(ValueError, match=r"checkpoint of another run.*another checkpoint_dir"):
            train(network(), checkpoint_dir=stopped, **options)

    def test_of_other_data_is_refused(self, stopped):
        with pytest.raises(ValueError, match="another run"):
            fit(network(), pictures(96, 9), VALIDATION, epochs=EPOCHS, batch_size=32, progress=False,
                checkpoint_dir=stopped)  # fmt: skip

    @pytest.mark.parametrize("name", ["epoch-002.npz", "run.json"])
    def test_damaged_is_named_with_the_remedy(self, stopped, name):
        content = (stopped / name).read_bytes()
        (stopped / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ValueError, match=r"run should hold a checkpoint.*damaged.*Delete"):
            train(network(), checkpoint_dir=stopped)


class TestMarks:
    PROBABILITIES = np.array([[0.1, 0.2, 0.3, 0.4]], "float32")

    def loss(self, marks) -> float:
        return float(marked_crossentropy(tf.constant(marks), tf.constant(self.PROBABILITIES))[0])

    def is_right(self, marks) -> float:
        return float(training.accuracy(tf.constant(marks), tf.constant(self.PROBABILITIES))[0])

    def test_with_one_right_class_and_all_in_question_it_is_the_ordinary_cross_entropy(self):
        rng = np.random.default_rng(0)
        probabilities = rng.dirichlet(np.ones(36), 50).astype("float32")
        truth = rng.integers(0, 36, 50)
        ordinary = keras.losses.sparse_categorical_crossentropy(truth, probabilities)
        np.testing.assert_allclose(marked_crossentropy(mark(truth, 36), probabilities), ordinary, rtol=1e-3)

    def test_a_letter_of_unknown_case_may_be_either(self):
        assert self.loss([[1, 2, 1, 2]]) == pytest.approx(-np.log(0.2 + 0.4), abs=1e-5)

    def test_a_digit_that_could_be_nothing_else_is_only_asked_which(self):
        assert self.loss(mark([1], 4, asked=[0, 1])) == pytest.approx(-np.log(0.2 / 0.3), abs=1e-5)

    def test_what_was_not_asked_about_gets_no_push_either_way(self):
        scores = tf.Variable([[0.3, -0.2, 0.5, 0.1]])
        with tf.GradientTape() as tape:
            loss = marked_crossentropy(tf.constant(mark([1], 4, asked=[0, 1])), tf.nn.softmax(scores))
        push = tape.gradient(loss, scores).numpy()[0]
        np.testing.assert_allclose(push[2:], 0, atol=1e-6)
        assert push[1] < 0 < push[0]

    def test_accuracy_compares_only_what_was_in_question(self):
        assert self.is_right(mark([3], 4)) == 1
        assert self.is_right(mark([1], 4)) == 0
        assert self.is_right(mark([1], 4, asked=[0, 1])) == 1
        assert self.is_right([[1, 2, 1, 2]]) == 1


@pytest.fixture
def orders(monkeypatch):
    """Collect the order in which each epoch of a training draws its images."""
    seen = []
    batches = training._batches

    def spy(images, marks, order, *rest, **more):
        if len(images) == len(TRAIN):
            seen.append(order)
        return batches(images, marks, order, *rest, **more)

    monkeypatch.setattr(training, "_batches", spy)
    return seen


def test_every_epoch_sees_each_image_once_in_another_order(orders):
    train(network(), epochs=2)
    first, second = orders
    assert sorted(first) == sorted(second) == list(range(len(TRAIN)))
    assert not np.array_equal(first, second)


def test_images_of_more_weight_are_drawn_more_often_and_of_none_never(orders):
    weights = np.repeat([9.0, 1.0, 0.0], [16, 64, 16])
    train(network(), epochs=2, weights=weights)
    first, second = orders
    assert not np.array_equal(first, second)
    drawn = np.concatenate(orders)
    assert np.mean(drawn < 16) > 0.5  # 144 of the weights' 208
    assert drawn.max() < 80


TWO_CLASSES = Dataset(TRAIN.images, TRAIN.labels % 2, classes="01", source="two classes")
MARKS = mark(TRAIN.labels, 3)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TWO_CLASSES, "train has 2 classes and the model 3 outputs.*num_classes=2"),
        (TRAIN.take([]), "at least one image"),
        ((TRAIN.images, MARKS[:-1]), r"marks of shape \(96, 3\).*got \(95, 3\)"),
        ((TRAIN.images, TRAIN.labels), r"marks of shape \(96, 3\).*got \(96,\)"),
        ((TRAIN.images, np.eye(3)[TRAIN.labels]), "a right class in every row.*training.mark"),
        ((TRAIN.images / 255, MARKS), "train images must be uint8"),
        ((TRAIN.images[..., None], MARKS), r"train images must have shape \(n, 28, 28\)"),
    ],
    ids=["classes", "none", "too few marks", "labels for marks", "one-hot for marks", "0 to 1", "channels"],
)
def test_what_does_not_fit_together_is_said_before_training(data, message):
    with pytest.raises(ValueError, match=message):
        fit(network(), data, VALIDATION, epochs=1, progress=False)


@pytest.mark.parametrize("weights", [np.ones(5), np.zeros(len(TRAIN)), -np.ones(len(TRAIN))])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 96 numbers"):
        train(network(), weights=weights)


def test_a_loss_that_explodes_is_named_with_the_remedy():
    with pytest.raises(ValueError, match="epoch 1; lower learning_rate"):
        train(network(), learning_rate=float("inf"))
