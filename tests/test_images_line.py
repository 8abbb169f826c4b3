"""The form of a line: cropped, levelled, 48 pixels high; and from its columns back to the picture."""

import numpy as np
import pytest

from hcr_lib import images, pen
from hcr_lib.images import LINE_HEIGHT, LINE_MARGIN, place_line, to_line
from hcr_lib.images._line import LONGEST

INSIDE = LINE_HEIGHT - 2 * LINE_MARGIN
BLOCKS = [(40, 30, 70, 80), (110, 40, 130, 80), (200, 30, 215, 95)]  # letters: x0, y0, x1, y1


def page(boxes=BLOCKS, shape=(140, 300), ink=1.0) -> np.ndarray:
    paper = np.zeros(shape, "float32")
    for x0, y0, x1, y1 in boxes:
        paper[y0:y1, x0:x1] = ink
    return paper


def sloping(slope: float, number: int = 12) -> tuple[np.ndarray, list[tuple[int, int, int, int]]]:
    """Return equal letters along a slope, and their boxes."""
    boxes = [
        (50 + 60 * k, round(300 + slope * 60 * k), 80 + 60 * k, round(340 + slope * 60 * k)) for k in range(number)
    ]
    return page(boxes, (600, 800)), boxes


class TestToLine:
    def test_the_ink_fills_the_height_but_for_the_margins_and_keeps_its_aspect(self):
        line = to_line(page())
        width, height = 215 - 40, 95 - 30
        assert (line.dtype, len(line)) == (np.uint8, LINE_HEIGHT)
        assert line.shape[1] == pytest.approx(width * INSIDE / height + 4 * LINE_MARGIN, abs=1)
        rows, columns = np.flatnonzero((line > 100).any(axis=1)), np.flatnonzero((line > 100).any(axis=0))
        assert (rows[0], rows[-1]) == (LINE_MARGIN, LINE_HEIGHT - LINE_MARGIN - 1)
        assert (columns[0], columns[-1]) == (2 * LINE_MARGIN, line.shape[1] - 2 * LINE_MARGIN - 1)
        assert line.max() == 255

    def test_neither_place_nor_size_matters(self):
        line = to_line(page())
        np.testing.assert_array_equal(to_line(np.pad(page(), ((50, 3), (7, 90)))), line)
        larger = to_line(np.kron(page(), np.ones((3, 3))))
        assert larger.shape == line.shape
        assert np.abs(larger.astype(float) - line).mean() < 6

    @pytest.mark.parametrize("slope", [-0.15, -0.1, 0.15])
    def test_a_line_that_slopes_is_levelled(self, slope):
        level, oblique = to_line(sloping(0)[0]), to_line(sloping(slope)[0])
        assert oblique.shape[1] > 0.75 * level.shape[1], "it would be a quarter as wide, were it left as it is"
        for line in (level, oblique):
            tops = [int(np.flatnonzero(column > 127)[0]) for column in line.T if (column > 127).any()]
            assert np.ptp(tops) < 0.25 * LINE_HEIGHT

    def test_a_word_keeps_the_slope_of_its_letters(self):
        high_then_low = page([(40, 20, 60, 50), (100, 70, 120, 100)])
        line = to_line(high_then_low)
        first, last = line[:, : line.shape[1] // 2], line[:, line.shape[1] // 2 :]
        assert np.flatnonzero((first > 127).any(axis=1))[-1] < np.flatnonzero((last > 127).any(axis=1))[0]

    @pytest.mark.parametrize("ink", [np.zeros((30, 90)), np.full((30, 90), 0.3)])
    def test_without_ink_it_is_an_error(self, ink):
        with pytest.raises(images.BlankImageError):
            to_line(ink)

    @pytest.mark.parametrize(
        ("box", "shape"),
        [
            ((10, 10, 2010, 11), (1, LONGEST * INSIDE)),  # a hair line
            ((10, 10, 1610, 30), (INSIDE * LONGEST * 20 // 1600, LONGEST * INSIDE)),  # a beam
            ((10, 10, 11, 510), (INSIDE, 1)),
            ((10, 10, 11, 11), (INSIDE, INSIDE)),
        ],
    )
    def test_flat_and_thin_ink_has_a_form_as_well(self, box, shape):
        line = to_line(page([box], (520, 2100)))
        inked = line > 0
        assert (inked.any(axis=1).sum(), inked.any(axis=0).sum()) == pytest.approx(shape, abs=1)
        assert line.shape == (LINE_HEIGHT, shape[1] + 4 * LINE_MARGIN)

    @pytest.mark.parametrize("ink", [0.41, 0.6, 1.0])
    def test_a_sloping_hair_line_does_not_vanish(self, ink):
        paper = np.zeros((200, 900), "float32")
        across = np.arange(20, 880)
        paper[(20 + across / 9).astype(int), across] = ink
        line, origin = place_line(paper)
        assert line.any()
        x0, y0, x1, y1 = origin(0, line.shape[1])
        assert 0 <= x0 < x1 <= 900
        assert 0 <= y0 < y1 <= 200


class TestPlaceLine:
    @pytest.mark.parametrize("slope", [None, 0.0, -0.15, 0.1])
    def test_each_letters_columns_lead_back_to_its_box(self, slope):
        paper, boxes = (page(), BLOCKS) if slope is None else sloping(slope)
        line, origin = place_line(paper)
        np.testing.assert_array_equal(line, to_line(paper))
        inked = np.pad((line > 127).any(axis=0), 1)
        edges = np.flatnonzero(inked[1:] != inked[:-1])
        assert len(edges) == 2 * len(boxes)
        for first, last, box in zip(edges[::2], edges[1::2], boxes, strict=True):
            np.testing.assert_allclose(origin(first, last), box, atol=1)
        np.testing.assert_allclose(origin(0, line.shape[1])[::2], [boxes[0][0], boxes[-1][2]], atol=1)

    def test_where_there_is_no_ink_it_is_the_nearest(self):
        line, origin = place_line(page())
        scale = INSIDE / 65
        between = 2 * LINE_MARGIN + (75 - 40) * scale, 2 * LINE_MARGIN + (78 - 40) * scale
        x0, y0, x1, y1 = origin(*between)
        assert (x1, y0, y1) == (70, 30, 80)
        assert x0 == 69
        assert origin(line.shape[1] + 50, line.shape[1] + 60)[2] == 215, "beyond its end as well"

    def test_a_line_in_a_pens_hand(self):
        """Ink with soft edges, of a pen: the boxes hold all of it."""
        strokes = [np.array([[30 + 50 * k, 40], [45 + 50 * k, 90]]) for k in range(9)]
        paper = pen.render_page(strokes, (140, 520), 3)
        line, origin = place_line(paper)
        x0, y0, x1, y1 = origin(0, line.shape[1])
        outside = paper.copy()
        outside[y0:y1, x0:x1] = 0
        assert outside.max() < images.THRESHOLD
