"""A drawing pad that reads along."""

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image

from hcr_lib import images, pen
from hcr_lib.widgets import _demo
from hcr_lib.widgets._pad import DrawingPad, PadPanel

if TYPE_CHECKING:
    from hcr_lib.recognizer import Reading, Recognizer

_INVITATION = "Draw on the pad."
_BLANK = np.zeros((images.SIZE, images.SIZE), "uint8")
_SHOWN = 12  # characters whose bars and images still fit beside the pad


class ReadingPad(PadPanel):
    """A drawing pad with what the recognizer reads beside it, renewed whenever the pen lifts.

    Parameters
    ----------
    recognizer : Recognizer
        Anything with its `read` and `predict`.
    mode : str
        As for `Recognizer.read`: ``"char"``, ``"word"``, ``"page"`` or ``"auto"``.
    width, height, half_width : int, int, float
        As for `DrawingPad`.

    Attributes
    ----------
    pad : DrawingPad
    reading : Reading or None
        The newest reading; None when the pad is empty or the drawing could not be read.
    """

    def __init__(
        self,
        recognizer: "Recognizer",
        mode: str = "auto",
        *,
        width: int = pen.PAD,
        height: int = pen.PAD,
        half_width: float = pen.HALF_WIDTH,
    ) -> None:
        self.recognizer, self.mode, self.reading = recognizer, mode, None
        self.result = ipywidgets.HTML(_INVITATION).add_class("hcr-result")
        border = {"align_self": "flex-start", "border": "1px solid gray"}
        self.seen = ipywidgets.Image(value=to_png(_BLANK), format="png", layout=border)
        caption = ipywidgets.HTML("What the network sees:")
        pad = DrawingPad(width=width, height=height, half_width=half_width)
        super().__init__(pad, self.result, self.result, caption, self.seen)
        recognizer.predict(_BLANK[None])  # the first call is slow; make it before the first stroke

    @property
    def strokes(self) -> list:
        """The drawing; see `DrawingPad`."""
        return self.pad.strokes

    def replay(self, strokes: pen.Drawing) -> "Reading | None":
        """Put stored strokes on the pad and return their reading, as for a drawing; needs no browser."""
        super().replay(strokes)
        return self.reading

    def save(self, target: str | os.PathLike, label: str, writer: str | None = None) -> Path:
        """Save the drawing as a picture or as strokes; see `DrawingPad.save`."""
        return self.pad.save(target, label, writer)

    def show(self) -> None:
        """Read the drawing."""
        self.reading, self.seen.value = None, to_png(_BLANK)
        if not self.pad.strokes:
            self.result.value = _INVITATION
            return
        reading = self.recognizer.read(self.pad.ink(), mode=self.mode)
        seen = np.hstack([one.image for one in reading.characters[:_SHOWN]])
        self.result.value, self.seen.value, self.reading = describe(reading), to_png(seen), reading


def describe(reading: "Reading") -> str:
    """Return a reading as HTML, escaped: the text, and a bar for each character, or for one and its alternatives."""
    bars = [(one.char, one.confidence) for one in reading.characters[:_SHOWN]]
    if len(bars) == 1:
        bars += reading.characters[0].alternatives[:3]
    rows = "".join(
        f"<tr><td>{html.escape(char)}</td>"
        f'<td><div class="hcr-result-bar" style="width: {100 * share:.0f}px"></div></td>'
        f"<td>{100 * share:.0f} %</td></tr>"
        for char, share in bars
    )
    size = "" if len(reading.text) <= _SHOWN else " hcr-result-long"
    return f'<div class="hcr-result-text{size}">{html.escape(reading.text)}</div><table>{rows}</table>'


def to_png(image: npt.ArrayLike, scale: int | None = None) -> bytes:
    """Return a stored image as a PNG of black ink on white paper, 140 pixels wide, or up to 340 for several."""
    paper = Image.fromarray(255 - np.asarray(image, dtype="uint8"))
    scale = scale or max(1, min(5, 340 // paper.width))
    return _demo.png(paper.resize((paper.width * scale, paper.height * scale), Image.Resampling.NEAREST))
