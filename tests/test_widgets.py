"""The pads without a browser: strokes in, plain answers out. They are drawn on in test_browser_pad.py."""

import base64
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from traitlets import TraitError

from hcr_lib import datasets, handwriting, images, pen, widgets
from hcr_lib.labels import ALNUM, BYCLASS
from hcr_lib.recognizer import Recognizer
from hcr_lib.widgets._engine import LARGEST, MOST_POINTS

STROKES = [[[100, 50], [60, 220], [240, 220]], [[200, 60], [200, 350]]]  # a 4
WORD = [[[40, 30], [40, 170]], [[140, 30], [140, 170], [220, 170]]]  # an I and an L


IMAGE = images.to_mnist(pen.render(STROKES))


def character(char, confidence=0.9, alternatives=(), box=(0, 0, 9, 9)):
    return SimpleNamespace(char=char, confidence=confidence, alternatives=list(alternatives), image=IMAGE, box=box)


def reading(*characters):
    text = "".join(one.char for one in characters)
    confidence = min(one.confidence for one in characters)
    return SimpleNamespace(text=text, confidence=confidence, characters=list(characters), reader="cut")


class FakeRecognizer:
    """Answers as told, and remembers what it was asked."""

    classes = ALNUM

    def __init__(self, *characters):
        self.answer = reading(*(characters or [character("4")]))
        self.pages, self.modes, self.predicted = [], [], []

    def predict(self, stored):
        self.predicted.append(stored)
        return np.full((len(stored), 36), 1 / 36, "float32")

    def read_ink(self, page, mode="auto", reader="auto"):
        self.pages.append(page)
        self.modes.append(mode)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def reading_pad(*characters, mode="char", **settings):
    """A pad whose recognizer has forgotten its warm-up."""
    recognizer = FakeRecognizer(*characters)
    pad = widgets.ReadingPad(recognizer, mode, **settings)
    recognizer.pages.clear()
    recognizer.modes.clear()
    return pad


def seen(pad):
    """The picture of what the network sees, as the browser gets it."""
    shown = pad.answer["seen"]
    return np.frombuffer(base64.b64decode(shown["ink"]), "uint8").reshape(shown["height"], shown["width"])


def tell(pad, op="draw", number=1, **message):
    """Send a message as a browser would, and return the answer."""
    pad._handle_custom_msg({"op": op, "number": number, **message}, [])
    return pad.answer


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
    square = reading_pad()
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
    for label in ("", "/", "ä", "naïve", "A\n"):
        with pytest.raises(ValueError, match="must be"):
            pad.save(tmp_path / "own", label)
    assert not list(tmp_path.iterdir())


# --- messages of the browser


def test_strokes_arrive_once_and_undo_sends_none():
    pad = widgets.DrawingPad()
    seen = []
    pad.observe(lambda change: seen.append(change["new"]), names="strokes")
    tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0])
    tell(pad, session="a", more=[[1, STROKES[1][:1]]], drawing=[0, 1], settled=False)
    tell(pad, session="a", more=[[1, STROKES[1][1:]]], drawing=[0, 1])
    tell(pad, session="a", more=[], drawing=[0])
    answer = tell(pad, session="a", more=[], drawing=[0, 1], number=9)  # redo
    assert answer == {"number": 9}
    assert seen == [STROKES[:1], [STROKES[0], STROKES[1][:1]], STROKES, STROKES[:1], STROKES]


def test_a_browser_that_is_out_of_step_is_asked_for_everything():
    pad = widgets.DrawingPad()
    tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0])
    for message in ({"more": [[5, [[1, 1]]]], "drawing": [5]}, {"more": [], "drawing": [1]}):
        assert tell(pad, session="a", **message)["again"]
        assert tell(pad, session="new kernel", more=[], drawing=[0])["again"]
        assert pad.strokes == STROKES[:1]
        tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0])


def test_what_was_drawn_in_the_browser_is_not_sent_back_to_it(monkeypatch):
    pad = widgets.DrawingPad()
    sent = []
    monkeypatch.setattr(pad, "_send", lambda message, buffers=None: sent.append(message))
    tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0], half_width=7)
    assert [list(message["state"]) for message in sent] == [["answer"]]
    assert (pad.strokes, pad.half_width) == (STROKES[:1], 7)
    pad.replay(STROKES)
    assert sent[-1]["state"] == {"strokes": STROKES}


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"more": [[0, [[5, 5]] * (MOST_POINTS + 1)]], "drawing": [0]}, "5,001 points, more than the 5,000"),
        ({"more": [[0, [[5, float("nan")]]]], "drawing": [0]}, "points must lie within"),
        ({"more": [[0, [[5, 1e9]]]], "drawing": [0]}, "points must lie within"),
        ({"more": [[k, [[5, 5]] * 4000] for k in range(7)], "drawing": [0]}, "keeps at most 25,000 points"),
        ({"more": [], "drawing": [], "half_width": 1e6}, "half_width"),
        ({"op": "fly"}, "cannot do 'fly'"),
        ({"op": "mode", "mode": "poem"}, "mode"),
        ({"op": "correct", "letter": 7, "char": "A"}, "expected a letter on the pad"),
        ({"op": "save", "label": "A"}, "the pad is empty"),
    ],
)
def test_what_cannot_be_done_is_said_in_the_answer_and_changes_nothing(message, words):
    pad = reading_pad()
    answer = tell(pad, **{"session": "a", "number": 3, **message})
    assert answer["number"] == 3
    assert words in answer["error"]
    assert (pad.strokes, pad.mode, pad.half_width) == ([], "char", pen.HALF_WIDTH)
    assert tell(pad, session="b", more=[[0, STROKES[0]]], drawing=[0])["error"] == ""


# --- the pad that reads


def test_stored_strokes_take_the_path_of_drawn_ones():
    pad = reading_pad(mode="word")
    assert pad.replay(STROKES) is pad.recognizer.answer is pad.reading
    assert pad.strokes == STROKES
    np.testing.assert_array_equal(pad.recognizer.pages[0], pen.render(STROKES))
    assert pad.recognizer.modes == ["word"]
    drawn = reading_pad(mode="word")
    answer = tell(drawn, session="a", more=[[0, STROKES[0]], [1, STROKES[1]]], drawing=[0, 1])
    assert answer == {**pad.answer, "number": 1}
    np.testing.assert_array_equal(drawn.recognizer.pages[0], pad.recognizer.pages[0])


def test_the_network_is_warm_before_the_first_stroke():
    recognizer = FakeRecognizer()
    widgets.ReadingPad(recognizer, "char")
    assert [stored.shape for stored in recognizer.predicted] == [(1, 28, 28)]
    assert recognizer.pages == []
    widgets.ReadingPad(recognizer, "word")
    assert recognizer.modes == ["word"]


def test_the_image_shown_is_the_one_the_network_sees():
    pad = reading_pad()
    pad.replay(STROKES)
    np.testing.assert_array_equal(seen(pad), IMAGE)


@pytest.mark.parametrize(("mode", "strokes"), [("char", STROKES), ("word", WORD), ("auto", STROKES), ("auto", WORD)])
def test_with_the_real_recognizer_too(mode, strokes):
    shown = []

    def network(stored):
        shown.extend(stored)
        return np.eye(62, dtype="float32")[np.zeros(len(stored), int)]  # without an idea it would see no writing

    pad = widgets.ReadingPad(Recognizer(network, {"classes": BYCLASS}, "alnum"), mode)
    found = pad.replay(strokes).characters
    assert len(found) == (1 if strokes is STROKES else 2)
    if pad.reading.reader == "cut":
        for image in np.hsplit(seen(pad), len(found)):
            assert any(np.array_equal(image, stored) for stored in shown)
    else:
        assert len(seen(pad)) == images.LINE_HEIGHT
    assert pad.answer["reading"] == pad.reading.text


def test_an_empty_pad_is_not_read():
    pad = reading_pad(mode="word")
    pad.replay(STROKES)
    assert pad.replay([]) is None
    assert (pad.answer["reading"], pad.answer["letters"], pad.answer["seen"]) == ("", [], None)
    assert len(pad.recognizer.pages) == 1


def test_a_failure_is_one_line_in_the_widget_and_the_next_drawing_is_read():
    pad = reading_pad(mode="word")
    answer, pad.recognizer.answer = pad.recognizer.answer, RuntimeError("weights <missing>")
    assert pad.replay(STROKES) is None
    assert pad.answer["error"] == "weights <missing>"
    pad.recognizer.answer = answer
    assert pad.replay(STROKES[:1]) is answer
    assert pad.answer["error"] == ""


def test_readings_never_overlap_and_the_last_drawing_wins():
    pad = reading_pad(mode="word")
    busy, overlaps = threading.Lock(), []
    read = pad.recognizer.read_ink

    def slow_read(page, mode):
        overlaps.append(not busy.acquire(blocking=False))
        threading.Event().wait(0.01)
        busy.release()
        return read(page, mode)

    pad.recognizer.read_ink = slow_read
    drawings = [[[[10 * k, 10], [200, 200]]] for k in range(6)]
    threads = [threading.Thread(target=pad.replay, args=(drawing,)) for drawing in drawings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not any(overlaps)
    np.testing.assert_array_equal(pad.recognizer.pages[-1], pad.ink())


def test_a_letter_that_is_corrected_stays_so_while_more_is_drawn():
    one, other = character("I", 0.6, [("1", 0.4)], (30, 20, 50, 180)), character("C", 0.9, [], (130, 20, 230, 180))
    pad = reading_pad(one, other, mode="word")
    tell(pad, session="a", more=[[0, WORD[0]], [1, WORD[1]]], drawing=[0, 1])
    answer = tell(pad, "correct", letter=1, char="L")
    assert (answer["reading"], answer["letters"][1]["rivals"]) == ("IL", [["C", 0.9]])
    moved = character("C", 0.8, [("G", 0.1)], (128, 20, 236, 184))
    pad.recognizer.answer = reading(one, moved, character("L", box=(300, 20, 380, 180)))
    answer = tell(pad, session="a", more=[[2, [[300, 30], [300, 170]]]], drawing=[0, 1, 2])
    assert answer["reading"] == "ILL"
    tell(pad, session="a", more=[], drawing=[])
    assert tell(pad, session="a", more=[], drawing=[0, 1])["reading"] == "ICL", "another drawing"


def test_words_are_offered_and_taken_and_the_pad_is_free_for_the_next():
    pad = reading_pad(*map(character, "TH"), mode="word")
    answer = tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0])
    assert answer["completions"][0] == "THE"
    answer = tell(pad, "take", word="THE", completes=True)
    assert (answer["text"], pad.text, pad.strokes, answer["reading"]) == ("THE ", "THE ", [], "")
    following = answer["following"]
    assert len(following) == 3
    answer = tell(pad, "take", word=following[0], completes=False)
    assert answer["text"] == f"THE {following[0]} "
    tell(pad, session="a", more=[], drawing=[0])
    assert tell(pad, "accept")["text"] == f"THE {following[0]} TH "
    assert tell(pad, "text", text="of ")["following"][0] == "THE"


def test_characters_become_a_word():
    pad = reading_pad(character("H"))
    answer = tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0])
    assert "completions" not in answer, "the words are not loaded where nobody collects a text"
    tell(pad, "accept")
    answer = tell(pad, session="a", more=[], drawing=[0])
    assert all(word.startswith("HH") for word in answer["completions"])
    assert tell(pad, "accept")["text"] == "HH"


def test_a_drawing_is_saved_by_its_button(tmp_path):
    pad = reading_pad(save_to=tmp_path / "own", writer="ada")
    tell(pad, session="a", more=[[0, STROKES[0]], [1, STROKES[1]]], drawing=[0, 1])
    assert tell(pad, "save", label="4")["saved"].endswith("0001.png")
    assert "".join(datasets.load(tmp_path / "own", "all").chars) == "4"
    assert "label must be one of" in tell(pad, "save", label="")["error"]


def test_a_word_is_saved_as_strokes_and_read_again(tmp_path):
    recognizer = Recognizer.load("alnum")
    pad = widgets.ReadingPad(recognizer, "word", width=800, height=200, half_width=6, save_to=tmp_path / "own")
    pad.show_strokes(handwriting.write("green", handwriting.writer(0), np.random.default_rng(1)))
    assert pad.reading.text == "GREEN"
    for label in ("green", "7"):
        assert "saved as" in tell(pad, "save", label=label)["saved"]
    [word] = datasets.read_drawings(tmp_path / "own.jsonl")
    assert (word.text, word.half_width, len(word.strokes)) == ("green", 6, len(pad.strokes))
    assert recognizer.read_ink(word.ink(), "word").text == "GREEN"
    assert "".join(datasets.load(tmp_path / "own", "all").chars) == "7", "a folder of pictures stays one"


@pytest.mark.parametrize("mode", ["char", "word"])
def test_a_sample_is_read(mode):
    pad = widgets.ReadingPad(Recognizer.load("alnum"), mode, seed=0)
    assert tell(pad, "sample")["reading"] == pad.reading.text != ""
    assert pad.strokes


def test_the_mode_can_be_changed_and_the_drawing_is_read_again():
    pad = reading_pad()
    pad.replay(STROKES)
    assert tell(pad, "mode", mode="word")["mode"] == "word"
    assert pad.recognizer.modes[-1] == "word"


def test_several_characters_are_asked_for_only_when_the_pen_is_lifted():
    pad = reading_pad()
    tell(pad, session="a", more=[[0, STROKES[0]]], drawing=[0], settled=False)
    assert pad.recognizer.modes == ["char"]
    assert not pad.answer["settled"]
    tell(pad, session="a", more=[], drawing=[0], settled=True)
    assert pad.recognizer.modes == ["char", "char", "auto"]
    assert pad.answer["settled"]


def test_the_pen_of_a_low_pad_is_thin():
    low = {"mode": "word", "width": 800, "height": 200}
    assert reading_pad().half_width == pen.HALF_WIDTH
    assert reading_pad(**low).half_width == pen.HALF_WIDTH / 2
    assert reading_pad(**low, half_width=9).half_width == 9
