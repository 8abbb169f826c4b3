"""Pictures without writing, which a reader should refuse: drawings, scribbles, noise, blank paper."""

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.ndimage import gaussian_filter, zoom

from hcr_lib import pen
from hcr_lib.handwriting import Writing
from hcr_lib.research.page_benchmark import _sheets

Strokes = list[np.ndarray]
SIDE = (260, 700)  #: of a drawing, in pixels


def _arc(x: float, y: float, rx: float, ry: float, start: float = 0, stop: float = 360) -> np.ndarray:
    angles = np.radians(np.linspace(start, stop, 40))
    return np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1)


def _path(*points: tuple[float, float]) -> np.ndarray:
    return np.array(points, float)


def _face(rng: np.random.Generator) -> Strokes:
    smile = _arc(0.5, 0.55, 0.25, 0.2, 20, 160) if rng.random() < 0.6 else _arc(0.5, 0.9, 0.22, 0.15, 200, 340)
    eyes = [_arc(x, 0.38, 0.05, rng.uniform(0.03, 0.07)) for x in (0.35, 0.65)]
    nose = [_path((0.5, 0.45), (0.46, 0.58), (0.53, 0.58))] if rng.random() < 0.7 else []
    return [_arc(0.5, 0.5, 0.46, 0.48), smile, *eyes, *nose]


def _house(rng: np.random.Generator) -> Strokes:
    walls = _path((0.15, 0.45), (0.15, 0.95), (0.85, 0.95), (0.85, 0.45), (0.15, 0.45))
    roof = _path((0.05, 0.47), (0.5, 0.05), (0.95, 0.47))
    door = _path((0.4, 0.95), (0.4, 0.68), (0.56, 0.68), (0.56, 0.95))
    x = rng.uniform(0.62, 0.66)
    window = _path((x, 0.55), (x + 0.14, 0.55), (x + 0.14, 0.7), (x, 0.7), (x, 0.55))
    return [walls, roof, door, window, _path((x + 0.07, 0.55), (x + 0.07, 0.7))]


def _arrow(rng: np.random.Generator) -> Strokes:
    angle = rng.uniform(0, 2 * np.pi)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    shaft, head = _path((-0.5, 0), (0.45, 0.02)), _path((0.2, -0.16), (0.48, 0.02), (0.22, 0.2))
    return [stroke @ turn for stroke in (shaft, head)]


def _flower(rng: np.random.Generator) -> Strokes:
    petals = [_arc(0.5 + 0.2 * np.cos(a), 0.3 + 0.2 * np.sin(a), 0.11, 0.11) for a in np.linspace(0, 6.28, 7)[:-1]]
    stem = _path((0.5, 0.5), (0.52 + rng.normal(0, 0.03), 0.75), (0.5, 1.1))
    return [_arc(0.5, 0.3, 0.1, 0.1), *petals, stem, _arc(0.62, 0.85, 0.12, 0.06)]


def _star(rng: np.random.Generator) -> Strokes:
    angles = np.arange(6) * 4 * np.pi / 5 - np.pi / 2 + rng.normal(0, 0.1)
    return [np.stack([np.cos(angles), np.sin(angles)], axis=1)]


def _spiral(rng: np.random.Generator) -> Strokes:
    angle = np.linspace(0, 2 * np.pi * rng.uniform(3, 6), 200)
    return [np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=1)]


def _scribble(rng: np.random.Generator) -> Strokes:
    """Return what somebody draws who tries whether a pen writes."""
    number = int(rng.integers(12, 40))
    way = rng.normal(0, 1, (number, 2)) + np.linspace(0, rng.uniform(0, 6), number)[:, None] * [1, 0]
    return [make_interp_spline(np.arange(number), way)(np.linspace(0, number - 1, 15 * number))]


def _zigzag(rng: np.random.Generator) -> Strokes:
    number = int(rng.integers(12, 30))
    x, y = np.linspace(0, number * 0.25, number), np.arange(number) % 2 + rng.normal(0, 0.15, number)
    return [np.stack([x + rng.normal(0, 0.05, number), y], axis=1)]


DRAWINGS = (_face, _house, _arrow, _flower, _star, _spiral, _scribble, _zigzag)


def drawing(rng: np.random.Generator) -> _sheets.Picture:
    """Return a scan of a simple drawing, or of a scribble, by a shaky hand."""
    strokes = DRAWINGS[rng.integers(len(DRAWINGS))](rng)
    side = int(rng.integers(*SIDE))
    strokes = pen.scale_to(strokes, (side, round(side * rng.uniform(1, 1.4))), margin=0.12 * side)
    shaken = []
    for stroke in strokes:
        noise = gaussian_filter(rng.normal(0, 1, stroke.shape), (2, 0), mode="nearest")
        shaken.append(stroke + 0.008 * side * noise)
    shape = side, round(side * 1.4)
    half_width = side * rng.uniform(0.006, 0.014)
    ink = pen.render_page(shaken, shape, half_width)
    sheet = _sheets.Sheet((0.93 * (1 - 0.75 * ink)).astype("float32"), ink, [], half_width)
    return _sheets.scanned(sheet, rng)


def nothing(rng: np.random.Generator) -> _sheets.Picture:
    """Return blank paper, crumpled paper, empty rules, noise, or clouds of grey."""
    shape = int(rng.integers(200, 700)), int(rng.integers(200, 900))
    kind = rng.integers(5)
    if kind == 0:
        field = np.full(shape, 0.93)
    elif kind == 1:
        field = 0.85 + 0.06 * _clouds(shape, 12, rng) + 0.02 * _clouds(shape, 60, rng)
    elif kind == 2:
        empty = _sheets.write_on(
            [Writing("I", [np.array([[0.0, -1.0], [0.0, 0.0]])], [np.zeros(2, int)])], rng, paper="ruled", shape=(8, 10)
        )
        field = np.where(empty.ink > 0, np.median(empty.brightness), empty.brightness)
    elif kind == 3:
        field = rng.random(shape)
    else:
        field = 0.5 + 0.15 * _clouds(shape, int(rng.integers(4, 40)), rng)
    sheet = _sheets.Sheet(np.clip(field, 0, 1).astype("float32"), np.zeros(field.shape, "float32"), [], 1.0)
    return _sheets.scanned(sheet, rng)


def _clouds(shape: tuple[int, int], cells: int, rng: np.random.Generator) -> np.ndarray:
    """Return smooth noise of about so many bumps across: mean 0, standard deviation about 1."""
    coarse = rng.normal(size=(cells + 3, cells + 3))
    fine = zoom(coarse, (shape[0] / (cells + 2) + 1, shape[1] / (cells + 2) + 1), order=3)
    return fine[: shape[0], : shape[1]] / fine.std()
