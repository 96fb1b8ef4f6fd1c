"""In which frame a set was annotated: as stored, or as orientation tags turn it.

Both kinds of set exist: annotation tools have shown photographs turned since about
2020, and as stored before. What the annotations fit decides, for all of a set at once.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np

from mrcnn.data.faults import Faults
from mrcnn.data.orientation import turned_shape
from mrcnn.data.pictures import header
from mrcnn.data.regions import Region
from mrcnn.notices import once

LOGGER = logging.getLogger(__name__)
FRAME = "frame of the pixels"
"""Key of `image_info` for the frame of one image; no keyword of a user is like it."""
LOOKED = 200
"""Files whose tags are looked at where a user's own `load_image` reads them."""
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


def frame_of_masks(dataset: Any, read: Collection[int]) -> str:
    """Return "stored" or "turned": the frame whose shape more masks have; warns.

    For data sets of which only `load_mask` is known (see `dataset.Dataset`): masks of
    the first images whose tag exchanges height and width are asked for. Ties, and sets
    without such an image, are "stored", as Matterport's code and scikit-image read.

    Args:
        dataset: whose images are read as stored meanwhile.
        read: images that have been read meanwhile. Masks that have the shape that
            `load_image` returned say nothing.
    """
    votes = {"stored": 0, "turned": 0}
    tagged = _tagged(dataset, range(len(dataset.image_info)))
    telling = [i for i, size in tagged.items() if size[2] > 4 and size[0] != size[1]]
    for image_id in telling[:ASKED]:
        try:
            shape = np.shape(dataset.load_mask(image_id)[0])
        except Exception:  # It is called again, and then the error is shown.
            continue
        if len(shape) != 3 or not shape[2]:
            continue
        if image_id in read:
            continue
        height, width, tag = tagged[image_id]
        votes["stored"] += shape[:2] == (height, width)
        votes["turned"] += shape[:2] == turned_shape((height, width), tag)
    frame = "turned" if votes["turned"] > votes["stored"] else "stored"
    other = "stored" if frame == "turned" else "turned"
    LOGGER.warning(
        "%d of %d images have an orientation tag, such as %s. They are read as %s: of "
        "the masks, %d have the shape of the stored image alone and %d that of the "
        "turned one, as viewers and annotation tools of today show it; %d were made in "
        "the shape of load_image, and say nothing. If objects were "
        'drawn on the other, set `orientation = "%s"` on the data set.',
        len(tagged),
        len(dataset.image_info),
        _name(dataset, next(iter(tagged))) if tagged else "none",
        frame,
        votes["stored"],
        votes["turned"],
        len(read),
        other,
    )
    return frame


def tell_unread_tags(dataset: Any) -> None:
    """Print, once, that images have tags and that `orientation` does not act on them.

    Where a data set's own `load_image` reads its files, nobody knows whether it follows
    the tags: of one image, the shape may tell. Files are not decoded but for that.
    """
    every = np.linspace(0, len(dataset.image_info) - 1, LOOKED).astype(int)
    tagged = _tagged(dataset, sorted(set(every.tolist())))
    if not tagged:
        return
    telling = [i for i, size in tagged.items() if size[2] > 4 and size[0] != size[1]]
    image_id = next(iter([*telling, *tagged]))
    try:
        shape = np.shape(dataset.load_image(image_id))[:2]
    except Exception:  # It is called again, and then the error is shown.
        return
    if dataset._reads_files:
        return
    height, width, tag = tagged[image_id]
    how = "whether it turns them cannot be told from their shapes"
    if image_id in telling and shape == (height, width):
        how = "it leaves them as stored"
    elif image_id in telling and shape == turned_shape((height, width), tag):
        how = "it turns them, as viewers do"
    once(
        f"{len(tagged)} of {len(set(every.tolist()))} image files looked at have an "
        f"orientation tag, such as {_name(dataset, image_id)}. load_image of "
        f"{type(dataset).__name__} reads them itself: {how}, and the attribute "
        "`orientation` has no effect. Objects must be drawn on what it returns: look "
        "at some with visualize.display_instances, or leave load_image out."
    )


def _tagged(dataset: Any, image_ids: Iterable[int]) -> dict[int, tuple[int, int, int]]:
    """Return sizes and tags of the image files that have a tag, see `Sizes`."""
    found = {}
    for image_id in image_ids:
        path = dataset.image_info[image_id]["path"]
        size = header(path) if path and isinstance(path, str | PathLike) else None
        if size and size[2] > 1:
            found[image_id] = size
    return found


def _name(dataset: Any, image_id: int) -> str:
    """Return the file of an image."""
    return str(dataset.image_info[image_id]["path"])
