"""The command line: ``python -m hcr_lib read | lab | doctor``."""

import argparse
import sys
from collections.abc import Sequence

from hcr_lib import __version__
from hcr_lib.cli import abandon_stdout, complain


def parser(command: str = "") -> argparse.ArgumentParser:
    """Return the parser of all commands, with the options of `command`.

    It imports nothing for the others: what they need may be missing, and ``doctor`` is there to find that out.
    """
    main_parser = argparse.ArgumentParser(prog="python -m hcr_lib", description="The handwriting course.")
    main_parser.add_argument("--version", action="version", version=f"hcr_lib {__version__}")
    commands = main_parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    reading = commands.add_parser("read", help="read handwriting from image files")
    if command == "read":
        from hcr_lib.cli import read

        read.add_arguments(reading)

    opening = commands.add_parser(
        "lab",
        help="open the course in JupyterLab",
        description="Open your own copies of the lessons in JupyterLab; what is missing in their folder, my_course, is "
        "copied there first. Further arguments go to JupyterLab, such as --port=9000 or --ip=0.0.0.0 in a container.",
    )
    if command == "lab":
        from hcr_lib.cli import lab

        lab.add_arguments(opening)

    commands.add_parser(
        "doctor",
        help="check that everything the course needs is here",
        description="Check this installation, one line each; the exit status is 1 if something must be repaired.",
    )
    return main_parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        main_parser = parser(*arguments[:1])
        args, unknown = main_parser.parse_known_args(arguments)
        if unknown and args.command != "lab":
            main_parser.error(f"unrecognized arguments: {' '.join(unknown)}")
        match args.command:
            case "read":
                from hcr_lib.cli import read  # in each case, so that nobody waits for what another command needs

                status = read.run(args)
            case "lab":
                from hcr_lib.cli import lab

                status = lab.run(unknown, args.fresh)
            case "doctor":
                from hcr_lib.cli import doctor

                status = doctor.run()
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
