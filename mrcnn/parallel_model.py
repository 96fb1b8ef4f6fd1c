"""Matterport's `mrcnn.parallel_model`: several GPUs on one machine."""

from typing import Any


class ParallelModel:
    """Refuses, and says what took its place.

    Matterport's class split a batch over copies of the graph. Keras does that itself.
    """

    def __init__(self, keras_model: Any, gpu_count: int) -> None:
        """Raise NotImplementedError: Keras spreads a model over devices by itself."""
        raise NotImplementedError(
            "ParallelModel is gone: Keras 3 spreads a model over devices itself, see "
            "https://keras.io/guides/distribution. Leave it out, and let "
            f"IMAGES_PER_GPU be the whole batch of the {gpu_count} GPUs."
        )
