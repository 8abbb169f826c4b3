"""Helpers for the handwriting course: small, tested, no magic.

Nothing is imported here, so ``import hcr_lib`` is instant; import the module you need.
"""

__version__ = "0.1.0"
