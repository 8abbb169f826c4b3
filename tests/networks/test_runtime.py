"""The network in NumPy gives Keras' answers: layer by layer, network by network, and for the weights that ship."""

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import correlate
from threadpoolctl import threadpool_info

from hcr_lib import datasets
from hcr_lib._paths import shipped
from hcr_lib._tf import keras
from hcr_lib.networks import models, runtime, weights

layers = keras.layers
STORED = datasets.load("bundled", "test").images[::40]
LIKE_KERAS = 1e-5  #: float32 keeps seven digits; the issue asks for 1e-3


def with_random_weights(model: keras.Model, seed: int = 0) -> keras.Model:
    """Replace the weights, those of batch normalisation too, which begin as if it were not there."""
    rng = np.random.default_rng(seed)
    drawn = []
    for weight in model.weights:
        inputs = max(1, int(np.prod(weight.shape[:-1])))
        values = rng.normal(0, inputs**-0.5, weight.shape)
        drawn.append(rng.uniform(0.5, 2, weight.shape) if "variance" in weight.path else values)
    model.set_weights(drawn)
    return model


def in_numpy(model: keras.Model) -> runtime.Network:
    return runtime.Network(weights.describe(model), model.get_weights())


def largest_difference(model: keras.Model, images: np.ndarray) -> float:
    """Compare on images of shape (n, height, width), uint8."""
    ink = images[..., None] / np.float32(255)
    return float(np.abs(in_numpy(model)(images) - np.array(model(ink, training=False))).max())


sides = st.integers(1, 5)
steps = st.integers(1, 3)
paddings = st.sampled_from(runtime.PADDINGS)


class TestLayers:
    """The sizes are odd on purpose: that is where a frame of "same" has more on one side than on the other."""

    @given(
        sides, sides, steps, paddings, st.integers(7, 12), st.integers(7, 12), st.booleans(), st.sampled_from([3, 8])
    )
    @settings(max_examples=30, deadline=None)
    def test_convolution(self, rows, columns, step, padding, height, width, bias, channels):
        model = keras.Sequential(
            [
                keras.Input((height, width, 1)),
                layers.Conv2D(channels, (rows, columns), strides=step, padding=padding, use_bias=bias),
                layers.Conv2D(9, (min(rows, 2), 1), padding="same", activation="relu"),
            ]
        )
        images = np.random.default_rng(0).integers(0, 256, (3, height, width), dtype="uint8")
        assert largest_difference(with_random_weights(model), images) < LIKE_KERAS

    @given(st.integers(3, 14), st.integers(3, 14), st.integers(1, 4), st.integers(1, 4), paddings, st.integers(0, 99))
    @settings(max_examples=100, deadline=None)
    def test_the_quick_way_for_3_x_3_equals_the_plain_one(self, height, width, channels, filters, padding, seed):
        rng = np.random.default_rng(seed)
        images = rng.random((2, height, width, channels), "float32")
        kernel, bias = rng.normal(size=(3, 3, channels, filters)).astype("float32"), rng.random(filters, "float32")
        quick = runtime.convolve_3x3(images, runtime.transform_kernel(kernel), bias, padding=padding)
        plain = runtime.convolve(images, kernel, bias, padding=padding)
        np.testing.assert_allclose(quick, plain, atol=1e-4)

    def test_convolution_is_what_signal_processing_calls_correlation(self):
        rng = np.random.default_rng(0)
        image, kernel = rng.random((9, 8), "float32"), rng.random((3, 2), "float32")
        ours = runtime.convolve(image[None, :, :, None], kernel[:, :, None, None], padding="valid")
        np.testing.assert_allclose(ours[0, :, :, 0], correlate(image, kernel, "valid"), rtol=1e-5)

    @pytest.mark.parametrize(("step", "padding"), list(itertools.product([1, 2], runtime.PADDINGS)))
    def test_depthwise_convolution(self, step, padding):
        model = keras.Sequential(
            [
                keras.Input((9, 8, 1)),
                layers.Conv2D(5, 1),
                layers.DepthwiseConv2D(3, strides=step, padding=padding),
                layers.BatchNormalization(),
            ]
        )
        assert largest_difference(with_random_weights(model), STORED[:3, 4:13, 5:13]) < LIKE_KERAS

    @pytest.mark.parametrize("pool", [layers.MaxPooling2D, layers.AveragePooling2D])
    @pytest.mark.parametrize(
        ("size", "step", "padding"), [(2, None, "valid"), (2, 2, "same"), (3, 2, "same"), (5, 5, "valid")]
    )
    def test_pooling(self, pool, size, step, padding):
        model = keras.Sequential([keras.Input((13, 7, 1)), layers.Conv2D(4, 1), pool(size, step, padding)])
        assert largest_difference(with_random_weights(model), STORED[:3, 4:17, 10:17]) < LIKE_KERAS

    def test_batch_normalisation_wherever_it_stands(self):
        """First; after a linear layer, into which it is folded; after an activation, where it cannot be."""
        model = keras.Sequential(
            [
                keras.Input((28, 28, 1)),
                layers.BatchNormalization(),
                layers.Conv2D(8, 3, use_bias=False),
                layers.BatchNormalization(scale=False),
                layers.ReLU(),
                layers.BatchNormalization(center=False),
                layers.GlobalAveragePooling2D(),
                layers.Dense(6),
                layers.BatchNormalization(),
                layers.Activation("tanh"),
                layers.Dense(5),
                layers.Softmax(),
            ]
        )
        model = with_random_weights(model)
        assert largest_difference(model, STORED) < LIKE_KERAS
        assert len(in_numpy(model)._steps) < 2 * len(model.layers)


@pytest.mark.parametrize(
    "model",
    [
        models.linear(10),
        models.mlp(10, 30),
        models.seed_cnn(36),
        models.compact_cnn(62, 16),
        models.lenet5(10),
        models.tiny_cnn(10),
    ],
    ids=lambda model: model.name,
)
def test_networks_of_the_course(model):
    assert largest_difference(with_random_weights(model), STORED) < LIKE_KERAS


def in_keras(described: list[dict], arrays: list[np.ndarray]) -> keras.Model:
    """Build the chain of layers that a weight file describes, whatever `hcr_lib.networks.models` holds by now."""
    chain, remaining = [keras.Input((28, 28, 1))], list(arrays)
    for layer in described:
        options = {name: value for name, value in layer.items() if name not in ("kind", "weights")}
        own = {name: remaining.pop(0) for name in layer["weights"]}
        if "kernel" in own:
            options["use_bias"] = "bias" in own
        match layer["kind"]:
            case "BatchNormalization":
                options |= {"scale": "gamma" in own, "center": "beta" in own}
            case "Conv2D":
                options |= {"kernel_size": own["kernel"].shape[:2], "filters": own["kernel"].shape[-1]}
            case "Dense":
                options["units"] = own["kernel"].shape[-1]
            case "DepthwiseConv2D":
                options["kernel_size"] = own["kernel"].shape[:2]
            case "Dropout":
                options["rate"] = 0.5  # it says nothing after training
        chain.append(getattr(layers, layer["kind"])(**options))
    model = keras.Sequential(chain)
    model.set_weights(arrays)
    return model


def test_the_reader_that_ships():
    record, arrays = weights.load(shipped("reader.npz"))
    model = in_keras(record["layers"], arrays)
    assert weights.describe(model) == record["layers"]
    ours = runtime.Network(record["layers"], arrays)(STORED)
    theirs = np.array(model(STORED[..., None] / np.float32(255), training=False))
    assert np.abs(ours - theirs).max() < 1e-3
    assert (ours.argmax(axis=1) == theirs.argmax(axis=1)).all()


@pytest.fixture(scope="module")
def network() -> runtime.Network:
    return in_numpy(with_random_weights(models.compact_cnn(10, 8)))


class TestNetwork:
    @pytest.mark.parametrize("number", [0, 1, runtime.CHUNK, runtime.CHUNK + 1, 3 * runtime.CHUNK - 1])
    def test_images_of_any_number_keep_their_order(self, network, number):
        images = np.resize(STORED, (number, 28, 28))
        answers = network(images)
        assert (answers.shape, answers.dtype) == ((number, 10), np.float32)
        for image, answer in zip(images, answers, strict=True):
            np.testing.assert_allclose(network(image[None])[0], answer, atol=1e-6)

    def test_ink_as_a_fraction_is_the_same(self, network):
        np.testing.assert_allclose(network(STORED / np.float32(255)), network(STORED), atol=1e-6)

    def test_the_images_stay_as_they_are(self, network):
        images = STORED[:3] / np.float32(255)
        before = images.copy()
        network(images)
        np.testing.assert_array_equal(images, before)

    @pytest.mark.parametrize("widths", [(1, 8), (1, 8, 8)], ids=["by windows", "by tiles"])
    def test_answers_stay_when_others_are_asked_for(self, widths):
        """Results lie in memory that the next images use again; what is handed out does not."""
        rng = np.random.default_rng(0)
        kernels = [rng.random((3, 3, *pair), "float32") for pair in itertools.pairwise(widths)]
        layer = {"kind": "Conv2D", "strides": [1, 1], "padding": "same", "activation": "linear", "weights": ["kernel"]}
        network = runtime.Network([layer] * len(kernels), kernels)
        first = network(rng.random((2, 6, 6), "float32"))
        kept = first.copy()
        network(rng.random((2, 6, 6), "float32"))
        assert np.array_equal(first, kept)

    def test_several_threads_may_ask_and_find_the_libraries_as_they_were(self, network):
        before = [library["num_threads"] for library in threadpool_info()]
        expected = network(STORED)
        with ThreadPoolExecutor(4) as pool:
            for answers in pool.map(network, [STORED] * 8):
                np.testing.assert_array_equal(answers, expected)
        assert [library["num_threads"] for library in threadpool_info()] == before

    def test_an_unknown_layer_or_the_wrong_number_of_weights_is_refused(self):
        described, arrays = weights.describe(models.mlp(10, 8)), models.mlp(10, 8).get_weights()
        with pytest.raises(ValueError, match=r"one of Activation, .*got 'LSTM'"):
            runtime.Network([{"kind": "LSTM", "weights": []}], [])
        with pytest.raises(ValueError, match="need more weights than the 3"):
            runtime.Network(described, arrays[:3])
        with pytest.raises(ValueError, match="need fewer weights than the 5"):
            runtime.Network(described, [*arrays, arrays[0]])


def test_it_runs_without_tensorflow():
    code = (
        "import sys, numpy as np; from hcr_lib.recognizer import Recognizer;"
        "page = np.full((90, 60), 255, 'uint8'); page[10:80, 26:34] = 0;"
        "found = Recognizer.load('digits').read(page).text;"
        "print(found, sorted({'tensorflow', 'keras', 'pandas'} & sys.modules.keys()))"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split(" ", 1) == ["1", "[]\n"]
