"""Cropping RoIs: against TensorFlow's kernel, on ramps, and level by level."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.ops import roi_align as roi_ops
from tests.tensors import on_tensors

pack_pyramid = on_tensors(roi_ops.pack_pyramid)
pyramid_roi_align = on_tensors(roi_ops.pyramid_roi_align)

IMAGE = (128, 128)


def pyramid(values=None, channels: int = 2) -> list[np.ndarray]:
    """Return four levels, each of one value."""
    values = values or (1.0, 2.0, 3.0, 4.0)
    return [
        np.full((1, 32 >> i, 32 >> i, channels), value, np.float32)
        for i, value in enumerate(values)
    ]


@pytest.mark.parametrize("size", [(1, 1), (7, 7), (3, 5)])
def test_the_neutral_crop_is_that_of_tensorflow(rng, size):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compares with TensorFlow's kernel")
    import tensorflow as tf

    images = rng.random((3, 9, 11, 4)).astype(np.float32)
    boxes = (rng.random((50, 4)) * 1.6 - 0.3).astype(np.float32)  # some lie outside
    indices = rng.integers(0, 3, 50).astype(np.int32)
    expected = tf.image.crop_and_resize(images, boxes, indices, size)
    found = roi_ops._bilinear_crops(images, boxes, indices, size)
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("averaged", [2, 3])
def test_points_are_averaged_by_squares(rng, averaged):
    images = rng.random((2, 9, 11, 4)).astype(np.float32)
    boxes = (rng.random((30, 4)) * 1.6 - 0.3).astype(np.float32)  # some lie outside
    arguments = images, boxes, rng.integers(0, 2, 30).astype(np.int32), (6, 12)
    crop = on_tensors(roi_ops._bilinear_crops)
    points = ops.convert_to_numpy(crop(*arguments))
    squares = points.reshape(30, 6 // averaged, averaged, 12 // averaged, averaged, 4)
    found = ops.convert_to_numpy(crop(*arguments, averaged))
    np.testing.assert_allclose(found, squares.mean((2, 4)), atol=1e-6)


def test_levels_follow_the_side_of_a_box():
    sides = np.array([8, 79, 80, 158, 159, 316, 317, 448, 1024]) / 1024
    boxes = np.stack([np.zeros(9), np.zeros(9), sides, sides], -1).astype(np.float32)
    levels = ops.convert_to_numpy(roi_ops.assign_levels(boxes, (1024, 1024)))
    # 4 + round(log2(side / 224)): 224 is level 4, half a level lies at 224 / sqrt(2).
    assert levels.tolist() == [2, 2, 3, 3, 4, 4, 5, 5, 5]


@pytest.mark.parametrize("aligned", [False, True])
def test_a_level_never_reads_another(aligned):
    canvas = pack_pyramid(pyramid())
    boxes = [[0, 0, 1, 1], [0, 0, 0.02, 0.02], [0.98, 0.98, 1, 1], [0, 0, 1, 0.01]]
    boxes = np.array([boxes], np.float32)
    crops = pyramid_roi_align(canvas, boxes, 7, image_shape=IMAGE, aligned=aligned)
    level = ops.convert_to_numpy(roi_ops.assign_levels(boxes, IMAGE))[0]
    found = ops.convert_to_numpy(crops)[0]
    for crop, expected in zip(found, level - 1, strict=True):
        np.testing.assert_allclose(crop, expected, rtol=1e-6)


@pytest.mark.parametrize("aligned", [False, True])
def test_a_ramp_is_sampled_exactly(aligned):
    rows = np.arange(32, dtype=np.float32)
    ramp = np.tile(rows[None, :, None, None], (1, 1, 32, 1))
    levels = [ramp, *pyramid(channels=1)[1:]]
    box = np.array([[[0.25, 0.25, 0.5, 0.5]]], np.float32)  # 32 pixels: level 2
    crops = pyramid_roi_align(
        pack_pyramid(levels), box, 7, image_shape=IMAGE, aligned=aligned
    )
    found = ops.convert_to_numpy(crops)[0, 0, :, 3, 0]
    if aligned:
        y1, y2 = 0.25 * 127 / 4, (0.5 * 127 + 1) / 4  # outer edges in cells of 4 pixels
        expected = y1 + (np.arange(7) + 0.5) * (y2 - y1) / 7 - 0.5
    else:
        expected = np.linspace(0.25 * 31, 0.5 * 31, 7)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_boxes_without_area_and_images_of_one_cell_are_finite():
    levels = [np.ones((2, 1, 1, 3), np.float32)] * 4
    boxes = np.zeros((2, 5, 4), np.float32)
    for aligned in (False, True):
        crops = pyramid_roi_align(
            pack_pyramid(levels), boxes, 2, image_shape=(1, 1), aligned=aligned
        )
        np.testing.assert_allclose(ops.convert_to_numpy(crops), 1.0)


@pytest.mark.parametrize("aligned", [False, True])
def test_each_crop_hands_its_gradient_to_its_own_level(rng, aligned):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes TensorFlow's gradients")
    import tensorflow as tf

    levels = [tf.constant(level) for level in pyramid()]
    boxes = tf.constant([[[0.25, 0.25, 0.5, 0.5], [0.3, 0.3, 0.3, 0.3]]])  # level 2
    with tf.GradientTape() as tape:
        tape.watch([*levels, boxes])
        crops = pyramid_roi_align(
            pack_pyramid(levels), boxes, 7, image_shape=IMAGE, aligned=aligned
        )
        total = tf.reduce_sum(crops)
    *gradients, of_boxes = tape.gradient(total, [*levels, boxes])
    assert of_boxes is None  # RoIs are given, not learnt
    # Weights of a bilinear sample add up to 1: as much comes back as there are bins.
    found = [float(tf.reduce_sum(gradient)) for gradient in gradients]
    np.testing.assert_allclose(found, [2 * 7 * 7 * 2, 0, 0, 0], rtol=1e-4)


@pytest.mark.parametrize("size", [(1, 1), (4, 3)])
def test_the_neutral_gradient_is_that_of_tensorflow(rng, size):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("compares with TensorFlow's kernel")
    import tensorflow as tf

    images = tf.constant(rng.random((2, 6, 7, 3)).astype(np.float32))
    boxes = (rng.random((20, 4)) * 1.6 - 0.3).astype(np.float32)  # some lie outside
    indices = rng.integers(0, 2, 20).astype(np.int32)
    weights = rng.normal(size=(20, *size, 3)).astype(np.float32)

    def gradient(crop):
        with tf.GradientTape() as tape:
            tape.watch(images)
            total = tf.reduce_sum(weights * crop(images, boxes, indices, size))
        return tape.gradient(total, images)

    expected = gradient(tf.image.crop_and_resize)
    assert np.abs(expected).max() > 0.1
    np.testing.assert_allclose(gradient(roi_ops._bilinear_crops), expected, atol=1e-4)
