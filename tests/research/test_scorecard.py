"""The scorecard: what it measures, on a little of it; the numbers themselves are in data/results."""

import hashlib
import io
import zipfile

import numpy as np
import pytest
from PIL import Image

from hcr_lib import datasets, pen
from hcr_lib._paths import shipped
from hcr_lib.recognizer import WEIGHTS, Recognizer
from hcr_lib.research import scorecard


def page(*boxes, shape=(60, 200)) -> Image.Image:
    picture = np.full(shape, 255, "uint8")
    for x0, y0, x1, y1 in boxes:
        picture[y0:y1, x0:x1] = 0
    return Image.fromarray(picture)


def test_pen_drawings_come_one_by_one_upright_and_on_the_pad(tmp_path):
    # A 7 of two strokes, and a dot; in a UNIPEN file y grows upwards.
    points = np.array([[0, 100], [50, 100], [20, 0], [10, 50], [40, 50], [7, 7]], "int32")
    offsets = {"stroke_offsets": [0, 3, 5, 6], "char_offsets": [0, 2, 3]}
    np.savez(tmp_path / "pen.npz", points=points, **offsets, labels=["7", "."], writer=[1, 2])
    (seven, strokes), (dot, [point]) = scorecard.pen_drawings(tmp_path / "pen.npz")
    assert (seven, dot) == ("7", ".")
    assert [len(stroke) for stroke in strokes] == [3, 2]
    assert strokes[0][0, 1] < strokes[1][0, 1] < strokes[0][2, 1], "the top of the 7 is on top"
    assert pen.bounds(strokes)[1::2] == (60, 340)
    assert point.tolist() == [[200, 200]]


def test_marks_are_those_of_people_never_trained_on_and_as_large_as_written(tmp_path):
    # A full stop and a bracket of somebody to judge by, a letter of theirs, and a comma of somebody to learn from.
    np.savez(
        tmp_path / "unipen_chars.npz", points=np.array([[0, 0], [0, 20], [0, 500], [0, 0], [0, 9], [3, 3]], "int16"),
        stroke_offsets=[0, 1, 3, 4, 6], sample_offsets=[0, 1, 2, 3, 4], labels=np.array(list(".(a,")),
        writer=np.array([7, 7, 7, 8]), split=np.array(["dev", "dev", "dev", "train"]),
    )  # fmt: skip
    (stop, [point]), (bracket, [stroke]) = scorecard.mark_drawings(tmp_path)
    assert (stop, bracket) == (".", "(")
    assert point.tolist() == [[200, 200]]
    assert np.ptp(stroke[:, 1]) == pytest.approx(280 * 480 / 500)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (page((20, 15, 40, 45), (60, 15, 80, 45)), True),
        (page((20, 15, 40, 45), (60, 0, 80, 45)), False),
        (page((0, 15, 20, 45), (60, 15, 80, 45)), False),
        (page((20, 5, 40, 20), (60, 5, 80, 20), (20, 40, 40, 55)), False),
    ],
    ids=["a line", "cut above", "cut at the side", "two lines"],
)
def test_holds_only_the_name(picture, expected):
    assert scorecard.holds_only_the_name(picture) == expected


def test_pictures_in_a_zip_come_with_their_row(tmp_path):
    buffer = io.BytesIO()
    page((20, 15, 40, 45)).save(buffer, "PNG")
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as file:
        file.writestr("b.png", buffer.getvalue())
        file.writestr("a.png", buffer.getvalue())
        file.writestr("labels.csv", "file,text\na.png,é\n")
        file.writestr("notes.txt", "no picture")
    found = [(name, picture.size, row) for name, picture, row in scorecard.pictures_in(tmp_path / "words.zip")]
    assert found == [("a.png", (200, 60), {"file": "a.png", "text": "é"}), ("b.png", (200, 60), {})]


class TestScorecard:
    def test_characters_are_scored_by_accuracy_with_its_interval(self, capsys):
        card, sample = scorecard.Scorecard(), datasets.load("bundled", "test").sample(60, np.random.default_rng(0))
        card.characters("synthetic", sample.images, sample.chars, "alnum")
        [row] = card.rows
        assert (row["set"], row["alphabet"], row["count"], row["measure"]) == ("synthetic", "alnum", 60, "accuracy")
        assert 0.6 < row["score"] <= 1
        assert 0 <= row["low"] < row["score"] <= row["high"] <= 1
        assert "synthetic" in capsys.readouterr().out

    def test_characters_that_the_alphabet_lacks_are_passed_over(self):
        card, sample = scorecard.Scorecard(), datasets.load("bundled", "test").sample(60, np.random.default_rng(0))
        card.characters("synthetic", sample.images, sample.chars, "digits")
        assert card.rows[0]["count"] == sum(char.isdigit() for char in sample.chars)

    def test_each_alphabet_gets_the_answers_that_it_gets_on_the_command_line(self):
        card, sample = scorecard.Scorecard(), datasets.load("bundled", "test").sample(40, np.random.default_rng(0))
        capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        card.characters("synthetic", sample.images, sample.chars, ("letters", capitals), "byclass")
        for row, chosen in zip(card.rows, (np.isin(sample.chars, list(capitals)), np.full(40, True)), strict=False):
            reader, shown = Recognizer.load(row["alphabet"]), sample.take(chosen)
            read = [reading.text for reading in reader.read_all(shown.images, mode="char")]
            assert row["score"] == pytest.approx(np.mean(read == shown.chars), abs=1e-4)

    def test_answers_in_62_classes_are_also_counted_with_cases_merged(self, monkeypatch):
        card = scorecard.Scorecard()
        monkeypatch.setattr(card, "singles", lambda *_: ["o", "a", "A", "7", ""])  # a and A are two of NIST's 47
        card.characters("drawn", [page((20, 15, 40, 45))] * 5, list("OAA7x"), "byclass")
        assert {row["alphabet"]: row["score"] for row in card.rows} == {
            "byclass": 0.4,
            "byclass, counted as balanced": 0.6,
            "byclass, counted as alnum": 0.8,
        }
        assert scorecard.table(card.rows) == scorecard.table(card.rows[:1])

    def test_what_cannot_be_read_counts_as_wrong(self):
        card = scorecard.Scorecard()
        card.texts("blank", [page()] * 3, ["A-b", "cd", "e"], "alnum")
        assert {(row["score"], row["count"]) for row in card.rows} == {(1, 3)}
        card.characters("blank", [page((20, 15, 22, 45)), page()], ["1", "1"], "digits")
        assert (card.rows[-1]["score"], card.rows[-1]["count"]) == (0.5, 2)

    def test_words_are_read_by_each_reader_and_with_each_lexicon(self, monkeypatch):
        asked, card = [], scorecard.Scorecard(limit=2)
        monkeypatch.setattr(card, "read", lambda *how: asked.append(how) or ["a b", "C"])
        card.texts("words", ["1", "2", "3"], ["A.b", "d", "left out"], "alnum")
        known = [(row["lexicon"], row["reader"]) for row in card.rows]
        assert known == [(each, reader) for each in (None, "english") for reader in ("cut", "line", "auto")]
        for (pictures, alphabet, mode, words, reader), (lexicon, named) in zip(asked, known, strict=True):
            assert (pictures, alphabet, mode, reader) == (["1", "2"], "alnum", "word", named)
            assert bool(words) == bool(lexicon)
        assert {row["score"] for row in card.rows} == {0.3333}, "blanks and marks do not count"

    def test_in_lines_blanks_and_marks_count_but_not_where_they_were_broken(self, monkeypatch):
        card = scorecard.Scorecard()
        monkeypatch.setattr(card, "read", lambda *_: ["to\nbe, or", "nt"])
        card.texts("lines", ["1", "2"], ["To be or", "n t"], "text", "page")
        assert {row["score"] for row in card.rows} == {0.1818}


def test_the_interval_of_an_error_rate_is_one_of_people():
    truth, read = ["abcd"] * 100, ["abcd"] * 50 + ["xyzw"] * 50
    low, high = scorecard.error_interval(truth, read)
    assert 0.38 < low < 0.45 < 0.55 < high < 0.62, "a hundred texts are many"
    two = scorecard.error_interval(truth, read, ["7"] * 50 + ["8"] * 50)
    assert two == (0, 1), "but they may be those of two people only"
    shared = scorecard.error_interval(truth, read, ["7", "8"] * 50)
    assert shared == (0.5, 0.5), "who were read alike"


def test_the_table_shows_the_worst_of_three_widths():
    row = {"alphabet": "alnum", "count": 1200, "low": 0.8, "high": 0.9, "measure": "accuracy"}
    rows = [{**row, "set": f"real pens, {width}", "score": score} for width, score in [("thin", 0.9), ("thick", 0.85)]]
    rows.append({**row, "set": "words", "score": 0.1, "measure": "character error rate"})
    assert scorecard.table(rows).splitlines()[2:] == [
        "| real pens, worst of three widths | alnum | 1,200 | 85.0 % | 80.0 % to 90.0 % |",
    ]


def test_the_table_of_lines_has_a_column_for_each_reader():
    row = {"set": "words", "alphabet": "alnum", "count": 1200, "measure": "character error rate"}
    rows = [
        {**row, "reader": reader, "lexicon": lexicon, "score": score, "low": score - 0.01, "high": score + 0.02}
        for lexicon, scores in ((None, (0.7, 0.1, 0.095)), ("english", (0.6, 0.08, 0.07)))
        for reader, score in zip(("cut", "line", "auto"), scores, strict=True)
    ]
    rows.append({**row, "score": 0.9, "low": 0.8, "high": 1, "measure": "accuracy"})
    assert scorecard.lines_table(rows).splitlines()[2:] == [
        "| words | alnum | none | 1,200 | 70.0 % | 10.0 % | 9.5 % | 8.5 % to 11.5 % |",
        "| words | alnum | english | 1,200 | 60.0 % | 8.0 % | 7.0 % | 6.0 % to 9.0 % |",
    ]


CHARACTERS, LINES = {"set": "a", "measure": "accuracy"}, {"set": "b", "measure": "character error rate"}
OLD = {"weights": "0ld", "rows": [CHARACTERS | {"weights": {WEIGHTS: "0ld"}}, LINES | {"weights": {}}]}
SHIPPED = hashlib.sha256(shipped(WEIGHTS).read_bytes()).hexdigest()


class TestTogether:
    def test_all_rows_are_new(self):
        found = scorecard.together([CHARACTERS, LINES], None, OLD)
        assert found["weights"] == SHIPPED
        assert [sorted(row["weights"]) for row in found["rows"]] == [[WEIGHTS], ["line_reader.tflite", WEIGHTS]]
        assert found["rows"][0]["weights"] == {WEIGHTS: SHIPPED}

    def test_lines_leave_the_characters_and_their_weights(self):
        found = scorecard.together([LINES], "lines", OLD)
        assert found["weights"] == "0ld"
        assert found["rows"][0] == OLD["rows"][0]
        assert found["rows"][1]["weights"][WEIGHTS] == SHIPPED

    def test_characters_leave_the_lines(self):
        found = scorecard.together([CHARACTERS], "characters", OLD)
        assert found["weights"] == SHIPPED
        assert found["rows"] == [CHARACTERS | {"weights": {WEIGHTS: SHIPPED}}, OLD["rows"][1]]


def test_other_weights_never_meet_a_test_split_and_leave_no_record(monkeypatch, tmp_path):
    asked, other = [], tmp_path / "other.tflite"
    other.write_bytes(shipped(WEIGHTS).read_bytes())
    little = datasets.load("bundled", "val")
    monkeypatch.setattr(scorecard, "load", lambda name, part, data_dir: asked.append(part) or little)
    monkeypatch.setattr(scorecard.mixed_emnist, "load", lambda data_dir, part, **_: asked.append(part) or little)
    monkeypatch.setattr(scorecard, "user_data_dir", lambda: tmp_path)
    monkeypatch.setattr(scorecard, "pen_drawings", lambda path: [])
    monkeypatch.setattr(scorecard, "mark_drawings", lambda path: [])
    monkeypatch.setattr(scorecard, "pictures_in", lambda path: [])
    monkeypatch.setattr(scorecard, "_measure_lines", lambda *_: None)
    for judged in ("characters", "texts"):
        monkeypatch.setattr(scorecard.Scorecard, judged, lambda *_: None)
    monkeypatch.setattr(scorecard.manifest, "record", lambda *_, **__: pytest.fail("a record was written"))
    scorecard.main(["--weights", str(other)])
    assert set(asked) == {"val"}
    asked.clear()
    scorecard.main(["--weights", str(other), "--only", "lines"])
    assert not asked


@pytest.mark.real_data
def test_real_handwriting_is_read_about_as_well_as_the_record_says(real_data):
    """A few pictures of each set: enough to notice a reader that has gone wrong, not to judge it."""
    rows = [*scorecard.measure(real_data, 8, only="characters"), *scorecard.measure(real_data, 3, only="lines")]
    assert {row["measure"] for row in rows} == {"accuracy", "character error rate"}
    accuracy = [row["score"] for row in rows if row["measure"] == "accuracy"]
    errors = [row["score"] for row in rows if row.get("reader") == "auto"]
    assert np.mean(accuracy) > 0.75
    assert np.mean(errors) < 0.25
    assert all(0 < row["count"] <= 8 for row in rows)
