"""The reader: pictures in, text out. The one path that notebooks, widgets and the command line share.

Two readers propose a text for each line, and the better is taken:

    picture -> ink -> lines -> network with CTC -> search with the language -> text             (line)
    picture -> ink -> components -> candidates in MNIST's form -> network -> path -> text       (cut)

The second is not asked where the first is so sure that nothing could be better.
"""

from hcr_lib.recognizer._reading import MASK_ODDS, Character, Reading, cut_evidence, line_evidence
from hcr_lib.recognizer._recognizer import ALPHABETS, BATCH, CHUNK, MODES, READERS, WEIGHTS, Recognizer

__all__ = [
    "ALPHABETS", "BATCH", "CHUNK", "MASK_ODDS", "MODES", "READERS", "WEIGHTS", "Character", "Reading", "Recognizer",
    "cut_evidence", "line_evidence",
]  # fmt: skip
