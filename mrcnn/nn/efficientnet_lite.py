"""EfficientNet-Lite0, a backbone for which there are weights of ImageNet.

Blocks of an expansion, a convolution of each channel by itself, and a projection that
is not rectified (MobileNetV2, arXiv:1801.04381), in the numbers of EfficientNet-B0
(arXiv:1905.11946). The Lite variant has no squeeze-and-excitation, and rectifiers that
end at 6. Convolutions have no biases. Layers are named by stage and block as those of
`mrcnn.nn.resnet`, so that stages of a training such as "4+" choose them.
"""

from collections.abc import Iterator
from typing import NamedTuple

import keras

from mrcnn.nn.layers import LayerFactory
from mrcnn.structures import Tensor

PIXEL_SCALE = 1 / 128
"""The weights of ImageNet expect (pixel - 127) / 128."""

STEM_WIDTH = 32

_ROWS = (
    # stage, blocks, kernel, stride, expansion, filters
    (2, 1, 3, 1, 1, 16),
    (2, 2, 3, 2, 6, 24),
    (3, 2, 5, 2, 6, 40),
    (4, 3, 3, 2, 6, 80),
    (4, 3, 5, 1, 6, 112),
    (5, 4, 5, 2, 6, 192),
    (5, 1, 3, 1, 6, 320),
)


class Block(NamedTuple):
    """One block of the network."""

    name: str  # stage and letter, such as "4b"
    size: int  # side of the kernels of single channels
    stride: int  # of that convolution
    expansion: int  # channels inside, for each that comes in
    filters: int  # channels that leave


def blocks() -> Iterator[Block]:
    """Yield the blocks of stages 2 to 5; the first of all leads to C1."""
    letters = {stage: iter("abcdef") for stage in range(2, 6)}
    for stage, count, size, stride, expansion, filters in _ROWS:
        for i in range(count):
            name = f"{stage}{next(letters[stage])}"
            yield Block(name, size, stride if i == 0 else 1, expansion, filters)


def efficientnet_lite0(
    image: Tensor,
    stage5: bool = True,
    train_bn: bool | None = None,
    *,
    momentum: float = 0.99,
) -> list[Tensor | None]:
    """Return C1 to C5 of an image (B, H, W, 3), of strides 2 to 32: a `BACKBONE`.

    They have 16, 24, 40, 112 and 320 channels, each from the last block of its stride.
    With `MEAN_PIXEL = (127, 127, 127)` images are as the weights of ImageNet expect
    them, which `mrcnn.backbone_weights` converts. Layers have Keras' own dtype policy,
    float32 unless it was set, whatever `PRECISION` is: on CPUs, gradients of kernels of
    single channels take several times as long in bfloat16.

    Args:
        image: RGB in 0..255 less `MEAN_PIXEL`, sides multiples of 32.
        stage5: False returns None for C5.
        train_bn: None trains the statistics of batch normalisation, False freezes them.
        momentum: of their moving averages.
    """
    make = LayerFactory(
        dtype=keras.config.dtype_policy().name,
        train_statistics=train_bn is not False,
        bn_momentum=momentum,
        seed=0,
    )
    x = keras.layers.Rescaling(PIXEL_SCALE, name="scaled", dtype=make.dtype)(image)
    x = make.conv(
        "conv_stem", STEM_WIDTH, 3, strides=2, padding="same", use_bias=False
    )(x)
    x = _relu6("conv_stem_relu", make)(make.norm("bn_stem")(x))
    maps: list[Tensor | None] = []
    for block in blocks():
        if block.stride == 2:
            maps.append(x)
        if block.name == "5a" and not stage5:
            return [*maps, None]
        x = _inverted(x, block, make)
    return [*maps, x]


def frozen_efficientnet_lite0(
    image: Tensor, stage5: bool = True, train_bn: bool | None = None
) -> list[Tensor | None]:
    """Return the same for trained weights, with the statistics that came with them.

    Those of a few pictures are worse. `TRAIN_BN` is left to the heads: they begin at
    random, where frozen statistics would be 0 and 1 for good and normalise nothing.
    """
    return efficientnet_lite0(image, stage5, train_bn=False)


def _inverted(x: Tensor, block: Block, make: LayerFactory) -> Tensor:
    """Add one block; its input is added where it has the shape of its output."""
    entering, name = x.shape[-1], f"res{block.name}"
    y = x
    if block.expansion > 1:
        width = block.expansion * entering
        y = make.conv(f"{name}_expand", width, 1, use_bias=False)(y)
        y = make.norm(f"bn{block.name}_expand")(y)
        y = _relu6(f"{name}_expand_relu", make)(y)
    y = make.depthwise(f"{name}_depthwise", block.size, strides=block.stride)(y)
    y = make.norm(f"bn{block.name}_depthwise")(y)
    y = _relu6(f"{name}_depthwise_relu", make)(y)
    y = make.conv(f"{name}_project", block.filters, 1, use_bias=False)(y)
    y = make.norm(f"bn{block.name}_project")(y)
    if block.stride > 1 or entering != block.filters:
        return y
    return keras.layers.Add(name=f"{name}_add", dtype=make.dtype)([y, x])


def _relu6(name: str, make: LayerFactory) -> keras.layers.ReLU:
    return keras.layers.ReLU(6, name=name, dtype=make.dtype)
