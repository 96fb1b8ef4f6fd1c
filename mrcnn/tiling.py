"""Pictures in overlapping tiles: where these lie, and how what they show is joined.

Slicing-aided inference (Akyon et al., arXiv:2202.06934) looks at parts of a picture and
once at all of it. What is joined here is decided by pixels, in three rules.

1. Two tiles see the same pixels where they overlap. So two detections are one thing if
   their masks agree there; each has one partner in the other tile at most. What an
   inner edge of its tile cuts off, and what has no partner, also belongs to the thing
   that covers it there.
2. Of one thing the detection that lies farthest from such edges counts. Where all are
   cut off, their pixels together do, unless another tile shows that place whole and
   nothing there: edges look like those of things. The best score is kept.
3. A thing no longer than the overlap is whole on some tile. Longer ones may be on none:
   the look at the whole picture adds them, in place of their parts, unless they consist
   of things that tiles have seen whole.

Things of different classes are different. Codes are pycocotools' (`mrcnn.ops.rle`).
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mrcnn.checks.kinds import COUNT, LENGTH, optional, sequence
from mrcnn.notices import all_of
from mrcnn.ops import rle
from mrcnn.structures import Detection

SAME = 0.5
"""Overlap from which on two masks show one thing."""
NEAR = 0.05
"""Parts of a box's side that it may end before the edge that cuts it off."""


class Tiling(NamedTuple):
    """How large tiles are and how far they overlap, in pixels of the picture."""

    height: int
    width: int
    overlap: int

    def covers(self, shape: tuple[int, int]) -> bool:
        """Return whether a picture (h, w) fits into one tile."""
        return shape[0] <= self.height and shape[1] <= self.width


def asked(tile: Any, overlap: Any = None) -> Tiling | None:
    """Return what a user asks for; None if `tile` is None.

    Args:
        tile: side of a tile, or its height and width.
        overlap: of neighbours, at least; a quarter of the shorter side by default.

    Raises:
        ValueError: names what is no such number, or an overlap as large as a tile.
    """
    sides = (tile, tile) if COUNT.fits(tile) else tile
    faults = []
    if sides is not None and not sequence(COUNT, 2).fits(sides):
        pair = sequence(COUNT, 2).wanted
        faults.append(
            COUNT._replace(wanted=f"{COUNT.wanted}, or {pair}").fault("tile", tile)
        )
    if fault := optional(LENGTH).fault("overlap", overlap):
        faults.append(fault)
    elif overlap is not None and tile is None:
        faults.append(f"overlap is {overlap} without tiles: give tile, too.")
    elif overlap is not None and not faults and overlap >= min(sides):
        faults.append(
            f"overlap is {overlap} and tiles are {sides[0]} x {sides[1]} pixels: it "
            "must be less than their sides."
        )
    if faults:
        raise ValueError(all_of(faults, "The tiling"))
    if sides is None:
        return None
    height, width = map(int, sides)
    return Tiling(
        height, width, min(height, width) // 4 if overlap is None else int(overlap)
    )


def plan(shape: tuple[int, int], tiles: Tiling) -> np.ndarray:
    """Return tiles (t, 4) int that cover a picture (h, w), row by row.

    All are of one size, a tile's or where it is less the picture's. They begin and end
    with the picture and lie evenly between, `overlap` or more of neighbours shared, and
    are as few as can be.
    """
    sides = np.minimum(shape, tiles[:2])
    rows, columns = (
        _starts(*lengths, tiles.overlap) for lengths in zip(shape, sides, strict=True)
    )
    corners = np.stack(np.meshgrid(rows, columns, indexing="ij"), -1).reshape(-1, 2)
    return np.concatenate([corners, corners + sides], axis=1)


def _starts(length: int, side: int, overlap: int) -> np.ndarray:
    """Return where pieces of `side` begin that cover `length`."""
    spare = int(length - side)
    if not spare:
        return np.zeros(1, int)
    steps = -(-spare // (int(side) - overlap))
    return np.arange(steps + 1) * spare // steps


class Found(NamedTuple):
    """Detections of a picture, in its pixels, their masks as codes of it."""

    boxes: np.ndarray  # (n, 4) int
    class_ids: np.ndarray  # (n,) int
    scores: np.ndarray  # (n,)
    codes: list[rle.Code]  # n

    @classmethod
    def of(cls, detection: Detection) -> "Found":
        """Return what `detect` found, its `masks` being codes."""
        names = ("rois", "class_ids", "scores", "masks")
        return cls(*(detection[name] for name in names))

    def take(self, indices: np.ndarray) -> "Found":
        """Return those at the indices, or where the mask, `indices`."""
        indices = np.arange(len(self.codes))[indices]
        arrays = (array[indices] for array in self[:3])
        return Found(*arrays, [self.codes[i] for i in indices])


def _together(found: Sequence[Found]) -> Found:
    """Return the detections of one or more, one after the other."""
    arrays = (np.concatenate(many) for many in list(zip(*found, strict=True))[:3])
    return Found(*arrays, [code for one in found for code in one.codes])


def merge(
    seen: Sequence[tuple[np.ndarray, Detection]],
    whole: Detection,
    shape: tuple[int, int],
    overlap: int,
) -> Detection:
    """Return what was found in tiles and in the whole picture, each thing once.

    The order of the tiles makes no difference.

    Args:
        seen: one or more tiles (4,), and what was found in each, in pixels of the
            picture, `masks` as codes of it.
        whole: what was found in the whole picture, in the same form.
        shape: (h, w) of the picture.
        overlap: that neighbours share at least.

    Returns:
        Detections with codes as `masks`, best first.
    """
    seen = sorted(seen, key=lambda one: tuple(one[0]))
    tiles = np.array([tile for tile, _ in seen])
    owner = np.repeat(np.arange(len(seen)), [len(d["scores"]) for _, d in seen])
    parts = _together([Found.of(detection) for _, detection in seen])
    room = _room(parts.boxes, tiles[owner], shape)
    things, cut = _things(parts, _labels(parts, owner, tiles, room <= 0), room)
    real = ~cut
    real[cut] = [not _shown(box, tiles, shape) for box in things.boxes[cut]]
    things, cut = things.take(real), cut[real]
    things = _with_large(things, cut, Found.of(whole), overlap)
    best = things.take(np.argsort(-things.scores, kind="stable"))
    return Detection(
        rois=best.boxes,
        class_ids=best.class_ids,
        scores=best.scores,
        masks=best.codes,
    )


def _room(boxes: np.ndarray, tiles: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Return how far (n,) boxes lie from the inner edges of their tiles (n, 4).

    0 and less where an edge is so near that it may cut the thing off; infinite where a
    tile has no edge inside the picture (h, w).
    """
    inner = np.concatenate([tiles[:, :2] > 0, tiles[:, 2:] < shape], axis=1)
    near = np.maximum(1, NEAR * (boxes[:, 2:] - boxes[:, :2]))
    room = np.abs(boxes - tiles) - np.tile(near, 2)
    return np.where(inner, room, np.inf).min(axis=1)


def _shown(box: np.ndarray, tiles: np.ndarray, shape: tuple[int, int]) -> bool:
    """Return whether a tile holds a box, and no edge may cut it off there."""
    inside = (tiles[:, :2] <= box[:2]) & (tiles[:, 2:] >= box[2:])
    holding = tiles[inside.all(axis=1)]
    return bool((_room(box[None], holding, shape) > 0).any())


def _labels(
    parts: Found, owner: np.ndarray, tiles: np.ndarray, cut: np.ndarray
) -> np.ndarray:
    """Return the number (n,) of the thing that each detection shows."""
    links = [
        link
        for i, j, zone in _zones(tiles)
        for link in _links(
            parts, *(_in(parts, owner == k, zone) for k in (i, j)), zone, cut
        )
    ]
    count = len(owner)
    rows, columns = np.array(links, int).reshape(-1, 2).T
    graph = coo_array((np.ones(len(links)), (rows, columns)), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _zones(tiles: np.ndarray) -> Iterator[tuple[int, int, np.ndarray]]:
    """Yield each two tiles that overlap, and the box (4,) that they share."""
    for i, tile in enumerate(tiles):
        low = np.maximum(tiles[i + 1 :, :2], tile[:2])
        high = np.minimum(tiles[i + 1 :, 2:], tile[2:])
        for j in np.flatnonzero((low < high).all(axis=1)):
            yield i, i + 1 + int(j), np.concatenate([low[j], high[j]])


def _in(parts: Found, chosen: np.ndarray, zone: np.ndarray) -> np.ndarray:
    """Return which of the chosen detections reach into a box (4,)."""
    y1, x1, y2, x2 = parts.boxes.T
    low, high = zone[:2], zone[2:]
    rows, columns = (y1 < high[0]) & (y2 > low[0]), (x1 < high[1]) & (x2 > low[1])
    return np.flatnonzero(chosen & rows & columns)


def _links(
    parts: Found, a: np.ndarray, b: np.ndarray, zone: np.ndarray, cut: np.ndarray
) -> Iterator[tuple[int, int]]:
    """Yield which detection of one tile shows the same thing as which of another.

    Args:
        parts: all detections.
        a: indices of those of one tile.
        b: of another.
        zone: (4,) that the tiles share.
        cut: (n,) whether the edge of its tile may cut a detection off.
    """
    # Not with the module: it takes a tenth as long to load as TensorFlow does.
    from scipy.optimize import linear_sum_assignment

    here, there = (rle.within(parts.take(k).codes, zone) for k in (a, b))
    alike = parts.class_ids[a][:, None] == parts.class_ids[b]
    agree = rle.ious(here, there) * alike
    rows, columns = linear_sum_assignment(agree, maximize=True)
    good = agree[rows, columns] >= SAME
    yield from zip(a[rows[good]], b[columns[good]], strict=True)
    for mine, others, paired, covered in (
        (a, b, rows[good], rle.shares(here, there) * alike),
        (b, a, columns[good], rle.shares(there, here) * alike.T),
    ):
        alone = cut[mine] & (covered.max(axis=1, initial=0) >= SAME)
        alone[paired] = False
        for i in np.flatnonzero(alone):
            yield mine[i], others[covered[i].argmax()]


def _things(
    parts: Found, labels: np.ndarray, room: np.ndarray
) -> tuple[Found, np.ndarray]:
    """Return one detection for each label, and which (n,) are cut off on all tiles."""
    order = np.argsort(labels, kind="stable")
    groups = np.split(order, np.flatnonzero(np.diff(labels[order])) + 1)
    chosen = np.array(
        [max(g, key=lambda i: (room[i], parts.scores[i])) for g in groups if len(g)],
        int,
    )
    things, cut = parts.take(chosen), room[chosen] <= 0
    for k, group in enumerate(groups[: len(chosen)]):
        things.scores[k] = parts.scores[group].max()
        if cut[k] and len(group) > 1:
            boxes = parts.boxes[group]
            things.boxes[k] = *boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0)
            things.codes[k] = rle.union([parts.codes[i] for i in group])
    return things, cut


def _with_large(things: Found, cut: np.ndarray, whole: Found, overlap: int) -> Found:
    """Return things of tiles, and of the whole picture those that are longer.

    Args:
        things: of tiles.
        cut: (n,) which of them are cut off on all tiles.
        whole: what was found in the whole picture.
        overlap: of tiles; up to this length, things are whole on one of them.
    """
    sides = whole.boxes[:, 2:] - whole.boxes[:, :2]
    large = whole.take((sides > overlap).any(axis=1))
    alike = things.class_ids[:, None] == large.class_ids
    consists = rle.shares(large.codes, things.codes).T * alike
    large_ones = consists[~cut].sum(axis=0) < SAME
    part_of = rle.shares(things.codes, large.codes) * alike
    replaced = cut & (part_of[:, large_ones] >= SAME).any(axis=1)
    return _together([things.take(~replaced), large.take(large_ones)])
