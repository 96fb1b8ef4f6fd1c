"""How good a model is at each of its tasks: `evaluate(model, dataset)`."""

from mrcnn.evaluation.accuracy import Accuracy
from mrcnn.evaluation.drops import TaskDrop
from mrcnn.evaluation.evaluate import evaluate, headline
from mrcnn.evaluation.matching import (
    confusion_matrix,
    failures,
    flawless,
    image_quality,
    object_quality,
    pixel_iou,
    proposal_recall,
)
from mrcnn.evaluation.merges import with_merges
from mrcnn.evaluation.outlines import OutlineDistances, boundary_ap, outline_distance
from mrcnn.evaluation.report import TaskReport
from mrcnn.evaluation.scenes import Scene, collect

__all__ = [
    "Accuracy",
    "OutlineDistances",
    "Scene",
    "TaskDrop",
    "TaskReport",
    "boundary_ap",
    "collect",
    "confusion_matrix",
    "evaluate",
    "failures",
    "flawless",
    "headline",
    "image_quality",
    "object_quality",
    "outline_distance",
    "pixel_iou",
    "proposal_recall",
    "with_merges",
]
