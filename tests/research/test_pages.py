"""Pages by made-up writers: where their lines begin and end."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hcr_lib.handwriting import Style, random_style
from hcr_lib.research.pages import write_page


def rng(seed):
    return np.random.default_rng(seed)


TEXT = "THE PARCEL WENT TO THE STATION ON MONDAY 24 MAY"


@given(st.integers(0, 2**32 - 1), st.floats(500, 3000))
@settings(max_examples=20)
def test_lines_end_before_the_margin(seed, across):
    style = replace(random_style(rng(seed)), drift=0.0)
    page = write_page(TEXT, style, rng(seed), across)
    assert page.text.split() == TEXT.split()
    boxes, end = page.boxes(), 0
    for line in page.text.split("\n"):
        own, end = boxes[end : end + len(line)], end + len(line) + 1
        if " " in line:
            assert np.nanmax(own[:, 2]) - np.nanmin(own[:, 0]) <= across + 1e-6


def test_lines_stand_below_one_another_at_the_margin():
    page = write_page("ONE\nTWO\n\nFOUR", Style(), rng(0), 2000)
    assert page.text == "ONE\nTWO\n\nFOUR"
    low, left = page.boxes()[[0, 4, 9]][:, [3, 0]].T
    np.testing.assert_allclose(low, [0, 180, 540], atol=15)
    assert np.ptp(left) < 60


def test_a_long_word_has_a_line_to_itself():
    assert write_page("I PARCELPARCEL I", Style(), rng(0), 300).text == "I\nPARCELPARCEL\nI"
    assert write_page("", Style(), rng(0), 300).strokes == []


def test_no_room_is_refused():
    with pytest.raises(ValueError, match="above 0"):
        write_page("I", Style(), rng(0), 0)
