"""Fetching over a real (local) connection: whole files and members of an archive, from good servers and bad ones."""

import dataclasses
import gzip
import hashlib
import http.server
import io
import threading
import time
import zipfile

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib.datasets import _fetch, _locks, _readers, _sources
from hcr_lib.datasets._published import Published

NAMES = [
    f"emnist-letters-{half}-{kind}-ubyte.gz" for half in ("train", "test") for kind in ("images-idx3", "labels-idx1")
]


def made_up_archive():
    """Return an archive laid out like NIST's, bigger than what remotezip reads at once, and four of its members."""
    rng = np.random.default_rng(0)
    members = {}
    for half, count in (("train", 208), ("test", 104)):
        images = rng.integers(0, 256, (count, 28, 28), "uint8")
        numbers = (np.arange(count) % 26 + 1).astype("uint8")
        members[f"emnist-letters-{half}-images-idx3-ubyte.gz"] = gzip.compress(_readers.idx_bytes(images), 1, mtime=0)
        members[f"emnist-letters-{half}-labels-idx1-ubyte.gz"] = gzip.compress(_readers.idx_bytes(numbers), 1, mtime=0)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("gzip/emnist-mnist-train-images-idx3-ubyte.gz", rng.bytes(5_000))
        archive.writestr("gzip/emnist-letters-mapping.txt", "1 65 97\n")
        for name, content in members.items():
            archive.writestr(f"gzip/{name}", content)
    return stream.getvalue(), members


ARCHIVE, CONTENT = made_up_archive()
SHA256 = hashlib.sha256(ARCHIVE).hexdigest()
MEMBERS = "\n".join(f"{name} {len(CONTENT[name])} {hashlib.sha256(CONTENT[name]).hexdigest()}" for name in NAMES)
with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as _opened:
    DIRECTORY = _opened.start_dir
    BIG = _opened.getinfo(f"gzip/{NAMES[0]}").header_offset


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path is one behaviour of a server, the second the byte it begins at."""

    def do_GET(self):
        behaviour, _, place = self.path[1:].partition("/")
        place = int(place or 0)
        asked = self.headers.get("Range")
        self.server.asked.append((self.path, asked))
        if behaviour == "404":
            return self.send_error(404)
        if behaviour == "silent":
            self.server.closing.wait(20)
            return None
        if behaviour == "page":
            return self.send(b"<!DOCTYPE html><html>We have moved</html>")
        if behaviour == "endless":
            return self.send(b"\0" * 65_536, 10**9, asked, repeat=10_000)
        if asked is None or behaviour == "no-ranges":
            body = bytearray(ARCHIVE)
            if behaviour == "wrong":
                body[place] ^= 0xFF
            if behaviour == "strange":
                return self.send(body, "abc")
            return self.send(body[:place] if behaviour in ("cut", "short") else body,
                             place if behaviour == "short" else len(body))  # fmt: skip
        first, last = asked.removeprefix("bytes=").split("-")
        start = int(first) if first else max(0, len(ARCHIVE) - int(last))
        body = bytearray(ARCHIVE[start : int(last) + 1] if first else ARCHIVE[start:])
        promised = len(body)
        if behaviour == "wrong" and start <= place < start + len(body):
            body[place - start] ^= 0xFF
        if behaviour in ("cut", "short") and start <= place:
            body = body[: place - start]
            promised = len(body) if behaviour == "short" else promised
        if behaviour == "slow":
            time.sleep(0.05)
        return self.send(body, "abc" if behaviour == "strange" else promised, asked, start=start)

    def send(self, body, promised=None, asked=None, *, start=0, repeat=1):
        self.send_response(200 if asked is None else 206)
        promised = len(body) if promised is None else promised
        if asked:
            size = promised if isinstance(promised, int) else len(body)
            self.send_header("Content-Range", f"bytes {start}-{start + size - 1}/{len(ARCHIVE)}")
        if body.startswith(b"<!DOCTYPE"):
            self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(promised))
        self.end_headers()
        try:
            for _ in range(repeat):
                self.wfile.write(body)
                self.server.sent += len(body)
        except OSError:
            pass  # the other side has hung up

    def log_message(self, *_args):
        """Stay silent."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_args):
        """Stay silent: clients hang up here."""


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.asked, running.sent, running.closing = [], 0, threading.Event()
        running.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


def register(address, *paths, sha256=SHA256, members=MEMBERS):
    """Put the made-up archive in the place of EMNIST's, to be found at these paths of a server."""
    file = Published("emnist.zip", sha256, len(ARCHIVE), tuple(f"{address}/{path}" for path in paths))
    source = dataclasses.replace(_sources.SOURCES["emnist-letters"], file=file, members=_sources._members(members))
    _sources.SOURCES["emnist-letters"] = source


@pytest.fixture
def archive_at(server, monkeypatch):
    """Return a way to say at which paths of the server EMNIST's archive is to be found."""
    monkeypatch.setattr(_sources, "SOURCES", dict(_sources.SOURCES))
    monkeypatch.setattr(_fetch, "SOURCES", _sources.SOURCES)

    def at(*paths, **facts):
        monkeypatch.setattr(_fetch, "TIMEOUT", 1 if "silent" in paths else 30)
        register(server.address, *paths, **facts)

    return at


def fetch(folder, **options):
    return datasets.fetch("emnist-letters", data_dir=folder, progress=False, **options)


def fetch_in_a_process(address, path, folder):
    register(address, path)
    fetch(folder)


def contents(folder):
    """Return name -> content of what lies in a folder, but for the lock, which stays on some systems."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


WAYS = {"members": {}, "whole": {"whole_archive": True}}
WANTED = {"members": CONTENT, "whole": {"emnist.zip": ARCHIVE}}


@pytest.mark.parametrize("way", WAYS)
def test_what_was_fetched_once_is_verified_and_is_what_load_finds(server, archive_at, tmp_path, way):
    archive_at("good")
    folder = tmp_path / "made" / "on demand"
    path = fetch(folder, **WAYS[way])
    asked = len(server.asked)
    assert fetch(folder, **WAYS[way]) == path
    assert contents(folder) == WANTED[way]
    assert all((folder / name).stat().st_mode & 0o444 == 0o444 for name in WANTED[way])  # the folder may be shared
    assert len(server.asked) == asked
    assert len(datasets.load("emnist-letters", "all", data_dir=folder)) == 312


def test_only_the_members_are_read_out_of_the_archive(server, archive_at, tmp_path):
    archive_at("good")
    fetch(tmp_path)
    assert all(asked for _, asked in server.asked)
    assert server.sent < len(ARCHIVE) + 65_536
    (tmp_path / NAMES[1]).unlink()
    server.sent = 0
    fetch(tmp_path)  # whole members are not fetched again
    assert server.sent < 70_000


FAULTS = {
    f"cut/{BIG + 100_000}": "IncompleteRead|incomplete|cut short",
    f"short/{BIG + 100_000}": None,
    f"short/{DIRECTORY + 1}": None,
    f"wrong/{BIG}": None,
    f"wrong/{BIG + 100_000}": "SHA256 hash|CRC|decompress",
    f"wrong/{DIRECTORY + 1}": None,
    f"wrong/{len(ARCHIVE) - 5}": None,
    "endless": "too long",
    "silent": "timed out",
    "strange": "abc",
    "page": "a web page|range",
    "404": "404",
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("path", FAULTS)
def test_the_second_address_is_tried_and_gets_what_the_first_did_not(server, archive_at, tmp_path, way, path):
    archive_at(path, "good")
    fetch(tmp_path, **WAYS[way])
    assert contents(tmp_path) == WANTED[way]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("path", "words"), FAULTS.items())
def test_a_faulty_server_makes_one_error_that_tells_all(server, archive_at, tmp_path, way, path, words):
    archive_at(path, "404")
    with pytest.raises(datasets.DataError, match=words) as caught:
        fetch(tmp_path, **WAYS[way])
    message = str(caught.value)
    for needed in (f"{server.address}/{path}: ", f"{server.address}/404: 404", "By hand: ", str(tmp_path), SHA256):
        assert needed in message
    left = contents(tmp_path)
    assert all(CONTENT[name] == content for name, content in left.items())
    assert server.sent < 3 * len(ARCHIVE) + (30 << 20)  # of an endless file, no more than fits into the buffers


def test_without_byte_ranges_the_archive_is_not_downloaded_unasked(server, archive_at, tmp_path):
    archive_at("404", "no-ranges")
    with pytest.raises(datasets.DataError, match=r"fetch\(\.\.\., whole_archive=True\)"):
        fetch(tmp_path)
    assert contents(tmp_path) == {}
    fetch(tmp_path, whole_archive=True)
    assert contents(tmp_path) == WANTED["whole"]


@pytest.mark.usefixtures("archive_at")
def test_no_server_at_all(tmp_path):
    register("http://127.0.0.1:9", "nobody")
    for way in WAYS.values():
        with pytest.raises(datasets.DataError, match="could not be fetched"):
            fetch(tmp_path, **way)


def test_members_other_than_the_published_ones_are_refused_though_their_crc_is_right(archive_at, tmp_path):
    archive_at("good", members=MEMBERS.replace(hashlib.sha256(CONTENT[NAMES[0]]).hexdigest(), "00" * 32))
    with pytest.raises(datasets.DataError, match=r"SHA256 hash .*expected 00+ but got"):
        fetch(tmp_path)
    assert contents(tmp_path) == {}


def test_an_archive_without_the_member_says_so(archive_at, tmp_path):
    archive_at("good", members=MEMBERS.replace("emnist-letters-train-images", "emnist-byclass-train-images"))
    with pytest.raises(datasets.DataError, match=r"must hold one file named \*emnist-byclass-train.*found none"):
        fetch(tmp_path)


@pytest.mark.parametrize("damage", [b"", CONTENT[NAMES[0]][:5000], b"<html>", CONTENT[NAMES[0]][:-1] + b"!"])
@pytest.mark.parametrize("name", [NAMES[0], "emnist.zip", "gzip.zip"])
def test_a_wrong_file_in_the_folder_is_named_and_neither_loaded_nor_overwritten(
    server, archive_at, tmp_path, name, damage
):
    archive_at("good")
    (tmp_path / name).write_bytes(damage)
    with pytest.raises(datasets.DataError, match=rf"{name} is not the published .*delete it.*By hand"):
        fetch(tmp_path)
    with pytest.raises(datasets.DataError, match=name):
        datasets.load("emnist-letters", data_dir=tmp_path)
    assert contents(tmp_path) == {name: damage}
    assert server.asked == []


def test_an_archive_that_lies_there_or_was_unpacked_by_hand_is_found(server, archive_at, tmp_path):
    archive_at("good")
    (tmp_path / "gzip.zip").write_bytes(ARCHIVE)
    assert fetch(tmp_path) == tmp_path / "gzip.zip"
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as archive:
        archive.extractall(tmp_path)
    assert fetch(tmp_path) == tmp_path / "gzip"
    assert server.asked == []


def test_a_folder_that_cannot_be_made_is_reported(archive_at, tmp_path):
    archive_at("good")
    (tmp_path / "file").touch()
    with pytest.raises(datasets.DataError, match=r"cannot be written to.*HCR_DATA_DIR"):
        fetch(tmp_path / "file" / "folder")


def test_the_folder_is_that_of_the_environment_and_a_bar_names_each_file(archive_at, tmp_path, monkeypatch, capfd):
    archive_at("good")
    monkeypatch.setenv("HCR_DATA_DIR", str(tmp_path))
    assert datasets.fetch("emnist-letters") == tmp_path
    shown = capfd.readouterr().err
    assert all(name in shown for name in NAMES)
    for path in tmp_path.glob("*.gz"):
        path.unlink()
    datasets.fetch("emnist-letters", progress=False)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", [NAMES[0], f".{NAMES[0]}.part", f".{NAMES[0]}.unpacked", ".emnist.zip.part"])
def test_a_link_laid_in_the_way_is_never_written_through(archive_at, tmp_path, name):
    archive_at("good")
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / name).symlink_to(victim)
    for way in WAYS.values():
        try:
            fetch(tmp_path / "data", **way)
        except datasets.DataError:
            assert name == NAMES[0]  # the link is taken for a damaged file
    assert victim.read_bytes() == b"precious"


def test_processes_fill_one_folder_with_one_download(server, tmp_path, processes):
    both = [processes(fetch_in_a_process, server.address, "slow", tmp_path) for _ in range(2)]
    for process in both:
        process.join(timeout=60)
    assert [process.exitcode for process in both] == [0, 0]
    assert contents(tmp_path) == CONTENT
    assert len(server.asked) == len(set(server.asked))


def test_whoever_waits_for_another_process_hears_of_it(archive_at, tmp_path, monkeypatch):
    archive_at("good")
    monkeypatch.setattr(_locks, "NOTICE_AFTER", 0.05)
    with _locks.locked(tmp_path / "emnist.zip"):
        waiting = threading.Thread(target=fetch, args=[tmp_path])
        with pytest.warns(UserWarning, match=r"another process is working on .*emnist\.zip; waiting"):
            waiting.start()
            time.sleep(0.3)
    waiting.join()
    assert contents(tmp_path) == CONTENT


@pytest.mark.parametrize(("name", "words"), [("az", "Kaggle asks for an account"), ("bundled", r"load\('bundled'\)")])
def test_what_cannot_be_fetched_says_what_to_do_instead(name, words, tmp_path):
    with pytest.raises(datasets.DataError, match=words):
        datasets.fetch(name, data_dir=tmp_path)


def test_an_unknown_name_lists_what_can_be_fetched():
    with pytest.raises(datasets.DataError, match=r"only mnist, emnist-letters.*got 'mnits'"):
        datasets.fetch("mnits")


def test_every_published_file_has_two_addresses_and_every_member_a_checksum():
    for source in _sources.SOURCES.values():
        assert source.file is None or len(set(source.file.addresses)) == 2
        assert source.file is None or len(source.members) == 4
        for published in filter(None, (source.file, *source.members.values())):
            assert len(bytes.fromhex(published.sha256)) == 32
