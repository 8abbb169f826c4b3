"""Training shared among devices and machines is the same training."""

import json
import os
import socket
from pathlib import Path

import numpy as np
import pytest
from test_training import TRAIN, VALIDATION, network, train

from hcr_lib._tf import keras, tf
from hcr_lib.training import fit
from hcr_lib.training._checkpoint import Checkpoint
from hcr_lib.training._trainer import Replicas

#: Far more than any of this takes; a machine that waits for another one in vain would wait for ever.
LONGEST = 600


def plain() -> keras.Model:
    """Build a network whose answer for an image depends on nothing else: no batch normalisation, no dropout."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(4, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(3, activation="softmax", kernel_regularizer="l2"),
        ],
        name="plain",
    )


def trained(build, strategy=None, **options) -> list[np.ndarray]:
    """Return the history and the weights; the last batch of an epoch is smaller than the others."""
    with (strategy or tf.distribute.get_strategy()).scope():
        model = build()
    result = train(model, batch_size=40, ema=0.9, label_smoothing=0.1, keep="last", strategy=strategy, **options)
    return [result.history.drop(columns="seconds").to_numpy(), *model.get_weights()]


def save(file: Path, arrays: list[np.ndarray]) -> None:
    np.savez(file, *arrays)


def load(file: Path) -> list[np.ndarray]:
    with np.load(file, allow_pickle=False) as arrays:
        return [arrays[name] for name in arrays.files]


def one_of_two_machines(index: int, ports: list[int], folder: Path) -> None:
    """Do a machine's part; of the two, this is number `index`."""
    cluster = {"worker": [f"localhost:{port}" for port in ports]}
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
    strategy = tf.distribute.MultiWorkerMirroredStrategy()
    if index:
        Checkpoint.save = None  # only the first machine may write: the other would fail
    save(folder / f"plain-{index}.npz", trained(plain, strategy, checkpoint_dir=folder / "checkpoint"))
    save(folder / f"network-{index}.npz", trained(network, strategy, patience=2))


def two_devices(folder: Path) -> None:
    """Train on two devices of one machine: its processor, cut in two."""
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    save(folder / "plain.npz", trained(plain, strategy))
    save(folder / "network.npz", trained(network, strategy))
    with (
        pytest.raises(ValueError, match=r"each of the 2 replicas.*there is one of 1\. Change batch_size"),
        strategy.scope(),
    ):
        train(plain(), batch_size=19, strategy=strategy)  # 96 = 5 x 19 + 1


@pytest.fixture(scope="module")
def alone() -> list[np.ndarray]:
    return trained(plain)


def assert_close(ours: list[np.ndarray], theirs: list[np.ndarray]) -> None:
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)


def finish(*started) -> None:
    for process in started:
        process.join(LONGEST)
    assert [process.exitcode for process in started] == [0] * len(started)


def test_two_machines_learn_what_one_does(processes, tmp_path, alone):
    sockets = [socket.create_server(("localhost", 0)) for _ in range(2)]
    ports = [listening.getsockname()[1] for listening in sockets]
    for listening in sockets:
        listening.close()  # free again, and unlikely to be taken within a moment
    finish(*(processes(one_of_two_machines, index, ports, tmp_path) for index in range(2)))
    for index in range(2):
        assert_close(load(tmp_path / f"plain-{index}.npz"), alone)
    for one, other in zip(load(tmp_path / "network-0.npz"), load(tmp_path / "network-1.npz"), strict=True):
        np.testing.assert_array_equal(one, other, "with batch normalisation, too, both end with the same network")
    going_on = trained(plain, checkpoint_dir=tmp_path / "checkpoint")
    assert_close(going_on, alone)


def test_two_devices_learn_what_one_does(processes, tmp_path, alone):
    finish(processes(two_devices, tmp_path))
    assert_close(load(tmp_path / "plain.npz"), alone)
    losses = load(tmp_path / "network.npz")[0][:, 1]
    assert losses[-1] < losses[0], "batch normalisation sees half a batch: another training, but one that learns"


def test_a_strategy_of_one_device_changes_nothing(alone):
    assert_close(trained(plain, tf.distribute.OneDeviceStrategy("CPU:0")), alone)


def test_the_strategy_a_model_was_built_for_is_used_by_default():
    strategy = tf.distribute.OneDeviceStrategy("CPU:0")
    with strategy.scope():
        model = plain()
    assert Replicas(None, model).strategy is strategy


def test_a_model_built_elsewhere_is_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"Build it inside `with strategy\.scope\(\):`"):
        fit(plain(), TRAIN, VALIDATION, epochs=1, strategy=tf.distribute.OneDeviceStrategy("CPU:0"))
