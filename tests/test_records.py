"""What the README and the model card say about the reader is what was measured, with the weights that ship."""

import hashlib
import json
from pathlib import Path

import pytest

from hcr_lib import _paths, line_reader, records
from hcr_lib._tf import keras
from hcr_lib.networks import inference
from hcr_lib.recognizer import WEIGHTS
from hcr_lib.research import export_reader, manifest, scorecard
from hcr_lib.research.page_benchmark import __main__ as page_benchmark

ROOT = Path(__file__).resolve().parents[1]
RECORD = records.read("reader")


def sha256(name: str) -> str:
    return hashlib.sha256(_paths.shipped(name).read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("page", "table"),
    [
        ("README.md", scorecard.table),
        ("data/reader.md", scorecard.table),
        ("README.md", scorecard.lines_table),
        ("data/line_reader.md", scorecard.lines_table),
    ],
)
def test_the_table_is_the_record(page, table):
    assert table(RECORD["rows"]) in (ROOT / page).read_text(encoding="utf-8")


def test_the_table_of_pages_is_the_record():
    assert page_benchmark.table(records.read("pages")["rows"]) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_record_is_of_the_weights_that_ship():
    """Where this fails: ``python -m hcr_lib.research.scorecard``, with ``--only`` the half whose weights changed."""
    shas = {name: sha256(name) for name in (WEIGHTS, line_reader.WEIGHTS)}
    assert RECORD["weights"] == shas[WEIGHTS]
    for row in RECORD["rows"]:
        assert row["weights"].items() <= shas.items(), row["set"]
        assert (row["measure"] == "accuracy") == (line_reader.WEIGHTS not in row["weights"])


def test_the_card_of_the_line_reader_tells_the_weights_record():
    card = (ROOT / "data/line_reader.md").read_text(encoding="utf-8")
    trained = keras.saving.load_model(_paths.shipped("line_reader.keras"), compile=False)
    assert f"{trained.count_params():,} parameters" in card
    record = inference.load_line_network(_paths.shipped(line_reader.WEIGHTS)).record
    assert record["date"] in card
    assert f"{record['epochs']} epochs of {record['steps']:,} steps" in card
    assert f"{record['emnist_images']:,} of EMNIST's" in card
    assert f"{record['dev_error']:.2%}".replace("%", " %") in card


def test_the_model_card_tells_the_weights_record():
    card = (ROOT / "data/reader.md").read_text(encoding="utf-8")
    trained = keras.saving.load_model(_paths.shipped(export_reader.TRAINED))
    assert f"{trained.count_params():,} parameters" in card
    assert inference.load(_paths.shipped(WEIGHTS)).record["date"] in card


def test_the_weights_stay_small():
    assert sum(_paths.shipped(name).stat().st_size for name in (WEIGHTS, export_reader.TRAINED)) < 5_000_000
    assert _paths.shipped(line_reader.WEIGHTS).stat().st_size < 6_000_000


def test_an_unknown_record_is_refused_by_the_names_there_are():
    with pytest.raises(ValueError, match=r"no record called 'raeder'; expected one of .*reader"):
        records.read("raeder")


def test_a_record_says_how_it_came_about(tmp_path, monkeypatch):
    monkeypatch.setattr(manifest, "results_dir", lambda: tmp_path / "results")
    written = manifest.record("trial", "python -m somewhere", rows=[1, 2])
    assert json.loads((tmp_path / "results" / "trial.json").read_text(encoding="utf-8")) == written
    assert {"command", "date", "machine", "versions", "rows"} == written.keys()
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["trial.json"]


@pytest.mark.parametrize("path", sorted(manifest.results_dir().glob("*.json")), ids=lambda path: path.stem)
def test_each_record_names_its_command_and_its_day(path):
    record = records.read(path.stem)
    assert record["command"].startswith(("python -m hcr_lib.", "python -m hcr_lib "))
    assert len(record["date"]) == 10


def test_what_the_data_page_says_of_the_synthetic_samples_help_is_on_record():
    page = " ".join((ROOT / "data/README.md").read_text(encoding="utf-8").split())
    gains = {
        (row["alphabet"], row["seed"], row["set"]): row["with"] - row["without"]
        for row in records.read("with_synthetic")["rows"]
    }
    exact_case = [gain for (alphabet, *_), gain in gains.items() if alphabet == "byclass"]
    low, high = (f"{100 * edge(exact_case):.1f}" for edge in (min, max))
    assert f"by {low} to {high} points" in page
    drawn_capitals = {
        seed: [
            gain
            for (alphabet, own, name), gain in gains.items()
            if (alphabet, own) == ("letters", seed) and "pens" in name
        ]
        for seed in (0, 1)
    }
    assert max(drawn_capitals[0]) < 0 < min(drawn_capitals[1])
    assert "on drawn capitals one seed lost" in page


def test_errors_of_the_reader_stand_worst_first_and_each_once():
    table = records.reader_errors()
    assert table["wrong"].is_monotonic_decreasing
    assert table["name"].is_unique
    assert table["wrong"].between(0, 100).all()
    digits = next(row for row in RECORD["rows"] if row["set"] == "MNIST test")
    wrong = table.set_index("name").loc["MNIST test, digits", "wrong"]
    assert wrong == pytest.approx(100 * (1 - digits["score"]))
    assert set(table["reader"].dropna()) == {"cut", "line", "auto"}
