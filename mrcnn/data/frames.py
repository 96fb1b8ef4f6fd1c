"""In which frame a set was annotated: as stored, or as orientation tags turn it.

Both kinds of set exist: annotation tools have shown photographs turned since about
2020, and as stored before. What the annotations fit decides, for all of a set at once.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from mrcnn.data.faults import Faults
from mrcnn.data.orientation import turned_shape
from mrcnn.data.pictures import header
from mrcnn.data.regions import Region

LOGGER = logging.getLogger(__name__)
ASKED = 20
"""Images whose masks are asked for."""
Sizes = Mapping[str, tuple[int, int, int]]
"""Height and width as stored, and orientation tag, by the name of the image."""


def misfits(regions: Iterable[Region], size: tuple[int, int, int]) -> tuple[int, int]:
    """Count the regions that leave an image as stored, and that leave it turned.

    Args:
        regions: of the image.
        size: height and width as stored, and orientation tag.
    """
    shapes = size[:2], turned_shape(size[:2], size[2])
    stored, turned = (
        sum(not region.points_inside(*shape).all() for region in regions)
        for shape in shapes
    )
    return stored, turned


def frame_of_regions(
    sizes: Sizes, regions: Mapping[str, Sequence[Region]], where: str
) -> str:
    """Return "stored" or "turned": the frame that holds more regions; ties are turned.

    Says so if any image has a tag; else it makes no difference.

    Args:
        sizes: of every image.
        regions: of every image.
        where: names the set.
    """
    tagged = {name: size for name, size in sizes.items() if size[2] > 1}
    counts = [misfits(regions[name], size) for name, size in tagged.items()]
    stored, turned = (sum(count) for count in zip((0, 0), *counts, strict=True))
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


def frame_of(
    orientation: str,
    sizes: Sizes,
    regions: Mapping[str, Sequence[Region]],
    faults: Faults,
) -> str:
    """Return `orientation`, or for "auto" what `frame_of_regions` says of the set.

    An image whose regions fit the other frame alone is then a fault.
    """
    if orientation != "auto":
        return orientation
    frame = frame_of_regions(sizes, regions, faults.subject)
    for name, size in sizes.items():
        counts = misfits(regions[name], size)
        mine, other = counts if frame == "stored" else counts[::-1]
        if mine and not other:
            faults.add(
                f"{faults.subject}: image {name} has orientation tag {size[2]}; its "
                f"regions do not fit it {frame}, as those of the other images do: save "
                "it without a tag, as it was annotated, or set "
                f'orientation="{frame}" to cut its regions at the borders.'
            )
    return frame


def other_frame(region: Region, size: tuple[int, int, int], frame: str) -> str:
    """Return what to add to an error of a region that only the other frame holds."""
    stored, turned = misfits([region], size)
    if stored == turned:
        return ""
    other = "turned" if frame == "stored" else "stored"
    return f' It fits the image as {other}: see orientation="{other}".'


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
            shape = np.shape(dataset.load_mask(image_id)[0])
        except Exception:  # It is called again, and then the error is shown.
            continue
        if len(shape) != 3 or not shape[2]:
            continue
        height, width, tag = tagged[image_id]
        votes["stored"] += shape[:2] == (height, width)
        votes["turned"] += shape[:2] == turned_shape((height, width), tag)
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
