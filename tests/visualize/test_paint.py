"""Detections as pixels: where colour is, and where it is not."""

import numpy as np
import pytest

from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.rle import encode
from mrcnn.structures import Detection
from mrcnn.visualize.instances import FILL, random_colors
from mrcnn.visualize.paint import paint

NAMES = ["BG", "square", "disc"]


def detection(masks, class_ids, form="array"):
    """Return detections with the boxes of masks (h, w, n), scores falling from 0.9."""
    count = masks.shape[-1]
    return Detection(
        rois=boxes_of_masks(masks).astype(np.int32),
        class_ids=np.array(class_ids, np.int32),
        scores=np.linspace(0.9, 0.5, count).astype(np.float32),
        masks=masks if form == "array" else encode(masks),
    )


@pytest.fixture
def masks():
    """Return a square, and a larger one of which the first covers a part."""
    masks = np.zeros((120, 160, 2), bool)
    masks[60:90, 10:70, 0] = True
    masks[70:110, 40:100, 1] = True
    return masks


@pytest.mark.parametrize("form", ["array", "rle"])
def test_inside_is_a_blend_and_the_border_the_colour(masks, form):
    image = np.full((120, 160, 3), 100, np.uint8)
    drawn = paint(image, detection(masks, [1, 2], form), NAMES)
    first, second = (255 * np.array(colour) for colour in random_colors(2))
    np.testing.assert_allclose(drawn[65, 30], 100 * (1 - FILL) + first * FILL, atol=1)
    np.testing.assert_allclose(drawn[100, 80], 100 * (1 - FILL) + second * FILL, atol=1)
    np.testing.assert_allclose(drawn[89, 10:39], np.tile(first, (29, 1)), atol=1)
    np.testing.assert_allclose(drawn[109, 41:99], np.tile(second, (58, 1)), atol=1)
    assert (drawn[112:] == 100).all() and (drawn[:40] == 100).all()
    assert (image == 100).all()  # what was given is as it was


def test_the_best_is_on_top(masks):
    image = np.zeros((120, 160, 3), np.uint8)
    drawn = paint(image, detection(masks, [1, 2]), NAMES)
    np.testing.assert_allclose(
        drawn[75:88, 69], np.tile(255 * np.array(random_colors(1)[0]), (13, 1)), atol=1
    )


def test_a_label_lies_above_its_box(masks):
    """White or dark on the colour of the class."""
    image = np.full((120, 160, 3), 100, np.uint8)
    drawn = paint(image, detection(masks[..., :1], [1]), NAMES)
    above = drawn[45:60, 10:70]
    assert (above != 100).any(axis=-1).mean() > 0.5
    assert above.min(axis=-1).max() > 180


def test_what_is_narrower_than_its_label_has_none(masks):
    image = np.full((120, 160, 3), 100, np.uint8)
    narrow = masks[..., :1] & (np.arange(160) < 25)[:, None]
    drawn = paint(image, detection(narrow, [1]), NAMES)
    np.testing.assert_array_equal((drawn != 100).any(axis=-1), narrow[..., 0])


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3)])
def test_boxes_at_every_border_and_pictures_of_a_pixel(shape):
    masks = np.ones((*shape, 1), bool)
    drawn = paint(np.zeros((*shape, 3), np.uint8), detection(masks, [1]), NAMES)
    assert drawn.shape == (*shape, 3) and drawn.any()


def test_nothing_found_is_the_picture_itself():
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    for form in ("array", "rle"):
        none = detection(np.zeros((4, 4, 0), bool), [], form)
        np.testing.assert_array_equal(paint(image, none, NAMES), image)
    grey = paint(image[..., 0], none, NAMES)
    np.testing.assert_array_equal(grey, np.repeat(image[..., :1], 3, axis=-1))


def test_a_class_without_a_name_is_one_error(masks):
    image = np.zeros((120, 160, 3), np.uint8)
    with pytest.raises(ValueError, match="there is a class 2"):
        paint(image, detection(masks, [1, 2]), NAMES[:2])
