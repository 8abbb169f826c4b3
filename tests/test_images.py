"""The MNIST recipe: what must not matter to the result does not matter, and what cannot be read says so clearly."""

import contextlib
import io
import itertools
import resource
import struct
import sys
import time
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from hcr_lib import images, pen

# A Z with a bar and a dot beside it: no symmetry hides a flip, and the dot shows whether small parts survive.
GLYPH = [[[0, 0], [80, 0], [5, 130], [85, 130]], [[20, 65], [65, 65]], [[88, 60]]]


def drawing(size=300, half_width=10.0, place=(150, 150), scale=1.0) -> np.ndarray:
    """The glyph in black on white, uint8 (size, size); `place` is where its middle lies."""
    strokes = [(np.array(stroke) - [44, 65]) * scale + place for stroke in GLYPH]
    return np.uint8(255 * (1 - pen.render(strokes, size, half_width)))


PAGE = drawing()
STORED = images.to_mnist(PAGE)


def difference(first: np.ndarray, second: np.ndarray, shift: int = 0) -> float:
    """Mean absolute difference as a share of the ink, the best over shifts up to `shift` pixels."""
    first, second = np.pad(first.astype(float), 1), np.pad(second.astype(float), 1)
    offsets = itertools.product(range(-shift, shift + 1), repeat=2)
    return min(np.abs(first - np.roll(second, offset, (0, 1))).sum() for offset in offsets) / first.sum()


def encoded(picture: Image.Image, format="PNG", **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, format, **options)
    return buffer.getvalue()


class TestTheResult:
    def test_is_white_ink_on_black_in_a_box_of_twenty_centred_by_mass(self):
        x0, y0, x1, y1 = images.bounding_box(STORED / 255, 0.01)
        assert max(x1 - x0, y1 - y0) == 20
        assert STORED.max() == 255
        for axis in (0, 1):
            profile = STORED.sum(axis=1 - axis, dtype=float)
            assert profile @ np.arange(28) / profile.sum() == pytest.approx(13.5, abs=0.51)

    @given(st.integers(-95, 95), st.integers(-75, 75))
    @settings(max_examples=20)
    def test_the_place_on_the_page_does_not_matter(self, dx, dy):
        assert difference(STORED, images.to_mnist(drawing(place=(150 + dx, 150 + dy)))) < 0.02

    @pytest.mark.parametrize("scale", [0.4, 1, 2, 3, 5, 8])
    def test_size_does_not_matter(self, scale):
        large = drawing(int(300 * scale), 10 * scale, (150 * scale, 150 * scale), scale)
        assert difference(STORED, images.to_mnist(large), shift=1) < 0.1

    @pytest.mark.parametrize("half_width", [2, 4, 7])
    def test_a_thin_pen_hardly_matters(self, half_width):
        assert difference(STORED, images.to_mnist(drawing(half_width=half_width)), shift=1) < 0.3

    def test_a_hair_line_is_thickened_only_on_request(self):
        hair = drawing(half_width=1)
        assert images.to_mnist(hair, min_stroke=0).sum() < 0.6 * images.to_mnist(hair).sum()

    @given(st.integers(0, 40), st.integers(200, 255))
    @settings(max_examples=15)
    def test_polarity_and_contrast_do_not_matter(self, dark, light):
        page = (dark + PAGE * ((light - dark) / 255)).round().astype("uint8")
        assert difference(STORED, images.to_mnist(page)) < 0.05
        assert difference(STORED, images.to_mnist(255 - page)) < 0.05

    @pytest.mark.parametrize(("width", "height"), [(8, 160), (160, 8), (60, 120)])
    def test_the_aspect_is_kept(self, width, height):
        page = np.full((200, 200), 255, "uint8")
        page[20 : 20 + height, 20 : 20 + width] = 0
        x0, y0, x1, y1 = images.bounding_box(images.to_mnist(page, min_stroke=0) / 255)
        scale = 20 / max(width, height)
        assert (x1 - x0, y1 - y0) == (max(1, round(width * scale)), max(1, round(height * scale)))

    def test_once_is_enough(self):
        again = images.to_mnist(STORED)
        assert difference(STORED, again, shift=1) < 0.15
        assert difference(again, images.to_mnist(again), shift=1) < 0.12

    def test_stored_images_are_brought_into_the_same_form_and_blank_ones_stay_blank(self):
        faint = STORED // 2
        batch = images.to_mnist_batch(np.stack([STORED, faint, np.zeros_like(STORED)]))
        assert (batch.shape, batch.dtype) == ((3, 28, 28), np.uint8)
        assert difference(batch[0], STORED, shift=1) < 0.15
        assert difference(batch[0], batch[1]) < 0.05
        assert batch[2].max() == 0

    def test_an_empty_batch_is_no_error(self):
        assert images.to_mnist_batch(np.zeros((0, 28, 28), "uint8")).shape == (0, 28, 28)


class TestModes:
    """Whatever Pillow calls the colours, the ink is the same."""

    @pytest.mark.parametrize("mode", ["L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I", "F"])
    @pytest.mark.parametrize("large", [False, True], ids=["", "large"])
    def test_colour(self, mode, large):
        picture = Image.fromarray(np.kron(PAGE, np.ones((9, 9), "uint8")) if large else PAGE)
        picture = picture.convert("P" if mode == "PA" else "RGB" if mode == "HSV" else mode).convert(mode)
        assert difference(STORED, images.to_mnist(picture), shift=1) < (0.02 if large else 0.01)

    @pytest.mark.parametrize("factor", [1, 9])
    def test_one_bit(self, factor):
        scan = Image.fromarray(np.kron(PAGE, np.ones((factor, factor), "uint8")) > 127)
        assert scan.mode == "1"
        assert difference(STORED, images.to_mnist(scan), shift=1) < 0.05

    @pytest.mark.parametrize(("dark", "light"), [(0, 65535), (0, 4095), (30000, 60000)])
    @pytest.mark.parametrize("factor", [1, 9])
    def test_sixteen_bits(self, dark, light, factor):
        deep = (dark + np.kron(PAGE, np.ones((factor, factor))) / 255 * (light - dark)).astype("uint16")
        picture = images.open_image(encoded(Image.fromarray(deep)))
        assert picture.mode.startswith("I")
        assert difference(STORED, images.to_mnist(picture), shift=1) < 0.02

    def test_an_array_is_as_good_as_a_picture(self):
        for array in (PAGE / 255, PAGE > 127, np.dstack([PAGE] * 3), np.dstack([PAGE] * 3 + [np.full_like(PAGE, 255)])):
            assert difference(STORED, images.to_mnist(array)) < 0.05

    @pytest.mark.parametrize("colour", [(0, 0, 0), (20, 30, 120), (255, 255, 255), (250, 230, 120)])
    @pytest.mark.parametrize("hidden", [(0, 0, 0), (255, 255, 255)], ids=["over black", "over white"])
    def test_ink_on_nothing(self, colour, hidden):
        """Dark or light ink on transparent paper, whatever colour the invisible pixels carry."""
        alpha = 255 - PAGE
        colours = np.where(alpha[..., None] > 0, np.array(colour, "uint8"), np.array(hidden, "uint8"))
        picture = Image.fromarray(np.dstack([colours, alpha]))
        assert difference(STORED, images.to_mnist(images.open_image(encoded(picture)))) < 0.05

    @pytest.mark.parametrize("ink", [0, 1])
    @pytest.mark.parametrize("factor", [1, 9])
    def test_numbered_colours_with_a_transparent_one(self, ink, factor):
        numbers = np.kron(PAGE < 128, np.ones((factor, factor), bool)) == bool(ink)
        picture = Image.fromarray(numbers.astype("uint8"))
        picture.putpalette([10, 10, 10, 240, 240, 240])
        opened = images.open_image(encoded(picture, transparency=1 - ink))
        assert opened.mode == "P"
        assert difference(STORED, images.to_mnist(opened), shift=1) < 0.05

    @pytest.mark.parametrize("orientation", range(1, 9))
    @pytest.mark.parametrize("format", ["JPEG", "PNG"])
    def test_a_phone_held_any_way(self, orientation, format):
        upright = Image.fromarray(PAGE)
        # What the camera stores, so that the rotation named by EXIF brings it upright again.
        undo = {1: [], 2: ["FLIP_LEFT_RIGHT"], 3: ["ROTATE_180"], 4: ["FLIP_TOP_BOTTOM"], 5: ["TRANSPOSE"],
                6: ["ROTATE_90"], 7: ["TRANSVERSE"], 8: ["ROTATE_270"]}[orientation]  # fmt: skip
        held = upright
        for step in undo:
            held = held.transpose(Image.Transpose[step])
        exif = Image.Exif()
        exif[0x0112] = orientation
        content = encoded(held, format, exif=exif)
        assert difference(STORED, images.to_mnist(images.open_image(content))) < 0.05
        if orientation > 1:
            assert difference(STORED, images.to_mnist(Image.open(io.BytesIO(content))), shift=1) > 0.2


class TestPhotographs:
    DOWN, ACROSS = np.indices(PAGE.shape) / 300

    @pytest.mark.parametrize("angle", np.arange(0, 360, 45))
    @pytest.mark.parametrize("inverted", [False, True])
    def test_light_from_one_side(self, angle, inverted):
        along = np.cos(np.radians(angle)) * (self.ACROSS - 0.5) + np.sin(np.radians(angle)) * (self.DOWN - 0.5)
        ink = 1 - PAGE / 255
        paper = 0.6 + 0.5 * along  # from 0.25 to 0.95 at a slant
        photo = np.clip(paper - 0.3 * ink if not inverted else 1 - paper + 0.3 * ink, 0, 1)
        assert difference(STORED, images.to_mnist((255 * photo).astype("uint8")), shift=1) < 0.2

    def test_dark_corners(self):
        distance = (self.ACROSS - 0.5) ** 2 + (self.DOWN - 0.5) ** 2
        photo = (200 * (1 - distance) * (0.3 + 0.7 * PAGE / 255)).astype("uint8")
        assert difference(STORED, images.to_mnist(photo), shift=1) < 0.15

    @given(st.integers(0, 2**32 - 1), st.floats(2, 18))
    @settings(max_examples=10)
    def test_grain(self, seed, strength):
        grain = np.random.default_rng(seed).normal(0, strength, PAGE.shape)
        photo = np.clip(60 + PAGE * 0.6 + grain, 0, 255).astype("uint8")
        assert difference(STORED, images.to_mnist(photo), shift=1) < 0.15

    def test_dust_does_not_make_the_character_small(self):
        dusty = PAGE.copy()
        dusty[5:8, 5:8] = dusty[290:293, 280:284] = 0
        assert difference(STORED, images.to_mnist(dusty)) < 0.02

    def test_strong_compression(self):
        assert (
            difference(
                STORED, images.to_mnist(Image.open(io.BytesIO(encoded(Image.fromarray(PAGE), "JPEG", quality=15))))
            )
            < 0.15
        )


NOISE = np.clip(np.random.default_rng(0).normal(200, 12, (120, 120)), 0, 255).astype("uint8")
SLOPE = np.tile(np.linspace(40, 250, 120), (120, 1)).astype("uint8")


class TestBlank:
    @pytest.mark.parametrize(
        "page",
        [np.full((90, 90), 255, "uint8"), np.zeros((90, 90), "uint8"), np.full((9, 99), 128, "uint8"), NOISE,
         255 - NOISE, SLOPE, SLOPE.T, np.zeros((1, 1), "uint8"), np.full((1, 50), 7, "uint8"),
         np.zeros((2, 2), "uint8")],
        ids=["white", "black", "grey", "noise", "dark noise", "slope", "slope down", "1x1", "1x50", "2x2"],
    )  # fmt: skip
    def test_says_so_with_the_size_and_what_to_do(self, page):
        with pytest.raises(images.BlankImageError, match=rf"{page.shape[1]} x {page.shape[0]} .*expected.*contrast"):
            images.to_mnist(page)

    def test_fully_transparent(self):
        with pytest.raises(images.BlankImageError):
            images.to_ink(Image.new("RGBA", (50, 50), (0, 0, 0, 0)))

    @given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 2**32 - 1))
    @settings(max_examples=60)
    def test_the_smallest_pictures_are_read_or_called_blank(self, height, width, seed):
        page = np.random.default_rng(seed).integers(0, 256, (height, width)).astype("uint8")
        with contextlib.suppress(images.BlankImageError):
            assert images.to_mnist(page).shape == (28, 28)

    @pytest.mark.parametrize("shape", [(0, 0), (0, 5), (5, 0)])
    def test_no_pixels(self, shape):
        with pytest.raises(images.ImageError, match="at least one pixel"):
            images.to_mnist(np.zeros(shape, "uint8"))

    @pytest.mark.parametrize(
        "page",
        [np.zeros((5, 5, 2), "uint8"), np.zeros((2, 28, 28), "uint8"), np.zeros(5, "uint8"), np.zeros((5, 5), "int64"),
         np.full((5, 5), 2.0), np.full((5, 5), np.nan), "photo.png", None],
    )  # fmt: skip
    def test_what_is_no_picture_is_refused_by_shape_and_type(self, page):
        with pytest.raises(ValueError, match="must"):
            images.to_mnist(page)


def bilevel_png(width: int, height: int) -> bytes:
    """A white one-bit PNG, written in pieces of 100 rows: little of a file, however large the picture."""
    row = b"\0" + b"\xff" * (-(-width // 8))
    packer = zlib.compressobj(1)
    body = b"".join(packer.compress(row * 100) for _ in range(height // 100)) + packer.flush()
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)), (b"IDAT", body), (b"IEND", b"")]
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


class TestOpening:
    PNG, JPEG = (encoded(Image.fromarray(NOISE), format) for format in ("PNG", "JPEG"))

    @pytest.mark.parametrize("name", ["plain.png", "with a space.png", "příliš žluťoučký 文字 ✍.png", "no_suffix"])
    def test_paths_as_people_have_them(self, tmp_path, name):
        path = tmp_path / name
        path.write_bytes(self.PNG)
        for source in (path, str(path), self.PNG, io.BytesIO(self.PNG)):
            assert np.array_equal(np.asarray(images.open_image(source)), NOISE)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"", "is empty .*expected a PNG or JPEG.*again"),
            (b"dear diary, today I drew an A", "is not a picture; expected a PNG or JPEG.*viewer"),
            (PNG[: len(PNG) // 2], "is damaged or cut short .*expected a whole PNG or JPEG.*again"),
            (JPEG[: len(JPEG) // 2], "is damaged or cut short .*expected a whole PNG or JPEG.*again"),
            (PNG[:20], "is damaged|is not a picture"),
            (bilevel_png(12_000, 12_000), "too large .12000 x 12000 pixels.*expected at most 110 million.*Crop"),
            (bilevel_png(20_000, 20_000), "too large .over 178 million pixels.*expected at most 110 million.*Crop"),
        ],
        ids=["empty", "text", "half a PNG", "half a JPEG", "a header", "too large", "far too large"],
    )
    def test_what_cannot_be_read_gets_one_clear_sentence(self, tmp_path, content, message):
        path = tmp_path / "photo.png"
        path.write_bytes(content)
        with pytest.raises(images.ImageError, match=message) as raised:
            images.open_image(path)
        assert str(raised.value).startswith(str(path))
        with pytest.raises(images.ImageError, match=message):
            images.open_image(content)

    def test_folder_missing_and_impossible_names(self, tmp_path):
        with pytest.raises(images.ImageError, match=r"is a folder; expected a picture. Name the files"):
            images.open_image(tmp_path)
        with pytest.raises(images.ImageError, match=r"not found; expected a picture. Check"):
            images.open_image(tmp_path / "nothing.png")
        with pytest.raises(images.ImageError, match=r"could not be opened .*expected a picture.*Check"):
            images.open_image(tmp_path / ("x" * 500))
        (tmp_path / "file.png").write_bytes(self.PNG)
        with pytest.raises(images.ImageError, match=r"could not be opened \(.*\).*permissions"):
            images.open_image(tmp_path / "file.png" / "inside.png")
        with pytest.raises(images.ImageError, match=r"could not be opened \(.*null"):
            images.open_image("nu\0ll.png")
        with pytest.raises(images.ImageError, match="the name of a picture is empty; expected a path"):
            images.open_image("")

    def test_a_huge_picture_is_refused_before_it_fills_the_memory(self):
        content = bilevel_png(20_000, 20_000)
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
        with pytest.raises(images.ImageError):
            images.open_image(content)
        unit = 1 if sys.platform == "darwin" else 1024
        assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit < 50e6  # decoded: 400 MB
        assert time.monotonic() - start < 2

    @given(st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP"]), st.integers(0, 2**32 - 1))
    @settings(max_examples=150)
    def test_damage_of_any_kind_is_an_image_error_or_a_picture(self, format, seed):
        rng = np.random.default_rng(seed)
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a description"
        options = {} if format in ("GIF", "BMP") else {"exif": exif}
        content = bytearray(encoded(Image.fromarray(PAGE[::6, ::6]), format, **options))
        for place in rng.integers(0, min(len(content), 300), rng.integers(1, 5)):
            content[place] = rng.integers(0, 256)
        if rng.random() < 0.5:
            content = content[: rng.integers(1, len(content))]
        try:
            images.to_ink(images.open_image(bytes(content)))
        except images.ImageError as error:
            assert len(str(error)) > 40


class TestSteps:
    def test_center_by_mass_brings_every_pixel_to_the_middle_and_wraps_nothing(self):
        for row, column in np.ndindex(5, 5):
            ink = np.zeros((5, 5))
            ink[row, column] = 1
            assert np.argwhere(images.center_by_mass(ink, 5)).tolist() == [[2, 2]]

    @given(st.integers(1, 28), st.integers(1, 28), st.integers(0, 2**32 - 1))
    @settings(max_examples=50)
    def test_center_by_mass_keeps_all_the_ink(self, height, width, seed):
        ink = np.random.default_rng(seed).random((height, width)).astype("float32") ** 4
        centred = images.center_by_mass(ink)
        assert np.array_equal(np.sort(centred[centred > 0]), np.sort(ink[ink > 0]))

    def test_center_by_mass_refuses_what_does_not_fit(self):
        with pytest.raises(ValueError, match=r"28 x 28.*fit_box"):
            images.center_by_mass(np.ones((29, 5)))

    def test_center_by_mass_leaves_blank_paper_blank(self):
        assert images.center_by_mass(np.zeros((5, 9))).tolist() == np.zeros((28, 28)).tolist()

    @given(st.integers(1, 90), st.integers(1, 90))
    @settings(max_examples=40)
    def test_fit_box_makes_the_longer_side_twenty(self, height, width):
        boxed = images.fit_box(np.ones((height, width)))
        assert max(boxed.shape) == 20
        assert 0 <= boxed.min() <= boxed.max() <= 1

    @pytest.mark.parametrize("width", [4, 8, 16, 30])
    def test_stroke_width_is_that_of_the_pen(self, width):
        ink = pen.render([[[60, 60], [340, 340]], [[60, 340], [340, 60]]], half_width=width / 2)
        assert images.stroke_width(ink > 0.5) == pytest.approx(width, rel=0.2)

    def test_stroke_width_of_blank_paper(self):
        assert images.stroke_width(np.zeros((5, 5), bool)) == 0

    def test_crop_keeps_exactly_the_ink(self):
        page = np.zeros((20, 30))
        page[3, 4] = page[15, 22] = 1
        assert images.crop(page).shape == (13, 19)

    def test_remove_specks_keeps_the_dot_of_an_i(self):
        page = np.zeros((100, 60))
        page[40:90, 28:34] = page[20:26, 28:34] = 1
        page[5, 5] = 1
        cleaned = images.remove_specks(page)
        assert cleaned[22, 30] == 1
        assert cleaned[5, 5] == 0

    @given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=50))
    def test_otsu_lies_among_the_values(self, values):
        threshold = images.otsu(np.array(values, "float32"))
        assert min(values) - 1e-6 <= threshold <= max(values) + 1e-2

    def test_to_ink_is_the_same_for_a_picture_and_its_transpose(self):
        assert np.allclose(images.to_ink(PAGE.T), images.to_ink(PAGE).T, atol=0.02)
