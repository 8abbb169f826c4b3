"""Exercises of lesson 06: word prediction."""

from hcr_lib.checks._exercise import Exercise, number, word

EXERCISES: dict[str, Exercise] = {
    "06.1": Exercise(
        passes=number(3),
        hint="Every run of columns with ink is one segment, however wide the gaps beside it are.",
        slips={
            2: "Those are the gaps between the segments; a row of n segments has n - 1 gaps.",
            4: "The blank margins left and right are not segments, and not gaps between any.",
            6: "Those are the columns with ink; neighbours without a gap belong together.",
            5: "A wide gap separates two segments just as a narrow one does; count the runs of ink.",
        },
    ),
    "06.2": Exercise(
        passes=word("O1"),
        hint="For each place, strike out what the mask forbids, then take the largest of what is left.",
        slips={
            "0I": "That is the largest of each row; the mask forbids a digit in front and a letter behind.",
            "01": "The first place wants a letter; 0 (zero) is a digit.",
            "OI": "The second place wants a digit; I is a letter.",
            "1O": "A mask forbids characters; it does not swap their places.",
        },
    ),
    "06.3": Exercise(
        passes=number(2),
        hint="Turn one into the other on paper, one character at a time, and count what you did.",
        slips={
            1: "That is the difference in length; a character in the middle differs, too.",
            3: "Once the R has become an I, the L is in its right place.",
            4: "Comparing place by place misses that a whole tail may only have moved.",
            0.4: "That is per true character; count the edits.",
        },
    ),
    "06.4": Exercise(
        passes=number(0.774, within=0.005),
        hint="All five must be right: multiply the chance of one by itself.",
        slips={
            0.95: "That is one character. A word is right only if all five are.",
            0.75: "Subtracting 5 % five times is close, but 1 - n x 5 % would fall below 0 for long words: multiply.",
            0.226: "That is the share of words with at least one mistake.",
            0.25: "That is roughly the share of words with a mistake.",
            77: "Right, as a percentage; write it as a share between 0 and 1.",
            77.4: "Right, as a percentage; write it as a share between 0 and 1.",
            0.19: "A word is right when all five are; 0.95 / 5 is nothing that can be counted.",
        },
    ),
    "06.5": Exercise(
        passes=word("MARGO"),
        hint="Count the edits from MARLO to each of the three.",
        slips={
            "MARLO": "MARLO is not on the list, and closest() only ever answers with what is.",
            "CARGO": "That takes two edits; another word takes one.",
            "MANGO": "That takes two edits; another word takes one.",
        },
    ),
}
