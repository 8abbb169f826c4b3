"""Lines read as wholes by the network that ships, on writing of people who do not exist."""

import dataclasses

import numpy as np
import pytest

from hcr_lib import handwriting, images, labels, line_decoding, metrics, pen, segment
from hcr_lib.language import Lexicon
from hcr_lib.line_reader import STEP, LineReader

WORDS = ["minute", "under", "handle", "summer", "winter", "animal", "number", "letter"]


def written(text: str, writer: int | None = None, half_width: float = 4) -> segment.Component:
    """Return the ink of joined writing: by a neat writer, or by one of the many; it lies somewhere on a page."""
    style = handwriting.Style() if writer is None else handwriting.writer(writer)
    strokes = handwriting.write(text, dataclasses.replace(style, joining=1.0), np.random.default_rng(writer or 0))
    return drawn(strokes, half_width)


def drawn(strokes: list[np.ndarray], half_width: float = 4) -> segment.Component:
    x0, y0, x1, y1 = pen.bounds(strokes)
    ink = pen.render_page([stroke - [x0 - 10, y0 - 10] for stroke in strokes], (y1 - y0 + 20, x1 - x0 + 20), half_width)
    return segment.Component((30, 50, 30 + ink.shape[1], 50 + ink.shape[0]), ink)


def with_hyphen(left: str, right: str, mark: bool = True) -> segment.Component:
    """Return two words with a stroke between them, or with as much room."""
    rng, strokes = np.random.default_rng(0), []
    for word in (left, right):
        own = handwriting.write(word, handwriting.Style(), rng)
        x0, y0, x1, y1 = pen.bounds(own)
        across = pen.bounds(strokes)[2] + 100 if strokes else 0
        strokes += [stroke - [x0 - across, y0] for stroke in own]
        middle, end = (y1 - y0) / 2, across + x1 - x0
        if word == left and mark:
            hyphen = np.array([[end + 30, middle], [end + 70, middle]])
    return drawn([*strokes, hyphen] if mark else strokes)


@pytest.fixture(scope="module")
def reader() -> LineReader:
    return LineReader(labels.BYCLASS)


class TestReading:
    def test_joined_words_of_many_writers(self, reader):
        read = [reader.read(written(word, 70 + number)).text for number, word in enumerate(WORDS)]
        assert metrics.character_error_rate(WORDS, read) < 0.1

    @pytest.mark.parametrize("half_width", [2, 8])
    def test_pens_thin_and_thick(self, reader, half_width):
        assert reader.read(written("summer", half_width=half_width)).text == "summer"

    def test_where_case_shows_it_is_kept(self, reader):
        assert [reader.read(written(text)).text for text in ("HANDS", "hands", "Adam")] == ["HANDS", "hands", "Adam"]

    @pytest.mark.parametrize(
        ("alphabet", "text", "expected"),
        [("digits", "28401", "28401"), ("letters", "minute", "MINUTE"), ("alnum", "28401", "28401")],
    )
    def test_an_alphabet_rules_out_the_rest(self, alphabet, text, expected):
        assert LineReader(labels.classes(alphabet)).read(written(text)).text == expected

    def test_of_digits_only_letters_become_digits(self):
        text = LineReader(labels.DIGITS).read(written("BIGS")).text
        assert text
        assert set(text) <= set(labels.DIGITS)

    def test_a_mark_is_read_by_an_alphabet_that_has_it_and_else_passed_over(self, reader):
        marked = with_hyphen("anna", "lena")
        assert "-" in LineReader(labels.TEXT).read(marked).text
        plain = reader.read(marked)
        assert {*plain.text} <= {*labels.BYCLASS, " "}
        assert plain.text.replace(" ", "").lower() == "annalena"

    def test_words_are_separated(self, reader):
        reading = reader.read(with_hyphen("anna", "lena", mark=False))
        assert reading.text.lower() == "anna lena"
        assert len(reading.places) == 8, "blanks have no place"

    def test_a_lexicon_is_searched_and_forces_nothing(self):
        smudged = written("minute", 76)
        rng = np.random.default_rng(0)
        holes = rng.random(smudged.ink.shape) < 0.5
        smudged = segment.Component(smudged.box, np.where(holes, 0, smudged.ink).astype("float32"))
        plain, known = LineReader(labels.LETTERS), LineReader(labels.LETTERS, Lexicon(["minute", "summer"]))
        wanted = plain.read(smudged).log_probability("MINUTE")
        assert known.read(smudged).log_probability("minute") == pytest.approx(wanted), "case does not count"
        assert known.read(written("minute")).text == "MINUTE"
        assert known.read(written("handle")).text == "HANDLE"

    def test_without_ink_it_is_an_error(self, reader):
        with pytest.raises(images.BlankImageError):
            reader.read(segment.Component((0, 0, 50, 20), np.zeros((20, 50), "float32")))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (500, 1), (60, 60), (40, 4000)])
    def test_any_ink_has_an_answer(self, reader, shape):
        reading = reader.read(segment.Component((0, 0, *shape[::-1]), np.ones(shape, "float32")))
        assert len(reading.places) == len(reading.text.replace(" ", ""))


class TestPlaces:
    def test_boxes_are_on_the_page_in_order_and_cover_their_letters(self, reader):
        component = written("minute")
        reading = reader.read(component)
        boxes = np.array([box for _, box in reading.places])
        x0, y0, x1, y1 = component.box
        assert len(boxes) == 6
        assert (boxes[:, :2] >= [x0, y0]).all()
        assert (boxes[:, 2:] <= [x1, y1]).all()
        assert (boxes[:, :2] < boxes[:, 2:]).all()
        assert (np.diff(boxes, axis=0)[:, [0, 2]] > 0).all(), "from left to right"
        np.testing.assert_allclose(boxes[1:, 0], boxes[:-1, 2], atol=12)  # joined letters follow one another
        i, m = boxes[1], boxes[0]
        assert m[2] - m[0] > 1.5 * (i[2] - i[0]), "an m is wider than an i"
        assert i[1] < m[1] - 10, "and the i has its dot"

    def test_each_has_three_alternatives_of_the_alphabet_and_no_blank(self):
        reader = LineReader(labels.DIGITS)
        for place, _ in reader.read(written("28401")).places:
            assert isinstance(place, line_decoding.Place)
            chars, shares = zip(*place.alternatives, strict=True)
            assert len({place.char, *chars}) == 4
            assert {*chars} < {*labels.DIGITS}
            assert list(shares) == sorted(shares, reverse=True)
            assert 0 <= shares[-1] <= shares[0] <= 1
            assert 0.5 < place.confidence <= 1


class TestScores:
    @pytest.mark.parametrize("alphabet", ["digits", "letters", "alnum", "byclass", "text"])
    def test_rows_are_log_probabilities_of_the_alphabet_and_the_blank(self, alphabet):
        line = images.to_line(written("hand").ink)
        reader = LineReader(labels.classes(alphabet))
        scores = reader.log_probs(line)
        assert scores.shape == (-(-line.shape[1] // 16) * 16 // STEP, 2 + len(labels.classes(alphabet)))
        np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-9)
        assert np.isfinite(scores).all()

    def test_cases_add_up(self):
        line = images.to_line(written("hand").ink)
        both, merged = LineReader(labels.BYCLASS), LineReader(labels.LETTERS)
        h = {reader: reader.read(written("hand")).classes.index("H") for reader in (both, merged)}
        small = both.read(written("hand")).classes.index("h")
        apart = np.exp(both.log_probs(line))
        together = np.exp(merged.log_probs(line))[:, 1 + h[merged]]
        step = int(together.argmax())
        assert together[step] == pytest.approx(apart[step, 1 + h[both]] + apart[step, 1 + small], abs=0.02)

    def test_the_log_probability_of_a_text(self, reader):
        reading = reader.read(written("hand"))
        right, wrong = reading.log_probability("hand"), reading.log_probability("hard")
        assert wrong < right < 0
        assert reading.log_probability("h,and!") == right, "other characters are left out"
        assert reading.log_probability("") == reading.log_probability("?!") == -np.inf
        assert reading.log_probability("hand" * 50) == -np.inf, "it has no room"
        merged = LineReader(labels.LETTERS).read(written("hand"))
        assert merged.log_probability("hand") == merged.log_probability("HAND") > np.log(0.2)
