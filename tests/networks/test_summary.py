"""Facts about layers: what is computed about a layer agrees with what the layer does to images."""

import numpy as np
import pytest

from hcr_lib._tf import keras
from hcr_lib.networks import models, summary

layers = keras.layers
SIDE = 20


def chain(*parts, side=SIDE):
    return keras.Sequential([keras.Input((side, side, 1)), *parts])


def branches():
    """Two paths of unlike reach that meet in a sum."""
    inputs = keras.Input((SIDE, SIDE, 1))
    near = layers.Conv2D(2, 3, padding="same")(inputs)
    far = layers.Conv2D(2, 5, padding="same")(layers.Conv2D(2, 3, padding="same")(inputs))
    return keras.Model(inputs, layers.MaxPooling2D(2)(layers.Add()([near, far])))


NETWORKS = {
    "one": lambda: chain(layers.Conv2D(2, 5)),
    "two": lambda: chain(layers.Conv2D(2, 5), layers.ReLU(), layers.Conv2D(3, 4)),
    "same": lambda: chain(layers.Conv2D(2, 3, padding="same"), layers.MaxPooling2D(2), layers.Conv2D(2, 5)),
    "strides": lambda: chain(layers.Conv2D(2, 3, strides=2, padding="same"), layers.Conv2D(2, 3, strides=2)),
    "even": lambda: chain(layers.Conv2D(2, 4, padding="same"), layers.AveragePooling2D(3, padding="same")),
    "overlapping": lambda: chain(layers.MaxPooling2D(3, strides=2, padding="same"), layers.Conv2D(1, 2)),
    "dilated": lambda: chain(layers.Conv2D(2, 3, dilation_rate=2), layers.Conv2D(2, (1, 3), padding="same")),
    "thin": lambda: chain(layers.DepthwiseConv2D(3, padding="same"), layers.SeparableConv2D(4, 3)),
    "framed": lambda: chain(layers.ZeroPadding2D(2), layers.Conv2D(1, 5)),
    "branches": branches,
}  # fmt: skip
each_network = pytest.mark.parametrize("build", NETWORKS.values(), ids=NETWORKS.keys())


@each_network
def test_a_value_changes_with_the_pixels_it_sees_and_with_no_others(build):
    model = build()
    model.set_weights([np.ones_like(values) for values in model.get_weights()])  # so that nothing cancels
    dots = np.eye(SIDE * SIDE, dtype="float32").reshape(-1, SIDE, SIDE, 1)
    noticed = np.asarray(model(dots)).sum(axis=-1) > np.asarray(model(0 * dots[:1])).sum(axis=-1) + 1e-6
    facts = summary.layers(model)[-1]
    rows, columns = noticed.shape[1:]
    gaps = any(getattr(layer, "dilation_rate", 1) == (2, 2) for layer in model.layers)
    for row, column in ((0, 0), (rows // 2, columns // 2), (rows - 1, columns - 1), (0, columns - 1)):
        seen = np.argwhere(noticed[:, row, column].reshape(SIDE, SIDE))
        (y0, x0), (y1, x1) = seen.min(axis=0).tolist(), (seen.max(axis=0) + 1).tolist()
        box = facts.sees(row, column, SIDE)
        if gaps:  # at the edge a hole may lie where the box begins
            assert box[0] <= x0 and box[1] <= y0 and box[2] >= x1 and box[3] >= y1
        else:
            assert box == (x0, y0, x1, y1)


@pytest.mark.parametrize("build", [models.linear, models.mlp, models.seed_cnn, models.seed_crnn, models.compact_cnn])
def test_the_parts_add_up_to_the_whole(build):
    model = build(10)
    table = summary.table(model)
    assert table["parameters"].sum() == model.count_params()
    assert table["multiply-adds"].sum() == summary.multiply_adds(model) > 0
    assert table["output"].iloc[-1] == (10,)
    assert table["sees"].iloc[-1] == "everything"


def test_the_first_seed_by_hand():
    facts = summary.layers(models.seed_cnn(36))
    assert [one.multiply_adds for one in facts if one.multiply_adds] == [
        24 * 24 * 5 * 5 * 32, 20 * 20 * 5 * 5 * 32 * 32, 512 * 256, 256 * 36,
    ]  # fmt: skip
    pooled = next(one for one in facts if one.kind == "MaxPooling2D")
    assert pooled.rows == pooled.columns == summary.ReceptiveField(start=0, size=13, stride=5)
    assert pooled.sees(1, 2) == (10, 5, 23, 18)
    assert facts[-1].sees(0, 0) == (0, 0, 28, 28)


@pytest.mark.parametrize(
    ("layer", "expected"),
    [
        (lambda: layers.DepthwiseConv2D(3, padding="same"), SIDE * SIDE * 9 * 4),
        (lambda: layers.SeparableConv2D(6, 3, padding="same"), SIDE * SIDE * (9 * 4 + 4 * 6)),
        (lambda: layers.Conv2D(6, 3, padding="same", groups=2), SIDE * SIDE * 9 * 2 * 6),
        (lambda: layers.BatchNormalization(), 0),
        (lambda: layers.Dense(6), SIDE * SIDE * 4 * 6),
    ],
    ids=["depthwise", "separable", "grouped", "normalisation", "dense at every place"],
)
def test_cost_of_other_layers(layer, expected):
    model = chain(layers.Conv2D(4, 1), layer())
    assert summary.layers(model)[-1].multiply_adds == expected


def test_cost_of_recurrence_counts_every_step_and_both_directions():
    one, both = (
        chain(layers.Reshape((SIDE, SIDE)), wrap(layers.LSTM(7))) for wrap in (lambda lstm: lstm, layers.Bidirectional)
    )
    assert summary.multiply_adds(one) == SIDE * 4 * 7 * (SIDE + 7)
    assert summary.multiply_adds(both) == 2 * summary.multiply_adds(one)


def test_a_network_grown_layer_by_layer_is_the_same():
    grown = chain()
    for part in (layers.Conv2D(2, 5), layers.MaxPooling2D(2), layers.Conv2D(2, 3)):
        grown.add(part)
    whole = chain(layers.Conv2D(2, 5), layers.MaxPooling2D(2), layers.Conv2D(2, 3))
    assert summary.table(grown).equals(summary.table(whole))


def test_a_layer_of_unknown_cost_is_named():
    model = chain(layers.Reshape((SIDE, SIDE)), layers.Conv1D(2, 3))
    with pytest.raises(ValueError, match=r"Conv1D is not known here; expected .*Conv2D"):
        summary.layers(model)


def test_rows_and_columns_of_an_image_are_distinguished():
    wide = keras.Sequential([keras.Input((28, 200, 1)), layers.Conv2D(1, (9, 40)), layers.Conv2D(1, (9, 25))])
    assert summary.table(wide)["sees"].tolist() == ["9 x 40", "17 x 64"]
    low = keras.Sequential([keras.Input((12, 200, 1)), layers.Conv2D(1, (9, 40)), layers.MaxPooling2D((4, 1))])
    assert summary.table(low)["sees"].tolist() == ["9 x 40", "12 x 40"]


def test_images_of_any_width_are_refused():
    with pytest.raises(ValueError, match=r"images of one size; this one takes \(28, None, 1\)"):
        summary.layers(keras.Sequential([keras.Input((28, None, 1)), layers.Conv2D(1, 3, padding="same")]))


def test_a_layer_of_unknown_receptive_field_is_named():
    with pytest.raises(ValueError, match=r"the receptive field of a UpSampling2D is not known here"):
        summary.layers(chain(layers.MaxPooling2D(4), layers.UpSampling2D(4)))
