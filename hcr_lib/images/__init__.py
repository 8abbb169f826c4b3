"""The MNIST recipe for any drawing, scan or photograph.

A network trained on MNIST or EMNIST has only ever seen tidy characters: white ink on black,
20 pixels tall, centred by their ink. This package makes one of those out of whatever a person
hands in. The recipe is a list of named steps, `STEPS`: `to_mnist` runs it, `trace` shows a picture
after every step, and `ablation` measures what is lost without each. The steps' parts are functions
of their own:

    open_image -> to_gray -> to_ink -> remove_specks -> crop -> fit_box -> center_by_mass
"""

from hcr_lib.images._form import (
    BOX,
    MIN_STROKE,
    SIZE,
    THRESHOLD,
    bounding_box,
    center_by_mass,
    crop,
    fit_box,
    remove_specks,
    resize,
    stroke_width,
)
from hcr_lib.images._ink import flatten, otsu, to_ink
from hcr_lib.images._line import LINE_HEIGHT, LINE_MARGIN, SLOPE_SHOWS, line_width, place_line, to_line
from hcr_lib.images._open import (
    MAX_PIXELS,
    WORKING_SIDE,
    BlankImageError,
    ImageError,
    NoWritingError,
    open_gray,
    open_image,
    to_gray,
)
from hcr_lib.images._pipeline import STEPS, ablation, ink_to_mnist, to_mnist, to_mnist_batch, trace

__all__ = [
    "BOX", "LINE_HEIGHT", "LINE_MARGIN", "MAX_PIXELS", "MIN_STROKE", "SIZE", "SLOPE_SHOWS", "STEPS", "THRESHOLD",
    "WORKING_SIDE", "BlankImageError", "ImageError", "NoWritingError", "ablation", "bounding_box", "center_by_mass",
    "crop", "fit_box", "flatten", "ink_to_mnist", "line_width", "open_gray", "open_image", "otsu", "place_line",
    "remove_specks", "resize", "stroke_width", "to_gray", "to_ink", "to_line", "to_mnist", "to_mnist_batch", "trace",
]  # fmt: skip
