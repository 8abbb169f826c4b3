"""Train the network that ships: ``python -m hcr_lib.train_reader``.

It learns from EMNIST and MNIST (looked for in ``HCR_DATA_DIR``) and from the course's synthetic handwriting, every
image brought to the same form as a person's drawing. Three precautions keep it from learning which data set an image
comes from instead of what it shows:

* every image passes through `hcr_lib.images.to_mnist_batch`, so strokes and edges look alike;
* an MNIST digit is asked *which digit* it is, never *whether* it is one (`training.marked_crossentropy`);
* widths, slants and shapes are augmented far beyond what the sources differ by.

Digits that also occur in MNIST's test set - EMNIST was cut from the same forms - are found and left out.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage
from tqdm.auto import tqdm

from hcr_lib import images, labels
from hcr_lib._paths import user_data_dir
from hcr_lib.datasets import load
from hcr_lib.labels import ALNUM, BYCLASS, DIGITS

#: Rare classes are drawn more often than they occur: with a probability that goes with count ** (1 - BALANCE).
BALANCE = 0.5
#: How often an image of a source is drawn, compared with an EMNIST image of known case.
SOURCE_WEIGHTS = {"emnist": 1.0, "emnist, case unknown": 0.6, "mnist": 0.5, "synthetic": 1.0}
#: Images that correlate this much, and with no other image more, show the same pen stroke. See `twins`.
SAME_INK = 0.96


def in_form(stored: np.ndarray, cache: Path | None) -> np.ndarray:
    """Bring stored images to the form of a drawing, remembering the result in a file; (n, 28, 28) uint8."""
    if cache is not None and cache.is_file():
        with np.load(cache, allow_pickle=False) as kept:
            if len(kept["images"]) == len(stored):
                return kept["images"]
    chunks = np.array_split(stored, max(1, len(stored) // 1000))
    formed = np.concatenate(
        [images.to_mnist_batch(chunk) for chunk in tqdm(chunks, desc="images in form", leave=False)]
    )
    if cache is not None:
        cache.parent.mkdir(parents=True, exist_ok=True)
        np.savez(cache.with_suffix(".part.npz"), images=formed)
        os.replace(cache.with_suffix(".part.npz"), cache)
    return formed


def twins(candidates: np.ndarray, test: np.ndarray, limit: float = SAME_INK) -> np.ndarray:
    """Say which candidates are cut from the same pen stroke as some test image.

    Two normalisations of one stroke are each other's nearest neighbours, and nearly the same after a slight blur.

    Parameters
    ----------
    candidates, test : ndarray of uint8, shape (n, 28, 28) and (m, 28, 28)
        In form.
    limit : float
        Least correlation that counts as the same.

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


def training_data(data_dir: Path, cache: Path | None) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Collect images, marks and drawing weights for training, and images and marks for validation.

    Returns
    -------
    train, validation : dict
        images uint8 (n, 28, 28), marks uint8 (n, 62), weights float64 (n,), source str (n,).
    """
    from hcr_lib.training import mark  # TensorFlow: only when it is really going to train

    emnist = np.load(data_dir / "emnist.npz", allow_pickle=False)
    chars, case_chars, split = emnist["chars"], emnist["case_chars"], emnist["split"]
    formed = in_form(emnist["images"], cache and cache / "emnist.npz")
    digits, bundled = load("mnist", "train", data_dir=data_dir), load("bundled", "train")
    mnist = in_form(digits.images, cache and cache / "mnist-train.npz")
    mnist_test = in_form(load("mnist", "test", data_dir=data_dir).images, cache and cache / "mnist-test.npz")

    known = case_chars != "?"
    is_digit = np.isin(chars, list(DIGITS)) & (split == "train")
    twin = np.zeros(len(chars), bool)
    twin[is_digit] = twins(formed[is_digit], mnist_test)

    def cased(rows: np.ndarray) -> np.ndarray:
        return mark(labels.to_labels(case_chars[rows], BYCLASS), 62)

    train, unknown = (split == "train") & known & ~twin, (split == "train") & ~known
    either_case = labels.folding(BYCLASS, ALNUM).T[labels.to_labels(chars[unknown], ALNUM)].astype("uint8") + 1
    sources = {
        "emnist": (formed[train], cased(train)),
        "emnist, case unknown": (formed[unknown], either_case),
        "mnist": (mnist, mark(digits.labels, 62, asked=range(10))),
        "synthetic": (bundled.images, mark(bundled.labels, 62)),
    }
    parts = {"images": [], "marks": [], "weights": [], "source": []}
    for name, (stored, marks) in sources.items():
        row_class = marks.argmax(axis=1)  # of a letter with two right cases: the capital
        counts = np.bincount(row_class, minlength=62)
        parts["images"].append(stored)
        parts["marks"].append(marks)
        weights = counts[row_class] ** -BALANCE
        parts["weights"].append(SOURCE_WEIGHTS[name] * weights / weights.mean())
        parts["source"].append(np.full(len(stored), name))
    print(f"left out: {twin.sum()} EMNIST digits that MNIST's test set holds too")
    for name, (stored, _) in sources.items():
        print(f"{name}: {len(stored):,} images")
    held_out = (split == "val") & known
    validation = {"images": formed[held_out], "marks": cased(held_out)}
    return {key: np.concatenate(value) for key, value in parts.items()}, validation


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and write ``reader.npz`` with its record ``reader.json`` to a folder."""
    parser = argparse.ArgumentParser(prog="python -m hcr_lib.train_reader", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for the weights, the log and the checkpoint")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--width", type=int, default=32, help="filters of the first stage")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=int, help="train on this many images only, to try things out")
    options = parser.parse_args(arguments)

    from hcr_lib import models, weights
    from hcr_lib._tf import keras
    from hcr_lib.augment import Augment
    from hcr_lib.training import fit

    train, validation = training_data(user_data_dir(), options.out / "cache")
    rng = np.random.default_rng(options.seed)
    rows = rng.permutation(len(train["images"]))[: options.limit]
    # Half-precision arithmetic doubles the speed on processors that have it; the weights stay float32.
    keras.config.set_dtype_policy("mixed_bfloat16")
    keras.utils.set_random_seed(options.seed)
    model = models.compact_cnn(62, options.width)
    result = fit(
        model,
        (train["images"][rows], train["marks"][rows]),
        (validation["images"], validation["marks"]),
        epochs=options.epochs,
        augment=Augment(),
        weights=train["weights"][rows],
        seed=options.seed,
        checkpoint_dir=options.out / "checkpoint",
    )
    result.history.to_csv(options.out / "history.csv", index=False)
    record = {
        "model": "compact_cnn", "width": options.width, "classes": BYCLASS, "epochs": options.epochs,
        "best_epoch": result.best_epoch, "seed": options.seed, "images": len(rows),
        "val_accuracy": round(float(result.history["val_accuracy"].max()), 4),
        "minutes": round(float(result.history["seconds"].sum()) / 60, 1),
        "date": datetime.date.today().isoformat(),
    }  # fmt: skip
    weights.save(model, options.out / "reader.npz", record)
    print(json.dumps(record, indent=1))


if __name__ == "__main__":
    main()
