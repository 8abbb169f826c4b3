"""Fetching members out of a remote archive: a local server plays the remote one, with every fault it can have."""

import gzip
import hashlib
import http.server
import io
import threading
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import requests

from hcr_lib import datasets
from hcr_lib.datasets import _fetch, _members, _readers, _remote

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
MEMBERS = [_remote.Published(name, hashlib.sha256(CONTENT[name]).hexdigest(), len(CONTENT[name])) for name in NAMES]
with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as _opened:
    DIRECTORY = _opened.start_dir
    BIG = _opened.getinfo(f"gzip/{NAMES[0]}").header_offset
    NEXT = _opened.getinfo(f"gzip/{NAMES[1]}").header_offset

#: Where a connection can be cut or a byte be wrong.
PLACES = {
    "first byte of a member": BIG,
    "local header": BIG + 15,
    "name in the local header": BIG + 40,
    "first chunk of the data": BIG + 1_000,
    "data": BIG + 100_000,
    "end of the data": NEXT - 1,
    "directory": DIRECTORY + 1,
    "end of the directory": len(ARCHIVE) - 30,
    "end record": len(ARCHIVE) - 5,
}


class Handler(http.server.BaseHTTPRequestHandler):
    """The first part of the path is one behaviour of a server, the second the byte it begins at."""

    def do_GET(self):
        behaviour, _, place = self.path[1:].partition("/")
        place = int(place or 0)
        if behaviour == "silent":
            self.server.closing.wait(20)
        if behaviour in ("silent", "hangs-up"):
            self.close_connection = True
            return None
        if behaviour in ("403", "404"):
            return self.send_error(int(behaviour))
        if behaviour == "redirect":
            self.send_response(302)
            self.send_header("Location", "/page")
            self.send_header("Content-Length", "0")
            return self.end_headers()
        if "Range" not in self.headers:
            return self.send_whole(ARCHIVE)
        start, end = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        self.server.ranges.append((self.path, start, end))
        if behaviour == "stops-ranging" and start > 0:
            behaviour = "no-ranges"
        if behaviour == "page":
            return self.send_whole(b"<!DOCTYPE html><html>We have moved</html>")
        if behaviour == "no-ranges":
            return self.send_whole(ARCHIVE * 100)
        if behaviour == "late":
            time.sleep(0.05)
        body = bytearray(ARCHIVE[start : end + 1])
        if behaviour == "wrong" and start <= place < start + len(body):
            body[place - start] ^= 0xFF
        promised = len(body)
        if behaviour in ("cut", "stall", "short") and start <= place:
            body = body[: place - start]
        if behaviour == "other-range" and end > start:
            start, end = start + 1, end + 1
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end}/{len(ARCHIVE)}")
        self.send_header("Content-Length", str(len(body) if behaviour == "short" else promised))
        self.end_headers()
        self.wfile.write(body)
        if behaviour == "stall" and len(body) < promised:
            self.server.closing.wait(20)

    def send_whole(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            self.server.hung_up.set()

    def log_message(self, *_args):
        """Stay silent."""


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_args):
        """Stay silent: clients hang up here."""


@pytest.fixture
def server(monkeypatch):
    patient = requests.Session.get

    def get(session, address, *, timeout, **options):
        """Lose patience soon where the server is known to fall silent, and nowhere else, however busy the machine."""
        assert timeout == _members.TIMEOUT
        falls_silent = "/stall/" in address or address.endswith("/silent")
        return patient(session, address, timeout=0.3 if falls_silent else timeout, **options)

    monkeypatch.setattr(requests.Session, "get", get)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as running:
        running.ranges, running.hung_up, running.closing = [], threading.Event(), threading.Event()
        running.address = f"http://127.0.0.1:{running.server_port}"
        thread = threading.Thread(target=running.serve_forever, args=[0.01])
        thread.start()
        yield running
        running.closing.set()
        running.shutdown()
        thread.join()


def archive_at(server, *paths):
    addresses = tuple(f"{server.address}/{path}" for path in paths)
    return _remote.Remote("emnist.zip", hashlib.sha256(ARCHIVE).hexdigest(), len(ARCHIVE), addresses)


def fetch(archive, folder):
    return _fetch.fetch_emnist(MEMBERS, archive, folder, progress=False)


def fetch_fifteen_times(archive, folder):
    with ThreadPoolExecutor(15) as pool:
        for result in [pool.submit(fetch, archive, folder) for _ in range(15)]:
            result.result()


def contents(folder):
    """Return name -> content of what lies in a folder, but for the lock, which stays on some systems."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def asked_from(server, path):
    """Return where the ranges begin in which a server was asked for the bytes of the first, big member."""
    return [start for asked, start, _ in server.ranges if asked == f"/{path}" and BIG <= start < NEXT]


def test_only_what_was_asked_for_is_fetched_and_only_once(server, tmp_path):
    folder = tmp_path / "made" / "on demand"
    for _ in range(2):
        assert fetch(archive_at(server, "good"), folder) == folder
    assert contents(folder) == CONTENT
    assert len(server.ranges) == len(set(server.ranges))
    assert sum(end - start + 1 for _, start, end in server.ranges) < len(ARCHIVE) + 65_536


def test_what_was_fetched_is_what_load_finds(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch, "EMNIST", archive_at(server, "good"))
    for member in MEMBERS:
        monkeypatch.setitem(_remote.EMNIST_MEMBERS, member.file, member)
    assert datasets.fetch("emnist-letters", data_dir=tmp_path, progress=False) == tmp_path
    assert len(datasets.load("emnist-letters", "all", data_dir=tmp_path)) == 312


FAULTS = {
    **{f"cut/{place}": None for place in PLACES.values()},
    **{f"short/{place}": None for place in PLACES.values()},
    **{f"wrong/{PLACES[name]}": None for name in ("first chunk of the data", "data", "directory", "end record")},
    **{f"stall/{PLACES[name]}": "timed out" for name in ("first byte of a member", "data", "end record")},
    "hangs-up": "Connection",
    "silent": "timed out",
    "no-ranges": r"no byte ranges, only the whole archive[^$]*fetch\(\.\.\., whole_archive=True\)",
    "stops-ranging": "range",
    "other-range": None,
    "redirect": "a web page, not the archive",
    "page": "a web page, not the archive",
    "403": "403",
    "404": "404",
}


@pytest.mark.parametrize(("path", "words"), FAULTS.items())
def test_a_faulty_server_makes_one_error_that_tells_all_and_leaves_nothing_half_written(server, tmp_path, path, words):
    with pytest.raises(datasets.DataError, match=words) as caught:
        fetch(archive_at(server, path, "404"), tmp_path)
    message = str(caught.value)
    for needed in (
        f"{server.address}/{path}: ",
        f"{server.address}/404: 404",
        "By hand: ",
        str(tmp_path / "emnist.zip"),
    ):
        assert needed in message
    left = contents(tmp_path)
    assert all(left[name] == CONTENT[name] for name in left.keys() & CONTENT.keys())
    assert all(name.endswith(".part") for name in left.keys() - CONTENT.keys())


@pytest.mark.parametrize("path", FAULTS)
def test_the_second_address_completes_what_the_first_began(server, tmp_path, path):
    fetch(archive_at(server, path, "good"), tmp_path)
    assert contents(tmp_path) == CONTENT


def test_whatever_byte_is_wrong_or_missing_only_the_published_content_arrives(server, tmp_path):
    for place in np.linspace(BIG, len(ARCHIVE) - 1, 25, dtype=int):
        for fault in ("wrong", "cut"):
            folder = tmp_path / fault / str(place)
            fetch(archive_at(server, f"{fault}/{place}", "good"), folder)
            assert contents(folder) == CONTENT


def test_without_byte_ranges_the_archive_is_not_downloaded_unasked(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch, "EMNIST", archive_at(server, "404", "no-ranges"))
    with pytest.raises(datasets.DataError, match="whole_archive=True"):
        datasets.fetch("emnist-letters", data_dir=tmp_path)
    assert contents(tmp_path) == {}
    assert [path for path, *_ in server.ranges] == ["/no-ranges"]
    assert server.hung_up.wait(10)  # on the other side, long before the end


def test_the_whole_archive_is_downloaded_when_asked_for_and_load_reads_it(server, tmp_path, monkeypatch):
    monkeypatch.setattr(_fetch, "EMNIST", archive_at(server, "404", "no-ranges"))
    for member in MEMBERS:
        monkeypatch.setitem(_remote.EMNIST_MEMBERS, member.file, member)
    path = datasets.fetch("emnist-letters", data_dir=tmp_path, progress=False, whole_archive=True)
    assert contents(tmp_path) == {path.name: ARCHIVE}
    assert len(datasets.load("emnist-letters", "all", data_dir=tmp_path)) == 312


def test_a_cut_member_is_continued_where_it_was_cut(server, tmp_path):
    with pytest.raises(datasets.DataError):
        fetch(archive_at(server, f"cut/{PLACES['data']}"), tmp_path)
    kept = len(contents(tmp_path)[f".{NAMES[0]}.part"])
    assert kept > 60_000
    fetch(archive_at(server, "good"), tmp_path)
    assert asked_from(server, "good") == [BIG + kept]
    assert contents(tmp_path) == CONTENT


def test_whole_members_are_not_fetched_again_after_a_cut(server, tmp_path):
    (tmp_path / NAMES[0]).write_bytes(CONTENT[NAMES[0]])
    fetch(archive_at(server, "good"), tmp_path)
    assert asked_from(server, "good") == []
    assert contents(tmp_path) == CONTENT


@pytest.mark.parametrize("kept", [b"", b"PK", b"not of this archive" * 1_000, ARCHIVE, ARCHIVE[BIG:NEXT]])
def test_whatever_was_kept_the_members_come_out_right(server, tmp_path, kept):
    (tmp_path / f".{NAMES[0]}.part").write_bytes(kept)
    (tmp_path / f".{NAMES[0]}.unpacked").write_bytes(b"left by a killed process")
    fetch(archive_at(server, "good"), tmp_path)
    assert contents(tmp_path) == CONTENT


def test_wrong_bytes_are_not_kept(server, tmp_path):
    with pytest.raises(datasets.DataError, match=r"CRC|decompress|SHA-256"):
        fetch(archive_at(server, f"wrong/{PLACES['data']}"), tmp_path)
    assert contents(tmp_path) == {}


def test_members_other_than_the_published_ones_are_refused_though_their_crc_is_right(server, tmp_path):
    other = [_remote.Published(member.file, "00" * 32, member.size) for member in MEMBERS]
    with pytest.raises(datasets.DataError, match=r"expected SHA-256 00+, found"):
        _fetch.fetch_emnist(other, archive_at(server, "good"), tmp_path, progress=False)
    assert contents(tmp_path) == {}


def test_an_archive_without_the_member_says_so(server, tmp_path):
    absent = [_remote.Published("emnist-byclass-test-labels-idx1-ubyte.gz", "00" * 32, 1)]
    with pytest.raises(datasets.DataError, match=r"must hold one file named \*emnist-byclass-test-labels.*found none"):
        _fetch.fetch_emnist(absent, archive_at(server, "good"), tmp_path, progress=False)


@pytest.mark.parametrize("damage", [b"", CONTENT[NAMES[0]][:5000], b"<html>", CONTENT[NAMES[0]][:-1] + b"!"])
def test_a_damaged_member_in_the_cache_is_named_and_neither_loaded_nor_overwritten(
    server, tmp_path, monkeypatch, damage
):
    fetch(archive_at(server, "good"), tmp_path)
    (tmp_path / NAMES[0]).write_bytes(damage)
    asked = len(server.ranges)
    with pytest.raises(datasets.DataError, match=rf"not the published {NAMES[0]}.*delete it.*By hand"):
        fetch(archive_at(server, "good"), tmp_path)
    for member in MEMBERS:
        monkeypatch.setitem(_remote.EMNIST_MEMBERS, member.file, member)
    with pytest.raises(datasets.DataError, match=NAMES[0]):
        datasets.load("emnist-letters", data_dir=tmp_path)
    assert (tmp_path / NAMES[0]).read_bytes() == damage
    assert len(server.ranges) == asked


@pytest.mark.parametrize("name", _remote.EMNIST_ARCHIVES)
def test_an_archive_that_lies_there_is_verified_and_nothing_is_fetched(server, tmp_path, name):
    (tmp_path / name).write_bytes(ARCHIVE)
    assert fetch(archive_at(server, "good"), tmp_path) == tmp_path / name
    (tmp_path / name).write_bytes(ARCHIVE[:-1])
    with pytest.raises(datasets.DataError, match=rf"{name} is not the published emnist\.zip: cut short"):
        fetch(archive_at(server, "good"), tmp_path)
    assert server.ranges == []


def test_an_archive_unpacked_by_hand_is_found(server, tmp_path):
    with zipfile.ZipFile(io.BytesIO(ARCHIVE)) as archive:
        archive.extractall(tmp_path)
    assert fetch(archive_at(server, "good"), tmp_path) == tmp_path / "gzip"
    assert server.ranges == []


def test_a_folder_that_cannot_be_made_is_reported(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(datasets.DataError, match=r"cannot be written to.*HCR_DATA_DIR"):
        fetch(archive_at(server, "good"), tmp_path / "file" / "folder")


def test_progress_names_what_is_fetched_and_only_when_wanted(server, tmp_path, capfd):
    _fetch.fetch_emnist(MEMBERS, archive_at(server, "good"), tmp_path / "loud", progress=True)
    assert all(name in capfd.readouterr().err for name in NAMES[:1])
    fetch(archive_at(server, "good"), tmp_path / "silent")
    assert capfd.readouterr() == ("", "")


def test_thirty_at_once_fill_one_cache_with_one_download(server, tmp_path, processes):
    started = [processes(fetch_fifteen_times, archive_at(server, "late"), tmp_path) for _ in range(2)]
    for process in started:
        process.join(timeout=60)
    assert [process.exitcode for process in started] == [0, 0]
    assert contents(tmp_path) == CONTENT
    assert len(server.ranges) == len(set(server.ranges))


def test_a_killed_download_is_never_taken_for_the_file_and_the_next_one_continues_it(server, tmp_path, processes):
    process = processes(fetch, archive_at(server, f"stall/{PLACES['data']}"), tmp_path)
    part = tmp_path / f".{NAMES[0]}.part"
    while not part.exists() or part.stat().st_size < 60_000:
        time.sleep(0.02)
        assert process.is_alive()
    process.kill()
    process.join()
    assert contents(tmp_path).keys().isdisjoint(CONTENT)
    kept = part.stat().st_size
    fetch(archive_at(server, "good"), tmp_path)
    assert contents(tmp_path) == CONTENT
    assert asked_from(server, "good") == [BIG + kept]
