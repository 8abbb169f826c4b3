"""Characters one after the other: words on a line."""

from __future__ import annotations

import numpy as np

from hcr_lib.handwriting._characters import Strokes, write_char
from hcr_lib.handwriting._style import Style


def write(text: str, style: Style, rng: np.random.Generator) -> Strokes:
    """Write words on one line, printed, with gaps between the characters.

    Parameters
    ----------
    text : str
        Digits, letters and spaces.
    style : Style
        Who writes.
    rng : numpy.random.Generator
        Source of what differs from copy to copy.

    Returns
    -------
    list of ndarray of float64, each of shape (n, 2)
        x to the right, y DOWN: the baseline starts at (0, 0), capitals are about 100 high.

    Examples
    --------
    >>> strokes = write("No 7", Style(), np.random.default_rng(0))
    >>> bool(strokes[0][:, 0].mean() < strokes[-1][:, 0].mean())
    True
    """
    written, cursor = [], 0.0
    for char in text:
        if char == " ":
            cursor += style.width * rng.uniform(30, 45)
            continue
        strokes = write_char(char, style, rng)
        # Gaps are judged as if the writing stood upright, or leaning letters would drift apart.
        across = np.concatenate([stroke @ [1, style.slant] for stroke in strokes])
        left, right = across.min(), across.max()
        offset = np.array([cursor - left, cursor * style.drift + rng.normal(0, style.sloppiness)])
        written += [stroke + offset for stroke in strokes]
        cursor += right - left + style.pen + style.spacing * np.exp(rng.normal(0, 0.2))
    return written
