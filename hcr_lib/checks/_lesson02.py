"""Exercises of lesson 02: preprocessing."""

from hcr_lib.checks._exercise import Exercise, number, word

EXERCISES: dict[str, Exercise] = {
    "02.1": Exercise(
        passes=number(0.2, within=0.002),
        hint="Full ink, 255, becomes 1. Which share of full ink is 51?",
        slips={
            0: "That is what whole-number division gives, 51 // 255. Convert to float32 first.",
            5: "Other way round: divide 51 by 255, not 255 by 51.",
            13005: "That multiplies. Scaling to [0, 1] divides by 255.",
            51: "Unscaled. That is the trap this section is about.",
            0.8: "That is the paper's side: 1 - 51/255. Nothing is inverted here.",
        },
    ),
    "02.2": Exercise(
        passes=number(2, within=0.1),
        hint="Which of the 62 classes end up in class A, and which in class 7?",
        slips={
            1: "Equal before merging, not after: A collects the images of A and of a.",
            0.5: "Other way round: letters over digits.",
            2.6: "That is 26 letters over 10 digits, the number of classes. How large is a single class?",
            5.2: "That is 52 over 10, all letters over all digits. How large is a single class?",
        },
    ),
    "02.3": Exercise(
        passes=word("after"),
        hint="Follow one digit and its copy: in which parts can the two end up?",
        slips={
            "before": "Then a digit can go to training and its copy to testing: the test asks for what was memorised.",
            "both": "Copies made before the split are the problem, whatever follows.",
            "never": "Copying is allowed where it cannot leak: in the training part alone.",
        },
    ),
    "02.4": Exercise(
        passes=number(4),
        hint="Which row does the average ink sit in, and which row is the middle?",
        slips={
            -4: "Right distance, wrong way: row 0 is the top, so down is positive.",
            9.5: "That is where the ink is now; the question is how far it must move.",
            13.5: "That is the middle of the page; the question is how far the ink must move to get there.",
            4.5: "The middle of 28 rows is 13.5, between rows 13 and 14, because rows count from 0.",
            5: "Compare the averages, 9.5 and 13.5; rows count from 0 on the page and in the ink.",
            10: "That moves it to the bottom edge. The middle is wanted.",
        },
    ),
    "02.5": Exercise(
        passes=lambda answer: str(answer).strip() == "5",
        hint="What has the thin pen written so far: digits or letters? Which of those has the strokes of an S?",
        slips={
            "S": "That is what a person reads. To this network every letter is thick, and this one is thin.",
            "8": "A digit, yes. But an 8 closes both loops, an S neither.",
            "2": "A digit, yes. But a 2 is an S in the mirror.",
            "6": "A digit, yes. But a 6 closes its lower loop.",
            "digit": "Yes; which of the ten?",
            "a digit": "Yes; which of the ten?",
        },
    ),
    "02.6": Exercise(
        passes=lambda answer: isinstance(answer, str) and set(answer.casefold()) - set(" ,") == set("8ox"),
        hint="Write all six on a sheet and turn it round. Which would a person still call by its name?",
        slips={
            "8O": "There is one more: two crossing lines have no top.",
            "8": "There are two more. A ring has no top either.",
            "68Ox": "A 6 on its head is a 9.",
            "68O": "A 6 on its head is a 9, and one character is missing.",
            "8MOx": "An M on its head is a W. Mirrored left to right it would stay, but this is a turn.",
            "8MO": "An M on its head is a W, and one character is missing.",
            "8Onx": "An n on its head is a u.",
            "6Mn": "Those become others: 9, W, u. The question is which stay themselves.",
            "68MOnx": "All six are still characters, but three of them are others: 9, W, u.",
        },
    ),
}
