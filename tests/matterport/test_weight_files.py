"""Weight files as Keras 2 wrote them for Matterport's networks, written apart.

The table of layers follows the network's description alone. Every array of a file
holds one number of its own, so that none can be taken for another; the file stores the
number, not the array, and is small.
"""

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from mrcnn import build
from mrcnn.config import Config
from mrcnn.weights import load_weights, save_weights, weighted_layers

Arrays = list[tuple[str, tuple[int, ...]]]
BLOCKS = {"resnet50": "abcdef", "resnet101": "abcdefghijklmnopqrstuvw"}
HEAD_LAYERS = 4  # convolutions of the mask head


def conv(name: str, size: int, inputs: int, filters: int) -> tuple[str, Arrays]:
    """Return a layer's name and its arrays."""
    kernel = (f"{name}/kernel:0", (size, size, inputs, filters))
    return name, [kernel, (f"{name}/bias:0", (filters,))]


def norm(name: str, filters: int) -> tuple[str, Arrays]:
    """Return a batch normalisation's name and its arrays."""
    kinds = ("gamma", "beta", "moving_mean", "moving_variance")
    return name, [(f"{name}/{kind}:0", (filters,)) for kind in kinds]


def layers(backbone: str, classes: int) -> Iterator[tuple[str, Arrays]]:
    """Yield all layers that have weights."""
    yield conv("conv1", 7, 3, 64)
    yield norm("bn_conv1", 64)
    inputs = 64
    stages = {2: ("abc", 64), 3: ("abcd", 128), 4: (BLOCKS[backbone], 256)}
    stages[5] = ("abc", 512)
    for stage, (blocks, inner) in stages.items():
        for block in blocks:
            plan = [
                ("2a", 1, inputs, inner),
                ("2b", 3, inner, inner),
                ("2c", 1, inner, 4 * inner),
            ]
            if block == "a":
                plan.append(("1", 1, inputs, 4 * inner))
            for branch, size, source, filters in plan:
                yield conv(f"res{stage}{block}_branch{branch}", size, source, filters)
                yield norm(f"bn{stage}{block}_branch{branch}", filters)
            inputs = 4 * inner
    for level, depth in ((5, 2048), (4, 1024), (3, 512), (2, 256)):
        yield conv(f"fpn_c{level}p{level}", 1, depth, 256)
        yield conv(f"fpn_p{level}", 3, 256, 256)
    yield (
        "rpn_model",
        [
            *conv("rpn_conv_shared", 3, 256, 512)[1],
            *conv("rpn_class_raw", 1, 512, 6)[1],
            *conv("rpn_bbox_pred", 1, 512, 12)[1],
        ],
    )
    yield conv("mrcnn_class_conv1", 7, 256, 1024)
    yield norm("mrcnn_class_bn1", 1024)
    yield conv("mrcnn_class_conv2", 1, 1024, 1024)
    yield norm("mrcnn_class_bn2", 1024)
    for name, units in (
        ("mrcnn_class_logits", classes),
        ("mrcnn_bbox_fc", 4 * classes),
    ):
        yield name, [(f"{name}/kernel:0", (1024, units)), (f"{name}/bias:0", (units,))]
    for i in range(1, HEAD_LAYERS + 1):
        yield conv(f"mrcnn_mask_conv{i}", 3, 256, 256)
        yield norm(f"mrcnn_mask_bn{i}", 256)
    yield conv("mrcnn_mask_deconv", 2, 256, 256)
    yield conv("mrcnn_mask", 1, 256, classes)


def write(path: Path, backbone: str, classes: int, text: type) -> dict[str, float]:
    """Write a file; return the number in each array by "layer/array".

    Args:
        path: of the file.
        backbone: a key of `BLOCKS`.
        classes: K.
        text: bytes, as old h5py wrote names, or str.
    """
    numbers: dict[str, float] = {}

    def names(values: list[str]) -> np.ndarray:
        if text is bytes:
            return np.array([value.encode() for value in values])
        return np.array(values, dtype=h5py.string_dtype())

    table = dict(layers(backbone, classes))
    with h5py.File(path, "w") as file:
        # Layers without weights have groups too.
        file.attrs["layer_names"] = names(["input_image", *table, "mrcnn_detection"])
        for name in ("input_image", "mrcnn_detection"):
            file.create_group(name).attrs["weight_names"] = np.array([])
        for name, arrays in table.items():
            group = file.create_group(name)
            group.attrs["weight_names"] = names([array for array, _ in arrays])
            for array, shape in arrays:
                number = float(len(numbers) + 1)
                numbers[f"{name}/{array}"] = number
                group.create_dataset(array, shape, "float32", fillvalue=number)
    return numbers


def config(backbone: str, classes: int) -> Config:
    """Return Matterport's defaults for a backbone and a number of classes."""
    settings = {"BACKBONE": backbone, "NUM_CLASSES": classes, "NAME": "any"}
    return type("Any", (Config,), settings)()


@pytest.mark.parametrize("classes", [2, 4, 81])
@pytest.mark.parametrize("backbone", list(BLOCKS))
def test_every_array_is_matched(backbone, classes, tmp_path):
    path = tmp_path / "weights.h5"
    numbers = write(path, backbone, classes, str if classes == 4 else bytes)
    model = build.model(config(backbone, classes))
    report = load_weights(model, path)
    assert not report.missing and not report.unused and not report.excluded
    arrays = dict(layers(backbone, classes))
    for layer in weighted_layers(model):
        for variable, (name, shape) in zip(
            layer.weights, arrays.pop(layer.name), strict=True
        ):
            assert tuple(variable.shape) == shape
            assert np.asarray(variable).flat[0] == numbers[f"{layer.name}/{name}"]
            assert np.ptp(np.asarray(variable)) == 0
    assert not arrays


def test_what_is_saved_has_the_same_names_and_numbers(tmp_path):
    write(tmp_path / "theirs.h5", "resnet50", 4, bytes)
    model = build.model(config("resnet50", 4))
    load_weights(model, tmp_path / "theirs.h5")
    save_weights(model, tmp_path / "ours.h5")
    with (
        h5py.File(tmp_path / "ours.h5") as ours,
        h5py.File(tmp_path / "theirs.h5") as theirs,
    ):
        table = dict(layers("resnet50", 4))
        assert {name.decode() for name in ours.attrs["layer_names"]} == set(table)
        for name, arrays in table.items():
            names = [n.decode() for n in ours[name].attrs["weight_names"]]
            assert names == [array for array, _ in arrays]
            for array in names:
                np.testing.assert_array_equal(ours[name][array], theirs[name][array])


def test_another_number_of_classes_says_what_to_exclude(tmp_path):
    write(tmp_path / "coco.h5", "resnet50", 81, bytes)
    model = build.model(config("resnet50", 2))
    with pytest.raises(ValueError, match=r"class counts differ: exclude mrcnn_class"):
        load_weights(model, tmp_path / "coco.h5")
    four = ("mrcnn_class_logits", "mrcnn_bbox_fc", "mrcnn_bbox", "mrcnn_mask")
    report = load_weights(model, tmp_path / "coco.h5", exclude=four)
    assert set(report.excluded) == set(four) - {"mrcnn_bbox"}
    assert not report.missing and not report.unused
