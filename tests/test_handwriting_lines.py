"""Words and lines by made-up writers: where their characters stand, what is joined, what is known about them."""

import timeit
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import images, labels, pen, segment
from hcr_lib.handwriting import LIGATURE, Style, form_boxes, on_paper, random_style, write, write_line, writer

SEEDS = st.integers(0, 2**32 - 1)
TEXTS = st.text(alphabet=labels.BYCLASS + " ", max_size=8)
SMALL = st.text(alphabet="abcdefghijklmnopqrstuvwxyz", min_size=2, max_size=8)


def rng(seed):
    return np.random.default_rng(seed)


def same(first, second):
    return len(first) == len(second) and all(np.array_equal(one, two) for one, two in zip(first, second, strict=True))


def width(strokes):
    x0, _, x1, _ = pen.bounds(strokes)
    return x1 - x0


def ink_on_page(strokes, half_width):
    x0, y0, x1, y1 = pen.bounds(strokes)
    shape = round(y1 - y0) + 80, round(x1 - x0) + 80
    return images.to_ink(pen.render_page([stroke - [x0 - 40, y0 - 40] for stroke in strokes], shape, half_width))


def count_components(text, style, seed=0):
    return len(segment.components(ink_on_page(write(text, style, rng(seed)), style.pen)))


class TestLines:
    @given(SEEDS, TEXTS)
    def test_any_writer_writes_any_text(self, seed, text):
        writing = write_line(text, random_style(rng(seed)), rng(seed))
        assert writing.text == text
        assert all(np.isfinite(stroke).all() and stroke.shape[1:] == (2,) for stroke in writing.strokes)
        assert [len(owners) for owners in writing.owners] == [len(stroke) for stroke in writing.strokes]
        assert set(np.concatenate([[LIGATURE], *writing.owners])) == {
            LIGATURE,
            *(place for place, char in enumerate(text) if char != " "),
        }

    @given(SEEDS, TEXTS)
    def test_the_same_seed_writes_the_same(self, seed, text):
        first, second = (write_line(text, random_style(rng(seed)), rng(seed)) for _ in range(2))
        assert same(first.strokes, second.strokes)
        assert same(first.owners, second.owners)
        assert same(first.strokes, write(text, random_style(rng(seed)), rng(seed)))

    @given(SEEDS, TEXTS)
    def test_characters_follow_one_another(self, seed, text):
        """Leaning writing is judged upright: the middle of each character lies right of the middle before."""
        style = random_style(rng(seed))
        writing = write_line(text, style, rng(seed))
        upright = replace_strokes(writing, [stroke @ [[1, 0], [style.slant, 1]] for stroke in writing.strokes])
        middles = upright.boxes()[:, [0, 2]].mean(axis=1)
        assert (np.diff(middles[np.isfinite(middles)]) > 0).all()

    @given(SEEDS, TEXTS)
    def test_boxes_hold_the_strokes_and_nothing_else(self, seed, text):
        writing = write_line(text, replace(random_style(rng(seed)), joining=0.7), rng(seed))
        boxes = writing.boxes()
        assert np.array_equal(np.isnan(boxes).all(axis=1), [char == " " for char in text])
        for place in np.flatnonzero(np.isfinite(boxes[:, 0])):
            points = np.concatenate([s[o == place] for s, o in zip(writing.strokes, writing.owners, strict=True)])
            np.testing.assert_allclose(boxes[place], [*points.min(axis=0), *points.max(axis=0)])
        np.testing.assert_allclose(writing.boxes(margin=3), boxes + np.array([-3, -3, 3, 3]))

    def test_rendered_characters_make_up_the_word_and_each_has_its_box(self):
        writing = write_line("HO 4", replace(Style(), touching=1.0), rng(3))
        ink, alone = writing.render(half_width=4, margin=20)
        assert (alone.max(axis=0) <= ink).all()
        assert np.mean((alone.max(axis=0) > 0.5) != (ink > 0.5)) < 0.001  # where two of them touch
        boxes = writing.boxes(margin=4)
        origin = np.nanmin(writing.boxes(), axis=0)[:2] - 20
        for box, own in zip(boxes, alone, strict=True):
            if np.isnan(box[0]):
                assert not own.any()
            else:
                rows, columns = own.any(axis=1).nonzero()[0], own.any(axis=0).nonzero()[0]
                found = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
                np.testing.assert_allclose(found, box - [*origin, *origin], atol=1.5)

    @given(SEEDS)
    def test_words_stand_further_apart_than_letters(self, seed):
        style = replace(random_style(rng(seed)), slant=0.0)
        boxes = write_line("HO HO HO", style, rng(seed)).boxes()
        letters = [boxes[k + 1, 0] - boxes[k, 2] for k in (0, 3, 6)]
        blanks = [boxes[k + 2, 0] - boxes[k, 2] for k in (1, 4)]
        assert min(blanks) > max(letters) + 20

    def test_one_blank_is_enough_to_part_most_printed_lines(self):
        text = "SEND THE PARCEL TO MARLO"
        right = 0
        for number in range(20):
            style = replace(writer(number), joining=0)
            [*lines] = segment.lines(ink_on_page(write(text, style, rng(number)), style.pen))
            right += [len(segment.words(line)) for line in lines] == [5]
        assert right >= 16

    def test_two_blanks_are_wider_than_one(self):
        assert width(write("a  b", Style(), rng(0))) > width(write("a b", Style(), rng(0))) + 50
        assert write("", Style(), rng(0)) == write("   ", Style(), rng(0)) == []

    def test_gaps_are_judged_by_the_ink(self):
        """A T and an A stand closer than two H; letters that lean together do not drift apart."""
        calm = Style(bend=0, sloppiness=0, tremor=0, rotation=0, wobble=0)

        def gap(text, **knobs):
            boxes = np.mean([write_line(text, replace(calm, **knobs), rng(k)).boxes() for k in range(20)], axis=0)
            return boxes[1, 0] - boxes[0, 2]

        assert gap("TA", nesting=0.9) < gap("TA", nesting=0) - 10
        assert gap("HH", nesting=0.9) == pytest.approx(gap("HH", nesting=0), abs=4)
        assert count_components("HILL", replace(calm, slant=0.8)) == 4

    def test_ink_meets_only_where_the_writer_lets_it(self):
        roomy = Style(spacing=20, closure=2)
        assert [count_components("SOUND", roomy, seed) for seed in range(10)].count(5) >= 8
        assert [count_components("SOUND", replace(roomy, touching=1.0), seed) < 5 for seed in range(10)].count(
            True
        ) >= 9

    def test_the_line_wanders_and_drifts(self):
        def heights(**knobs):
            style = replace(Style(sloppiness=0, bend=0, rotation=0, tremor=0), **knobs)
            return write_line("HHHHHHHHHHHHHHHHHHHH", style, rng(3)).boxes()[:, 3]

        assert np.ptp(heights(wobble=0)) < 3 < np.ptp(heights(wobble=3))
        assert np.polyfit(np.arange(20), heights(wobble=0, drift=0.1), 1)[0] > 3, "a positive drift goes downhill"

    def test_cost_grows_with_the_text_only(self):
        def seconds(number):
            return min(timeit.repeat(lambda: write("ab" * number, Style(joining=0.5), rng(0)), number=1, repeat=3))

        seconds(10)
        assert seconds(100) < 25 * seconds(10)

    @pytest.mark.parametrize("text", ["Hey!", "a\nb", "ß", "a\tb"])
    def test_text_with_an_unknown_character_is_refused(self, text):
        with pytest.raises(ValueError, match="a character to write must be one of 0, 1"):
            write(text, Style(), rng(0))


def ligatures(writing):
    """Count how often the pen stayed down between two letters."""
    return sum(int((np.diff(np.append(0, owners == LIGATURE)) == 1).sum()) for owners in writing.owners)


def replace_strokes(writing, strokes):
    return type(writing)(writing.text, strokes, writing.owners)


class TestJoining:
    @given(SEEDS, TEXTS)
    def test_those_who_print_make_no_ligatures(self, seed, text):
        assert ligatures(write_line(text, replace(random_style(rng(seed)), joining=0.0), rng(seed))) == 0

    @given(SEEDS, SMALL)
    def test_ligatures_go_from_one_small_letter_to_the_next(self, seed, text):
        writing = write_line(text, replace(random_style(rng(seed)), joining=1.0), rng(seed))
        assert 0 <= ligatures(writing) < len(text)
        for owners in writing.owners:
            met = owners[np.append(True, np.diff(owners) != 0)]  # letter, ligature, letter, ...
            assert (met[1::2] == LIGATURE).all()
            assert (np.diff(met[::2]) == 1).all()

    @given(SEEDS, st.text(alphabet=labels.BYCLASS[:36] + " ", max_size=8))
    def test_capitals_and_digits_are_never_joined(self, seed, text):
        assert ligatures(write_line(text, replace(random_style(rng(seed)), joining=1.0), rng(seed))) == 0

    def test_a_ligature_is_a_smooth_path(self):
        """No step is longer than the pen's usual ones, so nothing is torn."""
        for number in range(30):
            for stroke in write("handwriting", replace(writer(number), joining=1.0), rng(number)):
                assert np.hypot(*np.diff(stroke, axis=0).T).max() < 25

    def test_most_letters_are_joined_by_one_who_joins(self):
        joined = [ligatures(write_line("minimum", replace(writer(k), joining=1.0), rng(k))) for k in range(20)]
        assert np.mean(joined) > 5
        assert count_components("nun", Style(joining=1.0)) == 1

    def test_bars_and_dots_follow_when_the_word_is_written(self):
        style = Style(joining=1.0)
        for seed in range(10):
            writing = write_line("tin tin", style, rng(seed))
            strokes = [set(owners) - {LIGATURE} for owners in writing.owners]
            first_word = [owned for owned in strokes if min(owned) < 3]
            assert {0, 1, 2} <= first_word[0], "t, i and n in one go"
            assert first_word[1:] in ([{0}, {1}], [{0}]), "then the bar, and the dot where it is not forgotten"

    def test_no_ligature_leaves_a_tail_or_a_left_end(self):
        for seed in range(20):
            style = replace(writer(seed), joining=1.0)
            assert ligatures(write_line("bn", replace(style, habit=0, bend=0), rng(seed))) <= 1
            assert ligatures(write_line("fn", replace(style, bend=0), rng(seed))) <= 1

    def test_most_people_print(self):
        joining = np.array([random_style(rng(seed)).joining for seed in range(400)])
        assert 0.15 < (joining > 0).mean() < 0.35
        assert joining.max() <= 1


FORM = form_boxes(8)


class TestPaper:
    def test_the_ink_is_where_the_boxes_say(self):
        for number in range(8):
            found = on_paper("AB 12 XY", FORM, writer(number), rng(number))
            assert found.picture.dtype == np.uint8
            assert found.picture.shape == FORM.shape
            paper = np.median(found.picture)
            for char, box in zip(found.writing.text, found.boxes, strict=True):
                if char == " ":
                    assert np.isnan(box).all()
                    continue
                x0, y0, x1, y1 = np.round(box).astype(int)
                window = found.picture[y0:y1, x0:x1]
                assert (window < 0.5 * paper).mean() > 0.05, (number, char)

    def test_the_same_seed_gives_the_same_picture(self):
        first, second, other = (on_paper("OK", FORM, writer(3), rng(seed)).picture for seed in (1, 1, 2))
        assert np.array_equal(first, second)
        assert not np.array_equal(first, other)

    def test_each_character_has_its_box_on_the_form(self):
        form = form_boxes(6)
        boxes = on_paper("SO1 W9", form, Style(), rng(0)).boxes
        for box, (x0, _, x1, _) in zip(boxes, form.cells, strict=True):
            assert np.isnan(box).all() or x0 < (box[0] + box[2]) / 2 < x1

    def test_nothing_written_leaves_the_boxes_blank(self):
        found = on_paper("  ", FORM, Style(), rng(0))
        assert np.isnan(found.boxes).all()
        inside = found.picture[55:120, 55:95]  # of the first box
        assert inside.min() > 0.8 * inside.max() > 100

    def test_the_boxes_are_printed_paler_than_ink_and_the_light_is_uneven(self):
        for number in range(4):
            blank, written = (on_paper(text, FORM, Style(), rng(number)).picture for text in ("", "88888888"))
            assert written.min() < 0.6 * blank.min() < 0.6 * np.median(blank)
            assert np.ptp(blank[[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)) > 10

    def test_what_does_not_fit_is_refused(self):
        with pytest.raises(ValueError, match="9 characters do not fit into 8 boxes"):
            on_paper("123456789", form_boxes(8), Style(), rng(0))

    def test_a_form_without_boxes_is_refused(self):
        with pytest.raises(ValueError, match="a box at least"):
            form_boxes(0)
