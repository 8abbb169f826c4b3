"""UNIPEN's published format: a made-up archive, line by line, and real files beside the prepared ones."""

import re
import tarfile

import numpy as np
import pytest

from hcr_lib import datasets
from hcr_lib.datasets import _unipen

# The ink of one made-up person. Components: 0 a dummy, 1 a bar, 2 pen up, 3 a hook of five points, 4 a dot.
INK = """
.WRITER_ID somebody
.PEN_DOWN
0 0
.PEN_UP
.PEN_DOWN
10 20 1
10 60 2
.PEN_UP
14 64 3
.PEN_DOWN
20 20 4
24 20 5
28 20 6
28 24 7
28 30 8
.PEN_UP
.PEN_DOWN
5 5 9
"""
DOC = ".COMMENT about PEN_DOWN\n free text: 1 2 3\n.COORD X Y T\n"
HEAD = ".VERSION 1.0\n.INCLUDE donor/ink.dat\n"


@pytest.fixture
def archive(tmp_path):
    """Return a function that writes a UNIPEN folder with one file of labels, and whatever else is given."""

    def write(labels, place="7/abc/one.dat", **files):
        parts = {
            "include/donor/ink.dat": f".INCLUDE donor/deep/doc.doc\n{INK}".replace("0 0\n", "0 0 0\n", 1),
            "include/donor/deep/doc.doc": DOC,
            f"data/{place}": HEAD + labels,
            **{name.replace("__", "/"): text for name, text in files.items()},
        }
        for name, text in parts.items():
            path = tmp_path / "train_r01_v07" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="latin-1")
        return tmp_path

    return write


def strokes_of(dataset):
    return [[stroke.tolist() for stroke in drawing] for drawing in dataset]


BAR, DOT = [[0, 0], [0, -40]], [[0, 0]]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("1", [BAR]),
        ("1-2", [BAR]),
        ("3:1-3:3", [[[0, 0], [4, 0], [4, -4]]]),
        ("3:2", [[[0, 0]]]),
        ("1:1-3:1", [[[0, -40]], [[10, 0], [14, 0]]]),
        ("1-2,4", [[[5, -15], [5, -55]], DOT]),
        ("4, 1", [DOT, [[5, -15], [5, -55]]]),
    ],
)
def test_delineations_name_parts_of_the_ink(archive, where, expected):
    words = datasets.read_unipen(archive(f'.SEGMENT WORD {where} OK "to"\n'), "words")
    assert strokes_of(words) == [expected]
    assert words.texts.tolist() == ["to"]


def test_samples_lie_right_of_and_above_zero_with_y_down(archive):
    (drawing,) = datasets.read_unipen(archive('.SEGMENT WORD 0-4 ? "to"\n'), "words")
    assert [len(stroke) for stroke in drawing] == [1, 2, 5, 1]
    points = np.concatenate(drawing)
    assert points[:, 0].min() == points[:, 1].max() == 0
    assert drawing[1].tolist() == [[10, -20], [10, -60]], "the dummy at 0 0 is a component like others"


def test_empty_components_do_not_count_and_columns_may_stand_in_any_order(archive):
    ink = ".COORD P Y X\n.PEN_DOWN\n.PEN_UP\n\n.PEN_DOWN\n1 2 3\r\n1 4 6\n.PEN_DOWN\n9 9 9\n"
    words = datasets.read_unipen(archive(f'{ink}.SEGMENT WORD 5 OK "i"\n'), "words")
    assert strokes_of(words) == [[[[0, 0], [3, -2]]]]


def test_columns_in_different_units_are_brought_to_those_of_x(archive):
    ink = ".COORD X Y\n.X_POINTS_PER_INCH 200\n.Y_POINTS_PER_INCH 100\n.PEN_DOWN 0 0\n10 5\n"
    words = datasets.read_unipen(archive(f'{ink}.SEGMENT WORD 5 OK "i"\n'), "words")
    assert strokes_of(words) == [[[[0, 0], [10, -10]]]]


@pytest.mark.parametrize(
    ("donor", "segment", "text"),
    [
        ("abc", '1 GOOD "to"', "to"),
        ("abc", '1 ? "a\\"b\\\\c"', 'a"b\\c'),
        ("abc", '1 ? """', '"'),
        ("abc", '1 ? "\\"', "\\"),
        ("abc", '1 ? "XXX"', "XXX"),
        ("abc", '1 ? "a  b\\n c"', "a b c"),
        ("abc", '1 ?\n  "f\xfcr"', "f\xfcr"),
        ("abc", '1 BAD "to"', None),
        ("abc", '1 OK ""', None),
        ("abc", "1 OK", None),
        ("abc", '? OK "to"', None),
        ("abc", '2 OK "to"', None),
        ("hpp", '1 OK "XXX"', None),
        ("sta", '1 OK "an XXX"', None),
        ("kai", '1 OK "t@o"', None),
    ],
)
def test_labels_say_what_was_written_or_are_left_out(archive, donor, segment, text):
    folder = archive(f'.SEGMENT WORD {segment}\n.SEGMENT TEXT 1 OK "not a word"\n', f"6/{donor}/one.dat")
    assert datasets.read_unipen(folder, "words").texts.tolist() == ([] if text is None else [text])


def test_characters_are_single_and_kinds_have_their_folders(archive):
    labels = '.SEGMENT CHARACTER 1 OK "I"\n.SEGMENT CHARACTER 3 OK "ch"\n.SEGMENT WORD 1 OK "I"\n'
    folder = archive(labels, "1b/abc/one.dat", data__2__abc__one_dat="")
    assert datasets.read_unipen(folder).texts.tolist() == ["I"]
    with pytest.raises(datasets.MissingDataError, match=r"no words of UNIPEN: no .dat files in data/6, data/7"):
        datasets.read_unipen(folder, "words")
    with pytest.raises(datasets.MissingDataError, match=r"no folders data and include.*zenodo\.1195803"):
        datasets.read_unipen(folder / "train_r01_v07" / "data")


def test_a_segment_that_two_folders_list_comes_once_and_equal_ink_twice(archive):
    segments = '.SEGMENT WORD 0 OK "."\n.SEGMENT WORD 4 OK "."\n'
    folder = archive(segments, "6/abc/one.dat")
    archive(segments, "7/abc/one.dat")
    words = datasets.read_unipen(folder, "words")
    assert strokes_of(words) == [[DOT], [DOT]]


def test_writers_are_numbers_the_same_for_every_kind_and_told_apart_by_donor(archive):
    folder = archive('.SEGMENT WORD 1 OK "to"\n', "6/abc/one.dat")
    archive('.SEGMENT TEXT 1-3 OK "to us"\n', "8/abc/two.dat")
    archive('.SEGMENT WORD 1 OK "to"\n', "6/xyz/three.dat")
    archive('.SEGMENT WORD 1 OK "to"\n', "6/apb/four.dat")
    archive('.SEGMENT WORD 3 OK "we"\n', "6/apd/five.dat")
    archive('.WRITER_ID other\n.PEN_DOWN\n1 1 1\n.SEGMENT WORD 5 OK "to"\n.SEGMENT WORD 1 OK "at"\n', "6/own/six.dat")
    words, lines = (datasets.read_unipen(folder, kind) for kind in ("words", "lines"))
    assert all(writer.isdecimal() for writer in words.writers)
    assert lines.writers[0] == words.writers[0]
    assert len(words) == 6
    assert len(set(words.writers)) == 5, "apb and apd delivered ink of the same people"


def test_parts_share_nobody_and_depend_on_the_writer_alone(archive):
    folder = archive('.SEGMENT WORD 1 OK "to"\n')
    for number in range(60):
        archive(f'.WRITER_ID w{number}\n.PEN_DOWN\n1 2 3\n.SEGMENT WORD 5 OK "to"\n', f"7/abc/{number}.dat")
    parts = {part: set(datasets.read_unipen(folder, "words", part).writers) for part in ("train", "val", "test")}
    whole = set(datasets.read_unipen(folder, "words").writers)
    assert sum(map(len, parts.values())) == len(whole) == 61
    assert set.union(*parts.values()) == whole
    assert len(parts["train"]) > 4 * len(parts["val"]) > 0 < len(parts["test"])
    lines = archive('.WRITER_ID w7\n.PEN_DOWN\n1 2 3\n.SEGMENT TEXT 5 OK "to us"\n', "8/abc/only.dat")
    (writer,) = datasets.read_unipen(lines, "lines").writers
    (part,) = [part for part, writers in parts.items() if writer in writers]
    assert len(datasets.read_unipen(lines, "lines", part)) == 1


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ('.SEGMENT WORD 5 OK "to"', "one.dat, line 3: there is no component 5; the file has 5, from 0, in .SEGMENT"),
        ('.SEGMENT WORD 3-1 OK "to"', "one.dat, line 3: there is no component 3-1"),
        ('.SEGMENT WORD 3:2-3:5 OK "to"', "line 3: 3:2-3:5 goes beyond the 5 points of component 3"),
        ('.SEGMENT WORD 1- OK "to"', "line 3: expected components such as 3, 0-3,7 or 2:10-4:33; got '1-'"),
        ('.SEGMENT WORD 1 OK "to', "line 3: expected TYPE COMPONENTS QUALITY"),
        (".PEN_DOWN\n1 2 3\n4 5\n", "line 3: expected points of 3 numbers (X Y T); got 5 in all"),
        (".PEN_DOWN\n1 2 3\n4 five 6\n", "line 5: expected numbers; got '4 five 6'"),
        (".PEN_DOWN\n1 2 nan\n", "line 4: expected numbers; got '1 2 nan'"),
        (".COORD T\n", "line 3: expected columns with X and Y"),
        (".INCLUDE donor/none.dat\n", "line 3: there is no file 'donor/none.dat'"),
        (".INCLUDE ../data/7/abc/one.dat\n", "line 3: there is no file '../data"),
        (".INCLUDE a\0b\n", "line 3: there is no file 'a\\x00b'"),
        (f".INCLUDE {'a' * 5000}\n", "line 3: there is no file 'aaa"),
        (".INCLUDE loop.dat\n", "loop.dat, line 2: 'loop.dat' includes itself"),
        (".INCLUDE bare.dat\n", "bare.dat, line 1: expected .COORD before the first point"),
    ],
)
def test_damage_is_one_error_with_file_and_line_or_is_left_out(archive, labels, message):
    others = {"include/loop.dat": "\n.INCLUDE loop.dat\n", "include/bare.dat": ".PEN_DOWN\n1 1\n"}
    folder = archive(labels, **others)
    if "bare" in message:
        (folder / "train_r01_v07/data/7/abc/one.dat").write_text(labels.replace(".INC", "\n\n.INC"), encoding="latin-1")
    with pytest.raises(datasets.DataError, match=re.escape(message)):
        datasets.read_unipen(folder, "words")
    archive('.SEGMENT WORD 1 OK "to"\n', "7/abc/whole.dat")
    with pytest.warns(UserWarning, match=f"1 damaged files were left out.*{re.escape(message)}"):
        words = datasets.read_unipen(folder, "words", skip_damaged=True)
    assert words.texts.tolist() == ["to"]


# --- real files, and the prepared ones made from the same archive

#: The numbers of some writers in the prepared files, and what their donors' files call them.
SAME_WRITERS = {
    "62": "art/writer01", "357": "art/writer08", "400": "abm/ca0", "439": "abm/wz0",
    "348": "int/k", "370": "int/c", "639": "int/l",
}  # fmt: skip
#: How many texts of a writer only the published files have: the prepared ones stop at 400 words, or 100 in ``dev``.
LEFT_OUT = {
    "chars": {"62": 0, "357": 0},
    "words": {"62": 0, "357": 0, "400": 55, "439": 0, "348": 391, "370": 101, "639": 123},
    "lines": {"62": 0, "357": 8, "400": 0},
}


@pytest.fixture(scope="session")
def published(real_data, tmp_path_factory):
    """Return the folder of real UNIPEN files, unpacked."""
    folder = tmp_path_factory.mktemp("unipen")
    with tarfile.open(real_data / "unipen_raw.tar.gz") as file:
        file.extractall(folder, filter="data")
    return folder


def distances(points, line):
    """Return how far each point is from a polyline."""
    starts, ways = line[:-1], np.diff(line, axis=0)
    if not len(ways):
        starts, ways = line, np.zeros((1, 2))
    along = ((points[:, None] - starts) * ways).sum(axis=2) / np.maximum((ways**2).sum(axis=1), 1e-9)
    nearest = starts + along.clip(0, 1)[..., None] * ways
    return np.linalg.norm(points[:, None] - nearest, axis=2).min(axis=1)


def mismatch(prepared, raw):
    """Return how far two drawings of equally many strokes are apart, in units of the prepared one.

    One scale and one shift are fitted. Compared is each point that was kept with the nearest published one of that
    stroke, and each published point with the line through those that were kept.
    """
    points, spread = np.concatenate(prepared), np.ptp(np.concatenate(raw), axis=0).max()
    scale = np.ptp(points, axis=0).max() / spread if spread else 1.0
    shift = np.zeros(2)  # both have their lower left corner at 0, but for what thinning cut off
    for _ in range(3):
        pairs = zip(prepared, raw, strict=True)
        nearest = [b[np.linalg.norm(a[:, None] - (b * scale + shift), axis=2).argmin(axis=1)] for a, b in pairs]
        nearest = np.concatenate(nearest)
        if np.ptp(nearest, axis=0).any():
            centred = nearest - nearest.mean(axis=0)
            scale = (centred * points).sum() / (centred**2).sum()
        shift = points.mean(axis=0) - scale * nearest.mean(axis=0)
    kept = np.abs(points - (nearest * scale + shift)).max()
    return kept, max(distances(b * scale + shift, a).max() for a, b in zip(prepared, raw, strict=True))


@pytest.mark.real_data
@pytest.mark.parametrize(("kind", "step", "thinned"), [("chars", 5, 1), ("words", 20, 12), ("lines", 8, 12)])
def test_real_files_hold_what_was_prepared_from_them(kind, step, thinned, published, real_data):
    """Every label is compared, and every so-manieth drawing; a letter is some 500 units high."""
    raw = datasets.read_unipen(published, kind)
    prepared = datasets.load_strokes(f"unipen-{kind}", "all", data_dir=real_data)
    assert len(set(raw.writers)) == len(LEFT_OUT[kind])
    for writer, left_out in LEFT_OUT[kind].items():
        of_writer = prepared.take(prepared.writers == writer)
        of_raw = raw.take(raw.writers == _unipen._number(*SAME_WRITERS[writer].split("/")))
        texts = [" ".join(text.split()) for text in of_writer.texts]  # line breaks in prepared ones are estimated
        of_text = {text: np.flatnonzero(of_raw.texts == text).tolist() for text in set(texts)}
        rows = [of_text[text].pop(0) for text in texts]  # the n-th "to" is the n-th here and there
        assert len(of_raw) - len(rows) == left_out
        counts, raw_counts = np.diff(of_writer.sample_offsets), np.diff(of_raw.sample_offsets)[rows]
        assert counts.tolist() == raw_counts.tolist(), "as many strokes"
        apart = [mismatch(of_writer[k], of_raw[rows[k]]) for k in range(0, len(rows), step)]
        kept, left = np.max(apart, axis=0)
        assert kept < 1, f"writer {writer}: a kept point is {kept} units off"
        assert left < thinned, f"writer {writer}: what was thinned out is {left} units off"
