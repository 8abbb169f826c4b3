"""One step of learning, on one device or on several at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import numpy as np

from hcr_lib._tf import keras, tf
from hcr_lib.training._marks import accuracy, marked_crossentropy


class Replicas:
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


class Trainer:
    """A compiled network, the average of its weights, and the two things done with a batch: learn, and be examined.

    Both answer with two sums over the batch: of the losses, without smoothing, and of the images read rightly.
    """

    def __init__(self, model: keras.Model, label_smoothing: float, ema: float | None, replicas: Replicas):
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
