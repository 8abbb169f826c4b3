"""UNIPEN as it was published: files of pen trajectories, and files of labels that name parts of them."""

from __future__ import annotations

import functools
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hcr_lib._validate import ensure_choice
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._readers import expanded
from hcr_lib.datasets._splits import FRACTIONS, PARTS
from hcr_lib.datasets._strokes import HOW_TO_GET_UNIPEN, StrokeDataset

#: What a segment is called, and the folders of ``data/`` that hold such segments. Folders 2 and 3 repeat 1a to 1d.
KINDS = {"chars": ("CHARACTER", "1a 1b 1c 1d"), "words": ("WORD", "6 7"), "lines": ("TEXT", "8")}
_STAND_INS = {"hpb": "XXX", "hpp": "XXX", "sta": "XXX", "kai": "@"}  # written where a donor had no label
_FAMILIES = ("ap", "ce")  # donors who delivered ink of the same people under several names: apb, apd; ced, cee; ...
_KEPT_FILES = 4  # parsed: the folders 6 and 7 label the same ink

_SEGMENT = re.compile(r'\w+\s+(?P<where>\?|\d[\d:,\s-]*?)\s+(?P<quality>\?|[A-Za-z]+)(\s+"(?P<label>.*)")?', re.S)
_RANGE = re.compile(r"(\d+)(?::(\d+))?(?:-(\d+)(?::(\d+))?)?")


def read_unipen(
    folder: str | Path, kind: str = "chars", split: str = "all", *, skip_damaged: bool = False
) -> StrokeDataset:
    """Read the pen strokes of a UNIPEN folder, unpacked from the published archive (train_r01_v07).

    Parameters
    ----------
    folder : path
        The folder that holds UNIPEN's ``data/`` and ``include/``, or one above it. An excerpt will do.
    kind : {"chars", "words", "lines"}
        Single characters (the folders 1a to 1d), words (6 and 7), or lines and short texts (8).
    split : {"train", "val", "test", "all"}
        The part, some 80 / 10 / 10 % of the writers. A checksum of the writer alone decides, so nobody is in two parts,
        whatever kinds and donors are read. They are not the parts of `load_strokes`: a reader that learned from
        people of its ``train`` has met people of all three.
    skip_damaged : bool
        Leave damaged files out, with a warning that counts them, instead of raising `DataError`.

    Returns
    -------
    StrokeDataset
        Each sample lies to the right of x = 0 and above y = 0 (y down: not positive), in its donor's units. Writers
        are numbers made from what the donor calls them, the same for every kind. Left out are segments that are marked
        BAD, have no label or a stand-in for one, or no ink; of `chars` those with more than one character in the label;
        and a segment that two folders list, once.

    Raises
    ------
    MissingDataError
        If the folder, or files of this kind in it, are not there; the message says how to get them.
    DataError
        If a file is damaged; the message names file and line.

    Notes
    -----
    A file is a row of statements, each a keyword with a dot in the first column and what follows up to the next [1]_.
    ``.COORD`` names the columns of the points; ``.PEN_DOWN`` and ``.PEN_UP`` with at least one point are components,
    counted from 0 through all included files; ``.SEGMENT WORD 2:10-4:33,7 OK "label"`` labels the ink between point 10
    of component 2 and point 33 of component 4, and component 7. Where a file names no writer, its own name stands for
    one.

    References
    ----------
    .. [1] I. Guyon, L. Schomaker, R. Plamondon, M. Liberman and S. Janet, "UNIPEN project of on-line data exchange and
       recognizer benchmarks", ICPR 1994.
    """
    ensure_choice(kind, KINDS, name="kind")
    ensure_choice(split, (*PARTS, "all"), name="split")
    root = _root(expanded(folder))
    read = functools.lru_cache(_KEPT_FILES)(_statements)
    samples: dict[tuple, _Sample] = {}  # by their ink: 6 and 7 list many a word twice
    damaged: list[DataError] = []
    for path in _label_files(root, kind):
        try:
            for sample in _samples(path, root, kind, read):
                if split == "all" or _part(sample.writer) == split:
                    samples.setdefault(sample.place, sample)
        except DataError as error:
            if not skip_damaged:
                raise
            damaged.append(error)
    if damaged:
        warnings.warn(f"{len(damaged):,} damaged files were left out; the first: {damaged[0]}", stacklevel=2)
    return _gathered(list(samples.values()), f"UNIPEN {kind}")


class _Sample(NamedTuple):
    """One segment; its place is the writer, the components, and the files that hold them."""

    place: tuple
    text: str
    writer: str
    strokes: list[np.ndarray]


class _Statement(NamedTuple):
    """A keyword, the line it stands in, and what follows it: of components the numbers, else the text."""

    keyword: str
    line: int
    text: str
    numbers: np.ndarray | None


class _Component(NamedTuple):
    """Where the pen went, down or up, as float32 (n, 2) with y down; and the donor's name for the writer, if known."""

    points: np.ndarray
    down: bool
    writer: str | None


@dataclass
class _Ink:
    """What the statements so far say of columns, units and writer, and the components they hold."""

    columns: list[str] = field(default_factory=list)
    units: dict[str, float] = field(default_factory=dict)
    scale: np.ndarray = field(default_factory=lambda: np.array([1.0, -1.0]))  # x and y, which grows upwards
    writer: str | None = None
    components: list[_Component] = field(default_factory=list)

    def add(self, statement: _Statement) -> None:
        """Take one statement into account; a ValueError says what is wrong with it."""
        keyword, _, text, numbers = statement
        if numbers is not None:
            if numbers.size:
                self.components.append(_Component(self._points(numbers), keyword == "PEN_DOWN", self.writer))
        elif keyword == "COORD":
            self.columns = text.upper().split()
            if not {"X", "Y"} <= set(self.columns):
                raise ValueError(f"expected columns with X and Y among them; got {text!r}")
        elif keyword == "WRITER_ID":
            self.writer = text or None
        elif keyword in ("X_POINTS_PER_INCH", "Y_POINTS_PER_INCH", "X_POINTS_PER_MM", "Y_POINTS_PER_MM"):
            self.units[keyword] = float(text.split()[0])
            per = keyword[2:]  # a few tablets have other units across than down: those across count
            if self.units.get(f"X_{per}", 0) > 0 < self.units.get(f"Y_{per}", 0):
                self.scale = np.array([1.0, -self.units[f"X_{per}"] / self.units[f"Y_{per}"]])

    def _points(self, numbers: np.ndarray) -> np.ndarray:
        if not self.columns:
            raise ValueError("expected .COORD before the first point, to name the columns")
        if numbers.size % len(self.columns):
            names = " ".join(self.columns)
            raise ValueError(f"expected points of {len(self.columns)} numbers ({names}); got {numbers.size} in all")
        places = [self.columns.index("X"), self.columns.index("Y")]
        return (numbers.reshape(-1, len(self.columns))[:, places] * self.scale).astype("float32")

    def at(self, where: str) -> list[_Component]:
        """Return the components, or parts of them, that a delineation names; a ValueError says what is wrong."""
        found = []
        for each in re.sub(r"\s", "", where).split(","):
            match = _RANGE.fullmatch(each)
            if match is None:
                raise ValueError(f"expected components such as 3, 0-3,7 or 2:10-4:33; got {where!r}")
            first, start, last, end = (None if number is None else int(number) for number in match.groups())
            if last is None:
                last, end = first, start
            if not first <= last < len(self.components):
                raise ValueError(f"there is no component {each}; the file has {len(self.components):,}, from 0")
            for number in range(first, last + 1):
                points = self.components[number].points
                begin = start if number == first and start is not None else 0
                stop = end + 1 if number == last and end is not None else len(points)
                if not begin < stop <= len(points):
                    raise ValueError(f"{each} goes beyond the {len(points):,} points of component {number}")
                found.append(self.components[number]._replace(points=points[begin:stop]))
        return found


def _root(folder: Path) -> Path:
    for root in (folder, *sorted(folder.glob("*/")), *sorted(folder.glob("*/*/"))):
        if (root / "data").is_dir() and (root / "include").is_dir():
            return root
    raise MissingDataError(f"{folder} holds no UNIPEN: no folders data and include. {HOW_TO_GET_UNIPEN}")


def _label_files(root: Path, kind: str) -> list[Path]:
    """Return the files with segments, those of different folders that label the same ink beside each other."""
    found = [path for place in KINDS[kind][1].split() for path in (root / "data" / place).rglob("*.dat")]
    if not found:
        raise MissingDataError(
            f"{root} holds no {kind} of UNIPEN: no .dat files in data/{', data/'.join(KINDS[kind][1].split())}. "
            f"{HOW_TO_GET_UNIPEN}"
        )
    return sorted(found, key=lambda path: (path.relative_to(root / "data").parts[1:], path))


def _statements(path: Path) -> list[_Statement]:
    """Cut a file into its statements."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error}. Unpack the archive again.") from error
    starts = [number for number, line in enumerate(lines) if line[:1] == "." and line[1:2].isalpha()]
    found = []
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        keyword, _, rest = lines[start][1:].replace("\t", " ").partition(" ")
        body, keyword, numbers = [rest, *lines[start + 1 : end]], keyword.upper(), None
        if keyword in ("PEN_DOWN", "PEN_UP"):
            numbers = _numbers(" ".join(body))
            if numbers is None:
                bad = next(number for number, line in enumerate(body) if _numbers(line) is None)
                raise _damaged(path, start + bad + 1, f"expected numbers; got {body[bad].strip()!r}")
        found.append(_Statement(keyword, start + 1, "" if numbers is not None else "\n".join(body).strip(), numbers))
    return found


def _numbers(text: str) -> np.ndarray | None:
    """Return the numbers of a text as float64, or None if it holds anything else."""
    try:
        numbers = np.array(list(map(float, text.split())))
    except ValueError:
        return None
    return numbers if np.isfinite(numbers).all() else None


def _unfolded(
    path: Path, include: Path, read: Callable[[Path], list[_Statement]], above: tuple[Path, ...] = ()
) -> Iterator[tuple[Path, _Statement]]:
    """Yield the statements of a file, with those of an included file in the place of its ``.INCLUDE``."""
    for statement in read(path):
        if statement.keyword != "INCLUDE":
            yield path, statement
            continue
        try:
            target = (include / statement.text.strip('"')).resolve()
            found = target.is_relative_to(include.resolve()) and target.is_file()
        except (OSError, ValueError):  # what no file can be called
            found = False
        if not found:
            raise _damaged(path, statement.line, f"there is no file {statement.text!r} in {include}")
        if target in above:
            raise _damaged(path, statement.line, f"{statement.text!r} includes itself")
        yield from _unfolded(target, include, read, (*above, target))


def _samples(path: Path, root: Path, kind: str, read: Callable[[Path], list[_Statement]]) -> Iterator[_Sample]:
    """Yield the segments of a file that have a label and ink."""
    donor, ink, sources = path.relative_to(root / "data").parts[1], _Ink(), {}
    for source, statement in _unfolded(path, root / "include", read):
        sources[source] = statement.keyword.startswith("PEN_") or sources.get(source, False)
        try:
            if statement.keyword != "SEGMENT":
                ink.add(statement)
                continue
            if statement.text.split()[:1] != [KINDS[kind][0]]:
                continue
            match = _SEGMENT.fullmatch(statement.text)
            if match is None:
                raise ValueError(f'expected TYPE COMPONENTS QUALITY "label"; got {statement.text!r}')
            text = _text(match["label"] or "", donor)
            if match["quality"].upper() == "BAD" or match["where"] == "?" or not text or (kind == "chars" and text[1:]):
                continue
            strokes = [component for component in ink.at(match["where"]) if component.down]
        except ValueError as error:
            raise _damaged(source, statement.line, f"{error}, in .{statement.keyword}") from error
        if strokes:
            name = strokes[0].writer or path.stem
            points = [each.points for each in strokes]
            x, y = np.concatenate(points).T
            shifted = [each - np.array([x.min(), y.max()]) for each in points]
            inked = (file for file, has_ink in sources.items() if has_ink)
            writer, where = _number(donor, name), re.sub(r"\s", "", match["where"])
            yield _Sample((writer, where, *inked), text, writer, shifted)


def _text(label: str, donor: str) -> str:
    """Return what a label says, with one blank between words; nothing, where it is a stand-in."""
    label = re.sub(r"\\(.)", lambda escaped: " " if escaped[1] in "tn" else escaped[1], label)
    return "" if donor in _STAND_INS and _STAND_INS[donor] in label else " ".join(label.split())


def _number(donor: str, name: str) -> str:
    """Return a number that stands for a writer whom a donor calls `name`."""
    family = donor[:2] if donor.startswith(_FAMILIES) else donor
    return str(int.from_bytes(blake2b(f"{family}/{name}".encode(), digest_size=4).digest(), "big"))


def _part(writer: str) -> str:
    return PARTS[int(np.searchsorted(np.cumsum(FRACTIONS)[:-1], int(writer) / 2.0**32, side="right"))]


def _gathered(samples: list[_Sample], source: str) -> StrokeDataset:
    strokes = [stroke for sample in samples for stroke in sample.strokes]
    return StrokeDataset(
        np.concatenate([np.zeros((0, 2), "float32"), *strokes]),
        np.cumsum([0, *map(len, strokes)]),
        np.cumsum([0, *(len(sample.strokes) for sample in samples)]),
        np.array([sample.text for sample in samples], str),
        np.array([sample.writer for sample in samples], str),
        source=source,
    )


def _damaged(path: Path, line: int, what: str) -> DataError:
    return DataError(
        f"{path}, line {line}: {what}. Unpack the archive again, or leave such files out with skip_damaged=True."
    )
