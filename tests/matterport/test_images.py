"""Images resized as Matterport does it: by hand, and against SciPy and scikit-image."""

import random

import numpy as np
import pytest
import scipy.ndimage
import skimage.transform

from mrcnn.matterport.images import resize, resize_image

ZERO = [(0, 0), (0, 0), (0, 0)]


def bilinear(image: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Resize (h, w) by sampling between pixel centres, the outside being 0.

    Nothing becomes darker or lighter than the image already is somewhere.
    """
    points = [
        (np.arange(target) + 0.5) * (source / target) - 0.5
        for source, target in zip(image.shape, shape, strict=True)
    ]
    grid = np.meshgrid(*points, indexing="ij")
    image = image.astype(float)
    sampled = scipy.ndimage.map_coordinates(image, grid, order=1, mode="grid-constant")
    return np.clip(sampled, image.min(), image.max())


@pytest.mark.parametrize("source", [(1, 1), (5, 9), (40, 3)])
@pytest.mark.parametrize("target", [(1, 1), (7, 4), (61, 90)])
def test_resizing_samples_between_pixel_centres(rng, source, target):
    image = rng.random(source)
    np.testing.assert_allclose(
        resize(image, target), bilinear(image, target), atol=1e-9
    )


def test_resizing_of_every_type(rng):
    bits = rng.random((6, 8)) < 0.5
    found = resize(bits, (9, 5))
    assert found.dtype == np.float64
    np.testing.assert_allclose(found, bilinear(bits, (9, 5)), atol=1e-9)
    levels = rng.integers(0, 256, (6, 8), dtype=np.uint8)
    expected = bilinear(levels, (9, 5))
    np.testing.assert_allclose(resize(levels, (9, 5)), expected / 255, atol=1e-9)
    kept = resize(levels, (9, 5), preserve_range=True)
    np.testing.assert_allclose(kept, expected, atol=1e-6)
    assert resize(levels.astype(np.float32), (3, 3)).dtype == np.float32
    nearest = resize(levels, (12, 16), order=0, preserve_range=True)
    np.testing.assert_array_equal(nearest, np.kron(levels, np.ones((2, 2))))
    colours = np.dstack([levels] * 3)
    assert resize(colours, (9, 5)).shape == (9, 5, 3)


@pytest.mark.parametrize(
    ("shape", "options", "scale", "padding", "window"),
    [
        # The short side grows to min_dim, and the long side fits.
        ((50, 100), ("square", 64, 128), 1.28, [(32, 32), (0, 0)], (32, 0, 96, 128)),
        # It would not fit: the long side becomes max_dim.
        ((50, 200), ("square", 64, 128), 0.64, [(48, 48), (0, 0)], (48, 0, 80, 128)),
        # Never shrunk where it fits; odd paddings are larger behind.
        ((99, 90), ("square", 64, 128), 1, [(14, 15), (19, 19)], (14, 19, 113, 109)),
        ((300, 300), ("square", None, 128), 128 / 300, ZERO[:2], (0, 0, 128, 128)),
        ((1, 1), ("square", 64, 64), 64, ZERO[:2], (0, 0, 64, 64)),
        ((20, 30), ("square", 0, 128, 2), 2, [(44, 44), (34, 34)], (44, 34, 84, 94)),
        ((100, 130), ("pad64", 64), 1, [(14, 14), (31, 31)], (14, 31, 114, 161)),
        ((50, 100), ("pad64", 64, 10), 1.28, ZERO[:2], (0, 0, 64, 128)),
        ((60, 64), ("pad64",), 1, [(2, 2), (0, 0)], (2, 0, 62, 64)),
    ],
)
def test_modes_by_hand(rng, shape, options, scale, padding, window):
    image = rng.integers(1, 256, (*shape, 3), dtype=np.uint8)
    mode, *dims = options
    found = resize_image(image, *dims, mode=mode)
    assert found[1:3] == (window, pytest.approx(scale))
    assert found[3:] == ([*padding, (0, 0)], None)
    y1, x1, y2, x2 = window
    scaled = skimage.transform.resize(
        image,
        (y2 - y1, x2 - x1),
        order=1,
        mode="constant",
        preserve_range=True,
        anti_aliasing=False,
    )
    expected = np.pad(scaled.astype(np.uint8), found[3])  # cut, not rounded
    assert found[0].dtype == np.uint8
    np.testing.assert_array_equal(found[0], expected)


def test_pixels_are_cut_not_rounded():
    image = np.array([[0, 255]], np.uint8)
    found = resize_image(image, 2, 4)[0]
    # Rows blend with 1/4 of the black outside. Columns: 0, 1/4, 3/4, and 3/4 + outside.
    row = [0, int(255 / 4 * 0.75), int(255 * 0.75 * 0.75), int(255 * 0.75 * 0.75)]
    assert found.tolist() == [[0] * 4, row, row, [0] * 4]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int64, np.float32, bool])
def test_the_type_stays(rng, dtype):
    image = (rng.random((10, 8, 3)) * 200).astype(dtype)
    for options in ({"min_dim": 16, "max_dim": 32}, {"max_dim": 5}):
        assert resize_image(image, **options)[0].dtype == dtype
    assert resize_image(image[..., 0], 16, 32)[0].shape == (32, 32)


def test_none_returns_the_image_itself():
    image = np.ones((7, 9, 3))
    found = resize_image(image, 800, 1024, 2.0, mode="none")
    assert found[0] is image
    assert found[1:] == ((0, 0, 7, 9), 1, ZERO, None)


def test_other_modes_never_return_the_caller_s_pixels():
    image = np.ones((64, 64, 3), np.uint8)
    for options in (("square", 64, 64), ("pad64", 64), ("crop", 64)):
        mode, *dims = options
        found = resize_image(image, *dims, mode=mode)[0]
        np.testing.assert_array_equal(found, image)
        assert not np.shares_memory(found, image)


def test_crops_are_where_the_random_module_says():
    image = np.arange(70 * 66, dtype=np.int64).reshape(70, 66)
    crops = set()
    for seed in range(40):
        random.seed(seed)
        part, window, scale, padding, crop = resize_image(image, 64, mode="crop")
        y, x, height, width = crop
        assert (height, width, window, scale, padding) == (
            64,
            64,
            (0, 0, 64, 64),
            1,
            ZERO,
        )
        np.testing.assert_array_equal(part, image[y : y + 64, x : x + 64])
        random.seed(seed)
        assert (y, x) == (random.randint(0, 6), random.randint(0, 2))
        crops.add((y, x))
    assert {y for y, _ in crops} == set(range(7))
    assert {x for _, x in crops} == {0, 1, 2}


def test_crops_of_a_small_image_scale_it_first():
    part, _, scale, _, crop = resize_image(np.ones((8, 16, 3)), 32, mode="crop")
    assert part.shape == (32, 32, 3)
    assert scale == 4
    assert crop[0] == 0
    assert 0 <= crop[1] <= 32
    assert resize_image(np.ones((8, 16, 3)), 8, None, 3.0, "crop")[2] == 3.0


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"mode": "fit"}, r"mode is 'fit'; take one of none, square, pad64, crop"),
        ({"min_dim": 64}, r'"square" needs max_dim'),
        ({"mode": "crop", "max_dim": 64}, r'"crop" needs min_dim'),
    ],
)
def test_what_is_missing_is_named(options, match):
    with pytest.raises(ValueError, match=match):
        resize_image(np.ones((8, 8, 3)), **options)
