"""Charts show the numbers that they are given; galleries all their images."""

from collections.abc import Callable

import numpy as np
import pytest

from mrcnn import visualize
from mrcnn.tasks import LOSS_NAMES, Task

NAMES = ["BG", "square", "circle", "triangle"]


class Report:
    """What `plot_task_report` reads."""

    headline: dict = {Task.BOX: 0.5, Task.CLASS: 1.0, Task.MASK: 0.25}  # noqa: RUF012
    isolated_headline: dict = {  # noqa: RUF012
        Task.BOX: 0.75,
        Task.CLASS: 0.5,
        Task.MASK: float("nan"),
    }


def test_task_report_bars_are_the_numbers() -> None:
    (ax,) = visualize.plot_task_report(Report()).axes
    heights = [bar.get_height() for bar in ax.patches]
    assert heights == [0.5, 1.0, 0.25, 0.75, 0.5, 0.0]
    assert "no data" in [text.get_text() for text in ax.texts]


def test_confusion_shows_counts_with_background_last() -> None:
    table = np.array([[0, 3, 0, 0], [5, 7, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1]])
    (ax,) = visualize.plot_confusion(table, NAMES).axes
    texts = {text.get_position(): text.get_text() for text in ax.texts}
    assert texts[(0, 0)] == "7\n58%"
    assert texts[(3, 0)] == "5\n42%"  # column "missed"
    assert texts[(0, 3)] == "3"  # row "false alarm"
    assert (3, 3) not in texts


@pytest.mark.parametrize("epochs", [1, 30])
@pytest.mark.parametrize("validation", [True, False])
def test_history_draws_what_it_is_given(epochs: int, validation: bool) -> None:
    values = list(np.linspace(2, 1, epochs))
    history = {name: values for name in ("loss", *LOSS_NAMES)}
    if validation:
        history |= {f"val_{name}": values for name in list(history)}
    history["learning_rate"] = values
    figure = visualize.plot_history(history, boundaries=[10])
    figure.canvas.draw()
    curves = [
        line
        for ax in figure.axes
        for line in ax.lines
        if len(line.get_xdata()) == epochs
    ]
    assert len(curves) == (13 if validation else 7)
    with pytest.raises(ValueError, match="no loss"):
        visualize.plot_history({"accuracy": [1.0]})


def test_histories_with_infinite_losses_are_drawn() -> None:
    visualize.plot_history({"loss": [float("nan"), 1.0]}).canvas.draw()


def test_precision_recall_curves() -> None:
    recalls = np.linspace(0, 1, 101)
    (ax,) = visualize.plot_precision_recall(0.5, recalls[::-1], recalls).axes
    assert "0.500" in ax.get_title(loc="left")
    nan = np.full(101, np.nan)
    (ax,) = visualize.plot_precision_recall_curves({"a": recalls, "b": nan}).axes
    assert [line.get_label() for line in ax.lines] == ["a", "b"]
    assert ax.lines[0].get_linestyle() != ax.lines[1].get_linestyle()


def test_galleries(shapes: tuple) -> None:
    image, _, masks, class_ids = shapes
    figure = visualize.display_images([image] * 5, ["a"] * 5, cols=3)
    assert len([ax for ax in figure.axes if ax.images]) == 5
    top = visualize.display_top_masks(image, masks, class_ids, NAMES, limit=2)
    assert len([ax for ax in top.axes if ax.images]) == 3
    empty = visualize.display_images([])
    assert [text.get_text() for text in empty.axes[0].texts] == ["nothing to show"]


def test_augmentations_move_masks_with_the_image(shapes: tuple) -> None:
    image, _, masks, _ = shapes

    def flip(picture: np.ndarray, outlined: np.ndarray, rng: object) -> tuple:
        return picture[:, ::-1], outlined[:, ::-1]

    figure = visualize.show_augmentations(image, masks, flip, count=3)
    first, second, _ = (ax for ax in figure.axes if ax.images)
    np.testing.assert_array_equal(second.images[0].get_array(), image[:, ::-1])
    extents = [ax.collections[0].get_paths()[0].get_extents() for ax in (first, second)]
    assert extents[1].x0 == pytest.approx(127 - extents[0].x1)


FIGURES: dict[str, Callable[..., object]] = {
    "semantic": lambda i, b, m, c: visualize.semantic_view(i, m, c, NAMES),
    "anchors": lambda i, b, m, c: visualize.draw_anchors(i, [b, b + 3]),
    "boxes": lambda i, b, m, c: visualize.draw_boxes(i, b, b + 2, m, ["x"] * len(b)),
}


@pytest.mark.parametrize("name", FIGURES)
def test_titles_legends_and_images_do_not_overlap(name: str, shapes: tuple) -> None:
    figure = FIGURES[name](*shapes)
    figure.canvas.draw()
    (ax,) = figure.axes
    renderer = figure.canvas.get_renderer()
    legend = ax.get_legend()
    if legend:
        assert not legend.get_window_extent(renderer).overlaps(ax.get_window_extent())
        assert legend.get_window_extent(renderer).y0 >= 0
