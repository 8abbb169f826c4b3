"""Exercises of lesson 01: the data."""

from hcr_lib.checks._exercise import Exercise, number, word

EXERCISES: dict[str, Exercise] = {
    "01.1": Exercise(
        passes=number(0),
        hint="Print one corner of the image: corners are always paper. What do you find?",
        slips={
            255: "That is full ink. The file is white on black; only our figures are black on white.",
            1: "Pixels run from 0 to 255 here. Scaling to 0-1 comes in lesson 02, and even there 1 is ink.",
            28: "That is the number of rows. The question is what one pixel of paper holds.",
        },
    ),
    "01.2": Exercise(
        passes=number(16),
        hint="Write the digits down first: which label does A get after them? And how far is G from A?",
        slips={
            17: "7 + 10 forgets that EMNIST counts from 1: its A is 1, and A must become 10.",
            7: "Label 7 is the digit 7 in this class string. Ten digits come before the letters.",
            6: "That is its place among 26 letters counted from 0. Ten digits still come first.",
            15: "One too far to the left: A is 10, B is 11, and so on up to G.",
        },
    ),
    "01.3": Exercise(
        passes=number(99),
        hint="What does pandas take the first line of a CSV file for, unless you tell it otherwise?",
        slips={
            100: "That is how many lines the file has. pandas takes the first for the names of the columns.",
            101: "No line is added. pandas takes one of the hundred for something else than an image.",
            785: "That is the number of columns: a label and 784 pixels.",
            784: "That is the number of pixels in a row. How many rows are left?",
            78400: "That is the number of pixels in all images. A row is one image.",
        },
    ),
    "01.4": Exercise(
        passes=lambda answer: str(answer).strip() == "7",
        hint="Draw an L on squared paper, number its rows and columns, and exchange the two.",
        slips={
            "1": "One stroke is not lost: the foot of the L becomes a second stroke.",
            "4": "The foot of the L lies at an end of the long stroke, so nothing crosses.",
            "J": "That is an L mirrored left to right. Transposing mirrors along the diagonal.",
            "L": "Only letters that are symmetric about the diagonal stay as they are, such as O and X.",
            "6": "No curve can appear: straight strokes stay straight when rows and columns are swapped.",
        },
    ),
    "01.5": Exercise(
        passes=lambda share: number(0.6)(share) or number(60)(share),
        hint="The lazy reader is right whenever the truth happens to be e. How many of the 100 images are an e?",
        slips={
            0.2: "One in five would be right if the five classes were equally large. Count the images.",
            20: "One in five would be right if the five classes were equally large. Count the images.",
            0: "It is right by luck, and quite often: whenever the truth happens to be e.",
            1: "It is right only where the truth happens to be e.",
            0.4: "That is how often it is wrong.",
        },
    ),
    "01.6": Exercise(
        passes=word("C"),
        hint="Read the title above each picture aloud. Where does the name not fit a perfectly normal picture?",
        slips={
            "A": "Those titles are right; the pictures are not: rows and columns are swapped.",
            "B": "Those titles are right; half of the pictures are inverted.",
            "D": "Those titles are right; the pixels stop at 1, so the pictures look blank.",
        },
    ),
}
