"""What is wrong with data sets, and which settings suit them, before any training.

`mrcnn.data.check` is this module's `check`. Training itself refuses what it cannot
learn from (`mrcnn.data.preflight`), at little cost; here every image is looked at.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from mrcnn import build
from mrcnn.checks.demands import Demands, demands
from mrcnn.config import Config, checked
from mrcnn.data import sizing
from mrcnn.data.annotations import check_dataset, check_same_classes
from mrcnn.data.class_ids import doubts
from mrcnn.data.dataset import Dataset, image_name
from mrcnn.data.preflight import differing_sizes
from mrcnn.data.survey import Finding, Survey, duplicates
from mrcnn.dataset_report import DatasetReport
from mrcnn.nn.settings import Settings
from mrcnn.notices import listed
from mrcnn.ops.anchors import best_overlaps
from mrcnn.ops.matching import NEGATIVE_IOU, POSITIVE_IOU
from mrcnn.presets import CompactConfig
from mrcnn.structures import Preprocessing

BETTER = 1.25
"""Scales are said to match few objects if others match so many times as many."""
WORST = 10
"""Objects that are named of those that no anchor comes near."""


class Plan(NamedTuple):
    """What a configuration makes of images, as far as data sets are held against it."""

    settings: Settings
    preprocessing: Preprocessing
    demands: Demands


def check(
    dataset: Dataset, config: Config | None = None, *, validation: Dataset | None = None
) -> DatasetReport:
    """Look at every image of data sets before training; change nothing.

    Finds pictures that are missing or cannot be read, faulty annotations, objects
    without pixels, twice there or outside, the same pixels under two names (also in
    both sets), images and classes without objects, and sets that disagree. With a
    configuration, also objects that no anchor matches and images with more objects
    than slots, in pixels as the network sees them. Suggests settings.

    Args:
        dataset: prepared; to be trained on.
        config: to be trained with.
        validation: prepared; to be measured on.

    Returns:
        A report: `print(report)`, `report.picture("sheet.png")`, `report.to_dict()`.

    Raises:
        TypeError: one of them is no data set or no configuration.
        ValueError: as `Config.validate`.

    Example:
        print(mrcnn.data.check(mrcnn.data.open_dataset("balloons", "train")))
    """
    plan = _plan(CompactConfig() if config is None else checked(config))
    surveys: dict[str, Survey] = {}
    found: list[Finding] = []
    for name, one in (("training", dataset), ("validation", validation)):
        if one is None and name == "validation":
            continue
        try:
            check_dataset(one, f"The {name} set")
        except ValueError as error:
            found.append(Finding("unusable data set", True, name, str(error)))
            continue
        survey = Survey(one, plan.demands.channels)
        surveys[name] = survey
        found += survey.findings
        found += _of_set(survey, name)
        if config is not None:
            found += _of_settings(survey, name, config, plan)
    found += duplicates(surveys)
    if len(surveys) == 2:
        found += _disagreements(**surveys)
    shown = {name: s for name, s in surveys.items() if any(s.counts().values())}
    network = {}
    if config is not None:
        for name, survey in shown.items():
            facts, more = _beside_anchors(survey, name, plan)
            network |= {name: facts} if facts else {}
            found += more
    suggestion = _suggestion(list(shown.values()), plan)
    return DatasetReport(surveys, tuple(found), network, suggestion)


def _plan(config: Config) -> Plan:
    """Return what a checked configuration makes of images."""
    return Plan(build.settings(config), build.preprocessing(config), demands(config))


def _of_set(survey: Survey, name: str) -> Iterator[Finding]:
    """Yield what is to be said of a data set as a whole."""
    dataset = survey.dataset
    for doubt in doubts(dataset):
        yield Finding("classes and ids", False, f"the {name} set", doubt)
    alike: dict[str, str] = {}
    for class_name in dataset.class_names[1:]:
        other = alike.setdefault(class_name.strip().casefold(), class_name)
        if other != class_name:
            text = f"{other!r} and {class_name!r} are two classes: is one meant?"
            yield Finding("classes and ids", False, f"the {name} set", text)
    if empty := survey.empty():
        names = [image_name(dataset, i) for i in empty]
        text = (
            f"{len(names)} of {len(survey.shapes)} show nothing, such as "
            f"{', '.join(names[:3])}: right if there is nothing to see."
        )
        yield Finding("images without objects", False, f"the {name} set", text)
    counts = survey.counts()
    if not any(counts.values()):
        text = "no image shows an object: look at load_mask and the annotations."
        yield Finding("no object at all", True, f"the {name} set", text)
        return
    if name == "training" and (lacking := [n for n, k in counts.items() if not k]):
        text = f"no object is of {', '.join(lacking)}: leave out what is not learnt."
        yield Finding("class without objects", False, f"the {name} set", text)


def _disagreements(training: Survey, validation: Survey) -> Iterator[Finding]:
    """Yield in what training and validation differ, and should not."""
    kind, where = "sets that disagree", "the validation set"
    try:
        check_same_classes(training.dataset, validation.dataset)
    except ValueError as error:
        yield Finding(kind, True, where, str(error))
        return
    learnt, measured = training.counts(), validation.counts()
    if unseen := [n for n, count in measured.items() if count and not learnt[n]]:
        text = f"it shows {', '.join(unseen)}, which no image of training does."
        yield Finding(kind, True, where, text)
    if unmeasured := [n for n, count in learnt.items() if count and not measured[n]]:
        text = f"it shows no {', '.join(unmeasured)}: their AP cannot be measured."
        yield Finding(kind, False, where, text)


def _of_settings(
    survey: Survey, name: str, config: Config, plan: Plan
) -> Iterator[Finding]:
    """Yield where a data set does not fit the classes, sizes and slots of settings."""
    dataset, where = survey.dataset, f"the {name} set"
    try:
        build.batches(config, dataset)
    except ValueError as error:
        yield Finding("settings that do not fit", True, where, str(error))
    if plan.preprocessing.mode not in ("square", "crop"):
        named = ((image_name(dataset, i), s) for i, s in survey.shapes.items())
        if wrong := differing_sizes(named, plan.preprocessing):
            text = (
                "training takes images of one size; IMAGE_RESIZE_MODE "
                f'{plan.preprocessing.mode!r} makes several. Take "square" or "crop".\n'
                f"{listed(wrong)}"
            )
            yield Finding("settings that do not fit", True, where, text)
    training, detection = plan.demands.slots, plan.settings.detections
    for setting, slots, crowding in (
        ("MAX_GT_INSTANCES", training, survey.crowding()),
        ("DETECTION_MAX_INSTANCES", detection, survey.crowding(crowds=False)),
    ):
        full = np.flatnonzero(crowding > slots)
        if len(full):
            worst = int(crowding.argmax())
            text = (
                f"{len(full)} images show more objects than {setting} = {slots}, up to "
                f"{crowding[worst]} ({image_name(dataset, worst)}): more than that are "
                "not taken at a time."
            )
            yield Finding("more objects than slots", True, where, text)


def _beside_anchors(
    survey: Survey, name: str, plan: Plan
) -> tuple[dict[str, Any], list[Finding]]:
    """Return how the objects of a data set lie beside the anchors, and what is wrong.

    By the rule by which the proposal network is trained (`ops.matching.match_anchors`):
    an anchor of IoU `POSITIVE_IOU` or more is an object's; an object without one has
    its best anchor alone, and that is background by its IoU below `NEGATIVE_IOU`.
    """
    settings, objects = plan.settings, survey.objects
    seen = sizing.padded(objects.box, survey.object_shapes(), plan.preprocessing)
    seen = seen.of(objects.class_id[seen.index] > 0)
    if not len(seen.index):
        return {}, []
    ratios, strides = settings.anchor_ratios, settings.strides
    stride = settings.anchor_stride
    others = sizing.suggested_scales(seen, ratios, strides, stride)
    best, could = (
        best_overlaps(seen.boxes, scales, ratios, seen.shapes, strides, stride)
        for scales in (settings.anchor_scales, others)
    )
    sides, matched = sizing.sides_of(seen.boxes), best >= POSITIVE_IOU
    low = np.argsort(best, kind="stable")[: min(WORST, (best < NEGATIVE_IOU).sum())]
    facts = {
        "objects": len(best),
        "least": float(sides.min()),
        "most": float(sides.max()),
        "matched": float(matched.mean()),
        "unmatched": int((best < NEGATIVE_IOU).sum()),
        "unmatched_objects": [
            f"object {objects.number[seen.index[i]]} of "
            f"{image_name(survey.dataset, int(objects.image[seen.index[i]]))}, "
            f"{sides[i]:.3g} pixels large in the network"
            for i in low.tolist()
        ],
        "least_matched": float(sides[matched].min()) if matched.any() else None,
        "most_matched": float(sides[matched].max()) if matched.any() else None,
        "scales_at_this_size": list(others),
        "matched_by_these": float((could >= POSITIVE_IOU).mean()),
    }
    return facts, list(_of_anchors(facts, f"the {name} set"))


def _of_anchors(facts: dict[str, Any], where: str) -> Iterator[Finding]:
    """Yield what is to be said of anchors."""
    if facts["unmatched"]:
        text = (
            f"{facts['unmatched']:,} of {facts['objects']:,} overlap every anchor by "
            f"less than {NEGATIVE_IOU} and are hardly ever proposed:\n"
            f"{listed(facts['unmatched_objects'])}\n"
            "Larger images or other scales may reach them."
        )
        yield Finding("objects that no anchor matches", False, where, text)
    if facts["matched_by_these"] > BETTER * facts["matched"]:
        text = (
            f"RPN_ANCHOR_SCALES match {facts['matched']:.0%} of the objects; "
            f"{tuple(facts['scales_at_this_size'])} match "
            f"{facts['matched_by_these']:.0%}."
        )
        yield Finding("settings that do not fit", False, where, text)


def _suggestion(surveys: list[Survey], plan: Plan) -> dict[str, int | tuple[int, ...]]:
    """Return settings that suit the objects of data sets; none if there are none."""
    if not surveys:
        return {}
    single = [s.objects.class_id > 0 for s in surveys]
    boxes = np.concatenate(
        [s.objects.box[i] for s, i in zip(surveys, single, strict=True)]
    )
    shapes = np.concatenate(
        [s.object_shapes()[i] for s, i in zip(surveys, single, strict=True)]
    )
    side = sizing.suggested_side(boxes, shapes)
    square = plan.preprocessing._replace(
        mode="square", min_dim=side, max_dim=side, min_scale=0
    )
    settings = plan.settings
    scales = sizing.suggested_scales(
        sizing.padded(boxes, shapes, square),
        settings.anchor_ratios,
        settings.strides,
        settings.anchor_stride,
    )
    most = max(int(s.crowding().max()) for s in surveys)
    slots = sizing.suggested_slots(most)
    suggestion: dict[str, int | tuple[int, ...]] = {
        "NUM_CLASSES": surveys[0].dataset.num_classes,
        "IMAGE_MIN_DIM": side,
        "IMAGE_MAX_DIM": side,
        "RPN_ANCHOR_SCALES": scales,
        "MAX_GT_INSTANCES": slots,
        "DETECTION_MAX_INSTANCES": slots,
    }
    # Several proposals lie on one object, and come from more anchors.
    for name, value, now in (
        ("POST_NMS_ROIS_INFERENCE", 2 * slots, settings.proposals_inference),
        ("PRE_NMS_LIMIT", 4 * slots, plan.demands.before_nms),
    ):
        if value > now:
            suggestion[name] = value
    return suggestion
