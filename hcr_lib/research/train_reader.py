"""Train the network that ships: ``python -m hcr_lib.research.train_reader``.

It learns from EMNIST, MNIST and UNIPEN's pen strokes (looked for in ``HCR_DATA_DIR``) and from the course's synthetic
handwriting, every image normalised as a person's drawing is. Three precautions are meant to keep it from learning which
data set an image comes from instead of what it shows:

* every image passes through `hcr_lib.images.to_mnist_batch`, so strokes and edges look alike;
* labels are partial: an MNIST digit says *which digit* it is, never *that* it is one, an EMNIST letter of unknown
  case may be either, and none of them says that it is no mark (`hcr_lib.training.PartialLabelCrossentropy`);
* in the first phase, the longest, slants, shapes and stroke widths are changed at random, and UNIPEN's strokes are
  drawn with pens of many widths.

Digits that also occur in MNIST's test set - EMNIST was cut from the same forms - are found and left out.

``--limit 200`` runs all of it on a few images, to try it out.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import dataclasses
import datetime
import functools
import hashlib
import itertools
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy import ndimage
from tqdm.auto import tqdm

from hcr_lib import images, pen
from hcr_lib._paths import replace_whole, user_data_dir
from hcr_lib.datasets import CANDIDATE, DataError, Dataset, StrokeDataset, combine, load, load_strokes
from hcr_lib.labels import BYCLASS, DIGITS, MARKS, TEXT, to_labels
from hcr_lib.research import export_reader, manifest, mixed_emnist
from hcr_lib.research._arguments import at_least_one

if TYPE_CHECKING:
    from hcr_lib._tf import keras


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
    steps: int | None = None  # batches an epoch; by default, as many as hold each image once
    batch_size: int = 128
    ema: float | None = None  # momentum of the averaged weights, if they are to be averaged
    natural: tuple[str, ...] = ()  # sources whose classes are drawn as often as they occur, whatever the balance


#: First every kind of writing, much changed, all classes about equally often. Then nearer to what people write:
#: the frequencies of the forms, and shapes changed so little that a narrow 0 stays narrower than an O. At last
#: strokes nearly keep their width. That may let in what is true of EMNIST only (a small letter, enlarged, has thick
#: strokes), so it is short, and it was kept after a look at drawn characters: see the model card. The last two came
#: later, when UNIPEN could be trained on: "pens" goes on with more than half of the images drawn from its strokes. It
#: lost 4 points on EMNIST in 62 classes, most of them a 0 read as O, for that is a matter of how often each occurs. So
#: "settle" gives EMNIST's classes their own frequencies back.
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
    Phase(
        "pens", epochs=6, steps=1100, batch_size=64, learning_rate=1e-3, balance=0.4, ema=0.998,
        augment={
            "rotation": 7.0, "shear": 0.12, "scale": 0.06, "shift": 1.2,
            "elastic": 0.4, "thicken": 0.5, "thin": 0.3, "blur": 0.5,
        },
        sources={"emnist": 1.0, "emnist, case unknown": 0.8, "mnist": 0.3, "synthetic": 2.0, "unipen": 3.5},
    ),
    Phase(
        "settle", epochs=3, steps=700, batch_size=64, learning_rate=5e-4, balance=0.4, ema=0.998,
        natural=("emnist", "emnist, case unknown"),
        augment={
            "rotation": 5.0, "shear": 0.08, "scale": 0.04, "shift": 1.0,
            "elastic": 0.3, "thicken": 0.3, "thin": 0.2, "blur": 0.4,
        },
        sources={"emnist": 1.0, "emnist, case unknown": 0.8, "mnist": 0.8, "synthetic": 1.0, "unipen": 2.0},
    ),
)  # fmt: skip
#: Images that correlate this much, and with no other image more, show the same pen stroke: see `near_duplicates`.
SAME_INK = 0.96
VALIDATED = 6000  #: images of EMNIST, and as many of UNIPEN: enough to choose an epoch, and quick
#: Of one person; a few of UNIPEN's gave thousands.
MOST_OF_A_WRITER = 1500
#: How UNIPEN's strokes are drawn for training: a picture each with a pen of these half-widths, from thinnest to widest,
#: on a pad of 400 pixels (which is worked on at half that size: all that is kept in the end is 20 x 20).
PENS = ((3.0, 10.0), (8.0, 22.0))
MARGIN = 0.15  #: of a pad, as `hcr_lib.pen.scale_to` leaves it free on each side
LETTER = 500  #: units of UNIPEN's packs that a letter is high
OWN_SIZE = 0.3  #: of the letters: drawn as large as they were written, not filling the pad; marks always are


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
    """Collect the images for training and for validation, of 80 classes, with partial labels.

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
        Their origins name the sources: those of `Phase.sources`. UNIPEN's are of different people.

    Raises
    ------
    DataError
        If EMNIST, MNIST or UNIPEN is missing or damaged.
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
        _named("mnist", mixed_emnist.labelled_among(mnist.relabel(TEXT), DIGITS)),
        _named("synthetic", mixed_emnist.labelled_among(few(load("bundled", "train")).relabel(TEXT), BYCLASS)),
        pen_images(load_strokes("unipen-chars", "train", data_dir=data_dir), PENS, cache and cache / "train", limit),
    ]
    print(f"left out: {len(duplicates)} EMNIST digits that MNIST's test set holds too")
    for part in train:
        print(f"{part.source}: {len(part):,} images")
    others = load_strokes("unipen-chars", "val", data_dir=data_dir)
    others = pen_images(others, [(pen.HALF_WIDTH, pen.HALF_WIDTH)], cache and cache / "val", limit)
    emnist_val, others = (part.sample(min(VALIDATED, len(part)), rng) for part in (emnist_val, others))
    return combine(*train), combine(*_by_case(emnist_val), others)


def pen_images(
    strokes: StrokeDataset, pens: Sequence[tuple[float, float]], cache: Path | None = None, limit: int | None = None
) -> Dataset:
    """Draw single characters with pens of random width, a little slanted and stretched, and normalise them.

    Parameters
    ----------
    strokes : StrokeDataset
        Of a writer, `MOST_OF_A_WRITER` are taken at random; characters that are no class are left out.
    pens : sequence of (float, float)
        Least and greatest half-width of each picture of a character.
    cache : Path, optional
        Folder where the images are kept.
    limit : int, optional
        Draw at most so many characters, at random.

    Returns
    -------
    Dataset
        One picture of each character, then the next of each.
    """
    rng = np.random.default_rng(0)
    known = rng.permutation(np.flatnonzero(np.isin(strokes.texts, list(TEXT))))
    rank = pd.Series(strokes.writers[known]).groupby(strokes.writers[known]).cumcount().to_numpy()
    chosen = strokes.take(known[rank < MOST_OF_A_WRITER][:limit])
    file = cache and cache / f"unipen-{zlib.crc32(repr((pens, chosen.texts.tolist())).encode()):08x}.npz"
    if file is not None and file.is_file():
        with np.load(file, allow_pickle=False) as kept:
            stored = kept["images"]
    else:
        jobs = [(chosen[k], chosen.texts[k], half_widths, (number, k)) for number, half_widths in enumerate(pens)
                for k in range(len(chosen))]  # fmt: skip
        stored = np.array(list(_draw_all(jobs)), "uint8").reshape(-1, images.SIZE, images.SIZE)
        if file is not None:
            replace_whole(file, lambda target: np.savez(target, images=stored))
    labels, writers = (np.tile(column, len(pens)) for column in (to_labels(chosen.texts, TEXT), chosen.writers))
    return Dataset(stored, labels, TEXT, "unipen", writers=writers)


def _draw_all(jobs: list[tuple]) -> Iterator[np.ndarray]:
    """Draw many characters, on all processors if that is worth their start."""
    if len(jobs) < 2000:
        yield from itertools.starmap(drawn, jobs)
        return
    with concurrent.futures.ProcessPoolExecutor() as pool:
        yield from tqdm(pool.map(drawn, *zip(*jobs, strict=True), chunksize=500), total=len(jobs), desc="drawing")


def drawn(strokes: list[np.ndarray], char: str, half_widths: tuple[float, float], seed: tuple[int, ...]) -> np.ndarray:
    """Draw a character as `pen_images` does; uint8 (28, 28)."""
    rng = np.random.default_rng(seed)
    slant, stretch = rng.uniform(-0.15, 0.15), np.exp(rng.uniform(-0.12, 0.12))
    size = pen.PAD // 2
    half_width = np.exp(rng.uniform(*np.log(half_widths))) * size / pen.PAD
    strokes = [stroke @ np.array([[stretch, 0.0], [-slant, 1.0]]) for stroke in strokes]
    if char in MARKS or rng.random() < OWN_SIZE:
        page = as_large_as_written(strokes, size)
    else:
        page = pen.scale_to(strokes, size, margin=size * MARGIN)
    ink = images.remove_specks(pen.render(page, size, half_width))
    return images.ink_to_mnist(ink)


def as_large_as_written(strokes: list[np.ndarray], size: int = pen.PAD) -> list[np.ndarray]:
    """Bring a character of UNIPEN to the middle of a pad, in the size it has beside a letter that fills the pad.

    A full stop stays a dot, which is about as large as the pen is wide. What is larger than a letter fills the pad, as
    `hcr_lib.pen.scale_to` makes it.

    Examples
    --------
    >>> [as_large_as_written([np.array([[0, 0], [0, high]])])[0][:, 1].tolist() for high in (50, 5000)]
    [[186.0, 214.0], [60.0, 340.0]]
    """
    x0, y0, x1, y1 = pen.bounds(strokes)
    share = min(1.0, max(x1 - x0, y1 - y0) / LETTER)
    page = pen.scale_to(strokes, size, margin=size * MARGIN)
    return [(stroke - size / 2) * (share or 1.0) + size / 2 for stroke in page]


def _by_case(emnist: Dataset) -> list[Dataset]:
    """Split EMNIST into images of known and of unknown case, none of which says that it shows no mark."""
    emnist = mixed_emnist.labelled_among(emnist.relabel(TEXT), BYCLASS)
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
        rarity = np.bincount(label)[label] ** -(0.0 if name in phase.natural else phase.balance)
        weights[own] = phase.sources.get(name, 0.0) * rarity / rarity.mean()
    return weights


def take_over(model: keras.Model, start: keras.Model) -> None:
    """Give a network the weights of another that may have fewer outputs; those beyond keep what they have."""
    for own, given in zip(model.weights, start.weights, strict=True):
        values = own.numpy()
        values[..., : given.shape[-1]] = given.numpy()
        own.assign(values)


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
        model = models.compact_cnn(len(TEXT), options.width, first=options.first)
    if options.start:
        take_over(model, keras.saving.load_model(options.start))
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
            batch_size=phase.batch_size,
            ema=phase.ema,
            augment=Augment(**phase.augment, share=options.share if phase is PHASES[-1] else 1.0),
            sampling_weights=sampling_weights(train, phase),
            steps=1 if options.limit else phase.steps,
            seed=options.seed,
            checkpoint_dir=options.out / f"checkpoint-{phase.name}-{start:08x}",
            keep="best" if phase is PHASES[-1] else "last",
        )
        histories.append(result.history.assign(phase=phase.name))
    history = pd.concat(histories)
    history.to_csv(options.out / "history.csv", index=False)
    record = {
        "model": "compact_cnn", "width": options.width, "first": options.first, "classes": TEXT,
        "seed": options.seed, "start": options.start and options.start.name,
        "start_sha256": options.start and hashlib.sha256(options.start.read_bytes()).hexdigest(),
        "phases": history.groupby("phase", sort=False).size().to_dict(), "share": options.share,
        "best_epoch": result.best_epoch, "images": len(train),
        "val_accuracy": round(float(result.history["val_accuracy"].max()), 4),
        "minutes": round(float(history["seconds"].sum()) / 60, 1), "date": datetime.date.today().isoformat(),
    }  # fmt: skip
    trained = models.compact_cnn(len(TEXT), options.width, first=options.first)  # in full precision
    trained.set_weights(model.get_weights())
    export_reader.save(trained, options.out / export_reader.TRAINED, record)
    print(json.dumps(record, indent=1))
    if options.ship:
        export_reader.ship(options.out / export_reader.TRAINED)
        replace_whole(manifest.results_dir() / "reader-history.csv", (options.out / "history.csv").read_bytes())


if __name__ == "__main__":
    main()
