"""Shortcut learning: where images give away their source, and the source the class, a network learns the source."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from hcr_lib.datasets._check._report import Fault

if TYPE_CHECKING:
    import pandas as pd

SAMPLE = 6_000  #: larger sets are judged by a random sample of this size
MIN_IMAGES = 20  #: of one source, to take part; and of one source in a class, to be distinguished within the class
FOLDS = 4
ENTANGLED = 0.2  #: mutual information of class and source: 0 by chance, 1 where one of them tells the other
SEPARABLE = 0.5  #: how far the probe comes from chance (0) to certainty (1)


def source_shortcut(
    images: np.ndarray, labels: np.ndarray, classes: str, sources: np.ndarray, seed: int
) -> Iterator[Fault]:
    """Find the shortcut: the class can be guessed from the source, and the source from the way images were made.

    The probe is logistic regression on six plain measures of an image, none of which depends on what was written. It
    is trained and judged within each class that several sources hold. Where there is none, it is trained on some
    classes and judged on others, so that knowing the characters does not help it.
    """
    from sklearn.metrics import adjusted_mutual_info_score  # here, because loading data must not wait for it

    usable = np.flatnonzero((labels >= 0) & (labels < len(classes)) & images.reshape(len(images), -1).any(axis=1))
    usable = usable[_frequent(sources[usable])]
    names = np.unique(sources[usable])
    if len(names) < 2:
        return
    explained = max(0.0, adjusted_mutual_info_score(labels[usable], sources[usable], average_method="min"))
    if len(usable) > SAMPLE:
        usable = np.random.default_rng(seed).choice(usable, SAMPLE, replace=False)
    measures = _measures(images[usable])
    accuracy, chance, how = _probe(measures.to_numpy(), labels[usable], sources[usable], seed)
    entangled, separable = explained > ENTANGLED, (accuracy - chance) / (1 - chance) > SEPARABLE
    if entangled or separable:
        yield Fault(
            "source-shortcut",
            "an image should not give away its source, nor the source the class; "
            f"{_exclusive_classes(labels, classes, sources, names)}the class tells {explained:.0%} of what there is to "
            f"know about the source, and a probe names the source of {accuracy:.0%} of the images {how} "
            f"(chance {chance:.0%}){_clearest_measure(measures, sources[usable])}. "
            "Take all classes from each source, and vary stroke width and blur in training.",
            note=not (entangled and separable),
        )


def _frequent(sources: np.ndarray) -> np.ndarray:
    """Return True for the images of sources that have at least MIN_IMAGES."""
    _, source, counts = np.unique(sources, return_inverse=True, return_counts=True)
    return counts[source] >= MIN_IMAGES


def _measures(images: np.ndarray) -> pd.DataFrame:
    """Measure how images were made, not what they show: a row an image, a column a measure."""
    import pandas as pd  # here, because loading data must not wait for it

    ink = images.astype("float32")
    peak = ink.max(axis=(1, 2))
    relative = ink / peak[:, None, None]
    solid = np.pad(relative >= 0.5, ((0, 0), (1, 1), (1, 1)))
    outline = np.maximum(sum(np.diff(solid, axis=axis).sum(axis=(1, 2)) for axis in (1, 2)), 1)
    sides = [solid.any(axis=axis)[:, ::step] for axis in (1, 2) for step in (1, -1)]
    total = ink.sum(axis=(1, 2))
    axis = np.arange(28) - 13.5
    return pd.DataFrame(
        {
            "stroke width": 2 * solid.sum(axis=(1, 2)) / outline,
            "blur of edges": ((relative > 0.1) & (relative < 0.9)).sum(axis=(1, 2)) / outline,
            "margin": np.min([side.argmax(axis=1) - 1 for side in sides], axis=0),
            "distance from the centre": np.hypot(ink.sum(axis=2) @ axis, ink.sum(axis=1) @ axis) / total,
            "brightest pixel": peak,
            "ink": total / (784 * 255),
        }
    )


def _probe(measures: np.ndarray, labels: np.ndarray, sources: np.ndarray, seed: int) -> tuple[float, float, str]:
    """Return the probe's balanced accuracy, that of chance, and how it was judged."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))

    def score(members: np.ndarray, **split) -> float:
        predicted = cross_val_predict(probe, measures[members], sources[members], **split)
        return float(balanced_accuracy_score(sources[members], predicted))

    scores = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        members = members[_frequent(sources[members])]
        if (number := len(np.unique(sources[members]))) > 1:
            folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
            scores.append((score(members, cv=folds), 1 / number))
    if scores:
        accuracy, chance = np.mean(scores, axis=0)
        return float(accuracy), float(chance), "within one class"
    names = np.unique(sources)
    if min(len(np.unique(labels[sources == name])) for name in names) < FOLDS:
        return 1 / len(names), 1 / len(names), "(too few classes to find out)"
    accuracy = score(np.arange(len(labels)), cv=StratifiedGroupKFold(FOLDS), groups=labels)
    return accuracy, 1 / len(names), "of classes it has never seen"


def _exclusive_classes(labels: np.ndarray, classes: str, sources: np.ndarray, names: np.ndarray) -> str:
    """Name the classes that come from one source only."""
    parts = []
    for name in names:
        there, elsewhere = labels[sources == name], labels[np.isin(sources, names) & (sources != name)]
        own = "".join(classes[label] for label in np.setdiff1d(there, elsewhere) if 0 <= label < len(classes))
        if own:
            parts.append(f"every one of {own if len(own) <= 12 else f'{own[:5]}...{own[-3:]}'} comes from {name}")
    return f"{', '.join(parts)}; " if parts else ""


def _clearest_measure(measures: pd.DataFrame, sources: np.ndarray) -> str:
    """Name the measure whose means differ most between two sources, in units of its spread within them."""
    by_source = measures.groupby(sources)
    means, spread = by_source.mean(), by_source.std().mean()
    gaps = (means.max() - means.min()) / spread.clip(lower=1e-6)
    if gaps.max() == 0:
        return ""
    mean = means[gaps.idxmax()]
    found = f"{mean.min():.2f} in {mean.idxmin()}, {mean.max():.2f} in {mean.idxmax()}"
    return f", above all by {gaps.idxmax()}: {found}"
