"""Losses by overlap and masks by points, which only `balloon_choices` has."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import build, losses
from mrcnn.benchmarks import balloon_trials
from mrcnn.benchmarks.balloon_trials import Pointed, finest, giou, overlap_loss
from mrcnn.nn.roi_heads import RoiHeads
from mrcnn.ops import boxes as box_ops
from mrcnn.ops.roi_align import pack_pyramid
from tests.tensors import on_tensors

UNIT = (0, 0, 1, 1)
STD_DEV = (0.1, 0.1, 0.2, 0.2)


def array(values) -> np.ndarray:
    return np.array(values, np.float32)


def value(function, *arguments, **options):
    return ops.convert_to_numpy(on_tensors(function)(*arguments, **options))


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (UNIT, 1),
        ((0, 0, 1, 2), 1 / 2),  # half of the whole, which has no gap
        ((0, 0, 0.5, 0.5), 1 / 4),
        ((0, 1, 1, 2), 0),  # side by side
        ((0, 2, 1, 3), -1 / 3),  # a third of what is around both is between them
        ((1, 1, 2, 2), -1 / 2),  # two of four quarters
        ((0.5, 0.5, 1.5, 1.5), 1 / 7 - 2 / 9),
        ((0, 99, 1, 100), -0.98),
    ],
)
def test_giou_of_boxes_worked_out_by_hand(box, expected):
    assert value(giou, array(UNIT), array(box)) == pytest.approx(expected, abs=1e-6)
    assert value(giou, array(box), array(UNIT)) == pytest.approx(expected, abs=1e-6)


def test_the_loss_is_that_of_the_boxes_themselves(rng):
    corners = rng.random((2, 5, 2))
    boxes = array(np.concatenate([corners, corners + 0.1 + rng.random((2, 5, 2))], -1))
    found, right = array(rng.normal(size=(2, 2, 5, 4)))
    positive = np.array([[1, 0, 1, 0, 0], [0, 0, 0, 0, 1]], bool)
    moved = [
        box_ops.decode_deltas(boxes, each, std_dev=STD_DEV, xp=np)
        for each in (found, right)
    ]
    expected = np.mean(1 - value(giou, *moved)[positive])
    assert value(overlap_loss, found, right, positive, STD_DEV) == pytest.approx(
        expected, abs=1e-5
    )


def of_one(deltas) -> float:
    """Return the loss of one box that should stay where it is."""
    one, stay = array(deltas)[None, None], np.zeros((1, 1, 4), np.float32)
    return value(overlap_loss, one, stay, np.ones((1, 1), bool), STD_DEV)


def test_the_loss_of_deltas_worked_out_by_hand():
    assert of_one([0, 0, 0, 0]) == pytest.approx(0, abs=1e-6)
    # Moved by a whole side: beside each other. By two: a third of the whole is free.
    assert of_one([0, 10, 0, 0]) == pytest.approx(1, abs=1e-6)
    assert of_one([20, 0, 0, 0]) == pytest.approx(4 / 3, abs=1e-6)
    assert of_one([0, 0, 5 * np.log(2), 0]) == pytest.approx(1 / 2, abs=1e-6)
    # As the documentation says of what is off by one.
    assert of_one([0, 1, 0, 0]) == pytest.approx(1 - 0.9 / 1.1, abs=1e-6)
    assert of_one([0, 0, 1, 0]) == pytest.approx(1 - np.exp(-0.2), abs=1e-6)
    one, none = np.ones(1, np.float32), np.zeros(1, np.float32)
    beside = value(losses.smooth_l1, one, none, 1 / 9) / 4
    assert beside == pytest.approx([0.236], abs=1e-3)


def test_nothing_positive_costs_nothing():
    none = np.zeros((2, 3), bool)
    deltas = np.ones((2, 3, 4), np.float32)
    assert value(overlap_loss, deltas, -deltas, none, STD_DEV) == 0


def tensorflow():
    if keras.backend.backend() != "tensorflow":
        pytest.skip("takes TensorFlow's gradients")
    import tensorflow as tf

    return tf


@pytest.mark.parametrize(
    ("deltas", "signs"),
    [
        ([3, -3, 0, 0], [1, -1, None, None]),
        ([0, 0, 0.5, -0.5], [None, None, 1, -1]),
        ([0, 30, 0, 0], [None, 1, None, None]),  # do not touch, and pull all the same
        ([-500, 0, 0, 0], [-1, None, None, None]),
    ],
)
def test_gradients_lead_each_delta_back(deltas, signs):
    tf = tensorflow()
    stay, positive = tf.zeros((1, 2, 4)), tf.constant([[True, False]])
    there = tf.constant([[deltas, deltas]], tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(there)
        loss = overlap_loss(there, stay, positive, STD_DEV)
    ((first, second),) = tape.gradient(loss, there).numpy()
    assert np.isfinite(first).all() and not second.any()
    for gradient, sign in zip(first, signs, strict=True):
        assert sign is None or np.sign(gradient) == sign


@pytest.fixture(scope="module")
def batch(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes)[0][0]


def of_batch(model, batch):
    outputs = model(on_tensors(lambda x: x)(batch), training=True)
    return model.compute_losses(outputs, batch["active_class_ids"])


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (balloon_trials.HeadByOverlap, {"mrcnn_bbox_loss"}),
        (balloon_trials.ProposalsByOverlap, {"mrcnn_bbox_loss", "rpn_bbox_loss"}),
        (Pointed, {"mrcnn_mask_loss"}),
    ],
)
def test_a_network_differs_in_its_own_losses_and_begins_alike(
    tiny_config, batch, kind, others
):
    usual, model = (
        build.model(tiny_config, seed=3, precision="float32", model_class=made)
        for made in (build.MaskRCNN, kind)
    )
    for own, its in zip(usual.parts, model.parts, strict=True):
        for a, b in zip(own.weights, its.weights, strict=True):
            np.testing.assert_array_equal(a, b)
    expected, found = of_batch(usual, batch), of_batch(model, batch)
    assert list(found) == list(expected)  # the order in which they are weighted
    differ = {n for n in found if abs(float(found[n] - expected[n])) > 1e-6}
    assert differ == others


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize("reached", ["box_head", "rpn"])
def test_gradients_of_overlaps_reach_both_heads(tiny_config, batch, reached):
    tf = tensorflow()
    model = build.model(
        tiny_config,
        seed=3,
        precision="float32",
        model_class=balloon_trials.ProposalsByOverlap,
    )
    names = {"box_head": "mrcnn_bbox_fc", "rpn": "rpn_bbox_pred"}
    losses = {"box_head": "mrcnn_bbox_loss", "rpn": "rpn_bbox_loss"}
    kernel = getattr(model, reached).get_layer(names[reached]).kernel
    with tf.GradientTape() as tape:
        loss = of_batch(model, batch)[losses[reached]]
    gradient = tape.gradient(loss, kernel.value)
    assert np.isfinite(gradient).all() and np.any(gradient)


def test_the_finest_level_is_read_at_the_centres_of_cells(tiny_model):
    """A level that holds its own coordinates, linear: they are read exactly."""
    rows, columns = np.meshgrid(np.arange(16.0), np.arange(16.0), indexing="ij")
    level = array(np.stack([rows, columns], -1))[None]
    levels = [level, *(np.full((1, n, n, 2), 99, np.float32) for n in (8, 4, 2))]
    canvas = pack_pyramid([ops.convert_to_tensor(each) for each in levels])
    heads = RoiHeads(None, None, canvas, (64, 64), tiny_model.settings, False)
    pixels = array([[[8, 16, 40, 64], [0, 0, 64, 64]]])  # of 64, four to a cell of P2
    boxes = box_ops.normalise(pixels, (64, 64), xp=np)
    found = value(lambda boxes: finest(heads, boxes, 4), boxes)
    assert found.shape == (2, 4, 4, 2)
    centres = (np.arange(4) + 0.5) / 4
    for one, (y1, x1, y2, x2) in zip(found, pixels[0], strict=True):
        y = (y1 + (y2 - y1) * centres) / 4 - 0.5
        x = (x1 + (x2 - x1) * centres) / 4 - 0.5
        np.testing.assert_allclose(one[:, 0, 0], y, atol=1e-4)
        np.testing.assert_allclose(one[0, :, 1], x, atol=1e-4)


@pytest.fixture
def pointed(tiny_config):
    return build.model(tiny_config, seed=3, precision="float32", model_class=Pointed)


@pytest.mark.usefixtures("eager")
@pytest.mark.parametrize(
    ("logit", "expected"), [(0, 1), (2.9, 3.9), (-2.9, -1.9), (3.1, 3.1), (-4, -4)]
)
def test_only_unsure_cells_are_corrected(pointed, batch, logit, expected):
    """The mask head says the same everywhere, the points one more than that."""
    for part, name, value in (
        (pointed.mask_head, "mrcnn_mask", logit),
        (pointed.point_head, "mrcnn_point", 1),
    ):
        layer = part.get_layer(name)
        layer.kernel.assign(np.zeros(layer.kernel.shape))
        layer.bias.assign(np.full(layer.bias.shape, value))
    valid = np.arange(8)[None] < 5  # more than the mask head takes at once
    masks = pointed.predict_masks(
        batch["images"][:1], batch["gt_boxes"][:1], np.ones((1, 8), np.int32), valid
    )
    assert masks.shape == (1, 8, 28, 28)
    np.testing.assert_allclose(masks[valid], 1 / (1 + np.exp(-expected)), atol=1e-5)
    assert not masks[~valid].any()


@pytest.mark.usefixtures("eager")
def test_points_learn_and_leave_the_mask_head_its_own_loss(pointed, batch):
    tf = tensorflow()
    with tf.GradientTape() as tape:
        outputs = pointed(on_tensors(lambda x: x)(batch), training=True)
        loss = tf.reduce_sum(outputs.corrected)
    kernels = [
        pointed.point_head.get_layer("mrcnn_point_conv1").kernel,
        pointed.fpn.get_layer("fpn_p2").kernel,
        pointed.mask_head.get_layer("mrcnn_mask_conv1").kernel,
    ]
    own, finest_level, mask_head = tape.gradient(loss, [k.value for k in kernels])
    assert np.any(own) and np.any(finest_level)
    assert mask_head is None
    assert {v.path for v in pointed.point_head.trainable_variables} <= {
        v.path for v in pointed.trainable_variables
    }
