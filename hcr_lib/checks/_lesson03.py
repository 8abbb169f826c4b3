"""Exercises of lesson 03: the CNN."""

from hcr_lib.checks._exercise import Exercise, number, word

EXERCISES: dict[str, Exercise] = {
    "03.1": Exercise(
        passes=number(28 * 28 * 36 + 36),
        hint="How many pixels has a template, how many templates are there, and what is added at the end?",
        slips={
            28 * 28 * 36: "Those are the templates; each class also has a bias.",
            28 * 28 * 36 + 1: "Each class has a bias of its own, not one for all.",
            28 * 28: "That is one template; there is one for each class.",
            28 * 28 * 10 + 10: "That would be ten digits; here are letters, too.",
            28 * 28 * 62 + 62: "Both cases of a letter are one class in this lesson.",
        },
    ),
    "03.2": Exercise(
        passes=number(24),
        hint="Put the kernel at the left edge. How many steps to the right until it touches the other edge?",
        slips={
            28: "Only with a frame of paper around the picture (padding); here the kernel may not stick out.",
            26: "That is the result of a 3 x 3 kernel.",
            23: "The first position counts, too: 28 - 5 steps make one more position than steps.",
            5.6: "The kernel moves by one pixel, not by its own width.",
            5: "The kernel moves by one pixel, not by its own width.",
        },
    ),
    "03.3": Exercise(
        passes=number((5 * 5 * 32 + 1) * 32),
        hint="One kernel spans 5 x 5 pixels of how many maps? Then a bias, then all the kernels.",
        slips={
            (5 * 5 + 1) * 32: "That is the first convolution, which sees one map; this one sees 32.",
            5 * 5 * 32 * 32: "Nearly: every kernel also has a bias.",
            5 * 5 * 32 + 1: "That is one kernel; there are 32.",
            5 * 5 * 32 + 32: "Each of the 32 kernels has weights of its own for each of the 32 maps before.",
            (5 * 5 + 1) * 32 * 32: "A kernel has one bias, not one for each map it looks at.",
        },
    ),
    "03.4": Exercise(
        passes=number(9),
        hint="The first of the five numbers sees pixels 0 to 4. Which pixels does the fifth see?",
        slips={
            5: "That is how many numbers of the first convolution it sees; each of them sees five pixels itself.",
            10: "Their windows overlap: five numbers side by side each begin one pixel after the one before.",
            25: "Five times five would be windows side by side; here each begins one pixel after the one before.",
            81: "That is how many pixels there are in the square; the question is how wide it is.",
            6: "It sees five numbers, not two: the last begins four pixels after the first.",
            13: "That is what a number sees after pooling, too.",
            28: "Only a dense layer sees the whole picture.",
        },
    ),
    "03.5": Exercise(
        passes=number(36),
        hint="How many windows of 5 fit into a row of 30, and how many rows of windows are there?",
        slips={
            180: "You divided once; the window takes 5 rows and 5 columns.",
            6: "That is one row of windows.",
            16: "That is what 20 x 20 leaves; the map in question is 30 x 30.",
            25: "That is how many numbers a window holds; one of them is kept.",
            676: "Windows lie side by side and do not overlap, unlike the positions of a kernel.",
            864: "That is how many are thrown away.",
            36 * 32: "That is for all 32 maps; the question is about one.",
        },
    ),
    "03.6": Exercise(
        passes=word("validation", "val"),
        hint="Who has not been learned from, and is not needed for the final verdict?",
        slips={
            "train": "By training images the last epoch nearly always wins: it may just know them by heart.",
            "training": "By training images the last epoch nearly always wins: it may just know them by heart.",
            "test": "Then the test score is the best of five tries, no longer a fair question.",
        },
    ),
}
