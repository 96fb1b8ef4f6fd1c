"""How sparse a network is at each step of its training."""

from typing import NamedTuple


class Schedule(NamedTuple):
    """A ramp from dense to the target, and when it is climbed.

    Sparsity is `target * (1 - (1 - t) ** 3)` at the part t of the ramp: fast while
    many weights are superfluous, slow towards the end (arXiv:1710.01878, eq. 1).
    """

    target: float  # share of the prunable weights that is zero in the end
    start: int  # step before which the first weights go
    end: int  # step before which the last ones do; equal to start: all at once
    updates: int  # how often weights are chosen on the way

    def steps(self) -> list[int]:
        """Return the steps before which weights are chosen, in order."""
        if self.end == self.start or self.updates == 1:
            return [self.end]
        span = self.end - self.start
        parts = (i / self.updates for i in range(1, self.updates + 1))
        return sorted({self.start + round(span * part) for part in parts})

    def sparsity(self, step: int) -> float:
        """Return the share of weights that is zero from a step on."""
        if step >= self.end:
            return self.target
        if step <= self.start:
            return 0.0
        part = (step - self.start) / (self.end - self.start)
        return self.target * (1 - (1 - part) ** 3)


def check(schedule: Schedule, steps: int) -> None:
    """Refuse a schedule that cannot be kept.

    Raises:
        ValueError: names the field, its value and the way out.
    """
    if not 0 <= schedule.target < 1:
        raise ValueError(
            f"Schedule.target is {schedule.target}: it is the share of weights to "
            "remove, at least 0 and below 1, such as 0.9."
        )
    if not 0 <= schedule.start <= schedule.end:
        raise ValueError(
            f"Schedule goes from step {schedule.start} to {schedule.end}: the start "
            "must be 0 or later and the end no earlier than it."
        )
    if schedule.end >= steps:
        raise ValueError(
            f"Schedule.end is {schedule.end}, but the training has {steps} steps: the "
            "target would never be reached. End the ramp earlier or train for longer."
        )
    if schedule.updates < 1:
        raise ValueError(f"Schedule.updates is {schedule.updates}; take 1 or more.")
