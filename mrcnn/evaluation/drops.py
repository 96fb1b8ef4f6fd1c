"""What a change of the model costs each task, and the task that it costs most."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mrcnn.evaluation.tables import html_table, markdown_table
from mrcnn.tasks import Task


@dataclass(frozen=True)
class TaskDrop:
    """Relative changes of each task's headline metric in per cent; negative is worse.

    100 (M - M0) / M0 of the later metric M and the earlier M0; NaN where M0 is 0 or
    either is NaN. `worst` (the worst-task drop, WTD), `mean` and `spread` are those of
    the end-to-end changes, and NaN if one of these is.
    """

    relative: dict[Task, float]  # end to end
    isolated: dict[Task, float]

    @property
    def worst(self) -> float:
        """The worst-task drop (WTD): the least of the three changes."""
        return float(np.min(list(self.relative.values())))

    @property
    def worst_task(self) -> Task | None:
        """The task that suffers most; None if the changes are not all known."""
        if math.isnan(self.worst):
            return None
        return min(self.relative, key=self.relative.__getitem__)

    @property
    def mean(self) -> float:
        """Mean of the three changes."""
        return float(np.mean(list(self.relative.values())))

    @property
    def spread(self) -> float:
        """Best change minus worst change: 0 if every task suffers alike."""
        return float(np.ptp(list(self.relative.values())))

    def rows(self) -> list[list[str]]:
        """Return the table's cells, the first row a header."""
        per_task = [
            [task, _percent(self.relative[task]), _percent(self.isolated[task])]
            for task in Task
        ]
        isolated = np.array(list(self.isolated.values()))
        summary = [
            ["worst", _percent(self.worst), _percent(isolated.min())],
            ["mean", _percent(self.mean), _percent(isolated.mean())],
            ["spread", _percent(self.spread, ""), _percent(np.ptp(isolated), "")],
        ]
        return [["change", "end to end", "isolated"], *per_task, *summary]

    def table(self) -> str:
        """Return the changes as Markdown, readable as plain text."""
        return markdown_table(self.rows())

    def __str__(self) -> str:
        """Return the Markdown table."""
        return self.table()

    def _repr_html_(self) -> str:
        return html_table(self.rows())


def relative_changes(
    later: Mapping[Task, float], earlier: Mapping[Task, float]
) -> dict[Task, float]:
    """Return 100 (M - M0) / M0 for each task; NaN where M0 is 0 or either is NaN."""
    return {
        task: 100 * (later[task] - earlier[task]) / earlier[task]
        if earlier[task]
        else float("nan")
        for task in Task
    }


def _percent(value: float, sign: str = "+") -> str:
    return "-" if math.isnan(value) else f"{value:{sign}.1f} %"
