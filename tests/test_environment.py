"""pyproject.toml, the pins, environment.yml, check_system.py, the README and .ci/run must tell the same story."""

import ast
import functools
import json
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, packages_distributions, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version
from test_architecture import LIBRARY_MODULES, own_imports, room

ROOT = Path(__file__).resolve().parents[1]
LESSONS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))

sys.path[:0] = [str(ROOT), str(ROOT / ".ci")]
import pins  # noqa: E402

import check_system  # noqa: E402  (scripts, not parts of the package)

PYTHONS = pins.PYTHONS
LINUX = {"python": "3.11.7", "system": "linux", "processor": "x86_64", "release": "2.31"}
MAC = {"python": "3.12.1", "system": "darwin", "processor": "arm64", "release": "14.6.1"}
WINDOWS = {"python": "3.13.0", "system": "win32", "processor": "amd64"}


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def direct() -> dict:
    """What learners need."""
    return pins.direct_dependencies(text("pyproject.toml"))


@pytest.fixture(scope="module")
def tools() -> dict:
    """What tests and maintainers need besides."""
    return pins.direct_dependencies(text("pyproject.toml"), "test")


@pytest.fixture(scope="module")
def pinned() -> list[Requirement]:
    return pins.pins(text("requirements.txt"))


@pytest.fixture(scope="module")
def pinned_tools() -> list[Requirement]:
    return pins.pins(text("requirements-test.txt"))


@pytest.fixture(scope="module")
def conda_pip() -> list[str]:
    """The entries of environment.yml's pip part."""
    *_, last = yaml.safe_load(text("environment.yml"))["dependencies"]
    return last["pip"]


def test_every_direct_dependency_gives_one_reason(direct, tools):
    assert [name for name, (_, reason) in (direct | tools).items() if not reason] == []
    assert direct.keys() & tools.keys() == set()


@functools.cache  # two tests ask for the same folders
def imports_of(*folders: str) -> frozenset[str]:
    """Names of the top-level modules that Python files and notebooks below `folders` import."""
    own = {"hcr_lib", "check_system"} | {path.stem for name in ("tests", ".ci") for path in (ROOT / name).glob("*.py")}
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*.py"):
            if folder != "hcr_lib" or "research" not in path.parts:
                found |= top_level_imports(path.read_text(encoding="utf-8"))
        for path in (ROOT / folder).rglob("*.ipynb"):
            for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
                if cell["cell_type"] == "code":
                    found |= top_level_imports("".join(cell["source"]))
    return frozenset(found - own - sys.stdlib_module_names)


@functools.cache
def brought_by() -> dict[str, list[str]]:
    """Return module -> the distributions that bring it, of all that is installed here."""
    return packages_distributions()


def distributions(modules: frozenset[str]) -> dict[str, set[str]]:
    """Return module -> the distributions that bring it."""
    return {module: set(map(canonicalize_name, brought_by().get(module, []))) for module in modules}


@pytest.mark.parametrize(
    ("folders", "for_tests"),
    [(["hcr_lib", "notebooks"], False), (["hcr_lib/research", "tests", ".ci"], True)],
    ids=["learners", "tests"],
)
def test_what_is_imported_is_declared(direct, tools, folders, for_tests):
    """A package that only comes along with another one may be gone with that one's next version."""
    declared = direct | tools if for_tests else direct
    imported = distributions(imports_of(*folders))
    assert {module for module, names in imported.items() if not names & declared.keys()} == set()


def test_what_is_declared_is_used(direct, tools):
    """No learner installs what only maintainers need, and nobody what nothing needs."""
    run_by_name = {"jupyterlab": "hcr_lib/cli/lab.py", "hatchling": "tests/test_wheel.py", "ruff": ".ci/run"}
    run_by_name |= dict.fromkeys(("nbval", "pytest-benchmark", "pytest-xdist"), "pyproject.toml")  # plugins of pytest
    used = {name for name, file in run_by_name.items() if name.removeprefix("pytest-") in text(file)}
    by_learners = set.union(*distributions(imports_of("hcr_lib", "notebooks")).values()) | used
    assert direct.keys() - by_learners == set()
    by_tests = set.union(*distributions(imports_of("hcr_lib/research", "tests", ".ci")).values()) | used
    assert tools.keys() - by_tests == set()


def top_level_imports(code: str) -> set[str]:
    nodes = list(ast.walk(ast.parse(code)))
    plain = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    from_others = {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    calls = (node for node in nodes if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.importorskip")
    where_it_is_there = {call.args[0].value for call in calls}
    return {name.split(".")[0] for name in plain | from_others | where_it_is_there}


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_requirements_hold_exact_versions_and_nothing_else(name):
    lines = [line for line in text(name).splitlines() if line and not line.lstrip().startswith("#")]
    other = [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.+]+( ; .+)?", line)]
    assert other == (["-r requirements.txt"] if "test" in name else [])
    assert len(pins.pins(text(name))) == len(lines) - len(other)


def test_test_tools_keep_to_the_versions_that_learners_have(pinned, pinned_tools):
    learners = {pin.name: set() for pin in pinned}
    for pin in pinned:
        learners[pin.name].add(str(pin.specifier))
    assert [
        str(pin) for pin in pinned_tools if str(pin.specifier) not in learners.get(pin.name, [str(pin.specifier)])
    ] == []


@pytest.mark.parametrize("python", PYTHONS)
def test_pins_satisfy_pyproject_under_every_python(direct, tools, pinned, pinned_tools, python):
    for name, (requirement, _) in (direct | tools).items():
        pin = pins.pin_for(name, pinned if name in direct else pinned + pinned_tools, python)
        (version,) = (specifier.version for specifier in pin.specifier)
        assert requirement.specifier.contains(version), f"{pin} breaks {requirement} under Python {python}"


def test_no_pin_refuses_a_supported_python(pinned, pinned_tools):
    """As pip would, which heeds upper bounds too; uv does not when it resolves."""
    refused = []
    for pin in pinned + pinned_tools:
        for python in PYTHONS:
            try:
                installed = metadata(pin.name)
            except PackageNotFoundError:
                continue
            if pin.marker is None and str(pin.specifier) == f"=={installed['Version']}":
                accepted = SpecifierSet(installed["Requires-Python"] or "")
                refused += [] if accepted.contains(f"{python}.9") else [f"{pin} under {python}: {accepted}"]
    assert refused == []


def test_a_wheel_is_built_with_the_tool_that_is_tested(tools):
    assert tomllib.loads(text("pyproject.toml"))["build-system"]["requires"] == [str(tools["hatchling"][0])]


def test_pythons_named_are_those_that_are_supported():
    requires = tomllib.loads(text("pyproject.toml"))["project"]["requires-python"]
    supported = Requirement(f"python{requires}").specifier
    assert tuple(f"3.{minor}" for minor in range(8, 20) if f"3.{minor}" in supported) == PYTHONS
    assert check_system.PYTHONS == PYTHONS


def test_environment_yml_is_what_the_other_two_files_make_of_it(direct, pinned):
    assert text("environment.yml") == pins.environment_yml(direct, pinned), "run python .ci/pins.py"


def test_conda_installs_the_same_pins(direct, pinned, conda_pip):
    assert conda_pip[-2:] == ["-r requirements.txt", "-e ."]
    named = {canonicalize_name(Requirement(line).name): Requirement(line) for line in conda_pip[:-2]}
    assert named.keys() == direct.keys()
    for name, requirement in named.items():
        assert requirement.specifier == pins.pin_for(name, pinned).specifier


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "requirements.txt", "requirements-test.txt", "environment.yml", "README.md", ".ci/run"],
)
def test_no_package_index_and_no_path_of_a_machine_is_named(name):
    forbidden = r"index-url|find-links|://\S*/simple\b|@ file:|(?<![\w.~])/(home|root|work|Users)/"
    assert re.findall(forbidden, text(name)) == []


def test_this_environment_has_the_pinned_versions(pinned, pinned_tools):
    """CI installs exactly the pins; elsewhere other versions may well work, and this says which ones are tested."""
    differing = []
    for pin in pinned + pinned_tools:
        if pin.marker is None or pin.marker.evaluate():
            try:
                if Version(version(pin.name)) not in pin.specifier:
                    differing.append(f"{pin.name} {version(pin.name)}, not {pin.specifier}")
            except PackageNotFoundError:
                differing.append(f"{pin.name} is missing")
    if differing and not os.environ.get("HCR_REQUIRE_TOOLS"):
        pytest.skip(f"not the pinned environment: {', '.join(differing)}")
    assert differing == []


@pytest.mark.parametrize("here", [LINUX, LINUX | {"processor": "aarch64"}, MAC, WINDOWS])
@pytest.mark.parametrize("python", PYTHONS)
def test_supported_systems_pass(here, python):
    assert check_system.problem(**here | {"python": f"{python}.1"}) is None


@pytest.mark.parametrize(
    ("here", "found", "remedy"),
    [
        (LINUX | {"python": "3.10.13"}, "CPython 3.10.13", "python3.13 for python3"),
        (LINUX | {"python": "3.14.0"}, "CPython 3.14.0", "python3.13 for python3"),
        (WINDOWS | {"python": "3.14.0rc1"}, "CPython 3.14.0rc1", "py -3.13 for py"),
        (LINUX | {"build": "PyPy"}, "PyPy 3.11.7", "CPython 3.11, 3.12 or 3.13"),
        (LINUX | {"build": "free-threaded CPython"}, "free-threaded CPython", "CPython 3.11, 3.12 or 3.13"),
        (MAC | {"processor": "x86_64"}, "Python for Intel Macs", "Rosetta"),
        (MAC | {"release": "11.7"}, "macOS 11.7", "12 or newer"),
        (WINDOWS | {"processor": "arm64"}, "Windows on arm64", "WSL"),
        (WINDOWS | {"processor": "win32", "bits": 32}, "32 bits", "one of 64"),
        (LINUX | {"processor": "armv7l", "bits": 32}, "32 bits", "one of 64"),
        (LINUX | {"processor": "riscv64"}, "Linux on riscv64", "Linux on x86-64 or arm64"),
        (LINUX | {"release": ""}, "without glibc", "Debian"),
        (LINUX | {"release": "2.17"}, "glibc 2.17", "2.28 or newer"),
        (LINUX | {"system": "freebsd14"}, "freebsd14", "another computer"),
    ],
)
def test_other_systems_get_one_sentence_with_what_to_do(here, found, remedy):
    sentence = check_system.problem(**here)
    assert found in sentence
    assert remedy in sentence
    assert "\n" not in sentence
    assert sentence.count(". ") == 0, "one sentence"


def test_the_check_passes_on_the_python_that_runs_the_tests():
    done = subprocess.run([sys.executable, "check_system.py"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_check_stops_a_command_before_it_installs_anything():
    """`facts` made to find an old Python, since no other one can be relied on here."""
    program = "import runpy, platform; platform.python_version = lambda: '3.9.1'; runpy.run_path('{}', run_name='{}')"
    command = [sys.executable, "-c", program.format("check_system.py", "__main__")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("check_system: found CPython 3.9.1, expected CPython 3.11, 3.12 or 3.13")
    assert len(done.stderr.splitlines()) == 1


def test_an_old_python_understands_the_check():
    ast.parse(text("check_system.py"), feature_version=(3, 4))
    assert top_level_imports(text("check_system.py")) == {"platform", "sys", "sysconfig"}


def readme_commands() -> list[str]:
    """The shell commands of the README's first screen, without the comments among them."""
    first_screen = text("README.md").split("\n## ")[0:3]
    blocks = re.findall(r"```sh\n(.*?)```", "\n## ".join(first_screen), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line and not line.startswith("#")]


def test_the_first_screen_has_the_two_commands_each_complete():
    course, tests = readme_commands()[:2]
    for command in (course, tests):
        assert command.startswith("python3 check_system.py && python3 -m venv .venv && ")
    assert "-r requirements.txt -e ." in course
    assert course.endswith(".venv/bin/python -m hcr_lib lab")
    assert "-r requirements-test.txt -e ." in tests
    assert tests.endswith(".venv/bin/python -m pytest --nbval")
    assert text("README.md").index(tests) < 3000, "the two commands belong on the first screen"


def test_ci_runs_the_test_command_of_the_readme():
    printed = subprocess.run(
        ["bash", ".ci/run", "--print-command"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == readme_commands()[1]


def test_the_house_of_the_readme_is_the_one_that_stands():
    """Every module of the library is in one line, and imports only from its own line and those above."""
    (house,) = re.findall(r"^The house in five lines;.*?```\n(.*?)```", text("README.md"), re.DOTALL | re.MULTILINE)
    lines = [set(re.split(r"\s{2,}", line)[1].split(", ")) for line in house.splitlines()]
    assert len(lines) == 5
    line_of = {module: number for number, line in enumerate(lines) for module in line}
    public = {name: room(name) for name in LIBRARY_MODULES if not room(name).startswith("_")}
    assert line_of.keys() == set(public.values())
    assert sum(map(len, lines)) == len(line_of)
    for name, module in public.items():
        used = {room(used) for used in own_imports(name)} & line_of.keys()
        assert [other for other in used if line_of[other] > line_of[module]] == [], name


def test_the_readme_says_where_it_runs():
    assert "| system | " + " | ".join(f"Python {python}" for python in PYTHONS) + " |" in text("README.md")
    for part, least in (("glibc", check_system.GLIBC), ("macOS", check_system.MACOS)):
        assert f"{part} {'.'.join(map(str, least))} or newer" in text("README.md")


def test_the_readme_lists_every_lesson():
    """With its minutes, which `test_notebooks` compares."""
    rows = re.findall(r"^\| \[.*\]\(notebooks/(.*)\) \|.*\| \d+ \|$", text("README.md"), re.MULTILINE)
    assert rows == [path.name for path in LESSONS]
