"""Values of anchors laid out as the levels that the anchors stand on."""

import numpy as np
import pytest

from mrcnn.ops.anchors import feature_shapes, level_anchors, level_maps, pyramid_anchors

SCALES, RATIOS, STRIDES, SHAPE = (8, 16), (0.5, 1, 2), (4, 8), (16, 24)


def test_maps_of_the_anchors_are_the_levels_anchors():
    anchors = pyramid_anchors(SCALES, RATIOS, SHAPE, STRIDES)
    maps = level_maps(anchors, feature_shapes(SHAPE, STRIDES))
    assert [level.shape for level in maps] == [(4, 6, 3, 4), (2, 3, 3, 4)]
    for level, scale, stride in zip(maps, SCALES, STRIDES, strict=True):
        alone = level_anchors(scale, RATIOS, level.shape[:2], stride)
        np.testing.assert_array_equal(level.reshape(-1, 4), alone)


def test_a_map_keeps_rows_and_columns_apart():
    maps = level_maps(np.arange(8), [(2, 3), (1, 2)])
    assert maps[0][..., 0].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert maps[1][..., 0].tolist() == [[6, 7]]


def test_shapes_of_other_levels_are_refused():
    with pytest.raises(ValueError, match="7 values do not spread over 6 cells"):
        level_maps(np.arange(7), [(2, 3)])
