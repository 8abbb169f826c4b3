"""Exercises of lesson 05: evaluation."""

from hcr_lib.checks._exercise import Answer, Exercise, between, number, word


def _ten_points(answer: Answer) -> bool:
    """Accept a gap of ten points as a share or in percent, whichever way it is signed."""
    return number(0.1, within=0.001)(abs(answer)) or number(10, within=0.1)(abs(answer))


EXERCISES: dict[str, Exercise] = {
    "05.1": Exercise(
        passes=between(0.029, 0.045),
        hint="Divide the images of the commonest class by all images; merging put both cases of a letter together.",
        slips={
            1 / 36: "That is guessing among 36 equally common classes; here a letter has two cases, a digit has one.",
            0.028: "That is guessing among 36 equally common classes; here a letter has two cases, a digit has one.",
            1 / 62: "There were 62 classes before merging; now A and a count as one.",
            0.016: "There were 62 classes before merging; now A and a count as one.",
            0.5: "Half would be right for two classes; there are 36 here.",
            0: "Always saying E is right whenever it is an E.",
        },
    ),
    "05.2": Exercise(
        passes=number(0.839, within=0.006),
        hint="Ask wilson for 20 of 20 and take the lower end.",
        slips={
            1: "No mistake in 20 does not mean none in 2,000: the score is 1, the lower end of the interval is not.",
            0.95: "That is how sure the interval is, not where it ends.",
            0.8: "Round less: give at least two digits.",
            84: "Right, as a percentage; write it as a share between 0 and 1.",
            83.9: "Right, as a percentage; write it as a share between 0 and 1.",
        },
    ),
    "05.3": Exercise(
        passes=number(2),
        hint="The row says what was written, the column what was read.",
        slips={
            1: "That cell holds the 9s that were read as 4: rows are true, columns are read.",
            3: "Those 4s were read right; they lie on the diagonal.",
            5: "That is the whole row: every 4 that was written.",
        },
    ),
    "05.4": Exercise(
        passes=number(0.75, within=0.005),
        hint="Stay in one column: of all that was read as 4, how much was a 4?",
        slips={
            0.6: "That is the recall, along the row: of all the 4s written, how many were found.",
            0.7: "That is the accuracy: everything right among everything.",
            0.25: "That is the share of wrong ones in the column; precision is the other part.",
            0.3: "Divide by what was read as 4, not by all images.",
        },
    ),
    "05.5": Exercise(
        passes=_ten_points,
        hint="How often was it right, and how often did it claim to be?",
        slips={
            0.05: "That is 1 minus the confidence. Compare the confidence with the share that was right.",
            0.85: "That is how often it was right; the gap is how far its confidence lies from that.",
            0.15: "That is how often it was wrong. It claimed to be wrong 5 times in 100.",
            0.95: "That is its confidence; how often was it right?",
            0: "170 of 200 is less than 95 in 100.",
        },
    ),
    "05.6": Exercise(
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
    "05.7": Exercise(
        passes=word("fresh"),
        hint="Which images took no part in choosing the setting?",
        slips={
            "chosen": "The setting was picked because it scores well there, so that number flatters it.",
            "both": "Two numbers, one of them flattering: a report needs the one from images that chose nothing.",
            "plain": "That is another reader: it was not the one you picked.",
        },
    ),
}
