"""Images of characters to train the reader on: drawn or changed anew for every epoch, no two alike.

Six sources, each with its share of an epoch:

* ``pens``: strokes of UNIPEN's training people, single characters;
* ``words``: the same, cut out of words whose letters stand apart (other people, most of them);
* ``emnist`` and ``emnist, case unknown``, ``mnist``, ``synthetic``: stored images.

`Material.load` collects them, `plan` decides what an epoch holds, and `render_batch` makes a batch of it, always the
same for the same seed. Every image is normalised as a person's drawing is, so that strokes and edges look alike, and
labels are partial: an MNIST digit says *which digit* it is, never *that* it is one, an EMNIST letter of unknown case
may be either, and neither says that it is no mark. A network then learns what an image shows, not where it comes from.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import ndimage

from hcr_lib import images, pen
from hcr_lib.datasets import CANDIDATE, RULED_OUT, Dataset, StrokeDataset, load_strokes
from hcr_lib.labels import MARKS, TEXT, to_labels

#: Images of each source in an epoch.
EPOCH = {
    "pens": 72_000, "words": 22_000, "emnist": 62_000, "emnist, case unknown": 15_000, "mnist": 20_000,
    "synthetic": 9_000,
}  # fmt: skip
#: Rare classes are drawn more often than they occur: with a probability that goes with count ** (1 - balance). EMNIST's
#: and MNIST's are not: a circle is a 0 more often than an O on a form, and that is a matter of how often each occurs.
BALANCE = {"pens": 0.4, "words": 0.4, "synthetic": 0.4}
#: Of one person; a few of UNIPEN's gave thousands.
MOST_OF_A_WRITER = 1500
#: Half-width of the pens, from thinnest to widest, on a pad of 400 pixels (which is worked on at half that size: all
#: that is kept in the end is 20 x 20).
PENS = 3.0, 22.0
MARGIN = 0.15  #: of a pad, as `hcr_lib.pen.scale_to` leaves it free on each side
LETTER = 500  #: units of UNIPEN's packs that a letter is high
OWN_SIZE = 0.3  #: of the letters: drawn as large as they were written, not filling the pad; marks always are


class Changes(NamedTuple):
    """How far images are changed: see `hcr_lib.augment.Augment`, whose units these are."""

    rotation: float
    shear: float
    scale: float
    shift: float
    elastic: float
    thicken: float
    thin: float
    blur: float


#: Most of the training, and its last part: shapes are changed so little then that a narrow 0 stays narrower than an O.
STRONG = Changes(rotation=8.0, shear=0.15, scale=0.08, shift=1.2, elastic=0.5, thicken=0.6, thin=0.3, blur=0.5)
GENTLE = Changes(rotation=5.0, shear=0.08, scale=0.04, shift=1.0, elastic=0.3, thicken=0.3, thin=0.2, blur=0.4)

Strokes = list[np.ndarray]


class Sample(NamedTuple):
    """An image to be made."""

    source: str
    index: int


class Batch(NamedTuple):
    """Images, how much they are changed, and the seed of how."""

    seed: int
    changes: Changes
    samples: list[Sample]


@dataclasses.dataclass(frozen=True)
class Material:
    """What images are made of, by source.

    Attributes
    ----------
    strokes : dict
        StrokeDataset of single characters: ``pens`` and ``words``.
    images : dict
        Of the other sources: uint8 of shape (n, 28, 28), normalised.
    targets : dict
        Label masks of all, uint8 of shape (n, 80): see `hcr_lib.datasets.Dataset.targets`.
    """

    strokes: dict[str, StrokeDataset]
    images: dict[str, np.ndarray]
    targets: dict[str, np.ndarray]

    @classmethod
    def of(cls, strokes: dict[str, StrokeDataset], stored: dict[str, Dataset]) -> Material:
        """Put it together."""
        labels = {name: to_labels(drawings.texts, TEXT) for name, drawings in strokes.items()}
        sure = {
            name: np.where(np.eye(len(TEXT), dtype=bool)[own], CANDIDATE, RULED_OUT) for name, own in labels.items()
        }
        targets = {name: own.astype("uint8") for name, own in sure.items()}
        targets |= {name: data.targets for name, data in stored.items()}
        return cls(strokes, {name: data.images for name, data in stored.items()}, targets)


def pen_characters(data_dir: Path) -> dict[str, StrokeDataset]:
    """Load the characters of UNIPEN's training people: those written alone, and those cut out of words."""
    rng = np.random.default_rng(0)
    chars, words = (load_strokes(f"unipen-{kind}", "train", data_dir=data_dir) for kind in ("chars", "words"))
    return {"pens": few_of_each(chars, rng), "words": few_of_each(cut_words(words), rng)}


def few_of_each(strokes: StrokeDataset, rng: np.random.Generator, most: int = MOST_OF_A_WRITER) -> StrokeDataset:
    """Take characters that are classes, at most so many of a writer, at random."""
    known = rng.permutation(np.flatnonzero(np.isin(strokes.texts, list(TEXT))))
    rank = pd.Series(strokes.writers[known]).groupby(strokes.writers[known]).cumcount().to_numpy()
    return strokes.take(known[rank < most])


def cut_words(words: StrokeDataset) -> StrokeDataset:
    """Cut words into characters where that is sure: as many groups of strokes, one beside the other, as characters.

    Strokes that lie above one another are of one group, such as an i and its dot. That a word's label may be wrong, or
    two mistakes make up for each other, is left for the network to bear: it is rare.

    Examples
    --------
    >>> i, dot, l = ([[x, y0], [x + 1, y1]] for x, y0, y1 in ((0, 3, 9), (0, 0, 1), (9, 0, 9)))
    >>> words = StrokeDataset(np.array(i + l + dot), np.array([0, 2, 4, 6]), np.array([0, 3]),
    ...     texts=np.array(["il"]), writers=np.array(["1"]))
    >>> [(str(char), len(strokes)) for char, strokes in zip(cut_words(words).texts, cut_words(words))]
    [('i', 2), ('l', 1)]
    """
    strokes, texts, writers = [], [], []
    for text, writer, word in zip(words.texts, words.writers, words, strict=True):
        if len(text) < 2:
            continue
        groups: list[Strokes] = []
        end = -np.inf
        for stroke in sorted(word, key=lambda stroke: stroke[:, 0].min()):
            if stroke[:, 0].min() > end:
                groups.append([])
            groups[-1].append(stroke)
            end = max(end, stroke[:, 0].max())
        if len(groups) == len(text):
            strokes += groups
            texts += text
            writers += [writer] * len(text)
    flat = list(itertools.chain.from_iterable(strokes))
    return StrokeDataset(
        np.concatenate(flat),
        np.cumsum([0, *map(len, flat)]),
        np.cumsum([0, *map(len, strokes)]),
        np.array(texts),
        np.array(writers),
        source=words.source,
    )


def joined(first: StrokeDataset, second: StrokeDataset) -> StrokeDataset:
    """Return the samples of both, those of the first before those of the second."""
    return StrokeDataset(
        np.concatenate([first.points, second.points]),
        np.concatenate([first.stroke_offsets, second.stroke_offsets[1:] + first.stroke_offsets[-1]]),
        np.concatenate([first.sample_offsets, second.sample_offsets[1:] + first.sample_offsets[-1]]),
        np.concatenate([first.texts, second.texts]),
        np.concatenate([first.writers, second.writers]),
        source=first.source,
    )


def plan(known: Material, seed: int, changes: Changes, sizes: dict[str, int] = EPOCH, size: int = 128) -> list[Batch]:
    """Decide what an epoch holds: batches of `size` images, drawn from every source in proportion."""
    rng = np.random.default_rng(seed)
    samples = []
    for source, number in sizes.items():
        labels = (known.targets[source] == CANDIDATE).argmax(axis=1)  # of a letter of unknown case: the capital
        weights = np.bincount(labels)[labels] ** -BALANCE.get(source, 0.0)
        weights = np.cumsum(weights / weights.sum())
        # One draw from each of as many equal parts: nothing comes twice before it must.
        chosen = np.searchsorted(weights, (np.arange(number) + rng.random(number)) / number).clip(0, len(labels) - 1)
        samples += [Sample(source, int(k)) for k in chosen]
    order = rng.permutation(len(samples))
    return [
        Batch(int(rng.integers(2**31)), changes, [samples[k] for k in order[start : start + size]])
        for start in range(0, len(samples), size)
    ]


def render_batch(batch: Batch, known: Material) -> tuple[np.ndarray, np.ndarray]:
    """Make a batch.

    Returns
    -------
    images : ndarray of uint8, shape (n, 28, 28, 1)
    targets : ndarray of uint8, shape (n, 80)
        Label masks.
    """
    rng = np.random.default_rng(batch.seed)
    ink = [
        known.images[source][k]
        if source in known.images
        else drawn(known.strokes[source][k], str(known.strokes[source].texts[k]), rng)
        for source, k in batch.samples
    ]
    targets = np.stack([known.targets[source][k] for source, k in batch.samples])
    changed = change(np.stack(ink) / np.float32(255), batch.changes, rng)
    return np.uint8(255 * changed + 0.5)[..., None], targets


def drawn(strokes: Strokes, char: str, rng: np.random.Generator, half_widths: tuple[float, float] = PENS) -> np.ndarray:
    """Draw a character with a pen of random width, a little slanted and stretched, and normalise it; uint8 (28, 28)."""
    slant, stretch = rng.normal(0, 0.1), np.exp(rng.normal(0, 0.08))
    size = pen.PAD // 2
    half_width = np.exp(rng.uniform(*np.log(half_widths))) * size / pen.PAD
    strokes = [stroke @ np.array([[stretch, 0.0], [-slant, 1.0]]) for stroke in strokes]
    if char in MARKS or rng.random() < OWN_SIZE:
        page = as_large_as_written(strokes, size)
    else:
        page = pen.scale_to(strokes, size, margin=size * MARGIN)
    ink = images.remove_specks(pen.render(page, size, half_width))
    return images.ink_to_mnist(ink)


def as_large_as_written(strokes: Strokes, size: int = pen.PAD) -> Strokes:
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


GRID = 6  #: points in each direction at which the elastic displacement is drawn


def change(ink: np.ndarray, limits: Changes, rng: np.random.Generator) -> np.ndarray:
    """Write images a little differently.

    `hcr_lib.augment.Augment` does the same with TensorFlow, which a process that only makes images need not load.

    Parameters
    ----------
    ink : ndarray of float32, shape (n, height, width)
    limits : Changes
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float32, shape (n, height, width)
    """
    n, height, width = ink.shape

    def amounts(limit: float) -> np.ndarray:
        return rng.uniform(-limit, limit, (n, 1, 1))

    x, y = np.arange(width)[None, None] - (width - 1) / 2, np.arange(height)[None, :, None] - (height - 1) / 2
    # Where a pixel of the result was: the moves are undone, the last one first.
    rows, columns = _spline_weights(height), _spline_weights(width)
    bend = np.einsum("yi,cnij,xj->cnyx", rows, rng.normal(0, limits.elastic, (2, n, GRID, GRID)), columns)
    x, y = x - bend[0] - amounts(limits.shift), y - bend[1] - amounts(limits.shift)
    x, y = x / (1 + amounts(limits.scale)), y / (1 + amounts(limits.scale))
    x = x + amounts(limits.shear) * y
    angle = np.deg2rad(amounts(limits.rotation))
    x, y = np.cos(angle) * x - np.sin(angle) * y, np.sin(angle) * x + np.cos(angle) * y
    image = np.broadcast_to(np.arange(n)[:, None, None], x.shape)
    ink = ndimage.map_coordinates(ink, [image, y + (height - 1) / 2, x + (width - 1) / 2], order=1)

    thicken = rng.uniform(-limits.thin, limits.thicken, (n, 1, 1))
    wide, narrow = ndimage.grey_dilation(ink, (1, 3, 3)), ndimage.grey_erosion(ink, (1, 3, 3))
    ink = np.where(thicken > 0, ink + thicken * (wide - ink), ink - thicken * (narrow - ink))
    side = rng.uniform(0, limits.blur, (n, 1, 1)) ** 2 / 2  # of three taps, whose variance is twice that
    for axis in (1, 2):
        ink = ink + side * (ndimage.correlate1d(ink, [1, -2, 1], axis, mode="constant"))
    return ink.clip(0, 1).astype("float32")


@functools.cache
def _spline_weights(size: int) -> np.ndarray:
    """Return weights, float64 (size, GRID), that lay a smooth curve (cubic spline) through values at GRID points."""
    return ndimage.zoom(np.eye(GRID), (size / GRID, 1), order=3, mode="nearest", grid_mode=True)
