"""Train the network that ships: ``python -m hcr_lib.research.train_reader``.

It learns from EMNIST and MNIST (looked for in ``HCR_DATA_DIR``) and from the course's synthetic handwriting, every
image normalised as a person's drawing is. Three precautions are meant to keep it from learning which data set an image
comes from instead of what it shows:

* every image passes through `hcr_lib.images.to_mnist_batch`, so strokes and edges look alike;
* labels are partial: an MNIST digit says *which digit* it is, never *that* it is one, and an EMNIST letter of unknown
  case may be either (`hcr_lib.training.PartialLabelCrossentropy`);
* in the first phase, the longest, slants, shapes and stroke widths are changed at random.

Digits that also occur in MNIST's test set - EMNIST was cut from the same forms - are found and left out.

``--limit 200`` runs all of it on a few images, to try it out.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import functools
import itertools
import json
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import ndimage
from tqdm.auto import tqdm

from hcr_lib import images
from hcr_lib._paths import replace_whole, user_data_dir
from hcr_lib.datasets import CANDIDATE, DataError, Dataset, combine, load
from hcr_lib.labels import BYCLASS, DIGITS
from hcr_lib.research import export_reader, manifest, mixed_emnist
from hcr_lib.research._arguments import at_least_one


@dataclasses.dataclass(frozen=True)
class Phase:
    """A part of the training: how long, from what mixture, and how much the images are changed.

    Attributes
    ----------
    balance : float
        Rare classes are drawn more often than they occur: with a probability that goes with count ** (1 - balance).
    sources : dict
        How often an image of a source is drawn, compared with an EMNIST image of known case; an image of a source that
        is not named never is.
    """

    name: str
    epochs: int
    learning_rate: float
    balance: float
    sources: dict[str, float]
    augment: dict[str, float]


#: First every kind of writing, much changed, all classes about equally often. Then nearer to what people write:
#: the frequencies of the forms, and shapes changed so little that a narrow 0 stays narrower than an O. At last
#: strokes nearly keep their width. That may let in what is true of EMNIST only (a small letter, enlarged, has thick
#: strokes), so it is short, and it was kept after a look at drawn characters: see the model card.
PHASES = (
    Phase(
        "broad", epochs=14, learning_rate=2e-3, balance=0.5, augment={},
        sources={"emnist": 1.0, "emnist, case unknown": 0.6, "mnist": 0.5, "synthetic": 1.0},
    ),
    Phase(
        "gentle", epochs=5, learning_rate=6e-4, balance=0.2,
        augment={
            "rotation": 6.0, "shear": 0.1, "scale": 0.05, "shift": 1.0,
            "elastic": 0.4, "thicken": 0.5, "thin": 0.3, "blur": 0.4,
        },
        sources={"emnist": 1.0, "emnist, case unknown": 1.0, "mnist": 0.3, "synthetic": 0.6},
    ),
    Phase(
        "natural", epochs=3, learning_rate=4e-4, balance=0.0,
        augment={
            "rotation": 5.0, "shear": 0.08, "scale": 0.03, "shift": 1.0,
            "elastic": 0.3, "thicken": 0.1, "thin": 0.1, "blur": 0.3,
        },
        sources={"emnist": 1.0, "emnist, case unknown": 1.0, "mnist": 0.3, "synthetic": 0.6},
    ),
)  # fmt: skip
#: Images that correlate this much, and with no other image more, show the same pen stroke: see `near_duplicates`.
SAME_INK = 0.96


def normalised_images(stored: np.ndarray, cache: Path | None) -> np.ndarray:
    """Normalise stored images as drawings are, and remember the result in a file; uint8 (n, 28, 28)."""
    checksum = zlib.crc32(np.ascontiguousarray(stored))
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as kept:
            if "checksum" in kept.files and kept["checksum"] == checksum:
                return kept["images"]
    chunks = np.array_split(stored, max(1, len(stored) // 1000))
    normalised = np.concatenate(
        [images.to_mnist_batch(chunk) for chunk in tqdm(chunks, desc="normalising", leave=False)]
    )
    if cache is not None:
        replace_whole(cache, lambda file: np.savez(file, images=normalised, checksum=checksum))
    return normalised


def near_duplicates(candidates: np.ndarray, test: np.ndarray, limit: float = SAME_INK) -> np.ndarray:
    """Return which candidates are cut from the same pen stroke as some test image.

    Two normalisations of one stroke are each other's nearest neighbours, and nearly the same after a slight blur.

    Parameters
    ----------
    candidates, test : ndarray of uint8, shape (n, 28, 28) and (m, 28, 28)
        Normalised.
    limit : float
        The least correlation that counts as the same.

    Returns
    -------
    ndarray of bool, shape (n,)
    """
    ours, theirs = _unit_vectors(candidates), _unit_vectors(test)
    nearest, similarity = np.zeros(len(ours), int), np.zeros(len(ours))
    their_nearest, their_best = np.zeros(len(theirs), int), np.full(len(theirs), -1.0)
    for start in range(0, len(ours), 2000):
        rows = slice(start, start + 2000)
        correlation = ours[rows] @ theirs.T
        nearest[rows], similarity[rows] = correlation.argmax(axis=1), correlation.max(axis=1)
        closer = correlation.max(axis=0) > their_best
        their_best[closer] = correlation.max(axis=0)[closer]
        their_nearest[closer] = start + correlation.argmax(axis=0)[closer]
    mutual = their_nearest[nearest] == np.arange(len(ours))
    return mutual & (similarity >= limit)


def _unit_vectors(stored: np.ndarray) -> np.ndarray:
    """Return the images blurred, with mean 0 and length 1, so that a product of two is their correlation."""
    vectors = ndimage.gaussian_filter(stored.astype("float32"), (0, 1, 1)).reshape(len(stored), -1)
    vectors -= vectors.mean(axis=1, keepdims=True)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)


def training_data(data_dir: Path, cache: Path | None = None, limit: int | None = None) -> tuple[Dataset, Dataset]:
    """Collect the images for training and for validation, of 62 classes, with partial labels.

    Parameters
    ----------
    data_dir : Path
    cache : Path, optional
        Folder where normalised images are kept.
    limit : int, optional
        Take at most so many images of each source, at random.

    Returns
    -------
    train, validation : Dataset
        Their origins name the sources: those of `Phase.sources`.

    Raises
    ------
    DataError
        If EMNIST or MNIST is missing or damaged.
    """
    rng = np.random.default_rng(0)

    def few(data: Dataset) -> Dataset:
        return data if limit is None or limit >= len(data) else data.sample(limit, rng)

    def normalised(data: Dataset, file: str) -> Dataset:
        data = few(data)
        return dataclasses.replace(data, images=normalised_images(data.images, cache and cache / file))

    emnist = normalised(mixed_emnist.load(data_dir, "train", case="either"), "emnist-train.npz")
    emnist_val = normalised(mixed_emnist.load(data_dir, "val", case="either"), "emnist-val.npz")
    mnist = normalised(load("mnist", "train", data_dir=data_dir), "mnist-train.npz")
    mnist_test = normalised(load("mnist", "test", data_dir=data_dir), "mnist-test.npz")

    digits = np.flatnonzero(emnist.labels < len(DIGITS))
    duplicates = digits[near_duplicates(emnist.images[digits], mnist_test.images)]
    train = [
        *_by_case(emnist.take(np.delete(np.arange(len(emnist)), duplicates))),
        _named("mnist", mixed_emnist.labelled_among(mnist.relabel(BYCLASS), DIGITS)),
        _named("synthetic", few(load("bundled", "train"))),
    ]
    print(f"left out: {len(duplicates)} EMNIST digits that MNIST's test set holds too")
    for part in train:
        print(f"{part.source}: {len(part):,} images")
    return combine(*train), combine(*_by_case(emnist_val))


def _by_case(emnist: Dataset) -> list[Dataset]:
    """Split EMNIST into images of known and of unknown case."""
    known = (emnist.targets == CANDIDATE).sum(axis=1) == 1
    return [_named("emnist", emnist.take(known)), _named("emnist, case unknown", emnist.take(~known))]


def _named(source: str, data: Dataset) -> Dataset:
    """Return the images as those of a source of this name."""
    return Dataset(data.images, data.labels, data.classes, source, label_mask=data.label_mask)


def sampling_weights(train: Dataset, phase: Phase) -> np.ndarray:
    """Return how often a phase draws each training image, relative to the others; float64 of shape (n,)."""
    weights = np.zeros(len(train))
    for number, name in enumerate(train.origins.names):
        own = train.origins.numbers == number
        label = train.labels[own]  # of a letter of unknown case: the capital
        rarity = np.bincount(label)[label] ** -phase.balance
        weights[own] = phase.sources.get(name, 0.0) * rarity / rarity.mean()
    return weights


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and write ``reader.keras``, which carries its record, and ``history.csv`` to a folder."""
    parser = argparse.ArgumentParser(
        prog="python -m hcr_lib.research.train_reader", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights, the log and the checkpoint")
    parser.add_argument("--width", type=int, default=32, help="filters of the first stage")
    parser.add_argument("--first", type=int, default=2, help="convolutions of the first stage")
    parser.add_argument("--share", type=float, default=1.0, help="share of the images that the last phase changes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--phase", choices=[phase.name for phase in PHASES], default=PHASES[0].name, help="begin here")
    parser.add_argument("--start", type=Path, metavar="FILE.keras", help="trained reader to begin from")
    parser.add_argument(
        "--limit", type=at_least_one, metavar="N", help="N images of each source and one epoch a phase, to try it out"
    )
    parser.add_argument("--ship", action="store_true", help="put the result into data/ when it is done")
    options = parser.parse_args(arguments)
    if options.phase != PHASES[0].name and not options.start:
        parser.error(f"--phase {options.phase} goes on from a training; name its weights with --start FILE")
    if options.limit and options.ship:
        parser.error("--limit is for trying it out; what it trains is not shipped")
    phases = list(itertools.dropwhile(lambda phase: phase.name != options.phase, PHASES))

    from hcr_lib._tf import keras
    from hcr_lib.augment import Augment
    from hcr_lib.networks import models
    from hcr_lib.research.precision import half_precision
    from hcr_lib.training import fit

    try:
        train, validation = training_data(
            user_data_dir(), None if options.limit else options.out / "cache", options.limit
        )
    except DataError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")
    keras.utils.set_random_seed(options.seed)
    with half_precision():  # doubles the speed on processors that have it; the weights stay float32
        model = models.compact_cnn(62, options.width, first=options.first)
    if options.start:
        model.set_weights(keras.saving.load_model(options.start).get_weights())
    histories = []
    for phase in phases:
        # A phase that begins with other weights is another training, whatever else is the same.
        start = functools.reduce(lambda total, values: zlib.crc32(values, total), model.get_weights(), 0)
        result = fit(
            model,
            train,
            validation,
            epochs=1 if options.limit else phase.epochs,
            learning_rate=phase.learning_rate,
            augment=Augment(**phase.augment, share=options.share if phase is PHASES[-1] else 1.0),
            sampling_weights=sampling_weights(train, phase),
            seed=options.seed,
            checkpoint_dir=options.out / f"checkpoint-{phase.name}-{start:08x}",
            keep="best" if phase is PHASES[-1] else "last",
        )
        histories.append(result.history.assign(phase=phase.name))
    history = pd.concat(histories)
    history.to_csv(options.out / "history.csv", index=False)
    record = {
        "model": "compact_cnn", "width": options.width, "first": options.first, "classes": BYCLASS,
        "seed": options.seed, "start": options.start and options.start.name,
        "phases": history.groupby("phase", sort=False).size().to_dict(), "share": options.share,
        "best_epoch": result.best_epoch, "images": len(train),
        "val_accuracy": round(float(result.history["val_accuracy"].max()), 4),
        "minutes": round(float(history["seconds"].sum()) / 60, 1), "date": datetime.date.today().isoformat(),
    }  # fmt: skip
    trained = models.compact_cnn(62, options.width, first=options.first)  # in full precision
    trained.set_weights(model.get_weights())
    export_reader.save(trained, options.out / export_reader.TRAINED, record)
    print(json.dumps(record, indent=1))
    if options.ship:
        export_reader.ship(options.out / export_reader.TRAINED)
        replace_whole(manifest.results_dir() / "reader-history.csv", (options.out / "history.csv").read_bytes())


if __name__ == "__main__":
    main()
