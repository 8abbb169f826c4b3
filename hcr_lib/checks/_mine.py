"""What a learner wrote, kept in ``mine.py`` of their course folder, so that later lessons can use it."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

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

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    path = file()
    if path is None:
        return None
    try:
        source = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError):
        return "its source is not in this notebook"
    if not source.startswith(f"def {function.__name__}("):
        return f"write it as a function that begins with def {name}("
    if function.__name__ != name:
        source += f"\n\n\n{name} = {function.__name__}"
    kept = sections(path)
    kept[exercise_id] = source + "\n"
    text = path.read_text(encoding="utf-8")
    head = text[: first.start()] if (first := _SECTION.search(text)) else text
    parts = [f"# %% {name}\n{kept[name]}" for name in sorted(kept)]
    replace_whole(path, "\n\n".join([head.rstrip() + "\n", *parts]).encode())
    return None


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
    names: dict = {"__name__": "mine"}
    exec(text[: _SECTION.search(text).start()], names)
    for exercise, source in kept.items():
        exec(compile(source, f"{MINE}, exercise {exercise}", "exec"), names)
        if exercise == exercise_id:
            return names[name]
    return None
