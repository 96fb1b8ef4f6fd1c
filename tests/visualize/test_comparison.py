"""Predictions against the truth."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.axes import Axes

from mrcnn import visualize
from mrcnn.evaluation.matching import failures
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.visualize.failures import square_window
from mrcnn.visualize.labels import LabelLayer

NAMES = ["BG", "square", "circle", "triangle"]
DrawnLabels = Callable[[Axes], LabelLayer]


def test_differences_tell_right_wrong_and_missed(
    drawn_labels: DrawnLabels, shapes: tuple
) -> None:
    image, boxes, masks, class_ids = shapes
    wrong = class_ids[1:].copy()
    wrong[0] = wrong[0] % 3 + 1
    scores = np.full(len(wrong), 0.9)
    scores[-1] = 0.1
    figure = visualize.display_differences(
        image,
        boxes,
        class_ids,
        masks,
        boxes[1:],
        wrong,
        scores,
        masks[..., 1:],
        NAMES,
    )
    labels = drawn_labels(figure.axes[0])
    texts = sorted(text.get_text() for text in labels.texts)
    missed = [t for t in texts if t.startswith("missed")]
    # The first was never found, the second misnamed, the last too unsure to show.
    assert sorted(missed) == sorted(f"missed {NAMES[class_ids[i]]}" for i in (0, 1, -1))
    right = [f"{NAMES[c]} 0.90 / 1.00" for c in wrong[:-1]]
    assert sorted(set(texts) - set(missed)) == sorted(set(right))


def test_what_was_missed_is_labelled_first_then_the_surest(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    found = boxes[1:], class_ids[1:], np.linspace(0.9, 0.6, len(boxes) - 1)
    figure = visualize.display_differences(
        image, boxes, class_ids, masks, *found, masks[..., 1:], NAMES
    )
    (layer,) = (a for a in figure.axes[0].artists if isinstance(a, LabelLayer))
    first, *others = (label.text for label in layer.labels)
    assert first == f"missed {NAMES[class_ids[0]]}"
    scores = [float(text.split()[1]) for text in others]
    assert scores == sorted(scores, reverse=True)


def test_differences_of_nothing() -> None:
    none = np.zeros((0, 4), int), np.zeros(0, int)
    masks = np.zeros((8, 8, 0), bool)
    visualize.display_differences(
        np.zeros((8, 8, 3), np.uint8), *none, masks, *none, np.zeros(0), masks, NAMES
    ).canvas.draw()


@pytest.mark.parametrize(("found", "objects"), [(0, 0), (2, 0), (0, 2), (3, 2)])
def test_overlaps(found: int, objects: int) -> None:
    figure = visualize.plot_overlaps(
        np.ones(objects, int),
        np.ones(found, int),
        np.ones(found),
        np.zeros((found, objects)),
        NAMES,
    )
    figure.canvas.draw()
    assert len(figure.axes[0].texts) == found * objects


def test_failure_gallery_shows_every_kind(shapes: tuple) -> None:
    image, boxes, masks, class_ids = shapes
    detection = {
        "rois": boxes[1:],
        "class_ids": np.roll(class_ids[1:], 1),
        "scores": np.linspace(1, 0.6, len(boxes) - 1),
        "masks": masks[..., 1:],
    }
    scene = Scene(0, annotated(class_ids, masks), detected(detection), np.zeros((0, 4)))
    listed = failures([scene])
    figure = visualize.failure_gallery(listed, [scene], lambda i: image, NAMES, limit=3)
    assert len([ax for ax in figure.axes if ax.get_title(loc="left")]) == min(
        3, len(listed)
    )
    empty = visualize.failure_gallery([], [scene], lambda i: image, NAMES)
    assert [text.get_text() for text in empty.axes[0].texts] == ["nothing to show"]


@pytest.mark.parametrize(
    ("box", "shape"),
    [((0, 0, 1, 1), (1, 1)), ((0, 50, 10, 60), (64, 64)), ((5, 5, 60, 20), (64, 64))],
)
def test_windows_hold_their_box_and_stay_in_the_image(
    box: tuple[int, int, int, int], shape: tuple[int, int]
) -> None:
    y1, x1, y2, x2 = square_window(np.array([box]), shape, 0.5)
    assert 0 <= y1 <= box[0] and 0 <= x1 <= box[1]
    assert box[2] <= y2 <= shape[0] and box[3] <= x2 <= shape[1]
