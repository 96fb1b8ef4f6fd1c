"""Matterport's `mrcnn.parallel_model`: several GPUs on one machine."""

from typing import Any


class ParallelModel:
    """Refuses, and says what took its place.

    Matterport's class split a batch over copies of the graph, one for each GPU.
    """

    def __init__(self, keras_model: Any, gpu_count: int) -> None:
        """Raise NotImplementedError: training uses one device."""
        raise NotImplementedError(
            "ParallelModel is gone: training uses one device. Leave it out; a batch "
            f"has IMAGES_PER_GPU * GPU_COUNT images, as many as for {gpu_count} GPUs."
        )
