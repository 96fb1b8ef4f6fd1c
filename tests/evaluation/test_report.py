"""The report as a file, a table and a difference."""

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mrcnn.evaluation.coco import AveragePrecision
from mrcnn.evaluation.drops import TaskDrop
from mrcnn.evaluation.isolated import Isolated
from mrcnn.evaluation.report import TaskReport
from mrcnn.tasks import Task

NAN = float("nan")


def precision(ap: float) -> AveragePrecision:
    curves = np.full((10, 101), 0.25)
    curves[9] = NAN
    return AveragePrecision(
        ap,
        0.9,
        0.7,
        0.8,
        {"a": ap, "b": NAN},
        curves,
        by_size={"small": 0.3, "medium": ap, "large": NAN},
        recall_by_size={"small": 0.4, "medium": 0.85, "large": NAN},
        recall_at={"1": 0.15, "10": 0.75, "100": 0.8},
    )


@pytest.fixture
def report() -> TaskReport:
    return TaskReport(
        class_names=("BG", "a", "b"),
        images=4,
        objects=9,
        detections=11,
        box=precision(0.8),
        mask=precision(0.5),
        class_accuracy=0.9,
        confusion=np.arange(9).reshape(3, 3),
        proposal_recall=0.95,
        proposal_average_recall=0.6,
        isolated=Isolated(0.8, 0.75, 0.68, 0.85, 1.0, 0.9, NAN),
        seed=0,
    )


def test_round_trip(report: TaskReport, tmp_path: Path) -> None:
    path = tmp_path / "a" / "report.json"
    report.to_json(path)
    read = TaskReport.from_json(path)
    assert read.to_dict() == report.to_dict()
    assert math.isnan(read.isolated.mask_iou)
    assert math.isnan(read.box.per_class["b"])
    assert math.isnan(read.box.by_size["large"])
    assert read.mask.recall_at == report.mask.recall_at
    np.testing.assert_array_equal(read.confusion, report.confusion)
    np.testing.assert_array_equal(read.box.precision, report.box.precision)
    assert read.headline == report.headline
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def test_the_file_is_strict_json_of_plain_values(
    report: TaskReport, tmp_path: Path
) -> None:
    report.to_json(tmp_path / "r.json")
    text = (tmp_path / "r.json").read_text()

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is not JSON")

    values = json.loads(text, parse_constant=refuse)
    assert (values["schema"], values["version"]) == ("mrcnn.TaskReport", 1)
    assert values["isolated"]["mask_iou"] is None


def test_a_failed_write_keeps_the_old_file(report: TaskReport, tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    report.to_json(path)
    before = path.read_text()
    with pytest.raises(ValueError):
        replace(report, proposal_recall=float("inf")).to_json(path)
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "'schema'"),
        ('{"schema": "mrcnn.TaskReport", "version": 2}', "'version'"),
        ('{"schema": "mrcnn.TaskReport", "version": 1}', "class_names"),
    ],
)
def test_bad_files_are_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        TaskReport.from_json(path)
    assert "r.json" in str(error.value)


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="to_json"):
        TaskReport.from_json(tmp_path / "none.json")


def test_headline(report: TaskReport) -> None:
    assert report.headline == {Task.BOX: 0.8, Task.CLASS: 0.9, Task.MASK: 0.5}


def test_drops_by_hand(report: TaskReport) -> None:
    pruned = replace(
        report,
        box=precision(0.6),  # -25 %
        mask=precision(0.55),  # +10 %
        class_accuracy=0.9,
        isolated=replace(report.isolated, box_iou=0.425, class_accuracy=0.6),
    )
    drop = pruned - report
    assert drop.relative == pytest.approx(
        {Task.BOX: -25.0, Task.CLASS: 0.0, Task.MASK: 10.0}
    )
    assert drop.worst == pytest.approx(-25.0)
    assert drop.worst_task is Task.BOX
    assert drop.mean == pytest.approx(-5.0)
    assert drop.spread == pytest.approx(35.0)
    assert drop.isolated[Task.BOX] == pytest.approx(-50.0)
    assert drop.isolated[Task.CLASS] == pytest.approx(-25.0)
    assert math.isnan(drop.isolated[Task.MASK])
    assert "-25.0 %" in drop.table()
    assert "<td>-25.0 %</td>" in drop._repr_html_()


def test_a_report_minus_itself_is_no_change(report: TaskReport) -> None:
    drop = report - report
    assert (drop.worst, drop.mean, drop.spread) == (0.0, 0.0, 0.0)


def test_what_cannot_be_compared_is_not_a_number(report: TaskReport) -> None:
    drop = report - replace(report, box=precision(0.0))
    assert math.isnan(drop.relative[Task.BOX])
    assert math.isnan(drop.worst)
    assert drop.worst_task is None
    assert isinstance(drop, TaskDrop)


@pytest.mark.parametrize("field", ["images", "objects", "seed"])
def test_reports_of_different_sets_are_not_compared(
    report: TaskReport, field: str
) -> None:
    with pytest.raises(ValueError, match=field):
        _ = report - replace(report, **{field: 99})


def test_table_shows_every_task_and_a_dash_for_nothing(report: TaskReport) -> None:
    lines = report.table().splitlines()
    widths = {len(line) for line in lines if line.startswith(("| task", "| box"))}
    assert len(widths) == 1  # columns line up
    assert any("AP 0.800" in line and line.startswith("| box") for line in lines)
    assert any("IoU -" in line and line.startswith("| mask") for line in lines)
    assert report._repr_html_().count("<table>") == 2


def test_one_printed_line_tells_of_sizes(report: TaskReport) -> None:
    line = (
        "AP of small, medium and large objects: "
        "box 0.300, 0.800, -; mask 0.300, 0.500, -."
    )
    assert report.table().splitlines()[1] == line
    assert line in report._repr_html_()


def test_the_table_by_size(report: TaskReport) -> None:
    assert report.size_rows() == [
        ["objects", "box AP", "box AR", "mask AP", "mask AR"],
        ["small", "0.300", "0.400", "0.300", "0.400"],
        ["medium", "0.800", "0.850", "0.500", "0.850"],
        ["large", "-", "-", "-", "-"],
        ["all", "0.800", "0.800", "0.500", "0.800"],
        ["best 1", "", "0.150", "", "0.150"],
        ["best 10", "", "0.750", "", "0.750"],
        ["best 100", "", "0.800", "", "0.800"],
    ]
    assert report.size_table().startswith("| objects ")


def test_a_file_from_before_sizes_is_read(report: TaskReport, tmp_path: Path) -> None:
    values = report.to_dict()
    for task in ("box", "mask"):
        for name in ("by_size", "recall_by_size", "recall_at"):
            del values[task][name]
    path = tmp_path / "r.json"
    path.write_text(json.dumps(values))
    read = TaskReport.from_json(path)
    assert read.headline == report.headline
    assert {row[1] for row in read.size_rows()[1:4]} == {"-"}


@pytest.mark.parametrize("field", ["by_size", "recall_by_size", "recall_at"])
@pytest.mark.parametrize("bad", [[], {}, "0.5", {"small": 0.5}, None])
def test_sizes_of_another_kind_are_one_error(
    report: TaskReport, tmp_path: Path, field: str, bad: object
) -> None:
    values = report.to_dict()
    values["mask"][field] = bad
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ValueError, match=r"odd\.json.*missing or wrong"):
        TaskReport.from_json(path)
