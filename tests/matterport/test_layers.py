"""Graph functions, layers and networks under Matterport's names."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import model as modellib
from mrcnn import utils
from mrcnn.config import Config


def array(tensor):
    """Return a tensor as NumPy's."""
    return ops.convert_to_numpy(tensor)


@pytest.fixture
def boxes(rng):
    """Return 30 normalised boxes."""
    corners = rng.uniform(0, 0.7, (30, 2))
    sides = rng.uniform(0.05, 0.3, (30, 2))
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def test_functions_of_boxes_are_those_of_utils(boxes, rng):
    deltas = rng.normal(0, 0.3, (30, 4)).astype(np.float32)
    moved = array(modellib.apply_box_deltas_graph(boxes, deltas))
    np.testing.assert_allclose(moved, utils.apply_box_deltas(boxes, deltas), atol=1e-6)
    overlaps = array(modellib.overlaps_graph(boxes, boxes[:4]))
    expected = utils.compute_overlaps(boxes, boxes[:4])
    np.testing.assert_allclose(overlaps, expected, atol=1e-5)
    window = np.array([0.1, 0.2, 0.6, 0.5], np.float32)
    clipped = array(modellib.clip_boxes_graph(boxes, window))
    np.testing.assert_allclose(
        clipped, np.clip(boxes, window[[0, 1, 0, 1]], window[[2, 3, 2, 3]])
    )
    pixels = array(modellib.denorm_boxes_graph(boxes, (101, 51)))
    np.testing.assert_array_equal(pixels, utils.denorm_boxes(boxes, (101, 51)))
    normalised = array(modellib.norm_boxes_graph(pixels.astype(np.float32), (101, 51)))
    np.testing.assert_allclose(normalised, utils.norm_boxes(pixels, (101, 51)), 1e-6)
    assert array(modellib.log2_graph(ops.convert_to_tensor(8.0))) == 3


def test_zeros_are_trimmed_and_batches_packed():
    boxes = ops.convert_to_tensor([[0.0] * 4, [0, 0, 1, 1], [0.0] * 4])
    left, there = modellib.trim_zeros_graph(boxes)
    assert array(left).tolist() == [[0, 0, 1, 1]]
    assert array(there).tolist() == [False, True, False]
    x = ops.reshape(ops.arange(6), (2, 3))
    assert array(modellib.batch_pack_graph(x, [1, 2], 2)).tolist() == [0, 3, 4]


def test_proposals_by_a_plain_loop(boxes, rng):
    class Settings(Config):
        PRE_NMS_LIMIT = 20

    scores = rng.permutation(30).astype(np.float32) / 30
    deltas = rng.normal(0, 1, (30, 4)).astype(np.float32)
    layer = modellib.ProposalLayer(8, 0.3, config=Settings())
    probabilities = np.stack([1 - scores, scores], axis=-1)
    found = array(layer([probabilities[None], deltas[None], boxes[None]]))[0]

    best = np.argsort(-scores)[:20]
    units = np.array([0.1, 0.1, 0.2, 0.2])
    refined = np.clip(utils.apply_box_deltas(boxes[best], deltas[best] * units), 0, 1)
    kept = utils.non_max_suppression(refined, scores[best], 0.3)[:8]
    expected = np.zeros((8, 4))
    expected[: len(kept)] = refined[kept]
    np.testing.assert_allclose(found, expected, atol=1e-6)


def detection_inputs(boxes, rng):
    """Return probabilities and deltas of 3 classes for boxes."""
    logits = rng.normal(0, 2, (len(boxes), 3))
    probabilities = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    deltas = rng.normal(0, 1, (len(boxes), 3, 4))
    return probabilities.astype(np.float32), deltas.astype(np.float32)


def detections_by_hand(boxes, probabilities, deltas, window, least):
    """Return detections by plain loops."""
    classes, scores = probabilities.argmax(-1), probabilities.max(-1)
    rows = []
    units = np.array([0.1, 0.1, 0.2, 0.2])
    for c in (1, 2):
        mine = np.flatnonzero((classes == c) & (scores >= least))
        refined = utils.apply_box_deltas(boxes[mine], deltas[mine, c] * units)
        refined = np.clip(refined, window[[0, 1, 0, 1]], window[[2, 3, 2, 3]])
        mine, refined = (
            mine[(refined[:, 2:] > refined[:, :2]).all(1)],
            refined[(refined[:, 2:] > refined[:, :2]).all(1)],
        )
        for i in utils.non_max_suppression(refined, scores[mine], 0.3):
            rows.append([*refined[i], c, scores[mine][i]])
    return sorted(rows, key=lambda row: -row[5])


def test_detections_by_a_plain_loop(boxes, rng):
    class Settings(Config):
        DETECTION_MIN_CONFIDENCE = 0.5
        DETECTION_MAX_INSTANCES = 30

    probabilities, deltas = detection_inputs(boxes, rng)
    window = np.array([0.0, 0.1, 0.9, 1.0], np.float32)
    expected = detections_by_hand(boxes, probabilities, deltas, window, 0.5)
    assert 3 < len(expected) < 30
    one = array(
        modellib.refine_detections_graph(
            boxes, probabilities, deltas, window, Settings()
        )
    )
    np.testing.assert_allclose(one[: len(expected)], expected, atol=1e-5)
    assert not one[len(expected) :].any()
    pixels = window * 100 + np.array([0, 0, 1, 1])  # of 101 x 101 pixels
    meta = modellib.compose_image_meta(0, (9, 9, 3), (101, 101, 3), pixels, 1, [1] * 3)
    batch = [a[None] for a in (boxes, probabilities, deltas, meta)]
    layer = modellib.DetectionLayer(Settings())
    np.testing.assert_allclose(array(layer(batch))[0], one, atol=1e-5)


def test_regions_are_sampled_as_in_training(tiny_config, rng):
    settings = {"USE_MINI_MASK": False, "MASK_SHAPE": [28, 28]}
    config = type("Any", (type(tiny_config),), settings)()
    truth = np.array([[0.1, 0.1, 0.5, 0.5], [0, 0, 0, 0]], np.float32)
    proposals = np.concatenate(
        [truth[:1], [[0.6, 0.6, 0.9, 0.9]], np.zeros((2, 4))]
    ).astype(np.float32)
    masks = np.zeros((64, 64, 2), bool)
    masks[6:33, 6:33, 0] = True
    rois, classes, deltas, of_class = modellib.detection_targets_graph(
        proposals, np.array([2, 0]), truth, masks, config
    )
    assert rois.shape == (config.TRAIN_ROIS_PER_IMAGE, 4)
    assert of_class.shape == (config.TRAIN_ROIS_PER_IMAGE, 28, 28)
    assert array(classes)[0] == 2
    assert not array(deltas)[0].any()
    assert array(of_class)[0].mean() > 0.9
    assert not array(classes)[2:].any() or config.ROI_APPEND_GT


def pyramid(rng, depth=8):
    """Return P2 to P5 of an image of 64 pixels."""
    shapes = [(1, 64 // stride, 64 // stride, depth) for stride in (4, 8, 16, 32)]
    return [
        ops.convert_to_tensor(rng.normal(size=s).astype(np.float32)) for s in shapes
    ]


def test_crops_have_the_asked_side(boxes, rng):
    layer = modellib.PyramidROIAlign([5, 5])
    crops = layer([ops.convert_to_tensor(boxes[None, :3]), None, *pyramid(rng)])
    assert crops.shape == (1, 3, 5, 5, 8)


def test_backbones_have_the_layers_of_the_weight_files():
    image = keras.Input((64, 64, 3))
    levels = modellib.resnet_graph(image, "resnet50", stage5=True)
    assert [level.shape[1:] for level in levels] == [
        (16, 16, 64),
        (16, 16, 256),
        (8, 8, 512),
        (4, 4, 1024),
        (2, 2, 2048),
    ]
    names = {layer.name for layer in keras.Model(image, levels).layers}
    assert {"conv1", "bn_conv1", "res2a_branch1", "res4f_branch2c"} < names
    assert "res4g_branch2a" not in names
    assert modellib.resnet_graph(image, "resnet50")[4] is None


def test_blocks():
    x = keras.Input((8, 8, 16))
    y = modellib.conv_block(x, 3, [4, 4, 32], stage=3, block="a", train_bn=False)
    z = modellib.identity_block(y, 3, [4, 4, 32], stage=3, block="b", train_bn=False)
    assert y.shape[1:] == z.shape[1:] == (4, 4, 32)
    same = modellib.conv_block(x, 3, [4, 4, 32], 2, "a", strides=(1, 1))
    assert same.shape[1:] == (8, 8, 32)
    with pytest.raises(ValueError, match="3 x 3 kernels and biases"):
        modellib.identity_block(z, 5, [4, 4, 32], stage=3, block="c")


def test_the_proposal_network(rng):
    model = modellib.build_rpn_model(1, 3, 8)
    assert model.name == "rpn_model"
    logits, probabilities, deltas = model(pyramid(rng)[2])
    assert logits.shape == (1, 4 * 4 * 3, 2)
    assert deltas.shape == (1, 4 * 4 * 3, 4)
    np.testing.assert_allclose(array(ops.sum(probabilities, axis=-1)), 1, rtol=1e-5)
    level = keras.Input((4, 4, 8))
    assert [o.shape for o in modellib.rpn_graph(level, 3, 1)] == [
        (None, 48, 2),
        (None, 48, 2),
        (None, 48, 4),
    ]


def test_the_heads(boxes, rng):
    rois = ops.convert_to_tensor(boxes[None, :5])
    logits, probabilities, deltas = modellib.fpn_classifier_graph(
        rois, pyramid(rng), None, 7, 4, fc_layers_size=16
    )
    assert logits.shape == probabilities.shape == (1, 5, 4)
    assert deltas.shape == (1, 5, 4, 4)
    np.testing.assert_allclose(array(ops.sum(probabilities, axis=-1)), 1, rtol=1e-5)
    masks = modellib.build_fpn_mask_graph(rois, pyramid(rng), None, 14, 4)
    assert masks.shape == (1, 5, 28, 28, 4)
    assert 0 < array(masks).min() <= array(masks).max() < 1


def test_shapes_of_the_levels():
    config = Config()
    found = modellib.compute_backbone_shapes(config, np.array([1024, 512, 3]))
    assert found.tolist() == [[256, 128], [128, 64], [64, 32], [32, 16], [16, 8]]
    config.BACKBONE = lambda *a, **k: None
    config.COMPUTE_BACKBONE_SHAPE = lambda shape: [[1, 2]]
    assert modellib.compute_backbone_shapes(config, (64, 64, 3)).tolist() == [[1, 2]]
