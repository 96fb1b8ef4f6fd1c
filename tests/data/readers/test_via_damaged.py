"""Files of VIA that are damaged at random: read, or refused by their names."""

import json
import random

import pytest

from tests.data.readers.coco_sets import picture
from tests.data.readers.mutations import mutated, tried

SQUARE = {"name": "polygon", "all_points_x": [2, 9, 9, 2], "all_points_y": [1, 1, 8, 8]}
CIRCLE = {"name": "circle", "cx": 9, "cy": 9, "r": 4}
IMAGES = {
    name: {
        "filename": f"{name}.png",
        "size": 7,
        "regions": [
            {"shape_attributes": SQUARE, "region_attributes": {"kind": "cup"}},
            {"shape_attributes": CIRCLE, "region_attributes": {"kind": {"x": True}}},
        ],
    }
    for name in "ab"
}
PROJECT = {"_via_settings": {}, "_via_img_metadata": IMAGES, "_via_attributes": {}}


def table() -> bytes:
    """Return the same as VIA's CSV."""
    lines = ["filename,region_shape_attributes,region_attributes"]
    for image in IMAGES.values():
        for region in image["regions"]:
            fields = (json.dumps(r).replace('"', '""') for r in region.values())
            lines.append(image["filename"] + "".join(f',"{field}"' for field in fields))
    return "\n".join(lines).encode()


@pytest.mark.parametrize("content", [IMAGES, PROJECT])
@pytest.mark.parametrize("block", range(5))
def test_json(tmp_path, content, block):
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    for seed in range(20 * block, 20 * block + 20):
        tried(tmp_path / "set.json", mutated(content, random.Random(seed)))


def test_csv(tmp_path):
    for name in "ab":
        picture(tmp_path / f"{name}.png")
    file = tmp_path / "set.csv"
    assert tried(file, table()) == "read"
    for seed in range(100):
        rng, data = random.Random(seed), bytearray(table())
        place = rng.randrange(len(data))
        if seed % 3 == 0:
            del data[place : place + rng.choice([1, 5, 10**6])]
        elif seed % 3 == 1:
            data[place] = rng.randrange(256)
        else:
            data[place:place] = data[place : place + rng.randrange(1, 60)]
        tried(file, bytes(data))
