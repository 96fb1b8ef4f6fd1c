"""Matterport's way from a network's boxes to the original image, and what it costs."""

import numpy as np
import pytest

import mrcnn.model as modellib
from mrcnn import detection
from mrcnn.data import transforms
from mrcnn.evaluation.coco import average_precision
from mrcnn.evaluation.scenes import Scene, annotated, detected
from mrcnn.matterport import molding
from mrcnn.ops.masks import boxes_of_masks, mini_mask
from mrcnn.structures import Preprocessing

TO_384 = Preprocessing("square", 0, 384, 0, (0.0, 0.0, 0.0))
AS_SAID = {"theirs": (0.939, 0.925), "ours": (1.0, 1.0)}
"""Box AP and mask AP that book/matterport.md gives."""


def unmolded(boxes: np.ndarray, window: np.ndarray, padded, original) -> np.ndarray:
    """Return whole pixels as Matterport computes them, in float64."""

    def last(shape):
        return np.tile(shape, 2) - 1.0

    shift = np.array([0, 0, 1, 1])
    corners = (window - shift) / last(padded)
    origin, extent = np.tile(corners[:2], 2), np.tile(corners[2:] - corners[:2], 2)
    return np.around((boxes - origin) / extent * last(original) + shift).astype(int)


@pytest.fixture(scope="module")
def session(tiny_config, tmp_path_factory):
    """A session that detects something everywhere."""
    unsure = {"DETECTION_MIN_CONFIDENCE": 0.0, "SEED": 3}
    config = type("Unsure", (type(tiny_config),), unsure)()
    model = modellib.MaskRCNN("inference", config, str(tmp_path_factory.mktemp("m")))
    for name in ("rpn_bbox_pred", "mrcnn_bbox_fc"):
        kernel = model.keras_model.get_layer(name).kernel
        kernel.assign(np.zeros(kernel.shape))  # every box stays on its anchor
    bias = model.keras_model.get_layer("mrcnn_class_logits").bias
    bias.assign(np.array([-3, 0, 0.1, 0.2], np.float32))
    return model


def test_the_facade_keeps_matterports_way_and_the_package_goes_by_the_scale(
    session, rng
):
    image = rng.integers(0, 256, (300, 500, 3), dtype=np.uint8)
    molded, metas, windows = session.mold_inputs([image])
    found = session.keras_model.predict([molded, metas])
    slots, masks = found[0], found[3]
    boxes = slots[0][slots[0, :, 4] > 0, :4].astype(np.float64)
    theirs = unmolded(boxes, windows[0], molded.shape[1:3], image.shape[:2])
    theirs = theirs[(theirs[:, 2:] > theirs[:, :2]).all(axis=1)]
    assert len(theirs) > 2
    for found in (
        session.detect([image])[0]["rois"],
        session.detect_molded(molded, metas)[0]["rois"],
        session.unmold_detections(
            slots[0], masks[0], image.shape, molded.shape[1:], windows[0]
        )[0],
    ):
        np.testing.assert_array_equal(found, theirs)
    assert (detection.detect(session, [image])[0]["rois"] != theirs).any()


def test_a_box_of_the_middle_by_hand():
    """192 pixels shrunk to 64: rows 21 to 42 are 63.7 to 128.3, not 63 to 129."""
    geometry = transforms.plan_geometry((192, 192), TO_384._replace(max_dim=64))
    box = (np.array([[21, 21, 43, 43]]) - [0, 0, 1, 1]) / 63
    theirs = molding.boxes_to_original(box, geometry)
    expected = np.array([21 * 191 / 63, 42 * 191 / 63 + 1])
    np.testing.assert_allclose(theirs[0, [0, 2]], expected, atol=1e-4)
    ours = transforms.boxes_to_original(box, geometry)
    np.testing.assert_allclose(ours[0, [0, 2]], [63, 129], atol=1e-4)


def ellipses(rng: np.random.Generator) -> np.ndarray:
    """Return balloons (768, 1152, 8) with radii of 10 to 90 pixels."""
    y, x = np.ogrid[:768, :1152]
    masks = np.zeros((768, 1152, 8), bool)
    for i in range(8):
        r = rng.uniform(10, 90)
        cy, cx = rng.uniform(r, 768 - r), rng.uniform(r, 1152 - r)
        masks[..., i] = ((y - cy) / (1.15 * r)) ** 2 + ((x - cx) / r) ** 2 <= 1
    return masks


@pytest.mark.parametrize(
    ("way", "back"),
    [
        ("theirs", molding.boxes_to_original),
        ("ours", transforms.boxes_to_original),
    ],
)
def test_what_the_page_says_that_it_costs(way, back):
    """Balloons of 768 x 1152 at a third of the size, detected without any fault."""
    rng, scenes = np.random.default_rng(0), []
    for i in range(12):
        masks = ellipses(rng)
        geometry = transforms.plan_geometry(masks.shape[:2], TO_384)
        pixels = boxes_of_masks(masks)
        boxes = back(transforms.boxes_to_padded(pixels, geometry), geometry)
        each = zip(np.moveaxis(masks, -1, 0), pixels, strict=True)
        soft = np.stack([mini_mask(m, b, (28, 28)) for m, b in each])
        one = np.ones(8, np.int32)
        found = detection.as_detection(
            boxes, one, one, soft.astype(np.float32), geometry.original_shape
        )
        nothing = np.zeros((0, 4), np.float32)
        scenes.append(Scene(i, annotated(one, masks), detected(found), nothing))
    found = [
        average_precision(scenes, ["BG", "balloon"], t).ap for t in ("box", "mask")
    ]
    assert tuple(np.round(found, 3)) == AS_SAID[way]
