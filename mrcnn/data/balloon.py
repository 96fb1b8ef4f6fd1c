"""Photographs of balloons with VIA annotations: Matterport's set and any like it.

Layout of a set: `folder/train` and `folder/val`, each with its images and one
`via_region_data.json`. Our own synthetic set has the same layout.
"""

from pathlib import Path
from typing import Any

from mrcnn.data.via_dataset import ANNOTATIONS, ViaDataset

SUBSETS = ("train", "val")


class BalloonDataset(ViaDataset):
    """Images with one class, "balloon" (1), of source "balloon"."""

    def load_balloon(self, folder: str | Path, subset: str, **options: Any) -> None:
        """Add the annotated images of `folder/subset`; call `prepare` afterwards.

        Every region is a balloon, whatever its attributes. Everything is checked here,
        before any training. Options are those of `ViaDataset.load_via`, such as
        `polylines` and `skip_faulty`.

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
        self.load_via(place / ANNOTATIONS, "balloon", source="balloon", **options)


def load_balloons(folder: str | Path, subset: str, **options: Any) -> BalloonDataset:
    """Return the prepared set `folder/subset`; `subset` is "train" or "val".

    Options and errors are those of `BalloonDataset.load_balloon`.
    """
    dataset = BalloonDataset()
    dataset.load_balloon(folder, subset, **options)
    dataset.prepare()
    return dataset


def find_photographs(root: str | Path) -> Path | None:
    """Return the folder of the fetched photographs, None if they are not there.

    Args:
        root: of the repository; the photographs lie in `datasets/balloon`.
    """
    folder = Path(root) / "datasets" / "balloon"
    whole = all((folder / subset / ANNOTATIONS).is_file() for subset in SUBSETS)
    return folder if whole else None
