"""Training can be repeated, interrupted and trusted: seeds, checkpoints, the chosen epoch, labels that know less."""

import json
import shutil
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hcr_lib import training
from hcr_lib._tf import keras, tf
from hcr_lib.augment import Augment
from hcr_lib.datasets import Dataset
from hcr_lib.training import _fit, fit, mark, marked_crossentropy
from hcr_lib.training._batches import stream_batches
from hcr_lib.training._checkpoint import Checkpoint
from hcr_lib.training._trainer import Replicas, Trainer

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
    save = Checkpoint.save

    def save_and_stop(self, trainer, history, best):
        save(self, trainer, history, best)
        if len(history) == 2:
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", save_and_stop)
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
        monkeypatch.setattr(_fit, "draw_order", None)  # calling it would fail
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
        [
            {"seed": 1},
            {"epochs": 5},
            {"batch_size": 16},
            {"learning_rate": 1e-3},
            {"schedule": "constant"},
            {"weight_decay": 0.1},
            {"label_smoothing": 0.1},
            {"ema": 0.9},
            {"patience": 2},
            {"augment": Augment(rotation=33)},
            {"weights": np.arange(1, 97)},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_of_another_run_is_refused(self, stopped, options):
        with pytest.raises(ValueError, match=r"checkpoint of another run.*another checkpoint_dir"):
            train(network(), checkpoint_dir=stopped, **options)

    def test_of_other_data_is_refused(self, stopped):
        with pytest.raises(ValueError, match="another run"):
            fit(network(), pictures(96, 9), VALIDATION, epochs=EPOCHS, batch_size=32, progress=False,
                checkpoint_dir=stopped)  # fmt: skip

    def test_of_other_validation_data_is_refused(self, stopped):
        with pytest.raises(ValueError, match="another run"):
            fit(network(), TRAIN, pictures(60, 9), epochs=EPOCHS, batch_size=32, progress=False, augment=Augment(),
                checkpoint_dir=stopped)  # fmt: skip

    def test_whatever_keras_calls_the_network_and_numpy_the_seed(self, tmp_path, monkeypatch):
        def unnamed() -> keras.Model:
            return keras.Sequential([keras.Input((28, 28, 1)), *network().layers])

        first = train(unnamed(), epochs=1, seed=np.int64(3), checkpoint_dir=tmp_path)
        monkeypatch.setattr(_fit, "draw_order", None)  # calling it would fail
        assert train(unnamed(), epochs=1, seed=3, checkpoint_dir=tmp_path).history.equals(first.history)

    @pytest.mark.parametrize("left", [0, 0.5], ids=["nothing", "half"])
    @pytest.mark.parametrize("name", ["epoch-002.npz", "run.json"])
    def test_damaged_is_named_with_the_remedy(self, stopped, name, left):
        content = (stopped / name).read_bytes()
        (stopped / name).write_bytes(content[: int(left * len(content))])
        with pytest.raises(ValueError, match=r"run should hold a checkpoint.*damaged.*Delete"):
            train(network(), checkpoint_dir=stopped)


FULL = {"epochs": 40, "ema": 0.9, "label_smoothing": 0.1, "schedule": "one-cycle"}


def train_on(folder: Path) -> None:
    train(network(), checkpoint_dir=folder, **FULL)


def test_killed_at_any_moment_it_goes_on_and_ends_where_an_uninterrupted_run_does(processes, tmp_path):
    process = processes(train_on, tmp_path)
    deadline = time.monotonic() + 600
    while len(epochs_kept(tmp_path)) < 2 and time.monotonic() < deadline and process.exitcode is None:
        time.sleep(0.01)
    process.kill()  # SIGKILL: nothing in the process gets a say
    process.join()
    done = epochs_kept(tmp_path)
    assert 2 <= len(done) < FULL["epochs"]
    going_on, undisturbed = network(seed=5), network()
    ends = outcome(going_on, resumed := train(going_on, checkpoint_dir=tmp_path, **FULL))
    assert resumed.history["seconds"].tolist()[: len(done)] == [row["seconds"] for row in done], "trained once only"
    assert same(ends, outcome(undisturbed, train(undisturbed, **FULL)))


def epochs_kept(folder: Path) -> list[dict]:
    """Read the history of the epochs that a run has brought to safety."""
    notes = folder / "run.json"
    return json.loads(notes.read_text(encoding="utf-8"))["history"] if notes.is_file() else []


class TestLearningRates:
    @pytest.mark.parametrize("schedule", training.SCHEDULES)
    @pytest.mark.parametrize("steps", [1, 2, 9, 1000])
    def test_reach_the_peak_and_never_pass_it_nor_zero(self, schedule, steps):
        rates = training.learning_rates(schedule, steps, 0.3)
        assert rates.shape == (steps,)
        assert rates.max() == pytest.approx(0.3)
        assert rates.min() > 0

    @pytest.mark.parametrize(("schedule", "top"), [("cosine", 100), ("one-cycle", 300)])
    def test_climb_first_and_then_fall_to_nearly_nothing(self, schedule, top):
        rates = training.learning_rates(schedule, 1000, 1.0)
        assert rates.argmax() == top
        assert np.all(np.diff(rates[: top + 1]) > 0)
        assert np.all(np.diff(rates[top:]) < 0)
        assert rates[-1] <= 0.011

    def test_what_is_planned_is_what_the_optimizer_uses(self):
        model = network()
        train(model, schedule="one-cycle", epochs=2, learning_rate=0.01)
        planned = training.learning_rates("one-cycle", 6, 0.01)
        used = [float(model.optimizer._learning_rate(step)) for step in range(6)]
        np.testing.assert_array_equal(np.float32(used), planned)

    def test_unknown_ones_are_refused_with_a_list(self):
        with pytest.raises(ValueError, match=r"schedule.*one-cycle"):
            training.learning_rates("linear", 10, 1.0)


class TestAveragedWeights:
    def test_are_what_is_validated_and_what_the_model_ends_with(self):
        model = network()
        result = train(model, ema=0.5, keep="last", learning_rate=0.05)
        ink = VALIDATION.images[..., None].astype("float32") / 255
        read = np.asarray(model(ink, training=False)).argmax(axis=1)
        assert np.mean(read == VALIDATION.labels) == pytest.approx(result.history["val_accuracy"].iloc[-1], abs=1e-6)

    def test_are_the_exponential_average_of_the_weights_of_each_step(self):
        model = network()
        model.compile("adam")
        expected = model.get_weights()
        trainer = Trainer(model, 0.0, 0.7, Replicas(None, model))
        ink = tf.constant(TRAIN.images[..., None] / np.float32(255))
        for step in range(1, 30):
            trainer.step(ink, mark(TRAIN.labels, 3))
            kept = min(0.7, (1 + step) / (10 + step))
            expected = [kept * old + (1 - kept) * new for old, new in zip(expected, model.get_weights(), strict=True)]
        for ours, theirs in zip(trainer.average, expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)

    def test_of_a_decay_of_zero_are_the_weights_themselves(self):
        plain, averaged = network(), network()
        assert same(outcome(plain, train(plain)), outcome(averaged, train(averaged, ema=0.0)))


def test_early_stopping_ends_when_validation_has_stopped_rising(tmp_path):
    """Labels that mean nothing cannot be learned: validation stays where it is."""
    model = network()
    options = {"epochs": 30, "patience": 2, "learning_rate": 1e-9, "augment": None, "checkpoint_dir": tmp_path}
    result = train(model, **options)
    assert len(result.history) == result.best_epoch + 2 < 30
    again = network(seed=3)
    assert same(outcome(again, train(again, **options)), outcome(model, result)), "stopped is finished"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ema": 1.0}, "ema must be a share.*got 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing must be a share"),
        ({"patience": 0}, "patience must be.*at least 1"),
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
        ({"schedule": "linear"}, "schedule"),
    ],
    ids=["ema", "label_smoothing", "patience", "epochs", "schedule"],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        train(network(), **options)


class TestHalfPrecision:
    @pytest.mark.parametrize("wanted", [False, True])
    def test_holds_for_networks_built_inside_alone(self, wanted):
        with training.half_precision(wanted) as half:
            inside = network()
        assert half is wanted
        assert inside.layers[0].compute_dtype == ("bfloat16" if wanted else "float32")
        assert network().layers[0].compute_dtype == "float32"
        assert {weight.dtype for weight in inside.weights} == {"float32"}

    def test_the_machine_decides_by_default(self):
        with training.half_precision() as half:
            assert half is training.has_bfloat16()

    def test_such_a_network_learns(self):
        with training.half_precision(wanted=True):
            model = network()
        result = train(model, epochs=6, augment=None, ema=0.5)
        assert result.history["loss"].iloc[-1] < result.history["loss"].iloc[0]


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

    def test_smoothing_is_the_ordinary_one_where_all_classes_are_in_question(self):
        rng = np.random.default_rng(0)
        probabilities = rng.dirichlet(np.ones(10), 50).astype("float32")
        truth = rng.integers(0, 10, 50)
        ordinary = keras.losses.categorical_crossentropy(np.eye(10)[truth], probabilities, label_smoothing=0.2)
        ours = marked_crossentropy(mark(truth, 10), probabilities, smoothing=0.2)
        np.testing.assert_allclose(ours, ordinary, rtol=1e-3)

    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_smoothing_spreads_over_the_classes_in_question_only(self, smoothing):
        scores = tf.Variable([[0.3, -0.2, 0.5, 0.1]])
        with tf.GradientTape() as tape:
            marks = tf.constant(mark([1], 4, asked=[0, 1]))
            loss = marked_crossentropy(marks, tf.nn.softmax(scores), smoothing)
        push = tape.gradient(loss, scores).numpy()[0]
        np.testing.assert_allclose(push[2:], 0, atol=1e-6)  # no push either way for what was not asked about
        assert push[1] < 0 < push[0]

    def test_a_letter_of_unknown_case_may_be_either(self):
        assert self.loss([[1, 2, 1, 2]]) == pytest.approx(-np.log(0.2 + 0.4), abs=1e-5)

    def test_a_digit_that_could_be_nothing_else_is_only_asked_which(self):
        assert self.loss(mark([1], 4, asked=[0, 1])) == pytest.approx(-np.log(0.2 / 0.3), abs=1e-5)

    def test_accuracy_compares_only_what_was_in_question(self):
        assert self.is_right(mark([3], 4)) == 1
        assert self.is_right(mark([1], 4)) == 0
        assert self.is_right(mark([1], 4, asked=[0, 1])) == 1
        assert self.is_right([[1, 2, 1, 2]]) == 1


@pytest.fixture
def orders(monkeypatch):
    """Collect the order in which each epoch of a training draws its images."""
    seen = []
    draw = _fit.draw_order

    def spy(*arguments):
        seen.append(draw(*arguments))
        return seen[-1]

    monkeypatch.setattr(_fit, "draw_order", spy)
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
        (TRAIN.images, r"train must be a Dataset or a pair \(images, marks\); got ndarray"),
    ],
    ids=["classes", "none", "too few marks", "labels for marks", "one-hot for marks", "0 to 1", "channels", "images"],
)
def test_what_does_not_fit_together_is_said_before_training(data, message):
    with pytest.raises(ValueError, match=message):
        fit(network(), data, VALIDATION, epochs=1, progress=False)


@pytest.mark.parametrize("weights", [np.ones(5), np.zeros(len(TRAIN)), -np.ones(len(TRAIN))])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 96 numbers"):
        train(network(), weights=weights)


def test_what_was_trained_can_be_saved_and_loaded_by_keras(tmp_path):
    model = network()
    train(model, epochs=1)
    model.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert same(loaded.get_weights(), model.get_weights())
    ink = TRAIN.images[..., None] / np.float32(255)
    assert loaded.evaluate(ink, MARKS, verbose=0) == pytest.approx(model.evaluate(ink, MARKS, verbose=0), rel=1e-4)


def test_an_augmentation_is_known_by_its_settings():
    names = {_fit._described(partial(Augment(), seed=seed)) for seed in (1, 2)}
    assert len(names) == 2
    assert names == {_fit._described(partial(Augment(), seed=seed)) for seed in (1, 2)}


def test_a_loss_that_explodes_is_named_with_the_remedy():
    with pytest.raises(ValueError, match="epoch 1; lower learning_rate"):
        train(network(), learning_rate=float("inf"))


def test_no_tuner_of_tensorflow_keeps_the_end_of_a_training_waiting():
    stream = stream_batches(TRAIN.images, MARKS, [np.arange(len(TRAIN))], 32)
    assert stream.options().autotune.enabled is False
