"""Characters that real writers drew or photographed, normalised as MNIST's images are, and how well they are read."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hcr_lib import images, metrics, pen
from hcr_lib.labels import BYCLASS, classes, merge_matrix
from hcr_lib.research.scorecard import PEN_WIDTHS, pen_drawings, pictures_in

#: A class set, and which of the 62 characters are shown to a reader of that set.
SHOWN = {name: classes(name) for name in ("digits", "letters", "alnum", "byclass")}


@dataclass(frozen=True)
class Pictures:
    """Normalised single characters: images uint8 (n, 28, 28), chars str (n,)."""

    images: np.ndarray
    chars: np.ndarray


def pens(data_dir: Path) -> dict[str, Pictures]:
    """Return the UNIPEN drawings for each width of the pen."""
    drawings = list(pen_drawings(data_dir / "pen_strokes_dev.npz"))
    chars = np.array([char for char, _ in drawings])
    return {
        f"real pens, {name}": Pictures(
            np.stack([images.ink_to_mnist(pen.render(strokes, pen.PAD, width)) for _, strokes in drawings]), chars
        )
        for name, width in PEN_WIDTHS.items()
    }


def photographs(data_dir: Path) -> Pictures:
    """Return the photographed characters; one without ink that stands out becomes a blank image."""
    found = list(pictures_in(data_dir / "photo_chars_dev.zip"))
    chars = [Path(name).stem.split("_")[1] for name, _, _ in found]
    stored = np.zeros((len(found), images.SIZE, images.SIZE), "uint8")
    for target, (_, picture, _) in zip(stored, found, strict=True):
        with contextlib.suppress(images.BlankImageError):
            target[:] = images.to_mnist(picture)
    return Pictures(stored, np.array(chars))


def probabilities(model: Any, stored: np.ndarray) -> np.ndarray:
    """Return the probabilities that a network of 62 classes gives normalised images: float32 of shape (n, 62)."""
    return model.predict(stored[..., None] / np.float32(255), batch_size=500, verbose=0).astype("float32")


def hits(scores: np.ndarray, chars: np.ndarray, alphabet: str) -> np.ndarray:
    """Return for each picture that belongs to an alphabet whether it is read right: bool of shape (m,).

    Digits and capitals are shown for ``alnum``, capitals for ``letters``; a capital may be read in either case there.
    """
    predictions = np.array(list(classes(alphabet)))[(scores @ merge_matrix(BYCLASS, classes(alphabet))).argmax(axis=1)]
    shown = np.isin(chars, list(SHOWN[alphabet]))
    return (predictions == chars)[shown]


def merged_hits(scores: np.ndarray, chars: np.ndarray, alphabet: str) -> np.ndarray:
    """As `hits`, but small letters are shown too and count as their capitals; for ``letters`` and ``alnum``."""
    return hits(scores, np.char.upper(chars), alphabet)


def share(right: np.ndarray) -> dict[str, float]:
    """Return the share that is right with its 95 % interval and the number of pictures, for a record."""
    low, high = metrics.wilson_interval(int(right.sum()), len(right))
    return {"right": round(float(right.mean()), 4), "low": round(low, 4), "high": round(high, 4), "count": len(right)}
