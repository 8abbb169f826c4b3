"""Pictures as people have them, to one array of brightness: files of several formats, any orientation, any mode."""

from __future__ import annotations

import contextlib
import io
import os
import warnings
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from hcr_lib._validate import ensure_gray_image

Source = str | os.PathLike | bytes | BinaryIO

#: Formats that are opened. Pillow knows more; some, such as PostScript, it hands to other programs.
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")
#: Larger pictures are refused: the largest of common phones have 12,000 x 9,000 pixels, in memory 440 MB.
MAX_PIXELS = 110_000_000
MAX_BYTES = 4 * MAX_PIXELS  #: larger files are refused: they hold more than the pixels of a picture
WORKING_SIDE = 2400  #: larger pictures are reduced to this side; handwriting stays dozens of pixels tall


class ImageError(ValueError):
    """A picture that cannot be read, in one clear sentence."""


class BlankImageError(ImageError):
    """A picture without any ink on it."""


class NoWritingError(ImageError):
    """A picture with ink on it that is no writing: a drawing, a scribble, noise."""


def open_image(source: Source) -> Image.Image:
    """Open a PNG, JPEG or another picture of `FORMATS` the way a person sees it.

    Parameters
    ----------
    source : path, bytes or binary file
        EXIF rotation is applied, so a phone held sideways does not matter.

    Returns
    -------
    PIL.Image.Image
        Fully read; the file is closed.

    Raises
    ------
    ImageError
        If there is no such file, it is no regular file, empty, no picture, several pictures, cut short, or too large.
    """
    with _opened(source) as picture:
        picture.load()
        return ImageOps.exif_transpose(picture)


def open_gray(source: Source) -> tuple[np.ndarray, tuple[int, int]]:
    """Return the brightness of a picture as `to_gray` does, and the (width, height) of the picture itself.

    Large pictures are reduced before anything else is done with them, JPEGs while they are decoded, so that memory
    stays low. `source` and errors are those of `open_image`.
    """
    with _opened(source) as picture:
        width, height = picture.size
        if (factor := max(width, height) // WORKING_SIDE) > 1:
            picture.draft(None, (width // factor, height // factor))
        reduced = _reduced(picture)
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
        reduced.getexif()[ExifTags.Base.Orientation] = orientation
        gray = _brightness(ImageOps.exif_transpose(reduced))
    return gray, (height, width) if 5 <= orientation <= 8 else (width, height)


@contextlib.contextmanager
def _opened(source: Source) -> Iterator[Image.Image]:
    """Open a picture whose pixels are still to be read; whatever goes wrong, then or before, is an ImageError."""
    name = source if isinstance(source, str | os.PathLike) else "the picture"
    too_large = (
        f"{name} is too large ({{}}); expected at most {MAX_PIXELS // 1_000_000} million pixels and "
        f"{MAX_BYTES // 1_000_000} MB. Crop it to the handwriting, or scale it down."
    )
    size = _file_size(source) if name is source else len(source) if isinstance(source, bytes) else 1
    if size == 0:
        raise ImageError(f"{name} is empty (0 bytes); expected a PNG or JPEG. Save or copy it again.")
    if size > MAX_BYTES:
        raise ImageError(too_large.format(f"{size / 1e6:,.0f} MB"))
    try:
        file = io.BytesIO(source) if isinstance(source, bytes) else source
        # Pillow grumbles about odd EXIF, and about large pictures.
        with warnings.catch_warnings(action="ignore"), Image.open(file, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:  # so far only the header was read
                raise ImageError(too_large.format(f"{picture.width} x {picture.height} pixels"))
            # A phone's JPEG may hold smaller copies of itself (MPO).
            if picture.format != "MPO" and getattr(picture, "is_animated", False):
                raise ImageError(f"{name} holds several pictures; expected one. Save each as a file of its own.")
            yield picture
    except ImageError:
        raise
    except Image.DecompressionBombError:  # refused by Pillow itself
        over = f"over {2 * Image.MAX_IMAGE_PIXELS // 1_000_000} million pixels"
        raise ImageError(too_large.format(over)) from None
    except UnidentifiedImageError:
        raise ImageError(f"{name} is not a picture; expected a PNG or JPEG. Open it in a viewer to check.") from None
    except Exception as error:  # on damaged files, decoders stumble in every way there is
        raise ImageError(
            f"{name} is damaged or cut short ({error}); expected a whole PNG or JPEG. Save or copy it again."
        ) from error


def _file_size(path: str | os.PathLike) -> int:
    """Return the bytes of a file; what is none is refused before it is opened, since a pipe would wait for ever."""
    if not os.fspath(path):
        raise ImageError("the name of a picture is empty; expected a path. Name a file.")
    if os.path.isdir(path):
        raise ImageError(f"{path} is a folder; expected a picture. Name the files inside it.")
    if os.path.exists(path) and not os.path.isfile(path):
        raise ImageError(f"{path} is a pipe or a device; expected a picture. Save it as a file first.")
    try:
        with open(path, "rb") as file:
            return os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        raise ImageError(f"{path} was not found; expected a picture. Check the spelling of the path.") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise ImageError(
            f"{path} could not be opened ({getattr(error, 'strerror', error)}); expected a picture that you may read. "
            "Check the path and the file's permissions."
        ) from error


def to_gray(image: Image.Image | npt.ArrayLike) -> np.ndarray:
    """Return the brightness of a picture: 0 is black, 1 is white.

    Parameters
    ----------
    image : PIL.Image.Image or array_like
        Any Pillow mode; or uint8 of shape (height, width), (height, width, 3) or (height, width, 4); or float in
        [0, 1] of shape (height, width). Transparent parts become paper: white behind dark ink, black behind light ink.

    Returns
    -------
    ndarray of float32, shape (height, width), in [0, 1]
        The longer side is at most `WORKING_SIDE`.

    Raises
    ------
    ImageError
        If the shape, the type or the mode is another one, there are no pixels, or some are not finite or masked.
    """
    if not isinstance(image, Image.Image):
        image = _picture_of_array(image)
    if 0 in image.size:
        raise ImageError(f"a picture needs at least one pixel; got {image.width} x {image.height}.")
    try:
        return _brightness(_reduced(image))
    except ImageError:
        raise
    except (OSError, SyntaxError, EOFError, ValueError) as error:  # decoded only now, or of an unknown mode
        raise ImageError(
            f"the picture, of mode {image.mode}, is damaged or of another kind ({error}); expected a whole one in RGB."
        ) from error


def _reduced(image: Image.Image) -> Image.Image:
    """Reduce a picture to `WORKING_SIDE`, in a mode whose pixels can be averaged."""
    factor = -(-max(image.size) // WORKING_SIDE)
    if factor < 2:
        return _averageable(image)
    rows = 64 * factor  # one band after the other: a large picture in another mode would take its memory again
    bands = [
        _averageable(image.crop((0, top, image.width, min(top + rows, image.height)))).reduce(factor)
        for top in range(0, image.height, rows)
    ]
    whole = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    for number, band in enumerate(bands):
        whole.paste(band, (0, 64 * number))
    return whole


def _averageable(image: Image.Image) -> Image.Image:
    """Return a picture in a mode whose pixels can be averaged; numbered colours and single bits cannot."""
    if image.mode.startswith("I"):  # 16 and 32 bits
        return image.convert("I")
    if image.mode == "LAB":
        return image.getchannel("L")
    if image.mode == "La" or image.has_transparency_data:
        return image.convert("LA" if image.mode == "La" else "RGBA").convert("RGBA")
    return image.convert("L") if image.mode in ("1", "P") else image


def _brightness(image: Image.Image) -> np.ndarray:
    if image.mode in ("I", "F"):  # 16 and 32 bit scans
        deep = np.asarray(image, dtype="float32")
        if not np.isfinite(deep).all():
            raise ImageError("a picture must hold numbers only; got some that are not finite. Save it with 8 bits.")
        deep, full = deep.clip(0), 255.0
        if image.mode == "F" and deep.max() <= 1:
            full = 1.0
        elif deep.max() > 255:
            full = max(float(deep.max()), 65535.0)
        return deep / full
    if image.mode == "RGBA":
        alpha = np.asarray(image.getchannel("A"), dtype="float32") / 255
        light = np.asarray(image.convert("RGB").convert("L"), dtype="float32") / 255
        ink_is_light = alpha.min() < 1 and (alpha * light).sum() > 0.5 * alpha.sum()
        return light * alpha + (0.0 if ink_is_light else 1.0) * (1 - alpha)
    return np.divide(image.convert("L"), 255, dtype="float32")


def _picture_of_array(values: npt.ArrayLike) -> Image.Image:
    if np.ma.is_masked(values):
        raise ImageError("a picture must have no masked pixels; got a masked array. Fill them: array.filled(255).")
    array = np.asarray(values)
    if array.size == 0:
        raise ImageError(f"a picture needs at least one pixel; got shape {array.shape}.")
    if array.dtype == bool:
        array = np.uint8(255) * array
    if np.issubdtype(array.dtype, np.floating) and array.ndim == 2:
        array = (ensure_gray_image(array) * 255).round().astype("uint8")
    if array.dtype != np.uint8 or not (array.ndim == 2 or (array.ndim == 3 and array.shape[2] in (3, 4))):
        raise ImageError(
            "a picture must be uint8 with shape (height, width), (height, width, 3) or (height, width, 4), "
            f"or float in [0, 1] with shape (height, width); got {array.dtype} with shape {array.shape}."
        )
    return Image.fromarray(array)
