"""Folders of pictures and of masks: numbered pixels, or a file for each object.

Three layouts: `images/A.png` with `masks/A.png`, whose pixels number the objects and
are 0 elsewhere; `images/A.png` with one file for each object in `masks/A/`; and
`A/images/A.png` with `A/masks/`, as the Data Science Bowl of 2018 has it. All objects
are of one class: the only line of a `classes.txt`, or "object".
"""

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from skimage.measure import label

from mrcnn.data.dataset import Dataset
from mrcnn.data.faults import Faults
from mrcnn.data.frames import FRAME
from mrcnn.data.readers import fields
from mrcnn.data.readers.numbered import frame_of_size, read_numbers
from mrcnn.data.via_dataset import PICTURES
from mrcnn.notices import once
from mrcnn.paths import as_path

PAIRS = (("images", "masks"), ("image", "mask"), ("imgs", "masks"))
"""Names of the folders of pictures and of masks."""
ENDS = ("", "_mask", "_masks")
"""What the name of a mask may have behind that of its picture."""
SAMPLE = 20
"""Masks that are looked at beforehand for whether they number anything."""


class MaskDataset(Dataset):
    """Pictures with one mask of numbers, or one mask for each object."""

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one mask per object, bool (h, w, n), and their classes, int32 (n,).

        Raises ValueError, with the file, for masks that cannot be right.
        """
        info = self.image_info[image_id]
        files, size = info["masks"], (info["height"], info["width"])
        if not info["apart"]:
            numbers = read_numbers(files[0])
            if _marks_alone(numbers) and numbers.max() == 255:
                raise ValueError(_no_numbers(files[0]))
            masks = numbers[..., None] == np.setdiff1d(numbers, [0])
            return masks, np.ones(masks.shape[-1], np.int32)
        masks = np.zeros((*size, len(files)), bool)
        for i, file in enumerate(files):
            numbers = read_numbers(file)
            if len(np.setdiff1d(numbers, [0])) != 1:
                raise ValueError(
                    f"mask {file} has the values {np.unique(numbers)[:8].tolist()}: a "
                    "mask of one object is 0 and one other value."
                )
            masks[..., i] = numbers > 0
        return masks, np.ones(len(files), np.int32)


def fits(path: Path) -> bool:
    """Tell whether `path` is a folder of pictures and masks, of splits or of both."""
    path = Path(path)
    return path.is_dir() and any(
        True for *_, masks in _sets(path) for _ in fields.files_in(masks, PICTURES)
    )


def _sets(path: Path) -> Iterator[tuple[Path, Path, Path]]:
    """Yield folders that have a folder of pictures and one of masks: all three.

    Of "images/train" and "masks/train" the folder is that of the pictures. Those below
    others are not looked for, nor those more than two levels down.
    """
    level = [path]
    for _ in range(3):
        below = []
        for folder in level:
            pairs = [(folder / a, folder / b) for a, b in PAIRS]
            pair = next((p for p in pairs if p[0].is_dir() and p[1].is_dir()), None)
            parts = [
                (image, image, pair[1] / image.name)
                for image in (fields.folders_in(pair[0]) if pair else ())
                if fields.split_of(Path(image.name)) and (pair[1] / image.name).is_dir()
            ]
            if parts:  # images/train and masks/train
                yield from parts
            elif pair:
                yield folder, *pair
            else:
                below += fields.folders_in(folder)
        level = below


def read(path: Path, split: str | None = None, *, skip_faulty: bool = False) -> Dataset:
    """Return the data set of a folder of pictures and masks.

    Args:
        path: of the folder.
        split: the folder of a split, such as "train", if there are several.
        skip_faulty: leave out pictures without a mask, and print which.

    Raises:
        FileNotFoundError: masks are missing.
        ValueError: lists what is wrong by file. Masks of 0 and 255 alone, which show
            where objects are and not which is which, are refused.
    """
    path = as_path(path, "path")
    found = list(_sets(path))
    apart = [s for s in found if fields.split_of(s[0].relative_to(path))]
    splits = {fields.split_of(s[0].relative_to(path)) for s in apart}
    chosen = fields.choose_split(splits, split, path)
    faults = Faults(path)
    dataset = MaskDataset()
    dataset.add_class("masks", 1, _class_name(path))
    for folder, images, masks in found:
        if chosen is None or fields.split_of(folder.relative_to(path)) == chosen:
            for picture in _pictures(path, images, masks, faults):
                dataset.add_image("masks", **picture)
    faults.settle(skip=skip_faulty)
    if not dataset.image_info:
        raise ValueError(
            f"{path} has no picture with a mask: see `images` and `masks`."
        )
    _check_numbers(dataset)
    dataset.prepare()
    return dataset


def _class_name(path: Path) -> str:
    """Return the name of the class: the only line of a file, or what is said once."""
    file = path / "classes.txt"
    if not file.is_file():
        once(f"{path}: all objects are {fields.OBJECT!r} (classes.txt names them).")
        return fields.OBJECT
    names = [n for n in file.read_text("utf-8", "replace").splitlines() if n.strip()]
    if len(names) != 1:
        raise ValueError(
            f"{file} has {len(names)} names: masks do not say which object is of which "
            "class, so that there can be one only."
        )
    return fields.label(names[0], f"{file}: line 1")


def _pictures(
    root: Path, images: Path, masks: Path, faults: Faults
) -> Iterator[dict[str, Any]]:
    """Yield what `add_image` takes of every picture of a folder."""
    pictures = fields.pictures_in(images)
    alone = images.parent != root and len(pictures) == 1
    folders = {p.parent for p in fields.files_in(masks, PICTURES)}
    # A folder for each picture: all files beside it are its objects.
    bowl = alone and folders <= {masks} and images.parent.name in pictures
    used = set()
    for stem, picture in pictures.items():
        files = [masks / f"{stem}{end}" for end in ENDS]
        own = masks if bowl else masks / stem
        numbered = [] if bowl else [f for file in files for f in _with_suffix(file)]
        several = own.is_dir() and not numbered
        found = list(fields.files_in(own, PICTURES)) if several else numbered[:1]
        if not several and not found:
            faults.add(
                FileNotFoundError(
                    f"picture {picture} has no mask {masks / picture.name}: restore "
                    "it, or remove the picture."
                )
            )
            continue
        used.update(found)
        try:
            yield _entry(root, picture, found, several)
        except (OSError, ValueError) as error:
            faults.add(error)
    spare = [f for f in fields.files_in(masks, PICTURES) if f not in used]
    if spare:
        once(
            f"{masks}: {len(spare)} masks have no picture and are left out, such as "
            f"{spare[0].name}."
        )


def _with_suffix(stem: Path) -> list[Path]:
    """Return the picture files of a name, whatever their kind."""
    names = [stem.with_name(stem.name + suffix) for suffix in sorted(PICTURES)]
    return [name for name in names if name.is_file()]


def _entry(
    root: Path, picture: Path, files: list[Path], several: bool
) -> dict[str, Any]:
    """Return what `add_image` takes of a picture with its masks, all of one size."""
    # Without a mask there is no object, and the picture itself has the size.
    shapes = [frame_of_size(picture, file) for file in files or [picture]]
    if len({shape for shape, *_ in shapes}) > 1:
        raise ValueError(f"the masks of {picture} differ in size: save them alike.")
    (height, width), frame, _ = shapes[0]
    return {
        "image_id": picture.relative_to(root).as_posix(),
        "path": picture,
        "height": height,
        "width": width,
        "masks": files,
        "apart": several,
        FRAME: frame,
    }


def _check_numbers(dataset: MaskDataset) -> None:
    """Raise ValueError if numbers of masks stand for classes, not for objects.

    Then most of them lie in several pieces; of objects that others hide, a few do.
    """
    infos = [info for info in dataset.image_info if not info["apart"]]
    values, count, several, file = set(), 0, 0, None
    for info in islice(infos, 0, None, max(1, len(infos) // SAMPLE)):
        pieces = _pieces(read_numbers(info["masks"][0]))
        values |= pieces.keys()
        count += len(pieces)
        if apart := sum(many > 1 for many in pieces.values()):
            several, file = several + apart, file or info["masks"][0]
    if 2 * several > count or (several and values == {255}):
        raise ValueError(_no_numbers(file))


def _pieces(numbers: np.ndarray) -> Counter[int]:
    """Return in how many pieces each number of a mask lies."""
    regions = label(numbers)
    values = np.zeros(regions.max() + 1, int)
    values[regions] = numbers
    return Counter(values[1:].tolist())


def _marks_alone(numbers: np.ndarray) -> bool:
    """Tell whether pixels have one value beside 0, and lie in several pieces."""
    return len(np.setdiff1d(numbers, [0])) == 1 and label(numbers > 0).max() > 1


def _no_numbers(file: Path) -> str:
    return (
        f"mask {file} marks several pieces with one value: where objects are, and not "
        "which is which. Number them (skimage.measure.label does, where they do not "
        "touch), or save a file for each."
    )
