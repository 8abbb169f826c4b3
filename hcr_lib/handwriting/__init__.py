"""Synthetic writers: a skeleton for each character, a style for each writer, and out come pen strokes.

A *form* is one way to draw a character (a 7 with or without a bar), kept as pen strokes in ``glyphs.json``. A
`Style` says how one writer draws all of them: how far the writing leans, how round it is, how fast the pen moves.
`write` turns text and a style into strokes like those of the drawing pad, and ``hcr_lib.pen`` draws both alike.
`write_line` and `write_page` also tell which strokes belong to which character, and `on_paper` photographs the
writing on a plain or ruled sheet or on a form.

``python -m hcr_lib.research.sample`` writes the bundled sample again.
"""

from hcr_lib.handwriting._characters import CAP_HEIGHT, X_HEIGHT, press, write_char
from hcr_lib.handwriting._forms import nibs
from hcr_lib.handwriting._lines import LINK, Writing, write, write_line, write_page
from hcr_lib.handwriting._paper import Paper, Photograph, form_boxes, on_paper, plain, ruled
from hcr_lib.handwriting._sample import SAMPLE, draw_char, make_sample, split_by_writer
from hcr_lib.handwriting._style import Style, random_style, writer

__all__ = [
    "CAP_HEIGHT",
    "LINK",
    "SAMPLE",
    "X_HEIGHT",
    "Paper",
    "Photograph",
    "Style",
    "Writing",
    "draw_char",
    "form_boxes",
    "make_sample",
    "nibs",
    "on_paper",
    "plain",
    "press",
    "random_style",
    "ruled",
    "split_by_writer",
    "write",
    "write_char",
    "write_line",
    "write_page",
    "writer",
]
