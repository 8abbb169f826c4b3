"""Import TensorFlow and Keras without a word on stderr.

TensorFlow's C++ half writes start-up notes straight to file descriptor 2, with times and process ids, which would
make no two runs of a notebook alike. Everything in the package takes TensorFlow and Keras from here.
"""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def _quiet_stderr() -> Iterator[None]:
    """Hold back what is written to file descriptor 2; show it only if the block fails."""
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:  # whatever the reason, a failed import must show why
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            os.dup2(saved, 2)
            os.close(saved)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _quiet_stderr():
    import tensorflow as tf  # before keras, which would import it loudly
    import keras

__all__ = ["keras", "tf"]
