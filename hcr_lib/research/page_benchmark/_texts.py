"""What is written on the pages: codes, sentences, formats, lists."""

import string

import numpy as np

#: Formats of codes, as `mask` of `Recognizer.read` takes them: L is a letter, D a digit.
MASKS = ("LLDDD", "LDDDD", "DDDDD", "LLDDLL", "DDLLDD", "LDDLDD", "LLLDDDD")

# A sentence takes one of each.
_SUBJECTS = (
    "the train", "my brother", "our teacher", "the old man", "she", "he", "the small dog", "the parcel", "your friend",
    "the doctor", "this letter", "the young girl", "nobody here", "my sister", "the other book", "a black cat",
)  # fmt: skip
_VERBS = (
    "is late again", "came back home", "will meet you", "was very happy", "stays with us", "looks like rain",
    "must wait here", "wants more time", "has found a way", "sits by the window", "went to the market",
    "knows the answer", "should arrive soon", "needs a quiet place",
)  # fmt: skip
_ENDS = ("today", "at noon", "this week", "after dinner", "in the evening", "on sunday", "near the river", "")

WORDS = (
    "BREAD", "MILK", "EGGS", "BUTTER", "APPLES", "SUGAR", "COFFEE", "RICE", "HONEY", "SALT", "PAPER", "SOAP", "FLOUR",
    "HELLO", "WORLD", "STATION", "LETTER", "MONDAY", "SUMMER", "NUMBER", "GARDEN", "WINDOW", "KITCHEN", "SCHOOL",
    "BRIDGE", "MARKET", "FINGER", "JACKET", "QUARTZ", "VIOLIN", "ZEBRA", "YELLOW", "EXPRESS", "PUZZLE", "FATHER",
    "DRIVER", "BALLOON", "CORNER", "HARBOUR", "CAMERA", "UNCLE", "WINTER", "PENCIL", "ORANGE", "TICKET", "BASKET",
)  # fmt: skip


def number(rng: np.random.Generator, shortest: int, longest: int) -> str:
    """Return a number of so many digits, the first of which is not 0."""
    digits = rng.integers(0, 10, rng.integers(shortest, longest + 1))
    digits[0] = max(digits[0], 1)
    return "".join(map(str, digits))


def code(rng: np.random.Generator) -> tuple[str, str]:
    """Return a code and its mask.

    Examples
    --------
    >>> code(np.random.default_rng(0))
    ('Q52I00', 'LDDLDD')
    """
    mask = str(rng.choice(MASKS))
    chars = {"L": string.ascii_uppercase, "D": string.digits}
    return "".join(rng.choice(list(chars[place])) for place in mask), mask


def sentence(rng: np.random.Generator) -> str:
    """Return an English sentence of 3 to 8 words in small letters."""
    return " ".join(str(rng.choice(part)) for part in (_SUBJECTS, _VERBS, _ENDS)).strip()


def formatted(rng: np.random.Generator) -> str:
    """Return a date, a price or a telephone number."""
    day, month, year = int(rng.integers(1, 29)), int(rng.integers(1, 13)), int(rng.integers(1950, 2030))
    d, m, y = f"{day:02d}", f"{month:02d}", str(year)
    euros, cents = number(rng, 1, 3), f"{rng.integers(0, 100):02d}"
    area, local = number(rng, 3, 3), number(rng, 4, 6)
    kinds = [
        [f"{d}.{m}.{y}", f"{day}.{month}.{y}", f"{d}/{m}/{y}", f"{y}-{m}-{d}"],
        [f"{euros},{cents}", f"{euros}.{cents}", f"{euros},{cents} EUR", f"{euros}.{cents} USD"],
        [f"0{area} {local}-{day}", f"+49 {area} {local}", f"0{area}/{local}", f"{area}-{local}"],
    ]
    return str(rng.choice(kinds[rng.integers(3)]))


def word(rng: np.random.Generator) -> str:
    """Return a word in capitals, or a number."""
    return str(rng.choice(WORDS)) if rng.random() < 0.75 else number(rng, 3, 6)


def item(rng: np.random.Generator) -> str:
    """Return a line of a list: a word, a number, or both."""
    return str(
        rng.choice([word(rng), f"{rng.choice(WORDS)} {number(rng, 1, 2)}", f"{rng.choice(WORDS)} {rng.choice(WORDS)}"])
    )
