"""TensorFlow and Keras, imported without output on stderr, and with memory that is kept between two batches.

TensorFlow's C++ half writes start-up notes straight to file descriptor 2, with times and process ids, which would
make no two runs of a notebook alike. Everything in the package takes TensorFlow and Keras from here.

Every batch allocates the same tens of megabytes. By default they go back to the system, which fills them with zeros,
page by page, for the next batch; on some virtual machines that is half of a training's time. So TensorFlow uses its
pooled allocator, and the C library of Linux keeps what TensorFlow's kernels free.

Convolutions are left to oneDNN, as TensorFlow does by itself on the newest processors. On an older one with one thread,
lessons 03 and 04 took a tenth less of the processor's time; with two threads there was no clear difference.

For its wrappers in scikit-learn's style, which nothing here uses, Keras would import scikit-learn as well. It goes
without: that is a second less at the beginning of a lesson. Nor does Python look for garbage meanwhile, over and over,
among some 400,000 objects that are there to stay: another second.
"""

import ctypes
import gc
import os
import sys

from hcr_lib._quiet import quiet_stderr

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_CPU_ALLOCATOR_USE_BFC", "true")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
if sys.platform == "linux":
    # glibc's malloc.h: M_TRIM_THRESHOLD, M_MMAP_THRESHOLD in bytes, M_ARENA_MAX
    for option, value in ((-1, 2**31 - 1), (-3, 2**30), (-8, 1)):
        ctypes.CDLL(None).mallopt(option, value)
hidden = sys.modules.setdefault("sklearn", None) is None
collects = gc.isenabled()
gc.disable()
with quiet_stderr():
    import tensorflow as tf  # before keras, which would import it loudly
    import keras
if collects:
    gc.enable()
if hidden:
    del sys.modules["sklearn"]

__all__ = ["keras", "tf"]
