"""How far drawn balloons are from photographed ones, without training anything:

    python -m mrcnn.benchmarks.drawing FOLDER [--count 200] [--out FILE]

FOLDER holds Matterport's photographs; the training ones are compared, never the others,
with as many plain and varied drawings. Each number is measured in every picture at the
same size. For each, the table gives the quartiles, and how far the distribution of the
drawn pictures is from that of the photographs: Kolmogorov and Smirnov's distance, the
largest difference of the two shares of pictures below any value, 0 to 1.
"""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation, binary_erosion
from scipy.stats import ks_2samp

from mrcnn.data.balloon import load_balloons
from mrcnn.data.dataset import Dataset
from mrcnn.data.drawn import DrawnBalloons
from mrcnn.files import atomic_path

SIZE = 384
"""Longer side, pixels, at which pictures are measured."""
RING = 3
"""Pixels to both sides of an outline whose colours are compared."""

Numbers = dict[str, float]


def measured(image: np.ndarray, masks: np.ndarray) -> Numbers:
    """Return the numbers of one picture, uint8 (h, w, 3), with masks (h, w, n)."""
    rgb = image.astype(np.float32) / 255
    inside = masks.any(axis=-1)
    return {
        **_layout(masks),
        **_looks(rgb, inside, "balloons"),
        **_looks(rgb, ~inside, "background"),
        "contrast at outlines": _contrast(rgb, masks),
    }


def _layout(masks: np.ndarray) -> Numbers:
    """Return how many, how large, how near, and how many touch the border."""
    height, width, count = masks.shape
    areas = masks.sum(axis=(0, 1))
    rows, columns = np.arange(height)[:, None, None], np.arange(width)[None, :, None]
    centres = np.stack(
        [(masks * at).sum(axis=(0, 1)) / areas for at in (rows, columns)]
    )
    away = np.hypot(*(centres[:, :, None] - centres[:, None]))
    np.fill_diagonal(away, np.inf)
    border = [masks[0], masks[-1], masks[:, 0], masks[:, -1]]
    near = away.min(axis=1) / np.sqrt(4 / np.pi * areas) if count > 1 else [np.nan]
    return {
        "balloons": count,
        "diameter / side": float(np.median(np.sqrt(areas / (height * width)))),
        "nearest / diameter": float(np.median(near)),
        "touching the border": float(
            np.mean(np.logical_or.reduce([side.any(axis=0) for side in border]))
        ),
    }


def _looks(rgb: np.ndarray, part: np.ndarray, name: str) -> Numbers:
    """Return brightness, colour and detail of a part of a picture, bool (h, w)."""
    grey = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
    steps = np.hypot(*np.gradient(grey))
    interior = binary_erosion(part, iterations=RING)
    if not interior.any():
        interior = part
    if not part.any():
        return {}
    colours = rgb[part]
    most = colours.max(axis=1)
    return {
        f"{name}: brightness": float(grey[part].mean()),
        f"{name}: spread": float(grey[part].std()),
        f"{name}: saturation": float(
            ((most - colours.min(axis=1)) / (most + 0.02)).mean()
        ),
        f"{name}: red over blue": float((colours[:, 0] - colours[:, 2]).mean()),
        f"{name}: white": float((colours.min(axis=1) > 0.94).mean()),
        f"{name}: detail": float(steps[interior].mean()),
        f"{name}: sharpest": float(np.percentile(steps[interior], 99)),
    }


def _contrast(rgb: np.ndarray, masks: np.ndarray) -> float:
    """Return the mean difference of colour over outlines, RGB in 0..1."""
    found = []
    for mask in np.moveaxis(masks, -1, 0):
        inner = mask & ~binary_erosion(mask, iterations=RING)
        outer = binary_dilation(mask, iterations=RING) & ~mask
        if inner.any() and outer.any():
            apart = rgb[inner].mean(axis=0) - rgb[outer].mean(axis=0)
            found.append(np.linalg.norm(apart))
    return float(np.mean(found)) if found else np.nan


def measure(dataset: Dataset, ids: Iterable[int]) -> dict[str, np.ndarray]:
    """Return each number of the images that show balloons, float (n,)."""
    rows = []
    for image_id in ids:
        image, masks = dataset.load_image(image_id), dataset.load_mask(image_id)[0]
        height, width = image.shape[:2]
        scale = SIZE / max(height, width)
        size = round(width * scale), round(height * scale)
        small = np.asarray(Image.fromarray(image).resize(size, Image.BOX))
        resized = [
            np.asarray(Image.fromarray(np.uint8(mask) * 255).resize(size, Image.BOX))
            > 127
            for mask in np.moveaxis(masks, -1, 0)
        ]
        kept = [mask for mask in resized if mask.any()]
        if kept:
            rows.append(measured(small, np.stack(kept, axis=-1)))
    return {name: np.array([row.get(name, np.nan) for row in rows]) for name in rows[0]}


def table(real: dict[str, np.ndarray], drawn: dict[str, dict[str, np.ndarray]]) -> str:
    """Return the numbers as a Markdown table, with the mean distances below."""
    kinds = {"photographs": real, **drawn}
    heads = [*kinds, *(f"distance, {name}" for name in drawn)]
    lines = [f"| | {' | '.join(heads)} |", "|---|" + "---|" * len(heads)]
    distances: dict[str, list[float]] = {name: [] for name in drawn}
    for name in real:
        cells = [_quartiles(kind[name]) for kind in kinds.values()]
        for kind, numbers in drawn.items():
            apart = ks_2samp(_known(real[name]), _known(numbers[name])).statistic
            distances[kind].append(apart)
            cells.append(f"{apart:.2f}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    means = " | ".join(f"**{np.mean(values):.2f}**" for values in distances.values())
    lines.append(f"| mean | {'| ' * len(kinds)}{means} |")
    return "\n".join(lines) + "\n"


def _known(values: np.ndarray) -> np.ndarray:
    return values[np.isfinite(values)]


def _quartiles(values: np.ndarray) -> str:
    """Return the three quartiles, as text."""
    return " ".join(f"{v:.2g}" for v in np.percentile(_known(values), (25, 50, 75)))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mrcnn.benchmarks.drawing", description="Drawn against real."
    )
    parser.add_argument("folder", help="the photographs, as fetched")
    parser.add_argument("--count", type=int, default=200, help="drawings of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="file for the table")
    options = parser.parse_args(arguments)
    photographs = load_balloons(options.folder, "train")
    real = measure(photographs, photographs.image_ids)
    drawn = {}
    for name, share in {"plain": 0.0, "varied": 1.0}.items():
        dataset = DrawnBalloons(
            options.count, seed=options.seed, size=SIZE, varied=share
        )
        drawn[name] = measure(dataset, dataset.image_ids)
    text = table(real, drawn)
    print(text)
    if options.out:
        with atomic_path(options.out) as path:
            path.write_text(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
