"""What imgaug 0.4.0 lacks on today's NumPy, OpenCV and Pillow, and what it gets wrong.

Applied once, when imgaug is imported (see `imgaug_import`), and of use to whoever calls
imgaug. Each mend touches one function that fails or is wrong without it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

VERSION = "0.4.0"
"""The last release; others are left alone."""

COMPUTED = {"linear_ramp", "maximum", "mean", "median", "minimum"}
"""Ways of padding that make new values up; borders of maps are filled with 0."""


@contextmanager
def names_of_numpy_1() -> Iterator[None]:
    """Give NumPy `sctypes` while imgaug is being imported, if it has none."""
    lacking = not hasattr(np, "sctypes")
    if lacking:
        np.sctypes = {
            "int": [np.int8, np.int16, np.int32, np.int64],
            "uint": [np.uint8, np.uint16, np.uint32, np.uint64],
            "float": [np.float16, np.float32, np.float64, np.longdouble],
        }
    try:
        yield
    finally:
        if lacking:
            del np.sctypes


def mend(imgaug: ModuleType) -> None:
    """Replace what fails, or is wrong, in an imgaug that has just been loaded."""
    if imgaug.__version__ != VERSION:
        return
    imgaug.parameters.np = _NumpyWithComplex("numpy")
    augmenters = imgaug.augmenters
    elastic = augmenters.ElasticTransformation
    elastic._generate_shift_maps = classmethod(
        _in_float32(elastic._generate_shift_maps.__func__)
    )
    pillike = augmenters.pillike
    pillike._autocontrast_pil = _with_a_number(pillike._autocontrast_pil)
    pillike.Affine._augment_batch_ = _affine_of_pictures_and_maps
    maps = imgaug.SegmentationMapsOnImage
    maps.resize = _by_the_nearest(maps.resize)
    augmenters.size._crop_and_pad_hms_or_segmaps_ = _with_no_made_up_class(
        augmenters.size._crop_and_pad_hms_or_segmaps_
    )


class _NumpyWithComplex(ModuleType):
    """NumPy as `imgaug.parameters` knew it: with its old name for `complex`."""

    complex = complex

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


def _in_float32(shifts: Callable) -> Callable:
    """Return ElasticTransformation's shifts in the one type that OpenCV takes.

    A number as `alpha` used to make them float64 (a range does not).
    """

    def mended(cls: type, *args: Any, **options: Any) -> tuple[np.ndarray, ...]:
        return tuple(
            np.asarray(shift, np.float32) for shift in shifts(cls, *args, **options)
        )

    return mended


def _with_a_number(autocontrast: Callable) -> Callable:
    """Return Autocontrast's function, which Pillow no longer lets pass an array."""

    def mended(image: np.ndarray, cutoff: Any, ignore: Any) -> np.ndarray:
        return autocontrast(image, int(np.ravel(cutoff)[0]), ignore)

    return mended


def _by_the_nearest(resize: Callable) -> Callable:
    """Return how segmentation maps are resized, which mixed and shifted their numbers.

    Some augmenters pass the interpolation of the picture, and OpenCV's nearest pixel is
    up to one off. Here it is the one on which the middle of the new pixel lies, as for
    pictures.
    """

    def mended(self: Any, sizes: Any, interpolation: Any = "nearest") -> Any:
        if not isinstance(sizes, tuple) or not all(
            isinstance(size, int | np.integer) and size > 0 for size in sizes
        ):
            return resize(self, sizes, "nearest")
        rows, columns = (
            ((np.arange(new) + 0.5) * old / new).astype(int)
            for new, old in zip(sizes, self.arr.shape[:2], strict=True)
        )
        return self.deepcopy(self.arr[rows[:, None], columns])

    return mended


def _with_no_made_up_class(pad: Callable) -> Callable:
    """Return how maps are padded, without the mean of the numbers of classes."""

    def mended(augmentable: Any, *args: Any, **options: Any) -> Any:
        if hasattr(augmentable, "arr") and options.get("pad_mode") in COMPUTED:
            options |= {"pad_mode": "constant", "pad_cval": 0}
        return pad(augmentable, *args, **options)

    return mended


def _affine_of_pictures_and_maps(
    self: Any, batch: Any, random_state: Any, parents: Any, hooks: Any
) -> Any:
    """Move a batch as `pillike.Affine` does, which used to refuse all but pictures.

    Pillow takes the nearest pixel, and pictures of bytes: the numbers of a segmentation
    map travel as their four bytes, one after the other.
    """
    others = set(batch.get_column_names()) - {"images", "segmentation_maps"}
    if others:
        raise ValueError(
            f"pillike.Affine moves pictures and segmentation maps, not {others}: take "
            "imgaug.augmenters.Affine."
        )
    samples = self._draw_samples(batch.nb_rows, random_state)
    if batch.images is not None:
        batch.images = self._augment_images_by_samples(batch.images, samples)
    samples.cval = np.zeros((batch.nb_rows, 1), int)
    for row, segmap in enumerate(batch.segmentation_maps or ()):
        planes = np.moveaxis(segmap.arr.astype("<i4").view(np.uint8), -1, 0)
        moved = [_moved(self, plane, row, samples) for plane in planes]
        segmap.arr = np.stack(moved, axis=-1).view("<i4").astype(np.int32)
    return batch


def _moved(affine: Any, plane: np.ndarray, row: int, samples: Any) -> np.ndarray:
    """Return uint8 (h, w), moved as picture `row` of a batch."""
    before = [np.zeros((1, 1, 1), np.uint8) for _ in range(row)]
    batch = [*before, plane[..., None].copy()]
    return affine._augment_images_by_samples(batch, samples)[row][..., 0]
