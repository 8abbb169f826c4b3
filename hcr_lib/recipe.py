"""The recipe of ``hcr_lib.images`` with a switch per step, to see what each one does and what it is worth.

With every switch on, the result is that of `hcr_lib.images.to_mnist`, pixel for pixel. Lesson 02 leaves each step
out in turn: `xray` shows the picture after every step, `step_worth` counts the answers a reader loses.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from hcr_lib import images
from hcr_lib._validate import ensure_choice

if TYPE_CHECKING:
    import pandas as pd

#: Every step, in order, and what happens without it.
STEPS = {
    "light": "shadows stay: only the darkest and the lightest pixel are moved to 0 and 1",
    "polarity": "whatever is light counts as ink, as in a stored image; dark writing becomes a hole",
    "threshold": "greys stay grey, and the faintest mark counts as ink",
    "specks": "dust and crumbs of a neighbour stay",
    "crop": "the page is scaled with all its paper, so the character gets small",
    "aspect": "the character is pulled to a square",
    "box": "the character fills all 28 pixels instead of 20",
    "stroke": "a thin pen stays thin, and fades as it shrinks",
    "centre": "the middle of the box comes to the middle of the image, wherever the ink is",
}

_ORDER = list(STEPS)
_FAINTEST = 1e-3  # without a threshold, anything above is ink


@dataclass(frozen=True)
class _Piece:
    """Ink, and where it lies on its page; a cropped piece is a page of its own."""

    ink: np.ndarray
    top: float
    left: float
    height: float
    width: float

    def page(self) -> np.ndarray:
        """Return the page with the ink on it."""
        page = np.zeros((max(1, round(self.height)), max(1, round(self.width))), "float32")
        # Rounding must not push the ink over an edge.
        top, left = (
            min(round(at), side - length)
            for at, side, length in zip((self.top, self.left), page.shape, self.ink.shape, strict=True)
        )
        page[top : top + self.ink.shape[0], left : left + self.ink.shape[1]] = self.ink
        return page

    def stretched(self, down: float, across: float) -> _Piece:
        """Return the page, and all that lies on it, stretched by two factors; its ink stays as it is."""
        return _Piece(self.ink, self.top * down, self.left * across, self.height * down, self.width * across)


def xray(
    picture: Image.Image | npt.ArrayLike,
    *,
    off: Collection[str] = (),
    threshold: float = images.THRESHOLD,
    min_stroke: float = images.MIN_STROKE,
) -> dict[str, np.ndarray]:
    """Return a picture after every step of the recipe.

    Parameters
    ----------
    picture : PIL.Image.Image or array_like
        As for `hcr_lib.images.to_gray`.
    off : collection of str
        Names of `STEPS` to leave out.
    threshold : float
        Ink at least this strong belongs to the character.
    min_stroke : float
        As for `hcr_lib.images.fit_box`.

    Returns
    -------
    dict of str to ndarray of float32
        ``"picture"`` and a picture for each of `STEPS`, in [0, 1], where 1 is ink; the first two as they look, with 1
        for black, so that their ink may be either. The last is called ``"28 x 28"`` and is just that.
        Threshold, specks and crop are shown in black and white; inside, soft edges are kept until the box.

    Raises
    ------
    hcr_lib.images.BlankImageError
        If no ink is left.
    ValueError
        If a step is unknown, or the threshold not between 0 and 1.

    Examples
    --------
    >>> page = np.full((300, 200), 255, np.uint8)
    >>> page[50:250, 90:110] = 0  # a big black 1 on white
    >>> [len(xray(page, off=off)["crop"]) for off in ([], ["crop"])]
    [200, 300]
    """
    run, off = _Run(picture, threshold, min_stroke), _checked(off)
    after = {step: run.after(step, off) for step in STEPS}

    def shown(page: np.ndarray) -> np.ndarray:
        return page if "threshold" in off else page >= images.THRESHOLD

    steps = {
        "picture": 1 - run.gray,
        "light": after["light"] if run.ink_is_dark else 1 - after["light"],
        "polarity": after["polarity"],
        "threshold": shown(after["threshold"]),
        "specks": shown(after["specks"]),
        "crop": shown(after["crop"].page()),
        "aspect": shown(after["aspect"].page()),
        "box": run.after("stroke", off | {"stroke"}),
        "stroke": after["stroke"],
        "28 x 28": after["centre"],
    }
    return {name: step.astype("float32") for name, step in steps.items()}


def step_worth(
    drawings: Sequence[Image.Image | npt.ArrayLike],
    labels: npt.ArrayLike,
    read: Callable[[np.ndarray], npt.ArrayLike],
    steps: Collection[str] = tuple(STEPS),
) -> pd.DataFrame:
    """Measure what each step of the recipe is worth: how many answers are lost where it is left out.

    Parameters
    ----------
    drawings : sequence of pictures
        Each as for `hcr_lib.images.to_gray`.
    labels : array_like, shape (n,)
        What they show: characters or numbers, as `read` answers.
    read : callable
        Takes uint8 images (n, 28, 28), returns n answers.
    steps : collection of str
        Which of `STEPS` to leave out, each on its own.

    Returns
    -------
    pandas.DataFrame
        A row for the whole recipe and for each step: `step`, `accuracy` without it, and what is `lost`, as shares of
        all drawings. A drawing of which nothing is left becomes a blank image.

    Raises
    ------
    ValueError
        If there are no drawings, not as many labels, answers of another kind or number, or an unknown step.

    Examples
    --------
    >>> low, high = np.full((40, 40), 255, "uint8"), np.full((40, 40), 255, "uint8")
    >>> low[30:36, 5:35] = high[5:35, 30:36] = 0  # a dash and a stem
    >>> def stands(stored):
    ...     return (stored > 0).any(axis=2).sum(axis=1) > 14
    >>> step_worth([low, high], [False, True], stands, steps=["crop", "aspect"])
               step  accuracy  lost
    0  whole recipe       1.0   0.0
    1          crop       1.0   0.0
    2        aspect       0.5   0.5
    """
    import pandas as pd  # here, because the widgets must not wait for it

    labels = np.asarray(labels)
    if not len(drawings) or labels.shape != (len(drawings),):
        raise ValueError(
            f"expected drawings and a label for each; got {len(drawings)} drawings, labels of shape {labels.shape}."
        )
    variants = {"whole recipe": frozenset(), **{step: _checked([step]) for step in steps}}
    stored = np.zeros((len(variants), len(drawings), images.SIZE, images.SIZE), "uint8")
    for number, drawing in enumerate(drawings):
        try:
            run = _Run(drawing)
        except images.BlankImageError:
            continue
        for target, off in zip(stored[:, number], variants.values(), strict=True):
            with contextlib.suppress(images.BlankImageError):
                target[:] = (run.after("centre", off) * 255).round()
    accuracies = [_accuracy(np.asarray(read(images_)), labels) for images_ in stored]
    whole = accuracies[0]
    return pd.DataFrame({"step": list(variants), "accuracy": accuracies, "lost": [whole - one for one in accuracies]})


def _accuracy(answers: np.ndarray, labels: np.ndarray) -> float:
    """Return the share of right answers."""
    texts = [array.dtype.kind in "UO" for array in (answers, labels)]
    if answers.shape != labels.shape or texts[0] != texts[1]:
        raise ValueError(
            f"read must answer like the labels, {labels.dtype} of shape {labels.shape}; got {answers.dtype} of shape "
            f"{answers.shape}. hcr_lib.labels.to_chars turns numbers into characters."
        )
    return float((answers == labels).mean())


def _checked(off: Collection[str]) -> frozenset[str]:
    if isinstance(off, str):
        off = [off]
    return frozenset(ensure_choice(step, STEPS, name="a step of the recipe") for step in off)


class _Run:
    """One picture on its way through the recipe.

    What was worked out once is kept: variants that differ in a late step share everything before it.
    """

    def __init__(
        self,
        picture: Image.Image | npt.ArrayLike,
        threshold: float = images.THRESHOLD,
        min_stroke: float = images.MIN_STROKE,
    ) -> None:
        if not 0 < threshold < 1:
            raise ValueError(f"threshold must lie between 0 and 1; got {threshold}. To do without, switch it off.")
        self.threshold, self.min_stroke = threshold, min_stroke
        self.gray = images.to_gray(picture)
        self._ink = images.to_ink(self.gray)
        # Ink is dark where it is darker than what lies around it; far away, the light may be another.
        around = ndimage.uniform_filter(self.gray, max(3, max(self.gray.shape) // 4))
        self.ink_is_dark = bool(((self.gray - around) * self._ink).sum() < 0)
        self._known: dict[tuple[str, frozenset[str]], Any] = {}

    def after(self, step: str, off: frozenset[str]) -> Any:
        """Return what `step` hands on to the next one, with the steps in `off` left out."""
        if not self.ink_is_dark:
            off = off - {"polarity"}  # there was nothing to turn round
        number = _ORDER.index(step)
        key = step, off.intersection(_ORDER[: number + 1])
        if key not in self._known:
            before = self.after(_ORDER[number - 1], off) if number else self.gray
            self._known[key] = getattr(self, f"_{step}")(before, off)
        return self._known[key]

    def _light(self, gray: np.ndarray, off: frozenset[str]) -> np.ndarray:
        if "light" not in off:
            return self._ink
        level = (gray - gray.min()) / np.ptp(gray)
        return 1 - level if self.ink_is_dark else level

    def _polarity(self, ink: np.ndarray, off: frozenset[str]) -> np.ndarray:
        return 1 - ink if "polarity" in off else ink

    def _threshold(self, ink: np.ndarray, off: frozenset[str]) -> np.ndarray:
        if "threshold" in off or self.threshold == images.THRESHOLD:
            return ink
        # Every later step cuts at images.THRESHOLD, so what is as strong as this one's own threshold becomes that.
        return np.interp(ink, [0, self.threshold, 1], [0, images.THRESHOLD, 1]).astype("float32")

    def _specks(self, ink: np.ndarray, off: frozenset[str]) -> np.ndarray:
        if "specks" in off:
            return ink
        if "threshold" in off:
            return ink * (images.remove_specks(ink > _FAINTEST) > 0)
        return images.remove_specks(ink)

    def _crop(self, ink: np.ndarray, off: frozenset[str]) -> _Piece:
        x0, y0, x1, y1 = images.bounding_box(ink, _FAINTEST if "threshold" in off else images.THRESHOLD)
        inside = ink[y0:y1, x0:x1]
        return _Piece(inside, y0, x0, *ink.shape) if "crop" in off else _Piece(inside, 0, 0, *inside.shape)

    def _aspect(self, piece: _Piece, off: frozenset[str]) -> _Piece:
        if "aspect" not in off:
            return piece
        side = max(piece.height, piece.width)
        down, across = side / piece.height, side / piece.width
        height, width = piece.ink.shape
        return replace(piece.stretched(down, across), ink=_resized(piece.ink, height * down, width * across))

    def _box(self, piece: _Piece, off: frozenset[str]) -> tuple[_Piece, float]:
        """Say how much larger or smaller it gets; the next step draws it, with the pen that size needs."""
        return piece, (images.SIZE if "box" in off else images.BOX) / max(piece.height, piece.width)

    def _stroke(self, given: tuple[_Piece, float], off: frozenset[str]) -> np.ndarray:
        piece, scale = given
        min_stroke = 0 if "stroke" in off else self.min_stroke
        fit = _fit_gray if "threshold" in off else images.fit_box
        boxed = fit(piece.ink, max(1, round(max(piece.ink.shape) * scale)), min_stroke=min_stroke)
        return replace(piece.stretched(scale, scale), ink=boxed).page() if "crop" in off else boxed

    def _centre(self, box: np.ndarray, off: frozenset[str]) -> np.ndarray:
        if "centre" not in off:
            return images.center_by_mass(box)
        (height, width), size = box.shape, images.SIZE
        return _Piece(box, (size - height) // 2, (size - width) // 2, size, size).page()


def _fit_gray(ink: np.ndarray, size: int, *, min_stroke: float) -> np.ndarray:
    """Do what `images.fit_box` does, without ever deciding between ink and paper."""
    scale = size / max(ink.shape)
    boxed = _resized(ink, scale * ink.shape[0], scale * ink.shape[1])
    if not min_stroke:
        return boxed
    missing = min_stroke - images.stroke_width(ink >= images.THRESHOLD) * scale
    # A pixel on either side is the most; part of the way to it is part of a pixel.
    return boxed + np.clip(missing / 2, 0, 1) * (ndimage.maximum_filter(boxed, 3) - boxed)


def _resized(ink: np.ndarray, height: float, width: float) -> np.ndarray:
    """Scale to a given size; shrinking averages, growing interpolates."""
    size = max(1, round(width)), max(1, round(height))
    how = Image.Resampling.BOX if height < ink.shape[0] and width <= ink.shape[1] else Image.Resampling.BICUBIC
    picture = Image.fromarray(np.ascontiguousarray(ink, dtype="float32")).resize(size, how)
    return np.asarray(picture).clip(0, 1)
