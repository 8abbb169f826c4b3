"""The ablation of the recipe: photographs as lesson 02 makes them, and a row for each pen and each step left out."""

import ast
import itertools
import json
from pathlib import Path

import numpy as np
import pytest

from hcr_lib import handwriting, images, labels, pen
from hcr_lib.research.studies import ablation


@pytest.fixture(scope="module")
def strokes() -> list[np.ndarray]:
    return handwriting.write_char("R", handwriting.Style(), np.random.default_rng(0))


def test_a_drawing_lies_anywhere_on_the_page_and_whole(strokes):
    rng = np.random.default_rng(0)
    corners = []
    for _ in range(20):
        x0, y0, x1, y1 = pen.bounds(ablation.on_the_page(strokes, rng))
        assert min(x0, y0) >= 20 - 1e-6
        assert x1 <= ablation.SHAPE[1] - 20 + 1e-6
        assert y1 <= ablation.SHAPE[0] - 20 + 1e-6
        assert max(x1 - x0, y1 - y0) == pytest.approx(ablation.HEIGHT)
        corners.append((x0, y0))
    assert np.ptp(corners, axis=0).min() > 30


@pytest.mark.parametrize("half_width", ablation.PENS.values(), ids=ablation.PENS)
def test_the_recipe_undoes_the_photograph(strokes, half_width):
    rng = np.random.default_rng(1)
    placed = ablation.on_the_page(strokes, rng)
    photograph = ablation.photograph(placed, half_width, rng)
    assert photograph.shape == ablation.SHAPE
    assert photograph.dtype == np.uint8
    clean = images.to_mnist(np.uint8(255 * (1 - pen.render_page(placed, ablation.SHAPE, half_width))))
    assert np.abs(images.to_mnist(photograph).astype(int) - clean).mean() < 8


def test_a_row_for_each_pen_and_step(tmp_path, monkeypatch, strokes):
    both = [strokes, handwriting.write_char("7", handwriting.Style(), np.random.default_rng(0))]
    lengths = [[len(stroke) for stroke in drawing] for drawing in both]
    np.savez(
        tmp_path / "pen_strokes_dev.npz",
        points=np.concatenate([*both[0], *both[1]]) * [1, -1],
        stroke_offsets=np.cumsum([0, *itertools.chain(*lengths)]),
        char_offsets=np.cumsum([0, *map(len, lengths)]),
        labels=np.array(["R", "7"]),
        writer=np.array([1, 2]),
    )
    asked = []
    monkeypatch.setattr(ablation.Recognizer, "load", asked.append)
    monkeypatch.setattr(ablation, "characters", lambda reader, stored: np.array(["7", "?"]))
    found = ablation.study(tmp_path)
    assert asked == ["alnum"]
    assert (found["drawings"], found["classes"]) == (2, labels.ALNUM)
    expected = itertools.product(ablation.PENS, ["whole recipe", *images.STEPS])
    assert [(row["pen"], row["step"]) for row in found["rows"]] == list(expected)
    assert {row["accuracy"] for row in found["rows"]} == {0.5}


def test_the_reader_answers_with_characters_and_repairs_nothing():
    class Reader:
        classes = "AB"

        def predict(self, stored, *, normalised):
            assert normalised
            return np.array([[0.1, 0.9], [0.8, 0.2]])

    assert ablation.characters(Reader(), np.zeros((2, 28, 28), "uint8")).tolist() == ["B", "A"]


def test_lesson_02_makes_the_same_photographs():
    lesson = Path(__file__).resolve().parents[2] / "notebooks" / "02_preprocessing.ipynb"
    cells = json.loads(lesson.read_text(encoding="utf-8"))["cells"]
    module = ast.parse("\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"))
    wanted = {"PENS", "photograph", "drawing"}
    names = {"np": np, "pen": pen, "labels": labels, "write_char": handwriting.write_char, "writer": handwriting.writer}
    for node in module.body:
        if getattr(node, "name", None) in wanted or (
            isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in wanted
        ):
            exec(compile(ast.Module([node], []), lesson.name, "exec"), names)
    assert names["PENS"] == ablation.PENS
    for number in (0, 40, 100):
        own, half_width = np.random.default_rng([2, number]), list(ablation.PENS.values())[number // 36 % 3]
        written = handwriting.write_char(labels.ALNUM[number % 36], handwriting.writer(1000 + number), own)
        expected = ablation.photograph(ablation.on_the_page(written, own), half_width, own)
        np.testing.assert_array_equal(names["drawing"](number), expected)
