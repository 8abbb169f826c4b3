"""The study of the recipe: photographs as lesson 02 makes them, and a row for each pen and each step left out."""

import itertools

import numpy as np
import pytest

from hcr_lib import handwriting, images, labels, pen
from hcr_lib.recipe import STEPS
from hcr_lib.research.studies import recipe


@pytest.fixture(scope="module")
def strokes() -> list[np.ndarray]:
    return handwriting.write_char("R", handwriting.Style(), np.random.default_rng(0))


def test_a_drawing_lies_anywhere_on_the_page_and_whole(strokes):
    rng = np.random.default_rng(0)
    corners = []
    for _ in range(20):
        x0, y0, x1, y1 = pen.bounds(recipe.on_the_page(strokes, rng))
        assert min(x0, y0) >= 20 - 1e-6
        assert x1 <= recipe.SHAPE[1] - 20 + 1e-6
        assert y1 <= recipe.SHAPE[0] - 20 + 1e-6
        assert max(x1 - x0, y1 - y0) == pytest.approx(recipe.HEIGHT)
        corners.append((x0, y0))
    assert np.ptp(corners, axis=0).min() > 30


@pytest.mark.parametrize("half_width", recipe.PENS.values(), ids=recipe.PENS)
def test_the_recipe_undoes_the_photograph(strokes, half_width):
    rng = np.random.default_rng(1)
    placed = recipe.on_the_page(strokes, rng)
    photograph = recipe.photograph(placed, half_width, rng)
    assert photograph.shape == recipe.SHAPE
    assert photograph.dtype == np.uint8
    clean = images.to_mnist(np.uint8(255 * (1 - pen.render_page(placed, recipe.SHAPE, half_width))))
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
    )
    asked = []
    monkeypatch.setattr(recipe.Recognizer, "load", asked.append)
    monkeypatch.setattr(recipe, "characters", lambda reader, stored: np.array(["7", "?"]))
    found = recipe.study(tmp_path)
    assert asked == ["alnum"]
    assert (found["drawings"], found["classes"]) == (2, labels.ALNUM)
    expected = itertools.product(recipe.PENS, ["whole recipe", *STEPS])
    assert [(row["pen"], row["step"]) for row in found["rows"]] == list(expected)
    assert {row["accuracy"] for row in found["rows"]} == {0.5}


def test_the_reader_answers_with_characters_and_repairs_nothing():
    class Reader:
        classes = "AB"

        def predict(self, stored, *, normalised):
            assert normalised
            return np.array([[0.1, 0.9], [0.8, 0.2]])

    assert recipe.characters(Reader(), np.zeros((2, 28, 28), "uint8")).tolist() == ["B", "A"]
