"""Make the pages, read them, and write the record: see the package."""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import functools
import itertools
import multiprocessing
import time
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import roc_auc_score

from hcr_lib import images, records
from hcr_lib._paths import user_data_dir
from hcr_lib.language import read_lexicon
from hcr_lib.recognizer import Recognizer
from hcr_lib.research import manifest
from hcr_lib.research._arguments import at_least_one
from hcr_lib.research.confidence import gap
from hcr_lib.research.page_benchmark import _figure, _stages
from hcr_lib.research.page_benchmark._hands import Hands, SyntheticHands, hands
from hcr_lib.research.page_benchmark._kinds import KINDS, Answer, Kind, Task

COMMAND = "python -m hcr_lib.research.page_benchmark"
PAGES = 200  #: of each kind
STAGES = "stages"
NAMES = (*KINDS, STAGES)
AT_ONCE = 5  #: pages of a kind for which no further process is worth its start
DRAWS = 2000  #: of the bootstrap


def tasks(name: str, number: int, who: Hands, seed: int) -> Iterator[Task]:
    """Yield pages of a kind, always the same for a seed; the first ones do not depend on how many there are."""
    for k in range(number):
        yield KINDS[name].make(who, np.random.default_rng([seed, zlib.crc32(name.encode()), k]))


def answers(kind: Kind, pages: Iterator[Task]) -> Iterator[tuple[Task, Answer]]:
    """Read pages as a user would; those with a mask one by one, since each has its own."""
    reader = Recognizer.load(kind.alphabet)
    lexicon = kind.lexicon and read_lexicon(kind.lexicon)
    for masked, group in itertools.groupby(pages, key=lambda task: task.mask is not None):
        own, shown = itertools.tee(group)
        if masked:
            read = (next(reader.read_all([task.picture.pixels], mask=task.mask)) for task in shown)
        else:
            read = reader.read_all((task.picture.pixels for task in shown), lexicon=lexicon)
        yield from zip(own, read, strict=True)


def interval(counts: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return the 95 % interval of a share, by bootstrap over pages: what stands on one page is read alike.

    Examples
    --------
    >>> interval([(1, 1)] * 5)
    (1.0, 1.0)
    """
    right, total = np.transpose(counts)
    drawn = np.random.default_rng(0).integers(len(counts), size=(DRAWS, len(counts)))
    shares = right[drawn].sum(axis=1) / np.maximum(total[drawn].sum(axis=1), 1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(low), float(high)


def _row(name: str, measure: str, counts: Sequence[tuple[int, int]], **further: Any) -> dict[str, Any]:
    right, total = np.sum(counts, axis=0)
    low, high = interval(counts)
    shares = {"score": right / max(total, 1), "low": low, "high": high}
    rounded = {key: round(float(share), 4) for key, share in shares.items()}
    return {"name": name, "measure": measure, "pages": len(counts), "of": int(total), **rounded, **further}


def confidence(surenesses: Sequence[float], right: Sequence[bool]) -> dict[str, Any]:
    """Return how well confidence tells right from wrong answers, and how far it lies from their share.

    The first is the area under the ROC curve: how often a right answer is surer than a wrong one. The second is the
    expected calibration error: in ten groups of equally many answers, the mean distance of confidence and share right.

    Examples
    --------
    >>> confidence([0.9, 0.8, 0.2], [True, True, False])["area"]
    1.0
    """
    sure, right = np.asarray(surenesses, float), np.asarray(right, bool)
    area = float(roc_auc_score(right, sure)) if 0 < right.sum() < len(right) else float("nan")
    return {"answers": len(sure), "area": round(area, 4), "gap": round(gap(sure, right), 4)}


def measure_kind(
    name: str, number: int, seed: int, who: Hands
) -> tuple[list[dict[str, Any]], list[tuple[float, bool]]]:
    """Measure one kind of pages, or the stages.

    Returns
    -------
    rows : list of dict
    answered : list of (float, bool)
        Of each answer that is right or wrong as a whole: its confidence, and whether it is right.
    """
    if name == STAGES:
        return [
            _row(f"{STAGES}: {name}", what, counts) for name, what, counts in _stages.measure(who, number, seed)
        ], []
    kind, counts, answered, start = KINDS[name], [], [], time.perf_counter()
    for task, answer in answers(kind, tasks(name, number, who, seed)):
        counts.append(kind.score(task, answer))
        if kind.words and not isinstance(answer, images.ImageError):
            answered.append((answer.confidence, counts[-1][0] == counts[-1][1]))
    seconds = round(time.perf_counter() - start, 1)
    return [_row(name, kind.measure, counts, reach=kind.reach, seconds=seconds)], answered


def measure(names: Sequence[str], number: int, seed: int, who: Hands) -> dict[str, Any]:
    """Measure some kinds of pages, as many at once as there are processors, and print a line for each.

    Returns
    -------
    dict
        ``rows``, one for each kind and stage, and ``confidence``, over all answers that are right or wrong as a whole.
    """
    rows, answered = [], []
    one = functools.partial(measure_kind, number=number, seed=seed, who=who)
    with contextlib.ExitStack() as stack:
        each = map(one, names)
        if len(names) > 1 and number > AT_ONCE:
            context = multiprocessing.get_context("spawn")  # a fork would inherit the networks' threads, half alive
            each = stack.enter_context(concurrent.futures.ProcessPoolExecutor(mp_context=context)).map(one, names)
        for found, own in each:
            rows += found
            answered += own
            for row in found:
                _print(row)
    result = {"rows": rows}
    if answered:
        result["confidence"] = confidence(*zip(*answered, strict=True))
        print("confidence", result["confidence"], flush=True)
    return result


def _print(row: dict[str, Any]) -> None:
    reach = f"  reach {row['reach']:.0%}, {row['seconds']} s" if "reach" in row else ""
    shares = f"{row['score']:7.1%} ({row['low']:.1%} to {row['high']:.1%})"
    print(f"{row['name']:<20} {row['measure']:<42} n={row['of']:<6} {shares}{reach}", flush=True)


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Write the rows as a Markdown table."""
    lines = ["| what | of | right | 95 % interval |", "| --- | --- | --- | --- |"]
    for row in rows:
        right, low, high = (f"{100 * row[key]:.1f} %" for key in ("score", "low", "high"))
        lines.append(f"| {row['measure']} | {row['of']:,} | {right} | {low} to {high} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print a line each, and write the record."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=NAMES, metavar="NAME", help=f"some of: {', '.join(NAMES)}")
    parser.add_argument(
        "--pages", type=at_least_one, metavar="N", help=f"N of each kind, to try it out, not {PAGES}; writes nothing"
    )
    parser.add_argument("--seed", type=int, default=0, help="other pages, by the same people; writes nothing unless 0")
    parser.add_argument("--synthetic", action="store_true", help="synthetic writers, even where UNIPEN is at hand")
    parser.add_argument("--figure", type=Path, metavar="FILE.png", help="only draw a page by synthetic writers there")
    options = parser.parse_args(arguments)
    if options.figure:
        print(_figure.draw(options.figure, options.seed))
        return
    who = SyntheticHands() if options.synthetic else hands(user_data_dir())
    print(f"written by: {who.origin}")
    found = measure(options.only or NAMES, options.pages or PAGES, options.seed, who)
    if options.pages or options.seed or options.synthetic:
        return
    rows = found["rows"]
    if options.only:  # the others stay as they were
        new = {row["name"] for row in rows}
        rows = [row for row in records.read("pages")["rows"] if row["name"] not in new] + rows
    order = {name: k for k, name in enumerate(NAMES)}
    rows.sort(key=lambda row: order[row["name"].partition(":")[0]])
    further = {} if options.only else {"confidence": found["confidence"]}
    manifest.record("pages", COMMAND, hands=who.origin, seed=options.seed, rows=rows, **further)


if __name__ == "__main__":
    from hcr_lib.research.page_benchmark.__main__ import main  # under this name, other processes find it, too

    main()
