"""Photographs of balloons with VIA annotations: Matterport's set and any like it.

Layout of a set: `folder/train` and `folder/val`, each with its images and one
`via_region_data.json`. Our own synthetic set has the same layout.
"""

from pathlib import Path

import numpy as np
from PIL import Image

from mrcnn.data import via
from mrcnn.data.dataset import Dataset

ANNOTATIONS = "via_region_data.json"
SUBSETS = ("train", "val")


class BalloonDataset(Dataset):
    """Images with one class, "balloon" (1), of source "balloon"."""

    def load_balloon(self, folder: str | Path, subset: str) -> None:
        """Add the annotated images of `folder/subset`; call `prepare` afterwards.

        Everything is checked here, before any training: the annotations, that every
        image decodes, and that every region touches its image.

        Raises FileNotFoundError for a missing folder, annotation file or image, and
        ValueError, naming file and region, for unusable content.
        """
        if subset not in SUBSETS:
            raise ValueError(f"subset {subset!r} is unknown; choose from {SUBSETS}.")
        place = Path(folder) / subset
        if not place.is_dir():
            raise FileNotFoundError(
                f"folder {place} is missing: extract datasets/balloons.zip, or fetch "
                "the photographs with `python -m mrcnn.data.fetch FOLDER`."
            )
        annotated = via.read(place / ANNOTATIONS)
        if not annotated:
            raise ValueError(f"{place / ANNOTATIONS} has no annotated image.")
        self.add_class("balloon", 1, "balloon")
        for name, regions in annotated.items():
            height, width = _check_image(place / name)
            for region in regions:
                region.check(height, width)
            self.add_image(
                "balloon",
                name,
                place / name,
                height=height,
                width=width,
                regions=regions,
            )

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return one mask per region, bool (h, w, n), and classes of 1, int32 (n,)."""
        info = self.image_info[image_id]
        masks = [
            region.mask(info["height"], info["width"]) for region in info["regions"]
        ]
        return np.stack(masks, axis=-1), np.ones(len(masks), np.int32)


def load_balloons(folder: str | Path, subset: str) -> BalloonDataset:
    """Return the prepared set `folder/subset`; `subset` is "train" or "val".

    Raises as `BalloonDataset.load_balloon`.
    """
    dataset = BalloonDataset()
    dataset.load_balloon(folder, subset)
    dataset.prepare()
    return dataset


def _check_image(path: Path) -> tuple[int, int]:
    """Return height and width of an image; raise if it is missing or broken."""
    if not path.is_file():
        raise FileNotFoundError(
            f"image {path} is missing, though {ANNOTATIONS} beside it lists it: "
            "restore the image or remove its entry."
        )
    try:
        with Image.open(path) as image:
            width, height = image.size
            # A JPEG decoded at an eighth of its size costs little and still shows
            # whether the file is cut short; other formats are read whole.
            image.draft("L", (width // 8, height // 8))
            image.load()
    except (OSError, SyntaxError, ValueError) as error:
        raise ValueError(
            f"image {path} cannot be decoded ({error}): restore it or remove its entry "
            f"from {ANNOTATIONS}."
        ) from error
    return height, width


def find_photographs(root: str | Path) -> Path | None:
    """Return the folder of the fetched photographs, None if they are not there.

    Args:
        root: of the repository; the photographs lie in `datasets/balloon`.
    """
    folder = Path(root) / "datasets" / "balloon"
    whole = all((folder / subset / ANNOTATIONS).is_file() for subset in SUBSETS)
    return folder if whole else None
