"""Training: from a network and two data sets to a trained network and its history."""

from hcr_lib.training._fit import FitResult, fit
from hcr_lib.training._loss import PartialLabelCrossentropy, partial_label_accuracy

__all__ = ["FitResult", "PartialLabelCrossentropy", "fit", "partial_label_accuracy"]
