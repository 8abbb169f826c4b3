"""hcr_lib imports point one way only; the table below is the architecture."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[1] / "hcr_lib"

# A module may import from the layers above its own line, and sideways only as named.
LAYERS = [
    {"_validate", "_paths", "_tf", "runtime"},
    {"_manifest", "anatomy", "labels", "records", "weights"},
    {"images", "deskew", "pen", "metrics", "language", "ctc"},
    {"recipe", "datasets", "handwriting", "augment", "models"},
    {"training", "segment", "decode", "legacy"},
    {"recognizer", "plots", "ladder"},
    {"widgets", "checks", "_read", "_ladder", "_lab", "_doctor"},
    {"__main__", "train_reader", "scorecard", "studies"},  # programs: no module below imports them
]
SIDEWAYS = {
    ("handwriting", "datasets"),  # the synthetic writers make a Dataset
    ("decode", "segment"),  # whose candidates it chooses among
    ("studies", "scorecard"),  # whose drawings and pictures it reads
    ("studies", "train_reader"),  # whose mixture of sources it takes apart
    ("_doctor", "_lab"),  # which knows where the notebooks are
}
USES_TENSORFLOW = {"_tf", "augment", "legacy", "models", "training"}
USES_TENSORFLOW_LAZILY = {
    "ladder",
    "studies",
    "train_reader",
    "widgets",
}  # inside functions: importing them stays instant

LAYER_OF = {module: number for number, layer in enumerate(LAYERS) for module in layer}


def modules() -> dict[str, list[Path]]:
    """Name -> source files; a package such as datasets/ counts as one module."""
    found = {path.stem: [path] for path in LIBRARY.glob("*.py") if path.stem != "__init__"}
    for package in LIBRARY.glob("*/__init__.py"):
        found[package.parent.name] = sorted(package.parent.rglob("*.py"))
    return found


MODULES = modules()


def imports(path: Path) -> Iterator[tuple[ast.AST, str]]:
    """Every import of one file as (node, absolute dotted name); imports for type checkers alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    package = [LIBRARY.name, *path.relative_to(LIBRARY).parent.parts]
    for node in ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            start = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node, f"{start}.{alias.name}") for alias in node.names)


def imported_modules(name: str) -> set[str]:
    """The other modules of the library that `name` imports."""
    dotted = (target.split(".") for path in MODULES[name] for _, target in imports(path))
    return {parts[1] for parts in dotted if parts[0] == LIBRARY.name and parts[1] in MODULES} - {name}


def test_every_module_has_its_place():
    assert sorted(MODULES.keys() - LAYER_OF.keys()) == [], "say in LAYERS where these belong"


@pytest.mark.parametrize("name", MODULES)
def test_imports_point_one_way(name):
    for used in imported_modules(name):
        lower = LAYER_OF[used] < LAYER_OF[name]
        assert lower or (name, used) in SIDEWAYS, f"{name} may not import {used}"


@pytest.mark.parametrize("name", MODULES)
def test_imports_are_explicit(name):
    for path in MODULES[name]:
        for node, target in imports(path):
            assert not target.endswith(".*"), f"{path.name}:{node.lineno} is a star import"
            plain = isinstance(node, ast.Import) and target.startswith(f"{LIBRARY.name}.")
            assert not plain, f"{path.name}:{node.lineno}: write `from hcr_lib import x`"


@pytest.mark.parametrize("name", MODULES)
def test_tensorflow_comes_through_one_quiet_door(name):
    for path in MODULES[name]:
        named = [node for node, target in imports(path) if target.split(".")[0] in ("tensorflow", "keras")]
        assert not named or name == "_tf", f"{path.name}: write `from hcr_lib._tf import keras, tf`"


@pytest.mark.parametrize("name", sorted(MODULES.keys() - USES_TENSORFLOW))
def test_networks_are_imported_where_they_are_used(name):
    """At the top of a module they would make everybody wait who imports it; inside a function they do not."""
    for path in MODULES[name]:
        top_level = {node.lineno for node in ast.parse(path.read_text(encoding="utf-8")).body}
        for node, target in imports(path):
            if set(target.split(".")[1:2]) & USES_TENSORFLOW and target.startswith(f"{LIBRARY.name}."):
                assert name in USES_TENSORFLOW_LAZILY, f"{path.name} uses a network"
                assert node.lineno not in top_level, f"{path.name}:{node.lineno}: move this import into the function"


PROGRAM = """
import importlib, os, random, sys
import matplotlib, numpy

def state():
    return numpy.random.get_state()[1].tolist(), random.getstate(), dict(matplotlib.rcParams), dict(os.environ)

before = state()
for name in sys.argv[1:]:
    importlib.import_module(f"hcr_lib.{name}")
print(sorted({"tensorflow", "keras"} & sys.modules.keys()), state() == before)
"""


def test_importing_neither_waits_for_tensorflow_nor_changes_anything():
    names = [name for name in MODULES if name not in USES_TENSORFLOW]
    answer = subprocess.run([sys.executable, "-c", PROGRAM, *names], capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("[] True", "")
