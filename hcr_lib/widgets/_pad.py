"""A drawing pad for mouse, finger and pen."""

import os
import threading
from pathlib import Path

import anywidget
import ipywidgets
import numpy as np
import traitlets
from PIL import Image

from hcr_lib import pen
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import save_drawing
from hcr_lib.labels import BYCLASS
from hcr_lib.widgets import _demo

LARGEST, WIDEST = 2_000, 100  #: pixels across or down, and of half a pen: as much as `save_drawing` takes
_HERE = Path(__file__).parent


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

    def clear(self) -> None:
        """Remove everything from the pad."""
        self.strokes = []

    def save(self, target: str | os.PathLike, label: str, writer: str | None = None) -> Path:
        """Save the drawing, for a data set of your own.

        Parameters
        ----------
        target : path
            A folder, for a picture: it goes into a folder for its class inside, ``A/`` or ``a_lower/`` (many file
            systems take ``A`` and ``a`` for one name), itself inside the writer's, if one is given. Or a ``.jsonl``
            file, to which the strokes are added: see `datasets.save_drawing`. ``datasets.load(target)`` reads either.
        label : str
            The character that was drawn.
        writer : str, optional
            Who drew it: a name, or better a made-up one.

        Returns
        -------
        Path
            The picture, black ink on white paper under a number of its own; or the file.

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


class PadPanel(ipywidgets.HBox):
    """A drawing pad and widgets beside it, which `show` renews whenever the pen lifts; `message` is for errors."""

    def __init__(self, pad: DrawingPad, message: ipywidgets.HTML, *beside: ipywidgets.Widget) -> None:
        self.pad, self._message = pad, message
        side = ipywidgets.VBox(beside, layout={"min_width": "200px"})
        super().__init__([pad, side], layout={"flex_flow": "row wrap", "grid_gap": "24px"})
        # JupyterLab calls observers in a thread of their own, even while a cell is running.
        self._one_at_a_time = threading.Lock()
        pad.observe(self._follow, names="strokes")

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return f"{type(self).__name__} (run this cell to draw)"

    def show(self) -> None:
        """Renew what stands beside the pad; an exception is shown in the message."""
        raise NotImplementedError

    def replay(self, strokes: pen.Drawing) -> None:
        """Put stored strokes on the pad, as if they had just been drawn; needs no browser."""
        self.pad.replay(strokes)

    def _follow(self, _change: dict | None = None) -> None:
        with self._one_at_a_time, _demo.errors_in(self._message):
            self.show()
