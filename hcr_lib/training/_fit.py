"""From a network and two data sets to a trained network and its history."""

from __future__ import annotations

import dataclasses
import functools
import math
import os
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm.auto import tqdm

from hcr_lib._tf import keras, tf
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import Dataset
from hcr_lib.training._batches import draw_order, stream_batches
from hcr_lib.training._checkpoint import Checkpoint, crc32
from hcr_lib.training._marks import accuracy, images_and_marks, marked_crossentropy
from hcr_lib.training._schedules import Planned, learning_rates
from hcr_lib.training._trainer import Replicas, Trainer


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
        After each epoch the state is saved here; calling `fit` again with the same arguments goes on from it. (The
        weights the model comes with do not count as an argument, and a plain function as `augment` is known by its
        name: after changing either, choose another folder.)
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
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1; got {epochs}.")
    if patience is not None and patience < 1:
        raise ValueError(f"patience must be a number of epochs, at least 1, or None for no early stop; got {patience}.")
    num_classes = model.output_shape[-1]
    images, marks = images_and_marks(train, num_classes, "train")
    held_out = images_and_marks(validation, num_classes, "validation")
    if weights is not None:
        weights = np.asarray(weights, dtype="float64")
        if weights.shape != (len(images),) or not (weights.min() >= 0 and weights.sum() > 0):
            raise ValueError(f"weights must be {len(images)} numbers, none negative; got shape {weights.shape}.")
        weights = weights / weights.sum()
    steps = math.ceil(len(images) / batch_size)
    rates = learning_rates(schedule, epochs * steps, learning_rate)
    replicas = Replicas(strategy, model)
    for size in {min(batch_size, len(images)), len(images) % batch_size or batch_size}:
        replicas.ensure_shares(size)
    with replicas.strategy.scope():
        model.compile(
            optimizer=keras.optimizers.AdamW(Planned(rates), weight_decay=weight_decay),
            loss=marked_crossentropy,
            metrics=[keras.metrics.MeanMetricWrapper(accuracy, name="accuracy")],
        )
        trainer = Trainer(model, label_smoothing, ema, replicas)
    checkpoint = None
    if checkpoint_dir is not None:
        run = {
            "layers": " ".join(type(layer).__name__ for layer in model.layers),
            "parameters": model.count_params(), "epochs": epochs, "batch_size": batch_size,
            "learning_rate": learning_rate, "schedule": schedule, "weight_decay": weight_decay,
            "label_smoothing": label_smoothing, "ema": ema, "patience": patience,
            "augment": _described(augment), "weights": None if weights is None else crc32(weights),
            "seed": seed, "images": len(images), "crc32": crc32(images, marks), "validation": crc32(*held_out),
        }  # fmt: skip
        checkpoint = Checkpoint(Path(checkpoint_dir), run)
    history, best = checkpoint.restore(trainer) if checkpoint else ([], None)

    orders = (draw_order(len(images), weights, seed, epoch) for epoch in range(len(history), epochs))
    batches = iter(stream_batches(images, marks, orders, batch_size, augment, seed=(seed, len(history) * steps)))
    exam = stream_batches(*held_out, [np.arange(len(held_out[0]))], 512)
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


def _described(augment: Callable | None) -> str:
    """Name an augmentation so that the same one, in another process, has the same name."""
    if isinstance(augment, functools.partial):
        return f"{_described(augment.func)} with {augment.args} and {augment.keywords}"
    return repr(augment) if dataclasses.is_dataclass(augment) else getattr(augment, "__qualname__", str(type(augment)))


def _best_epoch(history: list[dict]) -> int:
    """Return the number, from 1, of the epoch that validated best; 0 before the first one."""
    return max(history, key=lambda row: row["val_accuracy"])["epoch"] if history else 0
