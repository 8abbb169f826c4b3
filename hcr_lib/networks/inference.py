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
import queue
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib._quiet import quiet_stderr

RECORD = "record.json"
BATCH = 64  #: images that go through the layers together, which keeps what lies between two layers to 6 MB
THREADS = min(4, os.cpu_count() or 1)  #: more gain little with images this small


class _Model:
    """A LiteRT model with one input and one output, and what else its file says of it; several threads may run it."""

    threads = THREADS  #: of one run
    copies = 1  #: runs at a time; others wait

    def __init__(self, content: bytes, record: dict[str, Any]):
        self.record = record
        self._content = content
        first = self._interpreter()
        [given], [answer] = first.get_input_details(), first.get_output_details()
        self._input, self._output = given["index"], answer["index"]
        self._shape = given["shape"].tolist()
        self._columns = int(answer["shape"][-1])
        self._idle: queue.LifoQueue = queue.LifoQueue()  # None is a copy that was not needed yet
        for each in [None] * (self.copies - 1) + [first]:
            self._idle.put(each)

    def _interpreter(self) -> Any:
        from ai_edge_litert.interpreter import Interpreter  # here: nobody waits for it who does not read

        with quiet_stderr():  # it announces its kernels
            interpreter = Interpreter(model_content=self._content, num_threads=self.threads)
            interpreter.allocate_tensors()
        return interpreter

    def _run(self, ink: np.ndarray) -> np.ndarray:
        """Return the answer to one input, which may have another batch or width than the last one."""
        interpreter = self._idle.get()
        try:
            interpreter = interpreter or self._interpreter()
            [given] = interpreter.get_input_details()
            if list(ink.shape) != given["shape"].tolist():
                interpreter.resize_tensor_input(self._input, ink.shape)
                interpreter.allocate_tensors()
            interpreter.set_tensor(self._input, ink)
            interpreter.invoke()
            return interpreter.get_tensor(self._output)
        finally:
            self._idle.put(interpreter)


def _as_ink(images: np.ndarray) -> np.ndarray:
    return np.divide(images, np.float32(255 if images.dtype == np.uint8 else 1), dtype="float32")


class Network(_Model):
    """A function from images to probabilities; several threads may call it at once.

    Parameters
    ----------
    content : bytes
        A LiteRT model with one input of shape (n, height, width, 1), ink in [0, 1], and one output (n, classes).
    record : dict
        What else its file says of it, kept as an attribute; ``classes`` are the characters of the output's columns.
    """

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
        size = self._shape[1:3]
        if list(images.shape[1:]) != size:
            raise ValueError("expected images of shape (n, {}, {}); got {}.".format(*size, images.shape))
        probabilities = np.empty((len(images), self._columns), "float32")
        for start in range(0, len(images), BATCH):
            probabilities[start : start + BATCH] = self._run(_as_ink(images[start : start + BATCH, ..., None]))
        return probabilities

    def check(self) -> None:
        """Raise a ValueError if the network does not work; a blank image tells, since every weight has its part."""
        blank = self(np.zeros((1, *self._shape[1:3]), "uint8"))
        if blank.shape[1] != len(self.record["classes"]) or not abs(blank.sum() - 1) < 1e-3:  # NaN, too
            raise ValueError(f"on an empty image it gives no probabilities of {len(self.record['classes'])} classes")


class LineNetwork(_Model):
    """A function from the image of a line to log probabilities at each step; several threads may call it at once.

    Parameters
    ----------
    content : bytes
        A LiteRT model with one input of shape (1, height, width, 1), of any width, ink in [0, 1], and one output (1,
        steps, 1 + classes).
    record : dict
        As of `Network`.
    """

    threads = 1  # the steps of an LSTM follow one another: a second thread mostly waits, and slows them by a third
    copies = 2  # of them, two lines are read side by side

    def __call__(self, line: np.ndarray) -> np.ndarray:
        """Return log probabilities: column 0 is the blank of CTC, column k + 1 is class k.

        Parameters
        ----------
        line : ndarray, shape (height, width)
            Ink: uint8 up to 255, or float up to 1.

        Returns
        -------
        ndarray of float32, shape (width // 4, 1 + classes)
        """
        line = np.asarray(line)
        if line.ndim != 2 or len(line) != self._shape[1]:
            raise ValueError(f"expected a line of shape ({self._shape[1]}, width); got {line.shape}.")
        # Each new width has the runtime plan its memory anew, so paper is added up to a multiple of 16.
        line = np.pad(line, ((0, 0), (0, -line.shape[1] % 16)))
        return self._run(_as_ink(line[None, ..., None]))[0]

    def check(self) -> None:
        """Raise a ValueError if the network does not work."""
        blank = self(np.zeros((self._shape[1], 16), "uint8"))
        if self._columns != 1 + len(self.record["classes"]) or not np.allclose(np.exp(blank).sum(axis=1), 1, atol=1e-3):
            raise ValueError(f"on an empty line it gives no probabilities of {len(self.record['classes'])} classes")


def load(path: str | os.PathLike) -> Network:
    """Load a network that reads characters; see `load_line_network`."""
    return _load(path, Network)


def load_line_network(path: str | os.PathLike) -> LineNetwork:
    """Load a network that reads lines.

    The file is compared with the SHA-256 in its record, and the network is tried on an empty image: the answer is not
    finite if a single one of its weights is not. The same holds for `load`.

    Raises
    ------
    ValueError
        If the file is damaged, or was not written by `hcr_lib.research.export_reader`.
    FileNotFoundError
        If there is no such file.
    """
    return _load(path, LineNetwork)


def _load(path: str | os.PathLike, kind: type[Network] | type[LineNetwork]) -> Any:
    content = Path(path).read_bytes()
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            model = content[: archive.getinfo(RECORD).header_offset]
            record = json.loads(archive.open(RECORD).read(1 << 20))
        if record["sha256"] != hashlib.sha256(model).hexdigest():
            raise ValueError("its SHA-256 is another")
        network = kind(model, record)
        network.check()
    except Exception as error:  # zipfile, zlib, json and LiteRT each have their own for a damaged file
        raise ValueError(
            f"{path} is damaged, or is no reader of this course ({error}); expected a file written by "
            "python -m hcr_lib.research.export_reader. Restore it with git, or make it again with this command."
        ) from error
    return network
