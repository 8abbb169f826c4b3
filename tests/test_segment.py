"""From a page to components of writing: what belongs together, in which order, and what is no writing at all."""

import time
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib import handwriting, images, pen, segment


def page(*boxes: tuple[int, int, int, int], shape=(100, 300)) -> np.ndarray:
    """Blank paper with filled boxes (x0, y0, x1, y1) on it."""
    ink = np.zeros(shape, "float32")
    for x0, y0, x1, y1 in boxes:
        ink[y0:y1, x0:x1] = 1
    return ink


def boxes(line: segment.Line) -> list[segment.Box]:
    return [component.box for component in line.components]


class TestComponents:
    def test_touching_corners_count_as_touching(self):
        assert [blob.box for blob in segment.components(np.eye(9))] == [(0, 0, 9, 9)]

    def test_a_piece_holds_its_own_ink_only(self):
        ring = page((10, 10, 60, 60))
        ring[15:55, 15:55] = 0
        ring[30:40, 30:40] = 1  # a dot inside the ring: their boxes overlap
        outer, inner = sorted(segment.components(ring), key=lambda blob: -blob.width)
        assert outer.box == (10, 10, 60, 60)
        assert outer.ink.sum() == 50 * 50 - 40 * 40
        assert inner.ink.sum() == 100

    def test_faint_traces_are_no_blob(self):
        assert segment.components(0.35 * page((10, 10, 20, 20))) == []

    @given(st.integers(0, 2**32 - 1))
    @settings(max_examples=25)
    def test_join_loses_and_doubles_nothing(self, seed):
        ink = (np.random.default_rng(seed).random((30, 40)) < 0.2).astype("float32")
        found = segment.components(ink)
        whole = segment.join(found)
        x0, y0, x1, y1 = whole.box
        assert np.array_equal(whole.ink, ink[y0:y1, x0:x1])
        assert ink.sum() == whole.ink.sum() == sum(blob.ink.sum() for blob in found)

    def test_a_picture_of_noise_is_refused_and_soon(self):
        started = time.process_time()
        for side, share in ((400, 0.02), (600, 0.02), (1500, 0.05)):
            noise = (np.random.default_rng(0).random((side, side)) < share).astype("float32")
            for find in (segment.lines, segment.one_line):
                with pytest.raises(images.ImageError, match=r"holds [\d,]+ separate marks: noise, .*Crop it"):
                    find(noise)
        assert time.process_time() - started < 10  # the first alone took 43 s

    def test_a_full_page_is_no_noise(self):
        marks = np.zeros((1000, 1000), "float32")
        marks[np.ix_(np.arange(1000) % 25 < 15, np.arange(1000) % 20 < 8)] = 1
        assert len(segment.components(marks)) == 2000
        assert [len(line.components) for line in segment.lines(marks)] == [50] * 40


class TestLines:
    def test_blank_paper(self):
        assert segment.lines(np.zeros((50, 50))) == []
        assert segment.one_line(np.zeros((50, 50))) is None

    def test_a_single_pixel_is_a_piece(self):
        [line] = segment.lines(page((5, 5, 6, 6)))
        assert boxes(line) == [(5, 5, 6, 6)]

    def test_from_left_to_right_and_top_to_bottom(self):
        ink = page((200, 10, 230, 40), (10, 12, 40, 40), (100, 62, 130, 90), (20, 60, 50, 92))
        assert [boxes(line) for line in segment.lines(ink)] == [
            [(10, 12, 40, 40), (200, 10, 230, 40)],
            [(20, 60, 50, 92), (100, 62, 130, 90)],
        ]

    def test_writing_may_climb(self):
        climbing = [(x, 200 - x // 3, x + 20, 240 - x // 3) for x in range(10, 400, 40)]
        ink = page(*climbing, shape=(300, 450))
        assert [boxes(line) for line in segment.lines(ink)] == [climbing]
        assert boxes(segment.one_line(ink)) == climbing

    def test_ascenders_and_descenders_stand_on_one_line(self):
        glad = (20, 45, 45, 95), (50, 10, 56, 70), (60, 42, 85, 70), (90, 10, 115, 70)
        assert [boxes(line) for line in segment.lines(page(*glad))] == [list(glad)]

    def test_tall_letters_among_small_ones_are_no_line_of_their_own(self):
        small = [(x, 56, x + 22, 72) for x in (10, 40, 70, 160, 190, 220, 310, 340)]
        tall = [(x, 12, x + 6, 70) for x in (100, 130, 250, 280)]
        [line] = segment.lines(page(*small, *tall, shape=(120, 400)))
        assert boxes(line) == sorted(small + tall)

    def test_the_long_dot_of_an_i_is_no_line(self):
        letters = [(10, 60, 40, 100), (50, 62, 58, 100), (70, 60, 100, 100), (110, 60, 140, 100)]
        [line] = segment.lines(page((50, 10, 57, 46), *letters, shape=(140, 200)))
        assert boxes(line) == [(10, 60, 40, 100), (50, 10, 58, 100), *letters[2:]]
        wide = segment.lines(page((45, 10, 75, 46), *letters, shape=(140, 200)))
        assert len(wide) == 2, "but a letter is"

    def test_lines_close_above_one_another_stay_apart(self):
        upper = [(x, 10, x + 25, 66 if x % 3 else 50) for x in range(10, 300, 40)]
        lower = [(x, 60, x + 12, 100) for x in range(37, 317, 40)]
        assert [boxes(line) for line in segment.lines(page(*upper, *lower, shape=(140, 340)))] == [upper, lower]

    def test_dust_is_left_out(self):
        [line] = segment.lines(page((10, 10, 30, 60), (60, 10, 80, 60), (100, 30, 102, 32)))
        assert len(line.components) == 2

    @pytest.mark.parametrize("lean", [-8, 0, 8, 12])
    def test_the_dot_of_an_i_joins_its_stem_also_when_slanted(self, lean):
        ink = page((20, 30, 45, 70), (100 + lean, 12, 108 + lean, 20), (100, 32, 107, 70), (150, 30, 180, 70))
        for line in (segment.lines(ink)[0], segment.one_line(ink)):
            left, right = min(100, 100 + lean), max(107, 108 + lean)
            assert boxes(line) == [(20, 30, 45, 70), (left, 12, right, 70), (150, 30, 180, 70)]

    def test_the_bars_of_a_broken_e_join_its_stem(self):
        ink = page((20, 28, 26, 72), (20, 18, 55, 24), (25, 47, 50, 52), (20, 76, 55, 82), (90, 20, 120, 80))
        assert boxes(segment.one_line(ink)) == [(20, 18, 55, 82), (90, 20, 120, 80)]

    def test_a_bar_above_joins_what_it_stands_over(self):
        ink = page((20, 20, 60, 26), (37, 30, 43, 80), (90, 20, 120, 80))  # a T whose bar is off
        assert boxes(segment.one_line(ink)) == [(20, 20, 60, 80), (90, 20, 120, 80)]

    def test_the_hyphen_of_a_double_name_is_a_mark_and_part_of_the_lines_ink(self):
        ink = page((20, 20, 50, 80), (70, 47, 95, 53), (115, 20, 145, 80))
        for line in (segment.one_line(ink), *segment.lines(ink)):
            assert boxes(line) == [(20, 20, 50, 80), (115, 20, 145, 80)]
            assert [mark.box for mark in line.marks] == [(70, 47, 95, 53)]
            assert line.ink.box == (20, 20, 145, 80)
            np.testing.assert_array_equal(line.ink.ink, ink[20:80, 20:145])

    def test_a_dot_that_belongs_to_a_letter_is_no_mark(self):
        line = segment.one_line(page((20, 20, 50, 80), (70, 40, 78, 80), (70, 20, 78, 28)))
        assert (boxes(line), line.marks) == ([(20, 20, 50, 80), (70, 20, 78, 80)], [])

    def test_a_hyphen_alone_is_all_there_is(self):
        assert boxes(segment.one_line(page((70, 47, 95, 53)))) == [(70, 47, 95, 53)]

    def test_crumbs_of_the_neighbouring_lines_are_left_out(self):
        word = [(20, 30, 50, 70), (60, 30, 90, 70), (100, 30, 130, 70)]
        ink = page(*word, (55, 0, 62, 8), (140, 94, 150, 100))
        assert boxes(segment.one_line(ink)) == word

    def test_a_word_that_fills_its_picture_is_no_crumb(self):
        word = [(0, 0, 40, 100), (60, 0, 100, 100)]
        assert boxes(segment.one_line(page(*word))) == word

    def test_a_column_of_marks_has_no_slope_and_no_warning(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            line = segment.one_line(page(*((50, y, 70, y + 15) for y in range(5, 90, 22))))
        assert line.components

    @pytest.mark.parametrize(
        ("right", "count"),
        [
            ([(200, 320), (205, 280), (198, 300)], 6),  # a second list
            ([(200, 225), (200, 240), (201, 225)], 3),  # numbers of one or two digits
            ([(270, 320), (200, 320), (235, 320)], 3),  # that end below each other
            ([(200, 320), (205, 280), None], 3),  # too few to be a list
            ([(150, 320), (155, 280), (148, 300)], 3),  # no farther away than words are
        ],
    )
    def test_a_list_in_two_columns_is_parted_and_a_table_is_not(self, right, count):
        rows = [(y, y + 40) for y in (10, 70, 130)]
        left = [(10, y0, end, y1) for (y0, y1), end in zip(rows, (100, 110, 95), strict=True)]
        others = [(x0, y0, x1, y1) for (y0, y1), x in zip(rows, right, strict=True) if x for x0, x1 in [x]]
        found = segment.lines(page(*left, *others, shape=(180, 340)))
        assert len(found) == count
        if count == 6:
            assert [boxes(line) for line in found] == [[box] for box in left + others]

    @given(
        st.lists(st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 40), st.integers(1, 40)), max_size=9)
    )
    @settings(max_examples=80)
    def test_any_marks_are_put_in_order_each_once_and_without_a_word(self, marks):
        ink = page(*((x, y, min(99, x + w), min(99, y + h)) for x, y, w, h in marks), shape=(100, 100))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for line in [*segment.lines(ink), *filter(None, [segment.one_line(ink)])]:
                assert line.height > 0
                assert line.components
                assert sum(component.ink.sum() for component in line.components) <= ink.sum()
                for candidate in segment.candidates(line):
                    assert candidate.component.ink.shape == (candidate.component.height, candidate.component.width)


class TestWordsAndCandidates:
    LETTERS = tuple((x, 20, x + 30, 60) for x in (10, 50, 90, 180, 220))  # the fourth stands apart

    def test_words_are_parted_by_wide_gaps(self):
        [line] = segment.lines(page(*self.LETTERS))
        assert [boxes(word) for word in segment.words(line)] == [list(self.LETTERS[:3]), list(self.LETTERS[3:])]

    def test_even_gaps_part_nothing_however_wide(self):
        [line] = segment.lines(page(*((x, 20, x + 20, 60) for x in (10, 90, 170, 250))))
        assert len(segment.words(line)) == 1

    def test_the_other_lines_of_a_page_tell_which_gaps_are_wide(self):
        narrow = [(x, 20, x + 25, 60) for x in (10, 40, 70, 100, 130)]
        short, long = (10, 80, 35, 120), (60, 80, 85, 120)  # one gap, by itself neither wide nor narrow
        lines = segment.lines(page(*narrow, short, long, shape=(140, 300)))
        widest = segment.widest_gap(lines)
        assert [len(segment.words(line, lines)) for line in lines] == [1, 2]
        assert len(segment.words(lines[1])) == 1
        assert segment.blanks(lines[1], widest) == [(1, 47.5)]
        assert segment.blanks(lines[1]) == []

    @pytest.mark.parametrize("gaps", ["_b__bb", "a__a", "abcb_a"])
    def test_short_words_are_parted(self, gaps):
        widths = {"_": 36, "a": 4, "b": 6, "c": 2}  # I AM A MAN, 12 7 19 and BREAD 12, 40 high
        lefts = np.cumsum([10, *(20 + widths[gap] for gap in gaps)])
        line = segment.one_line(page(*((x, 20, x + 20, 60) for x in lefts), shape=(80, 500)))
        assert [place for place, _ in segment.blanks(line)] == [k + 1 for k, gap in enumerate(gaps) if gap == "_"]

    def test_a_hyphen_in_a_gap_leaves_it_no_wider_than_its_wider_side(self):
        letters = [(x, 20, x + 25, 60) for x in (10, 40, 70, 140, 170)]  # the third gap is 45 wide
        line = segment.one_line(page(*letters, (105, 38, 130, 43)))
        assert (len(line.marks), segment.blanks(line)) == (1, [])
        assert segment.blanks(segment.one_line(page(*letters))) == [(3, 117.5)]

    def test_every_piece_is_proposed_alone_and_broken_letters_together(self):
        line = segment.one_line(page((10, 20, 20, 60), (24, 20, 34, 60), (60, 20, 90, 60)))
        proposed = [(candidate.start, candidate.stop) for candidate in segment.candidates(line)]
        assert proposed == [(0, 1), (0, 2), (1, 2), (2, 3)]

    def test_a_candidate_is_hardly_wider_than_a_letter(self):
        line = segment.one_line(page(*((x, 20, x + 28, 60) for x in range(10, 250, 30))))
        assert max(candidate.component.width for candidate in segment.candidates(line)) <= segment.WIDEST * line.height

    def test_words_of_synthetic_writers_are_parted(self):
        rng, margin = np.random.default_rng(5), np.array([50, 150])
        for _ in range(8):
            style = handwriting.random_style(rng)
            hello, world = (handwriting.write(word, style, rng) for word in ("HALLO", "WELT"))
            away = pen.bounds(hello)[2] - pen.bounds(world)[0] + 1.5 * handwriting.CAP_HEIGHT
            strokes = [stroke + margin for stroke in [*hello, *(stroke + np.array([away, 0]) for stroke in world)]]
            [line] = segment.lines(pen.render_page(strokes, (250, int(pen.bounds(strokes)[2]) + 50), 4))
            assert len(segment.words(line)) == 2

    def test_a_line_of_dots_or_bars_holds_no_letters(self):
        colon, equals = page((50, 20, 60, 30), (50, 70, 60, 80)), page((50, 30, 120, 40), (50, 60, 120, 70))
        for ink in (colon, equals):
            found = segment.lines(ink)
            assert [segment.holds_letters(line, found) for line in found] == [False, False]
        ring = page((50, 5, 80, 40), (50, 55, 80, 90))
        ring[10:35, 55:75] = ring[60:85, 55:75] = 0
        found = segment.lines(ring)
        assert [segment.holds_letters(line, found) for line in found] == [True, True]

    def test_all_lines_may_be_one_character_that_has_come_apart(self):
        whole = segment.whole(segment.lines(page((10, 20, 20, 60), (24, 20, 34, 60))))
        assert (whole.start, whole.stop, whole.component.box) == (0, 2, (10, 20, 34, 60))
        assert whole.gap == pytest.approx(4 / 40)
