"""Switches over the steps that turn a picture into an MNIST image, and a trace of what each makes of it."""

from collections.abc import Callable, Mapping, Sequence

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw
from scipy import ndimage

from hcr_lib import images
from hcr_lib.widgets import _demo

Picture = Image.Image | npt.ArrayLike
Reader = Callable[[np.ndarray], str]

#: What stands above each picture of the trace.
CAPTIONS = {
    "picture": "picture",
    "light": "1  light flattened",
    "polarity": "2  ink found on paper",
    "threshold": "3  threshold",
    "specks": "4  specks removed",
    "crop": "5  crop to the ink",
    "aspect": "6  aspect kept",
    "box": "7  box of 20",
    "stroke": "8  stroke width",
    "centre": "9  centre of mass",
}
_SIDE, _GAP, _CAPTION = 172, 12, 24  # of each picture, in pixels; 28 pixels six times enlarged, and a frame
_COLUMNS = 5


class _PreprocessingDemo(_demo.Demo):
    """The trace with a control for each of its settings."""

    def __init__(self, pictures: Mapping[str, Picture], reader: Reader | None) -> None:
        self._pictures, self._reader = dict(pictures), reader
        self.choice = ipywidgets.Dropdown(options=list(self._pictures), description="picture", **_demo.LOOK)
        given = {
            "rotation": _demo.slider(0, -45, 45, 1, "rotation"),
            "blur": _demo.slider(0, 0, 6, 0.5, "blur"),
            "inverted": ipywidgets.Checkbox(False, description="inverted", **_demo.LOOK),
        }
        amounts = {
            "level": _demo.slider(images.THRESHOLD, 0.05, 0.95, 0.05, "threshold"),
            "min_stroke": _demo.slider(images.MIN_STROKE, 0, 5, 0.2, "least stroke"),
        }
        look = {"indent": False, "layout": {"width": "180px"}}
        switches = {step: ipywidgets.Checkbox(True, description=CAPTIONS[step], **look) for step in images.STEPS}
        columns = [
            [self.choice, *given.values(), *amounts.values()],
            list(switches.values())[:5],
            list(switches.values())[5:],
        ]
        super().__init__("Preprocessing demo", {"picture": self.choice, **given, **amounts, **switches}, columns)

    def paint(self, *, picture: str, level: float, threshold: bool, **settings: float | bool) -> bytes:
        """Return the trace as a PNG; a threshold is both a switch and an amount."""
        threshold = level if threshold else False
        return preprocessing_picture(self._pictures[picture], reader=self._reader, threshold=threshold, **settings)


def preprocessing_demo(
    pictures: Sequence[Picture] | Mapping[str, Picture], reader: Reader | None = None
) -> ipywidgets.VBox:
    """Show the steps from a picture to its 28 x 28 image, with a switch for each.

    Rotation, blur and inversion change the picture that is handed in; threshold and least stroke are amounts of the
    recipe. The picture comes from `preprocessing_picture`.

    Parameters
    ----------
    pictures : sequence, or mapping of name to picture
        As for `hcr_lib.images.to_gray`.
    reader : callable, optional
        Takes the uint8 image (28, 28), returns what it reads; shown below the last picture.
    """
    if not isinstance(pictures, Mapping):
        pictures = {f"number {number}": picture for number, picture in enumerate(pictures, start=1)}
    if not pictures:
        raise ValueError("the demo needs at least one picture; got none.")
    return _PreprocessingDemo(pictures, reader)


def preprocessing_steps(
    picture: Picture,
    *,
    rotation: float = 0,
    blur: float = 0,
    inverted: bool = False,
    threshold: float | bool = images.THRESHOLD,
    min_stroke: float = images.MIN_STROKE,
    **switches: bool,
) -> dict[str, np.ndarray]:
    """Return the picture after every step of the MNIST recipe.

    Parameters
    ----------
    picture : PIL.Image.Image or array_like
        As for `hcr_lib.images.to_gray`.
    rotation, blur, inverted : float, float, bool
        Done to the picture first: degrees against the clock, pixels, and black for white.
    threshold : float or bool
        Ink at least this strong is kept; False keeps all greys.
    min_stroke : float
        As for `hcr_lib.images.fit_box`.
    **switches : bool
        ``light``, ``polarity``, ``specks``, ``crop``, ``aspect``, ``box``, ``stroke``, ``centre``: False leaves that
        step of `hcr_lib.images.STEPS` out.

    Returns
    -------
    dict of str to ndarray of float32
        As `hcr_lib.images.trace` returns them: pictures in [0, 1], 1 is ink. The last, ``"28 x 28"``, is just that.

    Raises
    ------
    hcr_lib.images.BlankImageError
        If no ink is left.
    ValueError
        If a switch is unknown.
    """
    gray = images.to_gray(picture)
    # The page goes on beyond its edges, in the light it has there; corners of one grey would look like ink.
    turned = ndimage.rotate(gray, rotation, order=1, mode="nearest")
    bright = ndimage.gaussian_filter(turned, blur, mode="nearest").clip(0, 1)
    off = _left_out(threshold, switches)
    threshold = images.THRESHOLD if isinstance(threshold, bool) else threshold
    return images.trace(1 - bright if inverted else bright, off=off, threshold=threshold, min_stroke=min_stroke)


def _left_out(threshold: float | bool, switches: Mapping[str, bool]) -> set[str]:
    """Return the steps that are switched off; an unknown switch is an error even where it is on."""
    unknown = sorted(switches.keys() - images.STEPS.keys())
    if unknown:
        raise ValueError(f"a switch must be one of {', '.join(images.STEPS)}; got {', '.join(unknown)}.")
    return {step for step, on in {**switches, "threshold": threshold is not False}.items() if not on}


def preprocessing_picture(picture: Picture, *, reader: Reader | None = None, **settings: float | bool) -> bytes:
    """Return the steps of `preprocessing_steps` as a PNG of black ink on white paper.

    Steps that are switched off are framed in red and say so. With a `reader`, a callable from the uint8 image
    (28, 28) to text, what it reads stands below the last picture.
    """
    steps = preprocessing_steps(picture, **settings)
    off = _left_out(settings.get("threshold", True), {key: settings[key] for key in settings.keys() & images.STEPS})
    rows = -(-len(steps) // _COLUMNS)
    foot = _CAPTION if reader else 0
    sheet = _demo.blank_sheet(_COLUMNS * (_SIDE + _GAP) - _GAP, rows * (_SIDE + _CAPTION + _GAP) - _GAP + foot)
    drawing = ImageDraw.Draw(sheet)
    for number, ((name, caption), step) in enumerate(zip(CAPTIONS.items(), steps.values(), strict=True)):
        row, column = divmod(number, _COLUMNS)
        x, y = column * (_SIDE + _GAP), row * (_SIDE + _CAPTION + _GAP)
        left_out = name in off
        colour = _demo.RED if left_out else _demo.BLACK
        words = f"{caption}: OFF" if left_out else caption
        _demo.text(drawing, (x + _SIDE // 2, y + _CAPTION // 2), words, fill=colour)
        _demo.put_tile(sheet, step, x, y + _CAPTION, _SIDE, _demo.RED if left_out else _demo.GREY)
    if reader:
        stored = (255 * steps["28 x 28"]).round().astype("uint8")
        middle = sheet.width - _SIDE // 2, sheet.height - foot // 2
        _demo.text(drawing, middle, f"read as {reader(stored)}", size=16)
    return _demo.to_bytes(sheet)
