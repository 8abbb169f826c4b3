"""Exercises of lesson 04: the CRNN."""

from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from hcr_lib import ctc
from hcr_lib.checks._exercise import Exercise, number
from hcr_lib.checks._function import FunctionExercise


def columns_first(maps: np.ndarray) -> np.ndarray:
    """Turn feature maps, (rows, columns, maps), into a sequence with a step for each column."""
    return maps.transpose(1, 0, 2).reshape(maps.shape[1], -1)


def _feature_maps(rng: np.random.Generator) -> Iterator[tuple]:
    yield (np.arange(1.0, 7).reshape(2, 3, 1),)
    for shape in ((2, 2, 2), (1, 4, 3), (4, 1, 3), (7, 7, 64)):
        yield (rng.random(shape),)


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


def only_one_right(labels: np.ndarray, first: np.ndarray, second: np.ndarray) -> tuple[int, int]:
    """Count the images that only the first reader gets right, and those that only the second does."""
    first_right, second_right = first == labels, second == labels
    return int(np.sum(first_right & ~second_right)), int(np.sum(second_right & ~first_right))


def _two_readers(rng: np.random.Generator) -> Iterator[tuple]:
    yield np.array([1, 2, 3, 4, 5, 6]), np.array([1, 2, 3, 0, 0, 0]), np.array([1, 0, 0, 4, 0, 9])
    labels = rng.integers(0, 5, 200)
    yield labels, *(np.where(rng.random(200) < share, labels, rng.integers(0, 5, 200)) for share in (0.8, 0.6))
    yield np.array(list("ABC")), np.array(list("ABC")), np.array(list("ABX"))
    yield np.array([7, 7]), np.array([7, 1]), np.array([7, 2])


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
    "04.1": Exercise(
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
    "04.2": FunctionExercise(
        solution=columns_first,
        inputs=_feature_maps,
        hint="Two moves: bring the axis of the columns to the front, and only then join the other two axes.",
        slips=[
            (
                lambda maps: maps.reshape(maps.shape[1], -1),
                "Reshape keeps the order of the numbers, and they are stored row by row: each step holds part of a "
                "row. Exchange rows and columns first.",
            ),
            (
                lambda maps: maps.reshape(maps.shape[0], -1),
                "That makes a step of every row: the picture is read from top to bottom. A step should be a column.",
            ),
            (
                lambda maps: maps.transpose(1, 0, 2),
                "The columns are in front. Now each of them should become one list: rows x maps numbers.",
            ),
            (
                lambda maps: maps.transpose(1, 2, 0).reshape(maps.shape[1], -1),
                "The steps are right, their order inside is not: from top to bottom, with all maps of a row together.",
            ),
            (
                lambda maps: maps.transpose(2, 1, 0).reshape(maps.shape[1], -1),
                "Exchange only the first two axes, (1, 0, 2): the maps stay last.",
            ),
        ],
    ),
    "04.3": FunctionExercise(
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
    "04.4": FunctionExercise(
        solution=only_one_right,
        inputs=_two_readers,
        hint="Two conditions for each count: this reader is right, and the other one is wrong.",
        slips=[
            (
                lambda labels, first, second: (int(np.sum(first == labels)), int(np.sum(second == labels))),
                "Images that both get right say nothing about who is better: leave them out.",
            ),
            (
                lambda labels, first, second: (int(np.sum(first != labels)), int(np.sum(second != labels))),
                "Those are the mistakes of each, also those that both make. Count where one is right, the other wrong.",
            ),
            (
                lambda labels, first, second: only_one_right(labels, second, first),
                "The right counts in the wrong order: first those that only the first reader gets right.",
            ),
            (
                lambda labels, first, second: 2 * (int(np.sum(first != second)),),
                "They also differ where both are wrong, in different ways. Compare each with the labels.",
            ),
            (
                lambda labels, first, second: int(np.sum((first == labels) != (second == labels))),
                "That is the number of images that count; now divide them by who gets them right.",
            ),
            (
                lambda labels, first, second: int(np.sum(first == labels)) - int(np.sum(second == labels)),
                "That is the difference of both counts. The test needs the counts themselves: two numbers.",
            ),
        ],
    ),
    "04.5": FunctionExercise(
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
    "04.6": Exercise(
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
    "04.7": FunctionExercise(
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
    "04.8": FunctionExercise(
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
        ],
    ),
    "04.9": Exercise(
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
}
