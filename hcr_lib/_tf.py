"""TensorFlow and Keras, imported without output on stderr.

TensorFlow's C++ half writes start-up notes straight to file descriptor 2, with times and process ids, which would
make no two runs of a notebook alike. Everything in the package takes TensorFlow and Keras from here.
"""

import os

from hcr_lib._quiet import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with quiet_stderr():
    import tensorflow as tf  # before keras, which would import it loudly
    import keras

__all__ = ["keras", "tf"]
