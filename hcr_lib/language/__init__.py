"""What is written, before any ink is seen: words and their frequencies, and which characters follow one another.

Four things build on each other. `Lexicon` holds words with frequencies, and knows how much of them begins with a
prefix. `WordPairs` knows which word follows another. `CharacterModel` gives the probabilities of the next letter of any
word, known or not. `Language` mixes them into the probability of the next character of a line of text, which
`hcr_lib.line_decoding` searches together with a network's scores. From the same words, `suggest` completes one that has
been begun.

Case does not count in words and letters; how a word's case may run is a matter of `Language`.
"""

from hcr_lib.language._characters import END, LETTERS, CharacterModel, english_characters
from hcr_lib.language._lexicon import ENGLISH, Lexicon, columns_of, english, read_lexicon
from hcr_lib.language._pairs import WordPairs, english_pairs
from hcr_lib.language._suggest import suggest
from hcr_lib.language._text import OPEN_SHARE, Language

__all__ = [
    "END", "ENGLISH", "LETTERS", "OPEN_SHARE", "CharacterModel", "Language", "Lexicon", "WordPairs", "columns_of",
    "english", "english_characters", "english_pairs", "read_lexicon", "suggest",
]  # fmt: skip
