"""The one shape all handwriting comes in: images, labels, the class string, where it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hcr_lib import labels as class_sets
from hcr_lib._validate import ensure_labels, ensure_uint8_images

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
    source : str
        Where the images came from, for people.
    writers : ndarray of str, shape (n,), optional
        Who wrote each image, where that is known.

    Raises
    ------
    ValueError
        If shapes, types or label range do not fit, or a character appears twice in `classes`.

    Examples
    --------
    >>> blank = Dataset(np.zeros((3, 28, 28), "uint8"), [1, 0, 1], classes="01", source="nowhere")
    >>> blank
    <Dataset: 3 images of 2 classes '01', from nowhere>
    >>> "".join(blank.chars)
    '101'
    """

    images: np.ndarray
    labels: np.ndarray
    classes: str
    source: str
    writers: np.ndarray | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.classes, str) or not self.classes:
            raise ValueError(
                f"classes must be a string with one character a label, such as '0123456789'; got {self.classes!r}."
            )
        doubled = sorted({char for char in self.classes if self.classes.count(char) > 1})
        if doubled:
            raise ValueError(f"classes must hold each character once; {', '.join(doubled)} appears again.")
        images = ensure_uint8_images(self.images)
        fields = {"images": images, "labels": ensure_labels(self.labels, len(self.classes), length=len(images))}
        if self.writers is not None:
            fields["writers"] = np.asarray(self.writers).astype(str)
            if fields["writers"].shape != (len(images),):
                raise ValueError(
                    f"writers must have one entry an image, shape ({len(images)},); got {fields['writers'].shape}."
                )
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen; this is its own constructor

    def __len__(self) -> int:
        return len(self.images)

    def __repr__(self) -> str:
        writers = "" if self.writers is None else f" by {len(np.unique(self.writers)):,} writers"
        return (
            f"<Dataset: {len(self):,} images of {len(self.classes)} classes {self.classes!r}{writers}, "
            f"from {self.source}>"
        )

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

    def take(self, indices: npt.ArrayLike) -> Dataset:
        """Return the images at `indices` (numbers, or a mask with one True or False an image), in that order."""
        indices = np.asarray(indices)
        if indices.size == 0:
            indices = indices.astype("int64")
        writers = None if self.writers is None else self.writers[indices]
        return replace(self, images=self.images[indices], labels=self.labels[indices], writers=writers)

    def sample(self, n: int, rng: np.random.Generator) -> Dataset:
        """Draw `n` different images at random.

        Raises
        ------
        ValueError
            If there are fewer than `n`.
        """
        if not 0 <= n <= len(self):
            raise ValueError(f"n must lie between 0 and the {len(self):,} images there are; got {n}.")
        return self.take(rng.choice(len(self), size=n, replace=False))

    def only(self, chars: str) -> Dataset:
        """Keep the images of `chars`; the class string, and so every label, stays as it is.

        Raises
        ------
        ValueError
            If one of `chars` is not among the classes.
        """
        return self.take(np.isin(self.labels, class_sets.to_labels(chars, self.classes)))

    def fold(self, classes: str) -> Dataset:
        """Relabel for another class string.

        A character goes to itself where `classes` has it, else to its capital; images of a
        character that `classes` lacks altogether are dropped (letters, for the digits).

        Examples
        --------
        >>> cases = Dataset(np.zeros((3, 28, 28), "uint8"), [0, 1, 2], classes="Aa7", source="nowhere")
        >>> cases.fold("AB")
        <Dataset: 2 images of 2 classes 'AB', from nowhere>
        """
        if classes == self.classes:
            return self
        matrix = class_sets.folding(self.classes, classes)
        kept = self.take(matrix.any(axis=1)[self.labels])
        return replace(kept, labels=matrix.argmax(axis=1)[kept.labels], classes=classes)


def combine(*datasets: Dataset) -> Dataset:
    """Put data sets with the same class string one behind the other.

    Writers are kept where every part names them; a writer's name is taken as it is, so
    parts whose names may clash should be made distinct first.

    Raises
    ------
    ValueError
        If there is none, or their classes differ.
    """
    if not datasets:
        raise ValueError("combine needs at least one data set; got none.")
    class_strings = {part.classes for part in datasets}
    if len(class_strings) > 1:
        raise ValueError(
            f"combine needs data sets with the same classes; got {', '.join(map(repr, sorted(class_strings)))}. "
            "Bring them to one class string with .fold(classes) first."
        )
    named = all(part.writers is not None for part in datasets)
    return Dataset(
        np.concatenate([part.images for part in datasets]),
        np.concatenate([part.labels for part in datasets]),
        classes=datasets[0].classes,
        source=" + ".join(dict.fromkeys(part.source for part in datasets)),
        writers=np.concatenate([part.writers for part in datasets]) if named else None,
    )
