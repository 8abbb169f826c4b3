"""Sliders over a small convolutional network: its layers, their cost, and what it learns in a few epochs."""

import contextvars
import itertools
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageOps

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
#: What each of them is.
TIPS = {
    "stages": "How often a convolution and a pooling follow each other.",
    "filters": "How many kernels each convolution has.",
    "kernel": "Rows and columns of a kernel.",
    "pooling": "Rows and columns of a pooling window; 1 is none.",
    "dropout": "Share of the last features that are set to 0 in training.",
}
SIDE, DIGITS = 28, 10
EPOCHS, SEEDS = 4, 3  # of a trial: the same for all networks, and more than one, since luck is worth a point or two
_BATCH = 32
_WIDTH, _LEFT, _TOP, _HIGH = 900, 118, 36, 116  # of the picture, its first column, what is above it, and its maps
_SCALE, _STEP = 3, 4  # a pixel of a map is drawn three wide
_BAR, _ROW = 44, 78
_BLUE = (0, 114, 178)
_CURVE, _LOSSES = (440, 170), (_BLUE, _demo.RED, _demo.BLACK)  # the size of the curves, and their colours
_MOST, _EVERY = 2.5, 0.3  # loss that is drawn (guessing has 2.3), and seconds between two pictures of the curves
_NO_TRIALS = "Trainings are listed here."
_LABEL = f"train {EPOCHS} epochs, {SEEDS} times"
_REMEDY = "Take a smaller kernel, less pooling or fewer stages."


def network_explorer(train: Dataset, validation: Dataset) -> ipywidgets.VBox:
    """Show a small network with sliders for its settings, and a button that trains it on digits.

    It trains in the background, one trial at a time, while the sliders stay free: a bar and the loss of every batch
    show how far it is, and a button stops it. The last four trials are listed. The picture comes from
    `explorer_picture`, the scores from `explorer_training`, and the curves from `loss_picture`.
    """
    for name, part in {"train": train, "validation": validation}.items():
        if len(part.classes) != DIGITS or len(part) < _BATCH:
            raise ValueError(
                f"{name} must hold at least {_BATCH} images of {DIGITS} classes; got {len(part)} of "
                f"{len(part.classes)}. Choose digits with .only(labels.DIGITS)."
            )
    batches = EPOCHS * (len(train) // _BATCH)
    lines, stopping = [], threading.Event()
    progress = ipywidgets.IntProgress(max=SEEDS * batches, layout={"width": f"{_CURVE[0]}px"}, tooltip="Progress")
    curve = ipywidgets.Image(value=loss_picture([], batches), format="png", layout={"max_width": "100%"})
    trials = ipywidgets.HTML(_NO_TRIALS, layout={"flex": "1 1 320px", "min_height": "200px"})

    def try_it(settings: dict[str, float]) -> None:
        start = painted = time.perf_counter()
        losses, scores = [], []

        def watch(loss: float) -> bool:
            nonlocal painted
            losses[-1].append(loss)
            if time.perf_counter() - painted > _EVERY or len(losses[-1]) == batches:
                painted = time.perf_counter()
                progress.value, curve.value = sum(map(len, losses)), loss_picture(losses, batches)
            return stopping.is_set()

        for seed in range(SEEDS):
            losses.append([])
            scores.append(explorer_training(train, validation, seed=seed, watch=watch, **settings))
            if stopping.is_set():
                return
        weights = explorer_network(**settings).count_params()
        words = ", ".join(f"{name} {value:g}" for name, value in settings.items())
        lines.append(
            f"<b>{np.mean(scores):.1%}</b> of validation ({min(scores):.1%} to {max(scores):.1%}), "
            f"{weights:,} weights, {time.perf_counter() - start:.0f} s<br><small>{words}</small>"
        )
        trials.value = "<br>".join(lines[-4:])

    def work(settings: dict[str, float]) -> None:
        said = "The training was stopped."
        try:
            try_it(settings)
            said = said if stopping.is_set() else ""
        except Exception as error:  # nobody sees those of a thread
            said = str(error) or type(error).__name__
        demo.say(said)
        stop.disabled, train_it.disabled, progress.value = True, False, 0

    def begin() -> None:
        if not train_it.disabled:  # clicks that came before the button was seen to be disabled
            explorer_network(**demo.settings)  # raises an error if there is no such network
            train_it.disabled, stop.disabled = True, False
            stopping.clear()
            demo.say("")
            # What a thread shows belongs to the cell whose context it has.
            run = contextvars.copy_context().run
            demo.training = threading.Thread(target=run, args=(work, demo.settings), daemon=True)
            demo.training.start()

    sliders = {
        name: _demo.control(name, tuple(limits), value, tip=TIPS[name]) for name, (value, *limits) in SLIDERS.items()
    }
    train_it = _demo.button(_LABEL, lambda: demo.carefully(begin), "Train the network that the sliders show now.")
    stop = _demo.button("stop", stopping.set, "End the training; it is not listed then.")
    stop.disabled = True
    demo = _demo.Demo(
        "Network explorer",
        lambda **settings: explorer_picture(**settings, image=validation.images[0]),
        {**sliders, "train": train_it, "stop": stop},
        beside="stop",
    )
    demo.trials, demo.progress, demo.curve = trials, progress, curve
    below = [ipywidgets.VBox([progress, curve]), trials]
    demo.children = [*demo.children, ipywidgets.HBox(below, layout={"flex_flow": "row wrap", "grid_gap": "16px"})]
    demo.guard.alts = [*demo.guard.alts, "Loss of the trainings, batch by batch"]
    return demo


def explorer_network(
    stages: int = 2, filters: int = 8, kernel: int = 5, pooling: int = 2, dropout: float = 0.2, seed: int = 0
) -> "keras.Model":
    """Build the explorer's network: `stages` of a convolution with ReLU and a pooling, then one dense layer.

    It goes from (28, 28, 1) to the probabilities of ten digits, and is not compiled.

    Parameters
    ----------
    stages, filters : int
        Number of stages, and of the kernels of each convolution.
    kernel, pooling : int
        Sides of a kernel and of a pooling window; no padding, and pooling 1 is none.
    dropout : float
        Share of the features before the dense layer that are set to 0 in training.
    seed : int
        Decides the first weights, which are the same for the same settings.

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
    epochs: int = EPOCHS,
    seed: int = 0,
    watch: Callable[[float], bool] = lambda _loss: False,
    **settings: float,
) -> float:
    """Train an `explorer_network` of these settings on digits and return its accuracy on the validation images.

    The seed decides the first weights and the order of the images. `watch` is called with the loss of every batch; when
    it returns True, the training ends there.
    """
    from hcr_lib._tf import keras

    model = explorer_network(**settings, seed=seed)
    # Compiling takes longer than it saves, and a step that makes the optimizer's variables is traced once more.
    model.compile(keras.optimizers.Adam(4e-3), "sparse_categorical_crossentropy", jit_compile=False)
    model.optimizer.build(model.trainable_variables)
    ink, asked = (part.images[..., None] / np.float32(255) for part in (train, validation))
    steps, rng = len(train) // _BATCH, np.random.default_rng(seed)
    orders = (rng.permutation(len(train))[: steps * _BATCH].reshape(steps, _BATCH) for _ in range(epochs))
    for rows in itertools.chain.from_iterable(orders):
        model.reset_metrics()  # or it returns the mean of all batches so far
        if watch(float(model.train_on_batch(ink[rows], train.labels[rows]))):
            break
    answers = np.asarray(model(asked, training=False)).argmax(axis=1)
    return float((answers == validation.labels).mean())


def explorer_picture(
    stages: int = 2,
    filters: int = 8,
    kernel: int = 5,
    pooling: int = 2,
    dropout: float = 0.2,
    *,
    image: npt.ArrayLike | None = None,
) -> bytes:
    """Return a diagram of an `explorer_network`: the maps of every layer, their weights and their cost, as a PNG.

    Where the maps become too small, it ends and says why. The frame on the first picture, a stored image or blank
    paper, is the receptive field of one feature that reaches the dense layer.
    """
    sides, complaint = shrink(stages, kernel, pooling)
    width = (_WIDTH - _LEFT) // (1 + 2 * stages)
    tile = _demo.tile(np.zeros((SIDE, SIDE), "uint8") if image is None else image, SIDE * _SCALE + 4)
    if not complaint:
        *maps, _flatten, _dropout, dense = summary.layers(explorer_network(stages, filters, kernel, pooling, dropout))
        field = np.array(maps[-1].sees(sides[-1] // 2, sides[-1] // 2)) * _SCALE + [2, 2, 1, 1]
        ImageDraw.Draw(tile).rectangle(field.tolist(), outline=_demo.RED, width=2)
    left = [ImageOps.expand(tile, (8, 14, 22, 14), "white"), _demo.caption(f"picture\n{SIDE} x {SIDE}", _LEFT, 36)]
    columns = [left]  # maps and two captions; below, bars for the weights and the cost of each layer
    for place, side in enumerate(sides):
        name = f"pooling {pooling}" if place % 2 else f"kernels {kernel} x {kernel}"
        columns.append([_maps(width, side, filters), _demo.caption(f"{name}\n{side} x {side} x {filters}", width, 36)])
    words, remark, bars = complaint, _REMEDY, [[_demo.caption("", _WIDTH, 2 * _ROW)]]
    if not complaint:
        columns.append([_maps(width, 27, 1, narrow=True), _demo.caption(f"dense\n{DIGITS} digits", width, 36)])
        remark = "frame: what one number sees"
        bars = [[_demo.caption(name, _LEFT, _ROW, "lm", size=14) for name in ("weights", "multiply-adds")]]
        costs = np.array([(layer.parameters, layer.multiply_adds) for layer in (*maps, dense)])
        most = costs.max(axis=0)
        bars += [[_bar(width, *pair) for pair in zip(row, most, strict=True)] for row in costs]
        weights, multiply_adds = costs.sum(axis=0)
        words = f"{weights:,} weights, {multiply_adds:,} multiply-adds an image; {sides[-1] ** 2 * filters:,} numbers "
        words += "reach the dense layer" + (f", {dropout:.0%} of them dropped while training" if dropout else "")
    above = _demo.caption(words, _WIDTH, _TOP, "lm", size=15, fill=_demo.RED if complaint else _demo.BLACK)
    remark = _demo.caption(remark, _WIDTH, 20, "lm", fill=_demo.RED)
    tops, bars = (_demo.join(_demo.join(column, down=True) for column in row) for row in (columns, bars))
    return _demo.png(_demo.join((above, tops, remark, bars), down=True))


def loss_picture(losses: list[list[float]], batches: int) -> bytes:
    """Return the loss of every batch of several trainings as curves, each over so many batches, as a PNG."""
    width, height = _CURVE
    sheet, (left, right, top, foot) = _demo.Sheet(width, height), (30, width - 8, 24, height - 22)

    def place(batch: float, loss: float) -> tuple[float, float]:
        return left + (right - left) * batch / batches, foot - (foot - top) * min(loss, _MOST) / _MOST

    for level in (0, 1, 2):
        sheet.draw.line([place(0, level), place(batches, level)], fill=_demo.GREY)
        sheet.text(left - 12, place(0, level)[1], str(level), size=12)
    for epoch in range(EPOCHS + 1):
        sheet.text(place(epoch * batches / EPOCHS, 0)[0], height - 10, str(epoch), size=12)
    sheet.text(left, 10, "loss of each batch, over the epochs; each colour is a training", size=12, anchor="lm")
    for each, colour in zip(losses, _LOSSES, strict=False):
        if len(each) > 1:
            sheet.draw.line([place(batch + 1, loss) for batch, loss in enumerate(each)], fill=colour)
    return _demo.png(sheet.image)


def _maps(width: int, side: int, filters: int, *, narrow: bool = False) -> Image.Image:
    """Draw maps behind each other to scale, at most six of them; a dense layer is narrow."""
    sheet, shown = _demo.Sheet(width, _HIGH), min(filters, 6)
    half, shift = side * _SCALE / 2, _STEP * (shown - 1) / 2
    for number in range(shown):
        x, y = width / 2 + shift - number * _STEP, _HIGH / 2 - shift + number * _STEP
        box = x - (4 if narrow else half), y - half, x + (4 if narrow else half), y + half
        sheet.draw.rectangle(box, fill="white", outline=_demo.BLACK)
    return sheet.image


def _bar(width: int, value: int, most: int) -> Image.Image:
    """Draw a bar with its value above it."""
    sheet, middle, top = _demo.Sheet(width, _ROW), width / 2, _ROW - 2 - _BAR * value / most
    sheet.draw.rectangle((middle - 22, top, middle + 22, _ROW - 2), fill=_BLUE)
    sheet.text(middle, top - 9, f"{value:,}", size=12)
    return sheet.image
