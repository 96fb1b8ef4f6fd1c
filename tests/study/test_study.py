"""The grid, the ledger and the verdict, without training anything."""

import math

import pytest
from dask.distributed import Client, LocalCluster

from mrcnn.pruning.methods import ABLATIONS, BASELINES, METHODS, SCHEMA
from mrcnn.study.__main__ import main
from mrcnn.study.cells import DENSE, ONE_SHOT, SMALLER, Cell, grid
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import (
    DENSE_KEY,
    curves,
    largest_sparsity,
    ranking,
    table,
    verdicts,
)
from mrcnn.study.study import study
from mrcnn.study.subjects import IMAGES, SUBJECTS, checkpoint_path, ledger_path
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
    assert {DENSE, SMALLER, SCHEMA, *BASELINES} < methods
    assert len(methods) >= 10


def test_every_method_has_the_same_budget():
    for cell in grid():
        assert cell.training_steps + cell.overhead == cell.steps
        assert cell.training_steps > 0.5 * cell.steps
        if cell.method_used:
            assert cell.schedule.end < cell.training_steps


@pytest.mark.parametrize("method", ["LAMP", "TBP", "DiSparse"])
def test_every_choice_that_is_paid_for_is_made(method):
    for steps in range(16, 400):
        cell = Cell(method, 0.9, 0, steps)
        assert len(cell.schedule.steps()) == cell.updates
        assert cell.schedule.end < cell.training_steps


@pytest.mark.parametrize("method", ["LAMP", "TBP", "DiSparse"])
def test_a_small_budget_is_not_spent_on_choosing(method):
    for steps in range(16, 400):
        cell = Cell(method, 0.9, 0, steps)
        assert cell.overhead <= math.ceil(steps / 2)
        dearer = math.ceil((cell.updates + 1) * cell.method_used.cost)
        assert cell.updates == 8 or dearer > steps / 2
    assert Cell(method, 0.9, 0, 300).updates == 8


def test_the_ramp_of_the_study_by_hand():
    assert Cell("LAMP", 0.9, 0, 300).schedule == (0.9, 15, 30, 8)
    assert Cell("TBP", 0.9, 0, 300).schedule == (0.9, 14, 28, 8)
    assert Cell(f"{ONE_SHOT}LAMP", 0.9, 0, 300).schedule == (0.9, 15, 15, 1)


def test_gradients_are_paid_for():
    names = ("LAMP", "Taylor", "TBP", "DiSparse")
    lamp, taylor, schema, tasks = (Cell(name, 0.9, 0, 300) for name in names)
    assert lamp.overhead == 0
    choices = len(tasks.schedule.steps())
    batches = METHODS["DiSparse"].batches * choices
    assert tasks.overhead == math.ceil(batches * 7 / 3)  # one pass forward, three back
    assert taylor.overhead == METHODS["Taylor"].batches * choices
    assert schema.overhead == taylor.overhead
    balanced = METHODS["TBP, following the tasks"].cost - METHODS["TBP"].cost
    assert balanced == pytest.approx(2 * 2 / 3)  # two batches, two passes forward


def test_a_budget_must_pay_for_the_choice_of_weights():
    with pytest.raises(ValueError, match=r"DiSparse spends \d+ steps .*, of 5:"):
        _ = Cell("DiSparse", 0.9, 0, 5).training_steps


def test_one_shot_prunes_once():
    cell = Cell(f"{ONE_SHOT}LAMP", 0.9, 0, 300)
    assert cell.method_used is METHODS["LAMP"]
    assert len(cell.schedule.steps()) == 1


def test_unknown_methods_are_refused():
    with pytest.raises(ValueError, match="no pruning method magic"):
        list(grid(["magic"]))


@pytest.fixture(scope="module")
def client():
    with (
        LocalCluster(
            processes=False, n_workers=1, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        Client(cluster) as client,
    ):
        yield client


def run_study(client, cells, ledger, run):
    study(client, cells, ledger, run=run, measure_dense=lambda: {"headline": {}})


def test_a_study_does_what_is_missing_and_survives_a_failure(client, ledger, tmp_path):
    cells = list(grid(["LAMP", "random"], (0.9,), (0, 1)))
    log, repaired = tmp_path / "log", tmp_path / "repaired"

    def run(cell):
        with log.open("a") as file:
            file.write(f"{cell.key}\n")
        if cell.method == "random" and cell.seed == 0 and not repaired.exists():
            raise ArithmeticError("too sparse")
        return result(*cell[:3], box=0.9)[1]

    with pytest.raises(RuntimeError, match=r"1 runs failed: random .*too sparse"):
        run_study(client, cells, ledger, run)
    assert sorted(log.read_text().splitlines()) == sorted(cell.key for cell in cells)
    log.unlink()
    repaired.touch()
    again = Ledger(ledger.path)
    run_study(client, cells, again, run)
    assert log.read_text() == "random | 0.9 | seed 0 | 300 steps\n"
    assert not Ledger(ledger.path).missing(cell.key for cell in cells)


def test_the_dense_checkpoint_is_measured_if_it_was_not(client, tmp_path):
    ledger = Ledger(tmp_path / "new.jsonl")
    run_study(client, [], ledger, run=None)
    assert Ledger(ledger.path).results[DENSE_KEY] == {"key": DENSE_KEY, "headline": {}}


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


def test_curves_and_headlines_by_hand(ledger):
    for sparsity, box in ((0.8, 0.9), (0.9, 0.87), (0.95, 0.8), (0.98, 0.88)):
        ledger.add(*result("LAMP", sparsity, 0, box))
    rows = table(ledger)
    panels = curves(rows, {"LAMP": "layer-adaptive"})
    assert list(panels) == ["box", "class", "mask"]
    mean, std = panels["box"]["layer-adaptive"][0.9]
    assert mean == pytest.approx(100 * (0.87 / 0.9 - 1))
    assert std == 0
    assert largest_sparsity(rows, "LAMP", 1) == 0.8
    # That of 0.98 is no answer: at 0.95 the limit is broken.
    assert largest_sparsity(rows, "LAMP", 5) == 0.9
    assert largest_sparsity(rows, "LAMP", 0.0) == 0.8
    assert largest_sparsity(rows, "random", 5) is None
    assert ranking(rows, 0.9)["LAMP"][0] == pytest.approx(mean)


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
    for name in (*ABLATIONS, DENSE, SMALLER):
        add(ledger, name, (0, 0, 0))
    (verdict,) = verdicts(table(ledger), "TBP", [0.9, 0.95])
    assert verdict.rival.method == "LAMP"
    assert verdict.outcome == outcome


def test_too_few_seeds_leave_the_verdict_open(ledger):
    add(ledger, "TBP", (-1,))
    add(ledger, "LAMP", (-50,))
    assert verdicts(table(ledger), "TBP", [0.9])[0].outcome == "open"
    add(ledger, "TBP", (-1, -2, -3))
    assert verdicts(table(ledger), "TBP", [0.9])[0].outcome == "open"
    add(ledger, "LAMP", (-50, -51, -52))
    assert verdicts(table(ledger), "TBP", [0.9])[0].outcome == "win"


def test_runs_of_several_budgets_are_not_judged_together(ledger):
    add(ledger, "TBP", (-1, -2))
    ledger.add(*result("LAMP", 0.9, 0, box=0.89, steps=3000))
    with pytest.raises(ValueError, match="several budgets"):
        verdicts(table(ledger), "TBP", [0.9])


def test_a_variant_can_be_judged_too(ledger):
    add(ledger, "TBP, ranks", (-1, -2, -3))
    add(ledger, "LAMP", (-5, -6, -8))
    assert verdicts(table(ledger), "TBP, ranks", [0.9])[0].outcome == "win"


def test_without_the_dense_metrics_there_are_no_drops(tmp_path):
    with pytest.raises(ValueError, match="lacks the metrics of the dense"):
        table(Ledger(tmp_path / "empty.jsonl"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--methods", "magic"], "no pruning method magic"),
        (["--methods", "TBP", "--steps", "3"], "give it a larger budget"),
        (["--sparsities", "95"], "target is 95"),
        (["--methods", "smaller dense", "--sparsities", "95"], "target is 95"),
        (
            ["--images", "validation", "--ledger", str(ledger_path())],
            "measured on test images, not on validation",
        ),
        (["--checkpoint", "none.h5"], "--checkpoint none.h5: there is no such file"),
        (["--ledger", str(ledger_path("harder"))], "did not start from"),
        (
            ["--ledger", str(ledger_path()), "--checkpoint", str(ledger_path())],
            "did not start from",
        ),
    ],
)
def test_a_wrong_command_line_trains_nothing(options, message, monkeypatch, capsys):
    def connect(*_):
        pytest.fail("the study has begun")

    monkeypatch.setattr("mrcnn.study.__main__.connect", connect)
    monkeypatch.setattr("sys.argv", ["study", *options])
    with pytest.raises(SystemExit):
        main()
    assert message in capsys.readouterr().err


def test_every_subject_has_a_ledger_of_its_own():
    paths = [ledger_path(s, i) for s in SUBJECTS for i in IMAGES]
    assert len({str(path) for path in paths}) == len(SUBJECTS) * len(IMAGES)
    assert len({str(checkpoint_path(s)) for s in SUBJECTS}) == len(SUBJECTS)
    assert checkpoint_path().is_file()
