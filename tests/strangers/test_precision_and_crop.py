"""What used to differ without a word: the precision, and the centre of an image."""

import numpy as np
import pytest

from mrcnn import build, notices
from mrcnn import model as modellib
from mrcnn.data.transforms import plan_geometry, scale_factor
from mrcnn.detection import detect, prepare
from mrcnn.evaluation import isolated
from mrcnn.evaluation.scenes import load_truth
from mrcnn.structures import Preprocessing


@pytest.fixture
def bfloat16(monkeypatch):
    """Let the machine be one that computes in bfloat16."""
    monkeypatch.setattr(build, "best_policy", lambda: "mixed_bfloat16")
    monkeypatch.setattr(notices, "_said", set())


def changed(config, **settings):
    """Return a configuration with other settings."""
    return type("Mine", (type(config),), settings)()


@pytest.mark.parametrize(
    ("mode", "settings", "precision"),
    [
        ("inference", {}, "float32"),
        ("training", {}, "mixed_bfloat16"),
        ("inference", {"INFERENCE_PRECISION": "auto"}, "mixed_bfloat16"),
        ("inference", {"PRECISION": "mixed_float16"}, "float32"),
        ("training", {"PRECISION": "float32"}, "float32"),
    ],
)
def test_the_facade_says_what_it_computes_in(
    bfloat16, tiny_config, tmp_path, capsys, mode, settings, precision
):
    config = changed(tiny_config, **settings)
    for _ in range(2):
        session = modellib.MaskRCNN(mode, config, tmp_path)
    assert session.keras_model.precision == precision
    said = [s for s in capsys.readouterr().out.splitlines() if s.startswith("Precis")]
    name = "PRECISION" if mode == "training" else "INFERENCE_PRECISION"
    asked = getattr(config, name)
    assert said == [f'Precision: {precision} ({name} is "{asked}").']


def test_a_native_model_computes_in_precision_or_as_it_is_told(
    bfloat16, tiny_config, capsys
):
    assert build.model(tiny_config, precision="float32").precision == "float32"
    assert capsys.readouterr().out == ""  # nothing was chosen for the user
    assert build.model(tiny_config).precision == "mixed_bfloat16"
    assert (
        capsys.readouterr().out == 'Precision: mixed_bfloat16 (PRECISION is "auto").\n'
    )
    single = changed(tiny_config, PRECISION="float32")
    assert build.model(single).precision == "float32"


@pytest.mark.parametrize("precision", ["bf16", "float64", 32])
def test_unknown_precisions_are_refused(tiny_config, precision):
    match = "must be one of auto, float32, mixed_bfloat16, mixed_float16"
    with pytest.raises(ValueError, match=f"precision is .*{match}"):
        build.model(tiny_config, precision=precision)
    with pytest.raises(ValueError, match=rf"Mine\.INFERENCE_PRECISION is .*{match}"):
        build.model(changed(tiny_config, INFERENCE_PRECISION=precision))


@pytest.mark.parametrize("shape", [(64, 64), (50, 90), (300, 64), (1, 7), (65, 640)])
@pytest.mark.parametrize(("min_dim", "min_scale"), [(64, 0), (128, 0), (64, 1.7)])
def test_crop_sees_whole_images_at_inference(shape, min_dim, min_scale):
    crop = Preprocessing("crop", min_dim, 1024, min_scale, (0, 0, 0))
    whole = plan_geometry(shape, crop.for_inference())
    # As large as in training, all of it there, and as little padding as can be.
    assert scale_factor(shape, crop.for_inference()) == scale_factor(shape, crop)
    assert whole.resized_shape == plan_geometry(shape, crop).resized_shape
    y1, x1, y2, x2 = whole.window
    assert (y2 - y1, x2 - x1) == whole.resized_shape
    assert min(whole.offset) >= 0
    for side, resized in zip(whole.padded_shape, whole.resized_shape, strict=True):
        assert side % 64 == 0
        assert 0 <= side - resized < 64
    pad64 = crop._replace(mode="pad64")
    assert whole == plan_geometry(shape, pad64)


@pytest.mark.parametrize("mode", ["square", "pad64", "none"])
def test_the_other_modes_are_the_same_in_training_and_at_inference(mode):
    how = Preprocessing(mode, 64, 128, 0, (0, 0, 0))
    assert how.for_inference() == how


@pytest.fixture(scope="module")
def models(tiny_config):
    """Return networks of the same weights for modes crop and pad64."""
    settings = {"DETECTION_MIN_CONFIDENCE": 0.0}
    return [
        build.model(
            changed(tiny_config, IMAGE_RESIZE_MODE=mode, **settings),
            seed=3,
            precision="float32",
        )
        for mode in ("crop", "pad64")
    ]


def test_crop_detects_what_pad64_detects(models, rng):
    image = rng.integers(0, 256, (64, 150, 3), dtype=np.uint8)
    found, expected = (detect(model, [image])[0] for model in models)
    assert len(expected["scores"])
    for key, value in expected.items():
        np.testing.assert_array_equal(found[key], value, err_msg=key)


def test_crop_is_measured_as_pad64_is(models, tiny_shapes):
    truths = [(i, load_truth(tiny_shapes, i)) for i in (0, 1)]
    one, other = (isolated.isolated_metrics(m, tiny_shapes, truths) for m in models)
    assert one == other


def test_batches_still_crop_at_random(tiny_config, tiny_shapes):
    config = changed(tiny_config, IMAGE_RESIZE_MODE="crop")
    assert build.batches(config, tiny_shapes).preprocessing.mode == "crop"
    assert build.model(config, precision="float32").preprocessing.mode == "pad64"


def test_the_facade_molds_whole_images(tiny_config, tmp_path, rng):
    config = changed(tiny_config, IMAGE_RESIZE_MODE="crop")
    session = modellib.MaskRCNN("inference", config, tmp_path)
    image = rng.integers(0, 256, (64, 150, 3), dtype=np.uint8)
    molded, metas, windows = session.mold_inputs([image])
    assert molded.shape == (1, 64, 192, 3)
    assert windows.tolist() == [[0, 21, 64, 171]]
    inputs, _ = prepare(session.keras_model, [image])
    np.testing.assert_array_equal(molded, inputs["images"])
    assert metas[0, 1:7].tolist() == [64, 150, 3, 64, 192, 3]
