"""The pads in a real browser: most of it without JupyterLab, with a stand-in for its connection to Python."""

import functools
import json
import urllib.request
from types import SimpleNamespace

import nbformat
import numpy as np
import pytest
from test_browser import (  # noqa: F401
    ANSWER_S,
    START_S,
    THREE,
    browser,
    lab,
    on_screen,
    run_in_lab,
)

from hcr_lib import datasets, handwriting, pen, widgets
from hcr_lib.recognizer import Character, Reading, Recognizer
from hcr_lib.widgets import _pad

pytestmark = pytest.mark.browser

# A model as anywidget hands it to the pad; `read` is the Python below.
OPEN = """async ([source, css, state]) => {
    document.head.append(Object.assign(document.createElement("style"), {textContent: css}));
    const {default: widget} = await import(URL.createObjectURL(new Blob([source], {type: "text/javascript"})));
    const listeners = {};
    const change = (changes) => {
        for (const [name, value] of Object.entries(changes)) {
            state[name] = value;
            for (const listener of listeners[`change:${name}`] ?? []) listener();
        }
    };
    window.model = {
        sent: [],
        most: 0,
        waiting: 0,
        deaf: false,
        delay: 0,
        get: (name) => state[name],
        set: (name, value) => change({[name]: value}),
        on: (name, listener) => (listeners[name] ??= []).push(listener),
        off: (name, listener) => (listeners[name] = listeners[name].filter((other) => other !== listener)),
        async send(message) {
            this.sent.push(structuredClone(message));
            if (this.deaf) return;
            this.most = Math.max(this.most, ++this.waiting);
            const changes = await window.read(message);
            await new Promise((resolve) => setTimeout(resolve, this.delay));
            this.waiting--;
            change(changes);
        },
    };
    const el = document.body.appendChild(document.createElement("div"));
    window.stop = widget.render({model: window.model, el});
}"""


class Opened:
    """A pad of this process in a page of its own."""

    def __init__(self, chromium, pad, **view):
        self.pad = pad
        self.context = chromium.new_context(viewport={"width": 1000, "height": 900}, **view)
        self.page = self.context.new_page()
        self.errors = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.expose_function("read", self._read)
        names = ("width", "height", "half_width", "strokes", "live", "panel", "answer", "mode")
        state = {name: getattr(pad, name, None) for name in names}
        self.page.evaluate(OPEN, [_pad.bundle(), (_pad._HERE / "pad.css").read_text("utf-8"), state])
        self.canvas = self.page.locator("canvas[data-strokes]")
        self.text = self.page.locator(".hcr-result-text")

    def _read(self, message):
        """Pass a message on to the pad; return what it would send to its model."""
        changed = {}
        watch = self.pad.observe
        names = ["strokes", "answer"] if message["op"] != "draw" else ["answer"]
        note = lambda change: changed.update({change["name"]: change["new"]})  # noqa: E731
        watch(note, names)
        self.pad._handle_custom_msg(message, [])
        self.pad.unobserve(note, names)
        return changed

    def draw(self, strokes, steps=1):
        """Draw strokes in pixels of the pad with the mouse."""
        for stroke in strokes:
            share = np.asarray(stroke) / [self.pad.width, self.pad.height]
            first, *others = on_screen(self.canvas, share)
            self.page.mouse.move(*first)
            self.page.mouse.down()
            for point in others:
                self.page.mouse.move(*point, steps=steps)
            self.page.mouse.up()

    def button(self, name):
        return self.page.get_by_role("button", name=name)

    def settled(self):
        """Wait until all is answered, and return the answer."""
        self.page.wait_for_function("model.waiting === 0 && !document.querySelector('.hcr-drawing')")
        return self.pad.answer


@pytest.fixture(scope="module")
def reader():
    return Recognizer.load("alnum")


@pytest.fixture
def opened(browser):  # noqa: F811
    contexts = []

    def start(pad, **view):
        contexts.append(Opened(browser, pad, **view))
        return contexts[-1]

    yield start
    for each in contexts:
        assert each.errors == []
        each.context.close()


def written(text, shape, hand=0):
    strokes = handwriting.write(text, handwriting.writer(hand), np.random.default_rng(1))
    return pen.scale_to(strokes, shape, 0.2 * min(shape))


def thin(stroke):
    """Every third point: the mouse is slow."""
    return [*stroke[:-1:3], stroke[-1]]


DIGIT = [np.array(THREE) * pen.PAD]


def test_a_digit_is_guessed_while_it_is_drawn_and_each_point_travels_once(opened, reader):
    at = opened(widgets.ReadingPad(reader, "char"))
    at.draw(DIGIT, steps=2)
    at.text.get_by_text("3", exact=True).wait_for()
    answer = at.settled()
    assert (answer["reading"], answer["notice"]) == ("3", "")
    sent = at.page.evaluate("model.sent")
    points = [point for message in sent for _, points in message["more"] for point in points]
    assert [points] == at.pad.strokes
    assert at.page.evaluate("model.most") == 1, "one message at a time"
    assert at.page.locator(".hcr-row:visible").count() == 4
    assert at.page.locator("[aria-live=polite]").first.inner_text().startswith("3, or ")


def test_a_word_is_read_a_letter_corrected_the_word_saved_and_a_completion_taken(opened, reader, tmp_path):
    at = opened(widgets.ReadingPad(reader, "word", width=800, height=200, half_width=6, save_to=tmp_path / "own"))
    place = at.canvas.bounding_box()
    at.draw(map(thin, written("morn", (200, 800))))
    at.text.get_by_text("N").wait_for()
    at.page.wait_for_function("document.querySelector('.hcr-result-text').textContent === 'MORN'")
    assert at.page.locator(".hcr-pad-box").count() == 4
    assert at.canvas.bounding_box() == place, "the pad does not move under the pen"

    letters = at.page.locator(".hcr-letter")
    at.page.locator(".hcr-pad-box button").nth(2).click()  # the tab on the ink
    assert "hcr-chosen" in letters.nth(2).get_attribute("class")
    rival = at.page.locator(".hcr-row:visible").nth(1)
    char = rival.get_attribute("data-char")
    rival.click()
    at.page.wait_for_function(
        "char => document.querySelector('.hcr-result-text').textContent === `MO${char}N`", arg=char
    )
    letters.nth(2).focus()
    at.page.keyboard.press("r")
    at.page.wait_for_function("document.querySelector('.hcr-result-text').textContent === 'MOrN'")
    letters.nth(2).press("R")
    at.page.wait_for_function("document.querySelector('.hcr-result-text').textContent === 'MORN'")

    assert at.page.get_by_label("What you drew, for saving").input_value() == "MORN"
    at.page.get_by_label("What you drew, for saving").fill("morn")
    at.button("Save the drawing").click()
    at.page.get_by_text("saved as").wait_for()
    [word] = datasets.read_drawings(tmp_path / "own.jsonl")
    assert (word.text, [stroke.tolist() for stroke in word.strokes]) == ("morn", at.pad.strokes)

    seen = at.page.locator("canvas.hcr-seen")
    box, sides = seen.bounding_box(), seen.evaluate("canvas => [canvas.width, canvas.height]")
    assert box["width"] / box["height"] == pytest.approx(sides[0] / sides[1], rel=0.05), "it is not stretched"

    at.button("Write MORNING (key 1)").click()
    at.page.locator("canvas[data-strokes='0']").wait_for()
    assert at.page.get_by_label("Text so far").input_value() == "MORNING "
    assert at.page.evaluate("document.activeElement.tagName") == "CANVAS"
    at.page.evaluate("model.delay = 300")
    for key in ("4", "Enter"):  # the likeliest next word, and what is on the pad
        at.canvas.press(key)
        at.draw([[[60, 40], [60, 160]], [[130, 40], [130, 160]]])  # both strokes have ended before Python answers
        assert at.page.evaluate("model.waiting") == 1
        at.page.wait_for_function("document.querySelector('canvas[data-strokes]').dataset.strokes === '2'")
        at.page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent.length === 2")
        assert at.settled()["reading"] == (read := at.text.text_content())
        assert len(at.pad.strokes) == 2, "what is drawn while a word is taken stays"
    assert at.pad.text == at.page.get_by_label("Text so far").input_value()
    assert len(at.pad.text.split()) == 3 and at.pad.text.endswith(f" {read} ")
    at.page.evaluate("model.set('strokes', [])")  # a cell of the notebook clears the pad: nothing was ordered
    assert at.canvas.get_attribute("data-strokes") == "0"


@pytest.mark.parametrize("cleared", [False, True])
def test_a_reading_that_is_out_of_date_is_dropped(opened, reader, cleared):
    at = opened(widgets.ReadingPad(reader, "char"))
    at.draw([[[200, 60], [200, 340]]])
    at.text.get_by_text("I", exact=True).wait_for()
    at.settled()
    at.page.evaluate("""() => {
        model.delay = 300;
        window.texts = [];
        const note = () => texts.push(document.querySelector(".hcr-result-text")?.textContent ?? "");
        new MutationObserver(note).observe(document.body, {childList: true, subtree: true});
    }""")
    at.draw([[[90, 60], [310, 60]]])
    at.page.wait_for_function("model.waiting && model.sent.at(-1).settled")  # it is being read
    if cleared:
        at.page.keyboard.press("Delete")
        at.text.wait_for(state="detached")
    at.settled()
    assert ("T" in at.page.evaluate("texts")) != cleared


def test_undo_redo_clear_eraser_and_the_keys(opened):
    at = opened(widgets.DrawingPad())
    count = lambda: int(at.canvas.get_attribute("data-strokes"))  # noqa: E731
    at.draw([[[50, 50], [50, 350]], [[200, 50], [200, 350]]])
    at.page.keyboard.press("Control+z")
    assert count() == 1
    at.page.keyboard.press("Control+Shift+Z")
    assert count() == 2
    at.button("Clear the drawing").click()
    assert count() == 0
    at.page.keyboard.press("Control+z")
    assert count() == 2, "Clear is undone, too"
    at.button("Erase strokes").click()
    at.draw([[[150, 200], [250, 200]]])
    assert (count(), at.settled() and at.pad.strokes) == (1, [[[50, 50], [50, 350]]])
    at.canvas.press("e")
    assert at.button("Erase strokes").get_attribute("aria-pressed") == "false"
    at.canvas.press("Delete")
    for key in ("Space", "ArrowDown", "ArrowDown", "ArrowRight", "Space"):
        at.canvas.press(key)
    at.settled()
    assert at.pad.strokes == [[[200, 200], [200, 210], [200, 220], [210, 220]]]
    width = at.pad.half_width
    at.canvas.press("]")
    at.settled()
    assert at.pad.half_width == width + 1
    assert at.page.evaluate("model.sent.at(-1).more") == []


def test_python_may_draw_and_undo_takes_it_back(opened):
    pad = widgets.DrawingPad()
    at = opened(pad)
    at.draw([[[50, 50], [50, 350]]])
    at.page.evaluate("model.set('strokes', [[[1, 1], [9, 9]], [[5, 5]]])")
    assert at.canvas.get_attribute("data-strokes") == "2"
    at.draw([[[200, 50], [200, 350]]])
    at.settled()
    assert len(pad.strokes) == 3
    at.page.keyboard.press("Control+z")
    at.page.keyboard.press("Control+z")
    at.settled()
    assert pad.strokes == [[[50, 50], [50, 350]]]


def test_a_drawing_is_saved_with_one_click(opened, reader, tmp_path):
    at = opened(widgets.ReadingPad(reader, "char", save_to=tmp_path))
    at.draw(DIGIT)
    at.page.wait_for_function("document.querySelector('.hcr-label').value === '3'")
    at.button("Save the drawing").click()
    at.page.get_by_text("saved as").wait_for()
    assert [path.parent.name for path in tmp_path.rglob("*.png")] == ["3"]


def test_silence_is_told_within_three_seconds_and_over_when_python_answers(opened, reader):
    at = opened(widgets.ReadingPad(reader, "char"))
    at.page.evaluate("model.deaf = true")
    at.draw([DIGIT[0][:20]])
    at.page.get_by_text("No answer from Python").wait_for(timeout=3000)
    at.page.evaluate("model.deaf = false")
    at.draw([DIGIT[0][19:]])
    at.page.get_by_text("No answer from Python").wait_for(state="hidden")
    at.settled()
    assert len(at.pad.strokes) == 2, "what Python missed is sent again"


def test_points_beyond_the_limit_are_not_taken(opened):
    at = opened(widgets.DrawingPad())
    at.page.evaluate("model.set('strokes', [Array.from({length: 4990}, (_, k) => [k % 400, k / 20])])")
    at.draw([[[10, 10], [390, 390]]], steps=60)
    at.settled()
    assert sum(map(len, at.pad.strokes)) == 5000
    assert at.pad.answer == {"number": at.pad.answer["number"]}


@pytest.mark.parametrize(("mode", "shape"), [("char", (400, 400)), ("word", (800, 200))])
def test_the_answer_stays_in_sight(opened, reader, mode, shape):
    at = opened(widgets.ReadingPad(reader, mode, width=shape[0], height=shape[1]))
    at.draw(written("3", shape[::-1]))
    at.text.get_by_text("3", exact=True).wait_for()
    for width, height in ((1000, 700), (700, 700), (620, 450), (340, 640)):  # the third is 1,024 at 150 %
        at.page.set_viewport_size({"width": width, "height": height})
        at.page.wait_for_timeout(50)
        for part in (at.canvas, at.text, at.page.locator(".hcr-row").first):
            box = part.bounding_box()
            assert min(box["x"], box["y"]) >= 0
            assert box["y"] + box["height"] <= height
            assert box["x"] + box["width"] <= width
        assert at.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_game_asks_judges_and_keeps_a_test_set(opened, reader, tmp_path):
    game = widgets.DrawingGame(reader.with_alphabet("digits"), "3", turns=2, seed=0, save_to=tmp_path / "mine.jsonl")
    at = opened(game)
    at.button("Start the game").click()
    for played in (1, 2):
        at.page.get_by_text("Draw a 3", exact=True).wait_for()
        at.draw(DIGIT if played == 1 else [np.array([[200, 60], [200, 340]])])
        at.page.get_by_text(f"1 of {played} right, ").first.wait_for(timeout=5000)
        assert at.canvas.get_attribute("data-strokes") == "0"
    assert at.page.get_by_text("The end: 1 of 2 right").count() == 1
    at.button("Add the drawings to my test set").click()
    at.page.get_by_text("Added 2 drawings").wait_for()
    own = datasets.load(tmp_path / "mine.jsonl", "all")
    assert "".join(own.chars) == "33"
    assert game.game.confusion().loc["3", ["3", "1"]].tolist() == [1, 1]


class AnyLetter:
    """Reads whatever is drawn as one of two letters, at once."""

    classes = "AB"

    def predict(self, stored):
        return np.full((len(stored), 2), 0.5, "float32")

    def read_ink(self, ink, mode, reader="auto"):
        size = int(ink.sum()) % 3 + 1
        letters = [Character(char, 0.9, (9 * k, 0, 9 * k + 9, 9), [], IMAGE) for k, char in enumerate("ABA"[:size])]
        return Reading("ABA"[:size], 0.9, letters)


IMAGE = np.zeros((28, 28), "uint8")


def test_fifty_quick_drawings_leave_no_error_and_no_growing_memory(opened):
    at = opened(widgets.ReadingPad(AnyLetter(), "word"))
    session = at.context.new_cdp_session(at.page)

    def held():
        at.settled()
        session.send("HeapProfiler.collectGarbage")
        counters = session.send("Memory.getDOMCounters")
        return counters["nodes"] + counters["jsEventListeners"]

    rng, before = np.random.default_rng(0), 0
    for number in range(50):
        at.draw([np.cumsum(rng.normal(0, 60, (5, 2)), axis=0).clip(-190, 190) + [200, 200]])  # noqa: RUF005
        if number % 5 == 4:
            at.page.keyboard.press("Delete")
        if number == 9:
            before = held()
    assert held() <= before + 50
    assert at.pad.answer["number"] == at.page.evaluate("model.sent.length") < 300
    assert at.page.evaluate("model.most") == 1, "nothing piles up"
    at.page.evaluate("stop()")


# --- in JupyterLab, with a kernel

CELLS = (
    "from hcr_lib import widgets\nfrom hcr_lib.recognizer import Recognizer\n"
    "widgets.ReadingPad(Recognizer.load(), 'word', width=800, height=200, half_width=6)",
    "widgets.writer_demo('Hand 47')",
)


@pytest.fixture(scope="module")
def notebook(browser, lab):  # noqa: F811
    """A notebook with a pad and a demo, running in JupyterLab: its page, its cells, and the pad's canvas."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    made = nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, CELLS)), metadata=kernel)
    with run_in_lab(browser, lab, made, "pads.ipynb") as page:
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        canvas = page.locator("canvas[data-strokes]")
        canvas.wait_for(timeout=ANSWER_S * 1000)
        yield SimpleNamespace(page=page, lab=lab, root=lab.root, canvas=canvas, cells=page.locator(".jp-CodeCell"))
        assert errors == []


def draw_in(notebook, text="3"):
    for stroke in map(thin, written(text, (200, 800))):
        first, *others = on_screen(notebook.canvas, np.asarray(stroke) / [800, 200])
        notebook.page.mouse.move(*first)
        notebook.page.mouse.down()
        for point in others:
            notebook.page.mouse.move(*point)
        notebook.page.mouse.up()


def test_a_word_is_drawn_corrected_completed_and_a_digit_saved(notebook):
    page, text = notebook.page, notebook.page.locator(".hcr-result-text")
    so_far, strokes = page.get_by_label("Text so far"), notebook.canvas
    draw_in(notebook, "morn")
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent === 'MORN'")
    drawn = int(strokes.get_attribute("data-strokes"))
    page.keyboard.press("Control+z")
    page.locator(f"canvas[data-strokes='{drawn - 1}']").wait_for()
    page.keyboard.press("Control+Shift+Z")
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent === 'MORN'")
    page.locator(".hcr-letter").nth(3).press("s")
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent === 'MORs'")
    page.locator(".hcr-letter").nth(3).press("N")
    page.get_by_role("button", name="Write MORNING (key 1)").click()
    page.locator("canvas[data-strokes='0']").wait_for()
    assert so_far.input_value() == "MORNING "

    page.get_by_label("What the pad reads").select_option("char")
    draw_in(notebook)
    text.get_by_text("3", exact=True).wait_for(timeout=ANSWER_S * 1000)
    page.get_by_role("button", name="Save the drawing").click()
    page.get_by_text("saved as").wait_for()
    assert (notebook.root / "my_drawings" / "3" / "0001.png").is_file()
    page.get_by_label("What the pad reads").select_option("word")


def test_no_key_on_anything_focused_reaches_the_notebook(notebook):
    page = notebook.page
    page.get_by_role("button", name="Clear the drawing").click()
    draw_in(notebook)
    page.locator(".hcr-result-text").get_by_text("3", exact=True).wait_for(timeout=ANSWER_S * 1000)
    focusable = page.locator(".hcr-pad").locator("button:visible, canvas[tabindex], input[type=range], select")
    demo = page.locator(".widget-vbox .noUi-handle").first
    for place in (*focusable.all(), demo):
        place.focus()
        for key in "ddx":  # in a notebook: delete the cell, cut it
            page.keyboard.press(key)
    assert notebook.cells.count() == len(CELLS)
    assert page.locator(".hcr-result-text").inner_text() == "3"
    assert demo.get_attribute("aria-label") == "slant"
    assert page.locator("img.widget-image").get_attribute("alt").startswith("Writer demo: text Hand 47, writer plain")


def test_the_pad_follows_a_dark_theme(notebook):
    page = notebook.page
    if notebook.canvas.get_attribute("data-strokes") == "0":
        draw_in(notebook)
    colours = """canvas => {
        const {data} = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const drawn = [];
        for (let at = 0; at < data.length; at += 4) if (data[at + 3] === 255) drawn.push(data[at]);
        return [Math.max(...drawn.slice(0, 9)), getComputedStyle(canvas).backgroundColor];
    }"""
    ink, paper = notebook.canvas.evaluate(colours)
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.locator(".lm-Menu-item", has_text="JupyterLab Dark").first.click()
    page.wait_for_function("document.body.dataset.jpThemeLight === 'false'")
    page.wait_for_timeout(300)
    dark_ink, dark_paper = notebook.canvas.evaluate(colours)
    assert ink < 100 < dark_ink
    assert paper != dark_paper


def restart_by_rest(lab):  # noqa: F811
    """Restart the kernel of the notebook as another program may."""
    ask = functools.partial(urllib.request.Request, headers={"Authorization": f"token {lab.token}"})
    with urllib.request.urlopen(ask(f"{lab.url}/api/sessions")) as answer:
        kernels = [each["kernel"]["id"] for each in json.load(answer) if each["path"] == "pads.ipynb"]
    for kernel in kernels:
        urllib.request.urlopen(ask(f"{lab.url}/api/kernels/{kernel}/restart", method="POST")).close()


def test_a_restarted_kernel_is_told_within_three_seconds(notebook):
    page = notebook.page
    say = page.get_by_text("No answer from Python")
    assert not say.is_visible()
    page.get_by_role("menuitem", name="Kernel", exact=True).click()
    page.locator(".lm-Menu-item", has_text="Restart Kernel…").first.click()
    page.get_by_role("button", name="Confirm Kernel Restart").click()
    page.locator(".jp-Dialog").wait_for(state="detached")
    draw_in(notebook)
    say.wait_for(timeout=3000)
    notebook.cells.first.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    say.wait_for(state="detached", timeout=START_S * 1000)
    notebook.canvas.wait_for()
    draw_in(notebook)
    page.locator(".hcr-result-text").get_by_text("3", exact=True).wait_for(timeout=ANSWER_S * 1000)
    restart_by_rest(notebook.lab)  # as another program may: the page is told nothing
    draw_in(notebook)
    say.wait_for(timeout=3000)
