"""Pruning that knows the tasks of a network: what goes, when, and what it costs."""

from mrcnn.pruning.agreement import by_chance, group_shares, overlap, task_overlap
from mrcnn.pruning.guard import Guard
from mrcnn.pruning.masks import Masks, masks_of, sparsity
from mrcnn.pruning.methods import METHODS, Method, task_balanced
from mrcnn.pruning.prunable import GROUPS, prunable_layers
from mrcnn.pruning.pruner import Pruner
from mrcnn.pruning.recalibration import recalibrate
from mrcnn.pruning.reports import PruningReport, dry_run, report
from mrcnn.pruning.schedules import Schedule

__all__ = [
    "GROUPS",
    "METHODS",
    "Guard",
    "Masks",
    "Method",
    "Pruner",
    "PruningReport",
    "Schedule",
    "by_chance",
    "dry_run",
    "group_shares",
    "masks_of",
    "overlap",
    "prunable_layers",
    "recalibrate",
    "report",
    "sparsity",
    "task_balanced",
    "task_overlap",
]
