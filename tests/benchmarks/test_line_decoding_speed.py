"""The search of a line beside what is asked of it. Left out unless asked for::

    pytest tests/benchmarks/test_line_decoding_speed.py -n 0 --benchmark-enable -s

Scores are made up: of three characters one is unsure among five, steps repeat and blanks lie between.
"""

import time

import numpy as np
import pytest

from hcr_lib import ctc, language, line_decoding
from hcr_lib.labels import BYCLASS
from hcr_lib.language import Language, Lexicon

pytestmark = pytest.mark.benchmark(group="lines")
CLASSES = BYCLASS + ".,-'\"?!:;()/&+=%@# "


def scores_of(text, steps, rng):
    """Return log probabilities of shape (steps, 1 + classes) that rather say the text than anything else."""
    rows = np.zeros((2 * len(text) + 1, 1 + len(CLASSES)))
    rows[::2, 0] = 9
    for place, char in enumerate(text):
        row = rows[2 * place + 1]
        row[1 + CLASSES.index(char)] = 8
        if rng.random() < 1 / 3:
            row[1 + rng.choice(len(CLASSES), 4, replace=False)] = rng.uniform(5, 8, 4)
    own = np.sort(np.concatenate([np.arange(len(rows)), rng.integers(0, len(rows), steps - len(rows))]))
    return ctc.log_softmax(rows[own] + rng.normal(0, 0.3, (steps, rows.shape[1])))


def seconds_each(lines, lexicon):
    """Return the seconds a line, nothing remembered of those before the first."""
    known = Language(lexicon)
    known.log_probability("the")  # words are sorted once
    started = time.process_time()
    for line in lines:
        line_decoding.search(line, CLASSES, known)
    return (time.process_time() - started) / len(lines)


def texts(words, n):
    rng = np.random.default_rng(0)
    return [" ".join(language.english().sample(words, rng))[: 9 * words] for _ in range(n)]


def test_words_and_lines(benchmark):
    rng = np.random.default_rng(1)
    words = [scores_of(text, 60, rng) for text in texts(1, 200)]
    lines = [scores_of(text, 200, rng) for text in texts(7, 20)]
    word, line = (min(seconds_each(each, language.english()) for _ in range(3)) for each in (words, lines))
    print(f"\na word of 60 steps {1000 * word:.1f} ms, a line of 200 steps {1000 * line:.1f} ms")
    assert word < 0.010
    assert line < 0.060
    benchmark.extra_info.update(word=word, line=line)
    benchmark(line_decoding.search, words[0], CLASSES)


def test_a_million_words(benchmark):
    rng = np.random.default_rng(2)
    lines = [scores_of(text, 60, rng) for text in texts(1, 200)]
    many = rng.choice(list("etaoinshrdlucmfwyp"), (1_000_000, 7)).view("U7").ravel().tolist()
    lexicons = {number: Lexicon(many[:number]) for number in (20_000, 1_000_000)}
    best = {number: min(seconds_each(lines, words) for _ in range(3)) for number, words in lexicons.items()}
    ratio = best[1_000_000] / best[20_000]
    print(f"\n{ {number: f'{1000 * seconds:.1f} ms' for number, seconds in best.items()} }, {ratio:.2f} times")
    assert ratio < 3
    benchmark.extra_info.update(ratio=ratio)
    benchmark(lexicons[1_000_000].prefix_share, "sto")
