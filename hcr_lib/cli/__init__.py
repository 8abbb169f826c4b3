"""The commands of ``python -m hcr_lib``, one module each."""
