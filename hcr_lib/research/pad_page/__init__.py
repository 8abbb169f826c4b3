"""Build the pad that needs no kernel, ``data/pad.html``: ``python -m hcr_lib.research.pad_page``.

One file holds the pad, the network for single characters and what runs it in a browser. `recipe.js` and `network.js`
do there what `hcr_lib.pen`, `hcr_lib.images` and the recognizer do; `page.js` stands in for the kernel. `tfjs.js` is
what `runtime.js` takes of TensorFlow.js, at the versions of `package-lock.json`; with ``--runtime`` npm makes it anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import handwriting, labels, pen
from hcr_lib._paths import replace_whole, shipped
from hcr_lib.networks.inference import RECORD
from hcr_lib.widgets import _pad

COMMAND = "python -m hcr_lib.research.pad_page"
PAGE = "pad.html"
TRAINED = "reader.keras"
ALPHABET = "alnum"  #: what the page answers with, as the pad of lesson 06
MOST_BYTES = 6_000_000  #: of the page

_HERE = Path(__file__).parent
_MODULES = ("recipe", "network", "page")
_RUNTIME = "tfjs.js"
_MADE_FROM = ("runtime.js", "package.json", "package-lock.json", "NOTICE.txt")  # tfjs.js is


def _text(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def digest_of_runtime() -> str:
    """Return the SHA-256 of what `tfjs.js` is bundled from."""
    return hashlib.sha256("".join(map(_text, _MADE_FROM)).encode()).hexdigest()


def build_runtime() -> Path:
    """Bundle TensorFlow.js anew, with npm, in a folder of its own that is gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        for name in _MADE_FROM:
            shutil.copy(_HERE / name, folder)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder, check=True)
        options = ["--bundle", "--minify", "--format=iife", "--global-name=tf", "--platform=browser", "--target=es2020"]
        options += ["--charset=utf8", "--legal-comments=none", "--loader:.wasm=dataurl", "--outfile=out.js"]
        subprocess.run(["node", "node_modules/esbuild/bin/esbuild", "runtime.js", *options], cwd=folder, check=True)
        code = Path(folder, "out.js").read_text(encoding="utf-8")
        licence = Path(folder, "node_modules/long/LICENSE").read_text(encoding="utf-8")
    version = json.loads(_text("package.json"))["dependencies"]["@tensorflow/tfjs-core"]
    notice = _text("NOTICE.txt").format(version=version, command=COMMAND, digest=digest_of_runtime())
    return replace_whole(_HERE / _RUNTIME, f"/*\n{notice}\n{licence.strip()}\n*/\n{code}".encode())


def weights() -> tuple[dict[str, Any], str]:
    """Return the layers of the shipped network, and all its weights in half precision, as base64.

    Half precision loses nothing: `hcr_lib.research.export_reader` has rounded them already.
    """
    from hcr_lib._tf import keras

    layers, values = [], []
    for layer in keras.saving.load_model(shipped(TRAINED), compile=False).layers:
        if isinstance(layer, keras.layers.MaxPooling2D):
            layers.append({"kind": "pool"})
        elif isinstance(layer, keras.layers.Conv2D | keras.layers.Dense):
            kernel, *bias = layer.get_weights()
            kind = "conv" if kernel.ndim == 4 else "dense"
            layers.append({"kind": kind, "shape": list(kernel.shape), "normalised": not bias})
            values += [kernel, *bias]
        elif isinstance(layer, keras.layers.BatchNormalization):
            values += layer.get_weights()  # gamma, beta, mean, variance
    flat = np.concatenate([each.ravel() for each in values])
    halves = flat.astype("<f2")
    if not (halves == flat).all():
        raise ValueError(f"expected weights in half precision in {TRAINED}; write it with export_reader.save.")
    return layers, base64.b64encode(halves.tobytes()).decode()


def record(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the page knows of its network besides the weights: see `Recognizer`."""
    with zipfile.ZipFile(shipped(TRAINED)) as archive:
        known = json.loads(archive.read(RECORD))["classes"]
    answers = labels.classes(ALPHABET)
    folding = labels.merge_matrix(known, answers)
    fold = [int(row.argmax()) if row.any() else -1 for row in folding]
    return {
        "classes": known, "answers": answers, "fold": fold, "alike": labels.SHAPE_EQUIVALENT, "layers": layers,
    }  # fmt: skip


def samples() -> dict[str, list[list[list[list[int]]]]]:
    """Return drawings by synthetic writers, for the button that asks for one: strokes in whole pixels."""

    def drawn(text: str, number: int) -> list[list[list[int]]]:
        strokes = handwriting.write(text, handwriting.writer(number), np.random.default_rng(number))
        return [np.round(stroke).astype(int).tolist() for stroke in pen.scale_to(strokes, (300, 300 * len(text)), 10)]

    return {
        "characters": [drawn(char, number) for number, char in enumerate(labels.classes(ALPHABET))],
        "words": [drawn(word, number) for number, word in enumerate(_pad.SAMPLES)],
    }


def modules() -> str:
    """Return the course's own JavaScript of the page, as one module."""
    texts = [_pad.bundle(), *(_text(f"{name}.js") for name in _MODULES)]
    return re.sub(r"(?m)^(import .*\n|export default .*\n)", "", "\n".join(texts))


def digest() -> str:
    """Return the SHA-256 of what the page is made from."""
    parts = [_text("page.html"), _text(_RUNTIME), modules(), _pad.css(), json.dumps(samples())]
    trained = hashlib.sha256(shipped(TRAINED).read_bytes()).hexdigest()
    return hashlib.sha256("\n".join([*parts, trained]).encode()).hexdigest()


def page() -> bytes:
    """Return the page."""
    layers, packed = weights()
    given = {
        "digest": digest(), "css": _pad.css(), "runtime": _text(_RUNTIME), "modules": modules(), "weights": packed,
        "record": json.dumps(record(layers)), "samples": json.dumps(samples(), separators=(",", ":")),
    }  # fmt: skip
    content = re.sub(r"\{\{(\w+)\}\}", lambda found: given[found[1]], _text("page.html")).encode()
    if len(content) > MOST_BYTES:
        raise ValueError(f"the page must have at most {MOST_BYTES:,} bytes; got {len(content):,}.")
    return content
