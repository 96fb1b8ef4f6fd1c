"""A balloon network on a backbone that has seen ImageNet (`mrcnn backbone`).

How it learns was settled before it saw a photograph, by what others do with trained
backbones and few pictures a batch:

- Statistics of the backbone stay (torchvision, Detectron2); those of the heads, which
  begin at random, are learnt.
- Heads learn first, at the full rate, and then the rest with them, at a tenth of it
  (Matterport), so that gradients of random heads do not spoil what was learnt.
- Stem and stage 2 stay as they are (torchvision's `trainable_backbone_layers=3`,
  Detectron2's `FREEZE_AT=2`). What they find, edges and colours, is alike everywhere;
  and their maps are the largest, so that a step becomes cheaper without their
  gradients.
"""

from pathlib import Path

from mrcnn import build, weights
from mrcnn.benchmarks.balloons import drawn, teach
from mrcnn.config import Config, with_settings
from mrcnn.hardware import seed_everything
from mrcnn.hdf5 import WeightFileError
from mrcnn.nn.efficientnet_lite import frozen_efficientnet_lite0
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.presets import PRETRAINED_DRAWN_TRAINING, BalloonConfig
from mrcnn.structures import Stage

SETTINGS = {
    "BACKBONE": frozen_efficientnet_lite0,
    "MEAN_PIXEL": (127, 127, 127),
    "WARMUP_STEPS": 50,  # twice, once a stage
}
"""What a configuration has otherwise than with the book's backbone."""
HEADS_EPOCHS = 2
"""The first ones, in which heads learn alone."""
SLOWER = 10
"""How many times, once the backbone learns too."""


def on_backbone(config: Config) -> Config:
    """Return a configuration with this backbone."""
    return with_settings(config, SETTINGS)


def stages(config: Config, epochs: int) -> list[Stage]:
    """Return the stages of a training of so many epochs."""
    heads = build.stage(config, HEADS_EPOCHS, "heads")
    rest = build.stage(config, epochs - HEADS_EPOCHS, "3+")
    return [heads, rest._replace(learning_rate=rest.learning_rate / SLOWER)]


def begun(config: Config, backbone: Path, seed: int) -> MaskRCNN:
    """Return a network with random heads on the backbone's weights.

    Args:
        config: of `on_backbone`.
        backbone: the file that `mrcnn backbone` has written.
        seed: of the heads.

    Raises:
        FileNotFoundError: if there is no such file.
        WeightFileError: if it is another's.
    """
    model = build.model(config, seed=seed)
    loaded = set(weights.load_weights(model, backbone, partial=True).loaded)
    wanted = {layer.name for layer in model.backbone.layers if layer.weights}
    if loaded != wanted:
        raise WeightFileError(
            f"{backbone} holds {len(wanted & loaded)} of the {len(wanted)} layers of "
            f"the backbone, and {len(loaded - wanted)} others: give the file that "
            "`mrcnn backbone` writes."
        )
    return model


def after_drawn(folder: Path, backbone: Path, seed: int = 0) -> Path:
    """Return the weights of a network that learnt from drawn pictures.

    Args:
        folder: has or gets them, the pictures and the checkpoints.
        backbone: as `begun` takes it.
        seed: of heads, order, augmentation and samples.
    """
    path, plan = folder / "pretrained_drawn.h5", PRETRAINED_DRAWN_TRAINING
    if path.is_file():
        return path
    config, pictures = on_backbone(BalloonConfig()), drawn(folder)
    seed_everything(seed)
    model = begun(config, backbone, seed)
    place, plans = folder / "pretrained_training", stages(config, plan.epochs)
    teach(model, config, pictures, plan.steps, plans, place)
    weights.save_weights(model, path)
    return path
