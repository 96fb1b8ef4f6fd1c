"""Which channels of the network hang together, so that they can be removed together.

A channel that one layer makes and another reads is a row of the one's kernel and a
column of the other's. Where layers are added, as in a stage of the backbone or on the
way down the pyramid, or where one layer reads what several made, as the heads read P2
to P5, their channels are one: arXiv:2301.12900 calls such layers coupled. Here they are
written down for the network that the other modules of this package build.
"""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from mrcnn.nn.fpn import LATERALS, OUTPUTS
from mrcnn.nn.resnet import BLOCKS, block_names


class Map(NamedTuple):
    """Features that have a group's channels."""

    makers: tuple[str, ...]  # whose outputs are added up
    readers: tuple[str, ...]


class ChannelGroup(NamedTuple):
    """Layers that have their channels in common."""

    name: str
    makers: tuple[str, ...]  # convolutions whose filters are these channels
    norms: tuple[str, ...]  # batch normalisation of each maker; empty if there is none
    readers: tuple[str, ...]  # layers whose kernels have a slice for each channel
    several: tuple[Map, ...] = ()  # maps, if all makers together do not make one
    adds: bool = False  # whether each of these maps is added to the one before it
    rectified: bool = True  # whether they are rectified before anything reads them

    @property
    def maps(self) -> tuple[Map, ...]:
        """Return the features with these channels, in the order they are made."""
        return self.several or (Map(self.makers, self.readers),)

    def __str__(self) -> str:
        """Return the group in one line."""
        return f"{self.name}: {', '.join(self.makers)} -> {', '.join(self.readers)}"


def channel_groups(architecture: object) -> list[ChannelGroup]:
    """Return every group of channels of a network, from the image to the outputs.

    Channels of the image and of the outputs belong to none: they are given.

    Args:
        architecture: of the backbone. The channels of one that the user wrote
            are not known: only those of the other parts are returned.
    """
    backbone = list(_backbone(architecture)) if architecture in BLOCKS else []
    return [*backbone, *_pyramid(), *_heads()]


def _backbone(architecture: object) -> Iterator[ChannelGroup]:
    stages = block_names(str(architecture))
    yield ChannelGroup("stem", ("conv1",), ("bn_conv1",), _entrance(stages[0][0]))
    for i, blocks in enumerate(stages):
        for block in blocks:
            branch = f"res{block}_branch2"
            for inner, reader in ("ab", "bc"):
                name = f"{block}_branch2{inner}"
                yield ChannelGroup(
                    f"block {block}, {'first' if inner == 'a' else 'second'}",
                    (f"res{name}",),
                    (f"bn{name}",),
                    (f"{branch}{reader}",),
                )
        makers = [f"{blocks[0]}_branch1", *(f"{block}_branch2c" for block in blocks)]
        leaves = _entrance(stages[i + 1][0]) if i + 1 < len(stages) else ()
        readers = [(f"res{block}_branch2a",) for block in blocks[1:]]
        readers.append((*leaves, LATERALS[i]))
        added = [tuple(f"res{name}" for name in makers[:2])]
        added += [(f"res{name}",) for name in makers[2:]]
        yield ChannelGroup(
            f"stage {i + 2}",
            tuple(f"res{name}" for name in makers),
            tuple(f"bn{name}" for name in makers),
            tuple(chain.from_iterable(readers)),
            tuple(map(Map, added, readers)),
            adds=True,
        )


def _entrance(block: str) -> tuple[str, ...]:
    """Return what reads the input of a stage's first block."""
    return f"res{block}_branch2a", f"res{block}_branch1"


def _pyramid() -> Iterator[ChannelGroup]:
    # From the top down.
    maps = [Map((made,), (read,)) for made, read in zip(LATERALS, OUTPUTS, strict=True)]
    yield ChannelGroup(
        *("laterals", LATERALS, (), OUTPUTS),
        tuple(reversed(maps)),
        adds=True,
        rectified=False,
    )
    readers = ("rpn_conv_shared", "mrcnn_class_conv1", "mrcnn_mask_conv1")
    levels = tuple(Map((made,), readers) for made in OUTPUTS)
    yield ChannelGroup("pyramid", OUTPUTS, (), readers, levels, rectified=False)


def _heads() -> Iterator[ChannelGroup]:
    outputs = ("rpn_class_raw", "rpn_bbox_pred")
    yield ChannelGroup("proposals", ("rpn_conv_shared",), (), outputs)
    readers = ("mrcnn_class_conv2",), ("mrcnn_class_logits", "mrcnn_bbox_fc")
    for i, read in enumerate(readers, start=1):
        yield ChannelGroup(
            f"box head {i}", (f"mrcnn_class_conv{i}",), (f"mrcnn_class_bn{i}",), read
        )
    for i in range(1, 5):
        reader = f"mrcnn_mask_conv{i + 1}" if i < 4 else "mrcnn_mask_deconv"
        yield ChannelGroup(
            f"mask head {i}",
            (f"mrcnn_mask_conv{i}",),
            (f"mrcnn_mask_bn{i}",),
            (reader,),
        )
    yield ChannelGroup("mask head 5", ("mrcnn_mask_deconv",), (), ("mrcnn_mask",))
