"""What the steps from a picture to a page share."""

from __future__ import annotations

import numpy as np
from PIL import Image


def reduced(picture: np.ndarray, factor: int) -> np.ndarray:
    """Return the means of squares of `factor` x `factor` pixels; what is left at the right and below is dropped."""
    if factor == 1:
        return picture
    height, width = (side // factor for side in picture.shape)
    columns = picture[: height * factor, : width * factor].reshape(height, factor, -1).mean(axis=1)
    return columns.reshape(height, width, factor).mean(axis=2)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    """Return the value below which half of the weight lies."""
    order = np.argsort(values, kind="stable")
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])


def transformed(image: np.ndarray, place: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return a picture of (width, height) `size` whose pixels come from where `place` says; beyond the edge it is 0."""
    data = (place / place[2, 2]).ravel()[:8].tolist()
    picture = Image.fromarray(np.ascontiguousarray(image, "float32"))
    return np.asarray(picture.transform(size, Image.Transform.PERSPECTIVE, data, Image.Resampling.BILINEAR))
