"""An image of shapes, closed figures, and the promise that every label keeps."""

from collections.abc import Callable, Iterator
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mrcnn.data.shapes import ShapesDataset
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.visualize.labels import LabelLayer

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def closed_figures() -> Iterator[None]:
    """Close what a test opened."""
    yield
    plt.close("all")


@pytest.fixture(scope="session")
def shapes() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return an image with its boxes, masks and class ids."""
    dataset = ShapesDataset(20, seed=3, harder=True)
    i = max(dataset.image_ids, key=lambda i: len(dataset.load_mask(i)[1]))
    masks, class_ids = dataset.load_mask(i)
    return dataset.load_image(i), boxes_of_masks(masks), masks, class_ids


@pytest.fixture
def drawn_labels() -> Callable[[Axes], LabelLayer]:
    """Return a function that draws axes and returns their labels.

    It asserts first that every label lies inside the axes and that no two overlap.
    """

    def draw(ax: Axes) -> LabelLayer:
        ax.figure.canvas.draw()
        (labels,) = (a for a in ax.get_children() if isinstance(a, LabelLayer))
        renderer = ax.figure.canvas.get_renderer()
        area = ax.get_window_extent(renderer)
        patches = [t.get_bbox_patch().get_window_extent(renderer) for t in labels.texts]
        for patch in patches:
            assert area.x0 <= patch.x0 and patch.x1 <= area.x1
            assert area.y0 <= patch.y0 and patch.y1 <= area.y1
        assert not any(a.overlaps(b) for a, b in combinations(patches, 2))
        return labels

    return draw
