"""The shortcut: where images give away their source, and the source the class, a network learns the source."""

import numpy as np

from hcr_lib.datasets._check._report import Fault

SAMPLE = 6_000  #: larger sets are judged by so many images drawn from them
MIN_IMAGES = 20  #: of one source, to take part; and of one source in a class, to be told apart within the class
FOLDS = 4
ENTANGLED = 0.2  #: share of what there is to know about the source that the class tells
TOLD_APART = 0.5  #: how far the probe comes from chance (0) to certainty (1)


def provenance(
    images: np.ndarray, labels: np.ndarray, classes: str, sources: np.ndarray, seed: int
) -> tuple[list[Fault], list[Fault]]:
    """Find the shortcut: the class can be guessed from the source, and the source from the way images were made.

    The probe is logistic regression on six plain measures of an image, none of which says what was written. It is
    trained and judged within each class that several sources hold. Where there is none, it is trained on some classes
    and judged on others, so that knowing the characters does not help it.
    """
    usable = np.flatnonzero((labels >= 0) & (labels < len(classes)) & images.reshape(len(images), -1).any(axis=1))
    names, counts = np.unique(sources[usable], return_counts=True)
    names = names[counts >= MIN_IMAGES]
    usable = usable[np.isin(sources[usable], names)]
    if len(names) < 2:
        return [], []
    knowledge = _knowledge(labels[usable], sources[usable])
    if len(usable) > SAMPLE:
        usable = np.random.default_rng(seed).choice(usable, SAMPLE, replace=False)
    measures = _measures(images[usable])
    accuracy, chance, how = _probe(np.stack(list(measures.values()), axis=1), labels[usable], sources[usable], seed)
    skill = (accuracy - chance) / (1 - chance)
    if knowledge <= ENTANGLED and skill <= TOLD_APART:
        return [], []
    held = _who_holds_what(labels, classes, sources, names)
    finding = Fault(
        "source-shortcut",
        f"an image should not give away its source, nor the source the class; {held}the class tells {knowledge:.0%} of "
        f"what there is to know about the source, and a probe names the source of {accuracy:.0%} of the images {how} "
        f"(chance {chance:.0%}){_giveaway(measures, sources[usable], names)}. "
        "Take all classes from each source, and vary stroke width and blur in training.",
    )
    return ([finding], []) if knowledge > ENTANGLED and skill > TOLD_APART else ([], [finding])


def _knowledge(labels: np.ndarray, sources: np.ndarray) -> float:
    """Return the mutual information of class and source as a share of the source's entropy, 0 to 1.

    What a finite number of images shows by accident is taken off (Miller and Madow's correction).
    """
    table = np.unique(labels, return_inverse=True)[1], np.unique(sources, return_inverse=True)[1]
    joint = np.zeros((table[0].max() + 1, table[1].max() + 1))
    np.add.at(joint, table, 1)
    accident = (joint.shape[0] - 1) * (joint.shape[1] - 1) / (2 * len(labels))
    joint /= len(labels)
    of_class, of_source = joint.sum(axis=1), joint.sum(axis=0)
    there = joint > 0
    mutual = (joint[there] * np.log(joint[there] / np.outer(of_class, of_source)[there])).sum() - accident
    return float(np.clip(mutual / -(of_source * np.log(of_source)).sum(), 0, 1))


def _measures(images: np.ndarray) -> dict[str, np.ndarray]:
    """Measure how images were made, not what they show: name -> ndarray, shape (n,)."""
    ink = images.astype("float32")
    peak = ink.max(axis=(1, 2))
    relative = ink / peak[:, None, None]
    solid = np.pad(relative >= 0.5, ((0, 0), (1, 1), (1, 1)))
    outline = (solid[:, 1:] != solid[:, :-1]).sum(axis=(1, 2)) + (solid[:, :, 1:] != solid[:, :, :-1]).sum(axis=(1, 2))
    outline = np.maximum(outline, 1)
    sides = [solid.any(axis=axis)[:, ::step] for axis in (1, 2) for step in (1, -1)]
    total = ink.sum(axis=(1, 2))
    axis = np.arange(28) - 13.5
    return {
        "stroke width": 2 * solid.sum(axis=(1, 2)) / outline,
        "blur of edges": ((relative > 0.1) & (relative < 0.9)).sum(axis=(1, 2)) / outline,
        "margin": np.min([side.argmax(axis=1) - 1 for side in sides], axis=0),
        "distance from the centre": np.hypot(ink.sum(axis=2) @ axis, ink.sum(axis=1) @ axis) / total,
        "brightest pixel": peak,
        "ink": total / (784 * 255),
    }


def _probe(measures: np.ndarray, labels: np.ndarray, sources: np.ndarray, seed: int) -> tuple[float, float, str]:
    """Return how often a linear probe names the source, how often chance would, and how it was judged."""
    from sklearn.linear_model import LogisticRegression  # here, because loading data must not wait for it
    from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000))
    scores = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        names, counts = np.unique(sources[members], return_counts=True)
        names = names[counts >= MIN_IMAGES]
        if len(names) > 1:
            members = members[np.isin(sources[members], names)]
            folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
            named = cross_val_predict(probe, measures[members], sources[members], cv=folds)
            scores.append((_balanced(named, sources[members]), 1 / len(names)))
    if scores:
        accuracy, chance = np.mean(scores, axis=0)
        return float(accuracy), float(chance), "within one class"
    names = np.unique(sources)
    holders = [np.unique(labels[sources == name]) for name in names]
    groups = np.zeros(len(labels), "int64")  # every source's classes are dealt out to the folds in turn
    for held in holders:
        for place, label in enumerate(held):
            groups[labels == label] = place % FOLDS
    if min(map(len, holders)) < FOLDS:
        return 1 / len(names), 1 / len(names), "(too few classes to find out)"
    named = cross_val_predict(probe, measures, sources, cv=GroupKFold(FOLDS), groups=groups)
    return _balanced(named, sources), 1 / len(names), "of classes it has never seen"


def _balanced(named: np.ndarray, sources: np.ndarray) -> float:
    """Return the share of sources named correctly, each source counting the same."""
    return float(np.mean([(named[sources == name] == name).mean() for name in np.unique(sources)]))


def _who_holds_what(labels: np.ndarray, classes: str, sources: np.ndarray, names: np.ndarray) -> str:
    """Say which source alone holds which classes."""
    held = {name: set(labels[sources == name].tolist()) for name in names}
    parts = []
    for name in names:
        others = set().union(*(held[other] for other in names if other != name))
        own = "".join(classes[label] for label in sorted(held[name] - others) if 0 <= label < len(classes))
        if own:
            parts.append(f"every one of {own if len(own) <= 12 else f'{own[:5]}...{own[-3:]}'} comes from {name}")
    return f"{', '.join(parts)}; " if parts else ""


def _giveaway(measures: dict[str, np.ndarray], sources: np.ndarray, names: np.ndarray) -> str:
    """Name the measure that differs most between two sources, against its spread within them."""
    best = (0.0, "")
    for measure, values in measures.items():
        groups = [values[sources == name] for name in names]
        means = np.array([group.mean() for group in groups])
        spread = max(float(np.mean([group.std() for group in groups])), 1e-6)
        low, high = means.argmin(), means.argmax()
        if (gap := (means[high] - means[low]) / spread) > best[0]:
            best = (
                gap,
                f", above all by {measure}: {means[low]:.2f} in {names[low]}, {means[high]:.2f} in {names[high]}",
            )
    return best[1]
