"""Outlines finer than a pixel, and objects cut out along them.

A mask says of each pixel's centre whether it lies in the object, and no more. Drawn
along the edges of its pixels, it has stairs that the object has not. Here the mask is
blurred, but so little that every pixel keeps its side, and the line runs where the
blurred mask is one half. What a mask holds so stays what is drawn: holes, several
pieces, objects of one pixel. And it is the same for what was annotated, what was
detected, whole or in tiles, and what was read from a file; the network's own
probabilities are coarser than the pixels of all but small objects.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.measure import approximate_polygon, find_contours

from mrcnn.ops.masks import boxes_of_masks
from mrcnn.visualize.masks import rgb

BLUR = 1.5
"""Standard deviation in pixels, of large objects; it makes smaller ones shrink."""
MARGIN = 1 / 14
"""How far from one half a pixel stays: along rows and columns, the line so keeps an
eighth of a pixel from the pixels' centres, and 3/8 from their edges at most."""
TOLERANCE = 0.08
"""Pixels by which a polygon may differ from the line; less than what MARGIN leaves."""


def outlines(mask: np.ndarray) -> list[np.ndarray]:
    """Return the closed outlines of a mask (h, w), of every piece and every hole.

    Filled, they are the mask again, pixel for pixel, and nowhere are they farther than
    half a pixel from the edge of its pixels.

    Returns:
        Polygons (n, 2) of x and y, the last point being the first. Whole numbers are
        pixel centres, as in Matplotlib.
    """
    blurred, _, corner = _blurred(mask)
    return [
        approximate_polygon(line, TOLERANCE)[:, ::-1] + corner[::-1]
        for line in find_contours(blurred, 0.5)
    ]


def _blurred(mask: np.ndarray) -> tuple[np.ndarray, float, np.ndarray]:
    """Return a mask's part around its object, blurred, how much, and its corner (y, x).

    Two pixels around the object are shown, also where they lie beyond the image.
    """
    mask = np.asarray(mask, bool)
    y1, x1, y2, x2 = boxes_of_masks(mask[..., None])[0]
    part = np.pad(mask[y1:y2, x1:x2], 2)
    sigma = min(BLUR, 0.1 * float(np.sqrt(np.count_nonzero(part))))
    soft = gaussian_filter(part.astype(float), sigma, mode="constant", truncate=2)
    inside, outside = np.maximum(soft, 0.5 + MARGIN), np.minimum(soft, 0.5 - MARGIN)
    return np.where(part, inside, outside), sigma, np.array([y1, x1]) - 2


def soft_edges(masks: np.ndarray) -> np.ndarray:
    """Return how much of each pixel objects cover, (h, w, n) float32 from 0 to 1.

    It is 0 or 1 but for the pixels beside the outline.

    Args:
        masks: (h, w, n) bool.
    """
    covered = np.zeros(np.shape(masks), np.float32)
    for i in range(covered.shape[-1]):
        part, (y, x) = _covered(masks[..., i])
        low = np.maximum((y, x), 0)
        high = np.minimum(np.add((y, x), part.shape), covered.shape[:2])
        inside = tuple(slice(*ends) for ends in zip(low, high, strict=True))
        shown = tuple(slice(*e) for e in zip(low - (y, x), high - (y, x), strict=True))
        covered[*inside, i] = part[shown]
    return covered


def _covered(mask: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Return how much a mask covers of each pixel around its object; the corner."""
    blurred, sigma, corner = _blurred(mask)
    # Across a straight edge a blurred step rises by 1 / (sigma sqrt(2 pi)) a pixel.
    steep = max(1.0, sigma * np.sqrt(2 * np.pi))
    return np.clip(0.5 + (blurred - 0.5) * steep, 0, 1), tuple(corner.tolist())


def cut_outs(image: np.ndarray, masks: np.ndarray) -> list[np.ndarray]:
    """Return each object cut out along its outline, as RGBA (h', w', 4) uint8.

    Their ground is transparent, and so white on a white page. An object without pixels
    is left out.

    Args:
        image: (h, w, 3) uint8; see `masks.rgb` for what else is taken.
        masks: (h, w, n) bool.
    """
    image = rgb(image)
    cut = []
    for i in range(masks.shape[-1]):
        if not masks[..., i].any():
            continue
        covered = soft_edges(masks[..., i : i + 1])
        y1, x1, y2, x2 = boxes_of_masks(covered > 0)[0]
        alpha = np.rint(255 * covered[y1:y2, x1:x2]).astype(np.uint8)
        cut.append(np.concatenate([image[y1:y2, x1:x2], alpha], axis=-1))
    return cut
