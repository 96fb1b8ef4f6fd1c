"""Thin parts of objects: strings, tails and scattered pixels outlive shrinking."""

import numpy as np
import pytest
from scipy.ndimage import label

from mrcnn.data.transforms import place_masks, plan_geometry
from mrcnn.ops.masks import boxes_of_masks, mini_mask
from mrcnn.ops.thin import keep_thin, reaches
from mrcnn.structures import Preprocessing

SIDE, SMALL = 400, 64
HOW = Preprocessing("square", 0, SMALL, 0, (0.0, 0.0, 0.0))


def empty() -> np.ndarray:
    return np.zeros((SIDE, SIDE), bool)


def blob_with_tail() -> np.ndarray:
    mask = empty()
    mask[150:250, 150:250] = mask[200, 250:390] = True
    return mask


def balloon_with_string() -> np.ndarray:
    y, x = np.mgrid[:SIDE, :SIDE]
    mask = np.hypot(y - 100, x - 200) <= 80
    mask[150:390, 200] = True
    return mask


def blob_and_wire() -> np.ndarray:
    mask = empty()
    mask[100:300, 20:120] = mask[201, 200:390] = True
    return mask


def scattered() -> np.ndarray:
    mask = empty()
    mask[tuple(np.random.default_rng(0).integers(0, SIDE, (2, 100)))] = True
    return mask


def large_with_tail() -> np.ndarray:
    """More than half of the picture, so that no share of its box is small."""
    mask = empty()
    mask[:, :300] = mask[200, 300:390] = True
    return mask


SHAPES = [
    blob_with_tail,
    balloon_with_string,
    blob_and_wire,
    scattered,
    large_with_tail,
]


def shrink(mask: np.ndarray) -> np.ndarray:
    return place_masks(mask[..., None], plan_geometry(mask.shape, HOW))[..., 0]


def nearest(mask: np.ndarray) -> np.ndarray:
    sampled = ((np.arange(SMALL) + 0.5) * (SIDE / SMALL)).astype(int)
    return mask[sampled][:, sampled]


@pytest.mark.parametrize("turned", range(4))
@pytest.mark.parametrize("shape", SHAPES)
def test_the_box_stays_that_of_the_whole_object(shape, turned):
    mask = np.rot90(shape(), turned)
    small = shrink(mask)
    (box,), (whole,) = (boxes_of_masks(m[..., None]) for m in (small, mask))
    assert abs(box - whole * SMALL / SIDE).max() <= 1
    assert (small >= nearest(mask)).all()  # what was sampled stays
    (lost,) = boxes_of_masks(nearest(mask)[..., None])
    assert abs(lost - whole * SMALL / SIDE).max() > 1  # as sampling alone does


def test_a_tail_is_one_cell_wide_and_hangs_on_its_object():
    small = shrink(blob_with_tail())
    body = nearest(blob_with_tail())
    added = small & ~body
    # Row 200 of 400 is in cell 32 of 64; columns 250 to 389 are in cells 40 to 62.
    assert np.unique(np.nonzero(added)[0]).tolist() == [32]
    assert np.flatnonzero(small[32])[-1] == 62
    assert label(small, np.ones((3, 3)))[1] == 1


def test_a_large_object_and_its_neighbours_keep_their_pixels(rng):
    """Rects and discs of any place and size, alone and in one mask: to the pixel."""
    y, x = np.mgrid[:SIDE, :SIDE]
    for _ in range(60):
        cy, cx = rng.uniform(0, SIDE, 2)
        half = rng.uniform(13, 250, 2)
        rect = (abs(y - cy) < half[0]) & (abs(x - cx) < half[1])
        disc = np.hypot(y - cy, x - cx) < half[0]
        for mask in (rect, disc, rect | disc[::-1]):
            np.testing.assert_array_equal(shrink(mask), nearest(mask))


def test_each_mask_is_looked_at_by_itself():
    masks = np.stack([blob_with_tail(), empty(), blob_and_wire()], axis=-1)
    small = place_masks(masks, plan_geometry(masks.shape[:2], HOW))
    for i in range(3):
        np.testing.assert_array_equal(small[..., i], shrink(masks[..., i]))
    assert not small[..., 1].any()


def test_a_mini_mask_keeps_the_tail():
    mask = blob_with_tail()
    (box,) = boxes_of_masks(mask[..., None])
    part = mask[box[0] : box[2], box[1] : box[3]]
    mini = mini_mask(mask, box, (28, 28))
    assert not mini[:, -1].any()
    kept = keep_thin(part, mini)
    assert np.flatnonzero(kept[:, -1]).tolist() == [14]  # row 50 of 100
    np.testing.assert_array_equal(kept[:, :11], mini[:, :11])


@pytest.mark.parametrize(
    ("pixel", "expected"), [((2, 2), True), ((1, 1), False), ((3, 3), False)]
)
def test_within_two_cells_of_each_side(pixel, expected):
    mask = np.zeros((8, 8), bool)
    mask[pixel] = True
    assert reaches(mask, np.array([1, 1, 4, 4])) == expected
    assert not reaches(mask, np.array([0, 0, 8, 8]))
