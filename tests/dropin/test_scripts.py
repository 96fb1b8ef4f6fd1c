"""Scripts written against Matterport's package run on this one, unchanged."""

import ast
import json
import runpy
from pathlib import Path

import numpy as np
import pytest
from matplotlib import pyplot as plt
from PIL import Image

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FACADES = {"config", "model", "parallel_model", "utils", "visualize"}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


def run(script: str, monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    """Run a script as the interpreter does, whose end closes all figures."""
    path = str(HERE / script)
    monkeypatch.setattr("sys.argv", [path, *map(str, arguments)])
    runpy.run_path(path, run_name="__main__")
    plt.close("all")


@pytest.mark.parametrize("script", ["shapes.py", "balloon.py"])
def test_scripts_import_facades_only(script):
    imported = set()
    for node in ast.walk(ast.parse((HERE / script).read_text())):
        if isinstance(node, ast.Import):
            imported |= {a.name for a in node.names if a.name.startswith("mrcnn")}
        elif isinstance(node, ast.ImportFrom) and node.module.startswith("mrcnn"):
            inside = node.module != "mrcnn"
            imported |= (
                {node.module} if inside else {f"mrcnn.{a.name}" for a in node.names}
            )
    assert imported <= {f"mrcnn.{facade}" for facade in FACADES}


def test_shapes(tmp_path, monkeypatch, capsys):
    run("shapes.py", monkeypatch, tmp_path)
    said = capsys.readouterr().out
    assert "Re-starting from epoch 2" in said
    assert "mAP:" in said
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert [p.name for p in sorted(folder.glob("*.h5"))] == [
        "mask_rcnn_shapes_0001.h5",
        "mask_rcnn_shapes_0002.h5",
    ]
    assert (tmp_path / "mask_rcnn_shapes.h5").is_file()


def balloons(folder: Path) -> Path:
    """Return the photographs where they were fetched, else the embedded set."""
    from mrcnn.data.archive import extract
    from mrcnn.data.balloon import find_photographs

    archive = ROOT / "datasets" / "balloons.zip"
    return find_photographs(ROOT) or extract(archive, folder / "balloons")


def test_balloons(tmp_path, monkeypatch, capsys):
    data, logs = balloons(tmp_path), ("--logs", tmp_path / "logs")
    weights = ("--weights", random_weights(tmp_path / "coco.h5"))
    run("balloon.py", monkeypatch, "train", "--dataset", data, *weights, *logs)
    picture = next((data / "val").glob("*.[jp][pn]g"))
    weights = ("--weights", "last")
    run("balloon.py", monkeypatch, "splash", "--image", picture, *weights, *logs)
    assert "Training network heads" in capsys.readouterr().out
    splash = np.asarray(Image.open(tmp_path / "logs" / "splash.png"))
    assert splash.shape == np.asarray(Image.open(picture).convert("RGB")).shape


def meadow(folder: Path) -> Path:
    """Make ten pictures; the polygon of one ends on the far border, as in real sets."""
    for subset, count in (("train", 10), ("val", 2)):
        (folder / subset).mkdir(parents=True)
        regions = {}
        for i in range(count):
            name = f"{subset}{i}.png"
            Image.new("RGB", (96, 64), (20 * i, 90, 40)).save(folder / subset / name)
            right = 96 if name == "train4.png" else 60
            polygon = {
                "name": "polygon",
                "all_points_x": [20, right, right, 20],
                "all_points_y": [10, 10, 50, 50],
            }
            region = {"shape_attributes": polygon, "region_attributes": {}}
            regions[name] = {"filename": name, "size": 1, "regions": [region]}
        (folder / subset / "via_region_data.json").write_text(json.dumps(regions))
    return folder


def test_a_polygon_on_the_border_does_not_end_a_training(tmp_path, monkeypatch, capsys):
    """`skimage.draw.polygon` without a shape draws past it; all are seen."""
    data, logs = meadow(tmp_path / "meadow"), ("--logs", tmp_path / "logs")
    weights = ("--weights", random_weights(tmp_path / "coco.h5"), "--steps", 5)
    run("balloon.py", monkeypatch, "train", "--dataset", data, *weights, *logs)
    said = capsys.readouterr().out
    assert "1 of 10 images raised errors and were left out:" in said
    line = next(line for line in said.splitlines() if "train4.png" in line)
    assert "IndexError: index 96 is out of bounds" in line and "balloon.py" in line
    (folder,) = (tmp_path / "logs").iterdir()
    assert [p.name for p in folder.glob("*.h5")] == ["mask_rcnn_balloon_0001.h5"]


def random_weights(path: Path) -> Path:
    """Write weights of the script's network for another number of classes."""
    import mrcnn.model as modellib

    script = runpy.run_path(str(HERE / "balloon.py"))
    config = type("Coco", (script["BalloonConfig"],), {"NUM_CLASSES": 81})()
    model = modellib.MaskRCNN("training", config, path.parent)
    model.keras_model.save_weights(str(path))
    return path
