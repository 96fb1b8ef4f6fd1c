"""Training on parts of large pictures: every window is an image of its own.

A picture of thousands of pixels whose objects have ten cannot be shrunk to what a
network takes. `detect(..., tile=...)` looks at it in tiles; a network is trained for
that on windows that are cut by the same plan (`mrcnn.tiling`; slicing-aided
fine-tuning, Akyon et al., arXiv:2202.06934).
"""

from pathlib import Path

import numpy as np

from mrcnn.checks.kinds import SHARE
from mrcnn.data.annotations import check_dataset
from mrcnn.data.dataset import Dataset, image_name, load_objects, load_pixels
from mrcnn.notices import once
from mrcnn.ops import rle
from mrcnn.tiling import Tiling, asked, plan

WHOLE = 0.5
"""Part of an object that a window has to show for it to be learnt there."""


class Windows(Dataset):
    """A data set whose images are the windows of another one's.

    Masks are read once, when it is made, and kept as run lengths; the picture of a
    window is loaded whole each time and cut, and what training resizes is kept
    (`Config.IMAGE_CACHE_BYTES`). An object that a window cuts off, so that less than
    `whole` of it is left, is a crowd there: not learnt, and not background either. How
    many are so in all windows is printed.
    """

    def __init__(
        self,
        dataset: Dataset,
        tile: int | tuple[int, int],
        overlap: int | None = None,
        *,
        whole: float = WHOLE,
    ) -> None:
        """Cut the pictures of a data set; `prepare` is called.

        Args:
            dataset: prepared.
            tile: side, or height and width, in pixels, as `detect` takes it. Smaller
                pictures are one window.
            overlap: pixels that neighbouring windows share, at least; a quarter of the
                shorter side by default.
            whole: share of its pixels from which on an object is learnt.

        Raises:
            TypeError: if `dataset` is none.
            ValueError: names what is wrong with the sizes, or an image whose
                annotations cannot be right.
        """
        super().__init__()
        check_dataset(dataset)
        if fault := SHARE.fault("whole", whole):
            raise ValueError(fault)
        tiles = asked(tile, overlap)
        if tiles is None:
            raise ValueError("tile is None: give the side of a window in pixels.")
        self.dataset = dataset
        for info in dataset.class_info[1:]:
            self.add_class(info["source"], info["id"], info["name"])
        lost = [self._cut(i, tiles, whole) for i in dataset.image_ids.tolist()]
        self.prepare()
        if any(lost):
            once(
                f"{sum(lost)} objects are learnt in no window of {tiles.height} x "
                f"{tiles.width} pixels: none shows {whole:g} of one. Take larger "
                "windows, more overlap, or a smaller `whole`."
            )

    def _cut(self, picture: int, tiles: Tiling, whole: float) -> int:
        """Add the windows of a picture; return how many objects are learnt in none."""
        info = self.dataset.image_info[picture]
        masks, class_ids = load_objects(self.dataset, picture)
        if not len(class_ids):  # masks of nothing have any size
            shape = np.shape(self.dataset.load_image(picture))[:2]
            masks = np.zeros((*shape, 0), bool)
        areas = masks.sum(axis=(0, 1))
        learnt = (class_ids < 0) | (areas == 0)
        for window in plan(masks.shape[:2], tiles).tolist():
            y1, x1, y2, x2 = window
            seen = masks[y1:y2, x1:x2]
            parts = seen.sum(axis=(0, 1))
            kept = np.flatnonzero(parts)
            enough = parts[kept] / areas[kept] >= whole
            learnt[kept[enough]] = True
            self.add_image(
                info["source"],
                f"{info['id']} {window}",
                None,  # of the window: the data set reads the picture
                picture=picture,
                shape=masks.shape[:2],
                window=window,
                masks=rle.encode(seen[..., kept]),
                class_ids=np.where(enough, class_ids[kept], -abs(class_ids[kept])),
            )
        return int(np.count_nonzero(~learnt))

    def image_reference(self, image_id: int) -> str:
        """Name the picture, and the window's rows and columns."""
        info = self.image_info[image_id]
        y1, x1, y2, x2 = info["window"]
        name = image_name(self.dataset, info["picture"])
        return f"{name}, rows {y1} to {y2}, columns {x1} to {x2}"

    def _read(self, image_id: int, channels: int) -> np.ndarray:
        """Return the window of what the data set gives to a model of these channels."""
        info = self.image_info[image_id]
        y1, x1, y2, x2 = info["window"]
        image = np.asarray(load_pixels(self.dataset, info["picture"], channels))
        if image.shape[:2] != info["shape"]:  # the window would be another place
            load_objects(self.dataset, info["picture"], image.shape[:2])
        return image[y1:y2, x1:x2]

    def load_mask(self, image_id: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the masks in a window, bool (h, w, n), and class ids, int32 (n,)."""
        info = self.image_info[image_id]
        y1, x1, y2, x2 = info["window"]
        masks = rle.decode(info["masks"], (y2 - y1, x2 - x1))
        return masks, info["class_ids"].astype(np.int32)

    def source_image_link(self, image_id: int) -> str | Path | None:
        """Return what the data set says of the whole picture."""
        return self.dataset.source_image_link(self.image_info[image_id]["picture"])
