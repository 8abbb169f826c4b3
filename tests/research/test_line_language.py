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


def test_every_setting_has_a_row(monkeypatch, capsys):
    scores = [np.log([[0.01, 0.97, 0.01, 0.01], [0.97, 0.01, 0.01, 0.01], [0.01, 0.01, 0.01, 0.97]])]
    monkeypatch.setattr(line_language, "WEIGHTS", (0.1, 0.2))
    monkeypatch.setattr(line_language, "scores_of_words", lambda data_dir, limit: (scores, ["ac"], "abc"))
    line_language.main([])
    rows = [line for line in capsys.readouterr().out.splitlines() if " ms" in line]
    assert len(rows) == 1 + 2 * len(line_language.REWARDS) * (1 + len(line_language.SHARES))
    assert rows[0].split()[:3] == ["best", "path", "0.00%"]


@pytest.mark.real_data
def test_a_part_of_the_words_is_always_the_same_one(real_data):
    scores, texts, classes = line_language.scores_of_words(real_data, 4)
    assert len(scores) == len(texts) == 4
    assert all(each.shape[1] == 1 + len(classes) for each in scores)
    assert texts == line_language.scores_of_words(real_data, 4)[1]
