"""Networks that no lesson builds, for the ladder and the benchmarks, and the schedule of the fastest of them.

They are like those of `hcr_lib.networks.models`: ink of shape (28, 28, 1) in, probabilities of `num_classes` out,
uncompiled.
"""

from hcr_lib._tf import keras, tf
from hcr_lib.networks import models

layers = keras.layers


def lenet5(num_classes: int = 10) -> keras.Model:
    """Build LeNet-5 with today's layers: two convolutions, each followed by average pooling, then three dense layers.

    The original (LeCun, Bottou, Bengio and Haffner, "Gradient-based learning applied to document recognition", 1998)
    scaled its averages by learned parameters, connected its second convolution to some of the maps only, and compared
    its last layer with drawn prototypes of the characters. None of these is needed.

    Examples
    --------
    >>> lenet5(10).count_params()
    61706
    """
    return keras.Sequential(
        [
            keras.Input(models.INPUT_SHAPE),
            layers.Conv2D(6, 5, padding="same", activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Conv2D(16, 5, activation="tanh"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(120, activation="tanh"),
            layers.Dense(84, activation="tanh"),
            layers.Dense(num_classes, activation="softmax"),
        ],
        name="lenet5",
    )


def tiny_cnn(num_classes: int = 10) -> keras.Model:
    """Build a network of fewer than 10,000 parameters: narrow 3 x 3 convolutions, and no hidden dense layer.

    Most weights of a small network are where its maps are flattened. Three poolings, the last from 7 x 7 positions,
    leave 3 x 3, so that the dense layer is no larger than a convolution.

    Examples
    --------
    >>> tiny_cnn(10).count_params()
    8760
    """
    inputs = keras.Input(models.INPUT_SHAPE)
    features = inputs
    for widths in ((10, 10), (16, 16), (16,)):
        for width in widths:
            features = models.convolution_block(features, width)
        features = layers.MaxPooling2D(2)(features)
    features = layers.Flatten()(features)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32")(features)
    return keras.Model(inputs, outputs, name="tiny_cnn")


def quick_cnn(num_classes: int = 10, width: int = 16) -> keras.Model:
    """Build the network that learns fastest: three convolutions with a stride of 2, which halve the image themselves.

    They compute a quarter of the positions, and nothing that pooling would then throw away.
    Two epochs of MNIST are enough for 99 % of the validation images: ``fit(quick_cnn(10), train, validation, epochs=2,
    batch_size=256, learning_rate=OneCycle(2e-2, steps), label_smoothing=0.1, keep="last")``, where `steps` is the
    number of batches in both.

    Parameters
    ----------
    num_classes : int
    width : int
        Filters of the first convolution; their number doubles with each further one.

    Examples
    --------
    >>> quick_cnn(10).count_params()
    34138
    """
    inputs = keras.Input(models.INPUT_SHAPE)
    features = inputs
    for stage, size in enumerate((5, 3, 3)):
        features = layers.Conv2D(width << stage, size, strides=2, padding="same", use_bias=False)(features)
        features = layers.ReLU()(models.batch_norm()(features))
    features = layers.Flatten()(features)
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32")(features)
    return keras.Model(inputs, outputs, name="quick_cnn")


@keras.saving.register_keras_serializable("hcr_lib")
class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """A straight rise to `peak` for three tenths of `steps`, then a straight fall to almost nothing (Smith 2018).

    For short trainings with a high rate; Keras has no schedule of this kind.
    """

    def __init__(self, peak: float, steps: int):
        self.peak, self.steps = peak, steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """Return the rate of a step, counted from 0."""
        step, rise = tf.cast(step, "float32"), 3 * self.steps // 10
        rising = 0.05 + 0.95 * step / max(1, rise)
        falling = 1 - (step - rise) / (self.steps - rise)
        return self.peak * tf.where(step < rise, rising, falling)

    def get_config(self) -> dict:
        """Return the arguments of the constructor."""
        return {"peak": self.peak, "steps": self.steps}
