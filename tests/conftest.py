"""What all tests share: where real handwriting lies, and reproducible made-up inputs."""

import multiprocessing
import os
from pathlib import Path

import hypothesis
import pytest

# The same examples every time: a test that fails for you fails for everybody. No deadline: machines differ.
hypothesis.settings.register_profile("course", derandomize=True, deadline=None, database=None)
hypothesis.settings.load_profile("course")


def pytest_collection_modifyitems(config, items):
    """Leave out benchmarks unless asked for, and what needs real handwriting without it."""
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


@pytest.fixture(scope="module")
def uncompiled():
    """Let TensorFlow take every step by itself: where there are only a few, that is quicker than compiling them."""
    from hcr_lib._tf import tf  # here, because few tests need it

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


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
