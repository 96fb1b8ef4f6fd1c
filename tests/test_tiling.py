"""Tiles cover a picture, and what each of them shows is one thing afterwards."""

import numpy as np
import pytest
from pycocotools import mask as coco
from scipy.ndimage import binary_dilation, binary_erosion, label

from mrcnn import tiling
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.rle import decode
from mrcnn.structures import Detection

SHAPE = (150, 210)
TILES = tiling.Tiling(64, 64, 24)


def detection(masks, class_ids, scores) -> Detection:
    """Return masks (h, w, n) as detections with codes."""
    codes = coco.encode(np.asfortranarray(masks, np.uint8)) if masks.size else []
    return Detection(
        rois=boxes_of_masks(masks),
        class_ids=np.array(class_ids, np.int32),
        scores=np.array(scores, np.float32),
        masks=codes,
    )


def looked_at(box, masks, class_ids, scores, detects=lambda part: part) -> Detection:
    """Return what a perfect detector sees in a box of a picture, in the picture.

    `detects` makes of what is visible of a thing, (h, w), what is detected.
    """
    y1, x1, y2, x2 = box
    parts = np.zeros_like(masks)
    parts[y1:y2, x1:x2] = masks[y1:y2, x1:x2]
    for i in np.flatnonzero(parts.any(axis=(0, 1))):
        parts[..., i] = detects(parts[..., i])
        parts[:y1, :, i] = parts[y2:, :, i] = False
        parts[:, :x1, i] = parts[:, x2:, i] = False
    shown = parts.any(axis=(0, 1))
    return detection(parts[..., shown], class_ids[shown], scores[shown])


def merged(masks, class_ids=None, *, tiles=TILES, whole=True, order=None, **options):
    """Return what is made of a perfect detector's answers to tiles and picture."""
    shape, count = masks.shape[:2], masks.shape[-1]
    ids = np.ones(count, int) if class_ids is None else np.asarray(class_ids)
    scores = np.linspace(0.9, 0.5, count)
    boxes = tiling.plan(shape, tiles)
    seen = [(box, looked_at(box, masks, ids, scores, **options)) for box in boxes]
    if order is not None:
        seen = [seen[i] for i in order(len(seen))]
    chosen = np.full(count, whole)
    whole = detection(masks[..., chosen], ids[chosen], scores[chosen])
    return tiling.merge(seen, whole, shape, tiles.overlap)


def assert_is_truth(found, masks, class_ids=None):
    """Assert that the things found are these, and best first."""
    ids = np.ones(masks.shape[-1], int) if class_ids is None else class_ids
    np.testing.assert_array_equal(decode(found["masks"], masks.shape[:2]), masks)
    np.testing.assert_array_equal(found["rois"], boxes_of_masks(masks))
    np.testing.assert_array_equal(found["class_ids"], ids)
    expected = np.linspace(0.9, 0.5, masks.shape[-1])
    np.testing.assert_allclose(found["scores"], expected, rtol=1e-6)


def drawn(*boxes, shape=SHAPE):
    """Return rectangles as masks (h, w, n)."""
    masks = np.zeros((*shape, len(boxes)), bool)
    for i, (y1, x1, y2, x2) in enumerate(boxes):
        masks[y1:y2, x1:x2, i] = True
    return masks


def scene(rng, count=40, largest=60):
    """Return ellipses of which later ones hide earlier ones, and their classes."""
    numbers = np.zeros(SHAPE, int)
    rows, columns = np.indices(SHAPE)
    for i in range(1, count + 1):
        (y, x), (b, a) = rng.uniform((0, 0), SHAPE), rng.uniform(2, largest / 2, 2)
        numbers[((rows - y) / b) ** 2 + ((columns - x) / a) ** 2 <= 1] = i
    present = np.setdiff1d(np.unique(numbers), 0)
    return numbers[..., None] == present, rng.integers(1, 4, len(present))


@pytest.mark.parametrize("case", range(200))
def test_tiles_cover_a_picture_and_share_enough(case):
    rng = np.random.default_rng(case)
    shape = tuple(rng.integers(1, 400, 2).tolist())
    height, width = rng.integers(1, 150, 2).tolist()
    tiles = tiling.Tiling(height, width, int(rng.integers(0, min(height, width))))
    boxes = tiling.plan(shape, tiles)
    sides = boxes[:, 2:] - boxes[:, :2]
    assert (sides == np.minimum(shape, (height, width))).all()
    assert (boxes[:, :2] >= 0).all() and (boxes[:, 2:] <= shape).all()
    assert len(np.unique(boxes, axis=0)) == len(boxes)
    count = 1
    for axis, length in enumerate(shape):
        starts, side = np.unique(boxes[:, axis]), sides[0, axis]
        assert starts[0] == 0 and starts[-1] + side == length
        assert (np.diff(starts) <= side - tiles.overlap).all()
        # One tile less could not cover as much.
        least = (
            1 + -(-(length - side) // (side - tiles.overlap)) if length > side else 1
        )
        assert len(starts) == least
        count *= least
    assert len(boxes) == count


def test_plan_by_hand():
    boxes = tiling.plan((10, 25), tiling.Tiling(10, 10, 2))
    np.testing.assert_array_equal(
        boxes, [[0, 0, 10, 10], [0, 7, 10, 17], [0, 15, 10, 25]]
    )


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("case", range(12))
def test_any_scene_comes_back(case, whole):
    """Things of all sizes, hidden in part, in pieces, touching, some beyond a tile."""
    masks, class_ids = scene(np.random.default_rng(case))
    connected = [_one_piece(masks[..., i]) for i in range(masks.shape[-1])]
    masks, class_ids = masks[..., connected], class_ids[connected]
    found = merged(masks, class_ids, whole=whole)
    assert_is_truth(found, masks, class_ids)


def _one_piece(mask):
    return label(mask, np.ones((3, 3)))[1] == 1


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    "box",
    [
        (5, 5, 20, 20),  # on one tile
        (10, 40, 20, 60),  # whole on two
        (45, 45, 60, 60),  # whole on one, cut on three
        (40, 40, 64, 64),  # as large as the overlap
        (10, 20, 20, 90),  # on two, cut on both
        (30, 30, 90, 90),  # on four
        (0, 0, 150, 210),  # everything
        (70, 0, 71, 210),  # a line
        (63, 63, 64, 64),  # a pixel in a corner
        (149, 209, 150, 210),
    ],
)
def test_a_thing_on_several_tiles_is_one(box, whole):
    masks = drawn(box)
    assert_is_truth(merged(masks, whole=whole), masks)


def test_things_that_touch_stay_apart():
    # Columns of rectangles side by side, across all edges of tiles.
    masks = drawn(
        *[(y, x, y + 15, x + 7) for y in (30, 45, 60) for x in range(0, 210, 7)]
    )
    assert_is_truth(merged(masks), masks)


def test_a_thing_on_another_stays_apart():
    masks = drawn((20, 20, 100, 120), (45, 45, 60, 60), (50, 80, 55, 100))
    assert_is_truth(merged(masks), masks)


def test_other_classes_stay_apart():
    masks = drawn((10, 20, 20, 90), (10, 20, 20, 90))
    assert_is_truth(merged(masks, [1, 2]), masks, [1, 2])


def test_the_order_of_the_tiles_makes_no_difference(rng):
    masks, class_ids = scene(rng)
    noise = np.random.default_rng(0).random((4, *SHAPE)) < 0.02

    def poor(part):
        return part & ~noise[int(part.sum()) % 4]

    expected = merged(masks, class_ids, detects=poor)
    for _ in range(5):
        found = merged(masks, class_ids, detects=poor, order=rng.permutation)
        assert found["masks"] == expected["masks"]
        for key in ("rois", "class_ids", "scores"):
            np.testing.assert_array_equal(found[key], expected[key])


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("case", range(12))
def test_masks_that_are_not_exact_are_joined_too(case, whole):
    """Each tile draws a thing larger, smaller or shifted by a pixel, as it happens."""
    rng = np.random.default_rng(case)
    ways = [
        binary_dilation,
        lambda mask: binary_erosion(mask, np.ones((2, 2))),
        lambda mask: np.roll(mask, rng.choice([-1, 1]), axis=rng.integers(2)),
        lambda mask: mask,
    ]

    def poor(part):
        sides = np.ptp(np.argwhere(part), axis=0) + 1
        return ways[rng.integers(4)](part) & (sides.min() > 3)  # slivers are not seen

    # Things of 6 to 50 pixels, two pixels or more apart.
    corners = np.array([(y, x) for y in range(2, 100, 54) for x in range(2, 150, 54)])
    sizes = rng.integers(6, 51, corners.shape)
    masks = drawn(*np.concatenate([corners, corners + sizes], axis=1))
    found = merged(masks, whole=whole, detects=poor)
    assert len(found["scores"]) == len(corners)
    overlaps = coco.iou(found["masks"], _codes(masks), [0] * len(corners))
    assert (overlaps.max(axis=1) > 0.6).all()
    assert len(set(overlaps.argmax(axis=1))) == len(corners)


def _codes(masks):
    return coco.encode(np.asfortranarray(masks, np.uint8))


def test_a_thing_larger_than_a_tile_comes_from_the_whole_picture():
    """Half of the tiles do not know what fills them; its parts are no things beside."""
    masks = drawn((20, 20, 140, 200), (2, 2, 12, 14))
    chance = np.random.default_rng(0)
    found = merged(masks, detects=lambda part: part & (chance.random() < 0.5))
    assert_is_truth(found, masks)


@pytest.mark.parametrize("box", [(10, 10, 20, 30), (60, 60, 84, 80)])
def test_what_tiles_would_have_seen_is_not_taken_from_the_whole_picture(box):
    masks = drawn(box)
    nothing = merged(masks, detects=np.zeros_like)
    assert len(nothing["scores"]) == 0


def test_what_only_an_edge_makes_a_thing_is_none():
    """A tile's corner looks like a square; the tiles around see that there is none."""
    masks = drawn((70, 60, 90, 90))
    boxes = tiling.plan(SHAPE, TILES)
    nothing = detection(drawn(), [], [])
    seen = []
    for box in boxes:
        y2, x2 = box[2:]
        true = looked_at(box, masks, np.array([1]), np.array([0.9]))
        corner = drawn((y2 - 12, x2 - 12, y2, x2))
        shown = np.concatenate([decode(true["masks"], SHAPE), corner], axis=-1)
        count = shown.shape[-1]
        seen.append((box, detection(shown, [1] * (count - 1) + [2], [0.9] * count)))
    found = tiling.merge(seen, nothing, SHAPE, TILES.overlap)
    # In the picture's own corner nobody sees beyond.
    kept = decode(found["masks"], SHAPE)[..., np.argsort(found["class_ids"])]
    np.testing.assert_array_equal(kept[..., :1], masks)
    np.testing.assert_array_equal(kept[..., -1:], drawn((138, 198, 150, 210)))
    # Along the picture's lower and right sides, neighbours see the place whole.
    assert kept.shape[-1] == 2


def test_a_crowd_is_no_large_thing():
    """The whole picture shows nine small things as one; they stay nine."""
    masks = drawn(*[(y, x, y + 18, x + 18) for y in (30, 50, 70) for x in (30, 50, 70)])
    ids, scores = np.ones(9, int), np.linspace(0.9, 0.5, 9)
    seen = [
        (box, looked_at(box, masks, ids, scores)) for box in tiling.plan(SHAPE, TILES)
    ]
    one = detection(drawn((30, 30, 88, 88)), [1], [0.99])
    assert_is_truth(tiling.merge(seen, one, SHAPE, TILES.overlap), masks)


def test_nothing_found():
    masks = drawn()
    found = merged(masks)
    assert found["masks"] == []
    assert found["rois"].shape == (0, 4)
    assert found["rois"].dtype == found["class_ids"].dtype == np.int32
    assert found["scores"].dtype == np.float32


@pytest.mark.parametrize(
    ("tile", "overlap", "expected"),
    [
        (None, None, None),
        (64, None, (64, 64, 16)),
        ((64, 32), 0, (64, 32, 0)),
        ([np.int64(5), 7], np.int32(4), (5, 7, 4)),
        (np.array([8, 9]), None, (8, 9, 2)),
        (1, None, (1, 1, 0)),
    ],
)
def test_what_can_be_asked_for(tile, overlap, expected):
    assert tiling.asked(tile, overlap) == expected


@pytest.mark.parametrize(
    ("tile", "overlap", "text"),
    [
        (0, None, "tile is 0; it must be a whole number"),
        (-5, None, "tile is -5; it must be"),
        (64.0, None, "tile is 64.0; it must be"),
        (True, None, "tile is True; it must be"),
        ("64", None, "tile is '64'; it must be"),
        ((64,), None, r"tile is \(64,\); it must be"),
        ((64, 64, 3), None, r"tile is \(64, 64, 3\); it must be .* list or tuple of 2"),
        ((64, 0), None, r"tile is \(64, 0\); it must be"),
        (np.zeros((2, 2), int), None, "tile is array"),
        ([[1, 2], [3]], None, "tile is "),
        (float("nan"), None, "tile is nan; it must be"),
        ({"a": 1, "b": 2}, None, "tile is {.*; it must be"),
        (64, -1, "overlap is -1; it must be None or a whole number"),
        (64, 0.25, "overlap is 0.25; it must be .*"),
        (64, True, "overlap is True"),
        (64, "8", "overlap is '8'"),
        (64, 64, "overlap is 64 and tiles are 64 x 64 pixels: it must be less"),
        ((64, 32), 40, "overlap is 40 and tiles are 64 x 32 pixels"),
        (None, 8, "overlap is 8 without tiles: give tile, too"),
        (0, -1, r"The tiling has 2 faults:\n- tile is 0.*\n- overlap is -1"),
    ],
)
def test_bad_tilings_are_one_error(tile, overlap, text):
    with pytest.raises(ValueError, match=text):
        tiling.asked(tile, overlap)
