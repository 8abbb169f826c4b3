"""Fetching whole files over a real (local) connection: every fault of a server, an interruption, two at once."""

import hashlib
import http.server
import os
import threading
import time

import pytest

from hcr_lib import datasets
from hcr_lib.datasets import _fetch, _remote

CONTENT = bytes(range(256)) * 4000  # 1 MB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    """Each path is one behaviour of a server."""

    def do_GET(self):
        self.server.requests.append(self.path)
        body, promised, status = CONTENT, len(CONTENT), 200
        if self.path == "/cut":
            body = CONTENT[:5000]
        elif self.path == "/cut-silently":
            body, promised = CONTENT[:5000], 5000
        elif self.path == "/wrong":
            body = CONTENT[::-1]
        elif self.path == "/page":
            body = b"<!DOCTYPE html><html>We have moved</html>"
            promised = len(body)
        elif self.path == "/missing":
            body, promised, status = b"", 0, 404
        self.send_response(status)
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        for start in range(0, len(body), 100_000):
            try:
                self.wfile.write(body[start : start + 100_000])
            except OSError:
                return  # the other side was interrupted
            if self.path == "/slow":
                time.sleep(0.1)

    def log_message(self, *_args):
        """Stay silent."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        running.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def remote(server, *paths):
    return _remote.Remote("set.npz", SHA256, len(CONTENT), tuple(server.address + path for path in paths))


def fetch(remote, folder):
    return _fetch.fetch_file(remote, folder, progress=False)


def visible(folder):
    """Return what lies in a folder, but for the lock, which stays on some systems and says nothing."""
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_good_file_arrives_once_and_is_verified(server, tmp_path):
    folder = tmp_path / "made" / "on demand"
    for _ in range(2):
        assert fetch(remote(server, "/good"), folder).read_bytes() == CONTENT
    assert visible(folder) == ["set.npz"]
    assert server.requests == ["/good"]


FAULTS = {
    "/cut": "IncompleteRead|cut short, 5,000 of 1,024,000",
    "/cut-silently": "cut short, 5,000 of 1,024,000 bytes",
    "/wrong": f"expected SHA-256 {SHA256}, found",
    "/page": "a web page, not the file",
    "/missing": "404",
}


@pytest.mark.parametrize(("path", "words"), FAULTS.items())
def test_a_faulty_server_leaves_nothing_behind_and_the_error_tells_all(server, tmp_path, path, words):
    with pytest.raises(datasets.DataError, match=words) as caught:
        fetch(remote(server, path, "/missing"), tmp_path)
    message = str(caught.value)
    for needed in (server.address + path, server.address + "/missing", str(tmp_path / "set.npz"), SHA256):
        assert needed in message
    assert visible(tmp_path) == []


@pytest.mark.parametrize("path", FAULTS)
def test_the_second_address_is_tried(server, tmp_path, path):
    assert fetch(remote(server, path, "/good"), tmp_path).read_bytes() == CONTENT
    assert server.requests == [path, "/good"]


def test_no_server_at_all(tmp_path, server):
    nobody = _remote.Remote("set.npz", SHA256, len(CONTENT), ("http://127.0.0.1:9/set.npz",))
    with pytest.raises(datasets.DataError, match="could not be fetched"):
        fetch(nobody, tmp_path)
    assert visible(tmp_path) == []


@pytest.mark.parametrize("content", [b"", CONTENT[:5000], CONTENT[::-1], b"<html>"])
def test_a_wrong_file_in_the_cache_is_named_and_never_overwritten(server, tmp_path, content):
    (tmp_path / "set.npz").write_bytes(content)
    with pytest.raises(datasets.DataError, match=r"not the published set\.npz.*delete it"):
        fetch(remote(server, "/good"), tmp_path)
    assert (tmp_path / "set.npz").read_bytes() == content
    assert server.requests == []


def test_a_folder_that_cannot_be_made_is_reported(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(datasets.DataError, match=r"cannot be written to.*HCR_DATA_DIR"):
        fetch(remote(server, "/good"), tmp_path / "file" / "folder")


def test_a_killed_download_is_never_taken_for_the_file_and_the_next_one_cleans_up(server, tmp_path, processes):
    process = processes(fetch, remote(server, "/slow"), tmp_path)
    while not list(tmp_path.glob(".*.part")):
        time.sleep(0.02)
        assert process.is_alive()
    process.kill()
    process.join()
    assert not (tmp_path / "set.npz").exists()
    fetch(remote(server, "/good"), tmp_path)
    assert visible(tmp_path) == ["set.npz"]


def test_an_interrupted_download_leaves_nothing(server, tmp_path, monkeypatch):
    def interrupt(*_args):
        assert list(tmp_path.glob(".*.part"))
        raise KeyboardInterrupt

    monkeypatch.setattr(_remote.Remote, "fault", interrupt)
    with pytest.raises(KeyboardInterrupt):
        fetch(remote(server, "/good"), tmp_path)
    assert visible(tmp_path) == []


def test_two_processes_fill_one_cache_with_one_download(server, tmp_path, processes):
    both = [processes(fetch, remote(server, "/slow"), tmp_path) for _ in range(2)]
    for process in both:
        process.join(timeout=60)
    assert [process.exitcode for process in both] == [0, 0]
    assert server.requests == ["/slow"]
    assert visible(tmp_path) == ["set.npz"]


@pytest.mark.parametrize("name", _fetch.INSTRUCTIONS)
def test_what_cannot_be_fetched_says_what_to_do_instead(name, tmp_path):
    with pytest.raises(datasets.DataError, match=r"load\('|HCR_DATA_DIR"):
        datasets.fetch(name, data_dir=tmp_path)


def test_an_unknown_name_lists_what_can_be_fetched():
    with pytest.raises(datasets.DataError, match=r"only mnist, emnist-letters.*got 'mnits'"):
        datasets.fetch("mnits")


def test_every_real_set_has_two_addresses_and_a_checksum():
    for remote in (_remote.MNIST, _remote.EMNIST):
        assert len(set(remote.addresses)) == 2
    for published in (_remote.MNIST, _remote.EMNIST, *_remote.EMNIST_MEMBERS.values()):
        assert len(bytes.fromhex(published.sha256)) == 32


def test_every_name_can_be_fetched_or_says_what_to_do():
    assert set(datasets.names()) == set(_fetch.FETCHED) | _fetch.INSTRUCTIONS.keys()


def test_fetch_goes_to_the_folder_of_the_environment(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
    monkeypatch.setattr(_fetch, "MNIST", remote(server, "/good"))
    assert os.fspath(datasets.fetch("mnist", progress=False)) == str(tmp_path / "set.npz")
