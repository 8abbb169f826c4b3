"""What the README and the model card say about the reader is what was measured, with the weights that ship."""

import hashlib
import json
from pathlib import Path

import pytest

from hcr_lib import _paths, scorecard, weights
from hcr_lib.recognizer import WEIGHTS

ROOT = Path(__file__).resolve().parents[1]
RECORD = json.loads((_paths.results_dir() / "reader.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", ["README.md", "data/reader.md"])
def test_the_table_is_the_record(page):
    assert scorecard.table(RECORD["rows"]) in (ROOT / page).read_text(encoding="utf-8")


def test_the_record_is_of_the_weights_that_ship():
    assert RECORD["weights"] == hashlib.sha256(_paths.shipped(WEIGHTS).read_bytes()).hexdigest()


def test_the_model_card_tells_the_weights_record():
    card = (ROOT / "data/reader.md").read_text(encoding="utf-8")
    record, arrays = weights.load(_paths.shipped(WEIGHTS))
    assert f"{sum(array.size for array in arrays):,} numbers" in card
    assert record["date"] in card


def test_the_weights_stay_small():
    assert _paths.shipped(WEIGHTS).stat().st_size < 5_000_000
