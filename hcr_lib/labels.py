"""Class sets, and the way between labels (numbers) and characters.

A class set is a plain string: label ``k`` stands for its character number ``k``.
"""

import string
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from hcr_lib._validate import ensure_choice, ensure_labels

DIGITS = string.digits
LETTERS = string.ascii_uppercase
ALNUM = DIGITS + LETTERS
BYCLASS = ALNUM + string.ascii_lowercase
#: NIST merges the 15 letters whose two cases look alike, which leaves 47 classes.
MERGED_LETTERS = "CIJKLMOPSUVWXYZ"
BALANCED = ALNUM + "".join(c for c in string.ascii_lowercase if c.upper() not in MERGED_LETTERS)

CLASS_SETS = {
    "digits": DIGITS,
    "letters": LETTERS,
    "alnum": ALNUM,
    "balanced": BALANCED,
    "byclass": BYCLASS,
}

#: Characters that one isolated drawing cannot always tell apart. Context can; a classifier can only guess.
SHAPE_EQUIVALENT = (
    "0Oo", "1Ili", "2Zz", "5Ss", "9gq", "6b", "8B", "Cc", "Kk", "Mm", "Pp", "Uu", "Vv", "Ww", "Xx", "Yy",
)  # fmt: skip


def classes(name: str) -> str:
    """Return the characters of a class set, in label order.

    Examples
    --------
    >>> classes("letters")
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
    >>> [len(classes(name)) for name in CLASS_SETS]
    [10, 26, 36, 47, 62]
    """
    return CLASS_SETS[ensure_choice(name, CLASS_SETS, name="class set")]


def to_chars(labels: npt.ArrayLike, classes: str) -> np.ndarray:
    """Look up the character of every label.

    Parameters
    ----------
    labels : array_like of int, shape (n,)
    classes : str
        Label ``k`` stands for ``classes[k]``.

    Returns
    -------
    ndarray of str, shape (n,)

    Raises
    ------
    ValueError
        If a label lies outside ``0 .. len(classes) - 1``.

    Examples
    --------
    >>> "".join(to_chars([17, 14, 21, 21, 24], ALNUM))
    'HELLO'
    """
    return np.array(list(classes))[ensure_labels(labels, len(classes))]


def to_labels(chars: str | Iterable[str], classes: str) -> np.ndarray:
    """Look up the label of every character; the inverse of `to_chars`.

    Returns
    -------
    ndarray of int64, shape (n,)

    Raises
    ------
    ValueError
        If a character is not one of `classes`.

    Examples
    --------
    >>> to_labels("A9", ALNUM).tolist()
    [10, 9]
    """
    position = {char: label for label, char in enumerate(classes)}
    chars = list(chars)
    unknown = sorted({str(char) for char in chars} - position.keys())
    if unknown:
        raise ValueError(f"characters must be among {classes!r}; got {', '.join(map(repr, unknown))}.")
    return np.array([position[char] for char in chars], dtype="int64")


def emnist_letters_to_alnum(labels: npt.ArrayLike) -> np.ndarray:
    """Move EMNIST Letters labels (1-26) to their place behind the digits (10-35).

    Raises
    ------
    ValueError
        If a label is not between 1 and 26 - the usual sign that the shift was already made.

    Examples
    --------
    >>> emnist_letters_to_alnum([1, 26]).tolist()
    [10, 35]
    """
    array = np.asarray(labels)
    if array.size and (array.min() < 1 or array.max() > 26):
        raise ValueError(
            f"EMNIST letters are labelled 1 to 26; got {array.min()} to {array.max()}. "
            "Were these labels shifted before?"
        )
    return array.astype("int64") + 9


def merge_matrix(source: str, target: str) -> np.ndarray:
    """Say which source class counts towards which target class.

    A source character goes to itself when the target has it, else to its capital;
    what the target lacks altogether (a letter, for the digits) goes nowhere. Multiplying
    probabilities by this matrix therefore *adds up* the cases of a letter and *masks* the rest.

    Parameters
    ----------
    source, target : str
        Class strings, label order.

    Returns
    -------
    ndarray of float32, shape (len(source), len(target))

    Examples
    --------
    >>> merge = merge_matrix(BYCLASS, ALNUM)
    >>> merge.shape, [BYCLASS[k] for k in np.flatnonzero(merge[:, 10])]
    ((62, 36), ['A', 'a'])
    """
    matrix = np.zeros((len(source), len(target)), "float32")
    for row, char in enumerate(source):
        home = char if char in target else char.upper()
        if home in target:
            matrix[row, target.index(home)] = 1.0
    return matrix


def same_shape(classes: str) -> np.ndarray:
    """Say which characters look alike when they stand alone.

    Returns
    -------
    ndarray of float32, shape (len(classes), len(classes))
        1 where both are the same, or share a group of `SHAPE_EQUIVALENT`.

    Examples
    --------
    >>> same_shape("0OA").tolist()
    [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """
    alike = np.eye(len(classes), dtype="float32")
    for group in SHAPE_EQUIVALENT:
        members = [k for k, char in enumerate(classes) if char in group]
        alike[np.ix_(members, members)] = 1.0
    return alike
