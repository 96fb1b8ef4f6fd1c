"""Rendered balloons with outlines, in the layout of the real photographs.

    python -m mrcnn.data.synthetic datasets/balloons.zip

rebuilds the set that the project ships, byte for byte with the locked requirements. How
many balloons an image shows and how large they are follows the statistics of
Matterport's 74 photographs (`datasets/README.md`); none of their pixels are used.
"""

import argparse
import io
import json
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from mrcnn.data import varied
from mrcnn.data.balloon import ANNOTATIONS, SUBSETS
from mrcnn.data.balloon_art import (
    ALBEDO,
    SHOWN,
    Balloon,
    Light,
    cover,
    draw_string,
    form,
    paint,
)
from mrcnn.data.drawing.layers import outline
from mrcnn.data.scenery import background
from mrcnn.files import atomic_path

OVERSAMPLING = 2
"""Scenes are drawn this much larger, then averaged, for smooth edges."""
JPEG_QUALITY = 85


def render(
    seed: int | list[int], size: int
) -> tuple[np.ndarray, list[list[tuple[float, float]]]]:
    """Draw one image whose longer side is `size` pixels.

    Returns uint8 RGB (h, w, 3) and one polygon per balloon, the outline of what is seen
    of it as (x, y) pixel corners. The result depends on the arguments only.
    """
    image, owner = _scene(seed, size)
    kept = [
        outline(owner == k, image.shape, OVERSAMPLING)
        for k in range(1, owner.max() + 1)
    ]
    return image, [polygon for polygon in kept if polygon]


def draw(seed: int | list[int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the image of `render`.

    Returns it and which balloon each pixel shows most of, int16 (h, w), 0 for none.
    """
    image, owner = _scene(seed, size)
    height, width = image.shape[:2]
    blocks = owner.reshape(height, OVERSAMPLING, width, OVERSAMPLING)
    parts = blocks.swapaxes(1, 2).reshape(height, width, -1)
    votes = (parts[..., None] == parts[..., None, :]).sum(axis=-1, dtype=np.uint8)
    return image, np.take_along_axis(parts, votes.argmax(-1)[..., None], -1)[..., 0]


def _scene(seed: int | list[int], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the image, uint8 (h, w, 3), and who owns the pixels of the drawing."""
    rng = np.random.default_rng(seed)
    ratio = (1.0, 3 / 4, 2 / 3)[rng.choice(3, p=(0.2, 0.35, 0.45))]
    sides = [size, round(size * ratio)]
    width, height = sides if rng.random() < 0.7 else sides[::-1]
    picture = background(height * OVERSAMPLING, width * OVERSAMPLING, rng)
    owner = _draw_balloons(picture, rng)
    picture = picture.reshape(height, OVERSAMPLING, width, OVERSAMPLING, 3)
    return _developed(picture.mean(axis=(1, 3)), rng), owner


def _draw_balloons(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw a scene's balloons; return which of them each pixel shows, int (H, W)."""
    owner = np.zeros(picture.shape[:2], np.int16)
    light = _random_light(picture, rng)
    areas: list[int] = [0]
    for balloon in _arrangement(*owner.shape, rng):
        inside, window, normals = form(balloon, owner.shape)
        changed = owner.copy()
        changed[window][inside] = len(areas)
        seen = np.bincount(changed.ravel(), minlength=len(areas) + 1)[1:]
        drawn = np.array([*areas[1:], inside.sum()])
        if inside.sum() < 60 or (seen < SHOWN * drawn).any():
            continue
        paint(picture[window], inside, normals, balloon, light, rng)
        if rng.random() < 0.6:
            draw_string(picture, changed, balloon, rng)
        owner, areas = changed, [*areas, int(inside.sum())]
    if rng.random() < 0.3 and len(areas) > 1:
        cover(picture, owner, areas, rng)
    return owner


def _random_light(picture: np.ndarray, rng: np.random.Generator) -> Light:
    """Light from above and in front, about as bright as the scene is."""
    direction = np.array([rng.normal(0, 0.5), rng.uniform(0.2, 1), rng.uniform(0.3, 1)])
    level = np.clip(0.5 + 0.9 * float(picture.mean()), 0.55, 1.1)
    tint = level * rng.uniform(0.9, 1.1, 3)
    return Light(
        direction / np.linalg.norm(direction),
        tint,
        ambient=rng.uniform(0.4, 0.8),
        gloss=rng.uniform(0.15, 1),
    )


def _arrangement(
    height: int, width: int, rng: np.random.Generator
) -> Iterator[Balloon]:
    """Yield one balloon, a few apart, or a bunch, from the back to the front."""
    side = np.sqrt(height * width)
    kind = rng.choice(("one", "few", "bunch"), p=(0.4, 0.3, 0.3))
    count = {"one": 1, "few": rng.integers(2, 6), "bunch": rng.integers(3, 17)}[kind]
    middle = np.array([rng.uniform(0.2, 0.75) * height, rng.uniform(0.2, 0.8) * width])
    low, high = {"one": (0.07, 0.75), "few": (0.06, 0.5), "bunch": (0.07, 0.3)}[kind]
    shared = side * np.exp(rng.uniform(np.log(low), np.log(high)))
    colours = ALBEDO[rng.choice(len(ALBEDO), size=rng.integers(1, 8))]
    upright = rng.random() < 0.75
    opacity = rng.uniform(0.8, 1)
    for _ in range(count):
        diameter = shared * rng.uniform(0.8, 1.2)
        if kind == "few":
            diameter = shared * rng.uniform(0.5, 1.6)
        centre = rng.uniform(0, 1, 2) * (height, width)
        if kind == "bunch":
            spread = 0.5 * shared * np.sqrt(count)
            centre = middle + rng.normal(0, 0.75, 2) * spread
        colour = np.clip(
            colours[rng.integers(len(colours))] + rng.normal(0, 0.03, 3), 0, 1
        )
        yield Balloon(
            *centre,
            radius=diameter / 2,
            length=rng.uniform(1.0, 1.3),
            taper=rng.uniform(0, 0.35),
            turn=rng.normal(0, 0.3) if upright else rng.uniform(-np.pi, np.pi),
            colour=colour,
            opacity=opacity,
        )


def _developed(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add what a camera adds: softness, exposure and noise; return uint8 (h, w, 3)."""
    if rng.random() < 0.4:
        sigma = rng.uniform(0.3, 0.9)
        picture = gaussian_filter(picture, (sigma, sigma, 0))
    picture = np.clip(picture, 0, 1) ** rng.uniform(0.8, 1.25)
    picture = picture + rng.normal(0, rng.uniform(0, 0.03), picture.shape)
    return np.clip(np.rint(picture * 255), 0, 255).astype(np.uint8)


def write_set(
    folder: str | Path,
    *,
    train: int = 200,
    val: int = 40,
    size: int = 384,
    seed: int = 0,
    varied_scenes: bool = False,
) -> None:
    """Write `folder/train` and `folder/val`: JPEG images and VIA 1 annotations.

    Image i of a subset depends on `seed`, `size`, the subset, i and `varied_scenes`,
    which draws those of `mrcnn.data.varied`.
    Raises FileExistsError if `folder` exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder} exists: remove it or choose another folder.")
    for name, content in _files(train, val, size, seed, varied_scenes):
        with atomic_path(folder / name) as path:
            path.write_bytes(content)


def write_zip(
    path: str | Path,
    *,
    train: int = 200,
    val: int = 40,
    size: int = 384,
    seed: int = 0,
    varied_scenes: bool = False,
) -> None:
    """Write the files of `write_set` to a zip, the same bytes on every run."""
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, content in sorted(_files(train, val, size, seed, varied_scenes)):
            member = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            member.create_system = 3  # Unix on every machine.
            member.external_attr = 0o644 << 16
            is_text = name.endswith(".json")
            member.compress_type = (
                zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED
            )
            archive.writestr(member, content)


def _files(
    train: int, val: int, size: int, seed: int, is_varied: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of every file of a set."""
    drawn, first = (varied.render, varied.PART) if is_varied else (render, 0)
    for part, (subset, count) in enumerate(
        zip(SUBSETS, (train, val), strict=True), first
    ):
        entries = {}
        for i in range(count):
            image, polygons = drawn([seed, part, i], size)
            buffer = io.BytesIO()
            Image.fromarray(image).save(buffer, "JPEG", quality=JPEG_QUALITY)
            name = f"balloon_{i:04d}.jpg"
            yield f"{subset}/{name}", buffer.getvalue()
            entry = _via_entry(name, buffer.tell(), polygons)
            entries[f"{name}{entry['size']}"] = entry
        yield f"{subset}/{ANNOTATIONS}", json.dumps(entries).encode()


def _via_entry(
    name: str, size: int, polygons: list[list[tuple[float, float]]]
) -> dict[str, Any]:
    """Return what VIA 1 writes for one image of `size` bytes."""
    regions = {}
    for i, polygon in enumerate(polygons):
        x, y = zip(*polygon, strict=True)
        shape = {"name": "polygon", "all_points_x": x, "all_points_y": y}
        regions[str(i)] = {"shape_attributes": shape, "region_attributes": {}}
    return {
        "fileref": "",
        "size": size,
        "filename": name,
        "base64_img_data": "",
        "file_attributes": {},
        "regions": regions,
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m mrcnn.data.synthetic",
        description="Render the synthetic balloons that the project ships.",
    )
    parser.add_argument("zip", help="archive to write: datasets/balloons.zip")
    parser.add_argument("--train", type=int, default=200, help="training images")
    parser.add_argument("--val", type=int, default=40, help="validation images")
    parser.add_argument("--size", type=int, default=384, help="longer side in pixels")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--varied",
        dest="varied_scenes",
        action="store_true",
        help="scenes of mrcnn.data.varied: people, crowds, reflections, a camera",
    )
    options = vars(parser.parse_args(arguments))
    path = options.pop("zip")
    write_zip(path, **options)
    print(f"{path}: {Path(path).stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
