"""The Kaggle A-Z file, full size: our reader beside `pandas.read_csv`. Left out unless asked for::

    pytest tests/benchmarks/test_az_speed.py -n 0 --benchmark-enable -s

The file is made up: 372,450 rows of the bundled handwriting. Every contender has a process of its own, so that its
memory can be told; asserted are ratios within one run. pandas wants 6 GB and up to a minute.
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hcr_lib import datasets

ROWS = 372_450
STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="only Linux says how much memory a process has used")

# Not ru_maxrss: a child begins with the peak of the process that started it.
PROGRAM = """
import json, sys, time
from pathlib import Path

def peak():
    line = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024

path = sys.argv[1]
{imports}
before, start, busy = peak(), time.perf_counter(), time.process_time()
{read}
print(json.dumps({{
    "seconds": time.perf_counter() - start,
    "of which busy": time.process_time() - busy,
    "MB": peak() - before,
    "rows": {rows},
}}))
"""
CONTENDERS = {
    "first": ("from hcr_lib.datasets import _az", "images, labels = _az.read_az(Path(path))", "len(labels)"),
    "again": ("from hcr_lib import datasets", "data = datasets.load(path, 'all')", "len(data)"),
    "train": ("from hcr_lib import datasets", "data = datasets.load(path)", "len(data)"),
    "pandas": ("import pandas", "table = pandas.read_csv(path, header=None)", "len(table)"),
}
#: The quick ones several times: what disturbs a run makes it longer, never shorter.
REPEATS = {"again": 3, "train": 3}


def write_az(path: Path, rows: int, rng: np.random.Generator) -> None:
    """Write letters of the bundled handwriting as the A-Z file has them: most of its cells are a single 0."""
    letters = datasets.load("bundled").merge_classes(datasets.load("bundled").classes[10:36])
    texts = [",".join(map(str, image)) + "\n" for image in letters.images.reshape(len(letters), -1).tolist()]
    picked = rng.integers(0, len(texts), rows)
    with path.open("w") as file:
        for some in np.array_split(picked, max(rows // 10_000, 1)):
            file.write("".join(f"{letters.labels[number]},{texts[number]}" for number in some))


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> dict[str, dict[str, float]]:
    path = tmp_path_factory.mktemp("az") / "A_Z Handwritten Data.csv"
    write_az(path, ROWS, np.random.default_rng(0))
    results = {}
    for name, (imports, read, rows) in CONTENDERS.items():
        program = PROGRAM.format(imports=imports, read=read, rows=rows)
        answers = [
            json.loads(subprocess.run([sys.executable, "-c", program, path], stdout=subprocess.PIPE, check=True).stdout)
            for _ in range(REPEATS.get(name, 1))
        ]
        results[name] = min(answers, key=lambda answer: answer["seconds"])
        print(f"\n{name:>7}", *(f"{value:,.2f} {unit};" for unit, value in results[name].items()))
    for file in path.parent.iterdir():
        file.unlink()
    return results


def test_every_row_is_read(measured):
    assert {measured[name]["rows"] for name in ("first", "again", "pandas")} == {ROWS}


def test_the_text_is_read_faster_than_by_pandas(measured):
    assert measured["first"]["of which busy"] < measured["pandas"]["of which busy"] / 1.5


def test_memory_is_an_eighth_of_what_pandas_needs(measured):
    assert measured["first"]["MB"] < measured["pandas"]["MB"] / 8


@pytest.mark.parametrize("name", ["again", "train"])
def test_from_the_cache_it_takes_less_than_a_second(measured, name):
    assert measured[name]["seconds"] < 1
