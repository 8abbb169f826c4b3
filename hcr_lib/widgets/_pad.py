"""A drawing pad for mouse, finger and pen, and one that reads along."""

import html
import os
from pathlib import Path
from typing import TYPE_CHECKING

import anywidget
import ipywidgets
import numpy as np
import numpy.typing as npt
import traitlets
from PIL import Image, ImageOps

from hcr_lib import images, pen
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import save_drawing
from hcr_lib.labels import BYCLASS
from hcr_lib.widgets import _demo

if TYPE_CHECKING:
    from hcr_lib.recognizer import Reading, Recognizer

LARGEST, WIDEST = 2_000, 100  #: pixels across or down, and of half a pen: as much as `save_drawing` takes
_HERE = Path(__file__).parent
_INVITATION = "Draw on the pad."
_BLANK = np.zeros((images.SIZE, images.SIZE), "uint8")
_MARGIN = 0.15  # around a drawing that is scaled to the pad, of the shorter side; as `pen.scale_to` leaves on a square
_SHOWN = 12  # characters whose bars and images still fit beside the pad


class DrawingPad(anywidget.AnyWidget):
    """A pad to draw on in the notebook.

    Parameters
    ----------
    width, height : int
        Of the pad, in pixels; a wide one, such as 800 x 200, invites words.
    half_width : float
        Half the width of the pen, in the same pixels.

    Attributes
    ----------
    strokes : list of list of [x, y]
        The drawing: x from the left, y down from the top. Observe it to follow the drawing; it changes once a stroke,
        when the pen lifts. Setting it draws.
    """

    _esm = _HERE / "pad.js"
    _css = _HERE / "pad.css"

    width = traitlets.Int(pen.PAD, min=1, max=LARGEST).tag(sync=True)
    height = traitlets.Int(pen.PAD, min=1, max=LARGEST).tag(sync=True)
    half_width = traitlets.Float(pen.HALF_WIDTH, min=0.1, max=WIDEST).tag(sync=True)
    strokes = traitlets.List().tag(sync=True)

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return "DrawingPad (run this cell to draw)"

    def ink(self) -> np.ndarray:
        """Return the drawing as float32 ink in [0, 1], shape (height, width), rendered by `hcr_lib.pen`."""
        return pen.render_page(self.strokes, (self.height, self.width), self.half_width)

    def replay(self, strokes: pen.Drawing) -> None:
        """Put stored strokes on the pad, as if they had just been drawn."""
        self.strokes = [np.asarray(stroke, dtype=float).round(1).tolist() for stroke in strokes]

    def show_strokes(self, strokes: pen.Drawing) -> None:
        """Put strokes in any unit on the pad, such as ``dataset[0]`` of a `datasets.StrokeDataset`, scaled to fit."""
        shape = (self.height, self.width)
        self.replay(pen.scale_to(strokes, shape, _MARGIN * min(shape)))

    def clear(self) -> None:
        """Remove everything from the pad."""
        self.strokes = []

    def save(self, target: str | os.PathLike, label: str, writer: str | None = None) -> Path:
        """Save the drawing, for a data set of your own, and return the path of the file.

        Parameters
        ----------
        target : path
            A folder, for a picture: it goes into a folder for its class inside, ``A/`` or ``a_lower/`` (many file
            systems take ``A`` and ``a`` for one name), itself inside the writer's, if one is given, as black ink on
            white paper under a number of its own. Or a ``.jsonl`` file, to which the strokes are added: see
            `datasets.save_drawing`. ``datasets.load(target)`` reads either.
        label : str
            The character that was drawn.
        writer : str, optional
            Who drew it: a name, or better a made-up one.

        Raises
        ------
        ValueError
            If nothing is drawn, `label` is no single digit or letter, or `writer` cannot name a folder.
        """
        ensure_choice(label, BYCLASS, name="label")
        if not self.strokes:
            raise ValueError("the pad is empty; expected a drawing to save. Draw something first.")
        target = Path(target)
        if target.suffix == ".jsonl":
            return save_drawing(target, self.strokes, label, writer, half_width=self.half_width)
        if writer is not None:
            if not writer or writer.startswith(".") or writer != Path(writer).name:
                raise ValueError(f"writer must be a name that a folder can have, such as 'ada'; got {writer!r}.")
            target /= writer
        home = target / (f"{label}_lower" if label.islower() else label)
        home.mkdir(parents=True, exist_ok=True)
        number = 1 + max((int(path.stem) for path in home.glob("*.png") if path.stem.isdecimal()), default=0)
        path = home / f"{number:04d}.png"
        Image.fromarray((255 * (1 - self.ink())).round().astype("uint8")).save(path)
        return path


class PadPanel(_demo.Panel, ipywidgets.HBox):
    """A drawing pad and widgets beside it, which `show` renews whenever the pen lifts."""

    def __init__(self, pad: DrawingPad, *beside: ipywidgets.Widget) -> None:
        super().__init__(f"{type(self).__name__} (run this cell to draw)")
        self.pad = pad
        side = ipywidgets.VBox([self.message, *beside, self.picture], layout={"min_width": "200px"})
        self.children, self.layout = [pad, side], {"flex_flow": "row wrap", "grid_gap": "24px"}
        pad.observe(lambda _change: self.carefully(self.show), names="strokes")

    def show(self) -> None:
        """Renew what stands beside the pad; an exception is shown in the message."""
        raise NotImplementedError

    def replay(self, strokes: pen.Drawing) -> None:
        """Put stored strokes on the pad, as if they had just been drawn; needs no browser."""
        self.pad.replay(strokes)

    def show_strokes(self, strokes: pen.Drawing) -> None:
        """Put strokes in any unit on the pad, scaled to fit; see `DrawingPad.show_strokes`."""
        self.pad.show_strokes(strokes)


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
        pad = DrawingPad(width=width, height=height, half_width=half_width)
        super().__init__(pad, ipywidgets.HTML("What the network sees:"))
        self.recognizer, self.mode, self.reading = recognizer, mode, None
        self.message.add_class("hcr-result").value = _INVITATION
        self.picture.value = to_png(_BLANK)
        self.picture.layout = {"align_self": "flex-start", "border": "1px solid gray"}
        recognizer.predict(_BLANK[None])  # the first call is slow; make it before the first stroke

    @property
    def strokes(self) -> list:
        """The drawing; see `DrawingPad`."""
        return self.pad.strokes

    def replay(self, strokes: pen.Drawing) -> "Reading | None":
        """Put stored strokes on the pad and return their reading, as for a drawing; needs no browser."""
        super().replay(strokes)
        return self.reading

    def show_strokes(self, strokes: pen.Drawing) -> "Reading | None":
        """Put strokes in any unit on the pad, scaled to fit, and return their reading; needs no browser."""
        super().show_strokes(strokes)
        return self.reading

    def save(self, target: str | os.PathLike, label: str, writer: str | None = None) -> Path:
        """Save the drawing as a picture or as strokes; see `DrawingPad.save`."""
        return self.pad.save(target, label, writer)

    def show(self) -> None:
        """Read the drawing."""
        self.reading, self.picture.value = None, to_png(_BLANK)
        if not self.pad.strokes:
            self.message.value = _INVITATION
            return
        reading = self.recognizer.read(self.pad.ink(), mode=self.mode)
        seen = np.hstack([one.image for one in reading.characters[:_SHOWN]])
        self.message.value, self.picture.value, self.reading = describe(reading), to_png(seen), reading


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
    return _demo.png(ImageOps.scale(paper, scale, Image.Resampling.NEAREST))
