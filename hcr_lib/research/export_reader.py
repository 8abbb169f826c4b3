"""Make a reader's two files from a trained one: ``python -m hcr_lib.research.export_reader [FILE.keras]``.

``reader.keras`` is Keras' own format, from which training can go on. ``reader.tflite`` is made from it; it is what the
reader runs. ``line_reader.keras`` and ``line_reader.tflite`` are the same for lines. All carry the record of the
training as ``record.json``, which ``unzip -p FILE record.json`` shows.
"""

from __future__ import annotations

import argparse
import dataclasses
import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hcr_lib import ctc, line_reader
from hcr_lib._paths import replace_whole, shipped
from hcr_lib._quiet import quiet_stderr
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import load
from hcr_lib.networks.inference import RECORD, LineNetwork, Network
from hcr_lib.recognizer import WEIGHTS
from hcr_lib.research import manifest

if TYPE_CHECKING:
    from hcr_lib._tf import keras, tf

COMMAND = "python -m hcr_lib.research.export_reader"
TRAINED = "reader.keras"
#: That of UNIPEN, which asks to be named: see the model card.
LICENCE = "CC-BY-4.0"
#: Probabilities of Keras and of LiteRT may differ by this much: both calculate in float32, in another order.
TOLERANCE = 1e-4
LINE_TOLERANCE = 3e-3  #: LiteRT keeps a line reader's weights in half precision, and unpacks them to float32


def save(model: keras.Model, path: Path, record: dict[str, Any]) -> Path:
    """Write a trained network in Keras' format, its weights rounded to half precision, with a record of its training.

    Half precision keeps three significant digits, which moves no probability by more than a few thousandths; it nearly
    halves the file, which is compressed, although Keras has float32 weights again once it is loaded.

    Parameters
    ----------
    model : keras.Model
        Its weights are rounded, too.
    path : Path
        Ends in ``.keras``.
    record : dict
        At least ``classes``, the characters of the output's columns; anything JSON can hold.

    Raises
    ------
    ValueError
        If weights or answers are not finite (in half precision 65,520 and more is not), or a variance is negative.
    """
    from hcr_lib._tf import keras

    with np.errstate(over="ignore"):
        model.set_weights([values.astype("float16") for values in model.get_weights()])
    # Not left to the answers below: ReLU turns the NaN that a negative variance gives into 0 on some processors.
    for weight in model.weights:
        if weight.path.endswith("moving_variance") and (least := np.min(weight.numpy())) < 0:
            raise ValueError(
                f"expected no negative variances; got {least:g} in {weight.path}. Train the network again."
            )
    blank = model(np.zeros([side or 16 for side in (1, *model.input_shape[1:])]), training=False)
    blank = keras.ops.convert_to_numpy(blank)  # training runs on other backends than TensorFlow, too
    if not all(np.isfinite(values).all() for values in (*model.get_weights(), blank)):
        raise ValueError("expected finite weights and answers in half precision; train the network again.")
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, TRAINED))
        with zipfile.ZipFile(Path(folder, TRAINED)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
    members[RECORD] = json.dumps(record, ensure_ascii=False).encode()
    return replace_whole(path, _zipped(members))


def to_litert(path: Path) -> bytes:
    """Return the file that the reader runs, made from one that `save` wrote: of characters or of lines.

    Raises
    ------
    ValueError
        If the two do not give the same probabilities for the bundled test images.
    """
    from hcr_lib._tf import keras

    model = keras.saving.load_model(path, compile=False)
    with zipfile.ZipFile(path) as archive:
        record = json.loads(archive.read(RECORD))
    of_lines = model.input_shape[2] is None
    content = _export_lines(model) if of_lines else _export(model)
    record["sha256"] = hashlib.sha256(content).hexdigest()
    images = load("bundled", "test").images[:62]
    if of_lines:  # the characters side by side, and a part of them: two widths
        lines = [
            np.pad(np.hstack(part), ((10, 10), (0, -28 * len(part) % 16))) for part in (images[:12], images[20:25])
        ]
        network = LineNetwork(content, record)
        found = [np.exp(network(line)) for line in lines]
        scores = [model.predict(line[None, ..., None] / np.float32(255), verbose=0)[0] for line in lines]
        expected = [np.exp(ctc.log_softmax(each)) for each in scores]
    else:
        found = [Network(content, record)(images)]
        expected = [model.predict(images[..., None] / np.float32(255), verbose=0)]
    difference = max(np.abs(one - other).max() for one, other in zip(found, expected, strict=True))
    if not difference <= (LINE_TOLERANCE if of_lines else TOLERANCE):  # written so that NaN is refused as well
        raise ValueError(f"LiteRT and Keras differ by {difference:.1e} in the probabilities of {path}.")
    return _zipped({RECORD: json.dumps(record, ensure_ascii=False).encode()}, behind=content)


def _export(model: keras.Model) -> bytes:
    with tempfile.TemporaryDirectory() as folder, quiet_stderr():
        model.export(Path(folder, WEIGHTS), format="litert", verbose=False)
        return Path(folder, WEIGHTS).read_bytes()


def _export_lines(model: keras.Model) -> bytes:
    """Convert a line reader, which Keras' own export cannot do for LiteRT: the lists in the loops of its LSTMs.

    They are lowered to tensors for one line at a time. Keras multiplies the input of each step by itself; here one
    product does it for all of a line, so that a step reads only the recurrent weights, which takes three quarters of
    the time. The weights become constants in half precision, which they have already.
    """
    from hcr_lib._tf import keras, tf

    first = next(k for k, layer in enumerate(model.layers) if isinstance(layer, keras.layers.Bidirectional))
    front = keras.Model(model.input, model.layers[first].input)
    layers = [layer for layer in model.layers[first:] if not isinstance(layer, keras.layers.Dropout)]
    *lstms, dense = [
        [each.get_weights() for each in (layer.forward_layer, layer.backward_layer)] if len(layer.weights) == 6
        else layer.get_weights() for layer in layers
    ]  # fmt: skip
    state = [[each.numpy() for each in some] for some in (front.trainable_variables, front.non_trainable_variables)]

    def scored(line):
        columns, _ = front.stateless_call(*[list(map(tf.constant, each)) for each in state], line, training=False)
        columns = columns[0]
        for forwards, backwards in lstms:
            other = tf.reverse(_lstm(tf.reverse(columns, [0]), *backwards), [0])
            columns = tf.concat([_lstm(columns, *forwards), other], axis=1)
        return tf.nn.log_softmax(tf.matmul(columns, dense[0]) + dense[1])[None]

    shape = tf.TensorSpec((1, *model.input_shape[1:]), "float32")
    function = tf.function(scored, input_signature=[shape], autograph=False, jit_compile=False)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    converter._experimental_lower_tensor_list_ops = True
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.target_spec.supported_types = [tf.float16]
    with quiet_stderr():
        return converter.convert()


def _lstm(columns: tf.Tensor, kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> tf.Tensor:
    """Return what an LSTM with Keras' weights says of a sequence (n, features): (n, units)."""
    from hcr_lib._tf import tf

    given, number, units = tf.matmul(columns, kernel) + bias, tf.shape(columns)[0], len(recurrent)

    def step(k, shown, memory, said):
        write, keep, new, show = tf.split(tf.gather(given, [k]) + tf.matmul(shown, recurrent), 4, axis=1)
        memory = tf.sigmoid(keep) * memory + tf.sigmoid(write) * tf.tanh(new)
        shown = tf.sigmoid(show) * tf.tanh(memory)
        return k + 1, shown, memory, said.write(k, shown[0])

    nothing, said = tf.zeros((1, units)), tf.TensorArray("float32", number, element_shape=(units,))
    *_, said = tf.while_loop(lambda k, *_: k < number, step, (tf.constant(0), nothing, nothing, said))
    return said.stack()


def _zipped(members: dict[str, bytes], behind: bytes = b"") -> bytes:
    """Return a compressed archive, behind something else or alone; without dates, so that it is the same every time."""
    file = io.BytesIO(behind)
    with zipfile.ZipFile(file, "a") as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return file.getvalue()


@dataclasses.dataclass(frozen=True)
class Files:
    """A trained network that ships: its two files, what it learned from, and the command that makes it."""

    trained: str
    weights: str
    origin: str
    command: str


READERS = (
    Files(
        TRAINED, WEIGHTS,
        "trained on MNIST, EMNIST, UNIPEN and data/synthetic.npz; see reader.md, the model card",
        "python -m hcr_lib.research.train_reader --out DIR --ship",
    ),
    Files(
        "line_reader.keras", line_reader.WEIGHTS,
        "trained on UNIPEN, EMNIST and lines by synthetic writers; see line_reader.md, the model card",
        "python -m hcr_lib.research.train_line_reader --out DIR --batch 4 --start FIRST --peak 1e-3 --seed 1"
        " --epochs 11 --ship",
    ),
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Put trained readers and what is made from them into ``data/``, or only the latter elsewhere."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument(
        "trained", type=Path, nargs="?", metavar="FILE.keras", help="from a training; else those that ship"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.tflite", help="write this file only, and nothing to data/")
    options = parser.parse_args(arguments)
    if options.out:
        replace_whole(options.out, to_litert(options.trained or shipped(TRAINED)))
        return
    for trained in [options.trained] if options.trained else [shipped(files.trained) for files in READERS]:
        ship(trained)


def ship(trained: Path) -> None:
    """Put a trained reader, and the file made from it that is read with, into ``data/``; its name says which it is."""
    known = {files.trained: files for files in READERS}
    files = known[ensure_choice(trained.name, known, name="the name of a trained reader")]
    readable = to_litert(trained)
    content, facts = trained.read_bytes(), {"licence": LICENCE}
    manifest.ship(files.trained, content, origin=files.origin, **facts, command=files.command)
    manifest.ship(files.weights, readable, origin=f"made from {files.trained}", **facts, command=COMMAND)


if __name__ == "__main__":
    main()
