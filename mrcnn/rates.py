"""The learning rate over the steps of a training."""

import keras

from mrcnn.structures import Stage

FINAL_LEARNING_RATE = 0.01
"""Part of its peak at which a cosine schedule ends."""

Schedule = keras.optimizers.schedules.LearningRateSchedule


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
