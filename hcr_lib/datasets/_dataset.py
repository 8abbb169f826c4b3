"""The one shape all handwriting comes in: images, labels, the class string, who wrote it, where it came from."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt

from hcr_lib import labels as class_sets
from hcr_lib._validate import ensure_choice, ensure_labels, ensure_uint8_images
from hcr_lib.datasets._errors import DataError
from hcr_lib.datasets._files import read, write
from hcr_lib.datasets._label_mask import ensure_label_mask, map_classes
from hcr_lib.datasets._origins import Origins

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Dataset:
    """Labelled images of single characters.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, 28, 28)
        White ink (255) on black paper (0), upright.
    labels : ndarray of int64, shape (n,)
        Label ``k`` stands for ``classes[k]``.
    classes : str
        The characters, each once, in label order.
    source : str, optional
        Where the images came from, as shown to the reader.
    writers : ndarray of str, shape (n,), optional
        Who wrote each image, where that is known.
    origins : ndarray of str, shape (n,), or Origins, optional
        The file that each image was read from; without it, each is "image k" of `source`, counted from 0.
    label_mask : ndarray of uint8, shape (n, number of classes), optional
        For partial labels: 2 (`CANDIDATE`) for the classes that an image may show, its label among them; 1
        (`RULED_OUT`) for the others among which the label was chosen; 0 (`NOT_CONSIDERED`) for classes that nobody
        asked about. Without it, the label is the one candidate and all other classes are ruled out.

    Raises
    ------
    ValueError
        If shapes, types or label range do not fit, or a character appears twice in `classes`.

    Notes
    -----
    A data set never changes; every method returns a new one.

    Examples
    --------
    >>> blank = Dataset(np.zeros((3, 28, 28), "uint8"), [1, 0, 1], classes="01", source="nowhere")
    >>> blank
    <Dataset: 3 images of 2 classes '01', from nowhere>
    >>> "".join(blank.chars)
    '101'
    >>> blank.take([2, 0]).origin(0)
    'nowhere, image 2'
    """

    images: np.ndarray
    labels: np.ndarray
    classes: str
    source: str = "own arrays"
    writers: np.ndarray | None = None
    origins: Origins | None = None
    label_mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.classes, str) or not self.classes:
            raise ValueError(f"classes must be one character a label, such as '0123456789'; got {self.classes!r}.")
        if doubled := sorted({char for char in self.classes if self.classes.count(char) > 1}):
            raise ValueError(f"classes must hold each character once; {', '.join(doubled)} appears again.")
        images = ensure_uint8_images(self.images)
        fields = {"images": images, "labels": ensure_labels(self.labels, len(self.classes), length=len(images))}
        if self.writers is not None:
            fields["writers"] = _column(self.writers, len(images), "writers")
        if self.label_mask is not None:
            fields["label_mask"] = ensure_label_mask(self.label_mask, fields["labels"], len(self.classes))
        if isinstance(self.origins, Origins):
            _column(self.origins.rows, len(images), "origins")
        else:
            files = None if self.origins is None else _column(self.origins, len(images), "origins")
            checksum = zlib.crc32(np.ascontiguousarray(images))
            fields["origins"] = Origins.of(self.source, len(images), files=files, checksum=checksum)
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen; this is its own constructor

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        writers = "" if self.writers is None else f" by {len(np.unique(self.writers)):,} writers"
        classes = f"{len(self.classes)} classes {self.classes!r}"
        return f"<Dataset: {len(self):,} images of {classes}{writers}, from {self.source}>"

    @property
    def chars(self) -> np.ndarray:
        """The character of every image: ndarray of str, shape (n,)."""
        return class_sets.to_chars(self.labels, self.classes)

    @property
    def counts(self) -> pd.Series:
        """How many images each character has, in class order; zero where there is none."""
        import pandas as pd  # here, because loading data must not wait for it

        numbers = np.bincount(self.labels, minlength=len(self.classes))
        return pd.Series(numbers, index=pd.Index(list(self.classes), name="char"), name="images")

    @property
    def targets(self) -> np.ndarray:
        """What a network learns from: the label mask, made from the labels where there is none; uint8 (n, classes).

        Examples
        --------
        >>> Dataset(np.zeros((2, 28, 28), "uint8"), [1, 0], classes="ABC", source="nowhere").targets.tolist()
        [[1, 2, 1], [2, 1, 1]]
        """
        if self.label_mask is not None:
            return self.label_mask
        return map_classes(None, self.labels, np.eye(len(self.classes), dtype=bool))

    @property
    def copies(self) -> np.ndarray:
        """True where an earlier image has the same origin: ndarray of bool, shape (n,); `split` keeps them together."""
        return self.origins.first_seen != np.arange(len(self))

    @property
    def provenance(self) -> pd.DataFrame:
        """Where every image came from: a table with ``source``, ``row`` (from 0), ``file``, ``writer`` and ``char``."""
        import pandas as pd  # here, because loading data must not wait for it

        return pd.DataFrame(
            {
                "source": pd.Categorical.from_codes(self.origins.numbers, self.origins.names),
                "row": self.origins.rows,
                "file": [self.origins.file(index) for index in range(len(self))],
                "writer": self.writers,
                "char": pd.Categorical.from_codes(self.labels, list(self.classes)),
            }
        )

    def origin(self, index: int) -> str:
        """Return a phrase that says where image `index` came from, such as "photos: B/me.jpg"."""
        return self.origins.describe(index)

    def take(self, indices: npt.ArrayLike) -> Dataset:
        """Return the images at `indices` (numbers, or a mask with one True or False an image), in that order.

        Examples
        --------
        >>> abc = Dataset(np.zeros((3, 28, 28), "uint8"), [0, 1, 2], classes="ABC", source="nowhere")
        >>> "".join(abc.take([2, 0, 0]).chars), "".join(abc.take([True, False, True]).chars)
        ('CAA', 'AC')
        """
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype("int64")
        columns = {name: getattr(self, name) for name in ("images", "labels", "writers", "label_mask")}
        taken = {name: column[indices] for name, column in columns.items() if column is not None}
        return replace(self, origins=self.origins.take(indices), **taken)

    def sample(self, n: int, rng: np.random.Generator) -> Dataset:
        """Draw `n` different images at random; there must be as many."""
        if not 0 <= n <= len(self):
            raise ValueError(f"n must lie between 0 and the {len(self):,} images there are; got {n}.")
        return self.take(rng.choice(len(self), size=n, replace=False))

    def only(
        self,
        chars: str | None = None,
        *,
        writers: str | Iterable[str] | None = None,
        sources: str | Iterable[str] | None = None,
    ) -> Dataset:
        """Keep the images of `chars`, by `writers`, from `sources` - of all that are given.

        The class string, and so every label, stays as it is. A class, writer or source that is not there is refused.

        Examples
        --------
        >>> images = np.zeros((4, 28, 28), "uint8")
        >>> notes = Dataset(images, [0, 1, 0, 1], "AB", "notes", writers=["ann", "ann", "bob", "eve"])
        >>> notes.only("B"), notes.only("B", writers="eve")
        (<Dataset: 2 images of 2 classes 'AB' by 2 writers, from notes>,
         <Dataset: 1 images of 2 classes 'AB' by 1 writers, from notes>)
        """
        kept = np.ones(len(self), bool)
        if chars is not None:
            kept &= np.isin(self.labels, class_sets.to_labels(chars, self.classes))
        if writers is not None and self.writers is None:
            raise ValueError(f"writers can only be chosen where they are known; {self!r} has none.")
        for what, chosen, found in (("writers", writers, self.writers), ("sources", sources, self.origins.each_name)):
            if chosen is not None:
                wanted = {chosen} if isinstance(chosen, str) else set(map(str, chosen))
                known = self.origins.names if what == "sources" else np.unique(found)
                if unknown := sorted(wanted.difference(known)):
                    raise ValueError(f"{what} must be among {_some(known)}; got {_some(unknown)}.")
                kept &= np.isin(found, list(wanted))
        return self.take(kept)

    def merge_classes(self, classes: str) -> Dataset:
        """Relabel for another class string, for a reader that knows no others.

        A character goes to itself where `classes` has it, else to its capital; images of a character that `classes`
        lacks altogether are dropped (letters, for the digits), which `relabel` does not do.

        Examples
        --------
        >>> cases = Dataset(np.zeros((3, 28, 28), "uint8"), [0, 1, 2], classes="Aa7", source="nowhere")
        >>> cases.merge_classes("AB")
        <Dataset: 2 images of 2 classes 'AB', from nowhere>
        """
        if classes == self.classes:
            return self
        matrix = class_sets.merge_matrix(self.classes, classes) > 0
        return self.take(matrix.any(axis=1)[self.labels])._mapped(matrix, classes)

    def relabel(self, classes: str, *, merged: Literal["upper", "lower", "either"] | None = None) -> Dataset:
        """Relabel every image for another class string; none is dropped, and no case is guessed.

        Towards fewer classes (62 -> 47 -> 36) a character goes to itself, else to its capital. Back again is
        possible for digits, and for letters whose case is known. The ``A`` of a set without an ``a`` stands for
        both, unless you know better: `merged` is where you say so.

        Parameters
        ----------
        classes : str
        merged : {"upper", "lower", "either"}, optional
            What a letter of unknown case is: ``"upper"`` for EMNIST letters would be wrong half of the time, for the
            Kaggle A-Z file it is right. ``"either"`` makes partial labels: the label is the capital's, and both
            cases are candidates in `label_mask`.

        Raises
        ------
        ValueError
            If there is an image whose character `classes` lacks, or whose case is not known and needed.

        Examples
        --------
        >>> capitals = Dataset(np.zeros((2, 28, 28), "uint8"), [0, 1], classes="AB", source="A-Z")
        >>> "".join(capitals.relabel("ABab", merged="upper").chars)
        'AB'
        >>> capitals.relabel("ABab", merged="either").label_mask.tolist()
        [[2, 1, 2, 1], [1, 2, 1, 2]]
        >>> capitals.relabel("ABab")
        Traceback (most recent call last):
        ...
        ValueError: the case of A, B is not known: 'AB' has one class for both cases, 'ABab' has two. If you know ...
        """
        if merged is not None:
            ensure_choice(merged, ("upper", "lower", "either"), name="merged")
        matrix = class_sets.merge_matrix(self.classes, classes) > 0
        # Of each capital that stands for both cases: its label, and the new label of its small letter.
        small = {k: classes.find(char.lower()) for k, char in enumerate(self.classes) if char.isupper()}
        small = {k: new for k, new in small.items() if new >= 0 and classes[new] not in self.classes}
        case_unknown, small = list(small), list(small.values())
        present = np.unique(self.labels)
        unknown = [self.classes[label] for label in case_unknown if label in present]
        if unknown and merged is None:
            raise ValueError(
                f"the case of {_some(unknown)} is not known: {self.classes!r} has one class for both cases, "
                f"{classes!r} has two. If you know that all are capitals, say so with .relabel(..., merged='upper') "
                "(or 'lower'), or keep both cases as candidates with merged='either'; else leave them out."
            )
        if merged == "lower":
            matrix[case_unknown] = False
            matrix[case_unknown, small] = True
        if homeless := [self.classes[label] for label in present if not matrix[label].any()]:
            raise ValueError(
                f"{classes!r} has no class for {_some(homeless)}. Leave these images out with .only(...) first, "
                "or use .merge_classes(classes), which drops them."
            )
        labels = matrix.argmax(axis=1)[self.labels]
        if merged == "either":
            matrix[case_unknown, small] = True
        return replace(self._mapped(matrix, classes), labels=labels)

    def _mapped(self, matrix: np.ndarray, classes: str) -> Dataset:
        """Return this data set with other classes; `matrix` (old, new) says which of them an old class stands for."""
        mask = None
        if self.label_mask is not None or matrix.sum(axis=1).max(initial=0) > 1:
            mask = map_classes(self.label_mask, self.labels, matrix)
        return replace(self, labels=matrix.argmax(axis=1)[self.labels], classes=classes, label_mask=mask)

    def balanced(self, per_class: int | None = None, *, rng: np.random.Generator, copy: bool = False) -> Dataset:
        """Draw the same number of images of every character there is, at random.

        Parameters
        ----------
        per_class : int, optional
            How many; the number of the rarest character, if not given.
        rng : numpy.random.Generator
        copy : bool
            Whether characters that have fewer may repeat images, each as often as the next (give or take
            one). `copies` then says which. Split first, and copy only in the training part.

        Returns
        -------
        Dataset
            In the order of this one, copies side by side. Characters without any image stay without.

        Raises
        ------
        ValueError
            If there are too few of a character, and `copy` is False.

        Examples
        --------
        >>> few = Dataset(np.zeros((5, 28, 28), "uint8"), [0, 0, 0, 1, 1], classes="AB", source="nowhere")
        >>> "".join(few.balanced(rng=np.random.default_rng(0)).chars)
        'AABB'
        >>> more = few.balanced(4, rng=np.random.default_rng(0), copy=True)
        >>> "".join(more.chars), int(more.copies.sum())
        ('AAAABBBB', 3)
        """
        counts = np.bincount(self.labels, minlength=len(self.classes))
        present = np.flatnonzero(counts)
        wanted = int(counts[present].min(initial=len(self))) if per_class is None else per_class
        if wanted < 0:
            raise ValueError(f"per_class must not be negative; got {per_class}.")
        short = [f"{self.classes[label]} ({counts[label]})" for label in present if counts[label] < wanted]
        if short and not copy:
            raise ValueError(
                f"per_class must not exceed what there is: {wanted} wanted, too few of {_some(short)}. "
                "Take fewer, or repeat images with copy=True (of a training part only)."
            )
        chosen = [np.zeros(0, "int64")]
        for label in present:
            members = np.flatnonzero(self.labels == label)
            rounds, rest = divmod(wanted, len(members))
            chosen += [members] * rounds + [rng.choice(members, rest, replace=False)]
        return self.take(np.sort(np.concatenate(chosen)))

    def save(self, path: str | Path) -> None:
        """Write everything to one ``.npz`` file, for `load_file`: whole or, after an error, as it was before."""
        write(path, vars(self))

    @classmethod
    def load_file(cls, path: str | Path) -> Dataset:
        """Read what `save` wrote; `DataError` says what is wrong with a file, `MissingDataError` that there is none.

        Examples
        --------
        >>> from tempfile import TemporaryDirectory
        >>> drawn = Dataset(np.zeros((2, 28, 28), "uint8"), [0, 1], "AB", "pad", writers=["ann", "bob"])
        >>> with TemporaryDirectory() as folder:
        ...     drawn.save(Path(folder, "mine.npz"))
        ...     again = Dataset.load_file(Path(folder, "mine.npz"))
        >>> again, again.origin(1)
        (<Dataset: 2 images of 2 classes 'AB' by 2 writers, from pad>, 'pad, image 1')
        """
        fields = read(path)
        try:
            return cls(**fields)
        except ValueError as error:
            raise DataError(f"{path} cannot be used: {error}") from error


def _column(values: npt.ArrayLike, length: int, name: str) -> np.ndarray:
    """Return `values` as text, one an image."""
    column = np.asarray(values).astype(str)
    if column.shape != (length,):
        raise ValueError(f"{name} must have one entry per image, shape ({length},); got {column.shape}.")
    return column


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
