"""Exercises of lesson 05: evaluation."""

import re
from collections.abc import Iterator, Sequence

import numpy as np

from hcr_lib.checks._exercise import Answer, Exercise, number
from hcr_lib.checks._function import FunctionExercise

_Z = 1.96


# 05.1: Wilson's interval
def wilson(correct: int, total: int) -> tuple[float, float]:
    """Return both ends of Wilson's 95 % interval for a count of right answers."""
    return _interval(correct, total)


def _interval(correct: int, total: int, square: float = _Z**2, shrink: bool = True) -> tuple[float, float]:
    share = correct / total
    middle, reach = share + square / (2 * total), _Z * np.sqrt(share * (1 - share) / total + square / (4 * total**2))
    below = 1 + square / total if shrink else 1
    return (middle - reach) / below, (middle + reach) / below


def _without_brackets(correct: int, total: int) -> tuple[float, float]:
    share, square = correct / total, _Z**2
    middle, reach = share + square / 2 * total, _Z * np.sqrt(share * (1 - share) / total + square / 4 * total**2)
    return (middle - reach) / (1 + square / total), (middle + reach) / (1 + square / total)


def _counts(rng: np.random.Generator) -> Iterator[tuple]:
    yield from ((18, 20), (20, 20), (0, 5), (1, 1), (1426, 1554))
    yield from ((int(rng.integers(50)), 50) for _ in range(3))


# 05.6: a score that forgives what nobody can tell apart
def forgiving(written: Sequence[str], read: Sequence[str], alike: Sequence[str]) -> float:
    """Return the share read right, where the characters of one group count as the same."""
    return _share(written, read, {char: group for group in alike for char in group})


def _share(written: Sequence[str], read: Sequence[str], home: dict[str, str]) -> float:
    return float(np.mean([home.get(one, one) == home.get(other, other) for one, other in _pairs(written, read)]))


def _pairs(written: Sequence[str], read: Sequence[str]) -> list[tuple[str, str]]:
    return list(zip(written, read, strict=True))


def _texts(rng: np.random.Generator) -> Iterator[tuple]:
    alike = ["0Oo", "1Il"]
    yield "O0A1", "00AI", alike
    yield "0l8B", "1o8b", alike
    yield "oIlO", "0l17", alike
    yield "01A", "0IB", []
    yield "".join(rng.choice(list("0Oo1IlAB"), 30)), "".join(rng.choice(list("0Oo1IlAB"), 30)), alike


# 05.2: a new test set, drawn by writer
def resample(writers: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the numbers of the images of as many writers as there are, drawn with repetition."""
    names = np.unique(writers)
    return np.concatenate([np.flatnonzero(writers == name) for name in rng.choice(names, len(names))])


def _writers(rng: np.random.Generator) -> Iterator[tuple]:
    for names, images in (("abc", 8), ("abcdefghijkl", 60), ("pqrstuvwxyz", 200)):
        given = np.array([*names, *rng.choice(list(names), images - len(names))])
        yield rng.permutation(given), np.random.default_rng(int(rng.integers(1000)))


def _judged(arguments: tuple, answer: object) -> str | None:
    """Say what is wrong with a draw of writers; None for a right one, whatever random numbers it used."""
    writers, _ = arguments
    try:
        images = np.asarray(answer)
    except ValueError:  # a list of arrays of different lengths
        return "got one array a writer: join them with np.concatenate."
    if images.ndim > 1:
        return "got one array a writer: join them with np.concatenate."
    if images.dtype.kind in "US":
        return "got names: return the numbers of the images that these writers wrote."
    if images.dtype.kind not in "iu" or images.ndim != 1:
        return "expected a row of image numbers; np.flatnonzero(writers == name) gives those of one writer."
    if images.size and (images.min() < 0 or images.max() >= len(writers)):
        return f"got image numbers up to {images.max()}, but there are {len(writers)} images, from 0."
    times = np.bincount(images, minlength=len(writers))
    names = np.unique(writers)
    drawn = [times[writers == name] for name in names]
    if any(np.ptp(each) > 0 for each in drawn):
        return "some images of a writer are drawn more often than others: draw writers, and take all of their images."
    total = sum(int(each[0]) for each in drawn)
    if total < len(names) and (times <= 1).all():
        return "each writer drawn is there once: whoever is drawn twice brings all images twice, and counts twice."
    if total != len(names):
        return f"expected {len(names)} writers, counted as often as they are drawn, got {total}."
    if (times == 1).all() and len(names) > 8:
        return "every writer is there just once: draw with repetition, so that some come twice and some not at all."
    return None


# 05.3: which stage lost a word
def stage_of(written: str, cut_right: bool, best: str, final: str) -> str:
    """Return "right", or the first stage that failed where the word came out wrong: "cut", "scores" or "decoding"."""
    if final == written:
        return "right"
    if not cut_right:
        return "cut"
    return "scores" if best != written else "decoding"


def _words(rng: np.random.Generator) -> Iterator[tuple]:
    yield "HORSE", False, "MSE", "MSE"
    yield "VOICE", True, "V0ICE", "VOICE"
    yield "CLOUD", True, "CLOUO", "CLOUO"
    yield "WORLD", True, "WORLD", "WORED"
    yield "TRAIN", False, "TAIN", "TRAIN"
    yield "PLANT", True, "PLANT", "PLANT"


def _before_the_end(written: str, cut_right: bool, best: str, final: str) -> str:
    if not cut_right:
        return "cut"
    return stage_of(written, cut_right, best, final)


def _scores_first(written: str, cut_right: bool, best: str, final: str) -> str:
    return stage_of(written, True, best, final) if best != written else stage_of(written, cut_right, best, final)


def _unrepaired(written: str, cut_right: bool, best: str, final: str) -> str:
    faults = {"cut": not cut_right, "scores": best != written, "decoding": final != written}
    return next((stage for stage, failed in faults.items() if failed), "right")


def _last_first(written: str, cut_right: bool, best: str, final: str) -> str:
    if final != written and cut_right:
        return "decoding"
    return "right" if final == written else "cut"


# 05.4: what reading costs, and asking
def cost(confidence: np.ndarray, right: np.ndarray, least: float, misread: float, by_hand: float) -> float:
    """Return the cost of 1,000 codes: those below `least` go to a person, the others are read by the machine."""
    asked = confidence < least
    return float(1000 * (misread * np.mean(~asked & ~right) + by_hand * np.mean(asked)))


def _costs(rng: np.random.Generator) -> Iterator[tuple]:
    confidence, right = np.array([1.0, 0.5, 0.7, 0.2]), np.array([True, False, False, True])
    yield confidence, right, 0.6, 10.0, 1.0
    yield confidence, right, 0.7, 10.0, 1.0
    yield confidence, right, 0.0, 3.0, 1.0
    yield confidence, right, 1.0, 3.0, 2.0
    many = rng.random(200)
    yield many, rng.random(200) < many, 0.35, 40.0, 1.5


def _cost_of_read(confidence, right, least, misread, by_hand):
    asked = confidence < least
    wrong = np.mean(~right[~asked]) if (~asked).any() else 0.0
    return float(1000 * (misread * wrong + by_hand * np.mean(asked)))


# 05.9: an image with a hole, here and there
def covered(image: np.ndarray, size: int, step: int) -> np.ndarray:
    """Return copies of an image, each with another square covered: from left to right, then down."""
    return _holes(image, size, size, step)


def _holes(image: np.ndarray, high: int, wide: int, step: int, paper: int = 0, down_first: bool = False) -> np.ndarray:
    places = [(y, x) for y in range(0, len(image) - high + 1, step) for x in range(0, image.shape[1] - wide + 1, step)]
    copies = np.repeat(image[None], len(places), axis=0)
    for copy, (y, x) in zip(
        copies, sorted(places, key=lambda place: place[::-1]) if down_first else places, strict=True
    ):
        copy[y : y + high, x : x + wide] = paper
    return copies


def _images(rng: np.random.Generator) -> Iterator[tuple]:
    yield np.arange(1, 17, dtype="uint8").reshape(4, 4), 2, 1
    yield rng.integers(1, 256, (28, 28), "uint8"), 7, 3
    yield rng.integers(1, 256, (9, 12), "uint8"), 4, 2  # the last square does not reach the lower edge


def _up_to_the_edge(image: np.ndarray, size: int, step: int) -> np.ndarray:
    height, width = image.shape
    copies = []
    for y in range(0, height, step):
        for x in range(0, width, step):
            copies.append(image.copy())
            copies[-1][y : y + size, x : x + size] = 0
    return np.array(copies)


# 05.7: what was found of a class, and how far it can be believed
def recall_and_precision(table: np.ndarray, label: int) -> tuple[float, float]:
    """Return the recall and the precision of a class; rows of the table are true, columns are read."""
    return table[label, label] / table[label].sum(), table[label, label] / table[:, label].sum()


def _tables(rng: np.random.Generator) -> Iterator[tuple]:
    yield np.array([[3, 2], [1, 4]]), 0
    yield np.array([[3, 2], [1, 4]]), 1
    yield rng.integers(1, 9, (5, 5)), 3
    yield rng.integers(1, 9, (36, 36)), 20


#: The faulty sentences of 05.5, each with a question that leads to it; and why the others stand.
_ASK = {
    2: "Who wrote the test images, and did they write others?",
    3: "Which images chose the weights?",
    6: "What would a reader score that never looks at a form?",
    7: "What would you count before believing a confidence?",
    9: "Lesson 04 asked the same of phone numbers.",
}
_STANDS = {
    1: "Sentence 1 is a check of the labels, and claims no more.",
    4: "The interval of sentence 4 is Wilson's.",
    5: "Sentence 5 names the baseline, as it should.",
    8: "Sentence 8 claims no difference, and there is none to claim.",
    10: "Sentence 10 says what was tested and what was not.",
}


def _numbers(answer: Answer) -> str:
    """Return the numbers in an answer, in order: "2 3 6 7 9" for "9, 7, 6, 3 and 2", and for a list of them."""
    return " ".join(map(str, sorted({int(each) for each in re.findall(r"\d+", str(answer))})))


def _nearly() -> Iterator[tuple[str, str]]:
    """Yield each answer with four of the five faults, with and without another sentence, and what to say to it."""
    for missing, ask in _ASK.items():
        four = [each for each in _ASK if each != missing]
        yield _numbers(four), f"Four of five. {ask}"
        for other, stands in _STANDS.items():
            yield _numbers([*four, other]), f"Four of five. {stands} {ask}"


EXERCISES: dict[str, Exercise | FunctionExercise] = {
    "05.1": FunctionExercise(
        solution=wilson,
        inputs=_counts,
        hint="Compute p first, then the middle and the reach, each divided by 1 + z * z / n.",
        within=1e-3,
        slips=[
            (
                lambda correct, total: _interval(correct, total, 0),
                "That is p plus and minus z times the standard error: 20 of 20 would be certain. Add Wilson's terms.",
            ),
            (
                lambda correct, total: _interval(correct, total, shrink=False),
                "Both ends still have to be divided by 1 + z * z / n, or they pass beyond 1.",
            ),
            (
                lambda correct, total: _interval(correct, total, _Z),
                "z is squared in the formula: z * z, in four places.",
            ),
            (
                _without_brackets,
                "In Python, z * z / 2 * n multiplies by n: write z * z / (2 * n), and the same below the root.",
            ),
            (lambda correct, total: wilson(correct, total)[::-1], "Both are right; return the lower end first."),
            (
                lambda correct, total: tuple(100 * end for end in wilson(correct, total)),
                "Right in percent; return shares between 0 and 1.",
            ),
            (lambda correct, total: wilson(correct, total)[0], "That is the lower end; return both."),
        ],
    ),
    "05.6": FunctionExercise(
        solution=forgiving,
        inputs=_texts,
        hint="Find for each character the group that it belongs to, or itself; then compare groups.",
        slips=[
            (
                lambda written, read, alike: float(np.mean([one == other for one, other in _pairs(written, read)])),
                "That is the strict score: it forgives nothing yet.",
            ),
            (
                lambda written, read, alike: _share(written, read, dict.fromkeys("".join(alike), "any")),
                "A 0 read as 1 is forgiven, too: both are in a group, but not in the same one.",
            ),
            (
                lambda written, read, alike: float(
                    np.mean([any({*pair} <= {*group} for group in alike) for pair in _pairs(written, read)])
                ),
                "Characters that are in no group count as well: an A read as A is right.",
            ),
            (
                lambda written, read, alike: float(
                    np.mean(
                        [
                            one == other or any({one, other} == {*group[:2]} for group in alike)
                            for one, other in _pairs(written, read)
                        ]
                    )
                ),
                "A group may have more than two members: any of them stands for any other.",
            ),
            (
                lambda written, read, alike: float(
                    np.mean(
                        [
                            any({one, other} <= {*group} for group in alike)
                            for one, other in _pairs(written, read)
                            if one != other
                        ]
                        or [0]
                    )
                ),
                "That is the share of mistakes that are forgiven; what was read right counts as well.",
            ),
            (
                lambda written, read, alike: len(written) * forgiving(written, read, alike),
                "That is how many; divide by the number of characters.",
            ),
        ],
    ),
    "05.2": FunctionExercise(
        solution=resample,
        inputs=_writers,
        judge=_judged,
        hint="Draw names with rng.choice, one for each writer there is, then join the images of each name drawn.",
    ),
    "05.3": FunctionExercise(
        solution=stage_of,
        inputs=_words,
        hint="Ask in the order of the path: did it come out right? If not: was it cut right? Were the scores right?",
        slips=[
            (
                _unrepaired,
                "VOICE came out right: the context repaired it. A stage is only to blame for a word that was lost.",
            ),
            (
                _before_the_end,
                "TRAIN came out right, although it was cut wrong: ask for the end first.",
            ),
            (
                _scores_first,
                "HORSE was cut wrong, so the scores never saw its letters: the first stage that failed is to blame.",
            ),
            (
                _last_first,
                "CLOUO was wrong before decoding began: look whether the scores had the word right.",
            ),
            (
                lambda written, cut_right, best, final: stage_of(written, cut_right, best, final) == "right",
                "Return the name of the stage, a text.",
            ),
        ],
    ),
    "05.4": FunctionExercise(
        solution=cost,
        inputs=_costs,
        hint="Which codes are asked about? Which of the others are wrong? Take shares of all codes, times 1,000.",
        within=1e-3,
        slips=[
            (_cost_of_read, "Take the share of *all* codes that are misread, not of those the machine reads."),
            (
                lambda confidence, right, least, misread, by_hand: float(
                    1000 * (misread * np.mean(~right) + by_hand * np.mean(confidence < least))
                ),
                "A mistake that goes to a person is caught: only what the machine reads can be misread.",
            ),
            (
                lambda confidence, right, least, misread, by_hand: float(
                    1000 * (misread * np.mean((confidence < least) & ~right) + by_hand * np.mean(confidence >= least))
                ),
                "The other way round: low confidence goes to the person.",
            ),
            (
                lambda confidence, right, least, misread, by_hand: float(
                    1000 * (misread * np.mean((confidence > least) & ~right) + by_hand * np.mean(confidence <= least))
                ),
                "A confidence of exactly `least` is read by the machine.",
            ),
            (
                lambda *given: cost(*given) / 1000,
                "That is the cost of one code; the question is about 1,000.",
            ),
            (
                lambda confidence, right, least, misread, by_hand: (
                    cost(confidence, right, least, misread, by_hand) * len(right) / 1000
                ),
                "That is the cost of these codes; take shares, times 1,000.",
            ),
            (
                lambda confidence, right, least, misread, by_hand: cost(confidence, right, least, misread, 0),
                "People cost something, too.",
            ),
        ],
    ),
    "05.9": FunctionExercise(
        solution=covered,
        inputs=_images,
        hint="Two loops over where the square starts, each up to the last place where it fits; copy, cover, collect.",
        slips=[
            (_up_to_the_edge, "The square hangs over the edge: its last start is the side minus `size`."),
            (
                lambda image, size, step: _holes(image, size, size, step, down_first=True),
                "Those go down first: the inner loop is the one from left to right.",
            ),
            (
                lambda image, size, step: _holes(image, size, size, step, paper=255),
                "That covers with ink: paper is 0.",
            ),
            (
                lambda image, size, step: covered(image, size, size),
                "Those squares lie side by side: the next one starts `step` pixels farther.",
            ),
            (
                lambda image, size, step: np.minimum.accumulate(covered(image, size, step)),
                "The holes add up: cover a fresh copy each time.",
            ),
            (
                lambda image, size, step: image - covered(image, size, step),
                "That shows only the square; it should be the one thing that is hidden.",
            ),
        ],
    ),
    "05.5": Exercise(
        passes=lambda answer: _numbers(answer) == _numbers([*_ASK]),
        hint='Five sentences, such as "1 4 5 8 10". For each: who wrote the images, who chose, what does it beat, what '
        "was counted?",
        slips=dict(_nearly()),
    ),
    "05.7": FunctionExercise(
        solution=recall_and_precision,
        inputs=_tables,
        hint="Both divide the diagonal cell of the class: once by the sum of its row, once by that of its column.",
        slips=[
            (
                lambda table, label: recall_and_precision(table, label)[::-1],
                "The other way round: recall goes along the row, which is what was written.",
            ),
            (
                lambda table, label: (table[label, label] / table.sum(), table[label, label] / table.sum()),
                "Divide by the row and by the column of the class, not by all images.",
            ),
            (
                lambda table, label: (recall_and_precision(table, label)[0],) * 2,
                "The recall is right; the precision goes down the column, table[:, label].",
            ),
            (
                lambda table, label: tuple(100 * share for share in recall_and_precision(table, label)),
                "Right in percent; return shares between 0 and 1.",
            ),
            (
                lambda table, label: tuple(1 - share for share in recall_and_precision(table, label)),
                "Those are the shares that are wrong.",
            ),
        ],
    ),
    "05.8": Exercise(
        passes=number(9),
        hint="Write the 11 small letters of BALANCED under the ones that the wrong list has in their place.",
        slips={
            1: "The missing letter is one, but everything behind it moves up, and letters without a class of their own "
            "push too.",
            0: "The figure says so; compare the names, not the score.",
            11: "The first two are in the right place by luck.",
            2: "Two is how many names are right.",
            10: "The first two are in the right place, not only the first.",
        },
    ),
}
