"""What the program runs on, which numeric type suits it, and how it repeats itself."""

import os
import platform
import sys
from pathlib import Path

import keras

from mrcnn.processes import cores


def _cpu_has_bfloat16() -> bool:
    try:
        flags = Path("/proc/cpuinfo").read_text().split()
    except OSError:  # not Linux: no cheap way to ask, so no
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def _gpu_capability() -> float | None:
    """Return the compute capability of the first GPU, None without one."""
    match keras.backend.backend():
        case "tensorflow":
            import tensorflow as tf

            if gpus := tf.config.list_physical_devices("GPU"):
                details = tf.config.experimental.get_device_details(gpus[0])
                major, minor = details.get("compute_capability", (0, 0))
                return major + minor / 10
        case "torch":
            import torch

            if torch.cuda.is_available():
                major, minor = torch.cuda.get_device_capability()
                return major + minor / 10
        case "jax":
            import jax

            device = jax.devices()[0]
            if device.platform == "gpu":
                named = str(getattr(device, "compute_capability", ""))
                known = named.replace(".", "", 1).isdigit()  # AMD's are "gfx90a"
                return float(named) if known else 0.0
    return None


def best_policy() -> str:
    """Return the Keras dtype policy for this machine.

    "mixed_bfloat16" where it is native (GPUs of compute capability 8 and newer, CPUs
    with AMX or AVX-512 BF16), "mixed_float16" on older GPUs with tensor cores, else
    "float32".
    """
    capability = _gpu_capability()
    if capability is None:
        return "mixed_bfloat16" if _cpu_has_bfloat16() else "float32"
    if capability >= 8:
        return "mixed_bfloat16"
    return "mixed_float16" if capability >= 7 else "float32"


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and the backend, and let TensorFlow add in a fixed order.

    Without the latter, threads that finish in another order change the last bit of a
    sum, and a training with it. On processors the order costs a training a few per cent
    of its time. On GPUs it costs more, and not every operation has one: there the seed
    is all.
    """
    keras.utils.set_random_seed(seed)
    if keras.backend.backend() == "tensorflow" and _gpu_capability() is None:
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()
        # It makes one AddN of several sums, whose order `ops.gradients` has fixed.
        tf.config.optimizer.set_experimental_options({"arithmetic_optimization": False})


def rewrite_graphs(wanted: bool) -> None:
    """Let TensorFlow rewrite the graphs that it makes from now on, or take them as is.

    It does so by default, before a graph's first run. That takes as long as tracing the
    graph did, and pays where many runs follow; results agree but for rounding.
    """
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        options = {"disable_meta_optimizer": not wanted}
        tf.config.optimizer.set_experimental_options(options)


def device_name() -> str:
    """Return the accelerators that the Keras backend sees, else the processor."""
    found = [name.lower() for name in keras.distribution.list_devices()]
    if accelerators := [name for name in found if not name.startswith("cpu")]:
        return ", ".join(accelerators)
    return f"{_processor()}, {cores()} cores"


def _processor() -> str:
    """Return the processor's name: Linux keeps it where `platform` does not look."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


_at_work = False
"""Whether this package has computed something in this process."""

_forked = False
"""Whether this process was forked from one in which the backend had begun to work."""


def _backend_works() -> bool:
    """Return whether the backend has begun to work for others, without starting it.

    Torch does not say.
    """
    match keras.backend.backend():
        case "tensorflow":
            module = sys.modules.get("tensorflow.python.eager.context")
            context = module.context_safe() if module else None
            return context is not None and context._initialized
        case "jax":
            module = sys.modules.get("jax._src.xla_bridge")
            return module is not None and module.backends_are_initialized()
    return False


def _after_fork() -> None:
    global _forked
    _forked = _forked or _at_work or _backend_works()


if hasattr(os, "register_at_fork"):  # Windows never forks
    os.register_at_fork(after_in_child=_after_fork)


def refuse_after_fork() -> None:
    """Refuse to compute where no answer would ever come.

    A forked process has its parent's memory, but none of its threads: work that the
    backend hands to them waits for ever. So it is with TensorFlow, JAX and Torch.

    Raises:
        RuntimeError: in a process forked after the backend had begun to work; says what
            to do.
    """
    global _at_work
    if _forked:
        raise RuntimeError(
            f"This process was forked after {keras.backend.backend()} had begun to "
            "work, and could compute nothing: its threads are missing here. Start "
            'workers with multiprocessing.get_context("spawn"), or fork before '
            "anything is computed and build the model in each worker."
        )
    _at_work = True
