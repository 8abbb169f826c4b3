"""Weight files: what is saved comes back, and nothing else is accepted."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib._tf import keras
from hcr_lib.labels import DIGITS
from hcr_lib.networks import models, runtime, weights

RECORD = {"model": "mlp", "width": 8, "classes": DIGITS, "note": "ä"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A small network, and the file it was saved to."""
    model, path = models.mlp(10, 8), tmp_path_factory.mktemp("weights") / "small.npz"
    weights.save(model, path, RECORD)
    return model, path


def test_what_is_saved_comes_back_in_half_precision(saved):
    model, path = saved
    record, arrays = weights.load(path)
    assert record == {**RECORD, "layers": weights.describe(model)}
    for kept, own in zip(arrays, model.get_weights(), strict=True):
        assert kept.dtype == np.float32
        np.testing.assert_allclose(kept, own, rtol=1e-3, atol=1e-6)


def test_a_network_of_the_same_form_takes_them(saved):
    model, path = saved
    other = models.mlp(10, 8)
    other.set_weights(weights.load(path)[1])
    batch = np.random.default_rng(0).random((5, 28, 28, 1), dtype="float32")
    np.testing.assert_allclose(np.array(other(batch)), np.array(model(batch)), atol=5e-3)


def test_the_layers_are_described_with_their_options_and_weights(saved):
    layers = weights.load(saved[1])[0]["layers"]
    assert [layer["kind"] for layer in layers] == ["Flatten", "Dense", "Dense"]
    assert layers[2] == {"kind": "Dense", "activation": "softmax", "weights": ["kernel", "bias"]}
    assert sum(len(layer["weights"]) for layer in layers) == len(weights.load(saved[1])[1])


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (keras.layers.Permute((2, 1, 3)), r"no layer of kind Permute .*expected one of Activation"),
        (keras.layers.Conv2D(2, 3, dilation_rate=2), r"Conv2D with dilation_rate=\[1, 1\] only; got \[2, 2\]"),
        (keras.layers.ReLU(max_value=6), r"ReLU with max_value=None only; got 6"),
        (keras.layers.Conv2D(2, 3, activation="gelu"), r"activations linear, relu.*got 'gelu'"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_the_runtime_does_not_know_is_refused_and_not_saved(layer, message, tmp_path):
    model = keras.Sequential([keras.Input((28, 28, 1)), layer, keras.layers.Flatten()])
    with pytest.raises(ValueError, match=message):
        weights.save(model, tmp_path / "odd.npz", RECORD)
    assert not list(tmp_path.iterdir())


def test_a_network_grown_layer_by_layer_is_a_chain(tmp_path):
    grown = keras.Sequential([keras.Input((28, 28, 1)), keras.layers.Conv2D(2, 3, activation="relu")])
    for layer in (keras.layers.Flatten(), keras.layers.Dense(10, activation="softmax")):
        grown.add(layer)
    weights.save(grown, tmp_path / "grown.npz", RECORD)
    record, arrays = weights.load(tmp_path / "grown.npz")
    ink = np.random.default_rng(0).random((5, 28, 28), dtype="float32")
    np.testing.assert_allclose(
        runtime.Network(record["layers"], arrays)(ink), np.array(grown(ink[..., None])), atol=5e-3
    )


def test_a_network_that_branches_is_refused():
    inputs = keras.Input((28, 28, 1))
    features = keras.layers.Conv2D(1, 1)(inputs)
    twice = keras.layers.Dense(3)(keras.layers.Flatten()(inputs))
    with pytest.raises(ValueError, match=r"describes a chain"):
        weights.describe(keras.Model(inputs, [keras.layers.Flatten()(features), twice]))


def test_saving_replaces_the_file_and_leaves_nothing_else(saved, tmp_path):
    model, _ = saved
    for _ in range(2):
        weights.save(model, tmp_path / "again.npz", RECORD)
    assert [path.name for path in tmp_path.iterdir()] == ["again.npz"]


def test_no_pickle_is_inside_and_none_is_opened(saved, tmp_path):
    with np.load(saved[1], allow_pickle=False) as file:
        assert all(file[name].dtype != object for name in file.files)

    class Trap:
        def __reduce__(self):
            return pytest.fail, ("a pickle was opened",)

    trap = tmp_path / "trap.npz"
    np.savez(trap, record=np.array(json.dumps(RECORD)), weight=np.array([Trap()], dtype=object))
    with pytest.raises(ValueError, match="not a weight file"):
        weights.load(trap)


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", pickle.dumps({}), b"PK\x03\x04", b"\x93NUMPY\x01\x00"],
    ids=["empty", "text", "pickle", "zip", "numpy"],
)
def test_foreign_files_are_refused_with_the_remedy(tmp_path, content):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"foreign.npz is not a weight file .*expected an .npz.*Restore it with git"):
        weights.load(path)


def test_other_arrays_are_refused(tmp_path):
    plain, listed, short = tmp_path / "plain.npy", tmp_path / "listed.npz", tmp_path / "short.npz"
    np.save(plain, np.ones(3))
    np.savez(listed, record=np.array("[1]"))
    np.savez(short, record=np.array('{"model": "mlp"}'))
    for path in (plain, listed, short):
        with pytest.raises(ValueError, match="not a weight file"):
            weights.load(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing.npz"):
        weights.load(tmp_path / "nothing.npz")


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60)
def test_any_damage_is_one_kind_of_error(saved, tmp_path_factory, seed):
    rng, content = np.random.default_rng(seed), bytearray(saved[1].read_bytes())
    content = content[: rng.integers(1, len(content))] if seed % 2 else content
    for place in rng.integers(0, len(content), 3):
        content[place] ^= rng.integers(1, 256)
    path = tmp_path_factory.getbasetemp() / "damaged.npz"
    path.write_bytes(content)
    try:
        weights.load(path)  # a changed date in the zip does no harm
    except ValueError as error:
        assert "not a weight file" in str(error)
