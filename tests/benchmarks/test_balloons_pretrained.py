"""The trained backbone of the balloons: what learns, what stays, what is refused."""

import keras
import numpy as np
import pytest

from mrcnn import build, pretrained, training, weights
from mrcnn.benchmarks import balloons_pretrained, photographs
from mrcnn.benchmarks.photographs import WAYS
from mrcnn.config import with_settings
from mrcnn.data.synthetic import write_set
from mrcnn.hdf5 import WeightFileError, write_hdf5
from mrcnn.nn.efficientnet_lite import efficientnet_lite0
from mrcnn.nn.layers import BatchNorm
from mrcnn.presets import PHOTOGRAPHS_TRAINING, Profile, SmokeBalloonConfig

FEW = Profile(train_images=4, test_images=2, epochs=3, steps=1)
BY_NAME = {way: name for name, way in WAYS.items()}


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    """A file such as `mrcnn backbone` writes, of random numbers."""
    image, rng = keras.Input((None, None, 3)), np.random.default_rng(0)
    network = keras.Model(image, efficientnet_lite0(image))
    layers = [layer for layer in network.layers if layer.weights]
    for layer in layers:
        if isinstance(layer, BatchNorm):
            layer.set_weights([rng.uniform(0.5, 1, w.shape) for w in layer.weights])
    path = tmp_path_factory.mktemp("backbone") / "lite.h5"
    with write_hdf5(path) as file:
        weights.write_layers(layers, file, "float32")
    return path


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    folder = tmp_path_factory.mktemp("few") / "set"
    write_set(folder, train=4, val=2, size=64)
    return photographs.load(folder)[0]


def kept(layers):
    return {
        f"{layer.name}/{w.name}": np.array(w) for layer in layers for w in layer.weights
    }


@pytest.mark.parametrize("name", [n for n, way in WAYS.items() if way.photographs])
def test_ways_lead_over_photographs_with_as_many_steps(name):
    plan = photographs.stages(WAYS[name])
    assert sum(stage.epochs for stage in plan) == PHOTOGRAPHS_TRAINING.epochs
    assert PHOTOGRAPHS_TRAINING.epochs * PHOTOGRAPHS_TRAINING.steps == 400
    learning = [(stage.layers, stage.learning_rate) for stage in plan]
    heads_first = [("heads", 0.002), ("3+", 0.0002)]
    assert learning == (heads_first if WAYS[name].imagenet else [("all", 0.002)])
    steps = [stage.epochs * PHOTOGRAPHS_TRAINING.steps for stage in plan]
    warm = [stage.warmup_steps for stage in plan]
    assert all(w < s / 2 for w, s in zip(warm, steps, strict=True))


def test_ways_differ_in_what_was_learnt_from():
    assert len(set(WAYS.values())) == len(WAYS)
    for name, way in WAYS.items():
        assert way.imagenet == ("ImageNet" in name)
        assert way.drawn == ("drawn" in name)
        assert way.photographs == ("photographs" in name)


# --- The backbone


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_statistics_of_the_backbone_stay_and_those_of_the_heads_move(
    backbone, tiny_config, tiny_shapes
):
    tiny = with_settings(tiny_config, {"LAYER_WIDTHS": None})
    config = balloons_pretrained.on_backbone(tiny)
    model = balloons_pretrained.begun(config, backbone, seed=0)
    before = kept(model.backbone.layers)
    fresh = kept(build.model(config, seed=0).backbone.layers)
    assert any((before[name] != fresh[name]).any() for name in before)
    heads = kept([*model.box_head.layers, *model.mask_head.layers])
    (batch,) = build.batches(config, tiny_shapes)[0]
    moved = {}
    for stage in balloons_pretrained.stages(config, 3):
        training.set_trainable(model, stage.layers)
        model.compile(optimizer=build.optimizer(config, 0.01))
        assert np.isfinite(model.train_on_batch(batch)).all()
        after = kept(model.backbone.layers)
        moved[stage.layers] = {n for n in after if (after[n] != before[n]).any()}
    assert not moved["heads"]
    first = ("res3", "bn3", "res4", "bn4", "res5", "bn5")
    assert all(name.startswith(first) for name in moved["3+"])
    assert {"res3a_depthwise/kernel", "bn5e_project/gamma"} <= moved["3+"]
    assert not [name for name in moved["3+"] if "moving" in name]
    after = kept([*model.box_head.layers, *model.mask_head.layers])
    statistics = [name for name in after if "moving" in name]
    assert statistics and all((after[n] != heads[n]).any() for n in statistics)


def test_a_missing_file_is_named_before_any_work(tmp_path, backbone):
    none, every = ["drawn", "photographs"], list(WAYS)
    assert photographs.fault(none, None) is None
    missing = photographs.fault(every, None)
    assert missing.startswith("--backbone is missing, and 'ImageNet, then photographs'")
    absent = photographs.fault(every, tmp_path / "lite.h5")
    assert str(tmp_path / "lite.h5") in absent
    assert photographs.fault(every, backbone) is None


def test_weights_of_another_network_are_no_backbone():
    wrong = photographs.fault(list(WAYS), pretrained.shipped("balloon"))
    assert "balloon.h5: fpn_c5p5/kernel:0 has shape (1, 1, 256, 96)" in wrong


def test_weights_of_a_whole_network_are_no_backbone(backbone, tmp_path):
    config = balloons_pretrained.on_backbone(SmokeBalloonConfig())
    whole = balloons_pretrained.begun(config, backbone, seed=0)
    weights.save_weights(whole, tmp_path / "whole.h5")
    match = "whole.h5 holds 96 of the 96 layers of the backbone, and 25 others: give"
    with pytest.raises(WeightFileError, match=match):
        balloons_pretrained.begun(config, tmp_path / "whole.h5", seed=0)


def test_the_command_says_so_and_does_nothing(tmp_path, monkeypatch, capsys):
    out = tmp_path / "found.json"
    command = ["photographs", str(tmp_path / "work"), "--out", str(out)]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit):
        photographs.main()
    assert "--backbone is missing" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


# --- Ways that begin with it


@pytest.fixture
def trainings(monkeypatch, pictures):
    """The trainings that are asked for; each only adds 1 to a bias."""
    asked = []

    def fit(model, batches, *, stages, folder, **_):
        layers = [stage.layers for stage in stages]
        asked.append((folder.name, batches.dataset.num_images, layers))
        bias = model.box_head.get_layer("mrcnn_class_logits").bias
        bias.assign(bias + 1)
        return {"seconds": [0.0]}

    monkeypatch.setattr(training, "fit", fit)
    monkeypatch.setattr(photographs, "PhotographsConfig", SmokeBalloonConfig)
    monkeypatch.setattr(balloons_pretrained, "BalloonConfig", SmokeBalloonConfig)
    monkeypatch.setattr(balloons_pretrained, "PRETRAINED_DRAWN_TRAINING", FEW)
    monkeypatch.setattr(balloons_pretrained, "drawn", lambda folder: pictures)
    monkeypatch.setattr(photographs, "collect", lambda *_, **__: [])
    return asked


def test_imagenet_then_photographs(trainings, pictures, backbone, tmp_path):
    way, held = WAYS["ImageNet, then photographs"], np.array([5])
    parts = [(np.arange(5), held)]
    photographs.look(BY_NAME[way], pictures, parts, 3, tmp_path, backbone)
    name = "ImageNet then photographs 3 5"
    assert trainings == [(name, 5, ["heads", "3+"])]


def test_drawn_pictures_are_learnt_once_for_all_seeds(
    trainings, pictures, backbone, tmp_path
):
    name = "ImageNet, drawn, then photographs"
    first = photographs.begun(WAYS[name], 1, tmp_path, backbone)
    learnt = ("pretrained_training", 6, ["heads", "3+"])
    assert trainings == [learnt]
    again = photographs.begun(WAYS[name], 2, tmp_path, backbone)
    assert trainings == [learnt]
    bias = [m.box_head.get_layer("mrcnn_class_logits").bias for m in (first, again)]
    np.testing.assert_array_equal(bias, np.ones((2, 2)))
    stem = first.backbone.get_layer("conv_stem").kernel
    given = balloons_pretrained.begun(
        photographs.configured(WAYS[name]), backbone, seed=0
    ).backbone.get_layer("conv_stem")
    np.testing.assert_array_equal(stem, given.kernel)
    assert (first.seed, again.seed) == (1, 2)
