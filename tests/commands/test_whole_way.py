"""From a data set to pictures with masks; and a training is the one of Python."""

import json

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from mrcnn import build, model_folder, pretrained
from mrcnn.commands import main
from mrcnn.config import with_settings
from mrcnn.data import augment, check, films, open_dataset
from mrcnn.data.pictures import header, read_image
from mrcnn.detection import detect
from mrcnn.evaluation import Accuracy, TaskReport, evaluate
from mrcnn.ops.rle import decode
from mrcnn.presets import OwnImagesConfig
from mrcnn.pruning import report
from mrcnn.training import fit
from mrcnn.views import Views
from mrcnn.weights import save_weights

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("deterministic"),
]


def run(*arguments):
    return main(list(map(str, arguments)))


def test_training_is_that_of_python(data, tiny_settings, train, tmp_path, capsys):
    """To the last bit; what is finished stays, and another is refused there."""
    folder, file = tmp_path / "run", data / "train.json"
    assert train(file, folder, "--seed", "5") == 0
    assert "Trained on 6 images, no validation set. Set" in capsys.readouterr().out

    dataset, values = open_dataset(file), model_folder.read_values(tiny_settings)
    suggestion = check(dataset).suggestion
    config = with_settings(OwnImagesConfig(), {**suggestion, **values})
    model = build.model(config, seed=5)
    made = {"steps": 1, "shuffle": True, "augmentation": augment.flip, "seed": 5}
    fit(
        model,
        build.batches(config, dataset, **made),
        stages=[build.stage(config, epochs=2)],
        optimizer=lambda rate: build.optimizer(config, rate),
        verbose=0,
    )
    save_weights(model, tmp_path / "python.h5")
    trained = (folder / "model.h5").read_bytes()
    assert trained == (tmp_path / "python.h5").read_bytes()

    assert train(file, folder, "--seed", "5") == 0
    assert "nothing was left to train" in capsys.readouterr().out
    assert train(file, folder, "--seed", "6") == 2
    assert "is of another training" in capsys.readouterr().err
    assert (folder / "model.h5").read_bytes() == trained


def test_the_best_epoch_by_ap_of_averaged_weights(data, train, tmp_path):
    """As Python's: `--best`, `--augment`, and a setting that averages."""
    folder, names = tmp_path / "run", ("train", "val")
    more = ("--best", "ap", "--augment", "turn,copy-paste")
    assert train(data, folder, *more, "--set", "EMA_MOMENTUM=0.5") == 0

    config = model_folder.read(folder).config
    assert config.EMA_MOMENTUM == 0.5
    learnt, measured = (open_dataset(data, name) for name in names)
    model = build.model(config)
    made = {"steps": 1, "shuffle": True, "augmentation": augment.turn}
    history = fit(
        model,
        build.batches(config, learnt, paste=augment.CopyPaste(), **made),
        build.batches(config, measured),
        stages=[build.stage(config, epochs=2)],
        optimizer=lambda rate: build.optimizer(config, rate),
        callbacks=[Accuracy(measured)],
        monitor="val_mask_ap",
        verbose=0,
    )
    assert len(history["val_mask_ap"]) == 2
    save_weights(model, tmp_path / "python.h5")
    assert (folder / "model.h5").read_bytes() == (tmp_path / "python.h5").read_bytes()


def test_an_interrupted_training_goes_on(data, train, tmp_path, monkeypatch, capsys):
    folder, file = tmp_path / "run", data / "train.json"
    assert train(file, folder) == 0
    whole = (folder / "model.h5").read_bytes()
    write, calls = model_folder.write, []

    def stop_at_the_second(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return write(*arguments)

    (folder / "report.json").write_text("of an earlier model")
    monkeypatch.setattr("mrcnn.model_folder.write", stop_at_the_second)
    assert train(file, folder, "--restart") == 130
    assert "The same command goes on" in capsys.readouterr().err
    model_folder.read(folder)  # that of the first epoch
    assert not (folder / "report.json").exists()
    assert (folder / "model.h5").read_bytes() != whole
    assert train(file, folder) == 0
    assert "Resuming after epoch 1" in capsys.readouterr().out
    assert (folder / "model.h5").read_bytes() == whole


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Return a folder with pictures, one of which is none, and a large one."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for name, shape in (("a.png", (64, 64)), ("b.jpg", (50, 80)), ("b.png", (150, 90))):
        Image.fromarray(rng.integers(0, 255, (*shape, 3), np.uint8)).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_the_whole_way(data, train, pictures, tmp_path, capsys):
    """Check, train, evaluate, detect; the files say the same as each other."""
    folder, found = tmp_path / "run", tmp_path / "found"
    assert run("check", data) == 0
    few = ("--epochs", "1", "--set", "DETECTION_MIN_CONFIDENCE=0")
    assert train(data, folder, *few) == 0
    files = {"checkpoint.h5", "model.h5", "settings.json", "report.json"}
    assert {path.name for path in folder.iterdir()} == files

    capsys.readouterr()
    results, truth = tmp_path / "results.json", tmp_path / "truth.json"
    assert run("evaluate", folder, data, "--json", "-", "--coco", results) == 0
    said = json.loads(capsys.readouterr().out)
    assert said == json.loads((folder / "report.json").read_text())
    assert run("convert", data, "--split", "val", "--out", truth) == 0
    coco = COCO(truth)
    scored = COCOeval(coco, coco.loadRes(str(results)), "segm")
    scored.evaluate()
    scored.accumulate()
    scored.summarize()
    mask_ap = TaskReport.from_dict(said).mask.ap
    assert mask_ap == pytest.approx(max(scored.stats[0], 0), abs=1e-9)

    capsys.readouterr()
    marks = tmp_path / "marks.json"
    options = ("--out", found, "--confidence", 0, "--tile", 64, "--coco", marks)
    assert run("detect", folder, pictures, *options) == 1  # one cannot be read
    assert "broken.png cannot be read" in capsys.readouterr().err
    names = {"a.png", "b.png", "b.jpg", "detections.json"}
    assert {path.name for path in found.iterdir()} == names
    document = json.loads((found / "detections.json").read_text())
    assert document["class_names"] == ["BG", "square", "circle", "triangle"]
    shapes = [(64, 64), (50, 80), (150, 90)]
    count = 0
    for entry, shape in zip(document["images"], shapes, strict=True):
        assert (entry["height"], entry["width"]) == shape
        for one in entry["detections"]:
            count += 1
            assert one["class"] == document["class_names"][one["class_id"]]
            mask = decode([one["mask"]], shape)[..., 0]
            top, left, bottom, right = one["box"]
            assert mask[top:bottom, left:right].sum() == mask.sum()
    assert count
    assert len(COCO(marks).anns) == count


def test_what_detect_is_given(untrained, pictures, tmp_path, capsys):
    out = tmp_path / "out"
    given = (pictures / "a.png", pictures / "*.png", "--no-pictures", "--json", "-")
    assert run("detect", untrained, *given, "--out", out) == 1
    document = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in document["images"]] == ["a.png", "b.png"]
    assert not out.exists()
    assert run("detect", untrained, pictures / "a.png", "--out", pictures) == 2
    assert "a.png is there: name what is new" in capsys.readouterr().err
    broken = pictures / "broken.png"
    assert run("detect", untrained, broken, "--out", out) == 2  # nothing is left
    said = capsys.readouterr().err
    assert "no picture came" in said and "broken.png cannot be read" in said
    # Weights of another network are no picture's fault.
    other = pretrained.shipped("shapes")
    assert run("detect", untrained, pictures, "--out", out, "--weights", other) == 2
    assert "shapes.h5" in capsys.readouterr().err


def test_views_are_those_of_python(data, untrained, pictures, tmp_path, capsys):
    options = ("--flip", "--sides", 64, 128)
    given = (pictures / "a.png", "--no-pictures", "--json", "-", "--confidence", 0)
    out = tmp_path / "out"
    assert run("detect", untrained, *given, "--out", out, *options) == 0
    (entry,) = json.loads(capsys.readouterr().out)["images"]
    values = {"DETECTION_MIN_CONFIDENCE": 0}
    model = model_folder.read(untrained, settings=values).model
    views = Views(flip=True, sides=(64, 128))
    (found,) = detect(model, [read_image(pictures / "a.png")], views=views)
    assert [one["box"] for one in entry["detections"]] == found["rois"].tolist()
    assert [one["score"] for one in entry["detections"]] == found["scores"].tolist()

    assert run("evaluate", untrained, data, "--json", "-", *options) == 0
    said = TaskReport.from_dict(json.loads(capsys.readouterr().out))
    model, val = model_folder.read(untrained).model, open_dataset(data, "val")
    expected = evaluate(model, val, views=views).to_dict()
    np.testing.assert_equal(said.to_dict(), expected)

    assert run("detect", untrained, *given, "--out", out, "--sides", 100) == 2
    assert "sides is [100]; it must be a list" in capsys.readouterr().err
    assert run("detect", untrained, *given, "--out", out, "--flip", "--tile", 64) == 2
    assert "seen in tiles or in views" in capsys.readouterr().err


def test_places_and_names(untrained, pictures, tmp_path):
    """Pictures of several places keep their paths; large ones become smaller."""
    (tmp_path / "in" / "more").mkdir(parents=True)
    for name in ("a.png", "more/a.png", "more/wide.png"):
        Image.new("RGB", (4100 if "wide" in name else 60, 30)).save(
            tmp_path / "in" / name
        )
    given = (tmp_path / "in" / "a.png", tmp_path / "in" / "m*")
    assert run("detect", untrained, *given, "--out", tmp_path / "out") == 0
    document = json.loads((tmp_path / "out" / "detections.json").read_text())
    names = ["a.png", "more/a.png", "more/wide.png"]
    assert [entry["name"] for entry in document["images"]] == names
    sizes = [header(tmp_path / "out" / name)[:2] for name in names]
    assert sizes == [(30, 60), (30, 60), (10, 1367)]


def test_a_film(untrained, tmp_path, capsys):
    film, out = tmp_path / "street.mp4", tmp_path / "found.mp4"
    with films.written(film, 7.5) as add:
        for i in range(3):
            add(np.full((64, 64, 3), 60 * i, np.uint8))
    some = ("--confidence", 0)
    assert run("detect", untrained, film, "--out", out, *some) == 0
    assert films.about(out) == (7.5, 3)
    document = json.loads((tmp_path / "found.json").read_text())
    names = [entry["name"] for entry in document["images"]]
    assert names == ["street_000000", "street_000001", "street_000002"]
    capsys.readouterr()
    for taken in (out, film):
        before = taken.read_bytes()
        assert run("detect", untrained, film, "--out", taken, *some) == 2
        assert f"{taken.name} is there: name what is new" in capsys.readouterr().err
        assert taken.read_bytes() == before
    assert run("detect", untrained, film, "--out", tmp_path / "out") == 0
    assert (tmp_path / "out" / "street_000002.png").is_file()


def test_export(untrained, monkeypatch):
    asked = []

    def export(self, path, format, *, image_shape):
        asked.append((path, format, image_shape))

    monkeypatch.setattr("mrcnn.nn.composite.Composite.export", export)
    assert run("export", untrained, "--out", "a.onnx") == 0
    size = ("--size", 64, 128)
    assert run("export", untrained, "--to", "litert", "--out", "b", *size) == 0
    assert asked == [("a.onnx", None, None), ("b", "litert", (64, 128))]


def test_pruning_of_weights(data, untrained, tmp_path, capsys):
    out, file = tmp_path / "pruned", data / "train.json"
    short = ("--epochs", 1, "--steps", 5, "--method", "LAMP")
    assert run("prune", untrained, file, "--out", out, "--sparsity", 0.8, *short) == 0
    assert "80.0%" in capsys.readouterr().out
    assert run("prune", untrained, file, "--out", out, "--sparsity", 0.8, *short) == 0
    assert "nothing was left to train" in capsys.readouterr().out
    assert report(model_folder.read(out).model).sparsity == pytest.approx(0.8, abs=0.01)
    assert run("prune", untrained, file, "--out", untrained) == 2
    assert "the model's own folder" in capsys.readouterr().err
    assert run("prune", untrained, file, "--out", out, "--method", "luck") == 2
    assert "none of random; magnitude" in capsys.readouterr().err


def test_removal_of_what_is_dead(data, untrained, tmp_path, capsys):
    source, out, file = tmp_path / "dead", tmp_path / "small", data / "train.json"
    model = model_folder.read(untrained).model
    layer = model.rpn.get_layer("rpn_conv_shared")
    layer.kernel.assign(layer.kernel * (np.arange(layer.filters) > 2))
    model_folder.write(source, model)
    assert run("prune", source, file, "--out", out, "--dead") == 0
    assert "| rpn_conv_shared |" in capsys.readouterr().out
    shared = model_folder.read(out).model.rpn.get_layer("rpn_conv_shared")
    assert shared.filters == layer.filters - 3


def test_pruning_of_channels(data, untrained, tmp_path):
    out, short = tmp_path / "narrow", ("--epochs", 1, "--steps", 7)
    assert run("prune", untrained, data, "--out", out, "--channels", 0.7, *short) == 0
    before, after = (model_folder.read(each).model for each in (untrained, out))
    assert after.count_params() < before.count_params()
    assert after.class_names == before.class_names
    assert TaskReport.from_json(out / "report.json").images == 3
