"""From a picture to flat paper: the sheet on the desk, the way up, and rules and boxes that are no writing.

What is found here is found by geometry: long straight edges, long thin lines, rows of ink. Only which way is up is a
reader's to say, whose opinion is handed in as a function.

    to_gray -> find_sheet -> flatten -> remove_rules -> without_print -> turn_upright
"""

from __future__ import annotations

import numpy as np

from hcr_lib import images, segment
from hcr_lib.images import THRESHOLD
from hcr_lib.page._crossed_out import is_crossed_out
from hcr_lib.page._print import without_print
from hcr_lib.page._rules import remove_rules
from hcr_lib.page._sheet import SMALLEST_PAGE, find_sheet, flattened
from hcr_lib.page._upright import Score, turn_upright

__all__ = ["find_sheet", "is_crossed_out", "on_picture", "prepare", "remove_rules", "without_print"]

#: Only pictures like those of a camera are looked at for a sheet on a desk: so many pixels high at least, and at most
#: so many times as long as high. In a crop of one line, letters can look like the edges of a sheet.
SMALLEST_PHOTOGRAPH, LONGEST_PHOTOGRAPH = 300, 2.2


def prepare(gray: np.ndarray, score: Score | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Turn a picture into the ink of a flat page, the right way up, without rules.

    Parameters
    ----------
    gray : ndarray of float32, shape (height, width)
        As `hcr_lib.images.to_gray` returns it.
    score : callable, optional
        Takes the ink of a line, returns how sure a reader is of it, the more the higher. Without it, pages are not
        turned, other than by a few degrees.

    Returns
    -------
    ink : ndarray of float32, shape (height, width)
        Of the page, which may have another shape than the picture.
    place : ndarray of float64, shape (3, 3)
        Where the page is in the picture, in homogeneous coordinates: see `on_picture`.

    Raises
    ------
    hcr_lib.images.BlankImageError
        If there is no ink but rules.
    """
    place = np.eye(3)
    short, long = sorted(gray.shape)
    photograph = short >= SMALLEST_PHOTOGRAPH and long <= LONGEST_PHOTOGRAPH * short
    corners = find_sheet(gray) if photograph else None
    if corners is not None:
        try:
            flat, place = flattened(gray, corners)
            ink = images.flatten(flat)
        except images.BlankImageError:  # nothing is on the sheet; it may be a label beside the writing
            corners, place = None, np.eye(3)
    if corners is None:
        ink = images.flatten(gray)
    if max(ink.shape) < SMALLEST_PAGE:
        return ink, place
    ink = without_print(remove_rules(ink))
    if not (ink >= THRESHOLD).any():
        raise images.BlankImageError(
            f"nothing but rules was found in a picture of {gray.shape[1]} x {gray.shape[0]} pixels; expected writing "
            "that stands out from its paper. Draw or photograph it with more contrast."
        )
    ink, turn = turn_upright(ink, score)
    return ink, place @ turn


def on_picture(place: np.ndarray, box: segment.Box) -> segment.Box:
    """Return the smallest box in the picture around a box on the page, given where the page is.

    Examples
    --------
    >>> on_picture(np.diag([2.0, 2.0, 1.0]), (1, 2, 3, 4))
    (2, 4, 6, 8)
    """
    x0, y0, x1, y1 = box
    x, y, size = place @ np.array([[x0, x1, x1, x0], [y0, y0, y1, y1], [1, 1, 1, 1]], float)
    x, y = x / size, y / size
    return round(x.min()), round(y.min()), round(x.max()), round(y.max())
