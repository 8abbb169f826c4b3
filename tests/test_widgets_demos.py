"""The slider demos without a browser: settings in, a picture out. One is driven for real in test_browser.py."""

import dataclasses
import io

import numpy as np
import pytest
from PIL import Image

from hcr_lib import datasets, images, pen, widgets
from hcr_lib.augment import LIMITS, Augment
from hcr_lib.handwriting import Style, draw_char, writer
from hcr_lib.widgets import _augment, _browser, _ladder, _pad, _writer

STROKES = [[[100, 50], [60, 220], [240, 220]], [[200, 60], [200, 350]]]  # a 4
PAGE = np.full((120, 90), 230, "uint8")
PAGE[20:70, 20:27] = PAGE[63:70, 20:50] = 40  # an L, off centre


def pixels(png):
    """The ink in a PNG: 0 is paper, 255 is ink."""
    return 255 - np.asarray(Image.open(io.BytesIO(png)).convert("L"))


@pytest.fixture(scope="module")
def sample():
    """Ten images of each of three characters by two writers; number 7 is the blackest, and the oddest L."""
    stored = [draw_char("LOx"[k % 3], Style(), np.random.default_rng(k)) for k in range(30)]
    stored[6] = np.full((28, 28), 255, "uint8")
    writers = np.array(["ann", "bob"])[np.arange(30) // 15]
    return datasets.Dataset(np.stack(stored), np.arange(30) % 3, classes="LOx", source="here", writers=writers)


#: Each demo, what is changed in it, and the control below which its messages stand.
DEMOS = {
    "Preprocessing demo": (lambda _: widgets.preprocessing_demo([PAGE]), {"blur": 2.0, "light": False}, "drawn"),
    "Writer demo": (lambda _: widgets.writer_demo("x"), {"writer": 3, "slant": 0.9, "text": "y"}, "text"),
    "Augmentation demo": (widgets.augmentation_demo, {"blur": 0.0, "seed": 4}, "usual"),
    "Sample browser": (widgets.sample_browser, {"char": "L", "order": "ink"}, "page"),
    "Reject demo": (lambda _: widgets.reject_demo(CONFIDENCE, RIGHT), {"least": 0.9, "misread": 2.0}, "by_hand"),
}


@pytest.mark.parametrize("name", DEMOS)
def test_every_demo_has_a_name_tooltips_a_message_beside_its_control_and_a_reset(sample, name):
    make, changes, beside = DEMOS[name]
    demo = make(sample)
    assert repr(demo) == f"{name} (run this cell to move the sliders)"  # fixed, so that notebooks compare equal
    assert [name for name, control in demo.controls.items() if not control.tooltip] == []
    [column] = (column.children for column in demo.children[0].children if demo.message in column.children)
    assert column[column.index(demo.message) - 1] is demo.controls[beside]
    first, picture, alts = demo.settings, demo.picture.value, demo.guard.alts
    demo.put(**changes)
    assert demo.settings != first and demo.picture.value != picture and demo.guard.alts != alts
    pictures = []
    demo.picture.observe(lambda change: pictures.append(change["new"]), names="value")
    demo.controls["reset"].click()
    assert (demo.settings, pictures, demo.guard.alts, demo.message.value) == (first, [picture], alts, "")


CONFIDENCE, RIGHT = np.array([0.9, 0.8, 0.6, 0.3]), np.array([True, False, True, False])

# --- the writer


def word(style=Style(), text="Hill", seed=0):  # noqa: B008
    """The ink of a word, without the images below it and without its ruled lines."""
    paper = _writer._line(text, style, np.random.default_rng([seed, 0]))
    return np.asarray(paper.convert("L")) < 105


def changed(**fields):
    return dataclasses.replace(Style(sloppiness=0, rotation=0), **fields)


def test_slant_moves_the_top_of_the_ink_to_the_right():
    def lean(ink):
        rows = np.flatnonzero(ink.any(axis=1))
        top, bottom = np.array_split(rows, 2)
        return np.nonzero(ink[top])[1].mean() - np.nonzero(ink[bottom])[1].mean()

    leans = [lean(word(changed(slant=slant), "HHH")) for slant in (-0.4, 0.0, 0.4)]
    assert leans[0] < -10 < leans[1] < 10 < leans[2]


def test_each_slider_does_what_it_says():
    def extent(ink, axis):
        return int(np.ptp(np.flatnonzero(ink.any(axis=axis))))

    assert word(changed(pen=12)).sum() > 2 * word(changed(pen=3)).sum()
    assert extent(word(changed(width=1.5)), 0) > 1.2 * extent(word(changed(width=0.8)), 0)
    assert extent(word(changed(spacing=60)), 0) > 1.2 * extent(word(changed(spacing=0)), 0)
    assert extent(word(changed(x_height=75), "xx"), 1) > 1.3 * extent(word(changed(x_height=35), "xx"), 1)
    for field, (low, high, *_) in _writer.SLIDERS.items():
        ink = [word(changed(**{field: value}), "ago") for value in (low, high)]
        assert ink[0].shape != ink[1].shape or (ink[0] != ink[1]).mean() > 0.001, field


def test_the_same_seed_is_the_same_picture_and_another_one_another_copy():
    first, same, other = (widgets.writer_picture("Hand", Style(), seed) for seed in (1, 1, 2))
    assert first == same != other


def test_a_long_text_stays_on_the_paper():
    ink = word(Style(width=2, spacing=60, pen=14), "W" * _writer.LONGEST)
    assert not ink[:, :2].any() and not ink[:, -2:].any() and not ink[:2].any() and not ink[-2:].any()
    assert ink.any()


def test_images_of_the_characters_stand_below_the_line():
    line, picture = word(text="H i"), pixels(widgets.writer_picture("H i", Style()))
    np.testing.assert_array_equal(picture[: len(line)] > 150, line)
    below = picture[-_writer._TILE :]
    assert (
        below[:, : 2 * _writer._TILE + _writer._GAP].max() > 200
        and not below[:, 2 * (_writer._TILE + _writer._GAP) :].any()
    )


@pytest.mark.parametrize("text", ["what?", "naïve", "a\nb", "", "  ", "x" * 41])
def test_a_text_that_cannot_be_written_is_one_clear_line_and_the_picture_stays(text):
    with pytest.raises(ValueError, match="got"):
        widgets.writer_picture(text, Style())
    demo = widgets.writer_demo("ok")
    painted = demo.picture.value
    demo.controls["text"].value = text.replace("\n", "!")
    assert "got" in demo.message.value and "\n" not in demo.message.value and len(demo.message.value) < 150
    assert demo.picture.value == painted
    demo.controls["text"].value = "fine"
    assert demo.message.value == ""
    assert demo.picture.value == widgets.writer_picture("fine", Style())


def test_every_slider_is_a_field_of_style_and_reaches_as_far_as_people_do():
    people = [writer(k) for k in range(300)]
    for field, (low, high, *_) in _writer.SLIDERS.items():
        assert low <= getattr(Style(), field) <= high
        values = np.array([getattr(person, field) for person in people])
        assert ((values >= low) & (values <= high)).mean() > 0.97, field


def test_another_writer_moves_the_sliders_and_paints_once():
    demo = widgets.writer_demo("Hand")
    pictures = []
    demo.picture.observe(lambda change: pictures.append(change["new"]), names="value")
    demo.controls["writer"].value = 5
    person = writer(5)
    shown = {field: demo.controls[field].value for field in _writer.SLIDERS}
    assert shown["slant"] == pytest.approx(person.slant)
    assert pictures == [widgets.writer_picture("Hand", dataclasses.replace(person, **shown))]
    demo.controls["slant"].value = 0.5
    assert pictures[-1] == widgets.writer_picture("Hand", dataclasses.replace(person, **{**shown, "slant": 0.5}))
    demo.controls["again"].click()
    assert pictures[-1] == widgets.writer_picture("Hand", dataclasses.replace(person, **{**shown, "slant": 0.5}), 1)
    demo.controls["writer"].value = -1
    assert demo.controls["slant"].value == Style().slant


# --- the browser


def test_the_order_is_what_it_says(sample):
    for order in _browser.ORDERS:
        assert sorted(_browser._sorted(sample, order)) == list(range(len(sample)))
    assert _browser._sorted(sample, "file").tolist() == list(range(len(sample)))
    assert _browser._sorted(sample, "unusual")[0] == _browser._sorted(sample, "ink")[0] == 6
    ink = sample.images.sum(axis=(1, 2))[_browser._sorted(sample, "ink")]
    assert (np.diff(ink.astype(int)) <= 0).all()


def test_strangeness_is_the_distance_from_the_mean_of_the_same_character(sample):
    of_x = sample.images[sample.labels == 2].astype(float)
    expected = np.linalg.norm((of_x - of_x.mean(axis=0)).reshape(len(of_x), -1), axis=1)
    np.testing.assert_allclose(_browser._strangeness(sample)[sample.labels == 2], expected, rtol=1e-4)


def test_character_and_writer_choose_together(sample):
    chosen = _browser._chosen(sample, np.arange(30), "O", "bob")
    assert chosen.tolist() == [16, 19, 22, 25, 28]
    assert widgets.sample_picture(sample, "O", "bob") != widgets.sample_picture(sample, "O")


def test_pages_hold_all_images_once(sample):
    many = sample.take(np.arange(90) % 30)
    assert _browser._pages(90) == 3
    pictures = {widgets.sample_picture(many, page=page) for page in range(3)}
    assert len(pictures) == 3
    for page in (-1, 3):
        with pytest.raises(ValueError, match="between 0 and 2"):
            widgets.sample_picture(many, page=page)


def test_the_browser_refuses_what_is_not_there(sample):
    nobody = dataclasses.replace(sample, writers=None)
    assert widgets.sample_picture(nobody, "x")
    for wrong, message in (({"char": "q"}, "char must be one of"), ({"order": "age"}, "order must be one of")):
        with pytest.raises(ValueError, match=message):
            widgets.sample_picture(sample, **wrong)
    with pytest.raises(ValueError, match="such as ann, bob"):
        widgets.sample_picture(sample, writer="eve")
    with pytest.raises(ValueError, match="nobody knows"):
        widgets.sample_picture(nobody, writer="ann")
    with pytest.raises(ValueError, match="at least one image"):
        widgets.sample_browser(sample.take([]))


def test_leafing_through_the_browser(sample):
    many = sample.take(np.arange(120) % 30)
    demo = widgets.sample_browser(many)
    assert demo.picture.value == widgets.sample_picture(many)
    assert demo.controls["page"].max == 3
    demo.controls["page"].value = 3
    assert demo.picture.value == widgets.sample_picture(many, page=2)
    demo.controls["order"].value = "unusual"
    assert (demo.controls["page"].value, demo.picture.value) == (1, widgets.sample_picture(many, order="unusual"))
    demo.controls["page"].value = 2
    demo.controls["writer"].value = "bob"
    assert demo.picture.value == widgets.sample_picture(many, None, "bob", order="unusual")
    demo.controls["char"].value = "x"
    assert (demo.controls["page"].value, demo.controls["page"].max) == (1, 1)
    assert demo.picture.value == widgets.sample_picture(many, "x", "bob", order="unusual")
    assert demo.message.value == ""


def test_every_dropdown_shows_what_is_chosen_at_first(sample):
    """One whose value is None stays blank in the browser."""
    browser = widgets.sample_browser(sample)
    for dropdown in (
        widgets.writer_demo().controls["writer"],
        *(browser.controls[name] for name in ("char", "writer", "order")),
    ):
        assert dropdown.label and dropdown.value is not None


def test_without_writers_the_choice_of_one_is_closed(sample):
    demo = widgets.sample_browser(dataclasses.replace(sample, writers=None))
    assert demo.controls["writer"].disabled
    assert not widgets.sample_browser(sample).controls["writer"].disabled


def test_a_writer_without_that_character_leaves_an_empty_page(sample):
    few = sample.take([0, 1, 15, 16])  # ann wrote L and O, and so did bob
    few = dataclasses.replace(few, labels=np.array([0, 1, 0, 0]))
    demo = widgets.sample_browser(few)
    demo.controls["writer"].value, demo.controls["char"].value = "bob", "O"
    assert demo.message.value == ""
    assert demo.picture.value == widgets.sample_picture(few, "O", "bob")


# --- augmentation


def test_the_sliders_are_the_limits_of_augment_and_start_where_it_does(sample):
    demo = widgets.augmentation_demo(sample)
    usual = {name: value for name, value in demo.settings.items() if name != "seed"}
    assert usual | {"share": 1.0} == dataclasses.asdict(Augment())
    Augment(**{name: demo.controls[name].max for name in usual})  # none of them is refused


def test_without_any_change_every_draw_is_its_original(sample):
    picture = pixels(widgets.augmentation_picture(sample, dict.fromkeys(LIMITS, 0.0)))
    row = picture[_augment._HEAD : _augment._HEAD + _augment._TILE]
    original, last = row[:, : _augment._TILE], row[:, -_augment._TILE :]
    assert np.abs(original.astype(int) - last).max() <= 2


def test_each_limit_changes_the_draws_and_the_seed_chooses_them(sample):
    none = dict.fromkeys(LIMITS, 0.0)
    still = widgets.augmentation_picture(sample, none)
    for name, operation in LIMITS.items():
        assert widgets.augmentation_picture(sample, {**none, name: operation.limits[name][0]}) != still, name
    drawn = widgets.augmentation_picture(sample, {})
    assert drawn == widgets.augmentation_picture(sample.images, {}) != widgets.augmentation_picture(sample, {}, seed=1)


def test_the_augmentation_demo_repaints_and_its_buttons_set_the_sliders(sample):
    demo = widgets.augmentation_demo(sample)
    assert demo.picture.value == widgets.augmentation_picture(sample, {})
    demo.controls["none"].click()
    assert {demo.controls[name].value for name in LIMITS} == {0.0}
    demo.controls["rotation"].value = 90
    demo.controls["again"].click()
    only = {**dict.fromkeys(LIMITS, 0.0), "rotation": 90.0}
    assert demo.picture.value == widgets.augmentation_picture(sample, only, seed=1)
    demo.controls["usual"].click()
    assert demo.picture.value == widgets.augmentation_picture(sample, {}, seed=1)
    assert demo.message.value == ""


def test_augmentation_refuses_what_is_no_stored_image(sample):
    for wrong, message in (
        (sample.images[0], "shape"),
        (sample.images[:0], "at least one"),
        (sample.images / 255, "uint8"),
    ):
        with pytest.raises(ValueError, match=message):
            widgets.augmentation_demo(wrong)
    with pytest.raises(ValueError, match="rotation must be a limit"):
        widgets.augmentation_picture(sample, {"rotation": -1})


# --- the trace


def result(picture=PAGE, **settings):
    """The 28 x 28 image at the end, as a reader gets it."""
    given = []
    widgets.preprocessing_picture(picture, reader=lambda stored: given.append(stored) or "", **settings)
    return given[0]


def test_untouched_controls_give_the_recipe_itself():
    np.testing.assert_array_equal(result(), images.to_mnist(PAGE))


def test_inversion_makes_no_difference_to_the_result():
    assert widgets.preprocessing_picture(PAGE) != widgets.preprocessing_picture(PAGE, inverted=True)
    np.testing.assert_array_equal(result(), result(inverted=True))


def test_without_the_crop_the_character_shrinks_and_without_centring_it_stays_off_the_middle():
    whole, small = result().astype(float), result(crop=False, centre=False).astype(float)
    assert 0 < small.sum() < whole.sum()

    def distance_from_the_middle(image):
        rows, columns = np.indices(image.shape)
        middle = [float((axis * image).sum() / image.sum()) for axis in (rows, columns)]
        return np.hypot(*(np.array(middle) - 13.5))

    assert distance_from_the_middle(whole) < 1 < distance_from_the_middle(small)


def test_a_wider_least_stroke_gives_more_ink_and_a_higher_threshold_less():
    ink = [result(min_stroke=least).sum(dtype=int) for least in (0, 3, 5)]
    assert ink == sorted(ink) and ink[0] < ink[-1]
    kept = [result(blur=3, threshold=level, crop=False, min_stroke=0).sum(dtype=int) for level in (0.2, 0.8)]
    assert kept[0] > kept[1]


def test_moving_a_control_repaints_with_the_settings_shown():
    demo = widgets.preprocessing_demo({"L": PAGE, "four": pen.render(STROKES)})
    assert demo.picture.value == widgets.preprocessing_picture(PAGE)
    demo.controls["rotation"].value = 20
    assert demo.picture.value == widgets.preprocessing_picture(PAGE, rotation=20)
    demo.controls["picture"].value = "four"
    assert demo.picture.value == widgets.preprocessing_picture(pen.render(STROKES), rotation=20)
    demo.controls["level"].value = 0.6
    assert demo.picture.value == widgets.preprocessing_picture(pen.render(STROKES), rotation=20, threshold=0.6)
    demo.controls["threshold"].value = demo.controls["light"].value = False
    expected = widgets.preprocessing_picture(pen.render(STROKES), rotation=20, threshold=False, light=False)
    assert demo.picture.value == expected
    assert pixels(demo.picture.value).max() == 255


def test_a_picture_without_ink_is_said_in_the_demo():
    demo = widgets.preprocessing_demo({"L": PAGE, "blank": np.full((50, 50), 200, "uint8")})
    painted = demo.picture.value
    demo.controls["picture"].value = "blank"
    assert "no ink" in demo.message.value
    demo.controls["picture"].value = "L"
    assert (demo.message.value, demo.picture.value) == ("", painted)
    with pytest.raises(ValueError, match="at least one picture"):
        widgets.preprocessing_demo([])


def test_a_picture_of_ones_own_is_uploaded():
    demo = widgets.preprocessing_demo({"L": PAGE})
    painted, file = demo.picture.value, io.BytesIO()
    Image.fromarray(PAGE).resize((1800, 2400), Image.Resampling.NEAREST).save(file, "PNG")

    def upload(name, content):
        file = {"name": name, "type": "", "size": len(content), "last_modified": 0, "content": memoryview(content)}
        demo.controls["upload"].set_state({"value": [file]})  # as a browser does

    upload("my own.png", file.getvalue())
    assert (demo.controls["picture"].value, demo.message.value) == ("my own.png", "")
    small = images.resize(images.to_gray(PAGE), 600, 450)
    assert np.abs(pixels(demo.picture.value).astype(int) - pixels(widgets.preprocessing_picture(small))).mean() < 2
    shown = demo.picture.value
    upload("my text.txt", b"no picture")
    assert "not a picture" in demo.message.value
    assert (demo.controls["picture"].value, demo.picture.value) == ("my own.png", shown)
    demo.controls["reset"].click()
    assert (demo.controls["picture"].value, demo.picture.value, demo.message.value) == ("L", painted, "")


def test_the_last_drawing_is_sent_from_the_pad(monkeypatch):
    monkeypatch.setattr(_pad, "_last", [])
    demo = widgets.preprocessing_demo({"L": PAGE})
    demo.controls["drawn"].click()
    assert "nothing was drawn yet" in demo.message.value
    pads = [widgets.DrawingPad(), widgets.DrawingPad(width=300)]
    for pad in pads:
        pad.replay(STROKES)
        demo.controls["drawn"].click()
        assert (demo.controls["picture"].value, demo.message.value) == ("from the pad", "")
        assert demo.picture.value == widgets.preprocessing_picture(1 - pad.ink())
    pads[1].clear()
    assert demo.controls["picture"].options == ("L", "from the pad")
    demo.controls["drawn"].click()
    assert demo.message.value == "", "what was drawn last can be sent after the pad was cleared"


@pytest.mark.parametrize("step", images.STEPS)
def test_every_step_has_a_switch_that_changes_the_trace_and_is_marked(step):
    demo = widgets.preprocessing_demo([PAGE])
    whole = demo.picture.value
    demo.controls[step].value = False
    assert demo.message.value == ""
    assert demo.picture.value == widgets.preprocessing_picture(PAGE, **{step: False})

    def red(png):
        colours = np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).astype(int)
        return int((colours[..., 0] - colours[..., 2] > 100).sum())

    assert red(whole) == 0 < red(demo.picture.value)


def test_what_a_reader_answers_stands_below_the_last_picture():
    given = []

    def reader(stored):
        given.append(stored)
        return "L"

    picture = widgets.preprocessing_picture(PAGE, reader=reader, crop=False)
    np.testing.assert_array_equal(given[0], result(crop=False))
    assert given[0].dtype == np.uint8
    plain = widgets.preprocessing_picture(PAGE, crop=False)
    assert pixels(picture)[pixels(plain).shape[0] :].max() > 200
    assert widgets.preprocessing_demo([PAGE], reader).picture.value == widgets.preprocessing_picture(
        PAGE, reader=reader
    )


def test_an_unknown_switch_is_an_error_that_names_the_known_ones():
    with pytest.raises(ValueError, match=r"light, polarity.*got center"):
        widgets.preprocessing_picture(PAGE, center=True)


# --- the threshold below which a person is asked


def shares(**settings):
    """The widths of the three parts of the bar, of 560 pixels: read right, misread, to a person."""
    picture = Image.open(io.BytesIO(widgets.reject_picture(CONFIDENCE, RIGHT, **settings))).convert("RGB")
    row = np.asarray(picture)[24 + 22].astype(int)
    colours = np.array([(0, 114, 178), (213, 94, 0), (170, 170, 170)])
    return [int((np.abs(row - colour).sum(axis=1) == 0).sum()) for colour in colours]


@pytest.mark.parametrize(
    ("least", "expected"), [(0.0, (280, 280, 0)), (0.5, (280, 140, 140)), (0.8, (140, 140, 280)), (1.0, (0, 0, 560))]
)
def test_the_bar_shows_what_is_read_what_is_misread_and_what_goes_to_a_person(least, expected):
    assert np.allclose(shares(least=least), expected, atol=3)


def test_the_reject_demo_follows_its_sliders_and_says_what_it_is():
    demo = widgets.reject_demo(CONFIDENCE, RIGHT)
    assert repr(demo) == "Reject demo (run this cell to move the sliders)"
    before = demo.picture.value
    demo.controls["least"].value = 0.95
    assert demo.picture.value != before
    assert demo.message.value == ""


@pytest.mark.parametrize(("confidence", "right"), [([0.5, 0.6], [True]), ([], []), ([[0.5]], [[True]])])
def test_readings_without_a_confidence_each_are_refused(confidence, right):
    with pytest.raises(ValueError, match="both of shape"):
        widgets.reject_picture(confidence, right)


# --- the decoding ladder


LADDER = {
    "alone": lambda scores, weight: "C0T",
    "letters": lambda scores, weight: "COT" if weight > 1 else "CAT",
    "closed": lambda scores, weight: "COAT",
}
CATS = [
    ("CAT", np.zeros((3, 28, 28), "uint8"), np.zeros((3, 36))),
    ("COT", np.ones((3, 28, 28), "uint8"), np.ones((3, 36))),
]


def red_rows(**settings):
    """Whether each row of a picture below its tiles, one for a rung, has red in it."""
    picture = Image.open(io.BytesIO(widgets.ladder_picture(*CATS[0], LADDER, **settings))).convert("RGB")
    colours = np.asarray(picture)[_ladder._TILE + 8 :].astype(int)
    red = (colours[..., 0] - colours[..., 2] > 100).any(axis=1)
    return [bool(row.any()) for row in np.split(red, len(red) // _ladder._ROW)][:-1]


def test_letters_that_differ_from_what_was_written_are_red_on_every_rung_shown():
    assert red_rows() == [True, False, True]
    assert red_rows(rungs=2) == [True, False]
    assert red_rows(rungs=2, weight=2.0) == [True, True]


def test_the_ladder_is_climbed_and_its_weight_moved_and_reset_goes_back_to_the_beginning():
    demo = widgets.ladder_demo(CATS, LADDER)
    assert repr(demo) == "Ladder demo (run this cell to move the sliders)"
    first = demo.picture.value
    assert first == widgets.ladder_picture(*CATS[0], LADDER, 1)
    demo.controls["rungs"].value, demo.controls["word"].value, demo.controls["weight"].value = 2, 1, 1.5
    assert demo.picture.value == widgets.ladder_picture(*CATS[1], LADDER, 2, 1.5)
    assert demo.guard.alts == ["Ladder demo: word COT, rungs 2, weight 1.5"]
    demo.controls["reset"].click()
    assert demo.picture.value == first
    assert all(control.tooltip for control in demo.controls.values())


def test_a_ladder_that_cannot_be_climbed_is_refused():
    for samples, ladder in (([], LADDER), (CATS, {})):
        with pytest.raises(ValueError, match="at least one word and one rung"):
            widgets.ladder_demo(samples, ladder)
    for rungs in (0, 4):
        with pytest.raises(ValueError, match="1 to 3 rungs"):
            widgets.ladder_picture(*CATS[0], LADDER, rungs)
    with pytest.raises(ValueError, match="as many images as rows"):
        widgets.ladder_picture("CAT", CATS[0][1][:2], CATS[0][2], LADDER)
