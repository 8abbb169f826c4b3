"""Where every image came from: a row of a source, in eight bytes an image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Collection:
    """A collection that images were read from, row by row: a published file, a folder, an array.

    Parameters
    ----------
    name : str
        Shown to the reader, such as ``"MNIST train"``. Equally named collections have the same writers.
    files : tuple of str, optional
        The file that each row was read from, where every image had its own.
    checksum : int
        Of the pixels; distinguishes collections of one name. 0 for published files, where the name is enough.
    """

    name: str
    files: tuple[str, ...] | None = None
    checksum: int = 0


@dataclass(frozen=True, eq=False)
class Origins:
    """The origin of each image: row ``rows[i]``, counted from 0, of ``sources[numbers[i]]``.

    Data sets taken from one another share the table of sources; only the two columns of numbers are cut.

    Parameters
    ----------
    sources : tuple of Collection
    numbers : ndarray of int32, shape (n,)
    rows : ndarray of int32, shape (n,)

    Raises
    ------
    ValueError
        If the columns differ in length, or point at a source or a file that is not there.

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
            raise ValueError(
                f"numbers and rows must be integers of shape (n,), the same n; got {numbers.dtype} {numbers.shape} and "
                f"{rows.dtype} {rows.shape}."
            )
        if numbers.size and not 0 <= numbers.min() <= numbers.max() < len(self.sources):
            raise ValueError(f"numbers must point at one of the {len(self.sources)} sources; got {numbers.max()}.")
        if rows.min(initial=0) < 0:
            raise ValueError(f"rows count from 0; got {rows.min()}.")
        for number, source in enumerate(self.sources):
            if source.files is not None and rows[numbers == number].max(initial=0) >= max(len(source.files), 1):
                raise ValueError(f"rows must point at one of the {len(source.files)} files of {source.name}.")

    @classmethod
    def of(cls, name: str, length: int, *, files: Iterable[str] | None = None, checksum: int = 0) -> Origins:
        """Return the origins of all `length` images of one source, in its own order."""
        source = Collection(name, None if files is None else tuple(map(str, files)), checksum)
        return cls((source,), np.zeros(length, "int32"), np.arange(length, dtype="int32"))

    @classmethod
    def joined(cls, parts: Sequence[Origins]) -> Origins:
        """Concatenate origins; a source that several parts share is listed once."""
        table: dict[Collection, int] = {}
        numbers = []
        for part in parts:
            places = [table.setdefault(source, len(table)) for source in part.sources]
            numbers.append(np.array(places, "int32")[part.numbers])
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
    def first_seen(self) -> np.ndarray:
        """The first image of the same origin, for every image: ndarray of int64, shape (n,).

        An image that is no copy of an earlier one is its own first: ``first_seen[i] == i``.
        """
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
