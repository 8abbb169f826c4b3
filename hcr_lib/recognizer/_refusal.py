"""Ink that is no writing, and is refused."""

from __future__ import annotations

import math

import numpy as np
from scipy import ndimage

from hcr_lib import images, labels
from hcr_lib.recognizer._plan import Plan
from hcr_lib.recognizer._reading import Character, Reading

#: What is no writing: see `is_drawing`. All were chosen on 80 pages each of the page benchmark's seeds 0 and 1, so
#: that none of the 160 pages of writing there, nor of 160 pictures each of three development sets, was refused. On
#: seeds 11 and 12 91.5 % of 200 pictures without writing were, no page of 200, and 0.5 % of 600 of those sets.
LONGEST_PATH = 5.0  #: few characters, each drawn with a longer path than so many sides of its box
HOLES = 2  #: more white than this is enclosed by a character: a B or an 8 has two holes
SMALLEST = 6  #: pixels: what is nowhere as tall is a rest of a rule, or a speck
WIDEST_ALONE = 2.2  #: heights: a lone character is no wider
UNSURE = 0.5  #: few characters, of which the reader is less sure on the average
FEW = 12
ZIGZAG = "MNUVWmnuvw"  #: three or more of these and no others, without lifting the pen, are a zigzag


def is_drawing(reading: Reading, plan: Plan) -> bool:
    """Return whether a reading was made of ink that is no writing.

    It encloses more white, or for each character more was drawn than people need to write one: the length of the pen's
    path, which is the ink's area divided by the pen's width, in sides of the characters' boxes. Or it is too small, a
    single character too wide, a zigzag, or the reader has no idea what it is. `hcr_lib.research.page_benchmark` counts
    how many drawings that refuses, and how much writing.
    """
    number = len(reading.characters)
    if not number:
        return True
    components = plan.lines or [candidate.component for word in plan.words for candidate in word.candidates[:1]]
    if max(component.height for component in components) < SMALLEST:
        return True
    areas = [component.ink >= images.THRESHOLD for component in components]
    widths = [max(0.5, images.stroke_width(area)) for area in areas]
    counts = [len("".join(line.split())) for line in reading.text.split("\n")]
    holes = [_holes(area, width) for area, width in zip(areas, widths, strict=True)]
    if len(holes) != len(counts):  # all lines are one character
        holes, counts = [sum(holes)], [number]
    if any(each > HOLES * count for each, count in zip(holes, counts, strict=True)):
        return True
    if number > FEW:
        return False
    path = sum(area.sum() / width for area, width in zip(areas, widths, strict=True))
    size = math.sqrt(abs(np.linalg.det(plan.place[:2, :2])))  # pixels of the picture for each of the ink
    sides = [max(x1 - x0, y1 - y0) for x0, y0, x1, y1 in (each.box for each in reading.characters)]
    first, *others = components
    too_wide = number == 1 and not others and reading.text.isalnum() and first.width > WIDEST_ALONE * first.height
    zigzag = number > 2 and {*reading.text} <= {*ZIGZAG} and ndimage.label(areas[0], np.ones((3, 3)))[1] == 1
    unsure = np.mean([_sureness(each) for each in reading.characters]) < UNSURE
    return bool(path > LONGEST_PATH * max(1.0, float(np.median(sides)) / size) * number or too_wide or zigzag or unsure)


def _holes(area: np.ndarray, pen: float) -> int:
    """Return how many patches of paper ink encloses, those smaller than the pen's cross-section left out."""
    numbered, _ = ndimage.label(~np.pad(area, 1))  # 1 is what lies around it
    return int((np.bincount(numbered.ravel())[2:] >= pen**2).sum())


def _sureness(character: Character) -> float:
    """Return how sure a reader is of a character's shape: an O may also be a 0."""
    chars, shares = zip((character.char, character.confidence), *character.alternatives, strict=True)
    return float(labels.same_shape("".join(chars))[0] @ np.array(shares))


def no_writing() -> images.NoWritingError:
    return images.NoWritingError(
        "no writing found in the picture, though there is ink; expected letters or digits. Crop it to the writing, or "
        "say that it is a single character or word (mode 'char' or 'word')."
    )
