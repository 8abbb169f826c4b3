"""Sliders over the steps that turn a picture into an MNIST image."""

import html
import io
from collections.abc import Mapping, Sequence

import ipywidgets
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont, ImageOps
from scipy import ndimage

from hcr_lib import images

Picture = Image.Image | npt.ArrayLike

_SIDE = 160  # of each picture in the row, in pixels


class _PreprocessingDemo(ipywidgets.VBox):
    """Controls, the row of pictures they change, and a line for what went wrong."""

    def __init__(self, pictures: Mapping[str, Picture]) -> None:
        self._pictures = dict(pictures)
        style = {"style": {"description_width": "90px"}, "layout": {"width": "320px"}}
        self.choice = ipywidgets.Dropdown(options=list(self._pictures), description="picture", **style)
        self.controls = {
            "rotation": ipywidgets.IntSlider(0, -45, 45, description="rotation", **style),
            "blur": ipywidgets.FloatSlider(0, min=0, max=6, step=0.5, description="blur", **style),
            "inverted": ipywidgets.Checkbox(False, description="inverted", **style),
            "threshold": ipywidgets.FloatSlider(
                images.THRESHOLD, min=0.05, max=0.95, step=0.05, description="threshold", **style
            ),
            "min_stroke": ipywidgets.FloatSlider(
                images.MIN_STROKE, min=0, max=5, step=0.2, description="least stroke", **style
            ),
            "crop": ipywidgets.Checkbox(True, description="crop to the ink", **style),
            "centre": ipywidgets.Checkbox(True, description="centre by mass", **style),
        }
        self.picture = ipywidgets.Image(format="png", layout={"max_width": "100%", "object_fit": "contain"})
        self.message = ipywidgets.HTML()
        switches = list(self.controls.values())
        given = ipywidgets.VBox([self.choice, *switches[:3]])
        recipe = ipywidgets.VBox(switches[3:])
        columns = ipywidgets.HBox([given, recipe], layout={"flex_flow": "row wrap"})
        super().__init__([columns, self.picture, self.message])
        for control in (self.choice, *switches):
            control.observe(self._repaint, names="value")
        self._repaint()

    def __repr__(self) -> str:
        """Read well where no widget renders, and be the same in every run."""
        return "Preprocessing demo (run this cell to move the sliders)"

    def _repaint(self, _change: dict | None = None) -> None:
        settings = {name: control.value for name, control in self.controls.items()}
        try:
            self.picture.value = preprocessing_picture(self._pictures[self.choice.value], **settings)
            self.message.value = ""
        except Exception as error:
            self.message.value = html.escape(str(error))


def preprocessing_demo(pictures: Sequence[Picture] | Mapping[str, Picture]) -> ipywidgets.VBox:
    """Show the steps from a picture to its 28 x 28 image, with a control for each.

    Rotation, blur and inversion change the picture that is handed in; threshold, least stroke, crop and
    centre change the recipe. The pictures come from `preprocessing_picture`.

    Parameters
    ----------
    pictures : sequence, or mapping of name to picture
        As for `hcr_lib.images.to_gray`.
    """
    if not isinstance(pictures, Mapping):
        pictures = {f"number {number}": picture for number, picture in enumerate(pictures, start=1)}
    if not pictures:
        raise ValueError("the demo needs at least one picture; got none.")
    return _PreprocessingDemo(pictures)


def preprocessing_steps(
    picture: Picture,
    *,
    rotation: float = 0,
    blur: float = 0,
    inverted: bool = False,
    threshold: float = images.THRESHOLD,
    min_stroke: float = images.MIN_STROKE,
    crop: bool = True,
    centre: bool = True,
) -> dict[str, np.ndarray]:
    """Return the picture after every step of the MNIST recipe.

    Parameters
    ----------
    picture : PIL.Image.Image or array_like
        As for `hcr_lib.images.to_gray`.
    rotation, blur, inverted : float, float, bool
        Done to the picture first: degrees against the clock, pixels, and black for white.
    threshold : float
        Ink at least this strong is kept.
    min_stroke : float
        As for `hcr_lib.images.fit_box`.
    crop : bool
        Without it, the whole page is shrunk to the 20 x 20 box.
    centre : bool
        Without it, the box is put in the middle of the 28 x 28 page, wherever its ink is.

    Returns
    -------
    dict of str to ndarray of float32
        Pictures in [0, 1], 1 is ink; the one handed in as it looks, so that its ink may be either. The last is 28 x 28.

    Raises
    ------
    hcr_lib.images.BlankImageError
        If no ink is left.
    """
    gray = images.to_gray(picture)
    # The page goes on beyond its edges, in the light it has there; corners of one grey would look like ink.
    turned = ndimage.rotate(gray, rotation, order=1, mode="nearest")
    bright = ndimage.gaussian_filter(turned, blur, mode="nearest").clip(0, 1)
    given = bright if inverted else 1 - bright
    ink = images.to_ink(given)
    kept = (ink >= threshold).astype("float32")
    cropped = images.crop(kept) if crop else kept
    boxed = images.fit_box(cropped, min_stroke=min_stroke) if crop else _shrink(kept)
    stored = images.center_by_mass(boxed) if centre else _in_the_middle(boxed)
    return {"picture": given, "ink": ink, "threshold": kept, "crop": cropped, "box": boxed, "28 x 28": stored}


def _shrink(page: np.ndarray) -> np.ndarray:
    """Shrink a whole page to the box, paper and all: what the recipe's crop saves us from."""
    box = ImageOps.contain(Image.fromarray(page), (images.BOX, images.BOX), Image.Resampling.BOX)
    return np.asarray(box).clip(0, 1)


def _in_the_middle(box: np.ndarray) -> np.ndarray:
    """Put a box in the middle of a 28 x 28 page, wherever its ink is."""
    page = np.zeros((images.SIZE, images.SIZE), "float32")
    (height, width), (top, left) = box.shape, ((images.SIZE - side) // 2 for side in box.shape)
    page[top : top + height, left : left + width] = box
    return page


def preprocessing_picture(picture: Picture, **settings: float | bool) -> bytes:
    """Return the steps of `preprocessing_steps` side by side, as a PNG of black ink on white paper."""
    steps = preprocessing_steps(picture, **settings)
    row = Image.new("L", (len(steps) * (_SIDE + 10) - 10, _SIDE + 24), 255)
    draw = ImageDraw.Draw(row)
    font = ImageFont.load_default(13)
    for number, (name, step) in enumerate(steps.items()):
        left = number * (_SIDE + 10)
        height, width = step.shape
        scale = (_SIDE - 2) / max(height, width)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BOX
        panel = Image.fromarray((255 * (1 - step)).round().astype("uint8")).resize(size, how)
        draw.text((left + _SIDE // 2, 10), name, font=font, fill=0, anchor="mm")
        x, y = left + (_SIDE - size[0]) // 2, 24 + (_SIDE - size[1]) // 2
        draw.rectangle((x - 1, y - 1, x + size[0], y + size[1]), outline=170)
        row.paste(panel, (x, y))
    file = io.BytesIO()
    row.save(file, format="PNG")
    return file.getvalue()
