"""Strokes in a file of lines: what goes in comes out, what does not fit is named by its line."""

import datetime
import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import datasets, images, pen
from hcr_lib.labels import BYCLASS

BAR = [[[200, 80], [200, 320]]]
points = st.lists(st.tuples(*[st.integers(0, 4000).map(lambda tenth: tenth / 10)] * 2), min_size=1, max_size=5)


@given(
    st.lists(
        st.tuples(
            st.lists(points, min_size=1, max_size=3),
            st.sampled_from([*BYCLASS, "garden", "Dear Anna,", "10:45"]),
            st.none() | st.text(st.characters(codec="utf-8"), min_size=1),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_drawings_come_back_as_they_were(tmp_path_factory, drawings):
    path = tmp_path_factory.mktemp("own") / "drawings.jsonl"
    for strokes, text, writer in drawings:
        assert datasets.save_drawing(str(path), strokes, text, writer, half_width=6) == path
    found = datasets.read_drawings(path)
    assert [(drawing.text, drawing.writer, drawing.half_width) for drawing in found] == [
        (text, writer, 6) for _, text, writer in drawings
    ]
    for drawing, (strokes, _, _) in zip(found, drawings, strict=True):
        assert [stroke.tolist() for stroke in drawing.strokes] == [list(map(list, stroke)) for stroke in strokes]


def test_they_load_as_images_with_characters_writers_and_origins(tmp_path):
    path = tmp_path / "drawings.jsonl"
    datasets.save_drawing(path, BAR, "1", "ada")
    datasets.save_drawing(path, BAR, "l")
    own = datasets.load(path, "all")
    assert (own.chars.tolist(), own.writers.tolist(), own.classes) == (["1", "l"], ["ada", "unknown"], BYCLASS)
    assert own.origin(1) == f"{path}, image 1"
    assert np.array_equal(own.images[0], images.to_mnist(255 - np.uint8(255 * pen.render(BAR))))
    assert sum(len(datasets.load(str(path), part)) for part in ("train", "val", "test")) == 2


def test_words_are_kept_beside_characters_and_old_files_are_read(tmp_path):
    path = tmp_path / "drawings.jsonl"
    path.write_text(GOOD + "\n", encoding="utf-8")  # as it was before there were words
    datasets.save_drawing(path, BAR, "garden", "ada")
    datasets.save_drawing(path, BAR, "l")
    assert [drawing.text for drawing in datasets.read_drawings(path)] == ["1", "garden", "l"]
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [list(line) for line in lines] == [
        ["char", "writer", "half_width", "strokes"],
        ["text", "writer", "half_width", "date", "strokes"],
        ["char", "writer", "half_width", "date", "strokes"],
    ], "single characters stay as they were"
    assert datasets.load(path, "all").chars.tolist() == ["1", "l"]
    with pytest.raises(datasets.MissingDataError, match="holds words only"):
        datasets.load(datasets.save_drawing(tmp_path / "words.jsonl", BAR, "garden"))


def test_the_day_is_kept_and_older_files_have_none(tmp_path):
    path = datasets.save_drawing(tmp_path / "a.jsonl", BAR, "1")
    today = datetime.date.today()
    (drawing,) = datasets.read_drawings(path)
    assert today - datetime.date.fromisoformat(drawing.date) in (datetime.timedelta(0), datetime.timedelta(1))
    line = json.loads(path.read_text())
    path.write_text(json.dumps({key: line[key] for key in line if key != "date"}))
    assert datasets.read_drawings(path)[0].date is None
    path.write_text(json.dumps(line | {"date": "yesterday"}))
    with pytest.raises(datasets.DataError, match="line 1"):
        datasets.read_drawings(path)


def test_without_any_writer_there_are_none(tmp_path):
    assert datasets.load(datasets.save_drawing(tmp_path / "a.jsonl", BAR, "1"), "all").writers is None


def test_where_on_the_pad_it_was_drawn_does_not_matter(tmp_path):
    for offset in ([0, 0], [-300, 5000]):
        datasets.save_drawing(tmp_path / "a.jsonl", [np.add(BAR[0], offset)], "1")
    first, second = datasets.load(tmp_path / "a.jsonl", "all").images
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("strokes", "char", "writer", "words"),
    [
        ([], "1", None, "the drawing is empty"),
        ([[]], "1", None, "the drawing is empty"),
        ([[1, 2]], "1", None, r"points of shape \(n, 2\)"),
        ([[[0, float("nan")]]], "1", None, "finite"),
        ([[[0, 0], [0, 1e9]]], "1", None, "pixels of the pad"),
        (BAR, "ä", None, "text must be one of"),
        (BAR, "", None, "text must be one of"),
        (BAR, "naïve", None, "text must be a digit, a letter, or one line"),
        (BAR, "two\nlines", None, "text must be a digit, a letter, or one line"),
        (BAR, " 1", None, "text must be a digit, a letter, or one line"),
        (BAR, "1" * 61, None, "at most 60"),
        (BAR, "1", "", "writer must be a name"),
        (BAR, "1", 7, "writer must be a name"),
        ([[[0, 0]] * 5_001], "1", None, "at most 5,000 points"),
    ],
)
def test_what_is_no_drawing_is_not_saved(tmp_path, strokes, char, writer, words):
    with pytest.raises(ValueError, match=words):
        datasets.save_drawing(tmp_path / "a.jsonl", strokes, char, writer)
    assert not (tmp_path / "a.jsonl").exists()


GOOD = json.dumps({"char": "1", "writer": None, "half_width": 10, "strokes": BAR})


@pytest.mark.parametrize(
    "line",
    [
        "not JSON",
        "[]",
        "7",
        "{}",
        GOOD.replace('"1"', '"12"'),
        GOOD.replace('"1"', "1"),
        GOOD.replace('"char"', '"text"').replace('"1"', "12"),
        GOOD.replace("10", "0"),
        GOOD.replace("10", '"10"'),
        GOOD.replace("10", "10000"),
        GOOD.replace("200, 80", "200, 8000"),
        '{"char": ' + "[" * 9_000 + "}",
        GOOD.replace("null", "7"),
        GOOD.replace("[200, 80]", "[200]"),
        GOOD.replace(json.dumps(BAR), "[]"),
        GOOD.replace(json.dumps(BAR), "7"),
        GOOD.replace("320", "NaN"),
        "\N{SNOWMAN}",
    ],
)
def test_a_line_that_is_no_drawing_is_named(tmp_path, line):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{GOOD}\n\n{line}\n", encoding="utf-8")
    with pytest.raises(datasets.DataError, match=r"a\.jsonl, line 3 is not a drawing.*Delete that line"):
        datasets.read_drawings(path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\0" * 10, b"\x1f\x8b123"])
def test_bytes_that_are_no_text_are_refused(tmp_path, content):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(datasets.DataError, match="line 1"):
        datasets.load(tmp_path / "a.jsonl")


def test_a_file_without_drawings_is_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text("\n\n")
    with pytest.raises(datasets.MissingDataError, match="holds no drawings"):
        datasets.read_drawings(tmp_path / "a.jsonl")
    with pytest.raises(datasets.MissingDataError, match="does not exist"):
        datasets.read_drawings(tmp_path / "b.jsonl")


@pytest.mark.parametrize("cut", [1, 30, len(GOOD) - 1])
def test_a_program_killed_while_it_wrote_costs_one_drawing_and_no_other(tmp_path, cut):
    path = datasets.save_drawing(tmp_path / "a.jsonl", BAR, "1")
    with path.open("a") as file:
        file.write(GOOD[:cut])
    with pytest.warns(UserWarning, match=r"a\.jsonl, line 2 was cut off"):
        assert len(datasets.load(path)) == 1
    datasets.save_drawing(path, BAR, "7")
    with pytest.warns(UserWarning, match="line 2 was cut off"):
        assert [drawing.text for drawing in datasets.read_drawings(path)] == ["1", "7"]


PROGRAM = """
import sys
from hcr_lib import datasets
for number in range(20):
    datasets.save_drawing(sys.argv[1], [[[x, 10 * number] for x in range(400)]], "1", sys.argv[2])
"""


def test_several_programs_may_save_at_once(tmp_path):
    path = tmp_path / "shared.jsonl"
    programs = [subprocess.Popen([sys.executable, "-c", PROGRAM, path, writer]) for writer in ("ada", "bob", "cem")]
    assert [program.wait() for program in programs] == [0, 0, 0]
    found = datasets.read_drawings(path)
    assert len(found) == 60
    for writer in ("ada", "bob", "cem"):  # each one's drawings in the order they were made
        heights = [drawing.strokes[0][0, 1] for drawing in found if drawing.writer == writer]
        assert heights == list(range(0, 200, 10))
