"""Images and masks under Matterport's names, against scikit-image and SciPy."""

import numpy as np
import pytest
import scipy.ndimage
import skimage.transform

from mrcnn import utils


@pytest.fixture
def image(rng):
    """Return a smooth image of 30 x 20 pixels."""
    return scipy.ndimage.gaussian_filter(
        rng.integers(0, 256, (30, 20, 3)).astype(float), (2, 2, 0)
    ).astype(np.uint8)


def bilinear(array, shape):
    """Resize as Matterport did."""
    return skimage.transform.resize(
        array,
        shape,
        order=1,
        mode="constant",
        preserve_range=True,
        anti_aliasing=False,
    )


def test_square_by_hand(image):
    found, window, scale, padding, crop = utils.resize_image(
        image, min_dim=40, max_dim=64, mode="square"
    )
    assert found.shape == (64, 64, 3)
    assert found.dtype == np.uint8
    assert scale == pytest.approx(2.0)
    assert window == (2, 12, 62, 52)
    assert padding == [(2, 2), (12, 12), (0, 0)]
    assert crop is None
    inside = found[2:62, 12:52].astype(float)
    # Rounded here, cut off there.
    np.testing.assert_allclose(inside, bilinear(image, (60, 40)), atol=0.51)
    found[2:62, 12:52] = 0
    assert not found.any()


def test_the_long_side_limits_the_square(image):
    found, window, scale, *_ = utils.resize_image(image, min_dim=60, max_dim=64)
    assert found.shape == (64, 64, 3)
    assert window[2] - window[0] == 64
    assert scale == pytest.approx(64 / 30, rel=0.02)


def test_pad64_none_and_crop(image):
    found, window, scale, padding, _ = utils.resize_image(
        image, min_dim=40, mode="pad64"
    )
    assert found.shape == (64, 64, 3)
    assert (window, scale) == ((2, 12, 62, 52), 2.0)
    found, window, scale, padding, crop = utils.resize_image(image, mode="none")
    assert found is image
    assert (window, scale, crop) == ((0, 0, 30, 20), 1, None)
    assert padding == [(0, 0)] * 3
    np.random.seed(1)
    found, _, scale, _, (y, x, height, width) = utils.resize_image(
        image, min_dim=32, min_scale=2.0, mode="crop"
    )
    assert found.shape == (32, 32, 3)
    assert (height, width, scale) == (32, 32, 2.0)
    whole = bilinear(image, (60, 40))[y : y + 32, x : x + 32]
    np.testing.assert_allclose(found, whole, atol=0.51)


@pytest.mark.parametrize("mode", ["square", "pad64", "crop"])
def test_masks_go_where_their_image_goes(rng, mode):
    mask = np.zeros((30, 20, 2), bool)
    mask[5:20, 3:17, 0] = mask[25:30, 15:20, 1] = True
    image = np.repeat(mask[..., :1], 3, axis=-1).astype(np.uint8) * 255
    placed, _, scale, padding, crop = utils.resize_image(
        image, min_dim=64, max_dim=128, min_scale=2.0, mode=mode
    )
    found = utils.resize_mask(mask, scale, padding, crop)
    assert found.shape == (*placed.shape[:2], 2)
    border = (placed[..., 0] > 0) & (placed[..., 0] < 255)  # blended pixels
    np.testing.assert_array_equal(found[..., 0][~border], placed[..., 0][~border] > 0)


@pytest.mark.parametrize("scale", [1.0, 2.0, 3.0])
def test_masks_are_resized_as_by_scipy(rng, scale):
    mask = rng.random((9, 7, 3)) > 0.5
    found = utils.resize_mask(mask, scale, [(0, 0), (0, 0), (0, 0)])
    expected = scipy.ndimage.zoom(
        mask, (scale, scale, 1), order=0, mode="nearest", grid_mode=True
    )
    np.testing.assert_array_equal(found, expected)
    assert utils.resize_mask(mask[..., :0], 2.0, [(1, 2), (3, 4), (0, 0)]).shape == (
        *(21, 21),
        0,
    )


def test_mini_masks_there_and_back(rng):
    mask = np.zeros((40, 50, 2), bool)
    mask[4:32, 10:38, 0] = True
    mask[10:20, 20:40, 0] = False
    mask[0, 0, 1] = True  # one pixel
    boxes = utils.extract_bboxes(mask)
    mini = utils.minimize_mask(boxes, mask, (28, 28))
    assert mini.shape == (28, 28, 2)
    assert mini.dtype == bool
    np.testing.assert_array_equal(mini[..., 0], mask[4:32, 10:38, 0])
    assert mini[..., 1].any()
    np.testing.assert_array_equal(utils.expand_mask(boxes, mini, (40, 50, 3)), mask)
    with pytest.raises(ValueError, match="is empty"):
        utils.minimize_mask(np.zeros((1, 4), int), mask[..., :1], (28, 28))
    none = utils.minimize_mask(boxes[:0], mask[..., :0], (28, 28))
    assert none.shape == (28, 28, 0)


def test_a_full_mask_keeps_its_corners():
    full = np.ones((3, 5, 1), bool)
    box = np.array([[0, 0, 3, 5]])
    assert utils.minimize_mask(box, full, (56, 56)).all()
    assert utils.unmold_mask(np.ones((28, 28)), (0, 0, 90, 70), (90, 70, 3)).all()


def test_a_predicted_mask_in_its_box(rng):
    mask = scipy.ndimage.gaussian_filter(rng.random((28, 28)), 3).astype(np.float32)
    mask = (mask - mask.min()) / np.ptp(mask)
    found = utils.unmold_mask(mask, (3, 5, 23, 39), (30, 40, 3))
    resized = bilinear(mask, (20, 34))
    sure = abs(resized - 0.5) > 1e-5
    np.testing.assert_array_equal(found[3:23, 5:39][sure], (resized >= 0.5)[sure])
    found[3:23, 5:39] = False
    assert not found.any()


def test_bool_images_can_be_resized(rng):
    array = rng.random((6, 6)) > 0.5
    found = utils.resize(array, (9, 9))
    np.testing.assert_allclose(found, bilinear(array.astype(float), (9, 9)))
    same = utils.resize(array.astype(float), (4, 3), preserve_range=True)
    np.testing.assert_allclose(same, bilinear(array.astype(float), (4, 3)))


def test_molding_a_mask_was_never_written():
    assert utils.mold_mask(np.ones((2, 2)), None) is None
