"""What the demos share: controls, one picture that follows them, a place for errors, and parts to make pictures of.

Pictures are drawn with Pillow: a repaint takes a fifth of Matplotlib's time, and a slider has to feel immediate.
"""

import contextlib
import html
import io
import itertools
import math
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets
import numpy as np
import numpy.typing as npt
import traitlets
from PIL import Image, ImageDraw, ImageFont, ImageOps

#: For what differs from the rule; the words beside it say the same.
RED = (213, 94, 0)
BLACK, GREY = (0, 0, 0), (170, 170, 170)


class Guard(anywidget.AnyWidget):
    """Invisible; where it stands among the controls of a box, no key on them reaches the notebook, and all have names.

    Attributes
    ----------
    alts : list of str
        What each picture of the box shows, for those who cannot see it.
    """

    _esm = Path(__file__).parent / "js" / "guard.js"

    alts = traitlets.List(traitlets.Unicode()).tag(sync=True)


class Panel(ipywidgets.Box):
    """Widgets with one picture that follows them, and a message for errors; where none renders, it is `words`."""

    def __init__(self, words: str) -> None:
        self._words = words
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self.message, self.guard = ipywidgets.HTML(), Guard(alts=[words.partition(" (")[0]])
        self.message.add_class("hcr-message")
        # JupyterLab calls observers in a thread of their own, even while a cell is running.
        self._one_at_a_time = threading.RLock()
        super().__init__()

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return self._words

    def carefully(self, act: Callable[[], None]) -> None:
        """Let a function act when no other does; show its exception, for Jupyter hides an observer's errors."""
        with self._one_at_a_time:
            try:
                act()
            except Exception as error:
                self.say(str(error) or type(error).__name__)

    def say(self, words: str) -> None:
        """Show a message."""
        self.message.value = html.escape(words)


class Demo(Panel, ipywidgets.VBox):
    """Controls, in three columns, and below them the picture that `paint` makes of their values, by their names.

    It is painted again whenever one of them changes; after an error the old picture stays, and the message stands below
    the control that is `beside` it. Buttons among them have no value to paint; one more puts all back to the beginning.
    """

    def __init__(
        self, name: str, paint: Callable[..., bytes], controls: dict[str, ipywidgets.Widget], beside: str
    ) -> None:
        super().__init__(f"{name} (run this cell to move the sliders)")
        self._name, self._paint, self._held = name, paint, False
        # As high as two lines at all times: what is below must not jump.
        self.message.layout = {"width": "292px", "min_height": "36px", "margin": "0 0 0 8px"}
        reset = button("Reset", lambda: self.put(**self._first), "Put everything back to how it was at first.")
        self.controls = {**controls, "reset": reset}
        slots = [[each, self.message] if name == beside else [each] for name, each in self.controls.items()]
        columns = _chunks(slots, math.ceil(len(slots) / 3))
        boxes = [ipywidgets.VBox([*itertools.chain.from_iterable(column)]) for column in columns]
        rows = ipywidgets.HBox(boxes, layout={"flex_flow": "row wrap"})
        self.children = [rows, self.picture, self.guard]
        self._first = self.settings
        for name in self.settings:
            self.controls[name].observe(self._follow, names="value")
        self._follow()

    @property
    def settings(self) -> dict[str, Any]:
        """The values to paint."""
        silent = ipywidgets.Button | ipywidgets.FileUpload | ipywidgets.Play
        return {name: control.value for name, control in self.controls.items() if not isinstance(control, silent)}

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Paint once, when all is changed, however many controls are."""
        with self._one_at_a_time:
            before, self._held = self._held, True
            try:
                yield
            finally:
                self._held = before
            self._follow()

    def put(self, **values: Any) -> None:
        """Set several controls, and paint once."""
        with self.held():
            for name, value in values.items():
                self.controls[name].value = value

    def _follow(self, _change: dict | None = None) -> None:
        self.carefully(self._repaint)

    def _repaint(self) -> None:
        if not self._held:
            settings = self.settings
            self.picture.value = self._paint(**settings)
            named = (f"{self.controls[name].description} {_shown(self.controls[name])}" for name in settings)
            self.guard.alts = [f"{self._name}: {', '.join(named)}", *self.guard.alts[1:]]
            self.message.value = ""


def _shown(made: ipywidgets.ValueWidget) -> str:
    """Return a control's value as it reads beside it."""
    return getattr(made, "label", f"{made.value:g}" if isinstance(made.value, float) else str(made.value))


#: Of a button among controls, below their values.
ALIGNED = {"width": "206px", "margin": "2px 2px 2px 84px"}


def control(label: str, what: Any, *value: Any, tip: str) -> ipywidgets.ValueWidget:
    """Return a control like all the others, of which three stand side by side in a notebook; `tip` says what it does.

    It is made of `what` `ipywidgets.interactive` takes: (lowest, highest, step) for a slider, whose first value may
    follow; options for a choice; True or False for a box to tick; a text; or a widget.
    """
    made = ipywidgets.interactive.widget_from_abbrev(what, *value)
    made.description, made.style.description_width, made.layout.width, made.tooltip = label, "80px", "296px", tip
    return made


def button(label: str, press: Callable[[], None], tip: str) -> ipywidgets.Button:
    """Return a button that calls `press`; `tip` says what that does."""
    made = ipywidgets.Button(description=label, tooltip=tip, layout=ALIGNED)
    made.on_click(lambda _button: press())
    return made


class Sheet:
    """White paper to draw a picture on, with `draw` for Pillow's own shapes; lengths are pixels."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("RGB", (width, height), "white")
        self.draw = ImageDraw.Draw(self.image)

    def text(self, x: float, y: float, words: str, size: int = 13, anchor: str = "mm", fill: tuple = BLACK) -> None:
        """Write a caption around (x, y), or with another of Pillow's anchors."""
        self.draw.text((x, y), words, font=ImageFont.load_default(size), fill=fill, anchor=anchor, align="center")


def tile(ink: npt.ArrayLike, side: int, frame: tuple = GREY) -> Image.Image:
    """Return ink, float in [0, 1] or uint8, as black on white in a framed square; a red frame is thick."""
    ink = np.asarray(ink)
    ink = ink if ink.dtype == np.uint8 else (255 * ink).round().astype("uint8")
    scale = (side - 4) / max(ink.shape)
    height, width = (max(1, round(length * scale)) for length in ink.shape)
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
    line = 2 if frame == RED else 1
    framed = ImageOps.expand(Image.fromarray(255 - ink).resize((width, height), how).convert("RGB"), line, frame)
    square = Image.new("RGB", (side, side), "white")
    square.paste(framed, ((side - framed.width) // 2, (side - framed.height) // 2))
    return square


def caption(words: str, width: int, height: int = 24, anchor: str = "mm", **how: Any) -> Image.Image:
    """Return words on a line of paper: in the middle, or with anchor "lm" or "rm" at its left or right edge."""
    sheet = Sheet(width, height)
    sheet.text({"l": 3, "m": width // 2, "r": width - 3}[anchor[0]], height // 2, words, anchor=anchor, **how)
    return sheet.image


def join(pictures: Iterable[Image.Image], gap: int = 0, *, down: bool = False) -> Image.Image:
    """Lay pictures side by side, or below one another."""
    pictures, along = list(pictures), int(down)
    size = [max(picture.size[axis] for picture in pictures) for axis in (0, 1)]
    size[along] = sum(picture.size[along] + gap for picture in pictures) - gap
    joined, at = Image.new("RGB", tuple(size), "white"), [0, 0]
    for picture in pictures:
        joined.paste(picture, tuple(at))
        at[along] += picture.size[along] + gap
    return joined


def grid(pictures: Iterable[Image.Image], columns: int, gap: int) -> Image.Image:
    """Lay pictures in rows of so many."""
    return join((join(row, gap) for row in _chunks(pictures, columns)), gap, down=True)


def _chunks(things: Iterable, size: int) -> list[list]:
    things = list(things)
    return [things[start : start + size] for start in range(0, len(things), size)]


def png(image: Image.Image) -> bytes:
    """Encode a picture as a PNG."""
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
