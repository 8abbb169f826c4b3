"""The bundled sample: isolated characters, as on a form, by many writers."""

import numpy as np

from hcr_lib import images, pen
from hcr_lib.handwriting._allographs import stroke_width_factors
from hcr_lib.handwriting._characters import CAP_HEIGHT, press, write_char
from hcr_lib.handwriting._style import Style

SAMPLE = "synthetic.npz"  #: the bundled sample, in data/

_PAD, _MARGIN = 160, 20  # the size of characters before they are scaled down to 28 x 28


def draw_char(char: str, style: Style, rng: np.random.Generator) -> np.ndarray:
    """Write one character and normalise it to an MNIST image, like a drawing of the pad.

    Returns
    -------
    ndarray of uint8, shape (28, 28)
        White ink (255) on black paper (0).
    """
    strokes = write_char(char, style, rng)
    widths = press(strokes, style, rng)
    scale = stroke_width_factors()[char] * (_PAD - 2 * _MARGIN) / CAP_HEIGHT
    ink = pen.render(pen.scale_to(strokes, _PAD, _MARGIN), _PAD, [scale * width for width in widths])
    return images.ink_to_mnist(ink)


def split_by_writer(writers: np.ndarray) -> np.ndarray:
    """Return the part each image belongs to; a writer is in one part only.

    Parameters
    ----------
    writers : ndarray of str, shape (n,)
        Names such as ``"w003"``, of writer number 3.

    Returns
    -------
    ndarray of str, shape (n,)
        ``"train"`` for six writers in eight, ``"val"`` and ``"test"`` for one each.

    Examples
    --------
    >>> split_by_writer(np.array(["w000", "w006", "w007", "w008"])).tolist()
    ['train', 'val', 'test', 'train']
    """
    parts = np.array(["train"] * 6 + ["val", "test"])
    return parts[[int(name[1:]) % len(parts) for name in writers]]
