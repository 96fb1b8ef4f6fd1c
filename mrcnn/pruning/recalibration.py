"""Statistics of batch normalisation for a network whose weights were cut."""

import keras

from mrcnn.data.pipeline import Batches
from mrcnn.nn.mask_rcnn import MaskRCNN
from mrcnn.structures import Stage
from mrcnn.training import fit


def recalibrate(model: MaskRCNN, batches: Batches) -> None:
    """Let moving statistics follow the activations of the network as it is now.

    Pruning shifts activations, and the statistics still describe the dense network
    (arXiv:2007.02491, section 3.3). This trains for an epoch at a learning rate of 0:
    statistics move, weights do not. It costs as much as the same steps of training.

    Args:
        model: with statistics that train (`TRAIN_BN = None`); frozen ones stay.
        batches: of training data; an epoch of some 50 is enough at `BN_MOMENTUM` 0.97.
    """
    fit(
        model,
        batches,
        stages=[Stage("all", 1, 0.0)],
        optimizer=keras.optimizers.SGD,
        verbose=0,
    )
