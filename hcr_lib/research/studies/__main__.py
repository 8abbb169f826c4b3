"""``python -m hcr_lib.research.studies NAME``: measure it again, print it, keep the record."""

import argparse
import importlib
import json
import pkgutil
import time

from hcr_lib import _paths
from hcr_lib.research import manifest, studies


def main() -> None:
    """Run the studies that are named."""
    known = sorted(module.name for module in pkgutil.iter_modules(studies.__path__) if not module.name.startswith("_"))
    parser = argparse.ArgumentParser(
        prog="python -m hcr_lib.research.studies", description=studies.__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="+", choices=known, metavar="NAME", help=", ".join(known))
    parser.add_argument("--only", nargs="+", metavar="PART", help="of letters36: train these networks, keep the others")
    options = parser.parse_args()
    if options.only and options.names != ["letters36"]:
        parser.error("--only goes with letters36 alone")
    for name in options.names:
        started = time.monotonic()
        module = importlib.import_module(f"hcr_lib.research.studies.{name}")
        data_dir = _paths.user_data_dir()
        findings = module.some(data_dir, options.only) if options.only else module.study(data_dir)
        minutes = round((time.monotonic() - started) / 60, 1)
        # A study that takes up what was trained before says itself how long all of it took.
        record = manifest.record(name, f"python -m hcr_lib.research.studies {name}", **{"minutes": minutes} | findings)
        print(json.dumps(record, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
