"""What a `Config` asks of a data set, beside what `build` makes of it."""

from typing import Any, NamedTuple


class Demands(NamedTuple):
    """Numbers that a data set is held against before training."""

    channels: int  # of its images
    slots: int  # objects of an image that training takes at a time
    before_nms: int  # anchors that proposals are chosen among


def demands(config: Any) -> Demands:
    """Return what a checked configuration asks of a data set."""
    return Demands(
        channels=config.IMAGE_CHANNEL_COUNT,
        slots=config.MAX_GT_INSTANCES,
        before_nms=config.PRE_NMS_LIMIT,
    )
