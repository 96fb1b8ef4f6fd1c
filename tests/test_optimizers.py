"""This project's optimizers beside Keras' own, step by step."""

import re
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import optimizers

ROOT = Path(__file__).parents[1]
on_tensorflow = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="needs TensorFlow's graphs"
)

SHAPES = (5, 3), (4,), (4,), (2, 2, 1, 3), ()
NAMES = "kernel", "bias", "gamma", "kernel", "scalar"
STEPS = 12


class Masked(keras.constraints.Constraint):
    """Zeros where a mask says so."""

    def __init__(self, mask):
        self.mask = mask

    def __call__(self, w):
        return w * self.mask


def variables(dtype="float32"):
    rng = np.random.default_rng(0)
    return [
        keras.Variable(rng.normal(size=shape), dtype=dtype, name=name)
        for shape, name in zip(SHAPES, NAMES, strict=True)
    ]


def gradients(step):
    rng = np.random.default_rng([1, step])
    return [(rng.normal(size=s) * 10.0 ** rng.integers(-4, 2)) for s in SHAPES]


def stepper(optimizer, learnt):
    """Return a function that takes gradients, compiled where that is TensorFlow's."""

    def step(values):
        optimizer.apply(values, learnt)

    optimizer.build(learnt)
    if keras.backend.backend() != "tensorflow":
        return step
    import tensorflow as tf

    return tf.function(step)


def tensors(step, dtype="float32"):
    return [ops.convert_to_tensor(np.asarray(g), dtype) for g in gradients(step)]


def state(optimizer, learnt):
    return [ops.convert_to_numpy(v) for v in (*learnt, *optimizer.variables)]


def cosine():
    return keras.optimizers.schedules.CosineDecay(
        0.0, 9, alpha=0.1, warmup_target=0.05, warmup_steps=3
    )


EXACT = {"beta_1": 1 - 2**-3, "beta_2": 1 - 2**-10}
"""Decimals as float32 has them, and so what is left of 1. Of 0.999 it has not: the
kernel then takes 1 - 0.999 to be 0.00099999, Keras 0.001."""

SHARED = {
    "plain": {},
    "decay": {"weight_decay": 0.1},
    "schedule": {"learning_rate": cosine, "weight_decay": 0.1},
    "clipped each": {"clipnorm": 0.3},
    "clipped values": {"clipvalue": 0.1},
    "clipped together": {"global_clipnorm": 0.5},
    "not clipped": {"global_clipnorm": 1e6},
    "clipped by nothing": {"global_clipnorm": 0.0},
    "average": {"use_ema": True, "ema_momentum": 0.8},
    "average taken up": {"use_ema": True, "ema_overwrite_frequency": 5},
    "accumulated": {"gradient_accumulation_steps": 3, "weight_decay": 0.1},
    "scaled loss": {"loss_scale_factor": 128.0},
    "all": {
        "learning_rate": cosine,
        "weight_decay": 0.2,
        "global_clipnorm": 0.7,
        "use_ema": True,
        "ema_overwrite_frequency": 2,
        "gradient_accumulation_steps": 2,
    },
}
CASES = [
    *(("AdamW", name, options) for name, options in SHARED.items()),
    ("AdamW", "other betas", {"beta_1": 0.5, "beta_2": 0.75, "epsilon": 0.1}),
    ("AdamW", "largest velocities", {"amsgrad": True}),
    *(("SGD", name, options) for name, options in SHARED.items()),
    *(("SGD", f"momentum, {n}", {"momentum": 0.9, **o}) for n, o in SHARED.items()),
    *(
        ("SGD", f"Nesterov, {n}", {"momentum": 0.9, "nesterov": True, **o})
        for n, o in SHARED.items()
    ),
]


def made(kind, options):
    """Return an optimizer that does not decay biases and scales."""
    options = {"learning_rate": 0.03, **options}
    if callable(options["learning_rate"]):
        options["learning_rate"] = options["learning_rate"]()
    optimizer = kind(**options)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma"])
    return optimizer


def pair(name, options):
    if name == "AdamW":
        options = {**EXACT, **options}
    return [made(getattr(m, name), options) for m in (optimizers, keras.optimizers)]


@pytest.mark.parametrize(
    ("name", "options"), [pytest.param(n, o, id=f"{n}, {i}") for n, i, o in CASES]
)
@pytest.mark.parametrize("masked", [False, True])
def test_each_step_is_that_of_keras(name, options, masked):
    both = pair(name, options)
    learnt = [variables(), variables()]
    mask = np.arange(15).reshape(5, 3) % 2
    for (kernel, *_), optimizer in zip(learnt, both, strict=True):
        if masked:
            held = optimizer.add_variable((5, 3), "ones", name="mask")
            held.assign(mask)
            kernel.constraint = Masked(held)
    steppers = [stepper(*each) for each in zip(both, learnt, strict=True)]
    for number in range(STEPS):
        for step in steppers:
            step(tensors(number))
        ours, theirs = map(state, both, learnt)
        for here, there in zip(ours, theirs, strict=True):
            assert here.dtype == there.dtype
            np.testing.assert_allclose(here, there, rtol=2e-6, atol=2e-7)
        if masked:
            assert not ours[0][mask == 0].any()
            assert ours[0][mask == 1].all()


def test_betas_that_float32_has_not_exactly_are_as_near():
    both, learnt = pair("AdamW", {"beta_2": 0.999}), [variables(), variables()]
    steppers = [stepper(*each) for each in zip(both, learnt, strict=True)]
    for number in range(STEPS):
        before = [ops.convert_to_numpy(v) for v in learnt[1]]
        moved = []
        for step, each in zip(steppers, learnt, strict=True):
            step(tensors(number))
            moved.append([ops.convert_to_numpy(v) for v in each])
        for start, here, there in zip(before, *moved, strict=True):
            np.testing.assert_allclose(here - start, there - start, atol=1e-5)
    for ours, theirs in zip(both[0].variables, both[1].variables, strict=True):
        np.testing.assert_allclose(
            *map(ops.convert_to_numpy, (ours, theirs)), rtol=5e-5
        )


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_variables_are_those_of_keras(name):
    for options in SHARED.values():
        both = pair(name, options)
        for optimizer in both:
            optimizer.build(variables())
        ours, theirs = (
            [(re.sub(r"_\d+", "", v.path), v.shape, v.dtype) for v in o.variables]
            for o in both
        )
        assert ours == theirs


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_other_precisions_go_the_way_of_keras(name, dtype):
    options = {"global_clipnorm": 0.5, "weight_decay": 0.1, "use_ema": True}
    states = []
    for optimizer in pair(name, options):
        learnt = variables(dtype)
        step = stepper(optimizer, learnt)
        for number in range(3):
            step(tensors(number, dtype))
        states.append(state(optimizer, learnt))
    for here, there in zip(*states, strict=True):
        np.testing.assert_array_equal(here, there)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
@pytest.mark.parametrize("bad", [np.inf, np.nan])
def test_a_norm_that_is_no_number_spoils_all_as_with_keras(name, bad):
    for optimizer in pair(name, {"global_clipnorm": 1.0}):
        learnt = variables()
        given = tensors(0)
        given[1] = given[1] * bad
        optimizer.apply(given, learnt)
        assert all(np.isnan(ops.convert_to_numpy(v)).all() for v in learnt)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_gradients_of_zero_are_no_trouble_where_all_are_clipped(name):
    for optimizer in pair(name, {"global_clipnorm": 1.0}):
        learnt = variables()
        optimizer.apply([ops.zeros(shape) for shape in SHAPES], learnt)
        kept = list(map(ops.convert_to_numpy, variables()))
        decayed = [0, 3, 4] if name == "AdamW" else []  # by default, 0.004
        for index, value in enumerate(map(ops.convert_to_numpy, learnt)):
            part = 1 - 0.03 * 0.004 if index in decayed else 1
            np.testing.assert_allclose(value, kept[index] * part, rtol=1e-6)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_variables_without_gradients_stay(name):
    results = []
    for optimizer in pair(name, {"global_clipnorm": 1.0, "use_ema": True}):
        learnt = variables()
        optimizer.build(learnt)
        for number in range(3):
            given = tensors(number)
            given[2] = None
            with pytest.warns(UserWarning, match="gamma"):
                optimizer.apply(given, learnt)
        results.append(state(optimizer, learnt))
    kept = ops.convert_to_numpy(variables()[2])
    np.testing.assert_array_equal(results[0][2], kept)
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(here, there, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_settings_may_change_between_steps(name):
    results = []
    for optimizer in pair(name, {}):
        learnt = variables()
        step = stepper(optimizer, learnt)
        for number in range(6):
            optimizer.learning_rate = 0.1 / (number + 1)
            step(tensors(number))
        results.append(state(optimizer, learnt))
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(here, there, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_losses_are_scaled_around_them(name):
    results = []
    for optimizer in pair(name, {"global_clipnorm": 1.0}):
        scaled = keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=64.0)
        learnt = variables()
        step = stepper(scaled, learnt)
        for number in range(4):
            scale = np.inf if number == 2 else 64.0  # a step that is left out
            step([g * scale for g in tensors(number)])
        assert int(optimizer.iterations) == 3
        results.append(state(scaled, learnt))
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(here, there, rtol=2e-6, atol=2e-7)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_the_same_steps_end_with_the_same_bits(name):
    states = []
    for _ in range(2):
        optimizer, _keras = pair(name, {"global_clipnorm": 0.5, "use_ema": True})
        learnt = variables()
        step = stepper(optimizer, learnt)
        for number in range(STEPS):
            step(tensors(number))
        states.append(state(optimizer, learnt))
    for one, other in zip(*states, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_they_are_made_again_from_what_describes_them(name):
    optimizer = made(getattr(optimizers, name), {"learning_rate": cosine})
    described = keras.optimizers.serialize(optimizer)
    again = keras.optimizers.deserialize(described)
    assert type(again) is type(optimizer)
    assert again.get_config() == optimizer.get_config()


@on_tensorflow
@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_they_come_with_a_saved_model(name, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile(getattr(optimizers, name)(0.01), "mse")
    model.fit(np.ones((4, 3)), np.ones((4, 2)), verbose=0)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert type(again.optimizer) is getattr(optimizers, name)
    for here, there in zip(
        again.optimizer.variables, model.optimizer.variables, strict=True
    ):
        np.testing.assert_array_equal(here, there)


@on_tensorflow
@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_a_table_of_which_some_rows_are_seen_learns_as_with_keras(name):
    import tensorflow as tf

    results = []
    for optimizer in pair(name, {"global_clipnorm": 0.5}):
        table = keras.Variable(np.ones((6, 2)), dtype="float32", name="kernel")
        rows = tf.IndexedSlices(tf.ones((3, 2)), tf.constant([1, 4, 1]), (6, 2))
        optimizer.build([table])
        for _ in range(3):
            optimizer.apply([rows])
        results.append(state(optimizer, [table]))
    assert (results[0][0][[0, 2, 3, 5]] == results[0][0][0]).all()
    for here, there in zip(*results, strict=True):
        np.testing.assert_allclose(here, there, rtol=2e-6)


@on_tensorflow
@pytest.mark.parametrize(
    ("name", "options", "most"),
    [
        # Clipping takes two, decay two, the step itself one.
        ("AdamW", {"weight_decay": 0.1, "global_clipnorm": 1.0}, 5),
        ("SGD", {"momentum": 0.9, "global_clipnorm": 1.0}, 3),
        ("SGD", {}, 1),
        ("SGD", {"use_ema": True}, 5),
    ],
)
def test_a_step_takes_few_operations_for_each_variable(name, options, most):
    import tensorflow as tf

    counts = []
    for number in (10, 20):
        optimizer = getattr(optimizers, name)(cosine(), **options)
        learnt = [keras.Variable(np.ones(3), dtype="float32") for _ in range(number)]
        optimizer.build(learnt)
        given = [tf.TensorSpec((3,)) for _ in learnt]

        step = tf.function(optimizer.apply, autograph=False)
        operations = step.get_concrete_function(given).graph.get_operations()
        counts.append(
            sum(each.type not in ("Placeholder", "NoOp") for each in operations)
        )
    assert counts[1] - counts[0] <= 10 * most


@on_tensorflow
@pytest.mark.parametrize("name", ["AdamW", "SGD"])
def test_variables_that_a_strategy_distributes_go_the_way_of_keras(name):
    program = f"""
import keras, numpy as np, tensorflow as tf
from mrcnn import optimizers

cpu = tf.config.list_physical_devices("CPU")[0]
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
ended = []
for module in optimizers, keras.optimizers:
    with strategy.scope():
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
        model.compile(
            module.{name}(0.01, weight_decay=0.1, global_clipnorm=0.1), "mse"
        )
    rng = np.random.default_rng(0)
    data = rng.normal(size=(16, 3)), rng.normal(size=(16, 2))
    model.fit(*data, batch_size=8, epochs=2, shuffle=False, verbose=0)
    ended.append(model.get_weights())
for here, there in zip(*ended, strict=True):
    np.testing.assert_array_equal(here, there)
print("the same")
"""
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "the same" in run.stdout, run.stderr[-2000:]
