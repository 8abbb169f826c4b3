"""The command ``python -m hcr_lib read``: pictures in, a line of text or of JSON for each out."""

from __future__ import annotations

import argparse
import io
import json
import sys
from pathlib import Path

from hcr_lib import images, recognizer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures: PNG, JPEG and what else Pillow opens")
    parser.add_argument(
        "--alphabet", choices=recognizer.ALPHABETS, default="alnum", help="what to expect (default: %(default)s)"
    )
    parser.add_argument(
        "--mode", choices=recognizer.MODES, default="auto",
        help="one character, one word or a page of lines (default: auto, which looks)",
    )  # fmt: skip
    parser.add_argument("--lexicon", metavar="FILE", help="words to expect, one a line (UTF-8)")
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for each file")


def read_lexicon(path: str) -> list[str]:
    """Read words, one a line; blank lines are skipped.

    Raises
    ------
    ValueError
        If the file cannot be read, is no text, or holds no word.
    """
    try:
        words = Path(path).read_text(encoding="utf-8-sig").split()  # Windows marks a file's beginning
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the lexicon {path} cannot be read ({error}); expected UTF-8 text, a word a line.") from error
    if not words:
        raise ValueError(f"the lexicon {path} holds no words; expected a word a line.")
    return words


def run(options: argparse.Namespace) -> int:
    """Read the files; return 0 if all could be read, else 1, or 2 if nothing could be tried."""
    try:
        lexicon = read_lexicon(options.lexicon) if options.lexicon else None
        reader = recognizer.Recognizer.load(options.alphabet)
    except (ValueError, FileNotFoundError) as error:
        print(f"hcr_lib read: {error}", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe on Windows lacks most characters of file names
        sys.stdout.reconfigure(errors="backslashreplace")
    failed = False
    for file, answer in zip(options.files, reader.read_all(options.files, options.mode, lexicon), strict=True):
        if isinstance(answer, images.ImageError):
            failed = True
            message = str(answer) if str(answer).startswith(file) else f"{file}: {answer}"
            print(f"hcr_lib read: {message}", file=sys.stderr)
            if options.json:
                print(json.dumps({"file": file, "error": message}), flush=True)
        elif options.json:
            print(json.dumps({"file": file, **answer.to_dict()}), flush=True)
        else:
            name = f"{file}: " if len(options.files) > 1 else ""
            print(f"{name}{answer.text}", flush=True)
    return int(failed)
