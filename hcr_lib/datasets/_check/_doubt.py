"""Labels that the pictures contradict: readers trained on the other images call them something else."""

import numpy as np

from hcr_lib.datasets._check._report import Fault
from hcr_lib.labels import same_shape

SAMPLE = 10_000  #: larger sets are judged by so many images drawn from them
FOLDS = 4  #: each image is judged by a reader that learned from the other three quarters
MIN_IMAGES = 2 * FOLDS  #: of a class, to take part
TOLERATED = 0.015  #: share of slips up to which it is a note; clean sets were found to have up to 0.008
EVIDENCE = 2.0  #: how much likelier (logarithm) more slips than TOLERATED must be: a few images prove little
AXES, PROTOTYPES = 60, 600  #: size of the reader
IMAGES_A_PROTOTYPE = 6  #: at least; with fewer it learns small sets by heart
TEMPERATURES = np.geomspace(0.5, 50, 30)  #: by which its scores are divided: it is far too sure of itself
SLIPS = np.geomspace(0.0005, 0.6, 45)  #: shares of slips that are tried


def doubtful_labels(images: np.ndarray, labels: np.ndarray, classes: str, seed: int) -> tuple[list[Fault], list[Fault]]:
    """Find labels that are probably slips.

    The reader is a linear discriminant on the similarity to 600 of the images (edge directions, as in HOG [1]_). Its
    scores become probabilities ``p`` of a model in which a share ``e`` of the labels was drawn by lot: ``(1 - e) *
    p(label) + e / classes``. Both ``e`` and the softness of ``p`` are those that make the given labels most likely; a
    label is doubtful where the lot explains it better than the picture (compare confident learning [2]_).

    References
    ----------
    .. [1] N. Dalal, B. Triggs, "Histograms of oriented gradients for human detection" (CVPR 2005).
    .. [2] C. Northcutt, L. Jiang, I. Chuang, "Confident learning" (JAIR 70, 2021).
    """
    chosen = _sample(labels, classes, seed)
    kinds, answers = np.unique(labels[chosen], return_inverse=True)
    if len(kinds) < 2:
        return [], []
    scores = _held_out_scores(images[chosen], answers, seed)
    alike = same_shape(classes)[np.ix_(kinds, kinds)] > 0
    share, evidence, right, others = _most_likely(scores, answers, alike)
    slip = share / len(kinds) / ((1 - share) * right + share / len(kinds))
    best = others.argmax(axis=1)
    doubtful = np.flatnonzero((slip > 0.5) & (others.max(axis=1) > 0.5))
    if len(doubtful) == 0:
        return [], []
    doubtful = doubtful[np.argsort(-slip[doubtful], kind="stable")]
    drawn = f"{len(chosen):,} drawn of " if len(chosen) < len(images) else ""
    first = doubtful[0]
    given, suggested = (classes[kinds[choice[first]]] for choice in (answers, best))
    finding = Fault(
        "doubtful-labels",
        f"a picture should look like its label; of {drawn}{len(images):,}, {len(doubtful):,} look like another class, "
        f"such as image {chosen[first]}, {given} that looks like {suggested}. "
        f"About {share:.1%} of the labels seem to be slips; clean sets stay below {TOLERATED:.1%}. Look at "
        "fault.examples(), and correct or leave out what is wrong.",
        chosen[doubtful],
        {
            "given": labels[chosen[doubtful]],
            "suggested": kinds[best[doubtful]],
            "slip": slip[doubtful].round(3),
        },
    )
    return ([finding], []) if evidence > EVIDENCE else ([], [finding])


def _sample(labels: np.ndarray, classes: str, seed: int) -> np.ndarray:
    """Draw the images to be judged, in ascending order, out of classes that have enough."""
    usable = np.flatnonzero((labels >= 0) & (labels < len(classes)))
    if len(usable) > SAMPLE:
        usable = np.sort(np.random.default_rng(seed).choice(usable, SAMPLE, replace=False))
    counts = np.bincount(labels[usable], minlength=len(classes))
    return usable[counts[labels[usable]] >= MIN_IMAGES]


def _held_out_scores(images: np.ndarray, answers: np.ndarray, seed: int) -> np.ndarray:
    """Score every class for every image, by a reader that never saw it: ndarray, shape (n, k)."""
    from sklearn.decomposition import PCA  # here, because loading data must not wait for it
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.kernel_approximation import Nystroem
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    edges = PCA(min(AXES, len(images) - 1), random_state=seed).fit_transform(_edge_directions(images))
    width = 1 / (edges.shape[1] * max(edges.var(), 1e-6))
    prototypes = max(min(PROTOTYPES, len(images) // IMAGES_A_PROTOTYPE), 2)
    reader = make_pipeline(
        Nystroem(gamma=width, n_components=prototypes, random_state=seed),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.001),
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(reader, edges, answers, cv=folds, method="decision_function")
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1) / 2


def _edge_directions(images: np.ndarray, directions: int = 8) -> np.ndarray:
    """Say how much edge of each direction lies where, in a grid of 7 x 7: ndarray of float32, shape (n, 392)."""
    from scipy import ndimage

    ink = ndimage.gaussian_filter(images.astype("float32") / 255, (0, 0.7, 0.7))
    down, right = np.gradient(ink, axis=(1, 2))
    strength = np.hypot(down, right)
    angle = np.arctan2(down, right) / (2 * np.pi) * directions
    grid = np.empty((len(images), directions, 7, 7), "float32")
    for direction in range(directions):
        apart = np.abs((angle - direction + directions / 2) % directions - directions / 2)
        share = strength * np.clip(1 - apart, 0, None)
        grid[:, direction] = ndimage.gaussian_filter(share, (0, 1.5, 1.5))[:, 2::4, 2::4]
    grid = grid.reshape(len(images), -1)
    return np.sqrt(grid / np.maximum(np.linalg.norm(grid, axis=1, keepdims=True), 1e-6))


def _most_likely(
    scores: np.ndarray, answers: np.ndarray, alike: np.ndarray
) -> tuple[float, float, np.ndarray, np.ndarray]:
    """Fit the model of `doubtful_labels`.

    Returns
    -------
    share : float
        Of slips among the labels.
    evidence : float
        By how much it is likelier than any share up to TOLERATED (difference of logarithms); 0 if it is one of those.
    right : ndarray, shape (n,)
        Probability of the given label or one of its look-alikes.
    others : ndarray, shape (n, k)
        Of all other classes.
    """
    from scipy.special import softmax

    accepted = alike[answers]
    likelihood = {}
    for temperature in TEMPERATURES:
        right = np.where(accepted, softmax(scores / temperature, axis=1), 0).sum(axis=1)
        for share in SLIPS:
            likelihood[temperature, share] = np.log((1 - share) * right + share / len(alike)).sum()
    temperature, share = max(likelihood, key=likelihood.__getitem__)
    tolerable = max(value for (_, few), value in likelihood.items() if few <= TOLERATED)
    probabilities = softmax(scores / temperature, axis=1)
    right = np.where(accepted, probabilities, 0).sum(axis=1)
    evidence = likelihood[temperature, share] - tolerable
    return float(share), float(evidence), right, np.where(accepted, 0, probabilities)
