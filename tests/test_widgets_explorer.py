"""The network explorer and the feature pad without a browser: settings or strokes in, a picture out."""

import io
import threading

import numpy as np
import pytest
from PIL import Image

from hcr_lib import datasets, labels, pen, widgets
from hcr_lib.images import ink_to_mnist
from hcr_lib.networks import models
from hcr_lib.widgets import _demo, _explorer

STROKES = [[[100, 50], [60, 220], [240, 220]], [[200, 60], [200, 350]]]  # a 4


@pytest.fixture(scope="module")
def digits():
    """Digits of the sample that ships: (train, validation)."""
    return [datasets.load("bundled", part).merge_classes(labels.DIGITS) for part in ("train", "val")]


def colours(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def coloured(png, colour):
    return int((colours(png) == np.array(colour)).all(axis=-1).sum())


# --- the explorer


@pytest.mark.parametrize("stages", [1, 2, 3])
@pytest.mark.parametrize("kernel", [1, 4, 9])
@pytest.mark.parametrize("pooling", [1, 2, 6])
def test_the_maps_shrink_as_keras_shrinks_them_or_run_out(stages, kernel, pooling):
    sides, complaint = _explorer.shrink(stages, kernel, pooling)
    if complaint:
        with pytest.raises(ValueError, match="does not fit into maps of"):
            widgets.explorer_network(stages, 2, kernel, pooling)
        assert len(sides) < 2 * stages
    else:
        model = widgets.explorer_network(stages, 2, kernel, pooling)
        assert sides == [layer.output.shape[1] for layer in model.layers if len(layer.output.shape) == 4]


def test_every_setting_of_the_sliders_gives_a_picture():
    for name, (_, low, high, _) in _explorer.SLIDERS.items():
        still = widgets.explorer_picture()
        for value in (low, high):
            other = widgets.explorer_picture(**{name: value})
            assert colours(other).shape == colours(still).shape, "a picture that jumps is hard to follow"
            assert other != still or value == _explorer.SLIDERS[name][0]


def test_where_the_maps_vanish_the_picture_says_so_and_draws_no_bars():
    fine, vanished = widgets.explorer_picture(), widgets.explorer_picture(kernel=7, pooling=4)
    assert coloured(fine, _explorer._BLUE) > 1000 and coloured(vanished, _explorer._BLUE) == 0
    assert coloured(vanished, _demo.RED) > 200


def test_a_short_training_learns_and_depends_on_its_seed_alone(digits):
    few = [part.take(range(240)) for part in digits]
    losses = []
    first, again = (
        widgets.explorer_training(*few, epochs=4, filters=4, watch=watch) for watch in (losses.append, lambda _: False)
    )
    assert first == pytest.approx(again, abs=0.02)  # sums may be added in another order
    assert first > 0.3
    assert len(losses) == 4 * 7 and np.mean(losses[-7:]) < 0.9 * np.mean(losses[:7])


def test_a_trial_trains_for_the_same_number_of_epochs_however_slow_the_network(digits, monkeypatch):
    models = []
    monkeypatch.setattr(
        _explorer,
        "explorer_network",
        lambda **settings: models.append(widgets.explorer_network(**settings)) or models[-1],
    )
    few = [part.take(range(64)) for part in digits]
    for filters in (2, 16):
        widgets.explorer_training(*few, epochs=3, filters=filters)
    widgets.explorer_training(*few, epochs=3, filters=2, watch=lambda _loss: True)
    assert [int(model.optimizer.iterations.numpy()) for model in models] == [6, 6, 1]


def test_the_first_weights_are_the_seeds_and_every_layer_has_its_own():
    one, same, other = (widgets.explorer_network(kernel=3, seed=seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, same, strict=True))
    assert not np.array_equal(one[0], other[0])
    assert not np.array_equal(one[2][:, :, 0].ravel(), one[0].ravel())


def test_sliders_repaint_and_the_button_lists_what_it_trained(digits, monkeypatch):
    monkeypatch.setattr(_explorer, "explorer_training", lambda *_, seed, **settings: 0.5 + 0.1 * seed)
    demo = widgets.network_explorer(*digits)
    assert repr(demo) == "Network explorer (run this cell to move the sliders)"
    assert [name for name, control in demo.controls.items() if not control.tooltip] == []
    image = digits[1].images[0]
    assert demo.picture.value == widgets.explorer_picture(image=image)
    demo.controls["filters"].value = 4
    assert demo.picture.value == widgets.explorer_picture(filters=4, image=image)
    for filters in (2, 4, 6, 8, 10):
        demo.controls["filters"].value = filters
        demo.controls["train"].click()
        demo.training.join()
    said = demo.trials.value
    weights = widgets.explorer_network(filters=10).count_params()
    assert "<b>60.0%</b> of validation (50.0% to 70.0%)" in said
    assert f"{weights:,} weights" in said and "filters 10" in said
    assert "filters 2" not in said, "only the last four"
    demo.controls["pooling"].value = 6
    demo.controls["train"].click()
    assert demo.trials.value == said and "does not fit" in demo.message.value
    assert not demo.controls["train"].disabled
    demo.controls["reset"].click()
    assert (demo.settings["pooling"], demo.settings["filters"], demo.message.value) == (2, 8, "")


def test_a_training_goes_on_in_the_background_one_at_a_time_and_can_be_stopped(digits, monkeypatch):
    trained, go_on, fail = [], threading.Event(), False

    def training(train, validation, *, seed, watch, **settings):
        trained.append((seed, settings["filters"]))
        ended = watch(2.0) or watch(1.0)
        go_on.wait(10)
        if fail:
            raise RuntimeError("out of memory")
        return 0.0 if ended or watch(0.5) else 0.5

    monkeypatch.setattr(_explorer, "explorer_training", training)
    monkeypatch.setattr(_explorer, "_EVERY", 0.0)
    demo = widgets.network_explorer(*digits)
    train, stop = demo.controls["train"], demo.controls["stop"]
    empty, alts = demo.curve.value, demo.guard.alts
    for _ in range(3):
        train.click()  # as quickly as a person does
    while demo.progress.value < 2:
        threading.Event().wait(0.01)
    assert (train.disabled, stop.disabled) == (True, False)
    demo.controls["filters"].value = 12
    assert "filters 12" in demo.guard.alts[0] != alts[0], "the sliders are free"
    assert demo.curve.value == widgets._explorer.loss_picture([[2.0, 1.0]], 4 * (len(digits[0]) // 32)) != empty
    stop.click()
    go_on.set()
    demo.training.join()
    assert trained == [(0, 8)]
    assert (demo.message.value, demo.trials.value) == ("The training was stopped.", "Trainings are listed here.")
    assert (train.disabled, stop.disabled, demo.progress.value) == (False, True, 0)
    train.click()
    demo.training.join()
    assert trained[1:] == [(0, 12), (1, 12), (2, 12)] and "50.0%" in demo.trials.value
    fail = True
    train.click()
    demo.training.join()
    assert (demo.message.value, train.disabled) == ("out of memory", False)


def test_the_explorer_takes_digits_only(digits):
    letters = datasets.load("bundled", "val").merge_classes(labels.LETTERS)
    with pytest.raises(ValueError, match=r"validation must hold .* 10 classes; got \d+ of 26"):
        widgets.network_explorer(digits[0], letters)


# --- the feature pad


@pytest.fixture(scope="module")
def network():
    return models.seed_cnn(36)


def test_drawing_shows_the_maps_of_the_drawing(network):
    pad = widgets.FeaturePad(network, labels.ALNUM)
    assert repr(pad) == "FeaturePad (run this cell to draw)"
    blank = pad.picture.value
    assert pad.message.value == "Draw on the pad."
    pad.replay(STROKES)
    assert pad.message.value == ""
    assert pad.picture.value == widgets.feature_picture(network, ink_to_mnist(pen.render(STROKES)), labels.ALNUM)
    pad.pad.clear()
    assert pad.picture.value == blank


def test_maps_after_pooling_are_the_largest_values_before(network):
    from hcr_lib.widgets import _features

    kernels, first, before, after, answer = _features._maps(network, ink_to_mnist(pen.render(STROKES)))
    assert (kernels.shape, first.shape, before.shape) == ((5, 5, 32), (24, 24, 32), (20, 20, 32))
    np.testing.assert_allclose(after, before.reshape(4, 5, 4, 5, 32).max(axis=(1, 3)), atol=1e-5)
    assert answer.sum() == pytest.approx(1, abs=1e-4)


def test_other_networks_begin_with_convolutions_too():
    stored = ink_to_mnist(pen.render(STROKES))
    assert widgets.feature_picture(models.compact_cnn(10, width=8), stored, labels.DIGITS)
    with pytest.raises(ValueError, match="must begin with convolutions"):
        widgets.feature_picture(models.mlp(10), stored, labels.DIGITS)
    with pytest.raises(ValueError, match="each of 10 outputs; got 36"):
        widgets.feature_picture(models.compact_cnn(10, width=8), stored, labels.ALNUM)


def test_what_fails_while_drawing_is_said_beside_the_pad(network):
    pad = widgets.FeaturePad(network, labels.DIGITS)  # 36 outputs
    assert "36 outputs" in pad.message.value
