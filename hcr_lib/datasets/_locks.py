"""Files that several processes may want to write: one at a time, and whoever waits hears of it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOTICE_AFTER = 3.0  #: seconds


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock of `path`, an empty file beside it; warn when another process has held it for some seconds.

    The system gives a lock back when the process that holds it ends, however it ends. A folder that cannot be made or
    written to is an `OSError`.
    """
    from filelock import FileLock, Timeout  # here, because reading needs no lock

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path.with_name(f".{path.name.lstrip('.')}.lock"))
    try:
        lock.acquire(timeout=NOTICE_AFTER)
    except Timeout:
        warnings.warn(f"another process is working on {path}; waiting for it to finish.", stacklevel=3)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
