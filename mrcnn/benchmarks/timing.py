"""Timing with warm-up and repeats, and what the machine's convolutions can do."""

import contextlib
import gc
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from mrcnn.hardware import device_name

PACKAGES = (
    *("tensorflow", "jax", "torch", "torchvision", "numpy"),
    *("onnxruntime", "openvino", "nncf", "ai-edge-litert"),
)
"""Whose versions are named with a timing, where they are installed."""


class Timing(NamedTuple):
    """Seconds of a repeated call; `first` includes tracing and compilation."""

    first: float
    median: float
    fastest: float
    slowest: float


def measure(call: Callable[[], object], *, warm_up: int, repeats: int) -> Timing:
    """Call once, then `warm_up` times, then time `repeats` calls one by one."""
    first = _seconds(call)
    for _ in range(warm_up):
        call()
    seconds = [_seconds(call) for _ in range(repeats)]
    return Timing(first, statistics.median(seconds), min(seconds), max(seconds))


def within(call: Callable[[], object], *, rounds: int, budget: float) -> Timing:
    """Call once, then time up to `rounds` calls, fewer if they take over `budget` s.

    One is timed however long it takes.
    """
    first = _seconds(call)
    seconds: list[float] = []
    while not seconds or (len(seconds) < rounds and sum(seconds) < budget):
        seconds.append(_seconds(call))
    return Timing(first, statistics.median(seconds), min(seconds), max(seconds))


def in_turn(
    calls: Mapping[str, Callable[[], object]], *, rounds: int, repeats: int = 5
) -> dict[str, float]:
    """Return the median seconds of several calls that are timed in turn.

    What else the machine does for a while hits all of them alike, so that their ratios
    hold where times by themselves would not.

    Args:
        calls: what to time, by name.
        rounds: how often each has its turn; the median over the rounds is returned.
        repeats: timed calls in a turn, after one that is not; their median counts.
    """
    for call in calls.values():
        call()  # traces and compiles
    found: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(measure(call, warm_up=0, repeats=repeats).median)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def convolution_throughput(policy: str, *, repeats: int = 5) -> float:
    """Return the FLOP/s of the fastest of several runs of four 3 x 3 convolutions.

    256 channels on 64 x 64 pixels, batch 8: what a pyramid's finest levels consist of,
    and large enough that nothing else counts. It is the yardstick for the rest.

    Args:
        policy: Keras dtype policy, such as "mixed_bfloat16".
        repeats: of which the fastest counts.
    """
    side, channels, batch, layers = 64, 256, 8, 4
    image = x = keras.Input((side, side, channels), dtype="float32")
    for _ in range(layers):
        x = keras.layers.Conv2D(channels, 3, padding="same", dtype=policy)(x)
    x = keras.layers.GlobalAveragePooling2D(dtype="float32")(x)
    network = keras.Model(image, x)
    data = np.ones((batch, side, side, channels), np.float32)
    flops = 2 * layers * batch * side * side * 9 * channels * channels
    timing = measure(lambda: network.predict_on_batch(data), warm_up=1, repeats=repeats)
    return flops / timing.fastest


def peak_memory() -> int:
    """Return the most bytes of memory that this program ever held.

    What `getrusage` says would do elsewhere, but on Linux it begins with the peak of
    the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        return _held(status, "VmHWM")
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def memory() -> int:
    """Return the bytes held now; elsewhere than on Linux the most ever held."""
    gc.collect()
    status = Path("/proc/self/status")
    return _held(status, "VmRSS") if status.is_file() else peak_memory()


def restart_peak_memory() -> int:
    """Return the bytes held now; on Linux, `peak_memory` forgets what was more."""
    gc.collect()
    with contextlib.suppress(OSError):  # some containers forbid it, others have none
        Path("/proc/self/clear_refs").write_text("5")
    return memory()


def _held(status: Path, field: str) -> int:
    """Return a field of Linux's account of a process, in bytes."""
    (line,) = (n for n in status.read_text().splitlines() if n.startswith(field))
    return 1024 * int(line.split()[1])


def environment() -> dict[str, str]:
    """Return what a timing depends on besides the code."""
    installed = {}
    for name in PACKAGES:
        with contextlib.suppress(metadata.PackageNotFoundError):
            installed[name] = metadata.version(name)
    return {
        "device": device_name(),
        "python": platform.python_version(),
        "keras": keras.__version__,
        "backend": keras.backend.backend(),
        **installed,
    }
