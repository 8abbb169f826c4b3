"""Weight files: plain arrays with a description, no pickle, nothing that runs when it is read."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hcr_lib.networks import runtime

if TYPE_CHECKING:
    import keras


def save(model: keras.Model, path: str | os.PathLike, record: dict[str, Any]) -> None:
    """Write a model's weights in half precision, with a record of what they are.

    Half precision keeps three significant digits, which moves no probability by more than a few thousandths, and
    halves the file. The file is written under another name first, so that it is whole or not there at all.

    Parameters
    ----------
    model : keras.Model
    path : path
        Ends in ``.npz``.
    record : dict
        At least ``model`` (a function of `hcr_lib.networks.models`), ``width`` and ``classes``; anything JSON can hold. The
        layers are added to it, so that `hcr_lib.networks.runtime.Network` can do without the function and without TensorFlow.

    Raises
    ------
    ValueError
        If the model is no chain of layers that `hcr_lib.networks.runtime` knows.
    """
    path, record = Path(path), {**record, "layers": describe(model)}
    arrays = {f"{number:03} {weight.path}": weight.numpy() for number, weight in enumerate(model.weights)}
    arrays = {name: values.astype("float16") for name, values in arrays.items()}
    part = path.with_suffix(".part.npz")
    np.savez_compressed(part, record=np.array(json.dumps(record)), **arrays)
    os.replace(part, path)


def describe(model: keras.Model) -> list[dict[str, Any]]:
    """List the layers of a model as `hcr_lib.networks.runtime.Network` takes them: kind, options and names of weights.

    Raises
    ------
    ValueError
        If the layers are no chain, or one is of a kind, or has an option, that `hcr_lib.networks.runtime` does not know.
    """
    first, *layers = [layer for layer in model.layers if type(layer).__name__ != "InputLayer"]
    chain = [model.inputs[0], first.output, *(layer.output for layer in layers)]
    in_a_row = type(model).__name__ == "Sequential"  # a chain by nature; adding to it calls its layers anew
    for before, layer in zip(chain, [first, *layers], strict=False):
        if layer.input is not before and not in_a_row:
            raise ValueError(
                f"a weight file describes a chain of layers; {layer.name!r} takes something else than the output of "
                "the layer before it."
            )
    return [_description(layer) for layer in [first, *layers]]


def _description(layer: keras.Layer) -> dict[str, Any]:
    kind = type(layer).__name__
    if kind not in runtime.OPTIONS:
        raise ValueError(
            f"hcr_lib.networks.runtime has no layer of kind {kind} (here {layer.name!r}); expected one of "
            f"{', '.join(runtime.OPTIONS)}. Teach it to the runtime, or save the model with Keras."
        )
    config = json.loads(json.dumps(layer.get_config()))  # tuples become lists, as in the file
    for option, only in runtime.FIXED.get(kind, {}).items():
        if config[option] != only:
            raise ValueError(
                f"hcr_lib.networks.runtime knows {kind} with {option}={only!r} only; got {config[option]!r}."
            )
    options = {option: config[option] for option in runtime.OPTIONS[kind]}
    if options.get("activation", "linear") not in runtime.ACTIVATIONS:
        known = ", ".join(runtime.ACTIVATIONS)
        raise ValueError(f"hcr_lib.networks.runtime knows the activations {known}; got {options['activation']!r}.")
    return {"kind": kind, **options, "weights": [weight.path.split("/")[-1] for weight in layer.weights]}


def load(path: str | os.PathLike) -> tuple[dict[str, Any], list[np.ndarray]]:
    """Read a weight file.

    Returns
    -------
    record : dict
    arrays : list of ndarray of float32
        In the order of ``model.set_weights``.

    Raises
    ------
    ValueError
        If it is not such a file, or damaged.
    FileNotFoundError
        If there is none.
    """
    content = Path(path).read_bytes()
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            record = json.loads(str(file["record"]))
            arrays = [file[name].astype("float32") for name in sorted(set(file.files) - {"record"})]
        if missing := {"model", "width", "classes"} - record.keys():
            raise ValueError(f"its record lacks {', '.join(sorted(missing))}")
    except Exception as error:  # zip, zlib, NumPy and JSON each have their own for a damaged file
        raise ValueError(
            f"{path} is not a weight file of this course, or is damaged; expected an .npz written by "
            "hcr_lib.networks.weights.save. Restore it with git, or train it again: python -m hcr_lib.research.train_reader."
        ) from error
    return record, arrays
