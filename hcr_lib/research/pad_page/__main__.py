"""The command ``python -m hcr_lib.research.pad_page``: put the pad without a kernel into ``data/``."""

import argparse
from collections.abc import Sequence

from hcr_lib.research import manifest, pad_page
from hcr_lib.research.export_reader import LICENCE


def main(arguments: Sequence[str] | None = None) -> None:
    """Write ``data/pad.html`` and its entry in the manifest."""
    parser = argparse.ArgumentParser(prog=pad_page.COMMAND, description=__doc__)
    parser.add_argument("--runtime", action="store_true", help="bundle TensorFlow.js anew first, which takes npm")
    if parser.parse_args(arguments).runtime:
        pad_page.build_runtime()
    content = pad_page.page()
    manifest.ship(
        pad_page.PAGE, content,
        origin="the pad of hcr_lib.widgets, reader.keras, and TensorFlow.js by Google LLC",
        licence=f"MIT; the weights {LICENCE}; TensorFlow.js Apache-2.0, its notice is in the file",
        command=pad_page.COMMAND,
    )  # fmt: skip
    print(f"{pad_page.PAGE}: {len(content):,} bytes")


if __name__ == "__main__":
    main()
