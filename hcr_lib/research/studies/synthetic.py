"""Is the synthetic handwriting like real handwriting? Four measurements, none by eye.

* ``read_real_writing``: a compact network that learned from the bundled sample and nothing else reads real test sets.
* ``read_by_reader``: the reader that ships, trained on real data, reads the sample. (It saw an earlier one among its
  training images; the sample's test writers are new to it.)
* ``distinguished``: how often a linear classifier distinguishes a synthetic character from one of EMNIST's training
  images of the same class, and what gives it away.
* ``statistics``: slant, shape, ink and stroke width, beside those of EMNIST's training images, which they were fitted
  to.

Every image goes through the recipe first, so the sources do not differ by how they were scanned or scaled.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from hcr_lib import images
from hcr_lib.datasets import Dataset, combine, load
from hcr_lib.datasets._check._label_errors import oriented_gradients
from hcr_lib.labels import BYCLASS, DIGITS, LETTERS
from hcr_lib.recognizer import Recognizer
from hcr_lib.research import mixed_emnist
from hcr_lib.research.deskew import slant
from hcr_lib.research.studies import _real_writers

EPOCHS = 24
SEED = 0
PER_CLASS = 100  # of either kind, to be distinguished


def study(data_dir: Path) -> dict[str, Any]:
    """Answer all four questions."""
    real, synthetic = _same_classes(data_dir, np.random.default_rng(SEED))
    return {
        "read_real_writing": read_real_writing(data_dir),
        "read_by_reader": read_by_reader(),
        "distinguished": distinguished(real, synthetic),
        "statistics": {"real": statistics(real), "synthetic": statistics(synthetic)},
    }


def read_real_writing(data_dir: Path) -> dict[str, Any]:
    """Train on the sample alone; its validation writers only show how the training goes."""
    from hcr_lib._tf import keras
    from hcr_lib.augment import Augment
    from hcr_lib.networks import models
    from hcr_lib.research.precision import half_precision
    from hcr_lib.training import fit

    keras.utils.set_random_seed(SEED)
    with half_precision(True):
        model = models.compact_cnn(len(BYCLASS), first=2)
    train = combine(load("bundled", "train"), load("bundled", "test"))
    fit(model, train, load("bundled", "val"), epochs=EPOCHS, augment=Augment(), seed=SEED, keep="last")

    mnist = load("mnist", "test", data_dir=data_dir)
    letters = mixed_emnist.load(data_dir, "test").only(LETTERS)
    scores: dict[str, Any] = {"network": "compact_cnn", "epochs": EPOCHS, "seed": SEED, "images": len(train)}
    for name, part, alphabet in (("MNIST test", mnist, "digits"), ("EMNIST letters, our test", letters, "letters")):
        predicted = _real_writers.probabilities(model, images.to_mnist_batch(part.images))
        scores[name] = _real_writers.share(_real_writers.hits(predicted, part.chars, alphabet))
    for name, pictures in _real_writers.pens(data_dir).items():
        predicted = _real_writers.probabilities(model, pictures.images)
        for alphabet in ("digits", "letters"):
            scores[f"{name}: {alphabet}"] = _real_writers.share(_real_writers.hits(predicted, pictures.chars, alphabet))
    return scores


def read_by_reader() -> dict[str, Any]:
    """Let the shipped reader read the sample, cases merged."""
    reader = Recognizer.load("byclass")
    found = {}
    for name, sample in (("all writers", load("bundled", "all")), ("test writers", load("bundled", "test"))):
        predicted = reader.predict(sample.images, normalised=True)
        found[name] = _real_writers.share(_real_writers.merged_hits(predicted, sample.chars, "alnum"))
        digits = sample.only(DIGITS)
        predicted = reader.predict(digits.images, normalised=True)
        found[f"{name}: digits"] = _real_writers.share(_real_writers.hits(predicted, digits.chars, "digits"))
    return found


def _same_classes(data_dir: Path, rng: np.random.Generator) -> tuple[Dataset, Dataset]:
    """Draw as many images of each class from EMNIST's training part as from the sample, all normalised."""
    parts = (mixed_emnist.load(data_dir, "train", case="known"), load("bundled", "train"))
    real, synthetic = (
        part.take(np.concatenate([rng.permutation(np.flatnonzero(part.labels == k))[:PER_CLASS] for k in range(62)]))
        for part in parts
    )
    return Dataset(images.to_mnist_batch(real.images), real.labels, BYCLASS, real.source), synthetic


def distinguished(real: Dataset, synthetic: Dataset) -> dict[str, Any]:
    """Cross-validate a linear classifier of oriented gradients; half of the images are of either kind."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    stored = np.concatenate([real.images, synthetic.images])
    is_synthetic = np.repeat([False, True], [len(real), len(synthetic)])
    label = np.concatenate([real.labels, synthetic.labels])
    edges = oriented_gradients(stored, directions=16)
    # What a class looks like on average must not be mistaken for where an image comes from.
    edges -= np.stack([edges[label == k].mean(axis=0) for k in range(62)])[label]
    probe = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500))
    predictions = cross_val_predict(probe, edges, is_synthetic, cv=StratifiedKFold(5, shuffle=True, random_state=SEED))
    cues = {}
    for name, values in _cues(stored).items():
        values = values - np.array([values[label == k].mean() for k in range(62)])[label]
        cues[name] = round(float(roc_auc_score(is_synthetic, values)), 3)
    by_class = {char: float((predictions == is_synthetic)[label == k].mean()) for k, char in enumerate(BYCLASS)}
    ranked = sorted(by_class, key=by_class.get)
    return {
        **_real_writers.share(predictions == is_synthetic),
        "chance": 0.5,
        "most alike": "".join(ranked[:8]),
        "most different": "".join(ranked[-8:]),
        # 0.5 tells nothing; above it the synthetic images have more of it, below it less.
        "area_under_curve_of_each_cue": dict(sorted(cues.items(), key=lambda cue: -abs(cue[1] - 0.5))),
    }


def _cues(stored: np.ndarray) -> dict[str, np.ndarray]:
    """Measure what could give an image away; each float of shape (n,)."""
    ink = stored / np.float32(255)
    mask = stored > 127
    inside = [ndimage.distance_transform_edt(np.pad(one, 1)) for one in mask]
    ridges = [depth[(depth == ndimage.maximum_filter(depth, 3)) & (depth > 0)] for depth in inside]
    edge = np.abs(np.diff(mask, axis=1)).sum((1, 2)) + np.abs(np.diff(mask, axis=2)).sum((1, 2))
    return {
        **_shape(ink),
        "stroke width": np.array([images.stroke_width(one) for one in mask]),
        "unevenness of the stroke": np.array([ridge.std() / ridge.mean() for ridge in ridges]),
        "softness of the edges": ((stored > 20) & (stored < 235)).sum((1, 2)) / np.maximum(edge, 1),
        "roughness of the outline": edge / np.sqrt(np.maximum(mask.sum((1, 2)), 1)),
        "pieces": np.array([ndimage.label(one)[1] for one in mask], float),
    }


def _shape(ink: np.ndarray) -> dict[str, np.ndarray]:
    """Measure slant, aspect and ink of float images (n, 28, 28) in [0, 1]."""
    mask = ink > 0.35
    height, width = (mask.any(axis=axis).sum(axis=1) for axis in (2, 1))
    return {
        "slant": slant(ink),
        "log of width by height": np.log(width / height),
        "log of ink": np.log(ink.mean((1, 2))),
    }


def statistics(sample: Dataset) -> dict[str, dict[str, float]]:
    """Return mean and spread within a class, both averaged over the 62 classes."""
    measured = _shape(sample.images / np.float32(255))
    measured["stroke width"] = np.array([images.stroke_width(image > 127) for image in sample.images])
    found = {}
    for name, values in measured.items():
        groups = [values[sample.labels == k] for k in range(62)]
        found[name] = {
            "mean": round(float(np.mean([group.mean() for group in groups])), 3),
            "spread": round(float(np.mean([group.std() for group in groups])), 3),
        }
    return found
