"""Arithmetic in 16 bits, where the machine is made for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


def has_bfloat16() -> bool:
    """Return whether a processor or graphics card of this machine calculates with 16-bit numbers (bfloat16).

    Without such hardware they are emulated, and slower than 32-bit numbers.
    """
    from hcr_lib._tf import tf

    for card in tf.config.list_physical_devices("GPU"):
        return tf.config.experimental.get_device_details(card).get("compute_capability", (0, 0)) >= (8, 0)
    processor = Path("/proc/cpuinfo")  # Linux only; elsewhere the answer is the safe one
    flags = processor.read_text(encoding="utf-8") if processor.is_file() else ""
    return "avx512_bf16" in flags or "amx_bf16" in flags


@contextlib.contextmanager
def half_precision(wanted: bool | None = None) -> Iterator[bool]:
    """Build networks that calculate in 16 bits where the machine does; their weights stay float32.

    Parameters
    ----------
    wanted : bool, optional
        By default the machine decides: see `has_bfloat16`.

    Yields
    ------
    bool
        Whether networks built in this block calculate in 16 bits.

    Examples
    --------
    >>> from hcr_lib._tf import keras
    >>> with half_precision(wanted=True):
    ...     layer = keras.layers.Dense(3)
    >>> layer.compute_dtype, layer.variable_dtype, keras.config.dtype_policy().name
    ('bfloat16', 'float32', 'float32')
    """
    from hcr_lib._tf import keras

    wanted = has_bfloat16() if wanted is None else wanted
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if wanted else "float32")
    try:
        yield wanted
    finally:
        keras.config.set_dtype_policy(before)
