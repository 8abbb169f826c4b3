"""The pages of the benchmark: what is on them is what their truth says, and what is scored is what is meant."""

import json

import numpy as np
import pytest
from PIL import Image

from hcr_lib import images, segment
from hcr_lib.recognizer import Character, Reading
from hcr_lib.research import manifest
from hcr_lib.research.page_benchmark import __main__ as benchmark
from hcr_lib.research.page_benchmark import _hands, _kinds, _sheets, _stages, _texts

HANDS = _hands.SyntheticHands()


def rng(seed):
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", _kinds.KINDS)
def test_pages_are_the_same_for_the_same_seed(name):
    first, again = (list(benchmark.tasks(name, 2, HANDS, seed=3)) for _ in range(2))
    for one, other in zip(first, again, strict=True):
        assert one.text == other.text
        np.testing.assert_array_equal(one.picture.pixels, other.picture.pixels)
        assert one.picture.pixels.dtype == np.uint8
    assert not np.array_equal(first[0].picture.pixels, first[1].picture.pixels)


def test_a_code_fits_its_mask():
    kinds = {"L": str.isalpha, "D": str.isdigit}
    for seed in range(20):
        text, mask = _texts.code(rng(seed))
        assert len(text) == len(mask)
        assert all(kinds[place](char) for place, char in zip(mask, text, strict=True))


@pytest.mark.parametrize("paper", _sheets.PAPERS)
def test_boxes_hold_the_ink_and_nothing_else_does(paper):
    sheet = _sheets.write_on(HANDS.write_lines(["ADA 7", "BOB"], rng(0)), rng(1), paper=paper)
    covered = np.zeros_like(sheet.ink, bool)
    for boxes in sheet.boxes():
        for x0, y0, x1, y1 in boxes[~np.isnan(boxes[:, 0])]:
            window = np.s_[int(y0) - 1 : int(y1) + 2, int(x0) - 1 : int(x1) + 2]
            assert sheet.ink[window].max() == 1
            covered[window] = True
    assert sheet.ink[~covered].max() < 0.1


def test_rules_are_printed_on_the_paper_and_are_no_ink():
    line = [HANDS.write("I", rng(0))]
    plain, ruled = (_sheets.write_on(line, rng(1), paper=paper, shape=(9, 9)) for paper in ("plain", "ruled"))
    assert (plain.brightness[plain.ink == 0] > 0.8).all()
    across = ruled.brightness[:, :5].max(axis=1)
    assert 3 <= np.count_nonzero(np.diff((across < 0.9 * across.max()).astype(int)) == 1) <= 6
    assert ruled.ink[:, :5].max() == 0


def test_touching_letters_touch():
    apart, touching = (HANDS.write("HELLO", rng(4), touching=share) for share in (0.0, 1.0))
    number = [len(segment.components(_sheets.write_on([line], rng(5)).ink)) for line in (apart, touching)]
    assert number[0] >= 5
    assert number[1] <= 2


def test_characters_stand_in_their_boxes():
    sheet = _sheets.write_in_boxes(HANDS.write("WIND", rng(0)), rng(1))
    middles = sheet.boxes()[0][:, [0, 2]].mean(axis=1)
    assert np.allclose(np.diff(middles), np.diff(middles).mean(), rtol=0.2)


def test_a_photograph_shows_the_sheet_between_its_corners():
    sheet = _sheets.write_on([HANDS.write("HELLO", rng(0))], rng(1), shape=(8, 12))
    for seed in range(4):
        picture = _sheets.photographed(sheet, rng(seed))
        inside = _stages._filled(picture.corners, picture.pixels.shape)
        assert np.median(picture.pixels[inside]) > np.median(picture.pixels[~inside]) + 20
        height, width = sheet.brightness.shape
        flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
        back = _sheets.perspective(picture.pixels / 255, picture.corners, flat, (height, width))
        darkness = back.max() - back
        assert darkness[sheet.ink == 1].mean() > 1.5 * darkness[sheet.ink == 0].mean()


def test_a_page_is_turned_by_what_it_says():
    """Turned back, the writing runs from left to right again: its ink is as wide and as high as that of the sheet."""
    sheet = _sheets.write_on([HANDS.write("HELLO WORLD", rng(0))], rng(1))
    for seed in range(4):
        picture = _sheets.turned(sheet, rng(seed))
        radians = np.radians(picture.turned)
        y, x = np.nonzero(images.to_ink(picture.pixels) > 0.5)
        along = x * np.cos(radians) + y * np.sin(radians)
        _rows, columns = np.nonzero(sheet.ink > 0.5)
        assert np.ptp(along) == pytest.approx(np.ptp(columns), rel=0.05)


def test_people_of_unipen_keep_their_size(stroke_pack):
    line = _hands.UnipenHands(stroke_pack).write("Hg-,", rng(0))
    capital, small, dash, comma = line.boxes()
    assert capital[[1, 3]] == pytest.approx([-1, 0], abs=0.1)
    assert small[3] > 0.2
    assert -0.6 < dash[1] < -0.2
    assert comma[3] > 0


@pytest.fixture
def stroke_pack():
    """One person's strokes, in units of which a capital has 500."""
    from hcr_lib.datasets import StrokeDataset

    shapes = {
        "H": [[0, 0], [0, 500], [300, 500]],
        "g": [[0, 0], [200, 475]],
        "-": [[0, 0], [200, 5]],
        ",": [[0, 0], [20, 90]],
    }
    texts = ["H"] * 12 + ["g", "-", ","]
    points = [np.array(shapes[char]) for char in texts]
    offsets = np.cumsum([0, *map(len, points)])
    return StrokeDataset(
        np.concatenate(points), offsets, np.arange(len(texts) + 1), np.array(texts), np.array(["1"] * len(texts))
    )


def reading(text, boxes=()):
    return Reading(text, 0.9, [Character("I", 0.9, box) for box in boxes])


def task(text="", turned=0.0):
    return _kinds.Task(_sheets.Picture(np.zeros((9, 9), "uint8"), turned=turned), text)


def test_scores():
    nothing = images.ImageError("nothing")
    assert _kinds.exact(task("AB 1"), reading("AB 1")) == (1, 1)
    assert _kinds.exact(task("AB 1"), reading("AB1")) == (0, 1)
    assert _kinds.characters(task("AB 1"), reading("A\n81")) == (2, 3)
    assert _kinds.characters(task("AB 1"), nothing) == (0, 3)
    assert _kinds.lines(task("A\nB"), nothing) == (0, 2)
    assert _kinds.refused(task(), nothing) == _kinds.accepted(task(), reading("I")) == (1, 1)
    down = reading("ABC", [(0, 10 * k, 5, 10 * k + 5) for k in range(3)])
    assert _kinds.direction(task(turned=85), down) == (1, 1)
    assert _kinds.direction(task(turned=0), down) == (0, 1)
    assert _kinds.direction(task(turned=265), down) == (0, 1)


def test_boxes_that_were_found():
    truth = np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]])
    assert _stages.found(truth, truth, 0.8) == (2, 2)
    assert _stages.found(truth, truth[:1], 0.8) == (1, 2)
    assert _stages.found(truth, np.array([[0, 0, 30, 10.0]]), 0.8) == (0, 2)


def test_confidence_of_right_and_wrong_answers():
    found = benchmark.confidence([0.9] * 9 + [0.1], [True] * 9 + [False])
    assert found["area"] == 1
    assert found["gap"] == pytest.approx(0.1)


def test_the_benchmark_runs_and_writes_its_record(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(manifest, "results_dir", lambda: tmp_path)
    monkeypatch.setattr(benchmark, "PAGES", 2)
    monkeypatch.setattr(benchmark, "hands", lambda _: HANDS)
    monkeypatch.setattr(benchmark.records, "read", lambda _: {"rows": [{"name": "lists", "score": 0.5}]})
    benchmark.main(["--only", "boxed", "stages", "blank"])
    record = json.loads((tmp_path / "pages.json").read_text(encoding="utf-8"))
    names = [row["name"] for row in record["rows"]]
    assert names == [
        "boxed",
        "lists",
        "blank",
        *(f"stages: {s}" for s in ("page", "lines", "words", "cuts", "characters")),
    ]
    assert record["hands"] == HANDS.origin
    assert "boxed" in capsys.readouterr().out
    benchmark.main(["--only", "blank", "--pages", "1", "--seed", "1"])
    benchmark.main(["--figure", str(tmp_path / "page.png"), "--seed", "2"])
    with Image.open(tmp_path / "page.png") as figure:
        assert figure.width == 840
        assert len(figure.getcolors()) > 10
    assert json.loads((tmp_path / "pages.json").read_text(encoding="utf-8")) == record
