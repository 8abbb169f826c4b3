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
        passes=number(200),
        hint="How many ones does each row have?",
        slips={
            7200: "That is how many numbers the table holds. Nearly all of them are 0.",
            36: "That is the number of columns. Add up row by row.",
            1: "That is the sum of one row; there are 200.",
        },
    ),
    "02.3": Exercise(
        passes=number(2, within=0.1),
        hint="Which of the 62 classes end up in class A, and which in class 7?",
        slips={
            1: "Equal before folding, not after: A collects the images of A and of a.",
            0.5: "Other way round: letters over digits.",
            2.6: "That is 26 letters over 10 digits, the number of classes. How large is a single class?",
            5.2: "That is 52 over 10, all letters over all digits. How large is a single class?",
        },
    ),
    "02.4": Exercise(
        passes=word("after"),
        hint="Follow one digit and its copy: in which parts can the two end up?",
        slips={
            "before": "Then a digit can go to training and its copy to testing: the test asks for what was memorised.",
            "both": "Copies made before the split are the problem, whatever follows.",
            "never": "Copying is allowed where it cannot leak: in the training part alone.",
        },
    ),
    "02.5": Exercise(
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
    "02.6": Exercise(
        passes=lambda answer: isinstance(answer, str) and answer.strip() == "d",
        hint="Write a b on thin paper and look at it from behind.",
        slips={
            "D": "Right shape, wrong case: answer with a small letter, for its stem still reaches above the bowl.",
            "p": "That is b upside down. Mirroring left to right keeps the stem on top.",
            "q": "That is b turned by 180 degrees. Mirroring left to right keeps the stem on top.",
            "b": "Only characters that are symmetric about a vertical line stay the same, such as A or o.",
            "6": "The bowl changes sides: in a 6, as in a b, it is on the right.",
        },
    ),
}
