"""What the slider demos share: controls, one picture that follows them, and a line for what went wrong."""

import contextlib
import html
import io
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

#: For what differs from the rule; the words beside it say the same.
RED = (213, 94, 0)
BLACK, GREY = (0, 0, 0), (170, 170, 170)
#: How every control looks, and a button below controls; three stand side by side in a notebook.
LOOK = {"style": {"description_width": "80px"}, "layout": {"width": "296px"}}
BUTTON = {"layout": {"width": "206px", "margin": "2px 2px 2px 84px"}}


class Demo(ipywidgets.VBox):
    """Controls, and below them the picture that `paint` makes of their values.

    Parameters
    ----------
    name : str
        What it is called where no widget renders.
    controls : mapping of str to widget
        Each hands its value to `paint` under its name; whenever one changes, the picture is painted again.
    columns : sequence of sequences of widgets
        How the controls are laid out, with any other widgets.
    """

    def __init__(
        self,
        name: str,
        controls: Mapping[str, ipywidgets.Widget],
        columns: Sequence[Sequence[ipywidgets.Widget]],
    ) -> None:
        self._name, self.controls = name, dict(controls)
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self.message = ipywidgets.HTML()
        # JupyterLab calls observers in a thread of their own, also while a cell is running.
        self._one_at_a_time, self._held = threading.RLock(), False
        boxes = [ipywidgets.VBox(list(column)) for column in columns]
        head = ipywidgets.HBox(boxes, layout={"flex_flow": "row wrap"})
        super().__init__([head, self.picture, self.message])
        for control in self.controls.values():
            control.observe(self._repaint, names="value")
        self._repaint()

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return f"{self._name} (run this cell to move the sliders)"

    def paint(self, **settings: Any) -> bytes:
        """Return the picture for the values of the controls, as a PNG."""
        raise NotImplementedError

    def put(self, **values: Any) -> None:
        """Set several controls, and paint once."""
        with self._one_at_a_time:
            with self._held_back():
                for name, value in values.items():
                    self.controls[name].value = value
            self._repaint()

    @contextlib.contextmanager
    def _held_back(self) -> Iterator[None]:
        """Paint nothing meanwhile."""
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _repaint(self, _change: dict | None = None) -> None:
        """Paint. What fails must be shown here, for Jupyter hides an observer's errors; the old picture stays."""
        with self._one_at_a_time:
            if self._held:
                return
            try:
                self.picture.value = self.paint(**{name: control.value for name, control in self.controls.items()})
                self.message.value = ""
            except Exception as error:
                self.message.value = html.escape(str(error) or type(error).__name__)


def slider(value: float, low: float, high: float, step: float, label: str) -> ipywidgets.Widget:
    """Return a slider like all the others; over whole numbers where its step is one."""
    kind = ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider
    return kind(value, min=low, max=high, step=step, description=label, **LOOK)


def text(drawing: ImageDraw.ImageDraw, at: tuple[float, float], words: str, size: int = 13, **look: Any) -> None:
    """Write a caption whose middle lies `at` (x, y)."""
    drawing.text(at, words, **{"font": ImageFont.load_default(size), "fill": BLACK, "anchor": "mm", **look})


def put_tile(
    sheet: Image.Image, ink: npt.ArrayLike, x: int, y: int, side: int, frame: tuple[int, int, int] = GREY
) -> None:
    """Draw ink, float in [0, 1] or uint8, as black on white in a square of the sheet; a red frame is thick."""
    ink = np.asarray(ink)
    ink = ink if ink.dtype == np.uint8 else (255 * ink).round().astype("uint8")
    height, width = ink.shape
    scale = (side - 4) / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    left, top = x + (side - size[0]) // 2, y + (side - size[1]) // 2
    line = 2 if frame == RED else 1
    corners = (left - line, top - line, left + size[0] + line - 1, top + size[1] + line - 1)
    ImageDraw.Draw(sheet).rectangle(corners, outline=frame, width=line)
    sheet.paste(Image.fromarray(255 - ink).resize(size, how), (left, top))


def blank_sheet(width: int, height: int) -> Image.Image:
    """Return white paper."""
    return Image.new("RGB", (width, height), "white")


def to_bytes(sheet: Image.Image) -> bytes:
    """Return a sheet as a PNG."""
    file = io.BytesIO()
    sheet.save(file, format="PNG")
    return file.getvalue()
