"""The data sets by name: the registry, one `Source` each; how each is read; and `load`."""

import io
import tomllib
import warnings
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from hcr_lib import _paths, labels
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets._az import read_az
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._drawings import drawings_dataset
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._folder import named_parts, read_folder
from hcr_lib.datasets._origins import Origins
from hcr_lib.datasets._published import Published, Source
from hcr_lib.datasets._readers import ensure_file, expanded, idx_bytes, opened_zip_member, read_idx, read_npz, unpacked
from hcr_lib.datasets._splits import PARTS, by_content, own_part
from hcr_lib.datasets._strokes import STROKE_SETS

MNIST_FILE = Published(
    file="mnist.npz",
    sha256="731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1",
    size=11_490_434,
    addresses=(
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
        "https://s3.amazonaws.com/img-datasets/mnist.npz",
    ),
)
EMNIST_FILE = Published(
    file="emnist.zip",
    sha256="fb9bb67e33772a9cc0b895e4ecf36d2cf35be8b709693c3564cea2a019fcda8e",
    size=561_753_932,
    addresses=(
        "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        "https://www.itl.nist.gov/iaui/vip/cs_links/EMNIST/gzip.zip",
    ),
)


def read_bundled(source: Source, _folder: Path, split: str) -> Dataset:
    """Read the sample that ships; it names the part and the writer of each image."""
    path = ensure_file(_paths.shipped("synthetic.npz"))
    entry = tomllib.loads(_paths.shipped("manifest.toml").read_text(encoding="utf-8"))["files"][path.name]
    published = Published(path.name, entry["sha256"], entry["bytes"])
    published.verified(path, "Restore it with git or install the course again.")
    arrays = read_npz(path, ["images", "labels", "writers", "split"])
    whole = Dataset(arrays["images"], arrays["labels"], source.classes, source.title, arrays["writers"])
    return whole if split == "all" else whole.take(arrays["split"] == split)


def read_official(source: Source, folder: Path, split: str) -> Dataset:
    """Read the official training and test parts of a published set; ``val`` is taken out of the training part."""
    halves = {"test": ["test"], "all": ["train", "test"]}.get(split, ["train"])
    images, numbers = ([_find(source, folder, f"{half} {kind}") for half in halves] for kind in ("images", "labels"))
    try:
        origins = [Origins.of(f"{source.title} {half}", len(found)) for half, found in zip(halves, images, strict=True)]
        stacked = np.concatenate([half.swapaxes(1, -1) if source.transposed else half for half in images])
        numbers = np.concatenate(numbers).astype("int64") - source.first_label
        whole = Dataset(
            np.ascontiguousarray(stacked), numbers, source.classes, source.title, origins=Origins.joined(origins)
        )
    except ValueError as error:
        raise DataError(f"{source.title} in {folder} cannot be used: {error}") from error
    if split not in ("train", "val"):
        return whole
    validation = np.arange(len(whole)) >= len(whole) - source.last
    if not source.last:
        validation = by_content(whole.images, (0.9, 0.1)) == 1
    return whole.take(validation == (split == "val"))


def read_az_file(source: Source, folder: Path, split: str) -> Dataset:
    """Read the A-Z file under any of its names; it brings no parts, so each image's content decides."""
    return own_part(az_dataset(source, _first_there(source, folder)), split)


def az_dataset(source: Source, path: Path) -> Dataset:
    """Read a CSV file laid out like the A-Z file."""
    images, numbers = read_az(path)
    title = f"{source.title} ({path.name})"
    return Dataset(images, numbers, source.classes, title, origins=Origins.of(title, len(images)))


def _first_there(source: Source, folder: Path, own: Sequence[Path] = ()) -> Path:
    """Return the first of `own` and the source's files in `folder` that exists."""
    paths = [*own, *(folder / name for name in source.file_names)]
    if (path := next((path for path in paths if path.exists()), None)) is not None:
        return path
    wanted = " or ".join(dict.fromkeys(path.name for path in paths))
    raise MissingDataError(
        f"{source.title} was not found: looked in {folder} for {wanted}. {source.how_to_get(folder)}"
    )


def _find(source: Source, folder: Path, key: str) -> np.ndarray:
    """Return the array of one member, from whichever file holds it; refuse what is not the published one."""
    member = source.members[key]
    plain = member.file.removesuffix(".gz")
    # Unpacking EMNIST's archive by hand makes a folder "gzip".
    own = [place / name for place in (folder, folder / "gzip") for name in (plain, f"{plain}.gz")]
    path = _first_there(source, folder, own)
    where = str(path)
    if path in own:
        content = ensure_file(path).read_bytes()
    elif path.suffix == ".npz":
        half, kind = key.split()
        name = f"{'x' if kind == 'images' else 'y'}_{half}"
        where, content = f"{path}: {name}", idx_bytes(read_npz(path, [name])[name])
    else:
        where = f"{path}: {member.file}"
        with opened_zip_member(path, member.file) as stream:
            content = stream.read(member.size + 1)
    if path in own and path.name == plain != member.file:
        warnings.warn(
            f"{where} cannot be verified: a checksum is known of {member.file} only. Keep the files packed, "
            "as fetch does, and they are.",
            stacklevel=4,
        )
    else:
        content = unpacked(content, where) if member.file == plain else content
        remedy = f"Move it away, then fetch it again. {source.how_to_get(folder)}"
        member.verify(io.BytesIO(content), where, remedy)
    return read_idx(content, where)


def _members(table: str) -> dict[str, Published]:
    """Read a table of members, each line a file name, a size and a SHA-256."""
    members = {}
    for file, size, sha256 in map(str.split, table.strip().splitlines()):
        half, kind = "train" if "train" in file else "test", "images" if "images" in file else "labels"
        members[f"{half} {kind}"] = Published(file, sha256, int(size))
    return members


_emnist = partial(
    Source,
    read=read_official,
    transposed=True,
    file=EMNIST_FILE,
    file_names=(EMNIST_FILE.file, "gzip.zip", "emnist-gzip.zip"),
)
#: Every data set that `load` knows by name. MNIST's checksums are those of its unpacked arrays, so that it is verified
#: in whatever file it comes. NIST publishes none of the members of EMNIST's archive; two users who extracted them did,
#: years apart, and agree: github.com/notwa/mnists and the Git LFS pointers in github.com/aurelienduarte/emnist.
SOURCES = {
    source.name: source
    for source in (
        Source(
            name="bundled",
            title="synthetic handwriting",
            classes=labels.BYCLASS,
            read=read_bundled,
            remedy="It ships with the course, so there is nothing to fetch: load('bundled').",
        ),
        Source(
            name="mnist",
            title="MNIST",
            classes=labels.DIGITS,
            read=read_official,
            last=5_000,
            file=MNIST_FILE,
            file_names=(MNIST_FILE.file,),
            members=_members("""
train-images-idx3-ubyte 47040016 ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
train-labels-idx1-ubyte    60008 65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
t10k-images-idx3-ubyte   7840016 0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
t10k-labels-idx1-ubyte     10008 ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
"""),
        ),
        _emnist(
            name="emnist-letters",
            title="EMNIST Letters",
            classes=labels.LETTERS,
            first_label=1,
            members=_members("""
emnist-letters-train-images-idx3-ubyte.gz 30804864 6288f418a917e007bf5fddb823a2dc7a5c6a35031401b93292a539cb12bd881f
emnist-letters-train-labels-idx1-ubyte.gz    79283 9759af91ea6bccdf07a6040fd085861f2ec88e37f7c3f5760f6feb57106fbe5c
emnist-letters-test-images-idx3-ubyte.gz   5039157 50f0e93d75b99b463e9760b8345866f22587fa2c2fba472730a5ba09c693412d
emnist-letters-test-labels-idx1-ubyte.gz       144 924955c31fe7fd809b7303b5c0141282955f4b8390c74cdfd5d80435e0f4b4cb
"""),
        ),
        _emnist(
            name="emnist-balanced",
            title="EMNIST Balanced",
            classes=labels.BALANCED,
            members=_members("""
emnist-balanced-train-images-idx3-ubyte.gz 28207740 74295e75e4e9fa2c102147460ee7eb763653d5132d883a84fb88932bfb8d2db4
emnist-balanced-train-labels-idx1-ubyte.gz    80618 b46d41e5156a0a8aaaa4d18979fdd1588850fa8571018acffd5d93b325a7d6ed
emnist-balanced-test-images-idx3-ubyte.gz   4714707 117fc12b015e37ea98bfb2cbba3f77c3782c056cdbd219b87abfc8661d7135db
emnist-balanced-test-labels-idx1-ubyte.gz     13504 a67cac948379b67270b9a4d0a01c8ec661598accf2f2b1964340b7c83cb175cd
"""),
        ),
        _emnist(
            name="emnist-byclass",
            title="EMNIST Byclass",
            classes=labels.BYCLASS,
            members=_members("""
emnist-byclass-train-images-idx3-ubyte.gz 173367313 9e21987f03a6eb8b870187e785883ddad96947299587908f1a7ec2ca0f4be5f0
emnist-byclass-train-labels-idx1-ubyte.gz    491603 f7ef403d48dc18a89dae0d83d11ee69cecb6e1c12c3a961d03712e495c02a8fa
emnist-byclass-test-images-idx3-ubyte.gz   28908322 5ec835bd5d5b1a66378a132e727fef20fe994b3cc666899befcca5ac766f50cd
emnist-byclass-test-labels-idx1-ubyte.gz      81839 501e305eeeacb093b162592d80e8a2632040872360fa6d85cfcb2200d91ca92a
"""),
        ),
        Source(
            name="az",
            title="Kaggle A-Z",
            classes=labels.LETTERS,
            read=read_az_file,
            remedy=(
                "Kaggle asks for an account, so the A-Z file is not fetched for you. Download 'A_Z Handwritten "
                "Data.csv' (or the zip it comes in) from "
                "https://www.kaggle.com/datasets/sachinpatel21/az-handwritten-alphabets-in-csv-format and either put "
                "it into {folder}, or give its path: load('.../A_Z Handwritten Data.csv')."
            ),
            file_names=(
                *("A_Z Handwritten Data.csv", "az-handwritten-alphabets-in-csv-format.zip"),
                *("az.csv", "az.csv.gz", "az.zip", "az_sample.csv.gz"),
            ),
        ),
    )
}


def load(name: str | Path = "bundled", split: str | None = None, *, data_dir: str | Path | None = None) -> Dataset:
    """Load handwriting by name; nothing is ever downloaded here (see `fetch`).

    Parameters
    ----------
    name : str or path
        =============== ======= =====================================================================
        bundled         62      synthetic handwriting that ships with the course, split by writer
        mnist           10      official test part; the last 5,000 training images are ``val``
        emnist-letters  26      cases merged; official test part, a tenth of training is ``val``
        emnist-balanced 47      likewise; cases merged where they look alike
        emnist-byclass  62      likewise; digits, capitals, small letters
        az              26      capitals of the Kaggle A-Z file, split 80 / 10 / 10 by us
        =============== ======= =====================================================================

        Also a path to data of your own: a folder of pictures (see `read_folder`), a ``.jsonl`` file of drawings
        (see `save_drawing`), a ``.npz`` file that `Dataset.save` wrote, or a CSV file laid out like the A-Z file.
    split : {"train", "val", "test", "all"}, optional
        The part; "all" is every image there is, in the order of the file (training before test). By default
        "train" of a named set, and "all" of your own data.
    data_dir : path, optional
        Where real data lies; else ``HCR_DATA_DIR``, else the cache folder that `fetch` fills.

    Returns
    -------
    Dataset
        Upright, white on black: EMNIST, which is stored transposed, comes turned. Where the split is ours, it is the
        same on every machine: by writer where writers are known, else by a checksum of each image, which keeps equal
        images together. A folder with the folders ``train``, ``val`` and ``test`` is split already.

    Raises
    ------
    MissingDataError
        If it is not on this machine; the message says how to get it.
    DataError
        If a file is damaged or not what it should be.
    """
    if split is not None:
        ensure_choice(split, (*PARTS, "all"), name="split")
    try:
        if isinstance(name, Path) or name not in SOURCES:
            return _own(expanded(name), split or "all")
        return SOURCES[name].read(SOURCES[name], expanded(data_dir), split or "train")
    except OSError as error:
        raise DataError(f"{str(name)!r} cannot be read: {error}. Check the path and its permissions.") from error


def names() -> list[str]:
    """Return the names that `load` knows; those of sets that hold strokes are with `load_strokes`."""
    return list(SOURCES)


def _own(path: Path, split: str) -> Dataset:
    """Read data of the caller's own, whatever form it has."""
    if path.is_dir():
        whole = read_folder(path)
        if split != "all" and (parts := named_parts(whole)) is not None:
            return whole.take(parts == split)
    elif path.suffix == ".npz" and path.is_file():
        whole = Dataset.load_file(path)
    elif path.suffix == ".jsonl" and path.is_file():
        whole = drawings_dataset(path)
    elif path.is_file():
        whole = az_dataset(SOURCES["az"], path)
    elif str(path) in STROKE_SETS:
        raise DataError(f"{path} holds strokes, not images: load_strokes({str(path)!r}) loads it.")
    else:
        raise MissingDataError(
            f"there is no data set and no file or folder called {str(path)!r}; the names are {', '.join(SOURCES)}."
        )
    return own_part(whole, split)
