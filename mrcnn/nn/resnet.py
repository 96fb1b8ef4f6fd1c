"""The residual backbone: an image becomes feature maps C2 to C5 of strides 4 to 32.

Bottleneck ResNet (arXiv:1512.03385) in the variant of Matterport's weights: the stride
of a stage sits in its first 1 x 1 convolution, convolutions have biases, and layers are
named as in the first Caffe models.
"""

from collections.abc import Callable, Mapping, Sequence

import keras

from mrcnn.nn.layers import LayerFactory
from mrcnn.nn.own_backbone import own_backbone
from mrcnn.structures import Tensor

BLOCKS: dict[str, tuple[int, int, int, int]] = {
    "resnet50": (3, 4, 6, 3),
    "resnet101": (3, 4, 23, 3),
    "compact": (2, 2, 2, 2),
}
"""Blocks in stages 2 to 5 of each backbone."""

STAGE_WIDTHS: dict[str, tuple[tuple[int, int], ...]] = {
    "resnet50": ((64, 256), (128, 512), (256, 1024), (512, 2048)),
    "resnet101": ((64, 256), (128, 512), (256, 1024), (512, 2048)),
    "compact": ((32, 64), (48, 128), (64, 192), (80, 256)),
}
"""Inner and outer filters of the blocks of stages 2 to 5."""

STEM_WIDTH: dict[str, int] = {"resnet50": 64, "resnet101": 64, "compact": 32}


def block_names(architecture: str) -> list[list[str]]:
    """Return the blocks of stages 2 to 5, such as "2a", "2b"."""
    return [
        [f"{stage}{chr(ord('a') + i)}" for i in range(count)]
        for stage, count in enumerate(BLOCKS[architecture], start=2)
    ]


def default_widths(architecture: str) -> dict[str, int]:
    """Return the filters of every convolution of a backbone, by layer name."""
    widths = {"conv1": STEM_WIDTH[architecture]}
    stages = zip(block_names(architecture), STAGE_WIDTHS[architecture], strict=True)
    for blocks, (inner, outer) in stages:
        widths[f"res{blocks[0]}_branch1"] = outer
        for block in blocks:
            widths[f"res{block}_branch2a"] = inner
            widths[f"res{block}_branch2b"] = inner
            widths[f"res{block}_branch2c"] = outer
    return widths


def bottleneck(
    x: Tensor,
    name: str,
    stride: int,
    widths: Mapping[str, int],
    make: LayerFactory,
    *,
    project: bool,
) -> Tensor:
    """Add one block: 1 x 1, 3 x 3, 1 x 1, beside a shortcut.

    Args:
        x: features (B, h, w, C).
        name: of the block, such as "2a".
        stride: of its first convolution, and of the shortcut's.
        widths: filters by layer name.
        make: makes the layers.
        project: whether the shortcut is a 1 x 1 convolution, else x itself.
    """

    def conv_norm(y: Tensor, branch: str, size: int, stride: int = 1) -> Tensor:
        layer = f"res{name}_branch{branch}"
        y = make.conv(layer, widths[layer], size, strides=stride, padding="same")(y)
        # A branch that starts at zero makes each block start as the identity.
        gamma = "zeros" if branch == "2c" and make.train_statistics else "ones"
        return make.norm(f"bn{name}_branch{branch}", gamma_initializer=gamma)(y)

    y = make.relu(f"res{name}_branch2a_relu")(conv_norm(x, "2a", 1, stride))
    y = make.relu(f"res{name}_branch2b_relu")(conv_norm(y, "2b", 3))
    y = conv_norm(y, "2c", 1)
    shortcut = conv_norm(x, "1", 1, stride) if project else x
    y = keras.layers.Add(name=f"res{name}_add", dtype=make.dtype)([y, shortcut])
    return make.relu(f"res{name}_out")(y)


def features(
    image: Tensor, architecture: str, widths: Mapping[str, int], make: LayerFactory
) -> list[Tensor]:
    """Return C1 to C5 of an image (B, H, W, C), of strides 4, 4, 8, 16 and 32.

    Args:
        image: padded.
        architecture: a key of `BLOCKS`.
        widths: filters of every convolution by layer name, see `default_widths`.
        make: makes the layers.
    """
    x = keras.layers.ZeroPadding2D(3, name="conv1_pad", dtype=make.dtype)(image)
    x = make.conv("conv1", widths["conv1"], 7, strides=2)(x)
    x = make.relu("conv1_relu")(make.norm("bn_conv1")(x))
    x = keras.layers.MaxPooling2D(
        3, strides=2, padding="same", name="pool1", dtype=make.dtype
    )(x)
    outputs = [x]
    for stage, blocks in enumerate(block_names(architecture), start=2):
        for block in blocks:
            first = block.endswith("a")
            stride = 2 if first and stage > 2 else 1
            x = bottleneck(x, block, stride, widths, make, project=first)
        outputs.append(x)
    return outputs


def build_backbone(
    architecture: str | Callable[..., Sequence[Tensor]],
    channels: int,
    widths: Mapping[str, int],
    make: LayerFactory,
) -> keras.Model:
    """Return the model image (B, H, W, channels) -> [C2, C3, C4, C5].

    Args:
        architecture: "resnet50", "resnet101" or "compact"; or a function that returns
            C1 to C5 when it is called as Matterport's `resnet_graph`,
            `f(image, stage5=True, train_bn=...)`.
        channels: of the image.
        widths: filters by layer name, see `default_widths`; a function has its own.
        make: makes the layers.

    Raises:
        ValueError: as `own_backbone`.
    """
    image = keras.Input((None, None, channels), name="input_image", dtype="float32")
    if callable(architecture):
        train_bn = None if make.train_statistics else False
        return own_backbone(architecture, image, train_bn)
    outputs = features(image, architecture, widths, make)
    return keras.Model(image, outputs[1:], name=architecture)
