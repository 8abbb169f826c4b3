"""Write the bundled sample again: ``python -m hcr_lib.research.sample``."""

from __future__ import annotations

import io

import numpy as np

from hcr_lib.handwriting import SAMPLE, make_sample, split_by_writer
from hcr_lib.research.manifest import ship


def main() -> None:
    """Write ``data/synthetic.npz`` and its entry in ``data/manifest.toml`` again; the same bytes every time."""
    sample = make_sample()
    arrays = {
        "images": sample.images,
        "labels": sample.labels,
        "writers": sample.writers,
        "split": split_by_writer(sample.writers),
        "classes": np.array(sample.classes),
    }
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    target = ship(
        SAMPLE,
        buffer.getvalue(),
        shapes={name: list(array.shape) for name, array in arrays.items()},
        origin="drawn by hcr_lib.handwriting; no person's writing is in it",
        licence="CC0-1.0",
        command="python -m hcr_lib.research.sample",
    )
    print(f"{target}: {len(sample):,} images, {buffer.getbuffer().nbytes:,} bytes")


if __name__ == "__main__":
    main()
