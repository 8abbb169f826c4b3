"""Handwriting by name: ``load("bundled")``, ``load("mnist", "test")``, ``load("my_photos/", "all")``."""

from hcr_lib.datasets._check import Fault, Report, check_dataset
from hcr_lib.datasets._combine import combine
from hcr_lib.datasets._dataset import Dataset
from hcr_lib.datasets._drawings import StoredDrawing, read_drawings, save_drawing
from hcr_lib.datasets._errors import DataError, MissingDataError
from hcr_lib.datasets._fetch import fetch
from hcr_lib.datasets._label_mask import CANDIDATE, NOT_CONSIDERED, RULED_OUT
from hcr_lib.datasets._sources import load, names
from hcr_lib.datasets._splits import split
from hcr_lib.datasets._strokes import StrokeDataset, load_strokes
from hcr_lib.datasets._tfds import from_tfds
from hcr_lib.datasets._unipen import read_unipen

__all__ = [
    "CANDIDATE", "NOT_CONSIDERED", "RULED_OUT", "DataError", "Dataset", "Fault", "MissingDataError", "Report",
    "StoredDrawing", "StrokeDataset", "check_dataset", "combine", "fetch", "from_tfds", "load", "load_strokes",
    "names", "read_drawings", "read_unipen", "save_drawing", "split",
]  # fmt: skip
