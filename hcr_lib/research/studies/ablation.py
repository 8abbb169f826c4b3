"""Ablation of the recipe on real pens: the shipped reader, photographs, and one step left out in turn.

The drawings (`pen_strokes_dev.npz`) are private evaluation material: see the model card, ``data/reader.md``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hcr_lib import images, labels, pen
from hcr_lib.recognizer import Recognizer
from hcr_lib.research import scorecard

PER_CLASS = 30
HEIGHT = 110  #: longer side of a character, in pixels of the photograph
SHAPE = (260, 220)  #: of the photograph, (height, width)
#: Half the width of the pen in the photograph: those of the scorecard, whose pad has larger characters.
PENS = {"thin": 1.6, "medium": 3.9, "thick": 7.1}


def photograph(strokes: Sequence[npt.ArrayLike], half_width: float, rng: np.random.Generator) -> np.ndarray:
    """Imitate a phone picture: dark ink on grey paper, light from one corner, two crumbs, grain.

    Lesson 02 writes this out; a test holds the two to the same pixels.

    Parameters
    ----------
    strokes : sequence of array_like, each of shape (n, 2)
        In pixels of the photograph.
    half_width : float
        Half the width of the pen, in pixels.
    rng : numpy.random.Generator
        Source of crumbs and grain.

    Returns
    -------
    ndarray of uint8, shape (260, 220)
    """
    crumbs = rng.uniform(0, SHAPE[::-1], (2, 1, 2))
    ink = np.maximum(pen.render_page(strokes, SHAPE, half_width), pen.render_page(crumbs, SHAPE, 1.5))
    down, across = np.mgrid[0 : 1 : SHAPE[0] * 1j, 0 : 1 : SHAPE[1] * 1j]
    picture = (0.8 - 0.2 * down - 0.2 * across) * (1 - 0.6 * ink) + rng.normal(0, 0.015, SHAPE)
    return (255 * picture.clip(0, 1)).round().astype("uint8")


def on_the_page(strokes: Sequence[npt.ArrayLike], rng: np.random.Generator) -> list[np.ndarray]:
    """Scale a drawing to `HEIGHT` and put it anywhere on the page, 20 pixels from its edges at least."""
    corner = 20 + rng.uniform(0, 1, 2) * (np.array(SHAPE[::-1]) - HEIGHT - 40)
    return [stroke + corner for stroke in pen.scale_to(strokes, HEIGHT, 0)]


def study(data_dir: Path) -> dict[str, Any]:
    """Photograph drawings with three pens, and count what the reader loses with each step left out."""
    drawings = _drawings(data_dir / "pen_strokes_dev.npz")
    truth = np.array([char for char, _ in drawings])
    reader = Recognizer.load("alnum")
    rows = []
    for name, half_width in PENS.items():
        rng = np.random.default_rng(0)  # the same places and crumbs for each pen
        photographs = [photograph(on_the_page(strokes, rng), half_width, rng) for _, strokes in drawings]
        accuracy = {
            step: float(np.mean(characters(reader, stored) == truth))
            for step, stored in images.ablation(photographs).items()
        }
        for step, share in accuracy.items():
            lost = accuracy["whole recipe"] - share
            rows.append({"step": step, "accuracy": round(share, 4), "lost": round(lost, 4), "pen": name})
    return {"drawings": len(drawings), "classes": labels.ALNUM, "rows": rows}


def characters(reader: Recognizer, stored: np.ndarray) -> np.ndarray:
    """Read stored images as they are: the reader must not repair what the recipe left out."""
    return labels.to_chars(reader.predict(stored, normalised=True).argmax(axis=1), reader.classes)


def _drawings(path: Path) -> list[tuple[str, list[np.ndarray]]]:
    """Return `PER_CLASS` drawings of each digit and capital, spread over the file and so over its writers."""
    drawn: dict[str, list] = {char: [] for char in labels.ALNUM}
    for char, strokes in scorecard.pen_drawings(path):
        if char in drawn:
            drawn[char].append((char, strokes))
    return [each for own in drawn.values() for each in own[:: max(1, len(own) // PER_CLASS)][:PER_CLASS]]
