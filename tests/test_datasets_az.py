"""The Kaggle A-Z file: every fault has its sentence, and its cache is right or is made again."""

import gzip
import io
import os
import subprocess
import sys
import threading
import time
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcr_lib import datasets
from hcr_lib.datasets import DataError, MissingDataError, _az, _locks, _readers


def az_text(rows):
    return "".join(",".join(map(str, row)) + "\n" for row in rows).encode()


def zipped(**members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name.replace("_csv", ".csv"), content)
    return stream.getvalue()


def random_rows(count):
    rows = np.random.default_rng(0).integers(0, 256, (count, 785))
    rows[:, 0] %= 26
    return rows


ROWS = [[0, *range(256), *[0] * 528], [25, *[255] * 784]]
FORMS = [("a.csv", bytes), ("a.csv.gz", gzip.compress), ("a.zip", lambda content: zipped(a_csv=content))]


# --- the text ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "pack"), FORMS)
def test_it_is_read_plain_compressed_or_zipped(tmp_path, name, pack):
    rows = random_rows(7)
    (tmp_path / name).write_bytes(pack(az_text(rows)))
    images, labels = _az.read_az(tmp_path / name)
    assert (images.dtype, labels.dtype) == ("uint8", "uint8")
    assert labels.tolist() == rows[:, 0].tolist()
    assert np.array_equal(images.reshape(7, 784), rows[:, 1:])


def test_whole_numbers_are_read_however_they_are_written(tmp_path):
    cells = np.random.default_rng(0).choice(["0", "00", "007", "9", " 7", "100", "255"], 784).tolist()
    (tmp_path / "a.csv").write_text(",".join(["3", *cells]) + "\n")
    images, labels = _az.read_az(tmp_path / "a.csv")
    assert (images.ravel().tolist(), labels.tolist()) == (list(map(int, cells)), [3])


@pytest.mark.parametrize(
    "wrong",
    ["256", "999", "-1", "", "0.5", "1e2", "x", "1,1", "1\n1", '"1"', "#", "\0", "\N{ARABIC-INDIC DIGIT THREE}"],
)
@pytest.mark.parametrize("column", [1, 400, 784])
def test_anything_but_whole_numbers_is_refused_wherever_it_stands(tmp_path, wrong, column):
    cells = ["3", *["0"] * 784]
    cells[column] = wrong
    (tmp_path / "a.csv").write_text(",".join(cells) + "\n")
    with pytest.raises(DataError, match=r"row [12] "):
        _az.read_az(tmp_path / "a.csv")


@pytest.mark.parametrize(
    "text",
    [
        az_text(ROWS)[:-1],
        az_text(ROWS).replace(b"\n", b"\r\n"),
        az_text(ROWS).replace(b"\n", b"\n\n") + b"\n\n",
        b"\xef\xbb\xbf" + az_text(ROWS),
        az_text(ROWS).replace(b",", b", "),
    ],
    ids=["no last line end", "Windows", "blank lines", "byte order mark", "spaces"],
)
def test_what_editors_do_to_a_file_does_no_harm(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text)
    images, labels = _az.read_az(tmp_path / "a.csv")
    assert labels.tolist() == [0, 25]
    assert images[0].ravel().tolist() == ROWS[0][1:]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"label,pixel1\n" + az_text(ROWS), "header, delete that line"),
        (b"1,2,3\n", "row 1 .*785 columns but 3 "),
        (az_text(ROWS)[:-40], r"row 2 .*785 columns but 77\d .*cut short"),
        (az_text([*ROWS, [1, 2]]), "row 3 .*but 2 "),
        (az_text([ROWS[0], [*ROWS[1], 0]]), "row 2 .*but 786 "),
        (az_text([ROWS[0], [1, 256, *[0] * 783]]), "0 to 255.*row 2 .*'256' to uint8, column 2"),
        (az_text([ROWS[0], [1, -1, *[0] * 783]]), "0 to 255.*row 2 .*'-1' to uint8, column 2"),
        (az_text([ROWS[0], [1, 0.5, *[0] * 783]]), "whole numbers.*row 2 .*'0.5' to uint8, column 2"),
        (az_text([ROWS[0], [1, "", *[0] * 783]]), "row 2 .*'' to uint8, column 2"),
        (az_text([ROWS[0], [1, "NA", *[0] * 783]]), "row 2 .*'NA' to uint8, column 2"),
        (az_text([ROWS[0], [26, *[0] * 784]]), r"0 \(A\) to 25 \(Z\).*row 2 .*label is 26"),
        (b"\n", "must hold rows .*no data"),
        (b" \n\n\t\n", "must hold rows .*no data"),
        (b"0," * 20_000, "row 1 .*785 columns"),
        (b"\x1f\x8b broken", "not an intact gzip"),
        (b"\xff\xfe\x00binary", "must hold rows .*row 1 "),
        (b"<!DOCTYPE html>" + b"\n<html>" * 9, "must hold rows .*row 1 "),
        (gzip.compress(az_text(ROWS))[:-20], "not an intact gzip"),
        (b"", "is empty"),
    ],
)
def test_a_csv_that_does_not_fit_says_why(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        _az.read_az(path)
    assert str(path) in str(caught.value)


def test_a_fault_is_found_by_its_row(tmp_path):
    rows = random_rows(50)
    faults = ((37, 700, 999, "row 38 .*'999'.*column 701"), (41, 0, 30, "row 42 .*label is 30"))
    for row, column, wrong, words in faults:
        damaged = rows.copy()
        damaged[row, column] = wrong
        (tmp_path / "a.csv").write_bytes(az_text(damaged))
        with pytest.raises(DataError, match=words):
            _az.read_az(tmp_path / "a.csv")


def test_a_zip_must_hold_exactly_one_csv_and_be_whole(tmp_path):
    path = tmp_path / "a.zip"
    path.write_bytes(zipped(readme=b"no data"))
    with pytest.raises(DataError, match=r"one file named \*\.csv; found none among 1"):
        _az.read_az(path)
    path.write_bytes(zipped(a_csv=az_text(ROWS), b_csv=az_text(ROWS)))
    with pytest.raises(DataError, match=r"found a\.csv, b\.csv"):
        _az.read_az(path)
    whole = zipped(a_csv=az_text(ROWS))
    for damaged in (whole[:-30], whole[:100] + bytes([whole[100] ^ 255]) + whole[101:]):
        path.write_bytes(damaged)
        with pytest.raises(DataError, match="not an intact zip file"):
            _az.read_az(path)


def test_a_missing_file_and_a_directory_are_told_apart(tmp_path):
    with pytest.raises(MissingDataError, match="does not exist"):
        _az.read_az(tmp_path / "a.csv")
    with pytest.raises(DataError, match="is a directory"):
        _az.read_az(tmp_path)


# --- the cache --------------------------------------------------------------------------------------------------------


@pytest.fixture
def az_file(tmp_path, monkeypatch):
    """Return a file that counts as large, and a list that grows each time its text is read."""
    home = tmp_path / "home"
    monkeypatch.setattr(_az, "CACHE_FROM", 0)
    monkeypatch.setattr("pooch.os_cache", lambda name: home / name)
    read, calls = _az.read_az_csv, []
    monkeypatch.setattr(_az, "read_az_csv", lambda path: calls.append(path) or read(path))
    path = tmp_path / "data" / "A_Z Handwritten Data.csv"
    path.parent.mkdir()
    path.write_bytes(az_text(random_rows(12)))
    return path, calls


def same(left, right):
    return all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in zip(left, right, strict=True))


def leftovers(path):
    return [found.name for found in path.parent.iterdir() if found.suffix == ".part"]


def test_the_text_is_read_once(az_file):
    path, calls = az_file
    first = _az.read_az(path)
    assert same(first, _az.read_az(path))
    assert len(calls) == 1
    assert first[0].flags.writeable == _az.read_az(path)[0].flags.writeable
    assert leftovers(path) == []


def test_small_files_leave_nothing_behind(tmp_path):
    (tmp_path / "a.csv").write_bytes(az_text(ROWS))
    _az.read_az(tmp_path / "a.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_file_that_changed_is_read_again_even_with_size_and_time_put_back(az_file):
    path, calls = az_file
    before, times = _az.read_az(path), path.stat()
    content = path.read_bytes()
    path.write_bytes(content[:-2] + (b"8" if content[-2:-1] == b"9" else b"9") + b"\n")
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    after = _az.read_az(path)
    assert len(calls) == 2
    assert not same(before, after)


def test_a_cache_damaged_anywhere_is_made_again_or_does_no_harm(az_file):
    path, _ = az_file
    wanted = _az.read_az(path)
    cache = _az._cache_paths(path)[0]
    whole = cache.read_bytes()

    @given(st.data())
    def check(data):
        if data.draw(st.booleans(), label="cut"):
            damaged = whole[: data.draw(st.integers(0, len(whole) - 1))]
        else:
            spot = data.draw(st.integers(0, len(whole) - 1))
            damaged = whole[:spot] + bytes([whole[spot] ^ data.draw(st.integers(1, 255))]) + whole[spot + 1 :]
        cache.write_bytes(damaged)
        assert same(_az.read_az(path), wanted)
        assert same(_az._load(cache, _az._stamp(path)), wanted)

    check()
    assert leftovers(path) == []


def test_every_byte_of_the_header_counts(az_file):
    path, _ = az_file
    wanted = _az.read_az(path)
    cache = _az._cache_paths(path)[0]
    whole = cache.read_bytes()
    starts = [found for found in range(len(whole)) if whole.startswith(b"\x93NUMPY", found)]
    for spot in [spot for start in starts for spot in range(start, start + 128)]:
        cache.write_bytes(whole[:spot] + bytes([whole[spot] ^ 1]) + whole[spot + 1 :])
        found = _az._load(cache, _az._stamp(path))
        assert found is None or same(found, wanted)


def test_the_cache_of_another_file_is_not_taken(az_file):
    path, calls = az_file
    _az.read_az(path)
    other = path.with_name("other.csv")
    other.write_bytes(az_text(ROWS))
    os.replace(_az._cache_paths(path)[0], _az._cache_paths(other)[0])
    assert len(_az.read_az(other)[1]) == 2
    assert len(calls) == 2


def test_where_the_folder_cannot_be_written_to_the_cache_is_the_users_own(az_file, tmp_path, monkeypatch):
    path, calls = az_file
    beside, own = _az._cache_paths(path)
    (tmp_path / "file").touch()
    monkeypatch.setattr(_az, "_cache_paths", lambda _: [tmp_path / "file" / "no folder", own])
    assert same(_az.read_az(path), _az.read_az(path))
    assert len(calls) == 1
    assert own.is_file() and not beside.exists()
    monkeypatch.setattr(_az, "_cache_paths", lambda _: [tmp_path / "file" / "no folder"])
    assert len(_az.read_az(path)[1]) == 12  # nowhere at all: read without a cache


def test_a_full_disk_costs_the_cache_not_the_data(az_file, monkeypatch):
    path, _ = az_file

    def full(file, **arrays):
        file.write(b"half of it")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.warns(UserWarning, match="No space left"):
        images, _ = _az.read_az(path)
    assert len(images) == 12
    assert leftovers(path) == [] and not _az._cache_paths(path)[0].exists()


def test_a_link_laid_in_the_way_is_never_written_through(az_file, tmp_path):
    path, _ = az_file
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    cache = _az._cache_paths(path)[0]
    for link in (cache, cache.with_suffix(".part"), cache.with_suffix(".lock"), cache.with_name(cache.name + ".lock")):
        link.symlink_to(victim)
    assert len(_az.read_az(path)[1]) == 12
    assert victim.read_bytes() == b"precious"


def test_whoever_waits_for_another_process_hears_of_it(az_file, monkeypatch):
    path, _ = az_file
    monkeypatch.setattr(_locks, "NOTICE_AFTER", 0.05)
    with _locks.locked(_az._cache_paths(path)[0]):
        waiting = threading.Thread(target=_az.read_az, args=[path])
        with pytest.warns(UserWarning, match=r"another process is working on .*csv\.npz; waiting"):
            waiting.start()
            time.sleep(0.3)
    waiting.join()
    assert _az._cache_paths(path)[0].is_file()


def test_text_that_unpacks_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(_readers, "ALWAYS_ALLOWED", 1 << 20)
    text = (",".join(["0"] * 785) + "\n").encode() * 4_000
    for name, pack in FORMS[1:]:
        (tmp_path / name).write_bytes(pack(text))
        with pytest.raises(DataError, match="at most 100-fold"):
            _az.read_az(tmp_path / name)


def test_a_faulty_file_leaves_no_cache(az_file):
    path, _ = az_file
    path.write_bytes(az_text(ROWS)[:-40])
    with pytest.raises(DataError, match="cut short"):
        _az.read_az(path)
    assert not _az._cache_paths(path)[0].exists()


PROGRAM = """
import sys
from pathlib import Path
from hcr_lib.datasets import _az
_az.CACHE_FROM = 0
read = _az.read_az_csv
_az.read_az_csv = lambda path: (print("text"), read(path))[1]
assert len(_az.read_az(Path(sys.argv[1]))[1]) == 12
"""


def test_of_many_processes_at_once_one_reads_the_text(az_file):
    path, _ = az_file
    programs = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, path], stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    answers = [program.communicate()[0] for program in programs]
    assert [program.returncode for program in programs] == [0] * 4
    assert sorted(answers) == [""] * 3 + ["text\n"]


def test_load_divides_alike_with_and_without_the_cache(az_file):
    path, _ = az_file
    first = [datasets.load(path, part).images for part in ("train", "val", "test")]
    again = [datasets.load(path, part).images for part in ("train", "val", "test")]
    assert all(map(np.array_equal, first, again))
    assert sum(map(len, first)) == 12
