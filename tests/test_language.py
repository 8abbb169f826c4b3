import math
import string
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib import language
from hcr_lib.language import END, LETTERS, CharacterModel, Language, Lexicon, WordPairs, _lexicon, _suggest, _text

FEW = {"the": 900, "then": 100, "Theo": 25, "cat": 100, "don't": 100, "New York": 4, "ab-12": 1}


class TestEnglish:
    def test_it_is_long_frequent_words_first_and_names_no_word_twice(self):
        words = language.english()
        assert len(set(words.entries)) == len(words) >= 20_000
        assert words.completions("", 30)[0] == "the"
        assert all(word in words for word in ("house", "John", "it's", "handwriting")) and "xqz" not in words

    def test_it_is_made_once_in_little_time(self):
        language.english.cache_clear()
        started = time.process_time()
        language.english().prefix_share("a")
        CharacterModel(language.english())
        assert time.process_time() - started < 3  # 0.4 s on an idle machine
        assert language.english() is language.english()


class TestLexicon:
    @given(st.dictionaries(st.text("abAB ", max_size=5), st.floats(0.1, 100), max_size=20), st.text("abAB", max_size=4))
    @settings(max_examples=60, deadline=None)
    def test_shares_are_those_of_looking_at_every_word(self, counts, text):
        words = Lexicon(counts)
        weights: dict[str, float] = {}
        for entry, count in counts.items():
            for word in entry.lower().split():  # all of one word, or each of several
                weights[word] = weights.get(word, 0) + count**_lexicon.TEMPER
        total = sum(weights.values()) or 1
        begun = sum(weight for word, weight in weights.items() if word.startswith(text.lower()))
        assert words.prefix_share(text) == pytest.approx(begun / total)
        kept = (1 - _lexicon.POSSESSIVE) * weights.get(text.lower(), 0)
        assert words.share(text) == pytest.approx(kept / total)
        assert (text in words) == (text.lower() in weights)

    def test_what_follows_a_prefix_and_its_end_add_up_to_it(self):
        words = Lexicon(FEW)
        chars = sorted({*"abcdehnorstykw-'12"})
        for prefix in ("", "t", "the", "don", "the'", "the's", "ab"):
            longer = sum(words.prefix_share(prefix + char) for char in chars)
            assert longer + words.share(prefix) == pytest.approx(words.prefix_share(prefix))

    def test_an_s_of_possession_follows_every_word(self):
        words = Lexicon(["house"])
        assert 0 < words.share("house's") < words.share("house")
        assert words.share("house's") + words.share("HOUSE") == pytest.approx(1)
        assert words.prefix_share("house'x") == words.share("houses") == 0

    def test_entries_of_several_words_are_words_of_a_line_one_by_one(self):
        words = Lexicon(["  New   York "])
        assert words.entries == ["New York", "New", "York"]
        assert ("york" in words, "NewYork" in words, words.prefix_share("new ")) == (True, False, 0)

    def test_completions_are_the_most_frequent_in_the_lists_own_spelling(self):
        words = Lexicon(FEW)
        assert words.completions("TH", 2) == ["the", "then"]
        assert words.completions("theo") == ["Theo"]
        assert words.completions("", 100) == ["the", "cat", "don't", "then", "Theo", "New", "York", "ab-12"]
        assert words.completions("q") == Lexicon().completions("") == []

    def test_random_words_come_as_often_as_they_are_frequent(self):
        drawn = Lexicon({"often": 3, "rare": 1}).sample(4000, np.random.default_rng(0))
        assert drawn.count("often") == pytest.approx(3000, abs=120)
        assert drawn == Lexicon({"often": 3, "rare": 1}).sample(4000, np.random.default_rng(0))

    @pytest.mark.parametrize("count", [0, -1, math.nan, math.inf])
    def test_frequencies_must_be_numbers_above_0(self, count):
        with pytest.raises(ValueError, match=r"numbers above 0; got .* for 'cat'"):
            Lexicon({"the": 1, "cat": count})


class TestReadLexicon:
    def test_the_name_of_the_english_list(self):
        assert language.read_lexicon("english") is language.english()

    def test_frequencies_stand_behind_a_tab(self, tmp_path):
        (tmp_path / "words").write_text("\ufeffthe\t90\n\nNew York\t5\r\nRoom 101\n", encoding="utf-8")
        words = language.read_lexicon(tmp_path / "words")
        assert words.entries == ["the", "New York", "New", "York", "Room 101", "Room", "101"]
        assert words.completions("", 2) == ["the", "New"]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (None, "No such file"),
            (b"\x89PNG\r\n\xff", "utf-8"),
            (b"\n \n", "holds no words"),
            (b"the\tmany\n", "a number; got 'the.tmany'"),
            (b"the\t-3\n", "numbers above 0"),
            (b"x" * 101, "at most 100 characters"),
        ],
    )
    def test_what_is_no_list_is_one_clear_error(self, tmp_path, content, message):
        if content is not None:
            (tmp_path / "words").write_bytes(content)
        with pytest.raises(ValueError, match=r"expected .*a word a line") as raised:
            language.read_lexicon(tmp_path / "words")
        assert message.replace(".t", "\\t") in str(raised.value)


class TestCharacterModel:
    def test_probabilities_add_up_to_1_after_any_context(self):
        model = CharacterModel(Lexicon(FEW), order=4)
        for context in ("", "t", "the", "zzz", "don'", "ünknown", "a" * 50):
            following = model.following(context)
            assert list(following) == [END, *LETTERS]
            assert sum(following.values()) == pytest.approx(1)
            assert min(following.values()) > 0

    def test_equals_the_formula_of_witten_and_bell(self):
        model = CharacterModel(Lexicon(["ab", "ac", "bb"]), order=2)
        # a b END, a c END, b b END: behind nothing in particular a and c come twice and once, b and END three times.
        lowest = {"a": 2, "b": 3, "c": 1, END: 3}
        one = {char: (lowest.get(char, 0) + 4 / 28) / (9 + 4) for char in (END, *LETTERS)}
        # behind a: b and c, once each
        behind_a = {char: ((char in ("b", "c")) + 2 * one[char]) / (2 + 2) for char in one}
        assert model.following("a") == pytest.approx(behind_a)
        assert CharacterModel(Lexicon(["ab", "ac", "bb"]), order=1).following("a") == pytest.approx(one)

    def test_the_beginning_of_a_word_is_a_context(self):
        model = CharacterModel(Lexicon(["queen", "quick", "aqua"]))
        assert model.following("")["q"] > 0.5 > 0.1 > model.following("")["u"]
        assert model.following("aqua")[END] > model.following("qua")[END] > 0.5

    def test_words_of_other_alphabets_are_left_out(self):
        words = Lexicon(["cat", "über", "naïve", "ab-12"])
        assert CharacterModel(words).following("") == pytest.approx(CharacterModel(Lexicon(["cat"])).following(""))

    def test_without_words_all_is_equally_likely(self):
        assert set(CharacterModel(Lexicon()).following("th").values()) == {1 / 28}

    @pytest.mark.parametrize("order", [0, 8])
    def test_orders_beyond_reason_are_refused(self, order):
        with pytest.raises(ValueError, match="from 1 to 7"):
            CharacterModel(Lexicon(), order)


@pytest.fixture(scope="module")
def known():
    return Language(language.english())


@pytest.fixture(scope="module")
def spelled():
    return Language()


PAIRS = {"is late": 6, "is it": 2, "is item": 1, "it is": 2, "Is Late": 1}


class TestWordPairs:
    def test_shares_are_those_of_looking_at_every_pair(self):
        pairs = WordPairs(PAIRS)
        assert pairs.share("is", "") == 1
        assert pairs.share("is", "it") == pytest.approx(3 / 10)
        assert pairs.share("is", "it", whole=True) == pytest.approx(2 / 10)
        assert pairs.share("is", "l") == pytest.approx(7 / 10)
        assert pairs.share("it", "late") == 0
        assert pairs.share("i", "s") is None, "a word is not its beginning"
        assert (pairs.following("IS", 2), pairs.following("late")) == (["late", "it"], [])

    def test_the_english_ones_know_what_follows(self):
        pairs = language.english_pairs()
        assert pairs is language.english_pairs()
        assert "idea" in pairs.following("good", 20)
        assert pairs.share("united", "states", whole=True) > 0.3

    def test_after_a_word_its_pairs_are_likelier_and_names_less_likely(self):
        words = Lexicon(["is", "late", "lake", "it"])
        apart, paired = (Language(words, CharacterModel(words), pairs=pairs) for pairs in (None, WordPairs(PAIRS)))
        assert apart.log_probability("is late") == pytest.approx(apart.log_probability("is lake"), abs=0.1)
        assert paired.log_probability("is late") > paired.log_probability("is lake") + 1
        assert paired.log_probability("is late") > apart.log_probability("is late")
        assert paired.log_probability("is zoq") < apart.log_probability("is zoq")
        assert paired.log_probability("zoq") == pytest.approx(apart.log_probability("zoq"))


class TestLanguage:
    def test_no_line_ends_behind_a_lone_i(self):
        words = Language(Lexicon(["i", "am"]))
        inside = words.log_probability("am i am") - words.log_probability("am i")
        assert inside > words.log_probability("am am am") - words.log_probability("am am") + 3

    @pytest.mark.parametrize(
        ("likely", "unlikely"),
        [
            ("the", "tke"),
            ("the", "tHe"),
            ("THE", "ThE"),
            ("The cat", "The  cat"),
            ("house,", "hou,se"),
            ("house's", "house'x"),
            ("Smith", "Smlth"),
            ("1998", "1x9a"),
            ("pitter-patter", "pitter-pxtter"),
            ("13/08/2019", "1310812019"),
            ("24.12.2025", "24112.2025"),
            ("at 14:30", "at 14.30."),
            ("0340/69050", "0340169050"),
        ],
    )
    def test_what_is_likelier(self, known, spelled, likely, unlikely):
        for each in (known, spelled):
            assert each.log_probability(likely) > each.log_probability(unlikely) + 1

    @pytest.mark.parametrize("begun", ["", "1", "31.1", "3,", "0340/1234", "19"])
    def test_figures_go_on_in_one_way_or_end(self, begun):
        ways = [_text._figures(begun + char) for char in string.digits + string.punctuation]
        assert sum(ways) + _text._figures(begun, whole=True) == pytest.approx(_text._figures(begun))
        assert _text._figures("") == pytest.approx(1)

    def test_a_word_has_the_probability_of_both_together(self, monkeypatch):
        monkeypatch.setattr(_text, "RAREST", 1e-300)
        words = Lexicon(["the", "then"])
        model = CharacterModel(words)
        both, alone = Language(words, model, open_share=0.2), Language(None, model)
        only = Language(words, model, open_share=0.0)
        for text in ("the", "then", "thenx", "cat"):
            parts = 0.2 * math.exp(alone.log_probability(text)), 0.8 * math.exp(only.log_probability(text))
            if text.startswith("the") and text != "thenx":
                assert both.log_probability(text) == pytest.approx(math.log(sum(parts)))
            else:  # from where no word goes on, the lexicon has no say
                assert both.log_probability(text) == pytest.approx(math.log(parts[0]))

    def test_a_name_costs_its_share_of_the_open_vocabulary_and_no_more(self, known, spelled):
        for name in ("Kowalczyk", "Xiuying", "Okonkwo", "AB-123"):
            least = spelled.log_probability(name) + 3 * math.log(language.OPEN_SHARE)
            assert known.log_probability(name) > least

    def test_odd_letters_cost_once(self, spelled):
        """Behind letters that no word has, all others become equally likely: the network's scores then decide."""
        costs = []
        for text in ("the", "zqx"):
            node = spelled.start
            for char in text:
                node = spelled.step(node, char)[1]
            costs.append([-math.log(spelled.step(node, char)[0]) for char in "aeknz"])
        usual, odd = (max(each) - min(each) for each in costs)
        assert odd < 0.7 < 2 < usual

    def test_next_characters_share_one(self, known):
        chars = [*map(chr, range(32, 127))]
        for text in ("", "t", "house", "Th", "12", "(", "zq", "don'"):
            node = known.start
            for char in text:
                node = known.step(node, char)[1]
            assert 0.6 < sum(known.step(node, char)[0] for char in chars) < 1.1

    def test_an_empty_lexicon_leaves_the_character_model(self, spelled):
        assert Language(Lexicon()).log_probability("cat") == spelled.log_probability("cat")

    def test_memory_stays_flat(self, monkeypatch):
        monkeypatch.setattr(_text, "MOST_KEPT", 2_000)
        words = Lexicon(FEW)
        each = Language(words, CharacterModel(words))
        for number in range(3_000):
            each.log_probability("".join("abcdefgh"[number // 8**k % 8] for k in range(5)))
        kept, met = 0, [each.start]
        while met:
            places = [place for _, place in met.pop().after.values() if place is not each.start]
            kept, met = kept + len(places), met + places
        assert 0 < kept <= 2_000

    @pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
    def test_an_impossible_share_is_refused(self, share):
        with pytest.raises(ValueError, match="open_share must be from 0 to 1"):
            Language(open_share=share)


class TestSuggest:
    @pytest.mark.parametrize(
        ("beginning", "before", "first"),
        [("tha", "", "that"), ("Tha", "", "That"), ("THA", "", "THAT"), ("T", "", "The"), ("(tha", "", "(that")],
    )
    def test_words_go_on_as_they_were_begun(self, beginning, before, first):
        assert language.suggest(beginning, before)[0] == first

    def test_the_word_before_has_its_say(self):
        assert language.suggest("mo", n=1) != language.suggest("mo", "good", 1)
        assert language.suggest("mor", "Good,", 1) == ["morning"]
        assert language.suggest("mor", "qxz", 1) == language.suggest("mor", n=1)
        assert language.suggest("", "good", 2) == ["for", "to"]

    def test_there_may_be_nothing_to_say(self):
        assert [language.suggest(word) for word in ("", "qxz", "4", "a4", "...")] == [[]] * 5
        assert language.suggest("", "qxz") == []

    def test_neither_what_is_there_nor_coarse_words_are_offered(self):
        assert "that" not in language.suggest("that", n=20)
        offered = {word for begun in ("fu", "sh", "mother", "grap") for word in language.suggest(begun, n=30)}
        assert not any(map(_suggest.COARSE.search, offered))
        assert {"grape", "full"} <= offered
