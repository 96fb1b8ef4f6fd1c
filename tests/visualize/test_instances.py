"""Instances on images of every awkward size, and pictures as arrays."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mrcnn import visualize
from mrcnn.visualize.labels import LabelLayer
from mrcnn.visualize.outlines import outlines
from mrcnn.visualize.style import palette

NAMES = ["BG", "square", "circle", "triangle"]
DrawnLabels = Callable[[Axes], LabelLayer]


def test_arguments_of_display_instances_that_disagree() -> None:
    with pytest.raises(ValueError, match="2 boxes, 1 masks and 1 class"):
        visualize.display_instances(
            np.zeros((8, 8, 3), np.uint8),
            np.zeros((2, 4), int),
            np.zeros((8, 8, 1), bool),
            np.array([1]),
            NAMES,
        )


@pytest.mark.parametrize("side", [1, 8])
def test_no_instances_and_one_pixel(drawn_labels: DrawnLabels, side: int) -> None:
    image = np.zeros((side, side, 3), np.uint8)
    none = np.zeros((0, 4), int), np.zeros((side, side, 0), bool), np.zeros(0, int)
    visualize.display_instances(image, *none, NAMES).canvas.draw()
    one = np.array([[0, 0, 1, 1]]), np.ones((side, side, 1), bool), np.array([1])
    figure = visualize.display_instances(image, *one, NAMES, np.array([0.5]))
    drawn_labels(figure.axes[0])


def test_given_axes_are_used_and_returned(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    _, ax = plt.subplots()
    arguments = image, boxes, masks, class_ids, NAMES
    assert visualize.display_instances(*arguments, ax=ax) is ax
    assert len(plt.get_fignums()) == 1


def test_the_image_given_is_not_changed(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    before = image.copy()
    visualize.display_instances(image, boxes, masks, class_ids, NAMES)
    visualize.semantic_view(image, masks, class_ids, NAMES)
    visualize.draw_boxes(image, boxes, masks=masks)
    np.testing.assert_array_equal(image, before)


def test_fill_and_boxes_can_be_left_out(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    figure = visualize.display_instances(
        image, boxes, masks, class_ids, NAMES, show_mask=False, show_bbox=False
    )
    (ax,) = figure.axes
    np.testing.assert_array_equal(ax.images[0].get_array(), image)
    assert not ax.patches


def test_a_figure_is_shown_once_in_a_notebook(shapes: tuple) -> None:
    figure = visualize.display_images([shapes[0]])
    assert plt.fignum_exists(figure.number)
    assert figure._repr_mimebundle_() == {}
    assert not plt.get_fignums()


def test_apply_mask_blends_inside_and_in_place() -> None:
    image = np.full((2, 2, 3), 100, np.uint8)
    mask = np.array([[True, False], [False, False]])
    assert visualize.apply_mask(image, mask, (1.0, 0.5, 0.0), alpha=0.25) is image
    # 100 * 0.75 + 0.25 * (255, 127.5, 0), cut to whole numbers
    assert image[0, 0].tolist() == [138, 106, 75]
    assert (image[~mask] == 100).all()


def test_colour_splash_is_grey_outside_and_untouched_inside(shapes: tuple) -> None:
    image, _, masks, _ = shapes
    splash = visualize.colour_splash(image, masks)
    inside = masks.any(axis=-1)
    np.testing.assert_array_equal(splash[inside], image[inside])
    assert (np.ptp(splash[~inside], axis=-1) == 0).all()
    assert splash.dtype == np.uint8
    grey = visualize.colour_splash(image, masks[..., :0])
    assert (np.ptp(grey, axis=-1) == 0).all()


def test_white_stays_white_in_a_splash() -> None:
    white = np.full((2, 2, 3), 255, np.uint8)
    assert (visualize.colour_splash(white, np.zeros((2, 2, 1), bool)) == 255).all()


def test_class_map_by_score_and_by_size() -> None:
    masks = np.zeros((4, 4, 2), bool)
    masks[..., 0] = True
    masks[:2, :2, 1] = True
    by_size = visualize.class_map(masks, np.array([1, 2]))
    assert by_size[0, 0] == 2 and by_size[3, 3] == 1
    by_score = visualize.class_map(masks, np.array([1, 2]), np.array([0.9, 0.1]))
    assert (by_score == 1).all()
    assert not visualize.class_map(masks[..., :0], np.zeros(0, int)).any()


def test_outlines_enclose_the_mask_also_at_the_border() -> None:
    mask = np.zeros((5, 6), bool)
    mask[0:2, 4:6] = True
    (line,) = outlines(mask)
    assert (line[0] == line[-1]).all()
    assert line.min(axis=0).tolist() == [3.5, -0.5]
    assert line.max(axis=0).tolist() == [5.5, 1.5]
    assert outlines(np.zeros((3, 3), bool)) == []


def test_draw_box_colours_the_border_only() -> None:
    image = np.zeros((8, 8, 3), np.uint8)
    visualize.draw_box(image, np.array([1, 1, 7, 9]), (9, 9, 9))
    painted = image.any(axis=-1)
    assert painted[1, 1:].all() and painted[6, 1:].all()
    assert not painted[3:5, 3:6].any() and not painted[0].any()


def test_colours_repeat_but_paler_and_are_fixed() -> None:
    colours = palette(9)
    assert len(set(colours)) == 9
    assert visualize.random_colors(9) == colours
    assert palette(0) == []
    darker = np.array(visualize.random_colors(1, False)[0])
    np.testing.assert_allclose(darker, 0.7 * np.array(colours[0]))
