"""The MNIST recipe: one ordered list of named steps, which is run whole, step by step, or without one of them."""

from __future__ import annotations

import contextlib
import functools
import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from hcr_lib._validate import ensure_choice, ensure_gray_image
from hcr_lib.images import _form
from hcr_lib.images._form import BOX, MIN_STROKE, SIZE, THRESHOLD
from hcr_lib.images._ink import flatten
from hcr_lib.images._open import BlankImageError, to_gray

Picture = Image.Image | npt.ArrayLike

_FAINTEST = 1e-3  # without a threshold, anything above is ink


class _Original:
    """The picture that a run of the recipe began with; what only some steps need is computed when they do."""

    def __init__(self, picture: Picture) -> None:
        self.gray = to_gray(picture)

    @functools.cached_property
    def ink(self) -> np.ndarray:
        return flatten(self.gray)

    @functools.cached_property
    def ink_is_dark(self) -> bool:
        """Whether the ink is darker than what lies around it; far away, the light may be another."""
        around = ndimage.uniform_filter(self.gray, max(3, max(self.gray.shape) // 4))
        return bool(((self.gray - around) * self.ink).sum() < 0)


@dataclass(frozen=True)
class _Sheet:
    """What a step hands on to the next one."""

    ink: np.ndarray | None
    original: _Original | None = None  # None if the run began with ink
    threshold: float = THRESHOLD  # as asked for
    min_stroke: float = MIN_STROKE
    level: float = THRESHOLD  # ink at least this strong counts
    place: tuple[float, float, float, float] | None = None  # top, left, height, width; None: cropped to its ink
    scale: float = 1.0  # of what the next step draws

    @property
    def shape(self) -> tuple[float, float]:
        """Height and width of the page, or of the ink that was cropped from it."""
        return self.place[2:] if self.place else self.ink.shape

    def page(self) -> np.ndarray:
        """Return the ink on its page, if it was not cropped."""
        if self.place is None:
            return self.ink
        # Neither rounding nor the thicker pen may push the ink over an edge.
        height, width = (max(round(side), length) for side, length in zip(self.shape, self.ink.shape, strict=True))
        page = np.zeros((height, width), "float32")
        corner = zip(self.place[:2], page.shape, self.ink.shape, strict=True)
        top, left = (min(round(at), side - length) for at, side, length in corner)
        page[top : top + self.ink.shape[0], left : left + self.ink.shape[1]] = self.ink
        return page

    def stretched(self, down: float, across: float, ink: np.ndarray) -> _Sheet:
        """Return the page stretched by two factors, with `ink` in the place of its ink."""
        return replace(self, ink=ink, place=self.place and tuple(np.multiply(self.place, (down, across) * 2)))


# Each step takes a sheet, and whether it is on or left out.


def _light(sheet: _Sheet, on: bool) -> _Sheet:
    """Flatten the light; without, only the darkest and the lightest pixel are moved to 0 and 1."""
    if on:
        return replace(sheet, ink=sheet.original.ink)
    gray, ink_is_dark = sheet.original.gray, sheet.original.ink_is_dark
    level = (gray - gray.min()) / np.ptp(gray)
    return replace(sheet, ink=1 - level if ink_is_dark else level)


def _polarity(sheet: _Sheet, on: bool) -> _Sheet:
    """Call ink what is not paper; without, whatever is light is ink, and dark writing becomes a hole."""
    return sheet if on or not sheet.original.ink_is_dark else replace(sheet, ink=1 - sheet.ink)


def _threshold(sheet: _Sheet, on: bool) -> _Sheet:
    """Decide which greys are ink; without, they stay grey, and the faintest mark counts."""
    if not on:
        return replace(sheet, level=_FAINTEST)
    if sheet.threshold == THRESHOLD:
        return sheet
    # Every later step cuts at THRESHOLD, so what is as strong as this one's own threshold becomes that.
    return replace(sheet, ink=np.interp(sheet.ink, [0, sheet.threshold, 1], [0, THRESHOLD, 1]).astype("float32"))


def _specks(sheet: _Sheet, on: bool) -> _Sheet:
    """Remove dust and crumbs of a neighbour; without, they stay."""
    if not on:
        return sheet
    if sheet.level == THRESHOLD:
        return replace(sheet, ink=_form.remove_specks(sheet.ink))
    return replace(sheet, ink=sheet.ink * (_form.remove_specks(sheet.ink > _FAINTEST) > 0))


def _crop(sheet: _Sheet, on: bool) -> _Sheet:
    """Cut the page down to its ink; without, it is scaled with all its paper, so the character gets small."""
    x0, y0, x1, y1 = _form.bounding_box(sheet.ink, sheet.level)
    return replace(sheet, ink=sheet.ink[y0:y1, x0:x1], place=None if on else (y0, x0, *sheet.ink.shape))


def _aspect(sheet: _Sheet, on: bool) -> _Sheet:
    """Keep the aspect; without, the character is pulled to a square."""
    if on:
        return sheet
    down, across = (max(sheet.shape) / side for side in sheet.shape)
    ink = _form.resize(sheet.ink, sheet.ink.shape[0] * down, sheet.ink.shape[1] * across)
    return sheet.stretched(down, across, ink)


def _box(sheet: _Sheet, on: bool) -> _Sheet:
    """Make the longer side 20 pixels; without, all 28. The next step draws it, with the pen that size needs."""
    return replace(sheet, scale=(BOX if on else SIZE) / max(sheet.shape))


def _stroke(sheet: _Sheet, on: bool) -> _Sheet:
    """Give a thin pen a normal width; without, it stays thin, and fades as it shrinks."""
    fit = _form.fit_box if sheet.level == THRESHOLD else _fit_gray
    boxed = fit(sheet.ink, max(1, round(max(sheet.ink.shape) * sheet.scale)), min_stroke=sheet.min_stroke if on else 0)
    return replace(sheet, ink=sheet.stretched(sheet.scale, sheet.scale, boxed).page(), place=None)


def _centre(sheet: _Sheet, on: bool) -> _Sheet:
    """Bring the centre of mass to the middle; without, the middle of the box, wherever the ink is."""
    if on:
        return replace(sheet, ink=_form.center_by_mass(sheet.ink))
    top, left = ((SIZE - side) // 2 for side in sheet.ink.shape)
    return replace(sheet, ink=replace(sheet, place=(top, left, SIZE, SIZE)).page())


def _fit_gray(ink: np.ndarray, size: int, *, min_stroke: float) -> np.ndarray:
    """Do what `fit_box` does, without ever deciding between ink and paper."""
    boxed = _form.scale_to(ink, size)
    if not min_stroke:
        return boxed
    missing = min_stroke - _form.stroke_width(ink >= THRESHOLD) * (size / max(ink.shape))
    # A pixel on either side is the most; part of the way to it is part of a pixel.
    return boxed + np.clip(missing / 2, 0, 1) * (ndimage.maximum_filter(boxed, 3) - boxed)


#: The recipe, in order. Each step's docstring says what it does, and what happens without it.
STEPS: dict[str, Callable[[_Sheet, bool], _Sheet]] = {
    "light": _light, "polarity": _polarity, "threshold": _threshold, "specks": _specks, "crop": _crop,
    "aspect": _aspect, "box": _box, "stroke": _stroke, "centre": _centre,
}  # fmt: skip


def _run(sheet: _Sheet, off: Collection[str] = (), first: str = "light") -> Iterator[_Sheet]:
    """Yield the sheet after every step from `first` on, without those in `off`."""
    for name in off:
        ensure_choice(name, STEPS, name="a step of the recipe")
    for name in itertools.dropwhile(lambda name: name != first, STEPS):
        sheet = STEPS[name](sheet, name not in off)
        yield sheet


def _stored(sheets: Iterable[_Sheet]) -> np.ndarray:
    """Run to the end; return the uint8 image."""
    *_, last = sheets
    return (last.ink * 255).round().astype("uint8")


def to_mnist(image: Picture, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Bring a picture of one character into the form of an MNIST image: the whole recipe.

    Parameters
    ----------
    image : PIL.Image.Image or array_like
        As for `to_gray`: any size, either polarity, photograph or drawing.
    min_stroke : float
        As for `fit_box`, here and below.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White ink (255) on black paper (0).

    Raises
    ------
    BlankImageError
        If there is no ink on it.

    Examples
    --------
    >>> page = np.full((300, 200), 255, np.uint8)
    >>> page[50:250, 90:110] = 0  # a big black 1 on white
    >>> one = to_mnist(page)
    >>> one.shape, one.dtype.name, _form.bounding_box(one / 255)
    ((28, 28), 'uint8', (13, 4, 15, 24))
    """
    return _stored(_run(_Sheet(None, _Original(image), min_stroke=min_stroke)))


def ink_to_mnist(ink: npt.ArrayLike, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Run the recipe from its crop on: from ink on a page of any size to uint8 (28, 28)."""
    return _stored(_run(_Sheet(ensure_gray_image(ink, copy=False), min_stroke=min_stroke), first="crop"))


def to_mnist_batch(images: npt.ArrayLike, *, min_stroke: float = MIN_STROKE) -> np.ndarray:
    """Bring stored images of a data set into the same form as drawings; blank ones stay blank.

    Parameters
    ----------
    images : array_like of uint8, shape (n, height, width)
        White ink on black paper: no polarity is guessed.

    Returns
    -------
    ndarray of uint8, shape (n, 28, 28)
    """
    stored = np.zeros((len(images), SIZE, SIZE), "uint8")
    for target, image in zip(stored, np.asarray(images), strict=True):
        if peak := image.max():
            target[:] = ink_to_mnist(image / peak, min_stroke=min_stroke)
    return stored


def trace(
    picture: Picture, *, off: Collection[str] = (), threshold: float = THRESHOLD, min_stroke: float = MIN_STROKE
) -> dict[str, np.ndarray]:
    """Return a picture after every step of the recipe.

    Parameters
    ----------
    picture, min_stroke
        As for `to_mnist`.
    off : collection of str
        Names of `STEPS` to leave out.
    threshold : float
        Ink at least this strong, between 0 and 1, belongs to the character.

    Returns
    -------
    dict of str to ndarray of float32
        ``"picture"`` and a picture for each of `STEPS`, in [0, 1], where 1 is ink; the first two as they look, with 1
        for black, so that their ink may be either. The last is called ``"28 x 28"`` and is just that.
        Threshold, specks and crop are shown in black and white; inside, soft edges are kept until the box.

    Raises
    ------
    BlankImageError
        If no ink is left.

    Examples
    --------
    >>> page = np.full((300, 200), 255, np.uint8)
    >>> page[50:250, 90:110] = 0  # a big black 1 on white
    >>> [len(trace(page, off=off)["crop"]) for off in ([], ["crop"])]
    [200, 300]
    """
    if not 0 < threshold < 1:
        raise ValueError(f"threshold must lie between 0 and 1; got {threshold}. To do without, switch it off.")
    original = _Original(picture)
    sheets = dict(zip(STEPS, _run(_Sheet(None, original, threshold, min_stroke), off), strict=True))
    pages = {name: sheet.page() for name, sheet in sheets.items()}
    if not original.ink_is_dark:
        pages["light"] = 1 - pages["light"]
    if "threshold" not in off:
        pages |= {name: pages[name] >= THRESHOLD for name in ("threshold", "specks", "crop", "aspect")}
    pages["box"] = _stroke(sheets["box"], on=False).ink
    pages["28 x 28"] = pages.pop("centre")
    return {name: page.astype("float32") for name, page in {"picture": 1 - original.gray, **pages}.items()}


def ablation(drawings: Iterable[Picture], steps: Collection[str] = tuple(STEPS)) -> dict[str, np.ndarray]:
    """Run the recipe whole and with each step left out in turn, to measure what a reader loses without it.

    Parameters
    ----------
    drawings : iterable of n pictures
        Each as for `to_gray`.
    steps : collection of str
        Which of `STEPS` to leave out, each on its own; others are a ValueError.

    Returns
    -------
    dict of str to ndarray of uint8, shape (n, 28, 28)
        ``"whole recipe"`` and each step: all drawings without it, blank where nothing of a drawing is left.

    Examples
    --------
    >>> dash, stem = np.full((40, 40), 255, "uint8"), np.full((40, 40), 255, "uint8")
    >>> dash[30:36, 5:35] = stem[5:35, 30:36] = 0
    >>> for step, stored in ablation([dash, stem], ["crop", "aspect"]).items():
    ...     print(step, [int(one.any(axis=1).sum()) for one in stored])  # rows with ink
    whole recipe [4, 20]
    crop [3, 15]
    aspect [20, 20]
    """
    without = {"whole recipe": (), **{step: (step,) for step in steps}}
    stored = {name: [] for name in without}
    for drawing in drawings:
        start = _Sheet(None, _Original(drawing))  # its ink is found once for all
        for name, off in without.items():
            stored[name].append(np.zeros((SIZE, SIZE), "uint8"))
            with contextlib.suppress(BlankImageError):
                stored[name][-1] = _stored(_run(start, off))
    return {name: np.array(each, "uint8").reshape(-1, SIZE, SIZE) for name, each in stored.items()}
