"""How long a large picture takes in tiles, and how much memory:

    python -m mrcnn.benchmarks.large [--megapixels 200] [--tile 1024] [--overlap 256]

The picture is made on the spot. The network has random weights and takes any region for
an object, so that every tile is as full of detections as it can be.
"""

import argparse
import json
import math
import time

import numpy as np

from mrcnn.benchmarks.rows import Row
from mrcnn.benchmarks.timing import peak_memory
from mrcnn.benchmarks.workloads import random_model
from mrcnn.data.shapes import ShapesDataset
from mrcnn.detection import detect
from mrcnn.presets import ShapesConfig
from mrcnn.tiling import asked, plan

SIDE = 256


def picture(megapixels: float) -> np.ndarray:
    """Return a picture (h, w, 3) of many Shapes, 4 to 3."""
    shapes = ShapesDataset(12, height=SIDE, width=SIDE, seed=1)
    cells = np.stack([shapes.load_image(i) for i in shapes.image_ids])
    height = max(1, round(math.sqrt(megapixels * 1e6 * 3 / 4)))
    width = max(1, round(megapixels * 1e6 / height))
    image = np.empty((height, width, 3), np.uint8)
    for row, y in enumerate(range(0, height, SIDE)):
        for column, x in enumerate(range(0, width, SIDE)):
            part = image[y : y + SIDE, x : x + SIDE]
            cell = cells[(5 * row + column) % len(cells)]
            part[:] = cell[: part.shape[0], : part.shape[1]]
    return image


def run(megapixels: float, tile: int, overlap: int, batch_size: int = 1) -> Row:
    """Detect in a picture, and return seconds and the peak memory of this process."""
    sides = {"IMAGE_MIN_DIM": tile, "IMAGE_MAX_DIM": tile}
    model = random_model(type("Large", (ShapesConfig,), sides), "float32", objects=100)
    image = picture(megapixels)
    before, start = peak_memory(), time.perf_counter()
    (found,) = detect(
        model, [image], tile=tile, overlap=overlap, batch_size=batch_size, masks="rle"
    )
    return {
        "shape": image.shape,
        "tiles": len(plan(image.shape[:2], asked(tile, overlap))),
        "detections": len(found["scores"]),
        "seconds": time.perf_counter() - start,
        "memory_before_mb": before / 1e6,
        "peak_memory_mb": peak_memory() / 1e6,
    }


def main() -> None:
    """Measure once and print what came out, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megapixels", type=float, default=200)
    parser.add_argument("--tile", type=int, default=1024)
    parser.add_argument("--overlap", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=1)
    args = parser.parse_args()
    row = run(args.megapixels, args.tile, args.overlap, args.batch_size)
    print(json.dumps(row, indent=1))


if __name__ == "__main__":
    main()
