"""Class sets, and conversions between labels (whole numbers) and characters.

A class set is a string: label ``k`` stands for its character number ``k``.
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
MARKS = ".,-'\"?!:;()/&+=%@#"  #: that reading text needs, and that people's handwriting at hand shows often enough
TEXT = BYCLASS + MARKS  #: what the network for single characters knows
#: Further marks that the network for lines knows; there are too few drawings of them to be known alone.
LINE_MARKS = "$*[]{}<>|_^~"
#: NIST merges the 15 letters whose two cases look alike, which leaves 47 classes.
MERGED_LETTERS = "CIJKLMOPSUVWXYZ"
BALANCED = ALNUM + "".join(c for c in string.ascii_lowercase if c.upper() not in MERGED_LETTERS)

CLASS_SETS = {
    "digits": DIGITS, "letters": LETTERS, "alnum": ALNUM, "balanced": BALANCED, "byclass": BYCLASS,
    "text": TEXT + LINE_MARKS,
}  # fmt: skip

#: Characters that an isolated drawing cannot always distinguish. Context can; a classifier can only guess.
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
    [10, 26, 36, 47, 62, 92]
    """
    return CLASS_SETS[ensure_choice(name, CLASS_SETS, name="class set")]


def to_chars(labels: npt.ArrayLike, classes: str) -> np.ndarray:
    """Convert labels, array_like of int of shape (n,), to an array of as many characters.

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
    """Convert characters to labels, ndarray of int64 of shape (n,); the inverse of `to_chars`.

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
    """Convert EMNIST Letters labels (1-26) to labels of `ALNUM` (10-35).

    Raises
    ------
    ValueError
        If a label is not between 1 and 26, usually because the labels were converted before.

    Examples
    --------
    >>> emnist_letters_to_alnum([1, 26]).tolist()
    [10, 35]
    """
    array = np.asarray(labels)
    if array.size and (array.min() < 1 or array.max() > 26):
        found = f"{array.min()} to {array.max()}"
        raise ValueError(f"EMNIST letters are labelled 1 to 26; got {found}. Were these labels converted before?")
    return array.astype("int64") + 9


def merge_matrix(source: str, target: str) -> np.ndarray:
    """Return the matrix that merges the classes of one class set into those of another.

    Each source class is mapped to the same character of the target, else to its upper case; classes without a
    counterpart (letters, for a target of digits) are dropped. Multiplying probabilities by this matrix therefore
    *adds up* the two cases of a letter and *masks* the rest.

    Returns
    -------
    ndarray of float32, shape (len(source), len(target))
        1 where the source class (row) is merged into the target class (column), else 0.

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
    """Return which characters have the same shape in isolation.

    Returns
    -------
    ndarray of float32, shape (len(classes), len(classes))
        1 where both are the same or in one group of `SHAPE_EQUIVALENT`, else 0.

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
