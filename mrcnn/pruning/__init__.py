"""Pruning that knows the tasks of a network: what goes, when, and what it costs."""

from mrcnn.pruning.agreement import by_chance, group_shares, overlap, task_overlap
from mrcnn.pruning.budget import retraining
from mrcnn.pruning.channel_pruner import ChannelPruner
from mrcnn.pruning.channels import Narrowed, prune_channels
from mrcnn.pruning.dead import WithoutDead, remove_dead
from mrcnn.pruning.guard import Guard
from mrcnn.pruning.masks import Masks, masks_of, sparsity
from mrcnn.pruning.methods import METHODS, Method, task_balanced
from mrcnn.pruning.prunable import GROUPS, prunable_layers
from mrcnn.pruning.pruner import Pruner
from mrcnn.pruning.recalibration import recalibrate
from mrcnn.pruning.reports import PruningReport, dry_run, report
from mrcnn.pruning.schedules import Schedule
from mrcnn.pruning.surgery import Plan, load_plan, shrink

__all__ = [
    "GROUPS",
    "METHODS",
    "ChannelPruner",
    "Guard",
    "Masks",
    "Method",
    "Narrowed",
    "Plan",
    "Pruner",
    "PruningReport",
    "Schedule",
    "WithoutDead",
    "by_chance",
    "dry_run",
    "group_shares",
    "load_plan",
    "masks_of",
    "overlap",
    "prunable_layers",
    "prune_channels",
    "recalibrate",
    "remove_dead",
    "report",
    "retraining",
    "shrink",
    "sparsity",
    "task_balanced",
    "task_overlap",
]
