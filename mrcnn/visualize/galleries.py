"""Several images side by side: any images, the largest classes, augmentations."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from mrcnn.visualize.instances import draw_outline
from mrcnn.visualize.masks import apply_mask, rgb
from mrcnn.visualize.names import names_of
from mrcnn.visualize.style import (
    Figure,
    look,
    new_figure,
    palette,
    presented,
    show_image,
)


@look()
def display_images(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    cols: int = 4,
    cmap: Any = None,
    norm: Any = None,
    interpolation: str | None = None,
) -> Figure:
    """Show images of any sizes in a grid, with titles; in a script, in a window.

    Args:
        images: each (h, w) or (h, w, 1), drawn with `cmap` and `norm`, or (h, w, 3) in
            [0, 255], floats also in [0, 1].
        titles: of the first images, or of all.
        cols: side by side.
        cmap: Matplotlib's, for images of one band.
        norm: Matplotlib's, likewise; by default from the least to the largest value.
        interpolation: Matplotlib's; by default "nearest" for small images.
    """
    names = [] if titles is None else [str(title) for title in titles]
    names += [""] * (len(images) - len(names))
    options = {"cmap": cmap, "norm": norm}

    def draw(ax: Axes, i: int) -> None:
        coloured = np.shape(images[i])[2:] > (1,)
        show_image(ax, rgb(images[i]) if coloured else images[i], names[i], **options)
        if interpolation:
            ax.images[0].set_interpolation(interpolation)

    shape = np.shape(images[0])[:2] if len(images) else (1, 1)
    return presented(grid(len(images), draw, columns=cols, shape=shape))


@look()
def grid(
    count: int,
    draw: Callable[[Axes, int], None],
    *,
    columns: int = 4,
    shape: tuple[int, int] = (1, 1),
    title: str = "",
) -> Figure:
    """Return a figure of `count` panels, each drawn by `draw(ax, i)`.

    Args:
        count: of panels; with none the figure says that there is nothing to show.
        draw: fills a panel.
        columns: at most so many side by side.
        shape: (h, w) in any unit, the panels' proportions.
        title: above all panels.
    """
    if not count:  # no detections, no mistakes: an ordinary result
        figure, axes = new_figure(size=(6, 1))
        axes.flat[0].set_axis_off()
        axes.flat[0].text(0.5, 0.5, "nothing to show", ha="center", va="center")
        return figure
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    width = min(4.5, 12 / columns)
    height = width * shape[0] / shape[1] + 0.3
    figure, axes = new_figure(
        rows, columns, size=(width * columns, height * rows + 0.4 * bool(title))
    )
    for i, ax in enumerate(axes.flat):
        if i < count:
            draw(ax, i)
        else:
            ax.set_axis_off()
    if title:
        figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


@look()
def cut_out_gallery(
    cut_outs: Sequence[np.ndarray], *, row: float = 0.15, gap: float = 0.01
) -> Figure:
    """Show objects on white in close rows, the tallest first.

    Each row is as wide as the figure, unless it would be taller than twice `row`; the
    last is no taller than the one above.

    Args:
        cut_outs: each (h, w, 4) uint8, as `outlines.cut_outs` returns them.
        row: how tall rows are at least, as a part of the width.
        gap: between two objects, likewise.
    """
    if not cut_outs:
        return grid(0, lambda ax, i: None)
    tallest_first = sorted(cut_outs, key=lambda cut: -cut.shape[0])
    places, height = _in_rows([c.shape[:2] for c in tallest_first], row, gap)
    figure, axes = new_figure(size=(12, 12 * height))
    ax = axes[0, 0]
    ax.set_axis_off()
    for cut, (x, y, w, h) in zip(tallest_first, places, strict=True):
        ax.imshow(cut, extent=(x, x + w, y + h, y), interpolation="antialiased")
    ax.set(xlim=(0, 1), ylim=(height, 0), aspect="equal")
    return figure


def _in_rows(
    sizes: Sequence[tuple[int, int]], row: float, gap: float
) -> tuple[list[tuple[float, float, float, float]], float]:
    """Return x, y, width and height of each of `sizes` (h, w), and the whole height.

    The width is 1. Rows are filled until one more object would make them flatter than
    `row`.
    """
    rows: list[list[float]] = [[]]
    for height, width in sizes:
        longer = [*rows[-1], width / height]
        if rows[-1] and (1 - gap * (len(longer) - 1)) / sum(longer) < row:
            rows.append([width / height])
        else:
            rows[-1] = longer
    wide = [(1 - gap * (len(ratios) - 1)) / sum(ratios) for ratios in rows]
    heights = [min(height, 2 * row) for height in wide]
    heights[-1] = min(heights[-2:])
    places, y = [], 0.0
    for ratios, tall in zip(rows, heights, strict=True):
        x = 0.0
        for ratio in ratios:
            places.append((x, y, ratio * tall, tall))
            x += ratio * tall + gap
        y += tall + gap
    return places, y - gap


@look()
def display_top_masks(
    image: np.ndarray,
    mask: np.ndarray,
    class_ids: np.ndarray,
    class_names: Sequence[str],
    limit: int = 4,
) -> Figure:
    """Show an image beside the masks of the classes that cover most of it.

    The instances of a class have its colour, each paler than the one before.

    Args:
        image: (h, w, 3) uint8.
        mask: (h, w, n) bool.
        class_ids: (n,).
        class_names: background first.
        limit: classes shown.
    """
    class_ids = np.asarray(class_ids)
    members = {int(c): np.flatnonzero(class_ids == c) for c in np.unique(class_ids)}
    covered = {c: mask[..., i].any(axis=-1).sum() for c, i in members.items()}
    top = sorted(members, key=lambda c: -covered[c])[:limit]
    height, width = image.shape[:2]
    panels = [image]
    for c, colour in zip(top, palette(len(top)), strict=True):
        panels.append(np.full((height, width, 3), 240, np.uint8))
        strengths = np.linspace(1, 0.4, len(members[c]))
        for i, strength in zip(members[c], strengths, strict=True):
            apply_mask(panels[-1], mask[..., i], colour, strength)
    titles = [f"{height} x {width}"] + [
        f"{name} ({len(members[c])})"
        for c, name in zip(top, names_of(top, class_names), strict=True)
    ]
    return display_images(panels, titles, cols=min(len(panels), 5))


@look()
def show_augmentations(
    image: np.ndarray,
    masks: np.ndarray,
    augmentation: Callable[..., tuple[np.ndarray, np.ndarray]],
    *,
    count: int = 8,
    columns: int = 4,
    seed: int = 0,
    title: str = "",
) -> Figure:
    """Show an image and its masks, and beside them random variants of both in step.

    Args:
        image: (h, w, 3) uint8.
        masks: (h, w, n) bool.
        augmentation: called with image, masks and a NumPy generator; returns the new
            image and masks.
        count: panels, the original included.
        columns: panels side by side.
        seed: of the variants.
        title: above all panels.
    """
    rng = np.random.default_rng(seed)
    variants = [(image, masks)]
    variants += [augmentation(image, masks, rng) for _ in range(count - 1)]
    colours = palette(masks.shape[-1])

    def draw(ax: Axes, i: int) -> None:
        picture, outlined = variants[i]
        show_image(ax, picture, "original" if i == 0 else "")
        for k in range(outlined.shape[-1]):
            draw_outline(ax, outlined[..., k], colours[k % len(colours)])

    return grid(count, draw, columns=columns, shape=image.shape[:2], title=title)
