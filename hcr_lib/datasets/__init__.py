"""Handwriting by name: ``load("bundled")``, ``load("mnist", "test")``, ``load("my_photos/")``."""

from hcr_lib.datasets._dataset import Dataset, combine
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._sources import load

__all__ = ["DataError", "Dataset", "MissingDataError", "combine", "load"]
