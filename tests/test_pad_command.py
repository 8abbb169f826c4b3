"""``python -m hcr_lib pad``: the page it serves, to whom, and what it reads."""

import functools
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from hcr_lib import handwriting, pen
from hcr_lib.cli import pad
from hcr_lib.recognizer import Recognizer
from hcr_lib.widgets import _engine

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT = 640, 320


def written(text):
    strokes = handwriting.write(text, handwriting.writer(0), np.random.default_rng(1))
    return [stroke.round(1).tolist() for stroke in pen.scale_to(strokes, (HEIGHT, WIDTH), 60)]


def message(strokes, mode="word", **more):
    given = {"strokes": strokes, "width": WIDTH, "height": HEIGHT, "half_width": 8, "mode": mode, "text": ""}
    return given | more


@pytest.fixture(scope="module")
def reader():
    return Recognizer.load("alnum")


@pytest.fixture(scope="module")
def server(reader):
    """A server of this process, on a free port."""
    with pad.PadServer(pad.THIS_MACHINE, 0, reader) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def ask(server, path, body=None, token=None):
    """Return the status, the headers and the body of an answer."""
    connection = http.client.HTTPConnection(*server.server_address[:2], timeout=60)
    token = server.token if token is None else token
    connection.request("GET" if body is None else "POST", f"{path}?token={token}", body)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, response.headers, content


class TestAnswer:
    def test_a_word_is_read_with_what_may_follow(self, reader):
        found = pad.answer(reader, message(written("green"), text="A "))
        assert found["reading"].upper() == "GREEN"
        assert len(found["letters"]) == 5
        text = _engine.Text("A ", found["reading"], True, capitals=True)
        assert found["completions"] == text.completions() != []
        assert found["following"] == text.following() != []

    def test_a_character_that_the_page_has_read_is_only_completed(self, reader):
        found = pad.answer(reader, message([], "char", text="MORN", reading="I"))
        assert (found["reading"], found["letters"]) == ("", [])
        assert "MORNING" in found["completions"]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"mode": "poem"},
            {"width": 0},
            {"height": 10**9},
            {"half_width": 1e9},
            {"half_width": float("nan")},
            {"strokes": [[[0, 0]] * 6000]},
            {"strokes": [[[1e9, 0]]]},
            {"strokes": 3},
            {"strokes": [["a"]]},
        ],
        ids=str,
    )
    def test_what_no_page_sends_is_refused(self, reader, wrong):
        with pytest.raises((ValueError, TypeError)):
            pad.answer(reader, message([[[1, 1], [50, 50]]]) | wrong)


class TestServer:
    def test_with_the_token_the_page_comes_and_knows_of_its_server(self, server):
        status, headers, content = ask(server, "/")
        assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert b'id="hcr-settings">{"server": true}<' in content
        assert server.token.encode() not in content

    @pytest.mark.parametrize("token", ["", "wrong", "%C3%BC"])
    @pytest.mark.parametrize(("path", "body"), [("/", None), ("/read", b"{}"), ("/nowhere", None)])
    def test_without_it_nothing_does(self, server, path, body, token):
        status, _, content = ask(server, path, body, token)
        assert status == 403
        assert content.decode() == pad._NO_TOKEN

    def test_it_reads(self, server):
        status, headers, content = ask(server, "/read", json.dumps(message(written("seven"))))
        assert (status, headers["Content-Type"]) == (200, "application/json; charset=utf-8")
        assert json.loads(content)["reading"].upper() == "SEVEN"

    @pytest.mark.parametrize("body", [b"", b"[]", b"{}", b"\xff", b"1e999", b'{"mode": "word", "strokes": 1}'])
    def test_a_wrong_message_gets_an_answer_all_the_same(self, server, body):
        status, _, content = ask(server, "/read", body)
        assert status == 400
        assert content

    def test_there_is_nothing_else_and_not_too_much_of_anything(self, server):
        assert ask(server, "/read")[0] == 404
        assert ask(server, "/../pyproject.toml")[0] == 404
        assert ask(server, "/read", b" " * (pad.MOST_BYTES + 1))[0] == 413

    def test_the_address_is_one_that_others_can_open(self, reader, monkeypatch):
        monkeypatch.setattr(pad, "own_address", lambda: "192.0.2.7")
        with pad.PadServer("0.0.0.0", 0, reader) as everywhere:
            assert everywhere.url.startswith(f"http://192.0.2.7:{everywhere.server_address[1]}/?token=")


def test_the_qr_code_is_of_the_size_that_its_text_needs():
    lines = pad.qr_code("http://192.168.178.123:8890/?token=abcdefghijklmnop").splitlines()
    assert {len(line) for line in lines if line} == {29 + 2 * 2}  # version 3, which is 29 modules wide, and its border


def test_the_command_prints_its_address_and_ends_with_ctrl_c(tmp_path):
    command = [sys.executable, "-m", "hcr_lib", "pad", "--port", "0"]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    output = tmp_path / "output"
    heeded = functools.partial(signal.signal, signal.SIGINT, signal.SIG_DFL)  # in the background it is ignored
    with output.open("wb") as file:
        started = subprocess.Popen(
            command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, env=environment, preexec_fn=heeded
        )
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in output.read_text("utf-8") and time.monotonic() < deadline and started.poll() is None:
            time.sleep(0.1)
        said = output.read_text("utf-8")
        [address] = re.findall(r"^The pad: (http://127\.0\.0\.1:\d+/\?token=\S{16})$", said, re.MULTILINE)
        assert pad.qr_code(address).strip() in said
        port = str(urlsplit(address).port)
        with socket.create_connection((pad.THIS_MACHINE, int(port)), timeout=10) as idle:  # must not hold it up
            second = subprocess.run([*command[:-1], port], cwd=ROOT, capture_output=True, text=True, timeout=60)
            assert (second.returncode, second.stdout, len(second.stderr.splitlines())) == (1, "", 1)
            assert "--port 0" in second.stderr
            started.send_signal(signal.SIGINT)
            assert started.wait(timeout=10) == 0
            idle.close()
    finally:
        started.kill()
    assert output.read_text("utf-8").endswith("Ctrl-C stops it.\n\nStopped.\n")
