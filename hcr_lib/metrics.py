"""How well a reader reads, and how far that number can be trusted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from hcr_lib._validate import ensure_labels, ensure_unmasked

if TYPE_CHECKING:  # imported below where they are used: the recognizer must not wait for pandas and SciPy
    import pandas as pd


class McNemar(NamedTuple):
    """Two readers compared on the same images; see `mcnemar`."""

    only_first_right: int
    only_second_right: int
    p_value: float


def accuracy(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> float:
    """Return the share of images that were read right, between 0 and 1.

    Parameters
    ----------
    labels, predictions : array_like, shape (n,), n at least 1
        The truth and what was read: labels or characters, but the same kind in both.

    Examples
    --------
    >>> accuracy(list("HELLO"), list("HALLO"))
    0.8
    """
    return float(np.mean(_right(labels, predictions)))


def wilson_interval(correct: int, total: int, confidence: float = 0.95) -> tuple[float, float]:
    r"""Return the range of accuracies that agree with `correct` out of `total` images.

    Parameters
    ----------
    correct, total : int
    confidence : float
        The share of test sets whose interval contains the true accuracy.

    Returns
    -------
    low, high : float

    Notes
    -----
    With :math:`p` = correct / total and :math:`z` = 1.96 for 95 %, Wilson's score interval is

    .. math:: \frac{p + z^2 / 2n \pm z \sqrt{p (1 - p) / n + z^2 / 4n^2}}{1 + z^2 / n}

    Unlike :math:`p \pm z \sqrt{p (1 - p) / n}` it stays within [0, 1] and does not shrink to nothing when every image
    was read right. It tells how much another test set *of the same kind* could differ; other pens and other writers
    differ more. Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    Journal of the American Statistical Association 22 (1927), 209-212.

    Examples
    --------
    >>> [round(bound, 3) for bound in wilson_interval(98, 100)]
    [0.93, 0.994]
    >>> [round(bound, 3) for bound in wilson_interval(10, 10)]
    [0.722, 1.0]
    """
    from scipy.stats import binomtest

    if not 0 <= correct <= total or total == 0:
        raise ValueError(f"correct must lie between 0 and total, and total be at least 1; got {correct} of {total}.")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1; got {confidence}. For 95 % write 0.95.")
    bounds = binomtest(correct, total).proportion_ci(confidence, method="wilson")
    return float(bounds.low), float(bounds.high)


def confusion(labels: npt.ArrayLike, predictions: npt.ArrayLike, num_classes: int) -> np.ndarray:
    """Count how often each class was read as each class.

    Parameters
    ----------
    labels, predictions : array_like of int, shape (n,)

    Returns
    -------
    ndarray of int64, shape (num_classes, num_classes)
        Row: the true class. Column: the class it was read as. The diagonal is right.

    Examples
    --------
    >>> confusion([0, 0, 1], [0, 1, 1], num_classes=2).tolist()
    [[1, 1], [0, 1]]
    """
    labels = ensure_labels(labels, num_classes)
    predictions = ensure_labels(predictions, num_classes, length=len(labels), name="predictions")
    cells = np.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def per_class(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: str) -> pd.DataFrame:
    """Score every class on its own.

    Returns
    -------
    DataFrame
        One row per class, in label order: `char`; `n`, its images; `recall`, the share of these that were read
        right; `precision`, the share right among all that was read as it; `f1`, the harmonic mean of the two.
        A share of nothing is NaN, not 0: a class that was never read has no precision.

    Examples
    --------
    >>> per_class([0, 0, 0, 1], [0, 0, 1, 1], "AB").round(2).to_dict("list")
    {'char': ['A', 'B'], 'n': [3, 1], 'precision': [1.0, 0.5], 'recall': [0.67, 1.0], 'f1': [0.8, 0.67]}
    """
    import pandas as pd

    matrix = confusion(labels, predictions, len(classes))
    right, true, read = matrix.diagonal(), matrix.sum(axis=1), matrix.sum(axis=0)
    with np.errstate(invalid="ignore"):  # 0 / 0 is the NaN promised above
        shares = {"precision": right / read, "recall": right / true, "f1": 2 * right / (true + read)}
    return pd.DataFrame({"char": list(classes), "n": true, **shares})


def worst_pairs(labels: npt.ArrayLike, predictions: npt.ArrayLike, classes: str, top: int = 10) -> pd.DataFrame:
    """List the most frequent confusions, the most frequent first.

    Returns
    -------
    DataFrame
        At most `top` rows of `true`, `read` (characters) and `count`; equal counts stay in label order.

    Examples
    --------
    >>> worst_pairs([0, 0, 0, 1], [1, 1, 0, 2], "OQD").to_dict("list")
    {'true': ['O', 'Q'], 'read': ['Q', 'D'], 'count': [2, 1]}
    """
    import pandas as pd

    mistakes = confusion(labels, predictions, len(classes))
    np.fill_diagonal(mistakes, 0)
    order = np.argsort(-mistakes, axis=None, kind="stable")[: min(top, np.count_nonzero(mistakes))]
    rows, columns = np.unravel_index(order, mistakes.shape)
    chars = np.array(list(classes))
    return pd.DataFrame({"true": chars[rows], "read": chars[columns], "count": mistakes[rows, columns]})


def mcnemar(labels: npt.ArrayLike, first: npt.ArrayLike, second: npt.ArrayLike) -> McNemar:
    """Test whether two readers differ by more than chance on the same images.

    Parameters
    ----------
    labels, first, second : array_like, shape (n,)
        The truth, and what each reader read.

    Notes
    -----
    Images that both readers get right, or both wrong, do not show who is better. If the two were equally good, the
    remaining ones would fall to either side like a fair coin: the p-value is the two-sided exact binomial test of that.
    Source: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
    Psychometrika 12 (1947), 153-157.

    Examples
    --------
    >>> mcnemar(list("ABCDEFGH"), list("ABCDEFGH"), list("ABxxxxxx"))
    McNemar(only_first_right=6, only_second_right=0, p_value=0.03125)
    """
    from scipy.stats import binomtest

    first_right, second_right = _right(labels, first), _right(labels, second)
    only_first = int(np.sum(first_right & ~second_right))
    only_second = int(np.sum(second_right & ~first_right))
    split = only_first + only_second
    p_value = float(binomtest(only_first, split).pvalue) if split else 1.0
    return McNemar(only_first, only_second, p_value)


def character_error_rate(texts: Sequence[str], readings: Sequence[str]) -> float:
    """Return the edits that turn the readings into the texts, per true character.

    An edit inserts, deletes or replaces one character; each pair takes the fewest that do (Levenshtein
    distance). Long texts weigh more than short ones, and a reading with many insertions can score above 1.

    Examples
    --------
    >>> character_error_rate(["HELLO", "42"], ["HELO", "42"])  # 1 edit, 7 characters
    0.14285714285714285
    """
    return _edit_rate(texts, readings, "characters", str)


def word_error_rate(texts: Sequence[str], readings: Sequence[str]) -> float:
    """Return the edits that turn the readings into the texts, per true word.

    As `character_error_rate`, but whole words are inserted, deleted or replaced; words end at blanks.

    Examples
    --------
    >>> word_error_rate(["the cat sat"], ["the bat sat"])
    0.3333333333333333
    """
    return _edit_rate(texts, readings, "words", str.split)


def calibration(labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Compare a network's confidence with its accuracy.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
    probabilities : array_like of float, shape (n, num_classes)
        One row per image; its largest entry is the network's confidence in its prediction.
    bins : int
        The confidences are sorted into this many bins of equal width, each without its lower bound.

    Returns
    -------
    DataFrame
        One row per bin: `low` and `high`, its bounds; `n`, its images; `confidence` and `accuracy`, the means over
        them (NaN in an empty bin). For a calibrated network both are equal.

    Examples
    --------
    >>> calibration([0, 1], [[0.9, 0.1], [0.8, 0.2]], bins=2).to_dict("list")["accuracy"]
    [nan, 0.5]
    """
    import pandas as pd

    probabilities = np.asarray(ensure_unmasked(probabilities, name="probabilities"), dtype="float64")
    if probabilities.ndim != 2:
        raise ValueError(f"probabilities must have shape (n, num_classes); got shape {probabilities.shape}.")
    # A float32 softmax may end a hair above 1, which is no reason to refuse it.
    if not np.all((probabilities >= 0) & (probabilities <= 1 + 1e-6)):
        raise ValueError("probabilities must lie between 0 and 1. Does the network end in a softmax?")
    labels = ensure_labels(labels, probabilities.shape[1], length=len(probabilities))
    confidence = probabilities.max(axis=1)
    edges = np.linspace(0, 1, bins + 1)
    where = np.searchsorted(edges[1:-1], confidence)
    right = probabilities.argmax(axis=1) == labels
    means = pd.DataFrame({"confidence": confidence, "accuracy": right}).groupby(where).mean().reindex(range(bins))
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": np.bincount(where, minlength=bins), **means})


def expected_calibration_error(labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 10) -> float:
    r"""Return the mean gap between confidence and accuracy, between 0 and 1.

    .. math:: \sum_b \frac{n_b}{n} \, | \mathrm{accuracy}_b - \mathrm{confidence}_b |

    over the bins of `calibration`, after C. Guo, G. Pleiss, Y. Sun, K. Q. Weinberger, "On calibration of modern neural
    networks", ICML 2017. The value depends on `bins`: compare only equal ones.

    Examples
    --------
    >>> round(expected_calibration_error([0, 1], [[0.9, 0.1], [0.9, 0.1]]), 2)  # 90 % sure, 50 % right
    0.4
    """
    table = calibration(labels, probabilities, bins)
    gaps = (table["accuracy"] - table["confidence"]).abs()  # NaN in empty bins, which the sum passes over
    return float((gaps * table["n"]).sum() / table["n"].sum())


def _right(labels: npt.ArrayLike, predictions: npt.ArrayLike) -> np.ndarray:
    """Return whether each prediction is right, as bool of shape (n,)."""
    labels, predictions = _comparable(labels, "labels"), _comparable(predictions, "predictions")
    if labels.ndim != 1 or labels.shape != predictions.shape or labels.size == 0:
        raise ValueError(
            f"labels and predictions must both have the same shape (n,), n at least 1; "
            f"got {labels.shape} and {predictions.shape}. Turn probabilities into labels with .argmax(axis=1)."
        )
    if (labels.dtype.kind in "US") != (predictions.dtype.kind in "US"):
        raise ValueError(
            f"labels and predictions must be of the same kind; got {labels.dtype} and {predictions.dtype}. "
            "Turn labels into characters with hcr_lib.labels.to_chars."
        )
    return labels == predictions


def _comparable(values: npt.ArrayLike, name: str) -> np.ndarray:
    """Return `values` as an array of numbers or of characters, also where pandas keeps them as objects."""
    array = np.asarray(ensure_unmasked(values, name=name))
    if array.dtype.kind in "OT":
        kinds = {isinstance(value, str) for value in array.flat}
        array = np.array(array.tolist())
        if len(kinds) > 1 or array.dtype.kind == "O":
            raise ValueError(f"{name} must be all characters or all numbers; got a mixture or missing values.")
    return array


def _edit_rate(texts: Sequence[str], readings: Sequence[str], unit: str, parts: Callable[[str], Sequence]) -> float:
    """Return the edits of each text's `parts`, per true part."""
    for lines in (texts, readings):
        if isinstance(lines, str):  # which is a sequence of strings too
            raise ValueError(f"expected a list of texts; got the single text {lines!r}. Put it in brackets.")
    truths, readings = [parts(text) for text in texts], [parts(text) for text in readings]
    if len(truths) != len(readings):
        raise ValueError(f"texts and readings must be as many; got {len(truths)} and {len(readings)}.")
    total = sum(map(len, truths))
    if total == 0:
        raise ValueError(f"the texts hold no {unit}, so there is no rate. Leave empty texts out.")
    return sum(map(Levenshtein.distance, truths, readings)) / total
