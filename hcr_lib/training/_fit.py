"""From a network and two data sets to a trained network and its history."""

from __future__ import annotations

import dataclasses
import functools
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from tqdm.auto import tqdm

from hcr_lib._tf import keras, tf
from hcr_lib._validate import ensure_choice, ensure_labels, ensure_uint8_images
from hcr_lib.datasets import CANDIDATE, RULED_OUT, Dataset
from hcr_lib.training._callbacks import AveragedWeights, Checkpoint, History, crc32, network_checksum
from hcr_lib.training._loss import PartialLabelCrossentropy, partial_label_accuracy


@dataclasses.dataclass(frozen=True)
class FitResult:
    """What `fit` returns beside the trained network.

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
    train: Dataset | tuple[npt.ArrayLike, npt.ArrayLike],
    validation: Dataset | tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    epochs: int,
    batch_size: int = 128,
    learning_rate: float | keras.optimizers.schedules.LearningRateSchedule = 2e-3,
    weight_decay: float = 1e-3,
    label_smoothing: float = 0.0,
    ema: float | None = None,
    augment: Callable[[tf.Tensor, tf.Tensor], tf.Tensor] | None = None,
    sampling_weights: npt.ArrayLike | None = None,
    steps: int | None = None,
    seed: int = 0,
    checkpoint_dir: str | os.PathLike | None = None,
    keep: str = "best",
    progress: bool = True,
) -> FitResult:
    """Train a network with AdamW and keep the epoch that validates best.

    This is ``model.compile`` and ``model.fit`` of Keras, with what they lack: partial labels
    (`PartialLabelCrossentropy`), images drawn in proportion to weights, and checkpoints from which a training ends
    exactly as it would have ended uninterrupted.

    Parameters
    ----------
    model : keras.Model
        From (rows, columns, 1) to probabilities. Built; it is compiled here, for one device: to train on several,
        compile and fit it with Keras in the scope of a `tf.distribute.Strategy`.
    train, validation : Dataset, or (images, labels)
        Of the same classes, in the same order, as the model's outputs; labels may be partial (`Dataset.label_mask`).
        Or plain arrays, for characters or anything else: images, uint8 (n, rows, columns) with 255 for full ink, and
        labels, whole numbers from 0 on.
    epochs, batch_size : int
    learning_rate : float or keras.optimizers.schedules.LearningRateSchedule
        The highest one: the rate warms up for a tenth of the steps, from a twentieth of this, and decays along half a
        cosine to a hundredth of it. Any schedule of Keras is followed instead.
    weight_decay : float
        How strongly AdamW pulls every weight towards 0, times the learning rate, in each step.
    label_smoothing : float
        The share of each label that is spread over the classes considered; part of both losses in the history.
    ema : float, optional
        Momentum of an exponential moving average of the weights, such as 0.999, with a warm-up for short trainings.
        The averaged weights, statistics of batch normalisation included, are validated, and the model ends with them.
    augment : callable, optional
        From (ink, seed) to ink, such as `hcr_lib.augment.Augment`; only training images pass through it.
    sampling_weights : array_like of float, shape (n,), optional
        How often each training image is drawn, relative to the others; by default, each once an epoch.
    steps : int, optional
        Batches an epoch, where there are `sampling_weights`; by default, as many as hold each image once.
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

    Returns
    -------
    FitResult

    Raises
    ------
    ValueError
        If data and the model's outputs do not fit together, a setting is impossible, the loss is no longer finite, or
        the checkpoint is damaged or belongs to another training.
    """
    ensure_choice(keep, ("best", "last"), name="keep")
    for name, share in (("label_smoothing", label_smoothing), ("ema", ema or 0.0)):
        if not 0 <= share < 1:
            raise ValueError(f"{name} must be a share, at least 0 and below 1; got {share}.")
    if epochs < 1:
        raise ValueError(f"epochs must be at least 1; got {epochs}.")
    train, validation = (_fitting(data, model, name) for name, data in (("train", train), ("validation", validation)))
    _ensure_probabilities(model, validation)
    weights = None if sampling_weights is None else _ensure_weights(sampling_weights, len(train))
    if steps is not None and (weights is None or steps < 1):
        raise ValueError(f"steps must be at least 1, and go with sampling_weights; got {steps}.")
    drawn = len(train) if steps is None else steps * batch_size
    steps = -(-drawn // batch_size)
    rates = learning_rate
    if not isinstance(rates, keras.optimizers.schedules.LearningRateSchedule):
        rates = warm_up_and_decay(learning_rate, epochs * steps)
    model.compile(
        keras.optimizers.AdamW(rates, weight_decay=weight_decay),
        PartialLabelCrossentropy(label_smoothing),
        metrics=[keras.metrics.MeanMetricWrapper(partial_label_accuracy, name="accuracy")],
        jit_compile=False,  # on a processor, compiling takes longer than it saves
    )
    model.optimizer.build(model.trainable_variables)
    history = History()
    averaged = None if ema is None else AveragedWeights(model, ema)
    callbacks: list[keras.callbacks.Callback] = [*([averaged] if averaged else []), history]
    if checkpoint_dir is not None:
        run = {
            "network": network_checksum(model), "parameters": model.count_params(), "epochs": epochs,
            "batch_size": batch_size, "learning_rate": keras.optimizers.schedules.serialize(rates),
            "weight_decay": weight_decay, "label_smoothing": label_smoothing, "ema": ema,
            "augment": _described(augment), "sampling_weights": None if weights is None else crc32(weights),
            "seed": seed, "images": len(train), "steps": steps, "train": crc32(train.images, train.targets),
            "validation": crc32(validation.images, validation.targets),
        }  # fmt: skip
        checkpoint = Checkpoint(Path(checkpoint_dir), run, model, history, averaged)
        checkpoint.restore()
        callbacks.append(checkpoint)
    done = len(history.rows)
    if done < epochs:
        after_batch = {"on_train_batch_end": lambda *_, **__: bar.update()}
        with tqdm(total=epochs * steps, initial=done * steps, disable=not progress, unit="batch", leave=False) as bar:
            model.fit(
                stream_batches(
                    train, batch_size, augment=augment, seed=seed, epochs=range(done, epochs),
                    order=functools.partial(draw_order, len(train), weights, seed, drawn=drawn),
                ),
                validation_data=stream_batches(validation, 512), validation_steps=-(-len(validation) // 512),
                epochs=epochs, initial_epoch=done, steps_per_epoch=steps,
                callbacks=[*callbacks, keras.callbacks.LambdaCallback(**after_batch)],
                verbose=0, shuffle=False,
            )  # fmt: skip
    if keep == "best":
        model.set_weights(history.best_weights)
    return FitResult(pd.DataFrame(history.rows), history.best_epoch)


@dataclasses.dataclass(frozen=True)
class _Arrays:
    """What training needs of a `Dataset`."""

    images: np.ndarray
    targets: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def _fitting(data: Dataset | tuple[npt.ArrayLike, npt.ArrayLike], model: keras.Model, name: str) -> Dataset | _Arrays:
    """Return a data set, or what training needs of one, that fits a model."""
    outputs = model.output_shape[-1]
    if isinstance(data, Dataset):
        if len(data.classes) != outputs:
            raise ValueError(
                f"{name} has {len(data.classes)} classes and the model {outputs} outputs; they must agree. "
                f"Build the model with num_classes={len(data.classes)}."
            )
    elif isinstance(data, tuple | list) and len(data) == 2:
        images = ensure_uint8_images(data[0], size=model.input_shape[1:3], name=f"{name} images")
        labels = ensure_labels(data[1], outputs, length=len(images), name=f"{name} labels")
        data = _Arrays(images, np.where(np.eye(outputs, dtype=bool)[labels], CANDIDATE, RULED_OUT).astype("uint8"))
    else:
        raise ValueError(
            f"{name} must be a Dataset, or (images, labels); got {type(data).__name__}. "
            "Make a Dataset with hcr_lib.datasets.Dataset(images, labels, classes)."
        )
    if len(data) == 0:
        raise ValueError(f"{name} must hold at least one image; got none.")
    return data


def _ensure_probabilities(model: keras.Model, data: Dataset | _Arrays) -> None:
    outputs = np.asarray(model(data.images[:8, ..., None] / np.float32(255), training=False), "float32")
    sums = outputs.sum(axis=-1)
    if np.isfinite(outputs).all() and (outputs.min() < 0 or not np.allclose(sums, 1, atol=0.02)):
        raise ValueError(
            "the model's outputs must be probabilities, from 0 to 1 with sum 1; those of the first image go from "
            f"{outputs[0].min():.2g} to {outputs[0].max():.2g} with sum {sums[0]:.2g}. "
            f'Give the last layer a softmax: keras.layers.Dense({outputs.shape[-1]}, activation="softmax").'
        )


def _ensure_weights(weights: npt.ArrayLike, number: int) -> np.ndarray:
    """Return sampling weights as float64 of shape (number,) that add up to 1."""
    weights = np.asarray(weights, dtype="float64")
    if weights.shape != (number,) or not (weights.min() >= 0 and 0 < weights.sum() < np.inf):
        raise ValueError(f"sampling_weights must be {number} numbers, none negative; got shape {weights.shape}.")
    return weights / weights.sum()


def _described(augment: Callable | None) -> str:
    """Name an augmentation so that the same one, in another process, has the same name."""
    if isinstance(augment, functools.partial):
        return f"{_described(augment.func)} with {augment.args} and {augment.keywords}"
    return repr(augment) if dataclasses.is_dataclass(augment) else getattr(augment, "__qualname__", str(type(augment)))


def warm_up_and_decay(peak: float, steps: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """Return the learning rates of a training of so many steps: see `fit`."""
    warmup = steps // 10
    start = {"initial_learning_rate": 0.05 * peak, "warmup_target": peak, "warmup_steps": warmup}
    return keras.optimizers.schedules.CosineDecay(
        decay_steps=steps - warmup, alpha=0.01, **(start if warmup else {"initial_learning_rate": peak})
    )


def draw_order(
    number: int, weights: np.ndarray | None, seed: int, epoch: int, *, drawn: int | None = None
) -> np.ndarray:
    """Draw the order of an epoch's images: a permutation, or with replacement in proportion to their weights."""
    rng = np.random.default_rng((seed, epoch))
    return rng.choice(number, number if drawn is None else drawn, replace=weights is not None, p=weights)


def stream_batches(
    data: Dataset,
    batch_size: int,
    *,
    epochs: Iterable[int] = (0,),
    order: Callable[[int], np.ndarray] | None = None,
    augment: Callable | None = None,
    seed: int = 0,
) -> tf.data.Dataset:
    """Stream batches of float32 ink (n, 28, 28, 1) and label masks uint8 (n, classes), epoch after epoch.

    Images are gathered by index, a batch at a time, so that a shuffle of a million is as good as one of a hundred. All
    epochs are one stream: the first batch of an epoch is made while the network still trains on the epoch before.

    Parameters
    ----------
    order : callable, optional
        From the number of an epoch to the indices of its images; by default each image once, as they stand.
    augment : callable, optional
        From (ink, seed) to ink; the second number of the seed counts the batches since the first epoch.
    """
    images, targets = data.images, data.targets

    def gather():
        for epoch in epochs:
            rows = np.arange(len(data)) if order is None else order(epoch)
            steps = -(-len(rows) // batch_size)
            for step in range(steps):
                batch = rows[step * batch_size : (step + 1) * batch_size]
                yield images[batch], targets[batch], (seed, epoch * steps + step)

    signature = (
        tf.TensorSpec((None, *images.shape[1:]), "uint8"),
        tf.TensorSpec((None, targets.shape[1]), "uint8"),
        tf.TensorSpec((2,), "int32"),
    )

    def prepare(stored, targets, seed):
        ink = tf.cast(stored[..., None], "float32") / 255
        return (augment(ink, seed) if augment else ink), targets

    batches = tf.data.Dataset.from_generator(gather, output_signature=signature)
    batches = batches.map(prepare, num_parallel_calls=2, deterministic=True).prefetch(2)
    # All is set by hand, so there is nothing for TensorFlow to tune. Its tuner is a thread that wakes at ever longer
    # intervals, and dropping an iterator waits for it: seconds after a short training.
    options = tf.data.Options()
    options.autotune.enabled = False
    return batches.with_options(options)
