"""Ligatures: the pen stays down from one lowercase letter to the next."""

import numpy as np
from scipy.interpolate import CubicHermiteSpline
from scipy.ndimage import gaussian_filter1d

from hcr_lib.handwriting._allographs import STEP
from hcr_lib.handwriting._characters import CAP_HEIGHT, Strokes, direction

_RIGHT, _DOWN = np.array([1.0, 0.0]), np.array([0.0, 1.0])


def split_delayed(char: str, strokes: Strokes) -> tuple[Strokes, Strokes]:
    """Split a letter's strokes into its body and its delayed strokes: dots and bars, added once the word is written."""
    if char == "o":  # left where its ring is highest, or it would look like an a
        [ring] = strokes
        half = len(ring) // 2
        return [ring[: half + int(ring[half:, 1].argmin()) + 1]], []
    if char in "ijx":
        return strokes[:1], strokes[1:]
    if char in "fqtz" and len(strokes) > 1:
        bar = min(range(len(strokes)), key=lambda number: np.ptp(strokes[number][:, 1]))
        return strokes[:bar] + strokes[bar + 1 :], [strokes[bar]]
    return strokes, []


def can_join(char: str, strokes: Strokes, other: str, others: Strokes, slant: float) -> bool:
    """Return whether a ligature may lead from one letter to another: not from its left, nor from a descender."""
    if char == "f" and len(strokes) > 1:  # its foot is no place to go on from: an f would look like a t
        return False
    body, _ = split_delayed(char, strokes)
    end, start = body[-1][-1], split_delayed(other, others)[0][0][0]
    if end[1] < -0.3 * CAP_HEIGHT and start[1] > -0.15 * CAP_HEIGHT:  # down a whole letter: an o would look like an a
        return False
    upright = np.concatenate([stroke @ [1, slant] for stroke in body])
    left, right = upright.min(), upright.max()
    on_the_left = end @ [1, slant] < left + 0.35 * (right - left) and right - left > 0.25 * CAP_HEIGHT
    return char == "o" or (not on_the_left and end[1] < 0.2 * CAP_HEIGHT)


def join(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Join the last stroke of a letter and the first of the next, where they stand: into one path, split in three.

    Return `before` with a rounded end, the ligature, and `after` with a rounded beginning.
    """
    before, after = _trimmed(before), _led_over_the_top(after)
    bridge = _bridge(before, after)
    path = np.concatenate([before, bridge, after])
    smooth = gaussian_filter1d(path, 1.5, axis=0, mode="nearest")
    # Only the joints are smoothed, so the letters keep their corners.
    place = np.arange(len(path))
    near = sum(
        np.exp(-(((place - joint) / 2.5) ** 2)) for joint in (len(before) - 0.5, len(before) + len(bridge) - 0.5)
    )
    path = path + np.minimum(near, 1)[:, None] * (smooth - path)
    return np.split(path, [len(before), len(before) + len(bridge)])


def _trimmed(path: np.ndarray) -> np.ndarray:
    """Leave the last bit of a stem to the ligature, which turns there."""
    down = path[-1, 1] - path[-min(4, len(path)), 1]
    return path[:-3] if len(path) > 9 and down > 2 * STEP else path


def _led_over_the_top(path: np.ndarray) -> np.ndarray:
    """Enter a bowl that begins on its right, as in a or c, at its top: the pen retraces its beginning."""
    top = 0
    while top + 1 < len(path) and path[top + 1, 1] <= path[top, 1]:
        top += 1
    return np.concatenate([path[top:0:-1], path]) if path[top, 0] < path[0, 0] else path


def _bridge(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Return a curve from the end of one stroke to the beginning of another, without these two points."""
    start, stop = before[-1], after[0]
    distance = max(float(np.hypot(*(stop - start))), STEP)
    leave, arrive = direction(before), -direction(after[::-1])
    rise = (start[1] - stop[1]) / CAP_HEIGHT
    if start[1] < -0.3 * CAP_HEIGHT and rise < 0.3:  # from the top of an o to the top of an n: a hammock
        leave = 0.4 * leave + 0.8 * _RIGHT + 0.5 * _DOWN
    else:
        leave = 0.6 * leave + 0.6 * _RIGHT
    if arrive @ _DOWN > 0.3:  # a stem: climb to it; a tall one is the back of a loop
        arrive = np.array([0.35, -0.7]) if rise < 0.6 else np.array([-0.5, -0.35])
    curve = CubicHermiteSpline([0, 1], [start, stop], [leave * distance, arrive * distance])
    return curve(np.linspace(0, 1, max(3, round(1.2 * distance / STEP)) + 2))[1:-1]
