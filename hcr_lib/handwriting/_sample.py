"""The sample that ships: every writer in it fills in characters, as on a form."""

from __future__ import annotations

import numpy as np

from hcr_lib import images, labels, pen
from hcr_lib.datasets import Dataset
from hcr_lib.handwriting._characters import CAP_HEIGHT, press, write_char
from hcr_lib.handwriting._forms import nibs
from hcr_lib.handwriting._style import Style, writer

SAMPLE = "synthetic.npz"  #: the sample that ships, in data/

_PAD, _MARGIN = 160, 20  # characters are drawn this large before they shrink to 28 x 28


def draw_char(char: str, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Write one character and bring it into the form of an MNIST image, like a drawing of the pad.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White ink (255) on black paper (0).
    """
    strokes = write_char(char, style, rng)
    widths = press(strokes, style, rng)
    scale = nibs()[char] * (_PAD - 2 * _MARGIN) / CAP_HEIGHT
    ink = pen.render(pen.scale_to(strokes, _PAD, _MARGIN), _PAD, [scale * width for width in widths])
    return images.ink_to_mnist(ink)


def make_sample(per_class: int = 200, num_writers: int = 320, seed: int = 2026) -> Dataset:
    """Let many writers fill in a balanced sample of all 62 characters.

    Parameters
    ----------
    per_class : int
        Images of each character, each by another writer while there are enough.
    num_writers : int
        Writers to choose from.
    seed : int
        The same seed gives the same sample. A smaller `per_class` gives the beginning of it.

    Returns
    -------
    Dataset
        62 * `per_class` images: one of each character, then another of each, and so on. Writers are called
        ``"w000"``, ``"w001"``, ...

    Raises
    ------
    ValueError
        If there would be no image or no writer.

    Examples
    --------
    >>> make_sample(per_class=1, num_writers=5)
    <Dataset: 62 images of 62 classes ... from synthetic handwriting>
    """
    if per_class < 1 or num_writers < 1:
        raise ValueError(
            f"a sample needs at least one image of each character and one writer; got per_class={per_class} "
            f"and num_writers={num_writers}."
        )
    classes = labels.BYCLASS
    # Each writer and each image has a generator of its own, so a part of the sample can be made without the rest.
    styles = [writer(number, seed) for number in range(num_writers)]
    orders = [np.random.default_rng([seed, 1, label]).permutation(num_writers) for label in range(len(classes))]
    drawn, writers = [], []
    for copy in range(per_class):
        for label, char in enumerate(classes):
            number = int(orders[label][copy % num_writers])
            drawn.append(draw_char(char, styles[number], np.random.default_rng([seed, 2, label, copy])))
            writers.append(f"w{number:03d}")
    return Dataset(
        np.stack(drawn),
        np.tile(np.arange(len(classes)), per_class),
        classes=classes,
        source="synthetic handwriting",
        writers=np.array(writers),
    )


def split_by_writer(writers: np.ndarray) -> np.ndarray:
    """Say which part each image belongs to; a writer is in one part only.

    Parameters
    ----------
    writers : ndarray of str, shape (n,)
        Names as `make_sample` gives them.

    Returns
    -------
    ndarray of str, shape (n,)
        ``"train"`` for six writers in eight, ``"val"`` and ``"test"`` for one each.

    Examples
    --------
    >>> split_by_writer(np.array(["w000", "w006", "w007", "w008"])).tolist()
    ['train', 'val', 'test', 'train']
    """
    parts = np.array(["train"] * 6 + ["val", "test"])
    return parts[[int(name[1:]) % len(parts) for name in writers]]
