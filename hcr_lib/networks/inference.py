"""Run a trained network on LiteRT, the small runtime of TensorFlow models: the forward pass, without TensorFlow.

Only the reader goes this way, as importing TensorFlow takes seconds; lessons and widgets call Keras models directly.
Its file is what Keras' ``model.export(path, format="litert")`` writes, with a zip archive behind it, the place for the
metadata of such files: ``unzip -p reader.tflite record.json`` shows the classes and how the network was trained.
`hcr_lib.research.export_reader` writes it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import threading
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib._quiet import quiet_stderr

RECORD = "record.json"
BATCH = 64  #: images that go through the layers together, which keeps what lies between two layers to 6 MB
THREADS = min(4, os.cpu_count() or 1)  #: more gain little with images this small


class Network:
    """A function from images to probabilities; several threads may call it at once.

    Parameters
    ----------
    content : bytes
        A LiteRT model with one input of shape (n, height, width, 1), ink in [0, 1], and one output (n, classes).
    record : dict
        What else its file says of it, kept as an attribute; ``classes`` are the characters of the output's columns.
    """

    def __init__(self, content: bytes, record: dict[str, Any]):
        from ai_edge_litert.interpreter import Interpreter  # here: nobody waits for it who does not read

        self.record = record
        self._turn = threading.Lock()
        with quiet_stderr():  # it announces its kernels
            self._interpreter = Interpreter(model_content=content, num_threads=THREADS)
            self._interpreter.allocate_tensors()
        [given], [answer] = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        self._input, self._output = given["index"], answer["index"]
        self._batch, *self._size, _ = given["shape"].tolist()
        self._classes = int(answer["shape"][-1])

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the probabilities of the classes.

        Parameters
        ----------
        images : ndarray, shape (n, height, width)
            Ink: uint8 up to 255, or float up to 1.

        Returns
        -------
        ndarray of float32, shape (n, classes)
        """
        images = np.asarray(images)
        if list(images.shape[1:]) != self._size:
            raise ValueError("expected images of shape (n, {}, {}); got {}.".format(*self._size, images.shape))
        whole = np.float32(255 if images.dtype == np.uint8 else 1)
        probabilities = np.empty((len(images), self._classes), "float32")
        with self._turn:
            for start in range(0, len(images), BATCH):
                ink = np.divide(images[start : start + BATCH, ..., None], whole, dtype="float32")
                if len(ink) != self._batch:
                    self._interpreter.resize_tensor_input(self._input, ink.shape)
                    self._interpreter.allocate_tensors()
                    self._batch = len(ink)
                self._interpreter.set_tensor(self._input, ink)
                self._interpreter.invoke()
                probabilities[start : start + BATCH] = self._interpreter.get_tensor(self._output)
        return probabilities


def load(path: str | os.PathLike) -> Network:
    """Load a network for reading.

    The file is compared with the SHA-256 in its record, and the network is tried on an empty image: the answer is not
    finite if a single one of its weights is not.

    Raises
    ------
    ValueError
        If the file is damaged, or was not written by `hcr_lib.research.export_reader`.
    FileNotFoundError
        If there is no such file.
    """
    content = Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            model = content[: archive.getinfo(RECORD).header_offset]
            record = json.loads(archive.open(RECORD).read(1 << 20))
        if record["sha256"] != hashlib.sha256(model).hexdigest():
            raise ValueError("its SHA-256 is another")
        network = Network(model, record)
        blank = network(np.zeros((1, *network._size), "uint8"))
        if blank.shape[1] != len(record["classes"]) or not abs(blank.sum() - 1) < 1e-3:  # NaN, too
            raise ValueError(f"on an empty image it gives no probabilities of {len(record['classes'])} classes")
    except Exception as error:  # zipfile, zlib, json and LiteRT each have their own for a damaged file
        raise ValueError(
            f"{path} is damaged, or is no reader of this course ({error}); expected a file written by "
            "python -m hcr_lib.research.export_reader. Restore it with git, or make it again with this command."
        ) from error
    return network
