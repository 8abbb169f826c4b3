"""The EMNIST file of the reader: built from members laid out as the published ones, and read again."""

import dataclasses
import gzip
import hashlib

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib.datasets import Dataset, _readers, _sources
from hcr_lib.labels import ALNUM, BALANCED, BYCLASS, LETTERS
from hcr_lib.research import build_emnist, mixed_emnist

RNG = np.random.default_rng(0)
POOL = RNG.integers(0, 256, (62, 28, 28), "uint8")  # one image of each of the 62 characters
STRANGERS = RNG.integers(0, 256, (26, 28, 28), "uint8")  # letters that only EMNIST Letters holds


def part(images, chars, classes):
    return Dataset(images, [classes.index(char) for char in chars], classes, "made up")


BY_CLASS = part(POOL[:40], BYCLASS[:40], BYCLASS)
MERGED = [char if char in BALANCED else char.upper() for char in BYCLASS]
ALL_BALANCED = part(POOL, MERGED, BALANCED)
ALL_LETTERS = part(
    np.concatenate([POOL[10:], STRANGERS]), [char.upper() for char in BYCLASS[10:]] + list(LETTERS), LETTERS
)


def rows(made):
    """Return what is said of each image, by its pixels."""
    columns = (made["chars"].tolist(), made["case_chars"].tolist(), made["split"].tolist())
    return dict(zip((image.tobytes() for image in made["images"]), zip(*columns, strict=True), strict=True))


def test_each_image_is_there_once_with_its_case_where_any_part_knows_it():
    made = build_emnist.mix([ALL_LETTERS, BY_CLASS, ALL_BALANCED])
    found = rows(made)
    assert len(found) == len(made["images"]) == 62 + 26
    for number, char in enumerate(BYCLASS):
        known = number < 40 or (char in BALANCED and (char.islower() or char.isdigit() or char.lower() in BALANCED))
        assert found[POOL[number].tobytes()][:2] == (char.upper(), char if known else "?")
    for image, char in zip(STRANGERS, LETTERS, strict=True):
        assert found[image.tobytes()][:2] == (char, "?")


def test_neither_the_order_of_parts_and_images_nor_what_else_is_there_changes_anything():
    whole = build_emnist.mix([BY_CLASS, ALL_BALANCED, ALL_LETTERS])
    again = build_emnist.mix([ALL_LETTERS.take(np.arange(len(ALL_LETTERS))[::-1]), ALL_BALANCED, BY_CLASS])
    assert all(np.array_equal(whole[name], again[name]) for name in whole)
    few = rows(build_emnist.mix([ALL_LETTERS.take([1, 5, 60])]))
    assert few.keys() < rows(whole).keys()
    assert all(rows(whole)[image][2] == split for image, (_, _, split) in few.items())


def test_a_tenth_each_is_for_validation_and_test():
    images = RNG.integers(0, 256, (4_000, 28, 28), "uint8")
    made = build_emnist.mix([part(images, "7" * 4_000, BYCLASS)])
    shares = [(made["split"] == name).mean() for name in mixed_emnist.PARTS]
    assert np.allclose(shares, (0.8, 0.1, 0.1), atol=0.02)


def test_images_whose_sources_disagree_are_left_out():
    made = build_emnist.mix([part(POOL[:3], "Oab", BYCLASS), part(POOL[:3], "0AC", BALANCED)])
    assert made["chars"].tolist() == []


@pytest.fixture
def published(tmp_path, monkeypatch):
    """Return a folder with little files laid out as NIST's, whose checksums are taken for the published ones."""
    for name, whole in {"byclass": BY_CLASS, "balanced": ALL_BALANCED, "letters": ALL_LETTERS}.items():
        source = _sources.SOURCES[f"emnist-{name}"]
        table = []
        for half, piece in (("train", whole.take(np.arange(0, len(whole), 2))), ("test", whole)):
            stored = np.ascontiguousarray(piece.images.swapaxes(1, 2))
            numbers = (piece.labels + source.first_label).astype("uint8")
            for kind, array in (("images-idx3", stored), ("labels-idx1", numbers)):
                content = gzip.compress(_readers.idx_bytes(array))
                file = f"emnist-{name}-{half}-{kind}-ubyte.gz"
                (tmp_path / file).write_bytes(content)
                table.append(f"{file} {len(content)} {hashlib.sha256(content).hexdigest()}")
        changed = dataclasses.replace(source, members=_sources._members("\n".join(table)))
        monkeypatch.setitem(_sources.SOURCES, source.name, changed)
    monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
    return tmp_path


def test_the_command_builds_a_file_from_the_published_members_that_the_loader_reads(published, capsys):
    build_emnist.main([])
    assert "88 different images of" in capsys.readouterr().out
    assert rows(mixed_emnist.arrays(published)) == rows(build_emnist.mix([BY_CLASS, ALL_BALANCED, ALL_LETTERS]))
    merged, known, either = (mixed_emnist.load(published, "all", case=case) for case in ("merged", "known", "either"))
    assert (merged.classes, len(merged)) == (ALNUM, 88)
    assert (known.classes, len(known)) == (BYCLASS, (mixed_emnist.arrays(published)["case_chars"] != "?").sum())
    assert merged.origin(5) == either.origin(5) == "emnist.npz, image 5"
    parts = [mixed_emnist.load(published, name, case="either") for name in mixed_emnist.PARTS]
    assert sum(map(len, parts)) == len(either) == 88
    candidates = (either.label_mask == 2).sum(axis=1)
    assert np.array_equal(candidates == 1, mixed_emnist.arrays(published)["case_chars"] != "?")
    assert candidates.max() == 2
    assert np.array_equal(either.merge_classes(ALNUM).labels, merged.labels)
    with pytest.raises(SystemExit):
        build_emnist.main([])
    assert "--replace" in capsys.readouterr().err


def test_members_that_cannot_be_had_end_in_one_sentence(tmp_path, monkeypatch):
    file = dataclasses.replace(_sources.SOURCES["emnist-byclass"].file, addresses=("http://127.0.0.1:9/emnist.zip",))
    source = dataclasses.replace(_sources.SOURCES["emnist-byclass"], file=file)
    monkeypatch.setitem(_sources.SOURCES, "emnist-byclass", source)
    monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
    with pytest.raises(SystemExit, match="EMNIST Byclass could not be fetched"):
        build_emnist.main([])


def test_without_the_file_one_sentence_says_what_builds_it_and_where(tmp_path):
    with pytest.raises(datasets.MissingDataError) as caught:
        mixed_emnist.load(tmp_path, "train")
    assert all(word in str(caught.value) for word in ("emnist.npz", "build_emnist", str(tmp_path), "HCR_DATA_DIR"))


GOOD = {"images": POOL[:3], "chars": list("AB7"), "case_chars": list("a?7"), "split": ["train", "val", "test"]}


@pytest.mark.parametrize(
    "change",
    [
        {"images": POOL[0]},
        {"images": np.uint8(7)},
        {"images": POOL[:3] / 255},
        {"chars": list("AB")},
        {"chars": [0, 1, 2]},
        {"chars": list("Ab7")},
        {"case_chars": list("a?")},
        {"case_chars": np.array("a")},
        {"split": ["train", "val", "holdout"]},
    ],
)
def test_a_file_that_holds_something_else_is_refused(tmp_path, change):
    np.savez(tmp_path / "emnist.npz", **(GOOD | change))
    with pytest.raises(datasets.DataError, match=r"emnist\.npz"):
        mixed_emnist.load(tmp_path, "all")


@pytest.mark.real_data
def test_the_file_the_shipped_weights_were_trained_on_is_as_described(real_data):
    found = mixed_emnist.arrays(real_data)
    known = found["case_chars"] != "?"
    assert (len(known), known.sum(), np.char.isdigit(found["case_chars"]).sum()) == (185_566, 144_105, 57_918)
    assert (np.char.upper(found["case_chars"][known]) == found["chars"][known]).all()
    assert len(np.unique(build_emnist.digests(found["images"]))) == len(known)  # each image once
    sizes = [len(mixed_emnist.load(real_data, name)) for name in mixed_emnist.PARTS]
    assert sizes == [148_474, 18_545, 18_547]
