"""Which misses and false alarms are two objects taken for one, or one for two."""

from collections.abc import Callable

import pytest

from mrcnn.evaluation import failures, with_merges
from mrcnn.evaluation.matching import FailureKind
from mrcnn.evaluation.merges import Merge
from mrcnn.evaluation.scenes import Scene

LEFT, RIGHT, BOTH = (0, 0, 20, 20), (0, 20, 20, 32), (0, 0, 20, 32)
APART = (40, 0, 60, 20)
TOP, BOTTOM = (0, 0, 14, 20), (12, 0, 20, 20)

Makes = Callable[..., Scene]


def told(scene: Scene, **options) -> list[tuple]:
    """Return kind, object and detection of each failure."""
    listed = with_merges(failures([scene], **options), [scene], **options)
    return [(f.kind, f.truth, f.found) for f in listed]


def test_two_objects_under_one_detection(make_scene: Makes) -> None:
    # BOTH matches LEFT with an IoU of 0.62; RIGHT is left over.
    scene = make_scene([(1, LEFT), (1, RIGHT)], [(1, BOTH, 0.9)])
    assert (Merge.TWO_AS_ONE, 1, 0) in told(scene)
    assert FailureKind.MISSED not in {kind for kind, *_ in told(scene)}


def test_a_detection_over_two_that_fits_neither_is_told_once_for_each(
    make_scene: Makes,
) -> None:
    halves = [(1, (0, 0, 20, 15)), (1, (0, 17, 20, 32))]
    scene = make_scene(halves, [(1, BOTH, 0.9)])
    assert told(scene) == [(Merge.TWO_AS_ONE, 0, 0), (Merge.TWO_AS_ONE, 1, 0)]


def test_one_object_in_two_detections(make_scene: Makes) -> None:
    scene = make_scene([(1, LEFT)], [(1, TOP, 0.9), (1, BOTTOM, 0.8)])
    assert (Merge.ONE_AS_TWO, 0, 1) in told(scene)
    assert FailureKind.FALSE_ALARM not in {kind for kind, *_ in told(scene)}


def test_an_object_in_two_parts_that_both_fail_is_not_missed_too(
    make_scene: Makes,
) -> None:
    parts = [(1, (0, 0, 9, 20), 0.9), (1, (11, 0, 20, 20), 0.8)]
    assert told(make_scene([(1, LEFT)], parts)) == [
        (Merge.ONE_AS_TWO, 0, 0),
        (Merge.ONE_AS_TWO, 0, 1),
    ]


@pytest.mark.parametrize(
    ("truth", "found"),
    [
        ([(1, LEFT)], []),
        ([], [(1, LEFT, 0.9)]),
        ([(1, LEFT), (1, APART)], [(1, LEFT, 0.9)]),
        ([(1, LEFT)], [(1, LEFT, 0.9), (1, APART, 0.8)]),
        # The part of the right one that is covered is too small.
        ([(1, LEFT), (1, RIGHT)], [(1, (0, 0, 20, 25), 0.9)]),
        # A crowd is no object that was missed or split.
        ([(1, LEFT), (-1, RIGHT)], [(1, BOTH, 0.9)]),
        ([], []),
    ],
)
def test_what_has_no_neighbour_keeps_its_name(make_scene: Makes, truth, found) -> None:
    scene = make_scene(truth, found)
    kept = failures([scene])
    assert all(a is b for a, b in zip(with_merges(kept, [scene]), kept, strict=True))


def test_a_detection_that_is_not_shown_covers_nothing(make_scene: Makes) -> None:
    halves = [(1, (0, 0, 20, 15)), (1, (0, 17, 20, 32))]
    scene = make_scene(halves, [(1, BOTH, 0.4)])
    assert {kind for kind, *_ in told(scene)} == {FailureKind.MISSED}
    assert {kind for kind, *_ in told(scene, min_score=0.3)} == {Merge.TWO_AS_ONE}


def test_a_false_alarm_over_two_that_were_found_stays_one(make_scene: Makes) -> None:
    pair = [(0, 0, 20, 15), (0, 17, 20, 32)]
    found = [(1, pair[0], 0.9), (1, pair[1], 0.8), (1, BOTH, 0.7)]
    scene = make_scene([(1, box) for box in pair], found)
    assert told(scene) == [(FailureKind.FALSE_ALARM, None, 2)]
