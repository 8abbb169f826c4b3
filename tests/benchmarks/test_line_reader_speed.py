"""Reading words as lines, from picture to text, beside Keras. Left out unless asked for::

    pytest tests/benchmarks/test_line_reader_speed.py -n 0 --benchmark-enable -s

The obvious alternative is to let Keras run the network, one word after the other, as words differ in width; it is timed
in the same run, and without the cutting, the search of the text and the characters' boxes, which are on our side only.
"""

import itertools
import statistics
import time

import numpy as np
import pytest

from hcr_lib import handwriting, images, pen
from hcr_lib._paths import shipped
from hcr_lib._tf import keras
from hcr_lib.recognizer import Recognizer

pytestmark = pytest.mark.benchmark(group="line reader")
WORDS = ("moon", "Parcel", "queue", "carve", "Jones", "accuracy", "letter", "stone", "under", "winter")
MANY = 1000


def picture_of(word: str, seed: int) -> np.ndarray:
    """Draw a word by another synthetic writer for each seed, joined or not: uint8, dark on white, 64 pixels high."""
    rng = np.random.default_rng(seed)
    strokes = handwriting.write(word, handwriting.random_style(rng), rng)
    x0, y0, x1, y1 = pen.bounds(strokes)
    scale = 48 / (y1 - y0)
    ink = pen.render_page(
        [(stroke - [x0, y0]) * scale + 8 for stroke in strokes], (64, int((x1 - x0) * scale) + 17), 1.5
    )
    return np.uint8(255 * (1 - ink))


PICTURES = [picture_of(word, seed) for seed, word in enumerate(WORDS * 5)]


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    reader = Recognizer.load()
    list(reader.read_all(PICTURES, "word"))  # warm: networks, letters' frequencies, planned widths
    return reader


@pytest.fixture(scope="module")
def by_keras():
    """Return a function that reads a picture's scores with the line reader's network in Keras."""
    model = keras.saving.load_model(shipped("line_reader.keras"), compile=False)

    def scores(picture):
        line = images.to_line(images.to_ink(picture))
        line = np.pad(line, ((0, 0), (0, -line.shape[1] % 16)))  # as on our side: few widths, each compiled once
        return model.predict(line[None, ..., None] / np.float32(255), verbose=0)

    for picture in PICTURES:
        scores(picture)
    return scores


def seconds_each(read) -> list[float]:
    taken = []
    for picture in PICTURES:
        start = time.perf_counter()
        read(picture)
        taken.append(time.perf_counter() - start)
    return taken


def test_one_word_warm(benchmark, reader, by_keras):
    ours, theirs = [], []
    for _ in range(3):  # in turns: whatever else the machine does disturbs both
        ours += seconds_each(lambda picture: reader.read(picture, "word"))
        theirs += seconds_each(by_keras)
    ours, theirs = statistics.median(ours), statistics.median(theirs)
    print(
        f"\none word {1000 * ours:.1f} ms, its network in Keras alone {1000 * theirs:.1f} ms: {ours / theirs:.2f} times"
    )
    benchmark.extra_info.update(read=ours, keras=theirs)
    benchmark(reader.read, PICTURES[0], "word")
    assert ours < 0.5 * theirs


def test_a_thousand_words_in_one_call(benchmark, reader, by_keras):
    """More a second than Keras alone, and in hardly more memory than fifty need."""
    resource = pytest.importorskip("resource")  # not on Windows
    theirs = len(PICTURES) / sum(seconds_each(by_keras))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in KiB on Linux
    pictures = itertools.islice(itertools.cycle(PICTURES), MANY)
    start = time.perf_counter()
    read = sum(1 for _ in reader.read_all(pictures, "word"))
    ours = read / (time.perf_counter() - start)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(f"\n{ours:.0f} words a second, {theirs:.0f} by Keras; {grown:.0f} MiB more memory than before")
    benchmark.extra_info.update(words_a_second=ours, keras=theirs, grown_mib=grown)
    benchmark(lambda: list(reader.read_all(PICTURES[:10], "word")))
    assert read == MANY
    assert ours > 2 * theirs
    assert grown < 50
