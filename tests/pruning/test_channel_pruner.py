"""Channels shut through real training steps, and then removed."""

from functools import partial

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.nn.channels import channel_groups
from mrcnn.pruning import selection
from mrcnn.pruning.channel_pruner import ChannelPruner
from mrcnn.pruning.gates import GateSaliency, gates
from mrcnn.pruning.methods import BY_TASK
from mrcnn.pruning.prunable import DENSE_LAYERS
from mrcnn.pruning.schedules import Schedule
from mrcnn.pruning.selection import Work
from mrcnn.pruning.surgery import shrink
from mrcnn.structures import Stage
from mrcnn.training import fit
from mrcnn.weights import single_layers

RAMP = Schedule(target=0.6, start=1, end=3, updates=2)
GROUPS = channel_groups("compact")

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture(autouse=True)
def fine(monkeypatch):
    """Let the narrow network of these tests lose channels one by one."""
    monkeypatch.setattr(selection, "NARROWEST", 2)
    monkeypatch.setattr(selection, "MULTIPLE", 1)


@pytest.fixture
def batches(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=2, shuffle=True, seed=5)


@pytest.fixture
def calibration(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, shuffle=True, seed=6)


class Stop(keras.callbacks.Callback):
    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            raise KeyboardInterrupt


def pruned(config, batches, calibration, epochs=2, stop_at=None, **options):
    model = build.model(config, seed=3, precision="float32")
    pruner = ChannelPruner(GROUPS, RAMP, calibration)
    fit(
        model,
        batches,
        stages=[Stage("all", epochs, 0.01)],
        optimizer=partial(build.optimizer, config),
        callbacks=[pruner, Stop(stop_at)],
        verbose=0,
        **options,
    )
    return model, pruner


def on_regions(model, calibration):
    """Return what the box head says of two regions of each image of a batch."""
    rois = np.array([[[0, 0, 1, 1], [0.2, 0.1, 0.7, 0.9]]] * 2, np.float32)
    return model.predict_boxes(calibration[0][0]["images"], rois)


def test_shut_channels_are_zero_and_can_be_removed(
    tiny_config, tiny_shapes, batches, calibration
):
    model, pruner = pruned(tiny_config, batches, calibration)
    work = Work(model, GROUPS, (64, 64))
    left = {name: int(mask.sum()) for name, mask in pruner.kept.items()}
    assert 0.3 < work.part(left) <= 0.4
    for name, scales in gates(model, GROUPS).items():
        for scale in scales:
            weights = np.moveaxis(np.asarray(scale.kernel), scale.axis, -1)
            gone = weights[..., ~pruner.kept[name]]
            assert not gone.any()
    shrunk, _ = shrink(model, tiny_config, pruner.plan)
    for old, new in zip(
        on_regions(model, calibration), on_regions(shrunk, calibration), strict=True
    ):
        np.testing.assert_allclose(new, old, atol=1e-5)


def test_a_resumed_training_ends_with_the_same_channels(
    tiny_config, batches, calibration, tmp_path
):
    model, pruner = pruned(tiny_config, batches, calibration)
    with pytest.raises(KeyboardInterrupt):
        pruned(tiny_config, batches, calibration, folder=tmp_path, stop_at=1)
    again, resumed = pruned(tiny_config, batches, calibration, folder=tmp_path)
    assert resumed.plan == pruner.plan
    for one, other in zip(
        on_regions(model, calibration), on_regions(again, calibration), strict=True
    ):
        np.testing.assert_allclose(one, other, atol=1e-3)


PROPOSAL_LOSSES = {"proposals": ("rpn_class_loss", "rpn_bbox_loss")}


@pytest.mark.parametrize(
    ("names", "losses"),
    [
        # Sampled regions jump when features change: only these losses are smooth.
        (["stage 5", "laterals", "pyramid", "proposals"], PROPOSAL_LOSSES),
        (["box head 1", "box head 2", "mask head 2", "mask head 5"], BY_TASK),
    ],
)
def test_saliency_is_the_change_of_the_loss(names, losses, tiny_config, calibration):
    """A gate that closes by a little changes the loss by its derivative."""
    model = build.model(tiny_config, seed=3, precision="float32")
    for layer in single_layers(model):
        if layer.name in DENSE_LAYERS[1:]:  # outputs start near zero, and so do changes
            layer.kernel.assign(100 * layer.kernel)
    seed = np.asarray(model.sampling_seed.state)
    groups = [group for group in GROUPS if group.name in names]
    saliency = GateSaliency(model, groups, losses, calibration)
    (batch,) = calibration[0]
    found = saliency.measure(1)

    def measured(scales, step) -> np.ndarray:
        """Return the losses when the gate of channel 1 stands at 1 + step."""
        originals = [np.asarray(scale.kernel) for scale in scales]
        for scale, original in zip(scales, originals, strict=True):
            factor = np.ones(original.shape[scale.axis], np.float32)
            factor[1] += step
            scale.kernel.assign(original * scale.spread(factor))
        model.sampling_seed.state.assign(seed)
        values, _ = saliency._derive(batch)
        for scale, original in zip(scales, originals, strict=True):
            scale.kernel.assign(original)
        return np.asarray(values, np.float64)

    for group, scales in gates(model, groups).items():
        change = (measured(scales, 0.003) - measured(scales, -0.003)) / 0.006
        expected = [found[loss][group][1] for loss in losses]
        assert max(expected) > 1e-3
        np.testing.assert_allclose(np.abs(change), expected, rtol=0.05, atol=1e-4)
