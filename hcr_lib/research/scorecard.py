"""Judge the reader on real handwriting: ``python -m hcr_lib.research.scorecard`` writes ``data/results/reader.json``.

The sets are looked for in ``HCR_DATA_DIR``. Words and lines go through `Recognizer.read_all`, as on the command line: a
picture in, a reading out, by each reader and with and without a lexicon; so do single characters, but for a shortcut:
each picture is brought to the network's form once for all alphabets that it is read with. ``--only lines`` measures
words and lines anew, ``--only characters`` the rest; what else the record holds stays, with the weights it came from.

Nothing here was trained on; the test splits of MNIST and EMNIST are for reporting, not for choosing between weights. To
choose, ``--weights FILE`` judges other weights by the validation splits instead, and writes nothing.

Which of these sets are private, and what was chosen with a look at them, is said in the model card, ``data/reader.md``.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import hashlib
import io
import itertools
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from hcr_lib import decode, images, line_reader, metrics, pen, records, segment
from hcr_lib._paths import shipped, user_data_dir
from hcr_lib.datasets import StrokeDataset, load, load_strokes
from hcr_lib.labels import ALNUM, BYCLASS, DIGITS, LETTERS, MARKS, TEXT, classes
from hcr_lib.language import ENGLISH, Lexicon, read_lexicon
from hcr_lib.recognizer import ALPHABETS, WEIGHTS, Recognizer
from hcr_lib.research import manifest, mixed_emnist
from hcr_lib.research._arguments import at_least_one
from hcr_lib.research.train_line_reader import drawn
from hcr_lib.research.train_reader import as_large_as_written

COMMAND = "python -m hcr_lib.research.scorecard"
#: A prediction in 62 classes may also count as one in these: 47, where NIST merges cases that look alike, and 36.
COUNTED_AS = ("balanced", "alnum")
AT_ONCE = 400  #: pictures held in memory
PEN_WIDTHS = {"thin": 4, "medium": 10, "thick": 18}  # half-widths on a pad of 400 pixels
HALVES = ("characters", "lines")  #: of the record, each measured by itself with ``--only``
COMPARED = ("cut", "line", "auto")  #: of the readers, in the order of the tables
LEXICA = (None, ENGLISH)  #: that words and lines are read with
LINE_PEN = 1.5  #: half-width, of lines of 64 pixels
DRAWS = 2000  #: of the bootstrap


def pen_drawings(path: Path) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield the label and the strokes, on the pad, of each character in a UNIPEN file; its y grows upwards."""
    with np.load(path, allow_pickle=False) as file:
        chars = StrokeDataset(
            file["points"] * [1.0, -1.0],
            file["stroke_offsets"],
            file["char_offsets"],
            file["labels"],
            file["writer"].astype(str),
        )
    for label, strokes in zip(chars.texts, chars, strict=True):
        yield str(label), pen.scale_to(strokes)


def mark_drawings(data_dir: Path) -> Iterator[tuple[str, list[np.ndarray]]]:
    """Yield the marks of UNIPEN's people on whom nothing is trained, on the pad, as large as they were written."""
    strokes = load_strokes("unipen-chars", "val", data_dir=data_dir)
    for k in np.flatnonzero(np.isin(strokes.texts, list(MARKS))):
        yield str(strokes.texts[k]), as_large_as_written(strokes[k])


def pictures_in(archive: Path) -> Iterator[tuple[str, Any, dict[str, str]]]:
    """Yield name, picture and row of ``labels.csv`` (empty without one) for each picture in a zip."""
    with zipfile.ZipFile(archive) as file:
        rows = {}
        if "labels.csv" in file.namelist():
            table = io.TextIOWrapper(file.open("labels.csv"), encoding="utf-8")
            rows = {row["file"]: row for row in csv.DictReader(table)}
        for name in sorted(file.namelist()):
            if name.lower().endswith((".png", ".jpg")):
                yield name, images.open_image(file.read(name)), rows.get(name, {})


def holds_only_the_name(picture: Any) -> bool:
    """Return whether a form crop has all its ink in one line, and none that the edge of the crop cuts."""
    ink = images.to_ink(picture)
    height, width = ink.shape
    found = segment.lines(ink)
    cut = any(
        x0 <= 1 or y0 <= 1 or x1 >= width - 1 or y1 >= height - 1
        for x0, y0, x1, y1 in (b.box for b in segment.components(ink))
    )
    return len(found) == 1 and not cut


class Scorecard:
    """Collects a row for each thing measured."""

    def __init__(self, limit: int | None = None, weights: Path | None = None):
        self.limit = limit
        self.rows: list[dict[str, Any]] = []
        self._reader = Recognizer.load("byclass", path=weights)

    def read(self, pictures: Iterable, alphabet: str, mode: str, lexicon: Lexicon | None, reader: str) -> list[str]:
        """Read pictures of writing; what cannot be read counts as an empty reading."""
        readings = self._reader.with_alphabet(alphabet).read_all(tqdm(pictures, leave=False), mode, lexicon, reader)
        return ["" if isinstance(reading, images.ImageError) else reading.text for reading in readings]

    def singles(self, stored: Sequence[np.ndarray | None], alphabet: str) -> list[str]:
        """Read single characters, normalised; what could not be (None) counts as an empty reading."""
        found = [image for image in stored if image is not None]
        reader = self._reader.with_alphabet(alphabet)
        read = iter(decode.argmax(reader.predict(np.array(found), normalised=True), reader.classes) if found else "")
        return ["" if image is None else next(read) for image in stored]

    def characters(self, name: str, pictures: Sequence, truth: Sequence[str], *shown: str | tuple[str, str]) -> None:
        """Score single characters by accuracy, with each alphabet; characters that it lacks are passed over.

        Answers in 62 classes are also counted with cases merged: where NIST merges them, and everywhere.

        Parameters
        ----------
        name : str
        pictures, truth : sequence of n pictures, and of n characters
        *shown : str or (str, str)
            An alphabet, and the characters that are shown for it; all, if none are named.
        """
        asked = {}
        for alphabet, chars in ((each, "") if isinstance(each, str) else each for each in shown):
            known = classes(alphabet)
            rows = [k for k, char in enumerate(truth) if _home(char, known) in known and (not chars or char in chars)]
            asked[alphabet] = rows[: self.limit]
        needed = sorted({k for rows in asked.values() for k in rows})
        stored = dict(zip(needed, _all_normalised(pictures, needed), strict=True))
        for alphabet, rows in asked.items():
            read = self.singles([stored[k] for k in rows], alphabet)
            target = [_home(truth[k], classes(alphabet)) for k in rows]
            self._accuracy(name, alphabet, target, read)
            for merged in COUNTED_AS if alphabet == "byclass" else ():
                folded = [[_home(char, classes(merged)) for char in chars] for chars in (target, read)]
                self._accuracy(name, f"byclass, counted as {merged}", *folded)

    def _accuracy(self, name: str, alphabet: str, target: Sequence[str], read: Sequence[str]) -> None:
        right = sum(char == text for char, text in zip(target, read, strict=True))
        low, high = metrics.wilson_interval(right, len(target))
        self._add(name, alphabet, len(target), right / len(target), low, high, "accuracy")

    def texts(
        self,
        name: str,
        pictures: Sequence,
        truth: Sequence[str],
        alphabet: str,
        mode: str = "word",
        people: Sequence[str] | None = None,
    ) -> None:
        """Score words or lines by character error rate, cases merged, by each reader and with each lexicon.

        Of words (mode "word"), blanks and marks do not count; of lines (mode "page"), both do, and a line break that
        was read where there is none counts as a blank.

        Parameters
        ----------
        name : str
        pictures, truth : sequence of n pictures, and of n texts
        alphabet : str
        mode : {"word", "page"}
        people : sequence of n str, optional
            Who wrote each. Then the interval says what other people's writing may score, else what other pictures may.
        """
        pictures, truth, people = (each if each is None else each[: self.limit] for each in (pictures, truth, people))
        plain = [_words_only(text) if mode == "word" else text.upper() for text in truth]
        for lexicon in LEXICA:
            words = lexicon and read_lexicon(lexicon)
            for reader in COMPARED:
                read = [" ".join(text.upper().split()) for text in self.read(pictures, alphabet, mode, words, reader)]
                read = [text.replace(" ", "") for text in read] if mode == "word" else read
                low, high = error_interval(plain, read, people)
                rate = metrics.character_error_rate(plain, read)
                further = {"reader": reader, "lexicon": lexicon}
                self._add(name, alphabet, len(plain), rate, low, high, "character error rate", **further)

    def _add(self, name, alphabet, count, score, low, high, measure, **further):
        row = {"set": name, "alphabet": alphabet, **further, "count": count, "score": round(float(score), 4)}
        row |= {"low": round(float(low), 4), "high": round(float(high), 4), "measure": measure}
        self.rows.append(row)
        how = ", ".join(filter(None, [alphabet, *further.values()]))
        print(f"{name:<44} {how:<28} n={count:<6} {measure} {score:.2%} ({low:.2%} to {high:.2%})", flush=True)


def error_interval(
    truth: Sequence[str], read: Sequence[str], people: Sequence[str] | None = None
) -> tuple[float, float]:
    """Return the 95 % interval of a character error rate, by bootstrap over people.

    The characters of one word are read together, and the words of one person are read alike: so whole people are drawn
    anew, with all that they wrote, or whole texts where nobody knows who wrote them.

    References
    ----------
    B. Efron, R. J. Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13 (percentile intervals).

    Examples
    --------
    >>> error_interval(["ab", "cd"], ["ab", "xy"])
    (0.0, 1.0)
    >>> error_interval(["ab", "cd"], ["ab", "xy"], ["7", "7"])  # one person: nothing is known about others
    (0.5, 0.5)
    """
    _, who = np.unique(np.arange(len(truth)) if people is None else people, return_inverse=True)
    lengths = np.bincount(who, [len(text) for text in truth])
    mistakes = np.bincount(
        who, [len(t) * metrics.character_error_rate([t], [r]) for t, r in zip(truth, read, strict=True)]
    )
    drawn_anew = np.random.default_rng(0).integers(len(lengths), size=(DRAWS, len(lengths)))
    rates = mistakes[drawn_anew].sum(axis=1) / lengths[drawn_anew].sum(axis=1)
    low, high = np.percentile(rates, [2.5, 97.5])
    return float(low), float(high)


def _words_only(text: str) -> str:
    return "".join(filter(str.isalnum, text)).upper()


def _all_normalised(pictures: Sequence, rows: Sequence[int]) -> Iterator[np.ndarray | None]:
    """Yield the pictures at `rows` as the network takes them; made on all processors, if that is worth their start."""
    if len(rows) <= AT_ONCE:
        yield from map(_normalised, (pictures[k] for k in rows))
        return
    with concurrent.futures.ProcessPoolExecutor() as pool, tqdm(total=len(rows), leave=False) as bar:
        for start in range(0, len(rows), AT_ONCE):
            part = [pictures[k] for k in rows[start : start + AT_ONCE]]
            yield from pool.map(_normalised, part, chunksize=20)
            bar.update(len(part))


def _normalised(picture: Any) -> np.ndarray | None:
    """Return a picture of one character as the network takes it, or None if there is nothing to read."""
    try:
        return images.to_mnist(picture)
    except images.ImageError:
        return None


def _home(char: str, known: str) -> str:
    """Return a character as a class set has it: itself, else its capital."""
    return char if char in known else char.upper()


def measure(
    data_dir: Path, limit: int | None = None, weights: Path | None = None, only: str | None = None
) -> list[dict[str, Any]]:
    """Measure everything that `data_dir` holds.

    Parameters
    ----------
    data_dir : Path
    limit : int, optional
        Take at most this number of pictures of each set.
    weights : Path, optional
        Judge these instead of the weights that ship, and by the validation splits of MNIST and EMNIST instead of the
        test splits: whoever chooses between weights by a test set no longer has one.
    only : {"characters", "lines"}, optional
        Measure this half: single characters, or words and lines.
    """
    card = Scorecard(limit, weights)
    if only != "lines":
        _measure_characters(card, data_dir, limit, weights)
    if only != "characters":
        _measure_lines(card, data_dir)
    return card.rows


def _measure_characters(card: Scorecard, data_dir: Path, limit: int | None, weights: Path | None) -> None:
    part, named = ("test", "test") if weights is None else ("val", "validation")
    mnist = load("mnist", part, data_dir=data_dir)
    card.characters(f"MNIST {named}", mnist.images, mnist.chars, "digits")
    mixed = mixed_emnist.load(data_dir, part)
    card.characters(f"EMNIST, our {named} split", mixed.images, mixed.chars, "alnum")
    cased = mixed_emnist.load(data_dir, part, case="known")
    card.characters(f"EMNIST, our {named} split", cased.images, cased.chars, "byclass")
    drawings = list(pen_drawings(data_dir / "pen_strokes_dev.npz"))
    drawings += mark_drawings(data_dir)
    if limit:
        drawings = drawings[:: max(1, len(drawings) // (4 * limit))]
    # Whoever asks for capitals shows capitals.
    shown = {"digits": DIGITS, "letters": LETTERS, "alnum": ALNUM, "byclass": BYCLASS, "text": TEXT}
    for width, half_width in PEN_WIDTHS.items():
        pictures = _Rendered([strokes for _, strokes in drawings], half_width)
        card.characters(f"real pens, {width}", pictures, [char for char, _ in drawings], *shown.items())
    photos = list(pictures_in(data_dir / "photo_chars_dev.zip"))
    truth = [Path(name).stem.split("_")[1] for name, _, _ in photos]
    card.characters("photographed characters", [picture for _, picture, _ in photos], truth, "alnum", "byclass")


def _measure_lines(card: Scorecard, data_dir: Path) -> None:
    words = list(pictures_in(data_dir / "pen_words_dev.zip"))
    for name, separable in (("pen words, separable", "1"), ("pen words, joined", "0")):
        own = [
            (picture, row["text"], row["writer"]) for _, picture, row in words if row["block_separable"] == separable
        ]
        pictures, truth, people = zip(*own, strict=True)
        card.texts(name, pictures, truth, "alnum", people=people)
    crops = [(picture, row["text"]) for _, picture, row in pictures_in(data_dir / "form_names_dev.zip")]
    suitable = (crop for crop in crops if holds_only_the_name(crop[0]))
    for name, shown in (("nothing but the name", itertools.islice(suitable, card.limit)), ("all crops", crops)):
        card.texts(f"form names, {name}", *zip(*shown, strict=True), "letters")
    pictures, truth, people = single_lines(data_dir, card.limit)
    card.texts("lines of unseen people", pictures, truth, "text", "page", people)


def single_lines(data_dir: Path, limit: int | None = None) -> tuple[list[np.ndarray], list[str], np.ndarray]:
    """Return pictures, texts and writers of UNIPEN's single lines by development people, in random order."""
    lines = load_strokes("unipen-lines", "val", data_dir=data_dir)
    lines = lines.take(np.char.find(lines.texts, "\n") < 0)
    # At random, lest a limit show one person alone.
    lines = lines.take(np.random.default_rng(0).permutation(len(lines))[:limit])
    pictures = [np.uint8(255 * (1 - drawn(strokes, LINE_PEN))) for strokes in lines]
    return pictures, lines.texts.tolist(), lines.writers


class _Rendered(Sequence):
    """Drawings that become pictures one at a time, dark ink on white paper; 12,400 at once would fill the memory."""

    def __init__(self, drawings: Sequence, half_width: float):
        self.drawings, self.half_width = drawings, half_width

    def __len__(self) -> int:
        return len(self.drawings)

    def __getitem__(self, k):
        return np.uint8(255 * (1 - pen.render(self.drawings[k], pen.PAD, self.half_width)))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write the rows of single characters as a Markdown table, as it stands in the README and in the model card.

    Of the three pen widths, the worst one is shown: a reader is as good as that. Answers that were counted a second
    time, with cases merged, stay in the record.
    """
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["alphabet"] not in ALPHABETS or row["measure"] != "accuracy":
            continue
        name = row["set"].replace(", thin", "").replace(", medium", "").replace(", thick", "")
        name += ", worst of three widths" if name != row["set"] else ""
        known = shown.get((name, row["alphabet"]))
        if known is None or row["score"] < known["score"]:
            shown[name, row["alphabet"]] = row
    lines = ["| what is read | alphabet | pictures | right | 95 % interval |", "| --- | --- | --- | --- | --- |"]
    for (name, alphabet), row in shown.items():
        right = f"{_percent(row['score'])} | {_percent(row['low'])} to {_percent(row['high'])}"
        lines.append(f"| {name} | {alphabet} | {row['count']:,} | {right} |")
    return "\n".join(lines)


def lines_table(rows: Sequence[dict[str, Any]]) -> str:
    """Write the rows of words and lines as a Markdown table: the share of characters wrong, a column for each reader.

    The interval is that of ``auto``.
    """
    shown: dict[tuple[str, str, str | None], dict[str, dict[str, Any]]] = {}
    for row in rows:
        if row["measure"] != "accuracy":
            shown.setdefault((row["set"], row["alphabet"], row["lexicon"]), {})[row["reader"]] = row
    lines = [
        "| what is read | alphabet | lexicon | pictures | `cut` | `line` | `auto` | 95 % interval |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (name, alphabet, lexicon), by in shown.items():
        wrong = " | ".join(_percent(by[reader]["score"]) for reader in COMPARED)
        interval = f"{_percent(by['auto']['low'])} to {_percent(by['auto']['high'])}"
        lines.append(f"| {name} | {alphabet} | {lexicon or 'none'} | {by['auto']['count']:,} | {wrong} | {interval} |")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def together(rows: Sequence[dict[str, Any]], only: str | None, old: dict[str, Any]) -> dict[str, Any]:
    """Return what the record holds after a measurement: its rows, and those of the other half as they were.

    Each row tells the SHA-256 of the weights that it was measured with; ``weights`` is that of the network for
    characters in the rows of characters.
    """
    shas = {name: hashlib.sha256(shipped(name).read_bytes()).hexdigest() for name in (WEIGHTS, line_reader.WEIGHTS)}
    used = {"characters": [WEIGHTS], "lines": [WEIGHTS, line_reader.WEIGHTS]}
    new = [row | {"weights": {name: shas[name] for name in used[_half(row)]}} for row in rows]
    kept = [row for row in old["rows"] if only and _half(row) != only]
    found = sorted([*kept, *new], key=lambda row: HALVES.index(_half(row)))
    return {"weights": old["weights"] if only == "lines" else shas[WEIGHTS], "rows": found}


def _half(row: dict[str, Any]) -> str:
    return "characters" if row["measure"] == "accuracy" else "lines"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a line each, and write the record of the weights that ship."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument(
        "--limit", type=at_least_one, metavar="N", help="N pictures of each set, to try it out; writes nothing"
    )
    parser.add_argument(
        "--only", choices=HALVES, help="measure single characters, or words and lines; the record keeps the others"
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE.tflite",
        help="judge this file, and by the validation splits; writes nothing",
    )
    options = parser.parse_args(arguments)
    rows = measure(user_data_dir(), options.limit, options.weights, options.only)
    if not (options.limit or options.weights):
        manifest.record("reader", COMMAND, **together(rows, options.only, records.read("reader")))


if __name__ == "__main__":
    main()
