"""Exercises whose answer is a function: it is called with inputs that the learner has not seen."""

from __future__ import annotations

import copy
import dis
import reprlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SHOWN = 40  #: numbers of an array that a message shows; of a larger one it gives the shape

GAP = 8  #: instructions of a function that nobody has written in, at most; it has five


@dataclass(frozen=True)
class FunctionExercise:
    """A function that the learner writes.

    Parameters
    ----------
    solution : callable
        The course's own, used until the learner's passes.
    inputs : callable
        From a `numpy.random.Generator` to the inputs: a tuple of arguments each, edge cases among them.
    hint : str
        A question or a pointer that helps without giving the answer away.
    slips : sequence of (callable, str)
        Wrong functions, each with a sentence on the misconception behind it.
    judge : callable, optional
        From (arguments, answer) to None, or to a sentence on what is wrong: for exercises with more than one right
        answer. By default the answer must equal the solution's, as numbers, texts, or sequences and dicts of them.
    within : float
        By how much numbers may differ.

    Examples
    --------
    >>> double = FunctionExercise(lambda x: 2 * x, lambda rng: [(1,), (3,)], "Twice.", [(lambda x: x + 2, "Add x.")])
    >>> double.assess(lambda x: x + x)
    >>> double.assess(lambda x: x + 2)
    'Add x.'
    >>> double.assess(lambda x: x * x)
    'Twice. For 1, expected 2, got 1.'
    """

    solution: Callable
    inputs: Callable[[np.random.Generator], Iterable[tuple]]
    hint: str
    slips: Sequence[tuple[Callable, str]] = ()
    judge: Callable[[tuple, Any], str | None] | None = None
    within: float = 1e-5

    @property
    def name(self) -> str:
        """The function's name in the lesson."""
        return self.solution.__name__

    def is_gap(self, answer: object) -> bool:
        """Return whether nothing was written yet: no function, or one that gives back None or `...`."""
        if answer is None or answer is ...:
            return True
        if not callable(answer):
            return False
        results = [_call(answer, given) for given in self._given()[:2]]
        return all(result is None or result is ... for result in results) and not _is_written(answer)

    def assess(self, answer: object) -> str | None:
        """Return None for a function that is right, otherwise what to tell the learner."""
        if not callable(answer):
            return f"{self.hint} (Expected a function, got {_short(answer)}.)"
        given = self._given()
        results = [_call(answer, arguments) for arguments in given]
        faults = [self._fault(*pair) for pair in zip(given, results, strict=True)]
        if not any(faults):
            return None
        if all(result is None for result in results):
            return "It returns None: does its last line return what you made?"
        for mistaken, sentence in self.slips:
            theirs = [_call(mistaken, arguments) for arguments in given]
            if all(_equal(one, other, self.within) for one, other in zip(results, theirs, strict=True)):
                return sentence
        if any(isinstance(result, _Changed) for result in results):
            return "It changes what it was given; work on a copy."  # whatever it returns may be right
        return f"{self.hint} {next(filter(None, faults))}"

    def _given(self) -> list[tuple]:
        return list(self.inputs(np.random.default_rng(0)))

    def _fault(self, arguments: tuple, result: Any) -> str | None:
        """Return what is wrong with one result, or None."""
        asked = f"For {_short(arguments) if len(arguments) > 1 else _short(*arguments)},"
        expected = None if self.judge else _call(self.solution, arguments)
        if isinstance(expected, _Raised) and not isinstance(result, _Raised):
            return f"{asked} expected a {type(expected.error).__name__}, got {_short(result)}."
        if isinstance(result, _Raised):
            if isinstance(expected, _Raised) and isinstance(result.error, type(expected.error)):
                return None
            kind = type(result.error)
            name = kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
            return f"{asked} it raised {name}: {result.error}"
        if isinstance(result, _Changed):
            return "it changes what it was given."
        if self.judge is not None:
            verdict = self.judge(arguments, result)
            return None if verdict is None else f"{asked} {verdict}"
        if _equal(result, expected, self.within):
            return None
        return f"{asked} expected {_short(expected)}, got {_short(result)}."


@dataclass(frozen=True)
class _Raised:
    """What a call ended with, in place of a result."""

    error: Exception


@dataclass(frozen=True)
class _Changed:
    """In place of the result of a function that changed its arguments."""


def _is_written(function: Callable) -> bool:
    """Return whether a function does more than ``result = None`` and ``return result``."""
    code = getattr(function, "__code__", None)
    return code is not None and len(list(dis.get_instructions(code))) > GAP


def _call(function: Callable, arguments: tuple) -> Any:
    """Return what a function makes of copies of these arguments."""
    handed = copy.deepcopy(arguments)
    try:
        result = function(*handed)
    except Exception as error:  # whatever a learner's function may raise is to be shown
        return _Raised(error)
    unchanged = [
        _equal(after, before, 0)
        for after, before in zip(handed, arguments, strict=True)
        if isinstance(before, np.ndarray | list | dict)
    ]
    return result if all(unchanged) else _Changed()


def _equal(one: Any, other: Any, within: float) -> bool:
    """Return whether two answers are the same, whatever kind of sequence holds them."""
    numbers, others = _numbers(one), _numbers(other)
    if numbers is not None and others is not None:
        return numbers.shape == others.shape and np.allclose(numbers, others, atol=within, equal_nan=True)
    if isinstance(one, _Raised) and isinstance(other, _Raised):
        return type(one.error) is type(other.error)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key], within) for key in one)
    sequence = list | tuple | np.ndarray
    if isinstance(one, sequence) and isinstance(other, sequence):
        return len(one) == len(other) and all(map(_equal, one, other, [within] * len(one)))
    return not isinstance(one, np.ndarray) and not isinstance(other, np.ndarray) and bool(one == other)


def _numbers(value: Any) -> np.ndarray | None:
    """Return the array of numbers that a value is or holds, or None."""
    try:
        array = np.asarray(value)
    except ValueError:  # a list of lists of different lengths
        return None
    return array.astype(float) if array.dtype.kind in "biuf" else None


def _short(value: Any) -> str:
    """Describe a value in a sentence."""
    if isinstance(value, np.ndarray) and value.size > SHOWN:
        return f"an array of shape {value.shape} and type {value.dtype}"
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, np.random.Generator):
        return "a generator"
    if callable(value):
        return f"the function {getattr(value, '__name__', type(value).__name__)}"
    if isinstance(value, bytes):
        return f"the {len(value)} bytes {value[:8].hex(' ')}{' ...' if len(value) > 8 else ''}"
    if isinstance(value, dict) and len(value) <= SHOWN:
        return "{" + ", ".join(f"{_short(key)}: {_short(one)}" for key, one in value.items()) + "}"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple) and len(value) <= SHOWN:
        inside = ", ".join(map(_short, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    return reprlib.repr(value)
