"""The reader with the weights that ship: what it promises, on handwriting that it has not been trained on."""

import dataclasses
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hcr_lib import datasets, handwriting, images, labels, pen, segment
from hcr_lib.recognizer import ALPHABETS, BATCH, CHUNK, MODES, READERS, Reading, Recognizer, _plan, _recognizer
from hcr_lib.research.pages import write_page


@pytest.fixture(scope="module")
def reader() -> Recognizer:
    return Recognizer.load("byclass")


@pytest.fixture(scope="module")
def sample() -> datasets.Dataset:
    """Synthetic characters by writers of the test split."""
    return datasets.load("bundled", "test").sample(300, np.random.default_rng(0))


def drawn(text: str, seed: int = 0, half_width: float = 4, scale: float = 1.0, gap: float = 150) -> np.ndarray:
    """A picture of neat writing, black on white; words stand `gap` apart, a line break starts a new line."""
    rng, style = np.random.default_rng(seed), handwriting.Style()
    strokes, down = [], 0.0
    for line in text.split("\n"):
        across = 0.0
        for word in line.split(" "):
            written = handwriting.write(word, style, rng)
            strokes += [stroke + np.array([across, down]) for stroke in written]
            across += pen.bounds(written)[2] + gap
        down += 220
    x0, y0, x1, y1 = pen.bounds(strokes)
    strokes = [(stroke - [x0 - 40, y0 - 40]) * scale for stroke in strokes]
    shape = int((y1 - y0 + 80) * scale), int((x1 - x0 + 80) * scale)
    return np.uint8(255 * (1 - pen.render_page(strokes, shape, half_width * scale)))


class TestPredict:
    @pytest.mark.parametrize("alphabet", ALPHABETS)
    def test_rows_are_probabilities_over_the_alphabet(self, reader, sample, alphabet):
        part = reader.with_alphabet(alphabet)
        scores = part.predict(sample.images[:50])
        assert part.classes == labels.classes(alphabet)
        assert (scores.shape, scores.dtype) == ((50, len(part.classes)), np.float32)
        assert (scores >= 0).all()
        np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)

    def test_alphabets_average_cases_and_mask_the_rest(self, reader, sample):
        bars = reader.predict(sample.images)[:, labels.BYCLASS.index("l")] > 1e-4
        sample = sample.take(~bars)  # what may be a bare bar is another matter, see below
        full = reader.predict(sample.images[:100])
        for alphabet in ("alnum", "letters", "digits"):
            folding = labels.merge_matrix(labels.BYCLASS, labels.classes(alphabet))
            expected = full @ (folding / folding.sum(axis=0))
            expected /= expected.sum(axis=1, keepdims=True)
            got = reader.with_alphabet(alphabet).predict(sample.images[:100])
            assert len(got) > 50
            sure = full @ folding.sum(axis=1) > 0.01
            np.testing.assert_allclose(got[sure], expected[sure], atol=1e-4)

    def test_alone_a_circle_is_a_zero_as_often_as_an_o(self):
        """A network that cannot tell 0, O and o apart gives the letter no more than the digit."""
        likely = np.isin(list(labels.BYCLASS), list("0Oo")).astype("float32") / 3
        reader = Recognizer(lambda stored: np.tile(likely, (len(stored), 1)), {"classes": labels.BYCLASS}, "alnum")
        circle = np.zeros((1, 28, 28), "uint8")
        scores = dict(zip(reader.classes, reader.predict(circle, normalised=True)[0], strict=True))
        assert scores["0"] == pytest.approx(scores["O"]) == pytest.approx(0.5)
        alone = reader.read(drawn("O"), mode="char").characters[0]
        assert alone.confidence == pytest.approx(0.5, abs=1e-3)

    @pytest.mark.parametrize(("of_l", "of_i", "expected"), [(0.6, 0.2, "I"), (0.9, 0.02, "L"), (0.0, 0.0, "L")])
    def test_an_l_that_may_as_well_be_an_i_is_a_bare_bar_and_no_large_l(self, of_l, of_i, expected):
        shares = {"l": of_l, "I": of_i, "L": 0.1 if of_l else 1.0}
        likely = np.array([shares.get(char, 0.0) for char in labels.TEXT], "float32")
        reader = Recognizer(lambda stored: np.tile(likely, (len(stored), 1)), {"classes": labels.TEXT}, "letters")
        bar = np.zeros((2, 28, 28), "uint8")
        for alphabet, answer in {"letters": expected, "alnum": expected, "text": max(shares, key=shares.get)}.items():
            scores = reader.with_alphabet(alphabet).predict(bar, normalised=True)
            assert [labels.classes(alphabet)[k] for k in scores.argmax(axis=1)] == [answer] * 2
            np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-6)

    def test_reads_characters_of_writers_it_does_not_know(self, reader, sample):
        alnum = sample.merge_classes(labels.ALNUM)
        read = reader.with_alphabet("alnum").predict(alnum.images).argmax(axis=1)
        alike = labels.same_shape(labels.ALNUM)
        assert np.mean(alike[read, alnum.labels]) >= 0.85

    def test_one_by_one_is_as_good_as_together(self, reader, sample):
        together = reader.predict(sample.images[:20])
        single = np.concatenate([reader.predict(image[None]) for image in sample.images[:20]])
        np.testing.assert_allclose(single, together, atol=1e-4)

    def test_batches_of_any_size(self, reader, sample):
        few = np.resize(sample.images, (BATCH + 3, 28, 28))
        assert len(reader.predict(few)) == BATCH + 3
        assert reader.predict(few[:0]).shape == (0, 62)
        np.testing.assert_allclose(reader.predict(few)[BATCH:], reader.predict(few[BATCH:]), atol=1e-4)

    def test_the_form_is_a_matter_of_course(self, reader, sample):
        shifted = np.pad(sample.images[:, 4:24, 4:24], ((0, 0), (0, 8), (8, 0)))
        same = reader.predict(shifted).argmax(axis=1) == reader.predict(sample.images).argmax(axis=1)
        assert same.mean() > 0.9

    def test_a_blank_image_is_answered_without_a_crash(self, reader):
        assert reader.predict(np.zeros((1, 28, 28), "uint8")).sum() == pytest.approx(1, abs=1e-5)

    def test_other_forms_are_refused(self, reader):
        with pytest.raises(ValueError, match=r"shape \(n, 28, 28\)"):
            reader.predict(np.zeros((28, 28), "uint8"))


class TestRead:
    @pytest.mark.parametrize("text", ["A", "7", "S", "m"])
    def test_a_character(self, reader, text):
        reading = reader.read(drawn(text))
        assert reading.text.upper() == text.upper()
        assert len(reading.characters) == 1

    @pytest.mark.parametrize(("text", "alphabet"), [("HANDS", "alnum"), ("2374", "digits"), ("KQRZ", "letters")])
    def test_a_word(self, reader, text, alphabet):
        reading = reader.with_alphabet(alphabet).read(drawn(text))
        assert len(reading.characters) == len(text)
        assert sum(a == b for a, b in zip(reading.text, text, strict=True)) >= len(text) - 1

    def test_lines_and_words_keep_their_places(self, reader):
        reading = reader.with_alphabet("alnum").read(drawn("HAND MADE\nPAGE"))
        assert [len(word) for word in reading.text.replace("\n", " | ").split()] == [4, 4, 1, 4]
        assert sum(a == b for a, b in zip(reading.text, "HAND MADE\nPAGE", strict=True)) >= 12

    @pytest.mark.parametrize(
        "text", ["MILK\nEGGS\nBREAD", "ADA\nBOB", "A\nB\nC", "27\n4", "glad\nlily\ntea", "\n".join(["AB CD"] * 20)]
    )
    def test_a_list_is_read_line_by_line(self, reader, text):
        found = reader.with_alphabet("alnum").read(drawn(text)).text
        assert [[len(word) for word in line.split()] for line in found.split("\n")] == [
            [len(word) for word in line.split()] for line in text.split("\n")
        ]

    def test_lines_of_many_writers_are_found(self, reader):
        rng, found = np.random.default_rng(0), 0
        for number in range(20):
            words = rng.choice(["HELLO", "glad", "1984", "Jig", "pinky", "no", "Eva"], rng.integers(1, 6))
            page = write_page("\n".join(words), handwriting.writer(70 + number), rng, width=1e6)
            x0, y0, x1, y1 = pen.bounds(page.strokes)
            strokes = [(stroke - [x0 - 40, y0 - 40]) / 2 for stroke in page.strokes]
            picture = 1 - pen.render_page(strokes, (int(y1 - y0 + 80) // 2, int(x1 - x0 + 80) // 2), 2)
            found += reader.read(picture).text.count("\n") == len(words) - 1
        assert found >= 18

    @pytest.mark.parametrize(
        "strokes",
        [
            [[[100, 100], [300, 100]], [[200, 130], [200, 300]]],  # a T whose bar misses its stem
            [[[200, 120]], [[200, 280]]],  # a colon
            [[[80, 170], [320, 170]], [[80, 230], [320, 230]]],  # an equals sign
            [[[120, 100], [280, 100]], [[200, 130], [200, 270]], [[120, 300], [280, 300]]],  # an I with loose serifs
        ],
    )
    def test_dots_and_bars_above_each_other_are_no_lines(self, reader, strokes):
        assert len(reader.with_alphabet("text").read(1 - pen.render(strokes)).text) == 1

    def test_a_word_that_was_crossed_out_is_left_out_and_said(self, reader):
        reader = reader.with_alphabet("alnum")
        picture = drawn("HAND MADE\nPAGE")
        *_, made = [each.box for each in reader.read(picture).characters if each.box[1] < picture.shape[0] / 3][-4:]
        first = reader.read(picture).characters[4].box
        x0, y0, x1, y1 = first[0], first[1], made[2], made[3]
        middle = (y0 + y1) // 2
        picture[middle - 2 : middle + 2, x0 - 12 : x1 + 12] = 0
        reading = reader.read(picture)
        assert [len(line) for line in reading.text.split("\n")] == [4, 4]
        [(left, top, right, bottom)] = reading.crossed_out
        assert (abs(left - x0 + 12) < 6, abs(right - x1 - 12) < 6, top < middle < bottom) == (True, True, True)
        assert reading.to_dict()["crossed_out"] == [[left, top, right, bottom]]

    def test_a_character_keeps_the_image_that_was_read(self, reader):
        reading = reader.read(drawn("HANDS"))
        images_read = np.stack([each.image for each in reading.characters])
        assert (images_read.dtype, images_read.shape) == (np.uint8, (5, 28, 28))
        alone = reader.read(drawn("A"), mode="char")
        np.testing.assert_array_equal(alone.characters[0].image, images.to_mnist(drawn("A")))
        assert alone == reader.read(drawn("A"), mode="char")

    def test_asked_for_a_word_it_looks_for_no_lines(self, reader):
        picture = drawn("HAND MADE")
        assert " " not in reader.read(picture, mode="word").text
        assert " " in reader.read(picture, mode="page").text
        assert len(reader.read(picture, mode="char").text) == 1

    def test_a_small_picture_is_a_character_whatever_its_parts(self, reader, sample):
        for image in sample.images[:40]:
            assert len(reader.read(image).characters) == 1

    def test_boxes_lie_around_the_ink_in_the_pictures_own_pixels(self, reader):
        for scale in (0.5, 1, 8):  # the last is larger than the reader works with
            picture = drawn("HANDS", scale=scale)
            assert scale < 8 or max(picture.shape) > images.WORKING_SIDE
            ink = picture < 128
            columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
            boxes = np.array([character.box for character in reader.read(picture).characters])
            outer = [*boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)]
            expected = [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1]
            np.testing.assert_allclose(outer, expected, atol=3 + scale)
            assert (np.diff(boxes[:, 0]) > 0).all(), "from left to right"

    def test_neither_polarity_nor_size_nor_transparency_nor_rotation_matters(self, reader, tmp_path):
        picture = drawn("HANDS")
        plain = reader.read(picture).text
        nothing, exif = np.zeros_like(picture), Image.Exif()
        exif[0x0112] = 6
        turned = Image.fromarray(picture).transpose(Image.Transpose.ROTATE_90)
        turned.save(tmp_path / "turned.jpg", exif=exif, quality=95)
        Image.fromarray(np.dstack([nothing] * 3 + [255 - picture])).save(tmp_path / "dark.png")
        Image.fromarray(np.dstack([~nothing] * 3 + [255 - picture])).save(tmp_path / "light.png")
        others = [255 - picture, np.dstack([picture] * 3), drawn("HANDS", scale=2), Image.fromarray(picture > 127)]
        others += [tmp_path / name for name in ("turned.jpg", "dark.png", "light.png")]
        assert [reading.text for reading in reader.read_all(others)] == [plain] * len(others)

    @pytest.mark.parametrize("how", READERS)
    def test_a_lexicon_helps_and_forces_nothing(self, reader, how):
        words = reader.with_alphabet("letters")
        assert words.read(drawn("HANDS"), lexicon=["Hands", "feet"], reader=how).text == "Hands"
        plain = words.read(drawn("HANDS"), reader=how).text
        assert words.read(drawn("HANDS"), lexicon=["zebra"], reader=how).text == plain

    def test_characters_agree_with_the_word_that_a_lexicon_chose(self, reader):
        reading = reader.with_alphabet("letters").read(drawn("HANDS"), lexicon=["Bands"], reader="cut")
        assert (reading.text, [each.char for each in reading.characters]) == ("Bands", list("BANDS"))
        assert "H" in [char for char, _ in reading.characters[0].alternatives]

    def test_alternatives_and_confidences(self, reader):
        reading = reader.read(drawn("O5l"))
        assert 0 < reading.confidence <= 1
        for character in reading.characters:
            shares = [character.confidence, *(share for _, share in character.alternatives)]
            assert shares == sorted(shares, reverse=True)
            assert 0 <= shares[-1] <= shares[0] <= 1
            assert len({character.char, *(char for char, _ in character.alternatives)}) == 4

    @pytest.mark.parametrize("how", READERS)
    def test_it_becomes_plain_lists_and_numbers(self, reader, how):
        plain = reader.read(drawn("HANDS"), reader=how).to_dict()
        assert plain["reader"] in ({"cut", "line"} if how == "auto" else {how})
        assert json.loads(json.dumps(plain)) == plain
        assert list(plain) == ["text", "confidence", "reader", "characters", "marks", "crossed_out"]
        assert list(plain["characters"][0]) == ["char", "confidence", "box", "alternatives"]
        assert all(type(edge) is int for edge in plain["characters"][0]["box"])

    def test_errors_are_raised_for_one_and_handed_through_for_many(self, reader, tmp_path):
        blank, missing = np.full((60, 60), 255, "uint8"), tmp_path / "nothing.png"
        with pytest.raises(images.BlankImageError):
            reader.read(blank)
        with pytest.raises(images.ImageError, match=r"nothing\.png was not found"):
            reader.read(missing)
        lab, bad = Image.new("RGB", (90, 90), "white").convert("LAB"), [np.full((9, 9), 7.0), np.zeros(5), object()]
        answers = list(reader.read_all([drawn("A"), blank, missing, drawn("B"), np.zeros((0, 0), "uint8"), lab, *bad]))
        assert [isinstance(answer, Reading) for answer in answers] == [True, False, False, True] + 5 * [False]
        assert all(isinstance(answer, Reading | images.ImageError) for answer in answers)

    def test_many_pictures_come_back_in_order_and_are_taken_as_they_are_needed(self, reader, sample):
        taken = 0

        def pictures():
            nonlocal taken
            for image in np.resize(sample.images, (3 * CHUNK + 1, 28, 28)):
                taken += 1
                yield image

        answers = reader.read_all(pictures(), mode="char")
        texts = [next(answers).text]
        assert taken <= CHUNK
        texts += [answer.text for answer in answers]
        assert texts[:20] == [reader.read(image, mode="char").text for image in sample.images[:20]]
        assert len(texts) == 3 * CHUNK + 1

    def test_nothing_to_read_is_no_error(self, reader):
        assert list(reader.read_all([])) == []


def joined(text: str, half_width: float = 4) -> np.ndarray:
    """A picture of words whose letters are joined, as nobody can cut them."""
    style, rng = dataclasses.replace(handwriting.Style(), joining=1.0), np.random.default_rng(0)
    strokes, down = [], 0.0
    for line in text.split("\n"):
        written = handwriting.write(line, style, rng)
        strokes += [stroke + np.array([0, down]) for stroke in written]
        down += 250
    x0, y0, x1, y1 = pen.bounds(strokes)
    shape = int(y1 - y0) + 80, int(x1 - x0) + 80
    page = pen.render_page([stroke - [x0 - 40, y0 - 40] for stroke in strokes], shape, half_width)
    return np.uint8(255 * (1 - page))


def resident() -> int:
    """Return how much memory this process takes, in bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class TestReaders:
    """Each character by itself, each line as a whole, or the better of the two."""

    def test_joined_writing_is_read_as_a_whole_and_cannot_be_cut(self, reader):
        cut, line, auto = (reader.read(joined("minute"), reader=how) for how in ("cut", "line", "auto"))
        assert (line.text, line.reader) == ("minute", "line")
        assert auto == line
        assert cut.reader == "cut"
        assert cut.text != "minute"

    def test_a_single_character_is_left_to_the_network_for_characters(self, reader, sample):
        for char in ("A", "7", "m", "S"):
            reading, alone = reader.read(drawn(char)), reader.read(drawn(char), mode="char")
            assert (reading.text, reading.reader) == (alone.text, "cut")
            assert reading.confidence == pytest.approx(alone.confidence, abs=0.05)
        stored = reader.read(sample.images[0], reader="line")
        assert (len(stored.text), stored.reader) == (1, "cut"), "a stored image is no line"

    @pytest.mark.parametrize("how", READERS)
    def test_asked_for_a_character_there_is_no_line(self, reader, how):
        reading = reader.read(joined("minute"), mode="char", reader=how)
        assert (len(reading.characters), reading.reader) == (1, "cut")

    def test_several_lines_each_its_own_way(self, reader):
        page = np.vstack([joined("minute"), np.full((60, joined("minute").shape[1]), 255, "uint8")])
        bar = np.full((200, page.shape[1]), 255, "uint8")
        bar[40:160, 60:120] = drawn("S")[40:160, 40:100]
        reading = reader.read(np.vstack([page, bar]))
        assert reading.text.split("\n")[0] == "minute"
        assert len(reading.text.split("\n")[1]) == 1
        assert reading.reader == "both"
        whole = reader.read(joined("minute\nwinter"), reader="line")
        assert (whole.text, whole.reader) == ("minute\nwinter", "line")
        boxes = np.array([each.box for each in whole.characters])
        assert boxes[:6, 3].max() < boxes[6:, 1].min(), "each line's boxes are on that line"

    def test_characters_of_a_line_have_what_those_of_a_cut_have(self, reader):
        picture = np.kron(joined("minute"), np.ones((5, 5), "uint8"))
        assert max(picture.shape) > images.WORKING_SIDE, "so that boxes must be scaled back"
        reading = reader.read(picture)
        assert "".join(each.char for each in reading.characters) == reading.text == "minute"
        for each in reading.characters:
            assert (each.image.shape, each.image.dtype) == ((28, 28), np.uint8)
            assert each.image.max() == 255
            assert len(each.alternatives) == 3
        boxes, inked = np.array([each.box for each in reading.characters]), np.argwhere(picture < 128)
        np.testing.assert_allclose(boxes[:, :2].min(axis=0), inked.min(axis=0)[::-1], atol=8)
        np.testing.assert_allclose(boxes[:, 2:].max(axis=0), inked.max(axis=0)[::-1] + 1, atol=8)

    def test_a_word_of_a_lexicon_is_spelled_as_there_unless_case_was_read(self, reader):
        words = ["McMinute", "Minute"]
        assert reader.with_alphabet("letters").read(joined("minute"), lexicon=words).text == "Minute"
        assert reader.read(joined("minute"), lexicon=words, reader="line").text == "minute"

    def test_asked_for_a_word_a_line_has_no_blanks(self, reader):
        under, minute = joined("under"), joined("minute")
        high = max(len(under), len(minute))
        words = [np.pad(word, ((high - len(word), 0), (0, 0)), constant_values=255) for word in (under, minute)]
        picture = np.hstack(words)
        assert reader.read(picture, mode="page", reader="line").text == "under minute"
        assert reader.read(picture, mode="word", reader="line").text == "underminute"
        entry = reader.with_alphabet("letters").read(picture, "word", ["Under Minute"], "line")
        assert entry.text == "Under Minute"

    @pytest.mark.parametrize("how", READERS)
    def test_blank_pages_and_bad_files_spoil_no_others(self, reader, how):
        blank = np.full((90, 300), 255, "uint8")
        answers = list(reader.read_all([joined("minute"), blank, "nothing.png", drawn("A")], reader=how))
        assert [isinstance(answer, Reading) for answer in answers] == [True, False, False, True]

    @pytest.mark.parametrize("how", READERS)
    @pytest.mark.parametrize("mode", ["word", "page"])
    def test_odd_ink_has_an_answer(self, reader, how, mode):
        """More bars than a line has steps, a hair line that slopes, two dots far apart: none may stop the others."""
        bars, hair, dots = np.full((3, 120, 700), 255, "uint8")
        bars[10:110, 20:680:12] = bars[10:110, 21:680:12] = bars[10:110, 22:680:12] = 0
        across = np.arange(50, 650)
        hair[(20 + across / 20).astype(int), across] = 140
        hair[20:50, 20:30] = 0
        dots[50:53, 50:53] = dots[50:53, 640:643] = 0
        for answer in reader.read_all([bars, hair, dots], mode, reader=how):
            if isinstance(answer, images.NoWritingError):
                continue
            assert isinstance(answer, Reading)
            assert len(answer.characters) == len("".join(answer.text.split()))

    @pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for the memory in use")
    def test_the_memory_of_lines_does_not_grow_with_their_number(self, reader, monkeypatch):
        """Lines of many widths, each of which has the runtime plan its memory anew."""
        monkeypatch.setattr(_recognizer, "CHUNK", 4)
        word = joined("it")
        pictures = [word[:, cut:] for cut in (0, 20, 45, 80)]
        list(reader.read_all(pictures * 3, reader="line"))
        before = resident()
        assert len(list(reader.read_all(pictures * 10, reader="line"))) == 40
        assert resident() < before + 5e6

    def test_only_what_the_line_reader_is_unsure_of_is_cut_as_well(self, reader):
        shown = []

        def network(stored):
            shown.append(len(stored))
            return reader._network(stored)

        counting = Recognizer(network, reader.record, reader.alphabet)
        assert counting.read(joined("reading")).text == "reading"
        assert sum(shown) == 0
        assert counting.read(drawn("A")).reader == "cut"
        assert counting.read(joined("minute"), reader="cut").reader == "cut"
        assert sum(shown) > 1

    def test_no_more_is_read_at_once_than_a_few_seconds_allow(self, reader, monkeypatch):
        shown = []

        def network(stored):
            shown.append(len(stored))
            return reader._network(stored)

        counting = Recognizer(network, reader.record, reader.alphabet)
        picture = drawn("HAND MADE\nPAGE\nHELLO")
        counting.read(picture, "page", reader="cut")
        by_cuts = sum(shown)
        monkeypatch.setattr(_recognizer, "MOST_CUTS", 0)
        assert counting.read(picture, "page").reader == "line"  # what it is unsure of is not cut as well
        assert sum(shown) == by_cuts
        monkeypatch.setattr(_plan, "MOST_COLUMNS", 500)
        with pytest.raises(images.ImageError, match=r"holds 3 lines, more writing than is read at once.* Crop it"):
            counting.read(picture, "page")
        assert counting.read(picture, "page", reader="cut").text

    def test_an_unknown_reader_names_the_known(self, reader):
        with pytest.raises(ValueError, match="reader must be one of auto, cut, line; got 'whole'"):
            reader.read(drawn("A"), reader="whole")


class TestNoWriting:
    def test_a_scribble_and_texture_are_refused_unless_they_are_said_to_be_writing(self, reader):
        rng = np.random.default_rng(0)
        scribble = rng.uniform(20, 280, (40, 2))
        picture = np.uint8(255 * (1 - pen.render_page([scribble], (300, 300), 3)))
        with pytest.raises(images.NoWritingError, match=r"no writing found .* expected letters or digits"):
            reader.read(picture)
        assert len(reader.read(picture, "char").text) == 1

    @pytest.mark.parametrize("name", ["face", "star", "zigzag", "wave", "crumbs of a rule"])
    def test_drawings_are_refused(self, reader, name):
        turn = np.linspace(0, 2 * np.pi, 60)
        ring = np.stack([np.cos(turn), np.sin(turn)], axis=1)
        corners = np.arange(6) * 0.8 * np.pi - np.pi / 2
        strokes = {
            "face": [120 * ring, 12 * ring + [-45, -40], 15 * ring + [40, -40], (60 * ring + [0, 20])[5:25]],
            "star": [120 * np.stack([np.cos(corners), np.sin(corners)], axis=1)],
            "zigzag": [np.stack([np.linspace(-130, 130, 15), 60 * (-1) ** np.arange(15)], axis=1)],
            "wave": [np.stack([np.linspace(-130, 130, 60), 20 * np.sin(3 * turn)], axis=1)],
            "crumbs of a rule": [np.array([[x, 0], [x + 25, 1.0]]) for x in (-120, -30, 60)],
        }[name]
        strokes = [stroke + np.array([150, 150]) for stroke in strokes]
        ink = pen.render_page(strokes, (300, 300), 1.5 if "rule" in name else 3)
        with pytest.raises(images.NoWritingError):
            reader.read(np.uint8(255 * (1 - ink)))

    @pytest.mark.parametrize("half_width", [3, 10])
    def test_writing_is_not(self, reader, half_width):
        for text in ("A", "8", "W", "g", "HELLO", "it is\nlate"):
            assert reader.read(drawn(text, half_width=half_width)).text


class TestInk:
    """Ink that nothing has to be found out about, as a pad renders it."""

    @pytest.mark.parametrize(("text", "mode"), [("B", "char"), ("7", "auto"), ("Seven", "word"), ("to be", "page")])
    def test_it_is_read_as_a_picture_of_it_is(self, reader, text, mode):
        ink = 1 - drawn(text) / np.float32(255)
        assert reader.read_ink(ink, mode).text == reader.read(drawn(text), mode).text == text

    def test_faint_ink_and_a_page_full_of_it_are_taken_as_they_are(self, reader):
        ink = pen.render(pen.scale_to(handwriting.write_char("B", handwriting.Style(), np.random.default_rng(0))))
        assert reader.read_ink(0.5 * ink, "char").text == "B"
        edge = pen.bounds(np.argwhere(ink > 0)[None])
        cropped = ink[int(edge[0]) : int(edge[2]) + 1, int(edge[1]) : int(edge[3]) + 1]
        assert reader.read_ink(cropped, "char").text == "B"

    @pytest.mark.parametrize("mode", MODES)
    def test_what_is_no_writing_is_refused_in_every_mode(self, reader, mode):
        rng = np.random.default_rng(0)
        scribble = pen.render([rng.uniform(60, 340, (60, 2))], half_width=4)
        with pytest.raises(images.NoWritingError):
            reader.read_ink(scribble, mode)
        with pytest.raises(images.BlankImageError):
            reader.read_ink(np.zeros((400, 400)), mode)

    @pytest.mark.parametrize("ink", [np.zeros(9), np.full((9, 9), 255), np.full((9, 9), np.nan), np.zeros((0, 9))])
    def test_what_is_no_ink_is_refused(self, reader, ink):
        with pytest.raises(ValueError, match=r"ink must be numbers from 0 to 1 of shape \(height, width\)"):
            reader.read_ink(ink)


class TestMasks:
    @pytest.fixture(scope="class")
    def reader(self):
        return Recognizer.load("alnum")

    def test_a_mask_says_what_is_a_letter_and_what_a_digit(self, reader):
        for text, mask in (("OO000", "LLDDD"), ("1B8B", "DLDL"), ("S5", "LD")):
            reading = reader.read(drawn(text), mask=mask)
            assert reading.text == "".join(each.char for each in reading.characters) == text
        zeros = reader.read(drawn("OO000"), mask="LLDDD")
        assert min(each.confidence for each in zeros.characters) > 0.9, "only one of 0 and O may stand there"
        assert zeros.confidence > 0.8

    @pytest.mark.parametrize("how", READERS)
    def test_confidence_falls_where_two_characters_are_as_likely(self, reader, how):
        sure, unsure = (reader.read(drawn("OA12"), mask=mask, reader=how).confidence for mask in ("LLDD", "ALDD"))
        assert sure > 0.85
        assert unsure < 0.85 * sure, "0A12 is as good a reading"

    def test_of_several_masks_the_one_that_fits_is_taken(self, reader):
        masks = ["DDD", "LLDDD", "LLLLLL"]
        assert reader.read(drawn("AB123"), mask=masks).text == "AB123"
        assert reader.read(drawn("HANDLE"), mask=masks).text == "HANDLE"

    def test_characters_that_touch_are_cut(self, reader):
        strokes = handwriting.write("HT22", handwriting.Style(touching=1.0), np.random.default_rng(1))
        x0, y0, x1, y1 = pen.bounds(strokes)
        ink = pen.render_page(
            [stroke - [x0 - 40, y0 - 40] for stroke in strokes], (round(y1 - y0) + 80, round(x1 - x0) + 80), 4
        )
        touching = np.uint8(255 * (1 - ink))
        assert len(segment.one_line(ink).components) < 4, "some touch"
        for how in ("cut", "auto"):
            reading = reader.read(touching, "word", mask="LLDD", reader=how)
            assert reading.text == "HT22"
            lefts = [each.box[0] for each in reading.characters]
            assert lefts == sorted(set(lefts))

    def test_each_line_has_its_mask_and_blanks_stand_for_themselves(self, reader):
        page = drawn("AB 12\n34567")
        assert reader.read(page, "page", mask=["LL DD", "DDDDD"]).text == "AB 12\n34567"

    @pytest.mark.parametrize("how", READERS)
    def test_ink_that_has_no_room_for_the_mask_says_so(self, reader, how):
        with pytest.raises(images.ImageError, match="no room for a text of the form " + "D" * 90):
            reader.read(drawn("7"), mask="D" * 90, reader=how)

    def test_a_mask_of_marks_needs_their_alphabet(self, reader):
        with pytest.raises(ValueError, match="asks for ',', which is not among"):
            reader.read(drawn("1"), mask="D,DD")

    def test_a_lone_character(self, reader):
        circle = drawn("O")
        assert [reader.read(circle, mask=mask).text for mask in "LD"] == ["O", "0"]
        assert [reader.read(circle, "char", mask=mask).text for mask in "LD"] == ["O", "0"]


class TestLoading:
    def test_the_network_is_shared(self, reader):
        assert Recognizer.load("digits")._network is reader._network

    @pytest.mark.parametrize("alphabet", ["ALNUM", "balanced", ""])
    def test_an_unknown_alphabet_names_the_known(self, alphabet):
        with pytest.raises(ValueError, match="alphabet must be one of digits, letters, alnum, byclass, text; got"):
            Recognizer.load(alphabet)

    def test_an_unknown_mode_names_the_known(self, reader):
        with pytest.raises(ValueError, match="mode must be one of auto, char, word, page; got 'line'"):
            reader.read(drawn("A"), mode="line")

    def test_a_missing_or_foreign_file_is_named(self, tmp_path):
        with pytest.raises(FileNotFoundError, match=r"nothing\.tflite"):
            Recognizer.load(path=tmp_path / "nothing.tflite")
        (tmp_path / "text.tflite").write_text("weights")
        with pytest.raises(ValueError, match=r"text\.tflite is damaged, or is no reader of this course"):
            Recognizer.load(path=tmp_path / "text.tflite")


def test_a_letter_whose_strokes_do_not_meet_is_still_one_letter_and_two_digits_are_two():
    reader = Recognizer.load("alnum")
    broken_k = [[[150, 100], [150, 300]], [[250, 100], [166, 200], [250, 300]]]
    eleven = [[[130, 100], [130, 300]], [[270, 100], [270, 300]]]
    assert reader.read(1 - pen.render(broken_k)).text == "K"
    assert len(reader.read(1 - pen.render(eleven)).text) == 2


@pytest.mark.parametrize("half_width", [4, 10, 18])
@pytest.mark.parametrize("lean", [-10, 0, 20])
def test_a_bare_vertical_bar_is_an_i_or_a_1_and_no_l(half_width, lean):
    """It used to be read as an L among letters: most people write their small l as a bar."""
    picture = 1 - pen.render([[[200 + lean, 60], [200, 340]]], half_width=half_width)
    reader = Recognizer.load("letters")
    assert reader.read(picture).text == "I"
    assert reader.with_alphabet("alnum").read(picture).text in "1I"
    assert reader.with_alphabet("digits").read(picture).text == "1"


CURVE = [[200 + 60 * np.cos(angle), 200 + 120 * np.sin(angle)] for angle in np.linspace(-1.3, 1.3, 20)]


@pytest.mark.parametrize(
    ("mark", "strokes"),
    [
        (".", [[[200, 200]]]),
        ("-", [[[150, 200], [250, 202]]]),
        ("=", [[[100, 170], [300, 170]], [[100, 230], [300, 230]]]),
        ("+", [[[100, 200], [300, 200]], [[200, 100], [200, 300]]]),
        (":", [[[200, 150]], [[200, 290]]]),
        (")", [CURVE]),
        ("(", [[[400 - x, y] for x, y in CURVE]]),
        ("#", [[[160, 80], [130, 320]], [[260, 80], [230, 320]], [[80, 160], [320, 150]], [[80, 250], [320, 240]]]),
    ],
)
def test_marks_are_read_where_they_are_asked_for(mark, strokes):
    picture = 1 - pen.render(strokes)
    reader = Recognizer.load("text")
    assert reader.read(picture, mode="char").text == mark
    assert reader.with_alphabet("byclass").read(picture, mode="char").text in labels.BYCLASS
