"""A pipeline of Albumentations as an augmentation: sizes stay, masks in step.

Albumentations moves masks itself. Each call gets a copy of the pipeline, whose chance
is set by the given generator alone.
"""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from mrcnn.structures import Augmentation


def is_albumentations(augmentation: Any) -> bool:
    """Tell whether something is a pipeline or a transform of Albumentations."""
    modules = {kind.__module__.partition(".")[0] for kind in type(augmentation).__mro__}
    return "albumentations" in modules


def from_albumentations(pipeline: Any) -> Augmentation:
    """Return a pipeline or transform of Albumentations 2 as an augmentation.

    It is copied, and neither changed nor used. Raises ValueError if it cannot be used
    with masks alone, or not be repeated: all that is wrong is named, with the way out.
    """
    faults = list(dict.fromkeys(_faults(pipeline)))
    if faults:
        raise ValueError(
            "This pipeline of Albumentations cannot be used with masks. "
            + " ".join(f"{fault}." for fault in faults)
        )
    prepared = copy.deepcopy(pipeline)

    def augmentation(
        image: np.ndarray, masks: np.ndarray, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        fresh = copy.deepcopy(prepared)
        fresh.set_random_seed(int(rng.integers(2**31)))
        layers = [np.ascontiguousarray(m, np.uint8) for m in np.moveaxis(masks, -1, 0)]
        # Its dropouts write into what they are given.
        changed = fresh(image=image.copy(), masks=layers)
        moved = [np.asarray(layer) > 0 for layer in changed["masks"]]
        return changed["image"], np.stack(moved, axis=-1) if moved else masks

    return augmentation


def _faults(transform: Any) -> Iterator[str]:
    """Yield what is to be said against a transform, and against those inside it."""
    name = type(transform).__name__
    inside = _inside(transform)
    if not hasattr(transform, "set_random_seed"):
        yield (
            f"{name} is of a version whose seed cannot be set: "
            "`pip install albumentations==2.0.8`"
        )
        return
    if getattr(transform, "processors", None):
        yield (
            f"{name} has bbox_params or keypoint_params: leave them out, boxes are "
            "made of masks afterwards"
        )
    for one in inside:
        yield from _faults(one)
    if name == "SelectiveChannelTransform" and not _only_colours(transform):
        yield f"{name} moves some channels alone: let it hold changes of colour only"
    if not inside:
        yield from _faults_of_one(transform)


def _faults_of_one(transform: Any) -> Iterator[str]:
    """Yield what is to be said against a transform that holds no others."""
    name = type(transform).__name__
    needs = set(getattr(transform, "targets_as_params", ())) - {"image", "masks"}
    # Some read them without saying so.
    needs |= {"bboxes"} if "BBox" in name else set()
    if needs:
        yield f"{name} asks for {', '.join(sorted(needs))}: leave it out"
    if _only_colours(transform):
        return
    if "masks" not in getattr(transform, "targets", ("masks",)):
        yield f"{name} acts on volumes: leave it out"
    functions = getattr(transform, "custom_apply_fns", None)
    if functions and functions["mask"].__name__ == "noop":
        yield (
            f"{name} says nothing about masks: give mask= too "
            "(lambda mask, **rest: mask, if it only changes colours)"
        )


def _inside(transform: Any) -> list[Any]:
    """Return the transforms that a pipeline holds."""
    return list(transform.transforms) if _is(transform, "BaseCompose") else []


def _only_colours(transform: Any) -> bool:
    """Tell whether a transform is of Albumentations' kind that leaves masks alone."""
    inside = _inside(transform)
    alone = _is(transform, "ImageOnlyTransform")
    return alone or (bool(inside) and all(map(_only_colours, inside)))


def _is(transform: Any, name: str) -> bool:
    return name in {kind.__name__ for kind in type(transform).__mro__}
