"""What measures growth: which points, what they say, and one of each kind of work."""

import json
import subprocess

import numpy as np
import pytest

from mrcnn.benchmarks import growth, growth_works, rows
from mrcnn.benchmarks.growth import BASE, Point


def test_one_axis_varies_at_a_time_and_no_point_comes_twice():
    every = growth.points()
    assert len(every) == len(set(every))
    for point in every:
        others = [axis for axis, value in BASE.items() if getattr(point, axis) != value]
        assert len(others) <= 1
        assert not others or others[0] in growth.WORKS[point.work]
    sides = {p.side for p in every if p.work == "train compact"}
    assert sides == {128, 256, 512, 1024, 2048}
    assert {p.objects for p in every} >= {1, 300}
    assert {p.batch for p in every} >= {1, 16}


def test_parts_of_names_and_few_points():
    few = growth.points(["detect R50"], quick=True)
    assert {point.work for point in few} == {"detect R50"}
    assert {point.side for point in few} == {128, 256, 512}


def row(side=256, objects=10, **found):
    return {**BASE, "work": "detect R50", "side": side, "objects": objects, **found}


def test_exponents_are_those_of_pixels():
    found = [
        row(512, median=16.0, memory=2),
        row(128, median=1.0, memory=0),
        row(256, median=4.0, memory=2),
        row(objects=300, median=9.0, memory=5),
    ]
    line = growth.along(found, "detect R50", "side")
    assert [r["side"] for r in line] == [128, 256, 512]
    np.testing.assert_allclose(
        growth.exponents(line, "side", "median"), [np.nan, 1.0, 1.0]
    )
    np.testing.assert_allclose(
        growth.exponents(line, "side", "memory"), [np.nan, np.nan, 0.0]
    )
    by_objects = growth.along(found, "detect R50", "objects")
    expected = np.log(9 / 4) / np.log(30)
    assert growth.exponents(by_objects, "objects", "median")[1] == pytest.approx(
        expected
    )


@pytest.mark.parametrize(
    ("exponents", "said"),
    [
        ([], "not known"),
        ([float("nan")], "not known"),
        ([float("nan"), 0.2, 1.05], "at most linear"),
        ([float("nan"), 1.96, 0.5], "up to n^2.0"),
    ],
)
def test_the_verdict(exponents, said):
    assert growth.verdict(exponents) == said


def test_a_row_that_failed_says_so_and_stands_in_the_table():
    failed = row(512, error="ended with status -9")
    found = [row(128, median=1.0, memory=1e6, peak=2e6), failed]
    lines = growth.table(found).splitlines()
    assert lines[2] == "| detect R50 | side | 128 | 1.0000 |  | 1 |  | 2 |"
    assert lines[3] == "| detect R50 | side | 512 | ended with status -9 |  |  |  |  |"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (subprocess.TimeoutExpired("python", 1), "not done after"),
        (subprocess.CalledProcessError(-9, "python"), "ended with status -9"),
    ],
)
def test_a_process_that_fails_is_a_row(monkeypatch, error, said):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(growth, "measure_apart", fail)
    assert said in growth.measured(growth.points()[0], 1)["error"]


def test_an_interrupted_run_goes_on_with_the_rows_of_this_environment(tmp_path):
    progress, asked = tmp_path / "rows.json", []

    def measure(of):
        if of["n"] == 3:
            raise KeyboardInterrupt
        asked.append(of["n"])
        return {"seconds": of["n"] / 2}

    def run(wanted, here):
        wanted = [{"n": n} for n in wanted]
        return rows.measure_all(wanted, measure, progress, {"python": here})

    with pytest.raises(KeyboardInterrupt):
        run([1, 2, 3], "a")
    kept = json.loads(progress.read_text())
    assert [(r["n"], r["seconds"]) for r in kept] == [(1, 0.5), (2, 1.0)]
    assert [r["n"] for r in run([1, 2, 4], "a")] == [1, 2, 4]
    assert asked == [1, 2, 4]
    run([1], "b")
    assert asked == [1, 2, 4, 1]
    kept = json.loads(progress.read_text())  # with what was not asked for this time
    assert [(r["n"], r["environment"]["python"]) for r in kept] == [
        (1, "b"),
        (2, "a"),
        (4, "a"),
    ]


def test_rows_yet_to_come_stay_in_the_file_while_another_is_measured(tmp_path):
    progress = tmp_path / "rows.json"
    rows.measure_all([{"n": 1}, {"n": 3}], lambda of: {}, progress, {})

    def measure(of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows.measure_all([{"n": 1}, {"n": 2}, {"n": 3}], measure, progress, {})
    assert [r["n"] for r in json.loads(progress.read_text())] == [1, 3]


def test_squares_are_as_many_as_asked_for_and_do_not_touch():
    data = growth_works.Squares(2, side=64, objects=7)
    masks, class_ids = data.load_mask(0)
    assert masks.shape == (64, 64, 7) and class_ids.tolist() == [1] * 7
    assert masks.any((0, 1)).all() and masks.sum(-1).max() == 1
    assert data.load_image(0).shape == (64, 64, 3)


def test_a_detection_finds_what_is_asked_for():
    work = growth_works.job(Point("detect compact", side=64, objects=12, batch=2))
    work.call()
    assert work.work() == (0.0, "batch 2, 12 detections")
