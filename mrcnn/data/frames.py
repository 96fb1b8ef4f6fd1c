"""In which frame a set of pictures was annotated: as stored, or as their tags turn them.

Both kinds of set exist: annotation tools have shown photographs turned since about
2020, and as stored before. What the annotations fit decides, for all of a set at once.
"""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from mrcnn.data.orientation import turned_shape
from mrcnn.data.pictures import header

LOGGER = logging.getLogger(__name__)
ASKED = 20
"""Images whose masks are asked for."""
Sizes = Mapping[str, tuple[int, int, int]]
"""Height and width as stored, and orientation tag, by the name of the image."""


def reach(numbers: Mapping[str, np.ndarray]) -> tuple[float, float]:
    """Return the largest y and x of a shape of VIA, of an ellipse those of its centre.

    Args:
        numbers: the fields of the shape, see `via.FIELDS`.
    """
    x, y = list(numbers.values())[:2]
    right, down = (numbers.get(side, 0) for side in ("width", "height"))
    radius = numbers.get("r", 0)
    return float(np.max(y + down + radius)), float(np.max(x + right + radius))


def outside(reaches: np.ndarray, shape: tuple[int, int]) -> int:
    """Count the regions that leave an image (h, w) below or on the right.

    Args:
        reaches: (n, 2) largest y and x of each.
        shape: (h, w).
    """
    return int((np.reshape(reaches, (-1, 2)) > shape).any(axis=1).sum())


def frame_of_regions(sizes: Sizes, reaches: Mapping[str, np.ndarray], where: str) -> str:
    """Return "stored" or "turned": the frame that holds more regions; ties are turned.

    Says so if any image has a tag; else it makes no difference.

    Args:
        sizes: of every image.
        reaches: (n, 2) of the regions of every image, see `reach`.
        where: names the set.
    """
    tagged = {name: size for name, size in sizes.items() if size[2] > 1}
    stored, turned = (
        sum(counts)
        for counts in zip(
            (0, 0), *(misfits(reaches[n], s) for n, s in tagged.items()), strict=True
        )
    )
    frame = "stored" if stored < turned else "turned"
    if tagged:
        how = "left as stored" if frame == "stored" else "turned, as viewers show them"
        other = "turned" if frame == "stored" else "stored"
        print(
            f"{where}: {len(tagged)} of {len(sizes)} images have an orientation tag; "
            f"{stored} regions leave the images as stored, {turned} the turned ones. "
            f'They are {how} (orientation="{other}" does otherwise).'
        )
    return frame


def misfits(reaches: np.ndarray, size: tuple[int, int, int]) -> tuple[int, int]:
    """Count the regions that leave an image as stored, and that leave it turned."""
    shape, tag = size[:2], size[2]
    return outside(reaches, shape), outside(reaches, turned_shape(shape, tag))


def frame_of_masks(dataset: Any) -> str:
    """Return "stored" or "turned": the frame whose shape more masks have; warns.

    For data sets of which only `load_mask` is known (see `dataset.Dataset`): masks of
    the first images whose tag exchanges height and width are asked for. Ties, and sets
    without such an image, are "stored", as Matterport's code and scikit-image read.
    """
    tagged, votes = {}, {"stored": 0, "turned": 0}
    for image_id, info in enumerate(dataset.image_info):
        size = header(info["path"]) if info["path"] else None
        if size and size[2] > 1:
            tagged[image_id] = size
    telling = [i for i, size in tagged.items() if size[2] > 4 and size[0] != size[1]]
    for image_id in telling[:ASKED]:
        try:
            shape = np.shape(dataset.load_mask(image_id)[0])[:2]
        except Exception:  # It is called again, and then the error is shown.
            continue
        height, width, tag = tagged[image_id]
        votes["stored"] += shape == (height, width)
        votes["turned"] += shape == turned_shape((height, width), tag)
    frame = "turned" if votes["turned"] > votes["stored"] else "stored"
    other = "stored" if frame == "turned" else "turned"
    LOGGER.warning(
        "%d of %d images have an orientation tag, such as %s. They are read as %s: of "
        "the masks, %d have the shape of the stored image alone and %d that of the "
        "turned one, as viewers and annotation tools of today show it. If objects were "
        'drawn on the other, set `orientation = "%s"` on the data set.',
        len(tagged),
        len(dataset.image_info),
        dataset.image_reference(next(iter(tagged))) if tagged else "none",
        frame,
        votes["stored"],
        votes["turned"],
        other,
    )
    return frame
