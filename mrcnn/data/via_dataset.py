"""Pictures annotated in the VGG Image Annotator, with any number of classes."""

import os
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data import via, via_classes
from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.frames import FRAME, frame_of, other_frame
from mrcnn.data.levels import Levels
from mrcnn.data.orientation import check_orientation, turned_shape
from mrcnn.data.pictures import examine
from mrcnn.data.regions import Region
from mrcnn.data.via_classes import Classes
from mrcnn.paths import as_path

ANNOTATIONS = "via_region_data.json"
"""The annotation file of a folder, by Matterport's name."""
SLIP = 1.0
"""How far a region may be drawn beyond its image in silence, pixels."""
PICTURES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class ViaDataset(Dataset):
    """Images with the regions of one or more VIA files."""

    def load_via(
        self,
        annotations: str | Path,
        classes: Classes,
        *,
        class_key: str | None = None,
        images: str | Path | None = None,
        source: str = "via",
        polylines: str = "auto",
        skip_faulty: bool = False,
        keep_empty: bool = False,
        orientation: str = "auto",
    ) -> None:
        """Add the annotated images of a VIA file; call `prepare` after the last file.

        Everything is checked here, before any training: the annotations, that every
        image decodes, that every region touches its image, and every region's class.

        Args:
            annotations: the JSON file, or a folder that holds it.
            classes: their names in the order of their ids from 1 on, the same for
                training and validation; or a mapping from the values of the attribute
                to names, such as {"sword": "sword", "sowrd": "sword", "dirt": None},
                where None leaves regions out; or one name, as text, for all regions,
                whatever their attributes.
            class_key: the attribute that holds the class; may differ from file to file.
                By default the only one that there is, and it is printed.
            images: the folder of the images; by default that of the JSON file.
            source: of the classes and images in this data set.
            polylines: see `via.read`.
            skip_faulty: leave out faulty regions and images, and print which.
            keep_empty: take images without regions too, as images without objects.
            orientation: of images with an orientation tag: "turned" as viewers show
                them, "stored" as scikit-image reads them, "auto" as their regions say;
                see `frames.frame_of_regions`.

        Raises:
            FileNotFoundError: a file is missing.
            TypeError: names an argument that is no path or name.
            ValueError: lists what is wrong, by file, image and region.
        """
        check_orientation(orientation)
        path = annotation_file(annotations)
        folder = path.parent if images is None else as_path(images, "images")
        if images is not None and not folder.is_dir():
            raise FileNotFoundError(f"images is {folder}, which is no folder.")
        if not isinstance(class_key, str | None):
            raise TypeError(f"class_key is {class_key!r}: give the attribute's name.")
        named = via_classes.class_names(classes)
        faults = Faults(path)
        annotated = via.read(path, polylines=polylines, keep_empty=True, faults=faults)
        alone = isinstance(classes, str)
        chosen = via_classes.label(annotated, named, class_key, faults, alone=alone)
        taken = {f: rs for f, rs in chosen.items() if rs or keep_empty}
        ready = list(_on_disk(folder, taken, faults, orientation, self.levels))
        faults.settle(skip=skip_faulty)
        if not any(image["regions"] for image in ready):
            raise ValueError(f"{path} has no annotated image.")
        ids = {n: i for i, n in enumerate(via_classes.in_order(named), start=1)}
        for name, i in ids.items():
            self.add_class(source, i, name)
        for image in ready:
            image["classes"] = [ids[name] for name in image["classes"]]
            self.add_image(source, **image)
        _tell(path, folder, annotated, len(chosen) - len(taken))

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one mask per region, bool (h, w, n), and their classes, int32 (n,)."""
        info = self.image_info[image_id]
        shape, source = (info["height"], info["width"]), info["source"]
        masks = [region.mask(*shape) for region in info["regions"]]
        ids = [self.map_source_class_id(f"{source}.{i}") for i in info["classes"]]
        stacked = np.stack(masks, axis=-1) if masks else np.zeros((*shape, 0), bool)
        return stacked, np.array(ids, np.int32)

    def drawn_outside(self, image_id: int) -> list[float]:
        """Return how far each object was drawn beyond its image, pixels."""
        info = self.image_info[image_id]
        size = info["height"], info["width"]
        return [region.beyond(*size) for region in info["regions"]]


def load_via(annotations: str | Path, classes: Classes, **options: Any) -> ViaDataset:
    """Return the prepared data set of a VIA file.

    Takes the arguments of `ViaDataset.load_via`, and raises as it does.

    Example:
        train = load_via("train", ["cup", "plate"], class_key="kind")
        val = load_via("val", ["cup", "plate"], class_key="type")
    """
    dataset = ViaDataset()
    dataset.load_via(annotations, classes, **options)
    dataset.prepare()
    return dataset


def annotation_file(path: str | Path) -> Path:
    """Return a JSON file, or the one of a folder: Matterport's name, or the only one.

    Raises FileNotFoundError if the folder holds none, ValueError if it holds several.
    """
    path = as_path(path, "annotations")
    if not path.is_dir() or (path / ANNOTATIONS).is_file():
        return path / ANNOTATIONS if path.is_dir() else path
    files = sorted(path.glob("*.json"))
    if not files:
        raise FileNotFoundError(f"folder {path} holds no {ANNOTATIONS} or other JSON.")
    if len(files) > 1:
        names = ", ".join(file.name for file in files[:10])
        raise ValueError(f"folder {path} holds several JSON files: name one: {names}.")
    return files[0]


def _on_disk(
    folder: Path,
    taken: Mapping[str, Sequence[tuple[Region, str]]],
    faults: Faults,
    orientation: str,
    levels: Levels | None,
) -> Iterator[dict[str, Any]]:
    """Yield what `add_image` takes of every image, with regions that touch it."""
    places: dict[Path, str] = {}
    sizes: dict[str, tuple[int, int, int]] = {}
    for filename in taken:
        try:
            place = find_image(folder, filename)
            size = examine(place, levels)
            if place in places:
                raise ValueError(
                    f"image {place} is annotated twice, as {places[place]!r} and "
                    f"{filename!r}: keep one entry."
                )
        except (OSError, ValueError) as error:
            kind = type(error) if isinstance(error, FileNotFoundError) else ValueError
            faults.add(kind(f"{faults.subject}: {error}"))
            continue
        places[place], sizes[filename] = filename, size
    shapes = {f: [region for region, _ in taken[f]] for f in sizes}
    frame = frame_of(orientation, sizes, shapes, faults)
    moved = [f for place, f in places.items() if place != folder / f]
    over: dict[str, float] = {}
    for place, filename in places.items():
        *shape, tag = sizes[filename]
        height, width = turned_shape(shape, tag) if frame == "turned" else shape
        kept = []
        for region, name in taken[filename]:
            try:
                region.check(height, width)
                kept.append((region, name))
                over[region.where] = region.beyond(height, width)
            except ValueError as error:
                faults.add(f"{error}{other_frame(region, sizes[filename], frame)}")
        if kept or not taken[filename]:
            yield {
                "image_id": filename,
                "path": place,
                "height": height,
                "width": width,
                FRAME: frame,
                "regions": [region for region, _ in kept],
                "classes": [name for _, name in kept],
            }
    _tell_cut(over, faults.subject)
    if moved:
        print(
            f"{faults.subject}: {len(moved)} file names have folders, such as "
            f"{moved[0]}; their images are taken from {folder} (or images=)."
        )


def _tell_cut(over: Mapping[str, float], subject: str) -> None:
    """Print how many regions are cut, and how far they lie outside their images."""
    cut = {where: pixels for where, pixels in over.items() if pixels > SLIP}
    if cut:
        worst = max(cut, key=cut.__getitem__)
        print(
            f"{subject}: {len(cut)} of {len(over)} regions leave their images and are "
            f"cut there; up to {cut[worst]:.4g} pixels lie outside "
            f"({worst.removeprefix(f'{subject}: ')}). If they were drawn on pictures "
            "of another size, take these."
        )


def find_image(folder: Path, filename: str) -> Path:
    """Return where an image of a VIA file lies: as named, or in `folder` itself.

    File names of VIA may have the folders of another machine, or be links.
    Raises FileNotFoundError, with the nearest name that is there.
    """
    plain = filename.strip().replace("\\", "/")
    last = plain.rsplit("/", 1)[-1]
    for name in (filename, plain, last):
        if name and (folder / name).is_file():
            return folder / name
    hint = ""
    if folder.is_dir():
        there = {_folded(name): name for name in os.listdir(folder)}
        near = there.get(_folded(last)) or next(
            (n for f, n in there.items() if Path(f).stem == Path(_folded(last)).stem),
            None,
        )
        if near and unicodedata.normalize("NFC", near) == unicodedata.normalize(
            "NFC", last
        ):
            return folder / near  # written as macOS does, with accents by themselves
        hint = f" (but {near!r} is there)" if near else ""
    raise FileNotFoundError(
        f"image {folder / filename} is missing{hint}, though the annotations list it: "
        "restore the image or remove its entry."
    )


def _folded(name: str) -> str:
    """Return a file name without what file systems see differently."""
    return unicodedata.normalize("NFC", name).casefold()


def _tell(
    path: Path, folder: Path, annotated: Mapping[str, object], empty: int
) -> None:
    """Print what is not used: entries without regions, pictures without an entry."""
    if empty:
        print(
            f"{path}: {empty} of {len(annotated)} images have no region and are left "
            "out (or keep_empty=True)."
        )
    known = {name.replace("\\", "/").rsplit("/", 1)[-1] for name in annotated}
    files = {p.name for p in folder.iterdir() if p.suffix.lower() in PICTURES}
    if others := len(files - known):
        print(f"{path}: {others} pictures beside it have no entry and are left out.")
