"""Write the tables of the page "Results", and README's, from the files in book/results.

python book/results.py
"""

import json
import statistics
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "book")]

from mrcnn.pruning.methods import ABLATIONS, SCHEMA
from mrcnn.study.cells import DENSE, SMALLER, STEPS
from mrcnn.study.ledger import Ledger
from mrcnn.study.results import Row, Verdict, curves, largest_sparsity, verdicts
from mrcnn.study.results import table as study_rows
from mrcnn.study.subjects import ledger_path
from mrcnn.tasks import Task
from mrcnn.visualize import plot_over_sparsity
from mrcnn.visualize.style import Figure

import results_frontier
from pictures import BOOK, save, write_numbers
from stages_numbers import table

README = ROOT / "README.md"
MARKS = "<!-- written by book/results.py -->\n", "<!-- to here -->\n"
"""Between which README has tables."""

DPI = 160
JUDGED = (0.9, 0.95, 0.98)
"""Sparsities at which the schema is judged."""

LIMITS = (1, 5)
"""Per cent that the worst task may lose."""

SHOWN = (SCHEMA, "Taylor", "DiSparse", "LAMP", "magnitude, global")
"""Methods in the figure."""


class Study:
    """The results of the study on the test images, with the budget of the verdict."""

    def __init__(self) -> None:
        """Read the ledger."""
        self.ledger = Ledger(ledger_path())
        self.rows = self._rows("headline")
        self.dense = next(row for row in self.rows if row.method == DENSE)
        self.verdicts = verdicts(self.rows, SCHEMA, JUDGED)

    def _rows(self, view: str) -> list[Row]:
        return [row for row in study_rows(self.ledger, view) if row.steps == STEPS]

    def isolated(self) -> list[Row]:
        """Return the rows of the tasks by themselves."""
        return self._rows("isolated")


def numbers(study: Study) -> dict[str, dict[str, str]]:
    """Return what each page shows, by the names that it uses."""
    return {"intro": of_intro(study), "results": of_results(study)}


def of_intro(study: Study) -> dict[str, str]:
    """Return the numbers of the front page."""
    runs = _read("shapes")["runs"]
    first, middle, last = study.verdicts
    return {
        "box_ap": f"{statistics.fmean(run['box_ap'] for run in runs):.2f}",
        "mask_ap": f"{statistics.fmean(run['mask_ap'] for run in runs):.2f}",
        "minutes": f"{statistics.fmean(run['seconds'] for run in runs) / 60:.0f}",
        "dense": f"{-study.dense.worst:.1f}",
        "first": f"{-first.method.worst:.1f}",
        "middle": f"{-middle.method.worst:.1f}",
        "middle_rival": f"{-middle.rival.worst:.1f}",
        "last": f"{-last.method.worst:.1f}",
        "last_rival": f"{-last.rival.worst:.1f}",
    }


def of_results(study: Study) -> dict[str, str]:
    """Return the numbers and tables of the page of results."""
    methods = [row for row in study.rows if row.method not in ABLATIONS]
    variants = [row for row in study.rows if row.method in {SCHEMA, *ABLATIONS}]
    outcomes = [verdict.outcome for verdict in study.verdicts]
    return {
        "shapes_table": shapes(_read("shapes")["runs"]),
        "balloons_table": balloons(_read("balloon_real")["runs"]),
        "runs": str(len(study.ledger.results) - 1),
        "steps": str(STEPS),
        "dense_worst": _change(study.dense.worst, study.dense.worst_std),
        "wins": str(outcomes.count("win")),
        "losses": str(outcomes.count("loss")),
        "study_table": worst(methods),
        "verdict_table": judged(study.verdicts),
        "tasks_table": by_task(study.rows),
        "isolated_table": by_task(study.isolated()),
        "ablations_table": worst(row for row in variants if row.sparsity == JUDGED[1]),
        "limits_table": limits(study.rows, study.dense.worst),
        **results_frontier.numbers(),
    }


def figure(study: Study) -> Figure:
    """Draw each task over sparsity for the methods that are best somewhere."""
    shown = curves(study.rows, {name: name for name in SHOWN})
    return plot_over_sparsity(shown, ylabel="change (%)", ylim=(-22, 0.5))


def readme(text: str, shown: Mapping[str, str]) -> str:
    """Return README's text with the tables of today.

    Args:
        text: as it was.
        shown: what `of_results` returns.
    """
    start, end = MARKS
    head, _, rest = text.partition(start)
    _, _, tail = rest.partition(end)
    names = ("shapes_table", "study_table", "models_table")
    tables = "".join(f"\n{shown[name]}" for name in names) + "\n"
    return head + start + tables + end + tail


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


def shapes(runs: list[dict[str, Any]]) -> str:
    """Return a table of the accuracy on Shapes, means and deviations over seeds."""
    measures = {
        "box AP": "box_ap",
        "box AP50": "box_ap50",
        "mask AP": "mask_ap",
        "mask AP50": "mask_ap50",
        "class accuracy": "class_accuracy",
    }
    columns = {name: [run[key] for run in runs] for name, key in measures.items()}
    cells = [
        f"{statistics.fmean(c):.3f} ± {statistics.stdev(c):.3f}"
        for c in columns.values()
    ]
    return table(["seeds", *columns], [(len(runs), *cells)])


def balloons(runs: list[dict[str, Any]]) -> str:
    """Return a table of the accuracy on the photographs of balloons."""
    keys = ("box_ap", "box_ap50", "mask_ap", "mask_ap50")
    head = ["trained on", *(key.replace("_", " ").replace("ap", "AP") for key in keys)]
    rows = [(run["name"], *(f"{run[key]:.3f}" for key in keys)) for run in runs]
    return table(head, rows)


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
                    _change(row.worst, row.worst_std) if row else ""
                    for row in (found.get((name, s)) for s in sparsities)
                ),
            )
            for name in order
        ],
    )


def by_task(rows: Iterable[Row]) -> str:
    """Return a table of each task's change at the middle sparsity that is judged."""
    here = [r for r in rows if r.sparsity == JUDGED[1] and r.method not in ABLATIONS]
    return table(
        ["method", *(task.value for task in Task)],
        [
            (_bold(r.method), *(_change(r.mean[t], r.std[t]) for t in Task))
            for r in sorted(here, key=lambda row: -row.worst)
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


def _change(mean: float, std: float) -> str:
    return f"{mean:.2f} ± {std:.2f}"


def _bold(name: str) -> str:
    return f"**{name}**" if name == SCHEMA else name


def _read(name: str) -> dict[str, Any]:
    return json.loads((BOOK / "results" / f"{name}.json").read_text())


if __name__ == "__main__":
    study = Study()
    shown = numbers(study)
    for page, of_page in shown.items():
        write_numbers(BOOK / f"{page}.md", of_page, "book/results.py")
    README.write_text(readme(README.read_text(), shown["results"]))
    save(figure(study), BOOK / "results" / "pruning.png", DPI)
    save(results_frontier.figure(), BOOK / "results" / "frontier.png", DPI)
