"""What is refused before training begins, because nothing could be learnt from it."""

from mrcnn.data.findings import listed
from mrcnn.data.pipeline import Batches, image_name
from mrcnn.data.transforms import check_image, plan_geometry


def check(*batches: Batches | None) -> None:
    """Refuse data sets that cannot be learnt from, at little cost.

    Only what no batch would tell is looked for here: images of several sizes
    (`check_sizes`) and a set without objects (`check_objects`). Both read as training
    does, and pass over images that raise errors, which training names and leaves out.

    Args:
        batches: of each set; None is passed over.

    Raises:
        ValueError: names images or sources, and the way out.
        FaultyImagesError: if more images raise errors than may be left out.
    """
    for each in filter(None, batches):
        check_sizes(each)
        check_objects(each)


def check_sizes(batches: Batches) -> None:
    """Refuse images that do not all become one size: training compiles for one.

    Modes "square" and "crop" make them so. For the others every image is read once.

    Raises:
        ValueError: lists the images that differ from the first, and the way out.
        FaultyImagesError: if more images raise errors than may be left out.
    """
    if batches.preprocessing.mode in ("square", "crop"):
        return
    dataset, wrong = batches.dataset, []
    first: tuple[str, tuple[int, int]] | None = None

    def shape_of(image_id: int) -> tuple[int, ...]:
        name = image_name(dataset, image_id)
        return check_image(dataset.load_image(image_id), name, batches.channels).shape

    for image_id in map(int, dataset.image_ids):
        shape = batches.findings.read(image_id, shape_of)
        if shape is None:
            continue
        name = image_name(dataset, image_id)
        try:
            size = plan_geometry(shape[:2], batches.preprocessing).padded_shape
        except ValueError as error:
            wrong.append(f"{name}: {error}")
            continue
        first = first or (name, size)
        if size != first[1]:
            wrong.append(
                f"{name} becomes {size[0]} x {size[1]} pixels, but {first[0]} "
                f"{first[1][0]} x {first[1][1]}"
            )
    if wrong:
        raise ValueError(
            f"{len(wrong)} of {len(dataset.image_ids)} images do not fit, because "
            "training takes images of one size and IMAGE_RESIZE_MODE is "
            f'{batches.preprocessing.mode!r}:{listed(wrong)}\nTake "square" or "crop".'
        )


def check_objects(batches: Batches) -> None:
    """Refuse a set of which no image shows an object to learn from.

    Images are loaded as for training, and kept as for training, from the first batch on
    until one shows an object: only a set that is refused is read whole.

    Raises:
        ValueError: says what there is instead, and names the sources of the images.
        FaultyImagesError: if more images raise errors than may be left out.
    """
    dataset = batches.dataset
    masks = dict[int, int]()
    crowds = dict[int, int]()
    for position in range(len(dataset.image_ids)):
        image_id, (_, found, class_ids), _ = batches.loaded_at(position)
        # A crop may have missed what another one will show.
        shown = (batches.preprocessing.mode == "crop") | found.any(axis=(0, 1))
        if (shown & (class_ids > 0)).any():
            return
        masks[image_id] = len(class_ids)
        crowds[image_id] = int((class_ids < 0).sum())
    sources = {info["source"]: None for info in dataset.image_info}
    raise ValueError(
        f"None of {len(masks)} images shows an object to learn from: load_mask of "
        f"{type(dataset).__name__} returned {sum(masks.values())} masks for them, of "
        f"which {sum(crowds.values())} are crowds, and no other has both a pixel and a "
        "class above 0. Compare the source that load_mask asks for with the source "
        f"that add_image was given ({', '.join(map(repr, sources))}), and look at the "
        "annotations."
    )
