"""Label errors: images that a classifier trained on the others assigns to another class."""

from collections.abc import Iterator

import numpy as np

from hcr_lib.datasets._check._report import Fault
from hcr_lib.labels import same_shape

SAMPLE = 10_000  #: larger sets are judged by a random sample of this size
FOLDS = 4  #: each image is judged by a classifier that was trained on the other three quarters
MIN_IMAGES = 2 * FOLDS  #: of a class, to take part
TOLERATED = 0.015  #: share of label errors up to which it is a note; clean sets were found to have up to 0.008
EVIDENCE = 2.0  #: how much likelier (logarithm) more errors than TOLERATED must be: a few images prove little
COMPONENTS, PROTOTYPES = 60, 600  #: size of the classifier
IMAGES_PER_PROTOTYPE = 6  #: at least; with fewer it overfits small sets
TEMPERATURES = np.geomspace(0.5, 50, 30)  #: by which its scores are divided: it is far too sure of itself
SHARES = np.geomspace(0.0005, 0.6, 45)  #: shares of label errors that are tried


def doubtful_labels(images: np.ndarray, labels: np.ndarray, classes: str, seed: int) -> Iterator[Fault]:
    """Find probable label errors.

    The classifier is a linear discriminant on the similarity to 600 of the images (`oriented_gradients`). Its scores
    become probabilities ``p`` of a model in which a share ``e`` of the labels was drawn at random: ``(1 - e) *
    p(label) + e / classes``. Both ``e`` and the temperature of ``p`` have maximum likelihood; a label is doubtful
    where the random draw explains it better than the image (compare C. Northcutt, L. Jiang, I. Chuang, "Confident
    learning", JAIR 70, 2021).
    """
    usable = np.flatnonzero((labels >= 0) & (labels < len(classes)))
    if len(usable) > SAMPLE:
        usable = np.sort(np.random.default_rng(seed).choice(usable, SAMPLE, replace=False))
    chosen = usable[np.bincount(labels[usable], minlength=1)[labels[usable]] >= MIN_IMAGES]
    kinds, given = np.unique(labels[chosen], return_inverse=True)
    if len(kinds) < 2:
        return
    scores = _held_out_scores(images[chosen], given, seed)
    accepted = same_shape(classes)[np.ix_(kinds, kinds)][given] > 0
    share, evidence, probabilities = _fit_noise(scores, accepted)
    right = np.where(accepted, probabilities, 0).sum(axis=1)
    others = np.where(accepted, 0, probabilities)
    random = share / len(kinds)
    error = random / ((1 - share) * right + random)
    best = others.argmax(axis=1)
    doubtful = np.flatnonzero((error > 0.5) & (others.max(axis=1) > 0.5))
    if len(doubtful) == 0:
        return
    doubtful = doubtful[np.argsort(-error[doubtful], kind="stable")]
    drawn = f"{len(chosen):,} drawn of " if len(chosen) < len(images) else ""
    first = doubtful[0]
    yield Fault(
        "doubtful-labels",
        f"an image should look like its label; of {drawn}{len(images):,}, {len(doubtful):,} look like another class, "
        f"such as image {chosen[first]}, {classes[kinds[given[first]]]} that looks like {classes[kinds[best[first]]]}. "
        f"About {share:.1%} of the labels seem to be wrong; clean sets stay below {TOLERATED:.1%}. Look at "
        "fault.examples(), and correct or leave out what is wrong.",
        chosen[doubtful],
        {
            "given": labels[chosen[doubtful]],
            "suggested": kinds[best[doubtful]],
            "error_probability": error[doubtful].round(3),
        },
        note=evidence <= EVIDENCE,
    )


def _held_out_scores(images: np.ndarray, given: np.ndarray, seed: int) -> np.ndarray:
    """Score every class for every image, by a classifier that was not trained on it: ndarray, shape (n, k)."""
    from sklearn.decomposition import PCA  # here, because loading data must not wait for it
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
    from sklearn.kernel_approximation import Nystroem
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    features = PCA(min(COMPONENTS, len(images) - 1), random_state=seed).fit_transform(oriented_gradients(images))
    gamma = 1 / (features.shape[1] * max(features.var(), 1e-6))
    prototypes = max(min(PROTOTYPES, len(images) // IMAGES_PER_PROTOTYPE), 2)
    classifier = make_pipeline(
        Nystroem(gamma=gamma, n_components=prototypes, random_state=seed),
        LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.001),
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores = cross_val_predict(classifier, features, given, cv=folds, method="decision_function")
    return scores if scores.ndim == 2 else np.stack([-scores, scores], axis=1) / 2


def oriented_gradients(images: np.ndarray, directions: int = 8) -> np.ndarray:
    """Return histograms of oriented gradients in a grid of 7 x 7: ndarray of float32, shape (n, 392).

    As N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection" (CVPR 2005), with signed
    directions, Gaussian windows in place of cells, and one norm for the image.
    """
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


def _fit_noise(scores: np.ndarray, accepted: np.ndarray) -> tuple[float, float, np.ndarray]:
    """Fit the model of `doubtful_labels`, in which `accepted` are the given label and those of the same shape.

    Returned are the share of label errors, by how much it is likelier than any up to TOLERATED (difference of
    logarithms; 0 if it is one of those), and the probabilities of all classes.
    """
    from scipy.special import softmax

    def log_likelihoods(temperature: float) -> list[float]:
        right = np.where(accepted, softmax(scores / temperature, axis=1), 0).sum(axis=1)
        return [float(np.log((1 - share) * right + share / scores.shape[1]).sum()) for share in SHARES]

    table = np.array([log_likelihoods(temperature) for temperature in TEMPERATURES])
    temperature, share = np.unravel_index(table.argmax(), table.shape)
    evidence = table.max() - table[:, SHARES <= TOLERATED].max()
    return float(SHARES[share]), float(evidence), softmax(scores / TEMPERATURES[temperature], axis=1)
