import sys

import numpy as np
import pytest

from hcr_lib.language import Lexicon
from hcr_lib.research import line_language


def test_names_that_stay_right_are_counted_whatever_their_case():
    texts, before, after = ["Ono", "Li", "cat"], ["ono", "Li", "cat"], ["Ono", "Lie", "dog"]
    unknown = line_language.names(texts, Lexicon(["cat"]))
    assert unknown.tolist() == [True, True, False]
    assert line_language.kept(texts, before, after, unknown) == 0.5
    assert np.isnan(line_language.kept(texts, ["", "", ""], after, unknown))


def test_every_setting_has_a_row(tmp_path, monkeypatch, capsys):
    logits = np.float16([[0, 9, 0, 0], [9, 0, 0, 0], [0, 0, 0, 9], [9, 0, 0, 0], [0, 0, 9, 0]])
    np.savez(tmp_path / "outputs.npz", logits=logits, offsets=[0, 3, 5], texts=["ac", "b"], classes="abc")
    monkeypatch.setattr(line_language, "WEIGHTS", (0.1, 0.2))
    monkeypatch.setattr(sys, "argv", ["line_language", str(tmp_path / "outputs.npz")])
    line_language.main()
    rows = [line for line in capsys.readouterr().out.splitlines() if " ms" in line]
    assert len(rows) == 1 + 2 * len(line_language.REWARDS) * (1 + len(line_language.SHARES))
    assert rows[0].split()[:3] == ["best", "path", "0.00%"]


def test_a_part_of_the_lines_is_always_the_same_one(tmp_path):
    np.savez(tmp_path / "a.npz", logits=np.eye(9, 2), offsets=range(10), texts=[*"abcdefghi"], classes="a")
    scores, texts, classes = line_language.read_outputs(tmp_path / "a.npz", 4)
    assert (len(scores), len(texts), classes) == (4, 4, "a")
    assert texts == line_language.read_outputs(tmp_path / "a.npz", 4)[1]
    assert scores[0] == pytest.approx(np.log([[0.5, 0.5]])) or texts[0] in "ab"
