"""Labels stay inside the image and apart, at every size."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mrcnn import visualize
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.style import INK, text_colour

NAMES = ["BG", "square", "circle", "triangle"]
DrawnLabels = Callable[[Axes], LabelLayer]


def test_labels_of_shapes_are_inside_and_apart(
    drawn_labels: DrawnLabels, shapes: tuple
) -> None:
    image, boxes, masks, class_ids = shapes
    scores = np.linspace(0.5, 1, len(class_ids))
    figure = visualize.display_instances(image, boxes, masks, class_ids, NAMES, scores)
    labels = drawn_labels(figure.axes[0])
    expected = {
        f"{i + 1} {NAMES[c]} {s:.2f}"
        for i, (c, s) in enumerate(zip(class_ids, scores, strict=True))
    }
    assert {text.get_text() for text in labels.texts} == expected


@pytest.mark.parametrize("dpi", [50, 200])
@pytest.mark.parametrize("inches", [2.0, 8.0])
def test_crowded_labels_stay_apart_at_every_size(
    drawn_labels: DrawnLabels, dpi: int, inches: float
) -> None:
    rng = np.random.default_rng(0)
    corners = rng.integers(0, 100, (60, 2))
    boxes = np.concatenate([corners, corners + 12], axis=1)
    _, ax = plt.subplots(figsize=(inches, inches), dpi=dpi)
    ax.imshow(np.zeros((112, 112)))
    LabelLayer(
        ax,
        [
            Label(f"balloon {i}", str(i), tuple(b), (1, 0, 0))
            for i, b in enumerate(boxes)
        ],
    )
    labels = drawn_labels(ax)
    assert len(labels.texts) >= (10 if inches < 3 else 60)


def test_a_label_without_room_takes_its_short_form_or_none(
    drawn_labels: DrawnLabels,
) -> None:
    _, ax = plt.subplots(figsize=(1, 1), dpi=100)
    ax.set_position((0, 0, 0.4, 0.4))
    long = Label("a very long caption indeed", "1", (0, 0, 1, 1), (0, 0, 0))
    LabelLayer(ax, [long, long._replace(short="another that has no room")])
    labels = drawn_labels(ax)
    assert [t.get_text() for t in labels.texts] == ["1"]


def test_text_on_a_colour_is_readable() -> None:
    assert text_colour((0, 0, 0)) == "white"
    assert text_colour((1, 1, 1)) == INK
    assert text_colour((1, 1, 0)) == INK
