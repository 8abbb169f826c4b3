"""The learner's folder: made where it is missing, never overwritten, without outputs."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import pytest

from hcr_lib._paths import MINE
from hcr_lib.cli import lab, working_copies

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def course(tmp_path):
    shutil.copytree(ROOT / "notebooks", tmp_path / "notebooks")
    (tmp_path / "notebooks" / ".ipynb_checkpoints").mkdir()
    (tmp_path / "notebooks" / ".ipynb_checkpoints" / "01_data-checkpoint.ipynb").touch()
    return tmp_path


def code(path: Path) -> list[dict]:
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


def test_lessons_are_copied_without_outputs_and_everything_else_as_it_is(course):
    assert working_copies.make(course) == []
    mine = course / "my_course"
    expected = {path.relative_to(ROOT / "notebooks") for path in (ROOT / "notebooks").rglob("*") if path.is_file()}
    expected = {path for path in expected if not path.parts[0].startswith(".")} | {Path(MINE)}
    assert {path.relative_to(mine) for path in mine.rglob("*") if path.is_file()} == expected
    for path in lab.lessons(course):
        copied = code(mine / path.name)
        assert [cell["source"] for cell in copied] == [cell["source"] for cell in code(path)]
        assert not any(cell["outputs"] or cell["execution_count"] for cell in copied)
    assert (mine / "pad.png").read_bytes() == (course / "notebooks" / "pad.png").read_bytes()
    assert any(cell["outputs"] for cell in code(mine / "solutions" / "01_data.ipynb"))


def test_work_is_never_overwritten_and_what_was_deleted_comes_back(course):
    working_copies.make(course)
    mine = course / "my_course"
    (mine / "01_data.ipynb").write_text("my work")
    (mine / MINE).write_text("my functions")
    (mine / "02_preprocessing.ipynb").unlink()
    assert working_copies.make(course) == []
    assert (mine / "01_data.ipynb").read_text() == "my work"
    assert (mine / MINE).read_text() == "my functions"
    assert code(mine / "02_preprocessing.ipynb")


def test_a_lesson_that_changed_is_named_and_one_that_was_only_executed_again_is_not(course):
    working_copies.make(course)
    for name, key, value in (("03_cnn", "source", ["1 + 1"]), ("04_crnn", "outputs", [])):
        path = course / "notebooks" / f"{name}.ipynb"
        notebook = json.loads(path.read_text())
        next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")[key] = value
        path.write_text(json.dumps(notebook))
    (notice,) = working_copies.make(course)
    assert notice == (
        "03_cnn.ipynb has changed since your copy was made; to put a new one beside it: lab --fresh 03_cnn"
    )
    assert working_copies.fresh(course, "03_cnn").name == "03_cnn_2.ipynb"


def test_fresh_puts_new_copies_beside_the_old(course):
    working_copies.make(course)
    old = (course / "my_course" / "03_cnn.ipynb").read_bytes()
    assert [working_copies.fresh(course, name).name for name in ("03", "03_cnn.ipynb")] == [
        "03_cnn_2.ipynb",
        "03_cnn_3.ipynb",
    ]
    assert (course / "my_course" / "03_cnn.ipynb").read_bytes() == old


@pytest.mark.parametrize("lesson", ["", "0", "09", "cnn"])
def test_fresh_names_the_lessons_there_are(course, lesson):
    with pytest.raises(ValueError, match=f"--fresh needs one lesson; got '{lesson}'. There are: 01_data, 02_"):
        working_copies.fresh(course, lesson)


def test_a_folder_that_cannot_be_written_is_said(course, monkeypatch, capsys):
    (course / "my_course").write_text("a file stands in the way")
    monkeypatch.setattr(lab, "course_folder", lambda: course)
    assert lab.run(Namespace(fresh=None, further=[])) == 1
    assert "your copies of the lessons cannot be written to" in capsys.readouterr().err
