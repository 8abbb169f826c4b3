"""The data sets by name: where each one lies, what its labels mean, how it is divided."""

import hashlib
import tomllib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from hcr_lib import _paths, labels
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets._az import read_az
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._drawings import drawings_dataset
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._fetch import INSTRUCTIONS
from hcr_lib.datasets._folder import read_folder
from hcr_lib.datasets._origins import Origins
from hcr_lib.datasets._readers import idx_bytes, parse_idx, read_bytes, read_idx, read_npz, read_zip_member
from hcr_lib.datasets._remote import EMNIST, EMNIST_ARCHIVES, EMNIST_MEMBERS, MNIST, Published
from hcr_lib.datasets._splits import by_content

PARTS = ("train", "val", "test")
FRACTIONS = (0.8, 0.1, 0.1)
MNIST_VALIDATION = 5_000
#: SHA-256 of MNIST's four arrays as idx files, so that any file they come in can be verified.
MNIST_SHA256 = {
    "x_train": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "y_train": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "x_test": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "y_test": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MNIST_IDX = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
#: EMNIST part -> (class string, the label of its first character).
EMNIST_LABELS = {"letters": (labels.LETTERS, 1), "balanced": (labels.BALANCED, 0), "byclass": (labels.BYCLASS, 0)}
#: What both views of the shared emnist.npz call it, so that an image has one origin in both.
MIXED = "emnist.npz"
AZ_FILES = (
    "A_Z Handwritten Data.csv",
    "az-handwritten-alphabets-in-csv-format.zip",
    "az.csv",
    "az.csv.gz",
    "az.zip",
    "az_sample.csv.gz",
)


def load(name: str | Path = "bundled", split: str = "train", *, data_dir: str | Path | None = None) -> Dataset:
    """Load handwriting by name; nothing is ever downloaded here (see `fetch`).

    Parameters
    ----------
    name : str or path
        ================== ======= ==================================================================
        bundled            62      synthetic handwriting that ships with the course, split by writer
        mnist              10      official test part; the last 5,000 training images are ``val``
        emnist-letters     26      cases merged; official test part, a tenth of training is ``val``
        emnist-balanced    47      likewise; cases merged where they look alike
        emnist-byclass     62      likewise; digits, capitals, small letters
        az                 26      capitals of the Kaggle A-Z file, divided 80 / 10 / 10 by us
        emnist-mixed       36      several EMNIST parts in one file, cases merged, own division
        emnist-mixed-case  62      the images of it whose case is known
        ================== ======= ==================================================================

        Also a path, divided like ``az`` (so ``split="all"`` for all of it): a folder of pictures (see
        `read_folder`), a ``.jsonl`` file of drawings (see `save_drawing`), a ``.npz`` file that `Dataset.save`
        wrote, or a CSV file laid out like the A-Z file.
    split : {"train", "val", "test", "all"}
        The part; "all" is every image there is, in the order of the file (training before test).
    data_dir : path, optional
        Where real data lies; else ``HCR_DATA_DIR``, else the cache folder that `fetch` fills.

    Returns
    -------
    Dataset
        Upright, white on black: EMNIST, which is stored transposed, comes turned. Where we divide, each image
        goes where its own checksum sends it: the same on every machine, and equal images stay together.

    Raises
    ------
    MissingDataError
        If it is not on this machine; the message says how to get it.
    DataError
        If a file is damaged or not what it should be.
    """
    ensure_choice(split, (*PARTS, "all"), name="split")
    if isinstance(name, Path) or name not in SOURCES:
        return _from_path(Path(name).expanduser(), split)
    folder = Path(data_dir).expanduser() if data_dir is not None else _paths.user_data_dir()
    return SOURCES[name](folder, split)


def names() -> list[str]:
    """Return the names that `load` knows."""
    return list(SOURCES)


def _bundled(_folder: Path, split: str) -> Dataset:
    path = _paths.shipped("synthetic.npz")
    manifest = tomllib.loads(_paths.shipped("manifest.toml").read_text(encoding="utf-8"))
    expected = manifest["files"][path.name]["sha256"]
    found = hashlib.sha256(read_bytes(path)).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is not the sample that ships: expected SHA-256 {expected}, found {found}. "
            "Restore it with git or install the course again."
        )
    arrays = read_npz(path, ["images", "labels", "writers", "split", "classes"])
    whole = _build(
        path, arrays["images"], arrays["labels"], str(arrays["classes"]), "synthetic handwriting", arrays["writers"]
    )
    return _part(whole, arrays["split"], split)


def _mnist(folder: Path, split: str) -> Dataset:
    archive = folder / "mnist.npz"
    members = {key: [folder / name, folder / f"{name}.gz"] for key, name in MNIST_IDX.items()}
    if archive.exists():
        arrays = read_npz(archive, list(MNIST_IDX))
    elif all(any(path.exists() for path in paths) for paths in members.values()):
        arrays = {key: read_idx(next(path for path in paths if path.exists())) for key, paths in members.items()}
    else:
        raise MissingDataError(
            f"MNIST was not found: looked in {folder} for mnist.npz, or for {', '.join(MNIST_IDX.values())} "
            f"(plain or .gz). Get it with hcr_lib.datasets.fetch('mnist'). {MNIST.by_hand(folder)}"
        )
    _verify_mnist(arrays, folder)
    train_count = len(arrays["y_train"])
    column = np.repeat(PARTS, [train_count - MNIST_VALIDATION, MNIST_VALIDATION, len(arrays["y_test"])])
    images = np.concatenate([arrays["x_train"], arrays["x_test"]])
    numbers = np.concatenate([arrays["y_train"], arrays["y_test"]])
    origins = Origins.joined([Origins.of(f"MNIST {half}", len(arrays[f"y_{half}"])) for half in ("train", "test")])
    whole = _build(folder, images, numbers, labels.DIGITS, "MNIST", origins=origins)
    return _part(whole, column, split)


def _verify_mnist(arrays: dict[str, np.ndarray], folder: Path) -> None:
    """Refuse arrays that are not MNIST's, whichever file they came in."""
    for key, expected in MNIST_SHA256.items():
        array = arrays[key]
        found = hashlib.sha256(idx_bytes(array)).hexdigest() if array.dtype == np.uint8 else f"{array.dtype} numbers"
        if found != expected:
            raise DataError(
                f"the MNIST file in {folder} does not hold MNIST: expected {key} with SHA-256 {expected}, "
                f"found {found}. Move the file away, then hcr_lib.datasets.fetch('mnist')."
            )


def _emnist(part: str) -> Callable[[Path, str], Dataset]:
    classes, first = EMNIST_LABELS[part]
    source = f"EMNIST {part.capitalize()}"

    def load_part(folder: Path, split: str) -> Dataset:
        official = {"train": ["train"], "val": ["train"], "test": ["test"], "all": ["train", "test"]}[split]
        images = [_emnist_member(folder, f"emnist-{part}-{half}-images-idx3-ubyte") for half in official]
        numbers = [_emnist_member(folder, f"emnist-{part}-{half}-labels-idx1-ubyte") for half in official]
        try:
            # Rows and columns are swapped in the published files.
            upright = np.ascontiguousarray(np.concatenate([half.swapaxes(1, 2) for half in images]))
        except ValueError as error:
            raise DataError(f"{source} in {folder} must hold images of shape (n, 28, 28): {error}.") from error
        origins = Origins.joined(
            [Origins.of(f"{source} {half}", len(found)) for half, found in zip(official, images, strict=True)]
        )
        numbers = np.concatenate(numbers).astype("int64") - first
        whole = _build(folder, upright, numbers, classes, source, origins=origins)
        if split not in ("train", "val"):
            return whole
        return _part(whole, np.array(["train", "val"])[by_content(whole.images, (0.9, 0.1))], split)

    return load_part


def _emnist_member(folder: Path, name: str) -> np.ndarray:
    for path in (folder / name, folder / "gzip" / name):
        if path.exists():
            return read_idx(path)
    packed = EMNIST_MEMBERS[f"{name}.gz"]
    for path in (folder / packed.file, folder / "gzip" / packed.file):
        if path.exists():
            return _emnist_idx(packed, read_bytes(path), str(path), folder)
    for archive in EMNIST_ARCHIVES:
        if (folder / archive).exists():
            content = read_zip_member(folder / archive, packed.file)
            return _emnist_idx(packed, content, f"{folder / archive}: {packed.file}", folder)
    part = "-".join(name.split("-")[:2])
    raise MissingDataError(
        f"EMNIST was not found: looked in {folder} for {' or '.join(EMNIST_ARCHIVES)}, or for {name} (plain or .gz). "
        f"Get it with hcr_lib.datasets.fetch({part!r}). {EMNIST.by_hand(folder)}"
    )


def _emnist_idx(packed: Published, content: bytes, where: str, folder: Path) -> np.ndarray:
    """Read a packed file of EMNIST; refuse what is not the published one."""
    fault = packed.fault_in(content)
    if fault is not None:
        raise DataError(
            f"{where} is not the published file: {fault}. Move it away, then hcr_lib.datasets.fetch it again. "
            f"{EMNIST.by_hand(folder)}"
        )
    return parse_idx(content, where)


def _az(folder: Path, split: str) -> Dataset:
    path = next((folder / name for name in AZ_FILES if (folder / name).exists()), None)
    if path is None:
        raise MissingDataError(
            f"The Kaggle A-Z file was not found: looked in {folder} for {', '.join(AZ_FILES)}. "
            f"{INSTRUCTIONS['az'].format(folder=folder)}"
        )
    return _az_file(path, split)


def _az_file(path: Path, split: str) -> Dataset:
    images, numbers = read_az(path)
    return _divided(_build(path, images, numbers, labels.LETTERS, f"Kaggle A-Z ({path.name})"), split)


def _emnist_mixed(folder: Path, split: str) -> Dataset:
    arrays = _emnist_mixed_arrays(folder, "chars")
    origins = Origins.of(MIXED, len(arrays["images"]))
    whole = _build(
        folder, arrays["images"], arrays["chars"], labels.ALNUM, "EMNIST (mixed, case merged)", origins=origins
    )
    return _part(whole, arrays["split"], split)


def _emnist_mixed_case(folder: Path, split: str) -> Dataset:
    arrays = _emnist_mixed_arrays(folder, "case_chars")
    known = arrays["case_chars"] != "?"
    images, chars = arrays["images"][known], arrays["case_chars"][known]
    origins = Origins.of(MIXED, len(known)).take(known)
    whole = _build(folder, images, chars, labels.BYCLASS, "EMNIST (mixed, case known)", origins=origins)
    return _part(whole, arrays["split"][known], split)


def _emnist_mixed_arrays(folder: Path, chars: str) -> dict[str, np.ndarray]:
    path = folder / "emnist.npz"
    if not path.exists():
        raise MissingDataError(f"emnist.npz was not found in {folder}. {INSTRUCTIONS['emnist-mixed']}")
    return read_npz(path, ["images", chars, "split"])


def _from_path(path: Path, split: str) -> Dataset:
    if path.is_dir():
        return _divided(read_folder(path), split)
    if path.suffix == ".npz" and path.is_file():
        return _divided(Dataset.load_file(path), split)
    if path.suffix == ".jsonl" and path.is_file():
        return _divided(drawings_dataset(path), split)
    if path.is_file():
        return _az_file(path, split)
    raise MissingDataError(
        f"there is no data set and no file or folder called {str(path)!r}; the names are {', '.join(SOURCES)}."
    )


def _build(
    where: Path,
    images: np.ndarray,
    numbers: np.ndarray,
    classes: str,
    source: str,
    writers: np.ndarray | None = None,
    origins: Origins | None = None,
) -> Dataset:
    """Make a Dataset from what a file held, its labels given as numbers or characters; errors name the file.

    Where `origins` does not say otherwise, the images are those of `source`, in its order.
    """
    if origins is None:
        origins = Origins.of(source, len(images))
    try:
        if numbers.dtype.kind == "U":
            numbers = labels.to_labels(numbers, classes)
        return Dataset(images, numbers, classes, source, writers, origins)
    except ValueError as error:
        raise DataError(f"{source} in {where} cannot be used: {error}") from error


def _part(whole: Dataset, column: np.ndarray, split: str) -> Dataset:
    """Return one part of a data set by the column that names each image's part."""
    if column.shape != whole.labels.shape or not np.isin(column, PARTS).all():
        raise DataError(f"{whole.source}: split must say {', '.join(PARTS)} for each of {len(whole):,} images.")
    return whole if split == "all" else whole.take(column == split)


def _divided(whole: Dataset, split: str) -> Dataset:
    if split == "all":
        return whole
    return _part(whole, np.array(PARTS)[by_content(whole.images, FRACTIONS)], split)


SOURCES: dict[str, Callable[[Path, str], Dataset]] = {
    "bundled": _bundled,
    "mnist": _mnist,
    "emnist-letters": _emnist("letters"),
    "emnist-balanced": _emnist("balanced"),
    "emnist-byclass": _emnist("byclass"),
    "az": _az,
    "emnist-mixed": _emnist_mixed,
    "emnist-mixed-case": _emnist_mixed_case,
}
