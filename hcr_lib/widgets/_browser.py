"""Browse a data set: by character, by writer, the most unusual first."""

import functools

import ipywidgets
import numpy as np

from hcr_lib._validate import ensure_choice
from hcr_lib.datasets import Dataset
from hcr_lib.widgets import _demo

#: Orders of the samples, and their labels.
ORDERS = {"file": "as in the file", "unusual": "most unusual first", "ink": "most ink first"}
COLUMNS, ROWS = 10, 4  # of a page
_PAGE = COLUMNS * ROWS
_TILE, _CAPTION, _GAP, _HEAD = 88, 18, 4, 30
_ALL = ""  # None would leave the dropdown blank
_LONGEST_NAME = 5  # of a writer; longer ones would run into the character


def sample_browser(dataset: Dataset) -> ipywidgets.VBox:
    """Browse a data set, all of it or one character or writer, in the order of your choice.

    The pages come from `sample_picture`.
    """
    if not len(dataset):
        raise ValueError("the browser needs at least one image; the data set is empty.")
    in_order = functools.cache(lambda order: _sorted(dataset, order))
    chars = [(f"{char}  ({count:,})", char) for char, count in dataset.counts.items() if count]
    writers = [] if dataset.writers is None else np.unique(dataset.writers).tolist()
    everyone = ("all" if writers else "not known", _ALL)
    controls = {
        "char": _demo.control("character", [("all", _ALL), *chars], tip="Show one character only."),
        "writer": _demo.control("writer", [everyone, *((name, name) for name in writers)], tip="Show one writer only."),
        "order": _demo.control(
            "sorted",
            [(words, order) for order, words in ORDERS.items()],
            tip="Unusual is what is far from the mean image of its character.",
        ),
    }
    controls["writer"].disabled = not writers
    page = _demo.control("page", (1, _pages(len(dataset)), 1), 1, tip="Leaf through: 40 samples a page.")

    def chosen(char: str, writer: str, order: str) -> np.ndarray:
        return _chosen(dataset, in_order(order), char or None, writer or None)

    def back_to_the_first_page(_change: dict) -> None:
        demo.put(page=1)
        page.max = _pages(len(chosen(*(control.value for control in controls.values()))))

    for control in controls.values():
        control.observe(back_to_the_first_page, names="value")  # before the demo observes it, and paints a page
    demo = _demo.Demo(
        "Sample browser",
        lambda page, **choice: _paint(dataset, chosen(**choice), page - 1),
        controls | {"page": page},
        beside="page",
    )
    return demo


def sample_picture(
    dataset: Dataset, char: str | None = None, writer: str | None = None, page: int = 0, order: str = "file"
) -> bytes:
    """Return one page of samples as a PNG, each with its character, its writer and its number in the data set.

    Only one character or writer can be shown. A page, from 0 on, has 40 samples.

    Parameters
    ----------
    order : {"file", "unusual", "ink"}
        As in the data set; farthest from the mean image of their character first; most ink first.

    Raises
    ------
    ValueError
        If there is no such character, writer, order or page, or the writers are unknown.
    """
    chosen = _chosen(dataset, _sorted(dataset, order), char, writer)
    if not 0 <= page < _pages(len(chosen)):
        raise ValueError(f"page must lie between 0 and {_pages(len(chosen)) - 1}; got {page}.")
    return _paint(dataset, chosen, page)


def _pages(number: int) -> int:
    return max(1, -(-number // _PAGE))


def _sorted(dataset: Dataset, order: str) -> np.ndarray:
    """Return the indices of all images in an order of `ORDERS`."""
    ensure_choice(order, ORDERS, name="order")
    if order == "file":
        return np.arange(len(dataset))
    weights = dataset.images.sum(axis=(1, 2), dtype="int64") if order == "ink" else _strangeness(dataset)
    return np.argsort(-weights, kind="stable")


def _strangeness(dataset: Dataset) -> np.ndarray:
    """Return the distance of each image from the mean image of its character: float64, shape (n,)."""
    flat, distances = dataset.images.reshape(len(dataset), -1), np.empty(len(dataset))
    for label in np.unique(dataset.labels):
        same = dataset.labels == label
        distances[same] = np.linalg.norm(flat[same] - flat[same].mean(axis=0, dtype="float32"), axis=1)
    return distances


def _chosen(dataset: Dataset, order: np.ndarray, char: str | None, writer: str | None) -> np.ndarray:
    """Return the indices, in their order, of one character, of one writer, or of both."""
    if char is not None:
        label = dataset.classes.index(ensure_choice(char, dataset.classes, name="char"))
        order = order[dataset.labels[order] == label]
    if writer is None:
        return order
    if dataset.writers is None:
        raise ValueError(f"nobody knows who wrote the images from {dataset.source}; got writer={writer!r}.")
    if writer not in dataset.writers:
        some = ", ".join(np.unique(dataset.writers)[:3])
        raise ValueError(f"writer must be one of those in the data set, such as {some}; got {writer!r}.")
    return order[dataset.writers[order] == writer]


def _paint(dataset: Dataset, chosen: np.ndarray, page: int) -> bytes:
    """Draw one page of the images chosen."""
    words = f"{len(chosen):,} of {len(dataset):,} images, page {page + 1} of {_pages(len(chosen)):,}"
    tiles = []
    for number in chosen[page * _PAGE :][:_PAGE].tolist():
        char, name = dataset.classes[dataset.labels[number]], f"#{number}"
        if dataset.writers is not None and len(dataset.writers[number]) <= _LONGEST_NAME:
            name = f"{dataset.writers[number]} {name}"
        left = _demo.caption(char, 20, _CAPTION, "lm", size=15)
        right = _demo.caption(name, _TILE - 20, _CAPTION, "rm", size=11, fill=(110, 110, 110))
        tiles.append(_demo.join((_demo.tile(dataset.images[number], _TILE), _demo.join((left, right))), down=True))
    # As high for one image as for forty: a picture that jumps is hard to leaf through.
    tiles += [_demo.caption("", _TILE, _TILE + _CAPTION)] * (_PAGE - len(tiles))
    grid = _demo.grid(tiles, COLUMNS, _GAP)
    return _demo.png(_demo.join((_demo.caption(words, grid.width, _HEAD, "lm", size=15), grid), down=True))
