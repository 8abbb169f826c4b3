"""The command line: ``python -m hcr_lib read | evaluate | lab | pad | doctor``."""

import argparse
import importlib
import sys
from collections.abc import Sequence

from hcr_lib import __version__
from hcr_lib.cli import abandon_stdout, complain, ctrl_c_ends_at_once

#: Each is a module of `hcr_lib.cli` with a function `run`; with its help, and what is to be known besides.
COMMANDS = {
    "read": ("read handwriting from image files", ""),
    "evaluate": (
        "judge the reader by labelled pictures of your own: a model card",
        "The pictures stay as they are, and on this machine.",
    ),
    "lab": (
        "open your own copies of the lessons in JupyterLab",
        "What their folder, my_course, lacks is copied there first. Further arguments go to JupyterLab, such as "
        "--port=9000 or --ip=0.0.0.0 in a container.",
    ),
    "pad": (
        "serve the drawing pad as a page of its own, also for phones",
        "The address that is printed, also as a QR code, holds a token; without it nobody gets in.",
    ),
    "doctor": ("check that everything the course needs is here", "The exit status is 1 if something must be repaired."),
}


def parser(chosen: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands, with the options and the function `run` of the one `chosen`.

    It imports nothing for the others: what they need may be missing, and ``doctor`` is there to find that out.
    """
    main_parser = argparse.ArgumentParser(prog="python -m hcr_lib", description="The handwriting course.")
    main_parser.add_argument("--version", action="version", version=f"hcr_lib {__version__}")
    commands = main_parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (words, more) in COMMANDS.items():
        command = commands.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}. {more}")
        if name == chosen:
            with ctrl_c_ends_at_once():
                module = importlib.import_module(f"hcr_lib.cli.{name}")
            command.set_defaults(run=module.run)
            if name != "doctor":
                module.add_arguments(command)
    return main_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        chosen = next(filter(COMMANDS.__contains__, arguments), "")
        main_parser = parser(chosen)
        options, options.further = main_parser.parse_known_args(arguments)
        if options.further and chosen != "lab":
            main_parser.error(f"unrecognized arguments: {' '.join(options.further)}")
        status = options.run(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # a reader that went away is noticed here, not during shutdown
    except ModuleNotFoundError as error:
        complain(f"hcr_lib: {error} in {sys.prefix}. To find out more: python -m hcr_lib doctor")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `... | head` has seen enough
        abandon_stdout()
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
