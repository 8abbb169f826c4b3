"""The data sets by name: where each one lies, what its labels mean, how it is divided."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from hcr_lib import _paths, labels
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import MissingDataError
from hcr_lib.datasets._readers import read_npz

SPLITS = ("train", "val", "test")
MNIST_VALIDATION = 5_000


def _bundled(folder: Path, split: str) -> Dataset:
    path = _paths.shipped("synthetic.npz")
    arrays = read_npz(path, ["images", "labels", "writers", "split", "classes"])
    whole = Dataset(
        arrays["images"], arrays["labels"], str(arrays["classes"]), "synthetic handwriting", arrays["writers"]
    )
    return _where(whole, arrays["split"], split)


def _mnist(folder: Path, split: str) -> Dataset:
    path = _find(folder, ["mnist.npz"], "MNIST")
    arrays = read_npz(path, ["x_train", "y_train", "x_test", "y_test"])
    train = Dataset(arrays["x_train"], arrays["y_train"], labels.DIGITS, "MNIST")
    test = Dataset(arrays["x_test"], arrays["y_test"], labels.DIGITS, "MNIST")
    cut = len(train) - MNIST_VALIDATION
    match split:
        case "train":
            return train.take(np.arange(cut))
        case "val":
            return train.take(np.arange(cut, len(train)))
        case "test":
            return test


def _emnist_mixed(folder: Path, split: str) -> Dataset:
    arrays = read_npz(_find(folder, ["emnist.npz"], "EMNIST (mixed)"), ["images", "chars", "split"])
    whole = Dataset(
        arrays["images"], labels.to_labels(arrays["chars"], labels.ALNUM), labels.ALNUM, "EMNIST (mixed, case merged)"
    )
    return _where(whole, arrays["split"], split)


def _emnist_mixed_case(folder: Path, split: str) -> Dataset:
    arrays = read_npz(_find(folder, ["emnist.npz"], "EMNIST (mixed)"), ["images", "case_chars", "split"])
    known = arrays["case_chars"] != "?"
    whole = Dataset(
        arrays["images"][known],
        labels.to_labels(arrays["case_chars"][known], labels.BYCLASS),
        labels.BYCLASS,
        "EMNIST (mixed, case known)",
    )
    return _where(whole, arrays["split"][known], split)


SOURCES: dict[str, Callable[[Path, str], Dataset]] = {
    "bundled": _bundled,
    "mnist": _mnist,
    "emnist-mixed": _emnist_mixed,
    "emnist-mixed-case": _emnist_mixed_case,
}


def load(name: str = "bundled", split: str = "train", *, data_dir: str | Path | None = None) -> Dataset:
    """Load a data set by name."""
    ensure_choice(split, (*SPLITS, "all"), name="split")
    folder = Path(data_dir) if data_dir is not None else _paths.user_data_dir()
    return SOURCES[ensure_choice(name, SOURCES, name="data set")](folder, split)


def _where(whole: Dataset, column: np.ndarray, split: str) -> Dataset:
    return whole if split == "all" else whole.take(column == split)


def _find(folder: Path, names: list[str], what: str) -> Path:
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise MissingDataError(f"{what} was not found: looked for {' or '.join(names)} in {folder}.")
