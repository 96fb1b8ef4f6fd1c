"""How well each image's objects are found, by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from mrcnn.evaluation import Scene, image_quality

A, B, HALF = (0, 0, 20, 20), (0, 40, 20, 60), (0, 0, 20, 10)
LARGE = (0, 0, 20, 16)  # four fifths of A


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        ([(1, A)], [(1, A, 0.9)], 1.0),
        ([(1, A)], [(1, LARGE, 0.9)], 0.8),
        ([(1, A)], [(1, HALF, 0.9)], 0.0),  # an IoU of one half is not above it
        ([(1, A)], [(2, A, 0.9)], 0.0),  # another class
        ([(1, A)], [], 0.0),
        ([], [(1, A, 0.9)], 0.0),
        ([(1, A)], [(1, A, 0.4)], 0.0),  # not sure enough
        ([(1, A), (1, B)], [(1, A, 0.9)], 2 / 3),
        ([(1, A)], [(1, A, 0.9), (1, B, 0.8)], 2 / 3),
        ([(1, A), (1, B)], [(1, LARGE, 0.9), (1, B, 0.8)], 0.9),
        ([], [], np.nan),
        ([], [(1, A, 0.4)], np.nan),
    ],
)
def test_quality_by_hand(
    truth: list, found: list, expected: float, make_scene: Callable[..., Scene]
) -> None:
    (quality,) = image_quality([make_scene(truth, found)])
    assert quality == pytest.approx(expected, nan_ok=True)


def test_one_for_each_image(make_scene: Callable[..., Scene]) -> None:
    scenes = [make_scene([(1, A)], [(1, A, 0.6)]), make_scene([(1, B)], [])]
    assert image_quality(scenes).tolist() == [1.0, 0.0]
    assert image_quality(scenes, min_score=0.7).tolist() == [0.0, 0.0]
    assert image_quality([]).shape == (0,)
