"""Exercises whose answer is a function: hidden inputs, any style, slips; what passes is kept for later lessons."""

import struct
from math import fsum as precise

import numpy as np
import pytest

from hcr_lib import checks
from hcr_lib._paths import MINE
from hcr_lib.checks import EXERCISES, LESSONS, _guesses, _mine, check, mine
from hcr_lib.checks._function import FunctionExercise
from hcr_lib.cli.working_copies import HEADER


def exact(row):
    return np.float64(precise(row))


def by_helper(ink):
    return [exact(row) for row in ink]


def row_sums(ink):
    return ink.sum(axis=1)


ROWS = FunctionExercise(
    solution=row_sums,
    inputs=lambda rng: [(np.arange(6.0).reshape(2, 3),), (rng.random((4, 30)),), (np.zeros((0, 3)),)],
    hint="One number a row.",
    slips=[(lambda ink: ink.sum(axis=0), "Those are the columns."), (lambda ink: ink.sum(), "That is one number.")],
)


@pytest.fixture(autouse=True)
def _an_exercise(monkeypatch):
    monkeypatch.setattr(_guesses, "_GUESSES", {})
    monkeypatch.setattr(_guesses, "_OUTCOMES", {})
    monkeypatch.setitem(EXERCISES, "00.3", ROWS)
    monkeypatch.delenv("HCR_STRICT", raising=False)


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Stand in a folder that ``python -m hcr_lib lab`` made."""
    (tmp_path / MINE).write_text(HEADER)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def own_row_sums(ink):
    return np.sum(ink, axis=1)


def by_loop(ink):
    return [float(sum(row)) for row in ink]


@pytest.mark.parametrize("answer", [row_sums, by_loop, lambda ink: ink @ np.ones(ink.shape[1])])
def test_any_style_passes(capsys, answer):
    assert check("00.3", answer) is answer
    assert capsys.readouterr().out == "00.3: correct.\n"


def raising(ink):
    return ink.row_sums()


def returning_nothing(ink):
    result = None
    for row in ink:
        row.sum()
    return result


def changing(ink):
    ink[:] = 0
    return ink.sum(axis=1)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "not answered yet."),
        (lambda ink: None, "not answered yet."),
        (lambda ink: ..., "not answered yet."),
        (lambda ink: ink.sum(axis=0), "not yet. Those are the columns."),
        (lambda ink: ink.sum(), "not yet. That is one number."),
        (
            lambda ink: ink.mean(axis=1),
            "not yet. One number a row. For [[0, 1, 2], [3, 4, 5]], expected [3, 12], got [1, 4].",
        ),
        (
            raising,
            "not yet. One number a row. For [[0, 1, 2], [3, 4, 5]], it raised AttributeError: "
            "'numpy.ndarray' object has no attribute 'row_sums'",
        ),
        (returning_nothing, "not yet. It returns None: does its last line return what you made?"),
        (changing, "not yet. It changes what it was given; work on a copy."),
        (
            lambda ink: ink.sum(axis=1) + (len(ink) == 4),
            "not yet. One number a row. For an array of shape (4, 30) and type float64, expected",
        ),
        (12, "not yet. One number a row. (Expected a function, got 12.)"),
        ("3, 12", "not yet. One number a row. (Expected a function, got '3, 12'.)"),
    ],
)
def test_a_miss_is_named_and_the_lesson_goes_on_with_the_courses_own(capsys, answer, said):
    assert check("00.3", answer) is row_sums
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith(f"00.3: {said}")
    assert second == "Until it passes, the lesson goes on with the course's own row_sums."


@pytest.mark.parametrize("answer", [None, lambda ink: None, lambda ink: ink])
def test_strict_mode_raises_on_a_miss(monkeypatch, answer):
    monkeypatch.setenv("HCR_STRICT", "1")
    with pytest.raises(AssertionError, match=r"00\.3: not"):
        check("00.3", answer)


def test_texts_dicts_and_ragged_lists_are_compared_whole():
    def spell(number):
        return {"text": str(number), "parts": [[1], [2, number]]}

    exercise = FunctionExercise(spell, lambda rng: [(3,)], "Spell it.")
    assert exercise.assess(lambda number: {"parts": ((1,), np.array([2, 3])), "text": "3"}) is None
    for wrong in ({"text": "03", "parts": [[1], [2, 3]]}, {"text": "3"}, {"text": "3", "parts": [[1], [2]]}, "3"):
        assert exercise.assess(lambda number, wrong=wrong: wrong).startswith("Spell it. For 3, expected {")


def test_an_exercise_with_more_than_one_answer_has_a_judge():
    exercise = FunctionExercise(
        solution=lambda numbers: sorted(numbers),
        inputs=lambda rng: [([3, 1],)],
        hint="Any order.",
        judge=lambda arguments, answer: None if set(answer) == set(arguments[0]) else "one is missing.",
    )
    assert exercise.assess(lambda numbers: numbers[::-1]) is None
    assert exercise.assess(lambda numbers: numbers[:1]) == "Any order. For [3, 1], one is missing."


def test_where_the_solution_raises_so_must_the_answer():
    def root(number):
        if number < 0:
            raise ValueError("no root")
        return number**0.5

    exercise = FunctionExercise(root, lambda rng: [(4,), (-1,)], "Refuse.", [(lambda x: abs(x) ** 0.5, "Look at -1.")])
    assert exercise.assess(lambda number: root(number)) is None
    assert exercise.assess(lambda number: abs(number) ** 0.5) == "Look at -1."
    assert exercise.assess(lambda number: max(number, 0) ** 0.5) == "Refuse. For -1, expected a ValueError, got 0."
    assert (
        exercise.assess(lambda number: [2.0][number - 4])
        == "Refuse. For -1, it raised IndexError: list index out of range"
    )


@pytest.mark.parametrize(
    ("given", "answer", "said"),
    [
        ((b"\0\0\x08\1",), len, "For the 4 bytes 00 00 08 01, expected"),
        ((bytes(9), 2), len, "For (the 9 bytes 00 00 00 00 00 00 00 00 ..., 2), it raised TypeError"),
        (([2, 0], 4), lambda labels, classes: {np.int64(2): 1}, "For ([2, 0], 4), expected {0: 1}, got {2: 1}."),
        (([2, 0], 4), lambda labels, classes: struct.unpack(">I", b""), "For ([2, 0], 4), it raised struct.error: "),
    ],
)
def test_a_message_shows_arguments_and_results_as_a_lesson_does(given, answer, said):
    exercise = FunctionExercise(lambda *given: {0: 1}, lambda rng: [given], "Count.")
    assert exercise.assess(answer).startswith(f"Count. {said}")


class TestMine:
    def test_what_passes_is_kept_and_used_in_later_lessons(self, course, capsys):
        check("00.3", by_loop)
        capsys.readouterr()
        source = "def by_loop(ink):\n    return [float(sum(row)) for row in ink]\n\n\nrow_sums = by_loop\n"
        assert _mine.sections(course / MINE) == {"00.3": source}
        assert mine("00.3")(np.eye(2)) == [1.0, 1.0]
        assert capsys.readouterr().out == "Your own row_sums is used, from exercise 00.3.\n"

    def test_what_it_uses_of_its_notebook_is_kept_with_it(self, course, capsys):
        check("00.3", by_helper)
        assert capsys.readouterr().out == "00.3: correct.\n"
        section = _mine.sections(course / MINE)["00.3"]
        helper = "def exact(row):\n    return np.float64(precise(row))\n"
        assert section.startswith(f"from math import fsum as precise\n\n\n{helper}\n\ndef by_helper(")
        assert mine("00.3") is not row_sums

    def test_what_an_earlier_exercise_keeps_is_not_kept_twice(self, course, monkeypatch):
        monkeypatch.setitem(EXERCISES, "00.4", ROWS)
        with (course / MINE).open("a") as file:
            file.write("\n# %% 00.3\ndef exact(row):\n    return sum(row)\n")
        check("00.4", by_helper)
        assert (course / MINE).read_text().count("def exact(") == 1
        assert mine("00.4") is not row_sums

    def test_a_later_version_takes_the_place_of_an_earlier_one_and_notes_beside_them_stay(self, course, monkeypatch):
        monkeypatch.setitem(EXERCISES, "00.4", ROWS)
        path = course / MINE
        path.write_text(path.read_text() + "\nNOTE = 1\n")
        check("00.4", by_loop)
        check("00.3", by_loop)
        check("00.3", own_row_sums)
        assert list(_mine.sections(path)) == ["00.3", "00.4"]
        assert _mine.sections(path)["00.4"] != _mine.sections(path)["00.3"]
        assert path.read_text().startswith(HEADER.rstrip() + "\n\nNOTE = 1\n")

    def test_a_lambda_is_right_but_not_kept(self, course, capsys):
        check("00.3", lambda ink: ink.sum(axis=1))
        assert _mine.sections(course / MINE) == {}
        assert "not kept in mine.py: write it as a function that begins with def row_sums(" in capsys.readouterr().out

    def test_a_lesson_one_folder_further_down_finds_it(self, course, monkeypatch):
        (course / "extra").mkdir()
        monkeypatch.chdir(course / "extra")
        check("00.3", by_loop)
        assert "00.3" in _mine.sections(course / MINE)

    @pytest.mark.parametrize(
        ("source", "reason"),
        [
            ("def row_sums(ink):\n    return ink\n", "One number a row."),
            ("def row_sums(ink) return\n", "mine.py raised SyntaxError:"),
            ("def sums(ink):\n    return ink.sum(axis=1)\n", "mine.py raised KeyError: 'row_sums'"),
            ("def row_sums(ink):\n    return helper(ink)\n", "it raised NameError: name 'helper' is not defined"),
        ],
    )
    def test_what_no_longer_passes_is_not_used_and_said(self, course, capsys, source, reason):
        with (course / MINE).open("a") as file:
            file.write(f"\n# %% 00.3\n{source}")
        assert mine("00.3") is row_sums
        said = capsys.readouterr().out
        assert said.startswith("The course's own row_sums is used; yours, exercise 00.3: ")
        assert reason in said

    def test_without_a_course_folder_nothing_is_kept(self, tmp_path, monkeypatch, capsys):
        monkeypatch.chdir(tmp_path)
        check("00.3", by_loop)
        assert list(tmp_path.iterdir()) == []
        capsys.readouterr()
        assert mine("00.3") is row_sums
        expected = "The course's own row_sums is used; yours, exercise 00.3: it is not written yet.\n"
        assert capsys.readouterr().out == expected

    def test_an_exercise_without_a_function_is_refused(self):
        with pytest.raises(ValueError, match=r"exercise must be one of.*got '01\.1'"):
            mine("01.1")


class TestGuesses:
    def test_they_stand_beside_what_came_out(self, capsys):
        checks.guess("00.a", 90)
        checks.guess("00.b", None)
        checks.guess("01.a", 5)
        checks.came_out("00.a", 72, "digits right of 100")
        checks.came_out("00.b", "8", "what it reads")
        assert capsys.readouterr().out == "00.a: noted.\n00.b: no guess yet.\n01.a: noted.\n"
        table = checks.guesses("00")
        assert table.to_numpy().tolist() == [["digits right of 100", 90, 72], ["what it reads", "–", "8"]]

    def test_numbers_are_shown_as_they_were_given(self):
        for name, number in {"00.a": 0.03, "00.b": 90}.items():
            checks.guess(name, number)
            checks.came_out(name, number, "a number")
        rows = checks.guesses("00").to_string().splitlines()[1:]
        assert [row.split()[-2:] for row in rows] == [["0.03", "0.03"], ["90", "90"]]

    def test_a_guess_can_be_taken_back(self):
        checks.guess("00.a", 90)
        checks.guess("00.a", None)
        checks.came_out("00.a", 72, "digits right of 100")
        assert checks.guesses("00")["your guess"].tolist() == ["–"]


FUNCTIONS = [
    (name, exercise)
    for lesson in LESSONS
    for name, exercise in lesson.EXERCISES.items()
    if isinstance(exercise, FunctionExercise)
]


@pytest.mark.parametrize(("name", "exercise"), FUNCTIONS, ids=[name for name, _ in FUNCTIONS])
def test_a_solution_passes_and_no_slip_does(name, exercise):
    assert exercise.assess(exercise.solution) is None
    for mistaken, sentence in exercise.slips:
        assert sentence[-1] in ".?!"
        assert exercise.assess(mistaken) == sentence, f"{name}: this slip is told from the others"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"padding": "valid"}, "Is padding='same' there?"),
        ({"momentum": 0.99}, "remembers for longer than a short training lasts"),
        ({"dropout": 0.5}, "dropout sets 50% to 0, not 30%."),
    ],
)
def test_a_network_that_is_not_the_one_described_is_told_why(changes, said):
    def build(num_classes, padding="same", momentum=0.9, dropout=0.3):
        from hcr_lib._tf import keras

        model = keras.Sequential([keras.Input((28, 28, 1))])
        for kernels in (16, 32, 64):
            model.add(keras.layers.Conv2D(kernels, 3, padding=padding, activation="relu"))
            model.add(keras.layers.BatchNormalization(momentum=momentum))
            model.add(keras.layers.MaxPooling2D(2))
        model.add(keras.layers.Flatten())
        model.add(keras.layers.Dropout(dropout))
        model.add(keras.layers.Dense(num_classes, activation="softmax"))
        return model

    assert EXERCISES["03.4"].assess(build) is None
    assert said in EXERCISES["03.4"].assess(lambda num_classes: build(num_classes, **changes))


def by_generator(draw):
    """Return a wrong answer to 05.2: image numbers, from the writers and the generator."""
    return lambda writers, rng: draw(writers, rng, np.unique(writers))


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda writers, rng, names: rng.integers(len(writers), size=len(writers)), "draw writers, and take all of"),
        (
            lambda writers, rng, names: np.flatnonzero(np.isin(writers, rng.choice(names, len(names)))),
            "whoever is drawn twice",
        ),
        (lambda writers, rng, names: np.argsort(writers, kind="stable"), "draw with repetition"),
        (lambda writers, rng, names: np.flatnonzero(writers == rng.choice(names)), "whoever is drawn twice"),
        (
            lambda writers, rng, names: np.concatenate(
                [np.flatnonzero(writers == name) for name in rng.choice(names, 2 * len(names))]
            ),
            "counted as often",
        ),
        (lambda writers, rng, names: rng.choice(names, len(names)), "return the numbers of the images"),
        (
            lambda writers, rng, names: [np.flatnonzero(writers == name) for name in rng.choice(names, 4)],
            "np.concatenate",
        ),
        (lambda writers, rng, names: [len(writers)], "got image numbers up to"),
        (lambda writers, rng, names: writers == names[0], "expected a row of image numbers"),
    ],
)
def test_a_wrong_draw_of_writers_is_told_why(draw, said):
    assert said in EXERCISES["05.2"].assess(by_generator(draw))


def test_a_draw_of_writers_is_right_whatever_random_numbers_it_uses():
    def by_integers(writers, rng):
        names, where = np.unique(writers, return_inverse=True)
        drawn = rng.integers(len(names), size=len(names))
        return [image for each in drawn for image in range(len(writers)) if where[image] == each]

    assert EXERCISES["05.2"].assess(by_integers) is None


@pytest.mark.parametrize("answer", ["2 3 6 7 9", "9, 7, 6, 3 and 2", "2,3,6,7,9", [2, 3, 6, 7, 9]])
def test_the_faults_of_a_report_may_be_named_in_any_order(answer):
    assert EXERCISES["05.5"].assess(answer) is None


@pytest.mark.parametrize("answer", ["2 3 6 7", "2 3 6 7 9 10", "", 2, 23679, [2, 3, 6, 7]])
def test_the_faults_of_a_report_must_be_all_of_them_and_no_others(answer):
    assert EXERCISES["05.5"].assess(answer)


def test_four_faults_and_a_sound_sentence_are_told_apart():
    said = EXERCISES["05.5"].assess("1 3 6 7 9")
    assert said.startswith("Four of five. Sentence 1 is") and said.endswith("did they write others?")


def test_a_path_that_trusts_every_start_to_be_reached_is_told_so():
    """The lesson's candidates have starts that no way leads to; what passes the check must not fail there."""

    def trusting(spans, scores):
        best = {0: (0, [])}
        for number, (start, stop) in enumerate(spans):
            total, path = best[start]
            if stop not in best or total + scores[number] > best[stop][0]:
                best[stop] = total + scores[number], [*path, number]
        return best[stop][1]

    assert "pass over such a span" in EXERCISES["06.1"].assess(trusting)


def every_path(spans, scores):
    """List all paths, and take the best: slow, and an oracle for dynamic programming."""
    end = max(stop for _, stop in spans)
    paths, whole = [[]], []
    while paths:
        path = paths.pop()
        at = spans[path[-1]][1] if path else 0
        if at == end:
            whole.append(path)
        paths += [[*path, number] for number, (start, _) in enumerate(spans) if start == at < end]
    return max(whole, key=lambda path: sum(scores[number] for number in path))


def edits_by_recursion(first, second):
    if not first or not second:
        return len(first) + len(second)
    if first[0] == second[0]:
        return edits_by_recursion(first[1:], second[1:])
    rests = (first[1:], second), (first, second[1:]), (first[1:], second[1:])
    return 1 + min(edits_by_recursion(*rest) for rest in rests)


def completions_by_scan(prefix, words, counts, n):
    found = [(count, word) for word, count in zip(words, counts, strict=True) if word[: len(prefix)] == prefix]
    return [word for _, word in sorted(found, reverse=True)[:n]]


def nearest_mean_by_loop(features, labels, new):
    means = {label: features[labels == label].mean(axis=0) for label in labels}
    return [min(means, key=lambda label: np.linalg.norm(row - means[label])) for row in new]


def slope_by_differences(weights, shipped, features, labels, strength):
    """Return the slope as the cost tells it, whatever the formula."""

    def cost(layer):
        logs = np.log(np.exp(features @ layer) / np.exp(features @ layer).sum(axis=1, keepdims=True))
        return -sum(row[label] for row, label in zip(logs, labels, strict=True)) + strength / 2 * np.sum(
            (layer - shipped) ** 2
        )

    steps = 1e-5 * np.eye(weights.size).reshape(-1, *weights.shape)
    slopes = [(cost(weights + step) - cost(weights - step)) / 2e-5 for step in steps]
    return np.reshape(slopes, weights.shape)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("06.1", every_path),
        ("06.4", completions_by_scan),
        ("06.5", edits_by_recursion),
        ("06.6", nearest_mean_by_loop),
        ("06.7", slope_by_differences),
    ],
)
def test_exercises_of_lesson_06_pass_by_another_way(name, answer):
    assert EXERCISES[name].assess(answer) is None
