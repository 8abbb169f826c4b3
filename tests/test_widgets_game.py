"""The drawing game without a browser."""

from collections import Counter

import numpy as np
import pytest

from hcr_lib import datasets, metrics, pen, widgets
from hcr_lib.labels import ALNUM, DIGITS
from hcr_lib.recognizer import Recognizer
from hcr_lib.widgets._game import LIMIT, Game

SEVEN = [[[110, 90], [290, 90], [180, 330]]]
ONE = [[[200, 60], [200, 340]]]


@pytest.fixture(scope="module")
def reader():
    return Recognizer.load("digits")


def tell(pad, op, **message):
    pad._handle_custom_msg({"op": op, "number": 1, **message}, [])
    return pad.answer


def play(pad, strokes, seconds=2.0):
    tell(
        pad,
        "draw",
        session=object(),
        more=[[k, stroke] for k, stroke in enumerate(strokes)],
        drawing=[*range(len(strokes))],
    )
    return tell(pad, "game", act="judge", seconds=seconds)["game"]


def test_every_character_is_asked_for_as_often_in_random_order():
    orders = []
    for seed in (0, 0, 1):
        game, order = Game(DIGITS, ALNUM, 20, np.random.default_rng(seed)), []
        while game.asked:
            order.append(game.asked)
            game.judge("1", 1.0, ONE, 10.0, pen.render(ONE))
        assert Counter(order) == dict.fromkeys(DIGITS, 2)
        orders.append(order)
    assert orders[0] == orders[1] != orders[2]


def test_what_is_skipped_comes_again():
    game = Game("12", ALNUM, 2, np.random.default_rng(0))
    first = game.asked
    game.skip()
    assert game.asked != first
    game.judge("1", 1.0, ONE, 10.0, pen.render(ONE))
    assert game.asked == first
    assert (game.skipped, len(game.turns)) == (1, 1)


def test_points_are_for_what_is_right_and_quick():
    game = Game("1", ALNUM, 4, np.random.default_rng(0))
    turns = [
        game.judge(read, seconds, ONE, 10.0, pen.render(ONE))
        for read, seconds in [("1", 0.2), ("1", 4.9), ("1", 60), ("7", 1)]
    ]
    assert [turn.points for turn in turns] == [20, 16, 10, 0]
    assert (game.points, game.right) == (46, 3)


def test_its_data_set_and_its_table_are_of_the_same_drawings(reader, tmp_path):
    pad = widgets.DrawingGame(reader, "71", turns=4, seed=0, save_to=tmp_path / "mine.jsonl", writer="ada")
    assert tell(pad, "game", act="start")["game"]["ask"] in {*"71"}
    for _ in range(4):
        shown = play(pad, ONE)
        assert pad.strokes == [], "the pad is free for the next"
    assert (shown["ask"], shown["played"], shown["right"]) == ("", 4, 2)
    own, table = pad.game.dataset("ada"), pad.game.confusion()
    assert table.to_numpy().sum() == 4
    assert table.loc["7", "1"] == table.loc["1", "1"] == 2
    found = reader.predict(own.images, normalised=True).argmax(axis=1)
    np.testing.assert_array_equal(metrics.confusion(own.labels, found, len(own.classes)), table)
    assert "Added 4 drawings" in tell(pad, "game", act="save")["game"]["last"]
    saved = datasets.load(tmp_path / "mine.jsonl", "all")
    assert Counter(saved.chars.tolist()) == Counter(own.chars.tolist()) == {"7": 2, "1": 2}
    assert {*saved.writers} == {"ada"}


def test_what_could_be_no_character_does_not_count(reader):
    pad = widgets.DrawingGame(reader, "7", turns=2, seed=0)
    tell(pad, "game", act="start")
    for strokes in ([], [[[100, 100]]]):
        shown = play(pad, strokes)
        assert (shown["played"], shown["ask"]) == (0, "7")
        assert "comes again" in shown["last"]
    assert play(pad, SEVEN, seconds=LIMIT)["right"] == 1


def test_nobody_helps(reader):
    pad = widgets.DrawingGame(reader, "7", turns=1, seed=0)
    tell(pad, "game", act="start")
    tell(pad, "draw", session="a", more=[[0, ONE[0]]], drawing=[0])
    for help in ({"op": "sample"}, {"op": "correct", "letter": 0, "char": "7"}):
        assert "expected a drawing" in tell(pad, **help)["error"]
    assert (pad.strokes, pad.guess.text) == (ONE, "1")


def test_before_it_is_started_nothing_counts(reader, tmp_path):
    pad = widgets.DrawingGame(reader, "7", turns=1, seed=0, save_to=tmp_path / "mine.jsonl")
    assert play(pad, SEVEN)["played"] == 0
    assert "Play first" in tell(pad, "game", act="save")["error"]
    assert "act must be" in tell(pad, "game", act="cheat")["error"]
    assert len(pad.game.dataset()) == pad.game.confusion().to_numpy().sum() == 0
    assert repr(pad) == "DrawingGame (run this cell to draw)"


@pytest.mark.parametrize(("chars", "turns"), [("", 3), ("?", 3), ("a", 3), ("7", 0)])
def test_it_asks_only_for_what_can_be_read(reader, chars, turns):
    with pytest.raises(ValueError, match="letters and digits that the reader knows"):
        widgets.DrawingGame(reader, chars, turns)
