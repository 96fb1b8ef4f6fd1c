"""Write the table of the page "Augmentations": what each augmenter of imgaug does.

python book/augmenters.py
"""

import inspect
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

import numpy as np

from mrcnn.data.augment import as_augmentation, imgaug

from pictures import BOOK, write_numbers
from stages_numbers import table

iaa = imgaug().augmenters
PAGE = BOOK / "augmentations.md"
SEEDS = range(4)
MOVING, STILL = "move as the picture does", "stay as they are"
TURN, DIM = iaa.Affine(rotate=30), iaa.Multiply(0.8)
WEATHER = {
    "intensity_mean": (196, 255),
    "intensity_freq_exponent": (-2.5, -2.0),
    "intensity_coarse_scale": 10,
    "alpha_min": 0,
    "alpha_multiplier": 0.25,
    "alpha_size_px_max": (2, 8),
    "alpha_freq_exponent": (-2.5, -2.0),
    "sparsity": 0.9,
    "density_multiplier": (0.5, 1.0),
}
LAYER = {
    "density": 0.05,
    "density_uniformity": 0.5,
    "flake_size": 0.7,
    "flake_size_uniformity": 0.5,
    "angle": (-30, 30),
    "speed": 0.02,
    "blur_sigma_fraction": 0.001,
}
RAIN = {key.replace("flake", "drop"): value for key, value in LAYER.items()}


def choices(name: str, low: Any, high: Any, **others: Any) -> list[dict[str, Any]]:
    """Return an argument as a number, as a range and as a list."""
    values = high, (low, high), [low, high]
    return [{name: value, **others} for value in values]


SIDES = [{"px": ([1, 9],) * 4}]
"""A list: where imgaug takes a number for all sides, it takes lists for four."""

ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "Affine": [
        *choices("rotate", -40, 30),
        *choices("scale", 0.7, 1.3),
        *choices("translate_px", -9, 9),
        *choices("shear", -9, 12),
        *choices("rotate", -40, 30, mode="reflect"),
        *choices("scale", 0.5, 0.7, mode="wrap", backend="skimage"),
    ],
    "AffineCv2": choices("rotate", -40, 30),
    "AssertLambda": [{"func_images": lambda *_: True}],
    "AssertShape": [{"shape": (1, 48, 64, 3)}],
    "BlendAlpha": [
        {"factor": 1.0, "foreground": TURN},
        *choices("factor", 0.2, 0.9, foreground=DIM),
    ],
    "BlendAlphaBoundingBoxes": [{"labels": "a", "foreground": DIM}],
    "BlendAlphaMask": [
        {"mask_generator": iaa.CheckerboardMaskGen(2, 2), "foreground": DIM}
    ],
    "BlendAlphaCheckerboard": choices("nb_rows", 2, 4, nb_cols=2, foreground=DIM),
    "BlendAlphaRegularGrid": choices("nb_rows", 2, 4, nb_cols=2, foreground=DIM),
    "BlendAlphaSegMapClassIds": [{"class_ids": 1, "foreground": DIM}],
    "ChangeColorspace": [{"to_colorspace": "BGR"}],
    "CloudLayer": [WEATHER],
    "Convolve": [{"matrix": np.full((3, 3), 1 / 9)}],
    "Crop": [*choices("px", 1, 9)[:2], *choices("percent", 0.0, 0.2)[:2], *SIDES],
    "CropAndPad": [
        *choices("px", -9, 9)[:2],
        *choices("percent", -0.1, 0.2)[:2],
        *choices("percent", 0.1, 0.2, pad_mode="reflect")[:2],
        {"px": ([-9, 9],) * 4, "pad_mode": ["edge", "wrap"]},
    ],
    "ElasticTransformation": [
        *choices("alpha", 0.0, 50.0, sigma=6.0),
        *choices("alpha", 9.0, 50.0, sigma=6.0, mode="reflect"),
    ],
    "Fliplr": [{"p": 1.0}, {"p": 0.5}],
    "Flipud": [{"p": 1.0}, {"p": 0.5}],
    "Jigsaw": [{"nb_rows": rows, "nb_cols": rows} for rows in (4, (2, 4), [2, 4])],
    "KeepSizeByResize": [
        {"children": iaa.Crop((1, 9), keep_size=False)},
        {
            "children": iaa.Resize((0.5, 1.5)),
            "interpolation": "linear",
            "interpolation_segmaps": "cubic",
        },
    ],
    "Lambda": [
        {
            "func_images": lambda images, *_: [i[:, ::-1] for i in images],
            "func_segmentation_maps": lambda maps, *_: [
                m.copy(np.ascontiguousarray(m.arr[:, ::-1])) for m in maps
            ],
        },
    ],
    "MotionBlur": choices("k", 3, 7),
    "OneOf": [{"children": [TURN, iaa.Flipud(1.0)]}],
    "Pad": [*choices("px", 1, 9)[:2], *SIDES, {"px": 9, "pad_mode": "wrap"}],
    "PerspectiveTransform": [
        *choices("scale", 0.05, 0.12),
        *choices("scale", 0.05, 0.12, mode="replicate"),
    ],
    "PiecewiseAffine": choices("scale", 0.01, 0.04),
    "RainLayer": [RAIN],
    "RandAugment": choices("m", 3, 9),
    "RemoveCBAsByOutOfImageFraction": [{"fraction": 0.5}],
    "ReplaceElementwise": [
        {"mask": mask, "replacement": 9} for mask in (0.2, (0.0, 0.5), [0.1, 0.5])
    ],
    "Resize": [
        *choices("size", 0.5, 1.6),
        *choices("size", 40, 90, interpolation="linear"),
    ],
    "Rot90": choices("k", 1, 3),
    "Rotate": [*choices("rotate", -40, 30), *choices("rotate", -9, 9, mode="edge")],
    "SaveDebugImageEveryNBatches": [{"destination": ".", "interval": 1}],
    "Sequential": [{"children": [TURN, DIM]}],
    "SnowflakesLayer": [LAYER],
    "SomeOf": choices("n", 1, 2, children=[TURN, DIM, iaa.Fliplr(0.5)]),
    "Sometimes": [{"p": 0.5, "then_list": TURN, "else_list": DIM}],
    "TranslateX": [*choices("px", -9, 9), *choices("percent", -0.1, 0.2)],
    "TranslateY": [*choices("px", -9, 9), *choices("percent", -0.1, 0.2)],
    "Voronoi": [{"points_sampler": iaa.RegularGridPointsSampler(9, 9)}],
    "WithBrightnessChannels": [{"children": DIM}],
    "WithChannels": [{"channels": 0, "children": DIM}],
    "WithColorspace": [{"to_colorspace": "HSV", "children": [TURN, DIM]}],
    "WithHueAndSaturation": [{"children": iaa.Add((-9, 9))}],
    "WithPolarWarping": [{"children": iaa.CropAndPad(percent=(-0.1, 0.1))}],
    "pillike.Affine": [
        *choices("rotate", -40, 30),
        *choices("scale", 0.7, 1.3),
        *choices("translate_percent", -0.2, 0.2),
        *choices("shear", -9, 12, fillcolor=99),
    ],
    "pillike.Autocontrast": choices("cutoff", 1, 9),
}
ARGUMENTS |= {
    f"{where}{kind}To{what}": [arguments]
    for where in ("", "Center")
    for kind in ("Crop", "Pad")
    for what, arguments in {
        "AspectRatio": {"aspect_ratio": 0.8},
        "FixedSize": {"width": 60, "height": 40}
        if kind == "Crop"
        else {"width": 80, "height": 70},
        "MultiplesOf": {"width_multiple": 25, "height_multiple": 20},
        "PowersOf": {"width_base": 5, "height_base": 6},
        "Square": {},
    }.items()
}
OPTIONAL = re.compile(r"imgcorruptlike\.(?!ElasticTransform|Fog|(Gaussian|Glass)Blur)")
"""These act where a package is installed on which nothing here depends."""

RESIZES = {name for name in ARGUMENTS if "To" in name} | {"Resize"}
"""What changes sizes is tried inside KeepSizeByResize."""


def augmenters() -> dict[str, type]:
    """Return imgaug's augmenters by name; two of its modules are part of the name."""
    modules = {"": iaa, "pillike.": iaa.pillike, "imgcorruptlike.": iaa.imgcorruptlike}
    found: dict[type, str] = {}
    for prefix, module in modules.items():
        for name, kind in sorted(vars(module).items()):
            named = inspect.isclass(kind) and not name.startswith("_")
            if named and issubclass(kind, iaa.Augmenter) and kind is not iaa.Augmenter:
                found.setdefault(kind, prefix + name)
    return {name: kind for kind, name in found.items()}


def arguments(name: str, kind: type) -> list[dict[str, Any]]:
    """Return with which arguments an augmenter is tried."""
    if name in ARGUMENTS:
        return ARGUMENTS[name]
    ranges = {
        key: parameter.default
        for key, parameter in inspect.signature(kind).parameters.items()
        if isinstance(parameter.default, tuple)
        and len(parameter.default) == 2
        and not isinstance(parameter.default[0], tuple)
    }
    colours = {"foreground": DIM} if name.startswith("BlendAlpha") else {}
    if not ranges:
        return [colours]
    return [
        {key: pick(*pair) for key, pair in ranges.items()} | colours
        for pick in (lambda _, b: b, lambda a, b: (a, b), lambda a, b: [a, b])
    ]


def made(name: str, kind: type) -> Iterator[Any]:
    """Yield an augmenter with each of its arguments; what changes sizes is wrapped."""
    for options in arguments(name, kind):
        augmenter = kind(**options)
        yield iaa.KeepSizeByResize(augmenter) if name in RESIZES else augmenter


def picture() -> tuple[np.ndarray, np.ndarray]:
    """Return two objects, whose masks the red and the green channel repeat."""
    masks = np.zeros((48, 64, 2), bool)
    masks[6:26, 8:32, 0] = True
    masks[26:42, 36:60, 1] = True
    image = np.zeros((48, 64, 3), np.uint8)
    image[..., :2] = masks * np.uint8(255)
    return image, masks


def moves(augmenter: Any) -> bool:
    """Tell whether an augmenter changes masks. Raises ValueError if it is refused."""
    augmentation = as_augmentation(augmenter)
    image, masks = picture()
    return any(
        (augmentation(image, masks, np.random.default_rng(seed))[1] != masks).any()
        for seed in SEEDS
    )


def numbers() -> dict[str, str]:
    """Return what the page shows: the augmenters that move masks, and all others."""
    groups: dict[str, list[str]] = {MOVING: [], STILL: []}
    refused = []
    for name, kind in augmenters().items():
        if OPTIONAL.match(name):
            continue
        try:
            moving = any([moves(augmenter) for augmenter in made(name, kind)])
        except ValueError as error:
            _, _, why = str(error).partition(name.rpartition(".")[2] + " ")
            refused.append((f"`{name}`", why.rstrip(".")))
        else:
            groups[MOVING if moving else STILL].append(f"`{name}`")
    rows = [(what, ", ".join(names)) for what, names in groups.items()]
    return {
        "count": str(len(augmenters())),
        "taken": table(["masks", "augmenters"], rows, "---"),
        "refused": table(["augmenter", "why, and the way out"], refused, "---"),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    write_numbers(PAGE, numbers(), "book/augmenters.py")
