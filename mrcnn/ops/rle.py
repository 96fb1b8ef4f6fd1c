"""Masks of a picture as COCO's compressed run lengths, the form of pycocotools.

A code is a dictionary of `size`, [h, w], and `counts`, bytes. Its memory follows an
object's outline, not the picture: 300 masks of 8,000 x 6,000 pixels are 14 GB as arrays
and some megabytes as codes. Runs go down the columns.
"""

import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from mrcnn.ops.resize import resize_bilinear

Code = dict[str, Any]

STRIP = 1 << 22
"""Pixels of a mask that are drawn at a time."""


def encode(masks: np.ndarray) -> list[Code]:
    """Return the codes of masks (h, w, n) bool."""
    if not masks.size:
        shape = list(masks.shape[:2])
        return [{"size": shape, "counts": b""} for _ in range(masks.shape[-1])]
    return coco.encode(np.asfortranarray(masks, np.uint8))


def encode_masks(
    masks: np.ndarray,
    boxes: np.ndarray,
    image_shape: tuple[int, int],
    threshold: float = 0.5,
) -> list[Code]:
    """Return the codes of what `paste_masks` draws, without drawing whole pictures.

    Args:
        masks: (n, M, M) probabilities.
        boxes: (n, 4) whole pixels of the image.
        image_shape: (h, w).
        threshold: a pixel from here on belongs to the object.

    Raises:
        ValueError: if the image has 2 ** 32 pixels or more.
    """
    codes = []
    for mask, box in zip(masks, np.asarray(boxes).astype(int).tolist(), strict=True):
        edges = list(_edges(mask, box, image_shape, threshold))
        codes.append(_from_edges(np.concatenate(edges), image_shape))
    return codes


def encode_box(box: Sequence[int], image_shape: tuple[int, int]) -> Code:
    """Return the code of a box (4,) inside an image (h, w), in whole pixels."""
    y1, x1, y2, x2 = (int(edge) for edge in box)
    tops = np.arange(x1, x2) * image_shape[0] + y1
    return _from_edges(np.stack([tops, tops + y2 - y1], axis=1).ravel(), image_shape)


def decode(codes: Sequence[Code], image_shape: tuple[int, int]) -> np.ndarray:
    """Return the masks, bool (h, w, n), of n codes of an image (h, w)."""
    if not codes:
        return np.zeros((*image_shape, 0), bool)
    with warnings.catch_warnings():
        # pycocotools' decoder has no `copy` keyword in `__array__` yet (NumPy 2).
        warnings.simplefilter("ignore", DeprecationWarning)
        return coco.decode(list(codes)).view(bool)


def bounds(code: Code) -> tuple[int, int, int, int]:
    """Return the box (y1, x1, y2, x2) of a mask's pixels; all 0 if it has none."""
    x, y, width, height = (int(edge) for edge in coco.toBbox(code))
    return y, x, y + height, x + width


def cut(code: Code, box: Sequence[int]) -> np.ndarray:
    """Return the part of a mask that lies in a box of its picture, drawing no more.

    Args:
        code: of the mask.
        box: (4,) whole pixels (y1, x1, y2, x2), inside the picture.

    Returns:
        (y2 - y1, x2 - x1) bool.
    """
    y1, x1, y2, x2 = box
    height = code["size"][0]
    edges = np.cumsum(_runs(code["counts"])).clip(x1 * height, x2 * height)
    runs = np.diff(edges, prepend=x1 * height)
    columns = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return columns.reshape(x2 - x1, height).T[y1:y2]


def shares(a: Sequence[Code], b: Sequence[Code]) -> np.ndarray:
    """Return which share (n, m) of each of n masks lies in each of m others.

    Empty masks share nothing.
    """
    return _overlaps(a, b, of_first=True)


def ious(a: Sequence[Code], b: Sequence[Code]) -> np.ndarray:
    """Return intersection over union (n, m); 0 where a mask is empty."""
    return _overlaps(a, b, of_first=False)


def _overlaps(a: Sequence[Code], b: Sequence[Code], *, of_first: bool) -> np.ndarray:
    if not a or not b:
        return np.zeros((len(a), len(b)))
    # Of a crowd, pycocotools asks how much of the first mask lies in it.
    return coco.iou(list(a), list(b), [of_first] * len(b))


def union(codes: Sequence[Code]) -> Code:
    """Return the code of all pixels of some masks of one picture."""
    return coco.merge(list(codes))


def within(codes: Sequence[Code], box: Sequence[int]) -> list[Code]:
    """Return the parts of masks that lie in a box (4,) of their picture."""
    if not codes:
        return []
    zone = encode_box(box, tuple(codes[0]["size"]))
    return [coco.merge([code, zone], intersect=True) for code in codes]


def _edges(
    mask: np.ndarray, box: list[int], image_shape: tuple[int, int], threshold: float
) -> Iterator[np.ndarray]:
    """Yield where a mask begins and ends, in turns, counted down the columns."""
    y1, x1, y2, x2 = box
    (height, width), shape = image_shape, (y2 - y1, x2 - x1)
    top, bottom = max(y1, 0), min(y2, height)
    first, last = max(x1, 0), min(x2, width)
    yield np.zeros(0, int)
    if top >= bottom:
        return
    step = max(1, STRIP // shape[0])
    for start in range(first, last, step):
        part = slice(start - x1, min(start + step, last) - x1)
        strip = resize_bilinear(mask, shape, part)[top - y1 : bottom - y1] >= threshold
        framed = np.zeros((strip.shape[1], len(strip) + 2), bool)
        framed[:, 1:-1] = strip.T
        column, row = np.nonzero(framed[:, 1:] != framed[:, :-1])
        yield (start + column) * height + top + row


def _from_edges(edges: np.ndarray, image_shape: tuple[int, int]) -> Code:
    """Return the code of runs that begin and end, in turns, at these pixels."""
    height, width = image_shape
    if height * width >= 1 << 32:
        raise ValueError(
            f"A picture of {height} x {width} pixels has more than run lengths of 32 "
            "bits count: cut it in parts."
        )
    # A run that ends where the next one begins goes on at the top of its column.
    meets = np.flatnonzero(edges[1:] == edges[:-1])
    edges = np.delete(edges, [meets, meets + 1])
    counts = np.diff(edges, prepend=0, append=height * width)
    if len(counts) > 1 and not counts[-1]:
        counts = counts[:-1]
    code = {"size": [height, width], "counts": counts.tolist()}
    return coco.frPyObjects(code, height, width)


def _runs(counts: bytes) -> np.ndarray:
    """Return the lengths of the runs, (n,) int: outside the mask, inside, and so on.

    A number is written in groups of 5 bits, the lowest first, as characters from 48 on;
    bit 5 says that another follows, and bit 4 of the last is the sign. From the fourth
    run on, it is the difference from the run before the last one.
    """
    groups = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    ends = np.flatnonzero(groups & 32 == 0)
    if not ends.size:  # a picture without pixels
        return ends
    starts = np.append(0, ends[:-1] + 1)
    place = np.arange(len(groups)) - np.repeat(starts, ends - starts + 1)
    runs = np.add.reduceat((groups & 31) << 5 * place, starts)
    runs -= (groups[ends] >> 4 & 1) << 5 * (place[ends] + 1)
    runs[1::2] = runs[1::2].cumsum()
    runs[2::2] = runs[2::2].cumsum()
    return runs
