"""Feedback on the exercises: ``check("03.2", answer)``.

The exercises of lesson ``n`` are in ``_lesson0n.py``, a file found by its name, keyed by their number in the notebook::

    EXERCISES = {
        "02.1": Exercise(
            passes=number(4),
            hint="Which row does the average ink sit in, and which row is the middle?",
            slips={
                -4: "Right distance, wrong way: row 0 is the top, so down is positive.",
                9.5: "That is where the ink is now; the question is how far it must move.",
            },
        ),
    }

An answer is a number or a short string; where a learner writes a function, the notebook checks
what it returns for a given input. Each slip is a wrong answer that gives away one misconception.
"""

import importlib
import os
import pkgutil

from hcr_lib._validate import ensure_choice
from hcr_lib.checks._exercise import Answer, Exercise

LESSONS = tuple(
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)  # in alphabetical order
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
    if answer is None:
        verdict = f"{exercise_id}: not answered yet."
    else:
        slip = exercise.judge(answer)
        if slip is None:
            print(f"{exercise_id}: correct.")
            return
        verdict = f"{exercise_id}: not yet. {slip}"
    if os.environ.get("HCR_STRICT") == "1":
        raise AssertionError(verdict)
    print(verdict)
