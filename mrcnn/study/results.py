"""What the study says: drops by task, their spread over seeds, and the verdict."""

import math
import statistics
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from mrcnn.evaluation.drops import relative_changes
from mrcnn.pruning.methods import ABLATIONS
from mrcnn.study.cells import DENSE, SMALLER
from mrcnn.study.ledger import Ledger
from mrcnn.tasks import Task

DENSE_KEY = "dense checkpoint"

NO_RIVALS = {DENSE, SMALLER, *ABLATIONS}
"""Controls, which prune nothing, and variants of the schema."""


class Row(NamedTuple):
    """One method at one sparsity and budget, over all seeds that were run.

    Changes are relative to the dense checkpoint, in percent, negative for a loss.
    """

    method: str
    sparsity: float
    steps: int
    seeds: int
    mean: Mapping[Task, float]  # of each task's headline metric
    std: Mapping[Task, float]
    worst: float  # mean over seeds of the worst task's change
    worst_std: float

    @property
    def spread(self) -> float:
        """How far the tasks part: best minus worst mean change."""
        return max(self.mean.values()) - min(self.mean.values())


class Verdict(NamedTuple):
    """Whether a method beats all others at one sparsity."""

    sparsity: float
    method: Row
    rival: Row  # the best of the others
    margin: float  # in worst-task change, percentage points
    pooled_std: float
    outcome: str  # "win", "tie", "loss", or "open" if seeds are too few to tell


def table(ledger: Ledger, view: str = "headline") -> list[Row]:
    """Return one row for each method, sparsity and budget.

    Args:
        ledger: with the dense checkpoint's metrics and any number of runs.
        view: "headline", tasks end to end, or "isolated".

    Raises:
        ValueError: if the dense checkpoint is not among the results.
    """
    if DENSE_KEY not in ledger.results:
        raise ValueError(
            f"{ledger.path} lacks the metrics of the dense checkpoint: `make study` "
            "measures them first."
        )
    dense = _by_task(ledger.results[DENSE_KEY][view])
    runs: dict[tuple[str, float, int], list[dict[Task, float]]] = {}
    for key, result in ledger.results.items():
        if key == DENSE_KEY:
            continue
        changes = relative_changes(_by_task(result[view]), dense)
        place = result["method"], result["sparsity"], result["steps"]
        runs.setdefault(place, []).append(changes)
    return [_row(*place, changes) for place, changes in runs.items()]


def verdicts(
    rows: Iterable[Row], method: str, sparsities: Iterable[float]
) -> list[Verdict]:
    """Judge a method by the rule that was fixed before the study.

    It wins at a sparsity if its mean worst-task change is above that of the best other
    method by more than the pooled standard deviation of the two over seeds; it loses if
    it is below by more; else the two tie. With a single seed, or not as many of both,
    the verdict is open. `NO_RIVALS` do not count.

    Raises:
        ValueError: if rows are of several budgets.
    """
    rows = list(rows)
    if len({row.steps for row in rows}) > 1:
        raise ValueError(
            "The rows are of several budgets; judge those of one, such as "
            "[row for row in rows if row.steps == STEPS]."
        )
    found = []
    for sparsity in sparsities:
        here = [row for row in rows if row.sparsity == sparsity]
        ours = next((row for row in here if row.method == method), None)
        others = [row for row in here if row.method not in {method, *NO_RIVALS}]
        if ours is None or not others:
            continue
        rival = max(others, key=lambda row: row.worst)
        margin = ours.worst - rival.worst
        pooled = math.sqrt((ours.worst_std**2 + rival.worst_std**2) / 2)
        outcome = _outcome(margin, pooled) if ours.seeds == rival.seeds > 1 else "open"
        found.append(Verdict(sparsity, ours, rival, margin, pooled, outcome))
    return found


def _outcome(margin: float, pooled_std: float) -> str:
    if abs(margin) <= pooled_std:
        return "tie"
    return "win" if margin > 0 else "loss"


def curves(
    rows: Iterable[Row], names: Mapping[str, str]
) -> dict[str, dict[str, dict[float, tuple[float, float]]]]:
    """Return what `visualize.plot_over_sparsity` draws: a panel for each task.

    Args:
        rows: of one budget.
        names: the methods to draw, and what the figure calls them.
    """
    panels: dict[str, dict[str, dict[float, tuple[float, float]]]] = {}
    rows = list(rows)
    for task in Task:
        methods = panels.setdefault(task.value, {})
        for method, name in names.items():
            methods[name] = {
                row.sparsity: (row.mean[task], row.std[task])
                for row in rows
                if row.method == method
            }
    return panels


def ranking(
    rows: Iterable[Row], sparsity: float
) -> dict[str, tuple[float, float, float]]:
    """Return each method's worst-task change, and one standard deviation around it."""
    return {
        row.method: (row.worst, row.worst - row.worst_std, row.worst + row.worst_std)
        for row in rows
        if row.sparsity == sparsity and row.method != DENSE
    }


def largest_sparsity(rows: Iterable[Row], method: str, limit: float) -> float | None:
    """Return up to which sparsity no task loses more than a limit; None if at none.

    Args:
        rows: of one budget.
        method: whose.
        limit: per cent of the worst task's metric, mean over seeds.
    """
    found = None
    mine = (row for row in rows if row.method == method)
    for row in sorted(mine, key=lambda row: row.sparsity):
        if row.worst < -limit:
            break
        found = row.sparsity
    return found


def _by_task(metrics: Mapping[str, float | None]) -> dict[Task, float]:
    # A network that detects nothing has no class accuracy: it is worth nothing.
    return {Task(name): value or 0.0 for name, value in metrics.items()}


def _row(
    method: str, sparsity: float, steps: int, changes: list[dict[Task, float]]
) -> Row:
    worst = [min(change.values()) for change in changes]
    return Row(
        method,
        sparsity,
        steps,
        len(changes),
        {t: statistics.fmean(c[t] for c in changes) for t in Task},
        {t: _std([c[t] for c in changes]) for t in Task},
        statistics.fmean(worst),
        _std(worst),
    )


def _std(values: list[float]) -> float:
    return statistics.stdev(values) if len(values) > 1 else 0.0
