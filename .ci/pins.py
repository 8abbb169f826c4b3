"""Write requirements.txt, requirements-test.txt and environment.yml anew from pyproject.toml.

Run ``python .ci/pins.py`` after a change of the dependencies, and with ``--upgrade`` to move to today's versions; it
needs the network and ``uv`` (``pip install uv``). Then install, run the tests, and commit the files together.
``python .ci/pins.py --wheels`` changes nothing, and lists for which systems and Pythons every pin has a wheel.
"""

import argparse
import os
import re
import subprocess
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CONDA_PYTHON = "3.11"
PYTHONS = ("3.11", "3.12", "3.13")
PLATFORMS = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux arm64": "aarch64-manylinux_2_28",
    "Windows x64": "x86_64-pc-windows-msvc",
    "macOS arm64": "aarch64-apple-darwin",
    "macOS x86-64": "x86_64-apple-darwin",
    "Windows arm64": "aarch64-pc-windows-msvc",
    "Linux x86-64, musl": "x86_64-unknown-linux-musl",
}
LEARNERS, TESTS = "requirements.txt", "requirements-test.txt"
HEADER = "# Written by .ci/pins.py from pyproject.toml: exact versions of everything, every platform. Do not edit."


def direct_dependencies(pyproject: str, *extras: str) -> dict[str, tuple[Requirement, str]]:
    """Return name -> (requirement, reason) of the dependencies in pyproject.toml, or of those of `extras`.

    TOML readers drop comments, so the reason behind each line is read from the text itself.
    """
    project = tomllib.loads(pyproject)["project"]
    lines = [line for extra in extras for line in project["optional-dependencies"][extra]]
    found = {}
    for line in lines if extras else project["dependencies"]:
        match = re.search(rf'^ *"{re.escape(line)}", *# *(.+)$', pyproject, re.MULTILINE)
        requirement = Requirement(line)
        found[canonicalize_name(requirement.name)] = (requirement, match[1].strip() if match else "")
    return found


def entries(requirements: str) -> Iterator[tuple[Requirement, str]]:
    """Yield (requirement, text) of each pin in a file of them; the text includes the comments that follow it."""
    for entry in re.findall(r"^[\w.-]+==.*\n(?: +#.*\n)*", requirements, re.MULTILINE):
        yield Requirement(entry.partition("#")[0].strip()), entry


def pins(requirements: str) -> list[Requirement]:
    """Return the pinned requirements in the text of a requirements file."""
    return [pin for pin, _ in entries(requirements)]


def pin_for(name: str, pinned: list[Requirement], python: str = CONDA_PYTHON) -> Requirement:
    """Return the one pin of `name` that counts under `python`."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    fitting = [
        pin
        for pin in pinned
        if canonicalize_name(pin.name) == name and (pin.marker is None or pin.marker.evaluate(environment))
    ]
    (pin,) = fitting
    return pin


def environment_yml(direct: dict[str, tuple[Requirement, str]], pinned: list[Requirement]) -> str:
    """Return the text of environment.yml: the direct pins with their reasons, then all the others by reference."""
    specs = {name: f"{name}{pin_for(name, pinned).specifier}" for name in sorted(direct)}
    width = max(map(len, specs.values()))
    lines = [
        "# Written by .ci/pins.py from pyproject.toml and requirements.txt. Do not edit.",
        "# Run `conda env create -f environment.yml` in the folder of the course.",
        "name: handwriting-course",
        "channels: [conda-forge, nodefaults]",
        "dependencies:",
        f"  - python={CONDA_PYTHON}  # every pin has a wheel for it on Linux, Windows and Macs with Apple silicon",
        "  - pip  # TensorFlow and Keras are released there first; one installer keeps one set of versions",
        "  - pip:",
        *(f"      - {spec:<{width}}  # {direct[name][1]}" for name, spec in specs.items()),
        f"      - {'-r requirements.txt':<{width}}  # what those bring with them, pinned as well",
        f"      - {'-e .':<{width}}  # the course's own package, hcr_lib",
    ]
    return "\n".join(lines) + "\n"


def compile_pins(folder: Path, output: str, *options: str) -> str:
    """Resolve the pyproject.toml of `folder` for every system; pins that `output` holds already are preferred."""
    command = ["uv", "pip", "compile", "--universal", "--python-version", CONDA_PYTHON, "--no-header", "--quiet"]
    subprocess.run([*command, *options, "pyproject.toml", "--output-file", output], cwd=folder, check=True)
    return (folder / output).read_text(encoding="utf-8")


def resolve(pyproject: str, learners: str = "", tests: str = "") -> tuple[str, str]:
    """Return the texts of requirements.txt and of requirements-test.txt, which keep to the pins given where they can.

    What learners need is resolved first, and the test tools must fit it.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(pyproject, encoding="utf-8")
        (folder / LEARNERS).write_text(learners, encoding="utf-8")
        (folder / "all.txt").write_text(learners + tests.replace(f"-r {LEARNERS}\n", ""), encoding="utf-8")
        learners = compile_pins(folder, LEARNERS)
        everything = compile_pins(folder, "all.txt", "--all-extras", "--constraints", LEARNERS)
    known = set(map(str, pins(learners)))
    added = "".join(text for pin, text in entries(everything) if str(pin) not in known)
    return f"{HEADER}\n{learners}", f"{HEADER}\n-r {LEARNERS}\n{added}"


def has_wheels(requirements: str, platform: str, python: str) -> str | None:
    """Return None if every pin of a file has a wheel for a system and a Python, else uv's reason."""
    options = ["--python-platform", platform, "--python-version", python, "--only-binary", ":all:", "--quiet"]
    command = ["uv", "pip", "compile", *options, requirements, "--output-file", os.devnull]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return " ".join(done.stderr.split())[:150] if done.returncode else None


def main() -> None:
    """Resolve and write the three files, or look for wheels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--upgrade", action="store_true", help="move to today's versions")
    parser.add_argument("--wheels", action="store_true", help="list what has wheels, write nothing")
    options = parser.parse_args()
    if options.wheels:
        for system, platform in PLATFORMS.items():
            for python in PYTHONS:
                print(f"{system}, Python {python}: {has_wheels(LEARNERS, platform, python) or 'every pin'}", flush=True)
        return
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    present = [] if options.upgrade else [(ROOT / name).read_text(encoding="utf-8") for name in (LEARNERS, TESTS)]
    learners, tests = resolve(pyproject, *present)
    environment = environment_yml(direct_dependencies(pyproject), pins(learners))
    for name, text in ((LEARNERS, learners), (TESTS, tests), ("environment.yml", environment)):
        (ROOT / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
