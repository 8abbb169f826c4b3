"""The studies measure what they say they do, on made-up data, in moments; and each record has its study."""

import importlib
import json
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

from hcr_lib import datasets, records
from hcr_lib.datasets import Dataset
from hcr_lib.labels import ALNUM, DIGITS, LETTERS
from hcr_lib.research import manifest, studies
from hcr_lib.research.studies import sets

NAMES = sorted(module.name for module in pkgutil.iter_modules(studies.__path__) if not module.name.startswith("_"))


@pytest.fixture(scope="module")
def few():
    """Return twenty images of each of the 62 characters."""
    return datasets.load("bundled", "train").balanced(20, rng=np.random.default_rng(0))


@pytest.fixture(scope="module")
def made_up(few, tmp_path_factory):
    """Return a folder with made-up data in the files of two real sets."""
    folder = tmp_path_factory.mktemp("data")
    part = np.array(["train", "train", "train", "val", "test"])[np.arange(len(few)) % 5]
    case = np.where(np.arange(len(few)) % 7 == 0, "?", few.chars)
    merged = few.merge_classes(ALNUM).chars
    np.savez(folder / "emnist.npz", images=few.images, chars=merged, case_chars=case, split=part)
    capitals = few.only(LETTERS).merge_classes(LETTERS)
    rows = np.column_stack([capitals.labels, capitals.images.reshape(len(capitals), -1)])
    np.savetxt(folder / "az.csv", rows, fmt="%d", delimiter=",")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_study_is_a_function_that_says_what_it_measures(name):
    study = importlib.import_module(f"hcr_lib.research.studies.{name}").study
    assert study.__doc__
    assert list(study.__annotations__) == ["data_dir", "return"]


@pytest.mark.parametrize("path", sorted(manifest.results_dir().glob("*.json")), ids=lambda path: path.stem)
def test_a_record_is_named_after_the_study_that_wrote_it(path):
    command = records.read(path.stem)["command"].split()
    if command[2] == "hcr_lib.research.studies":
        assert command[3] == path.stem
        assert path.stem in NAMES


def test_the_command_names_the_studies_there_are():
    command = [sys.executable, "-m", "hcr_lib.research.studies", "nonsense"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert answer.returncode == 2
    assert all(name in answer.stderr for name in NAMES)


def test_sets_describes_what_is_there_and_names_what_is_missing(made_up, monkeypatch):
    monkeypatch.setattr(sets, "SETS", ("mnist", *sets.MIXED, "az"))
    monkeypatch.setattr(sets, "check", lambda parts: {"parts": sorted(parts)})  # has tests of its own, and is slow
    found = json.loads(json.dumps(sets.study(made_up)))
    assert found["missing"] == ["mnist"]
    assert [one["name"] for one in found["sets"]] == [*sets.MIXED, "az"]
    merged, case_known, az = found["sets"]
    assert (merged["images"], merged["classes"], merged["imbalance"]) == (1240, 36, 2.0)
    assert case_known["classes"] == 62 and case_known["images"] < merged["images"]
    assert (az["images"], az["counts"]["A"], az["writers"]) == (520, 20, None)


def test_counts_are_those_of_the_labels(few):
    found = sets.count(few.take(few.chars != "q").take(np.arange(100)))
    assert sum(found["counts"].values()) == found["images"] == 100
    assert found["commonest"] == max(found["counts"].values()) / 100


def test_copies_are_counted_once_each(few):
    assert sets.count(few)["copies"] == 0
    assert sets.count(few.take([0, 1, 0, 0, 2, 1]))["copies"] == 3


@pytest.mark.parametrize("width", [2, 4, 6])
def test_pen_and_shape_are_those_of_the_drawing(width):
    page = np.zeros((2, 28, 28), "uint8")
    page[0, 4:24, 10 : 10 + width] = 255
    found = sets.measure(Dataset(page, [0, 0], "1", "a bar and a blank"))
    assert found["stroke"]["mean"] == pytest.approx(width, abs=0.8)
    assert found["aspect"] == {"mean": round(width / 20, 3), "std": 0.0}
    assert found["ink"]["mean"] == pytest.approx(20 * width / 784, abs=0.001)


def test_measuring_is_the_same_each_time(few):
    assert sets.measure(few, 50) == sets.measure(few, 50)


def test_the_check_is_recorded_with_its_findings(few):
    digits = few.merge_classes(DIGITS)
    doubled = digits.take(np.concatenate([np.arange(len(digits)), np.arange(30)]))
    doubled = Dataset(doubled.images, doubled.labels, doubled.classes, "with copies")
    found = json.loads(json.dumps(sets.check({"train": doubled, "test": digits.take(np.arange(50))})))
    assert [fault["code"] for fault in found["quick"]["faults"]] == ["duplicates"]
    assert {"duplicates", "shared-images"} <= {fault["code"] for fault in found["thorough"]["faults"]}
    assert found["quick"]["faults"][0]["images"] == 30
    assert found["thorough"]["seconds"] > found["quick"]["seconds"]


def test_the_record_describes_the_sample_that_ships():
    (bundled,) = (one for one in records.read("sets")["sets"] if one["name"] == "bundled")
    everything = datasets.load("bundled", "all")
    assert sets.count(everything) == {key: bundled[key] for key in sets.count(everything)}
    now = sets.measure(datasets.load("bundled", "train"))
    assert all(now[name] == pytest.approx(bundled[name], abs=0.002) for name in now)


def test_no_set_on_record_has_a_fault():
    for one in records.read("sets")["sets"]:
        assert one["quick"]["faults"] == one["thorough"]["faults"] == [], one["name"]


@pytest.mark.real_data
def test_the_record_counts_the_real_sets(real_data):
    recorded = {one["name"]: one for one in records.read("sets")["sets"]}
    for name in sets.SETS:
        try:
            found = sets.count(datasets.load(name, "all", data_dir=real_data))
        except datasets.MissingDataError:
            continue
        assert found == {key: recorded[name][key] for key in found}
