"""From scores to text: the clever ways agree with trying everything, and each keeps its promises."""

import itertools
import string
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein

from hcr_lib import decode, masks
from hcr_lib.labels import ALNUM, BYCLASS, DIGITS, LETTERS, TEXT, to_labels
from hcr_lib.segment import Candidate


def scores_of(*wishes: dict[str, float] | str, classes: str = BYCLASS) -> np.ndarray:
    """A row of probabilities a character; what a wish leaves over is spread evenly."""
    rows = []
    for wish in wishes:
        wish = {wish: 0.98} if isinstance(wish, str) else wish
        row = np.full(len(classes), max(0.0, 1 - sum(wish.values())) / len(classes))
        for char, share in wish.items():
            row[classes.index(char)] += share
        rows.append(row / row.sum())
    return np.array(rows)


def random_scores(seed: int, length: int, classes: str) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.full(len(classes), 0.3), length)


class TestArgmaxAndMasks:
    @given(st.text(BYCLASS, max_size=20))
    def test_argmax_reads_what_is_sure(self, text):
        assert decode.argmax(np.eye(62)[to_labels(text, BYCLASS)].reshape(-1, 62), BYCLASS) == text

    @given(st.integers(0, 2**32 - 1), st.text("LDA", min_size=1, max_size=8))
    @settings(max_examples=40)
    def test_a_mask_is_obeyed_and_asks_for_no_more_than_it_says(self, seed, mask):
        scores = random_scores(seed, len(mask), BYCLASS)
        text = decode.with_mask(scores, BYCLASS, mask)
        for char, sign, row in zip(text, mask, scores, strict=True):
            allowed = [c for c in BYCLASS if masks.SIGNS[sign](c)]
            assert row[BYCLASS.index(char)] == max(row[BYCLASS.index(c)] for c in allowed)

    def test_other_signs_stand_for_themselves(self):
        assert decode.with_mask(scores_of(*"1O7"), BYCLASS, r"\Ax7") == "Ax7"

    @pytest.mark.parametrize(
        ("mask", "message"),
        [("LD", "one sign a character: 3 are there, 'LD' has 2"), ("LD-", "asks for '-', which is not among")],
    )
    def test_a_mask_that_does_not_fit(self, mask, message):
        with pytest.raises(ValueError, match=message):
            decode.with_mask(scores_of(*"A12"), BYCLASS, mask)

    def test_any_scores_of_which_more_is_better_can_be_masked(self):
        with np.errstate(divide="ignore"):
            assert decode.with_mask(np.log([[0.9, 0.1], [1.0, 0.0]]), "0A", "LL") == "AA"
        assert decode.with_mask([[-3.0, -7.0]], "0A", "L") == "A"

    @pytest.mark.parametrize("function", [decode.argmax, decode.in_context])
    def test_scores_that_are_no_numbers_are_refused(self, function):
        with pytest.raises(ValueError, match="must be numbers; got NaN"):
            function([[0.5, np.nan]], "AB")

    @pytest.mark.parametrize("function", [decode.argmax, decode.in_context])
    @pytest.mark.parametrize("scores", [np.ones((2, 35)), np.ones(36), np.ones((1, 2, 36))])
    def test_scores_of_another_shape_are_refused(self, function, scores):
        with pytest.raises(ValueError, match=r"shape \(n, 36\); got shape"):
            function(scores, ALNUM)


class TestInContext:
    @given(st.integers(0, 2**32 - 1), st.integers(0, 12), st.sampled_from([BYCLASS, ALNUM, LETTERS, DIGITS]))
    @settings(max_examples=60)
    def test_rows_are_probabilities(self, seed, length, classes):
        result = decode.in_context(random_scores(seed, length, classes), classes)
        assert result.shape == (length, len(classes))
        assert (result >= 0).all()
        np.testing.assert_allclose(result.sum(axis=1), 1)

    @pytest.mark.parametrize("char", "0Ol5")
    def test_a_single_character_stays_as_it_is(self, char):
        scores = scores_of({char: 0.6})
        np.testing.assert_allclose(decode.in_context(scores, BYCLASS), scores, atol=1e-4)

    @pytest.mark.parametrize("text", ["2026", "00", "AB12", "X7", "3B", "HALLO", "Berlin", "word", "qxz", "McAdam"])
    def test_what_is_sure_survives(self, text):
        assert decode.argmax(decode.in_context(scores_of(*text), BYCLASS), BYCLASS) == text

    @pytest.mark.parametrize(
        ("wishes", "expected"),
        [
            ([{"0": 0.55, "O": 0.4}, *"BNO", {"X": 0.5, "x": 0.45}, "I", {"0": 0.5, "O": 0.4}, *"US"], "OBNOXIOUS"),
            ([*"20", {"O": 0.5, "0": 0.45}, {"l": 0.5, "1": 0.45}], "2001"),
            (["t", {"0": 0.5, "o": 0.3}, "p"], "top"),
            (["W", {"O": 0.5, "o": 0.4}, *"rd"], "Word"),
        ],
    )
    def test_context_decides_what_one_character_cannot(self, wishes, expected):
        assert decode.argmax(decode.in_context(scores_of(*wishes), BYCLASS), BYCLASS) == expected

    @pytest.mark.parametrize(
        ("wishes", "expected"),
        [
            (["d", {"0": 0.5, "o": 0.4}, *"n't"], "don't"),
            ([*"20", {"O": 0.5, "0": 0.45}, "6", "."], "2006."),
            (["(", "W", {"O": 0.5, "o": 0.4}, *"rd", ")"], "(Word)"),
            ([".", ",", "?"], ".,?"),
        ],
    )
    def test_marks_stay_and_a_word_is_weighed_without_them(self, wishes, expected):
        assert decode.argmax(decode.in_context(scores_of(*wishes, classes=TEXT), TEXT), TEXT) == expected

    def test_letters_of_other_alphabets_keep_their_scores(self):
        np.testing.assert_allclose(decode.in_context([[0.5, 0.5], [0.5, 0.5]], "αβ"), 0.5)
        assert decode.argmax(decode.in_context([[0.2, 0.8, 0], [0, 0.9, 0.1]], "äßA"), "äßA") == "ßß"

    @pytest.mark.parametrize("length", [2, 100, 2000])
    def test_the_length_of_a_word_breaks_nothing(self, length):
        for text in ("7" * length, "X" * length, "er" * (length // 2)):
            result = decode.in_context(scores_of(*text), BYCLASS)
            np.testing.assert_allclose(result.sum(axis=1), 1)
            assert decode.argmax(result, BYCLASS) == text

    @given(st.integers(0, 2**32 - 1), st.integers(2, 4))
    @settings(max_examples=20)
    def test_forward_backward_is_a_quick_way_of_trying_every_spelling(self, seed, length):
        classes, letters = "0ABC", "ABC"
        masked = random_scores(seed, length, classes) + 0.01
        masked[:, 0] = 0
        posterior, evidence = decode._spelled(masked, classes)
        step, total, expected = decode.transitions() * 26, 0.0, np.zeros_like(masked)
        for spelling in itertools.product(letters, repeat=length):
            walk = [0, *(decode.SYMBOLS.index(char) for char in spelling), 0]
            weight = np.prod([step[a, b] for a, b in itertools.pairwise(walk)])
            weight *= np.prod([row[classes.index(char)] for row, char in zip(masked, spelling, strict=True)])
            total += weight
            for place, char in enumerate(spelling):
                expected[place, classes.index(char)] += weight
        np.testing.assert_allclose(posterior, expected / total, rtol=1e-9)
        assert evidence == pytest.approx(np.log(total))


class TestBestPath:
    @given(st.integers(1, 6), st.integers(0, 2**32 - 1))
    @settings(max_examples=60)
    def test_is_as_good_as_trying_every_way(self, pieces, seed):
        rng = np.random.default_rng(seed)
        spans = [(a, b) for a in range(pieces) for b in range(a + 1, min(a + 3, pieces) + 1)]
        spans = [spans[k] for k in rng.permutation(len(spans))]
        candidates = [Candidate(a, b, None, 0.0 if b == a + 1 else rng.uniform(0, 0.3)) for a, b in spans]
        confidences = rng.random(len(spans))

        def score(path):
            return sum(
                (candidates[k].stop - candidates[k].start) * np.log(max(confidences[k], 1e-6))
                - decode.GAP_COST * candidates[k].gap
                - decode.JOINT_COST * (candidates[k].stop - candidates[k].start - 1)
                for k in path
            )

        def ways(start):
            if start == pieces:
                yield []
            for k, (a, b) in enumerate(spans):
                if a == start:
                    yield from ([k, *rest] for rest in ways(b))

        path = decode.best_path(candidates, confidences)
        assert [spans[k][0] for k in path] == [0, *(spans[k][1] for k in path[:-1])]
        assert spans[path[-1]][1] == pieces
        assert score(path) == pytest.approx(max(score(way) for way in ways(0)))

    def test_nothing_to_read(self):
        assert decode.best_path([], []) == []

    @pytest.mark.parametrize("confidences", [[np.nan] * 3, [0.5, np.inf, 0.5], [0.5, 0.5], 0.5])
    def test_every_candidate_needs_a_number(self, confidences):
        spans = [Candidate(a, b, None, 0.0) for a, b in ((0, 1), (0, 2), (1, 2))]
        with pytest.raises(ValueError, match="one finite number for each of 3 candidates"):
            decode.best_path(spans, confidences)

    @pytest.mark.parametrize("spans", [[(1, 2)], [(0, 1), (2, 3)], [(0, 2), (3, 4), (1, 3)]])
    def test_candidates_that_leave_a_component_out_are_refused(self, spans):
        with pytest.raises(ValueError, match="must cover every component"):
            decode.best_path([Candidate(a, b, None, 0.0) for a, b in spans], [0.5] * len(spans))

    def test_impossible_candidates_still_make_a_path(self):
        assert decode.best_path([Candidate(0, 1, None, 0.0), Candidate(1, 2, None, 0.0)], [0.0, 0.0]) == [0, 1]


class TestClosestWord:
    WORDS = ("cat", "car", "carpet", "Straße", "New-York")

    def test_scores_decide_among_words_of_the_same_length(self):
        scores = scores_of("C", "A", {"I": 0.5, "R": 0.2, "T": 0.1}, classes=LETTERS)
        assert decode.closest_word(scores, LETTERS, self.WORDS) == "car"

    def test_a_missing_or_additional_letter_is_forgiven(self):
        assert decode.closest_word(scores_of(*"CARPT", classes=LETTERS), LETTERS, self.WORDS) == "carpet"
        assert decode.closest_word(scores_of(*"CARRPET", classes=LETTERS), LETTERS, self.WORDS) == "carpet"

    def test_a_name_that_is_not_on_the_list_is_not_forced_into_one(self):
        for name in ("ZOE", "XYLOPHONE", "Q"):
            assert decode.closest_word(scores_of(*name, classes=LETTERS), LETTERS, self.WORDS) is None

    @pytest.mark.parametrize("classes", [LETTERS, ALNUM, BYCLASS, string.ascii_lowercase])
    def test_case_does_not_matter_and_the_lexicons_spelling_comes_back(self, classes):
        text = "cat" if classes.islower() else "CAT"
        assert decode.closest_word(scores_of(*text, classes=classes), classes, ["Cat"]) == "Cat"

    def test_an_empty_lexicon_knows_nothing(self):
        assert decode.closest_word(scores_of(*"CAT"), BYCLASS, []) is None

    def test_an_entry_of_several_words_is_found_whole_and_in_parts(self):
        for read, expected in (("NEWYORK", "New York"), ("NEW", "New"), ("YORX", "York"), ("XQZ", None)):
            assert decode.closest_word(scores_of(*read, classes=LETTERS), LETTERS, ["New  York\n"]) == expected

    def test_the_first_of_equally_near_words_is_taken(self):
        assert (
            decode.closest_word(scores_of(*"CARPES", classes=LETTERS), LETTERS, ["carpets", "carpes", "carps"])
            == "carpes"
        )
        assert decode.closest_word(scores_of(*"CARPE", classes=LETTERS), LETTERS, ["carpex", "carpey"]) == "carpex"

    @given(st.lists(st.text("ABCa1 é", max_size=6), max_size=30), st.text("ABC1", min_size=1, max_size=5))
    @settings(max_examples=60, deadline=None)
    def test_is_as_good_as_looking_at_every_word(self, entries, read):
        scores = np.log(np.maximum(scores_of(*read, classes=ALNUM), 1e-6))
        words = decode.Lexicon(entries).entries
        plain = ["".join(word.split()) for word in words]

        def support(word):
            columns = decode.columns_of(word, ALNUM)
            if len(columns) != len(read) or -1 in columns:
                return -np.inf
            return scores[np.arange(len(read)), columns].sum()

        def similarity(word):
            return Levenshtein.normalized_similarity(word.upper(), read)

        best = max(range(len(words)), key=lambda k: support(plain[k]), default=None)
        if best is None or support(plain[best]) == -np.inf or similarity(plain[best]) < 0.59:
            best = max(range(len(words)), key=lambda k: similarity(plain[k]), default=None)
        expected = None if best is None or similarity(plain[best]) < 0.59 else words[best]
        assert decode.closest_word(scores_of(*read, classes=ALNUM), ALNUM, entries, cutoff=0.59) == expected

    def test_a_very_long_word_is_refused(self):
        with pytest.raises(ValueError, match="at most 100 characters; got 50000000 in 'xxxx"):
            decode.Lexicon(["cat", "x" * 50_000_000])

    def test_many_words_are_searched_in_little_time(self):
        rng = np.random.default_rng(0)
        letters = rng.choice(list(LETTERS), (200_000, 8))
        words = ["".join(row[: 3 + k % 6]) for k, row in enumerate(letters)]
        started = time.process_time()
        lexicon = decode.Lexicon(words)
        for word in ("QWERTZ", "HELLO", "ABCDEFGHIJK"):
            decode.closest_word(scores_of(*word, classes=LETTERS), LETTERS, lexicon)
        assert time.process_time() - started < 5


class TestMaskedPath:
    @given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**32 - 1))
    @settings(max_examples=40)
    def test_is_as_good_as_trying_every_way(self, pieces, signs, seed):
        rng = np.random.default_rng(seed)
        spans = [(a, b) for a in range(pieces) for b in range(a + 1, min(a + 3, pieces) + 1)]
        candidates = [Candidate(a, b, None, 0.0 if b == a + 1 else rng.uniform(0, 0.3)) for a, b in spans]
        probabilities, allowed = rng.dirichlet(np.ones(4), len(spans)), rng.random((signs, 4)) < 0.7

        def score(path):
            sure = [np.where(allowed[place], probabilities[k], 0).max() for place, k in enumerate(path)]
            covered = [spans[k][1] - spans[k][0] for k in path]
            costs = [
                decode.GAP_COST * candidates[k].gap + decode.JOINT_COST * (covered[i] - 1) for i, k in enumerate(path)
            ]
            return np.dot(covered, np.log(np.maximum(sure, 1e-6))) - sum(costs)

        def ways(start, left):
            if not left:
                yield from [[]] if start == pieces else []
                return
            for k, (a, b) in enumerate(spans):
                if a == start:
                    yield from ([k, *rest] for rest in ways(b, left - 1))

        found, best = decode.masked_path(candidates, probabilities, allowed), [*map(score, ways(0, signs))]
        if not best:
            assert found is None
        else:
            path, total = found
            assert total == pytest.approx(score(path))
            assert total == pytest.approx(max(best))
