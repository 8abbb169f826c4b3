"""How fast networks learn. Left out unless asked for::

    HCR_DATA_DIR=... pytest tests/benchmarks/test_training_speed.py -n 0 --benchmark-enable -s

What is asserted are ratios of times taken in one run; what depends on the machine is only reported, under
"extra_info" of ``--benchmark-json FILE`` and by ``-s``.
"""

import statistics
import subprocess
import sys
import time
from itertools import islice

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib._tf import keras, tf
from hcr_lib.augment import Augment
from hcr_lib.datasets import Dataset
from hcr_lib.labels import BYCLASS
from hcr_lib.networks import models, summary
from hcr_lib.research.networks import OneCycle, quick_cnn
from hcr_lib.research.precision import half_precision, has_bfloat16
from hcr_lib.training import PartialLabelCrossentropy, fit
from hcr_lib.training._fit import stream_batches

GOAL = 0.99
#: Chosen on validation images.
QUICKLY = {"epochs": 2, "batch_size": 256, "label_smoothing": 0.1, "keep": "last"}
PEAK = 2e-2  # of the learning rate
RNG = np.random.default_rng(0)
DATA = Dataset(
    RNG.integers(0, 256, (8192, 28, 28), dtype="uint8"), RNG.integers(0, 62, 8192), classes=BYCLASS, source="noise"
)


def report(benchmark, **figures) -> None:
    """Keep figures beside a benchmark's times, and print them."""
    benchmark.extra_info.update(figures)
    print("", *(f"{name.replace('_', ' ')}: {value}" for name, value in figures.items()), sep="\n  ")


def the_keras_example(train: Dataset, validation: Dataset) -> tuple[float, float]:
    """Train as keras.io/examples/vision/mnist_convnet does, until an epoch ends with 99.0 % on validation images.

    Returns
    -------
    seconds, accuracy : float
    """
    keras.utils.set_random_seed(0)
    start = time.perf_counter()
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pairs = [(part.images[..., None].astype("float32") / 255, part.labels) for part in (train, validation)]
    accuracy = 0.0
    for _ in range(15):  # the example's number of epochs
        if accuracy < GOAL:
            history = model.fit(*pairs[0], batch_size=128, validation_data=pairs[1], verbose=0).history
            accuracy = history["val_accuracy"][0]
    return time.perf_counter() - start, accuracy


def ours(train: Dataset, validation: Dataset, seed: int) -> tuple[float, float]:
    """Train the quick network; return seconds and accuracy likewise."""
    keras.utils.set_random_seed(seed)
    start = time.perf_counter()
    model = quick_cnn(10)
    rates = OneCycle(PEAK, QUICKLY["epochs"] * -(-len(train) // QUICKLY["batch_size"]))
    result = fit(model, train, validation, learning_rate=rates, seed=seed, progress=False, **QUICKLY)
    return time.perf_counter() - start, float(result.history["val_accuracy"].iloc[-1])


@pytest.mark.real_data
def test_a_validated_99_percent_in_a_fifth_of_the_time(benchmark, real_data):
    train, validation = (datasets.load("mnist", part, data_dir=real_data) for part in ("train", "val"))
    quick = [ours(train, validation, seed) for seed in range(3)]
    theirs = benchmark.pedantic(the_keras_example, (train, validation), rounds=1)
    usual = statistics.median(seconds for seconds, _ in quick)
    report(
        benchmark,
        keras_example_seconds=round(theirs[0], 1), keras_example_accuracy=round(theirs[1], 4),
        our_seconds=[round(seconds, 1) for seconds, _ in quick],
        our_accuracies=[round(right, 4) for _, right in quick],
        times_as_fast=round(theirs[0] / usual, 1),
    )  # fmt: skip
    assert min(accuracy for _, accuracy in [theirs, *quick]) >= GOAL
    assert theirs[0] > 5 * usual


def learner(batch_size: int, half: bool = False):
    """Return a function that lets the course's network learn from a batch."""
    with half_precision(half):
        model = models.compact_cnn(62)
    model.compile("adam", PartialLabelCrossentropy(), jit_compile=False)
    ink = tf.constant(DATA.images[:batch_size, ..., None] / np.float32(255))
    targets = tf.constant(DATA.targets[:batch_size])
    model.train_on_batch(ink, targets)  # the first one traces
    return model, lambda: model.train_on_batch(ink, targets)


def shortest(run, turns: int) -> float:
    """Return the seconds of the shortest turn: what disturbs a run makes it longer, never shorter."""
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.mark.parametrize("half", [False, True], ids=["float32", "bfloat16"])
def test_share_of_the_machines_own_arithmetic(benchmark, half):
    if half and not has_bfloat16():
        pytest.skip("this machine has no 16-bit arithmetic")
    size, batch_size = 2048, 128
    square = tf.cast(tf.random.normal((size, size)), "bfloat16" if half else "float32")
    multiply = tf.function(lambda: tf.reduce_sum(square @ square))
    multiply()
    rate = 2 * size**3 / shortest(lambda: multiply().numpy(), 10)
    model, learn = learner(batch_size, half)
    benchmark.pedantic(learn, rounds=20)
    per_image = 3 * 2 * summary.multiply_adds(model)  # there, and back twice: to the weights and to the layer before
    seconds = shortest(learn, 20)
    report(
        benchmark,
        images_per_second=round(batch_size / seconds), gflops=round(batch_size * per_image / seconds / 1e9, 1),
        matrix_multiplication_gflops=round(rate / 1e9, 1), share=round(batch_size * per_image / seconds / rate, 3),
    )  # fmt: skip


@pytest.mark.parametrize("batch_size", [128, 512])
@pytest.mark.parametrize("augment", [None, Augment()], ids=["plain", "augmented"])
def test_images_are_made_three_times_as_fast_as_the_network_learns_from_them(benchmark, batch_size, augment):
    _, learn = learner(batch_size)
    order = np.random.default_rng(0).permutation(len(DATA))
    stream = iter(stream_batches(DATA, batch_size, epochs=range(100), order=lambda epoch: order, augment=augment))
    next(stream)
    batches = 4096 // batch_size
    making = shortest(lambda: list(islice(stream, batches)), 5) / batches
    learning = shortest(learn, 5)
    benchmark.pedantic(next, (stream,), rounds=5)
    report(benchmark, images_made=round(batch_size / making), images_learned=round(batch_size / learning))
    assert learning > 3 * making


def test_the_fixed_cost_of_a_short_training(benchmark):
    """A slider in a lesson trains anew with every move: what is not learning must take little of it."""
    train, validation = DATA.take(np.arange(1000)), DATA.take(np.arange(500))

    def short_training():
        return fit(quick_cnn(62), train, validation, epochs=4, progress=False).history["seconds"]

    seconds = short_training()
    start = time.perf_counter()
    seconds = benchmark.pedantic(short_training, rounds=1)
    whole = time.perf_counter() - start
    epoch = seconds.iloc[1:].min()
    report(benchmark, an_epoch_of_1000_images=round(epoch, 3), once_for_each_training=round(whole - 4 * epoch, 2))


#: The peak is read from the system's account of this process: that of `resource` begins with its parent's.
PROGRAM = """
import re, sys
from pathlib import Path
import test_training_speed as speed
from hcr_lib.networks import models
from hcr_lib.training import fit

def peak():
    return re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text()).group(1)

model = models.compact_cnn(62)
before = peak()
fit(model, speed.DATA, speed.DATA.take(range(512)), epochs=1, batch_size=int(sys.argv[1]), progress=False)
print(before, peak())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the peak")
@pytest.mark.parametrize("batch_size", [128, 512])
def test_memory_of_a_training(benchmark, batch_size):
    def peaks() -> list[int]:
        program = [sys.executable, "-c", PROGRAM, str(batch_size)]
        answer = subprocess.run(program, capture_output=True, text=True, check=True, cwd=__file__.rpartition("/")[0])
        return [int(kilobytes) // 1024 for kilobytes in answer.stdout.split()]

    before, peak = benchmark.pedantic(peaks, rounds=1)
    report(benchmark, megabytes_before=before, megabytes_for_training=peak - before)
    assert 0 < peak - before < 2000


#: Prints the processor's seconds for an epoch of lesson 03's first network, after one that compiles; the first line
#: decides how TensorFlow is started.
EPOCH = """
{first}
import time
import keras
import numpy as np
layers = keras.layers
model = keras.Sequential([keras.Input((28, 28, 1))])
for _ in range(2):
    model.add(layers.Conv2D(32, 5, activation="relu"))
    model.add(layers.BatchNormalization(momentum=0.9))
model.add(layers.MaxPooling2D(5))
model.add(layers.Flatten())
model.add(layers.Dense(256, "relu"))
model.add(layers.Dense(36, "softmax"))
model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)  # as `fit` does
rng = np.random.default_rng(0)
ink, labels = rng.random((640, 28, 28, 1), dtype="float32"), rng.integers(0, 36, 640)
for _ in range(2):
    start = time.process_time()
    model.fit(ink, labels, batch_size=32, epochs=1, verbose=0)
print(time.process_time() - start)
"""


def test_how_tensorflow_is_started_saves_time(benchmark):
    """How much depends on the machine: on some, new memory costs nothing, and oneDNN is used by itself. Never more."""

    def seconds() -> list[float]:
        programs = [EPOCH.format(first=first) for first in ("import tensorflow", "from hcr_lib import _tf")]
        commands = [[sys.executable, "-c", program] for program in programs]
        return [float(subprocess.run(each, capture_output=True, text=True, check=True).stdout) for each in commands]

    plain, ours = benchmark.pedantic(seconds, rounds=1)
    report(benchmark, seconds_plain=round(plain, 2), seconds_ours=round(ours, 2), ratio=round(plain / ours, 2))
    assert ours < 1.15 * plain
