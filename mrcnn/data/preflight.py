"""What is refused before training begins, because nothing could be learnt from it."""

from collections.abc import Iterable

import numpy as np

from mrcnn.data.annotations import check_same_classes, check_training_set
from mrcnn.data.augment import rehearse
from mrcnn.data.dataset import image_name, load_pixels
from mrcnn.data.frames import tell_unread_tags
from mrcnn.data.pipeline import Batches
from mrcnn.data.transforms import check_image, plan_geometry
from mrcnn.notices import listed
from mrcnn.structures import Preprocessing

DARK = 10
"""Images that are loaded before a set is called black."""


def check(train: Batches, validation: Batches | None) -> None:
    """Refuse data sets that cannot be learnt from, at little cost.

    Images that raise errors are passed over: training names and leaves them out.

    Args:
        train: batches to learn from.
        validation: batches to measure on, or None.

    Raises:
        ValueError: names images, classes or sources, and the way out; or says what is
            wrong with the augmentation.
        FaultyImagesError: if more images raise errors than may be left out.
    """
    if validation is not None:
        check_same_classes(train.dataset, validation.dataset)
    sets = {"The training set": train, "The validation set": validation}
    for name, batches in sets.items():
        if batches is None:
            continue
        check_training_set(batches.dataset, name)
        tell_unread_tags(batches.dataset)
        check_brightness(batches, name)
        check_sizes(batches)
        check_augmentation(batches)


def check_brightness(batches: Batches, name: str) -> None:
    """Refuse a set whose images hold 0 and 1 alone: of 256 levels, both are black.

    One image may be black. Images are loaded until one has another level, `DARK` at
    most. Raises ValueError, which names the set and an image.
    """
    ids = np.random.default_rng(0).permutation(batches.dataset.image_ids)[:DARK]
    dark = []
    for image_id in map(int, ids):
        known_as = image_name(batches.dataset, image_id)
        try:
            pixels = load_pixels(batches.dataset, image_id, batches.channels)
            level = check_image(pixels, known_as, batches.channels).max()
        except Exception:  # It is loaded again, and then named and left out.
            continue
        if level > 1:
            return
        if level == 1:
            dark.append(known_as)
    if dark:
        raise ValueError(
            f"{name}: images hold levels 0 and 1 alone, such as {dark[0]}, which are "
            "black among 0 to 255: let load_image return them times 255."
        )


def check_augmentation(batches: Batches) -> None:
    """Try the augmentation, if any, on made-up pictures as large as the first image.

    Raises:
        ValueError: says what is wrong with it.
        FaultyImagesError: if more images raise errors than may be left out.
    """
    sources = {info["source"] for info in batches.dataset.image_info}
    if batches.augmentation is None or sources <= batches.not_augmented:
        return
    _, (image, _, _), _ = batches.loaded_at(0)
    rehearse(batches.augmentation, image.shape)


def check_sizes(batches: Batches) -> None:
    """Refuse images that do not all become one size: training compiles for one.

    Modes "square" and "crop" make them so. For the others every image is read once.

    Raises:
        ValueError: lists the images that differ from the first, and the way out.
        FaultyImagesError: if more images raise errors than may be left out.
    """
    if batches.preprocessing.mode in ("square", "crop"):
        return
    dataset = batches.dataset

    def shape_of(image_id: int) -> tuple[int, ...]:
        name = image_name(dataset, image_id)
        pixels = load_pixels(dataset, image_id, batches.channels)
        return check_image(pixels, name, batches.channels).shape

    shapes = (
        (image_name(dataset, i), batches.findings.read(i, shape_of))
        for i in map(int, dataset.image_ids)
    )
    read = ((name, shape[:2]) for name, shape in shapes if shape is not None)
    wrong = differing_sizes(read, batches.preprocessing)
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(dataset.image_ids)} images do not fit, because "
            "training takes images of one size and IMAGE_RESIZE_MODE is "
            f"{batches.preprocessing.mode!r}:\n{listed(wrong)}\n"
            'Take "square" or "crop".'
        )


def differing_sizes(
    shapes: Iterable[tuple[str, tuple[int, int]]], preprocessing: Preprocessing
) -> list[str]:
    """Return which images do not become as large as the first of them, and how large.

    Args:
        shapes: names of images, and height and width of each.
        preprocessing: how they become inputs.
    """
    wrong = []
    first: tuple[str, tuple[int, int]] | None = None
    for name, shape in shapes:
        try:
            size = plan_geometry(shape, preprocessing).padded_shape
        except ValueError as error:
            wrong.append(f"{name}: {error}")
            continue
        first = first or (name, size)
        if size != first[1]:
            wrong.append(
                f"{name} becomes {size[0]} x {size[1]} pixels, but {first[0]} "
                f"{first[1][0]} x {first[1][1]}"
            )
    return wrong
