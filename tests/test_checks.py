"""Exercise feedback: right answers pass, slips are named, strict mode raises."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hcr_lib import checks
from hcr_lib.checks import EXERCISES, LESSONS, check
from hcr_lib.checks._exercise import Exercise, between, number, word

ROWS = Exercise(
    passes=number(4, within=0.01),
    hint="Which row is the middle?",
    slips={-4: "Wrong way.", 9.5: "That is where it is now.", 1 / 3: "A third."},
)
SIDE = Exercise(passes=word("transposed", "sideways"), hint="Look at the 7.", slips={"Mirrored": "Up stays up."})


@pytest.fixture(autouse=True)
def _two_exercises(monkeypatch):
    monkeypatch.setitem(EXERCISES, "00.1", ROWS)
    monkeypatch.setitem(EXERCISES, "00.2", SIDE)
    monkeypatch.delenv("HCR_STRICT", raising=False)


@pytest.mark.parametrize(
    ("exercise_id", "answer", "expected"),
    [
        ("00.1", 4, "00.1: correct."),
        ("00.1", 4.005, "00.1: correct."),
        ("00.1", np.float32(4), "00.1: correct."),
        ("00.1", np.int64(4), "00.1: correct."),
        ("00.1", None, "00.1: not answered yet."),
        ("00.1", -4.0, "00.1: not yet. Wrong way."),
        ("00.1", 0.3333, "00.1: not yet. A third."),
        ("00.1", 5, "00.1: not yet. Which row is the middle?"),
        ("00.1", float("nan"), "00.1: not yet. Which row is the middle?"),
        ("00.1", 10**400, "00.1: not yet. Which row is the middle?"),
        ("00.2", " Sideways ", "00.2: correct."),
        ("00.2", "mirrored", "00.2: not yet. Up stays up."),
        ("00.2", "", "00.2: not yet. Look at the 7."),
    ],
)
def test_feedback(capsys, exercise_id, answer, expected):
    check(exercise_id, answer)
    assert capsys.readouterr().out == expected + "\n"


@pytest.mark.parametrize("answer", ["4", [4], np.array([4, 4]), True])
def test_another_kind_of_answer_gets_the_hint_and_its_kind_never_a_traceback(capsys, answer):
    check("00.1", answer)
    said = capsys.readouterr().out
    assert said.startswith("00.1: not yet. Which row is the middle?")
    assert f"Expected a number, got {answer!r}, which is of type {type(answer).__name__}." in said


@pytest.mark.parametrize("answer", [None, 5, "four"])
def test_strict_mode_raises_on_a_miss_and_only_then(monkeypatch, capsys, answer):
    monkeypatch.setenv("HCR_STRICT", "1")
    check("00.1", 4)
    assert capsys.readouterr().out == "00.1: correct.\n"
    with pytest.raises(AssertionError, match=r"00\.1: not"):
        check("00.1", answer)


def test_an_unknown_exercise_is_named_with_those_there_are():
    with pytest.raises(ValueError, match=r"00\.1.*got '9\.9'"):
        check("9.9", 1)


def test_between_takes_both_ends():
    assert all(between(1, 2)(answer) for answer in (1, 1.5, 2))
    assert not between(1, 2)(2.01)


def test_exercises_stand_in_the_file_of_their_lesson_with_a_hint_and_slips_that_are_wrong():
    for position, lesson in enumerate(LESSONS, start=1):
        for exercise_id, exercise in lesson.EXERCISES.items():
            assert re.fullmatch(rf"0{position}\.[1-9]", exercise_id), f"{exercise_id} is in {lesson.__name__}"
            assert checks.EXERCISES[exercise_id] is exercise
            if not isinstance(exercise, Exercise):
                continue  # a function: see test_checks_functions.py
            for sentence in (exercise.hint, *exercise.slips.values()):
                assert sentence[-1] in ".?!", f"{exercise_id}: {sentence!r} should be a sentence"
            for slip in exercise.slips:
                assert exercise.assess(slip) is not None, f"{exercise_id}: the slip {slip!r} is right"


def test_a_seventh_lesson_is_found_by_its_file_name(tmp_path):
    package = Path(checks.__file__).resolve().parents[1]
    shutil.copytree(package, tmp_path / "hcr_lib", ignore=shutil.ignore_patterns("__pycache__", "_data"))
    (tmp_path / "hcr_lib" / "checks" / "_lesson07.py").write_text(
        "from hcr_lib.checks._exercise import Exercise, number\n"
        "EXERCISES = {'07.1': Exercise(passes=number(7), hint='Count again.')}\n"
    )
    program = "from hcr_lib.checks import check; check('07.1', 7); check('01.1', 0)"
    # Python looks into the working directory first.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "07.1: correct.\n01.1: correct.\n"
