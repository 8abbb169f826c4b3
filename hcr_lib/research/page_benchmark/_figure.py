"""A picture of what the benchmark does: a photographed page by a synthetic writer, with its reading drawn on it."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from hcr_lib import images
from hcr_lib._paths import replace_whole
from hcr_lib.recognizer import Recognizer
from hcr_lib.research.page_benchmark._hands import SyntheticHands
from hcr_lib.research.page_benchmark._kinds import KINDS

INCHES, DOTS = 7.0, 120  #: width of the picture, and dots an inch
COLOURS = 48  #: of the file


def draw(file: Path, seed: int = 0) -> str:
    """Write the picture of a photographed page, and return what was read.

    Raises
    ------
    hcr_lib.images.ImageError
        If nothing was.
    """
    kind = KINDS["photographs"]
    pixels = kind.make(SyntheticHands(), np.random.default_rng(seed)).picture.pixels
    [reading] = Recognizer.load(kind.alphabet).read_all([pixels])
    if isinstance(reading, images.ImageError):
        raise reading
    height, width = pixels.shape
    figure = Figure((INCHES, INCHES * height / width), dpi=DOTS)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    axes.axis("off")
    for each in reading.characters:
        x0, y0, x1, y1 = each.box
        axes.plot([x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0], color="tab:blue", linewidth=0.7)
        axes.annotate(each.char, ((x0 + x1) / 2, y0), (0, 1), textcoords="offset points", color="tab:red", ha="center")
    canvas, content = FigureCanvasAgg(figure), io.BytesIO()
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    drawn.quantize(COLOURS).save(content, "PNG", optimize=True)
    replace_whole(file, content.getvalue())
    return reading.text
