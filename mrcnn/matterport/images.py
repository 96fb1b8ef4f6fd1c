"""Images resized as Matterport's Mask_RCNN does it."""

import random

import numpy as np
import skimage.transform

from mrcnn.data.transforms import place, plan_geometry, scale_factor
from mrcnn.structures import Preprocessing

MODES = ("none", "square", "pad64", "crop")

Padding = list[tuple[int, int]]
Box = tuple[int, int, int, int]


def resize(
    image: np.ndarray,
    output_shape: tuple[int, ...],
    order: int = 1,
    mode: str = "constant",
    cval: float = 0,
    clip: bool = True,
    preserve_range: bool = False,
    anti_aliasing: bool = False,
    anti_aliasing_sigma: float | None = None,
) -> np.ndarray:
    """Return scikit-image's `resize` of an image (h, w, ...), with other defaults.

    Boolean images become floats first: scikit-image refuses to interpolate them since
    0.19. As there, integers become floats in [0, 1] unless `preserve_range`.

    Args:
        image: of any number of channels.
        output_shape: rows and columns, or all axes.
        order: of the spline, 1 for bilinear.
        mode: what lies outside, as in `numpy.pad`.
        cval: its value in mode "constant".
        clip: keep the range of the input.
        preserve_range: keep the unit of the input.
        anti_aliasing: blur before shrinking.
        anti_aliasing_sigma: by how much.
    """
    image = np.asarray(image)
    return skimage.transform.resize(
        image.astype(np.float64) if image.dtype == bool else image,
        output_shape,
        order=order,
        mode=mode,
        cval=cval,
        clip=clip,
        preserve_range=preserve_range,
        anti_aliasing=anti_aliasing,
        anti_aliasing_sigma=anti_aliasing_sigma,
    )


def resize_image(
    image: np.ndarray,
    min_dim: int | None = None,
    max_dim: int | None = None,
    min_scale: float | None = None,
    mode: str = "square",
) -> tuple[np.ndarray, Box, float, Padding, Box | None]:
    """Scale an image (h, w) or (h, w, C), and pad or crop it, as `plan_geometry` says.

    Pixels are cut to the type of the image, not rounded: Matterport's numbers, up to
    one grey level below those that the network's own preprocessing rounds.

    Args:
        image: of any type.
        min_dim: the short side grows to it; in mode "crop" also the side of the crop.
        max_dim: in mode "square" the side of the result, which the image must fit.
        min_scale: the least scale, whatever `min_dim` says.
        mode: "none" for the image as it is, "square" for max_dim x max_dim, "pad64" for
            the next multiples of 64 (also where `min_dim` is none, unlike Matterport),
            "crop" for min_dim x min_dim at a place that the module `random` picks.

    Returns:
        The image, of its own type; the window (y1, x1, y2, x2) of the result that is no
        padding; the scale; the padding [(top, bottom), (left, right), (0, 0)]; and the
        crop (y, x, height, width) of the scaled image, None in other modes.

    Raises:
        ValueError: if the mode is unknown or lacks the size that it needs.
    """
    shape = (image.shape[0], image.shape[1])
    padding = [(0, 0), (0, 0), (0, 0)]
    if mode == "none":
        return image, (0, 0, *shape), 1, padding, None
    _check_mode(mode, min_dim, max_dim)
    how = Preprocessing(mode, min_dim or 0, max_dim or 0, min_scale or 0, ())
    geometry, crop = plan_geometry(shape, how), None
    if mode == "crop":
        y, x = (random.randint(0, side - min_dim) for side in geometry.resized_shape)
        geometry, crop = geometry._replace(offset=(-y, -x)), (y, x, min_dim, min_dim)
    else:
        sides = zip(
            geometry.offset, geometry.resized_shape, geometry.padded_shape, strict=True
        )
        padding[:2] = [(before, all_ - before - own) for before, own, all_ in sides]
    if geometry.resized_shape != shape:
        scaled = resize(image, geometry.resized_shape, preserve_range=True)
        image = scaled.astype(image.dtype)
    y1, x1, y2, x2 = (int(edge) for edge in geometry.window)
    window = (y1, x1, y2, x2)
    # A copy: what the caller draws on must never be the dataset's own image.
    placed = place(image, geometry).copy()
    return placed, window, scale_factor(shape, how), padding, crop


def _check_mode(mode: str, min_dim: int | None, max_dim: int | None) -> None:
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; take one of {', '.join(MODES)}.")
    if mode == "square" and not max_dim:
        raise ValueError('mode "square" needs max_dim, the side of the result.')
    if mode == "crop" and not min_dim:
        raise ValueError('mode "crop" needs min_dim, the side of the result.')
