"""The course's figures, in one style; none relies on colour alone.

Every function returns its Axes and shows nothing by itself; Jupyter shows the figure at the end of the cell.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator, PercentFormatter

from hcr_lib._validate import ensure_gray_image
from hcr_lib.metrics import calibration

if TYPE_CHECKING:
    from hcr_lib.datasets import Dataset
    from hcr_lib.recognizer import Reading

WIDTH = 6.5  #: width of every figure, in inches

# From the palette of M. Okabe and K. Ito (2008), which every kind of colour vision can distinguish.
BLUE, ORANGE, RED = "#0072B2", "#E69F00", "#D55E00"


def use_style() -> None:
    """Give all figures of a notebook the same style; call it once, in the setup cell.

    It sets sizes, fonts and colours only: the functions below draw the same content without it.
    """
    plt.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.0),
            "figure.dpi": 110,
            "figure.constrained_layout.use": True,
            "font.size": 9,
            "axes.titlesize": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": plt.cycler(color=[BLUE, ORANGE, RED]),
            "image.cmap": "gray_r",
            "image.interpolation": "nearest",
        }
    )


def show_images(
    images: npt.ArrayLike,
    labels: npt.ArrayLike | None = None,
    predictions: npt.ArrayLike | None = None,
    *,
    classes: str | None = None,
    columns: int = 10,
) -> np.ndarray:
    """Show a grid of images; with predictions, entitle each "4 read as 9" and frame the wrong ones.

    Parameters
    ----------
    images : array_like, shape (n, height, width)
        Stored images (uint8, 255 is ink) or ink (float in [0, 1]).
    labels, predictions : array_like, shape (n,), optional
        The truth and what was read: numbers, or characters.
    classes : str, optional
        Turns numbers into characters: label ``k`` is shown as ``classes[k]``.
    columns : int
        Images in a row.

    Returns
    -------
    ndarray of Axes, shape (n,)
        One for each image, in order.

    Raises
    ------
    ValueError
        If images, labels and predictions are not equally many, so that titles cannot slip to a neighbour.
    """
    images = np.asarray(images)
    if images.ndim != 3 or len(images) == 0:
        hint = " For a single image use images[None]." if images.ndim == 2 else ""
        raise ValueError(f"images must have shape (n, height, width), n at least 1; got shape {images.shape}.{hint}")
    if labels is None and predictions is not None:
        raise ValueError("predictions were given without labels; expected both, or labels alone.")
    names = []
    for what, given in (("labels", labels), ("predictions", predictions)):
        given = [""] * len(images) if given is None else given
        if len(given) != len(images):
            raise ValueError(f"{what} must have one entry per image: expected {len(images)}, got {len(given)}.")
        names.append([str(each) if classes is None or isinstance(each, str) else classes[each] for each in given])

    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    wide = max(1.0, images.shape[2] / images.shape[1])  # a strip of several characters needs less height
    side = min(WIDTH / columns / wide, 1.3)
    axes = _axes(rows * (side + (0.0 if labels is None else 0.22)), rows, columns).ravel()
    for ax in axes[len(images) :]:
        ax.axis("off")
    for ax, image, true, read in zip(axes, images, *names, strict=False):
        title = true if predictions is None else f"{true} read as {read}"
        _paper(ax, image, title, wrong=predictions is not None and true != read)
        ax.title.set_fontsize(9 if len(title) < 3 else min(9, 60 / columns))
    return axes[: len(images)]


def show_steps(steps: Mapping[str, npt.ArrayLike]) -> np.ndarray:
    """Show one image after each of several named steps, from left to right, with its size; return their Axes."""
    if not steps:
        raise ValueError("steps must hold at least one named image; got none.")
    axes = _axes(min(WIDTH / len(steps), 2.2) + 0.3, 1, len(steps))[0]
    for ax, (title, image) in zip(axes, steps.items(), strict=True):
        height, width = np.shape(image)
        _paper(ax, image, title)
        ax.set_xlabel(f"{height} x {width}")
    return axes


def show_windows(image: npt.ArrayLike, boxes: Mapping[str, tuple[int, int, int, int]]) -> np.ndarray:
    """Show copies of one image, each with a red frame around a window of it, such as a receptive field.

    A named window is given by its corners (x0, y0, x1, y1) in pixels; the ends are exclusive.
    """
    axes = show_steps(dict.fromkeys(boxes, image))
    for ax, (x0, y0, x1, y1) in zip(axes, boxes.values(), strict=True):
        _box(ax, x0, y0, x1, y1, linewidth=2)
        ax.spines[:].set(visible=True, color="0.7", linewidth=1)
        ax.set_xlabel(f"{y1 - y0} x {x1 - x0}")
    return axes


def show_strokes(strokes: Sequence[npt.ArrayLike]) -> Axes:
    """Show the strokes of a drawing, each of shape (n, 2) with y down, in any unit; number them where they start."""
    ax = _axes(3.0)
    for number, stroke in enumerate(strokes, start=1):
        x, y = np.asarray(stroke, dtype=float).T
        ax.plot(x, y, color="black", linewidth=2, marker="o", markersize=3, solid_capstyle="round")
        _label(ax, str(number), (x[0], y[0]), (-4, 4), ha="right", color=RED)
    ax.set(aspect="equal", xticks=[], yticks=[])
    ax.margins(0.1)
    ax.spines[:].set_visible(False)
    ax.invert_yaxis()
    return ax


def show_counts(dataset: "Dataset") -> Axes:
    """Show how many images each class has."""
    import seaborn as sns  # here: half of the time that importing this module would take

    counts, ax = dataset.counts, _axes(2.2)
    sns.barplot(x=list(counts.index), y=counts.to_numpy(), color=BLUE, saturation=1, ax=ax)
    ax.set(xlabel="character", ylabel="images", title=f"{counts.sum():,} images in {len(counts)} classes")
    ax.tick_params(axis="x", length=0, labelsize=9 if len(counts) <= 40 else 7)
    return ax


def show_confusion(matrix: npt.ArrayLike, classes: str, *, ax: Axes | None = None) -> Axes:
    """Show a confusion matrix of `hcr_lib.metrics.confusion`: shades are shares of the row, numbers count the mistakes.

    Rows are true, columns are what was read; `classes` are their characters.
    """
    import seaborn as sns  # as above

    matrix = np.asarray(matrix)
    if matrix.shape != (len(classes), len(classes)):
        raise ValueError(
            f"matrix must have shape ({len(classes)}, {len(classes)}) for {classes!r}; got {matrix.shape}."
        )
    ax = _axes(WIDTH if len(classes) > 12 else WIDTH * 0.7) if ax is None else ax
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    sns.heatmap(
        share, vmin=0, vmax=1, cmap="Blues", cbar=False, square=True, ax=ax, linewidths=0.3, linecolor="0.9",
        xticklabels=list(classes), yticklabels=list(classes),
    )  # fmt: skip
    size = min(9.0, 220 / len(classes))
    for row, column in np.argwhere(matrix):
        if row != column:
            ink = "white" if share[row, column] > 0.5 else "black"
            count = str(matrix[row, column])
            ax.text(column + 0.5, row + 0.5, count, ha="center", va="center", fontsize=size, color=ink)
    ax.set(xlabel="read as (shade: share of the row)", ylabel="true")
    ax.tick_params(length=0, labelrotation=0, labelsize=9 if len(classes) <= 40 else 6)
    return ax


def show_calibration(labels: npt.ArrayLike, probabilities: npt.ArrayLike, bins: int = 10) -> Axes:
    """Show a reliability diagram: the accuracy for each confidence.

    Parameters are those of `hcr_lib.metrics.calibration`. Bars below the diagonal: the network is overconfident.
    """
    table, ax = calibration(labels, probabilities, bins), _axes(3.2)
    table = table[table["n"] > 0]
    bars = ax.bar(table["low"], table["accuracy"], width=1 / bins, align="edge", color=BLUE, edgecolor="white")
    ax.plot([0, 1], [0, 1], "--", color="0.3")
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 1}
    ax.bar_label(bars, [f"{count:,}" for count in table["n"]], padding=3, fontsize=7, bbox=blank)
    ax.set(xlim=(0, 1), ylim=(0, 1.08), xlabel="confidence", ylabel="accuracy")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_formatter(PercentFormatter(1))
    return ax


def show_ladder(rows: pd.DataFrame | Sequence[Mapping[str, Any]]) -> Axes:
    """Show the error rates of several methods on a logarithmic axis, with intervals and published figures.

    Parameters
    ----------
    rows : DataFrame, or sequence of mappings
        From the top down: `what` it is, and its `error` with `low` and `high`, all shares; optionally the `published`
        error with its `source`. Missing values (or None) are not drawn. As returned by
        `hcr_lib.baselines.small_ladder`, and as in the record "ladder".
    """
    table = pd.DataFrame(rows).reindex(columns=["what", "error", "low", "high", "published", "source"])
    if table.empty:
        raise ValueError("rows must hold at least one method with its error; got none.")
    numbers = table[["error", "low", "high", "published"]].astype(float)
    drawn = numbers[["error", "high", "published"]].to_numpy()
    drawn = drawn[drawn > 0]
    left, right = drawn.min(initial=0.1) / 1.5, drawn.max(initial=0.1) * 1.3
    ax, places = _axes(0.9 + 0.23 * len(table)), np.arange(len(table))
    # A logarithmic axis has no 0: such an error is drawn at the edge.
    ax.hlines(places, numbers["low"].clip(left), numbers["high"], color=BLUE, linewidth=1.5)
    ax.plot(numbers["error"].clip(left), places, "o", color=BLUE, markersize=5, label="ours", clip_on=False)
    ax.plot(numbers["published"], places, "D", color=ORANGE, markersize=6, fillstyle="none", label="published")
    ours, published = (
        numbers[name].map(lambda share: "" if np.isnan(share) else f"{100 * share:.2f} %")
        for name in ("error", "published")
    )
    columns = [("ours", 8, BLUE, ours)]
    if numbers["published"].notna().any():
        quoted = published + " " + table["source"].fillna("")
        columns.append(("published (open)", 50, "0.35", quoted.where(published != "", "")))
    for title, points, color, texts in columns:
        look = {"color": color, "va": "center", "annotation_clip": False, "fontsize": 8}
        _label(ax, title, (1, 1), (points, 4), xycoords="axes fraction", **look)
        for y, text in zip(places, texts, strict=True):
            _label(ax, text, (1, y), (points, 0), xycoords=ax.get_yaxis_transform(), **look)
    ax.set(xscale="log", xlim=(left, right), ylim=(len(table) - 0.4, -0.6), xlabel="error on the test (logarithmic)")
    ax.set_yticks(places, table["what"], fontsize=8)
    ax.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.grid(axis="x", color="0.9", linewidth=0.6)
    ax.set_axisbelow(True)
    ax.tick_params(axis="x", labelsize=8)
    ax.tick_params(axis="y", length=0)
    return ax


def show_reading(image: npt.ArrayLike, reading: "Reading") -> Axes:
    """Show a page of ink and what `Recognizer.read` made of it: a box around each character, with its name above."""
    height, width = np.shape(image)
    ax = _axes(min(WIDTH * height / width + 0.4, 5.0))
    _paper(ax, image, reading.text)
    for found in reading.characters:
        _box(ax, *found.box, linewidth=1)
        _label(ax, found.char, found.box[:2], (0, 2), color=RED, weight="bold")
    return ax


def _axes(height: float, rows: int | None = None, columns: int = 1) -> Any:
    """Return the Axes of a new figure; for a number of rows, an array of them."""
    _, axes = plt.subplots(rows or 1, columns, figsize=(WIDTH, height), squeeze=False, layout="constrained")
    return axes if rows else axes[0, 0]


def _paper(ax: Axes, image: npt.ArrayLike, title: str, *, wrong: bool = False) -> None:
    """Draw one image as black ink on white paper; frame it if it was read wrong."""
    image = np.asarray(image)
    ink = ensure_gray_image(image / 255 if image.dtype == np.uint8 else image)
    ax.imshow(ink, cmap="gray_r", vmin=0.0, vmax=1.0, interpolation="nearest")
    ax.set(xticks=[], yticks=[])
    ax.set_title(title, fontsize=9)
    ax.spines[:].set(visible=wrong, color=RED, linewidth=2)


def _box(ax: Axes, x0: float, y0: float, x1: float, y1: float, linewidth: float) -> None:
    """Frame a window of an image; pixel centres lie at whole numbers, so its edges are half a pixel further out."""
    box = Rectangle((x0 - 0.5, y0 - 0.5), x1 - x0, y1 - y0, fill=False, edgecolor=RED, linewidth=linewidth)
    ax.add_patch(box)


def _label(ax: Axes, text: str, at: tuple[float, float], points: tuple[float, float], **look: Any) -> None:
    """Write words so many points right of a place, and above it."""
    ax.annotate(text, at, points, textcoords="offset points", **look)
