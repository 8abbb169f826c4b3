"""Training can be repeated, interrupted and trusted: seeds, checkpoints, the chosen epoch, partial labels."""

import gc
import json
import shutil
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from hcr_lib import training
from hcr_lib._tf import keras, tf
from hcr_lib.augment import Augment
from hcr_lib.datasets import Dataset
from hcr_lib.research.networks import OneCycle
from hcr_lib.training import PartialLabelCrossentropy, _fit, fit
from hcr_lib.training._callbacks import FILE, AveragedWeights, Checkpoint
from hcr_lib.training._fit import draw_order, stream_batches, warm_up_and_decay

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


def network(seed: int = 0, activation: str = "relu", dropout: float = 0.3) -> keras.Model:
    """Build a small network with everything that has a state of its own: batch normalisation and dropout."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, strides=2, activation=activation),
            layers.BatchNormalization(momentum=0.9),
            layers.Dropout(dropout),
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


def test_starting_tensorflow_leaves_python_as_it_was():
    assert gc.isenabled(), "garbage is collected again"
    assert sys.modules.get("sklearn", "not yet imported") is not None, "scikit-learn can be imported again"


def test_the_same_seed_gives_the_same_network(uninterrupted):
    model = network()
    assert same(outcome(model, train(model)), uninterrupted)


@pytest.mark.parametrize("change", ["order and augmentation", "first weights"])
def test_another_seed_gives_another_network(uninterrupted, change):
    model = network(seed=1 if change == "first weights" else 0)
    result = train(model, seed=1 if change == "order and augmentation" else 0)
    assert not same(outcome(model, result), uninterrupted)


def test_history_has_a_row_an_epoch_and_training_helps():
    model = network()
    result = train(model, epochs=6, augment=None, learning_rate=0.01)
    assert float(model.optimizer.learning_rate) == pytest.approx(float(warm_up_and_decay(0.01, 18)(18)), abs=1e-9)
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
    save = Checkpoint.on_epoch_end

    def save_and_stop(self, epoch, logs=None):
        save(self, epoch, logs)
        if epoch == 1:  # counted from 0
            raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "on_epoch_end", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            train(network(), checkpoint_dir=folder)
    return folder


def record_of(folder: Path) -> dict:
    """Read the record of a checkpoint: what identifies the training, and its history."""
    with np.load(folder / FILE, allow_pickle=False) as arrays:
        return json.loads(str(arrays["record"]))


class TestCheckpoints:
    @pytest.fixture
    def stopped(self, stopped_run, tmp_path):
        return shutil.copytree(stopped_run, tmp_path / "run")

    def test_going_on_ends_where_an_uninterrupted_run_does(self, stopped, uninterrupted):
        """Whatever the first weights of the new process are, and whatever a killed one left half written."""
        (stopped / f".{FILE}.x7.part").write_bytes(b"half")
        model, again = network(seed=7), network(seed=8)
        result = train(model, checkpoint_dir=stopped)
        assert same(outcome(model, result), uninterrupted)
        finished = train(again, checkpoint_dir=stopped)
        assert same(outcome(again, finished), uninterrupted)
        assert finished.history["seconds"].equals(result.history["seconds"]), "what is finished is not trained again"

    def test_holds_one_whole_state_without_pickle(self, stopped):
        assert [path.name for path in stopped.iterdir()] == [FILE]
        with np.load(stopped / FILE, allow_pickle=False) as arrays:
            assert all(arrays[name].dtype != object for name in arrays.files)
        assert len(record_of(stopped)["history"]) == 2

    @pytest.mark.parametrize(
        "options",
        [
            {"seed": 1},
            {"epochs": 5},
            {"batch_size": 16},
            {"learning_rate": 1e-3},
            {"learning_rate": OneCycle(2e-3, 9)},
            {"weight_decay": 0.1},
            {"label_smoothing": 0.1},
            {"ema": 0.9},
            {"augment": Augment(rotation=33)},
            {"sampling_weights": np.arange(1, 97)},
        ],
        ids=lambda options: next(iter(options)),
    )
    def test_of_another_run_is_refused(self, stopped, options):
        with pytest.raises(ValueError, match=r"checkpoint of another training.*another checkpoint_dir"):
            train(network(), checkpoint_dir=stopped, **options)

    def test_of_other_data_is_refused(self, stopped):
        with pytest.raises(ValueError, match="another training"):
            fit(network(), pictures(96, 9), VALIDATION, epochs=EPOCHS, batch_size=32, progress=False,
                checkpoint_dir=stopped)  # fmt: skip

    def test_of_other_validation_data_is_refused(self, stopped):
        with pytest.raises(ValueError, match="another training"):
            fit(network(), TRAIN, pictures(60, 9), epochs=EPOCHS, batch_size=32, progress=False, augment=Augment(),
                checkpoint_dir=stopped)  # fmt: skip

    @pytest.mark.parametrize("change", [{"activation": "tanh"}, {"dropout": 0.5}], ids=["activation", "dropout"])
    def test_of_another_network_with_the_same_shapes_is_refused(self, stopped, change):
        with pytest.raises(ValueError, match="another training"):
            train(network(**change), checkpoint_dir=stopped)

    def test_whatever_keras_calls_the_network_and_numpy_the_seed(self, tmp_path):
        def unnamed() -> keras.Model:
            return keras.Sequential([keras.Input((28, 28, 1)), *network().layers])

        first = train(unnamed(), epochs=1, seed=np.int64(3), checkpoint_dir=tmp_path)
        assert train(unnamed(), epochs=1, seed=3, checkpoint_dir=tmp_path).history.equals(first.history)

    @pytest.mark.parametrize("left", [0, 0.5])
    def test_damaged_is_named_with_the_remedy(self, stopped, left):
        content = (stopped / FILE).read_bytes()
        (stopped / FILE).write_bytes(content[: int(left * len(content))])
        with pytest.raises(ValueError, match=r"should be a checkpoint.*damaged.*Delete"):
            train(network(), checkpoint_dir=stopped)

    @pytest.mark.parametrize("record", ["[]", "{}", "null", "{"])
    def test_with_another_record_is_damaged(self, tmp_path, record):
        np.savez(tmp_path / FILE, record=np.array(record))
        with pytest.raises(ValueError, match=r"should be a checkpoint.*damaged.*Delete"):
            train(network(), checkpoint_dir=tmp_path)


FULL = {"epochs": 6, "ema": 0.9, "label_smoothing": 0.1, "learning_rate": OneCycle(2e-3, 18)}


def train_slowly(folder: Path) -> None:
    """Train, in a process of its own, but wait after each epoch: there is time to meet and to be killed."""
    save = Checkpoint.on_epoch_end

    def save_and_wait(self, epoch, logs=None):
        save(self, epoch, logs)
        time.sleep(2)

    Checkpoint.on_epoch_end = save_and_wait
    train(network(), checkpoint_dir=folder, **FULL)


def test_killed_it_goes_on_and_ends_where_an_uninterrupted_run_does(processes, monkeypatch, tmp_path):
    """And whoever trains the same in the same folder meanwhile, here this process, neither suffers nor disturbs."""
    folder, at_the_kill = tmp_path / "run", tmp_path / "at the kill"
    killed = processes(train_slowly, folder)
    deadline = time.monotonic() + 600
    while epochs_kept(folder) < 2 and time.monotonic() < deadline and killed.exitcode is None:
        time.sleep(0.1)
    save = Checkpoint.on_epoch_end

    def save_and_kill(self, epoch, logs=None):
        save(self, epoch, logs)
        if killed.is_alive():
            killed.kill()  # SIGKILL: nothing in the process gets a say
            killed.join()
            shutil.copytree(folder, at_the_kill)

    assert killed.is_alive()
    monkeypatch.setattr(Checkpoint, "on_epoch_end", save_and_kill)
    second = network(seed=3)
    ends_of_second = outcome(second, train(second, checkpoint_dir=folder, **FULL))
    assert epochs_kept(folder) == FULL["epochs"]
    done = record_of(at_the_kill)["history"]
    assert 2 <= len(done) < FULL["epochs"]
    going_on, undisturbed = network(seed=5), network()
    ends = outcome(going_on, resumed := train(going_on, checkpoint_dir=at_the_kill, **FULL))
    assert resumed.history["seconds"].tolist()[: len(done)] == [row["seconds"] for row in done], "trained once only"
    expected = outcome(undisturbed, train(undisturbed, **FULL))
    assert same(ends, expected)
    assert same(ends_of_second, expected)


def epochs_kept(folder: Path) -> int:
    """Return how many epochs a run has brought to safety."""
    return len(record_of(folder)["history"]) if (folder / FILE).is_file() else 0


def rates(schedule: keras.optimizers.schedules.LearningRateSchedule, steps: int) -> np.ndarray:
    return np.array([float(schedule(step)) for step in range(steps)])


class TestLearningRates:
    @pytest.mark.parametrize("schedule", [warm_up_and_decay, OneCycle])
    @pytest.mark.parametrize("steps", [1, 2, 9, 100])
    def test_reach_the_peak_and_never_pass_it_nor_zero(self, schedule, steps):
        found = rates(schedule(0.3, steps), steps)
        assert found.max() == pytest.approx(0.3)
        assert found.min() > 0

    @pytest.mark.parametrize(("schedule", "top"), [(warm_up_and_decay, 20), (OneCycle, 60)])
    def test_climb_first_and_then_fall_to_nearly_nothing(self, schedule, top):
        found = rates(schedule(1.0, 200), 200)
        assert found.argmax() == top
        assert np.all(np.diff(found[: top + 1]) > 0)
        assert np.all(np.diff(found[top:]) < 0)
        assert found[-1] <= 0.011

    def test_are_what_the_optimizer_uses(self):
        model, schedule = network(), OneCycle(0.01, 3)
        train(model, epochs=1, learning_rate=schedule)
        assert float(model.optimizer.learning_rate) == pytest.approx(float(schedule(3)), abs=1e-9)  # after 3 steps


class TestAveragedWeights:
    def test_are_what_is_validated_and_what_the_model_ends_with(self):
        model = network()
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Keras has nothing to warn of
            result = train(model, ema=0.5, keep="last", learning_rate=0.05)
        ink = VALIDATION.images[..., None].astype("float32") / 255
        read = np.asarray(model(ink, training=False)).argmax(axis=1)
        assert np.mean(read == VALIDATION.labels) == pytest.approx(result.history["val_accuracy"].iloc[-1], abs=1e-6)

    def test_are_the_exponential_average_of_the_weights_of_each_step(self):
        model = network()
        model.compile("adam", PartialLabelCrossentropy())
        expected = model.get_weights()
        averaged, each_step = AveragedWeights(model, 0.7), []
        after_each = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda *_, **__: each_step.append(model.get_weights())
        )
        ink = TRAIN.images[..., None] / np.float32(255)
        model.fit(ink, TRAIN.targets, batch_size=16, epochs=5, callbacks=[after_each, averaged], verbose=0)
        for step, weights in enumerate(each_step, start=1):
            kept = min(0.7, (1 + step) / (10 + step))
            expected = [kept * old + (1 - kept) * new for old, new in zip(expected, weights, strict=True)]
        for ours, theirs in zip(averaged.other_weights, expected, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5)

    def test_of_a_momentum_of_zero_are_the_weights_themselves(self, uninterrupted):
        averaged = network()
        assert same(outcome(averaged, train(averaged, ema=0.0)), uninterrupted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ema": 1.0}, "ema must be a share.*got 1.0"),
        ({"label_smoothing": -0.1}, "label_smoothing must be a share"),
        ({"epochs": 0}, "epochs must be at least 1; got 0"),
    ],
    ids=["ema", "label_smoothing", "epochs"],
)
def test_impossible_settings_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        train(network(), **options)


class TestPartialLabels:
    PROBABILITIES = np.array([[0.1, 0.2, 0.3, 0.4]], "float32")

    def loss(self, targets) -> float:
        return float(PartialLabelCrossentropy()(targets, self.PROBABILITIES))

    def is_right(self, targets) -> float:
        return float(training.partial_label_accuracy(tf.constant(targets), tf.constant(self.PROBABILITIES))[0])

    @pytest.mark.parametrize("smoothing", [0.0, 0.2])
    def test_with_one_candidate_and_all_classes_considered_it_is_the_ordinary_cross_entropy(self, smoothing):
        rng = np.random.default_rng(0)
        probabilities = rng.dirichlet(np.ones(36), 50).astype("float32")
        one_hot = np.eye(36)[rng.integers(0, 36, 50)]
        ordinary = keras.losses.categorical_crossentropy(one_hot, probabilities, label_smoothing=smoothing)
        ours = PartialLabelCrossentropy(smoothing, reduction="none")(1 + one_hot, probabilities)
        np.testing.assert_allclose(ours, ordinary, rtol=1e-3)

    @pytest.mark.parametrize("smoothing", [0.0, 0.1])
    def test_what_was_not_considered_is_pushed_neither_way(self, smoothing):
        scores = tf.Variable([[0.3, -0.2, 0.5, 0.1]])
        with tf.GradientTape() as tape:
            loss = PartialLabelCrossentropy(smoothing)([[1, 2, 0, 0]], tf.nn.softmax(scores))
        push = tape.gradient(loss, scores).numpy()[0]
        np.testing.assert_allclose(push[2:], 0, atol=1e-6)
        assert push[1] < 0 < push[0]

    def test_a_letter_of_unknown_case_may_be_either(self):
        assert self.loss([[1, 2, 1, 2]]) == pytest.approx(-np.log(0.2 + 0.4), abs=1e-5)

    def test_a_digit_labelled_among_digits_is_only_asked_which(self):
        assert self.loss([[1, 2, 0, 0]]) == pytest.approx(-np.log(0.2 / 0.3), abs=1e-5)

    def test_accuracy_compares_only_what_was_considered(self):
        assert self.is_right([[1, 1, 1, 2]]) == 1
        assert self.is_right([[1, 2, 1, 1]]) == 0
        assert self.is_right([[1, 2, 0, 0]]) == 1
        assert self.is_right([[1, 2, 1, 2]]) == 1

    def test_a_network_learns_from_them(self):
        """Bars are bars, in whichever direction; the square was never considered for them."""
        either = np.array([[2, 2, 0], [2, 2, 0], [1, 1, 2]], "uint8")[TRAIN.labels]
        bars = Dataset(TRAIN.images, TRAIN.labels, CLASSES, "bars or squares", label_mask=either)
        result = fit(network(), bars, bars, epochs=5, batch_size=32, progress=False)
        assert result.history["accuracy"].iloc[-1] > 0.85


class TestOrder:
    def test_every_epoch_sees_each_image_once_in_another_order(self):
        first, second = draw_order(96, None, 0, 0), draw_order(96, None, 0, 1)
        assert sorted(first) == sorted(second) == list(range(96))
        assert not np.array_equal(first, second)

    def test_images_of_more_weight_are_drawn_more_often_and_of_none_never(self):
        weights = np.repeat([9.0, 1.0, 0.0], [16, 64, 16]) / 208
        first, second = draw_order(96, weights, 0, 0), draw_order(96, weights, 0, 1)
        assert not np.array_equal(first, second)
        drawn = np.concatenate([first, second])
        assert np.mean(drawn < 16) > 0.5  # 144 of the weights' 208
        assert drawn.max() < 80

    def test_an_epoch_of_so_many_steps_draws_as_many_batches(self):
        weights = np.full(96, 1 / 96)
        assert len(draw_order(96, weights, 0, 0, drawn=400)) == 400
        model = network()
        train(model, epochs=2, augment=None, sampling_weights=weights, steps=5)
        assert int(model.optimizer.iterations.numpy()) == 10

    @pytest.mark.parametrize("more", [{"steps": 3}, {"steps": 0, "sampling_weights": np.ones(96)}])
    def test_steps_go_with_weights(self, more):
        with pytest.raises(ValueError, match="steps must be at least 1, and go with sampling_weights"):
            train(network(), **more)

    def test_a_class_of_no_weight_is_not_learned(self):
        model = network()
        train(model, epochs=6, learning_rate=0.01, augment=None, sampling_weights=TRAIN.labels != 2)
        squares = VALIDATION.only("o").images[..., None] / np.float32(255)
        assert np.mean(np.asarray(model(squares)).argmax(axis=1) == 2) < 0.1

    def test_the_stream_holds_every_image_with_its_own_label(self):
        batches = list(stream_batches(TRAIN, 40, epochs=range(2), order=partial(draw_order, 96, None, 0)))
        assert [len(ink) for ink, _ in batches] == [40, 40, 16] * 2
        rows = np.concatenate([draw_order(96, None, 0, epoch) for epoch in range(2)])
        assert np.array_equal(np.concatenate([targets for _, targets in batches]), TRAIN.targets[rows])
        ink = np.concatenate([ink for ink, _ in batches])[..., 0]
        np.testing.assert_allclose(ink, TRAIN.images[rows] / 255, atol=1e-6)


TWO_CLASSES = Dataset(TRAIN.images, TRAIN.labels % 2, classes="01", source="two classes")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (TWO_CLASSES, "train has 2 classes and the model 3 outputs.*num_classes=2"),
        (TRAIN.take([]), "at least one image"),
        (TRAIN.images, r"train must be a Dataset, or \(images, labels\); got ndarray"),
        ((TRAIN.images, TRAIN.labels + 1), "train labels must lie between 0 and 2; got 1 to 3"),
        ((TRAIN.images[:, 2:], TRAIN.labels), r"train images must have shape \(n, 28, 28\); got shape \(96, 26, 28\)"),
        ((TRAIN.images / 255, TRAIN.labels), "train images must be uint8 between 0 .* got float64"),
    ],
    ids=["classes", "none", "images alone", "labels from 1", "other size", "divided"],
)
def test_what_does_not_fit_together_is_said_before_training(data, message):
    with pytest.raises(ValueError, match=message):
        fit(network(), data, VALIDATION, epochs=1, progress=False)


def test_plain_arrays_train_as_a_data_set_does(uninterrupted):
    model = network()
    fit(model, (TRAIN.images, TRAIN.labels.tolist()), (VALIDATION.images, VALIDATION.labels),
        epochs=EPOCHS, batch_size=32, progress=False, augment=Augment())  # fmt: skip
    assert same(model.get_weights(), uninterrupted[1:])


def test_plain_arrays_may_have_any_size_and_mean_anything():
    small = keras.Sequential([keras.Input((9, 12, 1)), keras.layers.Flatten(), keras.layers.Dense(2, "softmax")])
    images = np.zeros((20, 9, 12), "uint8")
    images[10:] = 255
    result = fit(small, (images, [0] * 10 + [1] * 10), (images, [0] * 10 + [1] * 10), epochs=5, progress=False)
    assert len(result.history) == 5


@pytest.mark.parametrize("activation", [None, "sigmoid", "relu"])
def test_a_missing_softmax_is_named_before_training(activation):
    model = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(3, activation)])
    with pytest.raises(ValueError, match=r"must be probabilities, .*last layer a softmax: .*Dense\(3, activation=\"so"):
        train(model, learning_rate=1e-3)


@pytest.mark.parametrize("weights", [np.ones(5), np.zeros(len(TRAIN)), -np.ones(len(TRAIN))])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(ValueError, match="weights must be 96 numbers"):
        train(network(), sampling_weights=weights)


def test_what_was_trained_can_be_saved_and_loaded_by_keras(tmp_path):
    model = network()
    history = train(model, epochs=1).history
    model.save(tmp_path / "small.keras")
    loaded = keras.models.load_model(tmp_path / "small.keras")
    assert same(loaded.get_weights(), model.get_weights())
    ink = VALIDATION.images[..., None] / np.float32(255)
    expected = history[["val_loss", "val_accuracy"]].iloc[-1].tolist()
    assert loaded.evaluate(ink, VALIDATION.targets, verbose=0) == pytest.approx(expected, rel=1e-4)


def test_an_augmentation_is_known_by_its_settings():
    names = {_fit._described(partial(Augment(), seed=seed)) for seed in (1, 2)}
    assert len(names) == 2
    assert names == {_fit._described(partial(Augment(), seed=seed)) for seed in (1, 2)}


def test_a_loss_that_explodes_is_named_with_the_remedy():
    with pytest.raises(ValueError, match="epoch 1; lower learning_rate"):
        train(network(), learning_rate=float("inf"))


def test_no_tuner_of_tensorflow_keeps_the_end_of_a_training_waiting():
    stream = stream_batches(TRAIN, 32)
    assert stream.options().autotune.enabled is False
