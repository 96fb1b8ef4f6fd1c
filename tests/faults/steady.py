"""Long runs: memory, open files and threads stay what they were after the first tenth.

    python -m tests.faults.steady detection|training COUNT

runs one in this process and prints what it saw, as JSON.
"""

import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

ALLOWED = 1.03
"""Memory at most, in times of what there was after the first tenth."""
CALLS = 100
"""How often it is looked at."""

Look = Callable[[int], None]
"""Is told how much is done."""


def seen() -> tuple[int, int, int]:
    """Return the bytes that this process has in memory, its open files and threads."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files = len(os.listdir("/proc/self/fd"))
    threads = len(os.listdir("/proc/self/task"))
    return pages * os.sysconf("SC_PAGE_SIZE"), files, threads


def detect(count: int, look: Look) -> None:
    """Look for shapes in another picture each time, of three sizes in turn."""
    from mrcnn import build, detection
    from mrcnn.data.shapes import ShapesDataset
    from tests.tiny import TinyConfig

    model = build.model(TinyConfig(), seed=3, precision="float32")
    sizes = [(64, 64), (48, 64), (64, 40)]
    sets = [ShapesDataset(30, height=h, width=w, seed=7) for h, w in sizes]
    for done in range(count):
        dataset = sets[done % len(sets)]
        detection.detect(model, [dataset.load_image(done // len(sets) % 30)])
        look(done + 1)


def train(count: int, look: Look) -> None:
    """Train so many steps, in ten epochs."""
    import keras

    from mrcnn import build, training
    from mrcnn.data.shapes import ShapesDataset
    from mrcnn.structures import Stage
    from tests.tiny import TinyConfig

    done = itertools.count(1)
    config = TinyConfig()
    each = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: look(next(done))
    )
    training.fit(
        build.model(config, seed=3, precision="float32"),
        build.batches(
            config,
            ShapesDataset(30, height=64, width=64, seed=7),
            shuffle=True,
            steps=count // 10,
            seed=1,
        ),
        stages=[Stage("all", 10, 0.001)],
        optimizer=partial(build.optimizer, config),
        callbacks=[each],
        verbose=0,
    )


RUNS = {"detection": detect, "training": train}


def watch(name: str, count: int) -> dict[str, Any]:
    """Do so much in this process, and say what it took.

    Args:
        name: of `RUNS`.
        count: of detections or steps, at least 10.

    Returns:
        Memory (bytes), files and threads after the first tenth, and the most since.
    """
    often, tenth = max(1, count // CALLS), max(1, count // 10)
    first: list[int] = []
    most: list[int] = []

    def look(done: int) -> None:
        if done == tenth:
            first[:] = most[:] = seen()
        elif first and (done % often == 0 or done == count):
            most[:] = map(max, most, seen())

    RUNS[name](count, look)
    return {"tried": count, "first": first, "most": most}


def trial(name: str, count: int) -> dict[str, Any]:
    """Do so much in a process of its own; `faults` has what did not stay as it was."""
    command = [sys.executable, "-m", "tests.faults.steady", name, str(count)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row = json.loads(done.stdout.splitlines()[-1])
    words = ("memory", "files", "threads")
    limits = [row["first"][0] * ALLOWED, *row["first"][1:]]
    grown = zip(words, row["first"], row["most"], limits, strict=True)
    faults = [f"{w} grew: {a} to {b}" for w, a, b, limit in grown if b > limit]
    return {**row, "faults": faults}


if __name__ == "__main__":
    print(json.dumps(watch(sys.argv[1], int(sys.argv[2]))))
