"""What notebooks, doctests and tests share when they run: threads for each process, and the order of the files."""

import os

# Processes that share the files also share the cores: with a thread on every core for each of them, the threads would
# wait for one another, busily. Set before NumPy and TensorFlow are imported; kernels and other children inherit it.
if workers := int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "0")):
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS"):
        os.environ.setdefault(variable, str(max(1, (os.cpu_count() or 1) // workers)))

# These take minutes; begun last, each would keep one process busy while the other has run out of files.
LONG = ("03_cnn.ipynb", "04_crnn.ipynb", "test_training.py", "test_browser.py", "test_browser_pad.py")


def pytest_collection_modifyitems(items):
    """Begin with the long files."""
    # The solutions of a lesson have its name; they are short, and come early all the same.
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
