"""Pruning through real training steps: exact, lasting, repeatable, resumable."""

from functools import partial
from itertools import pairwise

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.pruning import METHODS, Pruner, Schedule, masks_of, sparsity
from mrcnn.pruning.allocation import uniform
from mrcnn.pruning.balance import weigh_losses
from mrcnn.pruning.gates import GateSaliency
from mrcnn.pruning.masks import Masks
from mrcnn.pruning.methods import BASELINES, BY_TASK, SCHEMA, SUMMED, Method
from mrcnn.pruning.prunable import DENSE_LAYERS, GROUPS, kernels, prunable_layers
from mrcnn.pruning.saliency import Saliency
from mrcnn.structures import Stage
from mrcnn.tasks import Task
from mrcnn.training import fit, set_trainable
from mrcnn.weights import load_weights, save_weights

RAMP = Schedule(target=0.9, start=1, end=3, updates=2)
STAGES = [Stage("all", 2, 0.01)]


pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture
def batches(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, steps=2, shuffle=True, seed=5)


@pytest.fixture
def calibration(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes, shuffle=True, seed=6)


def pruned(config, batches, calibration, name, precision="float32", **options):
    model = build.model(config, seed=3, precision=precision)
    pruner = Pruner(METHODS[name], RAMP, calibration)
    optimizer = partial(build.optimizer, config)
    fit(
        model,
        batches,
        stages=STAGES,
        optimizer=optimizer,
        callbacks=[pruner, *options.pop("callbacks", ())],
        verbose=0,
        **options,
    )
    return model, pruner


def compiled(model, config):
    model.compile(optimizer=build.optimizer(config, 0.01))
    model.optimizer.build(model.trainable_variables)
    return model


def test_every_layer_but_the_first_and_the_outputs_can_be_pruned(tiny_model):
    layers = prunable_layers(tiny_model)
    names = [layer.name for layer in layers]
    assert len(set(names)) == len(names)
    assert not set(names) & set(DENSE_LAYERS)
    kernels_of_model = [v for v in tiny_model.weights if v.name == "kernel"]
    dense = set(DENSE_LAYERS) - {"conv_stem"}  # of another backbone
    assert len(layers) + len(dense) == len(kernels_of_model)
    assert {layer.group for layer in layers} == set(GROUPS)


def check_sparsity(model, pruner):
    layers = prunable_layers(model)
    total = sum(layer.size for layer in layers)
    kept = sum(int(mask.sum()) for mask in pruner.masks.arrays().values())
    assert kept == total - round(0.9 * total)
    zeros = sum(int((array == 0).sum()) for array in kernels(layers).values())
    assert zeros == total - kept
    assert [step for step, *_ in pruner.chosen] == [2, 3]


@pytest.mark.parametrize("name", [*BASELINES, SCHEMA])
def test_sparsity_is_exact_whatever_the_method(name, tiny_config, calibration):
    model = build.model(tiny_config, seed=3, precision="float32")
    pruner = Pruner(METHODS[name], RAMP, calibration)
    pruner.set_model(compiled(model, tiny_config))
    for pruner.step in RAMP.steps():
        pruner.on_train_batch_begin(0)
    check_sparsity(model, pruner)


# Without gradients, with them, and where weights may come back.
@pytest.mark.parametrize("name", ["random", "Taylor", SCHEMA])
def test_sparsity_is_exact_after_training(name, adamw_config, batches, calibration):
    check_sparsity(*pruned(adamw_config, batches, calibration, name))


def test_float16_masks_hold_through_loss_scaling(adamw_config, batches, calibration):
    model, pruner = pruned(
        adamw_config, batches, calibration, "LAMP", precision="mixed_float16"
    )
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    for layer in pruner.layers:
        gone = pruner.masks.arrays()[layer.name] == 0
        assert not np.asarray(layer.kernel)[gone].any()


def test_masks_survive_save_and_load(tiny_config, batches, calibration, tmp_path):
    model, pruner = pruned(tiny_config, batches, calibration, "LAMP")
    save_weights(model, tmp_path / "pruned.h5", dtype="float16")
    other = build.model(tiny_config, seed=9, precision="float32")
    load_weights(other, tmp_path / "pruned.h5")
    found = masks_of(prunable_layers(other))
    for name, mask in pruner.masks.arrays().items():
        np.testing.assert_array_equal(found[name], mask, err_msg=name)
    assert sparsity(found) == pytest.approx(0.9, abs=1e-4)


def test_a_seed_repeats_the_masks(tiny_config, batches, calibration, deterministic):
    args = (tiny_config, batches, calibration, "random")
    one, again = (pruned(*args)[1] for _ in range(2))
    for name, mask in one.masks.arrays().items():
        np.testing.assert_array_equal(mask, again.masks.arrays()[name])


def test_resumed_as_if_never_interrupted(
    adamw_config, batches, calibration, tmp_path, deterministic
):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    args = (adamw_config, batches, calibration, "TBP, following the tasks")
    whole, pruner = pruned(*args)
    with pytest.raises(KeyboardInterrupt):
        pruned(*args, callbacks=[Stop()], folder=tmp_path)
    resumed, after = pruned(
        *args, callbacks=[keras.callbacks.Callback()], folder=tmp_path
    )
    assert after.chosen == pruner.chosen
    assert after.priority == pytest.approx(pruner.priority, rel=1e-3)
    for name, mask in pruner.masks.arrays().items():
        np.testing.assert_array_equal(mask, after.masks.arrays()[name], err_msg=name)
    for ours, theirs in zip(resumed.weights, whole.weights, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=ours.path)


def test_without_regrowth_nothing_comes_back(tiny_config, batches, calibration):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(masks_of(prunable_layers(self.model)))

    pruned(tiny_config, batches, calibration, "Taylor", callbacks=[Watch()])
    for earlier, later in pairwise(seen):
        for name, mask in later.items():
            assert not (mask > earlier[name]).any(), name


def test_nothing_comes_back_where_live_weights_are_worth_nothing(tiny_config, batches):
    model = build.model(tiny_config, seed=3, precision="float32")
    nothing = Method(lambda e: {n: 0 * w for n, w in e.weights.items()}, uniform)
    pruner = Pruner(nothing, Schedule(target=0.9, start=0, end=2, updates=2))
    pruner.set_model(compiled(model, tiny_config))
    dense = kernels(pruner.layers)
    last = {n: (np.arange(w.size) >= w.size // 2) for n, w in dense.items()}
    last = {n: mask.reshape(dense[n].shape) for n, mask in last.items()}
    pruner.masks.assign(last, dense)  # by their places, the first would be kept
    pruner.step = 2
    pruner.on_train_batch_begin(0)
    for name, mask in pruner.masks.arrays().items():
        assert not (mask > last[name]).any(), name


def test_losses_are_weighed_while_pruning_trains_and_not_after(
    tiny_config, batches, calibration
):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(np.asarray(self.model.loss_weights).tolist())

    watch = [Watch()]
    model, _ = pruned(tiny_config, batches, calibration, SCHEMA, callbacks=watch)
    assert seen
    assert all(weights == [1, 2, 1, 2, 1] for weights in seen)
    np.testing.assert_array_equal(model.loss_weights, 1)


def test_a_pruning_that_is_done_leaves_losses_as_they_were_when_it_is_repeated(
    tiny_config, batches, calibration, tmp_path
):
    for _ in range(2):
        model, _ = pruned(tiny_config, batches, calibration, SCHEMA, folder=tmp_path)
    np.testing.assert_array_equal(model.loss_weights, 1)


def test_saliency_follows_the_weights_of_the_losses(tiny_config, calibration):
    found = []
    for priority in ({}, {Task.BOX: 2.0, Task.MASK: 0.0}):
        model = build.model(tiny_config, seed=3, precision="float32")
        weigh_losses(model, priority)
        layers = prunable_layers(model)
        measured = Saliency(model, layers, BY_TASK, calibration)
        found.append(measured.measure(kernels(layers), 1))
    plain, weighed = found
    for task, factor in zip(Task, (2, 1, 0), strict=True):
        for name, scores in plain[task].items():
            scale = 1e-6 + 1e-4 * scores.max()
            np.testing.assert_allclose(
                weighed[task][name], factor * scores, atol=scale, err_msg=name
            )


def test_gradients_of_tasks_add_up_to_that_of_the_sum(
    tiny_config, calibration, deterministic
):
    sums = {}
    for groups in (BY_TASK, SUMMED):
        model = build.model(tiny_config, seed=3, precision="float32")
        layers = prunable_layers(model)
        saliency = Saliency(model, layers, groups, calibration)
        (batch,) = calibration[0]
        _, gradients = saliency._derive(batch)
        sums[len(groups)] = [
            sum(np.asarray(g) for g in each) for each in zip(*gradients, strict=True)
        ]
    for one, three in zip(sums[1], sums[3], strict=True):
        np.testing.assert_allclose(one, three, atol=1e-5 + 1e-4 * np.abs(one).max())


def test_a_task_that_does_not_use_a_layer_has_no_say(tiny_config, calibration):
    model = build.model(tiny_config, seed=3, precision="float32")
    layers = prunable_layers(model)
    found = Saliency(model, layers, BY_TASK, calibration).measure(kernels(layers), 2)
    for layer in layers:
        for task in Task:
            reached = bool(found[task][layer.name].any())
            assert reached <= (task in layer.tasks), (layer.name, task)


def test_gradients_without_data_are_refused():
    with pytest.raises(ValueError, match="give it `calibration`"):
        Pruner(METHODS["TBP"], RAMP)


def test_a_new_optimizer_keeps_the_masks(tiny_config):
    model = build.model(tiny_config, seed=3, precision="float32")
    layers = prunable_layers(model)
    masks, dense = Masks(layers), kernels(layers)
    masks.attach(keras.optimizers.SGD(0.1))
    half = {n: (np.arange(a.size) % 2).reshape(a.shape) for n, a in dense.items()}
    masks.assign(half, dense)
    masks.attach(keras.optimizers.Adam(0.1))
    for name, mask in masks.arrays().items():
        np.testing.assert_array_equal(mask, half[name])


def test_masks_hold_in_a_step_that_was_compiled_before(
    tiny_config, tiny_shapes, monkeypatch
):
    import tensorflow as tf

    tf.config.run_functions_eagerly(False)  # step by step, nothing is compiled
    model = build.model(tiny_config, seed=3, precision="float32")
    set_trainable(model, "mrcnn_mask.*")  # little to compile
    compiled(model, tiny_config)
    one = build.batches(tiny_config, tiny_shapes, steps=1, seed=5)
    model.fit(one, verbose=0)
    pruner = Pruner(METHODS["magnitude, uniform"], Schedule(0.9, 0, 0, 1))
    monkeypatch.setattr(pruner, "on_train_end", lambda logs=None: None)
    model.fit(one, verbose=0, callbacks=[pruner])
    for layer in pruner.layers:
        gone = pruner.masks.arrays()[layer.name] == 0
        assert gone.any()
        assert not np.asarray(layer.kernel)[gone].any(), layer.name


@pytest.mark.parametrize(
    "schedule", [Schedule(0.9, 5, 3, 2), Schedule(0.9, 0, 3, 0), Schedule(1.0, 0, 3, 2)]
)
def test_a_schedule_that_cannot_be_kept_is_refused(schedule):
    with pytest.raises(ValueError, match="Schedule"):
        Pruner(METHODS["LAMP"], schedule)


def test_gradients_that_are_no_numbers_are_refused(tiny_config, calibration):
    model = build.model(tiny_config, seed=3, precision="float32")
    layers = prunable_layers(model)
    model.loss_weights.assign([np.nan] * 5)
    found = Saliency(model, layers, SUMMED, calibration)
    with pytest.raises(ArithmeticError, match="NaN or infinite on batch 0"):
        found.measure(kernels(layers), 1)
    groups = build.channels(tiny_config)
    with pytest.raises(ArithmeticError, match="gamma is NaN or infinite on batch 0"):
        GateSaliency(model, groups, SUMMED, calibration).measure(1)


def test_small_gradients_do_not_vanish_in_half_precision(tiny_config, calibration):
    alive = []
    for precision in ("float32", "mixed_float16"):
        model = build.model(tiny_config, seed=3, precision=precision)
        layers = prunable_layers(model)
        model.loss_weights.assign([1e-4] * 5)
        found = Saliency(model, layers, SUMMED, calibration).measure(kernels(layers), 1)
        (scores,) = found.values()
        alive.append(sum(np.count_nonzero(score) for score in scores.values()))
    assert alive[1] > 0.9 * alive[0] > 0


def test_early_stopping_brings_no_pruned_weight_back(
    tiny_config, batches, calibration, monkeypatch
):
    class Dense(keras.callbacks.EarlyStopping):
        """Finds the first epoch best, when nothing was pruned."""

        def __init__(self, monitor, **options):
            super().__init__("epoch_number", mode="min", **options)

        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, {**(logs or {}), "epoch_number": epoch})

    monkeypatch.setattr(keras.callbacks, "EarlyStopping", Dense)
    model, pruner = pruned(tiny_config, batches, calibration, "LAMP", patience=1)
    found = masks_of(prunable_layers(model))
    for name, mask in pruner.masks.arrays().items():
        assert not (found[name] > mask).any(), name
