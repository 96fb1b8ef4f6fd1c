"""Masks: resized as scikit-image does, pasted inside their boxes, cut for training."""

import numpy as np
import pytest
import skimage.transform
from keras import ops
from scipy.ndimage import convolve1d

from mrcnn.ops import masks as mask_ops
from mrcnn.ops.resize import resize_bilinear


def disc(side: int = 64, radius: float = 20) -> np.ndarray:
    """Return a round mask (side, side) in the middle."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return y * y + x * x <= radius * radius


@pytest.mark.parametrize("source", [(1, 1), (5, 9), (28, 28), (40, 3)])
@pytest.mark.parametrize("target", [(1, 1), (7, 4), (28, 28), (61, 90)])
def test_resizing_is_that_of_scikit_image(rng, source, target):
    array = rng.uniform(0.2, 1, (*source, 2)).astype(np.float32)
    expected = skimage.transform.resize(
        array, target, order=1, mode="constant", anti_aliasing=False
    )
    np.testing.assert_allclose(resize_bilinear(array, target), expected, atol=1e-5)


def test_resizing_to_the_same_size_changes_nothing(rng):
    array = rng.random((6, 7)).astype(np.float32)
    np.testing.assert_array_equal(resize_bilinear(array, (6, 7)), array)


def test_a_result_can_be_written_to_and_the_next_is_not_changed(rng):
    array = rng.random((6, 7)).astype(np.float32)
    first = resize_bilinear(array, (9, 4))
    expected = first.copy()
    first *= 2
    np.testing.assert_array_equal(resize_bilinear(array, (9, 4)), expected)


def test_pasting_by_hand():
    masks = np.ones((1, 4, 4), np.float32)
    pasted = mask_ops.paste_masks(masks, np.array([[2, 3, 6, 7]]), (8, 8))
    expected = np.zeros((8, 8, 1), bool)
    expected[2:6, 3:7] = True
    np.testing.assert_array_equal(pasted, expected)


def test_pasting_cuts_at_the_image_and_skips_what_lies_outside(rng):
    masks = rng.random((4, 28, 28)).astype(np.float32)
    boxes = np.array(
        [[-5, -7, 12, 9], [20, 20, 50, 60], [3, 3, 3, 9], [90, 90, 99, 99]]
    )
    pasted = mask_ops.paste_masks(masks, boxes, (30, 40))
    for i, (y1, x1, y2, x2) in enumerate(boxes[:2]):
        whole = resize_bilinear(masks[i], (y2 - y1, x2 - x1)) >= 0.5
        for y in range(30):
            for x in range(40):
                inside = y1 <= y < y2 and x1 <= x < x2
                assert pasted[y, x, i] == (inside and whole[y - y1, x - x1])
    assert not pasted[..., 2:].any()
    assert mask_ops.paste_masks(masks[:0], boxes[:0], (30, 40)).shape == (30, 40, 0)


def test_a_mask_that_fills_its_box_keeps_its_corners():
    pasted = mask_ops.paste_masks(
        np.full((1, 28, 28), 0.5, np.float32), np.array([[0, 0, 90, 61]]), (90, 61)
    )
    assert pasted.all()
    assert mask_ops.mini_mask(np.ones((9, 5), bool), [0, 0, 9, 5], (56, 56)).all()


def test_boxes_are_tight_and_empty_masks_have_none():
    masks = np.zeros((10, 12, 3), bool)
    masks[2:5, 3:9, 0] = True
    masks[9, 11, 2] = True
    expected = [[2, 3, 5, 9], [0, 0, 0, 0], [9, 11, 10, 12]]
    assert mask_ops.boxes_of_masks(masks).tolist() == expected
    assert mask_ops.boxes_of_masks(masks[..., :0]).shape == (0, 4)


def test_a_mini_mask_pasted_back_is_nearly_the_mask():
    mask = disc()
    (box,) = mask_ops.boxes_of_masks(mask[..., None])
    mini = mask_ops.mini_mask(mask, box, (56, 56))
    back = mask_ops.paste_masks(mini[None].astype(np.float32), box[None], mask.shape)
    assert (back[..., 0] & mask).sum() / (back[..., 0] | mask).sum() > 0.97
    with pytest.raises(ValueError, match="empty"):
        mask_ops.mini_mask(mask, np.array([4, 4, 4, 9]), (56, 56))


def test_half_a_pixel_of_a_mini_mask_is_rounded_to_nothing():
    mask = np.array([[1, 0, 1, 1], [1, 0, 0, 1]], bool)  # one half, three quarters
    mini = mask_ops.mini_mask(mask, np.array([0, 0, 2, 4]), (1, 2))
    assert mini.tolist() == [[False, True]]
    with pytest.raises(ValueError, match=r"\[2, 0, 3, 4\] is empty or outside.*2 x 4"):
        mask_ops.mini_mask(mask, np.array([2, 0, 3, 4]), (1, 2))


def test_a_roi_around_a_square_is_taught_a_full_mask():
    masks = np.zeros((1, 1, 64, 64), np.uint8)
    masks[0, 0, 16:48, 8:40] = 1
    corners = np.array([[[16, 8, 47, 39]]], np.float32) / 63
    edges = np.array([[[16, 8, 48, 40]]], np.float32) / 64
    for boxes, aligned in ((corners, False), (edges, True)):
        target = mask_ops.mask_targets(masks, boxes, 28, aligned=aligned)
        np.testing.assert_array_equal(ops.convert_to_numpy(target), 1.0)


@pytest.mark.parametrize("aligned", [False, True])
def test_half_a_square_fills_half_the_target(aligned):
    masks = np.zeros((1, 1, 64, 64), np.uint8)
    masks[0, 0, :32] = 1
    boxes = np.array([[[0, 0, 1, 1]]], np.float32)
    target = mask_ops.mask_targets(masks, boxes, 28, aligned=aligned)
    target = ops.convert_to_numpy(target)[0, 0]
    np.testing.assert_array_equal(target[:14], 1.0)
    np.testing.assert_array_equal(target[14:], 0.0)


@pytest.mark.parametrize("aligned", [False, True])
def test_a_roi_that_is_the_objects_box_is_taught_the_objects_mask(aligned):
    mask = disc() & (np.arange(64) > 20)  # a disc that lacks its left part
    ((y1, x1, y2, _),) = mask_ops.boxes_of_masks(mask[..., None])
    x2 = x1 + y2 - y1  # a square, so that one sample falls on each pixel
    corners = np.array([y1, x1, y2 - 1, x2 - 1]) / 63
    edges = np.array([y1, x1, y2, x2]) / 64
    box = (edges if aligned else corners).astype(np.float32)[None, None]
    target = mask_ops.mask_targets(
        mask[None, None].astype(np.uint8), box, int(y2 - y1), aligned=aligned
    )
    target = ops.convert_to_numpy(target)[0, 0]
    np.testing.assert_array_equal(target, mask[y1:y2, x1:x2])


def test_smoothing_by_hand():
    masks = np.zeros((1, 1, 5, 5), np.float32)
    masks[0, 0, 2, 2], masks[0, 0, 0, 0] = 16, 16
    expected = np.outer([0, 1, 2, 1, 0], [0, 1, 2, 1, 0]).astype(float)
    expected[:2, :2] += np.outer([3, 1], [3, 1])  # the corner stands for its neighbours
    np.testing.assert_array_equal(mask_ops.smooth_masks(masks, 1)[0, 0], expected)
    assert mask_ops.smooth_masks(masks, 0) is masks


@pytest.mark.parametrize("more", [(), (3,)])
def test_smoothing_is_that_of_scipy(rng, more):
    masks = rng.random((2, 3, 7, 9, *more), np.float32)
    expected = masks
    for axis in (2, 3, 2, 3):
        expected = convolve1d(expected, [0.25, 0.5, 0.25], axis, mode="nearest")
    np.testing.assert_allclose(mask_ops.smooth_masks(masks, 2), expected, rtol=1e-5)
