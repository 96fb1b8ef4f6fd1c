"""Image metas and molded images: hand-made numbers, there and back."""

import keras
import numpy as np
import pytest
from keras import ops

from mrcnn.config import Config
from mrcnn.matterport.metas import (
    compose_image_meta,
    mold_image,
    parse_image_meta,
    parse_image_meta_graph,
    unmold_image,
)

CONFIG = Config()
PARTS = (7, (50, 100, 3), (128, 128, 3), (32, 0, 96, 128), 1.28, [1, 0, 1])
ROW = [7, 50, 100, 3, 128, 128, 3, 32, 0, 96, 128, 1.28, 1, 0, 1]
NAMES = [
    *("image_id", "original_image_shape", "image_shape"),
    *("window", "scale", "active_class_ids"),
]


def test_a_meta_by_hand():
    meta = compose_image_meta(*PARTS)
    assert meta.dtype == np.float64
    np.testing.assert_array_equal(meta, ROW)


def test_whole_numbers_make_floats_too():
    assert compose_image_meta(0, *PARTS[1:4], 1, [0]).dtype == np.float64


def test_metas_are_parsed_to_their_parts():
    parsed = parse_image_meta(np.stack([ROW, ROW]))
    assert list(parsed) == NAMES
    for value, part in zip(parsed.values(), PARTS, strict=True):
        np.testing.assert_array_equal(value, np.array([part, part], value.dtype))
    kinds = {name: value.dtype for name, value in parsed.items()}
    assert kinds.pop("scale") == np.float32
    assert set(kinds.values()) == {np.dtype(np.int32)}


def test_tensors_say_the_same():
    meta = np.array([ROW, ROW], np.float32)
    parsed = parse_image_meta_graph(ops.convert_to_tensor(meta))
    assert list(parsed) == NAMES
    for name, value in parse_image_meta(meta).items():
        assert keras.backend.standardize_dtype(parsed[name].dtype) == "float32"
        np.testing.assert_array_equal(ops.convert_to_numpy(parsed[name]), value)


def test_symbolic_metas_are_parsed():
    inputs = keras.Input((15,))
    model = keras.Model(inputs, parse_image_meta_graph(inputs))
    found = model(np.array([ROW], np.float32))
    np.testing.assert_array_equal(found["window"], [[32, 0, 96, 128]])
    np.testing.assert_array_equal(found["active_class_ids"], [[1, 0, 1]])


def test_another_length_is_refused():
    with pytest.raises(ValueError, match=r"original_image_shape is \(50, 100\)"):
        compose_image_meta(7, (50, 100), *PARTS[2:])
    with pytest.raises(ValueError, match=r"window is \(\); give 4"):
        compose_image_meta(*PARTS[:3], (), 1, [])


def test_molding_takes_the_mean_off():
    molded = mold_image(np.full((1, 1, 3), 200, np.uint8), CONFIG)
    assert molded.dtype == np.float64
    np.testing.assert_array_equal(molded[0, 0], 200 - CONFIG.MEAN_PIXEL)


def test_every_level_comes_back():
    levels = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    for dtype in (np.float64, np.float32):
        back = unmold_image(mold_image(levels, CONFIG).astype(dtype), CONFIG)
        assert back.dtype == np.uint8
        np.testing.assert_array_equal(back, levels)


def test_what_is_out_of_range_does_not_wrap():
    far = np.array([[[-500.0, 0, 500]]])
    np.testing.assert_array_equal(unmold_image(far, CONFIG), [[[0, 117, 255]]])


def test_other_channels_have_their_own_mean():
    class Grey(Config):
        IMAGE_CHANNEL_COUNT = 1
        MEAN_PIXEL = (10.0,)

    assert mold_image(np.zeros((2, 2, 1), np.uint8), Grey()).tolist()[0] == [[-10]] * 2
