"""Each stage of reading by itself: it is given the truth of the stage before, so that no error counts twice."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw

from hcr_lib import images, page, pen, segment
from hcr_lib.labels import ALNUM
from hcr_lib.recognizer import Recognizer
from hcr_lib.research.page_benchmark import _kinds, _sheets
from hcr_lib.research.page_benchmark._hands import Hands

#: What counts as found: so much of the union of the two boxes is common.
SAME_LINE, SAME_WORD, SAME_CHARACTER, SAME_SHEET = 0.8, 0.8, 0.6, 0.9


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the intersection over union of two boxes (x0, y0, x1, y1).

    Examples
    --------
    >>> overlap(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2]))
    0.3333333333333333
    """
    low, high = np.maximum(first[:2], second[:2]), np.minimum(first[2:], second[2:])
    common = float(np.prod((high - low).clip(0)))
    areas = [float(np.prod(box[2:] - box[:2])) for box in (first, second)]
    return common / max(sum(areas) - common, 1e-9)


def found(truth: np.ndarray, boxes: np.ndarray, least: float) -> tuple[int, int]:
    """Return how many true boxes were found, and of how many: of the true or the found ones, whichever are more."""
    hits = sum(any(overlap(box, other) >= least for other in boxes) for box in truth)
    return min(hits, len(boxes)), max(len(truth), len(boxes))


def around(boxes: np.ndarray) -> np.ndarray:
    """Return the box around several; rows of NaN, of blanks, do not count."""
    return np.concatenate([np.nanmin(boxes[:, :2], axis=0), np.nanmax(boxes[:, 2:], axis=0)])


def _cut_out(ink: np.ndarray, line: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the ink in a box with some paper around it, and where its corner was."""
    x0, y0, x1, y1 = np.rint(line).astype(int)
    pad = 4
    left, top = max(0, x0 - pad), max(0, y0 - pad)
    return ink[top : y1 + pad, left : x1 + pad], np.array([left, top])


def lines_found(sheet: _sheets.Sheet) -> tuple[int, int]:
    """Score `segment.lines` on the ink of a flat sheet."""
    truth = np.array([around(boxes) for boxes in sheet.boxes()])
    boxes = np.array([line.ink.box for line in segment.lines(sheet.ink)], float).reshape(-1, 4)
    return found(truth, boxes, SAME_LINE)


def words_found(sheet: _sheets.Sheet) -> tuple[int, int]:
    """Score `segment.words` on each true line."""
    right = total = 0
    for line, boxes in zip(sheet.lines, sheet.boxes(), strict=True):
        ink, corner = _cut_out(sheet.ink, around(boxes))
        words = segment.words(segment.one_line(ink))
        read = np.array([segment.join(word.components).box for word in words], float) + np.tile(corner, 2)
        truth = [around(boxes[word.start() : word.end()]) for word in re.finditer(r"\S+", line.text)]
        own, of = found(np.array(truth), read, SAME_WORD)
        right, total = right + own, total + of
    return right, total


def cuts_found(sheet: _sheets.Sheet, reader: Recognizer) -> tuple[int, int]:
    """Score where each true word is cut into characters by the reader that cuts."""
    right = total = 0
    for line, boxes in zip(sheet.lines, sheet.boxes(), strict=True):
        for word in re.finditer(r"\S+", line.text):
            own = boxes[word.start() : word.end()]
            ink, corner = _cut_out(sheet.ink, around(own))
            reading = reader.read(1 - ink, mode="word", reader="cut")
            read = np.array([each.box for each in reading.characters], float).reshape(-1, 4) + np.tile(corner, 2)
            hits, of = found(own, read, SAME_CHARACTER)
            right, total = right + hits, total + of
    return right, total


def characters_read(sheet: _sheets.Sheet, reader: Recognizer) -> tuple[int, int]:
    """Score the network for characters on each true character, alone."""
    right = total = 0
    stored, truth = [], []
    for line in sheet.lines:
        for place, char in enumerate(line.text):
            own = [s[o == place] for s, o in zip(line.strokes, line.owners, strict=True) if (o == place).any()]
            if own and char in ALNUM:
                stored.append(images.ink_to_mnist(_drawn(own, sheet.half_width)))
                truth.append(char)
    if stored:
        best = reader.predict(np.array(stored), normalised=True).argmax(axis=1)
        right = sum(reader.classes[k] == char for k, char in zip(best, truth, strict=True))
        total = len(truth)
    return right, total


def _drawn(strokes: list[np.ndarray], half_width: float) -> np.ndarray:
    """Return strokes as ink on just as much paper as they need."""
    x0, y0, x1, y1 = pen.bounds(strokes)
    margin = half_width + 3
    shape = int(np.ceil(y1 - y0 + 2 * margin)), int(np.ceil(x1 - x0 + 2 * margin))
    return pen.render_page([stroke - [x0 - margin, y0 - margin] for stroke in strokes], shape, half_width)


def sheet_found(picture: _sheets.Picture) -> tuple[int, int]:
    """Score `page.find_sheet` on a photograph: nearly all of both sheets, true and found, is common."""
    shape = picture.pixels.shape
    corners = page.find_sheet(images.to_gray(picture.pixels))
    if corners is None:
        return 0, 1
    masks = [_filled(each, shape) for each in (picture.corners, corners)]
    return int((masks[0] & masks[1]).sum() >= SAME_SHEET * (masks[0] | masks[1]).sum()), 1


def _filled(corners: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    mask = Image.new("1", shape[::-1])
    ImageDraw.Draw(mask).polygon([tuple(corner) for corner in corners], fill=1)
    return np.asarray(mask)


def measure(hands: Hands, number: int, seed: int) -> Iterator[tuple[str, str, list[tuple[int, int]]]]:
    """Yield the name of each stage, what is counted, and the counts of right and all for each page."""
    reader = Recognizer.load("alnum")
    rngs = [np.random.default_rng([seed, k]) for k in range(number)]
    photographs = [_kinds.KINDS["photographs"].make(hands, rng) for rng in rngs]
    sheets = [task.sheet for task in photographs]
    yield "page", "sheets found on the desk", [sheet_found(task.picture) for task in photographs]
    yield "lines", "lines found on a clean sheet", [lines_found(sheet) for sheet in sheets]
    yield "words", "words found in a true line", [words_found(sheet) for sheet in sheets]
    yield "cuts", "characters cut out of a true word", [cuts_found(sheet, reader) for sheet in sheets]
    yield "characters", "characters right when cut out truly", [characters_read(sheet, reader) for sheet in sheets]
