"""Tables and a figure of the study of pruning, for the page "Results"."""

from collections.abc import Iterable

from mrcnn.pruning.methods import ABLATIONS, SCHEMA
from mrcnn.study.cells import DENSE, SMALLER, STEPS
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import (
    DENSE_KEY,
    Row,
    Verdict,
    curves,
    largest_sparsity,
    verdicts,
)
from mrcnn.study.results import table as study_rows
from mrcnn.study.subjects import ledger_path
from mrcnn.tasks import Task
from mrcnn.visualize import plot_over_sparsity
from mrcnn.visualize.style import Figure

from stages_numbers import table

JUDGED = (0.9, 0.95, 0.98)
"""Sparsities at which the schema is judged."""

LIMITS = (1, 5)
"""Per cent that the worst task may lose."""

SHOWN = (SCHEMA, "Taylor", "DiSparse", "LAMP", "magnitude, global")
"""Methods in the figure."""

OTHERS = ("harder", "resnet50")
"""Subjects beside the study proper."""


class Study:
    """The results of the study on the test images, with the budget of the verdict."""

    def __init__(self, subject: str = "compact") -> None:
        """Read the ledger of a subject."""
        self.ledger = Ledger(ledger_path(subject))
        self.rows = self._rows("headline")
        self.dense = next(row for row in self.rows if row.method == DENSE)
        self.verdicts = verdicts(self.rows, SCHEMA, JUDGED)

    def _rows(self, view: str) -> list[Row]:
        return [row for row in study_rows(self.ledger, view) if row.steps == STEPS]

    def isolated(self) -> list[Row]:
        """Return the rows of the tasks by themselves."""
        return self._rows("isolated")

    @property
    def start(self) -> dict[str, float]:
        """What the dense checkpoint reaches in each task."""
        return self.ledger.results[DENSE_KEY]["headline"]

    @property
    def weights(self) -> int:
        """How many weights can be pruned."""
        runs = self.ledger.results.values()
        return next(run["weights"] for run in runs if run.get("method") == DENSE)


def numbers(study: Study) -> dict[str, str]:
    """Return what the page shows of the study, by the names that it uses."""
    methods = [row for row in study.rows if row.method not in ABLATIONS]
    variants = [row for row in study.rows if row.method in {SCHEMA, *ABLATIONS}]
    outcomes = [verdict.outcome for verdict in study.verdicts]
    pruned = [r for r in study.ledger.results.values() if r.get("method") != SMALLER]
    return {
        "shipped_box": f"{study.start['box']:.2f}",
        "runs": str(len(pruned) - 1),
        "steps": str(STEPS),
        "dense_worst": _worst(study.dense),
        "wins": str(outcomes.count("win")),
        "losses": str(outcomes.count("loss")),
        "study_table": worst(methods),
        "verdict_table": judged(study.verdicts),
        "tasks_table": by_task(study.rows),
        "isolated_table": by_task(study.isolated()),
        "ablations_table": worst(row for row in variants if row.sparsity == JUDGED[1]),
        "limits_table": limits(study.rows, study.dense.worst),
        "smaller_table": smaller(study.rows),
        "compact_weights": f"{study.weights / 1e6:.1f}",
        **{key: text for name in OTHERS for key, text in other(name).items()},
    }


def other(subject: str) -> dict[str, str]:
    """Return what the page shows of a subject beside the study proper."""
    study = Study(subject)
    return {
        f"{subject}_start": ", ".join(f"{v:.3f}" for v in study.start.values()),
        f"{subject}_dense": _worst(study.dense),
        f"{subject}_seeds": str(study.dense.seeds),
        f"{subject}_weights": f"{study.weights / 1e6:.1f}",
        f"{subject}_table": worst(study.rows),
    }


def figure(study: Study) -> Figure:
    """Draw each task over sparsity for the methods that are best somewhere."""
    shown = curves(study.rows, {name: name for name in SHOWN})
    return plot_over_sparsity(shown, ylabel="change (%)", ylim=(-22, 0.5))


def judged(found: Iterable[Verdict]) -> str:
    """Return a table of verdicts on the schema."""
    return table(
        ["sparsity", SCHEMA, "best of the others", "", "margin", "deviation", ""],
        [
            (
                f"{v.sparsity:.0%}",
                f"{v.method.worst:.2f}",
                f"{v.rival.worst:.2f}",
                v.rival.method,
                f"{v.margin:+.2f}",
                f"{v.pooled_std:.2f}",
                v.outcome,
            )
            for v in found
        ],
    )


def worst(rows: Iterable[Row]) -> str:
    """Return a table of the worst task's changes, methods by sparsities."""
    rows = [row for row in rows if row.method not in (DENSE, SMALLER)]
    found = {(row.method, row.sparsity): row for row in rows}
    sparsities = sorted({row.sparsity for row in rows})
    middle = sparsities[len(sparsities) // 2]
    order = sorted(
        {row.method for row in rows},
        key=lambda name: -found[name, middle].worst,
    )
    return table(
        ["method", *(f"{sparsity:.0%}" for sparsity in sparsities)],
        [
            (
                _bold(name),
                *(
                    _worst(row) if row else ""
                    for row in (found.get((name, s)) for s in sparsities)
                ),
            )
            for name in order
        ],
    )


def by_task(rows: Iterable[Row]) -> str:
    """Return a table of each task's change at the middle sparsity that is judged."""
    others = {SMALLER, *ABLATIONS}
    here = [r for r in rows if r.sparsity == JUDGED[1] and r.method not in others]
    return table(
        ["method", *(task.value for task in Task)],
        [
            (_bold(r.method), *(_change(r.mean[t], r.std[t], r.seeds) for t in Task))
            for r in sorted(here, key=lambda row: -row.worst)
        ],
    )


def smaller(rows: Iterable[Row]) -> str:
    """Return a table of networks that were small from the start, beside the schema."""
    rows = sorted(rows, key=lambda row: (row.sparsity, row.method))
    names = {SCHEMA: f"pruned by {SCHEMA}", SMALLER: "small, from scratch"}
    return table(
        ["weights", "network", *(task.value for task in Task), "worst", "seeds"],
        [
            (
                f"{1 - row.sparsity:.0%}",
                names[row.method],
                *(f"{row.mean[task]:.2f}" for task in Task),
                f"{row.worst:.2f}",
                row.seeds,
            )
            for row in rows
            if row.method in names
        ],
    )


def limits(rows: Iterable[Row], control: float) -> str:
    """Return a table of the largest sparsity at which every task keeps a limit.

    Args:
        rows: of all methods.
        control: the worst task's change without pruning, which is counted out in the
            first column.
    """
    rows = [row for row in rows if row.method not in {DENSE, SMALLER, *ABLATIONS}]
    names = dict.fromkeys(row.method for row in rows)
    kept = (LIMITS[0] - control, *LIMITS)
    found = {n: [largest_sparsity(rows, n, limit) for limit in kept] for n in names}
    order = sorted(names, key=lambda name: [-(s or 0) for s in found[name][::-1]])
    return table(
        [
            "method",
            f"{LIMITS[0]} % below the control",
            *(f"{limit} % below the start" for limit in LIMITS),
        ],
        [
            (_bold(name), *(f"{s:.0%}" if s else "none" for s in found[name]))
            for name in order
        ],
    )


def _change(mean: float, std: float, seeds: int) -> str:
    """Return a change with its deviation; one seed has none."""
    return f"{mean:.2f} ± {std:.2f}" if seeds > 1 else f"{mean:.2f}"


def _worst(row: Row) -> str:
    return _change(row.worst, row.worst_std, row.seeds)


def _bold(name: str) -> str:
    return f"**{name}**" if name == SCHEMA else name
