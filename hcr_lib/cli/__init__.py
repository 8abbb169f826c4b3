"""The commands of ``python -m hcr_lib``, one module each."""

import os
import sys


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
