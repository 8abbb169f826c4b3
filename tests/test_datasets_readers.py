"""idx, npz and zip: what is whole comes back as it was, what is not gets one clear error."""

import gzip
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hcr_lib.datasets import DataError, _readers

idx_arrays = hnp.arrays("uint8", hnp.array_shapes(min_dims=1, max_dims=3, min_side=0, max_side=5))
IMAGES = np.arange(2 * 28 * 28, dtype="uint8").reshape(2, 28, 28)


def read_idx(content):
    return _readers.read_idx(content, "made up")


@given(idx_arrays, st.booleans())
def test_idx_comes_back_as_it_was(array, compressed):
    content = _readers.idx_bytes(array)
    np.testing.assert_array_equal(read_idx(gzip.compress(content) if compressed else content), array)


@given(idx_arrays, st.booleans(), st.data())
def test_idx_of_another_length_is_refused(array, compressed, data):
    content = _readers.idx_bytes(array)
    pack = gzip.compress if compressed else bytes
    cut = data.draw(st.integers(0, len(content) - 1))
    with pytest.raises(DataError, match="made up"):
        read_idx(pack(content[:cut]))
    with pytest.raises(DataError, match=r"made up is not an intact idx file.*cannot reshape"):
        read_idx(pack(content + b"\0"))


@given(st.binary(max_size=200))
def test_bytes_that_are_no_idx_raise_nothing_but_our_error(content):
    for start in (b"", b"\0\0\x08", b"\x1f\x8b\x08"):
        try:
            read_idx(start + content)
        except DataError as error:
            assert "made up" in str(error)


@pytest.mark.parametrize("kind", [0x0B, 0x0D])
def test_idx_of_anything_but_bytes_is_refused(kind):
    with pytest.raises(DataError, match=r"not an intact idx file of bytes .*must begin with 00 00 08"):
        read_idx(bytes([0, 0, kind, 1, 0, 0, 0, 1]) + b"\0" * 8)
    with pytest.raises(DataError, match="got float64"):
        _readers.idx_bytes(np.zeros(2))


@pytest.mark.parametrize("keep", [1, 10, 30, -1])
def test_a_gzip_file_cut_short_is_refused(keep):
    with pytest.raises(DataError, match=r"made up.*get it again"):
        read_idx(gzip.compress(_readers.idx_bytes(IMAGES))[:keep])


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
