"""The command ``python -m hcr_lib read``: pictures in, a line of text or of JSON for each out."""

from __future__ import annotations

import argparse
import io
import json
import sys

from hcr_lib import images, language, masks, recognizer
from hcr_lib.cli import abandon_stdout, complain, ctrl_c_ends_at_once, printable


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="pictures: PNG, JPEG, GIF, BMP, TIFF, WEBP or PPM")
    parser.add_argument(
        "--alphabet", choices=recognizer.ALPHABETS, default="alnum", help="what to expect (default: %(default)s)"
    )
    parser.add_argument(
        "--mode", choices=recognizer.MODES, default="auto",
        help="one character, one word or a page of lines (default: auto, which looks)",
    )  # fmt: skip
    parser.add_argument(
        "--reader", choices=recognizer.READERS, default="auto",
        help="read each character by itself, each line as a whole, or take the better of the two (default: auto)",
    )  # fmt: skip
    parser.add_argument(
        "--lexicon", metavar="FILE",
        help=f"words or names to expect, one a line (UTF-8), or {language.ENGLISH!r}: 160,000 frequent English words",
    )  # fmt: skip
    parser.add_argument(
        "--mask", action="append", metavar="MASK",
        help="what each line looks like: L for a letter, D for a digit, A for either, other signs for themselves, such "
        f"as LLDDD; or a format by name: {', '.join(masks.FORMATS)}. Given several times, the one that fits is taken",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for each file")


def run(options: argparse.Namespace) -> int:
    """Read the files; return 0 if all could be read, else 1, or 2 if nothing could be tried."""
    try:
        lexicon = None if options.lexicon is None else language.read_lexicon(options.lexicon)
        with ctrl_c_ends_at_once():
            reader = recognizer.Recognizer.load(options.alphabet)
        masks.check(options.mask, reader.classes)
    except (ValueError, FileNotFoundError) as error:
        complain(f"hcr_lib read: {error}")
        return 2
    if sys.stdout is None:
        complain("hcr_lib read: the standard output is closed; expected somewhere to write. Leave out the >&-.")
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):  # a pipe on Windows lacks most characters of file names
        sys.stdout.reconfigure(errors="backslashreplace")
    failed = False
    try:
        answers = reader.read_all(options.files, options.mode, lexicon, options.reader, options.mask)
        for file, answer in zip(options.files, answers, strict=True):
            failed |= _show(file, answer, options)
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:  # those of pictures are answers
        complain(f"hcr_lib read: the answers cannot be written ({error.strerror}); expected room for them.")
        abandon_stdout()
        return 1
    return int(failed)


def _show(file: str, answer: recognizer.Reading | images.ImageError, options: argparse.Namespace) -> bool:
    """Print the answer for one file; return whether it is an error."""
    if isinstance(answer, images.ImageError):
        message = str(answer) if str(answer).startswith(file) else f"{file}: {answer}"
        complain(f"hcr_lib read: {message}")
        if options.json:
            print(json.dumps({"file": file, "error": message}), flush=True)
        return True
    if options.json:
        print(json.dumps({"file": file, **answer.to_dict()}), flush=True)
    else:
        name = f"{printable(file)}: " if len(options.files) > 1 else ""
        print(name + "\n".join(map(printable, answer.text.split("\n"))), flush=True)
    return False
