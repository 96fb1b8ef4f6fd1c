"""The list of images and classes that training and evaluation read.

`Dataset` keeps the names and meanings of Matterport's `mrcnn.utils.Dataset`
(https://github.com/matterport/Mask_RCNN), so that code written for it subclasses ours.
"""

import logging
import threading
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.class_ids import check_class, doubts
from mrcnn.data.frames import FRAME, frame_of_masks
from mrcnn.data.levels import Levels, check_levels
from mrcnn.data.objects import checked, fitting
from mrcnn.data.orientation import check_orientation, turn
from mrcnn.data.pictures import read_image as read_image
from mrcnn.data.pictures import read_stored

LOGGER = logging.getLogger(__name__)
DECIDING = threading.RLock()
"""Held while a data set decides how its pictures are turned."""

BASIC = ("image_info", "class_info", "source_class_ids", "_image_ids")
"""Attributes that every data set has."""
PREPARED = (
    "num_classes",
    "class_ids",
    "class_names",
    "num_images",
    "sources",
    "class_from_source_map",
    "image_from_source_map",
)
"""Attributes that `Dataset.prepare` adds."""


class Dataset:
    """Images and classes from one or more sources; subclasses supply the masks.

    A class has an id of its source (`add_class`) and, after `prepare`, an internal id:
    its place in `class_info`, where 0 is the background, common to every source.
    An image is named by its place in `image_info`.

    Example: a subclass calls `add_class` and `add_image` in a method of its own,
    overrides `load_mask` (and `load_image`, if there is no file to read), and its
    user calls `prepare` once before anything else.

    Attributes:
        orientation: of picture files with an orientation tag: "stored" leaves them as
            scikit-image reads them, "turned" turns them as viewers do, "auto" does what
            the shapes of the masks fit, "stored" if they do not say, and warns once.
            It acts where `Dataset.load_image` reads the file.
        levels: of picture files of more than 8 bits, the values that become 0 and 255
            (`mrcnn.data.levels`).
    """

    orientation = "auto"
    levels: Levels | None = None

    def __init__(
        self,
        class_map: Any = None,
        *,
        orientation: str | None = None,
        levels: Levels | None = None,
    ) -> None:
        """Start with the background as the only class. `class_map` is ignored.

        The others set the attribute of their name, unless they are None.
        """
        if orientation is not None:
            self.orientation = check_orientation(orientation)
        if levels is not None:
            self.levels = check_levels(levels)
        self._frame: str | None = None
        self._circular: set[int] | None = None
        self._reads_files = False
        self.image_info: list[dict[str, Any]] = []
        self.class_info: list[dict[str, Any]] = [{"source": "", "id": 0, "name": "BG"}]
        self.source_class_ids: dict[str, list[int]] = {}
        self._image_ids = np.arange(0)
        self._passed_on: set[str] = set()

    def add_class(self, source: str, class_id: int, class_name: str) -> None:
        """Add a class of `source`; adding one twice does nothing.

        Raises ValueError for ids and names that cannot be meant, see
        `class_ids.check_class`.
        """
        if check_class(source, class_id, class_name, self.class_info):
            self.class_info.append(
                {"source": source, "id": class_id, "name": class_name}
            )

    def add_image(
        self, source: str, image_id: Any, path: str | Path | None, **kwargs: Any
    ) -> None:
        """Add an image: its id in `source`, its file (None if it is made on demand).

        Keywords are kept beside them in `image_info` for `load_mask` to use.
        """
        self.image_info.append(
            {"id": image_id, "source": source, "path": path, **kwargs}
        )

    def prepare(self, class_map: Any = None) -> None:
        """Number classes and images; call it when all are added. May be called again.

        Sets `num_classes`, `class_ids`, `class_names` (each up to its first comma),
        `num_images`, `image_ids`, `sources`, `source_class_ids` (source -> internal
        ids, background included), `class_from_source_map` and `image_from_source_map`
        ("source.id" -> internal id). `class_map` is ignored, as in Matterport's code.
        Logs what can easily be taken for something else, see `class_ids.doubts`.
        """
        self._frame = None  # of an earlier, smaller set
        self.num_classes = len(self.class_info)
        self.class_ids = np.arange(self.num_classes)
        self.class_names = [c["name"].split(",")[0] for c in self.class_info]
        self.num_images = len(self.image_info)
        self._image_ids = np.arange(self.num_images)
        self.class_from_source_map = _by_source(self.class_info)
        self.image_from_source_map = _by_source(self.image_info)
        self.sources = list(dict.fromkeys(c["source"] for c in self.class_info))
        self.source_class_ids = {
            source: [
                i
                for i, info in enumerate(self.class_info)
                if i == 0 or info["source"] == source
            ]
            for source in self.sources
        }
        self._objects_seen: dict[int, int] = {}
        self._passed_on: set[str] = set()
        for doubt in doubts(self):
            LOGGER.warning(doubt)

    def __getattr__(self, name: str) -> Any:
        """Raise AttributeError that says what was forgotten; called for unknown names.

        Attributes that `prepare` sets are missing before it, and all are in a subclass
        whose `__init__` does not call this one.
        """
        if name in BASIC:
            way = "its __init__ must call super().__init__() first"
        elif name in PREPARED:
            way = "call prepare() after the last add_class and add_image"
        else:
            way = ""
        has_no = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(f"{has_no}: {way}." if way else has_no)

    @property
    def image_ids(self) -> np.ndarray:
        """Internal ids of the images, int (num_images,); empty before `prepare`."""
        return self._image_ids

    def map_source_class_id(self, source_class_id: str) -> int:
        """Return the internal id of "source.id", such as "coco.12"."""
        try:
            return self.class_from_source_map[source_class_id]
        except KeyError:
            known = ", ".join(self.class_from_source_map)
            raise ValueError(
                f"no class {source_class_id!r}; the dataset has: {known}."
            ) from None

    def get_source_class_id(self, class_id: int, source: str) -> int:
        """Return the id in `source` of the internal class `class_id`.

        Raises ValueError if the class belongs to another source.
        """
        info = self.class_info[class_id]
        if info["source"] != source:
            raise ValueError(
                f"class {class_id} ({info['name']!r}) belongs to source "
                f"{info['source']!r}, not to {source!r}."
            )
        return info["id"]

    def source_image_link(self, image_id: int) -> str | Path | None:
        """Return the file of the image, or a link to it where a subclass knows one."""
        return self.image_info[image_id]["path"]

    def image_reference(self, image_id: int) -> str:
        """Name the image for a reader of an error message or a figure."""
        info = self.image_info[image_id]
        return str(info["path"] or f"image {info['id']} of {info['source']}")

    def load_image(self, image_id: int) -> np.ndarray:
        """Read the image as uint8 RGB (h, w, 3); grey is repeated, alpha is dropped.

        Raises ValueError if the image has no file, and as `pictures.read_image`.
        """
        return self._read(image_id, 3)

    def _read(self, image_id: int, channels: int) -> np.ndarray:
        """Read the image's file as uint8 (h, w, channels)."""
        info = self.image_info[image_id]
        path = info["path"]
        self._reads_files = True
        if fault := _no_file(path):
            raise ValueError(
                f"{image_name(self, image_id)} has {fault}: give add_image the path "
                "of a picture, or override load_image."
            )
        image, tag = read_stored(path, channels, self.levels)
        if tag == 1:
            return image
        frame = check_orientation(info.get(FRAME, self.orientation))
        if frame == "auto":
            frame = self._found_frame(image_id)
        return turn(image, tag) if frame == "turned" else image

    def _found_frame(self, image_id: int) -> str:
        """Decide for all images at once, when the first with a tag is read."""
        with DECIDING:
            if self._circular is not None:  # a `load_mask` that is asked reads an image
                self._circular.add(image_id)
                return "stored"
            if self._frame is None:
                self._circular = set()
                try:
                    self._frame = frame_of_masks(self, self._circular)
                finally:
                    self._circular = None
            return self._frame

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return masks, bool (h, w, n), and their internal class ids, int32 (n,).

        This base method has no annotations: it warns, once for each source, and returns
        zero instances. In a subclass, negative class ids mark crowds, as in COCO.
        """
        source = self.image_info[image_id]["source"]
        if source not in self._passed_on:
            self._passed_on.add(source)
            name, overrides = type(self).__name__, type(self).load_mask
            LOGGER.warning(
                "%s: images of source %r, such as %s, are taken to show no objects.",
                f"{name} has no load_mask"
                if overrides is Dataset.load_mask
                else f"load_mask of {name} passes to Dataset.load_mask",
                source,
                image_name(self, image_id),
            )
        height, width = self.load_image(image_id).shape[:2]
        return np.zeros((height, width, 0), bool), np.zeros(0, np.int32)


def image_name(dataset: Dataset, image_id: int) -> str:
    """Return what messages call an image, whatever its `image_reference` does."""
    try:
        own = dataset.image_reference(image_id)
    except Exception:  # A user's may fail on an image that is fine.
        own = None
    return str(own or Dataset.image_reference(dataset, image_id))


def load_objects(
    dataset: Dataset, image_id: int, size: tuple[int, int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return what any `load_mask` says: masks bool (h, w, n) and class ids int32 (n,).

    Raises AnnotationError, a ValueError that names the image, see `objects.checked`;
    or ValueError if masks do not have the `size` (h, w) given, see `objects.fitting`.
    """
    name = image_name(dataset, image_id)
    masks, class_ids = checked(dataset.load_mask(image_id), name, dataset.class_names)
    if size is not None:
        masks = fitting(masks, size, name, reads_files=dataset._reads_files)
    return masks, class_ids


def load_pixels(dataset: Dataset, image_id: int, channels: int) -> np.ndarray:
    """Return an image as its data set gives it to a model of so many channels.

    What `load_image` returns; but Matterport's, which is RGB, reads the file with the
    channels that are asked for. `arrays.check_image` sees to the rest.
    """
    if getattr(dataset.load_image, "__func__", None) is Dataset.load_image:
        return dataset._read(image_id, channels)
    return dataset.load_image(image_id)


def _no_file(path: Any) -> str:
    """Say what stands in the place of a path; empty if it may be one."""
    if path is None or path == "":
        return "no file"
    if not isinstance(path, str | PathLike):
        return f"{path!r} in place of a file"
    return "a folder in place of a file" if Path(path).is_dir() else ""


def _by_source(infos: list[dict[str, Any]]) -> dict[str, int]:
    """Map "source.id" to the place in `infos`."""
    return {f"{info['source']}.{info['id']}": i for i, info in enumerate(infos)}
