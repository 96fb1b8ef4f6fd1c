"""What is copied from web servers and from Keras' guides, on Matterport's session."""

import keras
import numpy as np
import pytest

import mrcnn.model as modellib
from mrcnn import utils


@pytest.fixture(scope="module")
def session(tiny_config, tmp_path_factory):
    settings = {"IMAGE_RESIZE_MODE": "pad64", "DETECTION_MIN_CONFIDENCE": 0.0}
    settings |= {"IMAGE_MAX_DIM": 128, "NUM_CLASSES": 1 + 3}
    config = type("Own", (type(tiny_config),), settings)()
    return modellib.MaskRCNN("inference", config, tmp_path_factory.mktemp("logs"))


def image(height, width):
    rng = np.random.default_rng(height + width)
    return rng.integers(0, 256, (height, width, 3), dtype=np.uint8)


def pixels(session, shape):
    return utils.generate_pyramid_anchors(
        session.config.RPN_ANCHOR_SCALES,
        session.config.RPN_ANCHOR_RATIOS,
        modellib.compute_backbone_shapes(session.config, shape),
        session.config.BACKBONE_STRIDES,
        session.config.RPN_ANCHOR_STRIDE,
    )


def test_anchors_are_those_of_the_last_image(session):
    session.keras_model.image_shape = None
    assert session.anchors is None
    session.detect([image(64, 128)])
    wide = pixels(session, (64, 128, 3))
    np.testing.assert_allclose(session.anchors, wide, atol=1e-4)
    session.detect([image(64, 64)])
    square = pixels(session, (64, 64, 3))
    assert len(square) < len(wide)
    np.testing.assert_allclose(session.anchors, square, atol=1e-4)
    session.get_anchors((64, 128, 3))
    np.testing.assert_allclose(session.anchors, wide, atol=1e-4)


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's")
def test_a_web_server_of_tensorflow_1(session):
    import tensorflow as tf

    expected = session.detect([image(64, 64)])[0]
    session.keras_model._make_predict_function()
    graph = tf.compat.v1.get_default_graph()
    with graph.as_default():
        found = session.detect([image(64, 64)])[0]
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_network_is_saved_and_comes_back(session, tmp_path):
    session.keras_model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert type(loaded) is type(session.keras_model)
    molded, metas, _ = session.mold_inputs([image(64, 64)])
    for ours, theirs in zip(
        loaded.predict([molded, metas]),
        session.keras_model.predict([molded, metas]),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(ValueError, match=r"ends in \.keras"):
        session.keras_model.save(tmp_path / "mask_rcnn.h5")


# --- What does not belong together


def repeated(array, times):
    return np.repeat(array, times, axis=0)


@pytest.fixture(scope="module")
def molded(session):
    return session.mold_inputs([image(64, 64)])[:2]


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda x, m: (repeated(x, 2), m), "are 2 molded images and 1 metas: take"),
        (lambda x, m: (x, repeated(m, 2)), "there are 1 molded images and 2 metas"),
        (lambda x, m: (x[:, :32], m), r"image 0 .* \(32, 64, 3\).* \(64, 64, 3\)"),
        (lambda x, m: (x[..., :1], m), r"image 0 .* \(64, 64, 1\).* \(64, 64, 3\)"),
        (lambda x, m: (x[0], m), r"of the shape \(64, 64, 3\) and not \(B, H, W, C\)"),
        (lambda x, m: (x, m[0]), r"of the shape \(16,\) and not \(B, 12 \+ K\)"),
        (lambda x, m: (x, m[:, :12]), r"of the shape \(1, 12\) and not"),
        (lambda x, m: (x, None), r"of the shape \(\) and not"),
        (lambda x, m: (x.astype(np.uint8), m), "are uint8, and so have their mean sti"),
        (lambda x, m: ([x[0], x[0, :32]], m), "molded images differ in size"),
    ],
)
def test_molded_images_and_their_metas_belong_together(session, molded, change, match):
    images, metas = change(*molded)
    calls = [
        lambda: session.detect_molded(images, metas),
        lambda: session.keras_model.predict([images, metas]),
        lambda: (
            session.run_graph(images, [("x", "ROI")], image_metas=metas)
            if metas is not None
            else session.detect_molded(images, metas)
        ),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=match):
            call()


def test_a_batch_goes_through_both_ways_of_predicting(session, molded):
    network = session.keras_model
    expected = network.predict(list(molded))
    anchors = session.get_anchors((64, 64))[None]
    for found in (
        network.predict_on_batch(list(molded)),
        network.predict((*molded, anchors)),
        network.predict([molded[0].astype(float), molded[1].tolist()]),
    ):
        for ours, theirs in zip(found, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(
    ("given", "match"),
    [
        (lambda x, m: x, "The batch is of the type ndarray. The network takes a dict"),
        (lambda x, m: [x], r"is of the type list.*\[molded_images, image_metas\]"),
        (lambda x, m: {"images": x}, r"is a dictionary of images\. The"),
        (lambda x, m: {"image": x, "windows": m}, r"a dictionary of image, windows\."),
    ],
)
def test_a_network_says_what_it_takes(session, molded, tiny_model, given, match):
    batch = given(*molded)
    network = session.keras_model
    for call in (network.predict, network.predict_on_batch, network):
        with pytest.raises(TypeError, match=match):
            call(batch)
    for call in (tiny_model.predict_on_batch, tiny_model):
        with pytest.raises(TypeError, match=match):
            call(batch)
    # Keras has made something else of it on the way.
    with pytest.raises(TypeError, match="The network takes a dictionary of images"):
        tiny_model.predict(batch, verbose=0)
    with pytest.raises(TypeError, match="is of the type list"):
        session.keras_model(list(molded))


# --- Layers


def test_what_is_set_on_a_layer_is_set_on_the_layer(session):
    network = session.keras_model
    layer = network.get_layer("mrcnn_bbox_fc")
    layer.trainable = False
    inner = network.box_head.get_layer("mrcnn_bbox_fc")
    assert inner.trainable is False
    assert all(w is not v for w in inner.weights for v in network.trainable_variables)
    layer.trainable = True
    assert inner.trainable
    with pytest.raises(AttributeError, match=r"ROI is a step .* but no trainable"):
        network.get_layer("ROI").trainable = False


def test_a_layer_is_called_with_arrays_and_not_with_names(session):
    network = session.keras_model
    layer = network.get_layer("mrcnn_bbox_fc")
    values = np.ones((1, 16), np.float32)
    inner = network.box_head.get_layer("mrcnn_bbox_fc")
    np.testing.assert_array_equal(layer(values), inner(values))
    with pytest.raises(TypeError, match=r"called with 'ROI', the name .*run_graph"):
        layer(network.get_layer("ROI").output)


@pytest.mark.parametrize(
    ("name", "way_out"),
    [
        ("input_image_meta", "MaskRCNN.mold_inputs"),
        ("input_anchors", "MaskRCNN.get_anchors"),
        ("proposal_targets", "mrcnn.model.DetectionTargetLayer"),
        ("roi_align_classifier", "mrcnn.model.PyramidROIAlign"),
        ("mrcnn_mask_loss", "keras_model.history.history"),
    ],
)
def test_layers_of_matterports_that_are_none_here(session, name, way_out):
    with pytest.raises(ValueError, match=f"layer {name} is none here: use {way_out}"):
        session.keras_model.get_layer(name)


@pytest.mark.parametrize("name", ["inputs", "outputs", "input_shape", "output"])
def test_symbolic_tensors_have_something_in_their_place(session, name):
    assert not hasattr(session.keras_model, name)
    with pytest.raises(AttributeError, match=rf"keras_model\.{name}: .*run_graph.*exp"):
        getattr(session.keras_model, name)
    with pytest.raises(AttributeError, match="no attribute 'inner_model_7'"):
        _ = session.keras_model.inner_model_7
