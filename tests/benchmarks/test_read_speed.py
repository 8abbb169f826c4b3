"""Reading on LiteRT beside Keras and TensorFlow. Left out unless asked for::

    pytest tests/benchmarks/test_read_speed.py -n 0 --benchmark-enable -s

Both sides are timed in turns and the shortest of each kept: what disturbs a run makes it longer, never shorter. What
is asserted are their ratios.
"""

import functools
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from hcr_lib import datasets, handwriting, images, page, pen, segment
from hcr_lib._paths import shipped
from hcr_lib._tf import keras
from hcr_lib.recognizer import Recognizer
from hcr_lib.research import export_reader

STROKES = pen.scale_to(handwriting.write_char("B", handwriting.Style(), np.random.default_rng(0)))
PAGE = np.uint8(255 * (1 - pen.render(STROKES)))
STORED = np.resize(datasets.load("bundled", "test").images, (10_000, 28, 28))


def shortest(turns: int, *, clock: Callable[[], float] = time.perf_counter, **ways: Callable[[], object]) -> dict:
    """Return the seconds of each way, the shortest of several turns, and print them."""
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(turns):
        for name, run in ways.items():
            start = clock()
            run()
            best[name] = min(best[name], clock() - start)
    print("".join(f"\n{name:>12} {1000 * seconds:10.2f} ms" for name, seconds in best.items()))
    return best


@pytest.fixture(scope="module")
def model() -> keras.Model:
    """The network that ships, in Keras."""
    model = keras.saving.load_model(shipped(export_reader.TRAINED))
    model.predict(np.zeros((1, 28, 28, 1)), verbose=0)  # the first call compiles
    return model


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    return Recognizer.load("byclass")


def test_one_image_in_a_tenth_of_the_time(reader, model):
    ink = STORED[:1, ..., None] / np.float32(255)
    seconds = shortest(
        30,
        keras=lambda: model.predict(ink, verbose=0),
        predict=lambda: reader.predict(STORED[:1]),
        read=lambda: reader.read(STORED[0], mode="char"),
        read_a_pad=lambda: reader.read(PAGE),
    )
    assert seconds["predict"] < seconds["keras"] / 10
    assert seconds["read"] < seconds["keras"] / 5


def test_ten_thousand_images_in_less_processor_time(reader, model, record_property):
    """Of all cores together; the time on the clock is about the same while other programs want the cores, too."""
    ink = STORED[..., None] / np.float32(255)
    seconds = shortest(
        3,
        clock=time.process_time,
        keras=lambda: model.predict(ink, verbose=0),
        predict=lambda: reader.predict(STORED, normalised=True),
    )
    record_property("predict by keras", seconds["predict"] / seconds["keras"])
    assert seconds["predict"] < 0.8 * seconds["keras"]


def test_the_command_answers_before_tensorflow_is_there(tmp_path):
    Image.fromarray(PAGE).save(tmp_path / "B.png")

    def python(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    seconds = shortest(
        3,
        read=python("-m", "hcr_lib", "read", str(tmp_path / "B.png")),
        tensorflow=python("-c", "import tensorflow"),
    )
    assert seconds["read"] < seconds["tensorflow"] / 2


def test_a_page_of_blobs_takes_time_in_proportion_to_their_number():
    """Five times as many: where Python compared each with each other, it would take 25 times as long."""

    def blobs(rows: int) -> np.ndarray:
        y, x = np.mgrid[: 40 * rows, :2000]
        return ((x % 40 - 20) ** 2 + (y % 40 - 20) ** 2 < 100).astype("float32")

    few, many = blobs(10), blobs(50)  # 500 and 2,500
    for work in (segment.lines, page.without_print):
        seconds = shortest(3, few=lambda work=work: work(few), many=lambda work=work: work(many))
        assert seconds["many"] < 12 * seconds["few"]


def test_no_picture_of_25_megapixels_takes_much_longer_than_a_page(reader):
    """A page of twelve lines is read; halftone dots, 2,000 blobs and noise are refused in time."""
    rng, strokes = np.random.default_rng(0), []
    for row in range(12):
        line = handwriting.write("the quick brown fox of 12 dogs", handwriting.Style(), rng)
        strokes += [stroke * 0.4 + [40, 80 * (row + 1)] for stroke in line]
    writing = np.uint8(255 * (1 - pen.render_page(strokes, (1050, int(pen.bounds(strokes)[2]) + 40), 2)))
    y, x = np.ogrid[:5000, :5000]
    dots, blobs = ((x % step - step / 2) ** 2 + (y % step - step / 2) ** 2 < step**2 / 12 for step in (12, 110))
    noise = np.random.default_rng(0).integers(0, 256, (5000, 5000), dtype="uint8")
    pictures = {"dots": 255 * np.uint8(~dots), "blobs": 255 * np.uint8(~blobs), "noise": noise}

    def read(picture: np.ndarray) -> object:
        return next(reader.read_all([Image.fromarray(picture)]))

    assert read(writing).text.count("\n") == 11
    assert all(isinstance(read(picture), images.ImageError) for picture in pictures.values())
    ways = {name: functools.partial(read, picture) for name, picture in pictures.items()}
    seconds = shortest(2, page=lambda: read(writing), **ways)
    assert max(seconds.values()) < 3 * seconds["page"]
