"""A Keras model made of networks and numbers, with what every Keras model can do."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np

from mrcnn.checks.kinds import count
from mrcnn.files import atomic_path
from mrcnn.formats import find_format
from mrcnn.formats.function import Exported
from mrcnn.hardware import refuse_after_fork
from mrcnn.nn.compiled import CompiledSizes, check_batch
from mrcnn.nn.deployed import exported_size, in_float32, without_loops
from mrcnn.nn.learner import Learner
from mrcnn.nn.saving import (
    as_data,
    as_settings,
    check_keras_layout,
    check_layers,
    decaying,
    not_decayed,
)
from mrcnn.nn.settings import Parts, Settings
from mrcnn.structures import Preprocessing, Tensor
from mrcnn.tasks import LOSS_NAMES

COMPILED_SIZES = 32
"""Sizes that stay compiled: as many as mode "pad64" makes of photographs, 1 to 2 GB."""


class Composite(Learner):
    """Predicts, saves and exports what a subclass computes in `call`.

    Attributes:
        preprocessing: how `mrcnn.detection` prepares images for this model.
        settings: the numbers it was built with.
        loss_weights: a variable, in the order of `LOSS_NAMES`: those of the settings,
            but while a training balances them.
        class_names: background first, as training or a file named them; else ().
        compiled_sizes: how many sizes of inputs stay compiled, each with its memory;
            the one longest unused goes first.
        built_from: the settings that `mrcnn.build.model` took, and which it alone
            reads; None of a model that comes from a file.
    """

    built_from: Any = None

    def __init__(
        self,
        parts: Parts,
        settings: Settings,
        preprocessing: Preprocessing,
        *,
        seed: int,
        compiled_sizes: int = COMPILED_SIZES,
    ) -> None:
        """Put the parts together; `mrcnn.build.model` does so from a configuration.

        Args:
            parts: the networks.
            settings: the numbers.
            preprocessing: kept for `mrcnn.detection`.
            seed: of the samples drawn in training.
            compiled_sizes: see the attributes.
        """
        if fault := count(0).fault("compiled_sizes", compiled_sizes):
            raise ValueError(fault)
        # The model itself keeps boxes and losses in float32; its parts choose a type.
        super().__init__(name="mask_rcnn", dtype="float32")
        self.backbone, self.fpn, self.rpn, self.box_head, self.mask_head = parts
        self.settings = settings
        self.preprocessing = preprocessing
        self.seed = seed
        self.sampling_seed = keras.random.SeedGenerator(seed)
        self.loss_weights = keras.Variable(
            settings.loss_weights, dtype="float32", trainable=False
        )
        self.class_names: tuple[str, ...] = ()
        self.loss_trackers = {n: keras.metrics.Mean(name=n) for n in LOSS_NAMES}
        self.compiled_sizes = compiled_sizes
        # XLA, which Keras takes on a GPU, has no kernel for the crops.
        self.supports_jit = keras.backend.backend() != "tensorflow"
        self._making = threading.Lock()
        self._compiled = CompiledSizes(self)
        self.built = True

    @property
    def parts(self) -> Parts:
        """The networks."""
        return Parts(*(getattr(self, name) for name in Parts._fields))

    @property
    def precision(self) -> str:
        """The policy of the layers, such as "mixed_bfloat16"."""
        return self.fpn.get_layer("fpn_p2").dtype_policy.name

    # --- Running

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the model as Keras does.

        Raises:
            RuntimeError: where that would never end, see `hardware.refuse_after_fork`.
            TypeError: if the first argument is no batch.
        """
        refuse_after_fork()
        if args:
            check_batch(args[0])
        return super().__call__(*args, **kwargs)

    def predict_on_batch(self, x: Mapping[str, np.ndarray]) -> Any:
        """Return what `call` says of a batch, as NumPy arrays; threads may share it."""
        refuse_after_fork()
        if self.predict_function is None:  # never made, or Keras has forgotten it
            self.make_predict_function()
        return self._compiled(x)

    def make_predict_function(self, force: bool = False) -> Any:
        """Make what `predict` calls, and forget all that was compiled before."""
        refuse_after_fork()
        with self._making:
            if self.predict_function is None or force:
                self._compiled = CompiledSizes(self)
                if keras.backend.backend() == "jax":  # Keras hands it all weights
                    super().make_predict_function(force)
                else:
                    self.predict_function = self._compiled.steps
        return self.predict_function

    def make_test_function(self, force: bool = False) -> Any:
        """Make what `evaluate` calls."""
        refuse_after_fork()
        return super().make_test_function(force)

    # --- As data

    def get_config(self) -> dict[str, Any]:
        for part in self.parts:
            check_layers(part)
        return {
            "parts": {
                name: keras.saving.serialize_keras_object(part)
                for name, part in self.parts._asdict().items()
            },
            "settings": as_data(self.settings),
            "preprocessing": as_data(self.preprocessing),
            "seed": self.seed,
            "compiled_sizes": self.compiled_sizes,
            "class_names": list(self.class_names),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        refuse_after_fork()
        parts = {
            name: keras.saving.deserialize_keras_object(part)
            for name, part in config["parts"].items()
        }
        model = cls(
            Parts(**parts),
            as_settings(Settings, config["settings"]),
            as_settings(Preprocessing, config["preprocessing"]),
            seed=config["seed"],
            compiled_sizes=config["compiled_sizes"],
        )
        model.class_names = tuple(config["class_names"])
        return model

    def get_compile_config(self) -> dict[str, Any] | None:
        """Return how the model was compiled, and what its weight decay leaves out."""
        config = super().get_compile_config()
        if config:
            config["not_decayed"] = not_decayed(self.optimizer)
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile as the model was that `get_compile_config` described."""
        config = keras.saving.deserialize_keras_object(config)
        names = config.pop("not_decayed")
        self.compile(**config)
        if names:
            decaying(self.optimizer).exclude_from_weight_decay(var_names=names)
        self.optimizer.build(self.trainable_variables)

    def save(self, filepath: str | Path, overwrite: bool = True, **kwargs: Any) -> None:
        """Write the whole model to a .keras file, whole or not at all.

        `keras.saving.load_model` reads it where `mrcnn.build` was imported before. The
        file holds numbers and the names of layers, and no code.

        Args:
            filepath: ends in ".keras".
            overwrite: whether the file may be there already.
            kwargs: of Keras' method.

        Raises:
            FileExistsError: if the file is there and must not be overwritten.
            ValueError: if the file has another ending, or names a layer that only its
                own code could make again.
        """
        path = Path(filepath)
        if path.suffix != ".keras":
            raise ValueError(
                f"{path}: a whole model is saved in a file that ends in .keras. "
                "mrcnn.weights.save_weights writes Matterport's .h5 layout; export() "
                "writes for other programs."
            )
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists, and overwrite is False.")
        with atomic_path(path) as temporary:
            super().save(temporary, **kwargs)

    def save_weights(
        self, filepath: str | Path, overwrite: bool = True, **kwargs: Any
    ) -> None:
        """Write the weights in Keras' layout; ValueError if the name says another."""
        check_keras_layout(filepath, "save_weights")
        super().save_weights(filepath, overwrite=overwrite, **kwargs)

    def load_weights(self, filepath: str | Path, **kwargs: Any) -> None:
        """Read weights in Keras' layout; ValueError if the file has another."""
        check_keras_layout(filepath, "load_weights")
        super().load_weights(filepath, **kwargs)

    def export(
        self,
        filepath: str | Path,
        format: str | None = None,
        *,
        image_shape: tuple[int, int] | None = None,
        verbose: bool | None = None,
    ) -> None:
        """Write the inference model for other programs, see `mrcnn.export`.

        Args:
            filepath: of the file; of SavedModel a folder, which must not exist.
            format: "tf_saved_model", "onnx" or "litert"; by default that of the file's
                ending, .onnx or .tflite, else "tf_saved_model".
            image_shape: (H, W) of padded images; by default what the preprocessing
                makes of every image, if that is one size.
            verbose: taken for Keras' sake; nothing is printed.

        Raises:
            FileExistsError: if a SavedModel's folder is there.
            ImportError: if ONNX's converter is not installed.
            ValueError: if there is no such format or the file's ending says another,
                names a size that no padded image has, or under another backend than
                TensorFlow.
        """
        path = Path(filepath)
        write, any_type, _ = find_format(format, path)
        size = exported_size(image_shape, self.settings, self.preprocessing)
        twin = type(self)(
            self.parts if any_type else in_float32(self.parts),
            without_loops(self.settings),
            self.preprocessing,
            seed=self.seed,
        )

        def detect(images: Tensor, windows: Tensor) -> dict[str, Tensor]:
            stages = twin({"images": images, "windows": windows}, training=False)
            return {**stages.detections._asdict(), "masks": stages.masks}

        shape = (*size, self.backbone.input_shape[-1])
        write(Exported(detect, twin, shape), path)
