"""What all tests share: where real handwriting lies, and reproducible made-up inputs."""

import multiprocessing
import os
from pathlib import Path

import hypothesis
import pytest

# Processes that share the files also share the cores: with a thread on every core for each of them, the threads would
# wait for one another, busily. Set before NumPy and TensorFlow are imported; kernels and other children inherit it.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(variable, str(max(1, (os.cpu_count() or 1) // workers)))

# The same examples every time: a test that fails for you fails for everybody. No deadline: machines differ.
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")


# These take minutes; begun last, each would keep one process busy while the other has run out of files.
LONG = ("03_cnn.ipynb", "04_crnn.ipynb", "test_training.py", "test_browser.py")


def pytest_collection_modifyitems(config, items):
    """Begin with the long files; leave out benchmarks unless asked for, and what needs real handwriting without it."""
    # The solutions of a lesson have its name; they are short, and come early all the same.
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
    if not config.getoption("benchmark_enable"):
        timed = [item for item in items if item.path.parent.name == "benchmarks"]
        items[:] = [item for item in items if item not in timed]
        config.hook.pytest_deselected(items=timed)
    folder = os.environ.get("HCR_DATA_DIR")
    if folder and Path(folder).is_dir():
        return
    reason = "no real handwriting here: set HCR_DATA_DIR to a folder that holds it"
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Return the folder of real handwriting; for tests marked ``real_data``."""
    return Path(os.environ["HCR_DATA_DIR"])


@pytest.fixture
def processes():
    """Return a way to start a function in a process of its own, which is ended afterwards."""
    started = []

    def start(function, *args):
        process = multiprocessing.get_context("spawn").Process(target=function, args=args)
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()


def pytest_addoption(parser):
    """Let a maintainer refresh the picture in the README: ``pytest --picture notebooks/pad.png``."""
    parser.addoption("--picture", type=Path, metavar="FILE", help="save what the browser test drew on the pad as a PNG")
