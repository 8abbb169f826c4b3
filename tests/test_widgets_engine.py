"""What a pad says of drawings, with the reader that ships and synthetic hands."""

import numpy as np
import pytest

from hcr_lib import handwriting, pen
from hcr_lib.recognizer import Recognizer
from hcr_lib.widgets import _engine

SHAPE = (400, 400)
PEN = {"shape": SHAPE, "half_width": 10.0}


@pytest.fixture(scope="module")
def reader():
    return Recognizer.load("alnum")


def arc(x, y, width, height, start=0, end=360):
    angles = np.radians(np.arange(start, end + 1, 10))
    return np.stack([x + width * np.cos(angles), y + height * np.sin(angles)], axis=1).tolist()


def written(text, hand=0):
    strokes = handwriting.write(text, handwriting.writer(hand), np.random.default_rng(1))
    return [stroke.tolist() for stroke in pen.scale_to(strokes, 400, 40)]


FACE = [arc(200, 200, 130, 150), arc(150, 150, 15, 15), arc(250, 150, 15, 15), arc(200, 240, 60, 40, 20, 160)]


@pytest.mark.parametrize("text", ["CAT", "12", "HI", "AB"])
def test_several_characters_are_called_so(reader, text):
    found = _engine.guess(reader, written(text), mode="char", **PEN)
    assert found.notice.startswith(f"That looks like several characters: {text}.")
    assert _engine.guess(reader, written(text), mode="word", **PEN).text == text


@pytest.mark.parametrize("char", "B7KS4")
def test_one_character_is_read_and_nothing_is_said(reader, char):
    for hand in (0, 9):
        found = _engine.guess(reader, written(char, hand), mode="char", **PEN)
        assert (found.text, found.notice) == (char, "")
        assert found.seen.shape == (28, 28)


@pytest.mark.parametrize("mode", ["char", "word", "auto"])
def test_a_face_and_a_dot_are_no_writing(reader, mode):
    assert "looks like no letter" in _engine.guess(reader, FACE, mode=mode, **PEN).notice
    for dot in ([[[100, 100]]], [[[100, 100], [104, 103], [99, 98]]]):
        assert _engine.guess(reader, dot, mode=mode, **PEN).notice.startswith("A dot.")
    assert _engine.guess(reader, [[[900, 900], [990, 990]]], mode=mode, **PEN).notice == "The drawing lies off the pad."


def test_no_drawing_is_no_guess(reader):
    assert _engine.guess(reader, [], mode="char", **PEN) == _engine.Guess()


def test_a_joined_word_is_shown_as_the_line_that_the_network_sees(reader):
    strokes = written("lemon", 3)
    found = _engine.guess(reader, strokes, mode="word", **PEN)
    assert found.text == "LEMON"
    assert len(found.letters) == 5
    edges = [letter["box"][0] for letter in found.letters]
    assert edges == sorted(edges)
    plain = found.to_dict()
    assert (plain["reading"], plain["seen"]["height"]) == ("LEMON", len(found.seen))


def test_boxes_are_in_pixels_of_the_pad(reader):
    [letter] = _engine.guess(reader, written("B"), mode="char", **PEN).letters
    x0, y0, x1, y1 = pen.bounds(written("B"))
    np.testing.assert_allclose(letter["box"], [x0 - 10, y0 - 10, x1 + 10, y1 + 10], atol=2)


def test_too_many_points_are_refused_in_one_sentence(reader):
    with pytest.raises(ValueError, match=r"more than the 5,000 that are read\. Undo, or clear the pad\."):
        _engine.guess(reader, [[[k % 400, 5] for k in range(5001)]], mode="char", **PEN)


def test_corrections_keep_the_spaces_of_lines():
    letters = [{"char": char, "share": 0.5, "box": [k, 0, k + 1, 9], "rivals": []} for k, char in enumerate("ABC")]
    found = _engine.corrected(_engine.Guess("A B\nC", letters=letters), [([1, 0, 2, 9], "8"), ([7, 0, 8, 9], "X")])
    assert found.text == "A 8\nC"
    assert found.letters[1]["rivals"] == [["B", 0.5]]
    assert letters[1]["char"] == "B", "the guess itself stays as it was"


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        (_engine.Text("", "", True), "now "),
        (_engine.Text("right ", "", True), "right now "),
        (_engine.Text("right ", "no", True), "right now "),
        (_engine.Text("right no", "w"), "right now "),
    ],
)
def test_a_word_is_put_in_the_place_of_its_beginning(text, completed):
    assert text.completed("now") == completed


def test_an_empty_text_has_nothing_to_go_on_with():
    assert _engine.Text("", "", True).completions() == _engine.Text("", "", True).following() == []


def test_while_the_pen_moves_nothing_is_said(reader):
    for drawing in (FACE, [[[100, 100]]], written("CAT")):
        assert _engine.guess(reader, drawing, mode="char", settled=False, **PEN).notice == ""


@pytest.mark.parametrize("mode", ["char", "word", "auto", "page"])
def test_every_scribble_has_an_answer(reader, mode):
    rng = np.random.default_rng(0)
    for number in range(12):
        strokes = [np.cumsum(rng.normal(0, 40, (9, 2)), axis=0) + 200 for _ in range(1 + number % 4)]
        found = _engine.guess(reader, [stroke.tolist() for stroke in strokes], mode=mode, **PEN)
        assert found.text or found.notice
        assert found.to_dict()["letters"] == found.letters
