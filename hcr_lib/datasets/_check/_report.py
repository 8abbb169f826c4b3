"""What a check found: single findings, and the report that lists them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, eq=False, repr=False)
class Fault:
    """One finding: something that is wrong or, as a note, something to know before training.

    Parameters
    ----------
    code : str
        Its name, for programs, such as ``"transposed"``.
    message : str
        What was expected, what was found, what to do; for people.
    indices : ndarray of int64
        The images concerned, the worst first where there is an order; empty where it is the set as a whole.
    details : mapping of str to ndarray
        More about each of these images, column by column: ``duplicate_of`` is the image that it copies, ``suggested``
        the label that it might deserve.
    note : bool
        True if nothing is wrong, but it is good to know before training.
    images, originals : ndarray, optional
        Where `indices` and ``details["duplicate_of"]`` point.
    """

    code: str
    message: str
    indices: np.ndarray = field(default_factory=lambda: np.zeros(0, "int64"))
    details: Mapping[str, np.ndarray] = field(default_factory=dict)
    note: bool = False
    images: np.ndarray | None = None
    originals: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"{self.code}: {self.message}"

    def examples(self, n: int = 10) -> np.ndarray:
        """Return up to `n` of the images concerned, shape (k, 28, 28), to be looked at.

        Of a finding about copies, each copy is followed by its original. Of a finding about the set as a whole, these
        are the set's first images. Empty if the images have another shape.
        """
        if self.images is None:
            return np.zeros((0, 28, 28), "uint8")
        if len(self.indices) == 0:
            return self.images[:n]
        if self.originals is None:
            return self.images[self.indices[:n]]
        copies = self.images[self.indices[: n // 2]]
        originals = self.originals[self.details["duplicate_of"][: n // 2]]
        return np.stack([copies, originals], axis=1).reshape(-1, 28, 28)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row for each image concerned: its index, then the details."""
        import pandas as pd  # here, because loading data must not wait for it

        return pd.DataFrame({"index": self.indices, **self.details})


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What `check_dataset` found in `source`; prints as a list of sentences.

    Examples
    --------
    >>> Report("nowhere", [Fault("imbalance", "more A than B.", note=True)])
    nowhere: no fault found, 1 note
    Good to know:
    - imbalance: more A than B.
    """

    source: str
    findings: list[Fault]

    @property
    def faults(self) -> list[Fault]:
        """What is wrong."""
        return [finding for finding in self.findings if not finding.note]

    @property
    def notes(self) -> list[Fault]:
        """What is not wrong, but good to know before training."""
        return [finding for finding in self.findings if finding.note]

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.faults

    @property
    def codes(self) -> set[str]:
        """The names of the faults."""
        return {fault.code for fault in self.faults}

    def __getitem__(self, code: str) -> Fault:
        return {finding.code: finding for finding in reversed([*self.faults, *self.notes])}[code]

    def __contains__(self, code: str) -> bool:
        return any(finding.code == code for finding in self.findings)

    def __repr__(self) -> str:
        faults, notes = self.faults, self.notes
        head = f"{len(faults)} fault{'s' * (len(faults) != 1)}" if faults else "no fault found"
        head += f", {len(notes)} note{'s' * (len(notes) != 1)}" if notes else ""
        known = ["Good to know:", *(f"- {note}" for note in notes)] if notes else []
        return "\n".join([f"{self.source}: {head}", *(f"- {fault}" for fault in faults), *known])

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one row a finding: ``kind`` (fault or note), ``code``, ``images``, ``message``."""
        import pandas as pd  # here, because loading data must not wait for it

        rows = [
            ("note" if finding.note else "fault", finding.code, len(finding.indices), finding.message)
            for finding in [*self.faults, *self.notes]
        ]
        return pd.DataFrame(rows, columns=["kind", "code", "images", "message"])
