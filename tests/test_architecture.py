"""The imports of hcr_lib point one way only; the table below is the architecture."""

import ast
import functools
import graphlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = ROOT / "hcr_lib"

# A module or package may import from the layers above its own line, and sideways only as named.
LAYERS = [
    {"_quiet"},
    {"_validate", "_paths", "_tf"},
    {"labels", "masks", "records"},
    {"images", "pen", "metrics", "ctc", "networks", "language"},
    {"datasets", "augment"},
    {"handwriting", "training", "segment"},
    {"decode", "line_decoding", "baselines", "plots", "page"},
    {"line_reader"},
    {"recognizer"},
    {"adaptation"},
    {"widgets", "checks", "cli"},
    {"__main__"},
]
SIDEWAYS = {("cli", "widgets")}  # `python -m hcr_lib pad` reads as the pads do
RESEARCH = "research"  # what maintainers run: it may import anything, and nothing imports it
MOST_LINES = 16_430  # of the library without research, and without the exercises, which grow with the lessons. The
# language, the search of lines and the line reader took one thousand, the page, masks and word pairs another; columns,
# words crossed out and what is refused took two hundred, the pads' engine, what they offer and the
# drawing game seven hundred, lesson 05 one hundred and fifty, the pad as a page of its own two hundred,
# the demo of the decoding ladder eighty, the imports of files that hold one subject each one hundred and fifty,
# what the demos let one try (a training that can be watched and stopped, one's own pictures and numbers) and say of
# themselves three hundred, and adapting the reader to a hand and judging it by own pictures the last three hundred.

# Modules that need TensorFlow at once; others may import these only inside functions, so that their import is fast.
USES_TENSORFLOW = {"_tf", "augment", "networks.models", "training"}

LAYER_OF = {module: number for number, layer in enumerate(LAYERS) for module in layer}
FILES = sorted(LIBRARY.rglob("*.py"))


def dotted(path: Path) -> str:
    """Return the name of a file's module, without ``hcr_lib.``: "datasets._files", "images", "" for the package."""
    parts = path.relative_to(LIBRARY).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in FILES}
LIBRARY_MODULES = [name for name in MODULES if name and name.split(".")[0] != RESEARCH]


@functools.cache  # every test asks for every file
def imports(path: Path, *, top_level: bool = False) -> list[tuple[ast.AST, str]]:
    """Return every import of one file as (node, dotted name); imports for type checkers alone do not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found = []
    for node in tree.body if top_level else ast.walk(tree):
        if node in for_types:
            continue
        if isinstance(node, ast.Import):
            found += [(node, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path}:{node.lineno}: write `from hcr_lib import x`"
            found += [(node, f"{node.module}.{alias.name}") for alias in node.names]
    return found


def own_imports(name: str, *, top_level: bool = False) -> set[str]:
    """Return the modules of the library that a module imports."""
    found = set()
    for _, target in imports(MODULES[name], top_level=top_level):
        package, _, inner = target.partition(".")
        if package == LIBRARY.name:
            found.add(inner if inner in MODULES else inner.rpartition(".")[0])
    return found - {name, ""}


def room(name: str) -> str:
    """Return the module or package of the table that a module belongs to."""
    return name.split(".")[0]


def test_every_module_has_its_place():
    assert sorted({room(name) for name in LIBRARY_MODULES} - LAYER_OF.keys()) == [], "say in LAYERS where these belong"
    assert sorted(LAYER_OF.keys() - {room(name) for name in LIBRARY_MODULES}) == [], "these are gone"


@pytest.mark.parametrize("name", LIBRARY_MODULES)
def test_imports_point_one_way(name):
    for used in map(room, own_imports(name)):
        assert used != RESEARCH, f"{name} imports what maintainers run"
        lower = used == room(name) or LAYER_OF[used] < LAYER_OF[room(name)]
        assert lower or (room(name), used) in SIDEWAYS, f"{name} may not import {used}"


def test_no_import_goes_in_a_circle():
    graph = {name: own_imports(name) - {room(name)} for name in MODULES}
    graphlib.TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_no_notebook_imports_what_maintainers_run():
    for path in (ROOT / "notebooks").rglob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        imported = [line for line in code.splitlines() if "import" in line and RESEARCH in line]
        assert imported == [], path.name


def test_the_library_stays_small():
    names = [name for name in LIBRARY_MODULES if name.split(".")[0] != "checks"]
    lines = sum(len(MODULES[name].read_text(encoding="utf-8").splitlines()) for name in names)
    assert lines <= MOST_LINES


@pytest.mark.parametrize("name", MODULES)
def test_imports_are_explicit(name):
    for node, target in imports(MODULES[name]):
        assert not target.endswith(".*"), f"{name}:{node.lineno} is a star import"
        plain = isinstance(node, ast.Import) and target.startswith(f"{LIBRARY.name}.")
        assert not plain, f"{name}:{node.lineno}: write `from hcr_lib import x`"


@pytest.mark.parametrize("name", MODULES)
def test_tensorflow_comes_through_one_quiet_door(name):
    for node, target in imports(MODULES[name]):
        if target.split(".")[0] in ("tensorflow", "keras"):
            assert name == "_tf", f"{name}:{node.lineno}: write `from hcr_lib._tf import keras, tf`"


@pytest.mark.parametrize("name", LIBRARY_MODULES)
def test_networks_are_imported_where_they_are_used(name):
    """At the top of a module they would make everybody wait who imports it; inside a function they do not."""
    if name not in USES_TENSORFLOW and room(name) not in USES_TENSORFLOW:
        at_once = {used for used in own_imports(name, top_level=True) if {used, room(used)} & USES_TENSORFLOW}
        assert not at_once, f"{name}: move the import of {', '.join(at_once)} into the function"


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
    names = [name for name in LIBRARY_MODULES if not {name, room(name)} & USES_TENSORFLOW]
    answer = subprocess.run([sys.executable, "-c", PROGRAM, *names], capture_output=True, text=True, check=False)
    assert (answer.stdout.strip(), answer.stderr) == ("[] True", "")
