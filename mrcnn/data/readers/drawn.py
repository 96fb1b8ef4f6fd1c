"""Data sets whose objects are shapes, whatever file they were written in."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.frames import FRAME, frame_of, other_frame
from mrcnn.data.orientation import turned_shape
from mrcnn.data.pictures import examine, header
from mrcnn.data.readers.runs import Shape
from mrcnn.data.regions import Region
from mrcnn.notices import once

LINES = ("polyline", "point")
"""Shapes that are not filled."""


@dataclass
class Thing:
    """One object: the name of its class, and the shapes that make it up together."""

    name: str
    shapes: list[Shape]


@dataclass
class Picture:
    """One picture of an annotation file.

    Attributes:
        name: what messages and the data set call it.
        where: file and picture, for messages.
        path: of its file; of the annotations if it is `embedded` there.
        things: its objects.
        stated: height and width by the annotations, None if they do not say.
        embedded: height and width of a picture within the annotations.
        more: what else `image_info` is to have.
    """

    name: str
    where: str
    path: Path
    things: list[Thing]
    stated: tuple[int, int] | None = None
    embedded: tuple[int, int] | None = None
    more: dict[str, Any] = field(default_factory=dict)


class DrawnDataset(Dataset):
    """Pictures with objects that are drawn on them, see `Picture`."""

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one mask per object, bool (h, w, n), and their classes, int32 (n,)."""
        info = self.image_info[image_id]
        size, things = (info["height"], info["width"]), info["things"]
        masks = np.zeros((*size, len(things)), bool)
        for i, thing in enumerate(things):
            for shape in thing.shapes:
                masks[..., i] |= shape.mask(*size)
        names = [known["name"] for known in self.class_info]
        ids = [names.index(thing.name) for thing in things]
        return masks, np.array(ids, np.int32)

    def drawn_outside(self, image_id: int) -> list[float]:
        """Return how far each object was drawn beyond its picture, pixels."""
        info = self.image_info[image_id]
        size = info["height"], info["width"]
        drawn = [[s for s in t.shapes if isinstance(s, Region)] for t in info["things"]]
        return [max((s.beyond(*size) for s in shapes), default=0.0) for shapes in drawn]


def joined(parts: Iterable[tuple[str, Any, Shape]]) -> list[Thing]:
    """Return objects from parts: class, group and shape.

    Parts of one class and one group are one object; without a group (None) each is.
    """
    things: dict[Any, Thing] = {}
    for i, (name, group, shape) in enumerate(parts):
        key = ("", i) if group is None else (name, group)
        things.setdefault(key, Thing(name, [])).shapes.append(shape)
    return list(things.values())


def assemble(
    dataset: DrawnDataset,
    source: str,
    names: Sequence[str],
    pictures: Sequence[Picture],
    faults: Faults,
    *,
    skip_faulty: bool = False,
) -> DrawnDataset:
    """Return `dataset` prepared, with everything in it checked against the pictures.

    Args:
        dataset: empty.
        source: of its classes and images.
        names: of its classes, in the order of their ids from 1 on.
        pictures: with their objects.
        faults: what was wrong so far.
        skip_faulty: leave out faulty objects and pictures, and print which.

    Raises:
        FileNotFoundError: pictures are missing.
        ValueError: lists what is wrong; or there is no object.
    """
    sizes = _sizes(pictures, faults)
    measured = [picture for picture in pictures if id(picture) in sizes]
    frames = _frames(measured, sizes, faults)
    ready = []
    for picture in measured:
        *size, tag = sizes[id(picture)]
        frame = frames[picture.where]
        shape = turned_shape(size, tag) if frame == "turned" else tuple(size)
        if picture.stated not in (None, shape):
            faults.add(
                f"{picture.where}: the annotations are of a picture of "
                f"{picture.stated[0]} x {picture.stated[1]} pixels (height x width), "
                f"the file has {size[0]} x {size[1]}: take the picture that was "
                "annotated."
            )
            continue
        things = _fitting(picture, shape, (*size, tag), frame, faults)
        if things or not picture.things:
            ready.append((picture, shape, frame, things))
    faults.settle(skip=skip_faulty)
    if not any(things for *_, things in ready):
        raise ValueError(
            f"{faults.subject}: none of {len(pictures)} pictures has an object. Look "
            "whether these are the annotations that are meant."
        )
    _tell_lines(ready, faults.subject)
    for i, name in enumerate(names, start=1):
        dataset.add_class(source, i, name)
    for picture, (height, width), frame, things in ready:
        dataset.add_image(
            source,
            image_id=picture.name,
            path=picture.path,
            height=height,
            width=width,
            things=things,
            **{FRAME: frame},
            **picture.more,
        )
    dataset.prepare()
    return dataset


def measure(path: Path) -> tuple[int, int, int]:
    """Return height and width as stored, and orientation tag, of a picture file.

    Raises as `pictures.read_image` if it is none.
    """
    return header(path) or examine(path)


def _sizes(
    pictures: Sequence[Picture], faults: Faults
) -> dict[int, tuple[int, int, int]]:
    """Return height, width and tag of the pictures that are there, by their id()."""
    sizes, taken = {}, {}
    for picture in pictures:
        try:
            size = (*picture.embedded, 1) if picture.embedded else measure(picture.path)
            if picture.path in taken:
                raise ValueError(
                    f"picture {picture.path} is annotated twice, also in "
                    f"{taken[picture.path]}: keep one entry."
                )
        except (OSError, ValueError) as error:
            kind = FileNotFoundError if isinstance(error, FileNotFoundError) else str
            faults.add(kind(f"{picture.where}: {error}"))
            continue
        taken[picture.path] = picture.where
        sizes[id(picture)] = size
    return sizes


def _frames(
    pictures: Sequence[Picture],
    sizes: dict[int, tuple[int, int, int]],
    faults: Faults,
) -> dict[str, str]:
    """Return by `where` in which frame each picture was annotated.

    The size that the annotations state tells; else what the regions of all fit.
    """
    frames, asked = {}, {}
    for picture in pictures:
        *size, tag = sizes[id(picture)]
        turned = turned_shape(size, tag)
        if picture.stated and turned != tuple(size):
            frames[picture.where] = "turned" if picture.stated == turned else "stored"
        else:
            asked[picture.where] = picture
    regions = {
        where: [s for t in p.things for s in t.shapes if isinstance(s, Region)]
        for where, p in asked.items()
    }
    measured = {where: sizes[id(p)] for where, p in asked.items()}
    frame = frame_of("auto", measured, regions, faults)
    return frames | dict.fromkeys(asked, frame)


def _fitting(
    picture: Picture,
    shape: tuple[int, int],
    size: tuple[int, int, int],
    frame: str,
    faults: Faults,
) -> list[Thing]:
    """Return the objects that have a pixel, with those of their shapes that have."""
    things = []
    for thing in picture.things:
        kept = []
        for part in thing.shapes:
            try:
                part.check(*shape)
                kept.append(part)
            except (OSError, ValueError) as error:
                region = isinstance(part, Region)
                hint = other_frame(part, size, frame) if region else ""
                faults.add(f"{error}{hint}")
        if kept:
            things.append(Thing(thing.name, kept))
    return things


def _tell_lines(ready: Iterable[tuple[Any, ...]], subject: str) -> None:
    """Print, once, that lines and points are as thin as they were drawn."""
    shapes = [s for *_, things in ready for t in things for s in t.shapes]
    drawn = [s for s in shapes if isinstance(s, Region) and s.name in LINES]
    if filled := sum(region.outline for region in drawn):
        once(
            f"{subject}: {filled} lines whose ends nearly meet are taken for outlines, "
            "and filled."
        )
    if filled < len(drawn):
        once(
            f"{subject}: {len(drawn) - filled} lines and points have no width: they "
            "are one pixel wide. Draw what they stand for as polygons."
        )
