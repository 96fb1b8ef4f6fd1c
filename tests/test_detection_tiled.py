"""Large pictures through `detect`: what tiles see, in the pixels of the picture."""

import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest

from mrcnn import build
from mrcnn.data.transforms import plan_geometry
from mrcnn.detection import at_once, detect, run_tiled
from mrcnn.ops.boxes import normalise
from mrcnn.ops.rle import decode
from mrcnn.structures import DetectionSlots, Preprocessing, Proposals, Stages
from mrcnn.tiling import Tiling

SLOTS = 100


class Seer:
    """A network that finds each rectangle of one brightness, up to a width it knows.

    Class and score follow from the brightness.
    """

    def __init__(self, preprocessing, longest=1 << 30):
        self.preprocessing, self.longest = preprocessing, longest
        self.backbone = SimpleNamespace(input_shape=(None, None, None, 3))
        self.batches = []

    def predict_on_batch(self, inputs):
        """Return stages with detections only; the images are those without a mean."""
        images = inputs["images"]
        self.batches.append(images.shape)
        rows = [self._found(image[..., 0]) for image in images]
        boxes, class_ids, scores, valid = map(np.stack, zip(*rows, strict=True))
        slots = DetectionSlots(boxes, class_ids, scores, valid)
        proposals = Proposals(boxes, scores, valid)
        masks = np.ones((len(images), SLOTS, 28, 28), np.float32)
        return Stages(None, None, proposals, None, None, slots, masks)

    def _found(self, image):
        boxes = np.zeros((SLOTS, 4), np.float32)
        class_ids, scores = np.zeros(SLOTS, np.int32), np.zeros(SLOTS, np.float32)
        valid = np.zeros(SLOTS, bool)
        levels = [level for level in np.unique(image) if level >= 10 and level % 2 == 0]
        found = 0
        for level in sorted(levels, reverse=True):
            y, x = np.nonzero(image == level)
            box = np.array([y.min(), x.min(), y.max() + 1, x.max() + 1])
            solid = len(y) == np.prod(box[2:] - box[:2])  # no blend, as at edges
            if not solid or (box[2:] - box[:2]).max() > self.longest:
                continue
            boxes[found] = normalise(box, image.shape, xp=np)
            class_ids[found], scores[found] = level % 4 // 2 + 1, level / 255
            valid[found] = True
            found += 1
        return boxes, class_ids, scores, valid


def painted(shape, boxes):
    """Return a picture of rectangles, each of a brightness of its own, best first."""
    image = np.zeros((*shape, 3), np.uint8)
    levels = 250 - 2 * np.arange(len(boxes))
    for level, (y1, x1, y2, x2) in zip(levels, boxes, strict=True):
        image[y1:y2, x1:x2] = level
    return image, levels


def scattered(rng, shape, count, largest):
    """Return boxes (n, 4) of sides up to `largest` that do not overlap."""
    cells = -(-np.array(shape) // (largest + 1)) - 1
    chosen = rng.choice(cells.prod(), count, replace=False)
    corners = np.stack(np.unravel_index(chosen, cells), -1) * (largest + 1)
    return np.concatenate(
        [corners, corners + rng.integers(3, largest + 1, (count, 2))], 1
    )


PAD64 = Preprocessing("pad64", 0, 64, 0, (0, 0, 0))
SQUARE = Preprocessing("square", 0, 64, 0, (0, 0, 0))


@pytest.mark.parametrize("how", [PAD64, SQUARE, PAD64._replace(mode="none")])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("tile", [64, (64, 128), (128, 64)])
def test_things_up_to_the_overlap_are_found_exactly(rng, how, batch_size, tile):
    if how.mode == "square" and tile != 64:
        how = how._replace(max_dim=128)
    shape = (300, 500)
    boxes = scattered(rng, shape, 30, 24)
    image, levels = painted(shape, boxes)
    model = Seer(how)
    (found,) = detect(model, [image], tile=tile, overlap=26, batch_size=batch_size)
    np.testing.assert_array_equal(found["rois"], boxes)
    np.testing.assert_array_equal(found["class_ids"], levels % 4 // 2 + 1)
    np.testing.assert_allclose(found["scores"], levels / 255, rtol=1e-6)
    for i, level in enumerate(levels):
        np.testing.assert_array_equal(found["masks"][..., i], image[..., 0] == level)
    # Tiles and the whole picture have one size, and go together.
    assert len({batch[1:] for batch in model.batches}) == 1
    assert {batch[0] for batch in model.batches[:-1]} == {batch_size}


def test_a_thing_larger_than_a_tile_comes_from_the_whole_picture():
    small, large = (20, 20, 40, 44), (60, 50, 300, 400)
    image, _ = painted((320, 512), [large, small])
    # It knows nothing longer than 55 pixels, and so sees no part of the large one.
    (found,) = detect(Seer(SQUARE, longest=55), [image], tile=64)
    assert len(found["scores"]) == 2
    np.testing.assert_allclose(found["rois"][0], large, atol=512 / 64)
    np.testing.assert_array_equal(found["rois"][1], small)


def test_a_thing_on_several_tiles_is_joined_from_its_parts():
    line = (100, 5, 104, 495)
    image, _ = painted((300, 500), [line])
    # In the whole picture it is thinner than a pixel.
    (found,) = detect(Seer(PAD64), [image], tile=64, overlap=16)
    np.testing.assert_array_equal(found["rois"], [line])
    np.testing.assert_array_equal(found["masks"][..., 0], image[..., 0] > 0)


def test_each_picture_is_its_own(rng):
    shapes = [(60, 50), (300, 200), (64, 64), (90, 64), (20, 30)]
    boxes = [scattered(rng, shape, 1, 9) for shape in shapes]
    images = [painted(s, b)[0] for s, b in zip(shapes, boxes, strict=True)]
    for given in (images, iter(images)):
        found = detect(Seer(PAD64), given, tile=64, masks="rle")
        for one, expected in zip(found, boxes, strict=True):
            np.testing.assert_array_equal(one["rois"], expected)
    assert detect(Seer(PAD64), [], tile=64) == []


@pytest.mark.parametrize("shape", [(3000, 4000), (6000, 1000), (700, 700), (100, 65)])
def test_the_whole_picture_is_seen_as_without_tiles(shape):
    """In mode "square", whose images have one size whatever they are."""
    how = Preprocessing("square", 64, 64, 0, (0, 0, 0))
    tile = plan_geometry((64, 64), how)
    assert at_once(shape, tile) == plan_geometry(shape, how)


def test_the_whole_picture_is_drawn_no_larger_than_its_tiles():
    tile = plan_geometry((64, 64), Preprocessing("square", 0, 512, 0, (0, 0, 0)))
    assert tile.resized_shape == (64, 64)
    geometry = at_once((100, 120), tile)
    assert geometry.resized_shape == (100, 120)
    assert geometry.padded_shape == (512, 512)


def test_twenty_megapixels_in_little_memory(rng):
    """Tiles pass by; what stays is the picture, and the outlines of what was found."""
    shape = (4000, 5000)
    boxes = scattered(rng, shape, 100, 200)
    image, _ = painted(shape, boxes)
    how = Preprocessing("square", 0, 512, 0, (0, 0, 0))
    found, peak = traced(Seer(how), image, tile=512, overlap=201)
    np.testing.assert_array_equal(found["rois"], boxes)
    assert peak < 100e6  # one mask alone is 20 MB


def test_more_tiles_take_no_more_memory(rng):
    image, _ = painted((500, 560), scattered(rng, (500, 560), 20, 40))
    peaks = [
        traced(Seer(PAD64), image, tile=128, overlap=overlap)[1] for overlap in (41, 80)
    ]  # 36 and 100 tiles
    assert peaks[1] < 1.2 * peaks[0]


def traced(model, image, **options):
    """Return what is detected in an image, and the most memory that it took."""
    tracemalloc.start()
    (found,) = detect(model, [image], masks="rle", **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return found, peak


@pytest.fixture(scope="module")
def eager_model(tiny_config):
    """A model that detects something everywhere: it is content with any score."""
    unsure = type("Unsure", (type(tiny_config),), {"DETECTION_MIN_CONFIDENCE": 0.0})()
    model = build.model(unsure, seed=3, precision="float32")
    bias = model.box_head.get_layer("mrcnn_class_logits").bias
    bias.assign(np.array([-3, 0, 0.1, 0.2], np.float32))  # never the background
    return model


@pytest.fixture
def images(rng):
    shapes = [(64, 64), (40, 90), (128, 50), (1, 1), (64, 64)]
    return [rng.integers(0, 256, (*s, 3), dtype=np.uint8) for s in shapes]


@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("tile", [128, (128, 90), 5000])
def test_one_tile_for_all_is_detection_as_ever(eager_model, images, batch_size, tile):
    plain = detect(eager_model, images, batch_size=batch_size)
    tiled = detect(eager_model, images, batch_size=batch_size, tile=tile)
    assert sum(len(one["scores"]) for one in plain) > 10
    for one, expected in zip(tiled, plain, strict=True):
        for key, value in expected.items():
            np.testing.assert_array_equal(one[key], value, err_msg=key)
            assert one[key].dtype == value.dtype


@pytest.mark.parametrize("tile", [None, 48])
def test_codes_are_the_arrays(eager_model, images, tile):
    arrays = detect(eager_model, images, tile=tile)
    codes = detect(eager_model, images, tile=tile, masks="rle")
    for array, code, image in zip(arrays, codes, images, strict=True):
        np.testing.assert_array_equal(
            decode(code["masks"], image.shape[:2]), array["masks"]
        )
        assert array["masks"].dtype == bool
        for key in ("rois", "class_ids", "scores"):
            np.testing.assert_array_equal(code[key], array[key])


def test_tiles_of_a_real_network(eager_model, rng):
    image = rng.integers(0, 256, (150, 170, 3), dtype=np.uint8)
    (found,) = detect(eager_model, [image], tile=64, batch_size=4)
    tiles = Tiling(64, 64, 16)
    ((detection, proposals),) = run_tiled(eager_model, [image], tiles, batch_size=4)
    count = len(found["scores"])
    assert count > 5  # more than the network has slots for
    assert found["masks"].shape == (150, 170, count)
    assert (np.diff(found["scores"]) <= 0).all()
    assert (found["rois"][:, :2] >= 0).all()
    assert (found["rois"][:, 2:] <= (150, 170)).all()
    for box, mask in zip(
        found["rois"], np.moveaxis(found["masks"], -1, 0), strict=True
    ):
        assert mask.sum() == mask[box[0] : box[2], box[1] : box[3]].sum()
    np.testing.assert_array_equal(detection["rois"], found["rois"])
    assert proposals.shape[1] == 4


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"tile": 0}, "tile is 0; it must be"),
        ({"tile": 64, "overlap": 64}, "must be less than their sides"),
        ({"overlap": 3}, "overlap is 3 without tiles"),
        ({"masks": "RLE"}, "masks is 'RLE'; it must be one of array, rle"),
        ({"masks": None}, "masks is None; it must be one of"),
        ({"tile": 64, "batch_size": 0}, "batch_size is 0"),
    ],
)
def test_bad_arguments_are_one_error(eager_model, images, options, text):
    with pytest.raises(ValueError, match=text):
        detect(eager_model, images, **options)


def test_bad_images_are_named_with_tiles_too(eager_model):
    good, bad = np.zeros((99, 99, 3)), np.full((99, 99, 3), np.nan)
    with pytest.raises(ValueError, match=r"image 1: 29403 pixel values are NaN"):
        detect(eager_model, [good, bad], tile=64)
    with pytest.raises(TypeError, match="put an image in a list"):
        detect(eager_model, good, tile=64)
    with pytest.raises(TypeError, match="model is of the type str"):
        detect("model", [good], tile=64)
