"""How a word may go on: what the pads offer."""

from __future__ import annotations

import re
import string

from hcr_lib.language._characters import LETTERS
from hcr_lib.language._lexicon import english
from hcr_lib.language._pairs import english_pairs
from hcr_lib.language._text import PAIRED

#: What matches this is read like any word, and never suggested: the frequencies are those of films.
COARSE = re.compile(
    "asshole|bastard|bitch|cunt|fuck|nigg|piss|porn|pussy|shit|slut|whor"
    "|^(arse|ass|cocks?|dicks?|fags?|faggot.*|rap(e|ed|es|ing|ist.*)|sex|sexy|tits?)$"
)


def suggest(beginning: str, before: str = "", n: int = 3) -> list[str]:
    """Return the at most `n` likeliest English words that go on with a beginning, spelled as it is.

    A word's probability is a mixture, as in `Language`: of how often it follows the word before, for a share of
    `PAIRED` where that one is known, and of how often it occurs at all. Marks before the beginning stay.

    Parameters
    ----------
    beginning : str
        What there is of the word. Of it alone, in capitals, or with a capital at its beginning, the words are, too;
        nothing else than letters and apostrophes has no suggestions. If it is empty, the words are those after
        `before`, and none without it.
    before : str
        The word before, in any case.

    Examples
    --------
    >>> suggest("tha", n=2), suggest("THA", n=1), suggest("Tha", n=1), suggest("4")
    (['that', 'than'], ['THAT'], ['That'], [])
    >>> suggest("mor", "good", 1), suggest("", "good", 2)
    (['morning'], ['for', 'to'])
    """
    pairs, lexicon, known = english_pairs(), english(), before.strip(string.punctuation).lower()
    if not beginning:
        words = pairs.following(known, 2 * n) if known else []
        return [word for word in words if not COARSE.search(word)][:n]
    letters = beginning.lstrip("\"'(")
    if not letters or not {*letters.lower()} <= {*LETTERS}:
        return []
    words = {word.lower(): 0.0 for word in lexicon.completions(letters, 8 * n)}
    words |= dict.fromkeys(pairs.following(known, 8 * n, letters), 0.0)
    for word in words:
        paired = pairs.share(known, word, whole=True) if known else None
        share = lexicon.share(word)
        words[word] = share if paired is None else PAIRED * paired + (1 - PAIRED) * share
    longer = [
        word
        for word in words
        if word != letters.lower() and ("'" in letters or not word.endswith("'s")) and not COARSE.search(word)
    ]
    best = sorted(longer, key=words.__getitem__, reverse=True)[:n]
    if letters.isupper() and len(letters) > 1:
        best = [word.upper() for word in best]
    return [beginning + word[len(letters) :] for word in best]
