"""The synthetic writers: every character is there, a writer is consistent, no two copies are the same."""

import hashlib
import json
import re
import tomllib
from dataclasses import fields, replace
from importlib import resources

import numpy as np
import pytest

from hcr_lib import _paths, datasets, handwriting, labels, pen
from hcr_lib.handwriting import (
    CAP_HEIGHT,
    Style,
    _allographs,
    draw_char,
    press,
    random_style,
    split_by_writer,
    write,
    write_char,
)
from hcr_lib.research import sample as research_sample
from hcr_lib.research.sample import make_sample

GLYPHS = json.loads(resources.files("hcr_lib").joinpath("handwriting", "glyphs.json").read_text(encoding="utf-8"))[
    "glyphs"
]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def same(first, second) -> bool:
    return len(first) == len(second) and all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def width(strokes) -> float:
    x0, _, x1, _ = pen.bounds(strokes)
    return x1 - x0


class TestGlyphs:
    def test_each_class_has_several_allographs_and_nothing_else_is_in_the_file(self):
        assert list(GLYPHS) == list(labels.BYCLASS)
        assert all(len(ways) >= 3 for ways in GLYPHS.values())

    @pytest.mark.parametrize("char", labels.BYCLASS)
    def test_allographs_follow_the_notation_and_the_units(self, char):
        for form in GLYPHS[char]:
            assert form.keys() == {"weight", "name", "strokes"}
            assert form["weight"] > 0
            points = np.array(re.findall(r"(-?\d+),(-?\d+)", " ".join(form["strokes"])), dtype=int)
            x, y = points.T
            assert x.min() >= -20
            assert x.max() <= 150
            assert y.min() >= (-45 if char in "gjpqyfzQ" else -5)
            assert y.max() <= 105
            assert y.max() > 45, "an x reaches 50, a capital 100"

    def test_names_of_allographs_differ_within_a_class(self):
        for char, ways in GLYPHS.items():
            names = [way["name"] for way in ways]
            assert len(set(names)) == len(names), char

    def test_each_class_has_its_stroke_width(self):
        factors = _allographs.stroke_width_factors()
        assert list(factors) == list(labels.BYCLASS)
        assert np.exp(np.mean(np.log(list(factors.values())))) == pytest.approx(1, abs=0.02), "the pen is the writer's"
        assert factors["o"] > 1.1 > factors["M"], "people write an o small, so enlarged its stroke is thick"

    @pytest.mark.parametrize("notation", ["10,20", "", "10,20 30", "10,20 a,b", "1.5,2 3,4", "1,2 3,4?"])
    def test_a_slip_in_the_notation_is_named(self, notation):
        with pytest.raises(ValueError, match=r"stroke of a glyph|point of a glyph"):
            _allographs._parse_stroke(notation)


class TestPath:
    """The pen's path through a skeleton."""

    def test_it_begins_and_ends_where_the_skeleton_does(self):
        points, corners = _allographs._parse_stroke("0,0 30,100! 62,0 80,20")
        for basis in _allographs._bases(points, corners):
            path = basis @ points
            np.testing.assert_allclose(path[[0, -1]], points[[0, -1]], atol=0.01)

    def test_a_corner_is_made_and_a_hasty_pen_cuts_it(self):
        points, corners = _allographs._parse_stroke("0,0 30,100! 60,0")
        polygon, curve, hasty = _allographs._bases(points, corners) @ points
        assert polygon[:, 1].max() == pytest.approx(100)
        assert curve[:, 1].max() == pytest.approx(100)
        assert hasty[:, 1].max() < 95

    def test_a_smooth_point_is_passed_without_a_corner(self):
        points, corners = _allographs._parse_stroke("0,0 50,50 100,0")
        _, curve, _ = _allographs._bases(points, corners) @ points
        directions = np.diff(curve, axis=0)
        turns = np.diff(np.unwrap(np.arctan2(directions[:, 1], directions[:, 0])))
        assert np.abs(turns).max() < 0.3


class TestWriting:
    @pytest.mark.parametrize("char", labels.BYCLASS)
    def test_every_character_gives_finite_strokes_and_readable_ink(self, char):
        generator = rng(ord(char))
        for _ in range(5):
            style = random_style(generator)
            strokes = write_char(char, style, generator)
            assert all(stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) > 1 for stroke in strokes)
            assert all(np.isfinite(stroke).all() for stroke in strokes)
            image = draw_char(char, style, generator)
            assert image.shape == (28, 28)
            assert image.dtype == np.uint8
            assert 20 < (image > 127).sum() < 300

    def test_copies_seeds_and_writers_differ(self):
        style, generator = random_style(rng(1)), rng(2)
        assert not same(write_char("g", style, generator), write_char("g", style, generator))
        assert not same(write_char("g", style, rng(3)), write_char("g", style, rng(4)))
        assert not same(write_char("g", style, rng(3)), write_char("g", random_style(rng(9)), rng(3)))

    def test_a_writer_is_consistent(self):
        """Stems of K lean by less from copy to copy than from writer to writer; the same for the width of an O."""

        def lean(strokes):
            top, bottom = strokes[0][0], strokes[0][-1]  # every K begins with its stem
            return (top[0] - bottom[0]) / (bottom[1] - top[1])

        for char, measure in ("K", lean), ("O", width):
            writers = [random_style(rng(seed)) for seed in range(40)]
            values = np.array(
                [[measure(write_char(char, style, rng(copy))) for copy in range(10)] for style in writers]
            )
            within = np.sqrt(values.var(axis=1).mean())
            between = values.mean(axis=1).std()
            assert within < 0.7 * between, char

    def test_a_writer_mostly_keeps_to_one_allograph(self):
        """Stroke counts tell an E in one stroke from an E in four."""
        for seed in range(10):
            style, generator = random_style(rng(seed)), rng(seed)
            counts = [len(write_char("E", style, generator)) for _ in range(30)]
            assert np.bincount(counts).max() >= 22

    def test_writers_choose_different_allographs(self):
        assert len({len(write_char("E", random_style(rng(seed)), rng(0))) for seed in range(40)}) >= 3

    def test_small_letters_are_smaller_and_tails_hang_below_the_line(self):
        style = Style(sloppiness=0, bend=0)
        bounds = {char: pen.bounds(write_char(char, style, rng(1))) for char in "Xxg"}
        assert bounds["X"][1] == pytest.approx(-CAP_HEIGHT, abs=20)
        assert bounds["x"][1] == pytest.approx(-style.x_height, abs=15)
        assert abs(bounds["X"][3]) < 10
        assert bounds["g"][3] > 20, "y points down, so below the line is positive"

    def test_knobs_turn_the_right_way(self):
        calm = Style(habit=3, bend=0, sloppiness=0, rotation=0, tremor=0)

        def drawn(char, **knobs):
            return write_char(char, replace(calm, **knobs), rng(0))

        top, bottom = drawn("K", slant=0.5)[0][[0, -1]]
        assert top[0] > bottom[0] + 20, "a positive slant leans to the right"
        assert width(drawn("H", width=1.5)) > 1.3 * width(drawn("H", width=1.0))
        assert pen.bounds(drawn("x", x_height=70))[1] < pen.bounds(drawn("x", x_height=40))[1]
        assert -pen.bounds(drawn("V", speed=1.0))[3] > -pen.bounds(drawn("V", speed=0.0))[3], "corners are cut"
        first, last = write("l" + " " * 10 + "l", replace(calm, drift=0.2), rng(0))
        assert last[-1, 1] > first[-1, 1] + 20, "a positive drift goes downhill"

    @pytest.mark.parametrize("char", ["?", "", "ab", "ß", " "])
    def test_an_unknown_character_is_named(self, char):
        with pytest.raises(ValueError, match="a character to write must be one of 0, 1"):
            write_char(char, Style(), rng(0))

    def test_random_styles_vary_in_every_knob(self):
        styles = [random_style(rng(seed)) for seed in range(20)]
        for field in fields(Style):
            if field.name in ("touching", "joining"):
                continue  # most writers do neither
            assert len({getattr(style, field.name) for style in styles}) > 10, field.name


class TestPress:
    def test_an_even_hand_draws_an_even_line(self):
        style = Style(pressure=0, pen=6)
        widths = press(write_char("g", style, rng()), style, rng())
        assert np.unique(np.concatenate(widths)).tolist() == [6]

    def test_pressure_differs_along_the_stroke_and_from_copy_to_copy(self):
        style = Style(pressure=0.15, pen=6)
        strokes = write_char("S", style, rng())
        copies = [press(strokes, style, rng(seed))[0] for seed in range(200)]
        assert all(copy.min() > 0 for copy in copies)
        assert np.median([np.ptp(copy) for copy in copies]) > 0.5
        assert np.std([copy.mean() for copy in copies]) > 0.5
        assert np.mean([copy[-1] for copy in copies]) < np.mean([copy[0] for copy in copies]), "it lightens at the end"


class TestSample:
    def test_a_smaller_sample_is_the_beginning_of_a_larger_one(self):
        small, large = make_sample(1, 12, seed=4), make_sample(2, 12, seed=4)
        assert np.array_equal(small.images, large.images[:62])
        assert np.array_equal(small.writers, large.writers[:62])
        assert not np.array_equal(small.images, make_sample(1, 12, seed=5).images)

    def test_a_writer_may_be_asked_again_when_all_have_written(self):
        sample = make_sample(3, num_writers=2, seed=0)
        assert set(sample.writers) == {"w000", "w001"}
        assert len(np.unique(sample.images, axis=0)) == len(sample)

    @pytest.mark.parametrize("sizes", [(0, 5), (1, 0)])
    def test_nothing_to_do_is_refused(self, sizes):
        with pytest.raises(ValueError, match="at least one image of each character and one writer"):
            make_sample(*sizes)

    def test_a_writer_is_in_one_part_only(self):
        writers = np.array([f"w{number:03d}" for number in range(320)])
        parts = split_by_writer(np.repeat(writers, 3)).reshape(-1, 3)
        assert (parts == parts[:, :1]).all()
        assert dict(zip(*np.unique(parts[:, 0], return_counts=True), strict=True)) == {
            "train": 240,
            "val": 40,
            "test": 40,
        }


class TestShipped:
    @pytest.fixture
    def arrays(self):
        with np.load(_paths.shipped(handwriting.SAMPLE), allow_pickle=False) as file:
            return dict(file)

    def test_the_manifest_knows_it(self):
        entry = tomllib.loads(_paths.shipped("manifest.toml").read_text(encoding="utf-8"))["files"][handwriting.SAMPLE]
        content = _paths.shipped(handwriting.SAMPLE).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"]
        assert len(content) == entry["bytes"] <= 8_000_000
        assert {"shapes", "origin", "licence", "command"} <= entry.keys()

    def test_it_is_balanced_by_many_writers(self, arrays):
        assert str(arrays["classes"]) == labels.BYCLASS
        assert np.ptp(np.bincount(arrays["labels"], minlength=62)) == 0
        assert len(np.unique(arrays["writers"])) >= 300
        assert np.array_equal(arrays["split"], split_by_writer(arrays["writers"]))
        for part in ("train", "val", "test"):
            assert len(np.unique(arrays["labels"][arrays["split"] == part])) == 62
        assert len(np.unique(arrays["images"], axis=0)) == len(arrays["images"])

    def test_it_loads_as_the_default_data_set(self, arrays):
        sizes = {part: len(datasets.load("bundled", part)) for part in ("train", "val", "test")}
        assert sizes == {part: (arrays["split"] == part).sum() for part in sizes}

    def test_the_generator_still_makes_it(self, arrays):
        """Other processors round otherwise, so a pixel may differ a little; a changed glyph differs a lot."""
        again = make_sample(per_class=2)
        assert np.array_equal(again.writers, arrays["writers"][: len(again)])
        difference = np.abs(again.images.astype(int) - arrays["images"][: len(again)])
        assert difference.mean() < 0.5, "run `python -m hcr_lib.research.sample` after changing glyphs or styles"

    def test_writing_it_again_gives_the_same_bytes_and_leaves_other_entries(self, tmp_path, monkeypatch):
        manifest = tmp_path / "manifest.toml"
        manifest.write_text('# kept\n[files."before.bin"]\nbytes = 1\n\n[files."synthetic.npz"]\nbytes = 0\n\n'
                            '[files."after.bin"]\nbytes = 2\n', encoding="utf-8")  # fmt: skip
        small = make_sample(1, 8)
        monkeypatch.setattr(_paths, "shipped", lambda name: tmp_path / name)
        monkeypatch.setattr(research_sample, "make_sample", lambda: small)
        results = []
        for _ in range(2):
            research_sample.main()
            results.append(((tmp_path / "synthetic.npz").read_bytes(), manifest.read_text(encoding="utf-8")))
        assert results[0] == results[1]
        text = results[0][1]
        entries = tomllib.loads(text)["files"]
        assert text.startswith("# kept")
        assert list(entries) == ["before.bin", "synthetic.npz", "after.bin"]
        assert entries["synthetic.npz"]["sha256"] == hashlib.sha256(results[0][0]).hexdigest()
