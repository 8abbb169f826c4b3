"""Records of what is published: a file with its checksum, and a data set with all that is known about it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hcr_lib.datasets._errors import DataError


@dataclass(frozen=True)
class Published:
    """A published file."""

    file: str  #: its name in the data folder
    sha256: str
    size: int  #: in bytes
    addresses: tuple[str, ...] = ()  #: to be tried in this order; none for a member of an archive

    def fault(self, sha256: str, size: int, head: bytes) -> str | None:
        """Return what is wrong with content of this checksum, size and beginning; None if nothing is."""
        if sha256 == self.sha256:
            return None
        if b"<html" in head.lower():
            return "a web page, not the file"
        if size != self.size:
            return f"{'cut short' if size < self.size else 'too long'}, {size:,} of {self.size:,} bytes"
        return f"expected SHA-256 {self.sha256}, found {sha256}"

    def fault_in(self, content: bytes) -> str | None:
        """Return what is wrong with `content`; None if it is this file's."""
        return self.fault(hashlib.sha256(content).hexdigest(), len(content), content[:1024])

    def verified(self, path: Path, remedy: str) -> Path:
        """Return `path` if this file lies there; the `DataError` else ends in `remedy`."""
        with path.open("rb") as stream:
            head, size = stream.read(1024), path.stat().st_size
            stream.seek(0)
            found = hashlib.file_digest(stream, "sha256").hexdigest() if size == self.size else ""
        if (fault := self.fault(found, size, head)) is not None:
            raise DataError(
                f"{path} is not the published {self.file}: {fault}. Move it away or delete it, then fetch again. "
                f"{remedy}"
            )
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
    validation: Callable[[Any], Any] | None = None  #: images of the official training part -> which are ``val``
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
