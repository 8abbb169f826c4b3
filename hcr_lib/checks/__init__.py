"""Feedback on the exercises: ``check("03.2", answer)``.

The exercises of lesson ``n`` are in ``_lesson0n.py``, a file found by its name, keyed by their number in the notebook.
An answer is a number or a short string; where a learner writes a function, the notebook checks what it returns for a
given input. Each slip is a wrong answer that gives away one misconception.
"""

import importlib
import os
import pkgutil

from hcr_lib._validate import ensure_choice
from hcr_lib.checks._exercise import Answer, Exercise

#: In alphabetical order.
LESSONS = tuple(
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
    if module.name.startswith("_lesson")
)
EXERCISES: dict[str, Exercise] = {name: exercise for lesson in LESSONS for name, exercise in lesson.EXERCISES.items()}


def check(exercise_id: str, answer: Answer | None) -> None:
    """Print feedback on `answer`; with ``HCR_STRICT=1`` a miss raises instead.

    Parameters
    ----------
    exercise_id : str
        Lesson and number, such as ``"03.2"``.
    answer : number, str or None
        None stands for "not answered yet".

    Raises
    ------
    AssertionError
        In strict mode, which teachers and tests use, if the answer is missing or wrong.
    ValueError
        If there is no such exercise.
    """
    exercise = EXERCISES[ensure_choice(exercise_id, EXERCISES, name="exercise")]
    slip = None if answer is None else exercise.judge(answer)
    verdict = "not answered yet." if answer is None else f"not yet. {slip}" if slip else "correct."
    if verdict != "correct." and os.environ.get("HCR_STRICT") == "1":
        raise AssertionError(f"{exercise_id}: {verdict}")
    print(f"{exercise_id}: {verdict}")
