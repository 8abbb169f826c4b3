"""The networks of the course, as functions that build Keras models.

Each model takes ink of shape (28, 28, 1) in [0, 1] and ends in a softmax over `num_classes`. It comes uncompiled;
`hcr_lib.training.fit` compiles and trains it.
"""

from hcr_lib._tf import keras

layers = keras.layers

INPUT_SHAPE = (28, 28, 1)
LINE_SHAPE = (48, None, 1)  # of lines, as wide as they are

#: Keras' default of 0.99 averages over some 500 batches: after a short training the moving averages still lag
#: behind, and evaluation looks broken. With 0.9 they keep up.
BATCH_NORM_MOMENTUM = 0.9


def batch_norm() -> keras.Layer:
    """Return batch normalisation whose averages keep up with a short training."""
    return layers.BatchNormalization(momentum=BATCH_NORM_MOMENTUM)


def convolution_block(features: keras.KerasTensor, width: int) -> keras.KerasTensor:
    """Apply a 3 x 3 convolution that keeps the size, batch normalisation, which makes a bias redundant, and ReLU."""
    features = layers.Conv2D(width, 3, padding="same", use_bias=False)(features)
    return layers.ReLU()(batch_norm()(features))


def _chain(name: str, num_classes: int, *parts: keras.Layer) -> keras.Sequential:
    """Return layers in a row, from ink to a dense layer with a softmax."""
    answer = layers.Dense(num_classes, activation="softmax")
    return keras.Sequential([keras.Input(INPUT_SHAPE), *parts, answer], name=name)


def linear(num_classes: int = 10) -> keras.Model:
    """Build a linear classifier: a template for each class, multiplied with the ink and summed.

    Examples
    --------
    >>> linear(10).count_params()
    7850
    """
    return _chain("linear", num_classes, layers.Flatten())


def mlp(num_classes: int = 10, hidden: int = 300) -> keras.Model:
    """Build a multi-layer perceptron: `hidden` units, each of which sees all pixels (LeCun et al. 1998 used 300).

    Examples
    --------
    >>> mlp(10).count_params()
    238510
    """
    return _chain("mlp", num_classes, layers.Flatten(), layers.Dense(hidden, activation="relu"))


def seed_cnn(num_classes: int = 36) -> keras.Model:
    """Build the convolutional network this course grew from: two convolutions, two dense layers.

    Its 5 x 5 pooling keeps 4 x 4 positions out of 20 x 20, which is most of why it is so small.

    Examples
    --------
    >>> seed_cnn(36).count_params()
    167300
    """
    return _chain(
        "seed_cnn",
        num_classes,
        layers.Conv2D(32, 5, activation="relu"),
        batch_norm(),
        layers.Conv2D(32, 5, activation="relu"),
        batch_norm(),
        layers.MaxPooling2D(5),
        layers.Dropout(0.25),
        layers.Flatten(),
        layers.Dense(256, activation="relu"),
    )


def seed_crnn(num_classes: int = 36) -> keras.Model:
    """Build the recurrent network this course grew from: convolutions, then two LSTMs over the columns.

    After two poolings there are 64 maps of 7 x 7. `Permute` brings its columns to the front, so
    that the sequence runs from left to right as writing does; each of its 7 steps sees one column.

    Examples
    --------
    >>> seed_crnn(36).count_params()
    795556
    """
    return _chain(
        "seed_crnn",
        num_classes,
        layers.Conv2D(32, 3, padding="same", activation="relu"),
        batch_norm(),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Conv2D(64, 3, padding="same", activation="relu"),
        batch_norm(),
        layers.MaxPooling2D(2),
        layers.Dropout(0.25),
        layers.Permute((2, 1, 3)),  # (row, column, feature) -> (column, row, feature)
        layers.Reshape((7, 7 * 64)),
        layers.Bidirectional(layers.LSTM(128, return_sequences=True)),
        layers.Bidirectional(layers.LSTM(64)),
        layers.Dense(128, activation="relu"),
    )


def compact_cnn(num_classes: int = 62, width: int = 32, first: int = 1) -> keras.Model:
    """Build the course's own network: 3 x 3 convolutions in three stages, with the image halved in between.

    Small filters in sequence see as far as a large one with fewer weights; batch normalisation after each lets
    it learn fast; dropout before the last layers is its only regulariser besides augmentation.

    Parameters
    ----------
    num_classes : int
    width : int
        Filters of the first stage; their number doubles whenever the image is halved.
    first : int
        Convolutions of the first stage; the other two have two each. A second one there works on all 28 x 28
        positions, and takes a quarter of the time.

    Examples
    --------
    >>> compact_cnn(10, width=24).count_params()
    305794
    """
    features = inputs = keras.Input(INPUT_SHAPE)
    for stage, number in enumerate((first, 2, 2)):
        for _ in range(number):
            features = convolution_block(features, width << stage)
        features = layers.MaxPooling2D(2, padding="same")(features)
    features = layers.Dropout(0.3)(layers.Flatten()(features))
    features = layers.Dense(4 * width, use_bias=False)(features)
    features = layers.Dropout(0.3)(layers.ReLU()(batch_norm()(features)))
    outputs = layers.Dense(num_classes, activation="softmax", dtype="float32")(features)
    return keras.Model(inputs, outputs, name="compact_cnn")


def line_reader(num_classes: int, width: int = 32, units: int = 192) -> keras.Model:
    """Build the reader of whole lines: convolutions, two bidirectional LSTMs, a score for each class at each step.

    It takes ink of shape (48, w, 1) in [0, 1], for any w, and returns scores before the softmax, of shape
    (w // 4, 1 + num_classes): column 0 is the blank of CTC. Compile it with ``keras.losses.CTC()``.

    Parameters
    ----------
    num_classes : int
        Characters, the blank not counted.
    width : int
        Filters of the first convolution.
    units : int
        Of each LSTM, in each direction.

    Notes
    -----
    The height shrinks from 48 to 3, the width only to a quarter: a step sees four columns more than the one before, so
    that two letters of eight pixels each have room for a blank between them. The form is that of B. Shi, X. Bai,
    C. Yao, "An end-to-end trainable neural network for image-based sequence recognition", IEEE TPAMI 2017.

    Examples
    --------
    >>> line_reader(80).output_shape
    (None, None, 81)
    """
    features = inputs = keras.Input(LINE_SHAPE)
    features = layers.Conv2D(width, 5, strides=2, padding="same", use_bias=False)(features)
    features = layers.ReLU()(batch_norm()(features))
    features = layers.MaxPooling2D(2)(convolution_block(features, 3 * width // 2))
    features = convolution_block(convolution_block(features, 3 * width), 4 * width)
    features = convolution_block(layers.MaxPooling2D((2, 1))(features), 4 * width)
    features = layers.MaxPooling2D((2, 1))(features)
    columns = layers.Permute((2, 1, 3))(features)  # (row, column, feature) -> (column, row, feature)
    columns = layers.Reshape((-1, columns.shape[2] * columns.shape[3]))(columns)
    for _ in range(2):
        columns = layers.Dropout(0.25)(columns)
        columns = layers.Bidirectional(layers.LSTM(units, return_sequences=True))(columns)
    columns = layers.Dropout(0.25)(columns)
    return keras.Model(inputs, layers.Dense(1 + num_classes)(columns), name="line_reader")
