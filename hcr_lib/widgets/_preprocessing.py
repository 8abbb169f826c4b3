"""Switches over the steps of the MNIST recipe, and a trace of a picture through them."""

from collections.abc import Callable, Mapping, Sequence

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from hcr_lib import images
from hcr_lib.widgets import _demo, _pad

Picture = Image.Image | npt.ArrayLike
Reader = Callable[[np.ndarray], str]

#: Of the pictures of the trace.
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
_SIDE, _GAP = 172, 12  # of each picture, in pixels; 28 pixels six times enlarged, and a frame
_COLUMNS = 5
_LARGEST, _LONGEST = 600, 24  # of an uploaded picture: its longer side, and characters of its name


def preprocessing_demo(
    pictures: Sequence[Picture] | Mapping[str, Picture], reader: Reader | None = None
) -> ipywidgets.VBox:
    """Show the `preprocessing_picture` of one of several pictures, which may have names, with a switch for each step.

    Rotation, blur and inversion change the picture that is handed in; threshold and least stroke are amounts of the
    recipe. A picture of one's own can be uploaded, or taken from the pad that was drawn on last.
    """
    if not isinstance(pictures, Mapping):
        pictures = {f"number {number}": picture for number, picture in enumerate(pictures, start=1)}
    if not pictures:
        raise ValueError("the demo needs at least one picture; got none.")
    pictures = dict(pictures)
    look = {"indent": False, "layout": {"width": "180px"}, "tooltip": "Do this step, or leave it out."}
    upload = ipywidgets.FileUpload(accept="image/*", description="upload a picture", layout=_demo.ALIGNED)
    upload.tooltip = "A photograph or a drawing of your own: one character."
    controls = {
        "picture": _demo.control("picture", list(pictures), tip="What goes through the steps."),
        "upload": upload,
        "drawn": _demo.button(
            "send from pad", lambda: demo.carefully(send), "Take what was last drawn on a pad in this notebook."
        ),
        "rotation": _demo.control("rotation", (-45, 45, 1), 0, tip="Degrees counter-clockwise, before the first step."),
        "blur": _demo.control("blur", (0, 6, 0.5), 0, tip="Pixels, before the first step."),
        "inverted": _demo.control("inverted", False, tip="Black for white, before the first step."),
        "level": _demo.control(
            "threshold", (0.05, 0.95, 0.05), images.THRESHOLD, tip="Ink at least this strong is kept."
        ),
        "min_stroke": _demo.control(
            "least stroke", (0, 5, 0.2), images.MIN_STROKE, tip="Thinner strokes are made as wide as this, in pixels."
        ),
        **{step: ipywidgets.Checkbox(True, description=CAPTIONS[step], **look) for step in images.STEPS},
    }

    def paint(*, picture: str, level: float, threshold: bool, **settings: float | bool) -> bytes:
        return preprocessing_picture(pictures[picture], reader=reader, threshold=threshold and level, **settings)

    def show(name: str, picture: Picture) -> None:
        pictures[name], chosen = picture, controls["picture"]
        with demo.held():
            if name not in chosen.options:
                chosen.options = [*pictures]
            chosen.value = name

    def send() -> None:
        if (ink := _pad.last_drawing()) is None:
            raise ValueError("nothing was drawn yet; run widgets.DrawingPad() in a cell, and draw there first.")
        show("from the pad", 1 - ink)

    def receive(change: dict) -> None:
        for file in change["new"]:
            gray, _ = images.open_gray(bytes(file["content"]))
            scale = min(1.0, _LARGEST / max(gray.shape))  # every step of every slider works on all pixels
            show(file["name"][:_LONGEST], images.resize(gray, *(scale * side for side in gray.shape)))

    upload.observe(lambda change: demo.carefully(lambda: receive(change)), names="value")
    demo = _demo.Demo("Preprocessing demo", paint, controls, beside="drawn")
    return demo


def preprocessing_picture(
    picture: Picture,
    *,
    reader: Reader | None = None,
    rotation: float = 0,
    blur: float = 0,
    inverted: bool = False,
    threshold: float | bool = True,
    min_stroke: float = images.MIN_STROKE,
    **switches: bool,
) -> bytes:
    """Return a picture after every step of the MNIST recipe, as a PNG of black ink on white paper.

    Steps that are switched off are framed in red and say so.

    Parameters
    ----------
    picture, min_stroke
        As for `hcr_lib.images.to_mnist`.
    reader : callable, optional
        Takes the uint8 image (28, 28), returns what it reads; shown below the last picture.
    rotation, blur, inverted : float, float, bool
        Changes of the picture, made first: degrees counter-clockwise, pixels, and black for white.
    threshold : float or bool
        Ink at least this strong is kept; False keeps all greys.
    **switches : bool
        False leaves that step of `hcr_lib.images.STEPS` out.

    Raises
    ------
    hcr_lib.images.BlankImageError
        If no ink is left.
    ValueError
        If a switch is unknown.
    """
    unknown = sorted(switches.keys() - images.STEPS.keys())
    if unknown:
        raise ValueError(f"a switch must be one of {', '.join(images.STEPS)}; got {', '.join(unknown)}.")
    off = {step for step, on in {**switches, "threshold": threshold is not False}.items() if not on}
    # The page continues beyond its edges, in the light it has there; corners of one grey would look like ink.
    turned = ndimage.rotate(images.to_gray(picture), rotation, order=1, mode="nearest")
    bright = ndimage.gaussian_filter(turned, blur, mode="nearest").clip(0, 1)
    level = images.THRESHOLD if isinstance(threshold, bool) else threshold
    steps = images.trace(1 - bright if inverted else bright, off=off, threshold=level, min_stroke=min_stroke)

    tiles = []
    for (name, words), step in zip(CAPTIONS.items(), steps.values(), strict=True):
        colour, frame, off_or_not = (_demo.RED, _demo.RED, ": OFF") if name in off else (_demo.BLACK, _demo.GREY, "")
        above = _demo.caption(words + off_or_not, _SIDE, fill=colour)
        tiles.append(_demo.join((above, _demo.tile(step, _SIDE, frame)), down=True))
    sheet = _demo.grid(tiles, _COLUMNS, _GAP)
    if reader:
        answer = reader((255 * steps["28 x 28"]).round().astype("uint8"))
        sheet = _demo.join((sheet, _demo.caption(f"read as {answer}", sheet.width, anchor="rm", size=16)), down=True)
    return _demo.png(sheet)
