"""What is decided by a GPU, with one that is only listed.

Everything but the question after devices is as on this machine.
"""

import keras
import numpy as np
import pytest
from keras.src.trainers.trainer import model_supports_jit

from mrcnn import build, hardware

BACKEND = keras.backend.backend()
JITTED = {"tensorflow": False, "jax": True, "torch": False}[BACKEND]
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="asks TensorFlow")


@pytest.fixture
def gpu(monkeypatch):
    """List a GPU; return what sets its compute capability."""
    details = {"compute_capability": (9, 0)}
    if BACKEND == "tensorflow":
        import tensorflow as tf

        listed = tf.config.list_physical_devices()
        one = tf.config.PhysicalDevice("/physical_device:GPU:0", "GPU")
        monkeypatch.setattr(
            tf.config,
            "list_physical_devices",
            lambda kind=None: [d for d in [*listed, one] if kind in (None, d[1])],
        )
        monkeypatch.setattr(
            tf.config.experimental, "get_device_details", lambda device: details
        )

    def with_capability(capability):
        details.clear()
        if capability:
            details["compute_capability"] = capability

    return with_capability


@pytest.fixture
def model(tiny_config, gpu):
    return build.model(tiny_config, seed=3, precision="float32")


@pytest.fixture(scope="module")
def batch(tiny_config, tiny_shapes):
    return build.batches(tiny_config, tiny_shapes)[0][0]


@on_tensorflow
def test_the_pretended_gpu_is_believed(gpu):
    """Keras would compile any other model with XLA."""
    assert keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).jit_compile


def test_keras_compiles_with_xla_where_it_can(model):
    assert model_supports_jit(model) == (BACKEND != "tensorflow")
    assert model.jit_compile == JITTED
    model.compile(optimizer="sgd")
    assert model.jit_compile == JITTED
    model.compile(optimizer="sgd", jit_compile="auto")
    assert model.jit_compile == JITTED


@on_tensorflow
def test_xla_that_was_asked_for_is_declined_with_a_warning(model):
    with pytest.warns(UserWarning, match="doesn't support `jit_compile=True`"):
        model.compile(optimizer="sgd", jit_compile=True)
    assert model.jit_compile is False


def test_it_detects_and_learns(model, batch):
    windows = np.tile(np.array([0, 0, 1, 1], np.float32), (2, 1))
    inputs = {"images": batch["images"], "windows": windows}
    assert model.stages(inputs).proposals.valid.any()
    assert len(model.predict(inputs, verbose=0).detections.valid) == 2
    model.compile(optimizer="sgd")
    assert np.isfinite(model.train_on_batch(batch)).all()


@on_tensorflow
@pytest.mark.parametrize(
    ("capability", "policy"),
    [
        ((9, 0), "mixed_bfloat16"),  # H100
        ((8, 0), "mixed_bfloat16"),  # A100
        ((7, 5), "mixed_float16"),  # T4
        ((7, 0), "mixed_float16"),  # V100
        ((6, 1), "float32"),  # P4
        (None, "float32"),  # TensorFlow does not know: not NVIDIA's
    ],
)
def test_the_type_that_suits_a_gpu(gpu, capability, policy):
    gpu(capability)
    assert hardware.best_policy() == policy


@on_tensorflow
def test_seeds_ask_for_no_order_that_gpus_have_not(gpu):
    from tensorflow.python.framework import config

    hardware.seed_everything(5)
    assert not config.is_op_determinism_enabled()


@pytest.mark.parametrize("precision", ["float32", "mixed_float16"])
def test_losses_are_scaled_in_float16(tiny_config, precision):
    """Small gradients would vanish there, whoever compiles the model."""
    model = build.model(tiny_config, precision=precision)
    model.compile(optimizer="sgd")
    scaled = isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert scaled == (precision == "mixed_float16")
    if scaled:
        once = model.optimizer
        model.compile(optimizer=once)
        assert model.optimizer is once
        model.compile(optimizer="sgd", auto_scale_loss=False)
        assert not isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
