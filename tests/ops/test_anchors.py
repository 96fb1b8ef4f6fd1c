"""Anchors against tables that can be checked by hand."""

import numpy as np
import pytest

from mrcnn.ops.anchors import feature_shapes, level_anchors, pyramid_anchors

SCALES, RATIOS, STRIDES = (32, 64, 128, 256, 512), (0.5, 1, 2), (4, 8, 16, 32, 64)


@pytest.mark.parametrize(
    ("side", "count"), [(1024, 261888), (512, 65472), (256, 16368), (128, 4092)]
)
def test_counts(side, count):
    anchors = pyramid_anchors(SCALES, RATIOS, (side, side), STRIDES)
    assert anchors.shape == (count, 4)


def test_one_cell_by_hand():
    anchors = level_anchors(16, [0.25, 1, 4], (1, 1), 4)
    # Height 16 / sqrt(ratio), width 16 * sqrt(ratio), around (0, 0).
    expected = [[-16, -4, 16, 4], [-8, -8, 8, 8], [-4, -16, 4, 16]]
    np.testing.assert_allclose(anchors, expected)


def test_centres_are_whole_strides_row_by_row():
    anchors = level_anchors(8, [1], (2, 3), 16)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    expected = [[0, 0], [0, 16], [0, 32], [16, 0], [16, 16], [16, 32]]
    np.testing.assert_allclose(centres, expected)


def test_every_anchor_of_a_level_has_the_area_of_its_scale():
    anchors = level_anchors(64, RATIOS, (3, 3), 8)
    sides = anchors[:, 2:] - anchors[:, :2]
    np.testing.assert_allclose(sides.prod(axis=1), 64**2)
    np.testing.assert_allclose(sides[:, 1] / sides[:, 0], np.tile(RATIOS, 9))


def test_a_stride_of_two_takes_every_second_cell():
    all_of_them = level_anchors(8, [1], (4, 4), 4).reshape(4, 4, 4)
    thinned = level_anchors(8, [1], (4, 4), 4, anchor_stride=2).reshape(2, 2, 4)
    np.testing.assert_array_equal(thinned, all_of_them[::2, ::2])


def test_levels_are_rounded_up():
    assert feature_shapes((1, 65), (4, 64)) == [(1, 17), (1, 2)]
