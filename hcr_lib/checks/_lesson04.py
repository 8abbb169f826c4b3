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
    "04.5": Exercise(
        passes=word("557"),
        hint="First merge what is equal and stands side by side; only then leave out the blanks.",
        slips={
            "57": "The blanks go last: between the fives there is one, so they do not merge.",
            "55577": "Three fives and two sevens are predicted, but equal neighbours count once.",
            "5577": "Of the two sevens, none has a blank between: they merge, too.",
            "5-5-7": "Half the way: now leave out the blanks.",
            "5557": "The fives behind the first blank stand side by side: they merge.",
        },
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
}
