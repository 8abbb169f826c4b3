"""Write requirements.txt and environment.yml anew from pyproject.toml.

Run ``python .ci/pins.py`` after a change of the dependencies, or to move to today's versions; it needs the
network and ``uv`` (``pip install uv``). Then install, run the tests, and commit the three files together.
"""

import re
import subprocess
import tempfile
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
CONDA_PYTHON = "3.11"
HEADER = "# Written by .ci/pins.py from pyproject.toml: exact versions of everything, every platform. Do not edit."


def direct_dependencies(pyproject: str) -> dict[str, tuple[Requirement, str]]:
    """Return name -> (requirement, reason) of every line of pyproject.toml that names a dependency.

    TOML readers drop comments, so the reason behind each line is read from the text itself.
    """
    project = tomllib.loads(pyproject)["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    found = {}
    for line in lines:
        match = re.search(rf'^ *"{re.escape(line)}", *# *(.+)$', pyproject, re.MULTILINE)
        requirement = Requirement(line)
        found[canonicalize_name(requirement.name)] = (requirement, match[1].strip() if match else "")
    return found


def pins(requirements: str) -> list[Requirement]:
    """Return the pinned requirements in the text of requirements.txt."""
    lines = (line.split(" #")[0].strip() for line in requirements.splitlines())
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


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


def main() -> None:
    """Resolve, then write both files."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "pins.txt"
        command = ["uv", "pip", "compile", "--universal", "--python-version", CONDA_PYTHON, "--all-extras"]
        command += ["--no-header", "--quiet", "pyproject.toml", "--output-file", str(output)]
        subprocess.run(command, cwd=ROOT, check=True)
        requirements = f"{HEADER}\n{output.read_text(encoding='utf-8')}"
    direct = direct_dependencies((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (ROOT / "requirements.txt").write_text(requirements, encoding="utf-8")
    (ROOT / "environment.yml").write_text(environment_yml(direct, pins(requirements)), encoding="utf-8")


if __name__ == "__main__":
    main()
