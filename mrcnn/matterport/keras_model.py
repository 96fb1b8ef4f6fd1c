"""The Keras model of a session, with the methods that Matterport's users call on it."""

import inspect
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mrcnn.matterport.generators import DataGenerator
from mrcnn.matterport.graph import Layer, evaluate, find_layer
from mrcnn.matterport.molding import molded_inputs
from mrcnn.nn.compiled import check_batch
from mrcnn.nn.mask_rcnn import MaskRCNN as Network
from mrcnn.ops import boxes as box_ops
from mrcnn.paths import as_path
from mrcnn.weights import LoadReport, load_weights, save_weights

PREDICTED = (
    *("mrcnn_detection", "mrcnn_class", "mrcnn_bbox", "mrcnn_mask"),
    *("ROI", "rpn_class", "rpn_bbox"),
)
"""What `predict` returns, in Matterport's order."""

SYMBOLIC = (
    *("input", "inputs", "input_shape", "input_names"),
    *("output", "outputs", "output_shape", "output_names"),
)
"""Attributes of a Keras model that is made of symbolic tensors."""


def _is_molded(x: Any) -> bool:
    """Return whether these are Matterport's inputs: molded images, metas and more."""
    return isinstance(x, list | tuple) and len(x) > 1


_NO_GENERATOR = (
    "keras_model.{}() does not learn from batches of data_generator, which are made "
    "for another graph: call train(train_dataset, val_dataset, learning_rate, epochs, "
    "layers) of mrcnn.model.MaskRCNN."
)


@keras.saving.register_keras_serializable("mrcnn")
class KerasModel(Network):
    """A network that saves, loads, names its layers and predicts as Matterport's.

    Attributes:
        image_shape: (H, W) of the padded images that it saw last; None before.
    """

    image_shape: tuple[int, int] | None = None

    def save_weights(
        self, filepath: str | Path, overwrite: bool = True, **ignored: Any
    ) -> None:
        """Write Matterport's layout, whatever the file is called.

        Raises:
            FileExistsError: if the file is there and must not be overwritten.
        """
        filepath = as_path(filepath, "filepath")
        if not overwrite and filepath.exists():
            raise FileExistsError(f"{filepath} exists, and overwrite is False.")
        save_weights(self, filepath)

    def load_weights(
        self,
        filepath: str | Path,
        by_name: bool = False,
        exclude: Collection[str] | None = None,
        **ignored: Any,
    ) -> LoadReport:
        """Read Matterport's layout, see `mrcnn.weights.load_weights`.

        Args:
            filepath: of the file.
            by_name: allow the file to lack layers of the model.
            exclude: names of layers that keep their values; implies `by_name`.
        """
        filepath = as_path(filepath, "filepath")
        partial = by_name or bool(exclude)
        return load_weights(self, filepath, exclude=exclude or (), partial=partial)

    def fit(self, x: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Train as Keras does; TypeError for batches that Matterport's graph took."""
        if inspect.isgenerator(x) or isinstance(x, Sequence | DataGenerator):
            raise TypeError(_NO_GENERATOR.format("fit"))
        return super().fit(x, *args, **kwargs)

    def fit_generator(self, *args: Any, **kwargs: Any) -> None:
        """Raise TypeError: it was given batches for Matterport's graph."""
        raise TypeError(_NO_GENERATOR.format("fit_generator"))

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer of any of the five networks, or a step, by its name."""
        if name is None:
            return super().get_layer(index=index)
        return find_layer(self, name)

    def predict(self, x: Any, *args: Any, **kwargs: Any) -> Any:
        """Detect as Matterport's inference model did; else as Keras' `predict`.

        Args:
            x: [molded images (B, H, W, C), metas (B, .)], and what else there is is
                not needed (Matterport's takes the anchors too).
            args: of Keras' method.
            kwargs: of Keras' method.

        Returns:
            The arrays named in `PREDICTED`, boxes normalised.
        """
        if _is_molded(x):
            return self._found(x)
        if hasattr(x, "shape") or isinstance(x, list | tuple | Mapping):
            check_batch(x)
        return super().predict(x, *args, **kwargs)

    def predict_on_batch(self, x: Mapping[str, np.ndarray] | Sequence[Any]) -> Any:
        """Return what the network says of a batch; see `nn.composite`, or `predict`."""
        if _is_molded(x):
            return self._found(x)
        found = super().predict_on_batch(x)
        self.image_shape = tuple(x["images"].shape[1:3])
        return found

    def _found(self, x: Sequence[Any]) -> list[np.ndarray]:
        inputs, _ = molded_inputs(x[0], x[1])
        values = evaluate(self, inputs, PREDICTED)
        return [values[name] for name in PREDICTED]

    def __getattr__(self, name: str) -> Any:
        """Say what stands in the place of symbolic inputs and outputs."""
        if name in SYMBOLIC:
            raise AttributeError(
                f"keras_model.{name}: this network has no symbolic tensors. "
                "MaskRCNN.run_graph computes what its layers say of images; "
                "keras_model.export writes the network for other programs."
            )
        asked = getattr(super(), "__getattr__", None)  # under Torch there is one
        if asked is None:
            raise AttributeError(
                f"{type(self).__name__!r} object has no attribute {name!r}"
            )
        return asked(name)

    @property
    def pixel_anchors(self) -> np.ndarray | None:
        """Anchors (A, 4) float32, pixels of the padded image seen last, else None."""
        if self.image_shape is None:
            return None
        normalised = self.anchors(self.image_shape)
        return box_ops.denormalise(normalised, self.image_shape, xp=np)

    def _make_predict_function(self) -> None:
        """Do nothing: web servers of TensorFlow 1's days called it before threads."""
