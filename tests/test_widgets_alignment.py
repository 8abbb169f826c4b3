"""The CTC lattice without a browser: settings in, a picture out."""

import io

import numpy as np
import pytest
from PIL import Image

from hcr_lib import ctc, widgets
from hcr_lib.widgets import _alignment

CLASSES = "0123456789"
STRIP = np.zeros((28, 32), "uint8")
STRIP[4:24, 6:9] = STRIP[4:24, 20:23] = 255  # two ones


@pytest.fixture(scope="module")
def log_probs():
    """Eight steps that read 11: blank, 1, 1, blank, blank, 1, blank, blank."""
    scores = np.random.default_rng(0).normal(0, 0.5, (8, 11))
    scores[np.arange(8), [0, 2, 2, 0, 0, 2, 0, 0]] += 6
    return ctc.log_softmax(scores)


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)


def red(png):
    """Where the path is drawn."""
    return (np.abs(pixels(png) - _alignment._demo.RED) < 30).all(axis=2)


def test_the_path_grows_with_the_step(log_probs):
    pictures = [widgets.alignment_picture(log_probs, CLASSES, "11", step, strip=STRIP) for step in range(8)]
    drawn = [int(red(picture).sum()) for picture in pictures]
    reached = [int(np.flatnonzero(red(picture).any(axis=0)).max()) for picture in pictures]
    assert drawn == sorted(drawn) and drawn[0] < drawn[-1]
    assert (np.diff(reached) > 20).all()


def test_the_words_say_the_text_so_far_and_what_all_paths_share(log_probs):
    states = ctc.best_alignment(log_probs, "11", CLASSES)
    first, fourth, last = (_alignment._words(log_probs, CLASSES, "11", states, step) for step in (0, 3, 7))
    assert [first[0], fourth[0], last[0]] == ["so far: (nothing)", "so far: 1", "so far: 11"]
    assert "surest of blank" in first[1] and "step 3" in fourth[1]
    alone, together = (float(part.split(": ")[-1]) for part in last[2].split(";"))
    assert alone < together == pytest.approx(np.exp(-ctc.loss(log_probs, "11", CLASSES)), rel=0.05)


def test_the_shade_is_what_it_says(log_probs):
    output = _alignment._cells(log_probs, CLASSES, "11", "output")
    np.testing.assert_allclose(output[:, 1], np.exp(log_probs[:, 2]))
    np.testing.assert_allclose(output[:, 1], output[:, 3])
    posterior = _alignment._cells(log_probs, CLASSES, "11", "posterior")
    np.testing.assert_allclose(posterior.sum(axis=1), 1)
    pictures = {widgets.alignment_picture(log_probs, CLASSES, "11", 3, shade=shade) for shade in _alignment.SHADES}
    assert len(pictures) == 2


def test_the_writing_stands_above_the_lattice_as_ink_on_paper(log_probs):
    without = pixels(widgets.alignment_picture(log_probs, CLASSES, "11", 0))
    above = pixels(widgets.alignment_picture(log_probs, CLASSES, "11", 0, strip=STRIP))
    height = len(above) - len(without)
    assert height == round(28 * 8 * 60 / 32)
    np.testing.assert_array_equal(above[height:], without)
    black = (above[:height] == 0).all(axis=2)
    assert black[:, _alignment._ASIDE :].mean() == pytest.approx((STRIP > 0).mean(), rel=0.2)


def test_moving_the_sliders_paints_again(log_probs):
    demo = widgets.alignment_demo(log_probs, CLASSES, strip=STRIP)
    assert repr(demo) == "Alignment demo (run this cell to move the sliders)"
    assert (demo.controls["text"].value, demo.controls["step"].max) == ("11", 7)
    assert demo.picture.value == widgets.alignment_picture(log_probs, CLASSES, "11", 0, strip=STRIP)
    demo.put(step=5, shade="posterior", text="17")
    expected = widgets.alignment_picture(log_probs, CLASSES, "17", 5, strip=STRIP, shade="posterior")
    assert (demo.picture.value, demo.message.value) == (expected, "")


def test_a_number_of_ones_own_is_written_read_and_played(log_probs):
    strips = []

    def network(strip):
        """Read as many ones as there are characters."""
        strips.append(strip)
        seen = np.zeros((strip.shape[1] // 4, 11))
        seen[np.arange(len(seen)), np.where(np.arange(len(seen)) % 4, 0, 2)] = 9
        return ctc.log_softmax(seen[: 4 * (strip.shape[1] // 112) + 4])

    demo = widgets.alignment_demo(log_probs, CLASSES, "7", STRIP, network=network)
    first, painted = demo.settings, demo.picture.value
    assert painted == widgets.alignment_picture(log_probs, CLASSES, "7", 0, strip=STRIP)
    demo.put(step=7)
    demo.controls["number"].value = "4711"
    read = network(_alignment.written_strip("4711"))
    assert np.array_equal(strips[0], strips[1]), "the network is asked once, for what is shown"
    assert demo.controls["step"].max == demo.controls["play"].max == len(read) - 1
    assert (demo.controls["text"].value, demo.controls["step"].value) == (ctc.greedy(read, CLASSES), 0)
    expected = widgets.alignment_picture(read, CLASSES, ctc.greedy(read, CLASSES), 0, strip=strips[0])
    assert (demo.picture.value, demo.message.value) == (expected, "")
    demo.controls["writer"].value = 9
    assert demo.picture.value != expected
    shown = demo.picture.value
    demo.controls["number"].value = "47x"
    assert "expected characters of 0123456789; got" in demo.message.value and demo.picture.value == shown
    demo.controls["reset"].click()
    assert (demo.settings, demo.picture.value, demo.message.value) == (first, painted, "")
    assert demo.controls["step"].max == 7


def test_a_written_strip_is_as_in_the_lesson():
    for text in ("1", "2026", "888888888888"):
        strip = _alignment.written_strip(text, 5)
        assert (strip.dtype, strip.shape[0], strip.shape[1] % 4) == (np.uint8, 28, 0)
        assert strip.shape[1] >= 112 and strip.max() > 200 and not strip[:, :2].any()
    assert not np.array_equal(_alignment.written_strip("47", 1), _alignment.written_strip("47", 2))
    for text in ("", "1234567890123"):
        with pytest.raises(ValueError, match=f"expected 1 to 12 characters; got {len(text)}"):
            _alignment.written_strip(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [("1a", "may only hold the characters"), ("11111", "no path of 8 steps"), ("1234567890123", "at most 12")],
)
def test_a_text_that_cannot_be_read_is_one_clear_line_and_the_picture_stays(log_probs, text, message):
    with pytest.raises(ValueError, match=message):
        widgets.alignment_picture(log_probs, CLASSES, text, 0)
    demo = widgets.alignment_demo(log_probs, CLASSES)
    painted = demo.picture.value
    demo.controls["text"].value = text
    assert message in demo.message.value and demo.picture.value == painted
    demo.controls["text"].value = "1"
    assert demo.message.value == ""


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"step": 8}, "between 0 and 7; got 8"),
        ({"shade": "dark"}, "shade must be one of"),
        ({"strip": np.zeros((28, 32))}, "strip must be uint8"),
    ],
)
def test_settings_out_of_range_are_refused(log_probs, settings, message):
    with pytest.raises(ValueError, match=message):
        widgets.alignment_picture(log_probs, CLASSES, "11", **({"step": 0} | settings))


def test_any_line_that_fits_can_be_drawn():
    """From a single step to more than the picture is wide, and no text at all."""
    for steps, text in ((1, "4"), (1, ""), (100, "123456789012")):
        even = ctc.log_softmax(np.zeros((steps, 11)))
        assert len(pixels(widgets.alignment_picture(even, CLASSES, text, steps - 1))) > 100
