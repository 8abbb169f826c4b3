"""Exercises, and the conditions that an answer can be checked against."""

import math
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from numbers import Real

Answer = float | str


@dataclass(frozen=True)
class Exercise:
    """One checked question of a notebook.

    Parameters
    ----------
    passes : callable
        From the answer to whether it is right: `number`, `between`, `word`, or a function of your own.
    hint : str
        A question or a pointer that helps without giving the answer away.
    slips : mapping of answer to str
        Likely wrong answers, each with a sentence on the misconception behind it.
    """

    passes: Callable[[Answer], bool]
    hint: str
    slips: Mapping[Answer, str] = field(default_factory=dict)

    def assess(self, answer: Answer) -> str | None:
        """Return None for a right answer, otherwise what to tell the learner."""
        try:
            if self.passes(answer):
                return None
        except _WrongKindError as error:
            return f"{self.hint} ({error})"
        except (TypeError, ValueError):  # a list, an array
            return f"{self.hint} (Expected another kind of answer than a {type(answer).__name__}.)"
        return next((text for slip, text in self.slips.items() if _same(slip, answer)), self.hint)


def number(value: float, within: float = 1e-6) -> Callable[[Answer], bool]:
    """Accept numbers no further than `within` from `value`, NumPy's scalars among them.

    Examples
    --------
    >>> number(0.97, within=0.005)(0.974), number(4)(5)
    (True, False)
    """
    return between(value - within, value + within)


def between(low: float, high: float) -> Callable[[Answer], bool]:
    """Accept numbers from `low` to `high`, for predictions that need not be exact."""
    return lambda answer: bool(low <= _of_kind(Real, answer) <= high)  # a float may be too small for a whole number


def word(*accepted: str) -> Callable[[Answer], bool]:
    """Accept any of these words; case and surrounding blanks make no difference.

    Where case is the point (is it an ``"o"`` or an ``"O"``?), compare in a function of your own.

    Examples
    --------
    >>> word("transposed", "sideways")(" Transposed ")
    True
    """
    return lambda answer: any(_same(one, _of_kind(str, answer)) for one in accepted)


class _WrongKindError(TypeError):
    """A word where a number was asked for, or the other way round."""


def _of_kind(kind: type, answer: Answer) -> Answer:
    if isinstance(answer, kind) and not isinstance(answer, bool):
        return answer
    wanted = "a word in quotes" if kind is str else "a number"
    raise _WrongKindError(f"Expected {wanted}, got {reprlib.repr(answer)}, which is of type {type(answer).__name__}.")


def _same(slip: Answer, answer: Answer) -> bool:
    """Return whether two words are equal but for case, or two numbers but for rounding."""
    if isinstance(slip, str) and isinstance(answer, str):
        return slip.strip().casefold() == answer.strip().casefold()
    try:
        return math.isclose(_of_kind(Real, slip), _of_kind(Real, answer), rel_tol=1e-3, abs_tol=1e-9)
    except (TypeError, OverflowError):  # of different kinds, or a whole number too large for a float
        return False
