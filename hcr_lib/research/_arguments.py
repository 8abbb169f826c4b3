"""Values that several commands take."""

import argparse


def at_least_one(text: str) -> int:
    """Parse a whole number, at least 1: the ``type=`` of an argparse option.

    Examples
    --------
    >>> at_least_one("20")
    20
    """
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number, at least 1; got {text!r}.")
    return number
