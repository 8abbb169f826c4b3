"""Open the course in JupyterLab, on any machine: ``python -m hcr_lib lab``."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FIRST_NOTEBOOK = Path("notebooks", "01_data.ipynb")


def course_folder() -> Path:
    """Return the folder that holds ``notebooks/``: the checkout this package runs from, or the working directory.

    Raises
    ------
    FileNotFoundError
        If neither has the first notebook; a wheel carries the library and its data, not the notebooks.
    """
    candidates = [Path(__file__).resolve().parents[1], Path.cwd()]
    for folder in candidates:
        if (folder / FIRST_NOTEBOOK).is_file():
            return folder
    raise FileNotFoundError(
        f"expected {FIRST_NOTEBOOK.as_posix()} in {' or '.join(map(str, dict.fromkeys(candidates)))}, found neither. "
        "Change to the folder of the course, the one with README.md in it, and run this again."
    )


def is_root() -> bool:
    """Say whether JupyterLab would refuse to start without being told that root is meant."""
    return getattr(os, "geteuid", lambda: 1)() == 0  # Windows has no geteuid


def in_container() -> bool:
    """Say whether this looks like Docker, Podman or the like, whose browser nobody would see."""
    return "container" in os.environ or any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))


def can_show_a_browser(environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> bool:
    """Say whether opening a browser window would help the person at this terminal."""
    if is_root() or in_container() or "SSH_CONNECTION" in environ:
        return False
    return platform in ("win32", "darwin") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def command(folder: Path, arguments: Sequence[str] = (), *, browser: bool) -> list[str]:
    """Return the command line that serves `folder`, opened at the first notebook.

    The person's own `arguments` come last, so that they win.
    """
    options = [
        f"--ServerApp.root_dir={folder}",
        f"--LabApp.default_url=/lab/tree/{FIRST_NOTEBOOK.as_posix()}",  # for the browser and for the printed address
        "--log-level=WARN",  # leaves the address with its token, and what goes wrong
        # A course that works offline does not ask the network for news, updates or extensions.
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
    ]
    if not browser:
        options.append("--no-browser")
    if is_root():
        options.append("--allow-root")
    return [sys.executable, "-m", "jupyterlab", *options, *arguments]


def run(arguments: Sequence[str] = ()) -> int:
    """Start JupyterLab and stay with it until it ends; return its exit status."""
    try:
        folder = course_folder()
    except FileNotFoundError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    browser = can_show_a_browser()
    print("Starting JupyterLab; Ctrl-C stops it.", flush=True)
    if not browser:
        print("Open the address below, with its token, in a browser.", flush=True)
        if in_container() and not any(argument.startswith(("--ip", "--ServerApp.ip")) for argument in arguments):
            print("From outside this container, publish a port and add: --ip=0.0.0.0", flush=True)
    line = command(folder, arguments, browser=browser)
    if os.name == "posix":
        os.execv(line[0], line)  # so that Ctrl-C and a container's stop signal reach JupyterLab itself
    with subprocess.Popen(line) as server:
        while True:
            try:
                return server.wait()
            except KeyboardInterrupt:  # JupyterLab received it too and asks whether it is meant
                continue
