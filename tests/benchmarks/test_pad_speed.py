"""From lifting the pen to the answer on the page. Left out unless asked for::

    pytest tests/benchmarks/test_pad_speed.py -n 0 --benchmark-enable -s

In a real browser, with the way through a kernel left out: it takes 10 to 40 ms more (see the browser's tests of the
pad in JupyterLab). What the page paints is the answer to the finished drawing, not a guess on the way.
"""

import statistics
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from test_browser_pad import Opened, browser, reader, thin, written  # noqa: F401

from hcr_lib import widgets
from hcr_lib.widgets import _engine

pytestmark = [pytest.mark.benchmark(group="pad"), pytest.mark.browser]
CHARS, WORDS = "37B4KS2AGR", ("paper", "hello", "seven", "lemon", "garden", "number", "green", "winter")
MOST_MS = 150

# Resolves to the milliseconds from pointerup to the frame that shows the answer to the finished drawing.
WATCH = """() => { window.shown = new Promise((resolve) => addEventListener("pointerup", (event) => {
    const look = () => {
        const settled = model.get("answer").settled && !model.waiting && model.sent.at(-1).settled;
        if (settled) requestAnimationFrame(() => resolve(performance.now() - event.timeStamp));
        else setTimeout(look, 1);
    };
    setTimeout(look, 1);
}, {once: true, capture: true})); }"""


@pytest.mark.parametrize(
    ("mode", "texts", "width"), [("char", CHARS, 400), ("word", WORDS, 800)], ids=["characters", "words"]
)
def test_from_lifting_the_pen_to_the_answer(browser, reader, benchmark, mode, texts, width):  # noqa: F811
    pad = widgets.ReadingPad(reader, mode, width=width, height=400 if width == 400 else 200, half_width=6)
    at = Opened(browser, pad)
    taken = []
    for text in texts:
        *others, last = map(thin, written(text, (pad.height, pad.width)))
        at.draw(others)
        at.page.evaluate(WATCH)
        at.draw([last])
        taken.append(at.page.evaluate("shown"))
        at.page.keyboard.press("Delete")
        at.settled()
    median = statistics.median(taken)
    print(f"\n{mode}: pen lifted to answer, median {median:.0f} ms, longest {max(taken):.0f} ms")
    benchmark.extra_info.update(median_ms=median, longest_ms=max(taken))
    strokes = [np.asarray(stroke).tolist() for stroke in written(texts[0], (pad.height, pad.width))]
    benchmark(_engine.guess, reader, strokes, (pad.height, pad.width), 6.0, mode)
    at.context.close()
    assert median < MOST_MS
