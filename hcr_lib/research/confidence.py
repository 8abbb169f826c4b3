"""How sure the reader may be: ``python -m hcr_lib.research.confidence``.

Words and lines by UNIPEN's development people (``pen_words_dev.zip`` and ``unipen_lines.npz`` in ``HCR_DATA_DIR``) are
read, with and without a lexicon, and codes under their masks, made as the page benchmark makes its own. A
logistic regression then says how likely a text is right, given what the search for it found; `ODDS`, `CUT_ODDS` and
`MASK_ODDS` of `hcr_lib.recognizer` are its coefficients. How well it tells right from wrong is judged on people it was
not fitted to; of codes, on another seed's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from tqdm.auto import tqdm

from hcr_lib import images, segment
from hcr_lib._paths import user_data_dir
from hcr_lib.labels import classes
from hcr_lib.language import ENGLISH, read_lexicon
from hcr_lib.line_reader import LineReader
from hcr_lib.recognizer import MASK_ODDS, Recognizer, cut_evidence, line_evidence
from hcr_lib.research._arguments import at_least_one
from hcr_lib.research.page_benchmark import _hands, _kinds
from hcr_lib.research.scorecard import pictures_in, single_lines

FOLDS = 5
CODES, SEEDS = 200, (1, 2)  #: of each seed
HOW = (("alnum", None), ("alnum", ENGLISH), ("byclass", None), ("text", None))  #: alphabets and lexica


def pictures(data_dir: Path, limit: int | None) -> Iterator[tuple[Any, str, str]]:
    """Yield picture, text and writer of words and of lines, at most `limit` of each."""
    words = [(picture, row["text"], row["writer"]) for _, picture, row in pictures_in(data_dir / "pen_words_dev.zip")]
    for each in words, list(zip(*single_lines(data_dir), strict=True)):
        yield from [each[k] for k in np.random.default_rng(0).permutation(len(each))[:limit]]


def as_read(text: str, alphabet: str) -> str:
    """Return the text that is right where only an alphabet's characters are read."""
    known = {*classes(alphabet)}
    text = text if "a" in known else text.upper()
    return " ".join("".join(char for char in text if char in known or char == " ").split())


def gap(surenesses: np.ndarray, right: np.ndarray) -> float:
    """Return the expected calibration error: in ten groups of equally many, how far confidence lies from the truth.

    Examples
    --------
    >>> round(gap(np.full(10, 0.8), np.arange(10) < 7), 6)
    0.38
    """
    groups = np.array_split(np.argsort(surenesses, kind="stable"), 10)
    far = [len(own) * abs(surenesses[own].mean() - right[own].mean()) for own in groups if len(own)]
    return float(sum(far) / len(right))


def masked_codes(data_dir: Path, number: int) -> Iterator[tuple[tuple[float], bool, int]]:
    """Read codes under their masks; yield by how much the score exceeded the best rival's, whether right, and the seed.

    The margin is taken back out of the confidence that `hcr_lib.recognizer.MASK_ODDS` made of it.
    """
    kind, hands = _kinds.KINDS["codes"], _hands.hands(data_dir)
    recognizer = Recognizer.load(kind.alphabet)
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        for _ in tqdm(range(number), desc="codes", leave=False):
            code = kind.make(hands, rng)
            try:
                reading = recognizer.read(code.picture.pixels, mask=code.mask)
            except images.ImageError:
                continue
            odds = np.log(reading.confidence / (1 - reading.confidence))
            yield ((odds - MASK_ODDS[0]) / MASK_ODDS[1],), reading.text == code.text, seed


def report(name: str, evidence: Sequence[Sequence[float]], right: Sequence[bool], people: Sequence[str]) -> None:
    """Fit, and print the coefficients and how good they are for other people than those fitted to."""
    evidence, right = np.array(evidence), np.array(right)
    model = LogisticRegression(C=100)
    folds = GroupKFold(min(FOLDS, len(set(people))))
    sure = cross_val_predict(model, evidence, right, groups=people, cv=folds, method="predict_proba")[:, 1]
    model.fit(evidence, right)
    odds = ", ".join(f"{each:.2f}" for each in [*model.intercept_, *model.coef_[0]])
    area = roc_auc_score(right, sure)
    print(
        f"{name}: ({odds}); {len(right)} texts, {right.mean():.1%} right, area {area:.3f}, gap {gap(sure, right):.3f}"
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Read, fit and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=at_least_one, metavar="N", help="N words and N lines only")
    options = parser.parse_args(arguments)
    shown = list(pictures(user_data_dir(), options.limit))
    by_line, by_cuts = [], []
    for alphabet, lexicon in HOW:
        line_reader = LineReader(classes(alphabet), lexicon and read_lexicon(lexicon))
        for picture, text, writer in tqdm(shown, desc=alphabet, leave=False):
            found = segment.one_line(images.to_ink(picture))
            reading = line_reader.read(found.ink)
            if len(reading.text) > 1:
                right = as_read(reading.text, alphabet) == as_read(text, alphabet)
                by_line.append((line_evidence(reading.margin, reading.log_probability(reading.text)), right, writer))
    readings = Recognizer.load("alnum").read_all((picture for picture, _, _ in shown), "word", reader="cut")
    for reading, (_, text, writer) in zip(readings, shown, strict=True):
        if isinstance(reading, images.ImageError) or len(reading.characters) < 2:
            continue
        right = reading.text == as_read(text, "alnum").replace(" ", "")
        by_cuts.append((cut_evidence([each.confidence for each in reading.characters]), right, writer))
    report("ODDS, as a line", *zip(*by_line, strict=True))
    report("CUT_ODDS, cut alone", *zip(*by_cuts, strict=True))
    codes = masked_codes(user_data_dir(), min(CODES, options.limit or CODES))
    report("MASK_ODDS, under a mask", *zip(*codes, strict=True))


if __name__ == "__main__":
    main()
