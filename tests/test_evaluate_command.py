"""``python -m hcr_lib evaluate``: a model card from labelled pictures of one's own."""

import shutil

import numpy as np
import pytest
from PIL import Image

from hcr_lib import __main__ as program
from hcr_lib import handwriting, pen
from hcr_lib.cli import evaluate


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """By two writers, two pictures each of 2, A and M, and one of b's 7 that is called a 2."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for writer, style in (("ann", handwriting.Style()), ("bob", handwriting.Style(slant=0.3, habit=3))):
        for number, (char, label) in enumerate([*zip("2A", "2A", strict=True)] * 2 + [("M", "M"), ("M", "2")]):
            if label != char and writer == "ann":
                continue
            ink = pen.render(pen.scale_to(handwriting.write_char(char, style, rng)))
            path = folder / writer / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.uint8(255 * (1 - ink))).save(path)
    return folder


def test_the_card_counts_what_is_right_in_the_words_of_lesson_05(capsys, folder, tmp_path):
    card = tmp_path / "card.md"
    assert program.main(["evaluate", str(folder), "--card", str(card)]) == 0
    rows = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    rows = {name: fact.strip() for name, fact in rows.items()}
    assert rows["reads"] == "36 single characters: 91% (62% to 98%) of 11 pictures by 2 writers"
    assert rows["baseline"] == "always 2, the commonest: 45%"
    assert rows["forgiving"] == "91% (62% to 98%) with 0 O, 1 I forgiven"
    assert rows["worst classes"] == "2 80% of 5"
    assert rows["confusions"] == "2 as M 1x"
    assert rows["by writer"] == "bob 83% (44% to 97%); ann 100% (57% to 100%)"
    assert rows["last by luck"].endswith("if all 2 were read equally well")
    assert 0 <= float(rows["confidence"].split()[0]) < 0.3
    markdown = card.read_text(encoding="utf-8").splitlines()
    assert markdown[:2] == ["| Model card | |", "| --- | --- |"]
    assert [line.strip("| ").split(" | ", 1)[0] for line in markdown[2:]] == list(rows)


def test_what_an_alphabet_lacks_is_left_out_and_said(capsys, folder):
    assert program.main(["evaluate", str(folder), "--alphabet", "digits"]) == 0
    shown = capsys.readouterr().out
    assert "of 5 pictures" in shown
    assert "6 pictures of other characters" in shown
    assert "forgiven" not in shown, "no two digits are alike"


def test_what_cannot_be_judged_by_is_said_in_a_line_each(capsys, folder, tmp_path):
    letters = tmp_path / "letters"
    shutil.copytree(folder / "ann" / "A", letters / "A")
    for arguments, message in (
        ([str(tmp_path / "missing")], "there is no"),
        ([str(letters), "--alphabet", "digits"], "none of the 2 pictures shows a character of the alphabet 'digits'"),
        ([str(letters), "--card", str(tmp_path)], "the card cannot be written"),
    ):
        assert program.main(["evaluate", *arguments]) == (1 if "--card" in arguments else 2)
        assert message in capsys.readouterr().err
    (letters / "A" / "notes.txt").write_text("dear diary")
    assert program.main(["evaluate", str(letters)]) == 2
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("hcr_lib evaluate: 1 of 3 files")
    assert "notes.txt" in second


def test_a_bar_in_a_name_does_not_break_the_table():
    assert evaluate.as_markdown({"by writer": "a|b"}).splitlines()[-1] == r"| by writer | a\|b |"
