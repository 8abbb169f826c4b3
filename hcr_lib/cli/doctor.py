"""Check an installation: what a teacher asks everybody to run the day before, ``python -m hcr_lib doctor``.

It needs nothing but Python itself: what may be missing, crash or hang runs in child processes (``_probes``), so that
it becomes a line of the report and not its end.
"""

import argparse
import hashlib
import importlib.metadata
import json
import os
import platform
import shutil
import sys
import sysconfig
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from hcr_lib import __version__, _paths
from hcr_lib.cli import _probes, lab

DISTRIBUTION = "handwriting-course"
FREE_DISK_GB = 2
REMEDY = "run: python -m pip install -r requirements.txt -e ."
OK, NOTE, FAIL = "ok", "note", "FAIL"


class Finding(NamedTuple):
    """What a check found: `status` is ok, note (works, but know this) or FAIL (must be repaired)."""

    status: str
    message: str


def check_python() -> Finding:
    """Compare the running Python with the versions that the package supports."""
    if installed_version(DISTRIBUTION) is None:
        return Finding(FAIL, f"{DISTRIBUTION} is not installed in {sys.prefix}; use the Python of .venv, or {REMEDY}")
    from packaging.specifiers import SpecifierSet

    supported, version = _project()["requires-python"], platform.python_version()
    if SpecifierSet(supported).contains(version, prereleases=True):
        return Finding(OK, f"{version} in {sys.prefix}")
    return Finding(FAIL, f"expected {supported}, found {version}; make .venv anew with such a Python")


def check_packages() -> Finding:
    """Compare what is installed with what the package needs, and with the versions it was tested with."""
    if unfit := _unfit(_project()["dependencies"]):
        return Finding(FAIL, f"{', '.join(unfit)}; {REMEDY}")
    pins = lab.CHECKOUT / "requirements.txt"
    if not pins.is_file():
        return Finding(OK, "everything that is needed is installed")
    lines = (line.partition("#")[0].strip() for line in pins.read_text(encoding="utf-8").splitlines())
    if unfit := _unfit(line for line in lines if line):
        return Finding(NOTE, f"not the tested versions: {', '.join(unfit)}; if something fails, {REMEDY}")
    return Finding(OK, "the tested versions")


def check_imports() -> Finding:
    """Import every package that the course needs; after one that crashes or hangs, go on with the next."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    needed = {canonicalize_name(Requirement(line).name) for line in _project()["dependencies"]}
    brought = importlib.metadata.packages_distributions()
    modules = sorted(module for module, names in brought.items() if needed & set(map(canonicalize_name, names)))
    errors: dict[str, str | None] = {}
    while left := modules[len(errors) :]:
        answers, problem = _probes.run("try_imports", *left)
        errors |= zip(left, [*answers, problem], strict=False)  # the problem is that of the first without an answer
    if not (failures := {module: error for module, error in errors.items() if error}):
        return Finding(OK, f"{len(modules)} modules, TensorFlow and Keras among them")
    again = sorted({brought[module][0] for module in failures})
    remedy = f"run: python -m pip install --force-reinstall --no-deps {' '.join(again)}"
    if any("DLL load failed" in error for error in failures.values()):
        remedy = "install the Microsoft Visual C++ Redistributable, or " + remedy
    return Finding(FAIL, f"{'; '.join(f'{module}: {error}' for module, error in failures.items())}; {remedy}")


def check_shipped_files() -> Finding:
    """Compare every file that ships with the SHA-256 in ``data/manifest.toml``."""
    expected = shipped_files()
    for name, sha256 in expected.items():
        if hashlib.sha256(_paths.shipped(name).read_bytes()).hexdigest() != sha256:
            return Finding(FAIL, f"{name} was changed; restore it")
    return Finding(OK, f"{len(expected)} shipped files present and unchanged")


def check_reader() -> Finding:
    """Read ten digits that ship, with the weights that ship."""
    answers, problem = _probes.run("read_digits")
    if problem or answers != ["0123456789"]:
        return Finding(FAIL, problem or f"expected to read 0123456789, got {answers}; restore data/, or {REMEDY}")
    return Finding(OK, "reads the digits that ship")


def check_kernel() -> Finding:
    """Start the kernel that notebooks name, and compare its Python and its `hcr_lib` with this terminal's."""
    where = next((lesson.parent for lesson in lab.lessons(lab.CHECKOUT)), tempfile.gettempdir())
    asked = ("1 + 1", "__import__('sys').prefix", "__import__('hcr_lib').__path__[0]")
    answers, problem = _probes.run("ask_kernel", str(where), *asked)
    if problem or answers[0] != 2:
        return Finding(FAIL, f"{problem or answers}; {REMEDY}")
    _, prefix, library = map(str, answers)
    here = str(Path(__file__).parents[1])
    if os.path.realpath(prefix) != os.path.realpath(sys.prefix):
        remedy = "remove the other python3 of: python -m jupyter kernelspec list"
        return Finding(FAIL, f"this terminal uses the Python of {sys.prefix}, notebooks that of {prefix}; {remedy}")
    if os.path.realpath(library) != os.path.realpath(here):
        return Finding(FAIL, f"this terminal uses {here}, notebooks {library}; {REMEDY}")
    return Finding(OK, "starts, adds 1 and 1, and uses the hcr_lib of this terminal")


def check_notebooks() -> Finding:
    """Look for every lesson and its solution, whatever their number, and see that they are notebooks."""
    folder = lab.course_folder()
    lessons, solutions = lab.lessons(folder), lab.lessons(folder, "notebooks/solutions")
    if single := {path.name for path in lessons} ^ {path.name for path in solutions}:
        return Finding(FAIL, f"{', '.join(sorted(single))}: lesson or solution is missing; restore it")
    for path in lessons + solutions:
        try:
            json.loads(path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError, TypeError) as error:
            return Finding(FAIL, f"{path} is no notebook ({error}); restore it")
    return Finding(OK, f"{len(lessons)} lessons with solutions in {folder / 'notebooks'}")


def check_real_data() -> Finding:
    """List what real handwriting was fetched; the course does not need any."""
    folder = _paths.user_data_dir()
    files = sorted(path.name for path in folder.iterdir() if path.is_file()) if folder.is_dir() else []
    if files:
        return Finding(OK, f"{len(files)} files in {folder}: {', '.join(files[:8])}")
    return Finding(NOTE, f"none in {folder}; not needed, the course runs on what ships with it")


def check_disk() -> Finding:
    """Check that there is room for fetched data and checkpoints."""
    cache = _paths.user_data_dir().absolute()
    folder = next(path for path in (cache, *cache.parents) if path.exists())  # the cache is made on first use
    free = shutil.disk_usage(folder).free / 1e9
    if free < FREE_DISK_GB:
        return Finding(NOTE, f"{free:.1f} GB free at {folder}; EMNIST and checkpoints want {FREE_DISK_GB} GB")
    return Finding(OK, f"{free:.0f} GB free")


#: The names that a failing check gives to its line and to the code at the end.
CHECKS: dict[str, Callable[[], Finding]] = {
    "python": check_python, "packages": check_packages, "imports": check_imports, "files": check_shipped_files,
    "reader": check_reader, "kernel": check_kernel, "notebooks": check_notebooks, "data": check_real_data,
    "disk": check_disk,
}  # fmt: skip


def shipped_files() -> dict[str, str]:
    """Return name -> SHA-256 of what ships in ``data/``, as its ``manifest.toml`` gives it."""
    files = _read_toml(_paths.shipped("manifest.toml"))["files"]
    return {name: entry["sha256"] for name, entry in files.items()}


def installed_version(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def code(failed: Iterable[str]) -> str:
    """Return what a teacher collects: OK or the failing checks, then four digits of the system and the main versions.

    Two computers with the same digits have the same system, Python and main packages.
    """
    main = ("anywidget", "jupyterlab", "keras", "numpy", "tensorflow")
    facts = [__version__, sysconfig.get_platform(), platform.python_version(), *map(installed_version, main)]
    return f"HCR-{'-'.join(failed).upper() or 'OK'}-{zlib.crc32(repr(facts).encode()) & 0xFFFF:04X}"


def run(_options: argparse.Namespace) -> int:
    """Print one line a check, then a code for the teacher; return 1 if something must be repaired."""
    failed = []
    for name, check in CHECKS.items():
        try:
            status, message = check()
        except Exception as error:  # whatever stops a check on this machine is its finding
            status, message = FAIL, f"{error}" if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        print(f"{status:<5} {name}: {' '.join(message.split())}", flush=True)
        failed += [name] * (status == FAIL)
        if failed == ["python"]:
            break  # nothing below would tell more
    print(f"To repair: {', '.join(failed)}. Send these lines to your teacher." if failed else "Ready.")
    print(f"Code for your teacher: {code(failed)}")
    return 1 if failed else 0


def _project() -> dict[str, Any]:
    """Return what the package requires: pyproject.toml of a checkout is newer than what was installed from it."""
    file = lab.CHECKOUT / "pyproject.toml"
    if file.is_file():
        return _read_toml(file)["project"]
    installed = importlib.metadata.metadata(DISTRIBUTION)
    needed = [line for line in installed.get_all("Requires-Dist", []) if "extra ==" not in line]
    return {"requires-python": installed["Requires-Python"], "dependencies": needed}


def _read_toml(path: Path) -> dict[str, Any]:
    import tomllib  # new in Python 3.11; an older one gets a line of the report

    return tomllib.loads(path.read_text(encoding="utf-8"))


def _unfit(lines: Iterable[str]) -> list[str]:
    """Return the requirements, of those that hold on this system, that what is installed does not meet."""
    from packaging.requirements import Requirement

    needs = [need for need in map(Requirement, lines) if need.marker is None or need.marker.evaluate()]
    found = [(need, installed_version(need.name)) for need in needs]
    wrong = [pair for pair in found if pair[1] is None or not pair[0].specifier.contains(pair[1], prereleases=True)]
    return [f"{need.name} {version or 'is missing'} (expected {need.specifier})" for need, version in wrong]
