"""The interactive parts of the notebooks: thin shells over pure functions.

Nothing else in the course depends on them, and every cell that shows one also makes sense where no widget renders.
"""

from hcr_lib.widgets._pad import DrawingPad
from hcr_lib.widgets._preprocessing import preprocessing_demo, preprocessing_picture, preprocessing_steps
from hcr_lib.widgets._reading import ReadingPad, describe, to_png

__all__ = [
    "DrawingPad",
    "ReadingPad",
    "describe",
    "preprocessing_demo",
    "preprocessing_picture",
    "preprocessing_steps",
    "to_png",
]
