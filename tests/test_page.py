"""From a picture to flat paper: the sheet is found, rules go, writing stays, and boxes lead back to the picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hcr_lib import page, pen

STROKES = {  # capitals 1 high on a baseline at 0, y growing down
    "E": [[(0.5, -1), (0, -1), (0, 0), (0.5, 0)], [(0, -0.5), (0.4, -0.5)]],
    "T": [[(0, -1), (0.7, -1)], [(0.35, -1), (0.35, 0)]],
    "H": [[(0, -1), (0, 0)], [(0.6, -1), (0.6, 0)], [(0, -0.5), (0.6, -0.5)]],
    "L": [[(0, -1), (0, 0), (0.5, 0)]],
    "I": [[(0, -1), (0, 0)]],
    "N": [[(0, 0), (0, -1), (0.6, 0), (0.6, -1)]],
    "7": [[(0, -1), (0.5, -1), (0.2, 0)]],
}


def written(text, shape, at, cap=60, half_width=2.5):
    """Return the ink of a text whose baseline begins at (x, y)."""
    strokes, x = [], at[0]
    for char in text:
        own = [np.array(stroke, float) for stroke in STROKES.get(char, [])]
        strokes += [stroke * cap + [x, at[1]] for stroke in own]
        x += cap * (max((stroke[:, 0].max() for stroke in own), default=0.2) + 0.3)
    return pen.render_page(strokes, shape, half_width)


def on_desk(corners, shape=(480, 640), desk=90, paper=225):
    """Return a picture of a sheet with some writing on a desk."""
    picture = Image.new("L", shape[::-1], desk)
    draw = ImageDraw.Draw(picture)
    draw.polygon([tuple(corner) for corner in corners], fill=paper)
    x, y = np.mean(corners, axis=0)
    draw.line([(x - 60, y + 30), (x - 60, y - 30), (x + 60, y + 30), (x + 60, y - 30)], fill=40, width=5)
    noise = np.random.default_rng(0).normal(0, 3, shape)
    return (np.clip(np.asarray(picture) + noise, 0, 255) / 255).astype("float32")


@pytest.mark.parametrize(
    "corners",
    [
        [[60, 50], [590, 40], [600, 440], [50, 430]],
        [[150, 60], [520, 130], [480, 400], [90, 330]],
        [[120, 60], [500, 60], [620, 440], [30, 440]],
        [[-40, 50], [590, 40], [600, 440], [-40, 430]],  # one side is outside of the picture
    ],
)
def test_the_sheet_is_found(corners):
    found = page.find_sheet(on_desk(corners))
    np.testing.assert_allclose(found, np.clip(corners, 0, None), atol=6)


def test_a_sheet_in_the_shadow_is_found():
    corners = [[60, 50], [590, 40], [600, 440], [50, 430]]
    shadow = np.where(np.arange(640) < 300, 0.55, 1.0).astype("float32")
    np.testing.assert_allclose(page.find_sheet(on_desk(corners) * shadow), corners, atol=6)


def test_paper_throughout_is_no_sheet_on_a_desk():
    ink = written("HEN", (300, 400), (60, 180))
    lamp = np.linspace(1, 0.5, 400)
    shadow = np.where(np.arange(400) < 200, 0.6, 1.0)
    frame = np.ones((300, 400))
    frame[20:280, [20, 21, 22, 378, 379, 380]] = frame[[20, 21, 22, 278, 279, 280], 20:380] = 0.2
    for light in (1.0, lamp, shadow, frame):
        assert page.find_sheet((light * (0.9 - 0.7 * ink)).astype("float32")) is None


def test_rules_go_and_the_writing_stays():
    ink = written("HENLEHN", (220, 700), (60, 150))
    ruled = ink.copy()
    for y in (40, 95, 150, 205):
        ruled[y : y + 2] = np.maximum(ruled[y : y + 2], 0.5)
    cleaned = page.remove_rules(ruled)
    assert np.count_nonzero(cleaned[ink == 0] > 0.3) < 0.01 * np.count_nonzero(ruled[ink == 0] > 0.3)
    assert cleaned[ink > 0.5].mean() > 0.9 * ink[ink > 0.5].mean()


def test_boxes_of_a_form_go():
    ink = written("HENLE", (160, 500), (60, 110))
    boxed = np.zeros_like(ink)
    boxed[[30, 31, 130, 131], 40:441] = 0.6
    boxed[30:132, 40:442:80] = boxed[30:132, 41:442:80] = 0.6
    cleaned = page.remove_rules(np.maximum(ink, boxed))
    assert cleaned[ink == 0].sum() < 0.1 * boxed[ink == 0].sum()


@pytest.mark.parametrize("char", "ETHLIN7")
@pytest.mark.parametrize("margin", [8, 60])
def test_no_stroke_of_a_character_is_a_rule(char, margin):
    """However large it is, and however little paper there is around it."""
    ink = written(char, (160 + 2 * margin, 120 + 2 * margin), (margin + 5, margin + 155), cap=150)
    assert page.remove_rules(ink) is ink
    bar = ink.T.copy()
    assert page.remove_rules(bar) is bar
