"""Learning-rate schedules: see `hcr_lib.training.fit`."""

from __future__ import annotations

from hcr_lib._tf import keras, tf

SCHEDULES = ("cosine", "one-cycle", "constant")


def learning_rates(schedule: str, steps: int, peak: float) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """Return the learning rates of a training of `steps` steps as a Keras optimizer takes them."""
    if schedule == "constant":
        return peak
    if schedule == "one-cycle":
        return OneCycle(peak, steps)
    warmup = steps // 10
    start = {"initial_learning_rate": 0.05 * peak, "warmup_target": peak, "warmup_steps": warmup}
    return keras.optimizers.schedules.CosineDecay(
        decay_steps=steps - warmup, alpha=0.01, **(start if warmup else {"initial_learning_rate": peak})
    )


@keras.saving.register_keras_serializable("hcr_lib")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A straight rise to `peak` for three tenths of `steps`, then a straight fall; Keras has none of this kind."""

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step, rise = tf.cast(step, "float32"), 3 * self.steps // 10
        rising = 0.05 + 0.95 * step / max(1, rise)
        falling = 1 - (step - rise) / (self.steps - rise)
        return self.peak * tf.where(step < rise, rising, falling)

    def get_config(self) -> dict:
        return {"peak": self.peak, "steps": self.steps}
