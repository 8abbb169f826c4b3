"""Metrics against independent oracles (scikit-learn, SciPy, values worked out by hand) and their properties."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from hcr_lib import metrics

CLASSES = "ABCDE"
SCORES = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=60)
TEXTS = st.lists(st.text("ab ", min_size=1, max_size=8), min_size=1, max_size=5)


def unzip(pairs):
    labels, predictions = zip(*pairs, strict=True)
    return np.array(labels), np.array(predictions)


def test_accuracy_counts_what_is_right():
    assert metrics.accuracy([1, 2, 3, 4], [1, 2, 3, 0]) == 0.75


@pytest.mark.parametrize(
    ("labels", "predictions", "message"),
    [
        ([1, 2], [1], r"\(2,\) and \(1,\)"),
        ([], [], "n at least 1"),
        ([1, 2], [[0.1, 0.9], [0.9, 0.1]], "argmax"),
        ([1, 2], ["1", "2"], "to_chars"),
        ([1, 2], np.array(["1", "2"], dtype=object), "to_chars"),
        (["A", "B"], pd.Series(["A", None]), "predictions must be all characters or all numbers"),
        (["A", "B"], np.array(["A", 2], dtype=object), "mixture"),
        (["A", "B"], np.ma.array(["A", "B"], mask=[False, True]), r"1 masked .*predictions\.filled"),
    ],
)
def test_accuracy_refuses_what_cannot_be_compared(labels, predictions, message):
    with pytest.raises(ValueError, match=message):
        metrics.accuracy(labels, predictions)


@pytest.mark.parametrize(
    "characters", [pd.Series(list("AB")), pd.Series(list("AB"), dtype=object), pd.Categorical(["A", "B"])]
)
def test_characters_from_a_table_are_characters(characters):
    assert metrics.accuracy(characters, ["A", "C"]) == 0.5
    assert metrics.mcnemar(["A", "B"], characters, ["A", "C"]).only_first_right == 1


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.floats(0.5, 0.999))
def test_wilson_agrees_with_scipy(counts, confidence):
    correct, total = counts
    oracle = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    assert metrics.wilson_interval(correct, total, confidence) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_wilson_is_not_fooled_by_small_integers():
    assert metrics.wilson_interval(np.uint8(200), np.uint8(250)) == metrics.wilson_interval(200, 250)


@given(st.integers(0, 100))
def test_wilson_holds_the_share_stays_inside_and_narrows_with_more_images(correct):
    low, high = metrics.wilson_interval(correct, 100)
    assert 0 <= low <= correct / 100 <= high <= 1
    more_low, more_high = metrics.wilson_interval(10 * correct, 1000)
    assert more_high - more_low < high - low


@pytest.mark.parametrize(("correct", "total", "confidence"), [(1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 95)])
def test_wilson_refuses_impossible_counts(correct, total, confidence):
    with pytest.raises(ValueError, match="must lie between 0 and"):
        metrics.wilson_interval(correct, total, confidence)


@given(SCORES)
def test_confusion_and_per_class_agree_with_scikit_learn(pairs):
    labels, predictions = unzip(pairs)
    matrix = metrics.confusion(labels, predictions, 5)
    np.testing.assert_array_equal(matrix, confusion_matrix(labels, predictions, labels=range(5)))
    assert matrix.trace() / matrix.sum() == metrics.accuracy(labels, predictions)

    table = metrics.per_class(labels, predictions, CLASSES)
    oracle = precision_recall_fscore_support(labels, predictions, labels=range(5), zero_division=np.nan)
    for column, expected in zip(["precision", "recall", "f1", "n"], oracle, strict=True):
        np.testing.assert_allclose(table[column], expected)


def test_rows_are_true_and_columns_are_read():
    matrix = metrics.confusion([0], [2], 3)
    assert matrix[0, 2] == 1
    assert matrix.sum() == 1


def test_confusion_refuses_labels_it_has_no_row_for():
    with pytest.raises(ValueError, match="predictions must lie between 0 and 2"):
        metrics.confusion([0], [3], 3)
    with pytest.raises(ValueError, match="expected 2, got 1"):
        metrics.confusion([0, 1], [0], 3)


@given(SCORES)
def test_worst_pairs_are_every_mistake_most_frequent_first(pairs):
    labels, predictions = unzip(pairs)
    table = metrics.worst_pairs(labels, predictions, CLASSES, top=25)
    assert (table["true"] != table["read"]).all()
    assert table["count"].is_monotonic_decreasing
    assert table["count"].sum() == np.sum(labels != predictions)
    assert len(metrics.worst_pairs(labels, predictions, CLASSES, top=2)) <= 2


def test_mcnemar_by_hand():
    # 8 images tell the readers apart, 7 to 1: two-sided p = 2 (1 + 8) / 2^8.
    labels = np.zeros(10, int)
    first, second = labels.copy(), labels.copy()
    first[0], second[1:8] = 1, 1
    assert metrics.mcnemar(labels, first, second) == (7, 1, pytest.approx(18 / 256))


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=40))
def test_mcnemar_is_the_exact_binomial_test_of_the_images_that_one_reader_gets_right(rows):
    labels, first, second = np.array(rows).T
    there, back = metrics.mcnemar(labels, first, second), metrics.mcnemar(labels, second, first)
    assert (there.only_first_right, there.only_second_right) == (back.only_second_right, back.only_first_right)
    assert there.p_value == pytest.approx(back.p_value)
    disagreements = [
        a == label for label, a, b in zip(labels, first, second, strict=True) if (a == label) != (b == label)
    ]
    exact = binomtest(sum(disagreements), len(disagreements)).pvalue if disagreements else 1
    assert there.p_value == pytest.approx(exact)
    assert metrics.mcnemar(labels, first, first) == (0, 0, 1.0)
    gap = metrics.accuracy(labels, first) - metrics.accuracy(labels, second)
    assert gap * len(labels) == pytest.approx(there.only_first_right - there.only_second_right)


def edit_distance(a, b):
    """The textbook table, as an oracle."""
    row = list(range(len(b) + 1))
    for i, left in enumerate(a, 1):
        row, above = [i], row
        for j, right in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (left != right)))
    return row[-1]


@given(TEXTS, st.randoms(use_true_random=False))
def test_error_rates_agree_with_the_textbook_table(texts, random):
    readings = ["".join(random.choices("ab ", k=random.randrange(9))) for _ in texts]
    edits = sum(map(edit_distance, texts, readings))
    assert metrics.character_error_rate(texts, readings) == pytest.approx(edits / sum(map(len, texts)))
    assert metrics.character_error_rate(texts, texts) == 0
    if any(text.strip() for text in texts):
        words, read = [t.split() for t in texts], [t.split() for t in readings]
        expected = sum(map(edit_distance, words, read)) / sum(map(len, words))
        assert metrics.word_error_rate(texts, readings) == pytest.approx(expected)


def test_error_rates_add_up_before_they_divide():
    assert metrics.character_error_rate(["A", "BCDEFGHIJ"], ["x", "BCDEFGHIJ"]) == 0.1
    assert metrics.character_error_rate(["A"], ["ABC"]) == 2.0
    assert metrics.word_error_rate(["one two"], [""]) == 1.0


@pytest.mark.parametrize("rate", [metrics.character_error_rate, metrics.word_error_rate])
def test_error_rates_name_the_usual_slips(rate):
    with pytest.raises(ValueError, match="Put it in brackets"):
        rate("HELLO", "HELLO")
    with pytest.raises(ValueError, match="got 2 and 1"):
        rate(["A", "B"], ["A"])
    with pytest.raises(ValueError, match="Leave empty texts out"):
        rate([""], ["A"])


def test_calibration_by_hand():
    probabilities = [[0.95, 0.05], [0.85, 0.15], [0.85, 0.15], [0.4, 0.6]]
    table = metrics.calibration([0, 0, 1, 0], probabilities, bins=10)
    assert table["n"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 2, 1]
    assert table["accuracy"].iloc[[5, 8, 9]].tolist() == [0.0, 0.5, 1.0]
    # (1 x |0 - 0.6| + 2 x |0.5 - 0.85| + 1 x |1 - 0.95|) / 4
    assert metrics.expected_calibration_error([0, 0, 1, 0], probabilities) == pytest.approx(1.35 / 4)


@given(st.lists(st.tuples(st.integers(0, 2), *[st.floats(0.01, 1)] * 3), min_size=1, max_size=40), st.integers(1, 20))
def test_calibration_loses_no_image_and_keeps_the_means(rows, bins):
    rows = np.array(rows)
    labels, probabilities = rows[:, 0].astype(int), rows[:, 1:] / rows[:, 1:].sum(axis=1, keepdims=True)
    table = metrics.calibration(labels, probabilities, bins)
    assert len(table) == bins
    assert table["n"].sum() == len(labels)
    filled = table[table["n"] > 0]
    assert (filled["confidence"] > filled["low"] - 1e-9).all()
    assert (filled["confidence"] < filled["high"] + 1e-9).all()
    weighted = (filled["accuracy"] * filled["n"]).sum() / len(labels)
    assert weighted == pytest.approx(metrics.accuracy(labels, probabilities.argmax(axis=1)))
    assert 0 <= metrics.expected_calibration_error(labels, probabilities, bins) <= 1


def test_perfect_certainty_is_perfectly_calibrated():
    assert metrics.expected_calibration_error([0, 1, 2], np.eye(3)) == 0
    assert math.isnan(metrics.calibration([0], np.eye(3)[:1])["accuracy"][0])


@pytest.mark.parametrize(
    ("probabilities", "message"), [([0.5, 0.5], "shape"), ([[3.0, -1.0]], "softmax"), ([[np.nan, 1]], "softmax")]
)
def test_calibration_refuses_what_is_no_probability(probabilities, message):
    with pytest.raises(ValueError, match=message):
        metrics.calibration([0], probabilities)


def test_importing_the_metrics_waits_for_neither_pandas_nor_scipy():
    program = (
        "import sys, hcr_lib.metrics; print(*sorted({'pandas', 'scipy', 'sklearn', 'matplotlib'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "\n"
