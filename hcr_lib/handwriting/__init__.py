"""Synthetic writers: a skeleton for each character, a style for each writer, and out come pen strokes.

An *allograph* is one way to draw a character (a 7 with or without a bar), kept as pen strokes in ``glyphs.json``. A
`Style` describes how one writer draws all of them: slant, roundness, speed of the pen, and so on. `write` turns text
and a style into strokes like those of the drawing pad, and ``hcr_lib.pen`` renders both alike. `write_line`
also returns which strokes belong to which character, and `on_paper` photographs a form that was filled in.

``python -m hcr_lib.research.sample`` writes the bundled sample again.
"""

from hcr_lib.handwriting._allographs import stroke_width_factors
from hcr_lib.handwriting._characters import CAP_HEIGHT, SAMPLE, draw_char, press, split_by_writer, write_char
from hcr_lib.handwriting._lines import LIGATURE, Writing, write, write_line
from hcr_lib.handwriting._paper import Paper, Photograph, form_boxes, on_paper
from hcr_lib.handwriting._style import Style, random_style, writer

__all__ = [
    "CAP_HEIGHT", "LIGATURE", "SAMPLE", "Paper", "Photograph", "Style", "Writing", "draw_char", "form_boxes",
    "on_paper", "press", "random_style", "split_by_writer", "stroke_width_factors", "write", "write_char",
    "write_line", "writer",
]  # fmt: skip
