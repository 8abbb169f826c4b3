"""The learner's own folder: copies of the lessons without outputs, to work in."""

import hashlib
import json
import shutil
from pathlib import Path

from hcr_lib._paths import MINE, replace_whole

FOLDER = "my_course"
NOTEBOOKS = "notebooks"
HEADER = '''"""What I wrote in the course.

A function is kept here when its exercise is passed, and replaced when it is passed again; later lessons use it.
"""

import math

import numpy as np
import pandas as pd
'''


def make(course: Path) -> list[str]:
    """Copy into the learner's folder what it lacks, and never touch what is there.

    Everything of ``notebooks/`` is copied: lessons without outputs, so that no answer stands below its question,
    solutions as they are.

    Parameters
    ----------
    course : Path
        The folder that holds ``notebooks/``.

    Returns
    -------
    list of str
        A sentence for each lesson that has changed since its copy was made.

    Raises
    ------
    OSError
        If the folder cannot be written.
    """
    changed = []
    for inside, path in _files(course).items():
        target = course / FOLDER / inside
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _copy(path, target)
        elif _is_lesson(inside) and _origin_of(target) not in (None, _fingerprint(path)):
            changed.append(
                f"{inside} has changed since your copy was made; "
                f"to put a new one beside it: lab --fresh {inside.with_suffix('').as_posix()}"
            )
    mine = course / FOLDER / MINE
    if not mine.exists():
        replace_whole(mine, HEADER.encode())
    return changed


def fresh(course: Path, lesson: str) -> Path:
    """Put a new copy of a lesson beside the learner's, and return its path.

    Parameters
    ----------
    course : Path
    lesson : str
        Its number or the beginning of its name: ``"03"``, ``"03_cnn"``, ``"extra/03"``.

    Raises
    ------
    ValueError
        If there is no such lesson.
    OSError
        If the folder cannot be written.
    """
    lessons = {inside.with_suffix("").as_posix(): inside for inside in _files(course) if _is_lesson(inside)}
    found = [inside for name, inside in lessons.items() if name.startswith(lesson.removesuffix(".ipynb"))]
    if not lesson or len(found) != 1:
        raise ValueError(f"--fresh needs one lesson; got {lesson!r}. There are: {', '.join(lessons)}.")
    beside = course / FOLDER / found[0]
    number = 2
    while (target := beside.with_stem(f"{beside.stem}_{number}")).exists():
        number += 1
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(course / NOTEBOOKS / found[0], target)
    return target


def _files(course: Path) -> dict[Path, Path]:
    """Return the files of the course's notebooks, by their paths inside that folder; no checkpoints and caches."""
    files = {path.relative_to(course / NOTEBOOKS): path for path in sorted((course / NOTEBOOKS).rglob("*.*"))}
    hidden = (".", "__")
    return {
        inside: path
        for inside, path in files.items()
        if path.is_file() and not any(part.startswith(hidden) for part in inside.parts)
    }


def _is_lesson(inside: Path) -> bool:
    return inside.suffix == ".ipynb" and inside.parts[0] != "solutions"


def _copy(path: Path, target: Path) -> None:
    """Copy a file; a lesson without its outputs, and with a note of what it was made from."""
    if path.suffix != ".ipynb" or path.parent.name == "solutions":
        shutil.copyfile(path, target)
        return
    notebook = json.loads(path.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    notebook["metadata"]["handwriting_course"] = {"made_from": _fingerprint(path)}
    replace_whole(target, (json.dumps(notebook, indent=1, ensure_ascii=False) + "\n").encode())


def _fingerprint(path: Path) -> str:
    """Return a checksum of what a lesson says and asks, whatever came out when it was executed."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return hashlib.sha256(json.dumps([cell["source"] for cell in cells]).encode()).hexdigest()


def _origin_of(copy: Path) -> str | None:
    """Return the checksum of the lesson that a copy was made from; None if people have put another file there."""
    try:
        return json.loads(copy.read_text(encoding="utf-8"))["metadata"]["handwriting_course"]["made_from"]
    except (ValueError, KeyError, TypeError):
        return None
