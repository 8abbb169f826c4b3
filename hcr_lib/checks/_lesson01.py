"""Exercises of lesson 01: the data."""

import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from hcr_lib.checks._exercise import Answer, Exercise, number
from hcr_lib.checks._function import FunctionExercise


def read_idx(content):
    """Return the array that an idx file of bytes holds; `content` is the whole file.

    Raises
    ------
    ValueError
        If the file begins with anything but 00 00 08.
    """
    if content[:3] != b"\0\0\x08":
        raise ValueError(f"an idx file of bytes begins with 00 00 08; this one with {content[:3].hex(' ')}")
    pixels = 4 + 4 * content[3]
    shape = struct.unpack(f">{content[3]}I", content[4:pixels])
    return np.frombuffer(content, "uint8", offset=pixels).reshape(shape)


def upright(images):
    """Swap rows and columns of every image: (n, rows, columns) -> (n, columns, rows)."""
    return images.swapaxes(1, 2)


def count_classes(labels, num_classes):
    """Return how many of `labels` there are of each class: `num_classes` numbers."""
    return np.bincount(labels, minlength=num_classes)


def white_on_black(images):
    """Return uint8 images as white ink on black paper, whichever way each of them came."""
    margin = np.ones(images.shape[1:], bool)
    margin[1:-1, 1:-1] = False
    inverted = images[:, margin].mean(axis=1) > 127
    return np.where(inverted[:, None, None], 255 - images, images)


def repair(images, labels, codes):
    """Undo the faults that `codes` names; return images and labels."""
    if "transposed" in codes:
        images = upright(images)
    if "inverted" in codes:
        images = white_on_black(images)
    if "labels-shifted" in codes:
        labels = labels - 1
    if "duplicates" in codes:
        _, first = np.unique(images.reshape(len(images), -1), axis=0, return_index=True)
        images, labels = images[np.sort(first)], labels[np.sort(first)]
    return images, labels


def _scalar(passes: Callable[[Answer], bool]) -> Callable[[Any], bool]:
    """Also accept an array that holds one number."""
    return lambda answer: passes(answer.item() if isinstance(answer, np.ndarray) and answer.size == 1 else answer)


def _share(answer: Any) -> bool:
    """Accept 0.6, 60, "60%" and "60 %"."""
    if isinstance(answer, str):
        answer = float(answer.strip().removesuffix("%"))
    return _scalar(number(0.6))(answer) or _scalar(number(60))(answer)


def _idx(array: np.ndarray, magic: bytes = b"\0\0\x08") -> bytes:
    return magic + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.astype("uint8").tobytes()


def _files(rng: np.random.Generator) -> Iterator[tuple[bytes]]:
    """Make idx files, good ones and others; of these an array could be read if nobody looked at the magic number."""
    images, some = rng.integers(0, 256, (3, 4, 5)), rng.integers(0, 10, 6)
    yield from ((_idx(array),) for array in (images, some, images[:0], images[0], some[:1]))
    yield from ((_idx(images, magic),) for magic in (b"\0\0\x09", b"\x1f\x8b\x08", b"\0\x01\x08"))


def _read_idx(content, order=">", offset=None, flat=False, magic=True):
    """Read an idx file as somebody does who overlooks something."""
    if magic and content[:3] != b"\0\0\x08":
        raise ValueError("this is no idx file")
    shape = struct.unpack(f"{order}{content[3]}I", content[4 : 4 + 4 * content[3]])
    pixels = np.frombuffer(content, "uint8", offset=4 + 4 * content[3] if offset is None else offset)
    return pixels if flat else pixels.reshape(shape)


def _lying(rng: np.random.Generator) -> Iterator[tuple[np.ndarray]]:
    for shape in ((2, 3, 3), (3, 2, 4), (1, 28, 28), (4, 4, 4)):
        yield (rng.integers(0, 256, shape).astype("uint8"),)


def _labels(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, int]]:
    """Make labels: classes without any at the beginning, in the middle and at the end, and no labels at all."""
    yield np.array([2, 0, 2, 2, 0]), 4
    yield np.array([3, 1, 3], "uint8"), 6
    yield np.arange(5), 5
    yield rng.integers(0, 62, 300), 62
    yield np.zeros(0, "int64"), 3


def _mixed_polarity(rng: np.random.Generator) -> Iterator[tuple[np.ndarray]]:
    """Make images of both polarities: thin, bold (more ink than paper), grey, and one with a speck in the corner."""
    images = np.zeros((5, 8, 8), "uint8")
    images[0, 2:6, 3], images[1, 1:7, 1:7], images[2, 2:6, 2:4], images[3, 3, 2:6] = 255, 255, 180, 255
    images[2] += 20
    images[4, 1:7, 1:7], images[4, 0, 0] = 255, 255
    yield (np.concatenate([images[:1], 255 - images[:1]]),)
    yield (images,)
    yield (255 - images,)
    yield (rng.permutation(np.concatenate([images, 255 - images])),)


def _inverted_where(inverted: np.ndarray, images: np.ndarray) -> np.ndarray:
    return np.where(np.reshape(inverted, (-1, 1, 1)), 255 - images, images)


def _faulty(rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray, set[str]]]:
    """Make sets with faults: alone, all together, none at all, and copies that only polarity keeps apart."""
    images = np.zeros((4, 6, 6), "uint8")
    images[:, 1:5, 1:5] = rng.integers(1, 256, (4, 4, 4))
    labels = np.array([3, 1, 4, 1])
    copied, again = np.concatenate([images, images[1:3]]), np.concatenate([labels, labels[1:3]])
    yield images.swapaxes(1, 2), labels, {"transposed"}
    yield _inverted_where(np.array([1, 0, 0, 1]), images), labels, {"inverted"}
    yield images, labels + 1, {"labels-shifted", "label-range"}
    yield copied, again, {"duplicates"}
    yield images, labels, set()
    hidden = _inverted_where(np.arange(6) >= 4, copied)
    yield hidden, again, {"inverted", "duplicates"}
    yield hidden.swapaxes(1, 2), again + 1, {"labels-shifted", "duplicates", "inverted", "transposed"}


def _same_set(arguments: tuple, answer: Any) -> str | None:
    """Say how a repaired set differs from what it should be; the order of its images is free."""
    try:
        images, labels = answer
        found = _rows(images, labels)
    except (TypeError, ValueError):
        return "the answer should be two arrays, images and labels, equally many."
    wanted = _rows(*repair(*arguments))
    if found == wanted:
        return None
    if len(found) != len(wanted):
        return f"{len(wanted)} images should be left; there are {len(found)}."
    what = "images" if [label for label, _ in found] == [label for label, _ in wanted] else "labels"
    return f"the {what} are not as they should be."


def _rows(images: Any, labels: Any) -> list[tuple[int, bytes]]:
    pairs = zip(labels, np.asarray(images, float), strict=True)
    return sorted((int(label), image.tobytes()) for label, image in pairs)


def _repair_by_steps(*steps: Callable) -> Callable:
    """Return a repair that takes these steps, each from images, labels and codes to images and labels."""

    def mistaken(images, labels, codes):
        for step in steps:
            images, labels = step(images, labels, codes)
        return images, labels

    return mistaken


def _only(*allowed: str) -> Callable:
    return lambda images, labels, codes: repair(images, labels, codes & set(allowed))


EXERCISES: dict[str, Exercise | FunctionExercise] = {
    "01.1": Exercise(
        passes=_scalar(number(0)),
        hint="Look at a corner of an image, handwriting.images[0, 0, 0]: corners are always paper. What do you find?",
        slips={
            255: "That is full ink. The file is white on black; only our figures are black on white.",
            1: "Pixels run from 0 to 255 here. Scaling to 0-1 comes in lesson 02, and even there 1 is ink.",
            28: "That is the number of rows. The question is what one pixel of paper holds.",
        },
    ),
    "01.2": Exercise(
        passes=_scalar(number(16)),
        hint="Write the digits down first: which label does A get after them? And how far is G from A?",
        slips={
            17: "7 + 10 forgets that EMNIST counts from 1: its A is 1, and A must become 10.",
            7: "Label 7 is the digit 7 in this class string. Ten digits come before the letters.",
            6: "That is its place among 26 letters counted from 0. Ten digits still come first.",
            15: "One too far to the left: A is 10, B is 11, and so on up to G.",
        },
    ),
    "01.3": FunctionExercise(
        solution=read_idx,
        inputs=_files,
        hint="Four bytes, content[3] sizes of four bytes each, the pixels; and look at the first three bytes.",
        slips=[
            (lambda content: _read_idx(content, magic=False), "The array is right. What if the file is no idx file?"),
            (lambda content: _read_idx(content, order="<"), "The sizes are big-endian, the largest byte first: '>'."),
            (lambda content: _read_idx(content, flat=True), "All numbers stand in one row; give them their shape."),
            (
                lambda content: _read_idx(content, offset=16),
                "The header has 16 bytes where there are three dimensions; of labels, with one, it has 8.",
            ),
            (lambda content: _read_idx(content, offset=0), "The header is no part of the pixels: skip it."),
        ],
    ),
    "01.4": FunctionExercise(
        solution=upright,
        inputs=_lying,
        hint="Each image is to be transposed; the images stay in their order.",
        slips=[
            (
                lambda images: images.T,
                ".T reverses all three axes of a stack, so the one that numbers the images comes last.",
            ),
            (lambda images: images, "They lie as before. Did you keep the result?"),
            (lambda images: np.rot90(images, axes=(1, 2)), "Turned, but still mirrored: swapping is not turning."),
            (lambda images: np.rot90(images, -1, (1, 2)), "Turned right, but still mirrored: swapping is not turning."),
            (lambda images: images[:, :, ::-1], "That mirrors left and right; rows and columns are to be swapped."),
            (lambda images: images[:, ::-1], "That turns it upside down; rows and columns are to be swapped."),
            (
                lambda images: images.reshape(len(images), *images.shape[:0:-1]),
                "reshape keeps the pixels in the order in which they are stored; they must move.",
            ),
        ],
    ),
    "01.5": FunctionExercise(
        solution=count_classes,
        inputs=_labels,
        hint="One number for each class from 0 to num_classes - 1, in that order.",
        slips=[
            (
                lambda labels, num_classes: np.unique(labels, return_counts=True)[1],
                "A class without images is left out, so all that follow slip to its place. It counts as 0.",
            ),
            (
                lambda labels, num_classes: np.bincount(labels),
                "The list ends at the largest label there is; the classes after it count as 0.",
            ),
            (
                lambda labels, num_classes: np.bincount(labels, minlength=num_classes) / max(len(labels), 1),
                "Those are shares. How many are there?",
            ),
            (
                lambda labels, num_classes: -np.sort(-np.bincount(labels, minlength=num_classes)),
                "The largest class comes first, so nobody can tell which is which. Keep the order of the labels.",
            ),
            (
                lambda labels, num_classes: [np.sum(labels == k) for k in range(1, num_classes + 1)],
                "Labels count from 0: the first class is missing.",
            ),
        ],
    ),
    "01.6": Exercise(
        passes=_share,
        hint="The lazy reader is right whenever the truth happens to be e. How many of the 100 images are an e?",
        slips={
            0.2: "One in five would be right if the five classes were equally large. Count the images.",
            20: "One in five would be right if the five classes were equally large. Count the images.",
            0: "It is right by luck, and quite often: whenever the truth happens to be e.",
            1: "It is right only where the truth happens to be e.",
            0.4: "That is how often it is wrong.",
        },
    ),
    "01.7": FunctionExercise(
        solution=white_on_black,
        inputs=_mixed_polarity,
        hint="The outermost pixels are paper, but for a speck. An image is inverted where they are light.",
        slips=[
            (lambda images: 255 - images, "Some of them were right before: decide for each image."),
            (
                lambda images: images,
                "They are as they came. Did you keep the result? And a sum of uint8 pixels wraps round at 256; "
                ".mean() does not.",
            ),
            (
                lambda images: _inverted_where(images.mean(axis=(1, 2)) > 127, images),
                "A bold character covers more than half of its image: ask the margin, not all pixels.",
            ),
            (
                lambda images: _inverted_where(images[:, 0, 0] > 127, images),
                "One pixel is too few: a speck in the corner turns the image over. Ask the whole margin.",
            ),
            (
                lambda images: 255 - images if images[:, 0].mean() > 127 else images,
                "One decision for the whole set; half of it may be inverted. Decide for each image.",
            ),
        ],
    ),
    "01.8": FunctionExercise(
        solution=repair,
        inputs=_faulty,
        judge=_same_set,
        hint="One `if` for each code, and only what it names is to be repaired.",
        slips=[
            (
                _repair_by_steps(_only("duplicates"), _only("transposed"), _only("inverted"), _only("labels-shifted")),
                "Copies are removed first; but a copy that is inverted becomes one only when you have turned it back.",
            ),
            (
                lambda images, labels, codes: repair(images, labels + 2 * ("labels-shifted" in codes), codes),
                "The labels are one too high, because they count from 1: subtract 1.",
            ),
            (_only("transposed"), "The example stands; three more codes wait for their `if`."),
            (_only("transposed", "inverted", "labels-shifted"), "The copies are still there."),
            (_only("transposed", "inverted", "duplicates"), "The labels are still one too high."),
            (_only("transposed", "labels-shifted", "duplicates"), "Dark on light is still dark on light."),
            (
                lambda images, labels, codes: repair(images, labels, {*codes, "transposed"}),
                "Images that stood upright lie down now: repair only what the codes name.",
            ),
        ],
    ),
}
