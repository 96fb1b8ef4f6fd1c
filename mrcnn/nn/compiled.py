"""Inference that is compiled apart for each size of its inputs."""

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from keras import ops

from mrcnn.ops.compiled import compiled
from mrcnn.structures import Tensor

Batch = Mapping[str, np.ndarray]


TASKS = ("windows", "rois", "boxes", "gt_boxes")
"""What a batch has beside images; one of them says what to do."""


def check_batch(batch: Any) -> None:
    """Raise TypeError if a network cannot be called with this."""
    known = isinstance(batch, Mapping)
    if known and "images" in batch and any(name in batch for name in TASKS):
        return
    given = f"of the type {type(batch).__name__}"
    if known:
        given = f"a dictionary of {', '.join(map(str, batch)) or 'nothing'}"
    raise TypeError(
        f"The batch is {given}. The network takes a dictionary of images (B, H, W, C) "
        "and windows (B, 4) as mrcnn.detection.prepare makes it, and Matterport's "
        "keras_model.predict a list, [molded_images, image_metas]; original images go "
        "to detect."
    )


class CompiledSizes:
    """What a model says of a batch, by functions that threads may share.

    Each size compiles apart: TensorFlow would soon call differing sizes unknown. So
    does each state of the model's settings, of which a compiled function knows no other
    than those it was made with.
    """

    def __init__(self, model: keras.Model) -> None:
        """Compile nothing yet.

        Args:
            model: called with batches; its `compiled_sizes` says how many functions are
                kept.
        """
        self._model = model
        self._functions: OrderedDict[Any, Callable[[Batch], Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, batch: Batch) -> Any:
        """Return what the model says of a batch, as NumPy arrays."""
        outputs = self._function(batch)(batch)
        return keras.tree.map_structure(ops.convert_to_numpy, outputs)

    def steps(self, data: list[Any]) -> Any:
        """Return the same as tensors for one batch or more: Keras' predict_function."""
        batches = [keras.utils.unpack_x_y_sample_weight(one)[0] for one in data]
        found = [self._function(batch)(batch) for batch in batches]
        if len(found) == 1:
            return found[0]
        return keras.tree.map_structure(lambda *parts: ops.concatenate(parts), *found)

    def _function(self, batch: Mapping[str, Tensor]) -> Callable[[Batch], Any]:
        """Return the function of a batch's size, and forget the one longest unused."""
        check_batch(batch)
        model = self._model
        sizes = tuple((name, tuple(np.shape(x)[1:])) for name, x in batch.items())
        key = (model.settings, sizes)
        forgotten = []
        with self._lock:
            function = self._functions.pop(key, None) or self._compiled()
            self._functions[key] = function  # the last is the one used last
            while len(self._functions) > max(model.compiled_sizes, 0):
                forgotten.append(self._functions.popitem(last=False))
        if forgotten:
            # A graph refers to itself, so it is here that its memory becomes free.
            del forgotten[:]
            gc.collect()
        return function

    def _compiled(self) -> Callable[[Batch], Any]:
        model = self._model
        return compiled(
            lambda batch: model(batch, training=False),
            lambda: model.weights,
            eagerly=model.run_eagerly,
            jit=model.jit_compile,
        )
