"""How much the language should count for the line reader: ``python -m hcr_lib.research.line_language``.

The network that ships reads the words of UNIPEN's development people (``pen_words_dev.zip`` in ``HCR_DATA_DIR``). A row
is printed for the best path, and for each weight of the language, reward of a character and share of the open
vocabulary that is tried, without words and with the English ones. `hcr_lib.line_decoding.WEIGHT` and `REWARD` and
`hcr_lib.language.OPEN_SHARE` are chosen by it.
"""

from __future__ import annotations

import argparse
import itertools
import string
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm.auto import tqdm

from hcr_lib import images, language, line_decoding
from hcr_lib._paths import user_data_dir
from hcr_lib.line_reader import shipped_network
from hcr_lib.metrics import character_error_rate
from hcr_lib.research._arguments import at_least_one
from hcr_lib.research.scorecard import pictures_in

WEIGHTS, REWARDS, SHARES = (0.2, 0.4, 0.6, 0.8), (0.4, 0.8, 1.2, 1.6), (0.1, 0.3)


def scores_of_words(data_dir: Path, limit: int | None = None) -> tuple[list[np.ndarray], list[str], str]:
    """Return log probabilities of words, the first `limit` of a random order, their texts, and the classes."""
    pictures = list(pictures_in(data_dir / "pen_words_dev.zip"))
    chosen = [pictures[k] for k in np.random.default_rng(0).permutation(len(pictures))[:limit]]
    network = shipped_network()
    scores = [network(images.to_line(images.to_ink(picture))) for _, picture, _ in tqdm(chosen, leave=False)]
    return scores, [row["text"] for _, _, row in chosen], network.record["classes"]


def names(texts: Sequence[str], lexicon: language.Lexicon) -> np.ndarray:
    """Return which texts hold a word that is not in the lexicon; bool of shape (n,).

    Examples
    --------
    >>> names(["The cat.", "Okonkwo", "1998"], language.Lexicon(["the", "cat"])).tolist()
    [False, True, False]
    """
    words = [[word.strip(string.punctuation) for word in text.split()] for text in texts]
    return np.array(
        [any(word not in lexicon and any(map(str.isalpha, word)) for word in of_text) for of_text in words], bool
    )


def kept(texts: Sequence[str], before: Sequence[str], after: Sequence[str], among: np.ndarray) -> float:
    """Return the share of the texts read right before, whatever the case, that still are; NaN if there are none."""
    were, are = (
        np.array([a.lower() == b.lower() for a, b in zip(texts, read, strict=True)]) for read in (before, after)
    )
    return float(are[were & among].mean()) if (were & among).any() else float("nan")


def main(arguments: Sequence[str] | None = None) -> None:
    """Try the settings and print their errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limit", type=at_least_one, metavar="N", help="N words only")
    options = parser.parse_args(arguments)
    scores, texts, classes = scores_of_words(user_data_dir(), options.limit)
    lexicon = language.english()
    unknown = names(texts, lexicon)

    def row(name: str, readings: Sequence[str], seconds: float, *before: Sequence[str]) -> None:
        error = character_error_rate([text.lower() for text in texts], [reading.lower() for reading in readings])
        exact = character_error_rate(texts, readings)
        shares = [f"{kept(texts, each, readings, unknown):8.1%}" for each in before]
        print(f"{name:32} {error:8.2%} {exact:8.2%} {1000 * seconds / len(texts):8.1f} ms", *shares, flush=True)

    print(f"{len(texts)} texts, {unknown.mean():.0%} with a word of no list; characters wrong (case ignored, exact),")
    print("time each, and which of these that the best path, and the characters alone, read right stay so")
    started = time.process_time()
    plain = [line_decoding.best_path(each, classes) for each in scores]
    row("best path", plain, time.process_time() - started)
    for weight, reward in itertools.product(WEIGHTS, REWARDS):
        spelled: list[str] = []
        for share in (1.0, *SHARES):
            pairs = None if share == 1 else language.english_pairs()  # as the reader has them
            known = language.Language(None if share == 1 else lexicon, open_share=share, pairs=pairs)
            started = time.process_time()
            found = [line_decoding.search(each, classes, known, weight=weight, reward=reward)[0][0] for each in scores]
            seconds = time.process_time() - started
            spelled = spelled or found
            what = "characters" if share == 1 else f"words, {share:.0%} open"
            row(f"{what}: weight {weight}, reward {reward}", found, seconds, plain, spelled)


if __name__ == "__main__":
    main()
