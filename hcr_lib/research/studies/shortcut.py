"""Digits from one source, letters from another: a fine test score, and a network that cannot read a person's pen.

The same network is trained twice on as many images for as many epochs. First after the recipe of a project like this
one: MNIST's digits, EMNIST's letters. Then with digits and letters from one source, strokes of every width and edges
of every softness (`AUGMENT`). Both are tested on MNIST's test digits with as many of EMNIST's test letters, and on
drawings (UNIPEN) that are drawn straight onto 28 x 28 pixels, as such a project would, with three pens: ``PENS``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from hcr_lib import pen
from hcr_lib.datasets import Dataset, combine, load
from hcr_lib.labels import ALNUM, DIGITS, LETTERS
from hcr_lib.research import mixed_emnist
from hcr_lib.research.scorecard import pen_drawings
from hcr_lib.research.train_reader import near_duplicates

EPOCHS = 5
SEED = 0
AUGMENT = {
    "rotation": 5,
    "shear": 0.1,
    "scale": 0.08,
    "shift": 1,
    "elastic": 0.3,
    "thicken": 0.8,
    "thin": 0.4,
    "blur": 0.6,
}
#: Half the width of the pen, and the standard deviation of the blur, in pixels of the 28 x 28 image.
PENS = {"thin": (0.6, 0.0), "thick": (1.6, 0.0), "thin, out of focus": (0.4, 0.7)}
FINER = 10  # times as large it is drawn, then averaged


def study(data_dir: Path) -> dict[str, Any]:
    """Train both networks; return their scores on the mixed test set and on pens, as shares."""
    rng = np.random.default_rng(SEED)
    mnist, letters, one_source = (_part(data_dir, name, "train") for name in ("mnist", "letters", "emnist"))
    number = min(len(mnist), len(letters))
    two_sources = combine(mnist.sample(number, rng), letters.sample(number, rng))
    repeated = near_duplicates(one_source.images, load("mnist", "test", data_dir=data_dir).images) & (
        one_source.labels < 10
    )
    one_source = one_source.take(~repeated)
    digit = one_source.labels < 10
    # As many digits, and as many letters, as the other network sees; EMNIST's are drawn more than once.
    one_source = one_source.take(
        np.concatenate([rng.choice(np.flatnonzero(group), number) for group in (digit, ~digit)])
    )
    drawings = _drawings(data_dir)
    return {
        "network": "seed_cnn", "epochs": EPOCHS, "seed": SEED, "training_images": 2 * number,
        "left_out": int(repeated.sum()),
        **_scores(two_sources, data_dir, drawings, augmented=False),
        "cure": _scores(one_source, data_dir, drawings, augmented=True),
    }  # fmt: skip


def _part(data_dir: Path, name: str, split: str) -> Dataset:
    if name == "mnist":
        return load("mnist", split, data_dir=data_dir).merge_classes(ALNUM)
    mixed = mixed_emnist.load(data_dir, split)
    return mixed.only(LETTERS) if name == "letters" else mixed


def _drawings(data_dir: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return images and labels of the drawn digits and capitals, for each pen."""
    drawn = [(char, strokes) for char, strokes in pen_drawings(data_dir / "pen_strokes_dev.npz") if char in ALNUM]
    labels = np.array([ALNUM.index(char) for char, _ in drawn])
    return {
        name: (np.stack([_straight(strokes, *look) for _, strokes in drawn]), labels) for name, look in PENS.items()
    }


def _straight(strokes: list[np.ndarray], half_width: float, blur: float) -> np.ndarray:
    """Draw strokes into the 20 x 20 box in the middle of 28 x 28 pixels, without the recipe of `hcr_lib.images`."""
    side = 28 * FINER
    ink = pen.render(pen.scale_to(strokes, side, 4 * FINER), side, half_width * FINER)
    ink = ndimage.gaussian_filter(ink, blur * FINER) if blur else ink
    return np.uint8(255 * ink.reshape(28, FINER, 28, FINER).mean(axis=(1, 3)))


def _scores(train: Dataset, data_dir: Path, drawings: dict, *, augmented: bool) -> dict[str, Any]:
    from hcr_lib._tf import keras
    from hcr_lib.augment import Augment
    from hcr_lib.networks import models
    from hcr_lib.research.precision import half_precision
    from hcr_lib.training import fit

    keras.utils.set_random_seed(SEED)
    with half_precision(True):
        model = models.seed_cnn(len(ALNUM))
    rng = np.random.default_rng(SEED)
    validation = combine(
        _part(data_dir, "mnist", "val").sample(1000, rng), _part(data_dir, "letters", "val").sample(1000, rng)
    )
    fit(
        model,
        train,
        validation,
        epochs=EPOCHS,
        augment=Augment(**AUGMENT) if augmented else None,
        seed=SEED,
        keep="last",
    )

    def predict(stored: np.ndarray) -> np.ndarray:
        return model.predict(stored[..., None] / np.float32(255), batch_size=500, verbose=0).argmax(axis=1)

    digits, letters = _part(data_dir, "mnist", "test"), _part(data_dir, "letters", "test")
    letters = letters.sample(min(len(digits), len(letters)), rng)
    right = {name: predict(part.images) == part.labels for name, part in (("mnist", digits), ("letters", letters))}
    scores: dict[str, Any] = {f"{name}_test": _share(hits) for name, hits in right.items()}
    scores["mixed_test"] = _share(np.concatenate(list(right.values())))
    scores["pens"] = {}
    for width, (drawn, labels) in drawings.items():
        read, digit = predict(drawn), labels < len(DIGITS)
        scores["pens"][width] = {
            "right": _share(read == labels),
            "letters_called_digits": _share(read[~digit] < len(DIGITS)),
            "digits_called_letters": _share(read[digit] >= len(DIGITS)),
        }
    return scores


def _share(hits: np.ndarray) -> float:
    return round(float(hits.mean()), 4)
