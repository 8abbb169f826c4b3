"""idx, npz and zip: what is whole comes back as it was, what is not gets one clear error."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hcr_lib.datasets import DataError, MissingDataError, _readers

idx_arrays = st.sampled_from(list(_readers.IDX_CODES)).flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
)
IMAGES = np.arange(2 * 28 * 28, dtype="uint8").reshape(2, 28, 28)


@given(idx_arrays, st.booleans())
def test_idx_comes_back_as_it_was(array, compressed):
    content = _readers.idx_bytes(array)
    found = _readers.parse_idx(gzip.compress(content) if compressed else content, "made up")
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


@given(idx_arrays, st.data())
def test_idx_of_another_length_is_refused(array, data):
    content = _readers.idx_bytes(array)
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(DataError, match="made up"):
        _readers.parse_idx(content[:cut], "made up")
    with pytest.raises(DataError, match="wrong length"):
        _readers.parse_idx(content + b"\0", "made up")


@given(st.binary(max_size=200))
def test_bytes_that_are_no_idx_raise_nothing_but_our_error(content):
    try:
        _readers.parse_idx(content, "made up")
    except DataError as error:
        assert "made up" in str(error)


def test_idx_sizes_beyond_any_memory_are_refused_without_trying():
    with pytest.raises(DataError, match="wrong length"):
        _readers.parse_idx(b"\0\0\x08\x04" + b"\xff" * 16, "made up")


def test_idx_is_written_only_for_types_it_knows():
    with pytest.raises(ValueError, match="got int64"):
        _readers.idx_bytes(np.zeros(2, "int64"))


@pytest.mark.parametrize("keep", [1, 10, 30, -1])
def test_a_gzip_file_cut_short_is_refused(tmp_path, keep):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(_readers.idx_bytes(IMAGES))[:keep])
    with pytest.raises(DataError, match=r"images\.gz.*get it again"):
        _readers.read_idx(path)


def test_a_missing_file_an_empty_file_and_a_directory_are_told_apart(tmp_path):
    (tmp_path / "empty").touch()
    with pytest.raises(MissingDataError, match="does not exist"):
        _readers.read_idx(tmp_path / "missing")
    with pytest.raises(DataError, match="empty"):
        _readers.read_idx(tmp_path / "empty")
    with pytest.raises(DataError, match="is a directory"):
        _readers.read_idx(tmp_path)


def npz_bytes(**arrays):
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def test_npz_gives_the_arrays_asked_for(tmp_path):
    (tmp_path / "two.npz").write_bytes(npz_bytes(a=[1], b=[2]))
    assert _readers.read_npz(tmp_path / "two.npz", ["b"])["b"].tolist() == [2]


def test_npz_without_an_array_names_what_it_holds(tmp_path):
    (tmp_path / "two.npz").write_bytes(npz_bytes(a=[1], b=[2]))
    with pytest.raises(DataError, match=r"must hold the arrays a, c; found a, b"):
        _readers.read_npz(tmp_path / "two.npz", ["a", "c"])


@given(st.data())
def test_npz_damaged_anywhere_gives_our_error_or_the_right_array(tmp_path_factory, data):
    whole = npz_bytes(a=IMAGES)
    if data.draw(st.booleans(), label="cut"):
        damaged = whole[: data.draw(st.integers(1, len(whole) - 1))]
    else:
        spot = data.draw(st.integers(0, len(whole) - 1))
        damaged = whole[:spot] + bytes([whole[spot] ^ data.draw(st.integers(1, 255))]) + whole[spot + 1 :]
    path = tmp_path_factory.mktemp("npz") / "damaged.npz"
    path.write_bytes(damaged)
    try:
        found = _readers.read_npz(path, ["a"])["a"]
    except DataError:
        return
    np.testing.assert_array_equal(found, IMAGES)


@pytest.mark.parametrize("content", [b"<!DOCTYPE html><html>", b"PK\x03\x04" + b"\0" * 50])
def test_something_else_called_npz_is_refused(tmp_path, content):
    (tmp_path / "page.npz").write_bytes(content)
    with pytest.raises(DataError, match="not an intact"):
        _readers.read_npz(tmp_path / "page.npz", ["a"])


def test_pickled_objects_are_never_loaded(tmp_path):
    (tmp_path / "pickle.npz").write_bytes(npz_bytes(a=np.array([object()], dtype=object)))
    with pytest.raises(DataError, match="plain arrays"):
        _readers.read_npz(tmp_path / "pickle.npz", ["a"])
