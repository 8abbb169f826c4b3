"""Loading by name: every source, character by character, whole and damaged."""

import dataclasses
import gzip
import hashlib
import os
import string
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw

from hcr_lib import datasets
from hcr_lib.datasets import _folder, _readers, _sources
from hcr_lib.labels import BYCLASS

PARTS = ("train", "val", "test")

# The official mapping files, label -> character code, copied as NIST publishes them.
EMNIST_MAPPINGS = {
    "letters": {k + 1: 65 + k for k in range(26)},
    "balanced": {k: 48 + k for k in range(10)}
    | {10 + k: 65 + k for k in range(26)}
    | dict(enumerate([97, 98, 100, 101, 102, 103, 104, 110, 113, 114, 116], start=36)),
    "byclass": {k: 48 + k for k in range(10)}
    | {10 + k: 65 + k for k in range(26)}
    | {36 + k: 97 + k for k in range(26)},
}


def test_names_are_those_of_the_design():
    assert datasets.names() == ["bundled", "mnist", "emnist-letters", "emnist-balanced", "emnist-byclass", "az"]


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(datasets.MissingDataError, match=r"'mnits'; the names are bundled, mnist, "):
        datasets.load("mnits")


def test_an_unknown_split_lists_the_known_ones():
    with pytest.raises(ValueError, match="train, val, test, all; got 'validation'"):
        datasets.load("bundled", "validation")


@pytest.mark.parametrize("name", ["mnist", "emnist-letters", "emnist-balanced", "emnist-byclass", "az"])
def test_missing_data_says_what_where_and_how_to_get_it(name, tmp_path):
    with pytest.raises(datasets.MissingDataError) as caught:
        datasets.load(name, data_dir=tmp_path)
    message = str(caught.value)
    assert str(tmp_path) in message
    assert any(remedy in message for remedy in ("hcr_lib.datasets.fetch(", "kaggle.com"))
    assert list(tmp_path.iterdir()) == []


# --- bundled ----------------------------------------------------------------------------------------------------------


def test_bundled_has_all_characters_in_every_part_and_no_writer_in_two():
    parts = [datasets.load("bundled", name) for name in PARTS]
    assert datasets.load().classes == BYCLASS
    assert all(part.counts.min() > 0 for part in parts)
    writers = [writer for part in parts for writer in np.unique(part.writers)]
    assert len(writers) == len(set(writers))
    assert sum(map(len, parts)) == len(datasets.load("bundled", "all"))


def test_bundled_is_refused_when_its_checksum_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "synthetic.npz").write_bytes(b"something else")
    (tmp_path / "manifest.toml").write_text('[files."synthetic.npz"]\nsha256 = "00"\nbytes = 14\n')
    monkeypatch.setattr(_sources._paths, "shipped", lambda name: tmp_path / name)
    with pytest.raises(datasets.DataError, match=r"expected SHA-256 00, found .*Restore it"):
        datasets.load("bundled")


def published(**files):
    """Return the table of members for files of this content."""
    return _sources._members("\n".join(f"{n} {len(c)} {hashlib.sha256(c).hexdigest()}" for n, c in files.items()))


@pytest.fixture
def publish(monkeypatch):
    """Return a way to have made-up files taken for the published ones of a source in this test."""

    def publish(name, files, **changes):
        source = dataclasses.replace(_sources.SOURCES[name], members=published(**files), **changes)
        monkeypatch.setitem(_sources.SOURCES, name, source)

    return publish


# --- MNIST ------------------------------------------------------------------------------------------------------------


MNIST_FILES = {
    f"{key}_{half}": f"{prefix}-{kind}-ubyte"
    for half, prefix in (("train", "train"), ("test", "t10k"))
    for key, kind in (("x", "images-idx3"), ("y", "labels-idx1"))
}


@pytest.fixture
def small_mnist(publish):
    """Return arrays laid out like MNIST's, whose checksums are taken for the true ones in this test."""
    rng = np.random.default_rng(0)
    arrays = {}
    for half, count in (("train", 30), ("test", 10)):
        arrays[f"x_{half}"] = rng.integers(0, 256, (count, 28, 28), "uint8")
        arrays[f"y_{half}"] = (np.arange(count) % 10).astype("uint8")
    files = {name: _readers.idx_bytes(arrays[key]) for key, name in MNIST_FILES.items()}
    publish("mnist", files, last=5)
    return arrays


def save_mnist(arrays, folder, form):
    if form == "npz":
        np.savez(folder / "mnist.npz", **arrays)
        return
    for key, name in MNIST_FILES.items():
        content = _readers.idx_bytes(arrays[key])
        (folder / (name + form)).write_bytes(gzip.compress(content) if form == ".gz" else content)


@pytest.mark.parametrize("form", ["npz", "", ".gz"])
def test_mnist_is_the_same_from_every_form(small_mnist, tmp_path, form):
    save_mnist(small_mnist, tmp_path, form)
    train, val, test, everything = (datasets.load("mnist", part, data_dir=tmp_path) for part in (*PARTS, "all"))
    assert np.array_equal(train.images, small_mnist["x_train"][:25])
    assert np.array_equal(val.images, small_mnist["x_train"][25:])
    assert np.array_equal(test.images, small_mnist["x_test"])
    assert np.array_equal(everything.labels, np.concatenate([small_mnist["y_train"], small_mnist["y_test"]]))


@pytest.mark.parametrize("form", ["npz", "", ".gz"])
def test_mnist_with_one_pixel_changed_is_refused(small_mnist, tmp_path, form):
    small_mnist["x_test"][3, 14, 14] ^= 1
    save_mnist(small_mnist, tmp_path, form)
    with pytest.raises(datasets.DataError, match=r"not the published .*-ubyte: expected SHA-256"):
        datasets.load("mnist", "test", data_dir=tmp_path)


def test_mnist_of_other_numbers_is_refused(small_mnist, tmp_path):
    save_mnist({key: array.astype("float32") for key, array in small_mnist.items()}, tmp_path, "npz")
    with pytest.raises(datasets.DataError, match="float32"):
        datasets.load("mnist", data_dir=tmp_path)


def test_mnist_with_one_idx_file_missing_is_missing(small_mnist, tmp_path):
    save_mnist(small_mnist, tmp_path, ".gz")
    (tmp_path / "t10k-labels-idx1-ubyte.gz").unlink()
    with pytest.raises(datasets.MissingDataError, match="t10k-labels-idx1-ubyte"):
        datasets.load("mnist", "test", data_dir=tmp_path)


def test_mnist_may_not_be_a_directory(tmp_path):
    (tmp_path / "mnist.npz").mkdir()
    with pytest.raises(datasets.DataError, match="is a directory"):
        datasets.load("mnist", data_dir=tmp_path)


# --- EMNIST -----------------------------------------------------------------------------------------------------------


def emnist_files(part, labels):
    """Return the four files of one EMNIST part: file name -> content. Every image points to its upper right corner."""
    upright = np.random.default_rng(0).integers(0, 100, (len(labels), 28, 28), "uint8")
    upright[:, 2, 20] = 255
    files = {}
    for half in ("train", "test"):
        stored = upright.swapaxes(1, 2)  # as NIST publishes them
        files[f"emnist-{part}-{half}-images-idx3-ubyte.gz"] = gzip.compress(_readers.idx_bytes(stored), 1)
        files[f"emnist-{part}-{half}-labels-idx1-ubyte.gz"] = gzip.compress(_readers.idx_bytes(labels), 1)
    return files


def write_emnist(files, folder, form):
    if form == "loose":
        for name, content in files.items():
            (folder / name).write_bytes(content)
        return
    with zipfile.ZipFile(folder / form, "w") as archive:
        archive.writestr("gzip/emnist-letters-mapping.txt", "1 65 97\n")
        for name, content in files.items():
            archive.writestr(f"gzip/{name}", content)


@pytest.fixture
def save_emnist(publish):
    """Return a way to write files of EMNIST whose checksums are taken for the published ones in this test."""

    def save(files, folder, form):
        publish("-".join(next(iter(files)).split("-")[:2]), files)
        write_emnist(files, folder, form)

    return save


@pytest.mark.parametrize("part", EMNIST_MAPPINGS)
@pytest.mark.parametrize("form", ["loose", "gzip.zip", "emnist.zip"])
def test_every_emnist_label_is_the_character_of_the_official_mapping(part, form, tmp_path, save_emnist):
    mapping = EMNIST_MAPPINGS[part]
    save_emnist(emnist_files(part, np.array(list(mapping), "uint8")), tmp_path, form)
    loaded = datasets.load(f"emnist-{part}", "test", data_dir=tmp_path)
    assert loaded.chars.tolist() == [chr(code) for code in mapping.values()]
    assert loaded.classes == "".join(map(chr, mapping.values()))


def test_emnist_arrives_upright(tmp_path, save_emnist):
    save_emnist(emnist_files("letters", np.arange(1, 27, dtype="uint8")), tmp_path, "gzip.zip")
    images = datasets.load("emnist-letters", "test", data_dir=tmp_path).images
    assert (images[:, 2, 20] == 255).all()
    assert (images[:, 20, 2] < 255).all()


def test_emnist_validation_is_a_tenth_of_training_and_never_changes(tmp_path, save_emnist):
    save_emnist(emnist_files("letters", np.arange(2600).astype("uint8") % 26 + 1), tmp_path, "loose")
    train, val, again = (datasets.load("emnist-letters", part, data_dir=tmp_path) for part in ("train", "val", "val"))
    assert len(train) + len(val) == 2600
    assert 0.08 < len(val) / 2600 < 0.12
    assert np.array_equal(val.images, again.images)
    assert datasets.check_dataset(val, train).codes.isdisjoint({"shared-images"})
    assert len(datasets.load("emnist-letters", "all", data_dir=tmp_path)) == 5200


@pytest.mark.parametrize("wrong", [0, 27])
def test_emnist_labels_out_of_range_name_the_file(wrong, tmp_path, save_emnist):
    save_emnist(emnist_files("letters", np.array([1, wrong], "uint8")), tmp_path, "loose")
    with pytest.raises(datasets.DataError, match=r"EMNIST Letters in .*between 0 and 25"):
        datasets.load("emnist-letters", data_dir=tmp_path)


def test_emnist_images_of_another_shape_are_refused(tmp_path, save_emnist):
    files = emnist_files("letters", np.array([1, 2], "uint8"))
    files["emnist-letters-test-images-idx3-ubyte.gz"] = _readers.idx_bytes(np.zeros((2, 784), "uint8"))
    save_emnist(files, tmp_path, "loose")
    with pytest.raises(datasets.DataError, match=r"EMNIST Letters in .*shape \(n, 28, 28\)"):
        datasets.load("emnist-letters", "test", data_dir=tmp_path)


def test_emnist_files_of_different_length_are_refused(tmp_path, save_emnist):
    files = emnist_files("letters", np.array([1, 2], "uint8"))
    files["emnist-letters-test-labels-idx1-ubyte.gz"] = _readers.idx_bytes(np.array([1], "uint8"))
    save_emnist(files, tmp_path, "loose")
    with pytest.raises(datasets.DataError, match="expected 2, got 1"):
        datasets.load("emnist-letters", "test", data_dir=tmp_path)


def test_a_truncated_emnist_archive_is_refused(tmp_path, save_emnist):
    save_emnist(emnist_files("letters", np.array([1, 2], "uint8")), tmp_path, "gzip.zip")
    whole = (tmp_path / "gzip.zip").read_bytes()
    (tmp_path / "gzip.zip").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(datasets.DataError, match="not an intact zip file"):
        datasets.load("emnist-letters", data_dir=tmp_path)


def test_an_archive_without_the_part_says_so(tmp_path, save_emnist):
    save_emnist(emnist_files("letters", np.array([1], "uint8")), tmp_path, "gzip.zip")
    with pytest.raises(datasets.DataError, match="emnist-byclass-train-images"):
        datasets.load("emnist-byclass", data_dir=tmp_path)


@pytest.mark.parametrize("form", ["loose", "emnist.zip"])
def test_emnist_files_other_than_the_published_ones_are_refused(form, tmp_path):
    write_emnist(emnist_files("letters", np.array([1, 2], "uint8")), tmp_path, form)
    with pytest.raises(datasets.DataError, match=r"images-idx3-ubyte\.gz is not the published .*: cut short"):
        datasets.load("emnist-letters", data_dir=tmp_path)


@pytest.mark.parametrize("folder", [".", "gzip"])
def test_emnist_files_that_were_unpacked_are_read_and_said_to_be_unverified(folder, tmp_path):
    for name, content in emnist_files("letters", np.arange(1, 27, dtype="uint8")).items():
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
    with pytest.warns(UserWarning, match="cannot be verified"):
        found = datasets.load("emnist-letters", "test", data_dir=tmp_path)
    assert "".join(found.chars) == string.ascii_uppercase


# --- A-Z --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["A_Z Handwritten Data.csv", "az.csv", "az_sample.csv.gz"])
def test_every_az_label_is_its_letter(name, tmp_path):
    rows = np.random.default_rng(0).integers(0, 256, (26, 785))
    rows[:, 0] = np.arange(26)
    np.savetxt(tmp_path / name, rows, fmt="%d", delimiter=",")  # compresses by the ending of the name
    whole = datasets.load("az", "all", data_dir=tmp_path)
    assert "".join(whole.chars) == string.ascii_uppercase
    assert np.array_equal(whole.images.reshape(26, 784), rows[:, 1:])
    assert np.array_equal(datasets.load(tmp_path / name, "all").images, whole.images)
    assert sum(len(datasets.load("az", part, data_dir=tmp_path)) for part in PARTS) == 26


# --- a folder of pictures ---------------------------------------------------------------------------------------------


def draw(path, size=(60, 80)):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("L", size, 255)
    ImageDraw.Draw(picture).line([(30, 15), (30, 65)], fill=0, width=6)
    picture.save(path)


def test_class_folders_and_file_names_both_tell_the_character(tmp_path):
    for name in (
        "7/x.png",
        "A/1.png",
        "lower_a/1.png",
        "b_lower/1.jpg",
        "CAP_Q_0.png",
        "SMALL_q_0.png",
        "DIGIT_0_4.png",
    ):
        draw(tmp_path / name)
    (tmp_path / ".DS_Store").write_bytes(b"noise")
    loaded = datasets.load(tmp_path, "all")
    assert sorted(loaded.chars) == sorted("7AabQq0")
    assert loaded.classes == BYCLASS
    assert loaded.images.shape == (7, 28, 28)
    assert (loaded.images[:, 14, 13:15].max(axis=1) > 200).all()  # white ink in the middle
    assert (loaded.images[:, 0] == 0).all()  # black paper around it


@pytest.mark.parametrize(
    ("chars", "classes"), [("37", "digits"), ("AZ", "letters"), ("A7", "alnum"), ("Aa", "byclass")]
)
def test_a_folder_gets_the_smallest_class_set_that_holds_it(chars, classes, tmp_path):
    for char in chars:
        draw(tmp_path / f"{'SMALL' if char.islower() else 'DIGIT' if char.isdigit() else 'CAP'}_{char}_0.png")
    assert (
        len(datasets.load(tmp_path, "all").classes)
        == {"digits": 10, "letters": 26, "alnum": 36, "byclass": 62}[classes]
    )


def test_a_folder_around_those_of_the_characters_names_the_writer(tmp_path):
    for name in ("ada/7/x.png", "ada/lower_a/1.png", "A/A/1.png", "B/1.png", "DIGIT_3_1.png"):
        draw(tmp_path / name)
    own = datasets.load(tmp_path, "all")
    found = {own.origin(number): (own.chars[number], own.writers[number]) for number in range(len(own))}
    assert found == {
        f"{tmp_path}: {name}": answer
        for name, answer in {
            "ada/7/x.png": ("7", "ada"),
            "ada/lower_a/1.png": ("a", "ada"),
            "A/A/1.png": ("A", "A"),
            "B/1.png": ("B", "unknown"),
            "DIGIT_3_1.png": ("3", "unknown"),
        }.items()
    }


def test_without_folders_for_writers_there_are_none(tmp_path):
    draw(tmp_path / "A/1.png")
    assert datasets.load(tmp_path, "all").writers is None


@pytest.mark.parametrize("name", ["class/ada/7/1.png", "ada/holiday/1.png", "\N{KELVIN SIGN}/1.png"])
def test_a_deeper_folder_tells_no_character(tmp_path, name):
    draw(tmp_path / name)
    with pytest.raises(datasets.DataError, match=f"{name}: the name tells no character"):
        datasets.load(tmp_path)


def test_several_photographs_named_after_their_characters_are_a_data_set(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("A_monday.jpg", "A_tuesday.jpg", "b_lower.jpg"):
        paper = np.tile(np.linspace(150, 220, 300), (200, 1)) + rng.normal(0, 3, (200, 300))  # a light from the right
        paper[40:160, 140:155] -= 120  # a stroke
        Image.fromarray(paper.astype("uint8")).resize((900, 600)).save(tmp_path / name)
    own = datasets.load(tmp_path, "all")
    assert own.chars.tolist() == ["A", "A", "b"]
    assert own.provenance["file"].tolist() == ["A_monday.jpg", "A_tuesday.jpg", "b_lower.jpg"]
    assert (own.images[:, 14, 13:15].max(axis=1) > 200).all()
    assert (own.images[:, :3] == 0).all() and (own.images[:, :, :8] == 0).all()


@pytest.mark.parametrize("char", BYCLASS)
def test_every_character_can_be_written_so_that_case_does_not_matter(char):
    case = "digit" if char.isdigit() else "lower" if char.islower() else "upper"
    assert _folder.char_of(f"{case}_{char.upper()}", whole=True) == char
    assert _folder.char_of(f"{case}_{char.lower()}_12", whole=False) == char


def test_all_unusable_files_are_named_in_one_error(tmp_path):
    draw(tmp_path / "A" / "good.png")
    (tmp_path / "A" / "text.png").write_text("not a picture")
    (tmp_path / "A" / "empty.png").touch()
    whole = (tmp_path / "A" / "good.png").read_bytes()
    (tmp_path / "A" / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("L", (50, 50), 255).save(tmp_path / "A" / "blank.png")
    Image.new("L", (1, 1), 255).save(tmp_path / "A" / "tiny.png")
    draw(tmp_path / "holiday.png")
    draw(tmp_path / "AB" / "1.png")
    with pytest.raises(datasets.DataError) as caught:
        datasets.load(tmp_path, "all")
    message = str(caught.value)
    assert message.startswith("7 of 8 files")
    assert all(name in message for name in ("text", "empty", "cut", "blank", "tiny", "holiday", "AB"))
    assert "good.png" not in message


def test_links_are_followed_and_whatever_cannot_be_is_named(tmp_path):
    draw(tmp_path / "elsewhere" / "1.png")
    draw(tmp_path / "own" / "A" / "1.png")
    own = tmp_path / "own"
    (own / "B").symlink_to(tmp_path / "elsewhere")
    assert sorted(datasets.load(own).chars) == ["A", "B"]
    (own / "A" / "gone.png").symlink_to(tmp_path / "nowhere")
    (own / "C").symlink_to(tmp_path / "nowhere")
    (own / "A" / "round").symlink_to(own)
    os.mkfifo(own / "A" / "pipe.png")
    with pytest.raises(datasets.DataError) as caught:
        datasets.load(own)
    for name in ("A/gone.png: a link", "C: a link", "A/pipe.png", "A/round/A/1.png: "):
        assert name in str(caught.value)


def test_a_folder_that_cannot_be_listed_is_named(tmp_path, monkeypatch):
    draw(tmp_path / "A" / "1.png")
    draw(tmp_path / "B" / "1.png")
    listed = os.scandir

    def scandir(path):
        if str(path).endswith("B"):
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)  # as root, everything can be read
    with pytest.raises(datasets.DataError, match=r"Permission denied.*B"):
        datasets.load(tmp_path)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(datasets.MissingDataError, match="holds no pictures"):
        datasets.load(tmp_path)


# --- whose own data is split how --------------------------------------------------------------------------------------


@pytest.fixture
def six_writers(tmp_path):
    """Return a folder of six writers, with four characters each."""
    for writer in ("ada", "bob", "cem", "dan", "eve", "fay"):
        for char in "A7bQ":
            draw(tmp_path / "own" / writer / f"{'lower_' * char.islower()}{char}" / "1.png", size=(60, 80))
    return tmp_path / "own"


def test_own_data_is_all_there_unless_asked_otherwise(six_writers, tmp_path):
    saved = tmp_path / "saved.npz"
    whole = datasets.load(six_writers)
    whole.save(saved)
    bar = [[[200, 80], [200, 320]]]
    for _ in range(10):
        path = datasets.save_drawing(tmp_path / "drawings.jsonl", bar, "1")
    assert (len(whole), len(datasets.load(saved)), len(datasets.load(path))) == (24, 24, 10)


@pytest.mark.parametrize("form", ["folder", "npz", "jsonl"])
def test_no_writer_of_own_data_is_in_two_parts_and_no_part_is_empty(six_writers, tmp_path, form):
    path = six_writers if form == "folder" else tmp_path / f"own.{form}"
    if form == "npz":
        datasets.load(six_writers).save(path)
    if form == "jsonl":
        for writer in ("ada", "bob", "cem", "dan", "eve", "fay") * 2:
            datasets.save_drawing(path, [[[200, 80], [200, 320]]], "1", writer)
    parts = [set(datasets.load(path, part).writers.tolist()) for part in PARTS]
    assert sorted(map(len, parts)) == [1, 1, 4]
    assert len(set.union(*parts)) == 6


def test_folders_called_train_and_test_are_parts_and_no_writers(tmp_path):
    for name in ("train/A/1.png", "train/ada/B/1.png", "Test/A/1.png", "validation/bob/7/1.png"):
        draw(tmp_path / name)
    assert sorted(set(datasets.load(tmp_path).writers)) == ["ada", "bob", "unknown"]
    found = {part: "".join(sorted(datasets.load(tmp_path, part).chars)) for part in (*PARTS, "all")}
    assert found == {"train": "AB", "val": "7", "test": "A", "all": "7AAB"}
    draw(tmp_path / "A" / "1.png")
    with pytest.raises(datasets.DataError, match="1 pictures outside"):
        datasets.load(tmp_path, "test")


# --- real data --------------------------------------------------------------------------------------------------------

REAL_SETS = {"mnist": (70_000, 10)}


@pytest.mark.real_data
@pytest.mark.parametrize("name", [*REAL_SETS, "az"])
def test_real_sets_load_complete_and_without_fault(name, real_data):
    train, val, test = (datasets.load(name, part, data_dir=real_data) for part in PARTS)
    count, classes = REAL_SETS.get(name, (len(train) + len(val) + len(test), 26))
    assert len(train.classes) == classes
    assert len(train) + len(val) + len(test) == count
    for part, others in ((train, test), (val, train), (test, val)):
        report = datasets.check_dataset(part, others)
        assert report.ok, report


@pytest.mark.real_data
def test_the_parts_of_real_mnist_are_the_official_ones(real_data):
    assert [len(datasets.load("mnist", part, data_dir=real_data)) for part in PARTS] == [55_000, 5_000, 10_000]
