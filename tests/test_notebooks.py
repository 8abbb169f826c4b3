"""The notebooks as files: run top to bottom, small, clean, in the frame of the course. nbval checks what they say."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from hcr_lib import checks

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"


def lessons(folder: Path) -> list[Path]:
    """Return the notebooks of a folder whose names begin with a lesson's number, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def numbers(paths: list[Path]) -> list[int]:
    return [int(path.name[:2]) for path in paths]


LESSONS, SOLUTIONS, EXTRAS = lessons(FOLDER), lessons(FOLDER / "solutions"), lessons(FOLDER / "extra")
NOTEBOOKS = [path for path in sorted(FOLDER.rglob("*.ipynb")) if ".ipynb_checkpoints" not in path.parts]

MAX_BYTES = 1_000_000
MAX_LINES = 15
MAX_CELLS = 80  # of a core lesson; what is more goes to notebooks/extra
MAX_MINUTES = 75
LEARNERS_BUILD = LESSONS
MAX_IGNORED = 1 / 3  # of the cells with code: what nbval may not compare


def cells(path: Path, kind: str) -> list[dict]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return [cell for cell in notebook["cells"] if cell["cell_type"] == kind and "".join(cell["source"]).strip()]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def outputs(path: Path) -> list[dict]:
    return [output for cell in cells(path, "code") for output in cell["outputs"]]


def tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def each(paths):
    return pytest.mark.parametrize("path", paths, ids=lambda path: str(path.relative_to(FOLDER).with_suffix("")))


def test_lessons_are_numbered_without_a_gap_and_each_has_its_solutions_and_its_exercises():
    assert len(LESSONS) >= 6
    assert numbers(LESSONS) == list(range(1, len(LESSONS) + 1))
    assert [path.name for path in SOLUTIONS] == [path.name for path in LESSONS]
    assert [module.__name__[-2:] for module in checks.LESSONS] == [path.name[:2] for path in LESSONS]
    assert set(numbers(EXTRAS)) <= set(numbers(LESSONS))
    assert {*LESSONS, *SOLUTIONS, *EXTRAS} == set(NOTEBOOKS), "every notebook begins with the number of its lesson"


def test_a_seventh_lesson_is_found_by_its_file_name(tmp_path):
    for path in LESSONS:
        (tmp_path / path.name).touch()
    (tmp_path / "07_paragraphs.ipynb").touch()
    assert numbers(lessons(tmp_path)) == [1, 2, 3, 4, 5, 6, 7]


@each(NOTEBOOKS)
def test_executed_top_to_bottom(path):
    counts = [cell["execution_count"] for cell in cells(path, "code")]
    assert counts == list(range(1, len(counts) + 1)), "run .ci/execute_notebooks.py"


@each(NOTEBOOKS)
def test_nothing_on_stderr_and_no_stored_error(path):
    expected_to_fail = [
        output for cell in cells(path, "code") if "raises-exception" in tags(cell) for output in cell["outputs"]
    ]
    unwanted = [out for out in outputs(path) if out.get("name") == "stderr" or out["output_type"] == "error"]
    assert [out for out in unwanted if out not in expected_to_fail] == []


def shown(path: Path) -> str:
    """Everything a reader sees as text: prose, code, and outputs but for pictures."""
    texts = [source(cell) for kind in ("markdown", "code") for cell in cells(path, kind)]
    for output in outputs(path):
        texts.append("".join(output.get("text", [])))
        texts += ["".join(data) for kind, data in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join(texts)


@each(NOTEBOOKS)
def test_no_path_of_a_machine_and_no_address_in_memory(path):
    machine = r"(?<![\w.~])/(?:home|root|work|tmp|Users)/\S*|\S*site-packages\S*|\b0x[0-9a-f]{8,}"
    assert re.findall(machine, shown(path)) == []


@each(NOTEBOOKS)
def test_small_enough_to_review(path):
    assert path.stat().st_size < MAX_BYTES
    long = [source(cell) for cell in cells(path, "code") if len(source(cell).splitlines()) > MAX_LINES]
    assert long == [], "move a step into hcr_lib"


@each(NOTEBOOKS)
def test_no_saved_widget_state_and_no_svg(path):
    assert "widgets" not in json.loads(path.read_text(encoding="utf-8"))["metadata"]
    assert [out for out in outputs(path) if "image/svg+xml" in out.get("data", {})] == []


@each(NOTEBOOKS)
def test_outputs_are_really_compared(path):
    code = cells(path, "code")
    assert [cell for cell in code if "nbval-skip" in tags(cell)] == []
    ignored = [cell for cell in code if "nbval-ignore-output" in tags(cell)]
    assert len(ignored) <= MAX_IGNORED * len(code)


@each(NOTEBOOKS)
def test_nothing_is_installed_and_no_path_is_bent(path):
    code = "\n".join(source(cell) for cell in cells(path, "code"))
    assert re.findall(r"^\s*[!%].*|sys\.path|import \*|plt\.show|np\.random\.seed", code, re.MULTILINE) == []


@each(LESSONS)
def test_frame_of_a_lesson(path):
    prose = "\n".join(source(cell) for cell in cells(path, "markdown"))
    assert prose.startswith("# ")
    for part in ("objectives", "key point", "what can go wrong"):
        assert part in prose.lower(), f"a lesson needs: {part}"
    assert re.search(r"\bmin(utes)?\b", prose), "a lesson names its minutes"


@pytest.fixture(scope="module")
def minutes():
    spec = importlib.util.spec_from_file_location("minutes", FOLDER.parent / ".ci" / "minutes.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each(LESSONS)
def test_minutes_are_true_and_few(minutes, path):
    assert path.read_text(encoding="utf-8") == minutes.with_minutes(path), "run: python .ci/minutes.py --write"
    total = sum(minutes.rounded(minutes.sections(path)).values())
    assert total <= MAX_MINUTES
    readme = (FOLDER.parent / "README.md").read_text(encoding="utf-8")
    assert readme == minutes.readme_with({path.name: total}, readme)


@each(LEARNERS_BUILD)
def test_a_core_lesson_is_short_and_its_learner_writes_four_functions(path):
    assert len(cells(path, "code")) + len(cells(path, "markdown")) <= MAX_CELLS
    gaps = [
        cell for cell in cells(path, "code") if re.search(r"^def .*?check\(", source(cell), re.DOTALL | re.MULTILINE)
    ]
    assert len(gaps) >= 4


@each(LESSONS)
def test_what_is_extra_is_linked(path):
    prose = "\n".join(source(cell) for cell in cells(path, "markdown"))
    for extra in EXTRAS:
        if extra.name[:2] == path.name[:2]:
            assert f"(extra/{extra.name})" in prose


@each(LESSONS)
def test_at_least_two_checked_exercises_left_open(path):
    code = "\n".join(source(cell) for cell in cells(path, "code"))
    checked = set(re.findall(rf"check\(\s*[\"']({path.stem[:2]}\.\d+)[\"']", code))
    assert len(checked) >= 2


@each(SOLUTIONS)
def test_solutions_answer_every_exercise_of_their_lesson(path):
    (lesson,) = (lesson for lesson in LESSONS if lesson.stem[:2] == path.stem[:2])
    pattern = r"check\(\s*[\"']([\d.]+)[\"']"
    asked, answered = (
        set(re.findall(pattern, "\n".join(source(cell) for cell in cells(notebook, "code"))))
        for notebook in (lesson, path)
    )
    assert asked <= answered
    said = "".join("".join(out.get("text", "")) for out in outputs(path))
    for exercise in answered:
        assert f"{exercise}: correct." in said
