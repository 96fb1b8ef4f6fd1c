"""Pictures of what the network says before it detects."""

import numpy as np
import pytest

from mrcnn import visualize
from mrcnn.evaluation.scenes import Scene, annotated, detected


def test_score_maps_cover_the_image(shapes: tuple) -> None:
    image, boxes, _, _ = shapes
    maps = [np.eye(8), np.eye(4), np.eye(2)]
    figure = visualize.draw_score_maps(image, maps, boxes=boxes)
    first, *levels, _ = figure.axes
    titles = [ax.get_title(loc="left") for ax in levels]
    assert titles == ["P2, 8 x 8", "P3, 4 x 4", "P4, 2 x 2"]
    for ax, scores in zip(levels, maps, strict=True):
        np.testing.assert_array_equal(ax.images[0].get_array(), scores)
        assert ax.images[0].get_extent() == first.images[0].get_extent()
        assert len(ax.patches) == len(boxes)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_masks_soft_and_pasted(count: int, shapes: tuple) -> None:
    image, boxes, masks, _ = shapes
    soft = np.random.default_rng(0).random((count, 28, 28))
    figure = visualize.draw_masks(
        image, boxes[:count], soft, masks[..., :count], ["x"] * count
    )
    figure.canvas.draw()
    pictures = [ax.images[0].get_array() for ax in figure.axes if ax.images]
    assert len(pictures) == 2 * count
    for drawn, given in zip(pictures[:count], soft, strict=True):
        np.testing.assert_array_equal(drawn, given)


def test_differences_of_several_images_share_a_legend(
    shapes: tuple,
) -> None:
    image, boxes, masks, class_ids = shapes
    found = {
        "rois": boxes[:1],
        "class_ids": class_ids[:1],
        "scores": np.ones(1, np.float32),
        "masks": masks[..., :1],
    }
    scene = Scene(4, annotated(class_ids, masks), detected(found), np.zeros((0, 4)))
    names = ["BG", "square", "circle", "triangle"]
    figure = visualize.differences_gallery([scene] * 3, lambda i: image, names)
    figure.canvas.draw()
    panels = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title(loc="left") for ax in panels] == ["image 4"] * 3
    assert not any(ax.get_legend() for ax in panels)
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert not any(box.overlaps(ax.get_window_extent()) for ax in panels)
