"""Augmented images stay images of the same character: in range, about as much ink, upright, not mirrored."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from hcr_lib import augment, datasets
from hcr_lib._tf import tf
from hcr_lib.augment import GRID, Augment, apply

SEEDS = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))


@pytest.fixture(scope="module")
def ink() -> np.ndarray:
    """Two of each character, float32 (124, 28, 28, 1)."""
    return datasets.load("bundled", "test").images[:124, ..., None].astype("float32") / 255


def augmented(ink, seed=(1, 2), **amounts) -> np.ndarray:
    return np.asarray(Augment.only(**amounts)(tf.constant(ink), seed))


@given(seed=SEEDS)
@settings(max_examples=25)
def test_keeps_shape_type_and_range(ink, seed):
    changed = np.asarray(Augment()(tf.constant(ink), seed))
    assert changed.shape == ink.shape
    assert changed.dtype == np.float32
    assert changed.min() >= 0
    assert changed.max() <= 1 + 1e-6


def test_the_same_seed_gives_the_same_images_and_another_seed_others(ink):
    first, again, other = (np.asarray(Augment()(tf.constant(ink), seed)) for seed in [(3, 4), (3, 4), (3, 5)])
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 0.01


def test_every_image_draws_its_own_amounts(ink):
    copies = augmented(np.repeat(ink[:1], 8, axis=0), rotation=10.0, shift=2.0)
    assert len(np.unique(copies.reshape(8, -1), axis=0)) == 8


def test_gives_the_same_inside_a_data_pipeline(ink):
    augment = Augment()
    batches = tf.data.Dataset.from_tensors(ink).map(lambda batch: augment(batch, (1, 2)))
    (from_pipeline,) = batches.as_numpy_iterator()
    np.testing.assert_allclose(from_pipeline, augment(tf.constant(ink), (1, 2)), atol=1e-5)


def test_no_amount_changes_nothing(ink):
    np.testing.assert_allclose(augmented(ink), ink, atol=1e-6)


def test_paper_stays_blank():
    assert np.asarray(Augment()(tf.zeros((4, 28, 28, 1)), (0, 0))).max() == 0


def test_ink_is_neither_lost_nor_made(ink):
    change = augmented(ink, rotation=10.0, shear=0.2, shift=1.0, elastic=0.6, blur=0.6).sum() / ink.sum()
    assert 0.95 < change < 1.05


@pytest.mark.parametrize(("limit", "sign"), [("thicken", 1), ("thin", -1)])
def test_strokes_get_wider_or_narrower(ink, limit, sign):
    gain = sign * (augmented(ink, **{limit: 1.0}).sum(axis=(1, 2, 3)) - ink.sum(axis=(1, 2, 3)))
    assert gain.min() >= 0
    assert gain.mean() > 0.2 * ink.sum(axis=(1, 2, 3)).mean()


def test_blur_spreads_ink_and_keeps_its_amount(ink):
    inside = ink.copy()
    inside[:, [0, -1]] = inside[:, :, [0, -1]] = 0  # so that nothing is blurred off the edge
    soft = augmented(inside, blur=0.8)
    np.testing.assert_allclose(soft.sum(axis=(1, 2, 3)), inside.sum(axis=(1, 2, 3)), rtol=1e-4)
    assert (soft**2).sum() < 0.95 * (inside**2).sum()


def corner() -> np.ndarray:
    """Return an L-like figure that is unlike each of its mirror images and rotations; (28, 28)."""
    figure = np.zeros((28, 28), "float32")
    figure[7:20, 9:12] = 1.0
    figure[17:20, 9:19] = 1.0
    figure[7:9, 12:14] = 0.5
    return figure


def centre(picture: np.ndarray) -> np.ndarray:
    return np.array(ndimage.center_of_mass(picture))


@pytest.mark.parametrize("number", range(4))
def test_a_shift_alone_is_scipys_shift(number):
    picture = corner()
    moved = augmented(picture[None, ..., None], seed=(number, 0), shift=3.0)[0, ..., 0]
    distance = centre(moved) - centre(picture)
    assert np.abs(distance).max() <= 3.0
    np.testing.assert_allclose(moved, ndimage.shift(picture, distance, order=1), atol=1e-3)


def by_scipy(picture, rotation=0.0, shear=0.0, scale_x=1.0, scale_y=1.0, shift_x=0.0, shift_y=0.0, field=0.0):
    """Do what `apply` promises, one change after the other as a matrix product in (x, y), slowly and in float64."""
    cos, sin = np.cos(np.radians(rotation)), np.sin(np.radians(rotation))
    rotate = np.array([[cos, sin], [-sin, cos]])  # counter-clockwise, with y downwards
    slant = np.array([[1, -shear], [0, 1]])
    back = np.linalg.inv(np.diag([scale_x, scale_y]) @ slant @ rotate)
    y, x = np.mgrid[:28, :28]
    goes_to = np.stack([x - 13.5 - shift_x, y - 13.5 - shift_y]) - field
    from_x, from_y = np.einsum("ij,jyx->iyx", back, goes_to) + 13.5
    return ndimage.map_coordinates(np.pad(picture, 1), [from_y + 1, from_x + 1], order=1)


MOVES = st.fixed_dictionaries(
    {
        "rotation": st.floats(-30, 30), "shear": st.floats(-0.4, 0.4),
        "scale_x": st.floats(0.7, 1.4), "scale_y": st.floats(0.7, 1.4),
        "shift_x": st.floats(-5, 5), "shift_y": st.floats(-5, 5),
    }
)  # fmt: skip


@given(MOVES)
def test_moves_as_scipy_does_with_the_product_of_the_matrices(moves):
    picture = corner()
    moved = np.asarray(apply(picture[None, ..., None], **moves))[0, ..., 0]
    np.testing.assert_allclose(moved, by_scipy(picture, **moves), atol=1e-3)


@given(MOVES, SEEDS)
def test_bends_along_a_smooth_field_of_the_strength_asked_for(moves, seed):
    picture = corner()
    points = np.asarray(tf.random.stateless_normal((1, 2, GRID, GRID), seed))[0].astype("float64")
    field = 0.7 * np.stack([ndimage.zoom(p, 28 / GRID, order=3, mode="nearest", grid_mode=True) for p in points])
    bent = np.asarray(apply(picture[None, ..., None], **moves, elastic=0.7, seed=seed))[0, ..., 0]
    np.testing.assert_allclose(bent, by_scipy(picture, **moves, field=field), atol=2e-3)


def test_bending_is_as_strong_as_asked_and_smooth():
    """A dot of ink moves by the field at its place, so many dots tell how strong the field is."""
    dots = np.zeros((400, 28, 28, 1), "float32")
    dots[:, 13:15, 13:15] = 0.25
    moved = np.array([centre(dot) for dot in np.asarray(apply(dots, elastic=1.0, seed=(1, 2)))[..., 0]])
    assert 0.6 < moved.std() < 1.1


def test_amounts_may_differ_from_image_to_image(ink):
    turns, widths = np.linspace(-20, 20, 5), np.linspace(-1, 1, 5)
    together = np.asarray(apply(ink[:5], rotation=turns, thicken=widths, blur=0.5))
    for number in range(5):
        alone = apply(ink[number : number + 1], rotation=turns[number], thicken=widths[number], blur=0.5)
        np.testing.assert_allclose(together[number], alone[0], atol=1e-5)


def test_drawn_amounts_keep_to_their_limits_and_augment_applies_them(ink):
    augment = Augment(elastic=0.0)
    drawn = augment.draw(1000, (1, 2))
    limits = {
        "rotation": (-10, 10), "shear": (-0.2, 0.2), "scale_x": (0.88, 1.12), "scale_y": (0.88, 1.12),
        "shift_x": (-1.5, 1.5), "shift_y": (-1.5, 1.5), "thicken": (-0.4, 0.8), "blur": (0, 0.6),
    }  # fmt: skip
    for name, (low, high) in limits.items():
        values = np.asarray(drawn[name])
        assert low - 1e-6 <= values.min() < low + 0.02 * (high - low)
        assert high - 0.02 * (high - low) < values.max() <= high + 1e-6
    amounts = augment.draw(len(ink), tf.random.split((1, 2), 2)[0])
    np.testing.assert_allclose(augment(tf.constant(ink), (1, 2)), apply(ink, **amounts), atol=1e-5)


def test_positive_amounts_turn_to_the_left_lean_to_the_right_and_move_right_and_down():
    upright = np.zeros((1, 28, 28, 1), "float32")
    upright[:, 6:22, 13:15] = 1.0
    turned, leaning = apply(upright, rotation=10.0), apply(upright, shear=0.2)
    turned_top, leaning_top = (centre(np.asarray(picture)[0, :14, :, 0])[1] for picture in (turned, leaning))
    assert turned_top < 13 < 14 < leaning_top
    np.testing.assert_allclose(centre(np.asarray(apply(upright, shift_x=2.0, shift_y=1.0))[0, ..., 0]), [14.5, 15.5])


@pytest.mark.parametrize("width", [-1.0, -0.3, 0.5, 1.0])
def test_stroke_width_is_scipys_dilation_or_erosion(ink, width):
    stored = ink[:20, ..., 0]
    extreme = ndimage.grey_dilation if width > 0 else ndimage.grey_erosion
    full = np.array([extreme(np.pad(picture, 1, mode="edge"), (3, 3))[1:-1, 1:-1] for picture in stored])
    expected = stored + abs(width) * (full - stored)
    np.testing.assert_allclose(np.asarray(apply(ink[:20], thicken=width))[..., 0], expected, atol=1e-5)


def test_turns_both_ways():
    many = augmented(np.repeat(corner()[None, ..., None], 64, axis=0), rotation=10.0)[..., 0]
    sideways = np.array([centre(picture[17:])[1] - centre(picture[:12])[1] for picture in many])
    upright = centre(corner()[17:])[1] - centre(corner()[:12])[1]
    assert 0.25 < np.mean(sideways > upright) < 0.75


def test_nothing_is_mirrored_or_put_on_its_head():
    """Each result resembles its original more than any flip of it: a mirrored b would be a d."""
    picture = corner()
    flips = [picture, picture[:, ::-1], picture[::-1], picture[::-1, ::-1], picture.T]
    many = np.asarray(Augment()(np.repeat(picture[None, ..., None], 64, axis=0), (5, 6)))[..., 0]
    blurred = np.array([ndimage.gaussian_filter(flip, 1.5) for flip in flips])
    likeness = np.einsum("nhw,fhw->nf", many, blurred) / np.linalg.norm(blurred, axis=(1, 2))
    assert (likeness.argmax(axis=1) == 0).all()


@pytest.mark.parametrize(
    ("amounts", "message"),
    [({"rotation": -5}, "rotation.*got -5"), ({"thicken": 1.5}, "thicken.*1"), ({"scale": 1.2}, "scale.*0.9"),
     ({"blur": float("nan")}, "blur"), ({"share": 1.5}, "share.*1"), ({"shift": float("inf")}, "shift.*got inf")],
)  # fmt: skip
def test_impossible_amounts_are_named(amounts, message):
    with pytest.raises(ValueError, match=message):
        Augment(**amounts)


@pytest.mark.parametrize(
    ("amounts", "message"),
    [({"thicken": 5}, "thicken must lie between -1 and 1; got 5"), ({"shift_x": float("nan")}, "shift_x.*got nan"),
     ({"scale_y": 0}, "scale_y"), ({"blur": -0.5}, "blur must lie between 0"), ({"elastic": [0.5, np.inf]}, "elastic"),
     ({"rotation": tf.constant([np.inf])}, "rotation")],
)  # fmt: skip
def test_amounts_that_would_leave_no_image_are_refused(ink, amounts, message):
    with pytest.raises(ValueError, match=message):
        apply(ink[:2], **amounts)


def test_an_unknown_amount_is_refused_with_the_known_ones(ink):
    with pytest.raises(TypeError, match=r"one of rotation, shear, scale_x.*got flip"):
        apply(ink[:2], flip=1)


@pytest.mark.parametrize("name", augment.LIMITS)
def test_the_largest_limit_still_gives_images(ink, name):
    operation = augment.LIMITS[name]
    highest, step = operation.limits[name]
    assert 0 < getattr(Augment(), name) <= highest <= operation.most and step > 0
    for most in (highest, operation.most):
        changed = augmented(ink[:20], **{name: most})
        assert np.isfinite(changed).all() and changed.min() >= 0 and changed.max() <= 1 + 1e-6


def test_only_changes_nothing_but_what_is_named():
    only = Augment.only(rotation=5.0, share=0.5)
    assert (only.rotation, only.share, only.shift, only.blur) == (5.0, 0.5, 0.0, 0.0)
    with pytest.raises(TypeError, match="flip"):
        Augment.only(flip=1.0)


def test_the_repr_names_every_limit_for_it_identifies_a_training():
    assert repr(Augment(shift=2.0)) == (
        "Augment(rotation=10.0, shear=0.2, scale=0.12, shift=2.0, elastic=0.6, thicken=0.8, thin=0.4, blur=0.6, "
        "share=1.0)"
    )


def test_one_entry_makes_a_change(ink, monkeypatch):
    """It can be applied without an edit elsewhere, and every limit and amount is documented."""
    fade = augment.Operation(
        lambda ink, fade: ink * (1 - fade[..., None]), {"fade": (1.0, 0.1)}, ("fade",), both_ways=False, most=1.0
    )
    monkeypatch.setattr(augment, "REPAINTS", (*augment.REPAINTS, fade))
    monkeypatch.setattr(augment, "OPERATIONS", (*augment.OPERATIONS, fade))
    np.testing.assert_allclose(apply(ink[:2], fade=0.25), 0.75 * ink[:2], atol=1e-6)
    with pytest.raises(ValueError, match="fade must lie between 0 and 1"):
        apply(ink[:2], fade=1.5)
    fields = [field.name for field in dataclasses.fields(Augment)]
    assert fields == [*augment.LIMITS, "share"] and all(name in Augment.__doc__ for name in fields)
    assert all(name in apply.__doc__ for operation in augment.OPERATIONS[:-1] for name in operation.amounts)


def amounts_of(theta=0.0, tx=0.0, ty=0.0, shear=0.0, zx=1.0, zy=1.0):
    """Translate a transform of Keras' ``ImageDataGenerator`` into the arguments of `apply`.

    Theirs gives where a pixel comes from, rotation(shift(shear(zoom(pixel)))), ours where it goes: everything is
    inverted, and the shift, which for us comes last, passes through shear and zoom.
    """
    slant = np.tan(np.radians(shear))
    scale_x, scale_y = 1 / zx, 1 / (zy * np.cos(np.radians(shear)))
    return {
        "rotation": theta, "shear": -slant, "scale_x": scale_x, "scale_y": scale_y,
        "shift_x": -scale_x * (tx + slant * ty), "shift_y": -scale_y * ty,
    }  # fmt: skip


#: The recipe that many tutorials share, and the same limits for `Augment`, as in notebook 02.
TUTORIAL = {"rotation_range": 10, "zoom_range": 0.1, "width_shift_range": 0.1, "height_shift_range": 0.1}
SAME = Augment.only(rotation=10.0, scale=0.1, shift=2.8)
TRANSFORMS = st.fixed_dictionaries(
    {
        "theta": st.floats(-30, 30), "tx": st.floats(-4, 4), "ty": st.floats(-4, 4), "shear": st.floats(-20, 20),
        "zx": st.floats(0.8, 1.3), "zy": st.floats(0.8, 1.3),
    }
)  # fmt: skip


@given(TRANSFORMS)
def test_a_transform_of_imagedatagenerator_gives_the_same_picture(transform):
    picture = corner()[..., None]
    generator = tf.keras.preprocessing.image.ImageDataGenerator(fill_mode="constant")
    ours = np.asarray(apply(picture[None], **amounts_of(**transform)))[0]
    np.testing.assert_allclose(ours, generator.apply_transform(picture, transform), atol=1e-3)


def test_the_equivalent_of_the_old_recipe_draws_from_nearly_the_same_limits():
    generator = tf.keras.preprocessing.image.ImageDataGenerator(**TUTORIAL)
    drawn = [generator.get_random_transform((28, 28, 1), seed=number) for number in range(2000)]
    translated = [amounts_of(*(one[name] for name in ("theta", "tx", "ty", "shear", "zx", "zy"))) for one in drawn]
    ours = SAME.draw(2000, (1, 2))
    for name, tolerance in {
        "rotation": 0.2,
        "scale_x": 0.02,
        "scale_y": 0.02,
        "shift_x": 0.35,
        "shift_y": 0.35,
    }.items():
        old = [one[name] for one in translated]
        new = np.asarray(ours[name])
        np.testing.assert_allclose([np.min(old), np.max(old)], [new.min(), new.max()], atol=tolerance)


def test_a_share_of_the_images_stays_as_it_is(ink):
    changed, seldom, never = (augmented(ink, rotation=10.0, share=share) for share in (1.0, 0.3, 0.0))
    same = (seldom == ink).all(axis=(1, 2, 3))
    assert 0.5 < same.mean() < 0.9
    np.testing.assert_array_equal(seldom[~same], changed[~same])
    np.testing.assert_array_equal(never, ink)


def test_pictures_of_several_sizes_in_one_process():
    everything = {"rotation": 5.0, "shift_x": 1.0, "elastic": 0.5, "thicken": 0.5, "blur": 0.5}
    for height, width in ((28, 28), (28, 20), (40, 28)):
        ink = np.zeros((2, height, width, 1), "float32")
        ink[:, 6:10, 6:10] = 1.0
        moved = apply(ink, shift_x=3.0, shift_y=1.0).numpy()
        assert np.array_equal(moved, np.roll(ink, (1, 3), axis=(1, 2)))
    assert apply(ink, **everything).shape == ink.shape
