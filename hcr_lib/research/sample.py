"""Write the bundled sample again: ``python -m hcr_lib.research.sample``."""

from __future__ import annotations

import io

import numpy as np

from hcr_lib import labels
from hcr_lib.datasets import Dataset
from hcr_lib.handwriting import SAMPLE, draw_char, split_by_writer, writer
from hcr_lib.research.manifest import ship


def make_sample(per_class: int = 200, num_writers: int = 320, seed: int = 2026) -> Dataset:
    """Return a balanced sample of all 62 characters by many writers.

    Parameters
    ----------
    per_class : int
        Images of each character, by as many writers if there are enough.
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


def main() -> None:
    """Write ``data/synthetic.npz`` and its entry in ``data/manifest.toml`` again; the same bytes every time."""
    sample = make_sample()
    arrays = {
        "images": sample.images,
        "labels": sample.labels,
        "writers": sample.writers,
        "split": split_by_writer(sample.writers),
        "classes": np.array(sample.classes),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    target = ship(
        SAMPLE,
        buffer.getvalue(),
        shapes={name: list(array.shape) for name, array in arrays.items()},
        origin="drawn by hcr_lib.handwriting; no person's writing is in it",
        licence="CC0-1.0",
        command="python -m hcr_lib.research.sample",
    )
    print(f"{target}: {len(sample):,} images, {buffer.getbuffer().nbytes:,} bytes")


if __name__ == "__main__":
    main()
