"""The letter pairs: counted right, and complete as they ship."""

import tomllib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import _paths, decode
from hcr_lib.labels import LETTERS
from hcr_lib.research import letter_pairs


@given(st.lists(st.text(LETTERS, min_size=1, max_size=8)))
def test_every_word_begins_and_ends_once(words):
    pairs = letter_pairs.count_pairs(words)
    assert pairs[0].sum() == pairs[:, 0].sum() == len(words)
    assert pairs.sum() == sum(len(word) + 1 for word in words)
    np.testing.assert_array_equal(pairs.sum(axis=0), pairs.sum(axis=1))  # what is entered is left


def test_accents_and_case_are_dropped_and_odd_words_left_out():
    assert np.array_equal(letter_pairs.count_pairs(["Café\n"]), letter_pairs.count_pairs(["CAFE"]))
    for odd in ("", " ", "don't", "a b", "R2D2"):
        assert letter_pairs.count_pairs([odd]).sum() == 0


def test_transitions_are_probabilities_that_know_english():
    step = decode.transitions()
    assert step.shape == (27, 27)
    np.testing.assert_allclose(step.sum(axis=1), 1)
    assert (step.ravel()[1:] > 0).all(), "rare is not impossible"
    assert step[0, 0] == 0, "a word has letters"
    q, u, t, h = (decode.SYMBOLS.index(char) for char in "QUTH")
    assert step[q].argmax() == u
    assert step[t, h] > 10 * step[h, q]


def test_counting_anew_rewrites_the_file_that_ships(tmp_path, monkeypatch):
    words = tmp_path / "words.txt"
    words.write_text("ab\nBa\n", encoding="utf-8")
    (tmp_path / "manifest.toml").write_text("# what ships\n", encoding="utf-8")
    for module in (decode, _paths):
        monkeypatch.setattr(module, "shipped", lambda name: tmp_path / name)
    letter_pairs.main(str(words))
    counted = np.loadtxt(tmp_path / decode.LETTER_PAIRS, delimiter=",", skiprows=1, usecols=range(1, 28))
    assert np.array_equal(counted, letter_pairs.count_pairs(["ab", "ba"]))
    decode.transitions.cache_clear()
    try:
        np.testing.assert_allclose(decode.transitions().sum(axis=1), 1)
    finally:
        decode.transitions.cache_clear()
    entry = tomllib.loads((tmp_path / "manifest.toml").read_text(encoding="utf-8"))["files"][decode.LETTER_PAIRS]
    assert entry["bytes"] == (tmp_path / decode.LETTER_PAIRS).stat().st_size
