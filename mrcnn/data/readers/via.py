"""Files of the VGG Image Annotator, as `mrcnn.data.via_dataset` reads them."""

from pathlib import Path

from mrcnn.data import via as annotations
from mrcnn.data.faults import Faults
from mrcnn.data.readers import splits
from mrcnn.data.readers.places import VIA
from mrcnn.data.via_classes import Classes, find_key, value_of, values_of
from mrcnn.data.via_dataset import ViaDataset, load_via

ALONE = "object"
"""The class of all regions where none says anything."""


def fits(path: Path) -> bool:
    """Tell whether a file, or a file in a folder, is of VIA; raises nothing."""
    return bool(splits.of_kind(path, VIA))


def read(
    path: Path,
    split: str | None = None,
    *,
    classes: Classes | None = None,
    class_key: str | None = None,
    images: str | Path | None = None,
    polylines: str = "auto",
    skip_faulty: bool = False,
    keep_empty: bool = True,
    orientation: str = "auto",
) -> ViaDataset:
    """Return the prepared data set of a VIA file.

    Args:
        path: the file, or a folder of pictures that holds it.
        split: which file of a folder.
        classes: see `ViaDataset.load_via`; by default the values of the attribute, in
            the order of the alphabet, those of the other splits of a folder included.
        class_key: the attribute that holds the class; by default the only one.
        images: see `ViaDataset.load_via`, as the others.
        polylines: how they are read.
        skip_faulty: leave out faulty regions and images, and print which.
        keep_empty: take images without regions too.
        orientation: of pictures with an orientation tag.

    Raises:
        FileNotFoundError: a file is missing.
        ValueError: lists what is wrong, by file, image and region.
    """
    file = splits.one(path, VIA, split)
    if classes is None:
        found = _values(file, class_key)
        for other in splits.others(path, VIA, file):
            try:
                found |= _values(other, class_key)
            except ValueError as error:
                raise ValueError(
                    f"{error} Or give classes=, the same for all splits."
                ) from None
        classes = sorted(found) or ALONE
    return load_via(
        file,
        classes,
        class_key=class_key,
        images=images,
        polylines=polylines,
        skip_faulty=skip_faulty,
        keep_empty=keep_empty,
        orientation=orientation,
    )


def _values(file: Path, key: str | None) -> set[str]:
    """Return the values of the attribute that holds the class; none if none is said."""
    faults = Faults(file)  # told when the file is read for the data set
    annotated = annotations.read(file, polylines="lines", faults=faults)
    regions = [region for image in annotated.values() for region in image]
    counts = values_of(regions)
    if not any(value != "''" for values in counts.values() for value in values):
        return set()
    key = find_key(counts, file, key, ALONE)
    names = set()
    for region in regions:
        try:
            names.add(value_of(region.attributes.get(key)))
        except ValueError:
            continue  # told, too
    return names - {""}
