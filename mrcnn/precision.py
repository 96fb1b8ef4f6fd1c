"""Which numeric type suits the hardware."""

from pathlib import Path

import keras


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
                return float(getattr(device, "compute_capability", 0))
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
