"""What a budget of training steps is spent on, when a network is pruned in it."""

from mrcnn import build
from mrcnn.config import Config
from mrcnn.pruning.schedules import Schedule
from mrcnn.structures import Stage

RAMP = (0.05, 0.1)
"""Parts of the training between which weights are removed. An early end leaves more of
the training to the weights that stay: on validation images every method that was tried
gained when the end moved from 0.6 to 0.3, and again to 0.1."""

UPDATES = 8
"""How often weights are chosen on the ramp, where the budget is large enough."""

WARMUP = 20
"""Steps over which the learning rate rises: few, for a network that is trained."""

CALIBRATION_SEED = 10_000
"""Added to a run's seed, so that gradients see other batches than the training does."""


def affordable_updates(steps: int, cost: float) -> int:
    """Return how often weights or channels are chosen: once at least.

    Args:
        steps: the whole budget. Of a small one, choosing takes half at most.
        cost: of a choice, in training steps.
    """
    return UPDATES if UPDATES * cost <= steps / 2 else max(1, int(steps / 2 / cost))


def left_for_training(steps: int, overhead: int, method: str) -> int:
    """Return what choosing leaves of a budget, in training steps.

    Args:
        steps: the whole budget.
        overhead: what choosing weights or channels costs, in training steps.
        method: named in the error.

    Raises:
        ValueError: if choosing takes all of it.
    """
    if steps - overhead < 2:
        raise ValueError(
            f"{method} spends {overhead} steps on choosing what goes, of {steps}: give "
            "it a larger budget."
        )
    return steps - overhead


def ramp(target: float, steps: int, updates: int) -> Schedule:
    """Return when a target is reached in a training of so many steps; see `RAMP`."""
    start, end = (round(part * steps) for part in RAMP)
    if updates == 1:
        return Schedule(target, start, start, 1)
    # A step at least for each choice, as far as there are any.
    return Schedule(target, start, min(max(end, start + updates), steps - 1), updates)


def retraining(config: Config, epochs: int = 1) -> Stage:
    """Return the configuration's training, but for a shorter warm-up.

    The learning rate is that of the dense training once more, since going on at its
    small last one recovers less (arXiv:2003.02389).

    Args:
        config: of the model.
        epochs: into which the training steps are divided.
    """
    return build.stage(config, epochs)._replace(warmup_steps=WARMUP)
