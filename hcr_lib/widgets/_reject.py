"""A threshold on confidence: what a machine reads, what it misreads, what goes to a person, and the cost of it all."""

import functools

import numpy as np
import numpy.typing as npt
from PIL import Image

from hcr_lib.widgets import _demo

_WIDTH, _BAR, _CURVE, _EDGE = 560, 44, 170, 40
_READ, _ASKED = (0, 114, 178), (170, 170, 170)
_LEVELS = np.linspace(0, 1, 101)


def reject_demo(confidence: npt.ArrayLike, right: npt.ArrayLike) -> _demo.Demo:
    """Show sliders for the least confidence and for two costs, with the `reject_picture` of their values."""
    controls = {
        "least": _demo.control(
            "least", (0.0, 1.0, 0.01), 0.5, tip="Readings with less confidence than this go to a person."
        ),
        "misread": _demo.control("misread", (1.0, 100.0, 1.0), 20.0, tip="What a misread one costs."),
        "by_hand": _demo.control("a person", (0.5, 10.0, 0.5), 1.0, tip="What one costs that a person reads."),
    }
    paint = functools.partial(reject_picture, confidence, right)
    return _demo.Demo("Reject demo", paint, controls, beside="by_hand")


def reject_picture(
    confidence: npt.ArrayLike, right: npt.ArrayLike, least: float = 0.5, misread: float = 20.0, by_hand: float = 1.0
) -> bytes:
    """Return what becomes of 1,000 readings, and what they cost at every threshold, as a PNG.

    Parameters
    ----------
    confidence : array_like of float, shape (n,)
        In [0, 1].
    right : array_like of bool, shape (n,)
        Whether each reading is.
    least : float
        Readings with less confidence go to a person.
    misread, by_hand : float
        What a misread one costs, and one that a person reads.
    """
    confidence, right = np.asarray(confidence, dtype=float), np.asarray(right, dtype=bool)
    if confidence.ndim != 1 or confidence.shape != right.shape or not confidence.size:
        raise ValueError(
            f"expected a confidence and whether it is right for each reading, both of shape (n,); got "
            f"{confidence.shape} and {right.shape}."
        )
    asked = confidence < np.append(_LEVELS, least)[:, None]
    wrong, hand = (1000 * part.mean(axis=1) for part in (~asked & ~right, asked))
    costs = misread * wrong + by_hand * hand
    parts = {"read right": 1000 - wrong[-1] - hand[-1], "misread": wrong[-1], "to a person": hand[-1]}
    words = ", ".join(f"{name} {number:.0f}" for name, number in parts.items())
    sheet = _demo.Sheet(_WIDTH, _BAR)
    left = 0.0
    for number, fill in zip(parts.values(), (_READ, _demo.RED, _ASKED), strict=True):
        sheet.draw.rectangle([left, 8, left + number * _WIDTH / 1000, _BAR - 8], fill=fill)
        left += number * _WIDTH / 1000
    pictures = [_demo.caption(f"Of 1,000: {words}.", _WIDTH, anchor="lm"), sheet.image]
    pictures.append(_curve(costs[:-1], least, costs[-1]))
    best = int(costs[:-1].argmin())
    told = f"It costs {costs[-1]:,.0f}; the least is {costs[best]:,.0f}, at {_LEVELS[best]:.2f}."
    return _demo.png(_demo.join([*pictures, _demo.caption(told, _WIDTH, anchor="lm")], down=True))


def _curve(costs: np.ndarray, least: float, now: float) -> Image.Image:
    """Return the cost for every threshold as a curve, with a dot at the present one."""
    sheet, high = _demo.Sheet(_WIDTH, _CURVE), max(float(costs.max()), now, 1e-9)

    def place(level: float, each: float) -> tuple[float, float]:
        return _EDGE + level * (_WIDTH - 2 * _EDGE), _CURVE - 26 - each / high * (_CURVE - 50)

    sheet.draw.line([place(0, 0), place(1, 0)], fill=_demo.GREY)
    sheet.draw.line([place(*point) for point in zip(_LEVELS, costs, strict=True)], fill=_demo.BLACK, width=2)
    x, y = place(least, now)
    sheet.draw.ellipse([x - 5, y - 5, x + 5, y + 5], fill=_demo.RED)
    for level in (0, 0.5, 1):
        sheet.text(*place(level, 0)[:1], _CURVE - 12, f"{level:g}")
    sheet.text(_EDGE, 10, "cost, for every least confidence", anchor="lm")
    return sheet.image
