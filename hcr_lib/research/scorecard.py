"""Judge the reader on real handwriting: ``python -m hcr_lib.research.scorecard`` writes ``data/results/reader.json``.

The sets are looked for in ``HCR_DATA_DIR``. Words go through `Recognizer.read_all`, as on the command line: a picture
in, a reading out; so do single characters, but for a shortcut: each picture is brought to the network's form once for
all alphabets that it is read with. Nothing here was trained on; the test splits of MNIST and EMNIST are for reporting,
not for choosing between weights. To choose, ``--weights FILE`` judges other weights by the validation splits instead,
and writes nothing.

Which of these sets are private, and what was chosen with a look at them, is said in the model card, ``data/reader.md``.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import csv
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm.auto import tqdm

from hcr_lib import decode, images, metrics, pen, segment
from hcr_lib._paths import shipped, user_data_dir
from hcr_lib.datasets import StrokeDataset, load, load_strokes
from hcr_lib.labels import ALNUM, BYCLASS, DIGITS, LETTERS, MARKS, TEXT, classes
from hcr_lib.recognizer import ALPHABETS, WEIGHTS, Recognizer
from hcr_lib.research import manifest, mixed_emnist
from hcr_lib.research._arguments import at_least_one
from hcr_lib.research.train_reader import as_large_as_written

COMMAND = "python -m hcr_lib.research.scorecard"
#: A prediction in 62 classes may also count as one in these: 47, where NIST merges cases that look alike, and 36.
COUNTED_AS = ("balanced", "alnum")
AT_ONCE = 400  #: pictures held in memory
PEN_WIDTHS = {"thin": 4, "medium": 10, "thick": 18}  # half-widths on a pad of 400 pixels


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

    def words(self, pictures: Iterable, alphabet: str) -> list[str]:
        """Read pictures of words; what cannot be read counts as an empty reading."""
        readings = self._reader.with_alphabet(alphabet).read_all(tqdm(pictures, leave=False), "word")
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

    def texts(self, name: str, pictures: Sequence, truth: Sequence[str], alphabet: str) -> None:
        """Score words by character error rate, cases merged; blanks and punctuation do not count."""
        plain = ["".join(filter(str.isalnum, text)).upper() for text in truth][: self.limit]
        read = [text.replace(" ", "").upper() for text in self.words(pictures[: self.limit], alphabet)]
        rate = metrics.character_error_rate(plain, read)
        # Characters of one word are read together, so whole words are drawn anew: the bootstrap.
        rng, draws = np.random.default_rng(0), []
        for _ in range(500):
            rows = rng.integers(len(plain), size=len(plain))
            draws.append(metrics.character_error_rate([plain[k] for k in rows], [read[k] for k in rows]))
        low, high = np.percentile(draws, [2.5, 97.5])
        self._add(name, alphabet, len(plain), rate, low, high, "character error rate")

    def _add(self, name, alphabet, count, score, low, high, measure):
        row = {"set": name, "alphabet": alphabet, "count": count, "score": round(float(score), 4)}
        row |= {"low": round(float(low), 4), "high": round(float(high), 4), "measure": measure}
        self.rows.append(row)
        print(f"{name:<44} {alphabet:<28} n={count:<6} {measure} {score:.2%} ({low:.2%} to {high:.2%})", flush=True)


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


def measure(data_dir: Path, limit: int | None = None, weights: Path | None = None) -> list[dict[str, Any]]:
    """Measure everything that `data_dir` holds.

    Parameters
    ----------
    data_dir : Path
    limit : int, optional
        Take at most this number of pictures of each set.
    weights : Path, optional
        Judge these instead of the weights that ship, and by the validation splits of MNIST and EMNIST instead of the
        test splits: whoever chooses between weights by a test set no longer has one.
    """
    card = Scorecard(limit, weights)
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
    words = [each for each in pictures_in(data_dir / "pen_words_dev.zip") if each[2]["block_separable"] == "1"]
    forms = [each for each in pictures_in(data_dir / "form_names_dev.zip") if holds_only_the_name(each[1])]
    for name, chosen in (("pen words, separable", words), ("form names, nothing but the name", forms)):
        for alphabet in ("letters", "alnum"):
            pictures = [picture for _, picture, _ in chosen]
            card.texts(name, pictures, [row["text"] for _, _, row in chosen], alphabet)
    return card.rows


class _Rendered(Sequence):
    """Drawings that become pictures one at a time, dark ink on white paper; 12,400 at once would fill the memory."""

    def __init__(self, drawings: Sequence, half_width: float):
        self.drawings, self.half_width = drawings, half_width

    def __len__(self) -> int:
        return len(self.drawings)

    def __getitem__(self, k):
        return np.uint8(255 * (1 - pen.render(self.drawings[k], pen.PAD, self.half_width)))


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write rows as a Markdown table, as it stands in the README and in the model card.

    Of the three pen widths, the worst one is shown: a reader is as good as that. Answers that were counted a second
    time, with cases merged, stay in the record.
    """
    shown: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["alphabet"] not in ALPHABETS:
            continue
        name = row["set"].replace(", thin", "").replace(", medium", "").replace(", thick", "")
        name += ", worst of three widths" if name != row["set"] else ""
        known = shown.get((name, row["alphabet"]))
        if known is None or row["score"] < known["score"]:
            shown[name, row["alphabet"]] = row
    lines = ["| what is read | alphabet | pictures | right | 95 % interval |", "| --- | --- | --- | --- | --- |"]
    for (name, alphabet), row in shown.items():
        score, low, high = row["score"], row["low"], row["high"]
        if row["measure"] != "accuracy":
            name, score, low, high = f"{name} (characters)", 1 - score, 1 - high, 1 - low
        lines.append(f"| {name} | {alphabet} | {row['count']:,} | {score:.1%} | {low:.1%} to {high:.1%} |")
    return "\n".join(lines).replace("%", " %").replace("95  %", "95 %")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a line each, and write the record of the weights that ship."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument(
        "--limit", type=at_least_one, metavar="N", help="N pictures of each set, to try it out; writes nothing"
    )
    parser.add_argument(
        "--weights",
        type=Path,
        metavar="FILE.tflite",
        help="judge this file, and by the validation splits; writes nothing",
    )
    options = parser.parse_args(arguments)
    rows = measure(user_data_dir(), options.limit, options.weights)
    if not (options.limit or options.weights):
        sha256 = hashlib.sha256(shipped(WEIGHTS).read_bytes()).hexdigest()
        manifest.record("reader", COMMAND, weights=sha256, rows=rows)


if __name__ == "__main__":
    main()
