"""A drawing pad for mouse, finger and pen, and one that reads along."""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import numpy as np
import traitlets
from PIL import Image

from hcr_lib import images, pen
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import save_drawing
from hcr_lib.handwriting import random_style, write
from hcr_lib.labels import BYCLASS
from hcr_lib.widgets import _engine

if TYPE_CHECKING:
    from hcr_lib.recognizer import Reading, Recognizer

_HERE = Path(__file__).parent
_MODULES = ("dom", "drawing", "link", "surface", "panel", "game", "pad")  # each imports from those before it
_BLANK = np.zeros((images.SIZE, images.SIZE), "uint8")
_MARGIN = 0.15  # around a drawing that is scaled to the pad, of the shorter side; as `pen.scale_to` leaves on a square
#: What shows in the place of a pad where no kernel is, in a notebook's HTML: ``data/pad.html``, found from the lessons
#: as from a learner's copies. `hcr_lib.research.pad_page` makes it.
WITHOUT_KERNEL = (
    '<p>No Python is running here. <a href="../data/pad.html">This pad</a> reads single characters in your browser; '
    "words need the lesson in Jupyter.</p>\n"
    '<iframe src="../data/pad.html" title="A pad that reads single characters in the browser" loading="lazy" '
    'style="width: 100%; height: 640px; border: 0"></iframe>'
)
SAMPLES = ("paper", "hello", "seven", "lemon", "garden", "number", "green", "winter")  #: words to try


def bundle() -> str:
    """Return the browser's half of the pads as one module."""
    texts = ((_HERE / "js" / f"{name}.js").read_text(encoding="utf-8") for name in _MODULES)
    return re.sub(r"(?m)^import .*\n", "", "\n".join(texts))


def css() -> str:
    """Return the style sheet of the pads."""
    return (_HERE / "pad.css").read_text(encoding="utf-8")


_last: list[tuple[pen.Drawing, tuple[int, int], float]] = []  # drawn on any pad: strokes, shape, half a pen


def last_drawing() -> np.ndarray | None:
    """Return the ink of what was last drawn on any pad of this process, also if it was cleared; None if nothing was."""
    return pen.render_page(*_last[0]) if _last else None


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
    live : bool
        Whether the drawing arrives while the pen moves, too, some five times a second.
    strokes : list of list of [x, y]
        The drawing: x from the left, y down from the top. Observe it to follow the drawing; it changes once a stroke,
        when the pen lifts, unless the pad is `live`. Setting it draws.
    """

    _esm = bundle()
    _css = _HERE / "pad.css"

    width = traitlets.Int(pen.PAD, min=1, max=_engine.LARGEST).tag(sync=True)
    height = traitlets.Int(pen.PAD, min=1, max=_engine.LARGEST).tag(sync=True)
    half_width = traitlets.Float(pen.HALF_WIDTH, min=0.1, max=_engine.WIDEST).tag(sync=True, echo_update=False)
    live = traitlets.Bool(False).tag(sync=True)
    # From the browser only what is new arrives, by messages; what was drawn there is not sent back.
    strokes = traitlets.List().tag(sync=True, echo_update=False)
    panel = traitlets.Unicode("").tag(sync=True)  # what the browser shows beside the pad
    answer = traitlets.Dict().tag(sync=True)  # to the last message, and what is shown there

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._inbox, self._settled = _engine.Inbox(), True
        self._number: int | None = None  # of the message that is being answered
        # JupyterLab calls observers in a thread of their own, even while a cell is running.
        self._one_at_a_time = threading.RLock()
        self.on_msg(self._receive)
        self.observe(self._remember, names="strokes")

    def _remember(self, _change: dict[str, Any]) -> None:
        if self.strokes:
            _last[:] = [(self.strokes, (self.height, self.width), self.half_width)]

    def _receive(self, _widget: Any, message: dict[str, Any], _buffers: Any = None) -> None:
        """Act on a message of the browser, and answer it, whatever happens: no answer is a dead kernel."""
        with self._one_at_a_time:
            self._number, more = message.get("number"), {}
            try:
                more = self._obey(message)
            except _engine.OutOfStepError:
                more = {"again": True}
            except Exception as error:  # Jupyter hides it
                more = {"error": str(error) or type(error).__name__}
            self._publish(**more)
            self._number = None

    def _obey(self, message: dict[str, Any]) -> dict[str, Any]:
        """Do what a message asks for, and return what is to be answered besides."""
        if message.get("op") != "draw":
            raise ValueError(f"a pad cannot do {message.get('op')!r}.")
        drawn, self._settled = self._inbox.take(message), bool(message.get("settled", True))
        self.set_state({"half_width": message.get("half_width", self.half_width), "strokes": drawn})
        return {}

    def _publish(self, **more: Any) -> None:
        self.answer = {"number": self._number, **more}

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
            `datasets.save_drawing`. ``datasets.load(target)`` reads either. A word is always kept as strokes, for
            `datasets.read_drawings`: with a folder, in the file of the folder's name and ``.jsonl`` beside it.
        label : str
            The character that was drawn, or the word.
        writer : str, optional
            Who drew it: a name, or better a made-up one.

        Raises
        ------
        ValueError
            If nothing is drawn, `label` is neither a digit or letter nor a word, or `writer` cannot name a folder.
        """
        if len(label) < 2:
            ensure_choice(label, BYCLASS, name="label")
        if not self.strokes:
            raise ValueError("the pad is empty; expected a drawing to save. Draw something first.")
        target = Path(target)
        if len(label) > 1 and target.suffix != ".jsonl":
            target = target.with_name(f"{target.name}.jsonl")
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


class ReadingPad(DrawingPad):
    """A drawing pad with what the recognizer reads beside it, while the pen moves and when it lifts.

    In the browser it also collects a text, offers likely words, and saves drawings; see the tooltips there.

    Parameters
    ----------
    recognizer : Recognizer
        Anything with its `read_ink`, `predict` and `classes`.
    mode : str
        As for `Recognizer.read`: ``"char"``, ``"word"``, ``"page"`` or ``"auto"``.
    width, height, half_width : int, int, float
        As for `DrawingPad`; by default, the smaller the pad, the thinner its pen.
    save_to : path
        Where the button saves drawings to; see `DrawingPad.save`.
    writer : str, optional
        Who draws, for the same.
    seed : int, optional
        Decides the samples.

    Attributes
    ----------
    guess : hcr_lib.widgets._engine.Guess
        What is shown of the newest drawing.
    reading : Reading or None
        The newest reading; None when the pad is empty or the drawing could not be read.
    text : str
        What was accepted so far.
    """

    live = traitlets.Bool(True).tag(sync=True)
    panel = traitlets.Unicode("reading").tag(sync=True)
    mode = traitlets.Enum(("auto", "char", "word", "page"), "auto").tag(sync=True)

    def __init__(
        self,
        recognizer: "Recognizer",
        mode: str = "auto",
        *,
        width: int = pen.PAD,
        height: int = pen.PAD,
        half_width: float | None = None,
        save_to: str | os.PathLike = "my_drawings",
        writer: str | None = None,
        seed: int | None = None,
    ) -> None:
        if half_width is None:  # 10 pixels would fill the loops of a word on a low pad
            half_width = pen.HALF_WIDTH * min(1.0, width / pen.PAD, height / pen.PAD)
        super().__init__(width=width, height=height, half_width=half_width, mode=mode)
        self.recognizer, self.save_to, self.writer = recognizer, Path(save_to), writer
        self.text, self.guess, self._error = "", _engine.Guess(), ""
        self._corrections: list[tuple[list[int], str]] = []
        self._samples = np.random.default_rng(seed)
        recognizer.predict(_BLANK[None])  # the first call is slow; make it before the first stroke
        if mode != "char":
            recognizer.read_ink(pen.render([[[100, 100], [100, 300]], [[300, 100], [300, 300]]]), mode)
            _engine.Text("", "a", whole_words=True).completions()
        self.observe(self._follow, names=("strokes", "half_width", "mode"))

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return f"{type(self).__name__} (run this cell to draw)"

    def _repr_mimebundle_(self, **kwargs: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """Show as the widget, and where there is no kernel as the pad that needs none."""
        shown, how = super()._repr_mimebundle_(**kwargs)
        return {**shown, "text/html": WITHOUT_KERNEL}, how

    @property
    def reading(self) -> "Reading | None":
        """The newest reading; see the class."""
        return self.guess.reading

    def replay(self, strokes: pen.Drawing) -> "Reading | None":
        """Put stored strokes on the pad and return their reading, as for a drawing; needs no browser."""
        super().replay(strokes)
        return self.reading

    def show_strokes(self, strokes: pen.Drawing) -> "Reading | None":
        """Put strokes in any unit on the pad, scaled to fit, and return their reading; needs no browser."""
        super().show_strokes(strokes)
        return self.reading

    def sample(self) -> "Reading | None":
        """Put a synthetic writer's character or word on the pad and return its reading."""
        chars = [char for char in self.recognizer.classes if char in BYCLASS]
        texts = chars if self.mode == "char" or not {*"AB"} <= {*chars} else SAMPLES
        text = texts[self._samples.integers(len(texts))]
        return self.show_strokes(write(text, random_style(self._samples), self._samples))

    def _follow(self, _change: Any) -> None:
        with self._one_at_a_time:
            self._has_read = True
            if self._number is None:
                self._settled = True
            try:
                self._read()
            except Exception as error:  # Jupyter hides an observer's errors
                self.guess, self._error = _engine.Guess(), str(error) or type(error).__name__
            if self._number is None:
                self._publish()

    def _read(self) -> None:
        self._error = ""
        if not self.strokes:
            self._corrections = []
        shape, settled = (self.height, self.width), self._settled
        found = _engine.guess(self.recognizer, self.strokes, shape, self.half_width, self.mode, settled=settled)
        self.guess = _engine.corrected(found, self._corrections)

    def _text(self) -> _engine.Text:
        """Return the text so far, and what is on the pad."""
        whole_words = self.mode != "char" and (self.mode != "auto" or len(self.guess.text) > 1)
        capitals = not any(char.islower() for char in self.recognizer.classes)
        return _engine.Text(self.text, self.guess.text, whole_words, capitals)

    def _publish(self, **more: Any) -> None:
        shown = {**self.guess.to_dict(), "settled": self._settled, "mode": self.mode, "text": self.text}
        text = self._text()
        if text.whole_words or self.text:  # otherwise the words, which take memory, may never be needed
            shown |= {"completions": text.completions(), "following": text.following()}
        super()._publish(**{**shown, "error": self._error, **more})

    def _obey(self, message: dict[str, Any]) -> dict[str, Any]:
        acts: dict[str, Callable[[], Any]] = {
            "accept": lambda: self._accept(self._text().accepted()),
            "take": lambda: self._take(str(message["word"]), bool(message["completes"])),
            "text": lambda: self._write(str(message["text"])),
            "correct": lambda: self._correct(int(message["letter"]), str(message["char"])),
            "sample": self.sample,
            "mode": lambda: self.set_state({"mode": message["mode"]}),
        }
        if (op := message.get("op")) in acts:
            self._settled = True
            acts[op]()
            return {}
        if op == "save":
            return {"saved": f"saved as {self.save(self.save_to, str(message['label']), self.writer)}"}
        self._has_read = False
        answer = super()._obey(message)
        if self._settled and not self._has_read and self.mode == "char":
            self._follow(None)  # no point was added since the last reading, which did not ask whether there are several
        return answer

    def _take(self, word: str, completes: bool) -> None:
        text = self._text()
        self._accept(text.completed(word) if completes else text.followed_by(word))

    def _accept(self, text: str) -> None:
        self._write(text)
        self.clear()

    def _write(self, text: str) -> None:
        self.text = text[-_engine.LONGEST_TEXT :]

    def _correct(self, letter: int, char: str) -> None:
        if not 0 <= letter < len(self.guess.letters) or len(char) != 1 or char.isspace():
            raise ValueError(f"expected a letter on the pad, and one character for it; got {letter} and {char!r}.")
        self._corrections.append((self.guess.letters[letter]["box"], char))
        self.guess = _engine.corrected(self.guess, self._corrections)
