"""Exercises of lesson 03: the CNN."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from hcr_lib.checks._exercise import Answer, Exercise, number
from hcr_lib.checks._function import FunctionExercise

if TYPE_CHECKING:
    from hcr_lib._tf import keras


# 03.1: a step of gradient descent
def _error(weights: np.ndarray, ink: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the probabilities of softmax regression minus the targets, (n, classes)."""
    scores = ink @ weights
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True) - np.eye(weights.shape[1])[labels]


def gradient_step(weights: np.ndarray, ink: np.ndarray, labels: np.ndarray, learning_rate: float) -> np.ndarray:
    """Return the weights after one step down the gradient of the mean cross-entropy of softmax regression.

    Parameters
    ----------
    weights : ndarray, shape (pixels, classes)
    ink : ndarray, shape (n, pixels)
    labels : ndarray of int, shape (n,)
    learning_rate : float
    """
    return weights - learning_rate * ink.T @ _error(weights, ink, labels) / len(ink)


def _steps(rng: np.random.Generator) -> Iterator[tuple]:
    for images, pixels, classes in ((1, 2, 3), (4, 5, 3), (64, 785, 36)):
        yield rng.normal(size=(pixels, classes)), rng.random((images, pixels)), rng.integers(classes, size=images), 0.3
    yield np.zeros((3, 2)), np.zeros((2, 3)), np.array([0, 1]), 0.5  # blank paper teaches nothing


GRADIENT_STEP = FunctionExercise(
    solution=gradient_step,
    inputs=_steps,
    hint="Subtract 1 from the probability of each image's right class; that is the error. Then use the formula.",
    slips=[
        (
            lambda weights, ink, labels, rate: weights - rate * ink.T @ _error(weights, ink, labels),
            "That adds up the gradients of all images; divide by their number, or the step grows with the batch.",
        ),
        (
            lambda weights, ink, labels, rate: weights + rate * ink.T @ _error(weights, ink, labels) / len(ink),
            "That is uphill: the gradient says where the loss grows, so subtract it.",
        ),
        (
            lambda weights, ink, labels, rate: weights - ink.T @ _error(weights, ink, labels) / len(ink),
            "The direction is right; the learning rate is missing.",
        ),
        (
            lambda weights, ink, labels, rate: ink.T @ _error(weights, ink, labels) / len(ink),
            "That is the gradient; asked for are the weights after a step against it.",
        ),
        (
            lambda weights, ink, labels, rate: (
                weights - rate * ink.T @ (_error(weights, ink, labels) + np.eye(weights.shape[1])[labels]) / len(ink)
            ),
            "The labels are not used yet: the error is the probability minus 1 for the right class.",
        ),
    ],
)


# 03.2: convolution
def convolve(ink: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Slide a kernel over a picture; the result is smaller, as the kernel must not stick out.

    Parameters
    ----------
    ink : ndarray, shape (rows, columns)
    kernel : ndarray, shape (side, side)

    Returns
    -------
    ndarray, shape (rows - side + 1, columns - side + 1)
    """
    windows = np.lib.stride_tricks.sliding_window_view(ink, kernel.shape)
    return np.einsum("rcij,ij->rc", windows, kernel)


def _pictures_and_kernels(rng: np.random.Generator) -> Iterator[tuple]:
    yield np.arange(12.0).reshape(3, 4), np.array([[1.0, 2.0], [3.0, 4.0]])
    for size, side in (((28, 28), 5), ((6, 9), 3), ((4, 4), 4), ((3, 5), 1)):
        yield rng.random(size), rng.normal(size=(side, side))


CONVOLVE = FunctionExercise(
    solution=convolve,
    inputs=_pictures_and_kernels,
    hint="Two loops, over rows and columns of the result: cut out the window, multiply by the kernel, add up.",
    slips=[
        (
            lambda ink, kernel: convolve(ink, kernel[::-1, ::-1]),
            "Your kernel is turned upside down first, as signal processing does; a network leaves it as it is.",
        ),
        (lambda ink, kernel: convolve(ink, kernel.T), "Rows and columns of the kernel are exchanged."),
        (
            lambda ink, kernel: convolve(ink, kernel)[:-1, :-1],
            "The last row and column are missing: from 0 to rows - side there are rows - side + 1 places.",
        ),
        (
            lambda ink, kernel: convolve(np.pad(ink, [((len(kernel) - 1) // 2, len(kernel) // 2)] * 2), kernel),
            "You put a frame of paper around the picture. That is padding, for later; here the result is smaller.",
        ),
        (
            lambda ink, kernel: convolve(ink, kernel)[:: len(kernel), :: len(kernel)],
            "The kernel moves by one pixel at a time, not by its own width.",
        ),
        (
            lambda ink, kernel: convolve(ink, kernel) / kernel.size,
            "That is the mean of the products; a convolution is their sum.",
        ),
        (
            lambda ink, kernel: convolve(ink, np.repeat(kernel.sum(axis=1)[None], len(kernel), axis=0)),
            "@ multiplies rows by columns, as matrices do; * multiplies pixel by pixel.",
        ),
    ],
)


# 03.3: pooling
def pool(ink: np.ndarray, side: int) -> np.ndarray:
    """Keep the largest number of each window of side x side; windows lie side by side, and what is left over is cut.

    Parameters
    ----------
    ink : ndarray, shape (rows, columns)
    side : int

    Returns
    -------
    ndarray, shape (rows // side, columns // side)
    """
    return _windows(ink, side).max(axis=(1, 3))


def _windows(ink: np.ndarray, side: int) -> np.ndarray:
    rows, columns = ink.shape[0] // side, ink.shape[1] // side
    return ink[: rows * side, : columns * side].reshape(rows, side, columns, side)


def _maps(rng: np.random.Generator) -> Iterator[tuple]:
    yield np.arange(16.0).reshape(4, 4), 2
    yield rng.normal(size=(20, 20)), 5
    yield rng.normal(size=(7, 11)), 3  # a row and two columns are left over
    yield -rng.random((4, 6)), 2
    yield rng.random((3, 3)), 1


POOL = FunctionExercise(
    solution=pool,
    inputs=_maps,
    hint="Window (row, column) holds ink[row * side : (row + 1) * side, ...]; keep its maximum.",
    slips=[
        (
            lambda ink, side: np.lib.stride_tricks.sliding_window_view(ink, (side, side)).max(axis=(2, 3)),
            "Your windows overlap, like a kernel's; those of pooling lie side by side.",
        ),
        (lambda ink, side: _windows(ink, side).mean(axis=(1, 3)), "That is average pooling; keep the largest number."),
        (
            lambda ink, side: _windows(ink, side)[:, 0, :, 0],
            "That is the first number of each window, not the largest.",
        ),
        (
            lambda ink, side: np.maximum(_windows(ink, side).max(axis=(1, 3)), 0),
            "A window of negative numbers has a maximum, too: do not begin with 0.",
        ),
        (
            lambda ink, side: pool(np.pad(ink, [(0, -length % side) for length in ink.shape]), side),
            "What is left over at the right and at the bottom is cut off, not filled up with paper.",
        ),
        (
            lambda ink, side: pool(
                np.pad(ink, [(0, -length % side) for length in ink.shape], constant_values=-np.inf), side
            ),
            "What does not fill a window at the right and at the bottom is cut off; your loops go too far by one.",
        ),
    ],
)


# 03.4: a network from a description
def build_compact(num_classes: int) -> keras.Model:
    """Build three stages of 3 x 3 convolutions, batch normalisation and 2 x 2 pooling, then one dense layer."""
    from hcr_lib._tf import keras

    layers = keras.layers
    model = keras.Sequential([keras.Input((28, 28, 1))])
    for kernels in (16, 32, 64):
        model.add(layers.Conv2D(kernels, 3, padding="same", activation="relu"))
        model.add(layers.BatchNormalization(momentum=0.9))
        model.add(layers.MaxPooling2D(2))
    model.add(layers.Flatten())
    model.add(layers.Dropout(0.3))
    model.add(layers.Dense(num_classes, activation="softmax"))
    return model


_STEPS = [*3 * ["Conv2D", "BatchNormalization", "MaxPooling2D"], "Flatten", "Dropout", "Dense"]
_ACTIVATIONS = {"ReLU", "Activation", "Softmax"}


def _judge_network(arguments: tuple, model: keras.Model) -> str | None:
    """Return None for a network like `build_compact`'s, however its activations are written, else what differs."""
    if not hasattr(model, "layers"):
        return f"expected a Keras model, got a {type(model).__name__}."
    layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    steps = [layer for layer in layers if type(layer).__name__ not in _ACTIVATIONS]
    kinds = [type(layer).__name__ for layer in steps]
    if not model.built or tuple(model.input_shape[1:]) != (28, 28, 1):
        return "it does not begin with keras.Input((28, 28, 1))."
    if kinds != _STEPS:
        return f"expected the layers {', '.join(_STEPS)}; got {', '.join(kinds)}."
    for own, right in zip(steps, build_compact(*arguments).layers, strict=True):
        kind, shape, expected = type(own).__name__, tuple(own.output.shape[1:]), tuple(right.output.shape[1:])
        if kind == "Conv2D" and tuple(own.kernel_size) != (3, 3):
            return f"a kernel is {own.kernel_size[0]} x {own.kernel_size[1]}, not 3 x 3."
        if shape != expected:
            frame = " Is padding='same' there?" if kind == "Conv2D" and shape[0] < expected[0] else ""
            return f"the output of a {kind} is {shape}, not {expected}.{frame}"
        if own.count_params() != right.count_params():
            return f"a {kind} has {own.count_params():,} weights, not {right.count_params():,}."
        if kind == "BatchNormalization" and own.momentum > 0.95:
            return (
                f"batch normalisation with momentum {own.momentum:g} remembers for longer than a short training lasts, "
                "so the network reads badly: write momentum=0.9, as above."
            )
        if kind == "Dropout" and abs(own.rate - right.rate) > 1e-6:
            return f"dropout sets {own.rate:.0%} to 0, not {right.rate:.0%}."
    used = [getattr(getattr(layer, "activation", None), "__name__", "").replace("linear", "") for layer in layers]
    used += [type(layer).__name__.lower() for layer in layers if type(layer).__name__ in ("ReLU", "Softmax")]
    if used.count("relu") != 3:
        return f"a ReLU follows each of the three convolutions; {used.count('relu')} found."
    if used.count("softmax") != 1:
        return "the last layer needs a softmax, or its outputs are no probabilities."
    return None


COMPACT = FunctionExercise(
    solution=build_compact,
    inputs=lambda rng: [(36,), (10,)],
    hint="Add the layers in the order of the description; the network above shows how each is written.",
    judge=_judge_network,
)


# 03.9: the first rung of the ladder
def first_rung(ink: np.ndarray, labels: np.ndarray, ridge: float) -> np.ndarray:
    """Return the weights, (pixels, 10), with the least squared error for targets of +1 and -1, plus a ridge.

    Parameters
    ----------
    ink : ndarray, shape (n, pixels)
    labels : ndarray of int, shape (n,)
        From 0 to 9.
    ridge : float
        How strongly weights are pulled towards 0.
    """
    return _solve(ink, 2 * np.eye(10)[labels] - 1, ridge)


def _solve(ink: np.ndarray, targets: np.ndarray, ridge: float) -> np.ndarray:
    return np.linalg.solve(ink.T @ ink + ridge * np.eye(ink.shape[1]), ink.T @ targets)


def _digits(rng: np.random.Generator) -> Iterator[tuple]:
    for images, pixels, ridge in ((12, 4, 2.0), (40, 30, 100.0), (5, 9, 0.5)):
        yield rng.random((images, pixels)), rng.integers(10, size=images), ridge
    yield np.eye(10), np.arange(10), 1.0


FIRST_RUNG = FunctionExercise(
    solution=first_rung,
    inputs=_digits,
    hint="Targets first, (n, 10): 2 * np.eye(10)[labels] - 1. Then np.linalg.solve(left side, right side).",
    slips=[
        (
            lambda ink, labels, ridge: _solve(ink, np.eye(10)[labels], ridge),
            "Your targets are 1 and 0; asked for are +1 for the right class and -1 for the others.",
        ),
        (
            lambda ink, labels, ridge: np.linalg.solve(ink.T @ ink + ridge, ink.T @ (2 * np.eye(10)[labels] - 1)),
            "You add the ridge to every number of the matrix; it belongs on the diagonal: ridge * np.eye(pixels).",
        ),
        (
            lambda ink, labels, ridge: np.linalg.lstsq(ink, 2 * np.eye(10)[labels] - 1)[0],
            "The ridge is missing.",
        ),
        (
            lambda ink, labels, ridge: ink @ _solve(ink, 2 * np.eye(10)[labels] - 1, ridge),
            "Those are the scores of the images; asked for are the weights.",
        ),
    ],
)


def _letters(right: str) -> Callable[[Answer], bool]:
    """Accept these letters in this order, whatever stands between them."""
    return lambda answer: "".join(filter(str.isalpha, str(answer).casefold())) == right


EXERCISES: dict[str, Exercise | FunctionExercise] = {
    "03.1": GRADIENT_STEP,
    "03.2": CONVOLVE,
    "03.3": POOL,
    "03.4": COMPACT,
    "03.5": Exercise(
        passes=_letters("uof"),
        hint="Poor on its own training images: underfits. Far better on those than on new writers: overfits.",
        slips={
            "ouf": "Look at the training curves of A and B: which of the two has learned its images by heart?",
            "ufo": "C reads training images a little better than new ones, or worse; in B the gap is many times wider.",
            "oof": "Who overfits reads at least the training images well.",
            "uoo": "C reads training images a little better than new ones, or worse; in B the gap is many times wider.",
            "uuf": "B reads its training images perfectly: it does not lack the means to learn them.",
            "uff": "B reads all of its training images and about half of the new ones.",
            "fof": "A does not even read its own training images.",
        },
    ),
    "03.6": Exercise(
        passes=_letters("lsht"),
        hint="Begin with the first column: what loss has a network that knows nothing? Then look along each row.",
        slips={
            "lsth": "Which of runs 3 and 4 has not moved at all from the loss that it began with?",
            "hslt": "A rate too high cannot learn a batch by heart; run 1 has. And what has run 3 done in one step?",
            "tshl": "Run 1 has learned its batch by heart: its rate is not too low. What else can spoil its answers?",
            "lhst": "A loss that is too large before the first step cannot come from the learning rate.",
            "shlt": "Wrong labels can be learned by heart all the same; which run has done so?",
            "hlst": "Wrong labels can be learned by heart all the same; which run has done so?",
        },
    ),
    "03.7": Exercise(
        passes=number((5 * 5 * 32 + 1) * 32),
        hint="One kernel spans 5 x 5 pixels of how many maps? Then a bias, then all the kernels.",
        slips={
            (5 * 5 + 1) * 32: "That is the first convolution, which sees one map; this one sees 32.",
            5 * 5 * 32 * 32: "Nearly: every kernel also has a bias.",
            5 * 5 * 32 + 1: "That is one kernel; there are 32.",
            5 * 5 * 32 + 32: "Each of the 32 kernels has weights of its own for each of the 32 maps before.",
            (5 * 5 + 1) * 32 * 32: "A kernel has one bias, not one for each map it looks at.",
        },
    ),
    "03.8": Exercise(
        passes=number(9),
        hint="The first of the five numbers sees pixels 0 to 4. Which pixels does the fifth see?",
        slips={
            5: "That is how many numbers of the first convolution it sees; each of them sees five pixels itself.",
            10: "Their windows overlap: five numbers side by side each begin one pixel after the one before.",
            25: "Five times five would be windows side by side; here each begins one pixel after the one before.",
            81: "That is how many pixels there are in the square; the question is how wide it is.",
            6: "It sees five numbers, not two: the last begins four pixels after the first.",
            13: "That is what a number sees after pooling, too.",
            28: "Only a dense layer sees the whole picture.",
        },
    ),
    "03.9": FIRST_RUNG,
}
