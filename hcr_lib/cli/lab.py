"""Open the learner's copies of the lessons in JupyterLab, on any machine: ``python -m hcr_lib lab``."""

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hcr_lib.cli import working_copies

CHECKOUT = Path(__file__).resolve().parents[2]  # of an installed wheel it is no checkout, and has no notebooks


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what ``lab`` takes itself; further arguments go to JupyterLab."""
    parser.add_argument(
        "--fresh", metavar="LESSON", help="put a new copy of a lesson beside yours, such as: --fresh 03"
    )


def lessons(folder: Path, inside: str = "notebooks") -> list[Path]:
    """Return the notebooks of the course in `folder`, in their order: a lesson's file name begins with its number."""
    return sorted((folder / inside).glob("[0-9]*.ipynb"))


def course_folder() -> Path:
    """Return the folder that holds the lessons: the checkout this package runs from, or the working directory.

    FileNotFoundError if neither has them; a wheel carries the library and its data, not the notebooks.
    """
    candidates = dict.fromkeys([CHECKOUT, Path.cwd()])
    if found := next(filter(lessons, candidates), None):
        return found
    raise FileNotFoundError(
        f"expected the folder notebooks with the lessons in {' or '.join(map(str, candidates))}, found none. "
        "Change to the folder of the course, the one with README.md in it, and run this again."
    )


def is_root() -> bool:
    """Return whether JupyterLab would refuse to start without being told that root is meant."""
    return getattr(os, "geteuid", lambda: 1)() == 0  # Windows has no geteuid


def in_container() -> bool:
    """Return whether this looks like Docker, Podman or the like, whose browser nobody would see."""
    return "container" in os.environ or any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def can_show_a_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Return whether opening a browser window would help the person at this terminal."""
    if is_root() or in_container() or "SSH_CONNECTION" in environ:
        return False
    return platform in ("win32", "darwin") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def command(folder: Path, arguments: Sequence[str] = (), *, browser: bool) -> list[str]:
    """Return the command line that serves `folder`, opened at the learner's copy of the first lesson.

    The person's own `arguments` come last, so that they win.
    """
    first = f"{working_copies.FOLDER}/{lessons(folder)[0].name}"
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{first}",  # also for the address printed
        "--log-level=WARN",  # leaves the address with its token, and what goes wrong
        # A course that works offline does not ask the network for updates or extensions; for news, see `run`.
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if not browser:
        options.append("--no-browser")
    if is_root():
        options.append("--allow-root")
    return [sys.executable, "-m", "jupyterlab", *options, *arguments]


def run(options: argparse.Namespace) -> int:
    """Make the working copies, start JupyterLab with `options.further`, and return its exit status when it ends."""
    try:
        folder = course_folder()
        for notice in working_copies.make(folder):
            print(notice)
        if options.fresh is not None:
            print(f"A new copy: {working_copies.fresh(folder, options.fresh).relative_to(folder)}")
    except (FileNotFoundError, ValueError) as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(
            f"lab: your copies of the lessons cannot be written to {error.filename} ({error.strerror}). "
            "Copy the folder of the course to a place of your own, and start it there.",
            file=sys.stderr,
        )
        return 1
    print(f"Your copies of the lessons are in {folder / working_copies.FOLDER}; they are never overwritten.")
    browser = can_show_a_browser()
    print("Starting JupyterLab; Ctrl-C stops it.", flush=True)
    if not browser:
        print("Open the address below, with its token, in a browser.", flush=True)
        if in_container() and not any(argument.startswith(("--ip", "--ServerApp.ip")) for argument in options.further):
            print("From outside this container, publish a port and add: --ip=0.0.0.0", flush=True)
    # No option silences JupyterLab's question about news; labconfig beside this file does, and own settings win.
    config_path = [str(Path(__file__).parent), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(config_path)
    line = command(folder, options.further, browser=browser)
    if os.name == "posix":
        os.execv(line[0], line)  # so that Ctrl-C and a container's stop signal reach JupyterLab itself
    with subprocess.Popen(line) as server:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # JupyterLab received it too and asks whether it is meant
                continue
