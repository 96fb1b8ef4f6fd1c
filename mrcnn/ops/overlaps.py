"""Which detection found which object: overlaps of masks, and greedy matching."""

import numpy as np


def mask_iou(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the IoUs (n, m) float32 of masks a (h, w, n) with masks b (h, w, m), bool.

    Two empty masks have an IoU of 0.
    """
    pixels = a.shape[0] * a.shape[1]
    a = a.reshape(pixels, a.shape[-1]).astype(np.float32)
    b = b.reshape(pixels, b.shape[-1]).astype(np.float32)
    shared = a.T @ b
    union = a.sum(axis=0)[:, None] + b.sum(axis=0)[None, :] - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 0).astype(np.float32)


def greedy_match(
    overlaps: np.ndarray, scores: np.ndarray, *, threshold: float = 0.5
) -> np.ndarray:
    """Give each detection, best score first, the free object that it overlaps most.

    The rule of PASCAL VOC and COCO: an object is found at most once, by the most
    confident detection that reaches it; a later one is a false alarm. Of equal scores
    the earlier detection comes first.

    Args:
        overlaps: IoUs (n, m) of n detections with m objects; set an entry below the
            threshold to forbid the pair, as for detections of another class.
        scores: (n,) of the detections.
        threshold: least IoU of a match, not negative.

    Returns:
        (n,) int: each detection's object, or -1.
    """
    matches = np.full(len(scores), -1)
    free = np.array(overlaps, np.float64)
    if not free.size:
        return matches
    for i in np.argsort(-np.asarray(scores), kind="stable"):
        best = int(free[i].argmax())
        if free[i, best] >= threshold:
            matches[i] = best
            free[:, best] = -1
    return matches
