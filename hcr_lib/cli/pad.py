"""Serve the pad as a page of its own, for an open day or for phones in class: ``python -m hcr_lib pad``.

The page is ``data/pad.html``: its own network reads single characters in the browser. Words are read here.
"""

import argparse
import hmac
import io
import json
import secrets
import socket
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from hcr_lib._paths import shipped
from hcr_lib._validate import ensure_choice
from hcr_lib.cli import complain, ctrl_c_ends_at_once
from hcr_lib.recognizer import ALPHABETS, MODES, Recognizer
from hcr_lib.widgets import _engine

THIS_MACHINE = "127.0.0.1"
MOST_BYTES = 500_000  #: of a message; one with as many points as are read has some 100,000
_PATIENCE = 30  # seconds for a message to arrive
_NO_TOKEN = "This address lacks its token. Open the whole address that the command printed, or scan its QR code."
_CORNER = {"width": 100, "height": 100, "half_width": 4, "strokes": [[[20, 20], [20, 80]], [[60, 20], [60, 80]]]}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "--ip", default=THIS_MACHINE, metavar="ADDRESS",
        help="where to listen: 0.0.0.0 lets phones in your network draw, too (default: %(default)s, this machine only)",
    )  # fmt: skip
    parser.add_argument("--port", type=int, default=8890, help="0 takes a free one (default: %(default)s)")
    parser.add_argument("--alphabet", choices=ALPHABETS, default="alnum", help="of words (default: %(default)s)")


def answer(recognizer: Recognizer, message: dict[str, Any]) -> dict[str, Any]:
    """Read what a page sends, and return what it shows.

    Parameters
    ----------
    recognizer : Recognizer
    message : dict
        ``strokes``, the pad's ``width``, ``height`` and ``half_width``, the ``mode``, and the ``text`` so far. In mode
        "char" the page has read by itself, and sends its ``reading`` and no strokes.

    Returns
    -------
    dict
        As `Guess.to_dict`, with ``completions`` and ``following``: likely words.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the message is not such a one.
    """
    mode, strokes = ensure_choice(message["mode"], MODES, name="mode"), message["strokes"]
    sides, half_width = (int(message["height"]), int(message["width"])), float(message["half_width"])
    if not (0 < min(sides) <= max(sides) <= _engine.LARGEST and 0 < half_width <= _engine.WIDEST):
        raise ValueError(f"a pad has sides up to {_engine.LARGEST} and a pen up to {_engine.WIDEST}; got {message}.")
    numbers = list(range(len(strokes)))
    drawn = _engine.Inbox().take({"more": list(zip(numbers, strokes, strict=True)), "drawing": numbers})
    guess = _engine.guess(recognizer, drawn, sides, half_width, mode)
    reading = guess.text or str(message.get("reading", ""))[: _engine.LONGEST_TEXT]
    whole_words = mode != "char" and (mode != "auto" or len(reading) > 1)
    capitals = not any(char.islower() for char in recognizer.classes)
    text = _engine.Text(str(message["text"])[-_engine.LONGEST_TEXT :], reading, whole_words, capitals)
    words = {"completions": text.completions(), "following": text.following()} if whole_words or text.so_far else {}
    return {**guess.to_dict(), **words}


class PadServer(ThreadingHTTPServer):
    """A web server for the page of the pad, and for what it asks; nobody gets either without the token.

    Parameters
    ----------
    ip : str
        The address to listen on.
    port : int
        0 for a free one.
    recognizer : Recognizer
    """

    daemon_threads = True

    def __init__(self, ip: str, port: int, recognizer: Recognizer) -> None:
        self.address_family = socket.AF_INET6 if ":" in ip else socket.AF_INET
        page = shipped("pad.html").read_bytes()
        self.page = page.replace(b'id="hcr-settings">{}<', b'id="hcr-settings">{"server": true}<', 1)
        self.token, self.recognizer, self.one_at_a_time = secrets.token_urlsafe(12), recognizer, threading.Lock()
        super().__init__((ip, port), _Handler)

    @property
    def url(self) -> str:
        """The address to open, with the token."""
        host, port = self.server_address[:2]
        host = own_address() if host in ("0.0.0.0", "::") else host
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/?token={self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a browser that went away, and what it is of anything else."""
        if not isinstance(error := sys.exception(), ConnectionError | TimeoutError):
            complain(f"hcr_lib pad: {type(error).__name__}: {error}")


class _Handler(BaseHTTPRequestHandler):
    server: PadServer
    timeout = _PATIENCE

    def do_GET(self) -> None:
        if self._may("/"):
            self._send(HTTPStatus.OK, "text/html", self.server.page)

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        size = int(length) if length.isdecimal() and len(length) < 10 else 0
        body = self.rfile.read(min(size, 2 * MOST_BYTES))  # first: a browser that is still sending hears no refusal
        if not self._may("/read"):
            return
        if size > MOST_BYTES:
            return self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A message has at most {MOST_BYTES:,} bytes.")
        try:
            message = json.loads(body)
            with self.server.one_at_a_time:
                found = answer(self.server.recognizer, message)
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            return self._refuse(HTTPStatus.BAD_REQUEST, str(error))
        self._send(HTTPStatus.OK, "application/json", json.dumps(found).encode())

    def _may(self, path: str) -> bool:
        """Return whether a request is for `path` and has the token; refuse it otherwise."""
        asked = urlsplit(self.path)
        [token] = parse_qs(asked.query).get("token", [""])[:1]
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            self._refuse(HTTPStatus.FORBIDDEN, _NO_TOKEN)
        elif asked.path != path:
            self._refuse(HTTPStatus.NOT_FOUND, "There is nothing here.")
        else:
            return True
        return False

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._send(status, "text/plain", words.encode())

    def _send(self, status: HTTPStatus, kind: str, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")  # the address holds the token
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the address of a request holds the token."""


def own_address() -> str:
    """Return the address of this machine in its network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing, but chooses the way out; the address is nobody's
            return probe.getsockname()[0]
        except OSError:
            return socket.gethostname()


def qr_code(text: str) -> str:
    """Return a QR code for a terminal, in half blocks."""
    import segno

    code = io.StringIO()
    segno.make(text, error="l", micro=False).terminal(code, border=2, compact=True)
    return code.getvalue()


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C; return 0, or 1 if there is nowhere to listen."""
    with ctrl_c_ends_at_once():
        recognizer = Recognizer.load(options.alphabet)
        answer(recognizer, {**_CORNER, "mode": "word", "text": "a "})  # the first reading is slow
    try:
        server = PadServer(options.ip, options.port, recognizer)
    except (OSError, OverflowError) as error:
        complain(
            f"hcr_lib pad: cannot listen on {options.ip}, port {options.port} ({error}); expected an address of this "
            "machine and a free port. Take another, such as: --port 0"
        )
        return 1
    with server:
        print(f"The pad: {server.url}")
        try:
            print(qr_code(server.url))
        except UnicodeEncodeError:  # a terminal without blocks
            print("(This terminal cannot show the QR code.)")
        if options.ip == THIS_MACHINE:
            print("Only this machine can open it; for phones in your network, add: --ip 0.0.0.0")
        print("Ctrl-C stops it.", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("\nStopped.")
    return 0
