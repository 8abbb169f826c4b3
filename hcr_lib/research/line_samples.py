"""Lines of writing to train the line reader on: rendered anew for every epoch, no two alike.

Six kinds, each with its share of an epoch:

* ``words`` and ``lines``: strokes of UNIPEN's training people, as they wrote them; texts of several lines are split;
* ``phrases``: words of one UNIPEN writer, set on a line;
* ``composed``: characters of one UNIPEN writer, set on a line: codes, prices, dates, names, words with marks; they were
  written alone, or are cut out of words whose letters stand apart;
* ``synthetic``: the course's own writers, joined or separate;
* ``glyphs``: EMNIST's training images, set on a line.

`plan` decides what an epoch holds; `render_batch` makes a batch of it, always the same for the same seed.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import string
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from hcr_lib import handwriting, images, labels, language, pen
from hcr_lib.datasets import StrokeDataset, load_strokes
from hcr_lib.research import mixed_emnist

HEIGHT = images.LINE_HEIGHT
CLASSES = labels.TEXT + labels.LINE_MARKS + " "
#: Widths of the batches in pixels, and how many lines each holds; a line is pressed into the widest, if need be.
WIDTHS = {HEIGHT * times: size for times, size in ((3, 96), (5, 64), (10, 32), (20, 16), (37, 8))}
FREQUENT = 20_000  #: English words that are set beside UNIPEN's
#: Samples of each kind in an epoch.
EPOCH = {"words": 26_000, "lines": 6_000, "phrases": 6_000, "composed": 24_000, "synthetic": 3_000, "glyphs": 7_000}
STEP = 4  #: columns of a line's image that the network takes for one step
BLANK = HEIGHT // 3  #: between two words, where nothing is known of it yet
GUESSED_ADVANCE = 15 * HEIGHT // 32  #: width of a character in pixels, where nothing is known of it yet
SPARE = 1.15  #: a line may become this much wider than guessed before it is pressed

Strokes = list[np.ndarray]


class Sample(NamedTuple):
    """A line to be rendered."""

    kind: str
    index: int  #: of `words` and `lines`: the sample; else a seed
    text: str
    words: tuple[int, ...] = ()  #: of `phrases`: the words


class Batch(NamedTuple):
    """Lines of about one width, and the seed of how they are rendered."""

    width: int
    seed: int
    samples: list[Sample]


@dataclasses.dataclass(frozen=True)
class Material:
    """What lines are made of.

    Attributes
    ----------
    words, lines : StrokeDataset
        Of UNIPEN's training people, without texts that hold other characters than `CLASSES`.
    pages : list of ndarray
        A writer's words: indices of `words`.
    chars : dict
        A writer's characters: ``chars[writer][char]`` are indices of `letters`.
    letters : StrokeDataset
    cap_heights : dict
        The height of a writer's capitals and digits, in the units of the strokes.
    glyphs : dict
        EMNIST's images of each character, uint8 of shape (n, 28, 28).
    vocabulary : ndarray of str
        Words to set: UNIPEN's, and frequent English ones.
    chances : ndarray of float64
        How often each is set: half of all are UNIPEN's, English ones go with the square root of their frequency.
    """

    words: StrokeDataset
    lines: StrokeDataset
    letters: StrokeDataset
    pages: list[np.ndarray]
    chars: dict[str, dict[str, np.ndarray]]
    cap_heights: dict[str, float]
    glyphs: dict[str, np.ndarray]
    vocabulary: np.ndarray
    below: np.ndarray

    @classmethod
    def load(cls, data_dir: Path) -> Material:
        """Read it from a folder with UNIPEN's packs and EMNIST."""
        words, lines, letters = (
            load_strokes(f"unipen-{kind}", "train", data_dir=data_dir) for kind in ("words", "lines", "chars")
        )
        words, lines, letters = _legible(words), _legible(single_lines(lines)), _legible(letters)
        letters = concatenated(letters.take(letters.texts != " "), cut_words(words))
        sized = np.array([any(map(str.isalnum, text)) for text in words.texts])  # a dash has no height to go by
        pages = [np.flatnonzero(sized & (words.writers == writer)) for writer in np.unique(words.writers)]
        pages = [page for page in pages if len(page)]
        chars: dict[str, dict[str, np.ndarray]] = {}
        cap_heights = {}
        heights = np.array([np.ptp(np.concatenate(letters[k])[:, 1]) for k in range(len(letters))])
        for writer in np.unique(letters.writers):
            own = np.flatnonzero(letters.writers == writer)
            tall = np.isin(letters.texts[own], list(string.digits + string.ascii_uppercase))
            if tall.sum() < 10:
                continue
            cap_heights[writer] = float(np.median(heights[own[tall]]))
            chars[writer] = {char: own[letters.texts[own] == char] for char in np.unique(letters.texts[own])}
        emnist = mixed_emnist.load(data_dir, "train", case="known")
        glyphs = {char: emnist.images[emnist.chars == char] for char in emnist.classes}
        own = np.unique([word.lower() for word in words.texts if word.isalpha()])
        english = language.english()
        others = [word for word in english.completions("", FREQUENT) if word.isalpha()]
        shares = np.array([english.share(word) for word in others])
        chances = np.concatenate([np.full(len(own), 1 / len(own)), shares / shares.sum()]) / 2
        vocabulary = np.concatenate([own, others])
        return cls(words, lines, letters, pages, chars, cap_heights, glyphs, vocabulary, np.cumsum(chances))

    def word(self, rng: np.random.Generator) -> str:
        """Draw a word of the vocabulary."""
        return str(self.vocabulary[min(np.searchsorted(self.below, rng.random()), len(self.below) - 1)])


def _legible(strokes: StrokeDataset) -> StrokeDataset:
    """Leave out texts with a character that the reader does not know, texts of several lines, and endless ones."""
    widest = 1.1 * max(WIDTHS)
    legible = [
        set(t) <= set(CLASSES) and len(t) < 200 and _natural_width(strokes, k) < widest
        for k, t in enumerate(strokes.texts)
    ]
    return strokes.take(np.array(legible))


def single_lines(strokes: StrokeDataset) -> StrokeDataset:
    """Split texts of several lines where the pen returned to the left; leave out where it did more or less often."""
    lines = [str(text).split("\n") for text in strokes.texts]
    returns = [_returns(strokes[k], len(parts)) for k, parts in enumerate(lines)]
    whole = np.array([len(k) + 1 == len(parts) for k, parts in zip(returns, lines, strict=True)])
    lines, returns = list(itertools.compress(lines, whole)), list(itertools.compress(returns, whole))
    strokes = strokes.take(whole)
    begins = [first + k for first, own in zip(strokes.sample_offsets, returns, strict=False) for k in own]
    return dataclasses.replace(
        strokes,
        sample_offsets=np.union1d(strokes.sample_offsets, np.array(begins, int)),
        texts=np.array([text for parts in lines for text in parts]),
        writers=np.repeat(strokes.writers, [len(parts) for parts in lines]),
    )


def cut_words(words: StrokeDataset) -> StrokeDataset:
    """Cut words into characters where that is sure: as many groups of strokes, one beside the other, as characters.

    Strokes that lie above one another are of one group, such as an i and its dot. That a word's label may be wrong, or
    two mistakes make up for each other, is left for the network to bear: it is rare.

    Examples
    --------
    >>> i, dot, l = ([[x, y0], [x + 1, y1]] for x, y0, y1 in ((0, 3, 9), (0, 0, 1), (9, 0, 9)))
    >>> words = StrokeDataset(np.array(i + l + dot), np.array([0, 2, 4, 6]), np.array([0, 3]),
    ...     texts=np.array(["il"]), writers=np.array(["1"]))
    >>> [(str(char), len(strokes)) for char, strokes in zip(cut_words(words).texts, cut_words(words))]
    [('i', 2), ('l', 1)]
    """
    strokes, texts, writers = [], [], []
    for text, writer, word in zip(words.texts, words.writers, words, strict=True):
        if len(text) < 2:
            continue
        groups: list[Strokes] = []
        end = -np.inf
        for stroke in sorted(word, key=lambda stroke: stroke[:, 0].min()):
            if stroke[:, 0].min() > end:
                groups.append([])
            groups[-1].append(stroke)
            end = max(end, stroke[:, 0].max())
        if len(groups) == len(text):
            strokes += groups
            texts += text
            writers += [writer] * len(text)
    if not texts:
        return words.take([])
    flat = list(itertools.chain.from_iterable(strokes))
    return StrokeDataset(
        np.concatenate(flat),
        np.cumsum([0, *map(len, flat)]),
        np.cumsum([0, *map(len, strokes)]),
        np.array(texts),
        np.array(writers),
        source=words.source,
    )


def concatenated(first: StrokeDataset, second: StrokeDataset) -> StrokeDataset:
    """Return the samples of both, those of the first before those of the second."""
    return StrokeDataset(
        np.concatenate([first.points, second.points]),
        np.concatenate([first.stroke_offsets, second.stroke_offsets[1:] + first.stroke_offsets[-1]]),
        np.concatenate([first.sample_offsets, second.sample_offsets[1:] + first.sample_offsets[-1]]),
        np.concatenate([first.texts, second.texts]),
        np.concatenate([first.writers, second.writers]),
        source=first.source,
    )


def _returns(strokes: Strokes, lines: int) -> list[int]:
    """Return which strokes of a text of so many lines begin a line: far to the left of the one before, and lower."""
    if lines == 1:
        return []
    x0, y0, x1, y1 = pen.bounds(strokes)
    far, low = 0.4 * (x1 - x0), 0.3 * (y1 - y0) / lines
    return [
        k
        for k, (before, after) in enumerate(pairwise(strokes), 1)
        if before[-1, 0] - after[0, 0] > far and after[:, 1].mean() - before[:, 1].mean() > low
    ]


@functools.cache
def material(data_dir: Path) -> Material:
    """Load the material once per process."""
    return Material.load(data_dir)


def some_text(known: Material, rng: np.random.Generator) -> str:
    """Make up a short text: a word, a sentence, a name, a number, a code, a price, a date, with marks now and then."""

    def number(longest: int) -> str:
        return "".join(rng.choice(list(string.digits), rng.integers(1, longest + 1)))

    def word() -> str:
        return str(rng.choice([one := known.word(rng), one.capitalize(), one.upper()], p=[0.4, 0.25, 0.35]))

    def capitals(longest: int) -> str:
        return "".join(rng.choice(list(string.ascii_uppercase), rng.integers(1, longest + 1)))

    def sentence() -> str:
        words = [known.word(rng)]
        for _ in range(rng.integers(1, 7)):
            usual = language.english_pairs().following(words[-1], 12) if rng.random() < 0.7 else []
            words.append(str(rng.choice(usual)) if usual else known.word(rng))
        text = " ".join(words)
        marked = text.capitalize() + rng.choice(list(".,?!;:"))
        return str(rng.choice([text, marked, text.upper()], p=[0.6, 0.25, 0.15]))

    kinds = [
        (6, word),
        (5, sentence),
        (3, lambda: f"{word()} {word()}"),
        (3, lambda: f"{word()} {number(2)}"),
        (3, lambda: number(8)),
        (1, lambda: f"{number(3)} {number(3)}"),
        (3, lambda: "".join(rng.choice(list(string.digits + string.ascii_uppercase), rng.integers(2, 9)))),
        (2, lambda: "".join(rng.choice(list(string.digits + string.ascii_letters), rng.integers(2, 8)))),
        (1, lambda: f"{capitals(3)}-{number(4)}"),
        (2, lambda: f"{number(3)}{rng.choice(list('.,'))}{number(2)}"),
        (2, lambda: f"{number(3)}{rng.choice(list('.,'))}{number(2)} {rng.choice(['EUR', 'USD', 'CHF', 'kg'])}"),
        (2, lambda: f"{number(2)}{(mark := rng.choice(list('./-')))}{number(2)}{mark}{number(4)}"),
        (1, lambda: f"{number(4)}-{number(2)}-{number(2)}"),
        (2, lambda: f"{rng.choice(['+', '0', '('])}{number(3)}{rng.choice([' ', '/', '-', ')'])}{number(6)}"),
        (1, lambda: f"{word()}{rng.choice(list('.,?!:;'))}"),
        (1, lambda: str(rng.choice(['"{}"', "({})", "'{}'", "[{}]", "{{{}}}", "<{}>"])).format(word())),
        (1, lambda: f"{word()}'s"),
        (1, lambda: f"{word()}-{word()}"),
        (1, lambda: f"{capitals(1)}. {word()}"),
        (1, lambda: f"{number(2)} {rng.choice(list('+-=/&%*<>'))} {number(2)}"),
        (1, lambda: f"{word()}{rng.choice(list('@#&/_|*~^'))}{word()}"),
        (1, lambda: f"${number(3)}{rng.choice(list('.,'))}{number(3)}"),
    ]
    shares = np.array([share for share, _ in kinds], float)
    return kinds[rng.choice(len(kinds), p=shares / shares.sum())][1]()


def plan_epoch(data_dir: Path, seed: int, epoch: dict[str, int] = EPOCH, times: int = 1) -> list[Batch]:
    """Decide what an epoch holds: see `plan`."""
    return plan(material(data_dir), seed, epoch, times)


def plan(known: Material, seed: int, epoch: dict[str, int] = EPOCH, times: int = 1) -> list[Batch]:
    """Decide what an epoch holds: every UNIPEN word once or nearly, and made-up texts of the other kinds.

    A batch holds `times` as many lines as `WIDTHS` says.
    """
    rng = np.random.default_rng(seed)
    samples, widths = [], []
    for kind, strokes in (("words", known.words), ("lines", known.lines)):
        number = epoch[kind]
        # All of them as often as there is room for, and some once more.
        chosen = np.concatenate([rng.permutation(len(strokes)) for _ in range(number // len(strokes) + 1)])[:number]
        samples += [Sample(kind, int(k), str(strokes.texts[k])) for k in chosen]
        widths += [_natural_width(strokes, k) for k in chosen]
    for _ in range(epoch["phrases"]):
        own = known.pages[rng.integers(len(known.pages))]
        chosen = rng.choice(own, min(len(own), rng.integers(2, 8)), replace=False)
        text = " ".join(known.words.texts[chosen])
        samples.append(Sample("phrases", int(rng.integers(2**31)), text, tuple(map(int, chosen))))
        widths.append(sum(_natural_width(known.words, k) + BLANK for k in chosen))
    for kind in ("composed", "synthetic", "glyphs"):
        for _ in range(epoch[kind]):
            text = some_text(known, rng)
            if kind != "composed":  # neither has marks
                text = "".join(char for char in text if char.isalnum() or char == " ").strip() or "a"
            samples.append(Sample(kind, int(rng.integers(2**31)), text))
            widths.append(GUESSED_ADVANCE * len(text) + 8)
    # CTC needs a step for each character, and one more between two equal ones.
    fewest = [STEP * (len(each.text) + sum(one == other for one, other in pairwise(each.text))) for each in samples]
    widths = np.maximum(np.array(widths) * SPARE, fewest)
    batches = []
    edges = list(WIDTHS)
    for place, width in enumerate(edges):
        fits = widths <= width if place < len(edges) - 1 else np.full(len(widths), True)
        own = rng.permutation(np.flatnonzero(fits & (widths > (edges[place - 1] if place else 0))))
        size = times * WIDTHS[width]
        for start in range(0, max(len(own) - size, 0) + 1, size) if len(own) else ():
            rows = own[start : start + size]
            batches.append(Batch(width, int(rng.integers(2**31)), [samples[k] for k in rows]))
    batches = [batches[k] for k in rng.permutation(len(batches))]
    # Keras on TensorFlow learns from the first two batches which sides vary, and stops at a later one that differs.
    other = next((k for k, batch in enumerate(batches) if batch.width != batches[0].width), 0)
    if other:
        batches[1], batches[other] = batches[other], batches[1]
    return batches


def _natural_width(strokes: StrokeDataset, index: int) -> float:
    """Return the width in pixels of a sample that is scaled to the height of the line."""
    first, last = strokes.stroke_offsets[strokes.sample_offsets[index : index + 2]]
    width, height = np.ptp(strokes.points[first:last], axis=0)
    return width / max(height, 1) * (HEIGHT - 2 * images.LINE_MARGIN) + 2 * images.LINE_MARGIN


def render_batch(batch: Batch, data_dir: Path) -> tuple[np.ndarray, np.ndarray]:
    """Render a batch.

    Returns
    -------
    pictures : ndarray of uint8, shape (n, HEIGHT, width, 1)
    texts : ndarray of int32, shape (n, width // STEP)
        Columns of the network (0 is the blank, k + 1 is ``CLASSES[k]``), filled up with 0.
    """
    known, rng = material(data_dir), np.random.default_rng(batch.seed)
    pictures = [_picture(sample, known, batch.width, rng) for sample in batch.samples]
    pictures = np.stack([_disturbed(picture, pictures, rng) for picture in pictures])
    texts = np.zeros((len(pictures), batch.width // STEP), "int32")
    for row, sample in zip(texts, batch.samples, strict=True):
        row[: len(sample.text)] = [CLASSES.index(char) + 1 for char in sample.text]
    return np.uint8(255 * pictures)[..., None], texts


def _picture(sample: Sample, known: Material, width: int, rng: np.random.Generator) -> np.ndarray:
    """Render one line, float32 of shape (HEIGHT, width)."""
    if sample.kind == "glyphs":
        return _on_line(_set_glyphs(sample.text, known.glyphs, np.random.default_rng(sample.index)), width, rng)
    if sample.kind == "words":
        strokes = known.words[sample.index]
    elif sample.kind == "lines":
        strokes = known.lines[sample.index]
    elif sample.kind == "phrases":
        strokes = _phrase(sample, known, np.random.default_rng(sample.index))
    elif sample.kind == "composed":
        strokes = _compose(sample.text, known, np.random.default_rng(sample.index))
    else:
        own = np.random.default_rng(sample.index)
        style = handwriting.random_style(own)
        joining = own.choice([0.0, own.uniform(0.6, 1.0)], p=[0.3, 0.7])
        style = dataclasses.replace(style, joining=joining, touching=own.choice([0.0, 0.3]))
        strokes = handwriting.write(sample.text, style, own)
    return _drawn(strokes, len(sample.text), width, rng)


def _drawn(strokes: Strokes, length: int, width: int, rng: np.random.Generator) -> np.ndarray:
    """Draw the strokes of `length` characters, slanted, stretched, turned and bent a little, with any pen."""
    slant, turn = rng.normal(0, 0.25), rng.normal(0, 0.02)
    stretch = np.exp(rng.normal(0, 0.15))
    change = np.array([[stretch, turn], [-slant, 1.0]])
    strokes = [stroke @ change for stroke in strokes]
    margin = images.LINE_MARGIN
    x0, y0, x1, y1 = pen.bounds(strokes)
    if x1 - x0 > images.SLOPE_SHOWS * (y1 - y0):
        points = np.concatenate(strokes)
        across = points[:, 0] - points[:, 0].mean()
        slope = across @ points[:, 1] / (across @ across)
        strokes = [stroke - np.outer(slope * stroke[:, 0], [0, 1]) for stroke in strokes]
        x0, y0, x1, y1 = pen.bounds(strokes)
    advance = (x1 - x0) / max(y1 - y0, 1e-6) * (HEIGHT - 2 * margin) / length
    unit = HEIGHT / 32
    thickest = np.clip(0.1 * advance, 0.6 * unit, 1.6 * unit)  # small writing was not written with a marker
    half_width = np.exp(rng.uniform(np.log(0.45 * unit), np.log(thickest)))
    # Most lines fill the height; in a photograph, dirt or a neighbour's ink may leave less of it.
    tall = HEIGHT - 2 * margin if rng.random() < 0.7 else rng.uniform(0.6, 1) * (HEIGHT - 2 * margin)
    tall -= 2 * half_width
    # A dash or a dot has no height to go by.
    scale = tall / max(y1 - y0, (x1 - x0) / 40, 1e-6)
    if y1 - y0 < 0.4 * (x1 - x0) and len(strokes) == 1:  # a dash
        scale *= rng.uniform(0.3, 1)
    across = min(scale, (width - 2 * margin - 2 * half_width) / max(x1 - x0, 1e-6))
    room = width - 2 * (margin + half_width) - across * (x1 - x0)
    left = margin + half_width + rng.uniform(0, np.clip(room, 0, 8))
    top = rng.uniform(margin, max(margin, HEIGHT - margin - 2 * half_width - scale * (y1 - y0))) + half_width
    wave, phase = rng.normal(0, 0.6 * unit, 2), rng.uniform(0, 2 * np.pi, 2)
    moved = []
    for stroke in strokes:
        points = (stroke - [x0, y0]) * [across, scale] + [left, top]
        points = _resampled(points)
        bend = np.sin(points[:, ::-1] * (2 * np.pi / (40 * unit)) + phase) * wave
        moved.append(np.clip(points + bend, 0, [width - 1, HEIGHT - 1]))
    return pen.render_page(moved, (HEIGHT, width), half_width)


def _resampled(points: np.ndarray, step: float = 2.5) -> np.ndarray:
    """Return points about `step` pixels apart on the same way."""
    if len(points) < 3:
        return points
    way = np.concatenate([[0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    at = np.linspace(0, way[-1], max(2, int(way[-1] / step) + 1))
    return np.stack([np.interp(at, way, column) for column in points.T], axis=1)


#: Of joined writing, in heights of a capital: the height of x, and how far g reaches below the line. Medians of
#: UNIPEN's training people: their words with both, either, or neither.
_X_HEIGHT, _DESCENT = 0.66, 0.53


def _phrase(sample: Sample, known: Material, rng: np.random.Generator) -> Strokes:
    """Set words of one writer on a line; where it ran below them, and how large they were, their letters tell."""
    gap = rng.uniform(0.3, 1.0)
    strokes, x = [], 0.0
    for index in sample.words:
        text, word = str(known.words.texts[index]), known.words[index]
        x0, y0, x1, y1 = pen.bounds(word)
        above = 1.0 if any(char.isupper() or char.isdigit() or char in "bdfhklt" for char in text) else _X_HEIGHT
        below = _DESCENT if set(text) & set("gjpqy") else 0.0
        size = (above + below) / max(y1 - y0, 1) * np.exp(rng.normal(0, 0.06))
        foot = below * size * (y1 - y0) / (above + below) + rng.normal(0, 0.04)
        strokes += [(stroke - [x0, y1]) * size + [x, foot] for stroke in word]
        x += (x1 - x0) * size + gap * np.exp(rng.normal(0, 0.2))
    return strokes


#: Where a character stands on the line, as shares of a capital's height: how far its foot is below the baseline, as a
#: share of its own height, or where its middle or top is.
_BELOW = (
    dict.fromkeys("gpqy", 0.4) | dict.fromkeys("()[]{}|$", 0.1)
    | {"j": 0.3, ",": 0.6, ";": 0.25, "/": 0.05, "Q": 0.05, "_": 1.0}
)  # fmt: skip
_MIDDLE = dict.fromkeys("-=+<>~", 0.4)
_TOP = dict.fromkeys("'\"^*", 1.05)


def _compose(text: str, known: Material, rng: np.random.Generator) -> Strokes:
    """Set characters of one writer on a line; what that writer never wrote comes from another."""
    writers = list(known.chars)
    main = writers[rng.integers(len(writers))]
    gap, blank = rng.uniform(0.08, 0.3), rng.uniform(0.35, 0.8)
    strokes, x = [], 0.0
    for char in text:
        if char == " ":
            x += blank
            continue
        others = (writers[k] for k in rng.permutation(len(writers)))
        writer = main if char in known.chars[main] else next(who for who in others if char in known.chars[who])
        body = [stroke / known.cap_heights[writer] for stroke in known.letters[rng.choice(known.chars[writer][char])]]
        x0, y0, x1, y1 = pen.bounds(body)
        tall = y1 - y0
        foot = _BELOW.get(char, 0.0) * tall
        if char in _MIDDLE:
            foot = -_MIDDLE[char] + tall / 2
        elif char in _TOP:
            foot = -_TOP[char] + tall
        foot += rng.normal(0, 0.03)
        strokes += [stroke - [x0 - x, y1 - foot] for stroke in body]
        x += x1 - x0 + max(0.02, gap + rng.normal(0, 0.05))
    return strokes


#: Top and bottom of the small letters that are not as tall as a capital, as shares of a capital's height.
_SMALL = dict.fromkeys("acemnorsuvwxz", (0.58, 0.0)) | dict.fromkeys("gpqy", (0.58, -0.38)) | {"j": (0.95, -0.35)}


def _set_glyphs(text: str, glyphs: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Set EMNIST's images on a line; float32 ink, any size."""
    cap = HEIGHT - 2 * images.LINE_MARGIN
    pieces, x = [], 0.0
    gap, blank = rng.uniform(0.05, 0.35) * cap, rng.uniform(0.4, 0.9) * cap
    for char in text:
        if char == " ":
            x += blank
            continue
        glyph = images.crop(glyphs[char][rng.integers(len(glyphs[char]))] / np.float32(255))
        top, bottom = _SMALL.get(char, (1.0, 0.0))
        size = (top - bottom) * cap * np.exp(rng.normal(0, 0.06))
        shape = max(3, round(size)), max(2, round(size * glyph.shape[1] / glyph.shape[0]))
        if shape[1] > 1.6 * cap:
            shape = max(3, round(shape[0] * 1.6 * cap / shape[1])), round(1.6 * cap)
        piece = images.resize(glyph, *shape)
        pieces.append((round(x), round((bottom + rng.normal(0, 0.03)) * cap), piece))
        x += shape[1] + max(1, gap + rng.normal(0, 0.05 * cap))
    high = max(foot + piece.shape[0] for _, foot, piece in pieces)
    low = min(foot for _, foot, _ in pieces)
    line = np.zeros((high - low, max(left + piece.shape[1] for left, _, piece in pieces)), "float32")
    for left, foot, piece in pieces:
        rows = slice(high - foot - piece.shape[0], high - foot)
        window = line[rows, left : left + piece.shape[1]]
        np.maximum(window, piece, out=window)
    return line


def _on_line(ink: np.ndarray, width: int, rng: np.random.Generator) -> np.ndarray:
    """Slant ink at random, scale it to the line, and put it on paper of the batch's width."""
    slant = rng.normal(0, 0.15)
    reach = int(abs(slant) * ink.shape[0] / 2) + 1
    ink = np.pad(ink, ((0, 0), (reach, reach)))
    middle = ink.shape[0] / 2
    ink = ndimage.affine_transform(ink, [[1, 0], [slant, 1]], offset=[0, -slant * middle], order=1)
    ink = images.crop(np.where(ink.max() >= images.THRESHOLD, ink, 1))
    tall = rng.uniform(0.75, 1) * (HEIGHT - 2 * images.LINE_MARGIN)
    scale = tall / ink.shape[0]
    wide = min(ink.shape[1] * scale * np.exp(rng.normal(0, 0.12)), width - 2 * images.LINE_MARGIN)
    ink = images.resize(ink, tall, wide)
    page = np.zeros((HEIGHT, width), "float32")
    top = rng.integers(images.LINE_MARGIN, HEIGHT - images.LINE_MARGIN - ink.shape[0] + 1)
    left = images.LINE_MARGIN + rng.integers(0, max(1, min(8, width - 2 * images.LINE_MARGIN - ink.shape[1] + 1)))
    page[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    return page


def _disturbed(picture: np.ndarray, others: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Blur a line, let its ink fade, and add what photographs add: grain, and ink of the lines above and below."""
    if rng.random() < 0.5:
        picture = ndimage.gaussian_filter(picture, rng.uniform(0.2, 0.8) * HEIGHT / 32)
    if rng.random() < 0.3:
        picture = np.clip(1.5 * picture - rng.uniform(0, 0.3), 0, 1)  # a hard threshold, as of a scan
    if rng.random() < 0.4:
        picture = picture * rng.uniform(0.4, 1)
    if rng.random() < 0.15:
        neighbour = others[rng.integers(len(others))]
        reach = int(rng.integers(2, 6))
        piece = np.zeros_like(picture)
        if rng.random() < 0.5:
            piece[:reach] = neighbour[HEIGHT - images.LINE_MARGIN - reach - 2 : HEIGHT - images.LINE_MARGIN - 2]
        else:
            piece[-reach:] = neighbour[images.LINE_MARGIN + 2 : images.LINE_MARGIN + 2 + reach]
        picture = np.maximum(picture, piece)
    if rng.random() < 0.2:
        picture = picture + rng.normal(0, rng.uniform(0, 0.08), picture.shape).astype("float32")
    return np.clip(picture, 0, 1).astype("float32")
