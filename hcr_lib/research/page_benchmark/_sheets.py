"""What the pages are written on, and how they were scanned or photographed: rules, light, perspective, a desk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter, uniform_filter1d

from hcr_lib import pen
from hcr_lib.handwriting import Writing

PAPERS = ("plain", "ruled", "squared")
MARGIN = 1.2  #: paper around the writing, in heights of a capital, at least
FROM_RULE = 0.05  #: how far from its rule the writing stands, in heights of a capital: standard deviation


@dataclass(frozen=True, eq=False)
class Sheet:
    """Paper with writing on it, as it lies flat.

    Attributes
    ----------
    brightness : ndarray of float32, shape (height, width)
        Of the paper with rules and writing, from 0 (black) to 1.
    ink : ndarray of float32, shape (height, width)
        The writing alone: 1 is ink.
    lines : list of Writing
        In pixels of the sheet.
    half_width : float
        Of the pen, in pixels.
    """

    brightness: np.ndarray
    ink: np.ndarray
    lines: list[Writing]
    half_width: float

    @property
    def text(self) -> str:
        """What was written, a line each."""
        return "\n".join(line.text for line in self.lines)

    def boxes(self) -> list[np.ndarray]:
        """Return the boxes of the characters' ink, an array of shape (characters, 4) for each line."""
        return [line.boxes(margin=self.half_width) for line in self.lines]


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture of a sheet, or of something else.

    Attributes
    ----------
    pixels : ndarray of uint8, shape (height, width)
    corners : ndarray of float64, shape (4, 2), optional
        x and y of the sheet's corners in the picture, from the upper left of the writing clockwise; None where it fills
        the picture.
    turned : float
        How far the lines run from left to right: 0, or after a turn of the picture another angle, in degrees clockwise.
    """

    pixels: np.ndarray
    corners: np.ndarray | None = None
    turned: float = 0.0


def write_on(
    lines: list[Writing],
    rng: np.random.Generator,
    *,
    paper: str = "plain",
    columns: int = 1,
    shape: tuple[float, float] | None = None,
) -> Sheet:
    """Put lines of writing, as `Hands` write them, on a sheet of paper.

    Parameters
    ----------
    lines : list of Writing
        Capitals 1 high.
    rng : numpy.random.Generator
    paper : {"plain", "ruled", "squared"}
    columns : int
        The lines stand in so many columns: the first lines in the first.
    shape : (float, float), optional
        The least height and width of the sheet, in heights of a capital.
    """
    cap, half_width = _pen(rng)
    pitch = cap * rng.uniform(1.9, 2.5)
    rows = math.ceil(len(lines) / columns)
    widest = max(pen.bounds(line.strokes)[2] for line in lines) * cap
    left = cap * rng.uniform(MARGIN, 2.5)
    column = widest + cap * rng.uniform(2.0, 4.0)
    placed = []
    squares = cap * rng.uniform(0.7, 1.1)
    if paper == "squared":  # people write on every second or third rule
        pitch = squares * round(pitch / squares)
    first = cap * rng.uniform(1 + MARGIN, 3.5)
    for k, line in enumerate(lines):
        drift = math.tan(math.radians(rng.normal(0, 0.7)))
        level = first + (k % rows) * pitch + (cap * rng.normal(0, FROM_RULE) if paper != "plain" else 0)
        start = [left + (k // rows) * column + cap * rng.normal(0, 0.1), level]
        placed.append(line.moved(start, cap * np.array([[1, drift], [0, 1]])))
    height = first + (rows - 1) * pitch + cap * rng.uniform(MARGIN, 2.5)
    width = left + (columns - 1) * column + widest + cap * rng.uniform(MARGIN, 2.5)
    if shape is not None:
        height, width = max(height, shape[0] * cap), max(width, shape[1] * cap)
    size = math.ceil(height), math.ceil(width)
    rules = []
    if paper == "ruled":
        rules = [_rule(y, size[1]) for y in np.arange(first % pitch, height, pitch)]
    elif paper == "squared":
        rules = [_rule(y, size[1]) for y in np.arange(first % squares, height, squares)]
        rules += [_rule(x, size[0])[:, ::-1] for x in np.arange(rng.uniform(0, squares), width, squares)]
    return _printed(placed, rules, size, half_width, rng)


def write_in_boxes(line: Writing, rng: np.random.Generator) -> Sheet:
    """Put a line of writing into the boxes of a form, one for each character: boxes, or a comb with short teeth."""
    cap, half_width = _pen(rng)
    high, wide, teeth = cap * rng.uniform(1.25, 1.6), cap * rng.uniform(1.0, 1.3), rng.random() < 0.3
    margin = cap * rng.uniform(0.3, 1.2)
    placed = Writing(line.text, [], [])
    for place in range(len(line.text)):
        own = [(s, o) for s, o in zip(line.strokes, line.owners, strict=True) if o[0] == place]
        if not own:
            continue
        left, _, right, _ = pen.bounds([stroke for stroke, _ in own])
        across = cap * min(1.0, 0.85 * wide / cap / (right - left + 0.1))  # a W is squeezed in
        middle = margin + (place + 0.5) * wide - across * (left + right) / 2
        start = np.array([middle, margin + high - (high - cap) / 2]) + cap * rng.normal(0, 0.04, 2)
        placed.strokes.extend(stroke * [across, cap] + start for stroke, _ in own)
        placed.owners.extend(owners for _, owners in own)
    end, top, bottom = margin + wide * len(line.text), margin, margin + high
    rules = [np.array([[margin, y], [end, y]]) for y in ([bottom] if teeth else [top, bottom])]
    start = bottom - 0.3 * high if teeth else top
    rules += [np.array([[x, start], [x, bottom]]) for x in margin + wide * np.arange(len(line.text) + 1)]
    size = math.ceil(bottom + margin), math.ceil(end + margin)
    return _printed([placed], rules, size, half_width, rng)


def _pen(rng: np.random.Generator) -> tuple[float, float]:
    """Return the height of a capital and half the width of the pen, in pixels."""
    cap = rng.uniform(32, 60)
    return cap, float(np.clip(cap * rng.uniform(0.025, 0.06), 1.0, 4.0))


def _rule(at: float, length: float) -> np.ndarray:
    return np.array([[-5.0, at], [length + 5.0, at]])


def _printed(
    lines: list[Writing], rules: list[np.ndarray], size: tuple[int, int], half_width: float, rng: np.random.Generator
) -> Sheet:
    """Render writing and rules; rules are thinner than the pen, and fainter or as dark."""
    ink = pen.render_page([stroke for line in lines for stroke in line.strokes], size, half_width)
    paper, darkness = rng.uniform(0.85, 0.98), rng.uniform(0.5, 0.85)
    brightness = paper * (1 - darkness * ink)
    if rules:
        turn = math.tan(rng.normal(0, 0.003))
        rules = [rule @ np.array([[1, turn], [-turn, 1]]) for rule in rules]
        printed = pen.render_page(rules, size, min(half_width, rng.uniform(0.5, 1.2)))
        brightness = np.minimum(brightness, paper * (1 - rng.uniform(0.15, 0.65) * printed))
    return Sheet(brightness.astype("float32"), ink, lines, half_width)


def scanned(sheet: Sheet, rng: np.random.Generator) -> Picture:
    """Return the sheet as from above, filling the picture: light that falls off, soft edges, grain."""
    return Picture(_developed(sheet.brightness * _light(sheet.brightness.shape, rng), rng))


def turned(sheet: Sheet, rng: np.random.Generator) -> Picture:
    """Return the sheet, filling the picture, turned by one of four right angles and up to 12 degrees."""
    quarter, tilt = int(rng.integers(4)), float(np.clip(rng.normal(0, 5), -12, 12))
    paper = float(np.percentile(sheet.brightness, 95))
    page = Image.fromarray(np.uint8(255 * sheet.brightness))
    page = page.rotate(-tilt, Image.Resampling.BICUBIC, expand=True, fillcolor=round(255 * paper))
    page = np.rot90(np.asarray(page, "float32") / 255, -quarter)
    return Picture(_developed(page * _light(page.shape, rng), rng), turned=90 * quarter + tilt)


def photographed(sheet: Sheet, rng: np.random.Generator) -> Picture:
    """Return the sheet on a desk, seen from somewhere above: perspective, shadow, the desk's edge.

    One side of the sheet in four lies outside of the picture.
    """
    height, width = sheet.brightness.shape
    reach = rng.uniform(1.15, 1.6)
    size = np.array([width, height]) * reach * rng.uniform(0.95, 1.1, 2)
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    angle = math.radians(rng.normal(0, 4))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    corners = (flat - [width / 2, height / 2]) @ turn
    corners += corners * rng.normal(0, 0.04, (4, 1)) + size / 2 + size * rng.normal(0, 0.01, 2)
    if rng.random() < 0.25:  # one side is cut off, but none of the writing
        away = rng.integers(4)
        outside = [corners[:, 0].min(), corners[:, 1].min(), corners[:, 0].max(), corners[:, 1].max()][away]
        axis, far = away % 2, away // 2
        margin = 0.3 * MARGIN * height / max(1, sheet.text.count("\n") + 4)
        corners[:, axis] += (size[axis] + margin if far else -margin) - outside
    shape = round(size[1]), round(size[0])
    inside = perspective(sheet.brightness, flat, corners, shape)
    mask = perspective(np.ones_like(sheet.brightness), flat, corners, shape)
    shade = 1 - rng.uniform(0.1, 0.4) * gaussian_filter(np.roll(mask, (6, 6), (0, 1)), 8) * (1 - mask)
    scene = inside + _desk(shape, rng) * (1 - mask) * shade
    return Picture(_developed(scene * _light(shape, rng) * _shadow(shape, rng), rng), corners)


def perspective(image: np.ndarray, source: np.ndarray, target: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Map an image so that four points `source` of it come to lie at `target`; what lies outside is 0.

    Parameters
    ----------
    image : ndarray of float32, shape (height, width)
    source, target : ndarray of float, shape (4, 2)
        x and y.
    shape : (int, int)
        Height and width of the result.
    """
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):  # Pillow asks where each pixel of the result comes from
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    data = np.linalg.solve(np.array(rows), np.array(values)).tolist()
    picture = Image.fromarray(image.astype("float32"), mode="F")
    return np.asarray(picture.transform(shape[::-1], Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR))


def _light(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return the light on each pixel: it comes from one side, and fades towards the edges."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype="float32") for size in shape), indexing="ij")
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.3)
    aside = (1 + np.cos(angle) * x + np.sin(angle) * y) / 2
    return rng.uniform(0.88, 1) * (1 - fall * (0.7 * aside + 0.15 * (x**2 + y**2)))


def _shadow(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return the share of the light that a shadow with a soft edge leaves: of a hand, or of the camera."""
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype="float32") for size in shape), indexing="ij")
    angle, place, soft = rng.uniform(0, 2 * np.pi), rng.uniform(-0.3, 0.8), rng.uniform(0.03, 0.3)
    depth = rng.uniform(0.1, 0.45) if rng.random() < 0.6 else 0.0
    return 1 - depth / (1 + np.exp(-(np.cos(angle) * x + np.sin(angle) * y - place) / soft))


def _desk(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return the brightness of a desk: grain along one direction, dark or light wood."""
    noise = rng.normal(size=shape).astype("float32")
    grain = gaussian_filter(uniform_filter1d(noise, 200, axis=int(rng.integers(2)), mode="wrap"), 1.5)
    grain = grain / grain.std() + 0.5 * noise
    return np.clip(rng.uniform(0.12, 0.62) + rng.uniform(0.005, 0.04) * grain, 0.02, 0.75).astype("float32")


def _developed(scene: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the pixels that a camera makes of a scene: soft edges, and noise."""
    seen = gaussian_filter(scene, rng.uniform(0.4, 0.9))
    seen = seen + rng.uniform(0.003, 0.015) * rng.normal(size=scene.shape)
    return np.clip(255 * seen, 0, 255).round().astype("uint8")
