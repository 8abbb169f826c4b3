"""The pad without a kernel: the page that ships, in a real browser, beside what Python says of the same drawings."""

import base64
import re
import subprocess
import sys
import threading

import nbformat
import numpy as np
import pytest
from test_browser import ANSWER_S, THREE, browser, on_screen  # noqa: F401

from hcr_lib import handwriting, images, labels, pen
from hcr_lib._paths import shipped
from hcr_lib.cli import pad
from hcr_lib.recognizer import Recognizer
from hcr_lib.research import pad_page
from hcr_lib.widgets import _engine, _pad

pytestmark = pytest.mark.browser

HALF_WIDTHS, MARGINS = (10, 5, 3, 14), (40, 100, 140, 60)
READ = """([drawings, halfWidths]) =>
    drawings.map((drawing, k) => hcr.reader.guess(drawing, 400, 400, halfWidths[k % 4], true))"""


@pytest.fixture
def open_page(browser):  # noqa: F811
    """Return a way to open an address in a page of its own, whose console has to stay empty."""
    opened = []

    def start(address, **view):
        context = browser.new_context(viewport={"width": 900, "height": 800}, **view)
        page, said = context.new_page(), []
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text))
        opened.append((context, said))
        page.goto(address)
        return page

    yield start
    for context, said in opened:
        context.close()
        assert [words for words in said if "net::ERR_FAILED" not in words] == []  # a test made that one


def draw(page, canvas, stroke):
    first, *others = on_screen(canvas, stroke)
    page.mouse.move(*first)
    page.mouse.down()
    for point in others:
        page.mouse.move(*point)
    page.mouse.up()


def drawings(number):
    """By synthetic writers, each character in turn, of several sizes."""
    chars = labels.BYCLASS
    for k in range(number):
        strokes = handwriting.write(chars[k % len(chars)], handwriting.writer(k), np.random.default_rng(k))
        yield [stroke.round(1).tolist() for stroke in pen.scale_to(strokes, margin=MARGINS[k % 4])]


def test_the_page_is_made_from_what_is_here():
    content = shipped(pad_page.PAGE).read_text(encoding="utf-8")
    found = re.search('<meta name="made-from" content="(.*)">', content)[1]
    assert found == pad_page.digest(), f"run {pad_page.COMMAND}"
    assert len(content) < pad_page.MOST_BYTES


def test_its_runtime_is_bundled_from_what_is_here_and_says_whose_it_is():
    content = pad_page._text("tfjs.js")
    assert pad_page.digest_of_runtime() in content[:20_000], f"run {pad_page.COMMAND} --runtime"
    assert "Apache License" in content[:20_000]
    assert content in shipped(pad_page.PAGE).read_text(encoding="utf-8")


def test_it_asks_nobody_for_anything():
    """Everything is in the file; of a server, only `python -m hcr_lib pad` is asked."""
    code = pad_page.modules() + pad_page._text("page.html")
    assert re.findall(r"https?://|\bsrc=|@import|url\(", code) == []
    assert re.findall(r"fetch\((.*?),", code) == ["`read${location.search}`"]


def test_javascript_and_python_say_the_same(open_page):
    page = open_page(shipped(pad_page.PAGE).resolve().as_uri())
    page.wait_for_function("window.hcr")
    assert page.evaluate("hcr.backend") == "wasm"
    strokes = [*drawings(len(labels.BYCLASS))]
    found = page.evaluate(READ, [strokes, HALF_WIDTHS])
    reader = Recognizer.load(pad_page.ALPHABET)
    same, apart = 0, []
    for k, (drawn, answer) in enumerate(zip(strokes, found, strict=True)):
        half_width = HALF_WIDTHS[k % 4]
        expected = _engine.guess(reader, drawn, (pen.PAD, pen.PAD), half_width, "char", settled=False)
        same += answer["reading"] == expected.text
        ink = images.remove_specks(pen.render(drawn, half_width=half_width))
        [shares] = reader.predict(images.ink_to_mnist(ink)[None], normalised=True)
        [letter] = answer["letters"]
        pairs = [[letter["char"], letter["share"]], *letter["rivals"]]
        apart.append(max(abs(share - shares[reader.classes.index(char)]) for char, share in pairs))
        assert np.abs(np.subtract(letter["box"], images.bounding_box(ink))).max() <= 1
    assert same >= len(strokes) - 1
    assert np.quantile(apart, 0.9) < 1e-4


def test_the_network_alone_says_the_same_to_three_digits(open_page):
    """On the same image nothing but the arithmetic can differ."""
    page = open_page(shipped(pad_page.PAGE).resolve().as_uri())
    page.wait_for_function("window.hcr")
    reader = Recognizer.load(pad_page.ALPHABET)
    stored = np.stack([images.ink_to_mnist(pen.render(drawn)) for drawn in drawings(40)])
    found = page.evaluate("images => images.map((each) => hcr.reader.shares(each))", stored.reshape(40, -1).tolist())
    np.testing.assert_allclose(found, reader.predict(stored, normalised=True), atol=1e-3)


def test_what_is_no_character_is_told(open_page):
    page = open_page(shipped(pad_page.PAGE).resolve().as_uri())
    page.wait_for_function("window.hcr")
    around = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([np.cos(around), np.sin(around)], axis=1)
    face = [200 + 150 * ring, [150, 150] + 25 * ring, [250, 150] + 25 * ring, [200, 270] + [70, 20] * ring]
    shown = [[[[200, 200]]], [stroke.tolist() for stroke in face], [[[500, 500], [600, 600]]], []]
    for k, text in enumerate(["CAT", "12", "HI", "XYZ", "308"]):
        strokes = handwriting.write(text, handwriting.writer(k), np.random.default_rng(1))
        shown.append([stroke.round(1).tolist() for stroke in pen.scale_to(strokes, margin=40)])
    shown.append([[[150, 60], [150, 340]], [[260, 60], [170, 200], [260, 340]]])  # a K whose arms miss its stem
    found = page.evaluate(READ, [shown, [10] * 4])
    reader = Recognizer.load(pad_page.ALPHABET)
    expected = [_engine.guess(reader, drawn, (400, 400), 10, "char", settled=True).notice for drawn in shown]
    assert "no letter or digit" in expected[1]
    assert ["several" in notice for notice in expected] == [False] * 4 + [True] * 5 + [False]
    assert [answer["notice"].partition(". Draw")[0] for answer in found] == [
        notice.partition(". Draw")[0] for notice in expected
    ]


def test_a_digit_is_drawn_corrected_and_added_and_words_are_declined(open_page):
    page = open_page(shipped(pad_page.PAGE).resolve().as_uri())
    canvas, text = page.locator("canvas[data-strokes]"), page.locator(".hcr-result-text")
    draw(page, canvas, THREE)
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent === '3'")
    assert page.locator("canvas.hcr-seen").is_visible()
    page.get_by_role("button", name="Undo the last stroke").click()
    text.wait_for(state="detached")
    page.get_by_role("button", name="Redo", exact=True).click()
    rival = page.locator(".hcr-row").nth(1)
    other = rival.get_attribute("data-char")
    rival.click()
    page.wait_for_function("other => document.querySelector('.hcr-result-text').textContent === other", arg=other)
    page.get_by_role("button", name="Add what was read").click()
    so_far = page.get_by_role("textbox", name="Text so far")
    page.wait_for_function("document.querySelector('.hcr-so-far').value !== ''")
    assert so_far.input_value() == other
    assert canvas.get_attribute("data-strokes") == "0"
    page.get_by_role("button", name="Try a sample").click()
    text.wait_for()
    page.get_by_role("combobox").select_option("word")
    page.get_by_text("Words and lines need Python").last.wait_for()
    assert text.count() == 0
    page.get_by_role("combobox").select_option("char")
    text.wait_for()


def test_a_finger_draws_on_a_phone(open_page):
    page = open_page(shipped(pad_page.PAGE).resolve().as_uri(), has_touch=True, is_mobile=True, color_scheme="dark")
    page.set_viewport_size({"width": 390, "height": 760})
    canvas = page.locator("canvas[data-strokes]")
    canvas.wait_for()
    points = on_screen(canvas, THREE)
    touch = page.context.new_cdp_session(page)
    for kind, place in [("touchStart", points[0]), *(("touchMove", point) for point in points[1:])]:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": place[0], "y": place[1]}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent === '3'")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_notebook_without_its_kernel_shows_it(open_page, tmp_path):
    """In the HTML of a lesson: what nbconvert makes of the output that a pad leaves behind."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "pad.html").write_bytes(shipped(pad_page.PAGE).read_bytes())
    data, metadata = _pad.ReadingPad(Recognizer.load("digits"), "char")._repr_mimebundle_()
    output = nbformat.v4.new_output("display_data", data=data, metadata=metadata)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("pad", outputs=[output])])
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "lesson.ipynb")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--log-level=ERROR", "lesson.ipynb"]
    subprocess.run(command, cwd=tmp_path / "notebooks", check=True)
    html = tmp_path / "notebooks" / "lesson.html"
    # Its own scripts come from the network, which is of no account here.
    html.write_text(re.sub(r"(?s)<script.*?</script>", "", html.read_text(encoding="utf-8")), encoding="utf-8")
    page = open_page(html.as_uri())
    frame = page.frame_locator("iframe")
    canvas = frame.locator("canvas[data-strokes]")
    canvas.wait_for(timeout=ANSWER_S * 1000)
    draw(page, canvas, THREE)
    frame.locator(".hcr-result-text").get_by_text("3").wait_for()
    assert len(base64.b64encode(data["text/html"].encode())) < 1000, "a notebook holds a link, not megabytes"


@pytest.fixture(scope="module")
def served():
    """`python -m hcr_lib pad`, in this process."""
    with pad.PadServer(pad.THIS_MACHINE, 0, Recognizer.load("alnum")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_the_served_page_reads_a_word_and_goes_on_with_it(open_page, served):
    page = open_page(served.url)
    canvas, text = page.locator("canvas[data-strokes]"), page.locator(".hcr-result-text")
    canvas.wait_for()
    strokes = handwriting.write("green", handwriting.writer(0), np.random.default_rng(1))
    for stroke in pen.scale_to(strokes, (320, 640), 60):
        draw(page, canvas, np.concatenate([stroke[:-1:3], stroke[-1:]]) / [640, 320])
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent.toUpperCase() === 'GREEN'")
    assert page.locator(".hcr-pad-box").count() == 5
    page.get_by_role("button", name=re.compile("^Write GREENHOUSE", re.IGNORECASE)).click()
    page.wait_for_function("document.querySelector('.hcr-so-far').value.toUpperCase() === 'GREENHOUSE '")
    text.wait_for(state="detached")
    page.get_by_role("button", name=re.compile("^Go on with ")).first.wait_for()
    page.get_by_role("combobox").select_option("char")  # which the page reads by itself
    draw(page, canvas, THREE)
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent === '3'")
    page.get_by_role("button", name="Try a sample").click()
    page.get_by_role("combobox").select_option("word")
    page.get_by_role("button", name="Try a sample").click()
    page.wait_for_function("document.querySelector('.hcr-result-text')?.textContent.length >= 4")


def test_a_server_that_is_gone_is_told(open_page, served):
    page = open_page(served.url)
    canvas = page.locator("canvas[data-strokes]")
    canvas.wait_for()
    page.route("**/read*", lambda route: route.abort())
    draw(page, canvas, THREE)
    page.get_by_text("The server does not answer").first.wait_for()
    page.unroute("**/read*")
    draw(page, canvas, THREE)
    page.locator(".hcr-result-text").wait_for()


def test_a_server_that_takes_its_time_is_waited_for(open_page, served):
    page = open_page(served.url)
    canvas = page.locator("canvas[data-strokes]")
    canvas.wait_for()
    with served.one_at_a_time:
        draw(page, canvas, THREE)
        page.get_by_text("The server takes its time").first.wait_for()
    page.locator(".hcr-result-text").wait_for()
    assert page.locator(".hcr-silence").is_hidden()
