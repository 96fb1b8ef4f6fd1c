"""What a detector gets wrong, one case a panel."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mrcnn.visualize.comparison import TRUTH, WRONG, SceneLike
from mrcnn.visualize.galleries import grid
from mrcnn.visualize.instances import draw_box_outline, draw_outline
from mrcnn.visualize.names import names_of
from mrcnn.visualize.style import Figure, look, show_image


class FailureLike(Protocol):
    """What `failure_gallery` reads; `mrcnn.evaluation.matching.Failure` has it."""

    kind: str
    image_id: int
    truth: int | None
    found: int | None
    iou: float
    score: float


@look()
def failure_gallery(
    failures: Sequence[FailureLike],
    scenes: Sequence[SceneLike],
    load_image: Callable[[int], np.ndarray],
    class_names: Sequence[str],
    *,
    limit: int = 8,
    columns: int = 4,
    margin: float = 0.6,
    title: str = "",
) -> Figure:
    """Show failures one by one, cut out of their images, with a caption each.

    The object is outlined in blue and dashed, the detection in orange and solid.

    Args:
        failures: as `mrcnn.evaluation.failures` lists them.
        scenes: those that they come from.
        load_image: `dataset.load_image`.
        class_names: background first.
        limit: failures shown.
        columns: panels side by side.
        margin: of the image around what is shown, in its own sides.
        title: above all panels.

    Raises:
        ValueError: there is no failure to show.
    """
    by_image = {scene.image_id: scene for scene in scenes}
    chosen = list(failures)[:limit]

    def draw(ax: Axes, i: int) -> None:
        failure = chosen[i]
        image = load_image(failure.image_id)
        _draw_failure(
            ax, image, failure, by_image[failure.image_id], class_names, margin
        )

    return grid(len(chosen), draw, columns=columns, title=title)


def _draw_failure(
    ax: Axes,
    image: np.ndarray,
    failure: FailureLike,
    scene: SceneLike,
    class_names: Sequence[str],
    margin: float,
) -> None:
    boxes, names = [], []
    for objects, index in ((scene.truth, failure.truth), (scene.found, failure.found)):
        if index is not None:
            boxes.append(objects.boxes[index])
            names += names_of(objects.class_ids[[index]], class_names)
    show_image(ax, image, _failure_caption(failure, names))
    for objects, index, colour, line in (
        (scene.truth, failure.truth, TRUTH, "--"),
        (scene.found, failure.found, WRONG, "-"),
    ):
        if index is not None:
            mask = objects.select(np.array([index])).masks()[..., 0]
            draw_outline(ax, mask, colour, width=2.2, linestyles=line)
            draw_box_outline(ax, objects.boxes[index], colour, linestyle=":")
    y1, x1, y2, x2 = square_window(np.array(boxes), image.shape[:2], margin)
    ax.set_xlim(x1 - 0.5, x2 - 0.5)
    ax.set_ylim(y2 - 0.5, y1 - 0.5)
    ax.add_patch(
        Rectangle((0, 0), 1, 1, transform=ax.transAxes, fill=False, edgecolor="#AAAAAA")
    )


def _failure_caption(failure: FailureLike, names: Sequence[str]) -> str:
    """Return two short lines: what happened, and in which image with which numbers."""
    what = f"{failure.kind}: {names[0]}"
    if failure.truth is not None and failure.found is not None and names[0] != names[1]:
        what = f"{names[0]} taken for {names[1]}"
    numbers = [f"image {failure.image_id}"]
    if failure.found is not None:
        numbers.append(f"score {failure.score:.2f}")
    numbers.append(f"IoU {failure.iou:.2f}")
    return f"{what}\n{', '.join(numbers)}"


def square_window(
    boxes: np.ndarray, shape: tuple[int, int], margin: float
) -> tuple[int, int, int, int]:
    """Return a square window round boxes (n, 4), moved into the image where it can be.

    Args:
        boxes: at least one.
        shape: (h, w) of the image.
        margin: on each side, in parts of the boxes' longer side.
    """
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    side = min(float((high - low).max()) * (1 + 2 * margin), float(min(shape)))
    side = max(side, float((high - low).max()), 1.0)
    start = (low + high) / 2 - side / 2
    start = np.clip(start, 0, np.maximum(np.array(shape) - side, 0))
    y1, x1 = start
    return round(y1), round(x1), round(y1 + side), round(x1 + side)
