"""What was found, as other tools take it: their trackers, annotators and counters.

COCO's files are written by `mrcnn.data.coco_files`.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from mrcnn.structures import Detection
from mrcnn.visualize.names import names_of

if TYPE_CHECKING:
    import supervision


def to_supervision(
    detection: Detection, class_names: Sequence[str]
) -> "supervision.Detections":
    """Return one result of `detect` as `supervision.Detections`, in the same order.

    `xyxy` (n, 4) float32 are the corners x1, y1, x2, y2 of our boxes. As there, x2 and
    y2 are exclusive: x2 - x1 columns belong to a box. (supervision's own
    `mask_to_xyxy` gives the last column instead, one less.) `mask` is (n, h, w) bool,
    of run lengths a `CompactMask`, which stays small, and None for none of these: they
    do not tell the size. `confidence` (n,) float32, `class_id` (n,) int,
    `data["class_name"]` (n,) of text. Its trackers are another package, `trackers`.

    Args:
        detection: of one image, its masks in either form.
        class_names: of all classes, background first.

    Raises:
        ImportError: supervision is not installed.
        ValueError: a class has no name.
    """
    try:
        import supervision
        from supervision.detection.compact_mask import CompactMask
    except ImportError as error:
        raise ImportError(
            "Detections for supervision need it, of version 0.31 or later "
            f"({error}): pip install 'supervision>=0.31'"
        ) from error
    names = names_of(detection["class_ids"], class_names)
    corners = np.asarray(detection["rois"], np.float32).reshape(-1, 4)[:, [1, 0, 3, 2]]
    masks = detection["masks"]
    if isinstance(masks, np.ndarray):
        masks = np.ascontiguousarray(np.moveaxis(masks, -1, 0))
    elif masks:
        masks = CompactMask.from_coco_rle(masks, corners, tuple(masks[0]["size"]))
    return supervision.Detections(
        xyxy=corners,
        mask=None if isinstance(masks, list) else masks,
        confidence=np.asarray(detection["scores"], np.float32),
        class_id=np.asarray(detection["class_ids"], int),
        data={"class_name": np.array(names, str)},
    )
