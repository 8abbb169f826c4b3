"""The ladder of MNIST: from one linear layer to a committee of networks, every rung measured here.

``python -m hcr_lib.research.ladder`` measures them on MNIST and writes ``data/results/ladder.json``.
`hcr_lib.baselines.small_ladder` fits a few of them to the bundled digits in seconds.
"""

from hcr_lib.research.ladder._climb import climb, rung_names
from hcr_lib.research.ladder._networks import Network, probabilities
from hcr_lib.research.ladder._parts import Parts, Predictions
from hcr_lib.research.ladder._rungs import RUNGS, Rung, rung

__all__ = ["RUNGS", "Network", "Parts", "Predictions", "Rung", "climb", "probabilities", "rung", "rung_names"]
