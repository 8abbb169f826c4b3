"""Lines read as wholes by the network that ships, on writing of people who do not exist."""

import dataclasses

import numpy as np
import pytest

from hcr_lib import handwriting, images, labels, line_decoding, metrics, pen, segment
from hcr_lib.language import Lexicon
from hcr_lib.line_reader import STEP, LineReader

WORDS = ["minute", "under", "handle", "summer", "winter"]


def written(text: str, writer: int | None = None, half_width: float = 4) -> segment.Component:
    """Return the ink of joined writing: by a neat writer, or by one of the many; it lies somewhere on a page."""
    style = handwriting.Style() if writer is None else handwriting.writer(writer)
    strokes = handwriting.write(text, dataclasses.replace(style, joining=1.0), np.random.default_rng(writer or 0))
    return drawn(strokes, half_width)


def drawn(strokes: list[np.ndarray], half_width: float = 4) -> segment.Component:
    x0, y0, x1, y1 = pen.bounds(strokes)
    ink = pen.render_page(
        [stroke - [x0 - 10, y0 - 10] for stroke in strokes], (int(y1 - y0) + 20, int(x1 - x0) + 20), half_width
    )
    return segment.Component((30, 50, 30 + ink.shape[1], 50 + ink.shape[0]), ink)


class Written:
    """A network that finds some characters, one after another, each with a second best, whatever it is shown."""

    def __init__(self, *steps: tuple[str, float, str]):
        self.record = {"classes": labels.TEXT + " "}
        self._steps = steps

    def __call__(self, line: np.ndarray) -> np.ndarray:
        rows = np.full((2 * len(self._steps), 2 + len(labels.TEXT)), 1e-6)
        rows[0::2, 0] = 1
        for row, (best, share, second) in zip(rows[1::2], self._steps, strict=True):
            row[1 + self.record["classes"].index(best)] = share
            row[1 + self.record["classes"].index(second)] = 1 - share
        return np.log(rows / rows.sum(axis=1, keepdims=True))


@pytest.fixture(scope="module")
def reader() -> LineReader:
    return LineReader(labels.BYCLASS)


class TestReading:
    def test_joined_words_of_several_writers_with_thin_and_thick_pens(self, reader):
        pens = np.linspace(2.5, 7, len(WORDS))
        read = [reader.read(written(word, 70 + k, pens[k])).text for k, word in enumerate(WORDS)]
        assert metrics.character_error_rate(WORDS, read) < 0.1

    def test_where_case_shows_it_is_kept(self, reader):
        assert [reader.read(written(text)).text for text in ("HANDS", "hands")] == ["HANDS", "hands"]

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

    @pytest.mark.parametrize(
        ("alphabet", "expected"),
        [("text", "Ab-7"), ("byclass", "Ab7"), ("alnum", "AB7"), ("letters", "ABT"), ("digits", "467")],
    )
    def test_what_an_alphabet_lacks_is_passed_over_or_gives_way(self, alphabet, expected):
        """A mark that it lacks is no character; a letter or a digit that it lacks is the next best."""
        found = Written(("A", 0.9, "4"), ("b", 0.9, "6"), ("-", 0.99, "1"), ("7", 0.9, "T"))
        reader = LineReader(labels.classes(alphabet), network=found)
        reading = reader.read(written("1"))
        assert reading.text == expected
        assert "".join(place.char for place, _ in reading.places) == expected
        left_out = [char for char, _ in reader.look(written("1")).marks]
        assert left_out == ([] if "-" in expected else ["-"])

    def test_words_are_separated_and_blanks_have_no_place(self):
        steps = [(char, 0.98, "x") for char in "  on it "]
        reading = LineReader(labels.BYCLASS, network=Written(*steps)).read(written("1"))
        assert reading.text == "on it"
        assert "".join(place.char for place, _ in reading.places) == "onit"

    def test_a_wide_gap_parts_words(self):
        ink = segment.Component((100, 0, 124, 44), np.ones((44, 24), "float32"))  # shown as it is: 8 steps of 4 columns
        reader = LineReader(labels.ALNUM, network=Written(*((char, 0.999, "9") for char in "TO42")))
        assert reader.read(ink).text == "TO42"
        look = reader.look(ink, blanks=[112])  # the middle, step 4, where the network says nothing
        assert reader.decode(look).text == "TO 42"
        np.testing.assert_allclose(np.exp(look.scores).sum(axis=1), 1, atol=1e-3)

    def test_a_lexicon_is_searched_and_forces_nothing(self):
        unsure = Written(
            ("m", 0.9, "n"), ("i", 0.9, "u"), ("n", 0.9, "u"), ("u", 0.4, "v"), ("t", 0.9, "f"), ("e", 0.9, "c")
        )
        words = Lexicon(["mint", "minute"])
        assert LineReader(labels.BYCLASS, words, unsure).read(written("1")).text == "minute"
        sure = Written(*[(char, 0.99, "x") for char in "zbqk"])
        assert LineReader(labels.BYCLASS, words, sure).read(written("1")).text == "zbqk"

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

    def test_a_box_holds_the_middle_of_its_letter(self, reader):
        strokes = handwriting.write("HANDS", handwriting.Style(), np.random.default_rng(0))
        component = drawn(strokes)
        letters = segment.one_line(np.pad(component.ink, ((50, 0), (30, 0)))).components
        reading = reader.read(component)
        assert len(letters) == len(reading.places) == 5
        for letter, (_, (x0, y0, x1, y1)) in zip(letters, reading.places, strict=True):
            assert x0 < (letter.box[0] + letter.box[2]) / 2 < x1
            assert y0 <= letter.middle <= y1

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
        np.testing.assert_allclose(np.exp(scores).sum(axis=1), 1, atol=1e-5)
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
