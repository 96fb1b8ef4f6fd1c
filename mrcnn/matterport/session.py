"""`MaskRCNN(mode, config, model_dir)`: the object that Matterport's users work with."""

from collections import OrderedDict
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from mrcnn import build, detection, training
from mrcnn.config import Config, checked
from mrcnn.data.dataset import Dataset
from mrcnn.matterport import downloads, graph, molding
from mrcnn.matterport.inputs import log
from mrcnn.matterport.keras_model import KerasModel
from mrcnn.matterport.learning import learn
from mrcnn.matterport.runs import RunFolder, RunWeights, last_weights, run_seed
from mrcnn.matterport.stale import say_if_stale, take_up
from mrcnn.paths import as_folder, as_path, writable_folder
from mrcnn.structures import Detection
from mrcnn.weights import LoadReport, weighted_layers

MODES = ("training", "inference")


class MaskRCNN:
    """A model to train or to detect with.

    Attributes:
        keras_model: the network, see `KerasModel`.
        config: what it was built from.
        mode: "training" or "inference".
        model_dir: where runs keep their folders.
        log_dir: the folder of this run; made when training starts.
        checkpoint_path: its weight files, with "{epoch:04d}" for the epoch.
        epoch: how many were trained whole, those of earlier runs included.
        seed: of initial weights, samples and order; `Config.SEED`, or drawn for
            training and printed.
    """

    def __init__(self, mode: str, config: Config, model_dir: str | Path) -> None:
        """Build the network with random weights; see the attributes.

        Raises:
            ValueError: names the mode or the setting from which nothing can be built.
            TypeError: if `model_dir` is no path.
            OSError: in mode "training", if nothing can be written there.
        """
        if mode not in MODES:
            raise ValueError(f"mode is {mode!r}; it must be one of {', '.join(MODES)}.")
        checked(config)
        check = as_folder if mode == "inference" else writable_folder
        self.model_dir = str(check(model_dir, "model_dir"))
        self.mode, self.config = mode, config
        self.set_log_dir()
        self.seed = run_seed(config.SEED, mode)
        self.keras_model = self.build(mode=mode, config=config)

    def build(self, mode: str, config: Config) -> KerasModel:
        """Return a network; the modes differ in nothing but the precision."""
        name = "PRECISION" if mode == "training" else "INFERENCE_PRECISION"
        return build.model(
            config,
            seed=self.seed,
            precision=build.policy(config, name),
            model_class=KerasModel,
        )

    # --- Runs and weights

    def set_log_dir(self, model_path: str | Path | None = None) -> None:
        """Start a new run, or go on with the one that a weight file belongs to.

        Args:
            model_path: a file as a run writes it; any other starts a new run.
        """
        run = RunFolder.of(self.config.NAME, self.model_dir, model_path)
        self.epoch, self.log_dir = run.epoch, str(run.folder)
        self.checkpoint_path = run.checkpoint_path
        if run.note and (run.epoch or self.mode == "training"):
            print(run.note)

    def find_last(self) -> RunWeights:
        """Return the newest weight file of this configuration's newest run with one.

        A path; `find_last()[1]` is the path too, see `RunWeights`.

        Raises:
            FileNotFoundError: if there is none; names the folder.
        """
        return RunWeights(last_weights(self.config.NAME, self.model_dir))

    def load_weights(
        self,
        filepath: str | Path,
        by_name: bool = False,
        exclude: str | Collection[str] | None = None,
    ) -> LoadReport:
        """Read weights, and go on with the run that the file belongs to.

        Args:
            filepath: an .h5 file in Matterport's layout.
            by_name: allow the file to lack layers of the model.
            exclude: names of layers that keep their values; implies `by_name`.

        What matched is returned, and printed if a layer was left out.

        Raises:
            WeightFileError: names layer, shapes and what to exclude.
        """
        filepath = as_path(filepath, "filepath")
        report = self.keras_model.load_weights(filepath, by_name, exclude)
        if report.missing or report.excluded or report.unused:
            print(report)
        self.set_log_dir(filepath)
        return report

    def get_imagenet_weights(self) -> str:
        """Fetch the ImageNet weights of ResNet-50, and return their path."""
        return str(downloads.fetch(downloads.IMAGENET, downloads.imagenet_path()))

    # --- Training

    def train(
        self,
        train_dataset: Dataset,
        val_dataset: Dataset | None,
        learning_rate: float,
        epochs: int,
        layers: str,
        augmentation: Any = None,
        custom_callbacks: Any = None,
        no_augmentation_sources: str | Collection[str] | None = None,
    ) -> None:
        """Train some layers until `epochs` epochs are done in all.

        After each epoch the run's folder gets a weight file, and logs for TensorBoard
        if that is installed. `keras_model.history.history` has the losses. `epoch`
        counts the whole epochs, however training ends.

        Args:
            train_dataset: prepared.
            val_dataset: prepared; None trains without validation.
            learning_rate: of this call.
            epochs: the total, epochs of earlier calls and runs included.
            layers: "heads", "3+", "4+", "5+", "all", or a regular expression.
            augmentation: whatever `data.augment.as_augmentation` takes: an augmenter of
                imgaug, a pipeline of Albumentations, or a function.
            custom_callbacks: one or several, called after this package's own.
            no_augmentation_sources: sources whose images stay as they are.

        Raises:
            TypeError: names an argument of another kind.
            ValueError: in mode "inference", or names what does not fit.
        """
        if self.mode != "training":
            raise ValueError('train() needs MaskRCNN(mode="training", ...).')
        learn(
            self.keras_model,
            self.config,
            train_dataset,
            val_dataset,
            learning_rate=learning_rate,
            epochs=epochs,
            layers=layers,
            augmentation=augmentation,
            custom_callbacks=custom_callbacks,
            no_augmentation_sources=no_augmentation_sources,
            seed=self.seed,
            first_epoch=self.epoch,
            checkpoint_path=self.checkpoint_path,
            done=partial(setattr, self, "epoch"),
        )

    def compile(self, learning_rate: float, momentum: float) -> None:
        """Compile the network with the configuration's optimizer."""
        take_up(checked(self.config), self.keras_model)
        optimizer = build.optimizer(self.config, learning_rate)
        if hasattr(optimizer, "momentum"):
            optimizer.momentum = momentum
        self.keras_model.compile(optimizer=optimizer)

    def set_trainable(
        self,
        layer_regex: str,
        keras_model: Any = None,
        indent: int = 0,
        verbose: int = 1,
    ) -> None:
        """Let only the layers whose whole name matches learn."""
        names = training.set_trainable(self.keras_model, layer_regex)
        if verbose:
            print("Trainable layers: " + ", ".join(names))

    def get_trainable_layers(self) -> list[keras.layers.Layer]:
        """Return the layers that have weights."""
        return list(weighted_layers(self.keras_model))

    def find_trainable_layer(self, layer: keras.layers.Layer) -> keras.layers.Layer:
        """Return the layer itself: none wraps another here."""
        return layer

    def detect(self, images: Sequence[np.ndarray], verbose: int = 0) -> list[Detection]:
        """Find the objects in any number of images of any sizes.

        Args:
            images: each (h, w, C) uint8; see `mrcnn.detection.detect`.
            verbose: whether to say what comes in.

        Returns:
            For each image a dictionary, see `structures.Detection`; boxes come back
            as Matterport's do, see `molding.boxes_to_original`.

        Raises:
            ValueError: in mode "training", or as `mrcnn.detection.detect`.
        """
        if self.mode != "inference":
            raise ValueError('detect() needs MaskRCNN(mode="inference", ...).')
        say_if_stale(self.config, self.keras_model)
        if verbose and hasattr(images, "__len__"):  # a generator has none
            log(f"Processing {len(images)} images")
        batch_size = self.config.BATCH_SIZE
        found = detection.run(self.keras_model, images, batch_size=batch_size)
        return [detection.unmold(*f, molding.boxes_to_original) for f in found]

    def mold_inputs(
        self, images: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return molded images, metas and windows, see `molding.mold`."""
        return molding.mold(self.keras_model, images, self.config.NUM_CLASSES)

    def detect_molded(
        self, molded_images: np.ndarray, image_metas: np.ndarray, verbose: int = 0
    ) -> list[Detection]:
        """Detect in images that `mold_inputs` prepared; see `detect`."""
        inputs, geometries = molding.molded_inputs(molded_images, image_metas)
        if verbose:
            log("molded_images", molded_images)
        stages = self.keras_model.stages(inputs)
        return [
            detection.unmold(stages, row, geometry, molding.boxes_to_original)
            for row, geometry in enumerate(geometries)
        ]

    def unmold_detections(
        self,
        detections: np.ndarray,
        mrcnn_mask: np.ndarray,
        original_image_shape: Sequence[int],
        image_shape: Sequence[int],
        window: Sequence[float],
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Return one image's boxes, classes, scores and masks in original pixels.

        See `molding.unmold`; masks are (h, w, n) bool.
        """
        found = molding.unmold(
            detections, mrcnn_mask, original_image_shape, image_shape, window
        )
        return found["rois"], found["class_ids"], found["scores"], found["masks"]

    def get_anchors(self, image_shape: Sequence[int]) -> np.ndarray:
        """Return normalised anchors (A, 4); `anchors` then has them in pixels."""
        self.keras_model.image_shape = int(image_shape[0]), int(image_shape[1])
        return self.keras_model.anchors(self.keras_model.image_shape)

    @property
    def anchors(self) -> np.ndarray | None:
        """Anchors in pixels of the image last seen, see `KerasModel.pixel_anchors`."""
        return self.keras_model.pixel_anchors

    def ancestor(self, tensor: Any, name: str, checked: Any = None) -> str | None:
        """Return the output that a node of Matterport's graph stands for; else None."""
        return graph.find_output(name)

    def run_graph(
        self,
        images: Sequence[np.ndarray],
        outputs: Sequence[tuple[str, Any]],
        image_metas: np.ndarray | None = None,
    ) -> OrderedDict[str, np.ndarray]:
        """Return what the network computes on the way to detections.

        Args:
            images: original ones, or molded if there are metas.
            outputs: pairs of a key and `keras_model.get_layer(...).output`, or what
                `ancestor` returned.
            image_metas: of molded images.

        Raises:
            ValueError: names an output that cannot be computed.
        """
        if image_metas is None:
            images, image_metas, _ = self.mold_inputs(images)
        inputs, _ = molding.molded_inputs(images, image_metas)
        return graph.fetch(self.keras_model, inputs, outputs)
