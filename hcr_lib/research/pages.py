"""Pages of synthetic writing: text on as many lines as it needs."""

import re

import numpy as np

from hcr_lib.handwriting import CAP_HEIGHT, Style, Writing, write_line

LINE_HEIGHT = 1.8 * CAP_HEIGHT  #: distance from one line of a page to the next


def write_page(text: str, style: Style, rng: np.random.Generator, width: float) -> Writing:
    """Write text on as many lines as it needs, `LINE_HEIGHT` apart.

    Parameters
    ----------
    text : str
        Digits, letters and blanks; a line break begins a new line.
    style, rng
        As for `write_line`. Lines start further in, or further out, as the page goes on.
    width : float
        A word that would end beyond this goes to the next line; one that is longer than a line has it to itself.

    Returns
    -------
    Writing
        The first baseline starts at about (0, 0). In its text, breaks are where the lines end.

    Raises
    ------
    ValueError
        If a character of `text` is none that can be written, or there is no width.

    Examples
    --------
    >>> page = write_page("THE QUICK BROWN FOX", Style(), np.random.default_rng(0), width=1000)
    >>> page.text.splitlines()
    ['THE QUICK', 'BROWN FOX']
    """
    if not width > 0:
        raise ValueError(f"a page needs a width above 0; got {width}.")
    flat = write_line(text.replace("\n", " "), style, rng)
    boxes, places = flat.boxes(), np.zeros((len(text), 2))  # how far each character goes, from its place on one line
    slip = rng.normal(0, 4)  # of the left margin, from line to line
    broken, line, margin, end = list(text), 0, 0.0, 0
    for word in re.finditer(r"[^ \n]+", text):
        left, right = boxes[word.start() : word.end(), 0].min(), boxes[word.start() : word.end(), 2].max()
        breaks = text.count("\n", end, word.start())
        if not breaks and end and right - margin > width:
            broken[word.start() - 1], breaks = "\n", 1
        if breaks or not end:
            line, margin = line + breaks, left
            start = np.array([slip * line + rng.normal(0, 3), LINE_HEIGHT * line]) - [margin, margin * style.drift]
        end = word.end()
        places[word.start() : end] = start
    strokes = [stroke + places[owners.max()] for stroke, owners in zip(flat.strokes, flat.owners, strict=True)]
    return Writing("".join(broken), strokes, flat.owners)
