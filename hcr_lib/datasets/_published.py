"""Records of what is published: a file with its checksum, and a data set with all that is known about it."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from hcr_lib.datasets._errors import DataError


@dataclass(frozen=True)
class Published:
    """A published file."""

    file: str  #: its name in the data folder
    sha256: str
    size: int  #: in bytes
    addresses: tuple[str, ...] = ()  #: to be tried in this order; none for a member of an archive

    def verify(self, file: BinaryIO, where: Path | str, remedy: str) -> None:
        """Refuse what is not this file; the `DataError` calls it `where`, and ends in `remedy`."""
        found = hashlib.file_digest(file, "sha256").hexdigest()
        if found == self.sha256:
            return
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        fault = f"expected SHA-256 {self.sha256}, found {found}"
        if b"<html" in file.read(1024).lower():
            fault = "a web page, not the file"
        elif size != self.size:
            fault = f"{'cut short' if size < self.size else 'too long'}, {size:,} of {self.size:,} bytes"
        raise DataError(f"{where} is not the published {self.file}: {fault}. {remedy}")

    def verified(self, path: Path, remedy: str) -> Path:
        """Return `path` if this file lies there; see `verify`."""
        with path.open("rb") as file:
            self.verify(file, path, remedy)
        return path


@dataclass(frozen=True)
class Source:
    """A data set that `load` knows by name; a new one is one more entry in `_sources.SOURCES`."""

    name: str  #: what `load` and `fetch` call it
    title: str  #: what a `Dataset` and its origins call it
    classes: str  #: its characters, in label order
    read: Callable[["Source", Path, str], Any]  #: ``read(source, folder, split)`` returns the `Dataset`
    remedy: str = ""  #: how to get what `fetch` does not get; ``{folder}`` stands for the data folder
    first_label: int = 0  #: the label of the first character
    transposed: bool = False  #: whether rows and columns are swapped in the files
    last: int = 0  #: how many training images, the last, are ``val``; 0 for a tenth, chosen by content
    file: Published | None = None  #: the file it is published in
    file_names: tuple[str, ...] = ()  #: names under which that may lie in the data folder, the best first
    #: By half and kind, such as ``"train images"``: idx files, known by the SHA-256 of the packed file where the name
    #: ends in ``.gz``, else of the unpacked content.
    members: dict[str, Published] = field(default_factory=dict)

    def how_to_get(self, folder: Path) -> str:
        """Return the sentences that tell how to get this data set, with and without `fetch`."""
        if self.file is None:
            return self.remedy.format(folder=folder)
        return (
            f"Get it with hcr_lib.datasets.fetch({self.name!r}). By hand: download one of "
            f"{' , '.join(self.file.addresses)} and save it as {folder / self.file.file} ({self.file.size:,} bytes, "
            f"SHA-256 {self.file.sha256})."
        )
