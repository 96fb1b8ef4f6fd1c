"""Instance masks: cropped to boxes for training, pasted into images after detection."""

import numpy as np
from keras import ops

from mrcnn.ops.resize import resize_bilinear
from mrcnn.ops.roi_align import crop_and_resize
from mrcnn.structures import Tensor


def mask_targets(
    masks: Tensor, boxes: Tensor, side: int, *, aligned: bool = False
) -> Tensor:
    """Cut masks to boxes and resize them to what the mask head should predict.

    Args:
        masks: (B, n, H, W) 0 or 1, one for each box.
        boxes: (B, n, 4) in parts of the mask's extent: 0 and 1 are the centres of its
            first and last row if not `aligned`, its outer edges if `aligned`.
        side: M of the result.
        aligned: sample where `pyramid_roi_align` samples: from corner to corner if
            False, on the centres of the M x M bins if True.

    Returns:
        (B, n, M, M) float32, each 0 or 1 (bilinear, then rounded).
    """
    count, height, width = masks.shape[1:]
    boxes = ops.reshape(boxes, (-1, 4))
    regions = boxes
    if aligned:
        # A bin's centre in the outer half of a border pixel reads that pixel.
        for axis, size in ((2, height), (3, width)):
            first, last = ops.take(masks, [0], axis), ops.take(masks, [size - 1], axis)
            masks = ops.concatenate([first, masks, last], axis)
        half = 0.5 * (boxes[:, 2:] - boxes[:, :2]) / side
        size = ops.array([height, width] * 2, dtype="float32")
        boxes = boxes + ops.concatenate([half, -half], axis=-1)
        boxes = (boxes * size + 0.5) / (size + 1)
    images = ops.reshape(masks, (-1, *masks.shape[2:], 1))
    indices = ops.arange(ops.shape(boxes)[0], dtype="int32")
    crops = ops.round(crop_and_resize(images, boxes, indices, (side, side)))
    if aligned:
        crops = ops.where(_bins_inside(regions, side)[..., None], crops, 0.0)
    return ops.reshape(crops, (-1, count, side, side))


def _bins_inside(regions: Tensor, side: int) -> Tensor:
    """Return which bins (n, side, side) of regions (n, 4) have centres in 0..1."""
    steps = (ops.arange(side, dtype="float32")[:, None] + 0.5) / side
    low, high = regions[:, None, :2], regions[:, None, 2:]
    centres = low + (high - low) * steps  # (n, side, 2)
    inside = (centres >= 0) & (centres <= 1)
    return inside[:, :, None, 0] & inside[:, None, :, 1]


def smooth_masks(masks: Tensor, times: int) -> Tensor:
    """Return masks (B, R, M, M, ...), blurred by 1 2 1 along rows and along columns.

    The transposed convolution of the mask head makes four cells of one, each with
    weights of its own. Where the head is not sure, as between balloons alike, these lie
    above and below one half in turn, and an outline through them has saw teeth. At the
    border a cell stands for the neighbour that is missing.

    Args:
        masks: probabilities.
        times: how often; 0 returns masks as they are.
    """
    for axis in (2, 3) * times:
        lines = ops.moveaxis(masks, axis, 0)
        before = ops.concatenate([lines[:1], lines[:-1]])
        after = ops.concatenate([lines[1:], lines[-1:]])
        masks = ops.moveaxis((before + 2 * lines + after) / 4, 0, axis)
    return masks


def mini_mask(mask: np.ndarray, box: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return a mask (H, W) cut to its box and resized, as (*shape,) bool.

    Small masks make large images affordable: 56 x 56 instead of 1024 x 1024 pixels
    (Matterport's USE_MINI_MASK). Bilinear on pixel centres, then rounded: a half, which
    is common where a mask shrinks to half its size, goes to the even number, 0.

    Args:
        mask: (H, W) bool.
        box: (4,) int, pixels of the mask, y2 and x2 exclusive.
        shape: rows and columns of the result.

    Raises:
        ValueError: if the box is empty or lies outside the mask.
    """
    y1, x1, y2, x2 = (int(edge) for edge in box)
    part = mask[max(y1, 0) : max(y2, 0), max(x1, 0) : max(x2, 0)]
    if not part.size:
        raise ValueError(
            f"Box {[y1, x1, y2, x2]} is empty or outside its mask of {mask.shape[0]} x "
            f"{mask.shape[1]} pixels; drop masks without pixels."
        )
    return resize_bilinear(part, shape) > 0.5


def paste_masks(
    masks: np.ndarray,
    boxes: np.ndarray,
    image_shape: tuple[int, int],
    threshold: float = 0.5,
) -> np.ndarray:
    """Resize predicted masks to their boxes and paste them into an image.

    Only pixels inside each box are touched, so the cost follows the objects and not the
    image. A box that leaves the image is cut there.

    Args:
        masks: (n, M, M) probabilities.
        boxes: (n, 4) whole pixels of the image.
        image_shape: (h, w).
        threshold: a pixel from here on belongs to the object.

    Returns:
        (h, w, n) bool.
    """
    pasted = np.zeros((len(masks), *image_shape), bool)
    edges = np.asarray(boxes).astype(int).tolist()
    for mask, (y1, x1, y2, x2), image in zip(masks, edges, pasted, strict=True):
        rows = slice(max(y1, 0), min(y2, image_shape[0]))
        columns = slice(max(x1, 0), min(x2, image_shape[1]))
        if rows.start >= rows.stop or columns.start >= columns.stop:
            continue
        whole = resize_bilinear(mask, (y2 - y1, x2 - x1)) >= threshold
        image[rows, columns] = whole[
            rows.start - y1 : rows.stop - y1, columns.start - x1 : columns.stop - x1
        ]
    return np.moveaxis(pasted, 0, -1)


def boxes_of_masks(masks: np.ndarray) -> np.ndarray:
    """Return the tight boxes (n, 4) int32 of masks (H, W, n); zeros for empty ones."""
    boxes = np.zeros((masks.shape[-1], 4), np.int32)
    columns = masks.any(axis=0)  # (W, n)
    for i in np.flatnonzero(columns.any(axis=0)):
        x = np.flatnonzero(columns[:, i])
        # A copy lies together in memory: its rows are searched ten times faster.
        part = np.ascontiguousarray(masks[:, x[0] : x[-1] + 1, i])
        y = np.flatnonzero(part.any(axis=1))
        boxes[i] = y[0], x[0], y[-1] + 1, x[-1] + 1
    return boxes
