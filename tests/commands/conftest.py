"""A tiny COCO set, and the settings of a tiny network, as the commands take them."""

import json

import pytest

from mrcnn import build, model_folder
from mrcnn.commands import main
from mrcnn.config import as_values
from mrcnn.data.coco_files import write_dataset
from mrcnn.data.shapes import ShapesDataset
from mrcnn.nn.resnet import default_widths
from tests.tiny import TinyConfig


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """Return a folder with train.json and val.json, and their pictures."""
    folder = tmp_path_factory.mktemp("data")
    for name, count, seed in (("train", 6, 1), ("val", 3, 2)):
        made = ShapesDataset(count, height=64, width=64, seed=seed)
        write_dataset(made, folder / f"{name}.json")
    return folder


@pytest.fixture(scope="session")
def tiny_settings(tmp_path_factory):
    """Return a file of settings; classes and sizes come from the data."""
    values = as_values(TinyConfig()) | {"PRECISION": "float32"}
    for name in ("NUM_CLASSES", "NAME"):
        del values[name]
    file = tmp_path_factory.mktemp("settings") / "tiny.json"
    file.write_text(json.dumps(values))
    return file


@pytest.fixture
def train(tiny_settings):
    """Return a function that trains a little, and returns the exit code."""

    def run(data, folder, *more):
        return main(
            [
                *("train", str(data), "--out", str(folder), "--weights", "none"),
                *("--settings", str(tiny_settings), "--epochs", "2", "--steps", "1"),
                *more,
            ]
        )

    return run


class Wider(TinyConfig):
    """Wide enough to lose channels; finds something everywhere."""

    LAYER_WIDTHS = dict.fromkeys(default_widths("compact"), 16)
    TOP_DOWN_PYRAMID_SIZE = RPN_CHANNELS = MASK_HEAD_CHANNELS = 16
    DETECTION_MIN_CONFIDENCE = 0.0
    PRECISION = "float32"


@pytest.fixture(scope="session")
def untrained(tmp_path_factory):
    """Return the folder of a model that has not been trained."""
    folder = tmp_path_factory.mktemp("untrained") / "run"
    names = ("BG", "square", "circle", "triangle")
    return model_folder.write(folder, build.model(Wider(), seed=1), names)
