"""The session object: modes, runs, weights, detection, and a look inside."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn import model as modellib
from mrcnn import utils
from mrcnn.data.augment import imgaug
from mrcnn.matterport.graph import PROPOSAL_STEPS, STAGES

pytestmark = [
    pytest.mark.filterwarnings("ignore:Even though the `tf.config"),
    pytest.mark.usefixtures("eager"),
]


@pytest.fixture(scope="module")
def config(tiny_config):
    """Sure of everything, so that something is detected; two images a batch."""
    settings = {"DETECTION_MIN_CONFIDENCE": 0.0, "STEPS_PER_EPOCH": 1}
    settings |= {"VALIDATION_STEPS": 1, "NAME": "Tiny"}
    return type("Any", (type(tiny_config),), settings)()


@pytest.fixture(scope="module")
def session(config, tmp_path_factory):
    """Return a session in which every box is taken for an object of class 1 to 3."""
    model = modellib.MaskRCNN("inference", config, tmp_path_factory.mktemp("logs"))
    bias = model.keras_model.box_head.get_layer("mrcnn_class_logits").bias
    bias.assign(np.array([-3, 0, 0.1, 0.2], np.float32))
    return model


@pytest.fixture
def images(rng):
    """Return images of three sizes."""
    shapes = [(50, 64, 3), (64, 64, 3), (30, 90, 3)]
    return [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]


def test_any_number_of_images(session, images):
    assert session.detect([]) == []
    found = session.detect(images, verbose=1)
    assert len(found) == 3
    for result, image in zip(found, images, strict=True):
        count = len(result["rois"])
        assert result["masks"].shape == (*image.shape[:2], count)
        assert set(result) == {"rois", "class_ids", "scores", "masks"}
    assert len(found[1]["rois"])


def test_molded_images_detect_the_same(session, images):
    molded, metas, windows = session.mold_inputs(images)
    assert molded.shape == (3, 64, 64, 3)
    assert metas.shape == (3, session.config.IMAGE_META_SIZE)
    assert windows[0].tolist() == [7, 0, 57, 64]
    for got, expected in zip(
        session.detect_molded(molded, metas), session.detect(images), strict=True
    ):
        np.testing.assert_array_equal(got["rois"], expected["rois"])
        np.testing.assert_array_equal(got["masks"], expected["masks"])


def test_predictions_of_the_keras_model_unmold_to_the_same(session, images):
    molded, metas, windows = session.mold_inputs(images)
    anchors = np.broadcast_to(session.get_anchors((64, 64, 3)), (3, 4092 // 4, 4))
    outputs = session.keras_model.predict([molded, metas, anchors], verbose=0)
    detections, classes, deltas, masks, rois, rpn_class, rpn_bbox = outputs
    assert detections.shape == (3, 5, 6)
    assert masks.shape == (3, 5, 28, 28, 4)
    assert classes.shape == (*rois.shape[:2], 4)
    assert deltas.shape == (*rois.shape[:2], 4, 4)
    assert rpn_class.shape == (*rpn_bbox.shape[:2], 2)
    # Of the same batch of three: `detect` takes two, and the last bit may differ.
    for i, expected in enumerate(session.detect_molded(molded, metas)):
        boxes, class_ids, scores, full = session.unmold_detections(
            detections[i], masks[i], images[i].shape, molded[i].shape, windows[i]
        )
        np.testing.assert_array_equal(boxes, expected["rois"])
        np.testing.assert_array_equal(class_ids, expected["class_ids"])
        np.testing.assert_allclose(scores, expected["scores"])
        different = np.count_nonzero(full != expected["masks"])
        assert different <= 1e-3 * full.size


def test_no_detections_unmold_to_nothing(session):
    nothing = np.zeros((5, 6)), np.zeros((5, 28, 28, 4))
    boxes, class_ids, _, masks = session.unmold_detections(
        *nothing, (30, 40, 3), (64, 64, 3), (17, 12, 47, 52)
    )
    assert boxes.shape == (0, 4)
    assert class_ids.shape == (0,)
    assert masks.shape == (30, 40, 0)


def test_anchors_in_both_frames(session):
    normalised = session.get_anchors((64, 64, 3))
    pixels = utils.generate_pyramid_anchors(
        session.config.RPN_ANCHOR_SCALES,
        session.config.RPN_ANCHOR_RATIOS,
        modellib.compute_backbone_shapes(session.config, (64, 64, 3)),
        session.config.BACKBONE_STRIDES,
        session.config.RPN_ANCHOR_STRIDE,
    )
    np.testing.assert_allclose(session.anchors, pixels, atol=1e-4)
    np.testing.assert_allclose(normalised, utils.norm_boxes(pixels, (64, 64)), 1e-5)


# --- Inside the network


def test_the_way_of_an_image_through_the_network(session, images):
    get = session.keras_model.get_layer
    pillar = get("ROI").output
    steps = session.run_graph(
        images[:1],
        [
            ("rpn_class", get("rpn_class").output),
            ("pre_nms_anchors", session.ancestor(pillar, "ROI/pre_nms_anchors:0")),
            ("refined", session.ancestor(pillar, "ROI/refined_anchors:0")),
            ("clipped", session.ancestor(pillar, "ROI/refined_anchors_clipped:0")),
            (
                "kept",
                session.ancestor(
                    pillar, "ROI/rpn_non_max_suppression/NonMaxSuppressionV3:0"
                ),
            ),
            ("proposals", pillar),
        ],
    )
    scores = steps["rpn_class"][0, :, 1]
    best = np.sort(scores)[::-1][:64]
    anchors = session.get_anchors((64, 64))
    order = [
        np.flatnonzero((anchors == a).all(1))[0] for a in steps["pre_nms_anchors"][0]
    ]
    np.testing.assert_allclose(scores[order], best)
    np.testing.assert_array_equal(steps["clipped"], np.clip(steps["refined"], 0, 1))
    kept = steps["kept"]
    np.testing.assert_array_equal(
        steps["proposals"][0, : len(kept)], steps["clipped"][0, kept]
    )
    assert not steps["proposals"][0, len(kept) :].any()


def test_values_by_name(session, images):
    names = (*STAGES, "res2a_out", "fpn_p2", "fpn_p6")
    outputs = [(name, session.keras_model.get_layer(name).output) for name in names]
    found = session.run_graph(images[:2], outputs)
    assert list(found) == list(names)
    assert found["res2a_out"].shape == (2, 16, 16, 8)
    assert found["fpn_p2"].shape == (2, 16, 16, 8)
    assert found["fpn_p6"].shape == (2, 1, 1, 8)
    assert found["input_image"].shape == (2, 64, 64, 3)
    detections = found["mrcnn_detection"]
    assert set(detections[..., 4].ravel()) <= {0, 1, 2, 3}
    molded, metas, _ = session.mold_inputs(images[:2])
    again = session.run_graph(molded, outputs[:2], image_metas=metas)
    np.testing.assert_allclose(again["input_image"], molded)


def test_an_output_may_have_gone_through_tensorflow(session, images):
    if keras.backend.backend() != "tensorflow":
        pytest.skip("a notebook of TensorFlow")
    through = ops.convert_to_tensor(session.keras_model.get_layer("input_image").output)
    found = session.run_graph(images[:1], [("image", through)])
    assert found["image"].shape == (1, 64, 64, 3)


def test_names_that_mean_nothing(session, images):
    assert session.ancestor("ROI", "ROI/something:0") is None
    assert session.ancestor("ROI", "mrcnn_class") == "mrcnn_class"
    with pytest.raises(ValueError, match="There is no layer 'res9a_out'"):
        session.keras_model.get_layer("res9a_out")
    with pytest.raises(ValueError, match="mrcnn_mask_conv1 can be computed"):
        session.run_graph(images[:1], [("x", "mrcnn_mask_conv1")])
    with pytest.raises(AttributeError, match="ROI is a step of the network"):
        _ = session.keras_model.get_layer("ROI").kernel
    assert len(PROPOSAL_STEPS) == 4


def test_layers_are_keras_own(session):
    layer = session.keras_model.get_layer("mrcnn_mask_conv1")
    assert layer.kernel.shape == (3, 3, 8, 8)
    assert session.find_trainable_layer(layer) is layer
    names = {layer.name for layer in session.get_trainable_layers()}
    assert {"conv1", "rpn_model", "mrcnn_mask"} < names
    assert "res2a_out" not in names
    session.keras_model.summary(print_fn=lambda *a, **k: None)


# --- Modes and errors


def test_each_mode_does_its_own(session, config, tiny_shapes, tmp_path):
    with pytest.raises(ValueError, match=r'train\(\) needs MaskRCNN\(mode="training"'):
        session.train(tiny_shapes, None, 0.001, 1, "heads")
    training = modellib.MaskRCNN("training", config, tmp_path)
    with pytest.raises(ValueError, match=r'detect\(\) needs MaskRCNN\(mode="inference'):
        training.detect([])
    with pytest.raises(ValueError, match="mode is 'train'; it must be one of training"):
        modellib.MaskRCNN("train", config, tmp_path)
    assert not list(tmp_path.iterdir())  # nothing was trained


# --- Runs


def test_epochs_are_a_total(config, tiny_shapes, tmp_path, capsys):
    model = modellib.MaskRCNN("training", config, tmp_path)
    model.train(tiny_shapes, tiny_shapes, 0.001, epochs=1, layers="heads")
    assert model.epoch == 1
    model.train(tiny_shapes, tiny_shapes, 0.001, epochs=1, layers="all")
    assert "Nothing to train: 1 epochs are done" in capsys.readouterr().out
    seen = []
    watch = keras.callbacks.Callback()
    watch.on_epoch_begin = lambda epoch, logs=None: seen.append(epoch)
    model.train(tiny_shapes, None, 0.001, 3, "all", custom_callbacks=[watch])
    assert seen == [1, 2]
    assert "val_loss" not in model.keras_model.history.history

    again = modellib.MaskRCNN("training", config, tmp_path)
    last = again.find_last()
    assert last.endswith("mask_rcnn_tiny_0003.h5")
    again.load_weights(last)
    assert (again.epoch, again.log_dir) == (3, model.log_dir)
    for a, b in zip(again.keras_model.weights, model.keras_model.weights, strict=True):
        if "loss" not in a.name and "seed" not in a.path:
            np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_only_the_asked_layers_learn(config, tiny_shapes, tmp_path):
    model = modellib.MaskRCNN("training", config, tmp_path)
    before = {w.path: np.asarray(w).copy() for w in model.keras_model.trainable_weights}
    model.train(tiny_shapes, None, 0.01, 1, "heads")
    moved = {
        w.path
        for w in model.keras_model.weights
        if w.path in before and not np.array_equal(before[w.path], np.asarray(w))
    }
    assert any("rpn_conv_shared" in path for path in moved)
    assert not any(path.startswith(("conv1", "res", "bn")) for path in moved)
    model.set_trainable("res2a.*", verbose=0)
    names = {layer.name for layer in model.get_trainable_layers() if layer.trainable}
    assert names == {f"res2a_branch{b}" for b in ("1", "2a", "2b", "2c")}
    model.compile(0.01, 0.8)
    assert float(model.keras_model.optimizer.learning_rate) == pytest.approx(0.01)


def test_an_imgaug_augmenter_moves_training_images(config, tiny_shapes, tmp_path):
    class Count(imgaug().augmenters.Identity):
        """Changes nothing."""

        calls = 0

        def _augment_batch_(self, batch, random_state, parents, hooks):
            Count.calls += 1
            return batch

    model = modellib.MaskRCNN("training", config, tmp_path)
    model.train(tiny_shapes, None, 0.01, 1, "heads", augmentation=Count())
    assert Count.calls > 0
    Count.calls = 0
    options = {"augmentation": Count(), "no_augmentation_sources": ["shapes"]}
    model.train(tiny_shapes, None, 0.01, 2, "heads", **options)
    assert Count.calls == 0


def test_weights_by_the_keras_model(session, config, tmp_path):
    path = tmp_path / "any name.h5"
    session.keras_model.save_weights(path)
    with pytest.raises(FileExistsError, match="overwrite is False"):
        session.keras_model.save_weights(path, overwrite=False)
    other = modellib.MaskRCNN("inference", config, tmp_path)
    report = other.keras_model.load_weights(path, by_name=True)
    assert not report.missing
    kernel = "mrcnn_mask_conv1"
    np.testing.assert_array_equal(
        np.asarray(other.keras_model.get_layer(kernel).kernel),
        np.asarray(session.keras_model.get_layer(kernel).kernel),
    )
    report = other.load_weights(path, exclude=[kernel])
    assert report.excluded == [kernel]
    assert other.epoch == 0  # the file belongs to no run


def test_a_backbone_of_ones_own(tiny_config, images, tmp_path):
    def backbone(image, stage5, train_bn):
        """Halve the image five times."""
        assert stage5
        levels, x = [], image
        for i in range(1, 6):
            x = keras.layers.Conv2D(8, 3, 2, "same", name=f"res{i}a_own")(x)
            levels.append(x)
        return levels

    settings = {"BACKBONE": staticmethod(backbone), "COMPUTE_BACKBONE_SHAPE": len}
    config = type("Own", (type(tiny_config),), settings | {"LAYER_WIDTHS": None})()
    model = modellib.MaskRCNN("inference", config, tmp_path)
    assert len(model.detect(images)) == 3
    values = model.run_graph(images[:1], [("c2", "res2a_own")])
    assert values["c2"].shape == (1, 16, 16, 8)
    model.keras_model.save_weights(tmp_path / "own.h5")
    assert not model.load_weights(tmp_path / "own.h5").missing
