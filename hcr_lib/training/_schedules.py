"""How the learning rate goes in the course of a training."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hcr_lib._tf import keras, tf
from hcr_lib._validate import ensure_choice

SCHEDULES = ("cosine", "one-cycle", "constant")


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
    >>> [f"{rate:.2f}" for rate in learning_rates("one-cycle", 10, 1.0)]
    ['0.05', '0.37', '0.68', '1.00', '0.86', '0.71', '0.57', '0.43', '0.29', '0.14']
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


@keras.saving.register_keras_serializable("hcr_lib")
class Planned(keras.optimizers.schedules.LearningRateSchedule):
    """The learning rates of `learning_rates`, as a Keras optimizer asks for them."""

    def __init__(self, rates: npt.ArrayLike):
        self.rates = np.asarray(rates, "float32")

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return tf.gather(tf.constant(self.rates), tf.minimum(tf.cast(step, "int32"), len(self.rates) - 1))

    def get_config(self) -> dict:
        return {"rates": self.rates.tolist()}
