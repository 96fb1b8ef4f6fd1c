"""Detect in several threads and many sizes, and watch errors and memory:

    python -m mrcnn.benchmarks.threads [--calls N] [--sizes N] [--threads N] [--kept N]

Ends with exit status 1 if a call failed, found another thing than one thread had found
before, or if memory at the end is more than 1.1 times that after the first calls.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

from mrcnn import build
from mrcnn.benchmarks.timing import memory
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import ShapesConfig
from mrcnn.pretrained import shipped
from mrcnn.weights import load_weights

MOST_GROWTH = 1.1
STEP = 64
"""The sides of padded images divide by this."""


class ManySizesConfig(ShapesConfig):
    """The shipped network on images of any size, each padded a little."""

    IMAGE_RESIZE_MODE = "pad64"
    IMAGE_MIN_DIM = 64
    IMAGE_MAX_DIM = 320


class Outcome(NamedTuple):
    """What the calls came to."""

    errors: list[str]
    early: int  # bytes held after the first tenth of the calls
    late: int  # bytes held at the end
    seconds: float

    @property
    def growth(self) -> float:
        """Memory at the end, divided by that of the beginning."""
        return self.late / self.early


def many_sizes_model(*, kept: int) -> MaskRCNN:
    """Return the shipped Shapes network for images of many sizes.

    Args:
        kept: sizes for which it stays compiled.
    """
    model = build.model(ManySizesConfig(), precision="float32", compiled_sizes=kept)
    load_weights(model, shipped("shapes"))
    return model


def images_of_sizes(count: int) -> list[np.ndarray]:
    """Return images that no two of which are padded to one size, at most 25."""
    sides = range(STEP, 6 * STEP, STEP)
    shapes = [(h, w) for h in sides for w in sides]
    shapes.sort(key=lambda shape: shape[0] * shape[1])
    picture = np.tile(ShapesDataset(1, seed=5).load_image(0), (3, 3, 1))
    return [picture[:height, :width] for height, width in shapes[:count]]


def run(
    model: MaskRCNN, images: Sequence[np.ndarray], *, calls: int, threads: int
) -> Outcome:
    """Detect in one image after the other in several threads.

    Args:
        model: whose `compiled_sizes` may be fewer than there are images; then sizes
            are compiled again and again.
        images: of different sizes.
        calls: of `detect`, in all.
        threads: that share the model.
    """
    expected = [detect(model, [image])[0] for image in images]

    def call(number: int) -> str:
        which = number % len(images)
        try:
            found = detect(model, [images[which]])[0]
        except Exception as error:  # whatever it is, it counts
            return f"call {number}: {type(error).__name__}: {error}"
        same = all(np.array_equal(found[k], v) for k, v in expected[which].items())
        return "" if same else f"call {number}: another result"

    started = time.perf_counter()
    first = max(calls // 10, 1)
    with ThreadPoolExecutor(threads) as pool:
        errors = [error for error in pool.map(call, range(first)) if error]
        early = memory()
        errors += [error for error in pool.map(call, range(first, calls)) if error]
    return Outcome(errors, early, memory(), time.perf_counter() - started)


def main() -> None:
    """Run the calls asked for, and print what they came to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=10_000)
    parser.add_argument("--sizes", type=int, default=20)
    parser.add_argument("--threads", type=int, default=4)
    parser.add_argument("--kept", type=int, help="sizes compiled at a time (all)")
    args = parser.parse_args()
    images = images_of_sizes(args.sizes)
    model = many_sizes_model(kept=args.kept or len(images))
    found = run(model, images, calls=args.calls, threads=args.threads)
    for error in found.errors[:20]:
        print(error)
    print(
        f"{args.calls} calls over {len(images)} sizes in {args.threads} threads: "
        f"{len(found.errors)} errors, {found.seconds:.0f} s; memory "
        f"{found.early / 1e6:.0f} MB after the first tenth, {found.late / 1e6:.0f} MB "
        f"at the end, {found.growth:.3f} times as much"
    )
    sys.exit(bool(found.errors) or found.growth > MOST_GROWTH)


if __name__ == "__main__":
    main()
