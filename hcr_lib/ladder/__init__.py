"""The ladder of MNIST: from one linear layer to a committee of networks, every rung measured here.

``python -m hcr_lib ladder`` measures them on MNIST and writes ``data/results/ladder.json``; `small` climbs a few of
them on the digits that ship, in moments. First used in notebook 03.
"""

from hcr_lib.ladder._climb import climb, rung_names
from hcr_lib.ladder._networks import Network, probabilities
from hcr_lib.ladder._parts import Answers, Parts
from hcr_lib.ladder._rungs import RUNGS, Rung, rung
from hcr_lib.ladder._small import small

__all__ = ["RUNGS", "Answers", "Network", "Parts", "Rung", "climb", "probabilities", "rung", "rung_names", "small"]
