"""The page of results shows what the files of results hold."""

import json
import re

import pytest

from mrcnn.benchmarks import growth
from mrcnn.study.results import Row
from mrcnn.tasks import Task

import pictures
import results
import results_choices
import results_frontier
import results_growth
import results_peers
import results_study


@pytest.fixture(scope="module")
def study():
    return results_study.Study()


def test_pages_are_up_to_date(study):
    for page, fresh in results.numbers(study).items():
        assert pictures.numbers_of(results.BOOK / f"{page}.md") == fresh


def test_pages_show_every_number(study):
    for page in results.numbers(study):
        path = results.BOOK / f"{page}.md"
        used = re.findall(r"\{\{ (\w+) \}\}", path.read_text())
        assert sorted(used) == sorted(pictures.numbers_of(path))


def test_readme_shows_the_same(study):
    text = results.README.read_text()
    assert all(text.count(mark) == 1 for mark in results.MARKS)
    shown = results.of_intro(study) | results.of_results(study)
    assert results.readme(text, shown) == text


def test_the_figure_has_a_curve_for_each_method_in_every_panel(study):
    for ax in results_study.figure(study).axes:
        assert len(ax.containers) == len(results_study.SHOWN)


def row(method: str, sparsity: float, worst: float) -> Row:
    same = dict.fromkeys(Task, worst)
    return Row(method, sparsity, 300, 3, same, dict.fromkeys(Task, 0.5), worst, 0.5)


def test_methods_are_ordered_by_the_middle_sparsity():
    rows = [
        *(row("a", s, w) for s, w in ((0.9, -1), (0.95, -4), (0.98, -5))),
        *(row("TBP", s, w) for s, w in ((0.9, -2), (0.95, -3), (0.98, -6))),
        row("dense", 0.0, -0.5),
    ]
    assert results_study.worst(rows).splitlines() == [
        "| method | 90% | 95% | 98% |",
        "| --- | ---: | ---: | ---: |",
        "| **TBP** | -2.00 ± 0.50 | -3.00 ± 0.50 | -6.00 ± 0.50 |",
        "| a | -1.00 ± 0.50 | -4.00 ± 0.50 | -5.00 ± 0.50 |",
    ]


def test_one_seed_has_no_deviation():
    found = results_study.worst([row("a", 0.95, -2.0)._replace(seeds=1)])
    assert found.splitlines()[2] == "| a | -2.00 |"


def test_small_networks_stand_beside_the_schema():
    rows = [row("smaller dense", 0.98, -1), row("TBP", 0.98, -7), row("a", 0.98, -9)]
    assert results_study.smaller(rows).splitlines()[2:] == [
        "| 2% | pruned by TBP | -7.00 | -7.00 | -7.00 | -7.00 | 3 |",
        "| 2% | small, from scratch | -1.00 | -1.00 | -1.00 | -1.00 | 3 |",
    ]


def test_a_limit_that_no_sparsity_keeps():
    rows = [row("a", 0.9, -1.0), row("a", 0.95, -1.5), row("b", 0.9, -0.5)]
    assert results_study.limits(rows, control=-0.6).splitlines()[2:] == [
        "| a | 95% | 90% | 95% |",
        "| b | 90% | 90% | 90% |",
    ]
    found = results_study.limits([row("c", 0.9, -6.0)], control=0.0)
    assert "| c | none | none | none |" in found


def test_speeds_within_a_program_and_between_networks_alike():
    speeds = {
        ("Keras float32", 1.0): (1.0, 1.1),
        ("Keras float32", 0.25): (9.0,),
        ("LiteRT float32", 1.0): (2.0,),
        ("LiteRT float32", 0.25): (6.0, 5.0),
        ("OpenVINO float32", 1.0): (4.0,),
        ("OpenVINO float32", 0.25): (8.0, 8.0),
        ("OpenVINO int8", 1.0): (5.0,),
        ("OpenVINO int8", 0.25): (20.0,),
    }
    rows = [
        {"format": form, "part": part, "control": bool(i), "times_as_fast": speed}
        for (form, part), of in speeds.items()
        for i, speed in enumerate(of)
    ]
    assert results_frontier.gains(rows, 0.25) == (2.0, 3.0)
    assert results_frontier.doubt(rows) == pytest.approx(0.2)


def test_the_speeds_are_those_of_the_narrowest_network_that_loses_no_more():
    def row(form: str, part: float, speed: float, box: float, control: bool = False):
        metrics = {"box": box, "class": 0.99, "mask": 0.8}
        known = {"format": form, "part": part, "times_as_fast": speed}
        return {**known, "control": control, "metrics": metrics}

    rows = [
        row("Keras float32", 1, 1.0, 1.0),
        row("Keras float32", 0.1, 2.0, 0.98),  # Keras: another column says it
        row("LiteRT float32", 0.25, 9.0, 1.0),  # not the narrowest
        row("LiteRT float32", 0.1, 8.0, 0.98),
        row("OpenVINO float32", 0.1, 6.0, 0.98),
        row("OpenVINO int8", 0.1, 7.0, 0.98),
        row("ONNX Runtime int8", 0.1, 20.0, 0.97),  # loses more
        row("OpenVINO int8", 0.1, 30.0, 1.0, control=True),
        row("OpenVINO float32", 0.05, 40.0, 0.9),
    ]
    assert results_frontier.speeds(rows, limit=2) == [6.0, 7.0, 8.0]
    assert results_frontier.speeds(rows, limit=1) == [9.0]


def test_growth_is_said_for_each_work_and_axis_and_drawn_where_it_is_known():
    base = {"work": "detect compact", **growth.BASE}
    rows = [
        base | {"objects": 1, "median": 1.0, "memory": 1e6, "peak": 2e6},
        base | {"objects": 10, "median": 100.0, "memory": 5e6, "peak": 6e6},
        base | {"objects": 100, "error": "not done"},
    ]
    assert results_growth.verdicts(rows).splitlines()[2:] == [
        "| detect compact | objects in an image | up to n^2.0 | at most linear |"
    ]
    lines = results_growth.values(rows).splitlines()
    assert "| detect compact | objects | 100 | not done |  |  |  |  |" in lines


def test_a_program_that_does_not_run_stands_in_the_table():
    row = {"work": "w", "programs": {"p": {"error": "why"}}}
    name, _, *lines = results_peers.programs([row]).splitlines()
    assert name == "**w**"
    assert lines[2:] == ["| p | why |  |  |  |  |"]


def choice(name: str, seed: int, mask: float, seconds: float = 100, **others) -> dict:
    """Return a row of `balloon_choices`, in which AP50 and edges follow mask AP."""
    return {
        "name": name,
        "seed": seed,
        "environment": {"device": "here"},
        "steps": 800,
        "images": 40,
        "cpu_seconds": seconds,
        "mask_ap": mask,
        "mask_ap50": mask + 0.2,
        "boundary_ap": mask / 2,
        "looks": {},
        **others,
    }


def looks(mask: float) -> dict:
    row = choice("", 0, mask)
    measures = {key: row[key] for key in ("images", "mask_ap", "mask_ap50")}
    return {"looks": {"mirrored": {**measures, "boundary_ap": mask / 2}}}


USUAL = results_choices.USUAL
CHOICES = [
    choice(USUAL, 0, 0.40, **looks(0.41)),
    choice("worse", 0, 0.30, 150),
    choice("better", 0, 0.44, 200),
    choice(USUAL, 1, 0.50, 80, **looks(0.53)),
    choice("better", 1, 0.60, 80),
    choice("better", 2, 0.99),  # the book's of this seed is yet to come
    choice("worse", 1, 0.99, environment={"device": "elsewhere"}),
    choice("unpaired", 2, 0.99),
]


def test_choices_are_compared_with_the_book_seed_by_seed():
    assert results_choices.choices(CHOICES).splitlines() == [
        "| choice | seeds | mask AP | AP50 | boundary AP | times the seconds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        f"| **{USUAL}** | 2 | 0.450 ± 0.071 | 0.650 ± 0.071 | 0.225 ± 0.035 | 1.00 |",
        "| better | 2 | +0.070 ± 0.042 | +0.070 ± 0.042 | +0.035 ± 0.021 | 1.50 |",
        f"| {USUAL}, mirrored | 2 | +0.020 ± 0.014 | +0.020 ± 0.014 "
        "| +0.010 ± 0.007 | 1.00 |",
        "| worse | 1 | -0.100 | -0.100 | -0.050 | 1.50 |",
    ]


@pytest.mark.parametrize("rows", [None, [], CHOICES[1:3], CHOICES[:1], CHOICES])
def test_the_page_shows_choices_as_soon_as_the_book_has_a_row(
    rows, monkeypatch, tmp_path
):
    out = tmp_path / "balloon_choices.json"
    if rows is not None:
        out.write_text(json.dumps(rows))
    monkeypatch.setattr(results_choices, "OUT", out)
    shown = results_choices.numbers()
    if not any(row["name"] == USUAL for row in rows or ()):
        assert shown == {}
        return
    assert shown.pop("choices_table").startswith("| choice |")
    assert shown == {
        "choices_machine": "here",
        "choices_steps": "800",
        "choices_images": "40",
    }
