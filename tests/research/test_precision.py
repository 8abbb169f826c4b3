"""Half precision: for networks built inside alone, where the machine has it; their weights stay float32."""

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib._tf import keras
from hcr_lib.networks import models
from hcr_lib.research.precision import half_precision, has_bfloat16
from hcr_lib.training import fit


@pytest.mark.parametrize("wanted", [False, True])
def test_it_holds_for_networks_built_inside_alone(wanted):
    with half_precision(wanted) as half:
        inside = models.linear(10)
    assert half is wanted
    assert inside.layers[0].compute_dtype == ("bfloat16" if wanted else "float32")
    assert keras.config.dtype_policy().name == models.linear(10).layers[0].compute_dtype == "float32"
    assert {weight.dtype for weight in inside.weights} == {"float32"}


def test_the_machine_decides_by_default():
    with half_precision() as half:
        assert half is has_bfloat16()


def test_such_a_network_learns():
    digits = datasets.load("bundled", "train").merge_classes("0123456789").sample(48, np.random.default_rng(0))
    with half_precision(wanted=True):
        model = models.linear(10)
    loss = fit(model, digits, digits, epochs=2, batch_size=16, learning_rate=0.01, progress=False).history["loss"]
    assert loss.iloc[-1] < loss.iloc[0]
