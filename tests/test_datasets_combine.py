"""Data sets put together, taken apart, written and read: every image keeps its pixels, its writers and its origin."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib import datasets, labels
from hcr_lib.datasets._origins import Collection, Origins


def made_up(numbers, classes=labels.DIGITS, writers=None, source="made up", mark=0, origins=None):
    """Return a Dataset whose images can be told apart: image k carries k in its first pixel, and `mark` in the next."""
    images = np.zeros((len(numbers), 28, 28), "uint8")
    images[:, 0, 0], images[:, 0, 1] = np.arange(len(numbers)), mark
    return datasets.Dataset(images, np.array(numbers, "int64"), classes, source, writers, origins)


def with_files(length, source="photos", mark=1):
    return made_up([0] * length, source=source, mark=mark, origins=[f"{k}.png" for k in range(length)])


@st.composite
def named_sets(draw, source="made up", mark=0):
    """Return a small set with writers; sometimes each image has a file."""
    numbers = draw(st.lists(st.integers(0, 9), max_size=9))
    writers = [f"w{draw(st.integers(0, 3))}" for _ in numbers]
    files = [f"{k}.png" for k in range(len(numbers))] if draw(st.booleans()) else None
    return made_up(numbers, writers=writers, source=source, mark=mark, origins=files)


pads, scans = named_sets("pad", 1), named_sets("scan", 2)


def test_one_behind_the_other():
    whole = datasets.combine(made_up([1, 2]), made_up([3], source="pad"))
    assert (whole.labels.tolist(), whole.source) == ([1, 2, 3], "made up + pad")


def test_writers_are_kept_only_if_all_are_known():
    named, unnamed = made_up([1, 2], writers=["ann", "bob"]), made_up([3])
    assert datasets.combine(named, unnamed).writers is None
    assert datasets.combine(named, named).writers.tolist() == ["ann", "bob"] * 2


def test_different_classes_are_refused_with_the_remedy():
    with pytest.raises(ValueError, match=r"same classes.*classes=labels\.ALNUM"):
        datasets.combine(made_up([0]), made_up([0], labels.LETTERS))
    with pytest.raises(ValueError, match="got none"):
        datasets.combine()


def test_classes_brings_each_part_to_them_without_guessing():
    digits, letters = made_up([7]), made_up([0], labels.LETTERS)
    assert "".join(datasets.combine(digits, letters, classes=labels.ALNUM).chars) == "7A"
    with pytest.raises(ValueError, match="case of A is not known"):
        datasets.combine(digits, letters, classes=labels.BYCLASS)
    with pytest.raises(ValueError, match="no class for A"):
        datasets.combine(digits, letters, classes=labels.DIGITS)


@given(pads, scans)
def test_equally_named_writers_of_two_sources_are_two_writers(pad, scan):
    both = datasets.combine(pad, scan)
    writers = {f"pad: {name}" for name in pad.writers} | {f"scan: {name}" for name in scan.writers}
    assert set(both.writers) == writers
    as_they_are = datasets.combine(pad, scan, same_writers=True)
    assert as_they_are.writers.tolist() == [*pad.writers, *scan.writers]


@given(pads, scans, named_sets("pad", 3))
def test_the_order_of_combining_changes_no_name(pad, scan, more):
    left = datasets.combine(datasets.combine(pad, scan), more)
    right = datasets.combine(pad, datasets.combine(scan, more))
    assert left.writers.tolist() == right.writers.tolist()
    assert left.provenance.equals(right.provenance)


@given(pads, scans)
def test_combined_then_filtered_gives_back_the_parts(pad, scan):
    both = datasets.combine(pad, scan)
    for part in (pad, scan):
        again = both.only(sources=part.source)
        assert np.array_equal(again.images, part.images)
        assert np.array_equal(again.labels, part.labels)
        assert [again.origin(k) for k in range(len(again))] == [part.origin(k) for k in range(len(part))]


@settings(max_examples=40)
@given(data=st.data())
def test_an_origin_always_points_at_the_same_pixels(data, tmp_path_factory):
    parts = [data.draw(named_sets(name, mark)) for mark, name in enumerate(("pad", "scan", "pad"))]
    rng = np.random.default_rng(data.draw(st.integers(0, 9)))
    current = datasets.combine(*parts)
    origin_of = {pixels.tobytes(): current.origin(k) for k, pixels in enumerate(current.images)}
    table = dict(zip(range(len(current)), current.images, strict=True))
    assert len(origin_of) == len(table) == len(set(origin_of.values()))
    steps = {
        "take": lambda d: d.take(rng.integers(0, len(d), 12) if len(d) else []),
        "sample": lambda d: d.sample(len(d) // 2, rng),
        "only": lambda d: d.only("0123456"),
        "fold": lambda d: d.merge_classes("123456789"),
        "relabel": lambda d: d.relabel(labels.ALNUM).relabel(labels.BYCLASS).relabel(labels.DIGITS),
        "balanced": lambda d: d.balanced(5, rng=rng, copy=True),
        "split": lambda d: datasets.split(d, (0.7, 0.3), rng, by_writer=True)[0],
        "combine": lambda d: datasets.combine(parts[0], d),
        "save": lambda d: saved_and_read(d, tmp_path_factory.getbasetemp() / "step.npz"),
    }
    for step in data.draw(st.lists(st.sampled_from(sorted(steps)), max_size=5)):
        current = steps[step](current if current.classes == labels.DIGITS else current.relabel(labels.DIGITS))
        for k, pixels in enumerate(current.images):
            assert current.origin(k) == origin_of[pixels.tobytes()], step


def saved_and_read(dataset, path):
    dataset.save(path)
    return datasets.Dataset.load_file(path)


@given(pads, st.booleans())
def test_what_is_saved_is_read_again(tmp_path_factory, pad, named):
    whole = pad if named else datasets.combine(made_up([1, 2]), pad)
    again = saved_and_read(whole, tmp_path_factory.getbasetemp() / "again.npz")
    assert np.array_equal(again.images, whole.images)
    assert again.images.dtype == np.uint8
    assert again.labels.tolist() == whole.labels.tolist()
    assert (again.classes, again.source) == (whole.classes, whole.source)
    assert (again.writers is None) == (whole.writers is None)
    assert again.provenance.equals(whole.provenance)
    assert again.origins.sources == whole.origins.sources


def test_load_knows_a_saved_set_by_its_name(tmp_path):
    made_up(range(10)).save(tmp_path / "mine.npz")
    assert len(datasets.load(tmp_path / "mine.npz", "all")) == 10
    assert sum(len(datasets.load(tmp_path / "mine.npz", part)) for part in ("train", "val", "test")) == 10


def test_a_failed_save_leaves_the_old_file_and_no_rubbish(tmp_path, monkeypatch):
    path = tmp_path / "mine.npz"
    made_up([1]).save(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        made_up([1, 2]).save(path)
    assert (path.read_bytes(), os.listdir(tmp_path)) == (before, ["mine.npz"])


def test_the_name_must_say_what_it_is(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.npz; got 'mine.csv'"):
        made_up([1]).save(tmp_path / "mine.csv")
    with pytest.raises(datasets.MissingDataError):
        datasets.Dataset.load_file(tmp_path / "none.npz")


def test_a_damaged_file_is_refused_wherever_it_is_damaged(tmp_path):
    path = tmp_path / "mine.npz"
    made_up(range(10), writers=["ann"] * 10).save(path)
    whole = path.read_bytes()
    for cut in range(0, len(whole), 97):
        path.write_bytes(whole[:cut])
        with pytest.raises(datasets.DataError):
            datasets.Dataset.load_file(path)
    good = made_up(range(10), writers=["ann"] * 10)
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            again = datasets.Dataset.load_file(path)
        except datasets.DataError:
            continue
        assert np.array_equal(again.images, good.images)  # a byte nobody reads, such as a date
        assert again.provenance.equals(good.provenance)


@pytest.mark.parametrize(
    "change",
    [
        {"record": np.array("{}")},
        {"record": np.array("no JSON")},
        {"record": np.array('{"format": "another"}')},
        {"labels": np.array([0, 99])},
        {"images": np.zeros((2, 784), "uint8")},
        {"origin_rows": np.array([0])},
        {"origin_sources": np.array([0, 1])},
        {"origin_rows": np.array([0, 2])},
        {"writers": np.array(["ann"])},
        {"labels": np.array([0.5, 1.0])},
        {"labels": np.eye(2, dtype=int)},
        {"images": np.zeros((), "uint8")},
        {"images": np.zeros((1,) * 32, "uint8")},
        {"origin_rows": np.array([0.0, 1.0])},
        {"origin_rows": np.array([0, -1])},
        {"record": np.array("[" * 9_000 + "]" * 9_000)},
        {"record": np.array("[]")},
        {"record": np.zeros(3)},
    ],
)
def test_a_file_with_other_content_is_refused(tmp_path, change):
    path = tmp_path / "mine.npz"
    made_up([0, 1], writers=["ann", "bob"], origins=["a.png", "b.png"]).save(path)
    with np.load(path) as arrays:
        np.savez(tmp_path / "other.npz", **(dict(arrays) | change))
    with pytest.raises(datasets.DataError, match=r"other\.npz"):
        datasets.Dataset.load_file(tmp_path / "other.npz")


def test_two_arrays_of_one_name_are_told_apart_and_one_array_is_itself():
    monday, tuesday = made_up([1, 2], source="pad", mark=1), made_up([1], source="pad", mark=2)
    both = datasets.combine(monday, tuesday, monday.take([1]))
    assert [both.origin(k) for k in range(4)] == [
        "pad, image 0",
        "pad, image 1",
        "pad (2), image 0",
        "pad, image 1",
    ]
    assert both.copies.tolist() == [False, False, False, True]


def test_provenance_names_files_writers_and_characters():
    table = datasets.combine(with_files(2).take([1]), made_up([3])).provenance
    assert table[["source", "row", "char"]].astype(object).values.tolist() == [["photos", 1, "0"], ["made up", 0, "3"]]
    assert table["file"].fillna("none").tolist() == ["1.png", "none"]
    assert table["writer"].isna().all()


def test_origins_cost_eight_bytes_an_image():
    origins = Origins.of("MNIST train", 60_000)
    assert origins.numbers.nbytes + origins.rows.nbytes == 8 * 60_000


@pytest.mark.parametrize(
    ("numbers", "rows", "words"),
    [([0, 0], [0], "one shape"), ([1], [0], "one of the 1 sources"), ([0], [2], "a row of"), ([0], [-1], "a row of")],
)
def test_origins_must_point_at_something(numbers, rows, words):
    with pytest.raises(ValueError, match=words):
        Origins((Collection("photos", ("a.png", "b.png")),), np.array(numbers, "int32"), np.array(rows, "int32"))


def test_a_part_of_the_bundled_sample_points_into_the_whole():
    whole, part = (datasets.load("bundled", name) for name in ("all", "test"))
    assert np.array_equal(whole.images[part.origins.rows], part.images)
    assert part.origin(0) == f"synthetic handwriting, image {part.origins.rows[0]}"


@pytest.mark.real_data
def test_real_images_go_by_the_row_of_their_published_file(real_data):
    test, val = (datasets.load("mnist", name, data_dir=real_data) for name in ("test", "val"))
    assert (test.origin(3), val.origin(0)) == ("MNIST test, image 3", "MNIST train, image 55000")
