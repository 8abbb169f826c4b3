"""The command ``python -m hcr_lib.research.ladder``: measure rungs of the MNIST ladder, a line each."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from hcr_lib import _paths, datasets
from hcr_lib.research import ladder
from hcr_lib.research._arguments import at_least_one


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = argparse.ArgumentParser(
        prog="python -m hcr_lib.research.ladder",
        description="Measure the ladder of MNIST, which lies in HCR_DATA_DIR, and write data/results/ladder.json. "
        "All of it takes hours; a ladder that was interrupted goes on where it was.",
    )
    parser.add_argument("--list", action="store_true", help="name the rungs and measure nothing")
    parser.add_argument("--rungs", nargs="+", metavar="NAME", help="measure these, in this order (default: all)")
    parser.add_argument(
        "--seeds", type=at_least_one, metavar="N", help="train each network N times; a committee has N members"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR",
        help="keep trained networks and checkpoints here, and take up those that are there (default: the user's cache)",
    )  # fmt: skip
    parser.add_argument(
        "--limit", type=at_least_one, metavar="N", help="N training images and one epoch, to try it out; writes nothing"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 0, or 2 if nothing could be tried."""
    options = parser().parse_args(arguments)
    if options.list:
        for one in ladder.RUNGS:
            published = "" if one.published is None else f"  published: {one.published:.2%} ({one.source})"
            print(f"{one.name:<18} {one.what}{published}")
        return 0
    if unknown := set(options.rungs or ()) - set(ladder.rung_names()):
        names = ", ".join(ladder.rung_names())
        print(
            f"hcr_lib.research.ladder: there is no rung {', '.join(sorted(unknown))}; expected some of {names}.",
            file=sys.stderr,
        )
        return 2
    out = options.out or _paths.cache_dir() / "ladder"
    rows = ladder.climb(options.rungs, out=out, seeds=options.seeds, limit=options.limit, progress=sys.stderr.isatty())
    try:
        for row in rows:
            published = "" if row["published"] is None else f", published {row['published']:.2%} by {row['source']}"
            print(
                f"{row['rung']:<18} error {row['error']:.2%} ({row['low']:.2%} to {row['high']:.2%}){published}; "
                f"{sum(row['seconds']):.0f} s in all, {row['parameters']:,} parameters",
                flush=True,
            )
    except datasets.DataError as error:
        print(f"hcr_lib.research.ladder: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
