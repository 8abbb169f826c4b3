"""Training: from a network and two data sets to a trained network and its history."""

from hcr_lib.training._fit import FitResult, fit
from hcr_lib.training._loss import PartialLabelCrossentropy, partial_label_accuracy
from hcr_lib.training._precision import half_precision, has_bfloat16

__all__ = [
    "FitResult",
    "PartialLabelCrossentropy",
    "fit",
    "half_precision",
    "has_bfloat16",
    "partial_label_accuracy",
]
