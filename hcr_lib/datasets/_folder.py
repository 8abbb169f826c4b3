"""A folder of pictures, one character each, as a data set."""

import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hcr_lib import labels
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._errors import DataError, MissingDataError

#: Written by operating systems; hidden files (".DS_Store") are ignored as well.
IGNORED = {"thumbs.db", "desktop.ini"}
UNKNOWN = "unknown"  #: the writer of what no writer is known for, where others have one
CAPITAL, SMALL = ("cap", "upper"), ("small", "lower")
PART_FOLDERS = {"train": "train", "val": "val", "validation": "val", "test": "test"}  #: by name, small or capital
DEEPEST = 3  #: folders in one another that can mean something: part, writer, character
_NAME = re.compile(
    r"(?:(?P<before>cap|upper|small|lower|digit)_)?"
    r"(?P<char>[0-9A-Za-z])"
    r"(?:_(?P<after>cap|upper|small|lower))?"
    r"(?P<rest>[ _-].*)?",
    re.IGNORECASE | re.ASCII,  # without ASCII, the Kelvin sign counts as a k
)


def read_folder(folder: Path) -> Dataset:
    """Read the pictures in a folder, each brought to 28 x 28 the way MNIST was.

    The character comes from the name of the folder a picture lies in, or, directly in `folder`, from the start
    of the file's name:

    - ``7/``, ``A/``, ``a/`` - where the file system takes ``A`` and ``a`` for one, write ``lower_a``
      or ``a_lower`` (``small`` will do as well; capitals: ``upper`` or ``cap``),
    - ``7_me.png``, ``DIGIT_7_0.png``, ``CAP_A_0.png``, ``SMALL_a_0.png``,
    - ``ada/7/``, ``ada/lower_a/`` - with a folder for each writer around those of the characters. Pictures outside
      of any belong to a writer of their own, "unknown",
    - ``train/7/``, ``test/ada/7/`` - with folders ``train``, ``val``, ``test`` around all of that (see `named_parts`).

    Classes are the smallest of digits, letters, alnum and byclass that holds every character found. The file of each
    image is kept: ``dataset.origin(0)``.

    A file that is no picture, is blank, or has a name that tells no character, and a folder or a link that cannot be
    followed, are never left out silently: one `DataError` names them all.
    """
    from hcr_lib import images  # here, because reading arrays must not wait for SciPy and Pillow

    if not folder.is_dir():
        raise MissingDataError(f"{folder} is not a folder. Expected one with a folder a character, or pictures in it.")
    found = []
    files, problems = _files(folder)
    for path in files:
        *folders, _ = parts = path.relative_to(folder).parts
        name = "/".join(parts)
        if _part(folders):
            del folders[0]
        char = char_of(folders[-1], whole=True) if folders else char_of(path.stem, whole=False)
        if char is None or len(folders) > 2:
            problems.append(f"{name}: the name tells no character")
            continue
        writer = folders[0] if len(folders) == 2 else None
        try:
            found.append((images.to_mnist(images.open_image(path)), char, writer, name))
        except (ValueError, OSError) as error:
            problems.append(f"{name}: {error}")
    if problems:
        shown = "\n  ".join(problems[:10]) + (f"\n  ... and {len(problems) - 10} more" if len(problems) > 10 else "")
        raise DataError(
            f"{len(problems)} of {len(problems) + len(found)} files in {folder} cannot be used; expected pictures "
            f"named after one character, such as A/1.png or SMALL_a_1.png. Repair them or move them away:\n  {shown}"
        )
    if not found:
        raise MissingDataError(f"{folder} holds no pictures. Expected a folder a character, or files like CAP_A_0.png.")
    return dataset_of(str(folder), *zip(*found, strict=True))


def dataset_of(
    source: str,
    pictures: Sequence[np.ndarray],
    chars: Sequence[str],
    writers: Sequence[str | None],
    files: Sequence[str] | None = None,
) -> Dataset:
    """Return images of the caller's own as a data set, with the smallest class set that holds all their characters.

    Writers are given if any is known; images of unknown writers count as one more writer's.
    """
    candidates = (labels.DIGITS, labels.LETTERS, labels.ALNUM, labels.BYCLASS)
    classes = next(candidate for candidate in candidates if set(chars) <= set(candidate))
    known = [writer or UNKNOWN for writer in writers] if any(writers) else None
    return Dataset(np.stack(pictures), labels.to_labels(chars, classes), classes, source, known, files)


def char_of(name: str, *, whole: bool) -> str | None:
    """Return the character that a folder (`whole`) or a file is named after; None where there is none.

    Examples
    --------
    >>> [char_of(name, whole=True) for name in ("7", "A", "lower_a", "a_lower", "A_7")]
    ['7', 'A', 'a', 'a', None]
    >>> [char_of(name, whole=False) for name in ("SMALL_q_12", "DIGIT_0_1", "Q", "IMG_0001")]
    ['q', '0', 'Q', None]
    """
    match = _NAME.fullmatch(name)
    if match is None or (whole and match["rest"]):
        return None
    case = (match["before"] or match["after"] or "").lower()
    if (case == "digit") != match["char"].isdigit() and case:
        return None
    if case in CAPITAL:
        return match["char"].upper()
    return match["char"].lower() if case in SMALL else match["char"]


def named_parts(dataset: Dataset) -> np.ndarray | None:
    """Return the part whose folder each picture lies in; None where there are no folders ``train``, ``val``, ``test``.

    Where some pictures lie in such a folder and some outside, that is a `DataError`.
    """
    parts = [_part(name.split("/")[:-1]) for name in dataset.provenance["file"]]
    if any(parts) and not all(parts):
        raise DataError(
            f"{dataset.source} has folders called {', '.join(sorted(set(filter(None, parts))))}, and "
            f"{parts.count(None)} pictures outside of them; move these into one, or load all of it with split='all'."
        )
    return np.array(parts) if all(parts) else None


def _part(folders: Sequence[str]) -> str | None:
    return PART_FOLDERS.get(folders[0].lower()) if folders else None


def _files(folder: Path) -> tuple[list[Path], list[str]]:
    """Return every file below `folder` in the order of names, and what is wrong with what is neither file nor folder.

    Links are followed. Files of the operating system and hidden ones are ignored.
    """
    found, problems, unreadable = [], [], []
    for place, folders, files in os.walk(folder, followlinks=True, onerror=unreadable.append):
        inside = Path(place).relative_to(folder)
        folders[:] = [name for name in folders if not name.startswith(".")]
        if len(inside.parts) == DEEPEST:  # deeper means nothing, and links can lead round in circles
            problems += [f"{(inside / name).as_posix()}: a folder too deep to tell a character" for name in folders]
            folders.clear()
        files = [name for name in files if not name.startswith(".") and name.lower() not in IGNORED]
        found += [Path(place, name) for name in files if Path(place, name).is_file()]
        odd = [name for name in files if not Path(place, name).is_file()]
        problems += [f"{(inside / name).as_posix()}: a link that leads nowhere, or no file" for name in odd]
    return sorted(found), [*problems, *map(str, unreadable)]
