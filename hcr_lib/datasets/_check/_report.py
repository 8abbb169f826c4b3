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
        More about each of these images, column by column: ``twin`` is the image that it copies, ``suggested``
        the label that it might deserve.
    images, twins : ndarray, optional
        Where `indices` and ``details["twin"]`` point.
    """

    code: str
    message: str
    indices: np.ndarray = field(default_factory=lambda: np.zeros(0, "int64"))
    details: Mapping[str, np.ndarray] = field(default_factory=dict)
    images: np.ndarray | None = None
    twins: np.ndarray | None = None

    def __repr__(self) -> str:
        return f"{self.code}: {self.message}"

    def examples(self, n: int = 10) -> np.ndarray:
        """Return up to `n` of the images concerned, to be looked at.

        Returns
        -------
        ndarray, shape (k, 28, 28)
            Of a finding about copies, each copy is followed by its twin. Of a finding about the set as a whole, the
            set's first images. Empty if the images have another shape.
        """
        if self.images is None:
            return np.zeros((0, 28, 28), "uint8")
        if len(self.indices) == 0:
            return self.images[:n]
        if "twin" not in self.details:
            return self.images[self.indices[:n]]
        copies = self.indices[: n // 2]
        pairs = np.stack([self.images[copies], self.twins[self.details["twin"][: len(copies)]]], axis=1)
        return pairs.reshape(-1, 28, 28)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one line for each image concerned: its index, then the details."""
        import pandas as pd  # here, because loading data must not wait for it

        return pd.DataFrame({"index": self.indices, **self.details})


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """What `check_dataset` found; prints as a list of sentences.

    Parameters
    ----------
    source : str
        What was checked.
    faults : list of Fault
        What is wrong.
    notes : list of Fault
        What is not wrong, but good to know before training.

    Examples
    --------
    >>> Report("nowhere", faults=[], notes=[Fault("imbalance", "more A than B.")])
    nowhere: no fault found, 1 note
    Good to know:
    - imbalance: more A than B.
    """

    source: str
    faults: list[Fault]
    notes: list[Fault] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """True if nothing is wrong."""
        return not self.faults

    @property
    def codes(self) -> set[str]:
        """The names of the faults."""
        return {fault.code for fault in self.faults}

    def __getitem__(self, code: str) -> Fault:
        for finding in [*self.faults, *self.notes]:
            if finding.code == code:
                return finding
        raise KeyError(code)

    def __contains__(self, code: str) -> bool:
        return any(finding.code == code for finding in [*self.faults, *self.notes])

    def __repr__(self) -> str:
        head = _counted(len(self.faults), "fault") if self.faults else "no fault found"
        if self.notes:
            head += f", {_counted(len(self.notes), 'note')}"
        lines = [f"{self.source}: {head}", *(f"- {fault}" for fault in self.faults)]
        if self.notes:
            lines += ["Good to know:", *(f"- {note}" for note in self.notes)]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return a table with one line a finding: ``kind`` (fault or note), ``code``, ``images``, ``message``."""
        import pandas as pd  # here, because loading data must not wait for it

        kinds = ["fault"] * len(self.faults) + ["note"] * len(self.notes)
        return pd.DataFrame(
            [
                (kind, finding.code, len(finding.indices), finding.message)
                for kind, finding in zip(kinds, [*self.faults, *self.notes], strict=True)
            ],
            columns=["kind", "code", "images", "message"],
        )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"
