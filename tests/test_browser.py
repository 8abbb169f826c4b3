"""A person opens notebooks in JupyterLab: draws a digit on the pad and sees it read, moves a slider and sees it act."""

import contextlib
import math
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from hcr_lib import pen

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
NOTEBOOK = Path(__file__).resolve().parents[1] / "notebooks" / "06_word_prediction.ipynb"
START_S, RUN_S, ANSWER_S = 60, 300, 20
VIEW = {"width": 1400, "height": 1000}
MARGIN = 4  # around the picture for the README, in pixels

# True once the last cell has run, or one before it failed and the rest was called off.
FINISHED = """() => {
    const prompts = [...document.querySelectorAll(".jp-Notebook .jp-CodeCell .jp-InputPrompt")];
    const busy = prompts.some((prompt) => prompt.textContent.includes("*"));
    const ended = prompts.at(-1).textContent.match("[0-9]");
    return !busy && (ended || document.querySelector(".jp-RenderedText[data-mime-type$=stderr]"));
}"""


def arc(x: float, y: float, width: float, height: float, start: int, end: int) -> list[tuple[float, float]]:
    """Points on an ellipse, from angle to angle in degrees, as fractions of the pad from its top left corner."""
    angles = map(math.radians, range(start, end + 1, 10))
    return [(x + width * math.cos(angle), y + height * math.sin(angle)) for angle in angles]


# One stroke, as a person draws it.
THREE = arc(0.49, 0.32, 0.17, 0.16, -150, 90) + arc(0.49, 0.66, 0.21, 0.18, -90, 150)


def missing(tool: str) -> None:
    """Skip for want of a tool, or fail where HCR_REQUIRE_TOOLS promises that it is there."""
    if os.environ.get("HCR_REQUIRE_TOOLS"):
        pytest.fail(f"{tool} is needed here and missing")
    pytest.skip(f"{tool} is missing")


@pytest.fixture(scope="module")
def browser():
    """Headless Chromium: the system's own, else the one that Playwright installed."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        found = os.environ.get("HCR_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            missing(f"one of {', '.join(BROWSERS)}, or the path of another in HCR_BROWSER,")
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


def isolated_environment(folder: Path) -> dict[str, str]:
    """An environment in which a developer's own Jupyter settings neither help nor hurt."""
    environment = dict(os.environ)
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        environment[f"JUPYTER_{name}"] = str(folder / name.lower())
    environment["IPYTHONDIR"] = str(folder / "ipython")
    environment["JUPYTERLAB_WORKSPACES_DIR"] = str(folder / "workspaces")
    environment["JUPYTERLAB_SETTINGS_DIR"] = str(folder / "settings")
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    # Without this a question about news covers the lower right corner of the page.
    (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false", "checkForUpdates": false}')
    return environment


@contextlib.contextmanager
def jupyterlab(root: Path, folder: Path) -> Iterator[SimpleNamespace]:
    """Serve `root` with JupyterLab; `folder` takes its settings and its log."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"),
        *("--ServerApp.port_retries=0", f"--ServerApp.root_dir={root}", f"--IdentityProvider.token={token}"),
        *("--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
        *(["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []),
    ]
    log = folder / "jupyterlab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            env=isolated_environment(folder),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/api", server, log)
            yield SimpleNamespace(url=url, token=token)
        finally:
            server.terminate()  # JupyterLab takes its kernels along
            server.wait(timeout=30)


def wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(urllib.error.URLError, ConnectionError), urllib.request.urlopen(url, timeout=5):
            return
        time.sleep(0.2)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(errors='replace')[-3000:]}")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """JupyterLab with an empty folder as its root."""
    root = tmp_path_factory.mktemp("course")
    with jupyterlab(root, tmp_path_factory.mktemp("jupyter")) as lab:
        lab.root = root
        yield lab


@contextlib.contextmanager
def run_in_lab(browser, lab: SimpleNamespace, notebook: nbformat.NotebookNode, name: str) -> Iterator:
    """Put a notebook into JupyterLab's folder, open it, run it from top to bottom, and yield its page."""
    nbformat.write(notebook, lab.root / name)
    context = browser.new_context(viewport=VIEW, device_scale_factor=2, has_touch=True)
    page = context.new_page()
    page.goto(f"{lab.url}/lab/tree/{name}?token={lab.token}&reset")
    # The toolbar's own indicator says idle before there is a kernel; the status bar does not.
    page.locator("#jp-main-statusbar").get_by_text("| Idle").wait_for(timeout=START_S * 1000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.wait_for_function(FINISHED, timeout=RUN_S * 1000)
    yield page
    context.close()


# Demonstrations whose controls are tried, each in a cell of one notebook.
DEMOS = {
    "writer": "from hcr_lib import widgets\nwidgets.writer_demo('Hand 47')",
    "explorer": (
        "from hcr_lib import datasets, labels\n"
        "digits = [datasets.load('bundled', part).merge_classes(labels.DIGITS) for part in ('train', 'val')]\n"
        "widgets.network_explorer(*digits)"
    ),
    "alignment": (
        "import numpy as np\n"
        "probabilities = np.full((6, 3), 0.05)\n"  # of six steps whose best path is: 1 1 blank 1 2 blank
        "probabilities[range(6), [1, 1, 0, 1, 2, 0]] = 0.9\n"
        "widgets.alignment_demo(np.log(probabilities), '12')"
    ),
    "ladder": (
        "ink = np.zeros((3, 28, 28), 'uint8')\n"
        "ladder = {'alone': lambda scores, weight: 'C0T', 'list': lambda scores, weight: 'CAT'}\n"
        "widgets.ladder_demo([('CAT', ink, ink.sum(axis=1))], ladder)"
    ),
    "pad": "widgets.DrawingPad()",
}


@pytest.fixture(scope="module")
def lab_page(browser, lab):
    """One notebook without stored outputs, as JupyterLab runs it from top to bottom.

    The beginning of notebook 06 and its section with the pad (the rest is computing, which is the same there as under
    nbval), and a cell for each of `DEMOS`.
    """
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    headings = [number for number, cell in enumerate(notebook.cells) if re.search("^## ", cell.source, re.MULTILINE)]
    sections = [notebook.cells[start:end] for start, end in pairwise([0, *headings, len(notebook.cells)])]
    with_pad = [cells for cells in sections[2:] if any(cell.source.startswith("pad = ") for cell in cells)]
    notebook.cells = [cell for cells in (*sections[:2], *with_pad) for cell in cells]
    notebook.cells += map(nbformat.v4.new_code_cell, DEMOS.values())
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    with run_in_lab(browser, lab, notebook, NOTEBOOK.name) as page:
        yield page


@pytest.fixture(scope="module")
def demos(lab_page):
    """The cells of `DEMOS`, by their names, each showing its picture or its pad."""
    cells = {name: lab_page.locator(".jp-CodeCell").nth(place - len(DEMOS)) for place, name in enumerate(DEMOS)}
    for cell in cells.values():
        cell.locator("img.widget-image, canvas").first.wait_for(timeout=ANSWER_S * 1000)
    return cells


@contextlib.contextmanager
def repainting(cell) -> Iterator[None]:
    """Wait until the picture of a cell has changed."""
    picture = cell.locator("img.widget-image").first.element_handle()
    before = picture.get_attribute("src")
    yield
    cell.page.wait_for_function("([image, old]) => image.src !== old", arg=[picture, before])


@pytest.fixture
def pad(lab_page) -> SimpleNamespace:
    """The reading pad, wiped: its whole output, its canvas, and the text that was read."""
    # An output of its own: notebooks may hold other pads and other results.
    output = lab_page.locator(".jp-OutputArea-child").filter(has=lab_page.locator("canvas[data-strokes]"))
    output = output.filter(has=lab_page.locator(".hcr-result")).first
    output.get_by_role("button", name="Clear the drawing").click()
    output.locator("canvas[data-strokes='0']").wait_for()
    output.locator(".hcr-result-text").wait_for(state="detached", timeout=ANSWER_S * 1000)
    return SimpleNamespace(
        page=lab_page,
        output=output,
        canvas=output.locator("canvas[data-strokes]"),
        text=output.locator(".hcr-result-text"),
    )


def on_screen(canvas, stroke) -> list[tuple[float, float]]:
    """Where `stroke` lies on the screen now; ask afresh for every stroke, since the page may have moved."""
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]


def test_no_cell_failed_and_nothing_is_on_stderr(lab_page):
    said = lab_page.locator(".jp-RenderedText[data-mime-type$=stderr], .jp-RenderedText[data-mime-type$=error]")
    assert said.all_inner_texts() == []


def test_the_pad_keeps_its_size_on_a_fine_screen(pad):
    assert pad.page.evaluate("devicePixelRatio") == 2
    box = pad.canvas.bounding_box()
    assert (box["width"], box["height"]) == (pen.PAD, pen.PAD)


def test_a_digit_drawn_with_the_mouse_is_read(pad, request):
    first, *others = on_screen(pad.canvas, THREE)
    pad.page.mouse.move(*first)
    pad.page.mouse.down()
    for point in others:
        pad.page.mouse.move(*point, steps=2)
    pad.page.mouse.up()
    pad.text.get_by_text("3", exact=True).wait_for(timeout=ANSWER_S * 1000)
    assert pad.canvas.get_attribute("data-strokes") == "1"
    if picture := request.config.getoption("--picture"):
        pad.output.evaluate("output => output.scrollIntoView({block: 'center'})")
        box = pad.output.locator(".hcr-pad-layout").bounding_box()
        picture.parent.mkdir(parents=True, exist_ok=True)
        size = {side: box[side] + 2 * MARGIN for side in ("width", "height")}
        pad.page.screenshot(path=picture, clip={"x": box["x"] - MARGIN, "y": box["y"] - MARGIN, **size})


def test_a_digit_drawn_with_a_finger_is_read(pad):
    fingers = pad.page.context.new_cdp_session(pad.page)
    for number, (x, y) in enumerate(on_screen(pad.canvas, THREE)):
        kind = "touchMove" if number else "touchStart"
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    pad.text.get_by_text("3", exact=True).wait_for(timeout=ANSWER_S * 1000)
    assert pad.canvas.get_attribute("data-strokes") == "1"


def test_the_pads_buttons_keep_keys_from_the_notebook_and_clear_ends_a_stroke(demos):
    cell = demos["pad"]
    page, canvas = cell.page, cell.locator("canvas[data-strokes='0']")
    (x, y), (to_x, to_y) = on_screen(canvas, [(0.3, 0.3), (0.6, 0.6)])
    cells = page.locator(".jp-CodeCell").count()
    for name in ("Undo the last stroke", "Clear the drawing"):
        cell.get_by_role("button", name=name).click(force=True)  # there is nothing to undo
        for key in "dda":  # in a notebook: delete the cell, insert one
            page.keyboard.press(key)
    assert (page.locator(".jp-CodeCell").count(), canvas.count()) == (cells, 1)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(to_x, to_y, steps=3)
    cell.get_by_role("button", name="Clear the drawing").press("Enter")
    page.mouse.up()
    page.wait_for_timeout(300)
    assert canvas.count() == 1, "the stroke is gone, and does not come back when the pen lifts"


def test_a_slider_moved_with_the_mouse_paints_the_picture_anew(demos):
    cell = demos["writer"]
    mouse, picture = cell.page.mouse, cell.locator("img.widget-image")
    slant = cell.locator(".widget-hslider").filter(has_text="slant")
    readout = slant.locator(".widget-readout")
    number = readout.text_content()  # the inner text of what has scrolled out of sight is empty
    seen = picture.screenshot()
    handle = slant.locator(".noUi-handle")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    with repainting(cell):
        mouse.move(x, y)
        mouse.down()
        mouse.move(x + 40, y, steps=5)
        mouse.up()
    assert float(readout.text_content()) > float(number) + 0.1
    cell.page.wait_for_timeout(500)  # every step of the mouse is painted; let the last one arrive
    leaning = picture.screenshot()
    assert leaning != seen

    cell.get_by_label("text").fill("what?")
    cell.get_by_text("Leave that out.").wait_for(timeout=ANSWER_S * 1000)
    assert picture.screenshot() == leaning


def test_the_explorer_trains_the_network_that_its_sliders_say(demos):
    cell = demos["explorer"]
    pooling = cell.locator(".widget-hslider").filter(has_text="pooling").locator(".widget-readout")
    with repainting(cell):
        pooling.fill("3")
        pooling.press("Enter")
    height, curve = cell.bounding_box()["height"], cell.locator("img.widget-image").nth(1)
    empty = curve.get_attribute("src")
    button, stop = (cell.get_by_role("button", name=name) for name in ("train 4 epochs, 3 times", "stop"))
    button.click()
    cell.page.wait_for_function("([image, old]) => image.src !== old", arg=[curve.element_handle(), empty])
    with repainting(cell):  # the sliders are free while it trains
        pooling.fill("2")
        pooling.press("Enter")
    assert button.is_disabled() and stop.is_enabled()
    cell.get_by_text("of validation").wait_for(timeout=RUN_S * 1000)
    assert cell.get_by_text("pooling 3").count() == 1
    assert cell.bounding_box()["height"] == height
    assert (button.is_enabled(), stop.is_enabled()) == (True, False)


def test_the_alignment_is_stepped_through_with_the_slider(demos):
    cell = demos["alignment"]
    step = cell.locator(".widget-hslider").filter(has_text="step").locator(".noUi-handle")
    with repainting(cell):
        step.focus()
        step.press("ArrowRight")
    assert cell.locator(".widget-hslider .widget-readout").inner_text() == "1"
    with repainting(cell):
        cell.get_by_role("button", name="Play").click()
    cell.locator("img[alt*='step 5']").wait_for()  # the last one, painted: Python has caught up
    cell.get_by_role("button", name="Reset").click()
    cell.locator(".widget-readout").get_by_text("0", exact=True).wait_for()

    text = cell.get_by_label("text")
    assert text.input_value() == "112"
    text.fill("1212121")
    text.press("Enter")
    cell.get_by_text("no path of 6 steps").wait_for(timeout=ANSWER_S * 1000)


def test_the_ladder_is_climbed_and_its_reset_goes_back(demos):
    cell = demos["ladder"]
    handle = cell.locator(".widget-hslider").filter(has_text="rungs").locator(".noUi-handle")
    with repainting(cell):
        handle.focus()
        handle.press("ArrowRight")
    assert cell.get_by_role("img", name="Ladder demo: word CAT, rungs 2, weight 0.6").count() == 1
    with repainting(cell):
        cell.get_by_role("button", name="Reset").click()
    assert cell.locator(".widget-hslider").filter(has_text="rungs").locator(".widget-readout").inner_text() == "1"
