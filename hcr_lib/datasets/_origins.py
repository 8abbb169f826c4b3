"""Where every image came from: a row of a source, in eight bytes an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt


class Collection(NamedTuple):
    """What images were read from, row by row: a published file, a folder, an array."""

    name: str  #: shown to the reader, such as "MNIST train"; equally named collections have the same writers
    files: tuple[str, ...] | None = None  #: of each row, where every image had a file of its own
    checksum: int = 0  #: of the pixels, to distinguish collections of one name; 0 for published files


@dataclass(frozen=True, eq=False)
class Origins:
    """The origin of each image: row ``rows[i]``, counted from 0, of ``sources[numbers[i]]``; both int32, shape (n,).

    Examples
    --------
    >>> origins = Origins.joined([Origins.of("MNIST train", 60_000), Origins.of("pad", 2)])
    >>> [origins.describe(number) for number in (17, 60_001)]
    ['MNIST train, image 17', 'pad, image 1']
    >>> Origins.of("photos", 2, files=["A/1.jpg", "A/2.jpg"]).take([1]).describe(0)
    'photos: A/2.jpg'
    """

    sources: tuple[Collection, ...]
    numbers: np.ndarray
    rows: np.ndarray

    def __post_init__(self) -> None:
        numbers, rows = self.numbers, self.rows
        if numbers.ndim != 1 or numbers.shape != rows.shape or {numbers.dtype.kind, rows.dtype.kind} != {"i"}:
            raise ValueError(f"numbers and rows must be integers of one shape (n,); got {numbers.shape}, {rows.shape}.")
        lengths = np.array([np.iinfo("int64").max if each.files is None else len(each.files) for each in self.sources])
        if not np.isin(numbers, np.arange(len(lengths))).all() or not ((rows >= 0) & (rows < lengths[numbers])).all():
            raise ValueError(f"numbers and rows must point at a row of one of the {len(lengths)} sources.")

    @classmethod
    def of(cls, name: str, length: int, *, files: Iterable[str] | None = None, checksum: int = 0) -> Origins:
        """Return the origins of all `length` images of one source, in its own order."""
        source = Collection(name, None if files is None else tuple(map(str, files)), checksum)
        return cls((source,), np.zeros(length, "int32"), np.arange(length, dtype="int32"))

    @classmethod
    def joined(cls, parts: Sequence[Origins]) -> Origins:
        """Concatenate origins; a source that several parts share is listed once."""
        table: dict[Collection, int] = {}
        places = [[table.setdefault(source, len(table)) for source in part.sources] for part in parts]
        numbers = [np.array(own, "int32")[part.numbers] for own, part in zip(places, parts, strict=True)]
        return cls(tuple(table), np.concatenate(numbers), np.concatenate([part.rows for part in parts]))

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def names(self) -> list[str]:
        """One name per source; of several called ``pad``, the second is ``pad (2)``."""
        plain = [source.name for source in self.sources]
        earlier = [plain[:number].count(name) for number, name in enumerate(plain)]
        return [f"{name} ({count + 1})" if count else name for name, count in zip(plain, earlier, strict=True)]

    @property
    def each_name(self) -> np.ndarray:
        """The name of each image's source: ndarray of str, shape (n,)."""
        return np.array(self.names)[self.numbers]

    @property
    def first_seen(self) -> np.ndarray:
        """The first image of the same origin, for every image: ndarray of int64, shape (n,)."""
        keys = self.numbers.astype("int64") << 32 | self.rows
        _, first, group = np.unique(keys, return_index=True, return_inverse=True)
        return first[group]

    def take(self, indices: npt.ArrayLike) -> Origins:
        """Return the origins of the images at `indices` (numbers or a mask)."""
        return Origins(self.sources, self.numbers[indices], self.rows[indices])

    def file(self, index: int) -> str | None:
        """Return the file that image `index` was read from, if it had one of its own."""
        files = self.sources[self.numbers[index]].files
        return None if files is None else files[self.rows[index]]

    def describe(self, index: int) -> str:
        """Return a phrase that says where image `index` came from."""
        name, file = self.names[self.numbers[index]], self.file(index)
        return f"{name}, image {self.rows[index]}" if file is None else f"{name}: {file}"
