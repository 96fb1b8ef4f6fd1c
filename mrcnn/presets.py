"""Configurations of the book's experiments."""

from typing import Any, NamedTuple

from mrcnn.config import Config


class CompactConfig(Config):
    """A small Mask R-CNN that two CPU cores train from scratch in minutes."""

    BACKBONE = "compact"
    TOP_DOWN_PYRAMID_SIZE = 96
    RPN_CHANNELS = 96
    FPN_CLASSIF_FC_LAYERS_SIZE = 256
    MASK_HEAD_CHANNELS = 64
    TRAIN_BN = None
    BN_MOMENTUM = 0.97
    ROI_ALIGN = "aligned"
    ROI_FILL_NEGATIVES = True
    ROI_APPEND_GT = True
    TRAIN_ROIS_PER_IMAGE = 64
    ROI_POSITIVE_RATIO = 0.5
    MASK_ROIS_PER_IMAGE = 8
    SMOOTH_L1_BETA = 1 / 9
    PRE_NMS_LIMIT = 512
    POST_NMS_ROIS_TRAINING = 128
    POST_NMS_ROIS_INFERENCE = 100
    RPN_TRAIN_ANCHORS_PER_IMAGE = 128
    OPTIMIZER = "adamw"
    WEIGHT_DECAY = 0.01
    LEARNING_RATE = 0.002
    LEARNING_RATE_SCHEDULE = "cosine"
    WARMUP_STEPS = 100
    MAX_FAULTY_IMAGES = 0.1


class OwnImagesConfig(CompactConfig):
    """Images of one's own; `mrcnn.data.check` suggests what depends on them."""

    IMAGES_PER_GPU = 4
    DETECTION_MIN_CONFIDENCE = 0.05  # AP needs the unsure detections too
    DETECTION_OUTSCORES_BACKGROUND = False


class ShapesConfig(CompactConfig):
    """Squares, circles and triangles at 128 pixels."""

    NAME = "shapes"
    IMAGES_PER_GPU = 8
    NUM_CLASSES = 1 + 3
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128
    # Objects are 40 to 64 pixels large. Scales an octave apart, as for photographs,
    # leave most of them without an anchor of IoU 0.7; half an octave reaches nine in
    # ten.
    RPN_ANCHOR_SCALES = (32, 48, 64, 96, 128)
    LEARNING_RATE = 0.003
    MAX_GT_INSTANCES = 8
    USE_MINI_MASK = False
    DETECTION_MAX_INSTANCES = 20
    DETECTION_MIN_CONFIDENCE = 0.05
    DETECTION_NMS_THRESHOLD = 0.5


class QuickShapesConfig(ShapesConfig):
    """The same where the time of training counts: masks are learnt before boxes are.

    Half as many masks make a step cheaper, which buys more steps.
    """

    MASK_ROIS_PER_IMAGE = 4


class DeployedShapesConfig(ShapesConfig):
    """The same where time counts: as few slots as images of up to four objects need.

    Exported models compute all slots of the mask head, filled or not (`mrcnn.export`).
    """

    POST_NMS_ROIS_INFERENCE = 16
    DETECTION_MAX_INSTANCES = 5


class BalloonConfig(CompactConfig):
    """Balloons, drawn ones at first, at 512 pixels."""

    NAME = "balloon"
    IMAGES_PER_GPU = 4
    NUM_CLASSES = 1 + 1
    IMAGE_MIN_DIM = 512
    IMAGE_MAX_DIM = 512
    # Round things from 10 to 300 pixels, most of them small: less than an octave apart.
    RPN_ANCHOR_SCALES = (26, 44, 75, 127, 216)
    RPN_ANCHOR_RATIOS = (0.6, 0.85, 1.2)
    MASK_POOL_SIZE = 28  # in print, cells of a 28 x 28 mask are as large as ten pixels
    DETECTION_MASK_SMOOTHING = 2
    MAX_GT_INSTANCES = 32
    DETECTION_MAX_INSTANCES = 50
    DETECTION_MIN_CONFIDENCE = 0.05
    DETECTION_OUTSCORES_BACKGROUND = False
    # In a bunch, boxes of neighbours overlap by more than 0.3, hardly any by 0.5.
    DETECTION_NMS_THRESHOLD = 0.5


class QuickBalloonConfig(BalloonConfig):
    """The same where the time of training counts: smaller images, learnt in less.

    After 800 steps, masks have an AP of 0.4; with images of 512 pixels, of 0.1.
    """

    IMAGE_MIN_DIM = 384
    IMAGE_MAX_DIM = 384
    RPN_ANCHOR_SCALES = (24, 40, 64, 104, 168)


class PhotographsConfig(BalloonConfig):
    """Balloons in photographs, which are larger than drawn ones: at 640 pixels."""

    IMAGE_MIN_DIM = 640
    IMAGE_MAX_DIM = 640


class NucleiConfig(CompactConfig):
    """Nuclei in fluorescence microscopy, in windows of 192 pixels, twice as large.

    Half of them are below 22 pixels, in pictures of up to 1,024 that show hundreds.
    """

    NAME = "nuclei"
    IMAGES_PER_GPU = 4
    NUM_CLASSES = 1 + 1
    IMAGE_MIN_DIM = 384
    IMAGE_MAX_DIM = 384
    RPN_ANCHOR_SCALES = (14, 24, 40, 64, 100)
    RPN_ANCHOR_RATIOS = (0.7, 1.0, 1.4)
    RPN_TRAIN_ANCHORS_PER_IMAGE = 256
    PRE_NMS_LIMIT = 1500
    POST_NMS_ROIS_TRAINING = 256
    POST_NMS_ROIS_INFERENCE = 400
    MASK_ROIS_PER_IMAGE = 16
    MINI_MASK_SHAPE = (28, 28)
    MAX_GT_INSTANCES = 100
    DETECTION_MAX_INSTANCES = 150
    DETECTION_MIN_CONFIDENCE = 0.05
    DETECTION_NMS_THRESHOLD = 0.5


NUCLEI_TILE = 192
"""Side of the windows of `NucleiConfig`, in pixels of the pictures."""


class SmokeShapesConfig(ShapesConfig):
    """Shapes, two at a time, to see in little time that everything runs.

    It keeps the optimizer: after a few steps of plain SGD the network still finds noise
    all over the pictures, and these are then too large for the copies of the book.
    """

    IMAGES_PER_GPU = 2


class SmokeBalloonConfig(BalloonConfig):
    """Balloons at 128 pixels, to see in little time that everything runs."""

    IMAGES_PER_GPU = 2
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128


class ShapesResNet50Config(Config):
    """Matterport's Shapes sample: the full-size network on 128 pixels."""

    NAME = "shapes"
    BACKBONE = "resnet50"
    IMAGES_PER_GPU = 8
    NUM_CLASSES = 1 + 3
    IMAGE_MIN_DIM = 128
    IMAGE_MAX_DIM = 128
    RPN_ANCHOR_SCALES = (8, 16, 32, 64, 128)
    TRAIN_ROIS_PER_IMAGE = 32
    STEPS_PER_EPOCH = 100
    VALIDATION_STEPS = 5


SHAPES_TRAIN_SEED, SHAPES_VALIDATION_SEED, SHAPES_TEST_SEED = 1, 2, 3
"""Seeds of three sets of Shapes that share no image."""


class Profile(NamedTuple):
    """How much a notebook computes."""

    train_images: int
    test_images: int
    epochs: int
    steps: int  # an epoch


PROFILES: dict[str, dict[str, Profile]] = {
    "shapes": {
        "smoke": Profile(train_images=16, test_images=4, epochs=2, steps=2),
        "cpu": Profile(train_images=4000, test_images=200, epochs=11, steps=200),
        "full": Profile(train_images=20000, test_images=1000, epochs=40, steps=500),
    },
    "shapes pruning": {
        "smoke": Profile(train_images=16, test_images=4, epochs=4, steps=2),
        "cpu": Profile(train_images=2000, test_images=100, epochs=12, steps=25),
        "full": Profile(train_images=20000, test_images=1000, epochs=60, steps=100),
    },
    "balloon pruning": {
        "smoke": Profile(train_images=8, test_images=3, epochs=4, steps=2),
        "cpu": Profile(train_images=160, test_images=40, epochs=6, steps=25),
        "full": Profile(train_images=160, test_images=40, epochs=20, steps=100),
    },
    "balloon": {
        "smoke": Profile(train_images=8, test_images=3, epochs=2, steps=2),
        "cpu": Profile(train_images=160, test_images=40, epochs=8, steps=100),
        "full": Profile(train_images=160, test_images=40, epochs=60, steps=250),
    },
}
"""By experiment and name: "smoke" shows that everything runs, "cpu" learns visibly on
two cores in minutes, "full" is for a GPU."""


def shapes_config(name: str) -> ShapesConfig:
    """Return the configuration of the chapters on Shapes for a profile's name."""
    return SmokeShapesConfig() if name == "smoke" else ShapesConfig()


def balloon_config(name: str) -> BalloonConfig:
    """Return the configuration of the balloon chapters for a profile's name."""
    return SmokeBalloonConfig() if name == "smoke" else BalloonConfig()


def quick_balloon_config(name: str) -> BalloonConfig:
    """Return the configuration of the chapter that trains on balloons for minutes."""
    return SmokeBalloonConfig() if name == "smoke" else QuickBalloonConfig()


SHAPES_TRAINING = Profile(train_images=4000, test_images=200, epochs=13, steps=200)
"""What the shipped network, the study's dense networks (but for ResNet-50, of fewer
epochs) and `benchmarks.accuracy` had: somewhat more than profile "cpu", which has to
share 45 minutes with the other chapters."""

QUICK_SHAPES_TRAINING = SHAPES_TRAINING._replace(epochs=11)
"""What brings `QuickShapesConfig` to an AP of 0.90 in boxes and masks."""

DRAWN_TRAINING = Profile(train_images=6000, test_images=40, epochs=40, steps=200)
"""What the shipped balloon network had: an hour and a quarter of two cores."""

PRETRAINED_DRAWN_TRAINING = DRAWN_TRAINING._replace(epochs=20)
CHOICES_TRAINING = DRAWN_TRAINING._replace(epochs=4)
"""What a network on a trained backbone has, and one on which one choice is tried."""

PHOTOGRAPHS_TRAINING = Profile(train_images=61, test_images=13, epochs=5, steps=80)
"""What a balloon network has of photographs."""

NUCLEI_TRAINING = Profile(train_images=222, test_images=73, epochs=8, steps=300)
"""The same of the nuclei, in less than 30 minutes of two cores."""


class OwnImagesProfile(NamedTuple):
    """How much the notebook of one's own images computes, however many there are."""

    side: int  # of the network's image, at most
    images: int  # that are measured on, at most
    epochs: int
    steps: int  # an epoch
    every: int  # epochs from one measurement to the next


OWN_IMAGES = {
    "smoke": OwnImagesProfile(side=128, images=3, epochs=2, steps=2, every=1),
    "cpu": OwnImagesProfile(side=384, images=40, epochs=16, steps=50, every=2),
    "full": OwnImagesProfile(side=1024, images=500, epochs=60, steps=250, every=3),
}
"""By the names of `PROFILES`."""


def profile(experiment: str, name: str, epochs: int = 0) -> Profile:
    """Return a profile, with another number of epochs unless `epochs` is 0.

    Raises:
        ValueError: if there is no such profile; names those there are.
    """
    return _named(PROFILES[experiment], name, epochs)


def own_images_profile(name: str, epochs: int = 0) -> OwnImagesProfile:
    """Return a profile of one's own images; see `profile`."""
    return _named(OWN_IMAGES, name, epochs)


def _named(profiles: dict[str, Any], name: str, epochs: int) -> Any:
    """Return the profile of a name, with another number of epochs unless that is 0."""
    if name not in profiles:
        raise ValueError(
            f"There is no profile {name!r}; PROFILE is one of {', '.join(profiles)}."
        )
    return profiles[name]._replace(**({"epochs": epochs} if epochs else {}))
