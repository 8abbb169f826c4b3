"""Synthetic writers: a skeleton for each character, a style for each writer, and out come pen strokes.

A *form* is one way to draw a character (a 7 with or without a bar), kept as pen strokes in ``glyphs.json``. A
`Style` says how one writer draws all of them: how far the writing leans, how round it is, how fast the pen moves.
`write` turns text and a style into strokes like those of the drawing pad, and ``hcr_lib.pen`` draws both alike.

``python -m hcr_lib.handwriting`` writes the sample that ships with the course again.
"""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from hcr_lib import images, labels, pen
from hcr_lib._manifest import ship
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import Dataset

CAP_HEIGHT = 100.0  #: height of a capital in the strokes that `write` returns
X_HEIGHT = 50.0  #: height of an x in the skeletons
SAMPLE = "synthetic.npz"  #: the sample that ships, in data/

_STEP = 4.0  # a point of the pen's path every so many units
_REACH = 9.0  # how far around itself a hasty pen averages its path
# How freely x and y are bent by each term of `_warp`. People differ most in how high a character's waist sits, and
# little in what would make a ring a triangle.
_BENDS = np.array([[1.0, 1.0, 0.5, 0.5, 1.0, 1.0], [1.0, 1.0, 1.0, 0.5, 2.5, 1.0]])
_PAD, _MARGIN = 160, 20  # characters are drawn this large before they shrink to 28 x 28

Strokes = list[np.ndarray]


@dataclass(frozen=True)
class Style:
    """How one writer writes; lengths are hundredths of a capital's height.

    Parameters
    ----------
    habit : int
        Seed of what this writer does the same way every time: which form of a character, and how it is bent.
    slant : float
        Lean to the right: the tangent of the angle between the stems and the vertical.
    width : float
        Width of the characters compared with the skeletons.
    x_height : float
        Height of an x; the skeletons have 50.
    roundness : float
        0 draws straight lines from point to point, 1 smooth curves, more than 1 bulging ones.
    speed : float
        0 makes every corner; 1 is a hasty pen that cuts them.
    closure : float
        How far the ends of a ring run over each other; negative where they do not meet.
    overshoot : float
        How far strokes run past their ends; negative where they stop short.
    hook : float
        Length of the flick with which the pen leaves the paper.
    tremor : float
        Size of the pen's trembling.
    bend : float
        How far this writer's own forms stray from the skeletons.
    sloppiness : float
        How far one copy of a character strays from another.
    rotation : float
        Angle, in radians, by which copies turn one way or the other.
    drift : float
        Slope of the line; negative climbs.
    spacing : float
        Gap between characters.
    pen : float
        Half the width of the pen.
    pressure : float
        How unevenly it is pressed: its width differs by about this share from copy to copy.

    Examples
    --------
    >>> from dataclasses import replace
    >>> upright = Style(slant=0.0)
    >>> leaning = replace(upright, slant=0.4)  # the same writer, in a hurry
    """

    habit: int = 0
    slant: float = 0.15
    width: float = 1.0
    x_height: float = 50.0
    roundness: float = 1.0
    speed: float = 0.3
    closure: float = 0.0
    overshoot: float = 0.0
    hook: float = 0.0
    tremor: float = 0.6
    bend: float = 2.5
    sloppiness: float = 1.5
    rotation: float = 0.03
    drift: float = 0.0
    spacing: float = 18.0
    pen: float = 5.0
    pressure: float = 0.1


def random_style(rng: np.random.Generator) -> Style:
    """Draw a writer.

    The ranges follow measurements of real *training* images of EMNIST (mean and spread of slant, aspect, ink and
    stroke width); no image or stroke was copied.
    """
    return Style(
        habit=int(rng.integers(2**32)),
        slant=float(rng.normal(0.19, 0.24)),
        width=float(np.exp(rng.normal(np.log(1.15), 0.17))),
        x_height=float(rng.uniform(42, 62)),
        roundness=float(rng.uniform(0.85, 1.2)),
        speed=float(rng.beta(1.3, 1.8)),
        closure=float(rng.normal(0, 6)),
        overshoot=float(rng.normal(1, 3)),
        hook=float(max(0, rng.normal(0, 7))),
        tremor=float(rng.gamma(2, 0.33)),
        bend=float(rng.uniform(1.8, 5.0)),
        sloppiness=float(rng.uniform(0.8, 3.0)),
        rotation=float(rng.uniform(0.01, 0.06)),
        drift=float(rng.normal(0, 0.02)),
        spacing=float(rng.uniform(10, 30)),
        pen=float(np.clip(np.exp(rng.normal(np.log(7.0), 0.31)), 2.5, 13)),
        pressure=float(rng.uniform(0.04, 0.16)),
    )


@dataclass(frozen=True)
class _Form:
    """One way to draw a character, ready to be bent.

    Every path of the pen is linear in the points of the skeleton, so it is one matrix product once the points are
    known: each of `bases` has the shape (3, samples, points), for the polygon through the points, the smooth curve,
    and the curve of a pen that cuts corners.
    """

    weight: float
    strokes: tuple[np.ndarray, ...]
    bases: tuple[np.ndarray, ...]

    @classmethod
    def parse(cls, weight: float, notation: list[str]) -> _Form:
        """Read the strokes of one form; see ``glyphs.json`` for the notation."""
        strokes, bases = [], []
        for text in notation:
            points, corners = _parse_stroke(text)
            strokes.append(points)
            bases.append(_bases(points, corners))
        return cls(weight, tuple(strokes), tuple(bases))


def _parse_stroke(text: str) -> tuple[np.ndarray, list[int]]:
    """Read ``"0,0 30,100! 62,0"``: the points, and the numbers of those where a smooth piece starts or ends.

    Examples
    --------
    >>> points, corners = _parse_stroke("0,0 30,100! 62,0")
    >>> points.tolist(), corners
    ([[0.0, 0.0], [30.0, 100.0], [62.0, 0.0]], [0, 1, 2])
    """
    words = text.split()
    for word in words:
        if not re.fullmatch(r"-?\d+,-?\d+!?", word):
            raise ValueError(
                f"a point of a glyph must look like 30,100 or 30,100! (a corner); got {word!r} in {text!r}."
            )
    if len(words) < 2:
        raise ValueError(f"a stroke of a glyph needs at least two points; got {text!r}.")
    points = np.array([word.rstrip("!").split(",") for word in words], dtype="float64")
    inner = [k for k, word in enumerate(words) if word.endswith("!") and 0 < k < len(words) - 1]
    return points, [0, *inner, len(words) - 1]


def _bases(points: np.ndarray, corners: list[int]) -> np.ndarray:
    """Return the three matrices that turn a stroke's points into the path of the pen; see `_Form`."""
    number = len(points)
    polygon, curve = [], []
    for first, last in pairwise(corners):
        span = slice(first, last + 1)
        lengths = np.hypot(*np.diff(points[span], axis=0).T)
        # Knots spaced by the square root of the distance keep a curve from looping between close points.
        knots = np.concatenate([[0.0], np.cumsum(np.sqrt(lengths))])
        at = np.linspace(0, knots[-1], max(2, math.ceil(lengths.sum() / _STEP) + 1))
        if first:
            at = at[1:]  # the corner itself belongs to the piece before
        corner_to_corner = np.eye(number)[span]
        polygon.append(np.stack([np.interp(at, knots, column) for column in corner_to_corner.T], axis=1))
        curve.append(CubicSpline(knots, corner_to_corner, bc_type="natural")(at))
    polygon, curve = np.concatenate(polygon), np.concatenate(curve)
    margin = min(8, len(curve) - 1)
    # Continuing past the ends by reflection keeps the ends where they are.
    longer = np.pad(curve, ((margin, margin), (0, 0)), mode="reflect", reflect_type="odd")
    hasty = gaussian_filter1d(longer, _REACH / _STEP, axis=0)[margin : margin + len(curve)]
    return np.stack([polygon, curve, hasty])


@cache
def _forms() -> dict[str, tuple[_Form, ...]]:
    """Read the skeletons, once."""
    text = resources.files("hcr_lib").joinpath("glyphs.json").read_text(encoding="utf-8")
    return {
        char: tuple(_Form.parse(form["weight"], form["strokes"]) for form in forms)
        for char, forms in json.loads(text)["glyphs"].items()
    }


def _habits(char: str, style: Style) -> tuple[int, np.random.Generator]:
    """Return the number of the form this writer prefers, and the generator of how it is bent."""
    own = np.random.default_rng([style.habit, ord(char)])
    weights = np.array([form.weight for form in _forms()[char]])
    return int(own.choice(len(weights), p=weights / weights.sum())), own


def _warp(points: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    """Bend the plane a little: a smooth displacement of about `size` at each of `points`."""
    low, high = points.min(axis=0), points.max(axis=0)
    # From -1 to 1 across the character; a thin stem counts as half a square wide, or it would be bent too much.
    u, v = (2 * (points - (low + high) / 2) / np.maximum(high - low, X_HEIGHT)).T
    terms = np.stack([u, v, u * v, u * u, v * v, v**3 - v])
    return (rng.normal(0, size, (2, len(terms))) * _BENDS) @ terms


def write_char(char: str, style: Style, rng: np.random.Generator) -> Strokes:
    """Write one character; no two copies are the same.

    Parameters
    ----------
    char : str
        One of the 62 digits and letters.
    style : Style
        Who writes.
    rng : numpy.random.Generator
        Source of what differs from copy to copy.

    Returns
    -------
    list of ndarray of float64, each of shape (n, 2)
        x to the right, y DOWN: the baseline is y = 0, a capital reaches up to about y = -100.

    Raises
    ------
    ValueError
        If `char` is not a single digit or letter.

    Examples
    --------
    >>> strokes = write_char("t", Style(), np.random.default_rng(0))
    >>> [stroke.shape[1] for stroke in strokes]  # stem and bar
    [2, 2]
    """
    forms = _forms()[ensure_choice(char, _forms(), name="a character to write")]
    preferred, own = _habits(char, style)
    # Now and then the pen does it another way.
    form = forms[preferred] if rng.random() > 0.08 else forms[int(rng.integers(len(forms)))]

    points = np.concatenate(form.strokes)
    number = len(points)
    # This writer's own form, then this copy of it.
    small = np.sqrt(np.ptp(points, axis=0).max() / CAP_HEIGHT)  # small letters are bent by less
    for generator, size in (own, style.bend * small), (rng, style.sloppiness * small):
        points = points + _warp(points, size, generator).T + generator.normal(0, 0.25 * size, (number, 2))
    if char.islower():
        points = _set_x_height(points, style.x_height)

    slant = style.slant + rng.normal(0, 0.04)
    across = style.width * np.exp(rng.normal(0, 0.05))
    angle = style.drift + rng.normal(0, style.rotation)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    affine = np.array([[across, 0], [slant, 1]]) @ np.diag([1, -1]) @ turn * np.exp(rng.normal(0, 0.04))

    strokes, start = [], 0
    for skeleton, (polygon, curve, hasty) in zip(form.strokes, form.bases, strict=True):
        own_points = points[start : start + len(skeleton)]
        if start:
            own_points = own_points + rng.normal(0, 0.8 * style.sloppiness, 2)  # the pen lands a little off
        start += len(skeleton)
        smooth = (1 - style.roundness) * polygon + style.roundness * curve
        path = ((1 - style.speed) * smooth + style.speed * hasty) @ own_points
        path = _end_stroke(path, skeleton, style, rng)
        strokes.append((path + _tremor(len(path), style.tremor, rng)) @ affine)
    return strokes


def _set_x_height(points: np.ndarray, x_height: float) -> np.ndarray:
    """Move the top of the x to `x_height`; what reaches above still ends at the height of a capital."""
    x, y = points.T
    raised = np.interp(y, [-CAP_HEIGHT, 0, X_HEIGHT, CAP_HEIGHT], [-CAP_HEIGHT, 0, x_height, CAP_HEIGHT])
    return np.stack([x * x_height / X_HEIGHT, raised], axis=1)


def _tremor(number: int, size: float, rng: np.random.Generator) -> np.ndarray:
    """Return slow noise along a stroke, shape (number, 2)."""
    along = np.arange(number)[:, None] * _STEP
    waves = rng.uniform(15, 60, (1, 4))
    phases = rng.uniform(0, 2 * np.pi, (2, 1, 4))
    return (np.sin(2 * np.pi * along / waves + phases).sum(axis=2) * (size / 2)).T


def _end_stroke(path: np.ndarray, skeleton: np.ndarray, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Let a ring's ends miss or cross each other, and other strokes run past their ends or stop short."""
    width, height = np.ptp(skeleton, axis=0)
    if len(path) < 6 or width + height < 20:  # a dot
        return path
    if np.hypot(*(skeleton[0] - skeleton[-1])) < 0.3 * min(width, height):
        return _close_ring(path, style.closure + rng.normal(0, 3))
    begin, end = style.overshoot + rng.normal(0, 2, 2)
    path = _run_past(_run_past(path[::-1], begin)[::-1], end)
    flick = style.hook * rng.random()
    return _flick(path, flick) if flick > 3 else path


def _close_ring(path: np.ndarray, length: float) -> np.ndarray:
    """Draw the beginning of a ring a second time, or leave a gap where `length` is negative."""
    steps = round(length / _STEP)
    if steps < 0:
        return path[: max(len(path) + steps, len(path) // 2)]
    return np.concatenate([path, path[1 : 1 + steps] + path[-1] - path[0]])


def _run_past(path: np.ndarray, length: float) -> np.ndarray:
    """Lengthen a path straight on, or shorten it where `length` is negative."""
    if length < 0:
        return path[: max(len(path) + round(length / _STEP), 4)]
    return np.concatenate([path, path[-1:] + length * _direction(path)])


def _flick(path: np.ndarray, length: float) -> np.ndarray:
    """Leave the paper towards the next character: up and to the right, from wherever the pen was going."""
    steps = np.linspace(0, 1, 4)[1:, None]
    away = np.array([0.6, 0.5])
    return np.concatenate([path, path[-1] + length * (steps * (1 - steps) * _direction(path) + steps**2 * away)])


def _direction(path: np.ndarray) -> np.ndarray:
    """Return the unit vector in which a path ends."""
    along = path[-1] - path[-3]
    return along / max(np.hypot(*along), 1e-9)


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


def draw_char(char: str, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Write one character and bring it into the form of an MNIST image, like a drawing of the pad.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White ink (255) on black paper (0).
    """
    strokes = write_char(char, style, rng)
    fitted = pen.fit(strokes, _PAD, _MARGIN)
    x0, y0, x1, y1 = pen.bounds(strokes)
    # Measured on EMNIST: the pen looks hardly thicker in an x than in an X once both are scaled to one height, because
    # people asked for single characters write the small ones larger.
    relative_size = max(x1 - x0, y1 - y0) / CAP_HEIGHT
    thickness = relative_size**-0.2 * np.exp(rng.normal(0, style.pressure))
    half_width = style.pen * thickness * (_PAD - 2 * _MARGIN) / CAP_HEIGHT
    ink = pen.render(fitted, _PAD, half_width)
    return images.ink_to_mnist(ink)


def make_sample(per_class: int = 200, num_writers: int = 320, seed: int = 2026) -> Dataset:
    """Let many writers fill in a balanced sample of all 62 characters.

    Parameters
    ----------
    per_class : int
        Images of each character, each by another writer while there are enough.
    num_writers : int
        Writers to choose from.
    seed : int
        The same seed gives the same sample. A smaller `per_class` gives the beginning of it.

    Returns
    -------
    Dataset
        62 * `per_class` images: one of each character, then another of each, and so on. Writers are called
        ``"w000"``, ``"w001"``, ...

    Raises
    ------
    ValueError
        If there would be no image or no writer.

    Examples
    --------
    >>> make_sample(per_class=1, num_writers=5)
    <Dataset: 62 images of 62 classes ... from synthetic handwriting>
    """
    if per_class < 1 or num_writers < 1:
        raise ValueError(
            f"a sample needs at least one image of each character and one writer; got per_class={per_class} "
            f"and num_writers={num_writers}."
        )
    classes = labels.BYCLASS
    # Each writer and each image has a generator of its own, so a part of the sample can be made without the rest.
    styles = [random_style(np.random.default_rng([seed, 0, writer])) for writer in range(num_writers)]
    orders = [np.random.default_rng([seed, 1, label]).permutation(num_writers) for label in range(len(classes))]
    drawn, writers = [], []
    for copy in range(per_class):
        for label, char in enumerate(classes):
            writer = int(orders[label][copy % num_writers])
            drawn.append(draw_char(char, styles[writer], np.random.default_rng([seed, 2, label, copy])))
            writers.append(f"w{writer:03d}")
    return Dataset(
        np.stack(drawn),
        np.tile(np.arange(len(classes)), per_class),
        classes=classes,
        source="synthetic handwriting",
        writers=np.array(writers),
    )


def split_by_writer(writers: np.ndarray) -> np.ndarray:
    """Say which part each image belongs to; a writer is in one part only.

    Parameters
    ----------
    writers : ndarray of str, shape (n,)
        Names as `make_sample` gives them.

    Returns
    -------
    ndarray of str, shape (n,)
        ``"train"`` for six writers in eight, ``"val"`` and ``"test"`` for one each.

    Examples
    --------
    >>> split_by_writer(np.array(["w000", "w006", "w007", "w008"])).tolist()
    ['train', 'val', 'test', 'train']
    """
    parts = np.array(["train"] * 6 + ["val", "test"])
    return parts[[int(name[1:]) % len(parts) for name in writers]]


def main() -> None:
    """Write ``data/synthetic.npz`` and its entry in ``data/manifest.toml`` again; the same bytes every time."""
    sample = make_sample()
    arrays = {
        "images": sample.images,
        "labels": sample.labels,
        "writers": sample.writers,
        "split": split_by_writer(sample.writers),
        "classes": np.array(sample.classes),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    target = ship(
        SAMPLE,
        buffer.getvalue(),
        shapes={name: list(array.shape) for name, array in arrays.items()},
        origin="drawn by hcr_lib.handwriting; no person's writing is in it",
        licence="CC0-1.0",
        command="python -m hcr_lib.handwriting",
    )
    print(f"{target}: {len(sample):,} images, {buffer.getbuffer().nbytes:,} bytes")


if __name__ == "__main__":
    main()
