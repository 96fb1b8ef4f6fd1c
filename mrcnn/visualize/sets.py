"""What a data set looks like, and what a model finds in several of its images."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes

from mrcnn.ops.masks import boxes_of_masks
from mrcnn.visualize.galleries import grid
from mrcnn.visualize.instances import draw_instances
from mrcnn.visualize.style import Figure, look, new_figure, palette


class Images(Protocol):
    """The part of a data set that is drawn."""

    class_names: Sequence[str]

    def load_image(self, image_id: int) -> np.ndarray:
        """Return (h, w, 3) uint8."""

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return masks (h, w, n) bool and class ids (n,)."""


@look()
def truth_gallery(
    dataset: Images, image_ids: Sequence[int], columns: int = 4
) -> Figure:
    """Draw images with their annotated objects."""
    instances = []
    for i in image_ids:
        masks, class_ids = dataset.load_mask(i)
        boxes = boxes_of_masks(masks)
        instances.append({"rois": boxes, "masks": masks, "class_ids": class_ids})
    images = [dataset.load_image(i) for i in image_ids]
    names = dataset.class_names
    # The name of the only class there is would say nothing and cover much.
    labels = len(names) > 2
    return instance_gallery(images, instances, names, columns=columns, labels=labels)


@look()
def instance_gallery(
    images: Sequence[np.ndarray],
    detections: Sequence[Mapping[str, np.ndarray]],
    class_names: Sequence[str],
    *,
    columns: int = 4,
    min_score: float | np.ndarray = 0.0,
    titles: Sequence[str] = (),
    labels: bool = True,
) -> Figure:
    """Draw the instances of several images.

    Args:
        images: each (h, w, 3) uint8.
        detections: as `mrcnn.detection.detect` returns them; `scores` may be missing.
        class_names: background first.
        columns: at most so many side by side.
        min_score: instances with a lower score are left out; one or one an image.
        titles: one an image.
        labels: write class and score on each instance.
    """

    limits = np.broadcast_to(min_score, len(images))

    def draw(ax: Axes, i: int) -> None:
        found = detections[i]
        scores = found.get("scores")
        keep = np.ones(len(found["class_ids"]), bool)
        if scores is not None:
            keep = scores >= limits[i]
            scores = scores[keep]
        draw_instances(
            ax,
            images[i],
            found["rois"][keep],
            found["masks"][..., keep],
            found["class_ids"][keep],
            class_names,
            scores,
            title=titles[i] if titles else "",
            show_bbox=labels,
            captions=None if labels else [""] * int(keep.sum()),
        )

    shape = np.median([image.shape[:2] for image in images], axis=0)
    return grid(len(images), draw, columns=columns, shape=tuple(shape))


@look()
def plot_sizes(
    sides: np.ndarray, anchors: Sequence[float], *, title: str = ""
) -> Figure:
    """Draw how large objects are, with the sides of the anchors meant for them.

    Args:
        sides: (n,) square roots of the objects' areas, in pixels of the padded image.
        anchors: the scale of each pyramid level, in the same pixels.
        title: above the chart.
    """
    figure, axes = new_figure(1, 1, size=(7, 3.2))
    ax = axes.flat[0]
    edges = np.geomspace(max(sides.min() * 0.8, 1), sides.max() * 1.25, 25)
    ax.hist(sides, bins=edges, color=palette(1)[0])
    for scale in anchors:
        ax.axvline(scale, color="0.3", linestyle="--", linewidth=1)
    ax.set(
        xscale="log",
        xlabel="side of an object in pixels (dashed: anchors)",
        ylabel="objects",
        title=title,
    )
    ticks = [s for s in anchors if edges[0] / 1.5 <= s <= edges[-1] * 1.5]
    ax.set_xlim(min(edges[0], *ticks) * 0.9, max(edges[-1], *ticks) * 1.1)
    ax.set_xticks(ticks, [f"{s:g}" for s in ticks])
    ax.set_xticks([], minor=True)
    return figure
