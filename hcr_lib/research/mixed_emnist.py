"""The EMNIST images that the reader is trained and judged on: one file, made of several of EMNIST's parts.

`hcr_lib.research.build_emnist` builds it, and says how what it builds differs from the file that the shipped weights
were trained on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import NOT_CONSIDERED, DataError, Dataset, MissingDataError
from hcr_lib.datasets._origins import Origins
from hcr_lib.datasets._readers import read_npz
from hcr_lib.labels import ALNUM, BYCLASS, to_labels

FILE = "emnist.npz"
PARTS = ("train", "val", "test")
UNKNOWN_CASE = "?"


def arrays(data_dir: Path) -> dict[str, np.ndarray]:
    """Return the arrays of the file, checked.

    Parameters
    ----------
    data_dir : Path
        The folder it lies in.

    Returns
    -------
    dict
        ``images`` uint8 (n, 28, 28), upright; ``chars`` str (n,), cases merged; ``case_chars`` str (n,), ``?`` where
        the case is not known; ``split`` str (n,), one of train, val, test.

    Raises
    ------
    MissingDataError
        If there is no such file.
    DataError
        If it is damaged or holds something else.
    """
    path = data_dir / FILE
    if not path.exists():
        raise MissingDataError(
            f"{FILE} was not found in {data_dir}; `python -m hcr_lib.research.build_emnist` fetches what it needs and "
            "writes it into the folder that HCR_DATA_DIR names."
        )
    found = read_npz(path, ["images", "chars", "case_chars", "split"])
    n = found["images"].shape[:1]
    allowed = {"chars": list(ALNUM), "case_chars": [*BYCLASS, UNKNOWN_CASE], "split": PARTS}
    for name, values in allowed.items():
        if not n or found[name].shape != n or found[name].dtype.kind != "U" or not np.isin(found[name], values).all():
            raise DataError(
                f"{path} cannot be used: {name} must hold one of {', '.join(values)} for each of its images."
            )
    return found


def load(data_dir: Path, part: str, *, case: Literal["merged", "known", "either"] = "merged") -> Dataset:
    """Return a part of the file as a data set.

    Parameters
    ----------
    data_dir : Path
        The folder it lies in.
    part : {"train", "val", "test", "all"}
    case : {"merged", "known", "either"}
        36 classes with the cases merged; 62 classes, and only the images whose case is known; or 62 classes and all
        images, with partial labels where the case is not known: both cases are candidates.

    Raises
    ------
    DataError
        See `arrays`.
    """
    ensure_choice(part, (*PARTS, "all"), name="part")
    ensure_choice(case, ("merged", "known", "either"), name="case")
    found = arrays(data_dir)
    known = found["case_chars"] != UNKNOWN_CASE
    kept = np.full(len(known), True) if part == "all" else found["split"] == part
    if case == "known":
        kept &= known
    chars = found["chars"] if case == "merged" else np.where(known, found["case_chars"], found["chars"])
    classes = ALNUM if case == "merged" else BYCLASS
    numbers = to_labels(chars[kept], classes)
    mask = None
    if case == "either":
        mask = np.where(np.arange(len(classes)) == numbers[:, None], 2, 1).astype("uint8")
        rows = np.flatnonzero(~known[kept] & np.char.isalpha(chars[kept]))
        mask[rows, to_labels(np.char.lower(chars[kept][rows]), classes)] = 2
    try:
        return Dataset(
            found["images"][kept],
            numbers,
            classes,
            f"EMNIST (mixed, case {case})",
            origins=Origins.of(FILE, len(known)).take(kept),
            label_mask=mask,
        )
    except ValueError as error:
        raise DataError(f"{data_dir / FILE} cannot be used: {error}") from error


def labelled_among(data: Dataset, chars: str) -> Dataset:
    """Return a data set with labels that were chosen among `chars` alone.

    No other class was ever considered, so training does not count it as wrong: an MNIST digit says which digit it is,
    not that it is no letter. See `Dataset.label_mask`.

    Raises
    ------
    ValueError
        If a character is no class, or an image shows none of `chars`.

    Examples
    --------
    >>> digits = Dataset(np.zeros((1, 28, 28), "uint8"), [1], classes="01OI", source="MNIST")
    >>> labelled_among(digits, "01").label_mask.tolist()
    [[1, 2, 0, 0]]
    """
    considered = np.isin(np.arange(len(data.classes)), to_labels(chars, data.classes))
    return replace(data, label_mask=np.where(considered, data.targets, NOT_CONSIDERED))
