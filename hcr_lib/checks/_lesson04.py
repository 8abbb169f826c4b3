"""Exercises of lesson 04: the CRNN."""

from hcr_lib.checks._exercise import Exercise, number, word

EXERCISES: dict[str, Exercise] = {
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
    "04.2": Exercise(
        passes=word("row", "rows"),
        hint="Look at the table: what did reshape alone put into step 0?",
        slips={
            "column": "Reshape keeps the order of the numbers, and they are stored row by row.",
            "columns": "Reshape keeps the order of the numbers, and they are stored row by row.",
        },
    ),
    "04.3": Exercise(
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
    "04.4": Exercise(
        passes=number(2 * 4 * ((256 + 64) * 64 + 64)),
        hint="How many numbers does the first layer hand on at each step, with 128 units in each direction?",
        slips={
            4 * ((256 + 64) * 64 + 64): "That is one direction.",
            2 * 4 * ((128 + 64) * 64 + 64): "The first layer hands on the outputs of both directions.",
            2 * 4 * ((448 + 64) * 64 + 64): "448 go into the first layer; this one gets what the first one gives.",
            2 * 4 * (256 + 64) * 64: "The biases are missing.",
            2 * 4 * ((256 + 128) * 128 + 128): "This layer has 64 units in each direction, not 128.",
        },
    ),
    "04.5": Exercise(
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
    "04.6": Exercise(
        passes=number(28),
        hint="How many pixel columns does a step stand for, and how many columns are there now?",
        slips={
            7: "That was for 28 columns; now there are 112.",
            4: "One step a character would be handy, but a step is four columns of pixels.",
            56: "The picture is halved twice.",
            112: "Pooling halves the columns as well as the rows, twice.",
        },
    ),
}
