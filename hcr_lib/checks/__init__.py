"""Feedback on the exercises: ``check("03.2", answer)``.

The exercises of lesson ``n`` are in ``_lesson0n.py``, a file found by its name, keyed by their number in the notebook.
An answer is a number, a short string, or a function that the learner wrote. Each slip is a wrong answer that gives away
one misconception.
"""

import importlib
import os
import pkgutil
from collections.abc import Callable

from hcr_lib._paths import MINE
from hcr_lib._validate import ensure_choice
from hcr_lib.checks import _mine
from hcr_lib.checks._exercise import Answer, Exercise
from hcr_lib.checks._function import FunctionExercise
from hcr_lib.checks._guesses import came_out, guess, guesses

__all__ = ["EXERCISES", "LESSONS", "came_out", "check", "guess", "guesses", "mine"]

#: In alphabetical order.
LESSONS = tuple(
    importlib.import_module(f"{__name__}.{module.name}")
    for module in pkgutil.iter_modules(__path__)
    if module.name.startswith("_lesson")
)
EXERCISES: dict[str, Exercise | FunctionExercise] = {
    name: exercise for lesson in LESSONS for name, exercise in lesson.EXERCISES.items()
}


def check(exercise_id: str, answer: Answer | Callable | None) -> Callable | None:
    """Print feedback on `answer`; with ``HCR_STRICT=1`` a miss raises instead.

    Parameters
    ----------
    exercise_id : str
        Lesson and number, such as ``"03.2"``.
    answer : number, str, function or None
        None, or a function that gives back None, stands for "not answered yet".

    Returns
    -------
    callable or None
        Where a function was asked for: the learner's if it is right, else the course's own, so that the lesson can go
        on. What passes is kept in ``mine.py`` of the learner's course folder, if there is one: see `mine`.

    Raises
    ------
    AssertionError
        In strict mode, which teachers and tests use, if the answer is missing or wrong.
    ValueError
        If there is no such exercise.
    """
    exercise = EXERCISES[ensure_choice(exercise_id, EXERCISES, name="exercise")]
    wants_function = isinstance(exercise, FunctionExercise)
    if answer is None or (wants_function and exercise.is_gap(answer)):
        verdict = "not answered yet."
    else:
        slip = exercise.assess(answer)
        verdict = f"not yet. {slip}" if slip else "correct."
    right = verdict == "correct."
    if not right and os.environ.get("HCR_STRICT") == "1":
        raise AssertionError(f"{exercise_id}: {verdict}")
    print(f"{exercise_id}: {verdict}")
    if not wants_function:
        return None
    if not right:
        print(f"Until it passes, the lesson goes on with the course's own {exercise.name}.")
        return exercise.solution
    if answer is not exercise.solution and (reason := _mine.keep(exercise_id, answer, exercise.name)):
        print(f"It is not kept in {MINE}: {reason}.")
    return answer


def mine(exercise_id: str) -> Callable:
    """Return the function that the learner wrote for an exercise, from ``mine.py``, and else the course's own.

    Parameters
    ----------
    exercise_id : str
        Lesson and number, such as ``"02.5"``.

    Raises
    ------
    ValueError
        If there is no such exercise, or its answer is no function.
    """
    functions = {name: exercise for name, exercise in EXERCISES.items() if isinstance(exercise, FunctionExercise)}
    exercise = functions[ensure_choice(exercise_id, functions, name="exercise")]
    try:
        function = _mine.recall(exercise_id, exercise.name)
        fault = "it is not written yet" if function is None else exercise.assess(function)
    except Exception as error:  # a file that people edit
        fault = f"{MINE} raised {type(error).__name__}: {error}"
    if fault:
        print(f"The course's own {exercise.name} is used; yours, exercise {exercise_id}: {fault.rstrip('.')}.")
        return exercise.solution
    print(f"Your own {exercise.name} is used, from exercise {exercise_id}.")
    return function
