"""What a detector gets wrong: one case a panel, or all of a picture by their names."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from mrcnn.visualize.comparison import RIGHT, TRUTH, WRONG, SceneLike
from mrcnn.visualize.galleries import grid
from mrcnn.visualize.instances import draw_box_outline, draw_outline
from mrcnn.visualize.labels import Label, LabelLayer
from mrcnn.visualize.names import names_of
from mrcnn.visualize.style import Figure, look, show_image


class FailureLike(Protocol):
    """What these galleries read; `mrcnn.evaluation.matching.Failure` has it."""

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


@look()
def hardest_gallery(
    scenes: Sequence[SceneLike],
    failures: Sequence[FailureLike],
    load_image: Callable[[int], np.ndarray],
    *,
    min_score: float = 0.5,
    columns: int = 2,
    titles: Sequence[str] = (),
) -> Figure:
    """Show whole pictures with everything that went wrong in them, each by its name.

    What was found and is right has a thin green outline. Of a failure the object is
    outlined in blue and dashed, the detection in orange and solid.

    Args:
        scenes: those to show, in this order.
        failures: as `mrcnn.evaluation.failures` or `with_merges` list them; those of
            other pictures are not drawn.
        load_image: `dataset.load_image`.
        min_score: the one that they were listed with.
        columns: panels side by side.
        titles: one a scene, in front of the counts of its failures.
    """
    own = [[f for f in failures if f.image_id == s.image_id] for s in scenes]
    images = [load_image(scene.image_id) for scene in scenes]

    def draw(ax: Axes, i: int) -> None:
        counts = Counter(str(failure.kind) for failure in own[i])
        parts = [*titles[i : i + 1], *(f"{kind} {n}" for kind, n in counts.items())]
        show_image(ax, images[i], ", ".join(parts))
        _draw_failures(ax, scenes[i], own[i], min_score)

    shape = np.median([image.shape[:2] for image in images] or [(1, 1)], axis=0)
    return grid(len(scenes), draw, columns=columns, shape=tuple(shape))


def _draw_failures(
    ax: Axes, scene: SceneLike, failures: Sequence[FailureLike], min_score: float
) -> None:
    """Outline a scene's right detections, and its failures with their names."""
    wrong = {failure.found for failure in failures}
    sure = np.flatnonzero(scene.found.scores >= min_score)
    right = [i for i in sure if i not in wrong]
    parts = [(scene.found, right, RIGHT, 1.0, "-")]
    for objects, members, colour, line in (
        (scene.found, {f.found for f in failures}, WRONG, "-"),
        (scene.truth, {f.truth for f in failures}, TRUTH, "--"),
    ):
        parts.append((objects, sorted(members - {None}), colour, 1.6, line))
    for objects, members, colour, width, line in parts:
        masks = objects.select(np.array(members, int)).masks()
        for k in range(len(members)):
            draw_outline(ax, masks[..., k], colour, width=width, linestyles=line)
    labels = []
    for failure in failures:
        of_truth = failure.truth is not None
        objects = scene.truth if of_truth else scene.found
        box = objects.boxes[failure.truth if of_truth else failure.found]
        colour = TRUTH if failure.found is None else WRONG
        labels.append(Label(str(failure.kind), "", tuple(box), colour))
    LabelLayer(ax, labels)


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
