"""From a picture to flat paper: the sheet is found, rules go, writing stays, and boxes lead back to the picture."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hcr_lib import handwriting, images, page, pen, segment

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


LINES = ["LEHLE LIL", "LEEL HILL", "HLELE LEH"]  # L has its ink below, and nothing here has more above


def a_page():
    return np.maximum.reduce([written(text, (420, 620), (60, 120 + 120 * k)) for k, text in enumerate(LINES)])


def likes_ink_below(line):
    """Stand in for a reader of these lines, which have eight letters: upside down, their ink is above."""
    if len(segment.components(line.ink)) != 8:
        return -1.0
    rows = line.ink.sum(axis=1)
    return float(rows[len(rows) // 2 :].sum() / rows.sum()) - 1


@pytest.mark.parametrize("quarter", range(4))
@pytest.mark.parametrize("tilt", [0, 8, -11])
def test_a_page_is_turned_the_right_way_up(quarter, tilt):
    upright = a_page()
    picture = Image.fromarray(np.uint8(230 - 180 * upright)).rotate(
        -tilt, Image.Resampling.BICUBIC, True, fillcolor=230
    )
    gray = np.rot90(np.asarray(picture), -quarter).astype("float32") / 255
    ink, place = page.prepare(gray, likes_ink_below)
    lines = segment.lines(ink)
    assert [len(line.components) for line in lines] == [len(text) - 1 for text in LINES]
    # The box of the first letter, an L, leads to where that is in the picture.
    x0, y0, x1, y1 = page.on_picture(place, lines[0].components[0].box)
    assert (gray[y0:y1, x0:x1] < 0.5).any()
    assert max(x1 - x0, y1 - y0) < 1.5 * 60


def test_without_a_reader_pages_are_not_turned_but_levelled():
    gray = 0.9 - 0.7 * np.rot90(a_page(), 2)
    ink, place = page.prepare(gray.astype("float32"))
    assert ink.shape == gray.shape
    np.testing.assert_array_equal(place, np.eye(3))


def test_a_word_stays_as_it_is():
    """A reader that likes it upside down is not even asked."""
    gray = (0.9 - 0.7 * written("HENLE", (200, 400), (40, 130))).astype("float32")
    ink, place = page.prepare(gray, lambda line: 1 / 0)
    np.testing.assert_array_equal(ink, images.flatten(gray))
    np.testing.assert_array_equal(place, np.eye(3))


def test_a_box_on_the_sheet_leads_back_to_the_photograph():
    corners = [[150, 60], [520, 130], [480, 400], [90, 330]]
    ink, place = page.prepare(on_desk(corners))
    [line] = segment.lines(ink)
    box = page.on_picture(place, line.components[0].box)
    x, y = np.mean(corners, axis=0)
    np.testing.assert_allclose(box, [x - 63, y - 33, x + 63, y + 33], atol=22)  # a box around one that is askew


def test_empty_rules_are_no_writing():
    paper = np.full((300, 400), 0.9, "float32")
    paper[40:300:50] = paper[41:300:50] = 0.6
    with pytest.raises(images.BlankImageError, match="rules"):
        page.prepare(paper)


def printed(ink, text, at, size=10):
    """Put blocks on a page that are as regular as print; a colon is two dots."""
    x, y = at
    for char in text:
        if char == ":":
            ink[y - 7 : y - 5, x + 2 : x + 4] = ink[y - 2 : y, x + 2 : x + 4] = 1
        elif char != " ":
            ink[y - size : y, x : x + 7] = 1
            ink[y - size + 2 : y - 2, x + 2 : x + 5] = 0
        x += 9
    return ink


def test_a_printed_label_is_left_out():
    name = written("HENLE", (40, 300), (110, 29), cap=16, half_width=1)
    np.testing.assert_array_equal(page.without_print(printed(name.copy(), "XXX:", (8, 28))), name)
    # What stands before the label belongs to it.
    before = printed(name.copy(), "XXX:", (38, 28))
    before[10:34, 20:30] = 1
    np.testing.assert_array_equal(page.without_print(before), name)


def test_printed_lines_above_and_below_are_left_out():
    name = written("H E N L E", (90, 300), (60, 55), cap=16, half_width=1)
    form = printed(printed(name.copy(), "XXXXXX", (8, 20)), "XXXX XX XXXXXXX", (8, 84))
    np.testing.assert_array_equal(page.without_print(form), name)


def test_pieces_of_other_lines_are_left_out():
    name = written("HENLE", (80, 300), (60, 55), cap=30, half_width=1.5)
    above = written("HELEN", (80, 300), (90, 9), cap=30, half_width=1.5)
    np.testing.assert_array_equal(page.without_print(np.maximum(name, above)), name)


def test_writing_is_no_print():
    lines = np.maximum(written("HENLE", (80, 240), (20, 31), cap=30), written("TIN", (80, 240), (20, 79), cap=30))
    for ink in (lines, lines[:34], printed(np.zeros((40, 200), "float32"), "XXXX:", (20, 28))):
        assert page.without_print(ink) is ink  # cropped as tightly as can be; or nothing else would be left


def test_a_crossed_out_word_is_told_from_one_with_bars():
    word = written("HENLEH", (80, 340), (10, 70))
    stroke = pen.render_page([np.array([[0, 46], [160, 40], [340, 34]], float)], word.shape, 2)
    box = (0, 0, word.shape[1], word.shape[0])
    assert not page.is_crossed_out(segment.Component(box, word))
    assert page.is_crossed_out(segment.Component(box, np.maximum(word, stroke)))
    dash = np.ones((9, 120), "float32")
    assert not page.is_crossed_out(segment.Component((0, 0, 120, 9), dash))
    bar = written("H", (80, 60), (10, 70))
    assert not page.is_crossed_out(segment.Component((0, 0, 60, 80), bar))


def test_bright_writing_on_a_dark_page_is_no_sheet():
    for seed in range(6):
        rng = np.random.default_rng(seed)
        strokes = handwriting.write("SEND PARCEL", handwriting.random_style(rng), rng)
        x0, y0, x1, y1 = pen.bounds(strokes)
        shape = round(y1 - y0) + 400, round(x1 - x0) + 80
        chalk = pen.render_page([stroke - [x0 - 40, y0 - 200] for stroke in strokes], shape, 9)
        assert page.find_sheet(chalk.astype("float32")) is None


def test_the_reader_reads_a_page_that_lies_upside_down():
    from hcr_lib.recognizer import Recognizer

    gray = np.uint8(230 - 180 * a_page())
    upright, turned = (Recognizer.load("letters").read(picture) for picture in (gray, np.rot90(gray, 2)))
    # Where words end in such letters is a guess of the language.
    assert upright.text == turned.text
    assert upright.text.replace(" ", "") == "\n".join(LINES).replace(" ", "")
    height, width = gray.shape
    first, last = upright.characters[0].box, turned.characters[0].box
    np.testing.assert_allclose(last, (width - first[2], height - first[3], width - first[0], height - first[1]), atol=3)
