"""A learner's guesses, and what came out: ``guess("03.c", my_guess)``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_GUESSES: dict[str, Any] = {}
_OUTCOMES: dict[str, tuple[str, Any]] = {}


def guess(name: str, value: Any) -> None:
    """Note a guess before the cell that answers it is run; None stands for "no guess".

    Parameters
    ----------
    name : str
        The lesson and a letter, such as ``"03.c"``.
    value : number, str or None
    """
    if value is None:
        _GUESSES.pop(name, None)
        print(f"{name}: no guess yet.")
    else:
        _GUESSES[name] = value
        print(f"{name}: noted.")


def came_out(name: str, value: Any, what: str) -> None:
    """Note what a guess was about, and what came out.

    Parameters
    ----------
    name : str
        As for `guess`.
    value : number or str
    what : str
        The question in a few words, such as "digits read right of 100".
    """
    _OUTCOMES[name] = (what, value)


def guesses(lesson: str) -> pd.DataFrame:
    """Return a lesson's guesses beside what came out.

    Parameters
    ----------
    lesson : str
        Its number, such as ``"03"``.

    Returns
    -------
    pandas.DataFrame
        A row for each outcome noted so far; a dash where there was no guess.
    """
    import pandas as pd

    rows = [(what, _GUESSES.get(name, "–"), value) for name, (what, value) in _OUTCOMES.items() if name[:2] == lesson]
    columns = ["question", "your guess", "what came out"]
    return pd.DataFrame(rows, columns=columns, dtype=object)  # each as it was given: 90 beside 0.03 is not 90.00
