"""Check an installation: what a teacher asks everybody to run the day before, ``python -m hcr_lib doctor``."""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from hcr_lib import _paths
from hcr_lib.cli import lab

DISTRIBUTION = "handwriting-course"
FREE_DISK_GB = 2
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
REMEDY = "run: python -m pip install -r requirements.txt -e ."
OK, NOTE, FAIL = "ok", "note", "FAIL"


@dataclass(frozen=True)
class Finding:
    """One line of the report: `status` is ok, note (works, but know this) or FAIL (must be repaired)."""

    status: str
    about: str
    message: str

    def __str__(self) -> str:
        return f"{self.status:<5} {self.about}: {self.message}"


def check_python() -> Iterator[Finding]:
    """Compare the running Python with the versions that the package supports."""
    if installed_version(DISTRIBUTION) is None:
        yield Finding(FAIL, "package", f"expected {DISTRIBUTION} to be installed, found only its files; {REMEDY}")
        return
    supported = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    version = platform.python_version()
    if SpecifierSet(supported).contains(version, prereleases=True):
        yield Finding(OK, "Python", version)
    else:
        yield Finding(FAIL, "Python", f"expected {supported}, found {version}; make .venv anew with such a Python")


def check_packages() -> Iterator[Finding]:
    """Compare what is installed with what the package needs, and with the versions it was tested with."""
    if installed_version(DISTRIBUTION) is None:
        return
    missing, unfit = [], []
    for line in importlib.metadata.requires(DISTRIBUTION) or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = installed_version(requirement.name)
        if found is None:
            missing.append(requirement.name)
        elif not requirement.specifier.contains(found, prereleases=True):
            unfit.append(f"{requirement.name} {found} (expected {requirement.specifier})")
    if missing or unfit:
        yield Finding(FAIL, "packages", f"missing or unfit: {', '.join(missing + unfit)}; {REMEDY}")
        return
    pins_file = Path(__file__).resolve().parents[1] / "requirements.txt"
    if not pins_file.is_file():
        yield Finding(OK, "packages", "everything that is needed is installed")
        return
    pins = [line.split(" #")[0].strip() for line in pins_file.read_text(encoding="utf-8").splitlines()]
    other = []
    for pin in (Requirement(line) for line in pins if line and not line.startswith("#")):
        found = installed_version(pin.name)
        applies = pin.marker is None or pin.marker.evaluate()
        if applies and found is not None and not pin.specifier.contains(found, prereleases=True):
            other.append(f"{pin.name} {found} (tested {pin.specifier})")
    if other:
        yield Finding(NOTE, "packages", f"not the tested versions: {', '.join(other)}; if something fails, {REMEDY}")
    else:
        yield Finding(OK, "packages", "the tested versions")


def check_shipped_files() -> Iterator[Finding]:
    """Compare every file that ships with the SHA-256 in ``data/manifest.toml``."""
    try:
        expected = shipped_files()
        for name, sha256 in expected.items():
            found = hashlib.sha256(_paths.shipped(name).read_bytes()).hexdigest()
            if found != sha256:
                yield Finding(
                    FAIL, "shipped files", f"{name} was changed: expected SHA-256 {sha256}, found {found}; restore it"
                )
                return
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        yield Finding(FAIL, "shipped files", str(error))
        return
    yield Finding(OK, "shipped files", f"{len(expected)} present and unchanged")


def check_reader() -> Iterator[Finding]:
    """Load the shipped weights and read one image with them."""
    try:
        import numpy as np

        from hcr_lib import recognizer

        probabilities = recognizer.Recognizer.load().predict(np.zeros((1, 28, 28), "uint8"))
    except Exception as error:  # whatever stops TensorFlow on this machine is the finding
        yield Finding(FAIL, "reader", f"{type(error).__name__}: {error}")
        return
    yield Finding(OK, "reader", f"weights load, {probabilities.shape[1]} classes")


def check_notebooks() -> Iterator[Finding]:
    """Look for the notebooks and for JupyterLab, which opens them."""
    try:
        folder = lab.course_folder()
    except FileNotFoundError as error:
        yield Finding(NOTE, "notebooks", str(error))
        return
    notebooks = sorted((folder / "notebooks").glob("[0-9]*.ipynb"))
    yield Finding(OK, "notebooks", f"{len(notebooks)} in {folder / 'notebooks'}")


def check_real_data() -> Iterator[Finding]:
    """Say what real handwriting was fetched; the course does not need any."""
    folder = _paths.user_data_dir()
    files = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if files:
        yield Finding(OK, "real data", f"{len(files)} files in {folder}: {', '.join(files[:8])}")
    else:
        yield Finding(NOTE, "real data", f"none in {folder}; not needed, the course runs on what ships with it")


def check_disk() -> Iterator[Finding]:
    """Check that there is room for fetched data and checkpoints."""
    folder = _paths.user_data_dir().absolute()
    while not folder.exists():  # the cache is made on first use
        folder = folder.parent
    free = shutil.disk_usage(folder).free / 1e9
    if free < FREE_DISK_GB:
        yield Finding(NOTE, "disk", f"{free:.1f} GB free at {folder}; EMNIST and checkpoints want {FREE_DISK_GB} GB")
    else:
        yield Finding(OK, "disk", f"{free:.0f} GB free")


def check_browser() -> Iterator[Finding]:
    """Look for the browser that the test of the drawing pad drives; people may use any."""
    found = find_browser()
    if found:
        yield Finding(OK, "browser for the tests", found)
    else:
        yield Finding(NOTE, "browser for the tests", "no Chromium or Chrome found; one test will be skipped")


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    check_python,
    check_packages,
    check_shipped_files,
    check_reader,
    check_notebooks,
    check_real_data,
    check_disk,
    check_browser,
)


def find_browser() -> str | None:
    """Return the path of a Chromium-like browser: ``HCR_BROWSER`` if set, else the first on the path, else None."""
    return os.environ.get("HCR_BROWSER") or next((path for path in map(shutil.which, BROWSERS) if path), None)


def shipped_files() -> dict[str, str]:
    """Return name -> SHA-256 of what ships in ``data/``, as its ``manifest.toml`` says."""
    manifest = tomllib.loads(_paths.shipped("manifest.toml").read_text(encoding="utf-8"))
    return {name: entry["sha256"] for name, entry in manifest["files"].items()}


def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def run() -> int:
    """Print one line a finding; return 1 if one of them must be repaired."""
    failures = 0
    for check in CHECKS:
        for finding in check():
            print(finding, flush=True)
            failures += finding.status == FAIL
    if failures:
        print(f"{failures} to repair; send these lines to your teacher, or open an issue with them.")
    else:
        print("Ready.")
    return 1 if failures else 0
