"""Sliders over a small convolutional network: its layers, their cost, and what it learns in five seconds."""

import time
from typing import TYPE_CHECKING, NamedTuple

import ipywidgets
import numpy as np
import numpy.typing as npt

from hcr_lib.datasets import Dataset
from hcr_lib.networks import summary
from hcr_lib.widgets import _demo

if TYPE_CHECKING:
    from hcr_lib._tf import keras

#: A slider for each: its value at first, lowest, highest, step.
SLIDERS = {
    "stages": (2, 1, 3, 1),
    "filters": (8, 2, 32, 2),
    "kernel": (5, 1, 9, 1),
    "pooling": (2, 1, 6, 1),
    "dropout": (0.2, 0.0, 0.8, 0.1),
}
SIDE, DIGITS = 28, 10
SECONDS, EPOCHS = 5.0, 12  # a training ends with whichever comes first
_BATCH = 32
_WIDTH, _LEFT, _TOP, _SCALE, _STEP = 900, 118, 46, 3, 4  # a pixel of a map is drawn three wide
_BAR, _ROW = 44, 78
_MIDDLE = _TOP + SIDE * _SCALE // 2
_BLUE = (0, 114, 178)
_LABEL = f"train it for {SECONDS:.0f} seconds"
_REMEDY = "Take a smaller kernel, less pooling or fewer stages."


class Trial(NamedTuple):
    """Result of a short training."""

    accuracy: float
    epochs: float
    seconds: float


class _Explorer(_demo.Demo):
    """The network's picture with a slider for each setting, and a button that trains it."""

    def __init__(self, train: Dataset, validation: Dataset) -> None:
        self._data, self._lines = (train, validation), []
        self.train = _demo.button(_LABEL, self._try)
        self.trials = ipywidgets.HTML("Trainings are listed here.")
        sliders = [(name, _demo.slider(*given, name)) for name, given in SLIDERS.items()]
        second = {**dict(sliders[3:]), "train": self.train}
        super().__init__("Network explorer", None, dict(sliders[:3]), second, {"trials": self.trials})

    def paint(self, **settings: float) -> bytes:
        return explorer_picture(**settings, image=self._data[1].images[0])

    def _try(self) -> None:
        """Train the network of the sliders, and list the result."""
        with self._one_at_a_time, _demo.errors_in(self.message):
            self.train.disabled, self.train.description = True, "training ..."
            try:
                trial = explorer_training(*self._data, **self.settings)
                weights = explorer_network(**self.settings).count_params()
                words = ", ".join(f"{name} {value:g}" for name, value in self.settings.items())
                self._lines.append(
                    f"<b>{trial.accuracy:.1%}</b> of validation, {weights:,} weights, "
                    f"{trial.epochs:.1f} epochs in {trial.seconds:.1f} s<br><small>{words}</small>"
                )
                self.trials.value, self.message.value = "<br>".join(self._lines[-4:]), ""
            finally:
                self.train.disabled, self.train.description = False, _LABEL


def network_explorer(train: Dataset, validation: Dataset) -> ipywidgets.VBox:
    """Show a small network with sliders for its settings, and a button that trains it for five seconds.

    The picture comes from `explorer_picture`, the score from `explorer_training`; the last four are listed.

    Parameters
    ----------
    train, validation : Dataset
        Digits.
    """
    for name, part in (("train", train), ("validation", validation)):
        if len(part.classes) != DIGITS or len(part) < _BATCH:
            raise ValueError(
                f"{name} must hold at least {_BATCH} images of {DIGITS} classes; got {len(part)} of "
                f"{len(part.classes)}. Choose digits with .only(labels.DIGITS)."
            )
    return _Explorer(train, validation)


def explorer_network(
    stages: int = 2, filters: int = 8, kernel: int = 5, pooling: int = 2, dropout: float = 0.2, seed: int = 0
) -> "keras.Model":
    """Build the explorer's network: `stages` of a convolution with ReLU and a pooling, then one dense layer.

    Parameters
    ----------
    stages : int
    filters : int
        Kernels of each convolution.
    kernel, pooling : int
        Sides of a kernel and of a pooling window; no padding, and pooling 1 is none.
    dropout : float
        Share of the features before the dense layer that are set to 0 in training.
    seed : int
        Decides the first weights, which are the same for the same settings.

    Returns
    -------
    keras.Model
        From (28, 28, 1) to the probabilities of ten digits; not compiled.

    Raises
    ------
    ValueError
        If the maps become too small for the next kernel or window.
    """
    from hcr_lib._tf import keras  # here, because TensorFlow takes seconds to load

    _, complaint = shrink(stages, kernel, pooling)
    if complaint:
        raise ValueError(f"{complaint} {_REMEDY}")
    layers = keras.layers
    first = (keras.initializers.GlorotUniform(seed=1000 * seed + number) for number in range(stages + 1))
    model = keras.Sequential([keras.Input((SIDE, SIDE, 1))], name="explorer")
    for _ in range(stages):
        model.add(layers.Conv2D(filters, kernel, activation="relu", kernel_initializer=next(first)))
        model.add(layers.MaxPooling2D(pooling))
    model.add(layers.Flatten())
    model.add(layers.Dropout(dropout, seed=seed))
    model.add(layers.Dense(DIGITS, activation="softmax", kernel_initializer=next(first)))
    return model


def shrink(stages: int, kernel: int, pooling: int) -> tuple[list[int], str]:
    """Return the side of the maps after each convolution and each pooling, and the reason where they end early.

    Examples
    --------
    >>> shrink(2, 5, 2)
    ([24, 12, 8, 4], '')
    >>> shrink(2, 7, 4)
    ([22, 5], 'Stage 2: a kernel of 7 x 7 does not fit into maps of 5 x 5.')
    """
    side, sides = SIDE, []
    for stage in range(1, stages + 1):
        for what, size in (("kernel", kernel), ("pooling window", pooling)):
            if size > side:
                return sides, f"Stage {stage}: a {what} of {size} x {size} does not fit into maps of {side} x {side}."
            side = side - kernel + 1 if what == "kernel" else side // pooling
            sides.append(side)
    return sides, ""


def explorer_training(
    train: Dataset,
    validation: Dataset,
    *,
    seconds: float = SECONDS,
    epochs: int = EPOCHS,
    seed: int = 0,
    **settings: float,
) -> Trial:
    """Train the explorer's network for a few seconds, or a few epochs if that is shorter.

    The clock starts with the second batch.

    Parameters
    ----------
    train, validation : Dataset
        Digits.
    seconds, epochs : float, int
    seed : int
        Decides the first weights and the order of the images.
    **settings
        As for `explorer_network`.

    Returns
    -------
    Trial
        Accuracy on the validation images, epochs and seconds.
    """
    from hcr_lib._tf import keras

    model = explorer_network(**settings, seed=seed)
    model.compile(keras.optimizers.Adam(4e-3), "sparse_categorical_crossentropy")
    ink, steps, rng = _ink(train.images), len(train) // _BATCH, np.random.default_rng(seed)
    done, spent = 0, 0.0
    while done < epochs * steps and spent < seconds:
        if done % steps == 0:
            order = rng.permutation(len(train))
        rows = order[done % steps * _BATCH :][:_BATCH]
        model.train_on_batch(ink[rows], train.labels[rows])
        done += 1
        if done == 1:  # the first batch is slow, whatever the network: TensorFlow compiles it
            start = time.perf_counter()
        spent = time.perf_counter() - start
    answers = np.asarray(model(_ink(validation.images), training=False)).argmax(axis=1)
    return Trial(float((answers == validation.labels).mean()), done / steps, spent)


def _ink(stored: np.ndarray) -> np.ndarray:
    return stored[..., None].astype("float32") / 255


def explorer_picture(
    stages: int = 2,
    filters: int = 8,
    kernel: int = 5,
    pooling: int = 2,
    dropout: float = 0.2,
    *,
    image: npt.ArrayLike | None = None,
) -> bytes:
    """Return a diagram of a small network: the maps of every layer, their weights and their cost, as a PNG.

    Where the maps become too small, it ends and says why. The red square on the first picture is the receptive field of
    one feature that reaches the dense layer.

    Parameters
    ----------
    stages, filters, kernel, pooling, dropout
        As for `explorer_network`.
    image : array_like of uint8, shape (28, 28), optional
        The input; blank paper by default.
    """
    sides, complaint = shrink(stages, kernel, pooling)
    image = np.zeros((SIDE, SIDE), "uint8") if image is None else image
    sheet = _demo.Sheet(_WIDTH, _TOP + SIDE * _SCALE + 60 + 2 * _ROW)
    under = _TOP + SIDE * _SCALE + 18

    def middle(place: int) -> float:
        return _LEFT + (_WIDTH - _LEFT) / (1 + 2 * stages) * (place + 0.5)

    def caption(x: float, *lines: str) -> None:
        for number, line in enumerate(lines):
            sheet.text(x, under + 17 * number, line)

    sheet.tile(image, 8, _TOP, SIDE * _SCALE + 4)
    caption(8 + SIDE * _SCALE // 2, "picture", f"{SIDE} x {SIDE}")
    for place, side in enumerate(sides):
        _stack(sheet, middle(place), side, filters)
        name = f"pooling {pooling}" if place % 2 else f"kernels {kernel} x {kernel}"
        caption(middle(place), name, f"{side} x {side} x {filters}")
    if complaint:
        sheet.text(8, 22, complaint, size=16, fill=_demo.RED, anchor="lm")
        sheet.text(8, under + 60, _REMEDY, size=16, fill=_demo.RED, anchor="lm")
        return sheet.png()

    layers = summary.layers(explorer_network(stages, filters, kernel, pooling, dropout))
    *maps, _flatten, _dropout, dense = layers
    x = middle(len(maps))
    sheet.draw.rectangle((x - 4, _MIDDLE - 40, x + 4, _MIDDLE + 40), fill="white", outline=_demo.BLACK)
    caption(x, "dense", f"{DIGITS} digits")
    left_out = f", {dropout:.0%} of them dropped while training" if dropout else ""
    weights, cost = (sum(getattr(layer, what) for layer in layers) for what in ("parameters", "multiply_adds"))
    words = (
        f"{weights:,} weights, {cost:,} multiply-adds an image; {sides[-1] ** 2 * filters:,} numbers reach the dense"
    )
    sheet.text(8, 22, f"{words} layer{left_out}", size=15, anchor="lm")
    field = np.array(maps[-1].sees(sides[-1] // 2, sides[-1] // 2)) * _SCALE + [10, _TOP + 2, 9, _TOP + 1]
    sheet.draw.rectangle(field.tolist(), outline=_demo.RED, width=2)
    sheet.text(8, under + 35, "red: what one number sees", size=12, anchor="lm", fill=_demo.RED)
    for row, (name, what) in enumerate({"weights": "parameters", "multiply-adds": "multiply_adds"}.items()):
        base = under + 30 + (row + 1) * _ROW
        values = [getattr(layer, what) for layer in (*maps, dense)]
        sheet.text(8, base - 8, name, size=14, anchor="lm")
        for place, value in enumerate(values):
            x, top = middle(place), base - _BAR * value / max(values)
            sheet.draw.rectangle((x - 22, top, x + 22, base), fill=_BLUE)
            sheet.text(x, top - 9, f"{value:,}", size=12)
    return sheet.png()


def _stack(sheet: _demo.Sheet, x: float, side: int, filters: int) -> None:
    """Draw maps behind each other to scale, at most six of them."""
    shown = min(filters, 6)
    half, shift = side * _SCALE / 2, _STEP * (shown - 1) / 2
    for number in range(shown):
        at_x, at_y = x + shift - number * _STEP, _MIDDLE - shift + number * _STEP
        sheet.draw.rectangle((at_x - half, at_y - half, at_x + half, at_y + half), fill="white", outline=_demo.BLACK)
