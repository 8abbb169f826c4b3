"""Augmented images stay images of the same character: in range, about as much ink, upright, not mirrored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from scipy.optimize import minimize_scalar

from hcr_lib import datasets
from hcr_lib._tf import tf
from hcr_lib.augment import Augment

NOTHING = dict.fromkeys(("rotation", "shear", "scale", "shift", "elastic", "thicken", "thin", "blur"), 0.0)
SEEDS = st.tuples(st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))


@pytest.fixture(scope="module")
def ink() -> np.ndarray:
    """Two of each character, float32 (124, 28, 28, 1)."""
    return datasets.load("bundled", "test").images[:124, ..., None].astype("float32") / 255


def augmented(ink, seed=(1, 2), **amounts) -> np.ndarray:
    return np.asarray(Augment(**NOTHING | amounts)(tf.constant(ink), seed))


@given(seed=SEEDS)
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


def rotated(picture: np.ndarray, degrees: float) -> np.ndarray:
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    matrix = np.array([[cos, -sin], [sin, cos]])
    middle = np.array([13.5, 13.5])
    return ndimage.affine_transform(picture, matrix, middle - matrix @ middle, order=1)


@pytest.mark.parametrize("number", range(4))
def test_a_rotation_alone_is_scipys_rotation_about_the_middle(number):
    picture = corner()
    turned = augmented(picture[None, ..., None], seed=(number, 0), rotation=15.0)[0, ..., 0]
    start = min(np.arange(-16, 17), key=lambda degrees: np.abs(rotated(picture, degrees) - turned).sum())
    found = minimize_scalar(
        lambda degrees: np.abs(rotated(picture, degrees) - turned).sum(),
        bounds=(start - 1, start + 1), method="bounded", options={"xatol": 1e-5},
    )  # fmt: skip
    assert abs(found.x) <= 15.0
    np.testing.assert_allclose(turned, rotated(picture, found.x), atol=2e-3)


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
     ({"blur": float("nan")}, "blur")],
)  # fmt: skip
def test_impossible_amounts_are_named(amounts, message):
    with pytest.raises(ValueError, match=message):
        Augment(**amounts)
