"""Exercises of lesson 02: preprocessing."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy import ndimage

from hcr_lib import images, pen
from hcr_lib.checks._exercise import Exercise
from hcr_lib.checks._function import FunctionExercise
from hcr_lib.handwriting import Style, write_char

OFF = 0.05  #: how far a class may be from the share that is held back
SHAPE = (260, 220)  #: of a photograph


def one_hot(label: np.ndarray, classes: int) -> np.ndarray:
    """Return a row for each image, (n, classes): 1 in the column of its label, 0 elsewhere."""
    table = np.zeros((len(label), classes))
    table[np.arange(len(label)), label] = 1
    return table


def _all_columns(label: np.ndarray, classes: int) -> np.ndarray:
    table = np.zeros((len(label), classes))
    table[:, label] = 1
    return table


def held_back(label: np.ndarray, writers: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """Return True for images to hold back: whole writers, and `share` of every class, give or take 0.05."""
    names, best, least = np.unique(writers), None, np.inf
    for _ in range(300):
        chosen = np.isin(writers, rng.choice(names, round(share * len(names)), replace=False))
        off = max(abs(chosen[label == k].mean() - share) for k in np.unique(label))
        if off < least:
            best, least = chosen, off
    return best


def _one_draw(label: np.ndarray, writers: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    names = np.unique(writers)
    return np.isin(writers, rng.choice(names, round(share * len(names)), replace=False))


def _by_image(label: np.ndarray, writers: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    chosen = np.zeros(len(label), bool)
    for k in np.unique(label):
        members = rng.permutation(np.flatnonzero(label == k))
        chosen[members[: round(share * len(members))]] = True
    return chosen


def _groups(rng: np.random.Generator) -> Iterator[tuple]:
    """Writers who filled in one of several forms, so that a draw of writers misses a form's classes."""
    for forms, people, share in (((0, 1), (2, 3)), 16, 0.25), (((0,), (2,), (3, 5)), 30, 0.2), (((0, 1, 2),), 10, 0.5):
        rows = [(k, f"w{person:02}") for person in range(people) for k in forms[person % len(forms)] for _ in range(4)]
        label, writers = (
            np.array(column) for column in zip(*(rows[i] for i in rng.permutation(len(rows))), strict=True)
        )
        yield label, writers, share, rng


def _judge_held_back(given: tuple, answer: Any) -> str | None:
    label, writers, share, _ = given
    held = np.asarray(answer)
    if held.shape != label.shape or not np.isin(held, (0, 1)).all():
        return f"expected True or False for each of {len(label)} images, got shape {held.shape} and type {held.dtype}."
    for name in np.unique(writers):
        if 0 < (part := held[writers == name].mean()) < 1:
            return f"writer {name} is on both sides: {part:.0%} of the images are held back."
    for k in np.unique(label):
        if abs((part := held[label == k].mean()) - share) > OFF + 1e-9:
            return f"{part:.0%} of class {k} is held back; expected {share:.0%}, give or take {OFF:.0%}."
    return None


def remove_plane(gray: np.ndarray) -> np.ndarray:
    """Subtract the plane that fits the brightness best; return what is left, (rows, columns)."""
    rows, columns = np.indices(gray.shape)
    terms = np.stack([np.ones(gray.size), rows.ravel(), columns.ravel()], axis=1)
    weights = np.linalg.lstsq(terms, gray.ravel(), rcond=None)[0]
    return gray - (terms @ weights).reshape(gray.shape)


def _fit(gray: np.ndarray, *terms: np.ndarray) -> np.ndarray:
    terms = np.stack([term.ravel() for term in terms], axis=1)
    return (terms @ np.linalg.lstsq(terms, gray.ravel(), rcond=None)[0]).reshape(gray.shape)


def _slopes(rng: np.random.Generator) -> Iterator[tuple]:
    for shape in (6, 9), (40, 30), (1, 12):
        rows, columns = np.indices(shape)
        yield ((0.9 - 0.3 * rows / shape[0] - 0.2 * columns / shape[1]) * (1 - 0.5 * (rng.random(shape) < 0.1)),)


def shift_to_centre(ink: np.ndarray) -> tuple[int, int]:
    """Return (down, right): how many whole pixels bring the centre of mass to the middle of the page."""
    rows, columns = np.indices(ink.shape)
    down = (ink.shape[0] - 1) / 2 - (rows * ink).sum() / ink.sum()
    right = (ink.shape[1] - 1) / 2 - (columns * ink).sum() / ink.sum()
    return round(float(down)), round(float(right))


def _shift_of_frame(ink: np.ndarray) -> tuple[int, int]:
    x0, y0, x1, y1 = images.bounding_box(ink, 1e-3)
    return round((ink.shape[0] - y0 - y1) / 2), round((ink.shape[1] - x0 - x1) / 2)


def _shift(ink: np.ndarray, middle: float = 1.0) -> np.ndarray:
    """Return the way to the centre, with the middle of a side of n at (n - `middle`) / 2."""
    return (np.array(ink.shape) - middle) / 2 - np.array(ndimage.center_of_mass(ink))


def _inked(rng: np.random.Generator) -> Iterator[tuple]:
    for shape, rows, columns in ((28, 28), 6, 19), ((28, 28), 21, 3), ((20, 31), 3, 11), ((9, 9), 4, 4):
        ink = np.zeros(shape)
        ink[rows, columns - 3 : columns + 5] = 1  # a bar,
        ink[rows - 2 : rows + 4, columns] += 0.3  # a fainter stem
        ink[0, 0] = 0.05  # and a trace of grey in the corner
        yield (ink.clip(0, 1),)


def _judge_shift(given: tuple, answer: Any) -> str | None:
    (ink,) = given
    moved, exact = np.asarray(answer, float), _shift(ink)
    if moved.shape != (2,):
        return f"expected two numbers, rows down and columns right, got shape {moved.shape}."
    if not np.allclose(moved, moved.round()):
        return f"expected whole pixels, got {moved[0]:.4g} and {moved[1]:.4g}: round at the end."
    if (abs(moved - exact) > 0.5 + 1e-6).any():
        where = np.array(ndimage.center_of_mass(ink))
        return f"the centre of mass is in row {where[0]:.2f}, column {where[1]:.2f}; got a move of {answer}."
    return None


def _photographs(rng: np.random.Generator) -> Iterator[tuple]:
    """Yield characters on paper: several pens, light from either side, crumbs, and one on a blackboard."""
    down, across = np.mgrid[0 : 1 : SHAPE[0] * 1j, 0 : 1 : SHAPE[1] * 1j]
    for char, half_width, light, board in (
        ("5", 5, 0.2, False), ("R", 4, -0.2, False), ("7", 7, 0.2, True), ("W", 1.6, 0.1, False), ("L", 5, 0, False),
    ):  # fmt: skip
        strokes = pen.scale_to(write_char(char, Style(), rng), 110, 0)
        corner = 25 + rng.uniform(0, 1, 2) * [60, 100]
        crumb = [np.array([[12.0, 15.0]])]
        ink = np.maximum(
            pen.render_page([stroke + corner for stroke in strokes], SHAPE, half_width),
            pen.render_page(crumb, SHAPE, 2.5),
        )
        picture = (0.65 + light * (down + across - 1)) * (1 - 0.6 * ink) + rng.normal(0, 0.01, SHAPE)
        stored = (255 * picture.clip(0, 1)).round().astype("uint8")
        yield (255 - stored if board else stored,)


def _judge_to_mnist(given: tuple, answer: Any) -> str | None:
    """Accept any recipe that gives nearly the same image, whatever it does in detail."""
    stored, expected = np.asarray(answer), images.to_mnist(given[0])
    if stored.shape != (28, 28):
        return f"expected an image of shape (28, 28), got {stored.shape}."
    if stored.max() <= 1:
        return "the ink is 1 at most; a stored image has 255 for full ink: multiply, round, and make it uint8."
    if (times := stored.sum() / expected.sum()) > 1.9:
        return (
            f"there is {times:.1f} times as much ink as there should be: is the light level, is the ink on the right "
            "side of it (one picture is a chalk board), and is 0 paper?"
        )
    if times < 0.5:
        return f"only {times:.0%} of the ink is there: does a thin pen fade as it shrinks (see fit_box)?"
    (height, width), sides = _sides(stored), _sides(expected)
    if abs(np.subtract((height, width), sides)).max() > 3:
        return (
            f"the ink is {height} x {width} pixels; expected some {sides[0]} x {sides[1]}: were the crumbs gone before "
            "the crop, is the longer side 20, and the aspect kept?"
        )
    if (off := abs(_shift(stored.astype(float))).max()) > 1.6:
        return f"the centre of mass is {off:.1f} pixels from the middle: is the shift the last step?"
    moves = [np.roll(expected, (down, right), (0, 1)) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    if (least := min(abs(stored - moved.astype(float)).mean() / 255 for moved in moves)) > 0.1:
        return f"the image differs from the course's by {least:.2f} on average; at most 0.1 is close enough."
    return None


def _sides(stored: np.ndarray) -> tuple[int, int]:
    x0, y0, x1, y1 = images.bounding_box(np.clip(stored / max(1, stored.max()), 0, 1))
    return y1 - y0, x1 - x0


def remove_line(ink: np.ndarray) -> np.ndarray:
    """Erase lines printed from edge to edge; keep the strokes that cross them."""
    line = (ink >= 0.4).mean(axis=1) > 0.8
    clean = np.where(line[:, None], 0, ink)
    return np.where(line[:, None], ndimage.grey_closing(clean, (9, 1)), ink)


def _rows_erased(ink: np.ndarray) -> np.ndarray:
    return np.where(((ink >= 0.4).mean(axis=1) > 0.8)[:, None], 0, ink)


def _half_is_a_line(ink: np.ndarray) -> np.ndarray:
    line = ((ink >= 0.4).mean(axis=1) > 0.5)[:, None]
    return np.where(line, ndimage.grey_closing(np.where(line, 0, ink), (9, 1)), ink)


@functools.cache
def _ruled() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return pages of ink without and with lines: none, one, two, and a T whose bar is no line."""
    rng, pages = np.random.default_rng(2), []
    for char, half_width, lines in (("5", 5, [70]), ("R", 4, [40, 90]), ("T", 7, [75]), ("8", 5, [])):
        strokes = pen.scale_to(write_char(char, Style(), rng), 140, 15)
        if char == "T":  # its bar is 70 % of the page
            strokes = [np.array([[20, 30], [120, 30]]), np.array([[70, 30], [70, 125]])]
        clean = pen.render_page(strokes, (140, 140), half_width)
        ruled = clean.copy()
        for row in lines:
            ruled[row : row + 4] = np.maximum(ruled[row : row + 4], 0.85)
        pages.append((clean, ruled))
    return pages


def _judge_line(given: tuple, answer: Any) -> str | None:
    (ink,) = given
    character = next(clean for clean, ruled in _ruled() if np.array_equal(ruled, ink)) >= images.THRESHOLD
    kept = np.asarray(answer)
    if kept.shape != ink.shape:
        return f"expected a page of shape {ink.shape}, got {kept.shape}."
    kept, ruled = kept >= images.THRESHOLD, ink >= images.THRESHOLD
    crossed = (ruled & ~character).any(axis=1)  # rows with a line
    if (left := (kept & ~character).sum()) > 0.05 * max(1, (ruled & ~character).sum()):
        return f"{left:,} pixels of the line are still there."
    for rows, where in ((~crossed, "away from the lines"), (crossed, "where the lines cross it")):
        if (lost := character[rows] & ~kept[rows]).sum() > 0.4 * character[rows].sum():
            return f"{lost.sum() / character[rows].sum():.0%} of the character is lost {where}."
    return None


def _turned(answer: Any) -> str:
    """Return the characters of an answer, however they are written down: "8Ox", "8, O, x", ["8", "O", "x"]."""
    text = answer if isinstance(answer, str) else "".join(str(each) for each in answer)
    return "".join(sorted({char for char in text.casefold().replace("and", "").replace("0", "o") if char.isalnum()}))


class _Characters(Exercise):
    """An exercise whose answer is a set of characters, in any order and form."""

    def assess(self, answer: Any) -> str | None:
        try:
            chars = _turned(answer)
        except TypeError:  # a number
            return super().assess(answer)
        if self.passes(chars):
            return None
        return next((text for slip, text in self.slips.items() if _turned(slip) == chars), self.hint)


EXERCISES: dict[str, Exercise | FunctionExercise] = {
    "02.1": FunctionExercise(
        solution=one_hot,
        inputs=lambda rng: [
            (np.array([0, 2, 1, 2]), 3),
            (rng.integers(0, 36, 50), 36),
            (np.array([1, 1]), 5),
            (np.array([3]), 4),
        ],
        hint="Begin with zeros, and write a single 1 into each row: into which column?",
        slips=[
            (
                _all_columns,
                "table[:, label] = 1 writes into those columns of *every* row; name the row of each 1, too.",
            ),
            (lambda label, classes: one_hot(label, classes).T, "That is a column for each image; a row was asked for."),
            (lambda label, classes: np.roll(one_hot(label, classes), -1, axis=1), "Label 0 has the first column."),
            (
                lambda label, classes: one_hot(label, label.max() + 1),
                "The table is as wide as there are classes, even if the last ones do not occur.",
            ),
            (
                lambda label, classes: np.bincount(label, minlength=classes),
                "That counts the classes; a row for each image was asked for.",
            ),
        ],
    ),
    "02.2": FunctionExercise(
        solution=held_back,
        inputs=_groups,
        hint="Draw writers many times; keep the draw whose worst class is nearest to the share.",
        slips=[
            (_by_image, "That divides images, so nearly every writer is on both sides. Draw writers, not images."),
            (_one_draw, "That is a single draw: writers stay whole, but some classes get far more than others."),
            (
                lambda label, writers, share, rng: ~held_back(label, writers, share, rng),
                "That is the part to learn from; True is for what is held back.",
            ),
        ],
        judge=_judge_held_back,
    ),
    "02.3": FunctionExercise(
        solution=remove_plane,
        inputs=_slopes,
        hint="The terms are a table of shape (pixels, 3): a 1, the row and the column of each pixel.",
        slips=[
            (lambda gray: gray - remove_plane(gray), "That is the plane itself; return what is left without it."),
            (lambda gray: remove_plane(gray) + gray.mean(), "The plane's own height stays: subtract all three terms."),
            (lambda gray: gray - gray.mean(), "That moves the whole picture by one number; the slope is still there."),
            (lambda gray: gray - _fit(gray, *np.indices(gray.shape)), "The plane may not pass through 0: add a 1."),
            (
                lambda gray: gray - _fit(gray, np.ones(gray.shape), np.indices(gray.shape)[1]),
                "That follows the columns only; light falls off down the page, too.",
            ),
            (
                lambda gray: gray - _fit(gray, np.ones(gray.shape), np.indices(gray.shape)[0]),
                "That follows the rows only; light falls off across the page, too.",
            ),
            (lambda gray: -remove_plane(gray), "That is the plane minus the picture; paper should be above ink."),
        ],
    ),
    "02.4": FunctionExercise(
        solution=shift_to_centre,
        inputs=_inked,
        hint="Average row of the ink, each pixel weighted by its ink; then from there to (number of rows - 1) / 2.",
        slips=[
            (lambda ink: tuple(-np.array(shift_to_centre(ink))), "Right distance, wrong way: down and right count up."),
            (lambda ink: shift_to_centre(ink)[::-1], "The other way round: first down, then right."),
            (_shift_of_frame, "That centres the frame of the ink; the centre of mass counts how much ink lies where."),
            (lambda ink: shift_to_centre(ink > 0), "Every inked pixel counts the same there; weight each by its ink."),
            (lambda ink: tuple(_shift(ink)), "Right, but a page moves by whole pixels: round."),
            (
                lambda ink: tuple(_shift(ink, middle=0).round()),
                "Rows count from 0, so the middle of 28 rows is 13.5, not 14.",
            ),
            (
                lambda ink: tuple(np.round(ndimage.center_of_mass(ink))),
                "That is where the centre is now; how far is it from the middle of the page?",
            ),
        ],
        judge=_judge_shift,
    ),
    "02.5": FunctionExercise(
        solution=images.to_mnist,
        inputs=_photographs,
        hint="Follow one photograph through your steps with plots.show_steps.",
        slips=[
            (lambda photo: 255 - images.to_mnist(photo), "Paper is 255 there; a stored image has 0 for paper."),
            (images.to_ink, "That is ink on a page of its own size; four steps follow."),
            (
                lambda photo: images.to_mnist(photo) / 255,
                "A stored image holds 0 to 255, as uint8; yours holds 0 to 1.",
            ),
        ],
        judge=_judge_to_mnist,
    ),
    "02.6": Exercise(
        passes=lambda answer: str(answer).strip() == "5",
        hint="What has the thin pen written so far: digits or letters? Which of those has the strokes of an S?",
        slips={
            "S": "That is what a person reads. To this reader every letter is thick, and this one is thin.",
            "3": "A digit, and the runner-up: three thin S in ten are read so. Which digit is commoner still?",
            "8": "A digit, yes. But an 8 closes both loops, an S neither.",
            "2": "A digit, yes. But a 2 is an S in the mirror.",
            "6": "A digit, yes. But a 6 closes its lower loop.",
            "digit": "Yes; which of the ten?",
            "a digit": "Yes; which of the ten?",
        },
    ),
    "02.7": _Characters(
        passes=lambda answer: answer == _turned("8Ox"),
        hint="Write all six on a sheet and turn it round. Which would a person still call by its name?",
        slips={
            "8O": "There is one more: two crossing lines have no top.",
            "8": "There are two more. A ring has no top either.",
            "68Ox": "A 6 on its head is a 9.",
            "68O": "A 6 on its head is a 9, and one character is missing.",
            "8MOx": "An M on its head is a W. Mirrored left to right it would stay, but this is a turn.",
            "8MO": "An M on its head is a W, and one character is missing.",
            "8Onx": "An n on its head is a u.",
            "6Mn": "Those become others: 9, W, u. The question is which stay themselves.",
            "68MOnx": "All six are still characters, but three of them are others: 9, W, u.",
        },
    ),
    "02.8": FunctionExercise(
        solution=remove_line,
        inputs=lambda rng: [(ruled,) for _, ruled in _ruled()],
        hint="In which rows is there ink nearly from edge to edge? There, keep only what has ink above and below.",
        slips=[
            (_rows_erased, "The line is gone, and the character is cut in two where it was: close the gap again."),
            (_half_is_a_line, "The bar of a broad T is taken for a line; a printed line runs from edge to edge."),
            (lambda ink: ink.copy(), "The line is still there: which rows hold more ink than a character could?"),
            (lambda ink: np.zeros_like(ink), "The character is gone, too; only the line should go."),
        ],
        judge=_judge_line,
    ),
}
