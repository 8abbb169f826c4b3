"""Browse a data set: by character, by writer, the most unusual first."""

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
_CHUNK = 10_000  # images measured at once: floats take four times the memory


class _SampleBrowser(_demo.Demo):
    """A page of samples, with controls for what it shows."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset, self._sorted, self._shown = dataset, {}, None
        chars = [(f"{char}  ({count:,})", char) for char, count in dataset.counts.items() if count]
        writers = [] if dataset.writers is None else np.unique(dataset.writers).tolist()
        everyone = ("all" if writers else "not known", _ALL)
        page = _demo.slider(1, 1, 1, 1, "page")
        orders = ((words, order) for order, words in ORDERS.items())
        super().__init__(
            "Sample browser",
            None,
            {
                "char": _demo.dropdown([("all", _ALL), *chars], "character"),
                "writer": _demo.dropdown(
                    [everyone, *zip(writers, writers, strict=True)], "writer", disabled=not writers
                ),
            },
            {"order": _demo.dropdown(orders, "sorted"), "page": page},
        )

    def paint(self, *, char: str, writer: str, order: str, page: int) -> bytes:
        """Return a page; the slider has as many steps as there are pages, and another choice sets it back to 1."""
        if order not in self._sorted:
            self._sorted[order] = _sorted(self._dataset, order)
        chosen = _chosen(self._dataset, self._sorted[order], char or None, writer or None)
        if (char, writer, order) != self._shown:
            self._shown, page = (char, writer, order), 1
            self._set(page=1)
            self.controls["page"].max = _pages(len(chosen))
        return _paint(self._dataset, chosen, page - 1)


def sample_browser(dataset: Dataset) -> ipywidgets.VBox:
    """Browse a data set, all of it or one character or writer, in the order of your choice.

    The pages come from `sample_picture`.
    """
    if not len(dataset):
        raise ValueError("the browser needs at least one image; the data set is empty.")
    return _SampleBrowser(dataset)


def sample_picture(
    dataset: Dataset, char: str | None = None, writer: str | None = None, page: int = 0, order: str = "file"
) -> bytes:
    """Return one page of samples as a PNG, each with its character, its writer and its number in the data set.

    Parameters
    ----------
    dataset : Dataset
    char, writer : str, optional
        Only this character, only this writer.
    page : int
        0 is the first; 40 samples a page.
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
    flat = dataset.images.reshape(len(dataset), -1)
    means = np.zeros((len(dataset.classes), flat.shape[1]), "float32")
    for label in np.unique(dataset.labels):
        means[label] = flat[dataset.labels == label].mean(axis=0, dtype="float32")
    distances = np.empty(len(dataset))
    for start in range(0, len(dataset), _CHUNK):
        part = slice(start, start + _CHUNK)
        distances[part] = np.linalg.norm(flat[part] - means[dataset.labels[part]], axis=1)
    return distances


def _chosen(dataset: Dataset, order: np.ndarray, char: str | None, writer: str | None) -> np.ndarray:
    """Return the indices, in their order, of one character, of one writer, or of both."""
    keep = np.ones(len(dataset), bool)
    if char is not None:
        keep &= dataset.labels == dataset.classes.index(ensure_choice(char, dataset.classes, name="char"))
    if writer is not None:
        if dataset.writers is None:
            raise ValueError(f"nobody knows who wrote the images from {dataset.source}; got writer={writer!r}.")
        by_this_one = dataset.writers == writer
        if not by_this_one.any():
            some = ", ".join(np.unique(dataset.writers)[:3])
            raise ValueError(f"writer must be one of those in the data set, such as {some}; got {writer!r}.")
        keep &= by_this_one
    return order[keep[order]]


def _paint(dataset: Dataset, chosen: np.ndarray, page: int) -> bytes:
    """Draw one page of the images chosen."""
    # As high for one image as for forty: a picture that jumps is hard to leaf through.
    sheet = _demo.Sheet(COLUMNS * (_TILE + _GAP) - _GAP, _HEAD + ROWS * (_TILE + _CAPTION + _GAP))
    words = f"{len(chosen):,} of {len(dataset):,} images, page {page + 1} of {_pages(len(chosen)):,}"
    sheet.text(2, _HEAD // 2, words, size=15, anchor="lm")
    for place, number in enumerate(chosen[page * _PAGE :][:_PAGE].tolist()):
        row, column = divmod(place, COLUMNS)
        x, y = column * (_TILE + _GAP), _HEAD + row * (_TILE + _CAPTION + _GAP)
        sheet.tile(dataset.images[number], x, y, _TILE)
        middle = y + _TILE + _CAPTION // 2
        sheet.text(x + 3, middle, dataset.classes[dataset.labels[number]], size=15, anchor="lm")
        name = f"#{number}"
        if dataset.writers is not None and len(dataset.writers[number]) <= _LONGEST_NAME:
            name = f"{dataset.writers[number]} {name}"
        sheet.text(x + _TILE - 3, middle, name, size=11, anchor="rm", fill=(110, 110, 110))
    return sheet.png()
