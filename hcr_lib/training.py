"""Training: one function, from a network and two data sets to a trained network and its history."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm.auto import tqdm

from hcr_lib._tf import keras, tf
from hcr_lib._validate import ensure_choice, ensure_labels, ensure_uint8_images
from hcr_lib.datasets import Dataset

#: The marks of a target: this class is right; this one was in question; this one was never asked about.
RIGHT, ASKED, NOT_ASKED = 2, 1, 0

SCHEDULES = ("cosine", "one-cycle", "constant")


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What `fit` leaves behind, beside the trained model.

    Attributes
    ----------
    history : pandas.DataFrame
        A row an epoch: epoch (from 1), loss, accuracy, val_loss, val_accuracy, seconds.
    best_epoch : int
        The epoch with the highest validation accuracy.
    """

    history: pd.DataFrame
    best_epoch: int


def mark(labels: npt.ArrayLike, num_classes: int, asked: npt.ArrayLike | None = None) -> np.ndarray:
    """Write labels as marks, so that a label may also say which classes were in question at all.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
    num_classes : int
    asked : array_like of int, optional
        Classes in question; all of them by default.

    Returns
    -------
    ndarray of uint8, shape (n, num_classes)
        2 for the right class, 1 for the others in question, 0 elsewhere.

    Examples
    --------
    >>> mark([1], 4, asked=[0, 1, 2]).tolist()
    [[1, 2, 1, 0]]
    """
    labels = ensure_labels(labels, num_classes)
    marks = np.full((len(labels), num_classes), NOT_ASKED, "uint8")
    marks[:, slice(None) if asked is None else np.asarray(asked)] = ASKED
    marks[np.arange(len(labels)), labels] = RIGHT
    return marks


def marked_crossentropy(marks: tf.Tensor, probabilities: tf.Tensor, smoothing: float = 0.0) -> tf.Tensor:
    r"""Cross-entropy for labels that know less than the network does.

    .. math:: -\log \frac{\sum_{right} p}{\sum_{right\ or\ asked} p}

    With one right class and all in question this is the ordinary cross-entropy. A letter whose case nobody wrote
    down has two right classes: their probabilities add up. An MNIST digit, which was never going to be a letter,
    is asked only *which* digit it is, so the network cannot learn that whatever looks like MNIST must be a digit.

    Parameters
    ----------
    marks : tensor of uint8, shape (n, num_classes)
        As `mark` writes them.
    probabilities : tensor of float, shape (n, num_classes)
    smoothing : float
        This share of every label is spread evenly over the classes in question, so that a network is not pushed to
        be surer than a label can be (Szegedy and others 2016). A class that was not asked about gets nothing.

    Returns
    -------
    tensor of float32, shape (n,)
    """
    probabilities = tf.cast(probabilities, "float32") + 1e-7
    marks = tf.cast(marks, "uint8")
    in_question = marks != NOT_ASKED
    right = tf.reduce_sum(tf.where(marks == RIGHT, probabilities, 0.0), axis=-1)
    asked = tf.reduce_sum(tf.where(in_question, probabilities, 0.0), axis=-1)
    log_right = tf.math.log(right)
    if smoothing:
        number = tf.reduce_sum(tf.cast(in_question, "float32"), axis=-1)
        log_any = tf.reduce_sum(tf.where(in_question, tf.math.log(probabilities), 0.0), axis=-1) / number
        log_right = (1 - smoothing) * log_right + smoothing * log_any
    return tf.math.log(asked) - log_right


def accuracy(marks: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Say for each image whether the likeliest class in question is a right one; float32 of shape (n,)."""
    marks = tf.cast(marks, "uint8")
    best = tf.argmax(tf.where(marks != NOT_ASKED, tf.cast(probabilities, "float32"), -1.0), axis=-1)
    return tf.cast(tf.gather(marks, best, axis=-1, batch_dims=1) == RIGHT, "float32")


def learning_rates(schedule: str, steps: int, peak: float) -> np.ndarray:
    """Plan the learning rate of every step of a training.

    Parameters
    ----------
    schedule : {"cosine", "one-cycle", "constant"}
        "cosine" climbs for a tenth of the way and falls along half a cosine to a hundredth of the peak. "one-cycle"
        climbs for three tenths and falls in a straight line to almost nothing: for short trainings with a high
        peak (Smith 2018). "constant" is the peak throughout.
    steps : int
    peak : float
        The highest learning rate.

    Returns
    -------
    ndarray of float32, shape (steps,)

    Raises
    ------
    ValueError
        If there is no schedule of that name.

    Examples
    --------
    >>> learning_rates("one-cycle", 10, 1.0).round(2).tolist()
    [0.05, 0.37, 0.68, 1.0, 0.86, 0.71, 0.57, 0.43, 0.29, 0.14]
    """
    ensure_choice(schedule, SCHEDULES, name="schedule")
    step = np.arange(steps)
    if schedule == "constant":
        return np.full(steps, peak, "float32")
    climb = steps // 10 if schedule == "cosine" else 3 * steps // 10
    rising = 0.05 + 0.95 * step / max(1, climb)
    left = 1 - (step - climb) / (steps - climb)  # from 1 at the top to just above 0
    falling = 0.01 + 0.99 * (0.5 - 0.5 * np.cos(np.pi * left)) if schedule == "cosine" else left
    return (peak * np.where(step < climb, rising, falling)).astype("float32")


class _Planned(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rates of `learning_rates`, as a Keras optimizer asks for them."""

    def __init__(self, rates: np.ndarray):
        self.rates = rates

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self.rates), tf.minimum(tf.cast(step, "int32"), len(self.rates) - 1))

    def get_config(self) -> dict:
        return {"rates": self.rates.tolist()}


def has_bfloat16() -> bool:
    """Say whether this machine calculates with 16-bit numbers (bfloat16) in hardware: a graphics card or a processor.

    Without such hardware they are emulated, and slower than 32-bit numbers.
    """
    for card in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(card).get("compute_capability", (0, 0)) >= (8, 0)
    processor = Path("/proc/cpuinfo")  # Linux only; elsewhere the answer is the safe one
    flags = processor.read_text(encoding="utf-8") if processor.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


@contextlib.contextmanager
def half_precision(wanted: bool | None = None) -> Iterator[bool]:
    """Build networks that calculate in 16 bits where the machine does; their weights stay float32.

    Parameters
    ----------
    wanted : bool, optional
        By default the machine decides: see `has_bfloat16`.

    Yields
    ------
    bool
        Whether networks built in this block calculate in 16 bits.

    Examples
    --------
    >>> with half_precision(wanted=True):
    ...     layer = keras.layers.Dense(3)
    >>> layer.compute_dtype, layer.variable_dtype, keras.config.dtype_policy().name
    ('bfloat16', 'float32', 'float32')
    """
    wanted = has_bfloat16() if wanted is None else wanted
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if wanted else "float32")
    try:
        yield wanted
    finally:
        keras.config.set_dtype_policy(before)


def fit(
    model: keras.Model,
    train: Dataset | tuple[np.ndarray, np.ndarray],
    validation: Dataset | tuple[np.ndarray, np.ndarray],
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    schedule: str = "cosine",
    weight_decay: float = 1e-3,
    label_smoothing: float = 0.0,
    ema: float | None = None,
    patience: int | None = None,
    augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
    weights: npt.ArrayLike | None = None,
    seed: int = 0,
    checkpoint_dir: str | os.PathLike | None = None,
    keep: str = "best",
    progress: bool = True,
    strategy: tf.distribute.Strategy | None = None,
) -> FitResult:
    """Train a network with AdamW and keep the epoch that validates best.

    Parameters
    ----------
    model : keras.Model
        Built, not compiled; from (28, 28, 1) to probabilities.
    train, validation : Dataset, or pair of images and marks
        The same classes, in the same order, as the model's outputs. Pairs hold uint8 images (n, 28, 28) and
        marks (n, num_classes), see `mark`.
    epochs, batch_size : int
    learning_rate : float
        The highest one.
    schedule : {"cosine", "one-cycle", "constant"}
        How the learning rate goes on the way: see `learning_rates`.
    weight_decay : float
        How strongly AdamW pulls every weight towards 0, times the learning rate, in each step.
    label_smoothing : float
        The share of each label that is spread over the classes in question: see `marked_crossentropy`. The losses in
        the history are those without smoothing, so that training and validation compare.
    ema : float, optional
        Average the weights on the way, exponentially: each step keeps this share of the average, such as 0.999, and
        takes the rest from the weights of the moment. (Early steps keep less, (1 + step) / (10 + step), so that a
        short training is not held back by its first weights.) The averaged weights are validated, and the model ends
        with them. The running statistics of batch normalisation are averaged alike, so that they fit.
    patience : int, optional
        Stop when so many epochs in a row have not raised the validation accuracy. The schedule does not know: a
        training that is stopped early has not seen its lowest learning rates.
    augment : callable, optional
        From (ink, seed) to ink, such as `hcr_lib.augment.Augment`; only training images pass through it.
    weights : array_like of float, shape (n,), optional
        How often each training image is drawn, relative to the others; equally often by default.
    seed : int
        Decides the order and the augmentation of every epoch. The model's first weights were drawn when it was
        built: call ``keras.utils.set_random_seed`` before that.
    checkpoint_dir : path, optional
        After each epoch the state is saved here; calling `fit` again with the same arguments goes on from it.
    keep : {"best", "last"}
        Which epoch's weights the model ends with: the one that validates best, or the last, which is the better
        place to go on from in another call.
    progress : bool
        Show a bar with the time left.
    strategy : tf.distribute.Strategy, optional
        Share every batch among several devices or machines. Build the model inside ``with strategy.scope():``, and
        call `fit` with the same arguments on every machine. Each replica learns from its part of the batch and their
        gradients are added up, so `batch_size` is that of all together and the result is that of one machine, up to
        rounding; batch normalisation alone sees its own part only, and dropout draws other masks. The first machine
        alone shows progress and writes checkpoints, into a folder that all of them must be able to read.

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        If images, labels and the model's outputs do not fit together, the checkpoint is damaged or belongs to
        another run, or the model was not built for the strategy.
    """
    ensure_choice(keep, ("best", "last"), name="keep")
    for name, share in (("label_smoothing", label_smoothing), ("ema", ema or 0.0)):
        if not 0 <= share < 1:
            raise ValueError(f"{name} must be a share, at least 0 and below 1; got {share}.")
    if patience is not None and patience < 1:
        raise ValueError(f"patience must be a number of epochs, at least 1, or None for no early stop; got {patience}.")
    num_classes = model.output_shape[-1]
    images, marks = _arrays(train, num_classes, "train")
    held_out = _arrays(validation, num_classes, "validation")
    if weights is not None:
        weights = np.asarray(weights, dtype="float64")
        if weights.shape != (len(images),) or not (weights.min() >= 0 and weights.sum() > 0):
            raise ValueError(f"weights must be {len(images)} numbers, none negative; got shape {weights.shape}.")
        weights = weights / weights.sum()
    steps = math.ceil(len(images) / batch_size)
    rates = learning_rates(schedule, epochs * steps, learning_rate)
    replicas = _Replicas(strategy, model)
    for size in {min(batch_size, len(images)), len(images) % batch_size or batch_size}:
        replicas.ensure_shares(size)
    with replicas.strategy.scope():
        model.compile(
            optimizer=keras.optimizers.AdamW(_Planned(rates), weight_decay=weight_decay),
            loss=marked_crossentropy,
            metrics=[keras.metrics.MeanMetricWrapper(accuracy, name="accuracy")],
        )
        trainer = _Trainer(model, label_smoothing, ema, replicas)
    checkpoint = None
    if checkpoint_dir is not None:
        run = {
            "model": model.name, "parameters": model.count_params(), "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "schedule": schedule, "weight_decay": weight_decay,
            "label_smoothing": label_smoothing, "ema": ema, "patience": patience,
            "seed": seed, "images": len(images), "crc32": _crc32(images, marks),
        }  # fmt: skip
        checkpoint = _Checkpoint(Path(checkpoint_dir), run)
    history, best = checkpoint.restore(trainer) if checkpoint else ([], None)

    orders = (_order(len(images), weights, seed, epoch) for epoch in range(len(history), epochs))
    batches = iter(_batches(images, marks, orders, batch_size, augment, seed=(seed, len(history) * steps)))
    exam = _batches(*held_out, [np.arange(len(held_out[0]))], 512)
    with tqdm(
        total=epochs * steps,
        initial=len(history) * steps,
        disable=not (progress and replicas.chief),
        unit="batch",
        leave=False,
    ) as bar:
        for epoch in range(len(history), epochs):
            if patience is not None and epoch - _best_epoch(history) >= patience:
                break
            start = time.perf_counter()
            learned = np.zeros(2)
            for _ in range(steps):
                learned += trainer.step(*next(batches))
                bar.update()
            with trainer.averaged_weights():
                examined = sum((trainer.exam(*batch) for batch in exam), np.zeros(2))
                val_loss, val_accuracy = (examined / len(held_out[0])).tolist()
                loss, right = (learned / len(images)).tolist()
                if not np.isfinite(loss):
                    raise ValueError(f"the loss became {loss} in epoch {epoch + 1}; lower learning_rate.")
                if best is None or val_accuracy > max(past["val_accuracy"] for past in history):
                    best = model.get_weights()
            row = {
                "epoch": epoch + 1, "loss": loss, "accuracy": right,
                "val_loss": val_loss, "val_accuracy": val_accuracy, "seconds": time.perf_counter() - start,
            }  # fmt: skip
            history.append(row)
            bar.set_postfix_str(f"validation {val_accuracy:.2%}")
            if checkpoint and replicas.chief:
                checkpoint.save(trainer, history, best)
    trainer.keep_averaged_weights()
    if keep == "best":
        model.set_weights(best)
    return FitResult(pd.DataFrame(history), best_epoch=_best_epoch(history))


def _best_epoch(history: list[dict]) -> int:
    """Return the number, from 1, of the epoch that validated best; 0 before the first one."""
    return max(history, key=lambda row: row["val_accuracy"])["epoch"] if history else 0


class _Replicas:
    """The devices and machines that share the work; without a strategy, this one."""

    def __init__(self, strategy: tf.distribute.Strategy | None, model: keras.Model):
        self.strategy = strategy or model.distribute_strategy
        if self.strategy is not model.distribute_strategy:
            raise ValueError(
                "the model must be built for the strategy that shares its training, and this one was not. "
                "Build it inside `with strategy.scope():`."
            )
        self.number = self.strategy.num_replicas_in_sync
        resolver = self.strategy.cluster_resolver
        self.chief = resolver is None or resolver.task_type in (None, "chief") or (
            resolver.task_type == "worker" and resolver.task_id == 0 and "chief" not in resolver.cluster_spec().jobs
        )  # fmt: skip

    def ensure_shares(self, size: int) -> None:
        """Refuse batches that would leave a replica without an image."""
        if size < self.number:
            raise ValueError(
                f"each of the {self.number} replicas needs an image of every batch, and there is one of {size}. "
                "Change batch_size, or leave a few images out."
            )

    def share(self, *batch: tf.Tensor) -> tuple:
        """Give each replica its part of a batch: every so manyth image."""
        if self.number == 1:
            return batch

        def part(replica: tf.distribute.ReplicaContext) -> tuple[tf.Tensor, ...]:
            return tuple(whole[replica.replica_id_in_sync_group :: self.number] for whole in batch)

        return self.strategy.experimental_distribute_values_from_function(part)

    def together(self, function: Callable[..., tf.Tensor], *parts: tf.Tensor) -> tf.Tensor:
        """Run `function` on every replica's part, and add up the answers."""
        return self.strategy.reduce("SUM", self.strategy.run(function, parts), axis=None)


class _Trainer:
    """A compiled network, the average of its weights, and the two things done with a batch: learn, and be examined.

    Both answer with two sums over the batch: of the losses, without smoothing, and of the images read rightly.
    """

    def __init__(self, model: keras.Model, label_smoothing: float, ema: float | None, replicas: _Replicas):
        self.model, self.label_smoothing, self.ema, self.replicas = model, label_smoothing, ema, replicas
        model.optimizer.build(model.trainable_variables)
        self.average = [] if ema is None else [tf.Variable(weight.numpy()) for weight in model.weights]
        # One trace for batches of all sizes: the last one of an epoch is smaller.
        batch = [tf.TensorSpec((None, *model.input_shape[1:]), "float32"), tf.TensorSpec((None, None), "uint8")]
        alone = replicas.number == 1
        self._learn = tf.function(
            self._step_together, [*batch, tf.TensorSpec((), "int32")] if alone else None, autograph=False
        )
        self._examine = tf.function(self._exam_together, batch if alone else None, autograph=False)

    def step(self, ink: tf.Tensor, marks: tf.Tensor) -> np.ndarray:
        """Learn from a batch."""
        return self._learn(*self.replicas.share(ink, marks), tf.shape(marks)[0]).numpy()

    def exam(self, ink: tf.Tensor, marks: tf.Tensor) -> np.ndarray:
        """Read a batch without learning from it."""
        return self._examine(*self.replicas.share(ink, marks)).numpy()

    def _step_together(self, ink: tf.Tensor, marks: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        sums = self.replicas.together(self._step, ink, marks, size)
        if self.average:
            past = tf.cast(self.model.optimizer.iterations.value, "float32")
            keep = tf.minimum(self.ema, (1 + past) / (10 + past))
            for average, weight in zip(self.average, self.model.weights, strict=True):
                average.assign(keep * average + (1 - keep) * weight.value)
        return sums

    def _exam_together(self, ink: tf.Tensor, marks: tf.Tensor) -> tf.Tensor:
        return self.replicas.together(self._exam, ink, marks)

    def _step(self, ink: tf.Tensor, marks: tf.Tensor, size: tf.Tensor) -> tf.Tensor:
        """Learn from a replica's part of a batch of `size` images; the optimizer adds up the gradients of all."""
        model, number = self.model, self.replicas.number
        with tf.GradientTape() as tape:
            probabilities = model(ink, training=True)
            losses = marked_crossentropy(marks, probabilities, self.label_smoothing)
            loss = tf.reduce_sum(losses) / tf.cast(size, "float32")
            loss = tf.add_n([loss, *(regulariser / number for regulariser in model.losses)])
        model.optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        if number > 1:  # the running statistics of batch normalisation: one truth for all
            replica = tf.distribute.get_replica_context()
            for weight in model.non_trainable_weights:
                here = tf.identity(weight.value)  # a tensor that says which device it is on
                weight.assign(replica.all_reduce("MEAN", here))
        return _sums(marks, probabilities)

    def _exam(self, ink: tf.Tensor, marks: tf.Tensor) -> tf.Tensor:
        return _sums(marks, self.model(ink, training=False))

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Lend the model its averaged weights, if there are any."""
        own = self.model.get_weights()
        self.keep_averaged_weights()
        try:
            yield
        finally:
            self.model.set_weights(own)

    def keep_averaged_weights(self) -> None:
        """Give the model its averaged weights, if there are any."""
        if self.average:
            self.model.set_weights([average.numpy() for average in self.average])

    def state(self) -> dict[str, keras.Variable | tf.Variable]:
        """Name everything that changes while training: `variables` are weights and the random state of dropout."""
        groups = {"model": self.model.variables, "optimizer": self.model.optimizer.variables, "average": self.average}
        return {f"{name}_{i}": variable for name, group in groups.items() for i, variable in enumerate(group)}


def _sums(marks: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    losses, right = marked_crossentropy(marks, probabilities), accuracy(marks, probabilities)
    return tf.stack([tf.reduce_sum(losses), tf.reduce_sum(right)])


def _arrays(data: Dataset | tuple[np.ndarray, np.ndarray], num_classes: int, name: str) -> tuple:
    """Return images uint8 (n, 28, 28) and marks uint8 (n, num_classes)."""
    if isinstance(data, Dataset):
        if len(data.classes) != num_classes:
            raise ValueError(
                f"{name} has {len(data.classes)} classes and the model {num_classes} outputs; they must agree. "
                f"Build the model with num_classes={len(data.classes)}."
            )
        data = data.images, mark(data.labels, num_classes)
    images, marks = data
    images = ensure_uint8_images(images, name=f"{name} images")
    if np.shape(marks) != (len(images), num_classes) or len(images) == 0:
        raise ValueError(
            f"{name} needs marks of shape ({len(images)}, {num_classes}) and at least one image; got {np.shape(marks)}."
        )
    marks = np.asarray(marks, dtype="uint8")
    if marks.max() > RIGHT or not (marks == RIGHT).any(axis=1).all():
        raise ValueError(
            f"{name} marks must be {RIGHT} for a right class, {ASKED} for others in question, {NOT_ASKED} elsewhere, "
            f"with a right class in every row; got values {np.unique(marks)[:5].tolist()}. "
            "Make them with hcr_lib.training.mark."
        )
    return images, marks


def _crc32(*arrays: np.ndarray) -> int:
    """Sum up the contents of arrays in one number, to tell data from other data."""
    total = 0
    for array in arrays:
        total = zlib.crc32(np.ascontiguousarray(array), total)
    return total


def _order(number: int, weights: np.ndarray | None, seed: int, epoch: int) -> np.ndarray:
    """Draw the order in which an epoch sees the images: each once, or by their weights."""
    return np.random.default_rng((seed, epoch)).choice(number, number, replace=weights is not None, p=weights)


def _batches(
    images: np.ndarray,
    marks: np.ndarray,
    orders: Iterable[np.ndarray],
    batch_size: int,
    augment: Callable | None = None,
    seed: tuple[int, int] = (0, 0),
) -> tf.data.Dataset:
    """Stream (ink, marks) batches, epoch after epoch, each in its own order, changed by `augment` on the way.

    Shuffle, then batch, then augment: images are gathered by number, a batch at a time, so that a shuffle is as good
    with a million images as with a hundred. While the last batch of an epoch is being learned, the first of the next
    is already made.
    """

    def gather():
        number = seed[1]
        for order in orders:
            for start in range(0, len(order), batch_size):
                rows = order[start : start + batch_size]
                yield images[rows], marks[rows], (seed[0], number)
                number += 1

    signature = (
        tf.TensorSpec((None, *images.shape[1:]), "uint8"),
        tf.TensorSpec((None, marks.shape[1]), "uint8"),
        tf.TensorSpec((2,), "int32"),
    )

    def prepare(stored, marks, seed):
        ink = tf.cast(stored[..., None], "float32") / 255
        return (augment(ink, seed) if augment else ink), marks

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    return batches.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(2)


class _Checkpoint:
    """The state of a run in a folder; every file is replaced whole, so a kill at any time leaves a usable one."""

    def __init__(self, folder: Path, run: dict):
        self.folder, self.run = folder, run
        folder.mkdir(parents=True, exist_ok=True)

    def restore(self, trainer: _Trainer) -> tuple[list[dict], list[np.ndarray] | None]:
        notes = self.folder / "run.json"
        if not notes.is_file():
            return [], None
        try:
            saved = json.loads(notes.read_text(encoding="utf-8"))
            if saved["run"] == self.run:
                return saved["history"], self._set_state(trainer, self.folder / saved["file"])
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{self.folder} should hold a checkpoint, but it is damaged ({error}). Delete it to start afresh."
            ) from error
        raise ValueError(
            f"{self.folder} holds the checkpoint of another run: {saved['run']}; expected {self.run}. "
            "Choose another checkpoint_dir, or delete this one to start afresh."
        )

    def _set_state(self, trainer: _Trainer, file: Path) -> list[np.ndarray]:
        """Bring `trainer` to a saved state; return the best weights so far."""
        with np.load(file, allow_pickle=False) as arrays:
            for name, variable in trainer.state().items():
                variable.assign(arrays[name])
            return [arrays[f"best_{i}"] for i in range(len(trainer.model.weights))]

    def save(self, trainer: _Trainer, history: list[dict], best: list[np.ndarray]) -> None:
        arrays = {name: variable.numpy() for name, variable in trainer.state().items()}
        arrays |= {f"best_{i}": values for i, values in enumerate(best)}
        file = self.folder / f"epoch-{len(history):03}.npz"
        np.savez(file.with_suffix(".part.npz"), **arrays)
        os.replace(file.with_suffix(".part.npz"), file)
        notes = self.folder / "run.json"
        text = json.dumps({"run": self.run, "file": file.name, "history": history}, indent=1)
        notes.with_suffix(".part").write_text(text, encoding="utf-8")
        os.replace(notes.with_suffix(".part"), notes)
        for old in self.folder.glob("epoch-*.npz"):
            if old != file:
                old.unlink()
