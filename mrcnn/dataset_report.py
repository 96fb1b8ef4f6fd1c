"""What a look at data sets has shown: as text, as JSON, and as one picture."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mrcnn.data.dataset import image_name, load_objects, load_pixels
from mrcnn.data.sizing import sides_of
from mrcnn.data.survey import Finding, Survey, grouped
from mrcnn.files import atomic_path
from mrcnn.ops.masks import boxes_of_masks
from mrcnn.ops.matching import NEGATIVE_IOU, POSITIVE_IOU
from mrcnn.visualize.galleries import grid
from mrcnn.visualize.sets import instance_gallery
from mrcnn.visualize.style import Figure

SCHEMA, VERSION = "mrcnn.DatasetReport", 1
EACH = 2
"""Pictures of each extreme in the contact sheet."""
MARGIN, LEAST = 4, 16
"""Sides of a small object that are drawn around it, and at least so many pixels."""
LONGEST = 24
"""Characters of a file's name that have room above a panel."""
PANEL = 640
"""Pixels of a panel; of a larger image every second, third, ... pixel is drawn."""


@dataclass(frozen=True, eq=False, repr=False)
class DatasetReport:
    """What `mrcnn.data.check` has found; `print` it.

    Attributes:
        surveys: the look at each data set, by what messages call it.
        findings: all that is wrong, or rarely meant.
        network: objects beside anchors and slots, by data set; empty without a
            configuration.
        suggestion: settings that suit the objects, by name; empty without objects.
    """

    surveys: Mapping[str, Survey]
    findings: tuple[Finding, ...]
    network: Mapping[str, Mapping[str, Any]]
    suggestion: Mapping[str, int | tuple[int, ...]]

    @property
    def faults(self) -> list[Finding]:
        """Return the findings that training loses by."""
        return [finding for finding in self.findings if finding.grave]

    @property
    def doubts(self) -> list[Finding]:
        """Return the findings that are to be looked at, and may be meant."""
        return [finding for finding in self.findings if not finding.grave]

    @property
    def code(self) -> str:
        """Return the suggestion as lines of a class of settings."""
        lines = []
        for name, value in self.suggestion.items():
            text = f"1 + {value - 1}" if name == "NUM_CLASSES" else repr(value)
            lines.append(f"    {name} = {text}\n")
        return "".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """Return everything but pixels, as JSON takes it."""
        sets = {name: _facts(survey) for name, survey in self.surveys.items()}
        return {
            "schema": SCHEMA,
            "version": VERSION,
            "sets": sets,
            "findings": [finding._asdict() for finding in self.findings],
            "network": {name: dict(facts) for name, facts in self.network.items()},
            "suggestion": {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in self.suggestion.items()
            },
        }

    def save(self, path: str | Path) -> None:
        """Write `to_dict` as JSON."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        with atomic_path(path) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")

    def __str__(self) -> str:
        """Return the sets, what was found in them, and the suggestion."""
        parts = [_told(name, survey) for name, survey in self.surveys.items()]
        parts += [_told_network(name, facts) for name, facts in self.network.items()]
        for title, findings in (
            ("Faults", self.faults),
            ("To be looked at", self.doubts),
        ):
            text = f"\n{grouped(findings)}" if findings else " none."
            parts.append(f"{title}:{text}")
        if self.suggestion:
            parts.append(f"Settings that suit these objects:\n\n{self.code}")
        return "\n\n".join(parts).rstrip() + "\n"

    def picture(self, path: str | Path | None = None) -> Figure:
        """Return a contact sheet of the extremes; write it if there is a path.

        The smallest and largest objects, the images with most objects, and the objects
        that reach farthest beyond their images, or lie at their borders.
        """
        panels = [
            _drawn(survey, name if len(self.surveys) > 1 else "", *extreme)
            for name, survey in self.surveys.items()
            for extreme in _extremes(survey)
        ]
        if panels:
            names = next(iter(self.surveys.values())).dataset.class_names
            titles, images, found = zip(*panels, strict=True)
            labels = len(names) > 2
            figure = instance_gallery(
                images, found, names, titles=titles, labels=labels
            )
        else:
            figure = grid(0, lambda *_: None)
        if path is not None:
            figure.savefig(path)
        return figure


def _extremes(survey: Survey) -> Iterator[tuple[str, int, int | None]]:
    """Yield what to draw of a data set: a title, an image, and an object or None."""
    objects = survey.objects
    if not len(objects.image):
        return
    sides, crowding = sides_of(objects.box), survey.crowding()
    for word, order in (("smallest", sides), ("largest", -sides)):
        for i in _first(order, objects.image):
            title = f"{word}: {sides[i]:.3g} pixels"
            close = int(objects.number[i]) if word == "smallest" else None
            yield title, int(objects.image[i]), close
    for image_id in np.argsort(-crowding, kind="stable")[:EACH].tolist():
        if crowding[image_id]:
            yield f"most objects: {crowding[image_id]}", image_id, None
    shapes = survey.object_shapes()
    at_border = (objects.box[:, :2] == 0) | (objects.box[:, 2:] == shapes)
    far = objects.outside + at_border.any(axis=-1) * 1e-9 * sides
    for i in _first(-far, objects.image):
        if far[i]:
            out = objects.outside[i]
            title = f"outside by {out:.3g} pixels" if out else "cut at the border"
            yield title, int(objects.image[i]), None


def _first(order: np.ndarray, images: np.ndarray) -> list[int]:
    """Return the first objects in an order, each of another image."""
    ranked = np.argsort(order, kind="stable")
    _, places = np.unique(images[ranked], return_index=True)
    return ranked[np.sort(places)[:EACH]].tolist()


def _drawn(
    survey: Survey, of_set: str, title: str, image_id: int, close: int | None
) -> tuple[str, np.ndarray, dict[str, np.ndarray]]:
    """Return a title, an image and its objects; only what is near one, if `close`."""
    dataset = survey.dataset
    image = load_pixels(dataset, image_id, 3)
    masks, class_ids = load_objects(dataset, image_id, image.shape[:2])
    if close is not None:
        y1, x1, y2, x2 = boxes_of_masks(masks[..., close : close + 1])[0]
        around = max(LEAST, MARGIN * max(y2 - y1, x2 - x1))
        top, left = max(0, y1 - around), max(0, x1 - around)
        window = slice(top, y2 + around), slice(left, x2 + around)
        image, masks = image[window], masks[window]
        kept = masks.any(axis=(0, 1))
        masks, class_ids = masks[..., kept], class_ids[kept]
    step = -(-max(image.shape[:2]) // PANEL)
    image = np.ascontiguousarray(image[::step, ::step])
    masks = np.ascontiguousarray(masks[::step, ::step])
    found = {
        "rois": boxes_of_masks(masks),
        "masks": masks,
        "class_ids": abs(class_ids),
    }
    name = Path(image_name(dataset, image_id)).name
    if len(name) > LONGEST:
        name = f"...{name[3 - LONGEST :]}"
    return "\n".join(filter(None, (of_set, title, name))), image, found


def _facts(survey: Survey) -> dict[str, Any]:
    """Return the numbers of a data set."""
    objects, crowding = survey.objects, survey.crowding()
    shapes = np.array(list(survey.shapes.values()) or [(0, 0)])
    sides = sides_of(objects.box)
    size = np.percentile(sides, (0, 10, 50, 90, 100)) if len(sides) else []
    return {
        "images": len(survey.dataset.image_ids),
        "readable": len(survey.shapes),
        "without_objects": len(survey.empty()),
        "least_height_width": shapes.min(axis=0).tolist(),
        "most_height_width": shapes.max(axis=0).tolist(),
        "objects": int((objects.class_id > 0).sum()),
        "crowds": int((objects.class_id < 0).sum()),
        "most_objects": int(crowding.max(initial=0)),
        "classes": survey.counts(),
        # Least, a tenth, half, nine tenths and most, in pixels of the originals.
        "sides": [round(float(side), 2) for side in size],
    }


def _told(name: str, survey: Survey) -> str:
    """Return the numbers of a data set as lines."""
    facts = _facts(survey)
    ends = facts["least_height_width"], facts["most_height_width"]
    low, high = (f"{height} x {width}" for height, width in ends)
    size = low if low == high else f"{low} to {high}"
    crowds = f" and {facts['crowds']} crowds" if facts["crowds"] else ""
    classes = ", ".join(f"{n} {count:,}" for n, count in facts["classes"].items())
    lines = [
        f"The {name} set: {facts['images']:,} images of {size} pixels (height x "
        f"width), {facts['objects']:,} objects{crowds}.",
        f"  objects by class: {classes}",
        f"  objects of an image: {facts['most_objects']} at most; "
        f"{facts['without_objects']} images show none",
    ]
    if facts["sides"]:
        least, tenth, half, most, last = (f"{side:.3g}" for side in facts["sides"])
        lines.append(
            f"  sides of objects: {least} to {last} pixels, half of them below {half}, "
            f"eight in ten from {tenth} to {most}"
        )
    return "\n".join(lines)


def _told_network(name: str, facts: Mapping[str, Any]) -> str:
    """Return how the objects of a data set lie beside the anchors, as lines."""
    low, high = facts["least_matched"], facts["most_matched"]
    reach = "none" if low is None else f"{low:.3g} to {high:.3g} pixels"
    return (
        f"What the network sees of the {name} set: {facts['objects']:,} objects with "
        f"sides of {facts['least']:.3g} to {facts['most']:.3g} pixels.\n"
        f"  matched by an anchor (IoU of {POSITIVE_IOU} or more): "
        f"{facts['matched']:.0%}, {reach}\n"
        f"  matched by none (IoU below {NEGATIVE_IOU} with all): "
        f"{facts['unmatched']:,}"
    )
