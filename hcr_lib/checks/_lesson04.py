"""Exercises of lesson 04: the CRNN."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from hcr_lib import ctc
from hcr_lib.checks._exercise import Exercise, number
from hcr_lib.checks._function import FunctionExercise


def lstm_step(
    step: np.ndarray, output: np.ndarray, memory: np.ndarray, weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Take one step of an LSTM; return the new output and the new memory."""
    store, forget, new, show = _parts(step, output, weights)
    memory = _sigmoid(forget) * memory + _sigmoid(store) * np.tanh(new)
    return _sigmoid(show) * np.tanh(memory), memory


def _sigmoid(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def _parts(step: np.ndarray, output: np.ndarray, weights: Sequence[np.ndarray]) -> list[np.ndarray]:
    from_input, from_output, bias = weights
    return np.split(step @ from_input + output @ from_output + bias, 4)


def _steps_of_an_lstm(rng: np.random.Generator) -> Iterator[tuple]:
    yield np.zeros(1), np.zeros(1), np.ones(1), (np.zeros((1, 4)), np.zeros((1, 4)), np.zeros(4))
    for inputs, units in ((3, 2), (5, 16)):
        weights = rng.normal(size=(inputs, 4 * units)), rng.normal(size=(units, 4 * units)), rng.normal(size=4 * units)
        yield rng.normal(size=inputs), np.tanh(rng.normal(size=units)), rng.normal(size=units), weights


def _mistaken_step(kept, added, shown):
    """Return a step with another rule: for the share kept, for what is added, and for what is shown of the memory."""

    def step(step, output, memory, weights):
        store, forget, new, show = _parts(step, output, weights)
        after = kept(forget) * memory + added(store, new)
        return shown(show, after, memory), after

    return step


def _right_kept(forget):
    return _sigmoid(forget)


def _right_added(store, new):
    return _sigmoid(store) * np.tanh(new)


def _right_shown(show, memory, before):
    return _sigmoid(show) * np.tanh(memory)


def _paths(rng: np.random.Generator) -> Iterator[tuple]:
    yield from (("33-8",), ("3-3",), ("8",), ("---",), ("--33--8-",), ("3-3388",), ("5-55--77",), ("38383",))
    yield from (("".join(rng.choice(list("-38"), 12)),) for _ in range(5))


def _merged(path: str) -> str:
    return "".join(symbol for symbol, _ in groupby(path))


def _without_blanks(path: str) -> str:
    return path.replace(ctc.BLANK, "")


def _tables(rng: np.random.Generator) -> Iterator[tuple]:
    for path, classes in (("33-8", "38"), ("3-3", "38"), ("---", "38"), ("8", "38"), ("--110-0-22", "012")):
        scores = np.array([[3.0 if symbol == one else 0.0 for one in ctc.BLANK + classes] for symbol in path])
        yield ctc.log_softmax(scores), classes
    for steps in (12, 28):
        yield ctc.log_softmax(rng.normal(0, 2, (steps, 11))), "0123456789"


def _likeliest_path(log_probs: np.ndarray, classes: str) -> str:
    return "".join((ctc.BLANK + classes)[column] for column in log_probs.argmax(axis=1))


def numbers_right(share: float, lengths: Sequence[int]) -> float:
    """Return the expected share of whole numbers right, where a share of the digits is, by independent chance."""
    return float(np.mean([share**length for length in lengths]))


def _shares(rng: np.random.Generator) -> Iterator[tuple]:
    yield from ((0.9, [2]), (0.5, [1, 3]), (1.0, [8, 8]), (0.0, [4]), (0.95, [2, 3, 4, 4, 2, 8]))
    yield float(rng.random()), rng.integers(1, 9, 30).tolist()


EXERCISES: dict[str, Exercise | FunctionExercise] = {
    "04.1": FunctionExercise(
        solution=lstm_step,
        inputs=_steps_of_an_lstm,
        hint="Translate rules 2 and 3: sigmoid for the three gates, np.tanh for what is new and for the memory shown.",
        slips=[
            (
                lambda *given: lstm_step(*given)[::-1],
                "Both are right, but exchanged: return the output first, then the memory.",
            ),
            (
                _mistaken_step(lambda forget: forget, lambda store, new: store * np.tanh(new), _right_shown),
                "A gate is a share between 0 and 1: pass forget and store through the sigmoid.",
            ),
            (
                _mistaken_step(
                    lambda forget: forget,
                    lambda store, new: store * np.tanh(new),
                    lambda show, memory, before: show * np.tanh(memory),
                ),
                "A gate is a share between 0 and 1: pass forget, store and show through the sigmoid.",
            ),
            (
                _mistaken_step(lambda forget: 1, _right_added, _right_shown),
                "Nothing is forgotten: the old memory needs its gate, too.",
            ),
            (
                _mistaken_step(lambda forget: 1 - _sigmoid(forget), _right_added, _right_shown),
                "The gate is called forget, but it says which share is kept: 1 keeps everything.",
            ),
            (
                _mistaken_step(_right_kept, lambda store, new: _sigmoid(store) * new, _right_shown),
                "What is new passes through tanh before it is stored.",
            ),
            (
                _mistaken_step(_right_kept, lambda store, new: _sigmoid(store) * _sigmoid(new), _right_shown),
                "What is new may be negative, too: it passes through tanh; only gates take the sigmoid.",
            ),
            (
                _mistaken_step(_right_kept, lambda store, new: np.tanh(new), _right_shown),
                "The store gate decides which share of the new gets in.",
            ),
            (
                _mistaken_step(_right_kept, _right_added, lambda show, memory, before: _sigmoid(show) * memory),
                "The memory passes through tanh before it is shown.",
            ),
            (
                _mistaken_step(
                    _right_kept, _right_added, lambda show, memory, before: _sigmoid(show) * np.tanh(before)
                ),
                "The output shows the new memory, not the one of the step before: change the memory first.",
            ),
            (
                _mistaken_step(_right_kept, _right_added, lambda show, memory, before: np.tanh(memory)),
                "The show gate decides which share of the memory is shown.",
            ),
        ],
    ),
    "04.2": Exercise(
        passes=number(50),
        hint="Which images say something about who is better?",
        slips={
            1000: "Where both are right, or both wrong, neither is better.",
            10: "That is the difference; the coin was thrown for each image that only one of them reads.",
            150: "Where both are wrong, neither is better.",
            900: "Where both are right, neither is better.",
            30: "The images that only B reads count as well.",
        },
    ),
    "04.3": FunctionExercise(
        solution=ctc.collapse,
        inputs=_paths,
        hint="Go through the path and keep a symbol only if it differs from the one before it; leave out blanks last.",
        slips=[
            (
                lambda path: _merged(_without_blanks(path)),
                "The blanks go last: a blank between two equal digits keeps them from merging.",
            ),
            (_without_blanks, "The blanks are gone. Equal neighbours have to be merged, too, and before that."),
            (_merged, "Half the way: now leave out the blanks."),
            (
                lambda path: "".join(dict.fromkeys(_without_blanks(path))),
                "Only neighbours merge: a digit may come back later in the number.",
            ),
        ],
    ),
    "04.4": FunctionExercise(
        solution=ctc.greedy,
        inputs=_tables,
        hint="Take the likeliest column of every row, write its symbol (column 0 is the blank), and collapse the path.",
        slips=[
            (_likeliest_path, "That is the likeliest path. It still has to collapse to a text."),
            (
                lambda log_probs, classes: _without_blanks(_likeliest_path(log_probs, classes)),
                "The blanks are gone, but a digit that lasts for several steps should count once: use collapse.",
            ),
            (
                lambda log_probs, classes: _merged(_without_blanks(_likeliest_path(log_probs, classes))),
                "The blanks go last: use collapse.",
            ),
            (
                lambda log_probs, classes: _merged("".join(classes[k] for k in log_probs.argmax(axis=1))),
                "Column 0 is the blank, so classes[k] is in column k + 1: put the blank in front of the classes.",
            ),
            (
                lambda log_probs, classes: ctc.collapse("".join(classes[k - 1] for k in log_probs.argmax(axis=1))),
                "For the blank, column 0, classes[-1] is the last class: put the blank in front of the classes.",
            ),
            (
                lambda log_probs, classes: ctc.collapse(
                    "".join((classes + ctc.BLANK)[k] for k in log_probs.argmax(axis=1))
                ),
                "The blank is column 0, the first, not the last: put it in front of the classes.",
            ),
            (
                lambda log_probs, classes: ctc.collapse(
                    "".join((ctc.BLANK + classes)[k] for k in log_probs.argmax(axis=0))
                ),
                "axis=0 asks each symbol for its best step. Ask each step for its best symbol: axis=1.",
            ),
        ],
    ),
    "04.5": FunctionExercise(
        solution=numbers_right,
        inputs=_shares,
        hint="A number is right if all of its digits are: what is the chance of that for one length? Then average.",
        slips=[
            (lambda share, lengths: share, "That is one digit. A number is right only if all of its digits are."),
            (
                lambda share, lengths: float(np.mean([1 - length * (1 - share) for length in lengths])),
                "Subtracting is close for short numbers, but it falls below 0 for long ones: multiply the chances.",
            ),
            (
                lambda share, lengths: share ** float(np.mean(lengths)),
                "Average the chances, not the lengths: short numbers gain more than long ones lose.",
            ),
            (
                lambda share, lengths: 1 - numbers_right(share, lengths),
                "That is the share of numbers with at least one mistake.",
            ),
            (
                lambda share, lengths: float(np.mean([1 - (1 - share) ** length for length in lengths])),
                "That is the chance that at least one digit is right. All of them have to be.",
            ),
            (
                lambda share, lengths: share ** sum(lengths),
                "That is the chance that all numbers together are right. Take each for itself, then average.",
            ),
            (
                lambda share, lengths: [share**length for length in lengths],
                "Right for each number; now average over them.",
            ),
            (
                lambda share, lengths: share ** lengths[-1],
                "That is the chance of the last number alone: add up the chances of all, then divide.",
            ),
        ],
    ),
    "04.6": Exercise(
        passes=number(12),
        hint="Each step stands for four columns of pixels, and step 0 begins at column 0.",
        slips={
            3: "That would be so without pooling; two poolings make one step of four columns.",
            6: "The picture is halved twice, not once.",
            8: "That is step 2: steps count from 0.",
            13: "Columns count from 0, too.",
            16: "That is where step 4 begins.",
        },
    ),
    "04.7": Exercise(
        passes=number(4 * ((448 + 128) * 128 + 128)),
        hint="Put 448 inputs and 128 units into the formula of the worked example.",
        slips={
            (448 + 128) * 128 + 128: "That is one of the four parts.",
            4 * (448 + 128) * 128: "Each of the four parts also has 128 biases.",
            4 * (448 * 128 + 128): "It also looks at its own last output: 448 + 128 numbers.",
            2 * 4 * ((448 + 128) * 128 + 128): "That is both directions; the question is about one LSTM.",
            4 * ((448 + 128) * 128 + 1): "Every unit has a bias of its own in each part.",
        },
    ),
    "04.8": Exercise(
        passes=number(5),
        hint="Where can the one step go that is not needed: to a blank, and where? To a digit, and to which?",
        slips={
            1: "Only one has its blank in the middle, but a blank may stand first or last, or a digit be repeated.",
            2: "A digit may be repeated; but a blank may stand somewhere, too.",
            3: "A blank may stand in three places; but a digit may also be repeated.",
            4: "One is missing: the spare step is a blank in one of three places, or one of two digits repeated.",
            6: "Write them down: the spare step is a blank in one of three places, or one of two digits repeated.",
            27: "That is all paths; most of them collapse to other texts.",
        },
    ),
}
