"""Which of a line's two readings is taken: as a whole, or character by character."""

from __future__ import annotations

from hcr_lib import segment
from hcr_lib.language import Lexicon
from hcr_lib.line_reader import LineReading
from hcr_lib.recognizer._reading import LineRead

#: So much surer must the line reader be that what cutting takes for a single character is a short word. It may be much
#: less sure: of 102 such words of two or three letters by UNIPEN's development people it read 88, cutting none (with 0
#: it would have been left 66, with 0.1 52); of 352 single characters it took none for a word that cutting had right.
SURER = -0.5
#: So much less may what was cut score in the search of the line reader, and be taken: that it was cut so speaks for it.
#: Of 156 lines and 114 words by UNIPEN's development people where just one of the two was right, 2 takes the right one
#: 96 times in a hundred, 0 and 6 take it 94 and 89 times, and what the network alone finds more probable 87 times (by
#: the line reader of commit d8802fc and a script that was not kept).
CUT_SPEAKS = 2.0


def is_certain(reading: LineReading, by_lines: LineRead, component: segment.Component) -> bool:
    """Return whether the line reader is so sure of a line that it need not be cut: no other text is as probable."""
    wide = component.width > segment.WIDEST * component.height
    return wide and len(by_lines.characters) > 1 and reading.probability > 0.5


def is_better(
    by_lines: LineRead, by_cuts: LineRead, lead: float, lexicon: Lexicon | None, component: segment.Component
) -> bool:
    """Return whether a line's reading as a whole is better than what cutting gave.

    The first of these that applies decides:

    1. A single character is left to the network for characters, which has seen more of them.
    2. What cutting takes for a single character, and is no wider than one, is a short word if the line reader is surer
       by `SURER`, which is below 0. Both confidences are means of probabilities of characters.
    3. With a lexicon, cutting that found another word than those in it is wrong: the line reader searched its words
       together with the scores, and let others through only where the ink says so.
    4. The text that the line reader's search likes better, network and language together: it leads by `lead`, and has
       to by `CUT_SPEAKS`.
    """
    if len(by_lines.characters) == 1:
        return False
    if len(by_cuts.characters) == 1 and component.width <= segment.WIDEST * component.height:
        return by_lines.mean > by_cuts.mean + SURER
    if lexicon and not all(word in lexicon for word in by_cuts.text.split()):
        return True
    return lead >= CUT_SPEAKS or by_lines.text == by_cuts.text
