"""Build the EMNIST file that the reader is trained on: ``python -m hcr_lib.research.build_emnist``.

It takes the official *test* part of ByClass and all of Balanced and Letters, fetched and verified by
`hcr_lib.datasets`, keeps each image once, and writes ``emnist.npz`` into ``HCR_DATA_DIR``. ByClass knows the case of
every letter, Balanced that of the letters it does not merge, Letters none; an image that several of them hold has the
case that any of them knows.

The split is 80 / 10 / 10 by a seeded hash of the pixels: it depends neither on the order of the images nor on which
parts they came from. EMNIST does not say who wrote what, so the same writers are in all parts, and the official test
parts are not kept apart: scores cannot be compared with published ones.

**This is not the file that the shipped weights were trained on.** That one holds 185,566 images, of which 144,105
have a known case (57,918 digits among them): the whole test part of ByClass (116,323 images) and excerpts of Letters,
Balanced and ByMerge whose composition was not recorded. Its split was drawn at random, so an image may be in another
part here: weights trained on one file must not be tested on the other.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from hcr_lib import datasets
from hcr_lib._paths import replace_whole, user_data_dir
from hcr_lib.datasets import Dataset
from hcr_lib.labels import ALNUM, DIGITS
from hcr_lib.research.mixed_emnist import FILE, PARTS, UNKNOWN_CASE

COMMAND = "python -m hcr_lib.research.build_emnist"
SOURCES = (("emnist-byclass", "test"), ("emnist-balanced", "all"), ("emnist-letters", "all"))
EVERYTHING = (("emnist-byclass", "all"),)  #: holds what the others hold
SHARES = (0.8, 0.1, 0.1)
SEED = 1


def digests(images: np.ndarray, seed: int = SEED) -> np.ndarray:
    """Return a seeded 64-bit hash of every image: ndarray of uint64, shape (n,)."""
    key = seed.to_bytes(8, "little")
    found = b"".join(blake2b(image, digest_size=8, key=key).digest() for image in np.ascontiguousarray(images))
    return np.frombuffer(found, ">u8").astype("uint64")


def case_known(dataset: Dataset) -> np.ndarray:
    """Return which images' case their class tells: that of digits, and of letters with a class for each case."""
    both = [char for char in dataset.classes if char in DIGITS or {char.lower(), char.upper()} <= set(dataset.classes)]
    both += [char for char in dataset.classes if char.islower()]
    return np.isin(dataset.chars, both)


def mix(parts: Sequence[Dataset]) -> dict[str, np.ndarray]:
    """Put data sets together: each image once, with the best label any of them has, in an order of its own.

    Returns
    -------
    dict
        The arrays of the file, see `hcr_lib.research.mixed_emnist.arrays`. An image whose sources disagree on its
        character is left out.
    """
    images = np.concatenate([part.images for part in parts])
    hashes = digests(images)
    chars = np.concatenate([part.merge_classes(ALNUM).chars for part in parts])
    case_chars = np.concatenate([np.where(case_known(part), part.chars, UNKNOWN_CASE) for part in parts])
    # By hash, and those of one image with a known case first.
    order = np.lexsort((case_chars == UNKNOWN_CASE, hashes))
    hashes, chars, case_chars = hashes[order], chars[order], case_chars[order]
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    unlike = (chars != chars[first][group]) | ((case_chars != case_chars[first][group]) & (case_chars != UNKNOWN_CASE))
    agreed = np.bincount(group[unlike], minlength=len(first)) == 0
    first = first[agreed]
    position = hashes[first] / 2.0**64
    return {
        "images": images[order[first]],
        "chars": chars[first],
        "case_chars": case_chars[first],
        "split": np.array(PARTS)[np.searchsorted(np.cumsum(SHARES)[:-1], position, side="right")],
    }


def build(data_dir: Path, sources: Sequence[tuple[str, str]] = SOURCES) -> Path:
    """Fetch what is missing, and write the file; print what it holds."""
    parts = []
    for name, split in sources:
        datasets.fetch(name, data_dir=data_dir)
        parts.append(datasets.load(name, split, data_dir=data_dir))
        print(parts[-1], flush=True)
    made = mix(parts)
    counts = ", ".join(f"{(made['split'] == part).sum():,} {part}" for part in PARTS)
    known = (made["case_chars"] != UNKNOWN_CASE).sum()
    print(f"{len(made['chars']):,} different images of {sum(map(len, parts)):,}: {counts}; case known of {known:,}")
    return replace_whole(data_dir / FILE, lambda file: np.savez_compressed(file, **made))


def main(arguments: Sequence[str] | None = None) -> None:
    """Build the file, unless there is one."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--everything", action="store_true", help="all 814,255 images of ByClass instead")
    parser.add_argument("--replace", action="store_true", help=f"replace a {FILE} that is there")
    options = parser.parse_args(arguments)
    path = user_data_dir() / FILE
    if path.exists() and not options.replace:
        parser.error(f"{path} is there already; --replace builds it anew")
    try:
        print(build(path.parent, EVERYTHING if options.everything else SOURCES))
    except datasets.DataError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
