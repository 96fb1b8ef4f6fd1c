"""A smaller network computes what the larger one does without these channels."""

import numpy as np
import pytest

from mrcnn import build
from mrcnn.nn.channels import channel_groups
from mrcnn.pruning.gates import silence
from mrcnn.pruning.surgery import Plan, load_plan, shrink
from mrcnn.weights import load_weights, save_weights, single_layers

SIDE = 64


WIDTH = 8


def network(tiny_config, architecture: str):
    """Return a configuration and a model, every weight of which matters.

    Every block adds little to what it gets, so that activations do not grow through the
    deepest network, and none drowns what another layer says.
    """
    groups = channel_groups(architecture)
    widths = dict.fromkeys((name for g in groups for name in g.makers), WIDTH)
    changes = {"BACKBONE": architecture, "LAYER_WIDTHS": widths}
    config = type("Own", (type(tiny_config),), changes)()
    model = build.model(config, seed=1, precision="float32")
    rng = np.random.default_rng(2)
    for layer in single_layers(model):
        for weight in layer.weights:
            if weight.name != "kernel":
                noise = np.abs(rng.normal(size=weight.shape)) + 0.2
                if layer.name.endswith("branch2c") and weight.name in ("gamma", "beta"):
                    noise *= 0.1
                if weight.name == "moving_mean":
                    noise *= 0.1
                weight.assign(noise.astype(np.float32))
            elif layer.name.startswith(
                ("res", "rpn_conv", "mrcnn_class_c", "mrcnn_mask_c")
            ):
                # What a filter makes of a constant would often shut it: ReLU follows.
                kernel = np.asarray(weight)
                weight.assign(kernel - kernel.mean(axis=(0, 1, 2)))
    return config, model


def outputs(model) -> list[np.ndarray]:
    """Return every output of every part, on noise."""
    rng = np.random.default_rng(3)
    image = rng.normal(size=(1, SIDE, SIDE, 3)).astype(np.float32)
    pyramid = model.fpn(model.backbone(image))
    found = [*pyramid, *model.rpn(pyramid[2])]
    # Heads on multiples of what the pyramid has: zero where its channels are shut.
    factors = rng.normal(size=(4, 14, 14, 1)).astype(np.float32)
    crops = np.asarray(pyramid[0])[:, :14, :14] * factors
    valid = np.ones(4, bool)
    found += [
        *model.box_head([crops[:, :7, :7], valid]),
        model.mask_head([crops, valid]),
    ]
    return [np.asarray(array) for array in found]


def compare(config, model, plan: Plan) -> None:
    """Silence channels of a model, remove them, and compare all outputs."""
    shrunk, smaller = shrink(model, config, plan)
    assert build.layer_widths(smaller) == build.layer_widths(config) | plan.widths(
        channel_groups(config.BACKBONE)
    )
    silence(model, channel_groups(config.BACKBONE), plan.kept)
    pyramid = list(plan.kept.get("pyramid", range(WIDTH)))
    for masked, small in zip(outputs(model), outputs(shrunk), strict=True):
        if masked.shape != small.shape:  # the pyramid itself lost channels
            masked = masked[..., pyramid]
        np.testing.assert_allclose(small, masked, atol=1e-4, rtol=0)


def test_each_group_can_lose_channels(tiny_config):
    config, model = network(tiny_config, "compact")
    original = [layer.get_weights() for layer in single_layers(model)]
    groups = channel_groups("compact")
    for i in range(7):  # by sevens, none together with one that it feeds
        kept = {group.name: (0, 2, 3, 7) for group in groups[i::7]}
        compare(config, model, Plan(kept))
        for layer, arrays in zip(single_layers(model), original, strict=True):
            layer.set_weights(arrays)


@pytest.mark.parametrize("architecture", ["compact", "resnet50", "resnet101"])
@pytest.mark.parametrize(("part", "seed"), [(1.0, 7), (1.0, 8), (0.5, 9)])
def test_random_plans(architecture, part, seed, tiny_config):
    config, model = network(tiny_config, architecture)
    rng = np.random.default_rng(seed)
    kept = {
        group.name: tuple(sorted(rng.permutation(WIDTH)[: rng.integers(1, 8)].tolist()))
        for group in channel_groups(architecture)
        if rng.random() < part
    }
    compare(config, model, Plan(kept))


@pytest.mark.slow
def test_channels_too_few_in_any_group_would_show(tiny_config):
    """In the outputs, by far more than the two networks may differ above."""
    _, model = network(tiny_config, "resnet50")
    whole = outputs(model)
    for group in channel_groups("resnet50"):
        arrays = {layer: layer.get_weights() for layer in single_layers(model)}
        silence(model, [group], {group.name: tuple(range(WIDTH // 2, WIDTH))})
        changes = [
            np.abs(new - old).max()
            for new, old in zip(outputs(model), whole, strict=True)
        ]
        assert max(changes) > 1e-3, group.name
        for layer, values in arrays.items():
            layer.set_weights(values)


def test_the_model_stays_as_it_is_and_the_smaller_one_is_like_any_other(
    tiny_config, tmp_path
):
    config, model = network(tiny_config, "compact")
    before = outputs(model)
    plan = Plan({"mask head 2": (1, 4), "stage 3": (0, 5, 6)})
    shrunk, smaller = shrink(model, config, plan)
    for old, new in zip(before, outputs(model), strict=True):
        np.testing.assert_array_equal(old, new)
    # Saved and loaded by configuration, and made smaller once more.
    save_weights(shrunk, tmp_path / "small.h5")
    again = build.model(smaller, seed=9, precision="float32")
    load_weights(again, tmp_path / "small.h5")
    for old, new in zip(outputs(shrunk), outputs(again), strict=True):
        np.testing.assert_array_equal(old, new)
    compare(smaller, shrunk, Plan({"mask head 2": (1,), "stage 2": (0, 1)}))


def test_plans_are_files(tmp_path):
    plan = Plan({"stem": (0, 2), "mask head 5": (7,)})
    plan.save(tmp_path / "plan.json")
    assert load_plan(tmp_path / "plan.json") == plan


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("not JSON", "is no plan of channels"),
        ("[1]", "is no plan of channels"),
        ('{"version": 1}', "KeyError: 'kept'"),
        ('{"version": 2, "kept": {}}', "version 2, this package reads 1"),
        ('{"version": 1, "kept": {"stem": []}}', "'stem'.*and one at least"),
        ('{"version": 1, "kept": {"stem": [1, 0]}}', "'stem'.*in order"),
        ('{"version": 1, "kept": {"stem": [0.5]}}', "'stem'.*from 0"),
    ],
)
def test_a_damaged_plan_is_named(text, match, tmp_path):
    path = tmp_path / "plan.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=rf"(?s)plan\.json.*{match}"):
        load_plan(path)


def test_a_plan_of_another_network_is_refused(tiny_config):
    config, model = network(tiny_config, "compact")
    with pytest.raises(ValueError, match=r"'attic'.*stem.*mask head 5"):
        shrink(model, config, Plan({"attic": (0,)}))
    with pytest.raises(ValueError, match=r"'stem' keeps channel 8 of 8"):
        shrink(model, config, Plan({"stem": (0, 8)}))
    with pytest.raises(ValueError, match=r"'stem' must list"):
        shrink(model, config, Plan({"stem": ()}))
