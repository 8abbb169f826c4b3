"""Drawings from the pad, kept as strokes: one line of JSON each in a file that only grows.

A line is ``{"char": "A", "writer": "ada", "half_width": 10.0, "date": "2026-11-26", "strokes": [[[x, y], ...], ...]}``,
in pixels of the pad. Of a word it has ``"text": "garden"`` in the place of ``"char"``.
"""

import datetime
import json
import os
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hcr_lib import pen
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._folder import dataset_of
from hcr_lib.datasets._locks import locked
from hcr_lib.datasets._readers import ensure_file
from hcr_lib.labels import BYCLASS, CLASS_SETS

LARGEST = 2_000  #: pixels that a drawing may be wide or high
WIDEST = 100  #: pixels that half a pen may measure
LONGEST = 60  #: characters of a text
MOST_POINTS = 5_000  #: in one drawing; a person's has some hundreds
MARGIN = 10  #: paper around a drawing, beyond the width of the pen


@dataclass(frozen=True)
class StoredDrawing:
    """A drawing: the character or text it should be, writer, pen, strokes as (n, 2) arrays, and the day (ISO 8601)."""

    text: str
    writer: str | None
    half_width: float
    strokes: list[np.ndarray]
    date: str | None = None  # of drawings that were kept before there were any

    def __post_init__(self) -> None:
        if not isinstance(self.text, str) or len(self.text) < 2:
            ensure_choice(self.text, BYCLASS, name="text")
        elif len(self.text) > LONGEST or self.text != self.text.strip() or {*self.text} - {*CLASS_SETS["text"], " "}:
            raise ValueError(
                f"text must be a digit, a letter, or one line of at most {LONGEST} digits, letters, marks and blanks; "
                f"got {self.text[: 2 * LONGEST]!r}."
            )
        if not (self.writer is None or (isinstance(self.writer, str) and self.writer)):
            raise ValueError(f"writer must be a name or None; got {self.writer!r}.")
        if self.date is not None:
            datetime.date.fromisoformat(self.date)
        if not 0 < self.half_width <= WIDEST:
            raise ValueError(f"half_width must be between 0 and {WIDEST} pixels; got {self.half_width}.")
        if (points := sum(map(len, self.strokes))) > MOST_POINTS:
            raise ValueError(f"a drawing must have at most {MOST_POINTS:,} points; got {points:,}.")
        x0, y0, x1, y1 = pen.bounds(self.strokes)
        if max(x1 - x0, y1 - y0) > LARGEST:
            raise ValueError(f"strokes must be in pixels of the pad, at most {LARGEST} across; got {x1 - x0:g}.")

    def ink(self) -> np.ndarray:
        """Return the drawing as float32 ink in [0, 1] on a page just large enough."""
        x0, y0, x1, y1 = pen.bounds(self.strokes)
        free = self.half_width + MARGIN
        shape = (round(y1 - y0 + 2 * free), round(x1 - x0 + 2 * free))
        return pen.render_page([stroke - [x0 - free, y0 - free] for stroke in self.strokes], shape, self.half_width)


def save_drawing(
    path: str | os.PathLike,
    strokes: pen.Drawing,
    text: str,
    writer: str | None = None,
    *,
    half_width: float = pen.HALF_WIDTH,
) -> Path:
    """Append a drawing to a file of drawings, with today's date.

    Parameters
    ----------
    path : path
        Such as ``drawings.jsonl``; made if need be. Several programs may append to it at once: they take turns.
    strokes : sequence of array_like, each of shape (n, 2)
        In pixels of the pad, as `hcr_lib.widgets.DrawingPad.strokes` has them.
    text : str
        The digit or letter it should be; or a word, or a line of them.
    writer : str, optional
        Who drew it: a name, or better a made-up one.
    half_width : float
        Half the width of the pen, in the same pixels.

    Returns
    -------
    Path
        The file; `read_drawings` reads it, and ``datasets.load`` the characters in it.

    Raises
    ------
    ValueError
        If nothing is drawn, or `text` holds what no alphabet of the course does.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = save_drawing(f"{folder}/drawings.jsonl", [[[200, 80], [200, 320]]], "1", writer="ada")
    ...     [(drawing.text, drawing.writer) for drawing in read_drawings(file)]
    [('1', 'ada')]
    """
    arrays = [np.asarray(stroke, dtype="float64").round(1) for stroke in strokes if np.size(stroke)]
    today = datetime.date.today().isoformat()
    drawing = StoredDrawing(text, writer, float(half_width), arrays, today)
    about = {"char" if len(text) == 1 else "text": text, "writer": writer, "half_width": drawing.half_width}
    line = json.dumps(about | {"date": today, "strokes": [each.tolist() for each in arrays]}, ensure_ascii=False)
    path = Path(path)
    with locked(path), path.open("a+b") as file:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":  # a program was killed while it wrote: its line must not spoil this one
                file.write(b"\n")
        file.write(line.encode() + b"\n")
    return path


def read_drawings(path: str | os.PathLike) -> list[StoredDrawing]:
    """Read a file that `save_drawing` wrote.

    Raises
    ------
    MissingDataError
        If there is no such file, or nothing in it.
    DataError
        If a line is no drawing; the message names the line. One that was cut off when a program was killed is left
        out with a warning.
    """
    path, drawings = Path(path), []
    for number, line in enumerate(ensure_file(path).read_bytes().splitlines(), 1):
        if not line.strip():
            continue
        if line.startswith(b"{") and not line.rstrip().endswith(b"}"):
            warnings.warn(f"{path}, line {number} was cut off while it was written; left out.", stacklevel=2)
            continue
        try:
            found = json.loads(line)
            strokes = [np.asarray(stroke, dtype="float64") for stroke in found["strokes"]]
            text = ensure_choice(found["char"], BYCLASS, name="char") if "char" in found else found["text"]
            drawings.append(StoredDrawing(text, found["writer"], found["half_width"], strokes, found.get("date")))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise DataError(
                f"{path}, line {number} is not a drawing with char or text, writer, half_width and strokes "
                f"({error!r}). "
                "Delete that line, or the file if it is something else."
            ) from error
    if not drawings:
        raise MissingDataError(f"{path} holds no drawings. Draw on the pad and save.")
    return drawings


def drawings_dataset(path: Path) -> Dataset:
    """Read a file of drawings as a data set: each drawn by `hcr_lib.pen`, then brought to 28 x 28 like a photograph.

    Words have no place among images of characters, and are left out.
    """
    from hcr_lib import images  # here, because reading strokes must not wait for SciPy

    drawings = [each for each in read_drawings(path) if len(each.text) == 1]
    if not drawings:
        raise MissingDataError(f"{path} holds words only, no characters. Read their strokes with read_drawings(path).")
    pictures = [images.to_mnist((255 * (1 - drawing.ink())).round().astype("uint8")) for drawing in drawings]
    return dataset_of(str(path), pictures, [each.text for each in drawings], [each.writer for each in drawings])
