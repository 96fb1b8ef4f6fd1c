"""Whether what `load_mask` returns can be right: one error before it is used."""

from typing import Any

import numpy as np


class AnnotationError(ValueError):
    """What `load_mask` says of an image cannot be right; the message names both."""


def checked(
    loaded: Any, name: str, class_names: list[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Return masks bool (h, w, n) and class ids int32 (n,), as `load_mask` means them.

    Args:
        loaded: what it returned.
        name: of the image.
        class_names: of the data set, background first.

    Raises:
        AnnotationError: it is not an array of masks with one class id for each, or an
            id is none of the data set's classes.
    """
    where = f"load_mask of {name} returned"
    if not isinstance(loaded, tuple | list) or len(loaded) != 2:
        kind = "None" if loaded is None else f"a {type(loaded).__name__}"
        raise AnnotationError(
            f"{where} {kind}: return masks (h, w, n) and class ids (n,), two arrays."
        )
    masks, class_ids = loaded
    ids = _ids(class_ids, where)
    return _masks(masks, len(ids), where), _known(ids, class_names, where)


def _ids(class_ids: Any, where: str) -> np.ndarray:
    """Return class ids as int32 (n,)."""
    ids = None if class_ids is None else np.asarray(class_ids)
    if ids is None or ids.ndim != 1:
        kind = "None" if ids is None else f"an array of shape {ids.shape}"
        turned = " Masks come first." if ids is not None and ids.ndim == 3 else ""
        raise AnnotationError(
            f"{where} {kind} for class ids: return one whole number for each mask, as "
            f"an array (n,).{turned}"
        )
    if ids.dtype.kind == "f" and np.isfinite(ids).all() and (ids == np.rint(ids)).all():
        ids = ids.astype(np.int64)  # an empty list is float64 too
    if ids.dtype.kind not in "iu":
        raise AnnotationError(
            f"{where} class ids {ids[:5].tolist()} of type {ids.dtype}: return whole "
            "numbers, such as class_names.index(name) or map_source_class_id(...)."
        )
    return ids


def _masks(masks: Any, count: int, where: str) -> np.ndarray:
    """Return masks as bool (h, w, n)."""
    if not isinstance(masks, np.ndarray) and not hasattr(masks, "__array__"):
        kind = "None" if masks is None else f"a {type(masks).__name__}"
        raise AnnotationError(
            f"{where} {kind} for masks: return one array (h, w, n), such as "
            "np.stack(masks, axis=-1), and of an image without objects np.zeros((h, w, "
            "0), bool)."
        )
    masks = np.asarray(masks)
    if masks.ndim != 3 or masks.shape[-1] != count:
        hint = ""
        if masks.ndim == 2 and count == 1:
            hint = " A single mask is mask[..., None]."
        elif masks.ndim == 3 and masks.shape[0] == count:
            hint = " np.moveaxis(masks, 0, -1) puts them last."
        raise AnnotationError(
            f"{where} masks of shape {masks.shape} for {count} class ids: expected "
            f"(h, w, {count}).{hint}"
        )
    if masks.dtype == bool or not masks.size:
        return masks.astype(bool, copy=False)
    if masks.dtype.kind not in "iuf":
        raise AnnotationError(f"{where} masks of type {masks.dtype}: return bool.")
    inside = masks != 0
    most = masks.max()  # The same for all masks? That is usual, and told fast.
    if most > 0 and np.count_nonzero(inside) == np.count_nonzero(masks == most):
        return inside
    levels = inside & (masks != masks.max(axis=(0, 1)))
    if levels.any() or not np.isfinite(masks).all() or (masks < 0).any():
        i = int((levels | ~(masks >= 0)).any(axis=(0, 1)).argmax())
        values = np.unique(masks[..., i])
        raise AnnotationError(
            f"{where} a mask {i} with {len(values)} different values, from {values[0]} "
            f"to {values[-1]}: a mask is 0 and one other value. Return bool, such as "
            "mask > 127 of a grey picture, or numbers == i of a picture of numbers."
        )
    return inside


def _known(ids: np.ndarray, class_names: list[str], where: str) -> np.ndarray:
    """Return ids that are those of classes; negative ones are crowds of these."""
    most = len(class_names) - 1
    wrong = np.unique(ids[(ids == 0) | (abs(ids) > most)])
    if len(wrong):
        named = ", ".join(f"{i} {name}" for i, name in enumerate(class_names[:12]))
        named += " and so on" if len(class_names) > 12 else ""
        raise AnnotationError(
            f"{where} class ids {', '.join(map(str, wrong.tolist()))}: objects are of "
            f"classes 1 to {most} (0 is the background). The data set has {named}; "
            "map_source_class_id('SOURCE.ID') turns ids of your own into these."
        )
    return ids.astype(np.int32)


def fitting(
    masks: np.ndarray, wanted: tuple[int, int], name: str, *, reads_files: bool
) -> np.ndarray:
    """Return masks (h, w, n) of the size (h, w) of their image; else raise ValueError.

    Masks of no object have any size: Matterport's examples give `np.empty([0, 0, 0])`.
    `reads_files` tells whether `Dataset.load_image` has read it, not a user's own.
    """
    size = masks.shape[:2]
    if size == wanted:
        return masks
    if not masks.shape[-1]:
        return np.zeros((*wanted, 0), bool)
    hint = ""
    if size == wanted[::-1] and reads_files:
        hint = (
            " One is turned: height comes first, and `orientation` of the data set "
            "says whether an orientation tag is followed."
        )
    elif size == wanted[::-1]:
        hint = (
            " One is turned: height comes first, and an orientation tag is followed by "
            "viewers and cv2.imread, not by skimage.io.imread and Pillow."
        )
    raise ValueError(
        f"{name} has {wanted[0]} x {wanted[1]} pixels (height x width), its masks have "
        f"{size[0]} x {size[1]}: load_mask must match load_image.{hint}"
    )
