"""A corpus of hostile and clumsy files: each is answered by a reading or one clear line, soon, and costs no other."""

import io
import json
import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hcr_lib import __main__ as program
from hcr_lib import images, pen

ROOT = Path(__file__).resolve().parents[1]
STROKES = [[[120, 80], [120, 320], [280, 320]]]  # an L
PAGE = np.uint8(255 * (1 - pen.render(STROKES)))
POSTSCRIPT = (
    b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 99 99\n%%EndComments\n(owned.txt) (w) file closefile showpage\n"
)


def encoded(picture: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


def png(width: int, height: int, colour_type: int, data: bytes) -> bytes:
    """A PNG whose header may promise what its data does not hold."""
    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def refused() -> dict[str, tuple[bytes, str]]:
    """Files that hold nothing to read, and what is said of them."""
    page = Image.fromarray(PAGE)
    frames = {"save_all": True, "append_images": [page.rotate(90)]}
    nan = np.float32(PAGE / 255)
    nan[5, 5] = np.nan
    noise = Image.fromarray(np.uint8(255 * (np.random.default_rng(0).random((400, 400)) < 0.02)))
    return {
        "empty.png": (b"", "is empty"),
        "text.png": (b"dear diary", "is not a picture"),
        "page.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is not a picture"),
        "postscript.png": (POSTSCRIPT, "is not a picture"),
        "phone.heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "is not a picture"),
        "zeros.png": (b"\0" * 5000, "is not a picture"),
        "half.png": (encoded(page, "PNG")[:900], "is damaged or cut short"),
        "half.jpg": (encoded(page, "JPEG")[:2000], "is damaged or cut short"),
        "half.tif": (encoded(page, "TIFF")[:2000], "is damaged or cut short|is not a picture"),
        "promise.png": (png(9000, 9000, 0, b""), "is damaged or cut short"),
        "bomb.png": (png(20_000, 20_000, 6, b""), "is too large"),
        "flat.png": (png(0, 7, 0, b""), "is damaged or cut short|is not a picture"),
        "frames.gif": (encoded(page, "GIF", **frames), "holds several pictures"),
        "frames.tif": (encoded(page, "TIFF", **frames), "holds several pictures"),
        "frames.webp": (encoded(page, "WEBP", **frames), "holds several pictures"),
        "frames.png": (encoded(page, "PNG", **frames), "holds several pictures"),
        "nan.tif": (encoded(Image.fromarray(nan), "TIFF"), "numbers only"),
        "lab.tif": (encoded(Image.new("RGB", (90, 90), "white").convert("LAB"), "TIFF"), "no ink found"),
        "noise.png": (encoded(noise, "PNG"), "separate marks"),
        "blank.png": (encoded(Image.new("RGB", (50, 50)), "PNG"), "no ink found"),
        "dot.png": (encoded(Image.new("L", (1, 1)), "PNG"), "no ink found"),
        "line\nbreak\x1b[2J.png": (b"", "is empty"),
    }


def readable() -> dict[str, bytes]:
    """Odd files that show the L all the same."""
    page = Image.fromarray(PAGE)
    colours = page.convert("RGB")
    exif = Image.Exif()
    exif[0x0112], exif[0x010E] = 77, "no such orientation"
    return {
        "plain.png": encoded(page, "PNG"),
        "float.tif": encoded(Image.fromarray(np.float32(PAGE / 255)), "TIFF"),
        "lab ink.tif": encoded(colours.convert("LAB"), "TIFF"),
        "cmyk.jpg": encoded(colours.convert("CMYK"), "JPEG", quality=90),
        "phone.jpg": encoded(colours, "MPO", save_all=True, append_images=[colours.resize((40, 40))]),
        "exif.jpg": encoded(page, "JPEG", exif=exif),
        "one.gif": encoded(page, "GIF"),
        "one.webp": encoded(page, "WEBP"),
        "plain.ppm": encoded(page, "PPM"),
        "trailing.png": encoded(page, "PNG") + b"PK\3\4" * 1000,
    }


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    for name, content in {name: content for name, (content, _) in refused().items()}.items() | readable().items():
        (folder / name).write_bytes(content)
    return folder


def test_every_file_is_answered_and_none_costs_another(corpus, capsys):
    odd = {"": "name of a picture is empty", str(corpus): "is a folder", str(corpus / "missing.png"): "was not found"}
    os.symlink(corpus / "loop", corpus / "loop")
    odd[str(corpus / "loop")] = "could not be opened"
    with open(corpus / "sparse.png", "wb") as file:
        file.truncate(10_000_000_000)
    odd[str(corpus / "sparse.png")] = "is too large"
    if sys.platform != "win32":
        os.mkfifo(corpus / "pipe.png")
        odd |= {str(corpus / "pipe.png"): "is a pipe or a device", "/dev/zero": "is a pipe or a device"}
    expected = {str(corpus / name): message for name, (_, message) in refused().items()} | odd
    good = [str(corpus / name) for name in readable()]
    files = [*expected, *good, next(iter(good))]
    started = time.process_time()
    status = program.main(["read", "--json", "--alphabet", "letters", "--", *files])
    assert time.process_time() - started < 20
    shown = capsys.readouterr()
    answers = [json.loads(line) for line in shown.out.splitlines()]
    assert (status, [answer["file"] for answer in answers]) == (1, files)
    for answer in answers[: len(expected)]:
        message = answer["error"]
        assert any(part in message for part in expected[answer["file"]].split("|")), message
    assert {answer["file"]: answer.get("text", answer) for answer in answers[len(expected) :]} == dict.fromkeys(
        good, "L"
    )
    lines = shown.err.splitlines()
    assert len(lines) == len(expected), "one line a file, also where its name has line breaks"
    assert "\x1b" not in shown.err
    (corpus / "loop").unlink()
    (corpus / "sparse.png").unlink()


@pytest.mark.parametrize(
    "mode", ["L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "LA", "RGBX", "RGBa", "La", "I;16"]
)
def test_any_mode_of_pillow_is_read(mode):
    page = Image.fromarray(PAGE).resize((100, 100))
    by = {"La": "LA", "RGBa": "RGBA", "LAB": "RGB", "HSV": "RGB", "I;16": "I"}
    picture = page.convert(by.get(mode, mode)).convert(mode)
    one = images.to_mnist(picture)
    assert np.abs(one.astype(int) - images.to_mnist(page)).mean() < 3


def test_large_pictures_take_little_more_memory_than_their_pixels(tmp_path):
    """Turned by EXIF and with transparency: 12 million pixels of 4 bytes, 48 MB."""
    exif = Image.Exif()
    exif[0x0112] = 6
    tall = Image.new("RGBA", (4000, 3000), "white")
    tall.paste((0, 0, 0, 255), (700, 700, 3300, 1100))
    tall.save(tmp_path / "large.png", exif=exif, compress_level=1)
    code = (
        "import resource, sys\n"
        "from hcr_lib import images\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "gray, size = images.open_gray(sys.argv[1])\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, gray.shape, size)\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "large.png")]
    shown = subprocess.run(command, capture_output=True, check=True, text=True, cwd=ROOT, timeout=120).stdout
    taken, found = shown.split(" ", 1)
    assert found.strip() == "(2000, 1500) (3000, 4000)"
    assert int(taken) * (1 if sys.platform == "darwin" else 1024) < 110e6


def test_a_large_jpeg_is_reduced_while_it_is_decoded_and_boxes_keep_its_pixels(tmp_path):
    Image.fromarray(PAGE).resize((6000, 6000)).save(tmp_path / "large.jpg")
    gray, size = images.open_gray(tmp_path / "large.jpg")
    assert (gray.shape, size) == ((1500, 1500), (6000, 6000))
    small = images.to_mnist(PAGE).astype(int)
    assert np.abs(images.ink_to_mnist(images.flatten(gray)).astype(int) - small).mean() < 3
