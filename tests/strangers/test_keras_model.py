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
