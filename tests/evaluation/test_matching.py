"""Confusions, failures and proposal recall, counted by hand."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from mrcnn.evaluation.matching import (
    FailureKind,
    class_accuracy,
    confusion_matrix,
    failures,
    flawless,
    match,
    object_quality,
    pixel_iou,
    proposal_recall,
)
from mrcnn.evaluation.scenes import Scene

A, B, C = (0, 0, 20, 20), (0, 40, 20, 60), (40, 0, 60, 20)


def test_confusions_by_hand(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(
        [(1, A), (2, B), (2, C)],
        [
            (1, A, 0.9),  # right
            (1, B, 0.8),  # a 2 that was called 1
            (2, A, 0.7),  # a second find of A: a false alarm
            (1, (40, 40, 60, 60), 0.3),  # where nothing is: a false alarm
        ],
    )
    table = confusion_matrix([scene], 3)
    assert table.tolist() == [[0, 1, 1], [0, 1, 0], [1, 1, 0]]
    assert class_accuracy(table) == 0.5
    shown = confusion_matrix([scene], 3, min_score=0.85)
    assert shown.tolist() == [[0, 0, 0], [0, 1, 0], [2, 0, 0]]


def test_rows_count_objects_and_columns_detections(
    make_scene: Callable[..., Scene],
) -> None:
    scenes = [
        make_scene([(1, A)], [(2, A, 0.5), (1, C, 0.5)]),
        make_scene([(2, B), (1, C)], []),
    ]
    table = confusion_matrix(scenes, 3)
    assert table[1:].sum() == 3
    assert table[:, 1:].sum() == 2


def test_empty_images(make_scene: Callable[..., Scene]) -> None:
    assert not confusion_matrix([make_scene([], [])], 2).any()
    assert confusion_matrix([], 2).shape == (2, 2)
    assert math.isnan(class_accuracy(np.zeros((2, 2), int)))
    assert class_accuracy(np.array([[0, 3], [2, 0]])) == 0.0


def test_one_pixel(make_scene: Callable[..., Scene]) -> None:
    pixel = (0, 0, 1, 1)
    scene = make_scene([(1, pixel)], [(1, pixel, 1.0)], shape=(1, 1))
    assert confusion_matrix([scene], 2).tolist() == [[0, 0], [0, 1]]


def test_detections_in_a_crowd_do_not_count(make_scene: Callable[..., Scene]) -> None:
    crowd = (0, 0, 30, 64)
    scene = make_scene([(-1, crowd), (1, C)], [(1, B, 0.9), (1, C, 0.8)])
    matches, counts = match(scene.truth, scene.found)
    assert matches.tolist() == [-1, 1]
    assert counts.tolist() == [False, True]
    assert confusion_matrix([scene], 2).tolist() == [[0, 0], [0, 1]]


def test_failures_worst_first(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(
        [(1, A), (2, B), (1, C), (1, (40, 40, 64, 64))],
        [
            (1, (0, 0, 20, 12), 0.9),  # IoU 0.6 with A
            (1, B, 0.8),
            (2, (25, 25, 35, 35), 0.6),
            (2, (25, 50, 35, 60), 0.7),
            (1, C, 0.2),  # too unsure to be shown
        ],
    )
    listed = failures([scene])
    assert [(f.kind, f.truth, f.found) for f in listed] == [
        (FailureKind.MISSED, 3, None),  # 24 x 24, larger than C
        (FailureKind.MISSED, 2, None),
        (FailureKind.FALSE_ALARM, None, 3),
        (FailureKind.FALSE_ALARM, None, 2),
        (FailureKind.WRONG_CLASS, 1, 1),
        (FailureKind.POOR_MASK, 0, 0),
    ]
    assert listed[-1].iou == pytest.approx(0.6)
    assert failures([scene], poor_iou=0.5)[-1].kind == FailureKind.WRONG_CLASS


def test_failure_indices_are_into_all_detections(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene([], [(1, A, 0.1), (1, B, 0.9)])
    (failure,) = failures([scene])
    assert failure.found == 1


def test_images_without_failure_depend_on_what_is_shown(
    make_scene: Callable[..., Scene],
) -> None:
    found = [[(1, A, 0.9)], [(1, A, 0.9), (1, C, 0.6)], [(1, A, 0.6)], []]
    truth = [[(1, A)], [(1, A)], [(1, A)], []]
    scenes = [
        replace(make_scene(*pair), image_id=i)
        for i, pair in enumerate(zip(truth, found, strict=True))
    ]
    assert flawless(scenes) == 3
    assert flawless(scenes, min_score=0.7) == 3  # the false alarm goes, A is missed
    assert flawless(scenes, min_score=0.95) == 1
    assert flawless([]) == 0


def test_proposal_recall_by_hand(make_scene: Callable[..., Scene]) -> None:
    half = (0, 40, 20, 53)  # IoU 13/20 = 0.65 with B: thresholds .50 to .65
    scene = make_scene([(1, A), (1, B)], [], proposals=[C, A, half])
    recall, average = proposal_recall([scene])
    assert recall == 1.0
    assert average == pytest.approx((1.0 + 0.4) / 2)
    assert proposal_recall([scene], limit=2)[0] == 0.5
    assert proposal_recall([make_scene([(1, A)], [])]) == (0.0, 0.0)
    assert all(map(math.isnan, proposal_recall([make_scene([], [], proposals=[A])])))


def test_quality_of_objects_by_hand(make_scene: Callable[..., Scene]) -> None:
    scenes = [
        make_scene(
            [(1, A), (2, B), (-1, C)],  # the last one is a crowd
            [(1, (0, 0, 20, 15), 0.9), (1, B, 0.3)],
        ),
        make_scene([(2, (0, 0, 10, 40))], [(1, (0, 0, 10, 40), 0.8)]),
    ]
    quality = object_quality(scenes)
    np.testing.assert_allclose(quality.sides, [20, 20, 20])
    np.testing.assert_allclose(quality.box_iou, [0.75, 0, 1])
    np.testing.assert_allclose(quality.mask_iou, [0.75, 0, 1])
    assert object_quality(scenes, min_score=0.2).box_iou[1] == 1
    assert len(object_quality([make_scene([], [])]).sides) == 0


def test_pixels_of_all_objects_together(make_scene: Callable[..., Scene]) -> None:
    scenes = [
        # Instances and classes do not count: one detection covers A and half of B.
        make_scene([(1, A), (2, (0, 20, 20, 40))], [(1, (0, 0, 20, 30), 0.9)]),
        make_scene([(1, A), (-1, B)], [(1, A, 0.9), (1, B, 0.9)]),  # B is a crowd
        make_scene([(1, A)], [(1, A, 0.4)]),  # not sure enough
        make_scene([], [(1, A, 0.9)]),
        make_scene([], []),
    ]
    np.testing.assert_allclose(pixel_iou(scenes), [0.75, 1, 0, 0, 1])
    np.testing.assert_allclose(pixel_iou(scenes, min_score=0.3)[2], 1)
    assert pixel_iou([]).shape == (0,)
