"""How a `Source` becomes a `Dataset`: the file that ships, the official parts of MNIST and EMNIST, the A-Z file."""

import io
import tomllib
import warnings
from pathlib import Path

import numpy as np

from hcr_lib import _paths
from hcr_lib.datasets._az import read_az
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._origins import Origins
from hcr_lib.datasets._published import Published, Source
from hcr_lib.datasets._readers import ensure_file, idx_bytes, read_idx, read_npz, read_zip_member
from hcr_lib.datasets._splits import split_by_content


def read_bundled(source: Source, _folder: Path, split: str) -> Dataset:
    """Read the sample that ships; it names the part and the writer of each image."""
    path = ensure_file(_paths.shipped("synthetic.npz"))
    entry = tomllib.loads(_paths.shipped("manifest.toml").read_text(encoding="utf-8"))["files"][path.name]
    fault = Published(path.name, entry["sha256"], entry["bytes"]).fault_in(path.read_bytes())
    if fault is not None:
        raise DataError(
            f"{path} is not the sample that ships: {fault}. Restore it with git or install the course again."
        )
    arrays = read_npz(path, ["images", "labels", "writers", "split"])
    whole = Dataset(arrays["images"], arrays["labels"], source.classes, source.title, arrays["writers"])
    return whole if split == "all" else whole.take(arrays["split"] == split)


def read_official(source: Source, folder: Path, split: str) -> Dataset:
    """Read the official training and test parts of a published set; ``val`` is taken out of the training part."""
    halves = {"test": ["test"], "all": ["train", "test"]}.get(split, ["train"])
    images, labels = ([_find(source, folder, f"{half} {kind}") for half in halves] for kind in ("images", "labels"))
    try:
        origins = [Origins.of(f"{source.title} {half}", len(found)) for half, found in zip(halves, images, strict=True)]
        stacked = np.concatenate([half.swapaxes(1, -1) if source.transposed else half for half in images])
        numbers = np.concatenate(labels).astype("int64") - source.first_label
        whole = Dataset(
            np.ascontiguousarray(stacked), numbers, source.classes, source.title, origins=Origins.joined(origins)
        )
    except ValueError as error:
        raise DataError(f"{source.title} in {folder} cannot be used: {error}") from error
    return whole.take(source.validation(whole.images) == (split == "val")) if split in ("train", "val") else whole


def read_az_file(source: Source, folder: Path, split: str) -> Dataset:
    """Read the A-Z file under any of its names; it brings no parts, so each image's content decides."""
    path = next((folder / name for name in source.file_names if (folder / name).exists()), None)
    if path is None:
        raise _missing(source, folder, source.file_names)
    return split_by_content(az_dataset(source, path), split)


def az_dataset(source: Source, path: Path) -> Dataset:
    """Read a CSV file laid out like the A-Z file."""
    images, labels = read_az(path)
    title = f"{source.title} ({path.name})"
    return Dataset(images, labels, source.classes, title, origins=Origins.of(title, len(images)))


def _missing(source: Source, folder: Path, wanted: tuple[str, ...]) -> MissingDataError:
    return MissingDataError(
        f"{source.title} was not found: looked in {folder} for {' or '.join(wanted)}. {source.how_to_get(folder)}"
    )


def _find(source: Source, folder: Path, key: str) -> np.ndarray:
    """Return the array of one member, from whichever file holds it; refuse what is not the published one."""
    member = source.members[key]
    plain = member.file.removesuffix(".gz")
    # Unpacking EMNIST's archive by hand makes a folder "gzip".
    own = [place / name for place in (folder, folder / "gzip") for name in (plain, f"{plain}.gz")]
    path = next((path for path in [*own, *(folder / name for name in source.file_names)] if path.exists()), None)
    if path is None:
        raise _missing(source, folder, (*source.file_names, f"{plain} (plain or .gz)"))
    where = str(path)
    if path in own:
        size = ensure_file(path).stat().st_size
        with path.open("rb") as file:
            content = file.read(min(member.size, size) + 1 if path.name.endswith(member.file[-3:]) else -1)
    elif path.suffix == ".npz":
        half, kind = key.split()
        name = f"{'x' if kind == 'images' else 'y'}_{half}"
        where, content = f"{path}: {name}", idx_bytes(read_npz(path, [name])[name])
    else:
        where, content = f"{path}: {member.file}", read_zip_member(path, member.file, member.size)
    array = None
    if member.file == plain:  # known by its unpacked content
        array = read_idx(io.BytesIO(content), len(content), where)
        content = idx_bytes(array)
    if path.name == plain != member.file:
        warnings.warn(
            f"{where} cannot be verified: a checksum is known of {member.file} only. Keep the files packed, as fetch "
            "does, and they are.",
            stacklevel=4,
        )
    elif (fault := member.fault_in(content)) is not None:
        raise DataError(
            f"{where} is not the published file: {fault}. Move it away, then hcr_lib.datasets.fetch it again. "
            f"{source.how_to_get(folder)}"
        )
    return read_idx(io.BytesIO(content), len(content), where) if array is None else array
