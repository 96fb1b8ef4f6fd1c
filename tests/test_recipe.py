"""From data to settings, and what a training starts from."""

from types import SimpleNamespace

import numpy as np
import pytest

from mrcnn import build, model_folder, recipe
from mrcnn.config import as_values
from mrcnn.data import check
from mrcnn.data.splitting import Part
from mrcnn.evaluation import Accuracy
from mrcnn.presets import OwnImagesConfig
from mrcnn.weights import CLASS_LAYERS, save_weights, weighted_layers

SUGGESTED = {
    "NUM_CLASSES": 4,
    "IMAGE_MIN_DIM": 256,
    "IMAGE_MAX_DIM": 256,
    "RPN_ANCHOR_SCALES": (8, 16, 24, 40, 80),
    "MAX_GT_INSTANCES": 16,
    "DETECTION_MAX_INSTANCES": 16,
}
REPORT = SimpleNamespace(suggestion=SUGGESTED, faults=[])


def test_settings_are_what_the_check_suggests(tiny_shapes):
    report = check(tiny_shapes)
    values = as_values(recipe.settings(report))
    expected = as_values(OwnImagesConfig()) | dict(report.suggestion)
    assert values == expected


def test_settings_of_the_users_own_go_before():
    config = recipe.settings(REPORT, {"POST_NMS_ROIS_INFERENCE": 8, "NAME": "mine"})
    assert (config.NAME, config.RPN_ANCHOR_SCALES) == ("mine", (8, 16, 24, 40, 80))
    assert as_values(config)["DETECTION_MAX_INSTANCES"] == 8  # a suggestion gives way
    with pytest.raises(ValueError, match="LEARNING_RATE is -1"):
        recipe.settings(REPORT, {"LEARNING_RATE": -1})


def test_anchors_follow_the_size_of_images():
    """Twice as large images show objects twice as large."""
    config = recipe.settings(REPORT, {"IMAGE_MAX_DIM": 512})
    assert (config.IMAGE_MIN_DIM, config.IMAGE_MAX_DIM) == (512, 512)
    assert config.RPN_ANCHOR_SCALES == (16, 32, 48, 80, 160)
    mine = {"IMAGE_MAX_DIM": 512, "RPN_ANCHOR_SCALES": (1, 2, 3, 4, 5)}
    assert recipe.settings(REPORT, mine).RPN_ANCHOR_SCALES == (1, 2, 3, 4, 5)


def test_nothing_to_learn_from():
    with pytest.raises(ValueError, match="nothing to learn from"):
        recipe.settings(SimpleNamespace(suggestion={}, faults=[]))


def test_the_best_needs_a_validation_set(tiny_shapes, tmp_path):
    for best in ("ap", "loss", "luck"):
        with pytest.raises(ValueError, match=f"best is '{best}': choose from ap, loss"):
            recipe.train(None, tiny_shapes, folder=tmp_path, best=best)


def changed(model, before):
    """Return the layers whose weights are no longer those of before."""
    return {
        layer.name
        for layer, old in zip(weighted_layers(model), before, strict=True)
        if any(
            not np.array_equal(a, b)
            for a, b in zip(layer.get_weights(), old, strict=True)
        )
    }


def arrays(model):
    return [layer.get_weights() for layer in weighted_layers(model)]


def test_what_a_training_starts_from(tiny_config, tmp_path):
    model = build.model(tiny_config, seed=1)
    before = arrays(model)
    assert "random" in recipe.start(model, "none")
    assert "random" in recipe.start(model)  # the shipped ones are of a wider network
    assert not changed(model, before)
    with pytest.raises(ValueError, match=r"shapes\.h5"):
        recipe.start(model, "shapes")
    with pytest.raises(FileNotFoundError):
        recipe.start(model, tmp_path / "none.h5")

    class Two(type(tiny_config)):
        NUM_CLASSES = 2

    save_weights(build.model(tiny_config, seed=2), tmp_path / "same.h5")
    save_weights(build.model(Two(), seed=2), tmp_path / "two.h5")
    assert recipe.start(model, tmp_path / "two.h5").count("excluded: mrcnn_bbox_fc")
    assert not changed(model, before) & set(CLASS_LAYERS)
    recipe.start(model, tmp_path / "same.h5")
    assert {"conv1", "rpn_model", "mrcnn_mask"} <= changed(model, before)


def test_what_cannot_be_kept_is_refused_before_training(tiny_shapes, tmp_path):
    config = recipe.settings(check(tiny_shapes))
    model = build.model(config)
    model.built_from = None  # as of a file
    batches = build.batches(config, tiny_shapes)
    with pytest.raises(ValueError, match="read from a file"):
        recipe.fit_in(tmp_path / "run", model, batches, stages=[], optimizer=None)
    assert not (tmp_path / "run").exists()


def test_no_report_of_an_earlier_model_stays(tmp_path):
    (tmp_path / model_folder.REPORT).write_text("{}")
    assert recipe.measure(tmp_path, None) is None
    assert not list(tmp_path.iterdir())


def test_sets_of_one_file_and_of_another(tmp_path):
    from tests.data.readers import coco_sets

    one = coco_sets.write(tmp_path / "one", name="train.json")
    two = coco_sets.write(tmp_path / "two", name="val.json")
    train, val = recipe.open_sets(one)
    assert (train.num_images, val) == (3, None)
    train, val = recipe.open_sets(one, two)
    assert (train.num_images, val.num_images) == (3, 3)
    train, val = recipe.open_sets(tmp_path / "one")  # a folder with one split
    assert (train.num_images, val) == (3, None)
    assert recipe.open_measured(tmp_path / "two").num_images == 3
    assert recipe.open_measured(tmp_path / "one").num_images == 3
    with pytest.raises(ValueError, match="split is 'test'"):
        recipe.open_measured(tmp_path / "one", "test")


@pytest.mark.slow
@pytest.mark.usefixtures("eager")
@pytest.mark.filterwarnings("ignore:Even though the `tf.config")
def test_what_was_learnt_is_there_again(tiny_config, tiny_shapes, tmp_path):
    few = Part(tiny_shapes, [0, 1])
    options = {"epochs": 1, "steps": 1, "weights": "none", "seed": 1}
    options |= {"callbacks": [Accuracy(few)], "monitor": "val_mask_ap"}
    first, again = (
        recipe.learn(tiny_config, tiny_shapes, few, folder=tmp_path / "run", **options)
        for _ in range(2)
    )
    assert (first.more, again.more) == (True, False)
    assert again.history == first.history
    assert {"loss", "val_loss", "val_mask_ap"} <= set(first.history)
    assert not (tmp_path / "run" / model_folder.REPORT).exists()
    assert model_folder.read(tmp_path / "run").config.NUM_CLASSES == 4
