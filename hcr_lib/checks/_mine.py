"""What a learner wrote, kept in ``mine.py`` of their course folder, so that later lessons can use it."""

from __future__ import annotations

import dis
import importlib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType

from hcr_lib._paths import MINE, replace_whole

_SECTION = re.compile(r"^# %% (?P<exercise>\d\d\.\d+)\n(?P<source>.*?)(?=^# %% |\Z)", re.MULTILINE | re.DOTALL)


def file() -> Path | None:
    """Return ``mine.py`` of the course folder that this notebook lies in; None where there is none.

    `python -m hcr_lib lab` makes it beside the working copies; some of these lie one folder further down.
    """
    candidates = [folder / MINE for folder in (Path.cwd(), Path.cwd().parent)]
    return next((path for path in candidates if path.is_file()), None)


def keep(exercise_id: str, function: Callable, name: str) -> str | None:
    """Keep a function that passed under its name in the lesson, and return why it could not be kept, or None.

    What it uses of its notebook is written above it: imports, and functions that stand in other cells.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = file()
    if path is None:
        return None
    kept, text = sections(path), path.read_text(encoding="utf-8")
    head = text[: first.start()] if (first := _SECTION.search(text)) else text
    before = "\n".join([head, *(kept[one] for one in kept if one < exercise_id)])
    try:
        source = textwrap.dedent(inspect.getsource(function)).strip()
        imports, functions = _needs(function, before, {function.__name__, name})
    except (OSError, TypeError):
        return "its source is not in this notebook"
    if not source.startswith(f"def {function.__name__}("):
        return f"write it as a function that begins with def {name}("
    if function.__name__ != name:
        source += f"\n\n\n{name} = {function.__name__}"
    kept[exercise_id] = "\n\n\n".join(["\n".join(imports), *functions, source]).lstrip() + "\n"
    parts = [f"# %% {name}\n{kept[name]}" for name in sorted(kept)]
    replace_whole(path, "\n\n".join([head.rstrip() + "\n", *parts]).encode())
    return None


def _needs(function: Callable, before: str, seen: set[str]) -> tuple[list[str], list[str]]:
    """Return the imports that a function needs, and the sources of functions of its own notebook that it calls.

    What stands in `before` is left out, and so are the names in `seen`, to which the others are added.
    """
    imports, functions = [], []
    for name in _global_names(function.__code__):
        value = function.__globals__.get(name)
        if name in seen or not isinstance(original := getattr(value, "__name__", None), str):
            continue
        seen.add(name)
        if inspect.isfunction(value) and value.__module__ == function.__module__:
            if not re.search(rf"^(def {name}\(|{name} = )", before, re.MULTILINE):
                further = _needs(value, before, seen)
                imports += further[0]
                functions += [*further[1], textwrap.dedent(inspect.getsource(value)).strip()]
            continue
        line = f"import {original}" if inspect.ismodule(value) else f"from {value.__module__} import {original}"
        line += "" if name == original else f" as {name}"
        if line not in before:
            imports.append(line)
    return imports, functions


def _global_names(code: CodeType) -> Iterator[str]:
    """Yield the global names that a piece of code reads, and the functions and comprehensions inside it."""
    yield from (each.argval for each in dis.get_instructions(code) if each.opname == "LOAD_GLOBAL")
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _global_names(constant)


def sections(path: Path) -> dict[str, str]:
    """Return the source of every exercise in the file."""
    found = _SECTION.finditer(path.read_text(encoding="utf-8"))
    return {match["exercise"]: match["source"].rstrip() + "\n" for match in found}


def recall(exercise_id: str, name: str) -> Callable | None:
    """Return a function that was kept, or None.

    What was kept before it, by number, is there for it to call.

    Raises
    ------
    Exception
        Whatever the file raises: people may edit it.
    """
    path = file()
    if path is None or exercise_id not in (kept := sections(path)):
        return None
    text = path.read_text(encoding="utf-8")
    if "import keras" in text:
        importlib.import_module("hcr_lib._tf")  # starts TensorFlow quietly, which keras alone does not
    names: dict = {"__name__": "mine"}
    exec(text[: _SECTION.search(text).start()], names)
    for exercise, source in kept.items():
        exec(compile(source, f"{MINE}, exercise {exercise}", "exec"), names)
        if exercise == exercise_id:
            return names[name]
    return None
