"""The widgets without a browser: strokes in, HTML and PNG out. The pad itself is drawn on in test_browser.py."""

import io
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from traitlets import TraitError

from hcr_lib import datasets, images, pen, widgets
from hcr_lib.labels import BYCLASS
from hcr_lib.recognizer import Recognizer
from hcr_lib.widgets._pad import LARGEST, describe, to_png

STROKES = [[[100, 50], [60, 220], [240, 220]], [[200, 60], [200, 350]]]  # a 4
WORD = [[[40, 30], [40, 170]], [[140, 30], [140, 170], [220, 170]]]  # an I and an L


IMAGE = images.to_mnist(pen.render(STROKES))


def character(char, confidence=0.9, alternatives=()):
    return SimpleNamespace(char=char, confidence=confidence, alternatives=list(alternatives), image=IMAGE)


def reading(*characters):
    text = "".join(one.char for one in characters)
    return SimpleNamespace(text=text, confidence=min(one.confidence for one in characters), characters=list(characters))


class FakeRecognizer:
    """Answers as told, and remembers what it was asked."""

    def __init__(self, *characters):
        self.answer = reading(*(characters or [character("4")]))
        self.pages, self.modes, self.predicted = [], [], []

    def predict(self, stored):
        self.predicted.append(stored)
        return np.full((len(stored), 62), 1 / 62, "float32")

    def read(self, page, mode="auto"):
        self.pages.append(page)
        self.modes.append(mode)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def pixels(png):
    """The ink in a PNG: 0 is paper, 255 is ink."""
    return 255 - np.asarray(Image.open(io.BytesIO(png)).convert("L"))


# --- the pad


def test_the_pads_ink_is_what_pen_renders():
    pad = widgets.DrawingPad()
    pad.replay(STROKES)
    np.testing.assert_array_equal(pad.ink(), pen.render(STROKES))
    wide = widgets.DrawingPad(width=300, height=200, half_width=4)
    wide.replay(WORD)
    np.testing.assert_array_equal(wide.ink(), pen.render_page(WORD, (200, 300), 4))


def test_strokes_in_any_unit_are_shown_on_a_pad_of_any_shape():
    pens = datasets.StrokeDataset(
        np.array([[0, 0], [9000, -3000], [4000, -1000]], "int16"), [0, 2, 3], [0, 2], np.array(["i"]), np.array(["7"])
    )
    pad = widgets.DrawingPad(width=800, height=200)
    pad.show_strokes(pens[0])
    assert pad.strokes == [[[190.0, 170.0], [610.0, 30.0]], [[376.7, 123.3]]]
    square = widgets.ReadingPad(FakeRecognizer())
    assert square.show_strokes(pens[0]) is square.reading is square.recognizer.answer
    assert square.strokes[0] == [[60.0, 246.7], [340.0, 153.3]], "as pen.scale_to leaves it"


def test_a_pad_starts_empty_and_can_be_cleared():
    pad = widgets.DrawingPad()
    assert pad.strokes == []
    assert pad.ink().max() == 0
    pad.replay([np.array([[1.04, 2.06]])])
    assert pad.strokes == [[[1.0, 2.1]]]  # plain lists, as the browser sends them
    pad.clear()
    assert pad.strokes == []


def test_two_pads_share_nothing():
    first, second = widgets.DrawingPad(), widgets.DrawingPad()
    first.replay(STROKES)
    assert second.strokes == []


def test_the_repr_is_fixed_so_that_notebooks_compare_equal():
    for _ in range(2):
        assert repr(widgets.DrawingPad()) == "DrawingPad (run this cell to draw)"
        assert repr(widgets.ReadingPad(FakeRecognizer())) == "ReadingPad (run this cell to draw)"


@pytest.mark.parametrize(
    ("trait", "values"), [("width", (0, 1_000_000)), ("height", (-1, 10**9)), ("half_width", (0, 10_000))]
)
def test_a_size_that_no_screen_has_is_refused_before_anything_is_rendered(trait, values):
    pad = widgets.DrawingPad()
    for value in values:
        with pytest.raises(TraitError, match=trait):
            pad.set_state({trait: value})  # as a browser would
    assert pad.ink().shape == (pen.PAD, pen.PAD)
    assert widgets.DrawingPad(width=LARGEST, height=LARGEST).ink().shape == (LARGEST, LARGEST)


def test_saved_drawings_are_numbered_in_the_folder_of_their_class(tmp_path):
    pad = widgets.DrawingPad()
    pad.replay(STROKES)
    saved = [pad.save(tmp_path / "own", label) for label in ("A", "A", "a", "4")]
    names = [path.relative_to(tmp_path).as_posix() for path in saved]
    assert names == ["own/A/0001.png", "own/A/0002.png", "own/a_lower/0001.png", "own/4/0001.png"]
    own = datasets.load(tmp_path / "own")
    assert sorted(own.chars) == ["4", "A", "A", "a"]
    for stored in own.images:
        np.testing.assert_array_equal(stored, images.to_mnist(pen.render(STROKES)))


def test_drawings_of_several_writers_are_kept_apart(tmp_path):
    pad = widgets.DrawingPad(half_width=7)
    pad.replay(STROKES)
    for target in (tmp_path / "own", tmp_path / "own.jsonl"):
        for writer in ("ada", "bob", "ada"):
            pad.save(target, "b", writer)
        own = datasets.load(target, "all")
        assert sorted(own.writers) == ["ada", "ada", "bob"]
        assert set(own.chars) == {"b"}
    for writer in ("", ".", "..", "a/b", ".hidden"):
        with pytest.raises(ValueError, match="a name that a folder can have"):
            pad.save(tmp_path / "own", "b", writer)


def test_strokes_and_picture_of_one_drawing_become_nearly_the_same_image(tmp_path):
    pad = widgets.DrawingPad()
    pad.replay(STROKES)
    found = []
    for target in (tmp_path / "own", tmp_path / "own.jsonl"):
        pad.save(target, "b")
        found.append(datasets.load(target, "all").images[0].astype(int))
    assert np.abs(found[0] - found[1]).mean() < 2  # of 255; the page around the drawing is another


def test_saving_needs_a_drawing_and_a_character(tmp_path):
    pad = widgets.DrawingPad()
    with pytest.raises(ValueError, match="the pad is empty"):
        pad.save(tmp_path, "A")
    pad.replay(STROKES)
    for label in ("", "AB", "../A", "/", "ä"):
        with pytest.raises(ValueError, match="label must be one of"):
            pad.save(tmp_path, label)
    assert not list(tmp_path.iterdir())


# --- the pad that reads


def test_stored_strokes_take_the_path_of_drawn_ones():
    recognizer = FakeRecognizer()
    pad = widgets.ReadingPad(recognizer, mode="char")
    assert pad.replay(STROKES) is recognizer.answer is pad.reading
    assert pad.strokes == STROKES
    np.testing.assert_array_equal(recognizer.pages[0], pen.render(STROKES))
    assert recognizer.modes == ["char"]
    assert pad.message.value == describe(recognizer.answer)
    assert "hcr-result" in pad.message._dom_classes  # the browser test looks for it


def test_the_network_is_warm_before_the_first_stroke():
    recognizer = FakeRecognizer()
    widgets.ReadingPad(recognizer)
    assert [stored.shape for stored in recognizer.predicted] == [(1, 28, 28)]
    assert recognizer.pages == []


def test_the_image_shown_is_the_one_the_network_sees():
    pad = widgets.ReadingPad(FakeRecognizer())
    assert pixels(pad.picture.value).max() == 0
    pad.replay(STROKES)
    shown = pixels(pad.picture.value)[2::5, 2::5]
    np.testing.assert_array_equal(shown, IMAGE)


@pytest.mark.parametrize(("mode", "strokes"), [("char", STROKES), ("word", WORD), ("auto", STROKES), ("auto", WORD)])
def test_with_the_real_recognizer_too(mode, strokes):
    seen = []

    def network(stored):
        seen.extend(stored)
        return np.eye(62, dtype="float32")[np.zeros(len(stored), int)]  # without an idea it would see no writing

    pad = widgets.ReadingPad(Recognizer(network, {"classes": BYCLASS}, "alnum"), mode)
    found = pad.replay(strokes).characters
    shown = np.hsplit(pixels(pad.picture.value)[2::5, 2::5], len(found))  # enlarged five times
    assert len(found) == (1 if strokes is STROKES else 2)
    for image in shown:
        assert any(np.array_equal(image, stored) for stored in seen)
    assert found[0].char in pad.message.value


def test_a_word_shows_an_image_for_each_character():
    pad = widgets.ReadingPad(FakeRecognizer(character("I"), character("L")), width=300, height=200)
    pad.replay(WORD)
    height, width = pixels(pad.picture.value).shape
    assert width == 2 * height


def test_an_empty_pad_invites_and_is_not_read():
    recognizer = FakeRecognizer()
    pad = widgets.ReadingPad(recognizer)
    invitation = pad.message.value
    pad.replay(STROKES)
    assert pad.replay([]) is None
    assert pad.message.value == invitation
    assert pixels(pad.picture.value).max() == 0
    assert len(recognizer.pages) == 1


def test_a_failure_is_one_line_in_the_widget_and_the_next_drawing_is_read():
    recognizer = FakeRecognizer()
    answer, recognizer.answer = recognizer.answer, RuntimeError("weights <missing>")
    pad = widgets.ReadingPad(recognizer)
    assert pad.replay(STROKES) is None
    assert "weights &lt;missing&gt;" in pad.message.value
    recognizer.answer = answer
    assert pad.replay(STROKES[:1]) is answer


def test_readings_never_overlap_and_the_last_drawing_wins():
    recognizer = FakeRecognizer()
    pad = widgets.ReadingPad(recognizer)
    busy, overlaps = threading.Lock(), []
    read = recognizer.read

    def slow_read(page, mode):
        overlaps.append(not busy.acquire(blocking=False))
        threading.Event().wait(0.01)
        busy.release()
        return read(page, mode)

    recognizer.read = slow_read
    drawings = [[[[10 * k, 10], [200, 200]]] for k in range(6)]
    threads = [threading.Thread(target=pad.replay, args=(drawing,)) for drawing in drawings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(overlaps)
    np.testing.assert_array_equal(recognizer.pages[-1], pad.pad.ink())


def test_one_character_stands_above_at_most_three_alternatives():
    others = [("9", 0.05), ("H", 0.03), ("A", 0.015), ("Y", 0.005)]
    shown = describe(reading(character("4", 0.9, alternatives=others)))
    assert [shown.count(f"<td>{char}</td>") for char in "49HAY"] == [1, 1, 1, 1, 0]
    assert "90 %" in shown


def test_several_characters_get_a_bar_each():
    shown = describe(reading(character("I", 0.6, alternatives=[("1", 0.4)]), character("L", 0.99)))
    assert ("<td>I</td>" in shown, "<td>L</td>" in shown, "<td>1</td>" in shown) == (True, True, False)
    assert "60 %" in shown


def test_text_cannot_become_markup():
    shown = describe(reading(character("<", alternatives=[("&", 0.1)]), character("b>")))
    assert "<b>" not in shown
    assert "&lt;b&gt;" in shown


@pytest.mark.parametrize("scale", [1, 3])
def test_png_pixels_are_squares_of_ink_on_paper(scale):
    stored = np.random.default_rng(0).integers(0, 256, (28, 28), dtype="uint8")
    np.testing.assert_array_equal(pixels(to_png(stored, scale)), np.kron(stored, np.ones((scale, scale))))
