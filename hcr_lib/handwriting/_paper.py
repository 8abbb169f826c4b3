"""A photographed form with a box for each character, and the ground truth of its writing."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter

from hcr_lib import pen
from hcr_lib.handwriting._characters import CAP_HEIGHT, press
from hcr_lib.handwriting._lines import Writing, write_line
from hcr_lib.handwriting._style import Style

_RULE = 0.75  # half the width of the printed strokes
_RULE_DARKNESS, _INK_DARKNESS = 0.35, 0.8  # from 0 (invisible) to 1 (black)
_SHADOW = 0.25  # unevenness of the light: the darkest corner gets about a quarter less
_GRAIN = 0.012  # noise of paper and camera, as a share of white
_TILT = 0.01  # standard deviation of the form's rotation, in radians


@dataclass(frozen=True, eq=False)
class Paper:
    """A blank form, from `form_boxes`."""

    shape: tuple[int, int]  #: (height, width) of the picture, in pixels
    size: float  #: height of a box
    rules: list[np.ndarray]  #: printed on it, as strokes: float64 of shape (n, 2)
    cells: list[tuple[float, float, float, float]]  #: (x0, y0, x1, y1) of the boxes, from left to right


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
        x0, y0, x1, y1 of each character's ink, for the pen's mean width; NaN for blanks.
    """

    picture: np.ndarray
    writing: Writing
    boxes: np.ndarray


def form_boxes(number: int, size: float = 80.0) -> Paper:
    """Return a form with a row of boxes of this height, in pixels, one for each character.

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
    rules = [np.array([[lefts[0], y], [lefts[-1], y]]) for y in (top, bottom)]
    rules += [np.array([[x, top], [x, bottom]]) for x in lefts]
    cells = [(float(x), top, float(x + wide), bottom) for x in lefts[:-1]]
    return Paper((round(size + 2 * margin), round(lefts[-1] + margin)), size, rules, cells)


def on_paper(text: str, paper: Paper, style: Style, rng: np.random.Generator) -> Photograph:
    """Fill in a form and photograph it.

    Parameters
    ----------
    text : str
        Digits, letters and blanks; a blank leaves a box empty.
    paper : Paper
    style : Style
    rng : numpy.random.Generator
        Source of the variation from copy to copy: writing, light, noise.

    Returns
    -------
    Photograph

    Raises
    ------
    ValueError
        If there are too few boxes, or a character cannot be written.

    Examples
    --------
    >>> photograph = on_paper("70173", form_boxes(5), Style(), np.random.default_rng(0))
    >>> photograph.picture.dtype, photograph.boxes.shape
    (dtype('uint8'), (5, 4))
    """
    writing, scale = _in_boxes(text, paper, style, rng)
    angle = rng.normal(0, _TILT)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    middle = np.array(paper.shape[::-1]) / 2
    offset = middle - middle @ turn
    writing = writing.moved(offset, turn)
    widths = [scale * each for each in press([stroke / scale for stroke in writing.strokes], style, rng)]
    ink = _INK_DARKNESS * pen.render_page(writing.strokes, paper.shape, widths)
    printed = pen.render_page([rule @ turn + offset for rule in paper.rules], paper.shape, _RULE)
    seen = gaussian_filter((1 - ink) * (1 - _RULE_DARKNESS * printed), 0.6) * _light(paper, rng)
    seen += _GRAIN * (rng.normal(size=paper.shape) + gaussian_filter(rng.normal(size=paper.shape), 1.5) * 3)
    picture = np.clip(255 * seen, 0, 255).round().astype("uint8")
    return Photograph(picture, writing, writing.boxes(margin=scale * style.pen))


def _in_boxes(text: str, paper: Paper, style: Style, rng: np.random.Generator) -> tuple[Writing, float]:
    """Write each character into its box, not quite in the middle; return the writing and its scale."""
    if len(text) > len(paper.cells):
        raise ValueError(f"{len(text)} characters do not fit into {len(paper.cells)} boxes: {text!r}.")
    scale = 0.65 * paper.size / CAP_HEIGHT
    whole = Writing(text, [], [])
    for place, (char, (x0, _, x1, y1)) in enumerate(zip(text, paper.cells, strict=False)):
        if char == " ":
            continue
        letter = write_line(char, style, rng)
        left, _, right, _ = pen.bounds(letter.strokes)
        across = scale * min(1, 0.8 * (x1 - x0) / scale / (right - left + 2 * style.pen))  # a W is squeezed in
        low = y1 - 0.18 * paper.size
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
    return brightest * (1 - _SHADOW * (0.7 * aside + 0.15 * (x**2 + y**2)))
