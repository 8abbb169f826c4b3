"""The table of rungs: what each one is, what was published of it, and how it is fitted here."""

from __future__ import annotations

import dataclasses

from hcr_lib.baselines import gaussian_svm, least_squares, nearest_neighbours, softmax_regression
from hcr_lib.research.ladder._classical import Classical
from hcr_lib.research.ladder._networks import Committee, Network

LECUN, SIMARD, CIRESAN = "LeCun 1998", "Simard 2003", "Ciresan 2012"
MNIST_PAGE = "MNIST web page"  # which gives no source for it


@dataclasses.dataclass(frozen=True)
class Rung:
    """One step of the ladder.

    Attributes
    ----------
    name : str
        What to type.
    what : str
        A description.
    method : Classical, Network or Committee
    published : float, optional
        The test error that `source` reports for this method, as a share.
    source : str, optional
    deskewed : bool
        Whether the images are brought upright first (`hcr_lib.research.deskew`).
    seeds : int
        How many times a network is trained, with seeds 0, 1, ...; of a committee, the number of its members.
    """

    name: str
    what: str
    method: Classical | Network | Committee
    published: float | None = None
    source: str | None = None
    deskewed: bool = False
    seeds: int = 1


LEAST_SQUARES = Classical(least_squares, [{"ridge": ridge} for ridge in (1.0, 10.0, 100.0, 1000.0)])
SOFTMAX = Classical(softmax_regression, [{"C": strength} for strength in (0.01, 0.1, 1.0)])
NEIGHBOURS = Classical(nearest_neighbours, [{"k": k} for k in (1, 3, 4, 5)])
GAUSSIAN_SVM = Classical(
    gaussian_svm, [{"C": cost, "gamma": gamma} for cost in (3.0, 10.0) for gamma in (0.01, 0.02, 0.03)], subset=8_000
)

#: How the networks are trained. They share what they can: the optimizer and its schedule are those of `training.fit`.
DENSE = {"epochs": 12, "batch_size": 128, "learning_rate": 1e-3}
DENSE_LONG = DENSE | {"epochs": 60}  # distorted images are new in every epoch, and bent ones are learned slowly
SEEDS_OWN = {"epochs": 5, "batch_size": 128, "learning_rate": 1e-3}
RECURRENT = SEEDS_OWN | {"epochs": 3}  # its steps are slow
PLAIN = {"epochs": 8, "batch_size": 128, "learning_rate": 2e-3}
AUGMENTED = {"epochs": 20, "batch_size": 128, "learning_rate": 3e-3, "ema": 0.999}
TINY = {"epochs": 20, "batch_size": 128, "learning_rate": 6e-3, "ema": 0.999}
WIDTH = {"width": 24}  # of our compact network

#: Limits of the distortions: Simard's two kinds, and those that a digit survives.
AFFINE = {"rotation": 12.0, "shear": 0.2, "scale": 0.12, "shift": 2.0}
ELASTIC = {"elastic": 1.2, "shift": 1.0}
GENTLE = {"rotation": 10.0, "shear": 0.15, "scale": 0.1, "shift": 1.5, "elastic": 0.8, "thicken": 0.3, "thin": 0.2}

#: The input transforms of the committee's members.
MEMBERS_SEE = (*3 * ["as it is"], "upright", *(f"{width} wide" for width in (12, 16, 20, 10, 14, 18)))

COMPACT_AUGMENTED = Network("compact_cnn", AUGMENTED, augment=GENTLE, size=WIDTH, half=True)

RUNGS = (
    Rung("linear", "linear, squared error", LEAST_SQUARES, 0.12, LECUN),
    Rung("linear-deskewed", "linear, squared error, deskewed", LEAST_SQUARES, 0.084, LECUN, deskewed=True),
    Rung("softmax", "softmax regression", SOFTMAX),
    Rung("softmax-deskewed", "softmax regression, deskewed", SOFTMAX, deskewed=True),
    Rung("knn", "nearest neighbours", NEIGHBOURS, 0.05, LECUN),
    Rung("knn-deskewed", "nearest neighbours, deskewed", NEIGHBOURS, 0.024, LECUN, deskewed=True),
    Rung("svm", "SVM, Gaussian kernel", GAUSSIAN_SVM, 0.014, MNIST_PAGE),
    Rung("mlp300", "two layers, 300 wide", Network("mlp", DENSE, size={"hidden": 300}), 0.047, LECUN, seeds=3),
    Rung(
        "mlp300-deskewed", "two layers, 300 wide, deskewed",
        Network("mlp", DENSE, size={"hidden": 300}), 0.016, LECUN, deskewed=True, seeds=3,
    ),
    Rung("mlp800", "two layers, 800 wide", Network("mlp", DENSE, size={"hidden": 800}), 0.016, SIMARD, seeds=3),
    Rung(
        "mlp800-affine", "two layers, 800 wide, affine",
        Network("mlp", DENSE_LONG, augment=AFFINE, size={"hidden": 800}), 0.011, SIMARD, seeds=3,
    ),
    Rung(
        "mlp800-elastic", "two layers, 800 wide, elastic",
        Network("mlp", DENSE_LONG, augment=ELASTIC, size={"hidden": 800}), 0.007, SIMARD, seeds=3,
    ),
    Rung("lenet5", "LeNet-5", Network("lenet5", PLAIN), 0.0095, LECUN, seeds=3),
    Rung("seed-cnn", "a student project's CNN", Network("seed_cnn", SEEDS_OWN), seeds=3),
    Rung("seed-crnn", "a student project's CRNN", Network("seed_crnn", RECURRENT), seeds=3),
    Rung("tiny", "tiny: under 10,000 parameters", Network("tiny_cnn", TINY, augment=GENTLE, half=True), seeds=3),
    Rung("compact", "our compact network", Network("compact_cnn", PLAIN, size=WIDTH, half=True), seeds=3),
    Rung(
        "compact-augmented", "our compact network, augmented",
        COMPACT_AUGMENTED, 0.004, SIMARD, seeds=3,
    ),
    Rung(
        "committee", "committee of those",
        Committee(COMPACT_AUGMENTED, "compact-augmented", MEMBERS_SEE), 0.0023, CIRESAN, seeds=len(MEMBERS_SEE),
    ),
)  # fmt: skip


def rung(name: str) -> Rung:
    """Return a rung by its name."""
    return next(one for one in RUNGS if one.name == name)
