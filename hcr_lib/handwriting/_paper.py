"""Photographed paper: plain, ruled, or a form with a box for each character, with the ground truth of its writing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from scipy.ndimage import gaussian_filter

from hcr_lib import pen
from hcr_lib.handwriting._characters import CAP_HEIGHT, press
from hcr_lib.handwriting._lines import LINE_HEIGHT, Writing, write_line, write_page
from hcr_lib.handwriting._style import Style

Box = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass(frozen=True, eq=False)
class Paper:
    """A blank sheet, and how it is photographed; all lengths are in pixels.

    Build one with `sheet` or `form_boxes`, and change it with ``dataclasses.replace``.

    Attributes
    ----------
    shape : tuple of int
        (height, width) of the picture.
    line_height : float
        From one baseline to the next.
    rules : list of ndarray of float64, each of shape (n, 2)
        Printed on it, as strokes.
    cells : list of tuple of float
        (x0, y0, x1, y1) of the boxes of a form, in reading order; empty for a sheet.
    rule_width : float
        Width of the printed strokes.
    rule_darkness : float
        Of the printed strokes, from 0 (invisible) to 1 (black).
    ink_darkness : float
        Of the pen, likewise.
    shadow : float
        Unevenness of the light; 0.3 leaves the darkest corner about a third less.
    grain : float
        Noise of paper and camera, as a share of white.
    tilt : float
        Standard deviation of the sheet's rotation, in radians.
    """

    shape: tuple[int, int]
    line_height: float
    rules: list[np.ndarray] = field(default_factory=list)
    cells: list[Box] = field(default_factory=list)
    rule_width: float = 1.5
    rule_darkness: float = 0.35
    ink_darkness: float = 0.8
    shadow: float = 0.25
    grain: float = 0.012
    tilt: float = 0.01


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture of writing, and its ground truth.

    Attributes
    ----------
    picture : ndarray of uint8, shape (height, width)
        Dark ink on light paper.
    writing : Writing
        Text and pen strokes, in pixels of the picture.
    boxes : ndarray of float64, shape (len(writing.text), 4)
        x0, y0, x1, y1 of each character's ink, for the pen's mean width; NaN for blanks and line breaks.
    """

    picture: np.ndarray
    writing: Writing
    boxes: np.ndarray


def sheet(shape: tuple[int, int], line_height: float = 90.0, *, ruled: bool = False) -> Paper:
    """Return a blank sheet, or one with a ruled line every `line_height` pixels.

    Examples
    --------
    >>> [float(rule[0, 1]) for rule in sheet((200, 400), line_height=80, ruled=True).rules]
    [80.0, 160.0]
    """
    height, width = shape
    if not (min(shape) > 0 and 0 < line_height <= height):
        raise ValueError(
            f"a sheet needs a height and a width, and room for a line at least; got a shape of {tuple(shape)} and "
            f"lines of {line_height} pixels."
        )
    heights = np.arange(line_height, height, line_height) if ruled else []
    # Beyond both sides, or a tilted sheet would show where the lines end.
    rules = [np.array([[-width, y], [2 * width, y]], dtype="float64") for y in heights]
    return Paper((height, width), line_height, rules)


def form_boxes(number: int, size: float = 80.0, *, comb: bool = False) -> Paper:
    """Return a form with a row of boxes, one for each character.

    Parameters
    ----------
    number : int
        Of boxes.
    size : float
        Their height; they are a little narrower.
    comb : bool
        Separate them by short teeth on a baseline instead of by full boxes.

    Examples
    --------
    >>> len(form_boxes(5).cells)
    5
    """
    if number < 1 or not size > 0:
        raise ValueError(f"a form needs a box at least, of more than 0 pixels; got {number} of {size}.")
    wide, margin = 0.85 * size, 0.6 * size
    lefts = margin + wide * np.arange(number + 1)
    top, bottom = margin, margin + size
    teeth = [np.array([[x, top + (0.65 * size if comb else 0)], [x, bottom]]) for x in lefts]
    along = [np.array([[lefts[0], y], [lefts[-1], y]]) for y in ([bottom] if comb else [top, bottom])]
    return Paper(
        (round(size + 2 * margin), round(lefts[-1] + margin)),
        size,
        along + teeth,
        [(float(x), top, float(x + wide), bottom) for x in lefts[:-1]],
    )


def on_paper(text: str, paper: Paper, style: Style, rng: np.random.Generator) -> Photograph:
    """Write on a sheet of paper and photograph it.

    Parameters
    ----------
    text : str
        Digits, letters and blanks, and on a sheet line breaks. A blank leaves a box of a form empty.
    paper : Paper
        What to write on.
    style : Style
        Who writes.
    rng : numpy.random.Generator
        Source of the variation from copy to copy: writing, light, noise.

    Returns
    -------
    Photograph

    Raises
    ------
    ValueError
        If the text does not fit on the paper, or holds a character that cannot be written.

    Examples
    --------
    >>> photograph = on_paper("70173", form_boxes(5), Style(), np.random.default_rng(0))
    >>> photograph.picture.dtype, photograph.boxes.shape
    (dtype('uint8'), (5, 4))
    """
    writing, scale = (_in_boxes if paper.cells else _on_lines)(text, paper, style, rng)
    height, width = paper.shape
    angle = rng.normal(0, paper.tilt)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    middle = np.array([width / 2, height / 2])
    offset = middle - middle @ turn
    writing = writing.moved(offset, turn)
    boxes = writing.boxes(margin=scale * style.pen)
    if np.nanmin(boxes, initial=0) < 0 or (np.nanmax(boxes[:, 2:], axis=0, initial=0) > [width, height]).any():
        raise ValueError(
            f"the text does not fit on paper of {width} x {height} pixels with {paper.line_height:.0f} pixels a line: "
            f"{text!r}. Make the paper larger or the lines lower."
        )
    widths = [scale * each for each in press([stroke / scale for stroke in writing.strokes], style, rng)]
    ink = paper.ink_darkness * pen.render_page(writing.strokes, paper.shape, widths)
    printed = pen.render_page([rule @ turn + offset for rule in paper.rules], paper.shape, paper.rule_width / 2)
    seen = gaussian_filter((1 - ink) * (1 - paper.rule_darkness * printed), 0.6) * _light(paper, rng)
    seen += paper.grain * (rng.normal(size=paper.shape) + gaussian_filter(rng.normal(size=paper.shape), 1.5) * 3)
    picture = np.clip(255 * seen, 0, 255).round().astype("uint8")
    return Photograph(picture, writing, boxes)


def _on_lines(text: str, paper: Paper, style: Style, rng: np.random.Generator) -> tuple[Writing, float]:
    """Write line by line, along the rules if there are any; return the writing and its scale."""
    scale, margin = paper.line_height / LINE_HEIGHT, 0.35 * paper.line_height
    steady = replace(style, drift=0.2 * style.drift) if paper.rules else style
    writing = write_page(text, steady, rng, (paper.shape[1] - 2 * margin) / scale)
    return writing.moved([margin, paper.line_height], scale * np.eye(2)), scale


def _in_boxes(text: str, paper: Paper, style: Style, rng: np.random.Generator) -> tuple[Writing, float]:
    """Write each character into its box, not quite in the middle; return the writing and its scale."""
    if len(text) > len(paper.cells):
        raise ValueError(f"{len(text)} characters do not fit into {len(paper.cells)} boxes: {text!r}.")
    scale = 0.65 * paper.line_height / CAP_HEIGHT
    whole = Writing(text, [], [])
    for place, (char, (x0, _, x1, y1)) in enumerate(zip(text, paper.cells, strict=False)):
        if char == " ":
            continue
        letter = write_line(char, style, rng)
        left, _, right, _ = pen.bounds(letter.strokes)
        across = scale * min(1, 0.8 * (x1 - x0) / scale / (right - left + 2 * style.pen))  # a W is squeezed in
        low = y1 - 0.18 * paper.line_height
        middle = np.array([(x0 + x1) / 2 - across * (left + right) / 2, low]) + scale * rng.normal(0, 2.5, 2)
        letter = letter.moved(middle, np.diag([across, scale]))
        whole.strokes.extend(letter.strokes)
        whole.owners.extend(owners + place for owners in letter.owners)
    return whole, scale


def _light(paper: Paper, rng: np.random.Generator) -> np.ndarray:
    """Return the light on each pixel, at most 1: it comes from one side and fades towards the edges."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size) for size in paper.shape), indexing="ij")
    angle, brightest = rng.uniform(0, 2 * np.pi), rng.uniform(0.85, 0.97)
    aside = (1 + (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)) / 2
    return brightest * (1 - paper.shadow * (0.7 * aside + 0.15 * (x**2 + y**2)))
