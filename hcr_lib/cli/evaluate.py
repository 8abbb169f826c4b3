"""The command ``python -m hcr_lib evaluate``: a model card of the reader, from labelled pictures of one's own.

Its rows are those of the card that lesson 05 signs.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from hcr_lib import datasets, labels, metrics, recognizer
from hcr_lib.cli import abandon_stdout, complain, ctrl_c_ends_at_once, printable

ALPHABETS = ("digits", "letters", "alnum", "byclass")  #: of single characters, from the smallest
FORGIVEN = ("0Oo", "1Il")  #: characters that people cannot tell apart either, as in lesson 05
SHOWN = 5  #: classes, pairs and writers, the worst of each
DRAWS = 2000  #: of what luck gives
SEED = 5
WARNING = "These pictures, and no other kind: another pen, paper or person may be read worse."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.add_argument(
        "pictures", metavar="FOLDER",
        help="pictures of one character each, in folders named after it (7/, A/, lower_a/; ada/7/ where writers are "
        "known) or files like CAP_A_0.png; or a .jsonl file of drawings that the pad saved",
    )  # fmt: skip
    parser.add_argument(
        "--alphabet", choices=ALPHABETS, help="what may be answered (default: the smallest that holds what is there)"
    )
    parser.add_argument("--card", metavar="FILE.md", help="write the card to this file, too, as a table of Markdown")


def run(options: argparse.Namespace) -> int:
    """Print the card; return 0, or 2 if there is nothing to judge by, 1 if it cannot be written."""
    path = Path(options.pictures)
    try:
        if not path.exists():
            raise datasets.MissingDataError(
                f"there is no {path}; expected a folder of pictures, or a file of drawings."
            )
        pictures = datasets.load(path, "all")
        alphabet = options.alphabet or smallest_alphabet(pictures.chars)
        with ctrl_c_ends_at_once():
            reader = recognizer.Recognizer.load(alphabet)
        facts = model_card(reader, pictures)
    except ValueError as error:
        for line in f"hcr_lib evaluate: {error}".splitlines():  # files that cannot be used have a line each
            complain(line)
        return 2
    try:
        if options.card:
            Path(options.card).write_text(as_markdown(facts), encoding="utf-8")
        width = max(map(len, facts))
        for name, fact in facts.items():
            print(f"{name:<{width}}  {printable(fact)}")
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(f"hcr_lib evaluate: the card cannot be written ({error.strerror}); expected room for {options.card}.")
        if not options.card:
            abandon_stdout()
        return 1
    return 0


def smallest_alphabet(chars: np.ndarray) -> str:
    """Return the name of the smallest alphabet that holds all of these characters.

    Examples
    --------
    >>> smallest_alphabet(np.array(["7", "A"]))
    'alnum'
    """
    return next(name for name in ALPHABETS if {*chars} <= {*labels.classes(name)})


def model_card(reader: recognizer.Recognizer, pictures: datasets.Dataset) -> dict[str, str]:
    """Judge a reader by labelled pictures, and say it in the words of lesson 05.

    Parameters
    ----------
    reader : Recognizer
    pictures : Dataset
        Those of characters that the reader's alphabet lacks are left out, and counted.

    Returns
    -------
    dict of str
        What was measured, by the name of its row.

    Raises
    ------
    ValueError
        If no picture is left.
    """
    shown = pictures.merge_classes(reader.classes)
    if not len(shown):
        raise ValueError(
            f"none of the {len(pictures)} pictures shows a character of the alphabet {reader.alphabet!r}; they show "
            f"{''.join(sorted({*pictures.chars}))!r}. Choose another --alphabet."
        )
    probabilities = reader.predict(shown.images, normalised=True)
    answers = probabilities.argmax(axis=1)
    hits = answers == shown.labels
    facts = {
        "reads": f"{len(reader.classes)} single characters: {with_interval(hits)} of {_pictures(shown)}",
        "baseline": f"always {shown.counts.idxmax()}, the commonest: {shown.counts.max() / len(shown):.0%}",
    }
    if alike := [group for group in FORGIVEN if len({*group} & {*reader.classes}) > 1]:
        home = [next((group for group in alike if char in group), char) for char in reader.classes]
        forgiven = np.array([home[label] == home[answer] for label, answer in zip(shown.labels, answers, strict=True)])
        groups = ", ".join(" ".join(char for char in group if char in reader.classes) for group in alike)
        facts["forgiving"] = f"{with_interval(forgiven)} with {groups} forgiven"
    classes = metrics.per_class(shown.labels, answers, reader.classes)
    missed = classes[classes["recall"] < 1].sort_values(["recall", "n"], ascending=[True, False])
    pairs = metrics.worst_pairs(shown.labels, answers, reader.classes, SHOWN)
    facts["worst classes"] = ", ".join(f"{row.char} {row.recall:.0%} of {row.n}" for row in missed[:SHOWN].itertuples())
    facts["confusions"] = ", ".join(f"{true} as {read} {count}x" for true, read, count in pairs.itertuples(index=False))
    if shown.writers is not None:
        facts |= _by_writer(hits, shown.writers)
    gap = metrics.expected_calibration_error(shown.labels, probabilities)
    facts["confidence"] = f"{gap:.2f} from the truth on average; its mean is {probabilities.max(axis=1).mean():.2f}"
    if left_out := len(pictures) - len(shown):
        facts["left out"] = f"{left_out:,} pictures of other characters"
    return {name: fact or "none" for name, fact in facts.items()} | {"warning": WARNING}


def with_interval(right: np.ndarray) -> str:
    """Say which share of answers is right, with Wilson's 95 % interval.

    Examples
    --------
    >>> with_interval(np.array([True] * 18 + [False] * 2))
    '90% (70% to 97%)'
    """
    return "{:.0%} ({:.0%} to {:.0%})".format(right.mean(), *metrics.wilson_interval(int(right.sum()), len(right)))


def as_markdown(facts: dict[str, str]) -> str:
    """Return the card as a table of Markdown."""
    rows = "".join(f"| {name} | {fact.replace('|', chr(92) + '|')} |\n" for name, fact in facts.items())
    return f"| Model card | |\n| --- | --- |\n{rows}"


def _by_writer(hits: np.ndarray, writers: np.ndarray) -> dict[str, str]:
    """Return rows about the writers: the worst, and what luck makes of the last of so many."""
    people = pd.Series(hits).groupby(writers).agg(["mean", "size"]).sort_values("mean", kind="stable")
    worst = [f"{name} {with_interval(hits[writers == name])}" for name in people.index[:SHOWN]]
    facts = {"by writer": "; ".join(worst) + (f"; and {len(people) - SHOWN} better" if len(people) > SHOWN else "")}
    if len(people) > 1:
        sizes = people["size"].to_numpy()
        drawn = np.random.default_rng(SEED).binomial(sizes, hits.mean(), (DRAWS, len(sizes))) / sizes
        facts["last by luck"] = f"{np.median(drawn.min(axis=1)):.0%}, if all {len(people)} were read equally well"
    return facts


def _pictures(shown: datasets.Dataset) -> str:
    number = 0 if shown.writers is None else len(np.unique(shown.writers))
    return f"{len(shown):,} pictures" + (f" by {number} writer{'s' if number > 1 else ''}" if number else "")
