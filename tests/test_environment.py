"""pyproject.toml, requirements.txt, environment.yml, the README and .ci/run must tell the same story."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[1]
PYTHONS = ["3.11", "3.12", "3.13"]

sys.path.insert(0, str(ROOT / ".ci"))
import pins  # noqa: E402  (a script, not a part of the package)


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def direct() -> dict:
    return pins.direct_dependencies(text("pyproject.toml"))


@pytest.fixture(scope="module")
def pinned() -> list[Requirement]:
    return pins.pins(text("requirements.txt"))


@pytest.fixture(scope="module")
def conda_pip() -> list[str]:
    """The entries of environment.yml's pip part."""
    *_, last = yaml.safe_load(text("environment.yml"))["dependencies"]
    return last["pip"]


def test_every_direct_dependency_gives_one_reason(direct):
    assert [name for name, (_, reason) in direct.items() if not reason] == []


@pytest.mark.parametrize(("folder", "extras"), [("hcr_lib", []), ("tests", ["test"]), (".ci", ["test"])])
def test_what_is_imported_is_declared(folder, extras):
    """A package that only comes along with another one may be gone with that one's next version."""
    project = tomllib.loads(text("pyproject.toml"))["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    declared = {canonicalize_name(Requirement(line).name) for line in lines}
    own = {"hcr_lib"} | {path.stem for name in ("tests", ".ci") for path in (ROOT / name).glob("*.py")}
    imported = {name for path in (ROOT / folder).rglob("*.py") for name in top_level_imports(path)}
    distributions = packages_distributions()
    undeclared = {
        name
        for name in imported - own - sys.stdlib_module_names
        if not declared & {canonicalize_name(distribution) for distribution in distributions.get(name, [])}
    }
    assert undeclared == set()


def top_level_imports(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_others = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    return {name.split(".")[0] for name in plain | from_others}


def test_requirements_holds_exact_versions_and_nothing_else(pinned):
    assert [str(pin) for pin in pinned if not re.fullmatch(r"==[^*,]+", str(pin.specifier)) or pin.url] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_pins_satisfy_pyproject_under_every_python(direct, pinned, python):
    for name, (requirement, _) in direct.items():
        pin = pins.pin_for(name, pinned, python)
        (version,) = (specifier.version for specifier in pin.specifier)
        assert requirement.specifier.contains(version), f"{pin} breaks {requirement} under Python {python}"


def test_pythons_named_are_those_that_are_supported():
    requires = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"]
    supported = Requirement(f"python{requires}").specifier
    assert [f"3.{minor}" for minor in range(8, 20) if f"3.{minor}" in supported] == PYTHONS


def test_environment_yml_is_what_the_other_two_files_make_of_it(direct, pinned):
    assert text("environment.yml") == pins.environment_yml(direct, pinned), "run python .ci/pins.py"


def test_conda_installs_the_same_pins(direct, pinned, conda_pip):
    assert conda_pip[-2:] == ["-r requirements.txt", "-e ."]
    named = {canonicalize_name(Requirement(line).name): Requirement(line) for line in conda_pip[:-2]}
    assert named.keys() == direct.keys()
    for name, requirement in named.items():
        assert requirement.specifier == pins.pin_for(name, pinned).specifier


@pytest.mark.parametrize("name", ["pyproject.toml", "requirements.txt", "environment.yml", "README.md", ".ci/run"])
def test_no_package_index_and_no_path_of_a_machine_is_named(name):
    forbidden = r"index-url|find-links|://\S*/simple\b|@ file:|(?<![\w.~])/(home|root|work|Users)/"
    assert re.findall(forbidden, text(name)) == []


def test_this_environment_has_the_pinned_versions(pinned):
    """Other versions may well work; then this test says which ones the course was checked with."""
    differing = []
    for pin in pinned:
        if pin.marker is None or pin.marker.evaluate():
            try:
                if Version(version(pin.name)) not in pin.specifier:
                    differing.append(f"{pin.name} {version(pin.name)}")
            except PackageNotFoundError:
                differing.append(f"{pin.name} is missing")
    if differing:
        pytest.skip(f"not the pinned environment: {', '.join(differing)}")


def readme_commands() -> list[str]:
    """The shell commands of the README's first screen, without the comments among them."""
    first_screen = text("README.md").split("\n## ")[0:3]
    blocks = re.findall(r"```sh\n(.*?)```", "\n## ".join(first_screen), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_the_first_screen_has_the_two_commands_each_complete():
    course, tests = readme_commands()[:2]
    for command in (course, tests):
        assert command.startswith("python3 -m venv .venv && ")
        assert "-r requirements.txt -e ." in command
    assert course.endswith(".venv/bin/python -m hcr_lib lab")
    assert tests.endswith(".venv/bin/python -m pytest --nbval")
    assert text("README.md").index(tests) < 3000, "the two commands belong on the first screen"


def test_ci_runs_the_test_command_of_the_readme():
    printed = subprocess.run(
        ["bash", ".ci/run", "--print-command"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == readme_commands()[1]
