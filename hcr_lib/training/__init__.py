"""Training: from a network and two data sets to a trained network and its history."""

from hcr_lib.training._fit import FitResult, fit
from hcr_lib.training._marks import ASKED, NOT_ASKED, RIGHT, accuracy, mark, marked_crossentropy
from hcr_lib.training._precision import half_precision, has_bfloat16
from hcr_lib.training._schedules import SCHEDULES, learning_rates

__all__ = [
    "ASKED",
    "NOT_ASKED",
    "RIGHT",
    "SCHEDULES",
    "FitResult",
    "accuracy",
    "fit",
    "half_precision",
    "has_bfloat16",
    "learning_rates",
    "mark",
    "marked_crossentropy",
]
