"""The commands of ``python -m hcr_lib``, one module each."""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator


def printable(text: str) -> str:
    """Return text with control characters escaped, so that a file's name cannot steer the terminal."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def complain(message: str) -> None:
    """Print one line on stderr; if that is closed, say nothing, where `print` would turn to stdout."""
    if sys.stderr is not None:
        print(printable(message), file=sys.stderr)


def abandon_stdout() -> None:
    """Drop what cannot be written any more, so that Python does not try it again while it shuts down."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def ctrl_c_ends_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process with status 130 in this block, in which nothing can be lost, such as imports.

    NumPy, for one, turns a KeyboardInterrupt that reaches it while it is imported into an ImportError.
    """
    usual, in_main = signal.default_int_handler, threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not usual:  # another thread may not, and another handler stays
        yield
        return
    signal.signal(signal.SIGINT, lambda *_: os._exit(130))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
