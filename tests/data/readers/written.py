"""One small set, as the tools of each format write it."""

import base64
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.draw import polygon

NAMES = ("cup", "plate")
SQUARE = [(2, 2), (12, 2), (12, 12), (2, 12)]
TRIANGLE = [(15, 1), (28, 1), (28, 14)]
WEDGE = [(1, 15), (20, 17), (6, 19), (3, 19)]
SIZE = (20, 30)
SET = {
    "a": [("cup", SQUARE), ("plate", TRIANGLE)],
    "b": [("plate", WEDGE)],
    "c": [],
}
"""Polygons by picture, each of a picture of SIZE (height, width)."""


def png(pixels):
    """Return an array as the bytes of a PNG file."""
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def base64_png(pixels):
    return base64.b64encode(png(pixels)).decode()


def pictures(folder, suffix=".png"):
    folder.mkdir(parents=True, exist_ok=True)
    for i, name in enumerate(SET):
        pixels = np.full((*SIZE, 3), 40 * (i + 1), np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}{suffix}")


def mask(points):
    """Return the pixels of a polygon as scikit-image fills it."""
    x, y = np.transpose(points)
    pixels = np.zeros(SIZE, bool)
    pixels[polygon(y, x, SIZE)] = True
    return pixels


def shape(label, points, kind="polygon", **more):
    return {"label": label, "points": points, "shape_type": kind, **more}


def labelme(folder, name="a", shapes=(), **more):
    """Write a LabelMe file; return its path."""
    content = {
        "version": "5.4.1",
        "flags": {},
        "shapes": list(shapes),
        "imagePath": f"{name}.png",
        "imageData": None,
        "imageHeight": SIZE[0],
        "imageWidth": SIZE[1],
    }
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content | more))
    return path


def as_labelme(folder):
    pictures(folder)
    for name, objects in SET.items():
        labelme(folder, name, [shape(label, points) for label, points in objects])
    return folder


def as_yolo(folder):
    pictures(folder / "train" / "images")
    labels = folder / "train" / "labels"
    labels.mkdir()
    height, width = SIZE
    for name, objects in SET.items():
        lines = [
            " ".join(
                [str(NAMES.index(label))]
                + [f"{x / width:.6f} {y / height:.6f}" for x, y in points]
            )
            for label, points in objects
        ]
        (labels / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (folder / "data.yaml").write_text(
        "train: ../train/images\nnc: 2\nnames: ['cup', 'plate']\n"
    )
    return folder


def as_cvat(folder):
    pictures(folder / "images")
    images = []
    for i, (name, objects) in enumerate(SET.items()):
        shapes = "".join(
            f'<polygon label="{label}" source="manual" occluded="0" points="'
            + ";".join(f"{x:.2f},{y:.2f}" for x, y in points)
            + '" z_order="0"></polygon>'
            for label, points in objects
        )
        images.append(
            f'<image id="{i}" name="{name}.png" width="{SIZE[1]}" height="{SIZE[0]}">'
            f"{shapes}</image>"
        )
    labels = "".join(f"<label><name>{name}</name></label>" for name in NAMES)
    (folder / "annotations.xml").write_text(
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>'
        f"<meta><task><labels>{labels}</labels></task></meta>{''.join(images)}"
        "</annotations>"
    )
    return folder


def as_voc(folder):
    pictures(folder / "JPEGImages")
    for name in ("SegmentationObject", "SegmentationClass", "ImageSets/Segmentation"):
        (folder / name).mkdir(parents=True)
    for name, objects in SET.items():
        numbers, kinds = np.zeros(SIZE, np.uint8), np.zeros(SIZE, np.uint8)
        for i, (label, points) in enumerate(objects, start=1):
            numbers[mask(points)] = i
            kinds[mask(points)] = NAMES.index(label) + 1
        for place, pixels in (("Object", numbers), ("Class", kinds)):
            picture = Image.fromarray(pixels).convert("P")
            picture.putpalette(voc_palette())
            picture.putdata(pixels.ravel().tolist())
            picture.save(folder / f"Segmentation{place}" / f"{name}.png")
    (folder / "class_names.txt").write_text("_background_\ncup\nplate\n")
    (folder / "ImageSets" / "Segmentation" / "train.txt").write_text("a\nb\nc\n")
    return folder


def voc_palette():
    """Return VOC's palette as its development kit makes it, 768 levels."""
    palette = []
    for place in range(256):
        colour, rest = [0, 0, 0], place
        for shift in range(7, -1, -1):
            for band in range(3):
                colour[band] |= (rest >> band & 1) << shift
            rest >>= 3
        palette += colour
    return palette


def as_via3(folder):
    pictures(folder)
    files, views, regions = {}, {}, {}
    for i, (name, objects) in enumerate(SET.items(), start=1):
        files[str(i)] = {
            "fid": str(i),
            "fname": f"{name}.png",
            "type": 2,
            "loc": 1,
            "src": f"{name}.png",
        }
        views[str(i)] = {"fid_list": [str(i)]}
        for label, points in objects:
            flat = [number for point in points for number in point]
            regions[f"{i}_{len(regions)}"] = region3(i, [7, *flat], NAMES.index(label))
    return via3(folder, files, views, regions)


def region3(view, xy, option=0):
    return {"vid": str(view), "flg": 0, "z": [], "xy": xy, "av": {"1": str(option)}}


def via3(folder, files, views, regions):
    """Write a project of VIA 3; return its folder."""
    attribute = {
        "aname": "kind",
        "anchor_id": "FILE1_Z0_XY1",
        "type": 4,
        "desc": "",
        "options": dict(enumerate(NAMES)),
        "default_option_id": "",
    }
    content = {
        "project": {"pid": "__VIA_PROJECT_ID__", "vid_list": list(views)},
        "config": {},
        "attribute": {"1": attribute},
        "file": files,
        "metadata": regions,
        "view": views,
    }
    (folder / "project.json").write_text(json.dumps(content))
    return folder


def as_masks(folder):
    """Numbers in 16 bits; all of one class."""
    pictures(folder / "images")
    (folder / "masks").mkdir()
    for name, objects in SET.items():
        numbers = np.zeros(SIZE, np.uint16)
        for i, (_, points) in enumerate(objects, start=300):
            numbers[mask(points)] = i
        Image.fromarray(numbers).save(folder / "masks" / f"{name}.png")
    return folder


def as_files(folder):
    """One file for each object, as the Data Science Bowl has it; all of one class."""
    for name, objects in SET.items():
        place = folder / name
        (place / "images").mkdir(parents=True)
        (place / "masks").mkdir()
        pixels = np.full((*SIZE, 3), 40, np.uint8)
        Image.fromarray(pixels).save(place / "images" / f"{name}.png")
        for i, (_, points) in enumerate(objects):
            Image.fromarray(mask(points)).save(place / "masks" / f"{i}.png")
    return folder


def objects(dataset):
    """Return class name and mask of every object, by the stem of its picture."""
    found = {}
    for i in dataset.image_ids:
        masks, ids = dataset.load_mask(i)
        stem = Path(str(dataset.image_info[i]["path"])).stem
        found[stem] = [
            (dataset.class_names[c], masks[..., k]) for k, c in enumerate(ids)
        ]
    return found
