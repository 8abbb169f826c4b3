"""The command line: ``python -m hcr_lib read | ladder | lab | doctor``."""

import argparse
import os
import sys
from collections.abc import Sequence

from hcr_lib import __version__, _ladder, _read


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; building it imports no TensorFlow, so ``--help`` is instant."""
    main_parser = argparse.ArgumentParser(prog="python -m hcr_lib", description="The handwriting course.")
    main_parser.add_argument("--version", action="version", version=f"hcr_lib {__version__}")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    read = commands.add_parser("read", help="read handwriting from image files")
    _read.add_arguments(read)

    ladder = commands.add_parser(
        "ladder",
        help="measure the ladder of MNIST, from a linear layer to a committee",
        description="Measure the ladder of MNIST, which lies in HCR_DATA_DIR, and write data/results/ladder.json. "
        "All of it takes hours; a ladder that was interrupted goes on where it was.",
    )
    _ladder.add_arguments(ladder)

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
                status = _read.run(args)
            case "ladder":
                status = _ladder.run(args)
            case "lab":
                from hcr_lib import _lab  # here and below, so that nobody waits for what another command needs

                status = _lab.run(unknown)
            case "doctor":
                from hcr_lib import _doctor

                status = _doctor.run()
        sys.stdout.flush()  # a reader that went away is noticed here, not during shutdown
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `... | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
