"""Resampling against evaluating each sample anew, and intervals by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from mrcnn.evaluation.bootstrap import change_intervals, interval, resampled_headline
from mrcnn.evaluation.coco import average_precision, resampled_ap
from mrcnn.evaluation.scenes import Scene
from mrcnn.tasks import Task

NAMES = ("BG", "a", "b")
BOX, OTHER = (10, 10, 30, 30), (40, 40, 60, 60)


@pytest.fixture
def scenes(make_scene: Callable[..., Scene]) -> list[Scene]:
    return [
        make_scene([(1, BOX)], [(1, BOX, 0.9), (1, OTHER, 0.95)]),
        make_scene([(2, BOX), (1, OTHER)], [(2, (10, 10, 30, 25), 0.7)]),
        make_scene([], [(1, BOX, 0.4)]),
        make_scene([(1, OTHER)], [(2, OTHER, 0.8)]),
    ]


@pytest.mark.parametrize("task", ["box", "mask"])
def test_each_sample_scores_as_if_it_were_measured_anew(
    scenes: list[Scene], task: str
) -> None:
    samples = np.random.default_rng(1).integers(4, size=(20, 4))
    found = resampled_ap(scenes, NAMES, task, samples)
    anew = [
        average_precision([scenes[i] for i in sample], NAMES, task).ap
        for sample in samples
    ]
    np.testing.assert_allclose(found, anew)
    assert len(set(np.round(found, 6))) > 3


def test_the_whole_set_in_order_is_the_result_itself(scenes: list[Scene]) -> None:
    (value,) = resampled_ap(scenes, NAMES, "box", np.arange(4)[None])
    assert value == average_precision(scenes, NAMES, "box").ap


def test_one_image_leaves_no_doubt(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene([(1, BOX)], [(1, BOX, 0.9)])
    found = resampled_headline([scene], NAMES, resamples=5)
    for task in Task:
        assert interval(found[task]) == (pytest.approx(1), pytest.approx(1))


def test_the_same_model_twice_has_changed_by_nothing(scenes: list[Scene]) -> None:
    first, second = (resampled_headline(scenes, NAMES, resamples=50) for _ in range(2))
    values = change_intervals(first, second)
    assert values[Task.BOX] == (0, 0)
    assert np.ptp(first[Task.BOX]) > 0


def test_an_interval_by_hand() -> None:
    values = np.append(np.arange(101.0), np.nan)
    assert interval(values) == pytest.approx((2.5, 97.5))
    assert interval(values, level=0.5) == pytest.approx((25, 75))


def test_no_images_are_refused() -> None:
    with pytest.raises(ValueError, match="no image to resample"):
        resampled_headline([], NAMES)
