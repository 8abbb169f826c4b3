"""What the lessons quote about real handwriting: ``python -m hcr_lib.research.studies NAME`` measures it.

A study is a module with a function ``study(data_dir) -> dict``: it looks for real data in `data_dir`, measures, and
returns its findings, which the command writes to ``data/results/NAME.json`` (see `hcr_lib.records`). Test splits are
for reporting: nothing here chooses between models by them.
"""
