"""What a model achieves in each task: a table, a file, a figure."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.evaluation.coco import RECALL_LIMITS, SIZES, AveragePrecision
from mrcnn.evaluation.drops import TaskDrop, relative_changes
from mrcnn.evaluation.isolated import Isolated
from mrcnn.evaluation.tables import html_table, markdown_table, number
from mrcnn.files import atomic_path, read_json
from mrcnn.tasks import Task

SCHEMA, VERSION = "mrcnn.TaskReport", 1


@dataclass(frozen=True, eq=False, repr=False)
class TaskReport:
    """Metrics of one model on one set of images, task by task.

    Every metric is between 0 and 1, more is better, and NaN where nothing was there to
    measure. End to end, tasks see what the tasks before them made of the image;
    isolated, they are given the true regions (`mrcnn.evaluation.isolated`).

    `later - earlier` is a `TaskDrop`: what the change from earlier to later cost.
    """

    class_names: tuple[str, ...]  # background first
    images: int
    objects: int  # without crowds
    detections: int
    box: AveragePrecision
    mask: AveragePrecision
    class_accuracy: float  # share of matches at box IoU >= 0.5 with the right class
    confusion: np.ndarray  # (K, K) int, of detections from score 0.5 on; see `matching`
    proposal_recall: float  # of the best 100 proposals an image, IoU >= 0.5
    proposal_average_recall: float  # the same, mean over IoU 0.50 .. 0.95
    isolated: Isolated
    seed: int  # of the jitter in `isolated`

    @property
    def headline(self) -> dict[Task, float]:
        """One end-to-end metric a task: box AP, class accuracy of matches, mask AP."""
        return {
            Task.BOX: self.box.ap,
            Task.CLASS: self.class_accuracy,
            Task.MASK: self.mask.ap,
        }

    @property
    def isolated_headline(self) -> dict[Task, float]:
        """One isolated metric a task: refined box IoU, class accuracy, mask IoU."""
        return self.isolated.headline

    def __sub__(self, earlier: "TaskReport") -> "TaskDrop":
        """Return the relative change from `earlier` to this report, task by task.

        Raises ValueError if the two are not of the same classes and number of images.
        """
        if not isinstance(earlier, TaskReport):
            return NotImplemented
        for field in ("class_names", "images", "objects", "seed"):
            ours, theirs = getattr(self, field), getattr(earlier, field)
            if ours != theirs:
                raise ValueError(
                    f"reports differ in {field} ({ours} and {theirs}): evaluate both "
                    "models on the same images with the same seed."
                )
        return TaskDrop(
            relative_changes(self.headline, earlier.headline),
            relative_changes(self.isolated_headline, earlier.isolated_headline),
        )

    def rows(self) -> list[list[str]]:
        """Return the table's cells, the first row a header."""
        box, mask, alone = self.box, self.mask, self.isolated
        return [
            ["task", "end to end", "IoU .50", "IoU .75", "isolated"],
            [
                Task.BOX,
                f"AP {number(box.ap)}",
                number(box.ap50),
                number(box.ap75),
                f"IoU {number(alone.box_iou_before)} to {number(alone.box_iou)}",
            ],
            [
                Task.CLASS,
                f"accuracy {number(self.class_accuracy)}",
                "",
                "",
                f"accuracy {number(alone.class_accuracy)}",
            ],
            [
                Task.MASK,
                f"AP {number(mask.ap)}",
                number(mask.ap50),
                number(mask.ap75),
                f"IoU {number(alone.mask_iou)}",
            ],
            [
                "proposals",
                f"recall {number(self.proposal_average_recall)}",
                number(self.proposal_recall),
                "",
                "",
            ],
        ]

    def class_rows(self) -> list[list[str]]:
        """Return AP by class as a table's cells, the first row a header."""
        header = ["class", "box AP", "mask AP"]
        return [header] + [
            [name, number(self.box.per_class[name]), number(self.mask.per_class[name])]
            for name in self.class_names[1:]
        ]

    def size_rows(self) -> list[list[str]]:
        """Return AP and average recall (AR) by size of object and number of detections.

        The first row is a header. Sizes are COCO's, areas below and above 32 x 32 and
        96 x 96 pixels of the original image; "best 10" are those of an image and class.
        """
        box, mask = self.box, self.mask
        by_size = [
            [
                name,
                number(box.by_size[name]),
                number(box.recall_by_size[name]),
                number(mask.by_size[name]),
                number(mask.recall_by_size[name]),
            ]
            for name in SIZES
        ]
        every = [box.ap, box.recall, mask.ap, mask.recall]
        limited = [
            [f"best {n}", "", number(box.recall_at[n]), "", number(mask.recall_at[n])]
            for n in map(str, RECALL_LIMITS)
        ]
        return [
            ["objects", "box AP", "box AR", "mask AP", "mask AR"],
            *by_size,
            ["all", *map(number, every)],
            *limited,
        ]

    def size_table(self) -> str:
        """Return AP and AR by size as Markdown, readable as plain text."""
        return markdown_table(self.size_rows())

    def table(self) -> str:
        """Return the report as Markdown, readable as plain text."""
        return "\n\n".join(
            [
                self._caption(),
                markdown_table(self.rows()),
                markdown_table(self.class_rows()),
            ]
        )

    def __repr__(self) -> str:
        """Return the Markdown table: what a reader wants to see of a report."""
        return self.table()

    def _repr_html_(self) -> str:
        return "".join(
            [
                f"<p>{self._caption()}</p>",
                html_table(self.rows()),
                html_table(self.class_rows()),
            ]
        )

    def _caption(self) -> str:
        box, mask = (
            ", ".join(map(number, task.by_size.values()))
            for task in (self.box, self.mask)
        )
        return (
            f"{self.images} images, {self.objects} objects, "
            f"{self.detections} detections.\n"
            f"AP of small, medium and large objects: box {box}; mask {mask}."
        )

    def plot(self) -> Any:
        """Return a figure of every task end to end and isolated."""
        # Matplotlib takes a second to load; training and studies do without it.
        from mrcnn import visualize

        return visualize.plot_task_report(self)

    def plot_by_size(self) -> Any:
        """Return a figure of box and mask AP by size of object."""
        from mrcnn import visualize

        return visualize.plot_ap_by_size(self)

    def to_dict(self) -> dict[str, Any]:
        """Return plain lists, strings and numbers, with None for NaN."""
        return {"schema": SCHEMA, "version": VERSION, **_plain(asdict(self))}

    def to_json(self, path: str | Path) -> None:
        """Write the report to a file, whole or not at all."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        with atomic_path(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], source: str = "") -> "TaskReport":
        """Return the report that `to_dict` wrote.

        Raises ValueError, naming `source` and the field, if it is something else.
        """
        place = source or "the report"
        for field, expected in (("schema", SCHEMA), ("version", VERSION)):
            if not isinstance(values, Mapping) or values.get(field) != expected:
                raise ValueError(
                    f"{place}: field {field!r} is not {expected!r}; evaluate the model "
                    "again to write it anew."
                )
        fields = {k: v for k, v in values.items() if k not in ("schema", "version")}
        try:
            fields["class_names"] = tuple(fields["class_names"])
            fields["confusion"] = np.array(fields["confusion"], int)
            for task in ("box", "mask"):
                fields[task] = _average_precision(fields[task])
            fields["isolated"] = Isolated(**_numbers(fields["isolated"]))
            return cls(**_numbers(fields))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{place}: a field is missing or wrong ({error})."
            ) from error

    @classmethod
    def from_json(cls, path: str | Path) -> "TaskReport":
        """Read a report that `to_json` wrote.

        Raises FileNotFoundError if there is none, ValueError naming the file if it is
        something else.
        """
        try:
            values = read_json(path)
        except FileNotFoundError:
            raise FileNotFoundError(
                f"report {path} is missing: write it with TaskReport.to_json."
            ) from None
        return cls.from_dict(values, f"report {path}")


def _plain(value: Any) -> Any:
    """Return a value that JSON knows; curves to 4 decimals keep a report at 30 kB."""
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.round(4).tolist())
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    return {k: float("nan") if v is None else v for k, v in values.items()}


def _average_precision(values: Mapping[str, Any]) -> AveragePrecision:
    values = _numbers(values)
    values["per_class"] = _numbers(values["per_class"])
    for name, keys in (
        ("by_size", SIZES),
        ("recall_by_size", SIZES),
        ("recall_at", map(str, RECALL_LIMITS)),
    ):
        if name in values:  # reports of before have none
            values[name] = _numbers({key: values[name][key] for key in keys})
    values["precision"] = np.array(values["precision"], float)  # None becomes NaN
    return AveragePrecision(**values)
