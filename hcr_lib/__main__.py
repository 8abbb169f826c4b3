"""The command line: ``python -m hcr_lib read | lab | doctor``."""

import argparse
import os
import sys
from collections.abc import Sequence

from hcr_lib import __version__
from hcr_lib.cli import read


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; building it imports no TensorFlow, so ``--help`` is instant."""
    main_parser = argparse.ArgumentParser(prog="python -m hcr_lib", description="The handwriting course.")
    main_parser.add_argument("--version", action="version", version=f"hcr_lib {__version__}")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    read.add_arguments(commands.add_parser("read", help="read handwriting from image files"))

    commands.add_parser(
        "lab",
        help="open the course in JupyterLab",
        description="Open the course in JupyterLab. Further arguments go to JupyterLab, such as --port=9000 or "
        "--ip=0.0.0.0 in a container.",
    )

    commands.add_parser(
        "doctor",
        help="check that everything the course needs is here",
        description="Check this installation, one line each; the exit status is 1 if something must be repaired.",
    )
    return main_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    main_parser = parser()
    args, unknown = main_parser.parse_known_args(arguments)
    if unknown and args.command != "lab":
        main_parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    try:
        match args.command:
            case "read":
                status = read.run(args)
            case "lab":
                from hcr_lib.cli import lab  # here and below, so that nobody waits for what another command needs

                status = lab.run(unknown)
            case "doctor":
                from hcr_lib.cli import doctor

                status = doctor.run()
        sys.stdout.flush()  # a reader that went away is noticed here, not during shutdown
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
