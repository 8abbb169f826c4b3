import itertools
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib import ctc, language, line_decoding
from hcr_lib.language import CharacterModel, Language, Lexicon
from hcr_lib.line_decoding import best_path, locate, search

CLASSES = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.,-'\"?!:;()/&+=%@# "
NOTHING_LEFT_OUT = {"least": 0.0, "sure": 1.0, "far": 0.0}


def scores_of(*steps, rest=1e-3, classes=CLASSES):
    """Return log probabilities: for each step a character, or several with what they weigh; a blank before each."""
    rows = []
    for step in steps:
        row = np.full(1 + len(classes), rest / len(classes))
        for char, weight in (step if isinstance(step, dict) else {step: 1.0}).items():
            row[1 + classes.index(char)] += weight
        blank = np.full(1 + len(classes), 1e-4 / len(classes))
        blank[0] = 1.0
        rows += [blank / blank.sum(), row / row.sum()]
    return np.log(rows)


def unsure(*pairs):
    """Return steps that are written as pairs such as "hk": rather the second than the first."""
    return [pair if len(pair) == 1 else {pair[0]: 0.4, pair[1]: 0.6} for pair in pairs]


@pytest.fixture(scope="module")
def english():
    return Language(language.english())


@pytest.fixture(scope="module")
def letters():
    return Language()


class TestWithoutLanguage:
    @given(st.integers(0, 10_000), st.integers(1, 9), st.integers(1, 6))
    @settings(max_examples=60, deadline=None)
    def test_equals_the_course_s_own_search(self, seed, steps, width):
        rng = np.random.default_rng(seed)
        scores = ctc.log_softmax(2 * rng.normal(size=(steps, 4)))
        expected = ctc.beam_search(scores, "AB ", width)
        found = search(scores, "AB ", n=width, width=width, **NOTHING_LEFT_OUT)
        assert [text for text, _ in found] == [text for text, _ in expected]
        assert [score for _, score in found] == pytest.approx([score for _, score in expected])

    def test_what_is_left_out_by_default_changes_nothing_that_matters(self):
        scores = scores_of(*unsure("hk", "e", "l", "l", "o0", " ", "1l"))
        [(text, score)] = search(scores, CLASSES)
        assert text == ctc.greedy(scores, CLASSES)
        assert score == pytest.approx(ctc.beam_search(scores, CLASSES)[0][1], abs=0.05)

    def test_long_lines_do_not_vanish(self):
        scores = np.log(np.full((3000, 3), 1 / 3))
        [(_, score)] = search(scores, "AB")
        assert -3000 * np.log(3) < score < 0

    @given(st.integers(0, 10_000))
    @settings(max_examples=30, deadline=None)
    def test_the_best_path_is_that_of_ctc(self, seed):
        scores = ctc.log_softmax(np.random.default_rng(seed).normal(size=(12, 4)))
        assert best_path(scores, "AB ") == ctc.greedy(scores, "AB ")


class TestWithLanguage:
    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            (["T", "HK", "E"], "THE"),
            (["t", "hk", "e"], "the"),
            (["T", "hk", "e"], "The"),
            (["(", "t", "hk", "e", ")"], "(the)"),
            (["h", "o", "un", "s", "e", "'", "s"], "house's"),
            (["t", "hk", "e", " ", "d", "o", "gq", "."], "the dog."),
            (["S", "T", "O0", "P"], "STOP"),
            (["1", "9", "O0", "5"], "1905"),
        ],
    )
    def test_unsure_scores_are_put_right(self, english, steps, expected):
        assert search(scores_of(*unsure(*steps)), CLASSES, english)[0][0] == expected

    @pytest.mark.parametrize("text", ["tke", "Kowalczyk", "AB-123", "xqzt", "iPhone", "teh cat", "a1b2"])
    def test_sure_scores_stay_whatever_the_words(self, english, letters, text):
        for each in (english, letters):
            assert search(scores_of(*text), CLASSES, each)[0][0] == text

    def test_names_in_no_list_come_through(self, english, letters):
        """Of those that are right without the lexicon, nineteen in twenty stay so with it."""
        names = ["Okonkwo", "Kowalczyk", "Xiuying", "Siobhan", "Ngozi", "Wojciech", "Krzysztof", "Zbigniew", "Thuy"]
        names += ["Huynh", "Oyelaran", "Adebayo", "Chukwu", "Iyer", "Subramaniam", "Takahashi", "Watanabe", "Hrvoje"]
        names += ["Goncalves", "Echeverria", "Aizpurua", "Lefebvre", "Hoogland", "Halvorsen", "Gudmund", "Mertens"]
        assert not any(name in language.english() for name in names)
        rng, right, still = np.random.default_rng(0), 0, 0
        for name in names * 4:
            others = rng.choice(list("aeionrstlcdu"), len(name))
            sure = rng.choice([0.85, 0.98], len(name))
            lines = scores_of(*({char: s, other: 1 - s} for char, other, s in zip(name, others, sure, strict=True)))
            without, with_it = (search(lines, CLASSES, each)[0][0] == name for each in (letters, english))
            right, still = right + without, still + (without and with_it)
        assert right > 0.7 * 4 * len(names)
        assert still >= 0.95 * right

    def test_a_lexicon_of_the_user_s_own_decides(self):
        steps = unsure("k", "ao", "w", "ae", "l", "s", "k", "i")
        names = Language(Lexicon(["Kowalski", "AB-123"]))
        assert search(scores_of(*steps), CLASSES, names)[0][0] == "kowalski"
        assert search(scores_of(*unsure("A", "B8", "-", "1", "2Z", "3")), CLASSES, names)[0][0] == "AB-123"

    def test_frequencies_decide_between_words(self):
        steps = scores_of("c", {"a": 0.5, "u": 0.5}, "t")
        for often in ("cat", "cut"):
            words = Lexicon({"cat": 1, "cut": 1} | {often: 1000})
            assert search(steps, CLASSES, Language(words, CharacterModel(Lexicon())))[0][0] == often

    def test_the_score_is_the_sum_that_is_promised(self, letters):
        scores = scores_of("c", "a", "t")
        (text, score), *_ = search(scores, CLASSES, letters, n=3, weight=0.4, reward=0.7, **NOTHING_LEFT_OUT)
        expected = -ctc.loss(scores, text, CLASSES) + 0.4 * letters.log_probability(text) + 0.7 * len(text)
        assert (text, score) == ("cat", pytest.approx(expected, abs=1e-4))

    def test_several_texts_come_best_first_and_differ(self, english):
        found = search(scores_of(*unsure("t", "hk", "e")), CLASSES, english, n=4)
        assert [text for text, _ in found][:2] == ["the", "tke"]
        assert sorted(found, key=lambda item: -item[1]) == found
        assert len({text for text, _ in found}) == len(found) == 4

    def test_an_empty_line_has_no_text(self, english):
        assert search(scores_of(*[{}] * 3)[::2], CLASSES, english)[0][0] == ""

    def test_classes_of_one_case_will_do(self, english):
        capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        scores = scores_of("T", {"H": 0.4, "K": 0.6}, "E", classes=capitals)
        assert search(scores, capitals, english)[0][0] == "THE"

    def test_a_million_words_cost_hardly_more(self):
        rng = np.random.default_rng(0)
        many = rng.choice(list("etaoinshrdlucmfwyp"), (1_000_000, 7)).view("U7").ravel().tolist()
        lines = [
            scores_of(*({c: 0.6, d: 0.3, e: 0.1} for c, d, e in rng.choice(list("etaoins"), (30, 3)))) for _ in "123"
        ]
        model = CharacterModel(Lexicon(many[:1000]))
        seconds = {}
        for number in (20_000, 1_000_000):
            words = Lexicon(many[:number])
            words.prefix_share("")  # sorted once
            started = time.process_time()
            for line in lines:
                search(line, CLASSES, Language(words, model))
            seconds[number] = time.process_time() - started
        assert seconds[1_000_000] < 3 * seconds[20_000]


class TestErrors:
    @pytest.mark.parametrize(("n", "width"), [(0, 5), (6, 5), (1, 0)])
    def test_a_number_of_texts_beyond_the_width_is_refused(self, n, width):
        with pytest.raises(ValueError, match="at most the width"):
            search(scores_of("a"), CLASSES, n=n, width=width)

    @pytest.mark.parametrize("read", [search, best_path])
    def test_what_are_no_log_probabilities_is_refused(self, read):
        with pytest.raises(ValueError, match="Did you pass a batch"):
            read(scores_of("a")[None], CLASSES)
        with pytest.raises(ValueError, match="add up to 1"):
            read(np.exp(scores_of("a")), CLASSES)


class TestLocate:
    def test_places_follow_each_other_and_name_what_else_it_might_be(self):
        scores = np.repeat(scores_of("t", {"h": 0.4, "k": 0.6}, "e", "e"), 2, axis=0)
        places = locate(scores, "thee", CLASSES)
        assert [(place.char, place.start, place.stop) for place in places] == [
            ("t", 2, 4), ("h", 6, 8), ("e", 10, 12), ("e", 14, 16)
        ]  # fmt: skip
        assert places[1].confidence == pytest.approx(0.4, abs=0.01)
        assert places[1].alternatives[0] == ("k", pytest.approx(0.6, abs=0.01))
        assert len(places[0].alternatives) == line_decoding.ALTERNATIVES

    def test_no_text_has_no_places(self):
        assert locate(scores_of("a"), "", CLASSES) == []

    def test_a_text_that_is_too_long_is_refused(self):
        with pytest.raises(ValueError, match="no path of 2 steps"):
            locate(scores_of("a"), "abc", CLASSES)


class TestMaskedPath:
    @given(st.integers(1, 6), st.integers(1, 3), st.integers(0, 2**32 - 1))
    @settings(max_examples=40)
    def test_is_as_good_as_trying_every_path(self, steps, places, seed):
        rng = np.random.default_rng(seed)
        scores = np.log(rng.dirichlet(np.full(4, 0.6), steps))
        allowed = rng.random((places, 3)) < 0.6
        allowed[~allowed.any(axis=1)] = True
        best, text = -np.inf, None
        for path in itertools.product(range(4), repeat=steps):
            chars = [k - 1 for k, _ in itertools.groupby(path) if k]
            total = sum(scores[range(steps), path])
            if len(chars) == places and allowed[range(places), chars].all() and total > best:
                best, text = total, "".join("AB0"[k] for k in chars)
        assert line_decoding.masked_path(scores, "AB0", allowed) == text
