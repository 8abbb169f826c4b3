"""Loss and accuracy for partial labels."""

from __future__ import annotations

from hcr_lib._tf import keras, tf
from hcr_lib.datasets import CANDIDATE, NOT_CONSIDERED


@keras.saving.register_keras_serializable("hcr_lib")
class PartialLabelCrossentropy(keras.losses.Loss):
    r"""Cross-entropy between partial labels and predicted probabilities.

    Parameters
    ----------
    label_smoothing : float
        The share of each label that is spread evenly over the classes considered [3]_, so that a network is not
        pushed to be surer than a label can be. A class that was not considered gets nothing.
    **kwargs
        Those of `keras.losses.Loss`.

    Notes
    -----
    The targets are label masks, float or integer of shape (n, classes): see `hcr_lib.datasets.Dataset.targets`.

    .. math:: -\log \frac{\sum_{candidates} p}{\sum_{considered} p}

    With one candidate and every class considered this is the ordinary cross-entropy. A letter whose case nobody wrote
    down has two candidates: their probabilities add up, as in [1]_ and [2]_. An MNIST digit, whose label was chosen
    among digits, teaches only *which* digit it is: the network cannot learn that what looks like MNIST is a digit.

    References
    ----------
    .. [1] R. Jin, Z. Ghahramani, "Learning with multiple labels", NIPS 2002.
    .. [2] L. Feng et al., "Provably consistent partial-label learning", NeurIPS 2020.
    .. [3] C. Szegedy et al., "Rethinking the Inception architecture for computer vision", CVPR 2016.

    Examples
    --------
    >>> loss = PartialLabelCrossentropy()
    >>> either_of_two = loss([[2, 2, 1, 1]], [[0.2, 0.3, 0.4, 0.1]])
    >>> bool(abs(either_of_two + tf.math.log(0.5)) < 1e-5)
    True
    """

    def __init__(self, label_smoothing: float = 0.0, name: str = "partial_label_crossentropy", **kwargs):
        super().__init__(name=name, **kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return the loss of each image: float32 of shape (n,)."""
        probabilities = tf.cast(y_pred, "float32") + 1e-7
        targets = tf.cast(y_true, "uint8")
        considered = targets != NOT_CONSIDERED
        log_candidates, log_considered = (
            tf.math.log(tf.reduce_sum(tf.where(chosen, probabilities, 0.0), axis=-1))
            for chosen in (targets == CANDIDATE, considered)
        )
        if self.label_smoothing:
            number = tf.reduce_sum(tf.cast(considered, "float32"), axis=-1)
            log_any = tf.reduce_sum(tf.where(considered, tf.math.log(probabilities), 0.0), axis=-1) / number
            log_candidates = (1 - self.label_smoothing) * log_candidates + self.label_smoothing * log_any
        return log_considered - log_candidates

    def get_config(self) -> dict:
        return super().get_config() | {"label_smoothing": self.label_smoothing}


@keras.saving.register_keras_serializable("hcr_lib")
def partial_label_accuracy(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Return 1 for each image whose likeliest class, of those considered, is a candidate, else 0; float32 (n,)."""
    targets = tf.cast(y_true, "uint8")
    best = tf.argmax(tf.where(targets != NOT_CONSIDERED, tf.cast(y_pred, "float32"), -1.0), axis=-1)
    return tf.cast(tf.gather(targets, best, axis=-1, batch_dims=1) == CANDIDATE, "float32")
