"""Small scenes built by hand."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from mrcnn.evaluation.scenes import Scene, annotated, detected

Entry = tuple[int, tuple[int, int, int, int]]


def rectangles(
    boxes: Sequence[tuple[int, int, int, int]], shape: tuple[int, int]
) -> np.ndarray:
    """Return full masks (h, w, n) of boxes."""
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


@pytest.fixture
def make_scene() -> Callable[..., Scene]:
    """Return a maker of scenes from (class, box) and (class, box, score) entries."""

    def make(
        truth: Sequence[Entry],
        found: Sequence[tuple[int, tuple[int, int, int, int], float]],
        *,
        shape: tuple[int, int] = (64, 64),
        image_id: int = 0,
        proposals: Sequence[tuple[int, int, int, int]] = (),
    ) -> Scene:
        boxes = [box for _, box, _ in found]
        detection = {
            "rois": np.array(boxes, np.int32).reshape(-1, 4),
            "class_ids": np.array([c for c, _, _ in found], np.int32),
            "scores": np.array([s for _, _, s in found], np.float32),
            "masks": rectangles(boxes, shape),
        }
        return Scene(
            image_id,
            annotated(
                np.array([c for c, _ in truth], np.int32),
                rectangles([box for _, box in truth], shape),
            ),
            detected(detection),
            np.array(proposals, np.float32).reshape(-1, 4),
        )

    return make
