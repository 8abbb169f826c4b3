"""Files made to do harm, and files that were damaged: nothing but `DataError` comes out, and no memory is filled."""

import dataclasses
import gzip
import hashlib
import importlib
import io
import json
import tracemalloc
import warnings
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hcr_lib import datasets
from hcr_lib.datasets import DataError, _readers, _sources

FEW = datasets.load("bundled", "val").take(np.arange(20))
BLANKS = 64 << 20  # bytes that compress to next to nothing


def npz(method=zipfile.ZIP_DEFLATED, **changes):
    """Return a saved data set with other bytes in the place of some of its arrays."""
    stream = io.BytesIO()
    saved = {"record": np.array("{}"), "images": FEW.images, "labels": FEW.labels, "origin_sources": np.zeros(20, "i4")}
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, array in (saved | {"origin_rows": np.arange(20, dtype="i4")} | changes).items():
            if not isinstance(array, bytes):
                file = io.BytesIO()
                np.save(file, array)
                array = file.getvalue()
            archive.writestr(f"{name}.npy", array)
    return stream.getvalue()


def npy_header(text):
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def shaped(*shape):
    return npy_header(repr({"descr": "|u1", "fortran_order": False, "shape": shape}))


def idx(*shape, content=b""):
    return b"\0\0\x08" + bytes([len(shape)]) + b"".join(size.to_bytes(4, "big") for size in shape) + content


def forged_size(content):
    """Return a zip whose directory promises more of its second member than there is."""
    spot = content.index(b"PK\x01\x02", content.index(b"PK\x01\x02") + 1) + 24
    return content[:spot] + (1 << 31).to_bytes(4, "little") + content[spot + 4 :]


HOSTILE = {
    "bomb.npz": npz(images=shaped(BLANKS) + b"\0" * BLANKS),
    "forged.npz": forged_size(npz()),
    "negative.npz": npz(images=shaped(-1, 28, 28)),
    "dimensions.npz": npz(images=shaped(*[1] * 100) + b"\0"),
    "nested.npz": npz(images=npy_header("(" * 9_000)),
    "expression.npz": npz(images=npy_header("__import__('os').getcwd()")),
    "version.npz": npz(images=b"\x93NUMPY\x09\x00" + b"\0" * 80),
    "no_npy.npz": npz(labels=b"no array at all"),
    "empty_member.npz": npz(labels=b""),
    "pickle.npz": npz(labels=npy_header("{'descr': '|O', 'fortran_order': False, 'shape': (20,)}") + b"N." * 80),
    "lzma.npz": npz(zipfile.ZIP_LZMA),
    "bzip2.npz": npz(zipfile.ZIP_BZIP2),
    "deep_record.npz": npz(record=np.array("[" * 10_000)),
    "scalars.npz": npz(images=np.uint8(1), labels=np.int64(1)),
    "text.npz": npz(labels=np.array(["A"] * 20)),
    "page.npz": b"<!DOCTYPE html><html>We have moved</html>",
    "deep.jsonl": b'{"strokes": ' + b"[" * 10_000 + b"}",
    "huge_pen.jsonl": json.dumps(
        {"char": "1", "writer": None, "half_width": 10_000, "strokes": [[[0, 0], [9, 9]]]}
    ).encode(),
    "points.jsonl": json.dumps(
        {"char": "1", "writer": None, "half_width": 9, "strokes": [[[x % 400, 0] for x in range(20_000)]]}
    ).encode(),
    "far.jsonl": b'{"char": "1", "writer": null, "half_width": 9, "strokes": [[[0, 0], [1e300, 1e300]]]}',
    "number.jsonl": b'{"char": "1", "writer": null, "half_width": 1' + b"0" * 5_000 + b', "strokes": [[[0, 0]]]}',
    "bomb.csv.gz": gzip.compress((b"0," * 784 + b"0\n") * (BLANKS // 1570), 1),
    "line.csv.gz": gzip.compress(b"0," * (BLANKS // 2), 1),
    "zeros.csv": b"\0" * 5_000,
    "page.csv": b"<!DOCTYPE html><html>We have moved</html>",
    "no_csv.zip": npz(),
    "lzma.zip": npz(zipfile.ZIP_LZMA).replace(b"labels.npy", b"labels.csv"),
}  # fmt: skip


@pytest.fixture
def little_memory(monkeypatch):
    """Take small bombs for large ones, and watch the memory."""
    monkeypatch.setattr(_readers, "ALWAYS_ALLOWED", 1 << 20)
    importlib.import_module("hcr_lib.images")  # its memory does not count
    tracemalloc.start()
    yield
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 32 << 20


@pytest.mark.filterwarnings("ignore:.*cut off")
@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_of_ones_own_ends_in_one_error_that_names_it(tmp_path, name):
    (tmp_path / name).write_bytes(HOSTILE[name])
    with pytest.raises(DataError) as caught:
        datasets.load(tmp_path / name)
    assert name in str(caught.value)


def test_a_header_that_promises_terabytes_is_refused(tmp_path):
    """What is asked of the system is never touched, so this does no harm; `tracemalloc` would count it all the same."""
    (tmp_path / "own.npz").write_bytes(npz(images=shaped(10**8, 28 * 28, 1000)))
    with pytest.raises(DataError, match=r"own\.npz is not an intact"):
        datasets.load(tmp_path / "own.npz")


HOSTILE_IDX = {
    "train-images-idx3-ubyte.gz": {
        "bomb": gzip.compress(idx(BLANKS // 784, 28, 28, content=b"\0" * BLANKS)),
        "more than promised": gzip.compress(idx(2, 28, 28, content=b"\0" * BLANKS)),
        "terabytes": gzip.compress(idx(2**31, 2**31, 2**31)),
        "hundred dimensions": gzip.compress(b"\0\0\x08\x64" + b"\0\0\0\1" * 100 + b"\0"),
        "floats": gzip.compress(b"\0\0\x0d\1\0\0\0\1" + b"\0" * 4),
    },
    "train-images-idx3-ubyte": {"terabytes": idx(2**31, 2**31, 2**31), "short": b"\0\0\x08\x03\0"},
    "mnist.npz": {name: content for name, content in HOSTILE.items() if name.endswith(".npz")},
}


@pytest.mark.usefixtures("little_memory")
@pytest.mark.parametrize(("file", "fault"), [(file, fault) for file in HOSTILE_IDX for fault in HOSTILE_IDX[file]])
def test_a_hostile_file_in_the_place_of_a_published_one_is_refused(tmp_path, file, fault):
    (tmp_path / file).write_bytes(HOSTILE_IDX[file][fault])
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(1, content=b"\0"))
    with pytest.raises(DataError, match=r"idx|mnist|MNIST"):
        datasets.load("mnist", data_dir=tmp_path)


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "x" * 5_000, "a\0b", "x/" * 3_000])
def test_a_path_that_cannot_be_is_a_data_error_wherever_it_is_given(path, monkeypatch):
    for attempt in (
        lambda: datasets.load(path),
        lambda: datasets.load("mnist", data_dir=path),
        lambda: datasets.Dataset.load_file(f"{path}own.npz"),
    ):
        with pytest.raises(DataError):
            attempt()
    if "\0" not in path:
        monkeypatch.setenv("HCR_DATA_DIR", path)
        with pytest.raises(DataError):
            datasets.load("az")


def test_a_picture_of_a_strange_kind_is_named_with_the_others(tmp_path):
    (tmp_path / "A").mkdir()
    Image.new("RGB", (90, 90), "white").convert("LAB").save(tmp_path / "A" / "lab.tif")
    (tmp_path / "A" / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    with pytest.raises(DataError) as caught:
        datasets.load(tmp_path)
    assert all(name in str(caught.value) for name in ("A/lab.tif", "A/page.png"))


def healthy(folder, monkeypatch):
    """Write one healthy file of each kind; return how each is loaded."""
    FEW.save(folder / "saved.npz")
    for number in range(5):
        datasets.save_drawing(folder / "own.jsonl", [[[200, 80 + number], [200, 320]]], "1", "ada")
    rows = "".join(",".join(map(str, [3, *image.ravel()])) + "\n" for image in FEW.images)
    (folder / "az.csv").write_text(rows)
    (folder / "az.csv.gz").write_bytes(gzip.compress(rows.encode()))
    with zipfile.ZipFile(folder / "az.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", rows)
    picture = Image.new("L", (60, 80), 255)
    ImageDraw.Draw(picture).line([(30, 15), (30, 65)], fill=0, width=6)
    (folder / "pictures" / "I").mkdir(parents=True)
    picture.save(folder / "pictures" / "I" / "1.png")
    source = _sources.SOURCES["emnist-letters"]
    files = [member.file for key, member in source.members.items() if key.startswith("test")]
    contents = [gzip.compress(idx(2, 28, 28, content=bytes(1568))), gzip.compress(idx(2, content=b"\1\2"))]
    with zipfile.ZipFile(folder / "gzip.zip", "w") as archive:
        for file, content in zip(files, contents, strict=True):
            archive.writestr(f"gzip/{file}", content)
    table = "\n".join(
        f"{file} {len(content)} {hashlib.sha256(content).hexdigest()}"
        for file, content in zip(files, contents, strict=True)
    )
    monkeypatch.setitem(_sources.SOURCES, source.name, dataclasses.replace(source, members=_sources._members(table)))
    paths = [folder / name for name in ("saved.npz", "own.jsonl", "az.csv", "az.csv.gz", "az.zip")]
    found = {path: lambda path=path: datasets.load(path) for path in paths}
    found[folder / "pictures" / "I" / "1.png"] = lambda: datasets.load(folder / "pictures")
    found[folder / "gzip.zip"] = lambda: datasets.load("emnist-letters", "test", data_dir=folder)
    return found


def test_a_file_damaged_anywhere_is_read_right_or_refused(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    for path, load in healthy(tmp_path, monkeypatch).items():
        whole, wanted = path.read_bytes(), load()
        for _ in range(60):
            spots = rng.integers(0, len(whole), rng.integers(1, 4))
            damaged = bytearray(whole)
            for spot in spots:
                damaged[spot] ^= 1 << rng.integers(0, 8)
            path.write_bytes(damaged if rng.random() < 0.8 else whole[: spots[0]])
            try:
                with warnings.catch_warnings(action="ignore"):
                    found = load()
            except DataError:
                continue
            assert found.classes and found.images.shape[1:] == wanted.images.shape[1:]
        path.write_bytes(whole)
        assert np.array_equal(load().images, wanted.images)
