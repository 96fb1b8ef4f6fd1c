"""From original to padded pixels and back: every mode by hand."""

import numpy as np
import pytest

from mrcnn.data.transforms import (
    add_mean,
    boxes_to_original,
    boxes_to_padded,
    check_image,
    place_image,
    place_masks,
    plan_geometry,
    scale_factor,
    scaled_shape,
    subtract_mean,
)
from mrcnn.structures import Preprocessing


def how(mode, min_dim, max_dim, min_scale=0):
    return Preprocessing(mode, min_dim, max_dim, min_scale, (1.0, 2.0, 3.0))


@pytest.mark.parametrize(
    ("shape", "preprocessing", "resized", "offset", "padded"),
    [
        # The short side grows to min_dim, and the long side fits.
        ((50, 100), how("square", 64, 128), (64, 128), (32, 0), (128, 128)),
        # It would not fit: the long side becomes max_dim.
        ((50, 200), how("square", 64, 128), (32, 128), (48, 0), (128, 128)),
        ((300, 300), how("square", 64, 128), (128, 128), (0, 0), (128, 128)),
        # Never shrunk, not even where min_dim asks for less.
        ((100, 90), how("square", 64, 128), (100, 90), (14, 19), (128, 128)),
        ((20, 30), how("square", 0, 128, 2), (40, 60), (44, 34), (128, 128)),
        ((1, 1), how("square", 64, 64), (64, 64), (0, 0), (64, 64)),
        ((1, 1000), how("square", 64, 128), (1, 128), (63, 0), (128, 128)),
        ((50, 100), how("pad64", 64, 0), (64, 128), (0, 0), (64, 128)),
        ((100, 130), how("pad64", 64, 0), (100, 130), (14, 31), (128, 192)),
        ((100, 80), how("crop", 64, 0), (100, 80), (-18, -8), (64, 64)),
        ((32, 64), how("crop", 64, 0), (64, 128), (0, -32), (64, 64)),
        ((64, 128), how("none", 0, 0), (64, 128), (0, 0), (64, 128)),
    ],
)
def test_modes_by_hand(shape, preprocessing, resized, offset, padded):
    geometry = plan_geometry(shape, preprocessing)
    assert geometry == (shape, resized, offset, padded)
    placed = place_image(np.full((*shape, 3), 255, np.uint8), geometry)
    assert placed.shape == (*padded, 3)
    y1, x1, y2, x2 = geometry.window.astype(int)
    assert placed[y1:y2, x1:x2].min() == 255  # the black outside does not come in
    placed[y1:y2, x1:x2] = 0
    assert not placed.any()


def test_no_side_shrinks_to_nothing():
    assert scaled_shape((3, 1000), 0.1) == (1, 100)


@pytest.mark.parametrize(
    ("shape", "preprocessing", "scale"),
    [
        ((50, 100), how("square", 64, 128), 1.28),
        ((50, 200), how("square", 64, 128), 0.64),
        ((100, 90), how("square", 64, 128), 1.0),
        ((20, 30), how("square", 0, 128, 2), 2.0),
        ((1, 1000), how("pad64", 64, 100), 64.0),
        ((32, 64), how("crop", 64, 0), 2.0),
        ((64, 128), how("none", 512, 512), 1.0),
    ],
)
def test_scales_by_hand(shape, preprocessing, scale):
    assert scale_factor(shape, preprocessing) == scale
    assert isinstance(scale_factor(shape, preprocessing), float)


def test_none_takes_multiples_of_64_only():
    with pytest.raises(ValueError, match=r'64 x 100 pixels.*"none".*"square"'):
        plan_geometry((64, 100), how("none", 0, 0))


def test_random_crops_stay_inside():
    rng = np.random.default_rng(0)
    offsets = [
        plan_geometry((70, 66), how("crop", 64, 0), rng).offset for _ in range(200)
    ]
    rows, columns = (set(values) for values in zip(*offsets, strict=True))
    assert rows == set(range(-6, 1))
    assert columns == {-2, -1, 0}


@pytest.mark.parametrize("mode", ["square", "pad64"])
@pytest.mark.parametrize("shape", [(50, 100), (100, 37), (128, 128), (2, 3)])
def test_boxes_there_and_back(rng, mode, shape):
    geometry = plan_geometry(shape, how(mode, 64, 128))
    corners = np.sort(rng.integers(0, np.array(shape) + 1, (40, 2, 2)), axis=1)
    boxes = corners.reshape(-1, 4)[(corners[:, 0] < corners[:, 1]).all(axis=1)]
    assert len(boxes) > 2
    padded = boxes_to_padded(boxes, geometry)
    assert padded.min() >= 0
    assert padded.max() <= 1
    np.testing.assert_allclose(boxes_to_original(padded, geometry), boxes, atol=1e-3)
    whole = np.array([[0, 0, *shape]])
    window = boxes_to_padded(whole, geometry) * (np.tile(geometry.padded_shape, 2) - 1)
    np.testing.assert_allclose(window[0] + [0, 0, 1, 1], geometry.window, atol=1e-3)


def test_no_boxes():
    geometry = plan_geometry((50, 100), how("square", 64, 128))
    assert boxes_to_padded(np.zeros((0, 4)), geometry).shape == (0, 4)
    assert boxes_to_original(np.zeros((0, 4)), geometry).shape == (0, 4)


def test_masks_follow_their_image():
    geometry = plan_geometry((2, 4), how("square", 4, 8))
    mask = np.array([[1, 0, 0, 1], [0, 1, 0, 0]], bool)[..., None]
    placed = place_masks(mask, geometry)
    assert placed.shape == (8, 8, 1)
    np.testing.assert_array_equal(
        placed[2:6, :, 0], np.kron(mask[..., 0], np.ones((2, 2), bool))
    )
    assert placed.sum() == 3 * 4
    assert place_masks(np.zeros((2, 4, 0), bool), geometry).shape == (8, 8, 0)


def test_the_mean_is_subtracted_in_float32():
    image = subtract_mean(np.zeros((2, 2, 3), np.uint8), how("none", 0, 0))
    assert image.dtype == np.float32
    np.testing.assert_array_equal(image[0, 0], [-1, -2, -3])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_mean_comes_back(dtype):
    levels = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    mean = how("none", 0, 0)._replace(mean_pixel=(123.7, 116.8, 103.9))
    plain = subtract_mean(levels, mean, dtype)
    assert plain.dtype == dtype
    np.testing.assert_array_equal(add_mean(plain, mean), levels)
    np.testing.assert_array_equal(add_mean(plain - 255, mean), np.zeros((256, 3)))


def test_images_of_every_kind(rng):
    grey = rng.integers(0, 256, (5, 4), dtype=np.uint8)
    rgb = np.repeat(grey[..., None], 3, axis=-1)
    rgba = np.concatenate([rgb, np.zeros((5, 4, 1), np.uint8)], axis=-1)
    for image in (grey, grey[..., None], rgb, rgba, rgb + 0.4, rgb.astype(int)):
        checked = check_image(image, "x")
        assert checked.dtype == np.uint8
        np.testing.assert_array_equal(checked, rgb)


@pytest.mark.parametrize(
    ("image", "match"),
    [
        (np.zeros((0, 4, 3)), r"fig: shape \(0, 4, 3\)"),
        (np.zeros(4), r"fig: shape"),
        (np.zeros((4, 4, 2)), r"fig: 2 channels.*takes 3.*IMAGE_CHANNEL_COUNT"),
        (np.full((4, 4, 3), np.nan), r"fig: 48 pixel values are NaN"),
        (np.full((4, 4, 3), 256.0), r"fig: pixels from 256.* 0\.\.255"),
        (np.full((4, 4, 3), -1), r"fig: pixels from -1"),
    ],
)
def test_no_images(image, match):
    with pytest.raises(ValueError, match=match):
        check_image(image, "fig")
