"""The grid, the ledger and the verdict, without training anything."""

import json

import pytest

from mrcnn.pruning.methods import METHODS
from mrcnn.study import __main__ as command
from mrcnn.study.cells import DENSE, ONE_SHOT, Cell, grid
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import DENSE_KEY, table, verdicts
from mrcnn.tasks import Task

DENSE_METRICS = {"box": 0.9, "class": 1.0, "mask": 0.8}


def result(method, sparsity, seed, box, class_=1.0, mask=0.8, steps=300):
    cell = Cell(method, sparsity, seed, steps)
    return cell.key, {
        **cell._asdict(),
        "headline": {"box": box, "class": class_, "mask": mask},
    }


@pytest.fixture
def ledger(tmp_path):
    book = Ledger(tmp_path / "study.jsonl")
    book.add(DENSE_KEY, {"headline": DENSE_METRICS})
    return book


def test_cells_have_names_of_their_own():
    cells = list(grid())
    assert len({cell.key for cell in cells}) == len(cells)
    methods = {cell.method for cell in cells}
    assert {DENSE, *METHODS} < methods
    assert len(methods) >= 10


def test_every_method_has_the_same_budget():
    for cell in grid():
        assert cell.training_steps + cell.overhead == cell.steps
        assert cell.training_steps > 0.5 * cell.steps
        if cell.method_used:
            assert cell.schedule.end < cell.training_steps


def test_gradients_are_paid_for():
    lamp, taylor, tasks = (Cell(m, 0.9, 0, 300) for m in ("LAMP", "Taylor", "TBP"))
    assert lamp.overhead == 0
    choices = len(tasks.schedule.steps())
    batches = METHODS["TBP"].batches * choices
    assert tasks.overhead == pytest.approx(batches * 7 / 3, abs=1)
    assert taylor.overhead == METHODS["Taylor"].batches * choices


def test_one_shot_prunes_once():
    cell = Cell(f"{ONE_SHOT}LAMP", 0.9, 0, 300)
    assert cell.method_used is METHODS["LAMP"]
    assert len(cell.schedule.steps()) == 1


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match="no pruning method magic"):
        list(grid(["magic"]))


def test_a_ledger_comes_back_as_it_was(ledger):
    ledger.add(*result("LAMP", 0.9, 0, 0.81))
    again = Ledger(ledger.path)
    assert again.results == ledger.results
    assert again.missing(["new", DENSE_KEY]) == ["new"]


def test_a_broken_ledger_names_the_line(ledger):
    with ledger.path.open("a") as file:
        file.write('{"key": "half')
    with pytest.raises(ValueError, match="line 2 is no result"):
        Ledger(ledger.path)


def test_an_interrupted_study_goes_on(ledger, monkeypatch):
    done = []

    def run(cell, checkpoint):
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(cell.key)
        return result(*cell[:3], box=0.9)[1]

    def finish(cell, checkpoint):
        done.append(cell.key)
        return result(*cell[:3], box=0.9)[1]

    cells = list(grid(["LAMP", "random"], (0.9,), (0, 1)))
    monkeypatch.setattr(command, "run_cell", run)
    with pytest.raises(KeyboardInterrupt):
        command.study(cells, ledger=ledger.path)
    first = done.copy()
    done.clear()
    monkeypatch.setattr(command, "run_cell", finish)
    command.study(cells[:4], ledger=ledger.path)
    assert len(first) == len(done) == 2
    assert not set(first) & set(done)


def test_drops_by_hand(ledger):
    ledger.add(*result("LAMP", 0.9, 0, box=0.81, mask=0.78))
    ledger.add(*result("LAMP", 0.9, 1, box=0.855, mask=0.72))
    (row,) = table(ledger)
    assert row.seeds == 2
    assert row.mean[Task.BOX] == pytest.approx(-7.5)
    assert row.mean[Task.CLASS] == 0
    # The worst task of seed 0 loses 10 %, that of seed 1 another 10 %.
    assert row.worst == pytest.approx(-10)
    assert row.worst_std == pytest.approx(0, abs=1e-9)
    assert row.spread == pytest.approx(7.5)


def test_a_network_that_finds_nothing_loses_everything(ledger):
    ledger.add(*result("random", 0.98, 0, box=0.0, class_=None, mask=0.0))
    assert table(ledger)[0].worst == -100


def add(ledger, method, changes, sparsity=0.9):
    for seed, change in enumerate(changes):
        ledger.add(*result(method, sparsity, seed, box=0.9 * (1 + change / 100)))


@pytest.mark.parametrize(
    ("ours", "outcome"),
    [((-1, -2, -3), "win"), ((-5, -6, -7), "tie"), ((-9, -9, -9), "loss")],
)
def test_the_rule_by_hand(ledger, ours, outcome):
    add(ledger, "TBP", ours)
    add(ledger, "LAMP", (-5, -6, -8))
    add(ledger, "random", (-50, -60, -70))
    (verdict,) = verdicts(table(ledger), "TBP", [0.9, 0.95])
    assert verdict.rival.method == "LAMP"
    assert verdict.outcome == outcome


def test_without_the_dense_metrics_there_are_no_drops(tmp_path):
    with pytest.raises(ValueError, match="lacks the metrics of the dense"):
        table(Ledger(tmp_path / "empty.jsonl"))


def test_lines_are_plain_json(ledger):
    ledger.add(*result("LAMP", 0.9, 0, 0.81))
    for line in ledger.path.read_text().splitlines():
        assert "key" in json.loads(line)
