"""Learning-rate schedules."""

from __future__ import annotations

from hcr_lib._tf import keras, tf
from hcr_lib._validate import ensure_choice

SCHEDULES = ("cosine", "one-cycle", "constant")


def learning_rate_schedule(
    name: str, steps: int, peak: float
) -> keras.optimizers.schedules.LearningRateSchedule | float:
    """Return the learning rates of a training of `steps` steps as a Keras optimizer takes them.

    Parameters
    ----------
    name : {"cosine", "one-cycle", "constant"}
        "cosine" warms up for a tenth of the steps, from a twentieth of the peak, and decays along half a cosine to a
        hundredth of it. "one-cycle" rises for three tenths of the steps and falls in a straight line to almost
        nothing: for short trainings with a high peak [1]_. "constant" is the peak throughout.
    steps : int
    peak : float
        The highest learning rate.

    Raises
    ------
    ValueError
        If there is no schedule of that name.

    References
    ----------
    .. [1] L. N. Smith, "A disciplined approach to neural network hyper-parameters: part 1", 2018.
    """
    ensure_choice(name, SCHEDULES, name="schedule")
    if name == "constant":
        return peak
    if name == "one-cycle":
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
