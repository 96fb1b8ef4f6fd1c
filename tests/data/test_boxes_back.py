"""Boxes and masks return to the original image by the scale that shrank it."""

import numpy as np
import pytest

from mrcnn.data.transforms import (
    boxes_to_original,
    boxes_to_padded,
    place_masks,
    plan_geometry,
)
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.structures import Preprocessing


def square(side: int) -> Preprocessing:
    return Preprocessing("square", 0, side, 0, (0.0, 0.0, 0.0))


def there_and_back(masks: np.ndarray, side: int) -> np.ndarray:
    """Return the boxes (n, 4) that perfect detections in the shrunk image have."""
    geometry = plan_geometry(masks.shape[:2], square(side))
    shrunk = boxes_of_masks(place_masks(masks, geometry))
    normalised = box_ops.normalise(shrunk, geometry.padded_shape, xp=np)
    return boxes_to_original(normalised.astype(np.float32), geometry)


@pytest.mark.parametrize(
    ("shape", "pixels", "expected"),
    [
        ((192, 192), [10, 20, 30, 60], [30, 60, 90, 180]),  # a third of its size
        ((192, 192), [0, 0, 64, 64], [0, 0, 192, 192]),
        ((192, 192), [63, 63, 64, 64], [189, 189, 192, 192]),  # the last pixel
        ((96, 192), [16, 0, 48, 64], [0, 0, 96, 192]),  # rows 16 to 47, centred
        ((96, 192), [17, 1, 18, 2], [3, 3, 6, 6]),
        ((64, 64), [3, 5, 7, 9], [3, 5, 7, 9]),
    ],
)
def test_by_hand(shape, pixels, expected):
    geometry = plan_geometry(shape, square(64))
    padded = box_ops.normalise(np.array([pixels]), (64, 64), xp=np)
    back = boxes_to_original(padded, geometry)
    np.testing.assert_allclose(back, [expected], atol=1e-3)
    np.testing.assert_allclose(
        boxes_to_padded(np.array([expected]), geometry), padded, atol=1e-6
    )


def test_an_enlarged_image_gives_smaller_boxes():
    geometry = plan_geometry((32, 32), Preprocessing("square", 64, 64, 0, (0.0,)))
    padded = box_ops.normalise(np.array([[2, 4, 6, 9]]), (64, 64), xp=np)
    np.testing.assert_allclose(
        boxes_to_original(padded, geometry), [[1, 2, 3, 4.5]], atol=1e-4
    )


@pytest.mark.parametrize("shape", [(192, 192), (191, 100), (300, 417), (70, 640)])
def test_a_mask_comes_back_within_half_a_shrunk_pixel(rng, shape):
    scale = max(shape) / 64
    starts = rng.integers(0, np.array(shape) - int(3 * scale), (200, 2))
    sides = rng.integers(int(2 * scale) + 1, np.array(shape) - starts + 1)
    masks = np.zeros((*shape, 200), bool)
    for i, ((y1, x1), (y2, x2)) in enumerate(zip(starts, starts + sides, strict=True)):
        masks[y1:y2, x1:x2, i] = True
    errors = there_and_back(masks, 64) - boxes_of_masks(masks)
    per_side = np.divide(shape, plan_geometry(shape, square(64)).resized_shape)
    assert (abs(errors) <= np.tile(per_side, 2) / 2 + 1e-3).all()


def test_no_edge_is_drawn_inwards_or_outwards():
    """A third of the size: over all places the errors of each edge sum up to nothing.

    Matterport's way back is two pixels too small near the origin, one in the middle.
    """
    places = np.arange(9, 90)
    masks = np.zeros((192, 192, len(places)), bool)
    for i, place in enumerate(places):
        masks[place : place + 30, place : place + 60, i] = True
    errors = there_and_back(masks, 64) - boxes_of_masks(masks)
    np.testing.assert_allclose(errors.mean(axis=0), 0, atol=1e-3)
    assert set(np.rint(errors).ravel()) == {-1, 0, 1}
