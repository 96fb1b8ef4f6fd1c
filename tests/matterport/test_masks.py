"""Masks resized, shrunk and pasted: against SciPy and scikit-image, and by hand."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.transform

from mrcnn.matterport.images import resize_image
from mrcnn.matterport.masks import (
    expand_mask,
    minimize_mask,
    mold_mask,
    resize_mask,
    unmold_mask,
)

NO_PADDING = [(0, 0), (0, 0), (0, 0)]


def resized(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return scikit-image's bilinear resizing of one mask, as floats."""
    return skimage.transform.resize(
        mask.astype(float), shape, order=1, mode="constant", anti_aliasing=False
    )


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
@pytest.mark.parametrize("scale", [0.3, 0.5, 1, 1.28, 2, 3.7])
def test_resizing_is_the_zoom_of_scipy(rng, dtype, scale):
    mask = (rng.random((21, 34, 3)) < 0.5).astype(dtype)
    padding = [(3, 4), (0, 5), (0, 0)]
    expected = scipy.ndimage.zoom(mask, [scale, scale, 1], order=0)
    found = resize_mask(mask, scale, padding)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.pad(expected, padding))
    cropped = resize_mask(mask, scale, NO_PADDING, (2, 3, 4, 5))
    np.testing.assert_array_equal(cropped, expected[2:6, 3:8])


def test_pixels_of_a_resized_mask_by_hand():
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool)[..., None]
    twice = resize_mask(mask, 2, NO_PADDING)[..., 0]
    # Corners on corners: columns lie at 0, 3/7, 6/7, 9/7 .. 3; rows at 0, 1/3, 2/3, 1.
    columns, rows = [0, 0, 1, 1, 2, 2, 3, 3], [0, 0, 1, 1]
    np.testing.assert_array_equal(twice, mask[..., 0][rows][:, columns])


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (33, 70), (200, 151)])
@pytest.mark.parametrize("mode", ["none", "square", "pad64", "crop"])
def test_a_mask_keeps_the_size_of_its_image(rng, shape, mode):
    image, *how = resize_image(np.ones((*shape, 3)), 64, 128, mode=mode)
    window, scale, padding, crop = how
    mask = resize_mask(rng.random((*shape, 2)) < 0.5, scale, padding, crop)
    assert mask.shape == (*image.shape[:2], 2)
    whole = resize_mask(np.ones((*shape, 1), bool), scale, padding, crop)
    y1, x1, y2, x2 = window
    assert whole[y1:y2, x1:x2].all()
    assert whole.sum() == (y2 - y1) * (x2 - x1)


def test_resizing_no_masks_and_one_without_an_axis():
    none = resize_mask(np.zeros((4, 5, 0), bool), 2, [(1, 1), (0, 0), (0, 0)])
    assert (none.shape, none.dtype) == ((10, 10, 0), bool)
    assert resize_mask(np.ones((4, 5)), 2, [(1, 1), (0, 0), (0, 0)]).shape == (10, 10)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float64])
def test_mini_masks_are_rounded_bilinear_crops(rng, dtype):
    masks = np.zeros((90, 80, 3), dtype)
    boxes = np.array([[0, 0, 90, 75], [10, 20, 37, 51], [5, 5, 6, 6]], np.int32)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = rng.random((y2 - y1, x2 - x1)) < 0.5
    found = minimize_mask(boxes, masks, (28, 20))
    assert (found.shape, found.dtype) == ((28, 20, 3), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        exact = resized(masks[y1:y2, x1:x2, i], (28, 20))
        certain = np.abs(exact - 0.5) > 1e-6
        np.testing.assert_array_equal(found[..., i][certain], exact[certain] > 0.5)
        assert certain.mean() > 0.9


def test_half_of_a_mini_mask_s_pixel_is_nothing():
    # Two by two pixels become one, with 0 to 4 of them set: 2 of 4 is one half.
    blocks = [[(k > i) for i in range(4)] for k in range(5)]
    mask = np.concatenate([np.reshape(b, (2, 2)) for b in blocks], axis=1)[..., None]
    found = minimize_mask(np.array([[0, 0, 2, 10]]), mask, [1, 5])
    assert found[..., 0].tolist() == [[False, False, False, True, True]]


def test_mini_masks_at_their_edges():
    assert minimize_mask(np.zeros((0, 4)), np.zeros((9, 9, 0)), (56, 56)).shape == (
        56,
        56,
        0,
    )
    mask = np.ones((10, 10, 1), bool)
    for box in ([4, 4, 4, 9], [4, 4, 9, 2], [10, 0, 12, 5], [-5, -5, -1, -1]):
        with pytest.raises(ValueError, match=r"is empty or outside.*10 x 10"):
            minimize_mask(np.array([box]), mask, (4, 4))


def test_expanding_is_rounded_bilinear_pasting(rng):
    mini = rng.random((28, 28, 2)) < 0.5
    boxes = np.array([[3, 4, 70, 41], [50, 60, 61, 64]], np.int32)
    found = expand_mask(boxes, mini, (80, 70, 3))
    assert (found.shape, found.dtype) == ((80, 70, 2), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        exact = resized(mini[..., i], (y2 - y1, x2 - x1))
        certain = np.abs(exact - 0.5) > 1e-6
        inside = found[y1:y2, x1:x2, i]
        np.testing.assert_array_equal(inside[certain], exact[certain] > 0.5)
        assert certain.mean() > 0.9
        assert found[..., i].sum() == inside.sum()


def test_half_of_an_expanded_pixel_is_nothing_too():
    mini = np.array([[True, False]] * 2)[..., None]
    # One column lies in the middle of both: one half. The rows lose nothing to 0.
    assert not expand_mask(np.array([[0, 0, 2, 1]]), mini, (2, 1)).any()
    assert unmold_mask(mini[..., 0].astype(float), [0, 0, 2, 1], (2, 1)).all()


def test_a_full_mask_stays_full_at_every_size():
    box = np.array([[1, 2, 31, 19]])
    full = np.zeros((40, 30, 1), bool)
    full[1:31, 2:19] = True
    mini = minimize_mask(box, full, (56, 56))
    assert mini.all()
    np.testing.assert_array_equal(expand_mask(box, mini, (40, 30)), full)
    ones = np.ones((5, 5), np.float32)
    np.testing.assert_array_equal(unmold_mask(ones, box[0], (40, 30)), full[..., 0])


def test_there_and_back():
    y, x = np.mgrid[:64, :64] - 31.5
    disc = (y * y + x * x <= 400)[..., None]
    box = np.array([[12, 12, 52, 52]])
    back = expand_mask(box, minimize_mask(box, disc, (56, 56)), disc.shape)
    assert (back & disc).sum() / (back | disc).sum() > 0.97


def test_expanding_none_and_beyond_the_image():
    none = expand_mask(np.zeros((0, 4)), np.zeros((28, 28, 0), bool), (5, 6))
    assert none.shape == (5, 6, 0)
    mini = np.ones((4, 4, 2), bool)
    found = expand_mask(np.array([[-4, -4, 4, 4], [2, 2, 2, 5]]), mini, (6, 6))
    assert found[:4, :4, 0].any()
    assert not found[4:, :, 0].any()
    assert not found[..., 1].any()


@pytest.mark.parametrize("box", [(2, 3, 30, 21), (0, 0, 1, 1), (5, 5, 12, 50)])
def test_predicted_masks_are_pasted_from_one_half_on(rng, box):
    mask = rng.random((28, 28)).astype(np.float32)
    found = unmold_mask(mask, np.array(box), (40, 60, 3))
    y1, x1, y2, x2 = box
    expected = np.zeros((40, 60), bool)
    expected[y1:y2, x1:x2] = resized(mask, (y2 - y1, x2 - x1)) >= 0.5
    assert found.dtype == bool
    np.testing.assert_array_equal(found, expected)


def test_predicted_masks_at_their_edges():
    full = np.ones((28, 28), np.float32)
    assert unmold_mask(full, [0, 0, 28, 28], (28, 28)).all()
    assert not unmold_mask(full, [3, 3, 3, 9], (10, 10)).any()
    cut = unmold_mask(full, [-14, 4, 14, 32], (10, 10))
    assert cut[:, 4:].all()
    assert not cut[:, :4].any()


def test_molding_a_mask_is_matterport_s_empty_function():
    assert mold_mask(np.ones((3, 3)), None) is None
