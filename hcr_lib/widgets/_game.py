"""The game "draw a 7": characters are asked for, timed and scored, and what was drawn becomes a test set."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import traitlets

from hcr_lib import images, labels, metrics
from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import Dataset, save_drawing
from hcr_lib.widgets._pad import ReadingPad

if TYPE_CHECKING:
    import pandas as pd

    from hcr_lib.recognizer import Recognizer

TURNS = 20
LIMIT = 20.0  #: seconds for a character
POINTS, QUICK = 10, 10  #: for a character that was read right, and one more for each second under so many
_AN = "AEFHILMNORSX8"  # letters and digits whose names begin with a vowel


@dataclass(frozen=True)
class Turn:
    """A character that was asked for, as which it was read, in how many seconds, and how it was drawn."""

    asked: str
    read: str
    seconds: float
    strokes: list
    half_width: float
    image: np.ndarray

    @property
    def points(self) -> int:
        """What it earns."""
        return POINTS + max(0, QUICK - int(self.seconds)) if self.asked == self.read else 0


class Game:
    """The rules: which characters are asked for, and what has been drawn.

    Parameters
    ----------
    chars : str
        To be asked for, each as often as the others, in random order.
    classes : str
        As which they may be read; all of `chars`, and perhaps more.
    turns : int
    rng : numpy.random.Generator

    Attributes
    ----------
    turns : list of Turn
        What has been drawn.

    Examples
    --------
    >>> from hcr_lib import pen
    >>> game = Game("7", "17", turns=2, rng=np.random.default_rng(0))
    >>> ink = pen.render([[[100, 100], [300, 100], [200, 300]]])
    >>> for read in "17":
    ...     _ = game.judge(read, 3.5, [[[100, 100], [300, 100], [200, 300]]], 10.0, ink)
    >>> game.asked, game.right, game.points, game.confusion().loc["7"].tolist()
    (None, 1, 17, [1, 1])
    >>> game.dataset()
    <Dataset: 2 images of 2 classes '17', from the drawing game>
    """

    def __init__(self, chars: str, classes: str, turns: int, rng: np.random.Generator) -> None:
        if not chars or not {*chars} <= {*classes} & {*labels.BYCLASS} or turns < 1:
            raise ValueError(
                f"the game asks for letters and digits that the reader knows, at least once; got {chars!r}, {turns} "
                f"turns and a reader of {classes!r}."
            )
        rounds = -(-turns // len(chars))
        self._order = [chars[k] for _ in range(rounds) for k in rng.permutation(len(chars))][:turns]
        self.classes, self.of, self.turns, self.skipped = classes, turns, [], 0

    @property
    def asked(self) -> str | None:
        """The character to be drawn now; None when all are."""
        left = self._order[len(self.turns) :]
        return left[0] if left else None

    @property
    def right(self) -> int:
        """How many were read as what was asked for."""
        return sum(turn.asked == turn.read for turn in self.turns)

    @property
    def points(self) -> int:
        """All that was earned."""
        return sum(turn.points for turn in self.turns)

    def skip(self) -> None:
        """Put what is asked for off to the end."""
        played = len(self.turns)
        self._order.append(self._order.pop(played))
        self.skipped += 1

    def judge(self, read: str, seconds: float, strokes: list, half_width: float, ink: np.ndarray) -> Turn:
        """Take a drawing for what is asked for, and ask for the next."""
        ensure_choice(read, self.classes, name="read")
        turn = Turn(self.asked, read, max(0.0, float(seconds)), strokes, half_width, images.ink_to_mnist(ink))
        self.turns.append(turn)
        return turn

    def dataset(self, writer: str | None = None) -> Dataset:
        """Return what was drawn as a data set; its labels are what was asked for."""
        stored = np.array([turn.image for turn in self.turns], "uint8").reshape(-1, images.SIZE, images.SIZE)
        wanted = np.array([self.classes.index(turn.asked) for turn in self.turns], int)
        writers = None if writer is None else np.array([writer] * len(wanted))
        return Dataset(stored, wanted, self.classes, "the drawing game", writers=writers)

    def confusion(self) -> "pd.DataFrame":
        """Return how often what was asked for (rows) was read as what (columns)."""
        import pandas as pd

        columns = [[self.classes.index(char) for char in (turn.asked, turn.read)] for turn in self.turns]
        matrix = metrics.confusion(*np.array(columns, int).reshape(-1, 2).T, len(self.classes))
        return pd.DataFrame(matrix, index=list(self.classes), columns=list(self.classes))

    def save(self, path: str | os.PathLike, writer: str | None = None) -> Path:
        """Append what was drawn to a file of drawings, a test set of one's own: see `datasets.save_drawing`."""
        if not self.turns:
            raise ValueError("nothing has been drawn yet; expected a game. Play first.")
        for turn in self.turns:
            save_drawing(path, turn.strokes, turn.asked, writer, half_width=turn.half_width)
        return Path(path)


class DrawingGame(ReadingPad):
    """The game "draw a 7" on a pad: draw what is asked for; it counts when the pen has rested for a moment.

    Parameters
    ----------
    recognizer : Recognizer
        Of the alphabet in question: one of digits takes no bar for an I.
    chars : str
        What is asked for.
    turns : int
        How often.
    seed : int, optional
        Decides the order.
    save_to : path
        A ``.jsonl`` file, where the button adds what was drawn to your test set; `datasets.load` reads it.
    writer : str, optional
        Who plays, for the same.
    **settings
        As for `DrawingPad`.

    Attributes
    ----------
    game : Game
        The present game, or the last one: its `dataset`, its `confusion` table, and `save`.
    """

    panel = traitlets.Unicode("game").tag(sync=True)

    def __init__(
        self,
        recognizer: "Recognizer",
        chars: str = labels.DIGITS,
        turns: int = TURNS,
        *,
        seed: int | None = None,
        save_to: str | os.PathLike = "my_test_set.jsonl",
        writer: str | None = None,
        **settings: Any,
    ) -> None:
        self._settings, self._rng = (chars, recognizer.classes, turns), np.random.default_rng(seed)
        self.game, self._running, self._last = Game(*self._settings, self._rng), False, ""
        super().__init__(recognizer, "char", save_to=save_to, writer=writer, seed=seed, **settings)

    def _publish(self, **more: Any) -> None:
        asked = self.game.asked if self._running else None
        shown = {
            "ask": asked or "",
            "article": "an" if (asked or "").upper() in {*_AN} else "a",
            "turn": len(self.game.turns) + self.game.skipped,
            "played": len(self.game.turns),
            "of": self.game.of,
            "right": self.game.right,
            "points": self.game.points,
            "limit": LIMIT,
            "last": self._last,
        }
        super()._publish(game=shown, **more)

    def _obey(self, message: dict[str, Any]) -> dict[str, Any]:
        if message.get("op") == "draw":
            return super()._obey(message)
        if message.get("op") != "game":  # neither samples nor corrections: the drawings become a test set
            raise ValueError(f"a game knows no {message.get('op')!r}; expected a drawing.")
        acts: dict[str, Callable[[], None]] = {"start": self._start, "skip": self._skip, "save": self._keep}
        acts["judge"] = lambda: self._judge(float(message["seconds"]))
        acts[ensure_choice(message.get("act"), tuple(acts), name="act")]()
        return {}

    def _start(self) -> None:
        self.game, self._running, self._last = Game(*self._settings, self._rng), True, ""
        self.clear()

    def _skip(self) -> None:
        if self._running:
            self.game.skip()
            self.clear()

    def _judge(self, seconds: float) -> None:
        if not self._running:
            return
        asked, read = self.game.asked, self.guess.text
        if read not in self.game.classes or not read:
            self.game.skip()
            self._last = f"Nothing was drawn that could be a character; {asked} comes again."
        else:
            turn = self.game.judge(read, seconds, self.strokes, self.half_width, self.ink())
            said = f"right, {turn.points} points" if turn.points else f"read as {read}"
            self._last = f"{asked}: {said} ({seconds:.1f} s)."
        if self.game.asked is None:
            self._running = False
            self._last += f" The end: {self.game.right} of {self.game.of} right, {self.game.points} points."
        self.clear()

    def _keep(self) -> None:
        self._last = f"Added {len(self.game.turns)} drawings to {self.game.save(self.save_to, self.writer)}."
