"""What the program asks of its backend."""

import keras
import numpy as np
import pytest

from mrcnn import build
from mrcnn.detection import prepare
from mrcnn.hardware import rewrite_graphs


@pytest.mark.usefixtures("rewritten")
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="what TensorFlow rewrites"
)
def test_graphs_say_the_same_as_they_are(tiny_config, tiny_shapes):
    found = []
    for wanted in (True, False):
        rewrite_graphs(wanted)
        model = build.model(tiny_config, seed=3, precision="float32")
        inputs, _ = prepare(model, [tiny_shapes.load_image(0)])
        stages = model.stages(inputs)
        assert stages.proposals.valid.sum() > 5
        found.append(keras.tree.flatten(stages))
    for rewritten, plain in zip(*found, strict=True):
        np.testing.assert_allclose(plain, rewritten, rtol=1e-5, atol=1e-5)
