"""CTC against oracles of its own: every path listed, Keras, finite differences."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import ctc

CLASSES = "AB"


def all_paths(steps, classes=CLASSES):
    return ["".join(path) for path in product(ctc.BLANK + classes, repeat=steps)]


def fewest_steps(text):
    """One step per character, and a blank between two that are equal."""
    return len(text) + sum(one == other for one, other in pairwise(text))


def path_probability(log_probs, path, classes=CLASSES):
    columns = [(ctc.BLANK + classes).index(char) for char in path]
    return float(np.exp(log_probs[np.arange(len(path)), columns].sum()))


def text_probabilities(log_probs):
    """Probability of every text there is, from the definition: text -> sum over its paths."""
    found = {}
    for path in all_paths(len(log_probs)):
        text = ctc.collapse(path)
        found[text] = found.get(text, 0.0) + path_probability(log_probs, path)
    return found


@st.composite
def scored_steps(draw, most=5):
    """Log probabilities (steps, 3), from nearly even to nearly certain."""
    steps, seed = draw(st.integers(1, most)), draw(st.integers(0, 10**6))
    spread = draw(st.sampled_from([0.1, 1.0, 5.0]))
    return ctc.log_softmax(np.random.default_rng(seed).normal(0, spread, (steps, 1 + len(CLASSES))))


texts = st.text(CLASSES, max_size=4)


@pytest.mark.parametrize(
    ("path", "text"), [("", ""), ("---", ""), ("AAA", "A"), ("A-A", "AA"), ("-AAB-B", "ABB"), ("ABA", "ABA")]
)
def test_collapse_merges_repeats_before_it_drops_blanks(path, text):
    assert ctc.collapse(path) == text


@given(texts, st.integers(0, 5))
def test_alignments_are_the_paths_that_collapse_to_the_text_each_once(text, steps):
    expected = sorted(path for path in all_paths(steps) if steps and ctc.collapse(path) == text)
    assert ctc.alignments(text, steps) == expected
    assert bool(expected) == (steps >= max(1, fewest_steps(text)))


def test_alignments_refuse_the_sign_of_the_blank():
    with pytest.raises(ValueError, match="stands for the blank"):
        ctc.alignments("A-B", 3)


@given(scored_steps(), texts)
def test_the_loss_is_minus_the_log_of_the_sum_over_all_paths(log_probs, text):
    expected = text_probabilities(log_probs).get(text, 0.0)
    assert np.exp(-ctc.loss(log_probs, text, CLASSES)) == pytest.approx(expected, rel=1e-9)


@given(scored_steps())
def test_texts_share_the_whole_probability(log_probs):
    losses = [ctc.loss(log_probs, text, CLASSES) for text in text_probabilities(log_probs)]
    assert np.exp(-np.array(losses)).sum() == pytest.approx(1)


@given(scored_steps(), texts)
def test_the_posterior_is_the_share_of_the_paths_that_speak_there(log_probs, text):
    paths = ctc.alignments(text, len(log_probs))
    if not paths:
        with pytest.raises(ValueError, match=f"at least {fewest_steps(text)} steps"):
            ctc.posterior(log_probs, text, CLASSES)
        return
    share = ctc.posterior(log_probs, text, CLASSES)
    np.testing.assert_allclose(share.sum(axis=1), 1)
    states = ctc.interleave(text)
    weights = np.array([path_probability(log_probs, path) for path in paths])
    for step in range(len(log_probs)):
        for char in set(states):
            there = np.array([path[step] == char for path in paths])
            mine = share[step, [state == char for state in states]].sum()
            assert mine == pytest.approx(weights[there].sum() / weights.sum(), abs=1e-9)


@given(scored_steps(), texts)
def test_the_gradient_is_the_softmax_less_the_posterior(log_probs, text):
    if len(log_probs) < fewest_steps(text):
        return
    gradient = np.exp(log_probs)
    for state, char in enumerate(ctc.interleave(text)):
        gradient[:, (ctc.BLANK + CLASSES).index(char)] -= ctc.posterior(log_probs, text, CLASSES)[:, state]
    for place in np.ndindex(log_probs.shape):
        nudge = np.zeros_like(log_probs)
        nudge[place] = 1e-5
        up, down = (ctc.loss(ctc.log_softmax(log_probs + sign * nudge), text, CLASSES) for sign in (1, -1))
        assert (up - down) / 2e-5 == pytest.approx(gradient[place], abs=1e-6)


@given(scored_steps(), texts)
def test_the_best_alignment_is_the_likeliest_path_of_the_text(log_probs, text):
    paths = ctc.alignments(text, len(log_probs))
    if not paths:
        with pytest.raises(ValueError, match="no path of"):
            ctc.best_alignment(log_probs, text, CLASSES)
        return
    states = ctc.best_alignment(log_probs, text, CLASSES)
    path = "".join(ctc.interleave(text)[state] for state in states)
    assert ctc.collapse(path) == text and len(path) == len(log_probs)
    best = max(path_probability(log_probs, other) for other in paths)
    assert path_probability(log_probs, path) == pytest.approx(best)


@given(scored_steps())
def test_greedy_reads_the_likeliest_path(log_probs):
    best = max(all_paths(len(log_probs)), key=lambda path: path_probability(log_probs, path))
    assert ctc.greedy(log_probs, CLASSES) == ctc.collapse(best)


@given(scored_steps())
def test_a_beam_that_drops_nothing_is_exact(log_probs):
    expected = text_probabilities(log_probs)
    found = ctc.beam_search(log_probs, CLASSES, width=len(expected))
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert {text: pytest.approx(np.exp(p)) for text, p in found} == expected


@given(scored_steps(), st.integers(1, 4))
def test_a_narrow_beam_never_promises_too_much(log_probs, width):
    found = ctc.beam_search(log_probs, CLASSES, width)
    assert 1 <= len(found) <= width
    for text, log_probability in found:
        assert log_probability <= -ctc.loss(log_probs, text, CLASSES) + 1e-9


def test_certain_steps_are_read_without_a_warning():
    certain = np.full((4, 3), -np.inf)
    certain[np.arange(4), [1, 0, 1, 2]] = 0.0  # A-AB
    assert ctc.greedy(certain, CLASSES) == "AAB"
    assert ctc.beam_search(certain, CLASSES) == [("AAB", 0.0)]
    assert ctc.loss(certain, "AAB", CLASSES) == 0
    assert ctc.posterior(certain, "AAB", CLASSES).max(axis=1).tolist() == [1, 1, 1, 1]
    assert ctc.loss(certain, "AB", CLASSES) == np.inf


@pytest.mark.parametrize("text", ["AAA", "ABAB", "AABB"])
def test_what_does_not_fit_costs_infinitely_much(text):
    even = np.log(np.full((fewest_steps(text), 3), 1 / 3))
    assert np.isfinite(ctc.loss(even, text, CLASSES))
    assert ctc.loss(even[1:], text, CLASSES) == np.inf


def test_the_same_loss_and_readings_as_keras():
    from hcr_lib._tf import keras

    classes = "0123456789"
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 3, (6, 28, 11)).astype("float32")
    numbers = ["3881", "42", "00", "7", "1234", "909"]
    targets = np.zeros((6, 4), "int32")  # 0, the blank, fills up
    for row, number in zip(targets, numbers, strict=True):
        row[: len(number)] = [classes.index(char) + 1 for char in number]
    log_probs = ctc.log_softmax(scores)
    ours = [ctc.loss(one, number, classes) for one, number in zip(log_probs, numbers, strict=True)]
    by_loss = keras.losses.CTC(reduction="none")(targets, scores)
    lengths = np.array([len(number) for number in numbers])
    by_op = keras.ops.ctc_loss(targets, scores, lengths, np.full(6, 28), mask_index=0)
    np.testing.assert_allclose(by_loss, ours, rtol=1e-4)
    np.testing.assert_allclose(by_op, ours, rtol=1e-4)
    read, _ = keras.ops.ctc_decode(scores, np.full(6, 28), strategy="greedy", mask_index=0)
    theirs = ["".join(classes[k - 1] for k in row if k > 0) for row in np.asarray(read[0])]
    assert [ctc.greedy(one, classes) for one in log_probs] == theirs


@pytest.mark.parametrize(
    ("log_probs", "message"),
    [
        (np.zeros((2, 3, 3)), r"Try log_probs\[0\]"),
        (np.zeros((2, 4)), r"shape \(steps, 3\); got shape \(2, 4\)"),
        (np.zeros((0, 3)), r"got shape \(0, 3\)"),
        (np.full((2, 3), 1 / 3), "log_softmax"),
        (np.full((2, 3), np.nan), "log_softmax"),
    ],
)
def test_scores_of_another_kind_are_refused_with_the_remedy(log_probs, message):
    for read in (ctc.greedy, ctc.beam_search):
        with pytest.raises(ValueError, match=message):
            read(log_probs, CLASSES)
    with pytest.raises(ValueError, match=message):
        ctc.loss(log_probs, "A", CLASSES)


def test_a_text_beyond_the_classes_and_a_beam_of_nothing_are_refused():
    even = np.log(np.full((3, 3), 1 / 3))
    with pytest.raises(ValueError, match="got C in 'AC'"):
        ctc.loss(even, "AC", CLASSES)
    with pytest.raises(ValueError, match="width must be at least 1"):
        ctc.beam_search(even, CLASSES, width=0)
