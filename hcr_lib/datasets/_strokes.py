"""Handwriting as the pen went: characters, words and lines of UNIPEN as strokes."""

from __future__ import annotations

import operator
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
HOW_TO_GET_UNIPEN = (
    "UNIPEN's owners publish train_r01_v07 at Zenodo under CC BY 4.0: doi 10.5281/zenodo.1195803. Unpack it, and read "
    "it with hcr_lib.datasets.read_unipen(folder)."
)


@dataclass(frozen=True, eq=False, repr=False)
class StrokeDataset:
    """Texts written with a pen, sample by sample: where the pen went while it was down.

    Parameters
    ----------
    points : ndarray of int or float, shape (p, 2)
        x to the right, y down, in any unit; of all strokes, one after another.
    stroke_offsets : ndarray of int, shape (s + 1,)
        Stroke ``j`` has the points ``stroke_offsets[j]`` to ``stroke_offsets[j + 1]``, at least one.
    sample_offsets : ndarray of int, shape (n + 1,)
        Sample ``i`` has the strokes ``sample_offsets[i]`` to ``sample_offsets[i + 1]``, at least one.
    texts : ndarray of str, shape (n,)
        What was written.
    writers : ndarray of str, shape (n,)
        Who wrote it: a number, never a name.
    separable : ndarray of bool, shape (n,), optional
        Of words: whether gaps separate the letters.
    source : str
        Where the strokes came from, as shown to the reader.

    Raises
    ------
    ValueError
        If shapes or types do not fit, a point is not finite, or the offsets do not lead through all points.

    Notes
    -----
    ``dataset[i]`` is a drawing, as `hcr_lib.pen`, the pad's ``show_strokes`` and `plots.show_strokes` take it, and
    ``zip(dataset.texts, dataset)`` yields texts with their drawings. Sizes mean something only between samples of one
    writer. A data set never changes; every method returns a new one.

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
    >>> "".join(cross.take([0, 0]).texts)
    'xx'
    """

    points: np.ndarray
    stroke_offsets: np.ndarray
    sample_offsets: np.ndarray
    texts: np.ndarray
    writers: np.ndarray
    separable: np.ndarray | None = None
    source: str = "own strokes"

    def __post_init__(self) -> None:
        points = np.asarray(self.points)
        if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "iuf" or not np.isfinite(points).all():
            raise ValueError(
                f"points must be finite numbers of shape (p, 2): x right, y down; got {points.dtype} of shape "
                f"{points.shape}."
            )
        count = len(self.texts)
        strokes = _ensure_offsets(self.stroke_offsets, len(points), "stroke_offsets", "points")
        samples = _ensure_offsets(self.sample_offsets, len(strokes) - 1, "sample_offsets", "strokes", count)
        fields = {"points": points, "stroke_offsets": strokes, "sample_offsets": samples}
        for name, kind in (("texts", "U"), ("writers", "U"), ("separable", "b")):
            column = getattr(self, name)
            if column is not None:
                column = np.asarray(column)
                if column.shape != (count,) or (count and column.dtype.kind != kind):
                    what = "bool" if kind == "b" else "str"
                    raise ValueError(
                        f"{name} must be {what} of shape ({count},), one for each text; "
                        f"got {column.dtype} of shape {column.shape}."
                    )
                fields[name] = column
        for name, value in fields.items():
            object.__setattr__(self, name, value)  # the dataclass is frozen; this is its own constructor

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self) -> str:
        writers = len(np.unique(self.writers))
        return f"<StrokeDataset: {len(self):,} texts by {writers:,} writers, from {self.source}>"

    def __getitem__(self, index: int) -> list[np.ndarray]:
        """Return the strokes of one sample: float64 arrays of shape (n, 2), as `hcr_lib.pen` takes them."""
        number = operator.index(index)
        if not -len(self) <= number < len(self):
            raise IndexError(f"there are {len(self):,} texts, from 0; got {number}.")
        first, last = self.sample_offsets[number % len(self) :][:2]
        edges = self.stroke_offsets[first : last + 1]
        return [self.points[a:b].astype("float64") for a, b in pairwise(edges)]

    def take(self, indices: npt.ArrayLike) -> StrokeDataset:
        """Return the samples at `indices` (numbers or a mask), in that order."""
        indices = np.asarray(indices)
        indices = np.arange(len(self))[indices if indices.size else indices.astype(int)]
        strokes, stroke_counts = _runs(self.sample_offsets, indices)
        points, point_counts = _runs(self.stroke_offsets, strokes)
        return replace(
            self,
            points=self.points[points],
            stroke_offsets=np.cumsum([0, *point_counts]),
            sample_offsets=np.cumsum([0, *stroke_counts]),
            texts=self.texts[indices],
            writers=self.writers[indices],
            separable=None if self.separable is None else self.separable[indices],
        )

    def sample(self, n: int, rng: np.random.Generator) -> StrokeDataset:
        """Draw `n` different texts at random; there must be as many."""
        if not 0 <= n <= len(self):
            raise ValueError(f"n must lie between 0 and the {len(self):,} texts there are; got {n}.")
        return self.take(rng.choice(len(self), size=n, replace=False))

    def to_images(self, classes: str = labels.BYCLASS, half_width: float = pen.HALF_WIDTH) -> Dataset:
        """Render single characters as images, normalised as drawings are; those outside `classes` are left out.

        Parameters
        ----------
        classes : str
        half_width : float
            Of the pen on a pad of 400 pixels: see `hcr_lib.pen.render`.

        Examples
        --------
        >>> marks = StrokeDataset(
        ...     np.array([[0, 0], [0, 9], [4, 4], [0, 5], [9, 5]]), np.array([0, 2, 3, 5]), np.array([0, 1, 2, 3]),
        ...     texts=np.array(["1", ".", "-"]), writers=np.array(["7", "7", "8"]),
        ... )
        >>> marks.to_images("1-")
        <Dataset: 2 images of 2 classes '1-' by 2 writers, from own strokes>
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


def _ensure_offsets(offsets: npt.ArrayLike, end: int, name: str, of: str, count: int | None = None) -> np.ndarray:
    """Return offsets that rise from 0 to `end`, each run at least one long, and that there are `count` runs."""
    array = np.asarray(offsets)
    if array.ndim != 1 or not array.size or array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers of shape (n + 1,); got {array.dtype} of shape {array.shape}.")
    if array[0] != 0 or array[-1] != end or not (array[1:] > array[:-1]).all():
        raise ValueError(
            f"{name} must rise from 0 to the {end:,} {of} there are, each greater than the one before; "
            f"got {len(array):,} from {array[0]} to {array[-1]}. Leave out what has no {of}."
        )
    if count is not None and len(array) != count + 1:
        raise ValueError(f"{name} must have one entry more than there are texts, {count + 1:,}; got {len(array):,}.")
    return array


def _runs(offsets: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the members of the runs at `indices`, one run after another, and the length of each."""
    starts, lengths = offsets[indices].astype(int), np.diff(offsets)[indices].astype(int)
    return np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum()), lengths


def load_strokes(name: str, split: str = "train", *, data_dir: str | Path | None = None) -> StrokeDataset:
    """Load pen strokes of UNIPEN from files that were prepared from it; `read_unipen` reads what was published.

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
            f"{name} is not on this machine: there is no file {path}. The prepared files are not published. "
            f"{HOW_TO_GET_UNIPEN}"
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
