"""Training: one function, from a network and two data sets to a trained network and its history."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
import zipfile
import zlib
from collections.abc import Callable
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


def marked_crossentropy(marks: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
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

    Returns
    -------
    tensor of float32, shape (n,)
    """
    probabilities = tf.cast(probabilities, "float32") + 1e-7
    marks = tf.cast(marks, "uint8")
    right = tf.reduce_sum(tf.where(marks == RIGHT, probabilities, 0.0), axis=-1)
    asked = tf.reduce_sum(tf.where(marks != NOT_ASKED, probabilities, 0.0), axis=-1)
    return tf.math.log(asked) - tf.math.log(right)


def accuracy(marks: tf.Tensor, probabilities: tf.Tensor) -> tf.Tensor:
    """Say for each image whether the likeliest class in question is a right one; float32 of shape (n,)."""
    marks = tf.cast(marks, "uint8")
    best = tf.argmax(tf.where(marks != NOT_ASKED, tf.cast(probabilities, "float32"), -1.0), axis=-1)
    return tf.cast(tf.gather(marks, best, axis=-1, batch_dims=1) == RIGHT, "float32")


def fit(
    model: keras.Model,
    train: Dataset | tuple[np.ndarray, np.ndarray],
    validation: Dataset | tuple[np.ndarray, np.ndarray],
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float = 2e-3,
    augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
    weights: npt.ArrayLike | None = None,
    seed: int = 0,
    checkpoint_dir: str | os.PathLike | None = None,
    keep: str = "best",
    progress: bool = True,
) -> FitResult:
    """Train a network and keep the epoch that validates best.

    The learning rate climbs for a tenth of the way and then falls along half a cosine; the optimizer is AdamW.

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

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        If images, labels and the model's outputs do not fit together, or the checkpoint is damaged or belongs to
        another run.
    """
    ensure_choice(keep, ("best", "last"), name="keep")
    num_classes = model.output_shape[-1]
    images, marks = _arrays(train, num_classes, "train")
    held_out = _arrays(validation, num_classes, "validation")
    if weights is not None:
        weights = np.asarray(weights, dtype="float64")
        if weights.shape != (len(images),) or not (weights.min() >= 0 and weights.sum() > 0):
            raise ValueError(f"weights must be {len(images)} numbers, none negative; got shape {weights.shape}.")
        weights = weights / weights.sum()
    steps = math.ceil(len(images) / batch_size)
    total = epochs * steps
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 20, total - total // 10, alpha=0.01, warmup_target=learning_rate, warmup_steps=total // 10
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=1e-3),
        loss=marked_crossentropy,
        metrics=[keras.metrics.MeanMetricWrapper(accuracy, name="accuracy")],
    )
    model.optimizer.build(model.trainable_variables)
    checkpoint = None
    if checkpoint_dir is not None:
        run = {
            "model": model.name, "parameters": model.count_params(), "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "seed": seed, "images": len(images), "crc32": _crc32(images, marks),
        }  # fmt: skip
        checkpoint = _Checkpoint(Path(checkpoint_dir), run)
    history, best = checkpoint.restore(model) if checkpoint else ([], None)

    bar = tqdm(total=total, initial=len(history) * steps, disable=not progress, unit="batch", leave=False)
    step_bar = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: bar.update())
    with bar:
        for epoch in range(len(history), epochs):
            start = time.perf_counter()
            order = np.random.default_rng((seed, epoch)).choice(
                len(images), len(images), replace=weights is not None, p=weights
            )
            batches = _batches(images, marks, order, batch_size, augment, seed=(seed, epoch * steps))
            # Keras would warn about a path-dependent default unless shuffle is said: the order above is the shuffle.
            seen = model.fit(batches, verbose=0, shuffle=False, callbacks=[step_bar]).history
            val_loss, val_accuracy = model.evaluate(_batches(*held_out, np.arange(len(held_out[0])), 512), verbose=0)
            row = {
                "epoch": epoch + 1, "loss": seen["loss"][0], "accuracy": seen["accuracy"][0],
                "val_loss": val_loss, "val_accuracy": val_accuracy, "seconds": time.perf_counter() - start,
            }  # fmt: skip
            if not np.isfinite(row["loss"]):
                raise ValueError(f"the loss became {row['loss']} in epoch {epoch + 1}; lower learning_rate.")
            if best is None or val_accuracy > max(past["val_accuracy"] for past in history):
                best = [np.array(values) for values in model.get_weights()]
            history.append(row)
            bar.set_postfix_str(f"validation {val_accuracy:.2%}")
            if checkpoint:
                checkpoint.save(model, history, best)
    if keep == "best":
        model.set_weights(best)
    frame = pd.DataFrame(history)
    return FitResult(frame, best_epoch=int(frame.loc[frame["val_accuracy"].idxmax(), "epoch"]))


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


def _batches(
    images: np.ndarray,
    marks: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    augment: Callable | None = None,
    seed: tuple[int, int] = (0, 0),
) -> tf.data.Dataset:
    """Stream (ink, marks) batches in the given order, changed by `augment` on the way."""
    starts = range(0, len(order), batch_size)

    def gather():
        for number, start in enumerate(starts):
            rows = order[start : start + batch_size]
            yield images[rows], marks[rows], (seed[0], seed[1] + number)

    signature = (
        tf.TensorSpec((None, *images.shape[1:]), "uint8"),
        tf.TensorSpec((None, marks.shape[1]), "uint8"),
        tf.TensorSpec((2,), "int32"),
    )

    def prepare(stored, marks, seed):
        ink = tf.cast(stored[..., None], "float32") / 255
        return (augment(ink, seed) if augment else ink), marks

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    batches = batches.map(prepare, num_parallel_calls=2, deterministic=True)
    return batches.apply(tf.data.experimental.assert_cardinality(len(starts))).prefetch(2)


class _Checkpoint:
    """The state of a run in a folder; every file is replaced whole, so a kill at any time leaves a usable one."""

    def __init__(self, folder: Path, run: dict):
        self.folder, self.run = folder, run
        folder.mkdir(parents=True, exist_ok=True)

    def restore(self, model: keras.Model) -> tuple[list[dict], list[np.ndarray] | None]:
        notes = self.folder / "run.json"
        if not notes.is_file():
            return [], None
        try:
            saved = json.loads(notes.read_text(encoding="utf-8"))
            if saved["run"] == self.run:
                return saved["history"], self._set_state(model, self.folder / saved["file"])
        except (ValueError, KeyError, OSError, zipfile.BadZipFile) as error:
            raise ValueError(
                f"{self.folder} should hold a checkpoint, but it is damaged ({error}). Delete it to start afresh."
            ) from error
        raise ValueError(
            f"{self.folder} holds the checkpoint of another run: {saved['run']}; expected {self.run}. "
            "Choose another checkpoint_dir, or delete this one to start afresh."
        )

    def _set_state(self, model: keras.Model, file: Path) -> list[np.ndarray]:
        """Bring `model` to a saved state; return the best weights so far."""
        with np.load(file, allow_pickle=False) as arrays:
            for name, variable in self._state(model).items():
                variable.assign(arrays[name])
            return [arrays[f"best_{i}"] for i in range(len(model.weights))]

    def _state(self, model: keras.Model) -> dict[str, keras.Variable]:
        """Name everything that changes while training: `variables` are weights and the random state of dropout."""
        state = {f"model_{i}": variable for i, variable in enumerate(model.variables)}
        return state | {f"optimizer_{i}": variable for i, variable in enumerate(model.optimizer.variables)}

    def save(self, model: keras.Model, history: list[dict], best: list[np.ndarray]) -> None:
        arrays = {name: variable.numpy() for name, variable in self._state(model).items()}
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
