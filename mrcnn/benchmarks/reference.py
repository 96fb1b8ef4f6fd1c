"""Mask R-CNN's inference in float64 NumPy, written apart from the rest of the package.

It follows the papers and Matterport's conventions, one image at a time, with plain
loops where they are clearest, and shares no function with the network that it checks.
Layers are arrays by name: [kernel, bias] or [gamma, beta, mean, variance].
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Weights = Mapping[str, Sequence[np.ndarray]]

EPSILON = 1e-3  # of batch normalisation


class Numbers(NamedTuple):
    """What the network was built with."""

    scales: Sequence[float]
    ratios: Sequence[float]
    strides: Sequence[int]
    rpn_std_dev: Sequence[float]
    box_std_dev: Sequence[float]
    pre_nms: int
    proposals: int
    proposal_iou: float
    detections: int
    min_confidence: float
    detection_iou: float
    pool: int
    mask_pool: int


# --- Layers


def conv(
    x: np.ndarray, layer: Sequence[np.ndarray], stride: int = 1, pad: int = 0
) -> np.ndarray:
    """Return the convolution of x (h, w, c)."""
    kernel, bias = layer
    x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
    windows = sliding_window_view(x, kernel.shape[:2], axis=(0, 1))
    windows = windows[::stride, ::stride]  # (h, w, c, rows, columns)
    return np.einsum("hwcij,ijco->hwo", windows, kernel, optimize=True) + bias


def norm(x: np.ndarray, layer: Sequence[np.ndarray]) -> np.ndarray:
    """Return x normalised by moving averages."""
    gamma, beta, mean, variance = layer
    return gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta


def relu(x: np.ndarray) -> np.ndarray:
    """Return the positive part."""
    return np.maximum(x, 0)


def softmax(x: np.ndarray) -> np.ndarray:
    """Return probabilities along the last axis."""
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def pool3(x: np.ndarray) -> np.ndarray:
    """Return the largest of 3 x 3, at every second pixel of an even image."""
    x = np.pad(x, ((0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
    return sliding_window_view(x, (3, 3), axis=(0, 1))[::2, ::2].max(axis=(-2, -1))


# --- Features


def backbone(image: np.ndarray, weights: Weights) -> list[np.ndarray]:
    """Return C2 to C5 of a residual network."""
    x = relu(norm(conv(image, weights["conv1"], 2, pad=3), weights["bn_conv1"]))
    x = pool3(x)
    levels = []
    for stage in range(2, 6):
        found = (re.fullmatch(rf"res{stage}([a-z])_branch2a", name) for name in weights)
        for block in sorted(match[1] for match in found if match):
            stride = 2 if block == "a" and stage > 2 else 1
            x = _block(x, f"{stage}{block}", stride, weights)
        levels.append(x)
    return levels


def _block(x: np.ndarray, name: str, stride: int, weights: Weights) -> np.ndarray:
    def layer(y: np.ndarray, branch: str, stride: int = 1, pad: int = 0) -> np.ndarray:
        y = conv(y, weights[f"res{name}_branch{branch}"], stride, pad)
        return norm(y, weights[f"bn{name}_branch{branch}"])

    y = relu(layer(x, "2a", stride))
    y = layer(relu(layer(y, "2b", pad=1)), "2c")
    return relu(y + (layer(x, "1", stride) if f"res{name}_branch1" in weights else x))


def pyramid(levels: Sequence[np.ndarray], weights: Weights) -> list[np.ndarray]:
    """Return P2 to P6."""
    top = conv(levels[3], weights["fpn_c5p5"])
    merged = [top]
    for level in (4, 3, 2):
        top = top.repeat(2, axis=0).repeat(2, axis=1)
        top = top + conv(levels[level - 2], weights[f"fpn_c{level}p{level}"])
        merged.insert(0, top)
    found = [
        conv(x, weights[f"fpn_p{level}"], pad=1) for level, x in enumerate(merged, 2)
    ]
    return [*found, found[-1][::2, ::2]]


# --- Proposals


def rpn(
    levels: Sequence[np.ndarray], weights: Sequence[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (A, 2) and deltas (A, 4)."""
    probabilities, deltas = [], []
    for level in levels:
        shared = relu(conv(level, weights[:2], pad=1))
        probabilities.append(softmax(conv(shared, weights[2:4]).reshape(-1, 2)))
        deltas.append(conv(shared, weights[4:6]).reshape(-1, 4))
    return np.concatenate(probabilities), np.concatenate(deltas)


def anchors(side: int, numbers: Numbers) -> np.ndarray:
    """Return the anchors (A, 4) of a square image, normalised."""
    boxes = []
    for scale, stride in zip(numbers.scales, numbers.strides, strict=True):
        cells = -(-side // stride)
        for row in range(cells):
            for column in range(cells):
                for ratio in numbers.ratios:
                    half = np.array([scale / ratio**0.5, scale * ratio**0.5]) / 2
                    centre = np.array([row, column]) * stride
                    boxes.append([*(centre - half), *(centre + half)])
    return (np.array(boxes) - [0, 0, 1, 1]) / (side - 1)


def moved(boxes: np.ndarray, deltas: np.ndarray, units: Sequence[float]) -> np.ndarray:
    """Return boxes (n, 4) moved and scaled."""
    deltas = deltas * units
    sides = boxes[:, 2:] - boxes[:, :2]
    centres = boxes[:, :2] + sides / 2 + deltas[:, :2] * sides
    sides = sides * np.exp(deltas[:, 2:])
    return np.concatenate([centres - sides / 2, centres + sides / 2], axis=1)


def suppress(boxes: np.ndarray, order: Sequence[int], iou: float) -> list[int]:
    """Return which boxes stay, the first in order before all others."""
    kept: list[int] = []
    for i in order:
        for j in kept:
            low = np.maximum(boxes[i, :2], boxes[j, :2])
            high = np.minimum(boxes[i, 2:], boxes[j, 2:])
            shared = np.prod(np.maximum(high - low, 0))
            areas = sum(np.prod(boxes[k, 2:] - boxes[k, :2]) for k in (i, j))
            if areas > shared and shared / (areas - shared) > iou:
                break
        else:
            kept.append(int(i))
    return kept


def propose(
    probabilities: np.ndarray, deltas: np.ndarray, side: int, numbers: Numbers
) -> np.ndarray:
    """Return the proposals (P, 4), with zeros after the last."""
    best = np.argsort(-probabilities[:, 1], kind="stable")[: numbers.pre_nms]
    boxes = moved(anchors(side, numbers)[best], deltas[best], numbers.rpn_std_dev)
    boxes = np.clip(boxes, 0, 1)
    kept = suppress(boxes, range(len(boxes)), numbers.proposal_iou)[: numbers.proposals]
    found = np.zeros((numbers.proposals, 4))
    found[: len(kept)] = boxes[kept]
    return found


# --- Heads


def crop(level: np.ndarray, box: np.ndarray, size: int) -> np.ndarray:
    """Return size x size samples of features (h, w, c), the corners on the box's."""
    height, width = level.shape[:2]
    found = np.zeros((size, size, level.shape[2]))
    steps = np.arange(size) / (size - 1)
    rows = (box[0] + steps * (box[2] - box[0])) * (height - 1)
    columns = (box[1] + steps * (box[3] - box[1])) * (width - 1)
    for i, y in enumerate(rows):
        for j, x in enumerate(columns):
            if not (0 <= y <= height - 1 and 0 <= x <= width - 1):
                continue
            top, left = int(np.floor(y)), int(np.floor(x))
            bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
            a, b = y - top, x - left
            found[i, j] = (
                (1 - a) * (1 - b) * level[top, left]
                + (1 - a) * b * level[top, right]
                + a * (1 - b) * level[bottom, left]
                + a * b * level[bottom, right]
            )
    return found


def align(
    levels: Sequence[np.ndarray], box: np.ndarray, size: int, side: int
) -> np.ndarray:
    """Return a region's features from the level that suits its size."""
    extent = np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
    with np.errstate(divide="ignore"):
        level = 4 + np.round(np.log2(extent / (224 / side)))
    return crop(levels[int(np.clip(level, 2, 5)) - 2], box, size)


def classify(
    levels: Sequence[np.ndarray], boxes: np.ndarray, pool: int, side: int, w: Weights
) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, K) and deltas (n, K, 4) of regions."""
    rows = []
    for box in boxes:
        x = align(levels, box, pool, side)
        x = relu(norm(conv(x, w["mrcnn_class_conv1"]), w["mrcnn_class_bn1"]))
        x = relu(norm(conv(x, w["mrcnn_class_conv2"]), w["mrcnn_class_bn2"]))
        rows.append(x[0, 0])
    shared = np.array(rows)
    kernel, bias = w["mrcnn_class_logits"]
    probabilities = softmax(shared @ kernel + bias)
    kernel, bias = w["mrcnn_bbox_fc"]
    return probabilities, (shared @ kernel + bias).reshape(len(boxes), -1, 4)


def refine(
    boxes: np.ndarray,
    probabilities: np.ndarray,
    deltas: np.ndarray,
    window: np.ndarray,
    numbers: Numbers,
) -> np.ndarray:
    """Return the detections (D, 6): box, class and score, zeros after the last."""
    classes, scores = probabilities.argmax(1), probabilities.max(1)
    of_class = deltas[np.arange(len(boxes)), classes]
    boxes_there = boxes.any(axis=1)
    boxes = moved(boxes, of_class, numbers.box_std_dev)
    boxes = np.clip(boxes, window[[0, 1, 0, 1]], window[[2, 3, 2, 3]])
    usable = boxes_there & (classes > 0) & (scores >= numbers.min_confidence)
    usable &= (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
    kept: list[int] = []
    for c in range(1, probabilities.shape[1]):
        mine = np.flatnonzero(usable & (classes == c))
        order = mine[np.argsort(-scores[mine], kind="stable")]
        kept += suppress(boxes, order, numbers.detection_iou)
    kept = sorted(kept, key=lambda i: -scores[i])[: numbers.detections]
    found = np.zeros((numbers.detections, 6))
    for row, i in enumerate(kept):
        found[row] = [*boxes[i], classes[i], scores[i]]
    return found


def outline(
    levels: Sequence[np.ndarray], box: np.ndarray, pool: int, side: int, w: Weights
) -> np.ndarray:
    """Return the masks (M, M, K) of a region for every class."""
    x = align(levels, box, pool, side)
    for i in range(1, 5):
        x = conv(x, w[f"mrcnn_mask_conv{i}"], pad=1)
        x = relu(norm(x, w[f"mrcnn_mask_bn{i}"]))
    kernel, bias = w["mrcnn_mask_deconv"]  # (2, 2, out, in)
    doubled = np.einsum("hwc,ijoc->hiwjo", x, kernel, optimize=True)
    rows, _, columns, _, depth = doubled.shape
    x = relu(doubled.reshape(2 * rows, 2 * columns, depth) + bias)
    return 1 / (1 + np.exp(-conv(x, w["mrcnn_mask"])))


def detect(
    image: np.ndarray, window: np.ndarray, weights: Weights, numbers: Numbers
) -> dict[str, np.ndarray]:
    """Return all stages of a molded image (side, side, C); `window` is normalised."""
    side = image.shape[0]
    levels = backbone(image, weights)
    features = pyramid(levels, weights)
    probabilities, deltas = rpn(features, weights["rpn_model"])
    rois = propose(probabilities, deltas, side, numbers)
    classes, offsets = classify(features, rois, numbers.pool, side, weights)
    found = refine(rois, classes, offsets, window, numbers)
    masks = [outline(features, b[:4], numbers.mask_pool, side, weights) for b in found]
    return {
        **{f"C{i}": level for i, level in enumerate(levels, 2)},
        **{f"fpn_p{i}": level for i, level in enumerate(features, 2)},
        "rpn_class": probabilities,
        "rpn_bbox": deltas,
        "ROI": rois,
        "mrcnn_class": classes,
        "mrcnn_bbox": offsets,
        "mrcnn_detection": found,
        "mrcnn_mask": np.array(masks),
    }
