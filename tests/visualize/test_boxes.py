"""Boxes, anchors, RoIs and proposals."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes

from mrcnn import visualize
from mrcnn.visualize.boxes import draw_boxes
from mrcnn.visualize.labels import LabelLayer

NAMES = ["BG", "square", "circle", "triangle"]
DrawnLabels = Callable[[Axes], LabelLayer]


def test_draw_boxes_by_visibility(drawn_labels: DrawnLabels, shapes: tuple) -> None:
    image, boxes, _, _ = shapes
    figure = draw_boxes(
        image, boxes[:3], captions=["a", "b", "c"], visibilities=[0, 1, 2]
    )
    (ax,) = figure.axes
    hidden, dashed, solid = ax.patches
    assert np.ptp(hidden.get_edgecolor()[:3]) < 0.01  # grey
    assert solid.get_linestyle() in ("-", "solid")
    assert dashed.get_linestyle() not in ("-", "solid")
    drawn_labels(ax)


def test_draw_boxes_leaves_out_boxes_without_area_and_asks_for_some() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    figure = draw_boxes(image, np.array([[0, 0, 0, 0], [1, 1, 4, 4]]))
    assert len(figure.axes[0].patches) == 1
    with pytest.raises(ValueError, match="refined_boxes"):
        draw_boxes(image)


def test_invisible_boxes_are_not_refined() -> None:
    image, boxes = np.zeros((8, 8, 3), np.uint8), np.array([[0, 0, 4, 4], [2, 2, 6, 6]])
    (ax,) = visualize.draw_boxes(image, boxes, boxes + 1, visibilities=[0, 2]).axes
    drawn = [(p.get_xy(), p.get_linestyle()) for p in ax.patches]
    assert [xy for xy, _ in drawn] == [(-0.5, -0.5), (1.5, 1.5), (2.5, 2.5)]
    assert len(ax.lines) == 1  # between the corners of the second


def test_axes_grow_for_boxes_beyond_the_image_but_not_for_ever() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    (ax,) = visualize.draw_boxes(image, np.array([[-3, 5, 30, 999]])).axes
    assert ax.get_ylim() == (39.5, -5.5)  # 2 pixels around the line
    assert ax.get_xlim() == (-0.5, 65.5)  # a tenth of 60
    (ax,) = visualize.draw_boxes(image, np.array([[0, 0, 40, 60]])).axes
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, 59.5), (39.5, -0.5))


def test_draw_rois_limits_and_counts(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    class_ids = np.where(np.arange(len(class_ids)) < 2, 0, class_ids)
    small = np.ones((len(boxes), 28, 28))
    figure = visualize.draw_rois(image, boxes, boxes, small, class_ids, NAMES, limit=4)
    title = figure.axes[0].get_title(loc="left")
    assert title == f"{len(boxes)} RoIs, {len(boxes) - 2} on objects; 4 drawn"
    visualize.draw_rois(
        image, boxes[:0], boxes[:0], small[:0], class_ids[:0], NAMES
    ).canvas.draw()
    with pytest.raises(ValueError, match="own small mask"):
        visualize.draw_rois(image, boxes, boxes, masks, class_ids, NAMES)


def test_masks_of_rois_lie_inside_their_rois() -> None:
    image = np.zeros((20, 30, 3), np.uint8)
    rois = np.array([[2, 4, 12, 24], [0, 0, 8, 8]])
    left_half = np.zeros((2, 4, 4))
    left_half[:, :, :2] = 1
    figure = visualize.draw_rois(image, rois, rois, left_half, np.array([1, 0]), NAMES)
    painted = figure.axes[0].images[0].get_array().any(axis=-1)
    expected = np.zeros((20, 30), bool)
    expected[2:12, 4:14] = True  # that of the background is not drawn
    expected[[2, 2, 11, 11], [4, 13, 4, 13]] = False  # corners blend with the outside
    np.testing.assert_array_equal(painted, expected)


def test_anchors_beyond_the_image_are_in_view() -> None:
    figure = visualize.draw_anchors(
        np.zeros((16, 16, 3), np.uint8),
        [np.array([[-8.0, 4, 24, 12], [4, -8, 12, 24]])],
    )
    (ax,) = figure.axes
    assert ax.get_xlim()[0] < -8 and ax.get_ylim()[0] > 23


@pytest.mark.parametrize("count", [0, 1, 7])
def test_proposals(count: int) -> None:
    boxes = np.tile([[1.0, 1, 6, 6]], (count, 1))
    image = np.zeros((8, 8, 3), np.uint8)
    for scores in (None, np.linspace(1, 0, count)):
        figure = visualize.draw_proposals(image, boxes, scores, limit=5)
        assert len(figure.axes[0].patches) == min(count, 5)
        figure.canvas.draw()
