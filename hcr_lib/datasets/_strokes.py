"""Handwriting as the pen went: characters, words and lines of UNIPEN as strokes."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hcr_lib import labels, pen
from hcr_lib._paths import user_data_dir
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import DataError, MissingDataError

#: What `load_strokes` knows, and the prepared files that hold it.
STROKE_SETS = {f"unipen-{kind}": f"unipen_{kind}.npz" for kind in ("chars", "words", "lines")}
STROKE_PARTS = {"train": "train", "val": "dev"}  # what UNIPEN's packs call our parts


@dataclass(frozen=True, eq=False, repr=False)
class StrokeDataset:
    """Texts written with a pen, sample by sample: where the pen went while it was down.

    Parameters
    ----------
    points : ndarray of int16, shape (p, 2)
        x to the right, y down; of all strokes, one after another.
    stroke_offsets : ndarray of int, shape (s + 1,)
        Stroke ``j`` has the points ``stroke_offsets[j]`` to ``stroke_offsets[j + 1]``.
    sample_offsets : ndarray of int, shape (n + 1,)
        Sample ``i`` has the strokes ``sample_offsets[i]`` to ``sample_offsets[i + 1]``.
    texts : ndarray of str, shape (n,)
        What was written.
    writers : ndarray of str, shape (n,)
        Who wrote it: a number, never a name.
    separable : ndarray of bool, shape (n,), optional
        Of words: whether gaps separate the letters.
    source : str

    Examples
    --------
    >>> cross = StrokeDataset(
    ...     np.array([[0, 0], [9, 9], [9, 0], [0, 9]], "int16"), np.array([0, 2, 4]), np.array([0, 2]),
    ...     texts=np.array(["x"]), writers=np.array(["1"]),
    ... )
    >>> cross
    <StrokeDataset: 1 texts by 1 writers, from own strokes>
    >>> [stroke.tolist() for stroke in cross[0]]
    [[[0.0, 0.0], [9.0, 9.0]], [[9.0, 0.0], [0.0, 9.0]]]
    """

    points: np.ndarray
    stroke_offsets: np.ndarray
    sample_offsets: np.ndarray
    texts: np.ndarray
    writers: np.ndarray
    separable: np.ndarray | None = None
    source: str = "own strokes"

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        writers = len(np.unique(self.writers))
        return f"<StrokeDataset: {len(self):,} texts by {writers:,} writers, from {self.source}>"

    def __getitem__(self, index: int) -> list[np.ndarray]:
        """Return the strokes of one sample: float64 arrays of shape (n, 2), as `hcr_lib.pen` takes them."""
        first, last = self.sample_offsets[index], self.sample_offsets[index + 1]
        edges = self.stroke_offsets[first : last + 1]
        return [self.points[a:b].astype("float64") for a, b in pairwise(edges)]

    def take(self, indices: npt.ArrayLike) -> StrokeDataset:
        """Return the samples at `indices` (numbers or a mask), in that order."""
        indices = np.arange(len(self))[indices]
        own = np.concatenate([np.arange(*self.sample_offsets[k : k + 2]) for k in indices] or [np.zeros(0, int)])
        lengths = np.diff(self.stroke_offsets)[own]
        rows = np.concatenate([np.arange(*self.stroke_offsets[k : k + 2]) for k in own] or [np.zeros(0, int)])
        return replace(
            self,
            points=self.points[rows],
            stroke_offsets=np.concatenate([[0], np.cumsum(lengths)]),
            sample_offsets=np.concatenate([[0], np.cumsum(np.diff(self.sample_offsets)[indices])]),
            texts=self.texts[indices],
            writers=self.writers[indices],
            separable=None if self.separable is None else self.separable[indices],
        )

    def to_images(self, classes: str = labels.BYCLASS, half_width: float = pen.HALF_WIDTH) -> Dataset:
        """Render single characters as images, normalised as drawings are; those outside `classes` are left out.

        Parameters
        ----------
        classes : str
        half_width : float
            Of the pen on a pad of 400 pixels: see `hcr_lib.pen.render`.
        """
        from hcr_lib.images import to_mnist

        rows = [k for k, text in enumerate(self.texts) if len(text) == 1 and text in classes]
        images = [to_mnist(pen.render(pen.scale_to(self[k]), half_width=half_width)) for k in rows]
        return Dataset(
            np.array(images, "uint8").reshape(-1, 28, 28),
            np.array([classes.index(self.texts[k]) for k in rows], int),
            classes,
            self.source,
            writers=self.writers[rows],
        )


def load_strokes(name: str, split: str = "train", *, data_dir: str | Path | None = None) -> StrokeDataset:
    """Load pen strokes of UNIPEN from its prepared files.

    Parameters
    ----------
    name : {"unipen-chars", "unipen-words", "unipen-lines"}
    split : {"train", "val", "all"}
        The part; no person is in two.
    data_dir : path, optional
        Where the files lie; else ``HCR_DATA_DIR``, else the cache folder.

    Raises
    ------
    MissingDataError
        If the file is not on this machine; the message says how to get it.
    DataError
        If it is damaged.
    """
    ensure_choice(name, tuple(STROKE_SETS), name="name")
    ensure_choice(split, (*STROKE_PARTS, "all"), name="split")
    path = Path(data_dir or user_data_dir()).expanduser() / STROKE_SETS[name]
    if not path.is_file():
        raise MissingDataError(
            f"{name} is not on this machine: there is no file {path}. It is made from UNIPEN's train_r01_v07, which "
            "its owners publish at Zenodo: doi 10.5281/zenodo.1195803."
        )
    try:
        with np.load(path, allow_pickle=False) as file:
            fields = {key: file[key] for key in file.files}
        whole = StrokeDataset(
            fields["points"] * np.array([1, -1], "int16"),  # UNIPEN's y grows upwards
            fields["stroke_offsets"],
            fields["sample_offsets"],
            fields["labels"],
            fields["writer"].astype(str),
            fields.get("separable"),
            f"UNIPEN {name.partition('-')[2]}",
        )
        return whole if split == "all" else whole.take(fields["split"] == STROKE_PARTS[split])
    except (KeyError, ValueError, IndexError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} is not the prepared {name}: {error}. Get it again.") from error
