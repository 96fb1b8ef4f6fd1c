"""The learning rate over the steps of a training."""

from typing import Any

import keras

from mrcnn.checks.kinds import FROM_ZERO, KINDS, LENGTH
from mrcnn.notices import all_of
from mrcnn.structures import Stage

FINAL_LEARNING_RATE = 0.01
"""Part of its peak at which a cosine schedule ends."""

Schedule = keras.optimizers.schedules.LearningRateSchedule


def stage_faults(stage: Stage) -> list[str]:
    """Return what is wrong with a stage's numbers, each a sentence; [] if nothing is.

    A learning rate may be a number or a schedule of Keras' own, which then stands
    alone.
    """
    kinds = {
        "epochs": LENGTH,
        "learning_rate": FROM_ZERO,
        "schedule": KINDS["LEARNING_RATE_SCHEDULE"],
        "warmup_steps": KINDS["WARMUP_STEPS"],
    }
    given = isinstance(stage.learning_rate, Schedule)
    if given:
        del kinds["learning_rate"]
    found = [kind.fault(name, getattr(stage, name)) for name, kind in kinds.items()]
    faults = [fault for fault in found if fault]
    if given and not faults and (stage.schedule != "constant" or stage.warmup_steps):
        faults.append(
            f"learning_rate is {type(stage.learning_rate).__name__}, a schedule, and "
            f"there are schedule {stage.schedule!r} and {stage.warmup_steps} steps of "
            'warm-up beside it: set LEARNING_RATE_SCHEDULE = "constant" and '
            "WARMUP_STEPS = 0, or give a number."
        )
    return faults


def checked_stage(**fields: Any) -> Stage:
    """Return the stage with these fields; ValueError lists all that is wrong."""
    stage = Stage(**fields)
    if faults := stage_faults(stage):
        raise ValueError(all_of(faults, "The stage"))
    return stage


def learning_rate(stage: Stage, steps: int) -> float | Schedule:
    """Return a stage's learning rate over `steps` optimizer steps.

    Linear from 0 over the warm-up, then constant, or a cosine down to
    `FINAL_LEARNING_RATE` of the peak (arXiv:1608.03983 without restarts).
    """
    final = FINAL_LEARNING_RATE if stage.schedule == "cosine" else 1.0
    if final == 1.0 and not stage.warmup_steps:
        return stage.learning_rate
    warmup = min(stage.warmup_steps, steps - 1)
    if not warmup:
        return keras.optimizers.schedules.CosineDecay(
            stage.learning_rate, steps, alpha=final
        )
    return keras.optimizers.schedules.CosineDecay(
        0.0,
        steps - warmup,
        alpha=final,
        warmup_target=stage.learning_rate,
        warmup_steps=warmup,
    )
