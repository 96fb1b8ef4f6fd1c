"""Augmentations that change how large an image is shown, inside its own size."""

from collections.abc import Callable

import numpy as np
from PIL import Image

from mrcnn.structures import Augmentation


def scale_jitter(low: float, high: float) -> Augmentation:
    """Return the augmentation that enlarges by a factor in `low`..`high`, log-uniform.

    Above 1 a random window of the image is blown up to its size; below 1 the image is
    shrunk and put at random on a ground of its mean colour.

    Raises:
        ValueError: names the factors, if they are none.
    """
    _check("scale_jitter", low=low, high=high)
    return _scaling(lambda rng: float(np.exp(rng.uniform(np.log(low), np.log(high)))))


def large_scale_jitter(least: float = 0.1, most: float = 2.0) -> Augmentation:
    """Return the large-scale jitter of Ghiasi et al. (arXiv:2012.07177).

    `scale_jitter`, but all factors are equally likely: half of the images are enlarged,
    by up to twice; the others become as small as a tenth.

    Raises:
        ValueError: names the factors, if they are none.
    """
    _check("large_scale_jitter", least=least, most=most)
    return _scaling(lambda rng: rng.uniform(least, most))


def _check(name: str, **factors: float) -> None:
    (low, least), (high, most) = factors.items()
    if not 0 < least <= most:
        raise ValueError(f"{name} needs 0 < {low} <= {high}, not {least} and {most}.")


def _scaling(draw: Callable[[np.random.Generator], float]) -> Augmentation:
    """Return the augmentation that enlarges by a factor that is drawn."""

    def jitter(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        factor, place = draw(rng), rng.random(2)
        ground = np.rint(image.mean(axis=(0, 1))).astype(np.uint8)
        moved = _scaled(image, factor, place, ground)
        layers = [
            _scaled(masks[..., i].astype(np.uint8) * 255, factor, place, 0) >= 128
            for i in range(masks.shape[2])
        ]
        return moved, np.stack(layers, axis=-1) if layers else masks

    return jitter


def _scaled(
    array: np.ndarray, factor: float, place: np.ndarray, ground: np.ndarray | int
) -> np.ndarray:
    """Scale uint8 (h, w) or (h, w, 3) inside its own size.

    `place`, in 0..1 down and right, says where the window or the small image lies in
    the room that it has.
    """
    height, width = array.shape[:2]
    picture = Image.fromarray(array)
    if factor >= 1:
        rows, columns = height / factor, width / factor
        top, left = place[0] * (height - rows), place[1] * (width - columns)
        box = (left, top, min(left + columns, width), min(top + rows, height))
        return np.asarray(
            picture.resize((width, height), Image.Resampling.BILINEAR, box)
        )
    rows, columns = max(round(height * factor), 1), max(round(width * factor), 1)
    top = int(place[0] * (height - rows + 1))
    left = int(place[1] * (width - columns + 1))
    out = np.empty_like(array)
    out[:] = ground
    small = picture.resize((columns, rows), Image.Resampling.BILINEAR)
    out[top : top + rows, left : left + columns] = np.asarray(small)
    return out
