"""The whole network against an independent float64 computation, stage by stage."""

import numpy as np
import pytest

from mrcnn.benchmarks.parity import compare


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.usefixtures("rewritten")
def test_every_stage_is_matterports(seed):
    stages = compare(seed)
    for stage, (ours, theirs) in stages.items():
        assert ours.shape == theirs.shape, stage
        scale = max(1.0, np.abs(theirs).max())  # float32 holds seven digits
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale)
    classes = stages["mrcnn_detection"][1][:, 4]
    assert np.count_nonzero(classes) >= 3
    assert stages["ROI"][1].any(axis=1).sum() >= 10
