"""A writer's style: what stays the same from character to character."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Style:
    """One writer's handwriting; lengths are in hundredths of a capital's height.

    ==========  ==========================================================================================
    habit       seed of this writer's preferred allographs and of their distortion
    slant       tangent of the angle between the stems and the vertical, to the right
    width       of the characters, relative to the skeletons
    x_height    height of an x; the skeletons have 50
    roundness   0 draws straight lines from point to point, 1 smooth curves, more than 1 bulging ones
    speed       0 makes every corner; 1 is a hasty pen that cuts them
    closure     overlap of the ends of a closed stroke; negative where they do not meet
    overshoot   length by which strokes run past their ends; negative where they stop short
    hook        length of the flick with which the pen leaves the paper
    tremor      amplitude of the pen's tremor
    bend        distortion of this writer's allographs, relative to the skeletons
    sloppiness  distortion from one copy of a character to another
    rotation    standard deviation of the copies' rotation, in radians
    drift       slope of the baseline; negative climbs
    spacing     gap between characters
    pen         half the width of the pen
    pressure    variation of the pen's width, as a share, from copy to copy and along a stroke
    blank       additional gap between words
    wobble      standard deviation of the height above the baseline, and of the size in per cent
    nesting     kerning: 0 sets characters side by side; 1 as close as their ink allows, one under the other
    touching    probability that a character touches or overlaps the one before
    joining     probability of a ligature between two lowercase letters that allow one
    ==========  ==========================================================================================

    Examples
    --------
    >>> from dataclasses import replace
    >>> upright = Style(slant=0.0)
    >>> leaning = replace(upright, slant=0.4)  # the same writer, in a hurry
    """

    habit: int = 0
    slant: float = 0.15
    width: float = 1.0
    x_height: float = 50.0
    roundness: float = 1.0
    speed: float = 0.3
    closure: float = 0.0
    overshoot: float = 0.0
    hook: float = 0.0
    tremor: float = 0.6
    bend: float = 2.5
    sloppiness: float = 1.5
    rotation: float = 0.03
    drift: float = 0.0
    spacing: float = 18.0
    pen: float = 5.0
    pressure: float = 0.1
    blank: float = 90.0
    wobble: float = 2.0
    nesting: float = 0.5
    touching: float = 0.0
    joining: float = 0.0


def random_style(rng: np.random.Generator) -> Style:
    """Draw the style of a random writer.

    The ranges follow measurements of real *training* images of EMNIST (mean and spread of slant, aspect, ink and
    stroke width); no image or stroke was copied.
    """
    return Style(
        habit=int(rng.integers(2**32)),
        slant=float(rng.normal(0.2, 0.225)),
        width=float(np.exp(rng.normal(np.log(1.175), 0.17))),
        x_height=float(rng.uniform(42, 62)),
        roundness=float(rng.uniform(0.85, 1.2)),
        speed=float(rng.beta(1.3, 1.8)),
        closure=float(rng.normal(0, 6)),
        overshoot=float(rng.normal(1, 3)),
        hook=float(max(0, rng.normal(0, 7))),
        tremor=float(rng.gamma(2, 0.33)),
        bend=float(rng.uniform(1.8, 5.0)),
        sloppiness=float(rng.uniform(0.8, 3.0)),
        rotation=float(rng.uniform(0.01, 0.06)),
        drift=float(rng.normal(0, 0.02)),
        spacing=float(rng.uniform(10, 30)),
        pen=float(np.clip(np.exp(rng.normal(np.log(7.5), 0.35)), 2.5, 13)),
        pressure=float(rng.uniform(0.04, 0.16)),
        blank=float(rng.uniform(80, 125)),
        wobble=float(rng.uniform(0.8, 3.2)),
        nesting=float(rng.uniform(0.2, 0.9)),
        touching=float(rng.beta(1, 6) * (rng.random() < 0.2)),
        joining=float(rng.beta(1.5, 1) * (rng.random() < 0.25)),
    )


def writer(number: int, seed: int = 2026) -> Style:
    """Return the style of one writer of the bundled sample: the same number, the same writer.

    Examples
    --------
    >>> writer(3) == writer(3), writer(3) == writer(4)
    (True, False)
    """
    return random_style(np.random.default_rng([seed, 0, number]))
